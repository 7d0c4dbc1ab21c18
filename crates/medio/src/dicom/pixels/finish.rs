//! From raw samples to what was asked for: stored values, those of a quantity, colours.

use medcore::buffer;
use rayon::prelude::*;

use super::super::fault::Fault;
use super::super::tag::Tag;
use super::super::transfer_syntax::Codec;
use super::colour;
use super::convert::{Bits, Map, Misfit, Raw, convert};
use super::decoder::Colour;
use super::description::{Photometric, SampleKind};
use super::overlay::{self, Overlay};
use super::palette::Palette;
use super::pixel_array::PixelArray;
use super::quantity;
use super::source::Source;
use crate::voxel::Voxel;

/// What to make of stored values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ask {
    Stored,
    /// Modality values, and colours as red, green, blue.
    Values,
    /// Colours as red, green, blue in 8 bits.
    Colours8,
}

impl Source<'_> {
    pub(super) fn check_frame(&self, frame: usize) -> Result<(), Fault> {
        let frames = self.image.frames;
        if frame < frames {
            return Ok(());
        }
        Err(Fault::NoSuchFrame { frame, frames })
    }

    fn channels(&self, ask: Ask) -> usize {
        match ask {
            Ask::Stored => self.image.samples,
            _ if self.image.photometric == Photometric::PaletteColor => 3,
            _ => self.image.samples,
        }
    }

    /// One frame or all of them, in parallel; the first is decoded before room is made for the rest.
    pub(super) fn read<T: Voxel>(
        &self,
        ask: Ask,
        only: Option<usize>,
    ) -> Result<PixelArray<T>, Fault> {
        let frames = self.image.frames;
        only.map_or(Ok(()), |frame| self.check_frame(frame))?;
        if ask == Ask::Colours8 && self.image.photometric.is_monochrome() {
            return Err(Fault::attribute(
                Tag::PHOTOMETRIC_INTERPRETATION,
                "one of colours",
                "a monochrome image",
            ));
        }
        let (first, count) = only.map_or((0, frames), |frame| (frame, 1));
        let channels = self.channels(ask);
        let shape = [count, channels, self.image.rows, self.image.columns];
        let dimensions = shape.map(|n| u64::try_from(n).unwrap_or(u64::MAX));
        let element = u64::try_from(size_of::<T>()).unwrap_or(8);
        let total = self.file.budget.claim_array("pixels", &dimensions, element);
        let total = total.map_err(Fault::core("pixels"))?;
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        let palette = match ask {
            Ask::Values | Ask::Colours8 if self.image.photometric == Photometric::PaletteColor => {
                let signed = self.image.kind == SampleKind::Signed;
                Some(Palette::of(self.file.dataset(), signed)?)
            }
            _ => None,
        };
        let raw = self.raw(first)?;
        let mut pixels: Vec<T> = buffer::zeroed(total, "pixels").map_err(Fault::core("pixels"))?;
        let size = total / count.max(1);
        let (head, rest) = pixels.split_at_mut(size);
        self.finish(first, ask, raw, palette.as_ref(), head)?;
        { rest.par_chunks_mut(size.max(1)).enumerate() }.try_for_each(|(index, out)| {
            let frame = first + 1 + index;
            self.finish(frame, ask, self.raw(frame)?, palette.as_ref(), out)
        })?;
        Ok(PixelArray { shape, pixels })
    }

    /// Turns raw samples into what was asked for.
    pub(super) fn finish<T: Voxel>(
        &self,
        frame: usize,
        ask: Ask,
        (raw, bits, said): (Raw<'_>, Bits, Colour),
        palette: Option<&Palette>,
        out: &mut [T],
    ) -> Result<(), Fault> {
        let image = &self.image;
        let misfit = |misfit: Misfit| Fault::Value {
            value: misfit.value,
            frame,
            index: {
                let pixels = image.frame_pixels().max(1);
                let (channel, pixel) = (misfit.at / pixels, misfit.at % pixels);
                [channel, pixel / image.columns, pixel % image.columns]
            },
            target: T::DATATYPE.name(),
        };
        let signed = image.kind == SampleKind::Signed;
        if ask == Ask::Stored {
            return convert(&raw, image, bits, &Map::Identity, out).map_err(misfit);
        }
        if image.photometric.is_monochrome() {
            let map = quantity::map(self.file.dataset(), frame, signed, &self.quantity)?;
            return convert(&raw, image, bits, &map, out).map_err(misfit);
        }
        if let Some(palette) = palette {
            let mut stored = vec![0_i32; image.frame_pixels()];
            convert(&raw, image, bits, &Map::Identity, &mut stored).map_err(misfit)?;
            let pixels = stored.len();
            for (at, &value) in stored.iter().enumerate() {
                let colour = match ask {
                    Ask::Colours8 => palette.colour8(i64::from(value)).map(i32::from),
                    _ => palette.colour(i64::from(value)).map(i32::from),
                };
                for (channel, value) in colour.into_iter().enumerate() {
                    put(out, channel * pixels + at, value).map_err(misfit)?;
                }
            }
            return Ok(());
        }
        let kind = colour_of(&image.photometric, said)?;
        let depth = bits.stored;
        if kind == Model::Rgb && (ask == Ask::Values || depth == 8) {
            return convert(&raw, image, bits, &Map::Identity, out).map_err(misfit);
        }
        if image.samples != 3 || depth > 16 {
            return Err(Fault::Unsupported {
                what: format!("colours of {} samples of {depth} bits", image.samples),
            });
        }
        let mut stored = vec![0_u16; image.frame_samples()];
        convert(&raw, image, bits, &Map::Identity, &mut stored).map_err(misfit)?;
        let pixels = image.frame_pixels();
        let (a, rest) = stored.split_at(pixels);
        let (b, c) = rest.split_at(pixels);
        for (at, ((a, b), c)) in a.iter().zip(b).zip(c).enumerate() {
            let narrow = || [*a, *b, *c].map(|v| u8::try_from(v).unwrap_or(u8::MAX));
            let mut rgb = match (kind, depth) {
                (Model::Rgb, _) => [*a, *b, *c],
                (Model::YbrPartial, 8) => colour::rgb_of_partial8(narrow()).map(u16::from),
                (Model::YbrPartial, _) => {
                    return Err(Fault::Unsupported {
                        what: format!("YBR_PARTIAL of {depth} bits"),
                    });
                }
                (Model::Ybr, 8) => colour::rgb_of_ybr8(narrow()).map(u16::from),
                (Model::Ybr, depth) => colour::rgb_of_ybr16([*a, *b, *c], depth.max(2)),
            };
            if ask == Ask::Colours8 && depth > 8 {
                rgb = rgb.map(|v| v >> (depth - 8));
            }
            for (channel, value) in rgb.into_iter().enumerate() {
                put(out, channel * pixels + at, i32::from(value)).map_err(misfit)?;
            }
        }
        Ok(())
    }

    /// An overlay in an unused bit of native samples (retired; PS3.5-2004 section 8.1.2).
    pub(super) fn embedded(&self, overlay: overlay::Embedded) -> Result<Overlay, Fault> {
        let image = &self.image;
        if self.codec != Codec::Native || image.samples != 1 || image.kind == SampleKind::Float {
            return Err(Fault::Unsupported {
                what: format!(
                    "the overlay in group {:04X} in compressed pixels",
                    overlay.group
                ),
            });
        }
        let bit = Bits {
            shift: overlay.bit,
            stored: 1,
            signed: false,
            raised: 0,
        };
        let shape = [image.rows, image.columns];
        let dataset = self.file.dataset();
        let mut result = overlay::placed(dataset, overlay.group, shape, image.frames)?;
        for frame in 0..image.frames {
            let (raw, _, _) = self.raw(frame)?;
            let mut plane = vec![0_u8; image.frame_pixels()];
            let none = |m: Misfit| Fault::Value {
                value: m.value,
                frame,
                index: [0; 3],
                target: "bool",
            };
            convert(&raw, image, bit, &Map::Identity, &mut plane).map_err(none)?;
            result.mask.extend(plane.iter().map(|v| *v == 1));
        }
        Ok(result)
    }
}

fn put<T: Voxel>(out: &mut [T], at: usize, value: i32) -> Result<(), Misfit> {
    match (T::from_i32(value), out.get_mut(at)) {
        (Some(value), Some(place)) => {
            *place = value;
            Ok(())
        }
        _ => Err(Misfit {
            at,
            value: f64::from(value),
        }),
    }
}

/// What three samples are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Model {
    Rgb,
    Ybr,
    YbrPartial,
}

/// The codestream knows what it holds; where it says nothing the attribute counts.
fn colour_of(photometric: &Photometric, said: Colour) -> Result<Model, Fault> {
    Ok(match (said, photometric) {
        (Colour::Rgb, _) => Model::Rgb,
        (Colour::YCbCr, _) => Model::Ybr,
        (_, Photometric::Rgb | Photometric::YbrIct | Photometric::YbrRct) => Model::Rgb,
        (_, Photometric::YbrFull | Photometric::YbrFull422) => Model::Ybr,
        (_, Photometric::YbrPartial) => Model::YbrPartial,
        (_, other) => {
            return Err(Fault::Unsupported {
                what: format!("photometric interpretation {other:?} as colours"),
            });
        }
    })
}
