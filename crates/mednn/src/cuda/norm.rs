//! Batch, group and instance normalisation, as [`crate::cpu::norm`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{
    Argument, Grid, NOTHING, Team, WARP, all_small, allocate, count, launch, small,
};
use super::module::NORM;
use super::{Array, Element};
use crate::cpu::norm::{Sets, Shape};
use crate::cpu::reduce::Moments;

const OP: &str = "normalisation";
/// Elements of a piece that one thread holds; `HELD` in `kernels/norm.cu`.
const HELD: usize = 16;
/// Threads of a block.
const THREADS: usize = 256;

/// Scale and shift of each channel.
pub(crate) type Affine<'a, T> = Option<(&'a Array<'a, T>, &'a Array<'a, T>)>;

/// Mean and reciprocal standard deviation of each set, `[sets, 2]`, on the device.
#[derive(Debug)]
pub(crate) struct Statistics(CudaSlice<f64>);

/// Rows cut into the pieces that a team holds.
#[derive(Clone, Copy)]
struct Pieces {
    team: Team,
    len: usize,
    of_row: usize,
}

impl Pieces {
    fn of(shape: &Shape) -> Self {
        let team = Team::of(shape.row_len);
        let len = HELD * if team == Team::Warp { WARP } else { THREADS };
        Self {
            team,
            len,
            of_row: shape.row_len.div_ceil(len).max(1),
        }
    }

    fn count(self, shape: &Shape) -> usize {
        rows(shape) * self.of_row
    }
}

fn rows(shape: &Shape) -> usize {
    shape.batch * shape.channels
}

/// The struct `Rows` of the kernels.
fn sizes(shape: &Shape) -> candle_core::Result<[i32; 3]> {
    let (kind, groups) = match shape.sets {
        Sets::Instance => (0, 1),
        Sets::Group { groups } => (1, groups),
        Sets::Batch => (2, 1),
    };
    all_small(OP, [shape.channels, kind, groups])
}

/// The pointers to scale and shift, or to nothing.
fn pointers<'a, T: Element>(affine: Affine<'a, T>) -> [&'a dyn Argument; 2] {
    match affine {
        Some((scale, shift)) => [scale, shift],
        None => [&NOTHING, &NOTHING],
    }
}

/// The statistics of every set, and the variances, `[sets]`.
pub(crate) fn statistics<T: Element>(
    shape: &Shape,
    input: &Array<'_, T>,
    epsilon: f64,
) -> candle_core::Result<(Statistics, CudaSlice<f64>)> {
    let pieces = Pieces::of(shape);
    let partial = allocate::<f64>(input.device, OP, 2 * pieces.count(shape))?;
    let (all, row_len, of_row) = (
        count(rows(shape)),
        count(shape.row_len),
        count(pieces.of_row),
    );
    launch(
        input.device,
        &NORM.of::<T>(&pieces.team.named("norm_moments")),
        pieces.team.grid(pieces.count(shape)),
        &[&all, &row_len, &of_row, input, &partial],
    )?;
    let sets = shape.set_count();
    let statistics = allocate(input.device, OP, 2 * sets)?;
    let variances = allocate(input.device, OP, sets)?;
    launch(
        input.device,
        &NORM.of::<f64>("norm_statistics"),
        Team::Warp.grid(sets),
        &[
            &sizes(shape)?,
            &all,
            &row_len,
            &of_row,
            &small(OP, pieces.len)?,
            &epsilon,
            &partial,
            &statistics,
            &variances,
        ],
    )?;
    Ok((Statistics(statistics), variances))
}

/// The statistics of channels whose mean and variance are given.
pub(crate) fn given<T: Element>(
    mean: &Array<'_, T>,
    variance: &Array<'_, T>,
    epsilon: f64,
) -> candle_core::Result<Statistics> {
    let statistics = allocate(mean.device, OP, 2 * mean.len())?;
    launch(
        mean.device,
        &NORM.of::<T>("norm_given"),
        Grid::threads(mean.len()),
        &[&count(mean.len()), &epsilon, mean, variance, &statistics],
    )?;
    Ok(Statistics(statistics))
}

/// Mean and variance of each set on the host, which waits for the device.
pub(crate) fn on_host<T: Element>(
    shape: &Shape,
    like: &Array<'_, T>,
    statistics: &Statistics,
    variances: &CudaSlice<f64>,
) -> candle_core::Result<Vec<Moments>> {
    let statistics = like.device.clone_dtoh(&statistics.0)?;
    let variances = like.device.clone_dtoh(variances)?;
    let count = shape.set_len() as f64;
    let moments = statistics
        .chunks_exact(2)
        .zip(variances)
        .map(|(of_set, variance)| Moments {
            count,
            mean: of_set[0],
            squares: variance * count,
        });
    Ok(moments.collect())
}

