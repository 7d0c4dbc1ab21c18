//! Tiles that cover an image, and what to do with findings that several of them see.

use medcore::windows::starts_every;
use medcore::{BoundingBox, Image, Region};
use mednn::detection::{NmsConfig, batched_nms};

use super::FoundBox;
use crate::error::Result;

/// Boxes that end this close to where a tile ends, in voxels, may be cut there.
const BORDER: f64 = 1.0;

/// A cut box is dropped when another tile's box of its class holds this share of it.
const HELD: f64 = 0.8;

/// A part of an image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tile<const D: usize> {
    pub(super) start: [usize; D],
    end: [usize; D],
    image: [usize; D],
}

/// The tiles of an image; the last ones along an axis end with it.
pub(super) fn tiles<const D: usize>(
    image: [usize; D],
    shape: [usize; D],
    overlap: f64,
) -> Vec<Tile<D>> {
    let starts: [Vec<usize>; D] = std::array::from_fn(|axis| {
        let step = (shape[axis] as f64 * (1.0 - overlap)) as usize;
        starts_every(image[axis], shape[axis], step)
    });
    let count: usize = starts.iter().map(Vec::len).product();
    let tile = |mut number: usize| {
        let mut start = [0; D];
        for axis in (0..D).rev() {
            start[axis] = starts[axis][number % starts[axis].len()];
            number /= starts[axis].len();
        }
        let end = std::array::from_fn(|axis| (start[axis] + shape[axis]).min(image[axis]));
        Tile { start, end, image }
    };
    (0..count).map(tile).collect()
}

impl<const D: usize> Tile<D> {
    /// Its voxels, with `fill` behind them where the image is smaller than a tile.
    pub(super) fn cut(
        &self,
        image: &Image<f32, D>,
        shape: [usize; D],
        fill: f32,
    ) -> Result<Image<f32, D>> {
        let part = image.crop(&Region::new(self.start, self.end)?)?;
        let behind = std::array::from_fn(|axis| shape[axis] - part.shape()[axis]);
        Ok(part.pad([0; D], behind, fill)?)
    }

    /// Whether a box of the image ends where this tile does and the image goes on.
    pub(super) fn may_cut(&self, bounds: &BoundingBox<D>) -> bool {
        (0..D).any(|axis| {
            let low = self.start[axis] as f64 - 0.5;
            let high = self.end[axis] as f64 - 0.5;
            (self.start[axis] > 0 && bounds.min()[axis] < low + BORDER)
                || (self.end[axis] < self.image[axis] && bounds.max()[axis] > high - BORDER)
        })
    }
}

/// A box with the tile that saw it, and whether its border may have cut it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<const D: usize> {
    pub(super) found: FoundBox<D>,
    pub(super) tile: usize,
    pub(super) is_cut: bool,
}

/// One box for each finding, the most likely first: a cut one goes where another tile's box holds it, and of the others
/// those that a better one of their class covers.
pub(super) fn join<const D: usize>(
    seen: &[Seen<D>],
    iou: f64,
    most: usize,
) -> Result<Vec<FoundBox<D>>> {
    let is_held = |one: &Seen<D>| {
        seen.iter().any(|other| {
            let is_other = other.tile != one.tile && other.found.class == one.found.class;
            // Of two cut boxes that hold each other the larger stays.
            let is_better =
                !other.is_cut || other.found.bounds.volume() > one.found.bounds.volume();
            is_other && is_better && held(&one.found.bounds, &other.found.bounds) >= HELD
        })
    };
    let kept: Vec<FoundBox<D>> = { seen.iter() }
        .filter(|one| !(one.is_cut && is_held(one)))
        .map(|one| one.found)
        .collect();
    let bounds: Vec<_> = kept.iter().map(|found| found.bounds).collect();
    let scores: Vec<f64> = kept.iter().map(|found| found.score).collect();
    let classes: Vec<u32> = kept.iter().map(|found| found.class as u32).collect();
    let nms = NmsConfig::new(iou).with_most(most);
    let order = batched_nms(&bounds, &scores, &classes, &nms)?;
    Ok(order.into_iter().map(|i| kept[i]).collect())
}

/// The share of a box that lies inside another.
fn held<const D: usize>(inner: &BoundingBox<D>, outer: &BoundingBox<D>) -> f64 {
    let volume = inner.volume();
    let common: f64 = (0..D)
        .map(|axis| {
            let low = inner.min()[axis].max(outer.min()[axis]);
            let high = inner.max()[axis].min(outer.max()[axis]);
            (high - low).max(0.0)
        })
        .product();
    if volume > 0.0 { common / volume } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(tile: usize, is_cut: bool, [y0, y1]: [f64; 2], score: f64) -> Seen<2> {
        let bounds = BoundingBox::new([y0, 0.0], [y1, 10.0]).unwrap();
        let found = FoundBox {
            bounds,
            class: 0,
            score,
        };
        Seen {
            found,
            tile,
            is_cut,
        }
    }

    #[test]
    fn tiles_cover_every_voxel_and_stay_inside() {
        let image = [23, 8];
        let mut covered = [[0; 8]; 23];
        for tile in tiles(image, [10, 16], 0.25) {
            for y in tile.start[0]..tile.end[0] {
                for x in tile.start[1]..tile.end[1] {
                    covered[y][x] += 1;
                }
            }
        }
        assert!(covered.iter().flatten().all(|&count| count > 0));
    }

    #[test]
    fn a_finding_on_a_border_is_one_box() {
        // Whole in the second tile, half in the first; overlap 0.5 of the whole, which suppression alone would keep.
        let both = [
            seen(0, true, [10.0, 20.0], 0.9),
            seen(1, false, [10.0, 30.0], 0.8),
        ];
        let joined = join(&both, 0.7, 10).unwrap();
        assert_eq!(joined, [both[1].found]);
        // A cut box that nobody else saw stays.
        assert_eq!(join(&both[..1], 0.7, 10).unwrap(), [both[0].found]);
        // Two boxes of one tile are two findings.
        let same = [
            seen(0, true, [10.0, 20.0], 0.9),
            seen(0, false, [10.0, 30.0], 0.8),
        ];
        assert_eq!(join(&same, 0.7, 10).unwrap().len(), 2);
    }
}
