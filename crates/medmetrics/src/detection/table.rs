//! The detections of a class over all images, by falling score, with what became of each.
//!
//! Most detections lie on nothing; of these a table keeps 24 bytes and no outcome, which is what makes
//! large evaluations cheap. Images are compared class by class, so that a class stays in the cache.

use rayon::prelude::*;

use super::annotation::{Annotation, Detection};
use super::images::{DetectionImage, DetectionImages};
use crate::error::Result;

/// Most overlap thresholds, one bit each.
pub(super) const MOST_THRESHOLDS: usize = 64;

/// Most size ranges, one bit each.
pub(super) const MOST_RANGES: usize = 32;

/// What became of a detection, one bit a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Outcome {
    /// It found something.
    pub(super) matched: u64,
    /// It counts neither as right nor as wrong.
    pub(super) ignored: u64,
}

/// The annotations and detections of one class in one image; detections by falling score.
pub(super) struct Group<'a, const D: usize> {
    pub(super) image: &'a DetectionImage<D>,
    pub(super) annotations: &'a [&'a Annotation<D>],
    pub(super) detections: &'a [&'a Detection<D>],
    /// Of each detection, the ranges of size it belongs to.
    pub(super) in_range: &'a [u32],
}

/// A rule for who found what.
pub(super) trait Matcher<const D: usize>: Sync {
    /// Memory that is used again from group to group.
    type Scratch: Default + Send;

    /// Number of size ranges.
    fn ranges(&self) -> usize;

    /// Detections of a class that count in one image, those of the highest scores.
    fn most_detections(&self) -> usize;

    /// The ranges that a detection's size belongs to, one bit each.
    fn detection_ranges(&self, image: &DetectionImage<D>, detection: &Detection<D>) -> u32;

    /// The ranges in which an annotation is to be found, one bit each.
    fn annotation_ranges(&self, image: &DetectionImage<D>, annotation: &Annotation<D>) -> u32;

    /// The outcome of a detection that lies on nothing, by whether it is in the range.
    fn unmatched(&self, in_range: bool) -> Outcome;

    /// Fills in what became of detection `d` in range `r` at `outcomes[d * ranges + r]`.
    fn match_group(
        &self,
        group: &Group<'_, D>,
        scratch: &mut Self::Scratch,
        outcomes: &mut [Outcome],
    ) -> Result<()>;
}

/// A detection in a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) score: f64,
    /// Its image, counted in their order.
    pub(super) image: u32,
    /// Detections of its class and image before it.
    pub(super) rank: u32,
    in_range: u32,
    /// Where its outcomes stand, or [`PLAIN`].
    special: u32,
}

/// Of detections that lie on nothing.
const PLAIN: u32 = u32::MAX;

/// All detections and annotations of a class.
#[derive(Debug)]
pub(super) struct ClassTable {
    pub(super) class: u32,
    pub(super) rows: Vec<Row>,
    outcomes: Vec<Outcome>,
    unmatched: [Outcome; 2],
    ranges: usize,
    /// For every annotation its image and the ranges in which it is to be found.
    annotations: Vec<(u32, u32)>,
}

impl ClassTable {
    /// Annotations to be found in a range, each as often as its image counts.
    pub(super) fn positives(&self, range: usize, times: impl Fn(u32) -> u32) -> u64 {
        let counted = self.annotations.iter().filter(|(_, r)| r >> range & 1 == 1);
        counted.map(|&(image, _)| u64::from(times(image))).sum()
    }

    /// What became of a row in a range.
    pub(super) fn outcome(&self, row: &Row, range: usize) -> Outcome {
        match row.special {
            PLAIN => self.unmatched[row.in_range as usize >> range & 1],
            at => self.outcomes[at as usize * self.ranges + range],
        }
    }

    /// Whether a row lies on nothing; if so, whether it is in the range.
    pub(super) fn plain(row: &Row, range: usize) -> Option<bool> {
        (row.special == PLAIN).then_some(row.in_range >> range & 1 == 1)
    }
}

