//! Register tiles: the inner loops of convolution, one set for each instruction set, behind bounds-checked calls.
//!
//! `gather` and `correlate` multiply vectors of channels by broadcast scalars, because a broadcast may start at any element:
//! neither a padded row, nor a stride, nor the edge of an image costs a partial vector.
//! An AVX-512 tile holds 14 pixels by 2 vectors in 28 of the 32 registers and issues 28 multiply-adds for 16 loads.
//! With one vector of channels that would be a load for every multiply-add; `lines` then multiplies vectors of pixels by
//! broadcast weights, 4 vectors by 6 channels, 24 multiply-adds for 10 loads.
#![expect(
    unsafe_code,
    reason = "the tiles work on raw pointers and are compiled for instruction sets chosen at run time"
)]

#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512};
use super::lanes::{Lanes, Portable};
use super::transpose::{self, Transpose};
use crate::cpu::real::Real;
use crate::cpu::simd::Level;

/// Vectors side by side in a tile, at most.
const MAX_VECTORS: usize = 2;

/// What [`Kernels::gather`] works on, as pointers.
struct GatherTile<T> {
    source: *const T,
    offsets: *const usize,
    count: usize,
    weights: *const T,
    start: *const T,
    start_pitch: usize,
    out: *mut T,
}

/// What [`Kernels::correlate`] works on, as pointers.
struct CorrelateTile<T> {
    scalars: *const T,
    scalar_pitch: [usize; 2],
    vectors: *const T,
    vector_pitch: [usize; 2],
    count: [usize; 2],
    sums: *mut T,
}

/// What [`Kernels::lines`] works on, as pointers.
struct LinesTile<T> {
    source: *const T,
    offsets: *const usize,
    count: usize,
    weights: *const T,
    weight_pitch: usize,
    /// One element a channel, or null to start from what is in `out`.
    start: *const T,
    out: *mut T,
    out_pitch: usize,
}

type GatherFn<T> = unsafe fn(&GatherTile<T>);
type LinesFn<T> = unsafe fn(&LinesTile<T>);
type CorrelateFn<T> = unsafe fn(&CorrelateTile<T>);

/// `out[n][lane] = start[n][lane] + sum over channel, tap of source[channel][offset(tap) + n] * weights[channel][tap][lane]`.
#[inline(always)]
unsafe fn gather_tile<L: Lanes, const V: usize, const N: usize>(tile: &GatherTile<L::Element>) {
    // SAFETY: `Kernels::gather` has checked every range below against the slices; the instruction set is there because the
    // caller is compiled for it and was chosen after detection.
    unsafe {
        let mut sums = [[L::zero(); V]; N];
        for n in 0..N {
            for v in 0..V {
                sums[n][v] = L::load(tile.start.add(n * tile.start_pitch + v * L::LEN));
            }
        }
        let mut weights = tile.weights;
        for i in 0..tile.count {
            let source = tile.source.add(*tile.offsets.add(i));
            let mut vectors = [L::zero(); V];
            for v in 0..V {
                vectors[v] = L::load(weights.add(v * L::LEN));
            }
            for n in 0..N {
                let scalar = L::splat(source.add(n));
                for v in 0..V {
                    sums[n][v] = L::multiply_add(scalar, vectors[v], sums[n][v]);
                }
            }
            weights = weights.add(V * L::LEN);
        }
        for n in 0..N {
            for v in 0..V {
                L::store(tile.out.add((n * V + v) * L::LEN), sums[n][v]);
            }
        }
    }
}

