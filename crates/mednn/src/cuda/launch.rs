//! How work is spread over a device, and the one place where memory is taken and kernels are started.
#![expect(
    unsafe_code,
    reason = "a kernel is foreign code: nothing checks that it stays within what it is given"
)]

use candle_core::CudaDevice;
use candle_core::cuda_backend::WrapErr as _;
use candle_core::cuda_backend::cudarc::driver::{
    CudaSlice, CudaView, DeviceRepr, LaunchArgs, LaunchConfig, PushKernelArg as _,
};

use super::array::Array;
use super::module::Kernel;

/// Threads of a block; `THREADS` in `kernels/common.cuh`.
const THREADS: usize = 256;
/// Threads that run in step; `WARP` in `kernels/common.cuh`.
pub(super) const WARP: usize = 32;
/// Elements of a row up to which one warp works on it, beyond which a whole block does.
const WARP_ROW: usize = 1024;
/// Enough blocks to fill any device many times over; what is left is done in further rounds.
const MOST_BLOCKS: usize = 1 << 16;
/// The most blocks a grid may have along its second and third axis.
const MOST_ACROSS: usize = 65_535;

/// Blocks and threads of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    blocks: [usize; 3],
    threads: [usize; 2],
}

impl Grid {
    /// A few elements for each thread, which strides through all of them.
    pub(super) fn elements(count: usize) -> Self {
        Self {
            blocks: [count.div_ceil(4 * THREADS).clamp(1, MOST_BLOCKS), 1, 1],
            threads: [THREADS, 1],
        }
    }

    /// Threads along rows of `len` elements and, where these are short, across rows.
    pub(super) fn planes(rows: usize, len: usize) -> Self {
        let along = len.clamp(1, THREADS).next_power_of_two().max(WARP);
        let across = THREADS / along;
        Self {
            blocks: [
                len.div_ceil(along).clamp(1, MOST_BLOCKS),
                rows.div_ceil(across).clamp(1, MOST_ACROSS),
                1,
            ],
            threads: [along, across],
        }
    }

    /// One block for each of `count` pieces of work; the kernel strides when there are more than a grid has.
    pub(super) fn blocks(count: usize) -> Self {
        Self {
            blocks: [count.clamp(1, MOST_BLOCKS), 1, 1],
            threads: [THREADS, 1],
        }
    }

    /// One thread for each of `count` pieces of work.
    pub(super) fn threads(count: usize) -> Self {
        Self::blocks(count.div_ceil(THREADS))
    }

    /// Exactly these blocks, of [`THREADS`] threads.
    pub(super) fn exactly(blocks: [usize; 3]) -> Self {
        Self {
            blocks,
            threads: [THREADS, 1],
        }
    }
}

/// How many threads work on one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Team {
    Warp,
    Block,
}

impl Team {
    /// The team for rows of this length.
    pub(super) fn of(len: usize) -> Self {
        if len <= WARP_ROW {
            Self::Warp
        } else {
            Self::Block
        }
    }

    /// What the kernels for this team end in, before the element type.
    pub(super) fn named(self, kernel: &str) -> String {
        match self {
            Self::Warp => format!("{kernel}_warp"),
            Self::Block => format!("{kernel}_block"),
        }
    }

    /// A team for each of `rows` rows.
    pub(super) fn grid(self, rows: usize) -> Grid {
        match self {
            Self::Warp => Grid::blocks(rows.div_ceil(THREADS / WARP)),
            Self::Block => Grid::blocks(rows),
        }
    }
}

/// What a kernel can be given.
pub(crate) trait Argument {
    fn push<'a>(&'a self, to: &mut LaunchArgs<'a>);
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Argument for $number {
            fn push<'a>(&'a self, to: &mut LaunchArgs<'a>) {
                to.arg(self);
            }
        }
    )*};
}
numbers!(i32, i64, u32, u64, f32, f64);

/// Extents and the like: a struct of `int` in the kernel.
impl<const N: usize> Argument for [i32; N] {
    fn push<'a>(&'a self, to: &mut LaunchArgs<'a>) {
        to.arg(self);
    }
}

/// Settings: a struct of `float`.
impl<const N: usize> Argument for [f32; N] {
    fn push<'a>(&'a self, to: &mut LaunchArgs<'a>) {
        to.arg(self);
    }
}

/// As extents, where 32 bits may be too few: a struct of `Count`.
impl<const N: usize> Argument for [i64; N] {
    fn push<'a>(&'a self, to: &mut LaunchArgs<'a>) {
        to.arg(self);
    }
}

impl<T> Argument for CudaSlice<T> {
    fn push<'a>(&'a self, to: &mut LaunchArgs<'a>) {
        to.arg(self);
    }
}

impl<T> Argument for CudaView<'_, T> {
    fn push<'a>(&'a self, to: &mut LaunchArgs<'a>) {
        to.arg(self);
    }
}

impl<T> Argument for Array<'_, T> {
    fn push<'a>(&'a self, to: &mut LaunchArgs<'a>) {
        self.elements.push(to);
    }
}

/// A pointer to nothing, for what is optional.
pub(super) const NOTHING: u64 = 0;

/// Queues a kernel with its arguments in the order of its parameters.
pub(super) fn launch(
    device: &CudaDevice,
    kernel: &Kernel,
    grid: Grid,
    arguments: &[&dyn Argument],
) -> candle_core::Result<()> {
    let Kernel { module, name } = kernel;
    let function = device.get_or_load_custom_func(name, module.name, module.ptx)?;
    let mut call = function.builder();
    for argument in arguments {
        argument.push(&mut call);
    }
    let [x, y, z] = grid.blocks.map(|blocks| blocks as u32);
    let [along, across] = grid.threads.map(|threads| threads as u32);
    let config = LaunchConfig {
        grid_dim: (x, y, z),
        block_dim: (along, across, 1),
        shared_mem_bytes: 0,
    };
    // SAFETY: each function of this folder gives its kernel the parameters it declares and arrays of the lengths that the
    // sizes beside them say; `tests/device` runs every one of them.
    unsafe { call.launch(config) }.w()?;
    Ok(())
}

/// Memory for `len` elements, not cleared; an error says for what and how much.
pub(super) fn allocate<T: DeviceRepr>(
    device: &CudaDevice,
    op: &'static str,
    len: usize,
) -> candle_core::Result<CudaSlice<T>> {
    // SAFETY: every element is written by a kernel before anything reads it.
    unsafe { device.alloc::<T>(len) }.map_err(|error| {
        let bytes = len.saturating_mul(size_of::<T>());
        candle_core::Error::Msg(format!(
            "{op}: no memory on the device for {bytes} bytes: {error}"
        ))
    })
}

/// A number of elements, as kernels count.
pub(super) fn count(len: usize) -> i64 {
    len as i64
}

/// An extent, or a place within one plane, in the 32 bits that kernels take for it.
pub(super) fn small(op: &'static str, value: usize) -> candle_core::Result<i32> {
    i32::try_from(value).map_err(|_| {
        candle_core::Error::Msg(format!(
            "{op}: {value} is more than a kernel counts along an axis or in a plane"
        ))
    })
}

/// As [`small`], for several.
pub(super) fn all_small<const N: usize>(
    op: &'static str,
    values: [usize; N],
) -> candle_core::Result<[i32; N]> {
    let mut small_values = [0; N];
    for (small_value, value) in small_values.iter_mut().zip(values) {
        *small_value = small(op, value)?;
    }
    Ok(small_values)
}
