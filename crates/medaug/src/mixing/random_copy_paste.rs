//! Which lesion of one sample comes where in another.

use medcore::Region;
use medcore::components::{Components, Connectivity};
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::copy_paste::{CopyPaste, check_feather, parts};
use super::place::{Allowed, Border, Fit, Ground};
use super::{Mix, Mixture};
use crate::draw::happens;
use crate::error::{Result, check, check_probability};
use crate::sample::Sample;

/// Draws a part of another sample and a place for it.
///
/// Every part is as likely as any other, and every place where it fits. The sample is left alone where the other one has
/// no such part, or no place was found in `tries` draws.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomCopyPaste {
    /// Probability of a sample.
    pub probability: f64,
    /// The classes that are one object.
    pub classes: Vec<u8>,
    /// Which voxels are connected.
    pub connectivity: Connectivity,
    /// Where it may be pasted.
    pub ground: Ground,
    /// How much of it must lie there.
    pub fit: Fit,
    /// Whether the border may cut it.
    pub border: Border,
    /// How far the images pass over into one another, in millimetres.
    pub feather_mm: f64,
    /// Class of the new box, as [`CopyPaste::box_class`].
    pub box_class: Option<usize>,
    /// Most places that are looked at.
    pub tries: usize,
}

impl Default for RandomCopyPaste {
    /// Half of the time, class 1, anywhere within the image, over 2 mm.
    fn default() -> Self {
        Self {
            probability: 0.5,
            classes: vec![1],
            connectivity: Connectivity::Corner,
            ground: Ground::Anywhere,
            fit: Fit::Whole,
            border: Border::Within,
            feather_mm: 2.0,
            box_class: None,
            tries: 50,
        }
    }
}

const RANDOM: &str = "RandomCopyPaste";

impl RandomCopyPaste {
    /// A place for a part in a sample: the index of the first voxel of its box.
    fn place<const D: usize>(
        &self,
        receiver: &Sample<D>,
        source: [usize; D],
        part: (&Components<D>, usize),
        key: Key,
    ) -> Result<Option<[isize; D]>> {
        let (shape, mut random) = (receiver.shape(), key.stream("place"));
        let region = part.0.components()[part.1].region;
        let extent = region.shape();
        let middle = extent.map(|n| n / 2);
        let (mut low, mut high) = ([0; D], shape);
        if self.border == Border::Within {
            for a in 0..D {
                low[a] = middle[a];
                high[a] = (shape[a] + middle[a] + 1).saturating_sub(extent[a]);
            }
        }
        let Ok(room) = Region::new(low, high) else {
            return Ok(None);
        };
        let allowed = Allowed::new(RANDOM, &self.ground, receiver)?;
        let choice = allowed.within(room);
        for _ in 0..self.tries {
            let Some(voxel) = choice.draw(&mut random) else {
                return Ok(None);
            };
            let start: [isize; D] = std::array::from_fn(|a| voxel[a] as isize - middle[a] as isize);
            if self.fit == Fit::Middle || stands(&allowed, shape, source, part, start) {
                return Ok(Some(start));
            }
        }
        Ok(None)
    }
}

/// Whether every voxel of a part that lies within the receiver stands on its ground.
fn stands<const D: usize>(
    allowed: &Allowed<'_, D>,
    receiver: [usize; D],
    source: [usize; D],
    (parts, part): (&Components<D>, usize),
    start: [isize; D],
) -> bool {
    let from = parts.components()[part].region.start();
    let mut stands = true;
    parts.for_each_run(|number, range| {
        if number != part || !stands {
            return;
        }
        stands = range.clone().all(|position| {
            let (mut rest, mut to, mut stride) = (position, 0, 1);
            for a in (0..D).rev() {
                let at = (rest % source[a]) as isize - from[a] as isize + start[a];
                rest /= source[a];
                if at < 0 || at >= receiver[a] as isize {
                    return true;
                }
                to += at as usize * stride;
                stride *= receiver[a];
            }
            allowed.has(to)
        });
    });
    stands
}

impl<const D: usize> Mix<D> for RandomCopyPaste {
    fn name(&self) -> &'static str {
        RANDOM
    }

    fn check(&self) -> Result<()> {
        check_probability(RANDOM, self.probability)?;
        check_feather(RANDOM, self.feather_mm)?;
        let count = self.classes.len() as f64;
        check(RANDOM, "classes", count, "at least one", |v| v >= 1.0)?;
        check(RANDOM, "tries", self.tries as f64, "at least 1", |v| {
            v >= 1.0
        })
    }

    fn others(&self, key: Key) -> usize {
        happens(key, self.probability).into()
    }

    fn mixture(&self, samples: &[Sample<D>], key: Key) -> Result<Option<Mixture>> {
        let [first, second] = samples else {
            return Ok(None);
        };
        let parts = parts(RANDOM, second, &self.classes, self.connectivity)?;
        let count = parts.components().len();
        if count == 0 {
            return Ok(None);
        }
        let part = key.stream("part").below(count);
        let place = self.place(first, second.shape(), (&parts, part), key)?;
        Ok(place.map(|start| {
            CopyPaste {
                classes: self.classes.clone(),
                connectivity: self.connectivity,
                part,
                start: start.to_vec(),
                feather_mm: self.feather_mm,
                box_class: self.box_class,
            }
            .into()
        }))
    }
}
