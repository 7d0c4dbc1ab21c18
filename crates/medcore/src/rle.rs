//! Masks by run lengths, down the columns as COCO has them: areas and overlaps without unpacking.
//!
//! Runs are outside and inside by turns, the first one outside. As text, a number goes five bits a
//! character, lowest group first; bit 5 of a character says that more follow, the last group's bit 4 is the
//! sign, and from the fourth run on what is stored is the difference to the run two before.
//!
//! Format: <https://cocodataset.org/#format-data>; the numbers are those of `maskApi` of the COCO API.

mod text;

use serde::{Deserialize, Serialize};

pub use text::{compress, decompress};

use crate::error::{Error, Result};
use crate::region::Region;

/// A mask as lengths of runs outside and inside by turns, along the first axis first.
///
/// The first run is outside and may be empty, all others hold at least one pixel, and together they fill
/// the shape.
///
/// ```
/// use medcore::rle::Rle;
///
/// // The left column of a 2x3 image, and its upper row.
/// let column = Rle::new([2, 3], vec![0, 2, 4])?;
/// let row = Rle::from_mask([2, 3], &[true, true, true, false, false, false])?;
/// assert_eq!(row.runs(), [0, 1, 1, 1, 1, 1, 1]);
/// assert_eq!((row.area(), column.intersection(&row)?), (3, 1));
/// assert_eq!(column.iou(&row)?, 0.25);
/// # Ok::<(), medcore::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Rle<const D: usize> {
    shape: [usize; D],
    runs: Vec<u64>,
}

impl<const D: usize> Rle<D> {
    /// The mask of these runs; empty ones are joined with their neighbours.
    ///
    /// # Errors
    /// Refuses runs that do not add up to the pixels of the shape.
    pub fn new(shape: [usize; D], runs: Vec<u64>) -> Result<Self> {
        let pixels = (shape.iter()).try_fold(1_u64, |n, &edge| n.checked_mul(edge as u64));
        let sum = (runs.iter()).try_fold(0_u64, |sum, &run| sum.checked_add(run));
        if pixels.is_none() || pixels != sum {
            return Err(Error::InvalidRuns {
                rule: "as long together as the mask has pixels",
                got: format!("{} for {shape:?}", sum.map_or(u64::MAX, |sum| sum)),
            });
        }
        let mut joined = Joined::default();
        for (i, &run) in runs.iter().enumerate() {
            joined.add(i % 2 == 1, run);
        }
        let runs = joined.finish();
        Ok(Self { shape, runs })
    }

    /// The mask of an array in storage order, the last axis contiguous.
    ///
    /// # Errors
    /// Refuses another number of pixels than the shape has.
    pub fn from_mask(shape: [usize; D], mask: &[bool]) -> Result<Self> {
        let expected = (shape.iter()).try_fold(1_usize, |n, &edge| n.checked_mul(edge));
        if expected != Some(mask.len()) {
            return Err(Error::ShapeMismatch {
                expected: shape.to_vec(),
                got: vec![mask.len()],
            });
        }
        let mut joined = Joined::default();
        let mut index = [0; D];
        for _ in 0..mask.len() {
            let at = (0..D).fold(0, |at, a| at * shape[a] + index[a]);
            joined.add(mask[at], 1);
            for a in 0..D {
                index[a] += 1;
                if index[a] < shape[a] {
                    break;
                }
                index[a] = 0;
            }
        }
        let runs = joined.finish();
        Ok(Self { shape, runs })
    }

    /// The mask of runs as COCO writes them into a string.
    ///
    /// # Errors
    /// As [`decompress`] and [`Rle::new`].
    pub fn from_text(shape: [usize; D], text: &str) -> Result<Self> {
        Self::new(shape, decompress(text)?)
    }

