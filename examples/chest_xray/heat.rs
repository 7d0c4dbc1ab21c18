//! Where a network looks: Grad-CAM over the test images, and how much of it falls on the opacity that is there.

use anyhow::Result;
use medcore::{Geometry, LabelMap, morphology};
use medinfer::explain::{Explain as _, GradCam, Layer, Saliency, Target};
use mednn::convert::stack_images;
use mednn::{Inputs, Model};
use medtrain::CachedCase;
use medtrain::split::Members;
use medviz::{Picture, Rgb};
use serde::Serialize;

use super::data::Radiograph;
use super::judge::Chosen;
use super::network::Network;
use super::odds::LogOdds;
use super::scored::Scored;

/// A true positive counts as looked at in the right place when more than this share of its map's mass lies there.
pub(crate) const ENOUGH: f64 = 0.5;
const BATCH: usize = 16;
/// Examples of each kind in the report.
pub(crate) const SHOWN: usize = 4;
const OUTLINE: Rgb = [90, 220, 255];

/// How a decision relates to the truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) enum Outcome {
    TruePositive,
    FalsePositive,
    FalseNegative,
    TrueNegative,
}

impl Outcome {
    pub(crate) const ALL: [Self; 4] = [
        Self::TruePositive,
        Self::FalsePositive,
        Self::FalseNegative,
        Self::TrueNegative,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::TruePositive => "found",
            Self::FalsePositive => "false alarm",
            Self::FalseNegative => "missed",
            Self::TrueNegative => "rightly quiet",
        }
    }

    fn of(truth: bool, call: bool) -> Self {
        match (truth, call) {
            (true, true) => Self::TruePositive,
            (false, true) => Self::FalsePositive,
            (true, false) => Self::FalseNegative,
            (false, false) => Self::TrueNegative,
        }
    }
}

/// Grad-CAM of true positives whose opacity is known.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Localisation {
    /// True positives with a known place.
    pub(crate) images: usize,
    /// On the opacity widened by `widened_by`.
    pub(crate) near: Inside,
    /// On the opacity alone, to the pixel.
    pub(crate) on: Inside,
    /// By how many pixels of the network's input the opacity was widened: half a place of the map.
    pub(crate) widened_by: f64,
}

/// How maps lie to a region, over all images.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Inside {
    /// Share of the images with more than [`ENOUGH`] of the mass inside.
    pub(crate) share_inside: f64,
    /// Mean share of the mass inside.
    pub(crate) mean_mass: f64,
    /// Share of the images whose highest point is inside.
    pub(crate) share_peak: f64,
    /// Mean share of the image that is inside: what a map without any idea gets.
    pub(crate) mean_area: f64,
}

impl Inside {
    /// Adds one image of `images`.
    fn add(&mut self, map: &Saliency, region: &[bool], images: usize) -> Result<()> {
        let shape: [usize; 2] = map.shape().try_into()?;
        let region: Vec<u8> = region.iter().map(|&inside| inside.into()).collect();
        let region = LabelMap::new(Geometry::axis_aligned(shape, [1.0; 2])?, region)?;
        let pointing = map.pointing(&region)?;
        let mass = pointing.mass.unwrap_or(0.0);
        let share = 1.0 / images as f64;
        self.share_inside += share * f64::from(u8::from(mass > ENOUGH));
        self.mean_mass += share * mass;
        self.share_peak += share * f64::from(u8::from(pointing.hit));
        self.mean_area += share * pointing.area;
        Ok(())
    }
}

/// What was found, and pictures.
#[derive(Debug, Default)]
pub(crate) struct Heat {
    pub(crate) localisation: Option<Localisation>,
    /// True positives first; of each kind those that come first in the test part.
    pub(crate) overlays: Vec<Overlay>,
}

/// An image with its map.
#[derive(Debug)]
pub(crate) struct Overlay {
    pub(crate) outcome: Outcome,
    /// The image's name.
    pub(crate) id: String,
    /// What the network gives the finding, after scaling.
    pub(crate) probability: f64,
    pub(crate) picture: Picture,
}

/// What is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) network: Network,
    pub(crate) model: &'a dyn Model,
    pub(crate) side: usize,
    pub(crate) layer: &'a Layer,
    pub(crate) members: &'a Members<CachedCase<2>>,
    pub(crate) radiographs: &'a [Radiograph],
}

struct Mapped {
    outcome: Outcome,
    number: usize,
    map: Saliency,
}

impl Mapped {
    fn peak(&self) -> f32 {
        self.map.values().iter().copied().fold(0.0, f32::max)
    }
}

