//! Stored bytes to requested numbers: swapped, scaled in `f64`, range checked, in one pass.
//!
//! Work goes through a block that stays in the cache: bytes are copied into it, put into this machine's
//! order and converted from there. So the source may lie in the same memory as the result, as long as
//! writing does not overtake reading. Most pairs of types meet in `f64`, which holds every stored number
//! but 64-bit integers; those, and the common way to `f32`, are converted directly.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "sizes were checked when the file was opened"
)]

use medcore::Plain;
use medcore::buffer::{self, as_bytes_mut};
use rayon::prelude::*;

use super::endian::Endian;
use super::storage::Storage;
use crate::fault::Fault;
use crate::voxel::{Datatype, Voxel};

/// Numbers in a block.
const BLOCK: usize = 8192;

/// How stored numbers become values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conversion {
    /// The type of a stored sample; for colours that of their parts.
    pub sample: Datatype,
    pub endian: Endian,
    pub scale: Option<(f64, f64)>,
}

/// Why a conversion stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    Fault(Fault),
    /// A value that the target cannot hold, at a position in the file in samples.
    Misfit {
        sample: usize,
        value: f64,
    },
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What a type must know to receive stored numbers; each answers whether all of them fitted.
pub trait Convert: Plain {
    /// From values: floats round, integers must be exact.
    fn narrow(values: &[f64], out: &mut [Self]) -> bool;
    /// From stored 64-bit integers, which `f64` cannot hold.
    fn from_64(signed: bool, bytes: &[u8], out: &mut [Self]) -> bool;
    /// Straight from stored numbers that always fit, where there is a way; whether there was.
    fn direct(_sample: Datatype, _bytes: &[u8], _out: &mut [Self]) -> bool {
        false
    }
}

macro_rules! from_64 {
    ($convert:expr) => {
        fn from_64(signed: bool, bytes: &[u8], out: &mut [Self]) -> bool {
            let (numbers, _) = bytes.as_chunks::<8>();
            let mut fits = true;
            let convert = $convert;
            for (out, bytes) in out.iter_mut().zip(numbers) {
                let wide = match signed {
                    true => i128::from(i64::from_ne_bytes(*bytes)),
                    false => i128::from(u64::from_ne_bytes(*bytes)),
                };
                let value: Option<Self> = convert(wide);
                fits &= value.is_some();
                *out = value.unwrap_or_default();
            }
            fits
        }
    };
}

macro_rules! integer {
    ($($t:ident)*) => { $(
        impl Convert for $t {
            fn narrow(values: &[f64], out: &mut [Self]) -> bool {
                // MAX + 1 is a power of two, exact even where MAX itself is not.
                let (least, above) = (Self::MIN as f64, Self::MAX as f64 + 1.0);
                let mut fits = true;
                for (out, &value) in out.iter_mut().zip(values) {
                    *out = value as Self;
                    fits &= value >= least && value < above && *out as f64 == value;
                }
                fits
            }
            from_64!(|wide| Self::try_from(wide).ok());
        }
    )* };
}
integer!(u8 i8 u16 i16 u32 i32 u64 i64);

macro_rules! float {
    ($t:ident { $($direct:item)? }) => {
        impl Convert for $t {
            fn narrow(values: &[f64], out: &mut [Self]) -> bool {
                let mut fits = true;
                for (out, &value) in out.iter_mut().zip(values) {
                    *out = value as Self;
                    fits &= out.is_finite() || !value.is_finite();
                }
                fits
            }
            from_64!(|wide| Some(wide as Self));
            $($direct)?
        }
    };
}
float!(f32 { fn direct(sample: Datatype, bytes: &[u8], out: &mut [Self]) -> bool {
    // f64 may overflow, and goes the checked way.
    sample != Datatype::F64 && {
        to_f32(sample, bytes, out);
        true
    }
} });
float!(f64 {});

/// Stored numbers as floats; rounding only where `$out` is narrower than what is stored.
macro_rules! widen {
    ($datatype:expr, $bytes:expr, $out:expr, $float:ident: $($name:ident $t:ident $size:literal,)*) => {
        match $datatype {
            $(Datatype::$name => {
                let (numbers, _) = $bytes.as_chunks::<$size>();
                for (out, bytes) in $out.iter_mut().zip(numbers) {
                    *out = $t::from_ne_bytes(*bytes) as $float;
                }
            })*
            Datatype::Rgb24 | Datatype::Rgba32 => unreachable!("a sample is one number"),
        }
    };
}