/// `leaky((x - mean) / deviation * scale + shift)` with the statistics of each set given.
pub(crate) fn apply<T: Element>(
    shape: &Shape,
    input: &Array<'_, T>,
    affine: Affine<'_, T>,
    statistics: &Statistics,
    slope: f64,
) -> candle_core::Result<CudaSlice<T>> {
    let output = input.result(OP, input.len())?;
    let [scale, shift] = pointers(affine);
    let slope = <T as crate::cpu::real::Real>::from_f64(slope);
    launch(
        input.device,
        &NORM.of::<T>("norm_apply"),
        Grid::planes(rows(shape), shape.row_len),
        &[
            &sizes(shape)?,
            &count(rows(shape)),
            &count(shape.row_len),
            &slope,
            &statistics.0,
            scale,
            shift,
            input,
            &output,
        ],
    )?;
    Ok(output)
}

/// What the backward pass needs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backward<'a, T> {
    pub(crate) shape: &'a Shape,
    pub(crate) input: &'a Array<'a, T>,
    pub(crate) gradient: &'a Array<'a, T>,
    pub(crate) affine: Affine<'a, T>,
    pub(crate) statistics: &'a Statistics,
    pub(crate) slope: f64,
    /// False when the statistics were constants.
    pub(crate) statistics_of_input: bool,
}

/// The gradients of the input and, where there are any, of scale and shift.
#[derive(Debug)]
pub(crate) struct Gradients<T> {
    pub(crate) input: CudaSlice<T>,
    pub(crate) affine: Option<[CudaSlice<T>; 2]>,
}

impl<T: Element> Backward<'_, T> {
    /// Runs the backward pass.
    pub(crate) fn run(&self) -> candle_core::Result<Gradients<T>> {
        let Self {
            shape,
            input,
            gradient,
            affine,
            ..
        } = *self;
        let device = input.device;
        let sizes = sizes(shape)?;
        let (all, row_len) = (count(rows(shape)), count(shape.row_len));
        let slope = <T as crate::cpu::real::Real>::from_f64(self.slope);
        let statistics = &self.statistics.0;
        let [scale, shift] = pointers(affine);
        let of_affine = match affine {
            None => None,
            Some(_) => {
                let channels = || allocate::<T>(device, OP, shape.channels);
                Some([channels()?, channels()?])
            }
        };
        let lines = allocate::<f64>(device, OP, 2 * shape.set_count())?;
        if self.statistics_of_input || affine.is_some() {
            let sums = self.sums(&sizes)?;
            let [of_scale, of_shift]: [&dyn Argument; 2] = match &of_affine {
                Some([scale, shift]) => [scale, shift],
                None => [&NOTHING, &NOTHING],
            };
            launch(
                device,
                &NORM.of::<T>("norm_fold"),
                Grid::threads(shape.set_count() + shape.channels),
                &[
                    &sizes, &all, &row_len, statistics, scale, &sums, &lines, of_scale, of_shift,
                ],
            )?;
        }
        let lines: &dyn Argument = if self.statistics_of_input {
            &lines
        } else {
            &NOTHING
        };
        let of_input = input.result(OP, input.len())?;
        launch(
            device,
            &NORM.of::<T>("norm_backward"),
            Grid::planes(rows(shape), shape.row_len),
            &[
                &sizes, &all, &row_len, &slope, statistics, scale, shift, lines, input, gradient,
                &of_input,
            ],
        )?;
        Ok(Gradients {
            input: of_input,
            affine: of_affine,
        })
    }

    /// Of each row, the sum of gradients before the activation and that of their products with normalised values.
    fn sums(&self, sizes: &[i32; 3]) -> candle_core::Result<CudaSlice<f64>> {
        let Self {
            shape,
            input,
            gradient,
            ..
        } = *self;
        let pieces = Pieces::of(shape);
        let (all, of_row) = (count(rows(shape)), count(pieces.of_row));
        let slope = <T as crate::cpu::real::Real>::from_f64(self.slope);
        let statistics = &self.statistics.0;
        let [scale, shift] = pointers(self.affine);
        let partial = allocate::<f64>(input.device, OP, 2 * pieces.count(shape))?;
        launch(
            input.device,
            &NORM.of::<T>(&pieces.team.named("norm_sums")),
            pieces.team.grid(pieces.count(shape)),
            &[
                sizes,
                &all,
                &count(shape.row_len),
                &of_row,
                &slope,
                statistics,
                scale,
                shift,
                input,
                gradient,
                &partial,
            ],
        )?;
        let sums = allocate(input.device, OP, 2 * rows(shape))?;
        launch(
            input.device,
            &NORM.of::<f64>("norm_row_sums"),
            Team::Warp.grid(rows(shape)),
            &[sizes, &all, &of_row, statistics, &partial, &sums],
        )?;
        Ok(sums)
    }
}
