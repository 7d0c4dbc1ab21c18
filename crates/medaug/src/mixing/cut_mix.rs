//! A block of one sample in another.

use medcore::random::Key;
use medcore::{BoundingBox, Region};
use serde::{Deserialize, Serialize};

use super::alike::{blend_targets, next_numbers, two};
use super::beta::beta;
use super::mix_up::check_alpha;
use super::{Mix, Mixture};
use crate::array::per_axis;
use crate::draw::happens;
use crate::error::{Error, Result, check, check_probability};
use crate::sample::{Boxes, LabelledBox, Layer, Sample};

/// A block of the second sample in the place of the first one's (Yun et al., "CutMix", ICCV 2019; torchvision `CutMix`,
/// MONAI `CutMix`): image, labels and layers.
///
/// Targets are blended by the volumes that are seen, as the paper and torchvision do; MONAI blends them by the drawn
/// weight, whatever part of the block the border cut off. Of the first one's boxes those stay of which, by their
/// [`BoxRule`](crate::BoxRule), enough is still seen, cut where what is left is a box; the second one's are cut to the block
/// by the same rule. Points are refused. Instances of the second sample are numbered on from those of the first.
/// NaN is copied as any value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CutMix {
    /// First index of the block, one an axis.
    pub start: Vec<usize>,
    /// First index behind the block; an axis without extent makes the block empty.
    pub end: Vec<usize>,
}

const NAME: &str = "CutMix";

impl CutMix {
    /// The block on an image of `shape`; `None` if it is empty.
    fn region<const D: usize>(&self, shape: [usize; D]) -> Result<Option<Region<D>>> {
        let start = per_axis(NAME, "start", &self.start)?;
        let end = per_axis(NAME, "end", &self.end)?;
        for a in 0..D {
            check(NAME, "end", end[a] as f64, "within the image", |_| {
                end[a] <= shape[a]
            })?;
        }
        Ok(Region::new(start, end).ok())
    }

    pub(super) fn apply<const D: usize>(&self, samples: Vec<Sample<D>>) -> Result<Sample<D>> {
        let [mut first, second] = two(NAME, samples)?;
        let shape = first.shape();
        let Some(region) = self.region(shape)? else {
            return Ok(first);
        };
        for channel in 0..first.image().channels() {
            let from = second.image().channel(channel);
            copy(first.channel_mut(channel), from, &region, shape);
        }
        if let (Some(to), Some(from)) = (first.labels_mut(), second.labels()) {
            copy(to.as_mut_slice(), from.as_slice(), &region, shape);
        }
        for (to, from) in first
            .layers_mut()
            .values_mut()
            .zip(second.layers().values())
        {
            match (to, from) {
                (Layer::Image(to), Layer::Image(from)) => {
                    let len = region_len(shape);
                    let pairs = to.as_mut_slice().chunks_exact_mut(len);
                    for (to, from) in pairs.zip(from.as_slice().chunks_exact(len)) {
                        copy(to, from, &region, shape);
                    }
                }
                (Layer::Labels(to), Layer::Labels(from)) => {
                    copy(to.as_mut_slice(), from.as_slice(), &region, shape);
                }
                (Layer::Instances(to), Layer::Instances(from)) => {
                    let largest = to.as_slice().iter().copied().max().unwrap_or(0);
                    let on = next_numbers(NAME, largest, from)?;
                    let from = from.map(|number| if number == 0 { 0 } else { number + on });
                    copy(to.as_mut_slice(), from.as_slice(), &region, shape);
                }
                _ => {
                    return Err(Error::CannotMix {
                        transform: NAME,
                        what: "layers of different kinds",
                        instead: "give layers of one name the same kind in all samples",
                    });
                }
            }
        }
        let seen = 1.0 - region.len() as f64 / region_len(shape) as f64;
        blend_targets(seen, &mut first, &second);
        let bounds = BoundingBox::from(region);
        if let (Some(boxes), Some(others)) = (first.boxes(), second.boxes()) {
            let mut left = boxes.clone();
            left.retain_changed(|item| hidden_by(item, &bounds, boxes));
            left.extend(cut_to(others, &bounds));
            first = first.with_boxes(left);
        }
        Ok(first)
    }
}

fn region_len<const D: usize>(shape: [usize; D]) -> usize {
    shape.iter().product()
}

fn copy<T: Copy, const D: usize>(to: &mut [T], from: &[T], region: &Region<D>, shape: [usize; D]) {
    for row in region.rows(shape) {
        to[row.clone()].copy_from_slice(&from[row]);
    }
}