fn to_f64(sample: Datatype, bytes: &[u8], out: &mut [f64]) {
    widen!(sample, bytes, out, f64: U8 u8 1, I8 i8 1, U16 u16 2, I16 i16 2, U32 u32 4, I32 i32 4,
           U64 u64 8, I64 i64 8, F32 f32 4, F64 f64 8,);
}

fn to_f32(sample: Datatype, bytes: &[u8], out: &mut [f32]) {
    widen!(sample, bytes, out, f32: U8 u8 1, I8 i8 1, U16 u16 2, I16 i16 2, U32 u32 4, I32 i32 4,
           U64 u64 8, I64 i64 8, F32 f32 4, F64 f64 8,);
}

/// Numbers of the other byte order.
pub(crate) fn swap(sample: Datatype, bytes: &mut [u8]) {
    match sample.voxel_bytes() {
        2 => bytes
            .as_chunks_mut::<2>()
            .0
            .iter_mut()
            .for_each(|b| b.reverse()),
        4 => bytes
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .for_each(|b| b.reverse()),
        8 => bytes
            .as_chunks_mut::<8>()
            .0
            .iter_mut()
            .for_each(|b| b.reverse()),
        _ => {}
    }
}

impl Conversion {
    /// Whether stored bytes are already those of `T`.
    pub(crate) fn is_copy<T: Voxel>(&self) -> bool {
        self.is_same::<T>() && self.endian == Endian::NATIVE
    }

    fn is_same<T: Voxel>(&self) -> bool {
        self.sample == T::DATATYPE && self.scale.is_none()
    }

    fn size(&self) -> usize {
        self.sample.voxel_bytes()
    }

    /// Bytes in this machine's order to numbers, through `wide`; whether all fitted.
    fn numbers<T: Voxel>(&self, bytes: &[u8], wide: &mut [f64], out: &mut [T]) -> bool {
        if self.is_same::<T>() {
            as_bytes_mut(out).copy_from_slice(bytes);
            return true;
        }
        if self.scale.is_none() && T::direct(self.sample, bytes, out) {
            return true;
        }
        match (self.sample, self.scale) {
            (Datatype::I64, None) => return T::from_64(true, bytes, out),
            (Datatype::U64, None) => return T::from_64(false, bytes, out),
            _ => {}
        }
        let wide = &mut wide[..out.len()];
        to_f64(self.sample, bytes, wide);
        if let Some((slope, inter)) = self.scale {
            for value in &mut *wide {
                *value = *value * slope + inter;
            }
        }
        T::narrow(wide, out)
    }

    /// The first value of a block that does not fit, looked for once it is known to exist.
    fn misfit<T: Voxel>(&self, bytes: &[u8], start: usize) -> Stop {
        let mut one = [T::default()];
        for (i, bytes) in bytes.chunks_exact(self.size()).enumerate() {
            if !self.numbers(bytes, &mut [0.0], &mut one) {
                let mut stored = [0.0];
                to_f64(self.sample, bytes, &mut stored);
                let (slope, inter) = self.scale.unwrap_or((1.0, 0.0));
                return Stop::Misfit {
                    sample: start + i,
                    value: stored[0] * slope + inter,
                };
            }
        }
        unreachable!("called for a block with a misfit")
    }
}

/// A block's bytes and what they become on the way.
struct Block {
    conversion: Conversion,
    bytes: Vec<u8>,
    wide: Vec<f64>,
}

impl Block {
    fn new(conversion: Conversion) -> Self {
        Self {
            conversion,
            bytes: vec![0; BLOCK * conversion.size()],
            wide: vec![0.0; BLOCK],
        }
    }

    /// Converts the next `out.len()` numbers, whose bytes `fill` supplies; they start at `start`.
    fn convert<T: Voxel>(
        &mut self,
        start: usize,
        out: &mut [T],
        fill: impl FnOnce(&mut [u8]) -> Result<(), Fault>,
    ) -> Result<(), Stop> {
        let bytes = &mut self.bytes[..out.len() * self.conversion.size()];
        fill(bytes)?;
        if self.conversion.endian != Endian::NATIVE {
            swap(self.conversion.sample, bytes);
        }
        if self.conversion.numbers(bytes, &mut self.wide, out) {
            return Ok(());
        }
        Err(self.conversion.misfit::<T>(bytes, start))
    }
}

