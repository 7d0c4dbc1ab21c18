//! Skeletons: what is left of a mask when voxels are taken from its surface as long as nothing is cut,
//! filled or shortened.
//!
//! The thinning of T.-C. Lee, R. L. Kashyap and C.-N. Chu, "Building skeleton models via 3-D medial
//! surface/axis thinning algorithms", CVGIP 56(6):462-478, 1994. In turn, for six directions, the voxels
//! that are open to a direction and may go are found together, then looked at again one by one as they are
//! taken.

use serde::{Deserialize, Serialize};

use crate::buffer;
use crate::distance::check;
use crate::error::{Error, Result};

/// What a voxel is asked again before it is taken, since others have gone since it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Thinning {
    /// Everything: whether its neighbours stay joined, the Euler characteristic stays, and it ends no line.
    /// No component is lost.
    #[default]
    Lee,
    /// Only whether its neighbours stay joined, as scikit-image 0.26 has it (`skeletonize` with
    /// `method="lee"`, equal voxel for voxel): ends of lines get shorter, and small components of an even
    /// width vanish.
    ScikitImage,
}

/// The skeleton of a mask in two or three dimensions; voxels count as cubes whatever their spacing.
///
/// An image of a single plane is thinned within it.
///
/// ```
/// use medcore::skeleton::{Thinning, skeleton};
///
/// let bar = [
///     0, 0, 0, 0, 0, 0, 0,
///     0, 1, 1, 1, 1, 1, 0,
///     0, 1, 1, 1, 1, 1, 0,
///     0, 1, 1, 1, 1, 1, 0,
///     0, 0, 0, 0, 0, 0, 0,
/// ];
/// let line = skeleton(&bar.map(|v| v == 1), [5, 7], Thinning::Lee)?;
/// let rows: Vec<usize> = line.chunks(7).map(|row| row.iter().filter(|&&v| v).count()).collect();
/// assert_eq!(rows, [0, 0, 5, 0, 0]);
/// # Ok::<(), medcore::Error>(())
/// ```
///
/// # Errors
/// Refuses a slice that does not have `shape`, empty shapes, and images that are neither 2D nor 3D.
pub fn skeleton<const D: usize>(
    mask: &[bool],
    shape: [usize; D],
    rule: Thinning,
) -> Result<Vec<bool>> {
    check(mask.len(), shape)?;
    let volume = match shape[..] {
        [height, width] => [1, height, width],
        [depth, height, width] => [depth, height, width],
        _ => {
            return Err(Error::InvalidParameter {
                parameter: "dimensions of a skeleton",
                rule: "2 or 3",
                value: D as f64,
            });
        }
    };
    let mut out = vec![false; mask.len()];
    let Some(mut thinning) = Thinned::new(mask, volume, rule)? else {
        return Ok(out);
    };
    thinning.run();
    for &at in &thinning.left {
        out[thinning.place(at)] = true;
    }
    Ok(out)
}

/// A mask in its box with a border of background, while it gets thinner.
struct Thinned {
    /// Shape of the image.
    image: [usize; 3],
    /// First voxel of the box.
    start: [usize; 3],
    /// Rows and planes of the box with its border.
    strides: [usize; 3],
    voxels: Vec<u8>,
    /// Voxels that are still there, in the order of memory.
    left: Vec<usize>,
    rules: Rules,
    rule: Thinning,
}

impl Thinned {
    fn new(mask: &[bool], image: [usize; 3], rule: Thinning) -> Result<Option<Self>> {
        let [_, height, width] = image;
        let index = |at: usize| [at / (height * width), at / width % height, at % width];
        let inside = || (0..mask.len()).filter(|&at| mask[at]);
        let (mut start, mut end) = ([usize::MAX; 3], [0; 3]);
        for at in inside() {
            let index = index(at);
            for a in 0..3 {
                start[a] = start[a].min(index[a]);
                end[a] = end[a].max(index[a] + 1);
            }
        }
        if end == [0; 3] {
            return Ok(None);
        }
        let wide: [usize; 3] = std::array::from_fn(|a| end[a] - start[a] + 2);
        let strides = [wide[1] * wide[2], wide[2], 1];
        let mut voxels = buffer::zeroed(wide.iter().product(), "skeleton")?;
        let left: Vec<usize> = inside()
            .map(|at| {
                let index = index(at);
                (0..3).map(|a| (index[a] - start[a] + 1) * strides[a]).sum()
            })
            .collect();
        left.iter().for_each(|&at| voxels[at] = 1);
        let rules = Rules::new();
        Ok(Some(Self {
            image,
            start,
            strides,
            voxels,
            left,
            rules,
            rule,
        }))
    }

