//! Crops that overlap objects by a drawn part (Liu et al., "SSD: single shot multibox detector", ECCV 2016; torchvision
//! `RandomIoUCrop`).

use medcore::random::{Key, Random};
use serde::{Deserialize, Serialize};

use super::region::Block;
use super::select_boxes::SelectBoxes;
use crate::draw::happens;
use crate::error::{Error, Result, check, check_dimension, check_probability};
use crate::sample::{Contents, LabelledBox, LazySample};
use crate::step::Operation;
use crate::transform::Transform;

const NAME: &str = "RandomIoUCrop";

/// Keeps a part of a picture that overlaps at least one box by a drawn part of both, measured as intersection over union.
///
/// Boxes whose middle lies outside are dropped, the others are cut off, and stay if their [`BoxRule`](crate::BoxRule) lets them
/// (torchvision keeps them all). A picture without boxes stays whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomIoUCrop {
    /// Probability of a sample.
    pub probability: f64,
    /// Smallest and largest share of each axis that is kept.
    pub share: [f64; 2],
    /// Smallest and largest width over height of the part.
    pub aspect: [f64; 2],
    /// Overlaps of which one is drawn; 1 leaves the picture whole.
    pub overlaps: Vec<f64>,
    /// How many parts are tried until another overlap is drawn.
    pub trials: usize,
}

impl Default for RandomIoUCrop {
    /// torchvision's parameters, which are SSD's.
    fn default() -> Self {
        Self {
            probability: 1.0,
            share: [0.3, 1.0],
            aspect: [0.5, 2.0],
            overlaps: vec![0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0],
            trials: 40,
        }
    }
}

/// How often an overlap is drawn anew before the picture stays whole.
const ROUNDS: usize = 50;

/// A part of a picture in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Part {
    start: [usize; 2],
    shape: [usize; 2],
}

impl Part {
    fn edges(&self) -> [[f64; 2]; 2] {
        [0, 1].map(|a| [self.start[a], self.start[a] + self.shape[a]].map(|v| v as f64))
    }

    /// Whether the middle of a box, by its edges along both axes, lies inside.
    fn shows(&self, item: &[[f64; 2]; 2]) -> bool {
        let mut parts = self.edges().into_iter().zip(item);
        parts.all(|([low, high], [first, last])| {
            let middle = (first + last) / 2.0;
            low < middle && middle < high
        })
    }

    /// Intersection over union with a box.
    fn overlap(&self, item: &[[f64; 2]; 2]) -> f64 {
        let own = self.edges();
        let length = |[low, high]: [f64; 2]| (high - low).max(0.0);
        let area = |edges: &[[f64; 2]; 2]| length(edges[0]) * length(edges[1]);
        let common = [0, 1].map(|a| [own[a][0].max(item[a][0]), own[a][1].min(item[a][1])]);
        let both = area(&common);
        let all = area(&own) + area(item) - both;
        if all > 0.0 { both / all } else { 0.0 }
    }
}

impl RandomIoUCrop {
    /// A part of a picture; `None` if it does not have the proportions.
    fn part(&self, picture: [usize; 2], random: &mut Random) -> Option<Part> {
        let [least, most] = self.share;
        // Widths are drawn before heights.
        let mut shape = [0; 2];
        for a in [1, 0] {
            shape[a] = (picture[a] as f64 * random.uniform_in(least, most)) as usize;
        }
        if shape.contains(&0) {
            return None;
        }
        let aspect = shape[1] as f64 / shape[0] as f64;
        let [narrowest, widest] = self.aspect;
        if !(narrowest..=widest).contains(&aspect) {
            return None;
        }
        let mut start = [0; 2];
        for a in [1, 0] {
            start[a] = ((picture[a] - shape[a]) as f64 * random.uniform()) as usize;
        }
        Some(Part { start, shape })
    }

    /// A part that overlaps one of the boxes as drawn; `None` if the picture stays whole.
    fn find(&self, picture: [usize; 2], boxes: &[[[f64; 2]; 2]], key: Key) -> Option<Part> {
        let mut random = key.stream("part");
        for _ in 0..ROUNDS {
            let wanted = self.overlaps[random.below(self.overlaps.len())];
            if wanted >= 1.0 {
                return None;
            }
            for _ in 0..self.trials {
                let Some(part) = self.part(picture, &mut random) else {
                    continue;
                };
                let mut seen = boxes.iter().filter(|item| part.shows(item));
                if seen.any(|item| part.overlap(item) >= wanted) {
                    return Some(part);
                }
            }
        }
        None
    }
}

