//! Stored bytes to requested numbers: swapped, scaled in `f64`, range checked, in one pass.
//!
//! Work goes through a block that fits the first-level cache: bytes are copied into it, corrected, and
//! converted from there. So the source may lie in the same memory as the result, as long as writing
//! does not overtake reading.

use medcore::buffer::{self, as_bytes_mut};

use super::datatype::{Stored, Voxel};
use super::fault::Fault;
use super::header::Endian;

/// Numbers in a block.
const BLOCK: usize = 8192;

/// How stored numbers become values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conversion {
    pub endian: Endian,
    pub scale: Option<(f64, f64)>,
}

/// Why a conversion stopped.
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

impl Conversion {
    /// Whether bytes of `S` are already those of `T`.
    pub(crate) fn is_copy<S: Stored, T: Voxel>(&self) -> bool {
        S::DATATYPE == T::DATATYPE && self.scale.is_none() && !self.swaps::<S>()
    }

    fn swaps<S>(&self) -> bool {
        self.endian != Endian::NATIVE && size_of::<S>() > 1
    }

    fn correct_order<S: Stored>(&self, block: &mut [S]) {
        if self.swaps::<S>() {
            for v in block {
                *v = v.swapped();
            }
        }
    }

    /// Hands the values of a block to `put`; false if one of them does not fit.
    #[inline(always)]
    fn convert<S: Stored, T: Voxel>(&self, block: &[S], mut put: impl Put<T>) -> bool {
        let mut fits = true;
        let mut keep = |value: Option<T>| {
            fits &= value.is_some();
            value.unwrap_or_default()
        };
        match self.scale {
            None => put.put(block.iter().map(|v| keep(v.cast()))),
            Some((slope, inter)) => {
                put.put(
                    block
                        .iter()
                        .map(|v| keep(T::from_f64(v.real() * slope + inter))),
                );
            }
        }
        fits
    }

    /// The first value of a block that does not fit, looked for once it is known to exist.
    fn misfit<S: Stored, T: Voxel>(&self, block: &[S], start: usize) -> Stop {
        let (slope, inter) = self.scale.unwrap_or((1.0, 0.0));
        for (i, v) in block.iter().enumerate() {
            let value = v.real() * slope + inter;
            let fits = match self.scale {
                None => v.cast::<T>().is_some(),
                Some(_) => T::from_f64(value).is_some(),
            };
            if !fits {
                let sample = start.saturating_add(i);
                return Stop::Misfit { sample, value };
            }
        }
        unreachable!("called for a block with a misfit")
    }
}

/// Where converted values go: appended to a vector, or over old ones.
trait Put<T> {
    fn put(&mut self, values: impl Iterator<Item = T>);
}

struct Append<'a, T>(&'a mut Vec<T>);
struct Overwrite<'a, T>(&'a mut [T]);

impl<T> Put<T> for Append<'_, T> {
    #[inline(always)]
    fn put(&mut self, values: impl Iterator<Item = T>) {
        self.0.extend(values);
    }
}

impl<T> Put<T> for Overwrite<'_, T> {
    #[inline(always)]
    fn put(&mut self, values: impl Iterator<Item = T>) {
        for (out, value) in self.0.iter_mut().zip(values) {
            *out = value;
        }
    }
}