/// What is left of a box behind a block; `None` if too little is seen.
fn hidden_by<const D: usize>(
    item: &LabelledBox<D>,
    block: &BoundingBox<D>,
    boxes: &Boxes<D>,
) -> Option<LabelledBox<D>> {
    let (min, max) = (item.bounds.min(), item.bounds.max());
    let low: [f64; D] = std::array::from_fn(|a| min[a].max(block.min()[a]));
    let high: [f64; D] = std::array::from_fn(|a| max[a].min(block.max()[a]));
    let hidden: f64 = (0..D).map(|a| (high[a] - low[a]).max(0.0)).product();
    if hidden == 0.0 {
        return Some(*item);
    }
    let seen = item.bounds.volume() - hidden;
    if seen < boxes.rule().visible * item.bounds.volume() || seen <= 0.0 {
        return None;
    }
    // What is left is a box where the block covers all of it along every axis but one.
    let mut bounds = item.bounds;
    let open: Vec<usize> = (0..D)
        .filter(|&a| low[a] > min[a] || high[a] < max[a])
        .collect();
    if let [axis] = open[..] {
        let (mut min, mut max) = (min, max);
        if low[axis] <= min[axis] {
            min[axis] = high[axis];
        } else if high[axis] >= max[axis] {
            max[axis] = low[axis];
        }
        bounds = BoundingBox::new(min, max).ok()?;
    }
    let narrowest = bounds.extent().into_iter().fold(f64::INFINITY, f64::min);
    (narrowest >= boxes.rule().extent).then_some(LabelledBox { bounds, ..*item })
}

/// The boxes as they are seen within a block.
fn cut_to<const D: usize>(boxes: &Boxes<D>, block: &BoundingBox<D>) -> Vec<LabelledBox<D>> {
    let cut = boxes.items().iter().filter_map(|item| {
        let min: [f64; D] = std::array::from_fn(|a| item.bounds.min()[a].max(block.min()[a]));
        let max: [f64; D] = std::array::from_fn(|a| item.bounds.max()[a].min(block.max()[a]));
        let bounds = BoundingBox::new(min, max).ok()?;
        let narrowest = bounds.extent().into_iter().fold(f64::INFINITY, f64::min);
        let visible = bounds.volume() >= boxes.rule().visible * item.bounds.volume();
        (visible && narrowest >= boxes.rule().extent).then_some(LabelledBox { bounds, ..*item })
    });
    cut.collect()
}

/// How the block follows from a weight and a voxel, both drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutRule {
    /// The voxel is the middle and the block takes up `1 - weight` of the volume, before the border cuts it (the paper;
    /// torchvision, whose slices these are exactly).
    #[default]
    Centre,
    /// The voxel is the first corner and every edge is `sqrt(1 - weight)` of the image's, in volumes too (MONAI).
    Corner,
}

impl CutRule {
    /// The block of an image of `shape`.
    #[must_use]
    pub fn block<const D: usize>(
        self,
        weight: f64,
        voxel: [usize; D],
        shape: [usize; D],
    ) -> CutMix {
        let (mut start, mut end) = (voxel, voxel);
        for a in 0..D {
            let extent = shape[a] as f64;
            match self {
                Self::Centre => {
                    let edge = match D {
                        2 => (1.0 - weight).sqrt(),
                        _ => libm::pow(1.0 - weight, 1.0 / D as f64),
                    };
                    let half = (0.5 * edge * extent) as usize;
                    start[a] = voxel[a].saturating_sub(half);
                    end[a] = (voxel[a] + half).min(shape[a]);
                }
                Self::Corner => {
                    let behind = voxel[a] as f64 + extent * (1.0 - weight).sqrt();
                    end[a] = (behind.ceil() as usize).min(shape[a]);
                }
            }
        }
        CutMix {
            start: start.to_vec(),
            end: end.to_vec(),
        }
    }
}

/// Draws which block of another sample is seen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomCutMix {
    /// Probability of a sample.
    pub probability: f64,
    /// Both parameters of the beta distribution of the weight.
    pub alpha: f64,
    /// How the block follows from it.
    pub rule: CutRule,
}

impl Default for RandomCutMix {
    /// torchvision's: always, any weight as likely as any other.
    fn default() -> Self {
        Self {
            probability: 1.0,
            alpha: 1.0,
            rule: CutRule::Centre,
        }
    }
}

impl<const D: usize> Mix<D> for RandomCutMix {
    fn name(&self) -> &'static str {
        "RandomCutMix"
    }

    fn check(&self) -> Result<()> {
        check_probability("RandomCutMix", self.probability)?;
        check_alpha("RandomCutMix", self.alpha)
    }

    fn others(&self, key: Key) -> usize {
        happens(key, self.probability).into()
    }

    fn mixture(&self, samples: &[Sample<D>], key: Key) -> Result<Option<Mixture>> {
        let weight = beta(self.alpha, &mut key.stream("weight"));
        let (shape, mut random) = (samples[0].shape(), key.stream("voxel"));
        let voxel = shape.map(|extent| random.below(extent));
        Ok(Some(self.rule.block(weight, voxel, shape).into()))
    }
}
