//! Raw samples to numbers: sign, unused bits, the modality's transform, and planes of colours, in one pass.

use std::borrow::Cow;

use super::decoder::Decoded;
use super::description::{ImagePixels, SampleKind};
use super::lut::LookupTable;
use super::real_world::{self, RealWorldMapping};
use crate::voxel::Voxel;

/// The samples of a frame as a file or a codec gives them.
pub(super) enum Raw<'a> {
    /// Native bytes.
    Bytes {
        bytes: Cow<'a, [u8]>,
        big_endian: bool,
        /// Bits in front of the first sample, where samples are smaller than a byte.
        skip: usize,
        /// Whether samples of one colour stand together.
        planar: bool,
        /// Bits between samples: 1, 8, 12, 16, 32, 64.
        width: u32,
    },
    /// What a codec decoded; the samples of a pixel stand together.
    Decoded(Decoded),
}

/// What a raw number stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bits {
    /// Unused bits below.
    pub(super) shift: u32,
    /// Bits that count.
    pub(super) stored: u32,
    pub(super) signed: bool,
    /// What the codec raised all samples by.
    pub(super) raised: i32,
}

impl Bits {
    pub(super) fn native(image: &ImagePixels) -> Self {
        Self {
            shift: (image.high_bit + 1)
                .saturating_sub(image.bits_stored)
                .min(63),
            stored: image.bits_stored,
            signed: image.kind == SampleKind::Signed,
            raised: 0,
        }
    }

    /// A sample of at most 16 bits; without a choice in it, so that many are converted at once.
    #[inline(always)]
    fn small(self, raw: u32) -> i32 {
        let unused = 32_u32.saturating_sub(self.stored);
        let aligned = raw.wrapping_shr(self.shift).wrapping_shl(unused);
        let value = match self.signed {
            true => aligned.cast_signed().wrapping_shr(unused),
            false => aligned.wrapping_shr(unused).cast_signed(),
        };
        value.wrapping_sub(self.raised)
    }

    #[inline]
    fn large(self, raw: u64) -> i64 {
        let unused = 64 - self.stored.clamp(1, 64);
        let aligned = (raw >> self.shift) << unused;
        if self.signed {
            (aligned as i64) >> unused
        } else {
            i64::try_from(aligned >> unused).unwrap_or(i64::MAX)
        }
    }
}

/// From stored values to those that are asked for.
#[derive(Debug, Clone)]
pub(super) enum Map {
    Identity,
    /// Adds a whole number.
    Offset(i32),
    /// Times, plus.
    Linear(f64, f64),
    Table(LookupTable),
    /// A function for each range of stored values; NaN outside.
    Pieces(Vec<RealWorldMapping>),
}

impl Map {
    #[inline]
    fn float(&self, value: f64) -> f64 {
        match self {
            Self::Identity => value,
            Self::Offset(offset) => value + f64::from(*offset),
            Self::Linear(slope, intercept) => value * slope + intercept,
            Self::Table(table) => f64::from(table.value(value as i64)),
            Self::Pieces(pieces) => real_world::value(pieces, value),
        }
    }
}

/// A value that does not fit: its place in the output, and itself.
#[derive(Debug, PartialEq)]
pub(super) struct Misfit {
    pub(super) at: usize,
    pub(super) value: f64,
}

/// Fills `out`, `[channels, rows, columns]` of one frame.
pub(super) fn convert<T: Voxel>(
    raw: &Raw<'_>,
    image: &ImagePixels,
    bits: Bits,
    map: &Map,
    out: &mut [T],
) -> Result<(), Misfit> {
    let samples = image.samples;
    let small = move |v: u32| bits.small(v);
    let large = move |v: u64| bits.large(v);
    match raw {
        Raw::Decoded(Decoded::Narrow(values)) => spread(
            values.iter().map(move |v| small(u32::from(*v))),
            samples,
            false,
            map,
            out,
        ),
        Raw::Decoded(Decoded::Wide(values)) => spread(
            values.iter().map(move |v| small(u32::from(*v))),
            samples,
            false,
            map,
            out,
        ),
        Raw::Bytes {
            bytes,
            big_endian,
            skip,
            planar,
            width,
        } => {
            let (planar, be) = (*planar, *big_endian);
            macro_rules! numbers {
                ($t:ty, $n:literal, $read:expr) => {{
                    let chunks = bytes.as_chunks::<$n>().0.iter();
                    if be {
                        let values = chunks.map(move |b| $read(<$t>::from_be_bytes(*b)));
                        spread(values, samples, planar, map, out)
                    } else {
                        let values = chunks.map(move |b| $read(<$t>::from_le_bytes(*b)));
                        spread(values, samples, planar, map, out)
                    }
                }};
            }
            match (image.kind, width) {
                (SampleKind::Float, _) => numbers!(f32, 4, f64::from),
                (SampleKind::Double, _) => numbers!(f64, 8, |v| v),
                (_, 8) => spread(
                    bytes.iter().map(move |v| small(u32::from(*v))),
                    samples,
                    planar,
                    map,
                    out,
                ),
                (_, 16) => numbers!(u16, 2, move |v| small(u32::from(v))),
                (_, 32) => numbers!(u32, 4, |v| large(u64::from(v))),
                (_, 64) => numbers!(u64, 8, large),
                (_, width) => {
                    let width = *width as usize;
                    let packed = Packed {
                        bytes,
                        skip: *skip,
                        width,
                    };
                    let count = image.frame_samples();
                    let values = (0..count).map(|i| small(packed.sample(i)));
                    spread(values, samples, planar, map, out)
                }
            }
        }
    }
}

