//! Where a network looks: Grad-CAM over the test images, and how much of it falls on the opacity that is there.

use anyhow::Result;
use medcore::morphology;
use medinfer::explain::{Explain as _, GradCam, Layer, Target};
use mednn::convert::stack_images;
use mednn::{Inputs, Model};
use medtrain::CachedCase;
use medtrain::split::Members;
use medviz::{Picture, Rgb};
use serde::Serialize;

use super::data::Radiograph;
use super::network::Network;
use super::scored::Scored;

/// A true positive counts as looked at in the right place when more than this share of its map's mass lies there.
pub(crate) const ENOUGH: f64 = 0.5;
const BATCH: usize = 16;
/// Examples of each kind in the report.
const SHOWN: usize = 4;
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
    /// Share of them with more than [`ENOUGH`] of the mass inside.
    pub(crate) share_inside: f64,
    /// Mean share of the mass inside.
    pub(crate) mean_mass: f64,
    /// Share of images whose highest point is inside.
    pub(crate) share_peak: f64,
    /// Mean share of the image that counts as inside: what a map without any idea gets.
    pub(crate) mean_area: f64,
    /// By how many pixels of the network's input the opacity was widened: half a place of the map.
    pub(crate) widened_by: f64,
}

/// What was found, and pictures.
#[derive(Debug, Default)]
pub(crate) struct Heat {
    pub(crate) localisation: Option<Localisation>,
    pub(crate) overlays: Vec<(Outcome, String, Picture)>,
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
    values: Vec<f32>,
}

impl Subject<'_> {
    /// Maps of the finding in images of these outcomes: by `scored` and a threshold of the logit.
    pub(crate) fn look(&self, scored: &Scored, threshold: f64) -> Result<Heat> {
        let outcome = |i: usize| Outcome::of(scored.truth[i], scored.logits[i] >= threshold);
        let mut heat = Heat::default();
        let mut sums = [0.0; 4];
        let mut count = 0;
        let margin = 0.5 * self.network.heat_stride(self.side) as f64;
        let wanted: Vec<usize> = self.wanted(scored, outcome);
        for numbers in wanted.chunks(BATCH) {
            for map in self.maps(numbers, &outcome)? {
                let place = self.place(map.number)?;
                let mask = place.as_deref();
                if let (Outcome::TruePositive, Some(mask)) = (map.outcome, mask) {
                    let inside = morphology::dilate(mask, [self.side; 2], [1.0; 2], margin)?;
                    let found = Inside::of(&map.values, &inside);
                    let parts = [
                        f64::from(u8::from(found.mass > ENOUGH)),
                        found.mass,
                        found.peak,
                        found.area,
                    ];
                    sums.iter_mut()
                        .zip(parts)
                        .for_each(|(sum, part)| *sum += part);
                    count += 1;
                }
                let shown = heat
                    .overlays
                    .iter()
                    .filter(|(outcome, ..)| *outcome == map.outcome)
                    .count();
                if shown < SHOWN {
                    let picture = self.overlay(&map, mask, scored)?;
                    heat.overlays
                        .push((map.outcome, scored.ids[map.number].clone(), picture));
                }
            }
        }
        heat.overlays.sort_by_key(|(outcome, ..)| *outcome);
        let mean = sums.map(|sum| sum / f64::from(count.max(1)));
        heat.localisation = (count > 0).then(|| Localisation {
            images: count as usize,
            share_inside: mean[0],
            mean_mass: mean[1],
            share_peak: mean[2],
            mean_area: mean[3],
            widened_by: margin,
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

    fn place(&self, member: usize) -> Result<Option<Vec<bool>>> {
        Ok(self.radiograph(member).finding.mask([self.side; 2]))
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
            self.model,
            &Inputs::new(images),
            &Target::Class(1),
        )?;
        let mapped = numbers.iter().zip(maps).map(|(&number, map)| Mapped {
            outcome: outcome(number),
            number,
            values: map.values().to_vec(),
        });
        Ok(mapped.collect())
    }

    /// The image with its map in colour and the opacity's outline.
    fn overlay(&self, map: &Mapped, mask: Option<&[bool]>, scored: &Scored) -> Result<Picture> {
        let pixels = self.radiograph(map.number).pixels.read()?;
        let caption = format!("{} ({})", map.outcome.name(), scored.groups[map.number]);
        Ok(medviz::captioned(
            &overlay(&pixels, &map.values, mask, self.side)?,
            &caption,
        )?)
    }
}

/// How much of a map lies inside.
struct Inside {
    mass: f64,
    peak: f64,
    area: f64,
}

impl Inside {
    fn of(values: &[f32], inside: &[bool]) -> Self {
        let sum =
            |of: &mut dyn Iterator<Item = f32>| of.map(|v| f64::from(v.max(0.0))).sum::<f64>();
        let all = sum(&mut values.iter().copied());
        let there = sum(&mut values
            .iter()
            .zip(inside)
            .filter(|(_, is)| **is)
            .map(|(v, _)| *v));
        let peak = (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b]));
        Self {
            mass: if all > 0.0 { there / all } else { 0.0 },
            peak: f64::from(u8::from(peak.is_some_and(|p| inside[p]))),
            area: inside.iter().filter(|is| **is).count() as f64 / inside.len() as f64,
        }
    }
}

/// Pixels of a picture in the report.
const SHOWN_SIDE: usize = 256;

/// A radiograph with a map of `side` pixels in warm colours, and an outline.
pub(crate) fn overlay(
    image: &medcore::Image<f32, 2>,
    map: &[f32],
    mask: Option<&[bool]>,
    side: usize,
) -> Result<Picture> {
    let [rows, columns] = image.shape();
    let window = medviz::Window::of_values(image.channel(0));
    let most = map.iter().copied().fold(1e-12, f32::max);
    let mut picture = Picture::new(SHOWN_SIDE, SHOWN_SIDE, [0; 3])?;
    let at = |i: usize, count: usize| i * count / SHOWN_SIDE;
    for y in 0..SHOWN_SIDE {
        for x in 0..SHOWN_SIDE {
            let value = image.channel(0)[at(y, rows) * columns + at(x, columns)];
            picture.set(x, y, [window.grey(f64::from(value)); 3]);
            let cell = at(y, side) * side + at(x, side);
            let heat = (map[cell] / most).max(0.0);
            let colour = [255, (220.0 * heat) as u8, (40.0 * heat) as u8];
            picture.mix(x, y, colour, 0.65 * heat);
            let is = |x: usize, y: usize| {
                mask.is_some_and(|mask| mask[at(y, side) * side + at(x, side)])
            };
            let edge = x > 1
                && y > 1
                && is(x, y)
                && !(is(x - 2, y)
                    && is(x, y - 2)
                    && is((x + 2).min(SHOWN_SIDE - 1), y)
                    && is(x, (y + 2).min(SHOWN_SIDE - 1)));
            if edge {
                picture.set(x, y, OUTLINE);
            }
        }
    }
    Ok(picture)
}