/// `out[n][pixel] = start[n] + sum over channel, tap of source[channel][offset(tap) + pixel] * weights[channel][tap][n]`.
#[inline(always)]
unsafe fn lines_tile<L: Lanes, const V: usize, const N: usize>(tile: &LinesTile<L::Element>) {
    // SAFETY: `Kernels::lines` has checked every range below against the slices; the instruction set as above.
    unsafe {
        let mut sums = [[L::zero(); V]; N];
        for n in 0..N {
            for v in 0..V {
                sums[n][v] = if tile.start.is_null() {
                    L::load(tile.out.add(n * tile.out_pitch + v * L::LEN))
                } else {
                    L::splat(tile.start.add(n))
                };
            }
        }
        let mut weights = tile.weights;
        for i in 0..tile.count {
            let source = tile.source.add(*tile.offsets.add(i));
            let mut vectors = [L::zero(); V];
            for v in 0..V {
                vectors[v] = L::load(source.add(v * L::LEN));
            }
            for n in 0..N {
                let scalar = L::splat(weights.add(n));
                for v in 0..V {
                    sums[n][v] = L::multiply_add(scalar, vectors[v], sums[n][v]);
                }
            }
            weights = weights.wrapping_add(tile.weight_pitch);
        }
        for n in 0..N {
            for v in 0..V {
                L::store(tile.out.add(n * tile.out_pitch + v * L::LEN), sums[n][v]);
            }
        }
    }
}

/// `sums[n][lane] += sum over row, column of scalars[row][column][n] * vectors[row][column][lane]`.
#[inline(always)]
unsafe fn correlate_tile<L: Lanes, const V: usize, const N: usize>(
    tile: &CorrelateTile<L::Element>,
) {
    // SAFETY: `Kernels::correlate` has checked every range below against the slices; the instruction set as above.
    unsafe {
        let mut sums = [[L::zero(); V]; N];
        for n in 0..N {
            for v in 0..V {
                sums[n][v] = L::load(tile.sums.add((n * V + v) * L::LEN));
            }
        }
        for row in 0..tile.count[0] {
            let mut scalars = tile.scalars.add(row * tile.scalar_pitch[0]);
            let mut source = tile.vectors.add(row * tile.vector_pitch[0]);
            for _ in 0..tile.count[1] {
                let mut vectors = [L::zero(); V];
                for v in 0..V {
                    vectors[v] = L::load(source.add(v * L::LEN));
                }
                for n in 0..N {
                    let scalar = L::splat(scalars.add(n));
                    for v in 0..V {
                        sums[n][v] = L::multiply_add(scalar, vectors[v], sums[n][v]);
                    }
                }
                scalars = scalars.wrapping_add(tile.scalar_pitch[1]);
                source = source.wrapping_add(tile.vector_pitch[1]);
            }
        }
        for n in 0..N {
            for v in 0..V {
                L::store(tile.sums.add((n * V + v) * L::LEN), sums[n][v]);
            }
        }
    }
}

/// Offsets of the taps of a kernel in a few channels of a packed source.
#[derive(Debug, Clone, Default)]
pub(in crate::cpu) struct TapOffsets {
    /// `[channel][tap]`.
    offsets: Vec<usize>,
    taps: usize,
    reach: usize,
    channel_pitch: usize,
}

impl TapOffsets {
    /// Replaces the offsets by those of one channel, repeated for `channels` that lie `channel_pitch` apart.
    pub(in crate::cpu) fn set(
        &mut self,
        taps: impl Iterator<Item = usize>,
        channels: usize,
        channel_pitch: usize,
    ) {
        self.offsets.clear();
        self.offsets.extend(taps);
        self.taps = self.offsets.len();
        self.reach = self.offsets.iter().copied().max().unwrap_or(0);
        self.channel_pitch = channel_pitch;
        for channel in 1..channels {
            for tap in 0..self.taps {
                self.offsets
                    .push(channel * channel_pitch + self.offsets[tap]);
            }
        }
    }
}