/// Samples of 1 or 12 bits without gaps, the first in the lowest bits (PS3.5 section 8.1.1).
struct Packed<'a> {
    bytes: &'a [u8],
    skip: usize,
    width: usize,
}

impl Packed<'_> {
    #[inline]
    fn sample(&self, index: usize) -> u32 {
        let bit = self.skip + index * self.width;
        let at = |i: usize| u32::from(self.bytes.get(bit / 8 + i).copied().unwrap_or(0));
        let word = at(0) | (at(1) << 8) | (at(2) << 16);
        (word >> (bit % 8)) & ((1 << self.width) - 1)
    }
}

/// A stored value on its way.
trait Stored: Copy {
    fn mapped<T: Voxel>(self, map: &Map) -> Option<T>;
    fn value(self, map: &Map) -> f64;
}

impl Stored for i32 {
    #[inline(always)]
    fn mapped<T: Voxel>(self, map: &Map) -> Option<T> {
        match map {
            Map::Identity => T::from_i32(self),
            // Samples have 17 bits at most, and offsets are below 10^9.
            Map::Offset(offset) => T::from_i32(self.wrapping_add(*offset)),
            Map::Linear(slope, intercept) => T::from_f64(f64::from(self) * slope + intercept),
            Map::Table(table) => T::from_i32(Self::from(table.value(i64::from(self)))),
            Map::Pieces(_) => T::from_f64(map.float(f64::from(self))),
        }
    }
    fn value(self, map: &Map) -> f64 {
        map.float(f64::from(self))
    }
}

impl Stored for i64 {
    #[inline(always)]
    fn mapped<T: Voxel>(self, map: &Map) -> Option<T> {
        match map {
            Map::Identity => T::from_i64(self),
            Map::Offset(offset) => T::from_i64(self.saturating_add(Self::from(*offset))),
            Map::Linear(slope, intercept) => T::from_f64(self as f64 * slope + intercept),
            Map::Table(table) => T::from_i32(i32::from(table.value(self))),
            Map::Pieces(_) => T::from_f64(map.float(self as f64)),
        }
    }
    fn value(self, map: &Map) -> f64 {
        map.float(self as f64)
    }
}

impl Stored for f64 {
    #[inline(always)]
    fn mapped<T: Voxel>(self, map: &Map) -> Option<T> {
        T::from_f64(map.float(self))
    }
    fn value(self, map: &Map) -> f64 {
        map.float(self)
    }
}

/// Writes values into planes, whatever order they come in.
fn spread<T: Voxel, V: Stored, I: Iterator<Item = V> + Clone>(
    values: I,
    samples: usize,
    planar: bool,
    map: &Map,
    out: &mut [T],
) -> Result<(), Misfit> {
    if samples == 1 || planar {
        // One loop for each kind of map: the choice is not made anew for every sample.
        return match map {
            Map::Identity => place(values, &Map::Identity, out, 0),
            Map::Offset(k) => place(values, &Map::Offset(*k), out, 0),
            Map::Linear(a, b) => place(values, &Map::Linear(*a, *b), out, 0),
            table => place(values, table, out, 0),
        };
    }
    let pixels = out.len() / samples.max(1);
    for (channel, plane) in out.chunks_exact_mut(pixels.max(1)).enumerate() {
        let values = values.clone().skip(channel).step_by(samples);
        place(values, map, plane, channel * pixels)?;
    }
    Ok(())
}

#[inline(always)]
fn place<T: Voxel, V: Stored>(
    values: impl Iterator<Item = V> + Clone,
    map: &Map,
    out: &mut [T],
    first: usize,
) -> Result<(), Misfit> {
    // Whether all fit is asked once, so that the loop has no exit and no choice; which one did not, only then.
    let mut fits = true;
    for (place, value) in out.iter_mut().zip(values.clone()) {
        let mapped = value.mapped::<T>(map);
        fits &= mapped.is_some();
        *place = mapped.unwrap_or_default();
    }
    if fits {
        return Ok(());
    }
    let misfit = { values.enumerate() }.find(|(_, value)| value.mapped::<T>(map).is_none());
    let (at, value) = misfit.map_or((0, 0.0), |(at, value)| (at, value.value(map)));
    Err(Misfit {
        at: first + at,
        value,
    })
}