/// Reads `count` numbers through `fill`, which is given memory for the next bytes.
pub(crate) fn from_stream<S: Stored, T: Voxel>(
    count: usize,
    conversion: Conversion,
    fill: &mut dyn FnMut(&mut [u8]) -> Result<(), Fault>,
) -> Result<Vec<T>, Stop> {
    let mut out: Vec<T> = buffer::reserve(count, "voxels").map_err(Fault::core("voxels"))?;
    let mut block = vec![S::default(); BLOCK.min(count)];
    while out.len() < count {
        let start = out.len();
        let block = &mut block[..BLOCK.min(count - start)];
        fill(as_bytes_mut(block))?;
        conversion.correct_order(block);
        if !conversion.convert(block, Append(&mut out)) {
            return Err(conversion.misfit::<S, T>(block, start));
        }
    }
    Ok(out)
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

    /// The numbers stored as `count` of `S` from byte `offset` of the file.
    pub(crate) fn finish<S: Stored>(
        mut self,
        count: usize,
        offset: usize,
        conversion: Conversion,
    ) -> Result<Vec<T>, Stop> {
        let first = self.start + offset;
        if conversion.is_copy::<S, T>() {
            let bytes = as_bytes_mut(&mut self.numbers);
            bytes.copy_within(first..first + count * size_of::<S>(), 0);
        } else {
            let mut block = vec![S::default(); BLOCK.min(count)];
            for start in (0..count).step_by(BLOCK) {
                let block = &mut block[..BLOCK.min(count - start)];
                let from = first + start * size_of::<S>();
                let bytes = as_bytes_mut(&mut self.numbers);
                let bytes = &bytes[from..from + size_of_val(block)];
                as_bytes_mut(block).copy_from_slice(bytes);
                conversion.correct_order(block);
                let out = &mut self.numbers[start..start + block.len()];
                if !conversion.convert(block, Overwrite(out)) {
                    return Err(conversion.misfit::<S, T>(block, start));
                }
            }
        }
        self.numbers.truncate(count);
        if size_of::<T>() < size_of::<S>() {
            self.numbers.shrink_to_fit();
        }
        Ok(self.numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use medcore::buffer::as_bytes;

    fn both<S: Stored, T: Voxel>(stored: &[S], conversion: Conversion) -> Vec<T> {
        let bytes = as_bytes(stored);
        let mut rest = bytes;
        let streamed = from_stream::<S, T>(stored.len(), conversion, &mut |block| {
            let (now, later) = rest.split_at(block.len());
            block.copy_from_slice(now);
            rest = later;
            Ok(())
        });
        let mut staged = Staged::<T>::new(stored.len(), bytes.len() + 352).unwrap();
        staged.file_bytes()[352..].copy_from_slice(bytes);
        let staged = staged.finish::<S>(stored.len(), 352, conversion);
        match (streamed, staged) {
            (Ok(a), Ok(b)) => {
                assert_eq!(a, b);
                a
            }
            _ => panic!("a value did not fit"),
        }
    }

    const PLAIN: Conversion = Conversion {
        endian: Endian::NATIVE,
        scale: None,
    };

    #[test]
    fn widening_and_narrowing_in_one_memory_change_no_value() {
        let numbers: Vec<i16> = (0..30_001).map(|i| (i * 7 % 30_000) as i16).collect();
        assert_eq!(
            both::<i16, f64>(&numbers, PLAIN),
            numbers.iter().map(|&v| v.into()).collect::<Vec<f64>>()
        );
        let wide: Vec<f64> = numbers.iter().map(|&v| v.into()).collect();
        assert_eq!(both::<f64, i16>(&wide, PLAIN), numbers);
        assert_eq!(both::<i16, i16>(&numbers, PLAIN), numbers);
        assert_eq!(both::<i16, u32>(&numbers[..3], PLAIN), [0, 7, 14]);
    }

    #[test]
    fn scaling_happens_in_double_precision_without_fusing() {
        let conversion = Conversion {
            scale: Some((f64::from(0.1_f32), -f64::from(1024.3_f32))),
            ..PLAIN
        };
        let stored = [-32768_i16, 0, 1, 32767];
        let want = stored.map(|v| f64::from(v) * f64::from(0.1_f32) - f64::from(1024.3_f32));
        assert_eq!(both::<i16, f64>(&stored, conversion), want);
    }

    #[test]
    fn the_other_byte_order_is_swapped() {
        let other = match Endian::NATIVE {
            Endian::Little => Endian::Big,
            Endian::Big => Endian::Little,
        };
        let conversion = Conversion {
            endian: other,
            scale: None,
        };
        assert_eq!(
            both::<u16, u16>(&[0x0102, 0xff00], conversion),
            [0x0201, 0x00ff]
        );
    }

    #[test]
    fn a_misfit_is_found_with_its_place_and_value() {
        let mut stored = vec![1_i16; 9000];
        stored[8500] = 256;
        let mut staged = Staged::<u8>::new(9000, 18000).unwrap();
        staged.file_bytes().copy_from_slice(as_bytes(&stored));
        let stop = staged.finish::<i16>(9000, 0, PLAIN);
        assert!(matches!(
            stop,
            Err(Stop::Misfit { sample: 8500, value }) if value == 256.0
        ));
    }
}
