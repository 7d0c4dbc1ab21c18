//! Transforms of colour: images of three channels, red, green and blue from 0 to 1.
//!
//! Every pixel changes by itself, so they work in images of any number of axes. NaN stays in its pixel, where it
//! may spread over the three channels.

mod foreground_mask;
mod hed;
mod hsv;
mod hue_saturation_value;
mod iso_noise;
mod jitter;

pub use foreground_mask::{ForegroundMask, ForegroundTone, MaskThreshold};
pub use hed::{HedJitter, RandomHedJitter};
pub use hue_saturation_value::{ColorDepth, HueSaturationValue, RandomHueSaturationValue};
pub use iso_noise::{ISONoise, RandomISONoise, iso_noise};
pub use jitter::{ColorAdjustment, ColorJitter, RandomColorJitter};

use medcore::cpu::{Work, with_wide_vectors};
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::parallel::CHUNK;
use crate::sample::{Contents, Sample};

/// Red, green and blue of the same pixels.
pub(crate) type Colours<'a> = [&'a mut [f32]; 3];

/// An image of three channels and nothing else.
pub(crate) fn three_channels() -> Contents {
    Contents {
        channels: Some(3),
        ..Contents::default()
    }
}

/// Calls `f` for every chunk of pixels, in the caller's thread pool, and returns what it gave, in order.
pub(crate) fn for_each_colour<R: Send, const D: usize>(
    transform: &'static str,
    sample: &mut Sample<D>,
    f: impl Fn(Colours<'_>) -> R + Sync,
) -> Result<Vec<R>> {
    for_each_numbered_colour(transform, sample, |_, colours| f(colours))
}

/// Calls `f` for every chunk of pixels with its number.
pub(crate) fn for_each_numbered_colour<R: Send, const D: usize>(
    transform: &'static str,
    sample: &mut Sample<D>,
    f: impl Fn(usize, Colours<'_>) -> R + Sync,
) -> Result<Vec<R>> {
    let channels = sample.image().channels();
    if channels != 3 {
        return Err(Error::EntryCount {
            transform,
            parameter: "image channels",
            expected: 3,
            got: channels,
        });
    }
    let pixels = sample.geometry().len();
    let (image, _) = sample.image_and_labels_mut();
    let (red, rest) = image.as_mut_slice().split_at_mut(pixels);
    let (green, blue) = rest.split_at_mut(pixels);
    Ok(red
        .par_chunks_mut(CHUNK)
        .zip(green.par_chunks_mut(CHUNK))
        .zip(blue.par_chunks_mut(CHUNK))
        .enumerate()
        .map(|(number, ((red, green), blue))| f(number, [red, green, blue]))
        .collect())
}

/// Calls `f` for every pixel of a chunk.
#[inline(always)]
pub(crate) fn for_each_pixel(colours: Colours<'_>, f: impl Fn([f32; 3]) -> [f32; 3]) {
    with_wide_vectors(Pixels { colours, f });
}

struct Pixels<'a, F> {
    colours: Colours<'a>,
    f: F,
}

impl<F: Fn([f32; 3]) -> [f32; 3]> Work for Pixels<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        const LANES: usize = 16;
        let [red, green, blue] = self.colours.map(|v| v.as_chunks_mut::<LANES>());
        let blocks = red.0.iter_mut().zip(green.0).zip(blue.0);
        for ((red, green), blue) in blocks {
            // Copies, so that the compiler need not ask whether the channels overlap.
            let [mut r, mut g, mut b] = [*red, *green, *blue];
            for i in 0..LANES {
                [r[i], g[i], b[i]] = (self.f)([r[i], g[i], b[i]]);
            }
            [*red, *green, *blue] = [r, g, b];
        }
        for ((r, g), b) in red.1.iter_mut().zip(green.1).zip(blue.1) {
            [*r, *g, *b] = (self.f)([*r, *g, *b]);
        }
    }
}

/// Brings a number between 0 and 1; NaN stays.
#[inline(always)]
pub(crate) fn unit(v: f32) -> f32 {
    let raised = if v < 0.0 { 0.0 } else { v };
    if raised > 1.0 { 1.0 } else { raised }
}
