//! Intensities on the scale a network was trained on: the deterministic part of preprocessing.

use medcore::Image;
use medcore::morphology::fill_holes;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check};
use crate::operation::SampleOperation;
use crate::parallel::{CHUNK, Statistics, for_each_chunk};
use crate::sample::{Contents, Sample};

/// How the intensities of one channel are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Intensity {
    /// They stay as they are.
    #[default]
    Keep,
    /// `low..high` becomes 0..1, the rest is clipped (MONAI `ScaleIntensityRange` with `clip`).
    Window {
        /// Intensity that becomes 0.
        low: f64,
        /// Intensity that becomes 1.
        high: f64,
    },
    /// Clipped to `low..high`, then `(v - mean) / std`, all known from the training cases (nnU-Net's CT scheme).
    ClipZScore {
        /// Smallest intensity that is kept, nnU-Net's 0.5 percentile.
        low: f64,
        /// Largest intensity that is kept, nnU-Net's 99.5 percentile.
        high: f64,
        /// Mean of the foreground of the training cases.
        mean: f64,
        /// Standard deviation of the foreground of the training cases.
        std: f64,
    },
    /// `(v - mean) / std` of the image itself, divisor n; a constant image becomes 0.
    ZScore {
        /// Whether voxels of exactly 0 are left out and stay 0 (MONAI `nonzero`, nnU-Net's mask of a
        /// skull-stripped image but for its enclosed zeros).
        masked: bool,
    },
    /// `(v - mean) / std` of the voxels of the body, divisor n; the others stay as they are. The body is what is not 0 in any
    /// channel, with its holes filled (nnU-Net's `use_mask_for_norm`).
    ///
    /// When nnU-Net prepares a training case, voxels outside the body that have a label count as body, and are scaled; when
    /// it predicts there are no labels, and they do not. Here they never do, so that training and prediction see the same
    /// intensities. The two differ only where such voxels exist: with a body of 100 +- 20 and one of them for every 99
    /// voxels of it, nnU-Net's training case has the mean 99.1 and the deviation 22.2, and the label's voxels become -4.5
    /// instead of 0.
    BodyZScore,
    /// The image's smallest intensity becomes 0, its largest 1.
    MinMax,
}

impl Intensity {
    /// Checks that limits are finite and in order and deviations positive.
    ///
    /// # Errors
    /// Names the parameter and the rule it breaks.
    pub fn check(&self) -> Result<()> {
        const NAME: &str = "Intensity";
        let ordered = |low: f64, high: f64| {
            check(NAME, "low", low, "finite", f64::is_finite)?;
            check(NAME, "high", high, "finite and above low", |v| {
                v.is_finite() && v > low
            })
        };
        match *self {
            Self::Keep | Self::ZScore { .. } | Self::BodyZScore | Self::MinMax => Ok(()),
            Self::Window { low, high } => ordered(low, high),
            Self::ClipZScore {
                low,
                high,
                mean,
                std,
            } => {
                ordered(low, high)?;
                check(NAME, "mean", mean, "finite", f64::is_finite)?;
                check(NAME, "std", std, "finite and above 0", |v| {
                    v.is_finite() && v > 0.0
                })
            }
        }
    }
}

/// `(min(max(v, low), high) - shift) * scale`, computed as a division so that whole numbers stay whole.
fn clip_and_divide(voxels: &mut [f32], low: f32, high: f32, shift: f32, divisor: f32) {
    for_each_chunk(voxels, |_, chunk| {
        for v in chunk {
            let raised = if *v < low { low } else { *v };
            let clipped = if raised > high { high } else { raised };
            *v = (clipped - shift) / divisor;
        }
    });
}

/// Scales every channel of an image as told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalise {
    /// One scheme for each channel, or one for all.
    pub schemes: Vec<Intensity>,
}

impl From<Intensity> for Normalise {
    fn from(scheme: Intensity) -> Self {
        Self {
            schemes: vec![scheme],
        }
    }
}

impl<const D: usize> SampleOperation<D> for Normalise {
    fn check(&self) -> Result<()> {
        self.schemes.iter().try_for_each(Intensity::check)
    }

    fn needs(&self) -> Contents {
        Contents {
            channels: Some(self.schemes.len()).filter(|&schemes| schemes != 1),
            ..Contents::default()
        }
    }