/// Arguments of [`Kernels::gather`].
#[derive(Debug)]
pub(in crate::cpu) struct Gather<'a, T> {
    /// Packed source, from the first pixel of the tile in the first channel.
    pub(in crate::cpu) source: &'a [T],
    pub(in crate::cpu) offsets: &'a TapOffsets,
    /// Channels to sum, at most those of the offsets.
    pub(in crate::cpu) channels: usize,
    /// `[channel][tap][vectors * lanes]`.
    pub(in crate::cpu) weights: &'a [T],
    /// What the sums of every pixel start from, `[vectors * lanes]`; `None` to add to the sums there are.
    pub(in crate::cpu) start: Option<&'a [T]>,
    pub(in crate::cpu) vectors: usize,
    /// Pixels, at most [`Kernels::pixels`].
    pub(in crate::cpu) pixels: usize,
}

/// Arguments of [`Kernels::lines`].
#[derive(Debug)]
pub(in crate::cpu) struct Lines<'a, T> {
    /// Packed source, from the first pixel of the tile in the first channel.
    pub(in crate::cpu) source: &'a [T],
    pub(in crate::cpu) offsets: &'a TapOffsets,
    /// Channels to sum, at most those of the offsets.
    pub(in crate::cpu) channels: usize,
    /// `[channel][tap][weight_pitch]`, from the first channel of the target.
    pub(in crate::cpu) weights: &'a [T],
    pub(in crate::cpu) weight_pitch: usize,
    /// What the sums of each channel of the target start from; `None` to add to the sums there are.
    pub(in crate::cpu) start: Option<&'a [T]>,
    /// Channels of the target, at most [`Kernels::line_channels`].
    pub(in crate::cpu) targets: usize,
    /// Vectors of pixels, at most [`Kernels::line`] pixels.
    pub(in crate::cpu) vectors: usize,
    /// Pixels between channels of the output.
    pub(in crate::cpu) out_pitch: usize,
}

/// Arguments of [`Kernels::correlate`].
#[derive(Debug)]
pub(in crate::cpu) struct Correlate<'a, T> {
    /// `[row][column][scalars]`, rows and columns `scalar_pitch` apart.
    pub(in crate::cpu) scalars: &'a [T],
    pub(in crate::cpu) scalar_pitch: [usize; 2],
    /// `[row][column][vectors * lanes]`, rows and columns `vector_pitch` apart.
    pub(in crate::cpu) source: &'a [T],
    pub(in crate::cpu) vector_pitch: [usize; 2],
    /// Rows and columns.
    pub(in crate::cpu) count: [usize; 2],
    pub(in crate::cpu) vectors: usize,
    /// Scalars, at most [`Kernels::pixels`].
    pub(in crate::cpu) width: usize,
}

/// The register tiles of one element type and instruction set.
#[derive(Debug)]
pub(in crate::cpu) struct Kernels<T: 'static> {
    lanes: usize,
    gather: [&'static [GatherFn<T>]; MAX_VECTORS],
    /// By vectors of pixels, then by channels.
    lines: &'static [&'static [LinesFn<T>]],
    correlate: [&'static [CorrelateFn<T>]; MAX_VECTORS],
    transpose: transpose::TransposeFn<T>,
}

impl<T: Real> Kernels<T> {
    /// Elements in a vector.
    pub(in crate::cpu) fn lanes(&self) -> usize {
        self.lanes
    }

    /// Channels in the widest tile.
    pub(in crate::cpu) fn block(&self) -> usize {
        MAX_VECTORS * self.lanes
    }

    /// Pixels of a [`Kernels::gather`] tile and scalars of a [`Kernels::correlate`] tile, at most.
    pub(in crate::cpu) fn pixels(&self) -> usize {
        self.gather[0].len()
    }

    /// Pixels of a [`Kernels::lines`] tile, at most.
    pub(in crate::cpu) fn line(&self) -> usize {
        self.lines.len() * self.lanes
    }

    /// Channels of a [`Kernels::lines`] tile, at most.
    pub(in crate::cpu) fn line_channels(&self) -> usize {
        self.lines[0].len()
    }

