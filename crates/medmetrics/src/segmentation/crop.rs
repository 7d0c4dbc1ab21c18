//! Both masks of one structure, cut out of their label maps with a border of background.

use medcore::{Label, Region};

use super::empty::EmptyCase;
use super::surface::{Maps, PREDICTION, Points, REFERENCE};
use crate::error::Result;

/// Bits of both masks on a box with one voxel of background around it.
pub(crate) struct Crop<const D: usize> {
    pub(crate) shape: [usize; D],
    pub(crate) bits: Vec<u8>,
}

impl<const D: usize> Crop<D> {
    /// The masks of `labels` inside `region`.
    pub(crate) fn new<A: Label, B: Label>(
        maps: &Maps<'_, A, B, D>,
        region: &Region<D>,
        labels: &[u32],
    ) -> Result<Self> {
        let inner = region.shape();
        let shape = inner.map(|n| n + 2);
        let mut bits: Vec<u8> =
            medcore::buffer::zeroed(shape.iter().product(), "masks of a structure")?;
        let source = maps.reference.shape();
        let width = inner[D - 1];
        let rows: usize = inner[..D - 1].iter().product();
        let single = match labels {
            [one] if maps.ignore.is_none() => Some(*one),
            _ => None,
        };
        for row in 0..rows {
            let (mut rest, mut from, mut to) = (row, region.start()[D - 1], 1);
            let (mut from_stride, mut to_stride) = (source[D - 1], shape[D - 1]);
            for a in (0..D - 1).rev() {
                let index = rest % inner[a];
                rest /= inner[a];
                from += (region.start()[a] + index) * from_stride;
                to += (index + 1) * to_stride;
                from_stride *= source[a];
                to_stride *= shape[a];
            }
            let out = &mut bits[to..to + width];
            let reference = &maps.reference.as_slice()[from..from + width];
            let prediction = &maps.prediction.as_slice()[from..from + width];
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
        }
        Ok(Self { shape, bits })
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

fn both(reference: bool, prediction: bool) -> u8 {
    (u8::from(reference) * REFERENCE) | (u8::from(prediction) * PREDICTION)
}