    /// The position in the image of one in the box.
    fn place(&self, at: usize) -> usize {
        let [plane, row, _] = self.strides;
        let index = [at / plane, at % plane / row, at % row];
        let [d, h, w]: [usize; 3] = std::array::from_fn(|a| index[a] - 1 + self.start[a]);
        (d * self.image[1] + h) * self.image[2] + w
    }

    fn run(&mut self) {
        let [plane, row, column] = self.strides.map(|stride| stride as isize);
        let directions = [-row, row, column, -column, plane, -plane];
        // A single plane is open to both sides everywhere.
        let directions = if self.image[0] == 1 {
            &directions[..4]
        } else {
            &directions
        };
        loop {
            let before = self.left.len();
            for &direction in directions {
                self.peel(direction);
            }
            if self.left.len() == before {
                return;
            }
        }
    }

    /// Takes away what may go of the voxels that are open to a direction.
    fn peel(&mut self, direction: isize) {
        let open = |at: usize| self.voxels[at.wrapping_add_signed(direction)] == 0;
        let found = self.left.iter().copied();
        let may_go = |at: usize| self.rules.may_go(self.around(at));
        let candidates: Vec<usize> = found.filter(|&at| open(at) && may_go(at)).collect();
        for &at in &candidates {
            let around = self.around(at);
            let may_go = match self.rule {
                Thinning::Lee => self.rules.may_go(around),
                Thinning::ScikitImage => self.rules.stay_joined(around),
            };
            if may_go {
                self.voxels[at] = 0;
            }
        }
        let voxels = &self.voxels;
        self.left.retain(|&at| voxels[at] == 1);
    }

    /// The voxels around one.
    fn around(&self, at: usize) -> u32 {
        let [plane, row, _] = self.strides;
        let mut around = 0;
        for (i, depth) in [at - plane, at, at + plane].into_iter().enumerate() {
            for (j, centre) in [depth - row, depth, depth + row].into_iter().enumerate() {
                for (k, &voxel) in self.voxels[centre - 1..=centre + 1].iter().enumerate() {
                    around |= u32::from(voxel) << (9 * i + 3 * j + k);
                }
            }
        }
        around & !CENTRE
    }
}

/// The bit of the middle of 3 x 3 x 3 voxels.
const CENTRE: u32 = 1 << 13;

/// When a voxel may go, by the 26 voxels around it.
struct Rules {
    /// The neighbours of each neighbour.
    touching: [u32; 27],
    /// What the middle voxel adds to eight times the Euler characteristic of 2 x 2 x 2 voxels, by the seven
    /// others.
    euler: [i32; 128],
    /// Of each of the eight blocks of 2 x 2 x 2, the bits of the seven others.
    blocks: [[u32; 7]; 8],
}

impl Rules {
    fn new() -> Self {
        let index = |bit: usize| [bit / 9, bit / 3 % 3, bit % 3];
        let touching = std::array::from_fn(|bit| {
            let near = |other: &usize| {
                (0..3).all(|a| index(bit)[a].abs_diff(index(*other)[a]) <= 1) && *other != bit
            };
            (0..27)
                .filter(near)
                .fold(0, |bits, other| bits | 1 << other)
                & !CENTRE
        });
        let blocks = std::array::from_fn(|block: usize| {
            std::array::from_fn(|other| {
                let other = other + 1;
                // From the middle towards the block's side, along the axes that the number names.
                let step = |a: usize| match (other >> a & 1, block >> a & 1) {
                    (0, _) => 1,
                    (_, side) => 2 * side,
                };
                1 << (9 * step(2) + 3 * step(1) + step(0))
            })
        });
        let euler = std::array::from_fn(|others| {
            let others = (others as u32) << 1;
            euler_of_block(others | 1) - euler_of_block(others)
        });
        Self {
            touching,
            euler,
            blocks,
        }
    }

    /// No end of a line, no change of the Euler characteristic, and its neighbours stay joined.
    fn may_go(&self, around: u32) -> bool {
        around.count_ones() != 1 && self.keeps_euler(around) && self.stay_joined(around)
    }

    fn keeps_euler(&self, around: u32) -> bool {
        let change = self.blocks.iter().map(|block| {
            let others = block.iter().enumerate();
            let code = others.fold(0, |code, (i, bit)| {
                code | usize::from(around & bit != 0) << i
            });
            self.euler[code]
        });
        change.sum::<i32>() == 0
    }

    fn stay_joined(&self, around: u32) -> bool {
        let mut reached = around & around.wrapping_neg();
        let mut new = reached;
        while new != 0 {
            let mut next = 0;
            while new != 0 {
                next |= self.touching[new.trailing_zeros() as usize];
                new &= new - 1;
            }
            new = next & around & !reached;
            reached |= new;
        }
        reached == around
    }
}