    /// Pixels along each axis, in storage order.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        self.shape
    }

    /// Lengths of the runs, outside and inside by turns.
    #[must_use]
    pub fn runs(&self) -> &[u64] {
        &self.runs
    }

    /// Pixels inside.
    #[must_use]
    pub fn area(&self) -> u64 {
        self.runs.iter().skip(1).step_by(2).sum()
    }

    /// Pixels inside both.
    ///
    /// # Errors
    /// Refuses a mask of another shape.
    pub fn intersection(&self, other: &Self) -> Result<u64> {
        if self.shape != other.shape {
            return Err(Error::ShapeMismatch {
                expected: self.shape.to_vec(),
                got: other.shape.to_vec(),
            });
        }
        let mut others = other.inside().peekable();
        let mut shared = 0;
        for (start, end) in self.inside() {
            while let Some(&(other_start, other_end)) = others.peek() {
                if other_start >= end {
                    break;
                }
                let overlap = end.min(other_end).saturating_sub(start.max(other_start));
                shared += overlap;
                if other_end > end {
                    break;
                }
                others.next();
            }
        }
        Ok(shared)
    }

    /// Pixels inside both over pixels inside either; 0 for two empty masks.
    ///
    /// # Errors
    /// Refuses a mask of another shape.
    pub fn iou(&self, other: &Self) -> Result<f64> {
        let shared = self.intersection(other)?;
        let union = u128::from(self.area() - shared) + u128::from(other.area());
        Ok(if shared == 0 {
            0.0
        } else {
            shared as f64 / union as f64
        })
    }

    /// The share of this mask's own pixels that lie in `crowd`, which is how COCO compares a detection with
    /// a crowd; 0 for an empty mask.
    ///
    /// # Errors
    /// Refuses a mask of another shape.
    pub fn share_in(&self, crowd: &Self) -> Result<f64> {
        let shared = self.intersection(crowd)?;
        Ok(if shared == 0 {
            0.0
        } else {
            shared as f64 / self.area() as f64
        })
    }

    /// Whether a pixel lies inside; false outside the shape.
    #[must_use]
    pub fn contains(&self, index: [usize; D]) -> bool {
        if (0..D).any(|a| index[a] >= self.shape[a]) {
            return false;
        }
        let at = (0..D).rfold(0, |at, a| at * self.shape[a] as u64 + index[a] as u64);
        let covering = self.inside().find(|&(_, end)| end > at);
        covering.is_some_and(|(start, _)| start <= at)
    }

    /// The smallest block that holds all pixels inside; `None` for an empty mask.
    #[must_use]
    pub fn bounds(&self) -> Option<Region<D>> {
        let (mut low, mut high) = (self.shape, [0; D]);
        for (start, end) in self.inside() {
            let mut stride = 1_u64;
            for a in 0..D {
                let edge = self.shape[a] as u64;
                let (first, last) = (start / stride, (end - 1) / stride);
                // A run that goes on into the next line touches both ends of this axis.
                let (first, last) = match first / edge == last / edge {
                    true => (first % edge, last % edge),
                    false => (0, edge - 1),
                };
                low[a] = low[a].min(first as usize);
                high[a] = high[a].max(last as usize + 1);
                stride *= edge;
            }
        }
        Region::new(low, high).ok()
    }

    /// Start and end of the runs inside.
    fn inside(&self) -> impl Iterator<Item = (u64, u64)> {
        let mut at = 0;
        self.runs.chunks(2).filter_map(move |pair| {
            let start = at + pair[0];
            at = start + pair.get(1)?;
            Some((start, at))
        })
    }
}

/// Runs without empty ones behind the first.
#[derive(Default)]
struct Joined {
    runs: Vec<u64>,
    current: u64,
    inside: bool,
}

impl Joined {
    fn add(&mut self, inside: bool, length: u64) {
        if length == 0 {
            return;
        }
        if inside != self.inside {
            self.runs.push(self.current);
            (self.current, self.inside) = (0, inside);
        }
        self.current += length;
    }

    fn finish(mut self) -> Vec<u64> {
        self.runs.push(self.current);
        self.runs
    }
}

/// The serialised form.
#[derive(Serialize, Deserialize)]
struct Raw {
    shape: Vec<usize>,
    runs: Vec<u64>,
}

impl<const D: usize> From<Rle<D>> for Raw {
    fn from(mask: Rle<D>) -> Self {
        Self {
            shape: mask.shape.to_vec(),
            runs: mask.runs,
        }
    }
}

impl<const D: usize> TryFrom<Raw> for Rle<D> {
    type Error = Error;
    fn try_from(raw: Raw) -> Result<Self> {
        let shape = <[usize; D]>::try_from(raw.shape).map_err(|shape| Error::ShapeMismatch {
            expected: vec![D],
            got: vec![shape.len()],
        })?;
        Self::new(shape, raw.runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Key;

    #[test]
    fn areas_overlaps_and_bounds_are_those_of_the_pixels() {
        let mut random = Key::new(4).stream("masks");
        for shape in [[1, 1, 1], [1, 4, 3], [3, 1, 5], [4, 3, 2]] {
            let pixels = shape.iter().product::<usize>();
            for chance in [0.0, 0.2, 0.7, 1.0] {
                let [a, b] = [0; 2].map(|_| {
                    (0..pixels)
                        .map(|_| random.chance(chance))
                        .collect::<Vec<_>>()
                });
                let [one, two] = [&a, &b].map(|mask| Rle::from_mask(shape, mask).unwrap());
                let shared = a.iter().zip(&b).filter(|(a, b)| **a && **b).count() as u64;
                assert_eq!(one.intersection(&two).unwrap(), shared);
                assert_eq!(two.intersection(&one).unwrap(), shared);
                assert_eq!(one.area(), a.iter().filter(|v| **v).count() as u64);
                let (mut low, mut high) = (shape, [0; 3]);
                for (at, &inside) in a.iter().enumerate() {
                    let index = [
                        at / shape[2] / shape[1],
                        at / shape[2] % shape[1],
                        at % shape[2],
                    ];
                    assert_eq!(one.contains(index), inside, "{shape:?} {index:?}");
                    for axis in (0..3).filter(|_| inside) {
                        low[axis] = low[axis].min(index[axis]);
                        high[axis] = high[axis].max(index[axis] + 1);
                    }
                }
                assert_eq!(one.bounds(), Region::new(low, high).ok(), "{shape:?}");
                let again = Rle::from_text(shape, &compress(one.runs()).unwrap()).unwrap();
                assert_eq!(again, one);
            }
        }
    }

    #[test]
    fn runs_that_do_not_fill_their_shape_are_refused() {
        for runs in [vec![], vec![5], vec![7], vec![u64::MAX, 7]] {
            assert!(Rle::new([2, 3], runs).is_err());
        }
        let one = Rle::new([2, 3], vec![6]).unwrap();
        assert!(one.iou(&Rle::new([3, 2], vec![6]).unwrap()).is_err());
        assert_eq!(one.iou(&one).unwrap(), 0.0, "nothing is shared");
        assert_eq!(
            Rle::new([2, 3], vec![0, 1, 0, 2, 3, 0]).unwrap().runs(),
            [0, 3, 3]
        );
    }
}