/// Reads `count` numbers through `fill`, which is given memory for the next bytes.
pub(crate) fn from_stream<T: Voxel>(
    count: usize,
    conversion: Conversion,
    fill: &mut dyn FnMut(&mut [u8]) -> Result<(), Fault>,
) -> Result<Vec<T>, Stop> {
    if conversion.is_copy::<T>() {
        let mut out = buffer::zeroed(count, "voxels").map_err(Fault::core("voxels"))?;
        fill(as_bytes_mut(&mut out))?;
        return Ok(out);
    }
    let mut out: Vec<T> = buffer::reserve(count, "voxels").map_err(Fault::core("voxels"))?;
    let mut block = Block::new(conversion);
    let mut numbers = [T::default(); BLOCK];
    while out.len() < count {
        let numbers = &mut numbers[..BLOCK.min(count - out.len())];
        block.convert(out.len(), numbers, |bytes| fill(bytes))?;
        out.extend_from_slice(numbers);
    }
    Ok(out)
}

/// Numbers that one thread converts at a time.
const SHARE: usize = 1 << 19;

/// Reads `count` numbers that begin at a byte, by several threads.
pub(crate) fn from_storage<T: Voxel>(
    count: usize,
    conversion: Conversion,
    storage: &Storage<'_>,
    start: u64,
) -> Result<Vec<T>, Stop> {
    let mut out = buffer::zeroed(count, "voxels").map_err(Fault::core("voxels"))?;
    if conversion.is_copy::<T>() {
        let filled = storage.fill(start, as_bytes_mut(&mut out));
        return filled
            .map(|()| out)
            .map_err(|error| Fault::from(error).into());
    }
    let shares = out.par_chunks_mut(SHARE).enumerate();
    let stop = { shares }
        .map(|(index, share)| {
            let mut bytes = vec![0; 8 * BLOCK * conversion.size()];
            let mut block = Block::new(conversion);
            let mut first = index * SHARE;
            for part in share.chunks_mut(8 * BLOCK) {
                let stored = &mut bytes[..part.len() * conversion.size()];
                let at = start + (first * conversion.size()) as u64;
                storage.read_at(at, stored).map_err(Fault::from)?;
                let mut rest = &*stored;
                for numbers in part.chunks_mut(BLOCK) {
                    block.convert(first, numbers, |bytes| {
                        let (now, later) = rest.split_at(bytes.len());
                        bytes.copy_from_slice(now);
                        rest = later;
                        Ok(())
                    })?;
                    first += numbers.len();
                }
            }
            Ok(())
        })
        // The first of several, whichever thread was faster.
        .find_map_first(Result::err);
    match stop {
        None => Ok(out),
        Some(stop) => Err(stop),
    }
}

/// Memory for `count` numbers of `T` that first holds the bytes of a file they are made from.
pub(crate) struct Staged<T> {
    numbers: Vec<T>,
    /// Where the file's bytes start: as far back as they fit, so that results never overtake them.
    start: usize,
}

impl<T: Voxel> Staged<T> {
    /// Room for a file of `file_bytes`, and for `count` results in the same place.
    pub(crate) fn new(count: usize, file_bytes: usize) -> Result<Self, Fault> {
        let len = count.max(file_bytes.div_ceil(size_of::<T>()));
        let numbers = buffer::zeroed(len, "voxels").map_err(Fault::core("voxels"))?;
        let start = len * size_of::<T>() - file_bytes;
        Ok(Self { numbers, start })
    }

    /// Where the file's bytes go.
    pub(crate) fn file_bytes(&mut self) -> &mut [u8] {
        &mut as_bytes_mut(&mut self.numbers)[self.start..]
    }

