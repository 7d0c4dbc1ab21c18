//! Which marks found lesions, which are wrong, which do not count.

use serde::{Deserialize, Serialize};

use super::hit::HitCriterion;
use crate::detection::annotation::AnnotationKind;
use crate::detection::images::{DetectionImage, DetectionImages};
use crate::error::Result;

/// What further marks on a lesion are that was found already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RepeatedMarks {
    /// Nothing: the highest score counts, for every lesion that the mark lies on (LUNA16, CAMELYON16).
    #[default]
    Dropped,
    /// False: a mark takes one free lesion, that which it meets best, by falling score (nnDetection).
    False,
}

/// A found lesion or a wrong mark.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Event {
    pub(crate) score: f64,
    pub(crate) is_hit: bool,
    /// Its image, counted in their order.
    pub(crate) image: usize,
}

/// The events of all images, by falling score, and the lesions of each image.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    pub(crate) events: Vec<Event>,
    pub(crate) lesions: Vec<u32>,
}

impl Marks {
    /// Compares the marks of all images with their lesions; of one class, if one is named.
    pub(crate) fn of<const D: usize>(
        images: &DetectionImages<D>,
        class: Option<u32>,
        (hit, repeated): (HitCriterion, RepeatedMarks),
    ) -> Result<Self> {
        hit.check()?;
        let mut marks = Self::default();
        for (number, image) in images.iter().enumerate() {
            let counted = image.annotations().iter().filter(|lesion| {
                lesion.kind() == AnnotationKind::Ordinary
                    && class.is_none_or(|c| c == lesion.class())
            });
            marks.lesions.push(counted.count() as u32);
            let before = marks.events.len();
            match repeated {
                RepeatedMarks::Dropped => marks.add_best(image, class, hit)?,
                RepeatedMarks::False => marks.add_one_to_one(image, class, hit)?,
            }
            marks.events[before..]
                .iter_mut()
                .for_each(|event| event.image = number);
        }
        // Equal scores are one point of a curve, so their order does not matter.
        marks.events.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(marks)
    }

    fn add(&mut self, score: f64, is_hit: bool) {
        self.events.push(Event {
            // The two zeros are equal scores.
            score: score + 0.0,
            is_hit,
            image: 0,
        });
    }

    fn add_best<const D: usize>(
        &mut self,
        image: &DetectionImage<D>,
        class: Option<u32>,
        hit: HitCriterion,
    ) -> Result<()> {
        let mut best: Vec<Option<f64>> = vec![None; image.annotations().len()];
        for found in image.detections() {
            if class.is_some_and(|class| class != found.class()) {
                continue;
            }
            let mut on_lesion = false;
            for (lesion, best) in image.annotations().iter().zip(&mut best) {
                if hit.quality(image, lesion, found)?.is_none() {
                    continue;
                }
                on_lesion = true;
                if lesion.kind() == AnnotationKind::Ordinary
                    && best.is_none_or(|b| b < found.score())
                {
                    *best = Some(found.score());
                }
            }
            if !on_lesion {
                self.add(found.score(), false);
            }
        }
        best.into_iter()
            .flatten()
            .for_each(|score| self.add(score, true));
        Ok(())
    }

    fn add_one_to_one<const D: usize>(
        &mut self,
        image: &DetectionImage<D>,
        class: Option<u32>,
        hit: HitCriterion,
    ) -> Result<()> {
        let of_class = |c: u32| class.is_none_or(|class| class == c);
        let mut found: Vec<_> = image
            .detections()
            .iter()
            .filter(|f| of_class(f.class()))
            .collect();
        found.sort_by(|a, b| b.score().total_cmp(&a.score()));
        let lesions = image.annotations();
        let mut taken = vec![false; lesions.len()];
        for found in found {
            let (mut best, mut ignored) = (None, false);
            for (number, lesion) in lesions.iter().enumerate() {
                let Some(quality) = hit.quality(image, lesion, found)? else {
                    continue;
                };
                if lesion.kind() != AnnotationKind::Ordinary {
                    ignored = true;
                } else if !taken[number] && best.is_none_or(|(_, least)| quality >= least) {
                    best = Some((number, quality));
                }
            }
            match best {
                Some((number, _)) => {
                    taken[number] = true;
                    self.add(found.score(), true);
                }
                None if ignored => {}
                None => self.add(found.score(), false),
            }
        }
        Ok(())
    }
}