    /// `out[n][pixel] = start[n] + sum over channel, tap of source[channel][offset(tap) + pixel] * weights[channel][tap][n]`,
    /// for whole vectors of pixels.
    ///
    /// # Panics
    /// When a slice is too short.
    #[inline]
    pub(in crate::cpu) fn lines(&self, tile: &Lines<'_, T>, out: &mut [T]) {
        let pixels = tile.vectors * self.lanes;
        let count = tile.channels * tile.offsets.taps;
        assert!(
            count <= tile.offsets.offsets.len(),
            "one offset a channel and tap"
        );
        if count > 0 {
            let last = (tile.channels - 1) * tile.offsets.channel_pitch;
            assert!(
                last + tile.offsets.reach + pixels <= tile.source.len(),
                "the source covers every tap"
            );
            assert!(
                (count - 1) * tile.weight_pitch + tile.targets <= tile.weights.len(),
                "one weight a channel, tap and channel of the target"
            );
        }
        let kernel = self.lines[tile.vectors - 1][tile.targets - 1];
        assert!(
            (tile.targets - 1) * tile.out_pitch + pixels <= out.len(),
            "the tile fits"
        );
        let start = match tile.start {
            Some(start) => {
                assert!(tile.targets <= start.len(), "one start a channel");
                start.as_ptr()
            }
            None => std::ptr::null(),
        };
        // SAFETY: the ranges were checked above, and the table holds only tiles of an instruction set this machine has.
        unsafe {
            kernel(&LinesTile {
                source: tile.source.as_ptr(),
                offsets: tile.offsets.offsets.as_ptr(),
                count,
                weights: tile.weights.as_ptr(),
                weight_pitch: tile.weight_pitch,
                start,
                out: out.as_mut_ptr(),
                out_pitch: tile.out_pitch,
            });
        }
    }

    /// `out[pixel][lane] = start[lane] + sum over channel, tap of source[channel][offset(tap) + pixel] * weights[channel][tap][lane]`.
    ///
    /// # Panics
    /// When a slice is too short.
    #[inline]
    pub(in crate::cpu) fn gather(&self, tile: &Gather<'_, T>, out: &mut [T]) {
        let width = tile.vectors * self.lanes;
        let count = tile.channels * tile.offsets.taps;
        assert!(
            count <= tile.offsets.offsets.len(),
            "one offset a channel and tap"
        );
        if count > 0 {
            let last = (tile.channels - 1) * tile.offsets.channel_pitch;
            assert!(
                last + tile.offsets.reach + tile.pixels <= tile.source.len(),
                "the source covers every tap"
            );
        }
        assert!(
            count * width <= tile.weights.len(),
            "one weight a channel, tap and lane"
        );
        assert!(tile.pixels * width <= out.len(), "the tile fits");
        let out = out.as_mut_ptr();
        let (start, start_pitch) = match tile.start {
            Some(start) => {
                assert!(width <= start.len(), "the start is a row of lanes");
                (start.as_ptr(), 0)
            }
            None => (out.cast_const(), width),
        };
        let kernel = self.gather[tile.vectors - 1][tile.pixels - 1];
        // SAFETY: the ranges were checked above, and the table holds only tiles of an instruction set this machine has.
        unsafe {
            kernel(&GatherTile {
                source: tile.source.as_ptr(),
                offsets: tile.offsets.offsets.as_ptr(),
                count,
                weights: tile.weights.as_ptr(),
                start,
                start_pitch,
                out,
            });
        }
    }