/// A detection on its way into a table.
#[derive(Clone, Copy)]
struct Mark {
    score: f64,
    image: u32,
    index: u32,
    in_range: u32,
}

/// An annotation on its way into a table.
#[derive(Clone, Copy)]
struct Place {
    image: u32,
    index: u32,
}

/// The tables of all classes, ascending.
pub(super) fn tables<M: Matcher<D>, const D: usize>(
    images: &DetectionImages<D>,
    matcher: &M,
) -> Result<Vec<ClassTable>> {
    let list: Vec<&DetectionImage<D>> = images.iter().collect();
    let classes = Classes::of(images);
    let annotations = classes.sorted(&list, DetectionImage::annotations, |_, _| ());
    let detections = classes.sorted(&list, DetectionImage::detections, |image, detection| {
        // The two zeros are equal scores.
        let score = detection.score() + 0.0;
        (score, matcher.detection_ranges(image, detection))
    });
    let numbers: Vec<usize> = (0..classes.list.len()).collect();
    numbers
        .into_par_iter()
        .map_init(M::Scratch::default, |scratch, number| {
            let builder = Builder {
                list: &list,
                matcher,
                class: classes.list[number],
            };
            let marks = detections
                .of(number)
                .iter()
                .map(|&(at, (score, in_range))| Mark {
                    score,
                    image: at.image,
                    index: at.index,
                    in_range,
                });
            let places: Vec<Place> = annotations.of(number).iter().map(|(at, ())| *at).collect();
            builder.table(marks.collect(), &places, scratch)
        })
        .collect()
}

/// Classes and how to find their numbers.
struct Classes {
    list: Vec<u32>,
    /// Number of each of the low classes.
    low: Vec<u32>,
}

impl Classes {
    fn of<const D: usize>(images: &DetectionImages<D>) -> Self {
        let list = images.classes();
        let low = list.iter().filter(|class| **class < 1 << 16).count();
        let mut numbers = vec![0; list[..low].last().map_or(0, |last| *last as usize + 1)];
        for (number, &class) in list[..low].iter().enumerate() {
            numbers[class as usize] = number as u32;
        }
        Self { list, low: numbers }
    }

    fn number(&self, class: u32) -> usize {
        match self.low.get(class as usize) {
            Some(&number) => number as usize,
            None => self.list.partition_point(|other| *other < class),
        }
    }

    /// Items of all images by class, in their order, with what `value` makes of them.
    fn sorted<'a, T: Classified + 'a, V: Copy + Default, const D: usize>(
        &self,
        list: &[&'a DetectionImage<D>],
        items: impl Fn(&'a DetectionImage<D>) -> &'a [T],
        value: impl Fn(&DetectionImage<D>, &T) -> V,
    ) -> ByClass<V> {
        let mut ends = vec![0; self.list.len() + 1];
        for item in list.iter().flat_map(|image| items(image)) {
            ends[self.number(item.class()) + 1] += 1;
        }
        for number in 1..ends.len() {
            ends[number] += ends[number - 1];
        }
        let nowhere = Place { image: 0, index: 0 };
        let mut sorted = vec![(nowhere, V::default()); ends[self.list.len()]];
        let mut next = ends.clone();
        for (image, of) in list.iter().enumerate() {
            for (index, item) in items(of).iter().enumerate() {
                let at = Place {
                    image: image as u32,
                    index: index as u32,
                };
                let place = &mut next[self.number(item.class())];
                sorted[*place] = (at, value(of, item));
                *place += 1;
            }
        }
        ByClass { ends, sorted }
    }
}

/// What has a class.
trait Classified {
    fn class(&self) -> u32;
}

impl<const D: usize> Classified for Annotation<D> {
    fn class(&self) -> u32 {
        self.class()
    }
}

impl<const D: usize> Classified for Detection<D> {
    fn class(&self) -> u32 {
        self.class()
    }
}

/// Items sorted by class.
struct ByClass<V> {
    ends: Vec<usize>,
    sorted: Vec<(Place, V)>,
}

impl<V> ByClass<V> {
    fn of(&self, number: usize) -> &[(Place, V)] {
        &self.sorted[self.ends[number]..self.ends[number + 1]]
    }
}

/// Makes the table of one class.
struct Builder<'a, M, const D: usize> {
    list: &'a [&'a DetectionImage<D>],
    matcher: &'a M,
    class: u32,
}