    /// The `count` numbers that are stored from byte `offset` of the file.
    pub(crate) fn finish(
        mut self,
        count: usize,
        offset: usize,
        conversion: Conversion,
    ) -> Result<Vec<T>, Stop> {
        let size = conversion.size();
        let first = self.start + offset;
        if conversion.is_copy::<T>() {
            as_bytes_mut(&mut self.numbers).copy_within(first..first + count * size, 0);
        } else {
            let mut block = Block::new(conversion);
            let mut numbers = [T::default(); BLOCK];
            for start in (0..count).step_by(BLOCK) {
                let numbers = &mut numbers[..BLOCK.min(count - start)];
                let from = first + start * size;
                let file = &as_bytes_mut(&mut self.numbers)[from..from + numbers.len() * size];
                block.convert(start, numbers, |bytes| {
                    bytes.copy_from_slice(file);
                    Ok(())
                })?;
                self.numbers[start..start + numbers.len()].copy_from_slice(numbers);
            }
        }
        self.numbers.truncate(count);
        if size_of::<T>() < size {
            self.numbers.shrink_to_fit();
        }
        Ok(self.numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use medcore::buffer::as_bytes;

    fn both<S: Voxel, T: Voxel>(
        stored: &[S],
        endian: Endian,
        scale: Option<(f64, f64)>,
    ) -> Result<Vec<T>, Stop> {
        let conversion = Conversion {
            sample: S::DATATYPE,
            endian,
            scale,
        };
        let bytes = as_bytes(stored);
        let mut rest = bytes;
        let streamed = from_stream::<T>(stored.len(), conversion, &mut |block| {
            let (now, later) = rest.split_at(block.len());
            block.copy_from_slice(now);
            rest = later;
            Ok(())
        });
        let mut staged = Staged::<T>::new(stored.len(), bytes.len() + 352).unwrap();
        staged.file_bytes()[352..].copy_from_slice(bytes);
        let staged = staged.finish(stored.len(), 352, conversion);
        assert_eq!(format!("{streamed:?}"), format!("{staged:?}"));
        staged
    }

    fn plain<S: Voxel, T: Voxel>(stored: &[S]) -> Vec<T> {
        both(stored, Endian::NATIVE, None).unwrap()
    }

    #[test]
    fn widening_and_narrowing_in_one_memory_change_no_value() {
        let numbers: Vec<i16> = (0..30_001).map(|i| (i * 7 % 30_000) as i16).collect();
        let wide: Vec<f64> = numbers.iter().map(|&v| v.into()).collect();
        assert_eq!(plain::<i16, f64>(&numbers), wide);
        assert_eq!(plain::<f64, i16>(&wide), numbers);
        assert_eq!(plain::<i16, i16>(&numbers), numbers);
        let single: Vec<f32> = numbers.iter().map(|&v| v.into()).collect();
        assert_eq!(plain::<i16, f32>(&numbers), single);
        assert_eq!(plain::<i16, u32>(&numbers[..3]), [0, 7, 14]);
    }

    #[test]
    fn large_integers_round_once() {
        // Halfway between two f32, made uneven by a bit that f64 would drop.
        let uneven = (1_i64 << 60) + (1 << 36) + 1;
        assert_eq!(plain::<i64, f32>(&[uneven]), [uneven as f32]);
        assert_ne!(uneven as f32, uneven as f64 as f32);
        assert_eq!(plain::<u64, u64>(&[u64::MAX]), [u64::MAX]);
        assert_eq!(plain::<i64, u64>(&[i64::MAX]), [i64::MAX as u64]);
        assert!(both::<u64, i64>(&[u64::MAX], Endian::NATIVE, None).is_err());
    }

    #[test]
    fn only_exact_values_become_integers() {
        let fits = |v: f64| both::<f64, u8>(&[v], Endian::NATIVE, None).is_ok();
        assert!(fits(255.0) && fits(-0.0));
        for v in [256.0, -1.0, 0.5, f64::NAN, f64::INFINITY] {
            assert!(!fits(v), "{v}");
        }
        let edge = 9_223_372_036_854_775_808.0; // 2^63
        assert!(both::<f64, i64>(&[edge], Endian::NATIVE, None).is_err());
        assert_eq!(plain::<f64, i64>(&[-edge]), [i64::MIN]);
        assert!(both::<f64, u64>(&[2.0 * edge], Endian::NATIVE, None).is_err());
    }

    #[test]
    fn a_finite_value_never_becomes_infinite() {
        assert!(both::<f64, f32>(&[1e39], Endian::NATIVE, None).is_err());
        assert_eq!(plain::<f64, f32>(&[f64::INFINITY]), [f32::INFINITY]);
        assert!(plain::<f64, f32>(&[f64::NAN])[0].is_nan());
    }

    #[test]
    fn scaling_happens_in_double_precision_without_fusing() {
        let (slope, inter) = (f64::from(0.1_f32), f64::from(-1024.3_f32));
        let stored = [-32768_i16, 0, 1, 32767];
        let want = stored.map(|v| f64::from(v) * slope + inter);
        let got = both::<i16, f64>(&stored, Endian::NATIVE, Some((slope, inter)));
        assert_eq!(got.unwrap(), want);
    }

    #[test]
    fn the_other_byte_order_is_swapped() {
        let other = match Endian::NATIVE {
            Endian::Little => Endian::Big,
            Endian::Big => Endian::Little,
        };
        let swapped = both::<u16, u16>(&[0x0102, 0xff00], other, None);
        assert_eq!(swapped.unwrap(), [0x0201, 0x00ff]);
        let swapped = both::<u32, f32>(&[0x0100_0000], other, None);
        assert_eq!(swapped.unwrap(), [1.0]);
    }

    #[test]
    fn a_misfit_is_found_with_its_place_and_value() {
        let mut stored = vec![1_i16; 9000];
        stored[8500] = 256;
        let stop = both::<i16, u8>(&stored, Endian::NATIVE, None);
        assert!(matches!(stop, Err(Stop::Misfit { sample: 8500, value }) if value == 256.0));
    }
}