/// Eight times the Euler characteristic that the corner in the middle of 2 x 2 x 2 voxels stands for.
///
/// Voxels are closed cubes. The corner counts once, each of its six edges is shared by two corners, each of
/// twelve faces by four, each cube by eight; a part counts when one of the voxels around it is set.
fn euler_of_block(voxels: u32) -> i32 {
    let mut sum = 0;
    for axes in 0..8u32 {
        for sides in (0..8u32).filter(|sides| sides & !axes == 0) {
            let touched = (0..8).any(|voxel| voxels >> voxel & 1 == 1 && voxel & axes == sides);
            let weight = 8 >> axes.count_ones();
            let sign = if axes.count_ones() % 2 == 0 { 1 } else { -1 };
            sum += i32::from(touched) * sign * weight;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::components::{Components, Connectivity};
    use crate::random::Key;

    fn thin<const D: usize>(mask: &[bool], shape: [usize; D]) -> Vec<bool> {
        skeleton(mask, shape, Thinning::Lee).unwrap()
    }

    #[test]
    fn a_voxel_a_pair_and_a_full_block_have_their_euler_characteristic() {
        // A cube alone is one eighth at each of its corners; two that share a face add up to one again.
        assert_eq!(euler_of_block(1), 1);
        assert_eq!(euler_of_block(0b11), 0);
        assert_eq!(euler_of_block(0b1001), -2, "across an edge");
        assert_eq!(euler_of_block(255), 0);
        assert_eq!(euler_of_block(0), 0);
    }

    #[test]
    fn a_ring_stays_a_ring_and_a_ball_becomes_a_short_line() {
        let shape = [9, 11, 11];
        let drawn = |inside: &dyn Fn([f64; 3]) -> bool| -> Vec<bool> {
            let at = |i: usize| [i / 121, i / 11 % 11, i % 11].map(|v| v as f64 - 5.0);
            (0..9 * 121).map(|i| inside(at(i))).collect()
        };
        let ball = drawn(&|[d, h, w]| (d + 1.0).powi(2) + h * h + w * w <= 12.0);
        assert!(thin(&ball, shape).iter().filter(|&&v| v).count() <= 5);
        let ring = drawn(&|[d, h, w]| {
            (d + 1.0).abs() <= 1.0 && ((h * h + w * w).sqrt() - 3.5).abs() <= 1.2
        });
        let line = thin(&ring, shape);
        let left = line.iter().filter(|&&v| v).count();
        assert!((12..40).contains(&left), "{left} voxels");
        let open = Components::new(&line, shape, Connectivity::Corner, |&v| v).unwrap();
        assert_eq!(open.components().len(), 1);
        // A closed line has no ends.
        for at in (0..line.len()).filter(|&at| line[at]) {
            let near = |other: &usize| {
                let index = |i: usize| [i / 121, i / 11 % 11, i % 11];
                line[*other]
                    && *other != at
                    && (0..3).all(|a| index(at)[a].abs_diff(index(*other)[a]) <= 1)
            };
            assert!((0..line.len()).filter(near).count() >= 2);
        }
    }

    #[test]
    fn skeletons_keep_the_components_and_are_their_own_skeletons() {
        let mut random = Key::new(5).stream("skeleton");
        for shape in [[7, 8, 9], [1, 14, 36], [14, 1, 36]] {
            for share in [30, 60, 85] {
                let mask: Vec<bool> = (0..504).map(|_| random.below(100) < share).collect();
                let line = thin(&mask, shape);
                assert!(line.iter().zip(&mask).all(|(&line, &mask)| mask || !line));
                let count = |mask: &[bool]| {
                    let found = Components::new(mask, shape, Connectivity::Corner, |&v| v).unwrap();
                    found.components().len()
                };
                assert_eq!(count(&line), count(&mask), "{shape:?}");
                assert_eq!(thin(&line, shape), line);
            }
        }
    }

    #[test]
    fn nothing_has_no_skeleton_and_a_line_of_voxels_is_refused() {
        assert_eq!(thin(&[false; 6], [2, 3]), [false; 6]);
        assert!(skeleton(&[true; 5], [2, 3], Thinning::Lee).is_err());
        assert!(skeleton(&[true; 5], [5], Thinning::Lee).is_err());
        // A voxel without a neighbour stays, and a cube does not vanish as it does with scikit-image.
        assert_eq!(thin(&[true], [1, 1]), [true]);
        assert_eq!(thin(&[true; 8], [2; 3]).iter().filter(|&&v| v).count(), 2);
        let theirs = skeleton(&[true; 8], [2; 3], Thinning::ScikitImage).unwrap();
        assert_eq!(theirs, [false; 8]);
    }
}
