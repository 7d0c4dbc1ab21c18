//! Both masks of one structure, cut out of their label maps with a border of background.

use medcore::{Label, Region};

use super::empty::EmptyCase;
use super::pair::{Maps, PREDICTION, Points, REFERENCE};
use crate::error::Result;

/// Bits of both masks on a box with voxels of background around it.
pub(crate) struct Crop<const D: usize> {
    pub(crate) shape: [usize; D],
    pub(crate) bits: Vec<u8>,
    /// The box, without the border.
    pub(crate) region: Region<D>,
}

impl<const D: usize> Crop<D> {
    /// The masks of `labels` inside `region`.
    pub(crate) fn new<A: Label, B: Label>(
        maps: &Maps<'_, A, B, D>,
        region: &Region<D>,
        labels: &[u32],
    ) -> Result<Self> {
        let single = match labels {
            [one] if maps.ignore.is_none() => Some(*one),
            _ => None,
        };
        Self::filled(maps.reference.shape(), region, |from, out| {
            let reference = &maps.reference.as_slice()[from..from + out.len()];
            let prediction = &maps.prediction.as_slice()[from..from + out.len()];
            let pairs = reference.iter().zip(prediction);
            if let Some(label) = single {
                for (out, (&r, &p)) in out.iter_mut().zip(pairs) {
                    *out = both(r.into() == label, p.into() == label);
                }
            } else {
                for (out, (&r, &p)) in out.iter_mut().zip(pairs) {
                    let (r, p): (u32, u32) = (r.into(), p.into());
                    if maps.ignore != Some(r) {
                        *out = both(labels.contains(&r), labels.contains(&p));
                    }
                }
            }
        })
    }

    /// Masks of an image of shape `source`: `fill` sets the bits of rows, given where each begins in it.
    pub(crate) fn filled(
        source: [usize; D],
        region: &Region<D>,
        mut fill: impl FnMut(usize, &mut [u8]),
    ) -> Result<Self> {
        let shape = region.shape().map(|n| n + 2);
        let mut bits: Vec<u8> =
            medcore::buffer::zeroed(shape.iter().product(), "masks of a structure")?;
        let inner = Region::new([1; D], shape.map(|n| n - 1))?;
        for (from, to) in region.rows(source).zip(inner.rows(shape)) {
            fill(from.start, &mut bits[to]);
        }
        Ok(Self {
            shape,
            bits,
            region: *region,
        })
    }

    /// A voxel of background: two empty masks.
    pub(crate) fn nothing() -> Result<Self> {
        Self::filled([1; D], &Region::whole([1; D])?, |_, _| {})
    }

    /// One of the masks, with the border.
    pub(crate) fn mask(&self, side: u8) -> Vec<bool> {
        self.bits.iter().map(|&bits| bits & side != 0).collect()
    }

    /// The bits on the box grown by a margin and cut to the image, without a border; with the box's shape.
    pub(crate) fn grown(&self, margin: usize, image: [usize; D]) -> Result<([usize; D], Vec<u8>)> {
        let wide = self.region.grown([margin; D], image);
        let shape = wide.shape();
        let mut bits = medcore::buffer::zeroed(shape.iter().product(), "masks of a structure")?;
        let offset = |index: [usize; D]| std::array::from_fn(|a| index[a] - wide.start()[a]);
        let own = Region::new(offset(self.region.start()), offset(self.region.end()))?;
        let inner = Region::new([1; D], self.shape.map(|n| n - 1))?;
        for (from, to) in inner.rows(self.shape).zip(own.rows(shape)) {
            bits[to].copy_from_slice(&self.bits[from]);
        }
        Ok((shape, bits))
    }

    /// Which mask has no voxel.
    pub(crate) fn empty(&self) -> Option<EmptyCase> {
        let any = self.bits.iter().fold(0, |any, &bits| any | bits);
        EmptyCase::of(u64::from(any & REFERENCE), u64::from(any & PREDICTION))
    }

    /// The voxels of each mask with a face neighbour outside it.
    pub(crate) fn eroded(&self) -> Result<Points<D>> {
        let width = self.shape[D - 1];
        let mut bits: Vec<u8> = medcore::buffer::zeroed(self.bits.len(), "surface")?;
        let mut positions = [Vec::new(), Vec::new()];
        let mut strides = [1; D];
        for a in (0..D - 1).rev() {
            strides[a] = strides[a + 1] * self.shape[a + 1];
        }
        let last = self.bits.len() - strides[0];
        // The border is background: rows of voxels with all neighbours lie between the first and last plane.
        for start in (strides[0]..last).step_by(width) {
            let row = |at: usize| &self.bits[at..at + width];
            let here = row(start);
            if here.iter().all(|&v| v == 0) {
                continue;
            }
            let out = &mut bits[start..start + width];
            // Neighbours along the width, then along every other axis.
            for i in 1..width - 1 {
                out[i] = here[i - 1] & here[i + 1];
            }
            for &stride in &strides[..D - 1] {
                let (before, after) = (row(start - stride), row(start + stride));
                for i in 0..width {
                    out[i] &= before[i] & after[i];
                }
            }
            for i in 0..width {
                out[i] = here[i] & !out[i];
            }
            for (i, &v) in out.iter().enumerate() {
                if v & REFERENCE != 0 {
                    positions[0].push(start + i);
                }
                if v & PREDICTION != 0 {
                    positions[1].push(start + i);
                }
            }
        }
        Ok(Points {
            shape: self.shape,
            bits,
            positions,
            areas: None,
        })
    }
}

pub(crate) fn both(reference: bool, prediction: bool) -> u8 {
    (u8::from(reference) * REFERENCE) | (u8::from(prediction) * PREDICTION)
}