/// Edges of a box along both axes of a picture, in pixels from its outer face.
fn edges<const D: usize>(item: &LabelledBox<D>) -> [[f64; 2]; 2] {
    let (low, high) = (item.bounds.min(), item.bounds.max());
    [0, D - 1].map(|a| [low[a] + 0.5, high[a] + 0.5])
}

impl<const D: usize> Transform<D> for RandomIoUCrop {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        check_dimension(NAME, D, &[2])?;
        check_probability(NAME, self.probability)?;
        let [least, most] = self.share;
        check(NAME, "share", least, "above 0", |v| v > 0.0)?;
        let rule = "at least its lower bound and at most 1";
        check(NAME, "share", most, rule, |v| v >= least && v <= 1.0)?;
        let [narrowest, widest] = self.aspect;
        check(NAME, "aspect", narrowest, "above 0", |v| v > 0.0)?;
        let rule = "finite and at least its lower bound";
        check(NAME, "aspect", widest, rule, |v| {
            v.is_finite() && v >= narrowest
        })?;
        let count = self.overlaps.len() as f64;
        check(NAME, "overlaps", count, "at least one", |v| v >= 1.0)?;
        for &overlap in &self.overlaps {
            check(NAME, "overlaps", overlap, "within 0 and 1", |v| {
                (0.0..=1.0).contains(&v)
            })?;
        }
        let rule = "within 1 and 10000";
        check(NAME, "trials", self.trials as f64, rule, |v| {
            (1.0..=10_000.0).contains(&v)
        })
    }

    fn needs(&self) -> Contents {
        Contents {
            boxes: true,
            ..Contents::default()
        }
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        if !happens(key, self.probability) {
            return Ok(vec![]);
        }
        let shape = sample.shape();
        let picture = [shape[0], shape[D - 1]];
        let boxes = sample.sample()?.boxes();
        let items = boxes
            .ok_or(Error::MissingBoxes { transform: NAME })?
            .items();
        let all: Vec<[[f64; 2]; 2]> = items.iter().map(edges).collect();
        if all.is_empty() {
            return Ok(vec![]);
        }
        let Some(part) = self.find(picture, &all, key) else {
            return Ok(vec![]);
        };
        let seen = items
            .iter()
            .zip(&all)
            .filter(|(_, edges)| part.shows(edges));
        let select = SelectBoxes {
            numbers: seen.map(|(item, _)| item.number).collect(),
        };
        let crop = Block {
            start: part.start.map(|v| v as isize),
            shape: part.shape,
        };
        Ok(vec![select.into(), crop.crop(None, 0).into()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_overlap_a_box_they_show_the_middle_of_and_have_the_proportions() {
        let boxes = [[[10.0, 30.0], [5.0, 45.0]], [[50.0, 58.0], [50.0, 60.0]]];
        let mut whole = 0;
        for seed in 0..400 {
            for (overlap, least) in [(0.5, 0.5), (0.9, 0.9)] {
                let crop = RandomIoUCrop {
                    overlaps: vec![overlap],
                    ..RandomIoUCrop::default()
                };
                let Some(part) = crop.find([64, 80], &boxes, Key::new(seed)) else {
                    whole += usize::from(overlap < 0.9);
                    continue;
                };
                let seen = boxes.iter().filter(|item| part.shows(item));
                let best = seen.map(|item| part.overlap(item)).fold(0.0, f64::max);
                assert!(best >= least, "{part:?}: {best}");
                let aspect = part.shape[1] as f64 / part.shape[0] as f64;
                assert!((0.5..=2.0).contains(&aspect));
                assert!((0..2).all(|a| part.start[a] + part.shape[a] <= [64, 80][a]));
            }
        }
        assert!(whole < 20, "{whole}");
        let one = RandomIoUCrop {
            overlaps: vec![1.0],
            ..RandomIoUCrop::default()
        };
        assert_eq!(one.find([64, 80], &boxes, Key::new(0)), None);
    }

    #[test]
    fn overlaps_are_those_of_plain_rectangles() {
        let part = Part {
            start: [0, 0],
            shape: [10, 20],
        };
        assert_eq!(part.overlap(&[[0.0, 10.0], [0.0, 20.0]]), 1.0);
        assert_eq!(part.overlap(&[[5.0, 15.0], [0.0, 20.0]]), 100.0 / 300.0);
        assert_eq!(part.overlap(&[[10.0, 15.0], [0.0, 20.0]]), 0.0);
    }
}