impl Subject<'_> {
    /// Maps of the finding in images of these outcomes: by `scored` and what was chosen on validation.
    pub(crate) fn look(&self, scored: &Scored, chosen: &Chosen) -> Result<Heat> {
        let outcome = |i: usize| Outcome::of(scored.truth[i], scored.logits[i] >= chosen.threshold);
        let probabilities = scored.probabilities(chosen.temperature);
        let mut heat = Heat::default();
        let widened_by = 0.5 * self.network.heat_stride(self.side) as f64;
        let wanted: Vec<usize> = self.wanted(scored, outcome);
        let is_measured =
            |&i: &usize| outcome(i) == Outcome::TruePositive && self.place(i).is_some();
        let images = wanted.iter().copied().filter(is_measured).count();
        let (mut near, mut on) = (Inside::default(), Inside::default());
        let (mut peaks, mut shown) = (Vec::new(), Vec::<Mapped>::new());
        for numbers in wanted.chunks(BATCH) {
            for mapped in self.maps(numbers, &outcome)? {
                if mapped.outcome == Outcome::TruePositive {
                    peaks.push(mapped.peak());
                    if let Some(mask) = &self.place(mapped.number) {
                        let shape = [self.side; 2];
                        let wide = morphology::dilate(mask, shape, [1.0; 2], widened_by)?;
                        near.add(&mapped.map, &wide, images)?;
                        on.add(&mapped.map, mask, images)?;
                    }
                }
                let alike = shown.iter().filter(|s| s.outcome == mapped.outcome);
                if alike.count() < SHOWN {
                    shown.push(mapped);
                }
            }
        }
        peaks.sort_unstable_by(f32::total_cmp);
        let typical = peaks.get(peaks.len() / 2).copied();
        for mapped in &shown {
            heat.overlays.push(Overlay {
                outcome: mapped.outcome,
                id: scored.ids[mapped.number].clone(),
                probability: probabilities[mapped.number],
                picture: self.overlay(mapped, typical, scored)?,
            });
        }
        heat.overlays.sort_by_key(|overlay| overlay.outcome);
        heat.localisation = (images > 0).then_some(Localisation {
            images,
            near,
            on,
            widened_by,
        });
        Ok(heat)
    }

    /// All true positives whose place is known, and the first of every kind.
    fn wanted(&self, scored: &Scored, outcome: impl Fn(usize) -> Outcome) -> Vec<usize> {
        let mut shown = std::collections::BTreeMap::new();
        let wanted = (0..scored.len()).filter(|&i| {
            let kind = outcome(i);
            let count = shown.entry(kind).or_insert(0);
            *count += 1;
            let known = !matches!(self.radiograph(i).finding, super::data::Finding::Unknown);
            *count <= SHOWN || (kind == Outcome::TruePositive && known)
        });
        wanted.collect()
    }

    fn radiograph(&self, member: usize) -> &Radiograph {
        &self.radiographs[self.members.as_slice()[member].case.number()]
    }

    fn place(&self, member: usize) -> Option<Vec<bool>> {
        self.radiograph(member).finding.mask([self.side; 2])
    }

    fn maps(&self, numbers: &[usize], outcome: &impl Fn(usize) -> Outcome) -> Result<Vec<Mapped>> {
        let mut images = Vec::new();
        for &number in numbers {
            let case = self.members.as_slice()[number].case.case()?;
            images.push(case.sample().image().clone());
        }
        let images = stack_images(
            &images.iter().collect::<Vec<_>>(),
            self.model.params().device(),
        )?;
        let maps = GradCam::default().with_layer(self.layer.clone()).explain(
            &LogOdds(self.model),
            &Inputs::new(images),
            &Target::Class(0),
        )?;
        let mapped = numbers.iter().zip(maps).map(|(&number, map)| Mapped {
            outcome: outcome(number),
            number,
            map,
        });
        Ok(mapped.collect())
    }

    /// The image with its map in colour, on the scale of a typical image that was found, and the opacity's outline.
    fn overlay(&self, mapped: &Mapped, typical: Option<f32>, scored: &Scored) -> Result<Picture> {
        let pixels = self.radiograph(mapped.number).pixels.read()?;
        let place = self.place(mapped.number);
        let (outcome, group) = (mapped.outcome.name(), &scored.groups[mapped.number]);
        let most = typical.unwrap_or_else(|| mapped.peak());
        let picture = overlay(
            &pixels,
            (mapped.map.values(), most),
            place.as_deref(),
            self.side,
        )?;
        Ok(medviz::captioned(
            &picture,
            &format!("{outcome} ({group})"),
        )?)
    }
}

/// Pixels along the longer side of a picture in the report.
const SHOWN_SIDE: usize = 256;

/// A radiograph with a map of `side` pixels in warm colours, full from a value on, and an outline.
pub(crate) fn overlay(
    image: &medcore::Image<f32, 2>,
    (map, most): (&[f32], f32),
    mask: Option<&[bool]>,
    side: usize,
) -> Result<Picture> {
    let [rows, columns] = image.shape();
    let window = medviz::Window::of_values(image.channel(0));
    // The network sees a square; a reader sees the patient as he is.
    let longest = rows.max(columns);
    let [height, width] = [rows, columns].map(|n| (n * SHOWN_SIDE / longest).max(1));
    let mut picture = Picture::new(width, height, [0; 3])?;
    let at = |i: usize, from: usize, count: usize| i * count / from;
    let cell = |x: usize, y: usize| at(y, height, side) * side + at(x, width, side);
    for y in 0..height {
        for x in 0..width {
            let value = image.channel(0)[at(y, height, rows) * columns + at(x, width, columns)];
            picture.set(x, y, [window.grey(f64::from(value)); 3]);
            let heat = (map[cell(x, y)] / most.max(1e-12)).clamp(0.0, 1.0);
            let colour = [255, (220.0 * heat) as u8, (40.0 * heat) as u8];
            picture.mix(x, y, colour, 0.65 * heat);
            let is = |x: usize, y: usize| mask.is_some_and(|mask| mask[cell(x, y)]);
            let edge = x > 1
                && y > 1
                && is(x, y)
                && !(is(x - 2, y)
                    && is(x, y - 2)
                    && is((x + 2).min(width - 1), y)
                    && is(x, (y + 2).min(height - 1)));
            if edge {
                picture.set(x, y, OUTLINE);
            }
        }
    }
    Ok(picture)
}