    /// `sums[n][lane] += sum over row, column of scalars[row][column][n] * source[row][column][lane]`.
    ///
    /// # Panics
    /// When a slice is too short.
    #[inline]
    pub(in crate::cpu) fn correlate(&self, tile: &Correlate<'_, T>, sums: &mut [T]) {
        let width = tile.vectors * self.lanes;
        let [rows, columns] = tile.count;
        if rows == 0 || columns == 0 {
            return;
        }
        let last = |pitch: [usize; 2]| (rows - 1) * pitch[0] + (columns - 1) * pitch[1];
        assert!(
            last(tile.scalar_pitch) + tile.width <= tile.scalars.len(),
            "scalars cover the rows"
        );
        assert!(
            last(tile.vector_pitch) + width <= tile.source.len(),
            "vectors cover the rows"
        );
        assert!(tile.width * width <= sums.len(), "the tile fits");
        let kernel = self.correlate[tile.vectors - 1][tile.width - 1];
        // SAFETY: the ranges were checked above, and the table holds only tiles of an instruction set this machine has.
        unsafe {
            kernel(&CorrelateTile {
                scalars: tile.scalars.as_ptr(),
                scalar_pitch: tile.scalar_pitch,
                vectors: tile.source.as_ptr(),
                vector_pitch: tile.vector_pitch,
                count: tile.count,
                sums: sums.as_mut_ptr(),
            });
        }
    }

    /// `to[column][row] = from[row][column]`, rows from `rows` to `fill` zero.
    ///
    /// # Panics
    /// When a slice is too short.
    #[inline]
    pub(in crate::cpu) fn transpose(&self, from: &[T], to: &mut [T], shape: &Transpose) {
        shape.check(from.len(), to.len());
        // SAFETY: the ranges were checked above, and the function is of an instruction set this machine has.
        unsafe { (self.transpose)(from.as_ptr(), to.as_mut_ptr(), shape) };
    }
}

unsafe fn gather_portable<T: Real, const V: usize, const N: usize>(tile: &GatherTile<T>) {
    // SAFETY: the caller's promise; no instruction set is needed.
    unsafe { gather_tile::<Portable<T>, V, N>(tile) };
}

unsafe fn lines_portable<T: Real, const V: usize, const N: usize>(tile: &LinesTile<T>) {
    // SAFETY: the caller's promise; no instruction set is needed.
    unsafe { lines_tile::<Portable<T>, V, N>(tile) };
}

unsafe fn correlate_portable<T: Real, const V: usize, const N: usize>(tile: &CorrelateTile<T>) {
    // SAFETY: the caller's promise; no instruction set is needed.
    unsafe { correlate_tile::<Portable<T>, V, N>(tile) };
}

macro_rules! compile_tiles {
    ($feature:literal, $lanes:ty, $gather:ident, $lines:ident, $correlate:ident) => {
        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $feature)]
        unsafe fn $lines<const V: usize, const N: usize>(tile: &LinesTile<f32>) {
            // SAFETY: the caller's promise; the instruction set is enabled here.
            unsafe { lines_tile::<$lanes, V, N>(tile) };
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $feature)]
        unsafe fn $gather<const V: usize, const N: usize>(tile: &GatherTile<f32>) {
            // SAFETY: the caller's promise; the instruction set is enabled here.
            unsafe { gather_tile::<$lanes, V, N>(tile) };
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = $feature)]
        unsafe fn $correlate<const V: usize, const N: usize>(tile: &CorrelateTile<f32>) {
            // SAFETY: the caller's promise; the instruction set is enabled here.
            unsafe { correlate_tile::<$lanes, V, N>(tile) };
        }
    };
}
compile_tiles!("avx2,fma", Avx2, gather_avx2, lines_avx2, correlate_avx2);
compile_tiles!(
    "avx512f",
    Avx512,
    gather_avx512,
    lines_avx512,
    correlate_avx512
);