    fn apply(&self, mut sample: Sample<D>) -> Result<Sample<D>> {
        normalise(sample.image_and_labels_mut().0, &self.schemes)?;
        Ok(sample)
    }
}

/// Scales each channel of an image; `schemes` holds one scheme for each channel, or one for all.
///
/// # Errors
/// Refuses another number of schemes, limits out of order, and images that are not finite where their own
/// statistics are needed.
pub fn normalise<const D: usize>(image: &mut Image<f32, D>, schemes: &[Intensity]) -> Result<()> {
    let channels = image.channels();
    if schemes.len() != 1 && schemes.len() != channels {
        return Err(Error::EntryCount {
            transform: "normalise",
            parameter: "schemes",
            expected: channels,
            got: schemes.len(),
        });
    }
    schemes.iter().try_for_each(Intensity::check)?;
    let body = match schemes.contains(&Intensity::BodyZScore) {
        true => body(image)?,
        false => Vec::new(),
    };
    let len = image.geometry().len();
    for (channel, voxels) in image.as_mut_slice().chunks_exact_mut(len).enumerate() {
        let scheme = if schemes.len() == 1 {
            schemes[0]
        } else {
            schemes[channel]
        };
        normalise_channel(voxels, scheme, &body, channel)?;
    }
    Ok(())
}

/// Mean and divisor of a score; a constant image is divided by 1.
fn score(statistics: &Statistics) -> (f32, f32) {
    let std = statistics.std();
    let std = if std > 0.0 { std } else { 1.0 };
    (statistics.mean as f32, std as f32)
}

/// What is not 0 in any channel, with its holes filled.
pub(crate) fn body<const D: usize>(image: &Image<f32, D>) -> Result<Vec<bool>> {
    let mut body = vec![false; image.geometry().len()];
    for channel in 0..image.channels() {
        let voxels = image.channel(channel).par_chunks(CHUNK);
        body.par_chunks_mut(CHUNK)
            .zip(voxels)
            .for_each(|(body, voxels)| {
                for (inside, v) in body.iter_mut().zip(voxels) {
                    *inside |= *v != 0.0;
                }
            });
    }
    fill_holes(&mut body, image.shape())?;
    Ok(body)
}