impl<M: Matcher<D>, const D: usize> Builder<'_, M, D> {
    fn table(
        &self,
        mut marks: Vec<Mark>,
        places: &[Place],
        scratch: &mut M::Scratch,
    ) -> Result<ClassTable> {
        let matcher = self.matcher;
        let mut table = ClassTable {
            class: self.class,
            rows: Vec::with_capacity(marks.len()),
            outcomes: Vec::new(),
            unmatched: [false, true].map(|in_range| matcher.unmatched(in_range)),
            ranges: matcher.ranges(),
            annotations: places
                .iter()
                .map(|at| {
                    let image = self.list[at.image as usize];
                    let annotation = &image.annotations()[at.index as usize];
                    (at.image, matcher.annotation_ranges(image, annotation))
                })
                .collect(),
        };
        let mut left = places;
        for marks in marks.chunk_by_mut(|a, b| a.image == b.image) {
            let image = marks[0].image;
            if marks.len() > 1 {
                marks.sort_by(|a, b| b.score.total_cmp(&a.score));
            }
            let most = marks.len().min(matcher.most_detections());
            let before = left.partition_point(|at| at.image < image);
            let here = left[before..].partition_point(|at| at.image == image);
            let found = match here {
                0 => None,
                _ => Some(self.outcomes(&marks[..most], &left[before..][..here], scratch)?),
            };
            left = &left[before + here..];
            for (rank, mark) in marks[..most].iter().enumerate() {
                let outcomes = found.as_ref().map(|found| {
                    let ranges = table.ranges;
                    &found[rank * ranges..][..ranges]
                });
                table.push(mark, rank as u32, outcomes);
            }
        }
        // Rows stand in the order of their images and ranks, which a stable sort keeps among equals.
        table.rows.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(table)
    }

    fn outcomes(
        &self,
        marks: &[Mark],
        places: &[Place],
        scratch: &mut M::Scratch,
    ) -> Result<Vec<Outcome>> {
        let image = self.list[places[0].image as usize];
        let annotations: Vec<_> = places
            .iter()
            .map(|at| &image.annotations()[at.index as usize])
            .collect();
        let detections: Vec<_> = marks
            .iter()
            .map(|mark| &image.detections()[mark.index as usize])
            .collect();
        let in_range: Vec<u32> = marks.iter().map(|mark| mark.in_range).collect();
        let mut outcomes = vec![Outcome::default(); marks.len() * self.matcher.ranges()];
        let group = Group {
            image,
            annotations: &annotations,
            detections: &detections,
            in_range: &in_range,
        };
        self.matcher.match_group(&group, scratch, &mut outcomes)?;
        Ok(outcomes)
    }
}

impl ClassTable {
    fn push(&mut self, mark: &Mark, rank: u32, outcomes: Option<&[Outcome]>) {
        let mut special = PLAIN;
        if let Some(outcomes) = outcomes {
            let plain = |range| self.unmatched[mark.in_range as usize >> range & 1];
            if (outcomes.iter().enumerate()).any(|(range, outcome)| *outcome != plain(range)) {
                special = (self.outcomes.len() / self.ranges) as u32;
                self.outcomes.extend_from_slice(outcomes);
            }
        }
        self.rows.push(Row {
            score: mark.score,
            image: mark.image,
            rank,
            in_range: mark.in_range,
            special,
        });
    }
}