/// One tile for each number of pixels.
macro_rules! six {
    ($tile:ident, $v:literal $(, $t:ty)?) => {
        &[$tile::<$($t,)? $v, 1>, $tile::<$($t,)? $v, 2>, $tile::<$($t,)? $v, 3>,
          $tile::<$($t,)? $v, 4>, $tile::<$($t,)? $v, 5>, $tile::<$($t,)? $v, 6>]
    };
}
macro_rules! four {
    ($tile:ident, $v:literal $(, $t:ty)?) => {
        &[$tile::<$($t,)? $v, 1>, $tile::<$($t,)? $v, 2>, $tile::<$($t,)? $v, 3>, $tile::<$($t,)? $v, 4>]
    };
}
macro_rules! fourteen {
    ($tile:ident, $v:literal) => {
        &[
            $tile::<$v, 1>,
            $tile::<$v, 2>,
            $tile::<$v, 3>,
            $tile::<$v, 4>,
            $tile::<$v, 5>,
            $tile::<$v, 6>,
            $tile::<$v, 7>,
            $tile::<$v, 8>,
            $tile::<$v, 9>,
            $tile::<$v, 10>,
            $tile::<$v, 11>,
            $tile::<$v, 12>,
            $tile::<$v, 13>,
            $tile::<$v, 14>,
        ]
    };
}
macro_rules! portable {
    ($t:ty) => {
        Kernels {
            lanes: <Portable<$t> as Lanes>::LEN,
            gather: [six!(gather_portable, 1, $t), six!(gather_portable, 2, $t)],
            lines: &[four!(lines_portable, 1, $t), four!(lines_portable, 2, $t)],
            correlate: [
                six!(correlate_portable, 1, $t),
                six!(correlate_portable, 2, $t),
            ],
            transpose: transpose::portable::<$t>,
        }
    };
}

static PORTABLE_F32: Kernels<f32> = portable!(f32);
static PORTABLE_F64: Kernels<f64> = portable!(f64);
#[cfg(target_arch = "x86_64")]
static AVX2: Kernels<f32> = Kernels {
    lanes: <Avx2 as Lanes>::LEN,
    gather: [six!(gather_avx2, 1), six!(gather_avx2, 2)],
    lines: &[
        four!(lines_avx2, 1),
        four!(lines_avx2, 2),
        four!(lines_avx2, 3),
    ],
    correlate: [six!(correlate_avx2, 1), six!(correlate_avx2, 2)],
    transpose: transpose::avx2,
};
#[cfg(target_arch = "x86_64")]
static AVX512: Kernels<f32> = Kernels {
    lanes: <Avx512 as Lanes>::LEN,
    gather: [fourteen!(gather_avx512, 1), fourteen!(gather_avx512, 2)],
    lines: &[
        six!(lines_avx512, 1),
        six!(lines_avx512, 2),
        six!(lines_avx512, 3),
        six!(lines_avx512, 4),
    ],
    correlate: [
        fourteen!(correlate_avx512, 1),
        fourteen!(correlate_avx512, 2),
    ],
    transpose: transpose::avx512,
};

/// An element type convolution has register tiles for: `f32` is fast, `f64` serves gradient checks.
pub trait Element: Real + sealed::Tiles {}

impl Element for f32 {}
impl Element for f64 {}

pub(in crate::cpu) mod sealed {
    use super::{Kernels, Level};

    pub trait Tiles: Sized + 'static {
        /// The tiles for `level`, or for the widest instruction set below it that this machine has.
        #[expect(
            private_interfaces,
            reason = "the trait is sealed and its table internal"
        )]
        fn kernels(level: Level) -> &'static Kernels<Self>;
    }
}

#[expect(
    private_interfaces,
    reason = "the trait is sealed and its table internal"
)]
impl sealed::Tiles for f32 {
    fn kernels(level: Level) -> &'static Kernels<Self> {
        match level.min(Level::native()) {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => &AVX512,
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 if is_x86_feature_detected!("fma") => &AVX2,
            _ => &PORTABLE_F32,
        }
    }
}

#[expect(
    private_interfaces,
    reason = "the trait is sealed and its table internal"
)]
impl sealed::Tiles for f64 {
    fn kernels(_: Level) -> &'static Kernels<Self> {
        &PORTABLE_F64
    }
}