fn normalise_channel(
    voxels: &mut [f32],
    scheme: Intensity,
    body: &[bool],
    channel: usize,
) -> Result<()> {
    let finite = |statistics: Statistics| {
        if statistics.is_finite() {
            Ok(statistics)
        } else {
            Err(Error::NotFinite { channel })
        }
    };
    let no_limit = f32::INFINITY;
    match scheme {
        Intensity::Keep => {}
        Intensity::Window { low, high } => {
            let (low, high) = (low as f32, high as f32);
            clip_and_divide(voxels, low, high, low, high - low);
        }
        Intensity::ClipZScore {
            low,
            high,
            mean,
            std,
        } => clip_and_divide(voxels, low as f32, high as f32, mean as f32, std as f32),
        Intensity::ZScore { masked: false } => {
            let s = finite(Statistics::of(voxels))?;
            let (mean, std) = score(&s);
            clip_and_divide(voxels, -no_limit, no_limit, mean, std);
        }
        Intensity::ZScore { masked: true } => {
            let s = finite(Statistics::of_non_zero(voxels))?;
            let (mean, std) = score(&s);
            for_each_chunk(voxels, |_, chunk| {
                for v in chunk {
                    *v = if *v == 0.0 { 0.0 } else { (*v - mean) / std };
                }
            });
        }
        Intensity::BodyZScore => {
            let (mean, std) = score(&finite(Statistics::of_masked(voxels, body))?);
            let body = body.par_chunks(CHUNK);
            voxels
                .par_chunks_mut(CHUNK)
                .zip(body)
                .for_each(|(voxels, body)| {
                    for (v, _) in voxels.iter_mut().zip(body).filter(|(_, inside)| **inside) {
                        *v = (*v - mean) / std;
                    }
                });
        }
        Intensity::MinMax => {
            let s = finite(Statistics::of(voxels))?;
            let range = if s.max > s.min { s.max - s.min } else { 1.0 };
            clip_and_divide(voxels, -no_limit, no_limit, s.min, range);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use medcore::Geometry;

    use super::*;

    fn image(voxels: Vec<f32>) -> Image<f32, 1> {
        let grid = Geometry::axis_aligned([voxels.len()], [1.0]).unwrap();
        Image::new(grid, voxels).unwrap()
    }

    #[test]
    fn a_window_maps_its_ends_to_zero_and_one_and_clips() {
        let mut ct = image(vec![-1000.0, -160.0, 40.0, 240.0, 3000.0]);
        let window = Intensity::Window {
            low: -160.0,
            high: 240.0,
        };
        normalise(&mut ct, &[window]).unwrap();
        assert_eq!(ct.as_slice(), [0.0, 0.0, 0.5, 1.0, 1.0]);
    }

    #[test]
    fn the_ct_scheme_clips_before_it_centres() {
        let mut ct = image(vec![-5000.0, 100.0, 5000.0]);
        let scheme = Intensity::ClipZScore {
            low: -100.0,
            high: 300.0,
            mean: 100.0,
            std: 50.0,
        };
        normalise(&mut ct, &[scheme]).unwrap();
        assert_eq!(ct.as_slice(), [-4.0, 0.0, 4.0]);
    }

    #[test]
    fn the_masked_score_leaves_zeros_alone_and_a_constant_becomes_zero() {
        let mut mr = image(vec![0.0, 2.0, 4.0, 0.0]);
        normalise(&mut mr, &[Intensity::ZScore { masked: true }]).unwrap();
        assert_eq!(mr.as_slice(), [0.0, -1.0, 1.0, 0.0]);
        let mut flat = image(vec![7.0; 5]);
        normalise(&mut flat, &[Intensity::ZScore { masked: false }]).unwrap();
        assert_eq!(flat.as_slice(), [0.0; 5]);
        let mut flat = image(vec![7.0; 5]);
        normalise(&mut flat, &[Intensity::MinMax]).unwrap();
        assert_eq!(flat.as_slice(), [0.0; 5]);
    }

    #[test]
    fn the_body_is_that_of_all_channels_without_its_holes() {
        let grid = Geometry::axis_aligned([3, 4], [1.0; 2]).unwrap();
        // A ring around a zero, of two channels together; a column outside.
        let first = [1.0, 2.0, 3.0, 0.0, 4.0, 0.0, 5.0, 0.0, 6.0, 7.0, 0.0, 0.0];
        let second = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.0, 0.0];
        let mut image = Image::with_channels(2, grid, [first, second].concat()).unwrap();
        normalise(&mut image, &[Intensity::BodyZScore]).unwrap();
        for (channel, voxels) in [first, second].iter().enumerate() {
            let inside: Vec<f64> = (0..12)
                .filter(|i| i % 4 < 3)
                .map(|i| f64::from(voxels[i]))
                .collect();
            let mean = inside.iter().sum::<f64>() / 9.0;
            let std = (inside.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 9.0).sqrt();
            for (i, (&got, &v)) in image.channel(channel).iter().zip(voxels).enumerate() {
                let want = if i % 4 < 3 {
                    (f64::from(v) - mean) / std
                } else {
                    0.0
                };
                assert!(
                    (f64::from(got) - want).abs() < 1e-6,
                    "{channel} {i}: {got} {want}"
                );
            }
        }
        let mut empty = Image::zeros(2, grid).unwrap();
        normalise(&mut empty, &[Intensity::BodyZScore]).unwrap();
        assert!(empty.as_slice().iter().all(|&v| v == 0.0));
    }

    #[test]
    fn broken_limits_counts_and_voxels_are_refused_by_name() {
        let upside_down = Intensity::Window {
            low: 1.0,
            high: 1.0,
        };
        let refused = normalise(&mut image(vec![1.0]), &[upside_down]);
        assert!(matches!(
            refused,
            Err(Error::InvalidParameter {
                parameter: "high",
                ..
            })
        ));
        let refused = normalise(&mut image(vec![1.0]), &[Intensity::Keep; 2]);
        assert!(matches!(
            refused,
            Err(Error::EntryCount {
                expected: 1,
                got: 2,
                ..
            })
        ));
        let score = Intensity::ZScore { masked: false };
        let refused = normalise(&mut image(vec![1.0, f32::NAN]), &[score]);
        assert!(matches!(refused, Err(Error::NotFinite { channel: 0 })));
    }
}
