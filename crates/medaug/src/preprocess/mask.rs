//! Scores of mean and deviation inside the body.

use medcore::morphology::fill_holes;
use medcore::{Image, LabelMap};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::intensity::{Intensity, normalise, normalise_channel, score};
use crate::parallel::{CHUNK, Statistics};

/// Where a masked score takes its mean and deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreMask {
    /// Where the channel itself is not exactly 0 (MONAI `nonzero`).
    #[default]
    Channel,
    /// Where any channel is not exactly 0, with its holes filled (nnU-Net `use_mask_for_norm`).
    ///
    /// nnU-Net also counts voxels that are labelled though they lie outside; here training and use have the
    /// same mask.
    Body,
}

/// Where any channel is not 0, and what that encloses.
pub(super) fn body(image: &Image<f32, 3>) -> Result<Vec<bool>> {
    let mut inside = vec![false; image.geometry().len()];
    for channel in 0..image.channels() {
        let voxels = image.channel(channel).par_chunks(CHUNK);
        inside
            .par_chunks_mut(CHUNK)
            .zip(voxels)
            .for_each(|(inside, voxels)| {
                for (inside, v) in inside.iter_mut().zip(voxels) {
                    *inside |= *v != 0.0;
                }
            });
    }
    fill_holes(&mut inside, image.shape())?;
    Ok(inside)
}

/// Gives background outside the body a class of its own.
pub(super) fn label_outside(labels: &mut LabelMap<u8, 3>, body: &[bool], class: u8) {
    for (label, inside) in labels.as_mut_slice().iter_mut().zip(body) {
        if *label == 0 && !inside {
            *label = class;
        }
    }
}

/// As [`normalise`], but masked scores are taken inside the body of all channels.
pub(super) fn normalise_inside_body(
    image: &mut Image<f32, 3>,
    schemes: &[Intensity],
) -> Result<()> {
    let masked = |scheme: &Intensity| matches!(scheme, Intensity::ZScore { masked: true });
    let channels = image.channels();
    if !schemes.iter().any(masked) || !(schemes.len() == 1 || schemes.len() == channels) {
        return normalise(image, schemes);
    }
    schemes.iter().try_for_each(Intensity::check)?;
    let inside = body(image)?;
    let len = image.geometry().len();
    for (channel, voxels) in image.as_mut_slice().chunks_exact_mut(len).enumerate() {
        let scheme = schemes[if schemes.len() == 1 { 0 } else { channel }];
        if masked(&scheme) {
            let statistics = Statistics::of_masked(voxels, &inside);
            if !statistics.is_finite() {
                return Err(Error::NotFinite { channel });
            }
            let (mean, std) = score(&statistics);
            let parts = inside.par_chunks(CHUNK);
            voxels
                .par_chunks_mut(CHUNK)
                .zip(parts)
                .for_each(|(voxels, inside)| {
                    for (v, &inside) in voxels.iter_mut().zip(inside) {
                        *v = if inside { (*v - mean) / std } else { 0.0 };
                    }
                });
        } else {
            normalise_channel(voxels, scheme, channel)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use medcore::Geometry;

    use super::*;

    #[test]
    fn holes_belong_to_the_body_and_what_lies_around_stays_zero() {
        let grid = Geometry::axis_aligned([1, 5, 5], [1.0; 3]).unwrap();
        #[rustfmt::skip]
        let ring = vec![
            0.0, 0.0, 0.0, 0.0, 0.0,
            0.0, 3.0, 3.0, 3.0, 0.0,
            0.0, 3.0, 0.0, 3.0, 0.0,
            0.0, 3.0, 3.0, 3.0, 0.0,
            0.0, 0.0, 0.0, 0.0, 0.0_f32,
        ];
        // One slice is open above and below: stand it between two full ones.
        let full: Vec<f32> = ring
            .iter()
            .enumerate()
            .map(|(i, &v)| if i == 12 { 3.0 } else { v })
            .collect();
        let deep = Geometry::axis_aligned([3, 5, 5], [1.0; 3]).unwrap();
        let mut image = Image::new(deep, [full.clone(), ring.clone(), full].concat()).unwrap();
        let inside = body(&image).unwrap();
        assert_eq!(inside.iter().filter(|&&v| v).count(), 27);
        normalise_inside_body(&mut image, &[Intensity::ZScore { masked: true }]).unwrap();
        let sum: f32 = image.as_slice().iter().sum();
        assert!(sum.abs() < 1e-5, "{sum}");
        assert!(image.as_slice()[25 + 12] < -5.0);
        assert_eq!(image.as_slice()[0], 0.0);
        // Open to the border, the middle of the ring is outside.
        let flat = Image::new(grid, ring).unwrap();
        assert_eq!(body(&flat).unwrap().iter().filter(|&&v| v).count(), 8);
    }

    #[test]
    fn any_channel_makes_the_body_and_a_constant_one_becomes_zero() {
        let grid = Geometry::axis_aligned([1, 1, 4], [1.0; 3]).unwrap();
        let voxels = vec![5.0, 5.0, 0.0, 0.0, 0.0, 2.0, 4.0, 0.0];
        let mut image = Image::with_channels(2, grid, voxels).unwrap();
        assert_eq!(body(&image).unwrap(), [true, true, true, false]);
        let schemes = [Intensity::ZScore { masked: true }, Intensity::Keep];
        normalise_inside_body(&mut image, &schemes).unwrap();
        let root = std::f32::consts::FRAC_1_SQRT_2;
        let want = [root, root, -2.0 * root, 0.0];
        for (got, want) in image.channel(0).iter().zip(want) {
            assert!((got - want).abs() < 1e-5, "{got} {want}");
        }
        assert_eq!(image.channel(1), [0.0, 2.0, 4.0, 0.0]);
        let mut flat = Image::new(grid, vec![7.0; 4]).unwrap();
        normalise_inside_body(&mut flat, &[Intensity::ZScore { masked: true }]).unwrap();
        assert_eq!(flat.as_slice(), [0.0; 4]);
    }

    #[test]
    fn only_background_outside_is_renamed() {
        let grid = Geometry::axis_aligned([1, 1, 4], [1.0; 3]).unwrap();
        let mut labels = LabelMap::new(grid, vec![0, 0, 3, 0]).unwrap();
        label_outside(&mut labels, &[true, false, false, false], 9);
        assert_eq!(labels.as_slice(), [0, 9, 3, 9]);
    }
}
