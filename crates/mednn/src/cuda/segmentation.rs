//! Sums over the classes of a segmentation, and gradients of functions of them, as [`crate::cpu::segmentation`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;
use candle_core::{DType, Tensor};

use super::fold::one_axis;
use super::launch::{Argument, Grid, NOTHING, allocate, count, launch};
use super::module::SEGMENTATION;
use super::{Array, Element, with_array};
use crate::cpu::buffer::Columns;
use crate::cpu::segmentation::{BadLabel, Classes, Overlap, Slopes, Sums, Terms};

const OP: &str = "loss";
/// Voxels that a block takes: `THREADS * OWN` in `kernels/segmentation.cu`.
const CHUNK: usize = 256 * 8;
/// `SUMS` in `kernels/segmentation.cu`.
const SUMS: usize = 9;

/// What is true of logits on a device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segmentation<'a> {
    /// Batch, classes (channels) and voxels of the logits.
    pub(crate) columns: Columns,
    /// Labels of u8 or u32, `[batch, voxels]`, or the share of each class in the type of the logits.
    pub(crate) target: &'a Tensor,
    pub(crate) ignore: Option<u32>,
    pub(crate) classes: Classes<'a>,
    pub(crate) terms: Terms,
}

impl Segmentation<'_> {
    /// The label of channel 0: a single channel with a sigmoid stands for label 1.
    fn first_label(&self) -> usize {
        usize::from(matches!(self.classes, Classes::Independent) && self.columns.count == 1)
    }

    /// The struct `Setup` of the kernels.
    fn setup(&self) -> [i64; 9] {
        let label_bytes = match self.target.dtype() {
            DType::U8 => 1,
            DType::U32 => 4,
            _ => 0,
        };
        [
            count(self.columns.outer),
            count(self.columns.count),
            count(self.columns.inner),
            i64::from(matches!(self.classes, Classes::Exclusive)),
            count(self.first_label()),
            self.ignore.map_or(-1, i64::from),
            label_bytes,
            i64::from(self.terms.overlaps),
            i64::from(self.terms.focusing.is_some()),
        ]
    }

    fn gamma(&self) -> f64 {
        self.terms.focusing.unwrap_or(0.0)
    }

    /// Where the labels of each region begin, behind one another, and these labels.
    fn regions(&self) -> Option<Vec<i32>> {
        let Classes::Regions(regions) = self.classes else {
            return None;
        };
        let mut table = vec![0];
        let mut start = 0;
        for labels in regions {
            start += labels.len() as i32;
            table.push(start);
        }
        // The kernel takes them back as unsigned.
        table.extend(regions.iter().flatten().map(|&label| label as i32));
        Some(table)
    }

    /// Calls `then` with the target and the regions as arguments of a kernel.
    fn with_truth<T: Element, R>(
        &self,
        logits: &Array<'_, T>,
        then: impl FnOnce(&dyn Argument, &dyn Argument) -> candle_core::Result<R>,
    ) -> candle_core::Result<R> {
        let regions = self
            .regions()
            .map(|table| logits.device.clone_htod(&table))
            .transpose()?;
        let regions: &dyn Argument = match &regions {
            Some(regions) => regions,
            None => &NOTHING,
        };
        match self.target.dtype() {
            DType::U8 => with_array::<u8, _>(self.target, |labels| then(labels, regions)),
            DType::U32 => with_array::<u32, _>(self.target, |labels| then(labels, regions)),
            _ => with_array::<T, _>(self.target, |shares| then(shares, regions)),
        }
    }

    /// The sums, each batch item and class for itself, or the first label that is neither a class nor ignored; waits for the
    /// device.
    pub(crate) fn sums<T: Element>(
        &self,
        logits: &Array<'_, T>,
    ) -> candle_core::Result<Result<Sums, BadLabel>> {
        let Columns {
            outer: batch,
            count: classes,
            inner: voxels,
        } = self.columns;
        let chunks = voxels.div_ceil(CHUNK).max(1);
        let partial = allocate::<f64>(logits.device, OP, batch * chunks * classes * SUMS)?;
        let bad = logits.device.clone_htod(&[u64::MAX])?;
        self.with_truth(logits, |target, regions| {
            launch(
                logits.device,
                &SEGMENTATION.of::<T>("segmentation_sums"),
                Grid::exactly([chunks, batch, 1]),
                &[
                    &self.setup(),
                    &self.gamma(),
                    logits,
                    target,
                    regions,
                    &partial,
                    &bad,
                ],
            )
        })?;
        let columns = Columns {
            outer: batch,
            count: chunks,
            inner: classes * SUMS,
        };
        let sums = one_axis::<f64>(logits, [&partial, &NOTHING], columns)?;
        let sums: Vec<f64> = logits.device.clone_dtoh(&sums)?;
        let bad: Vec<u64> = logits.device.clone_dtoh(&bad)?;
        if let Some(&place) = bad.first().filter(|&&place| place != u64::MAX) {
            return self.bad_label(place as usize).map(Err);
        }
        let overlap = |sums: &[f64]| Overlap {
            intersection: sums[0],
            probability: sums[1],
            probability_squared: sums[2],
            truth: sums[3],
            surprise: sums[4],
            surprise_everywhere: sums[5],
            hits: sums[6],
            misses: sums[7],
        };
        let counted: f64 = sums.chunks_exact(SUMS).map(|sums| sums[8]).sum();
        Ok(Ok(Sums {
            overlaps: sums.chunks_exact(SUMS).map(overlap).collect(),
            counted: counted as usize,
        }))
    }

    fn bad_label(&self, place: usize) -> candle_core::Result<BadLabel> {
        let label = self.target.flatten_all()?.narrow(0, place, 1)?;
        let label = match label.dtype() {
            DType::U8 => label.to_vec1::<u8>()?.into_iter().map(u32::from).next(),
            _ => label.to_vec1::<u32>()?.into_iter().next(),
        };
        Ok(BadLabel {
            batch: place / self.columns.inner,
            voxel: place % self.columns.inner,
            label: label.unwrap_or_default(),
            limit: self.columns.count + self.first_label(),
        })
    }

    /// The gradient for the logits of a loss with these slopes, `[batch * classes]`.
    pub(crate) fn gradient<T: Element>(
        &self,
        logits: &Array<'_, T>,
        slopes: &[Slopes],
    ) -> candle_core::Result<CudaSlice<T>> {
        let slopes: Vec<T> = slopes
            .iter()
            .flat_map(|s| {
                let overlaps = [s.intersection, s.probability, s.probability_squared];
                let surprises = [s.surprise, s.surprise_everywhere, s.hits, s.misses];
                overlaps.into_iter().chain(surprises)
            })
            .map(<T as crate::cpu::real::Real>::from_f64)
            .collect();
        let slopes = logits.device.clone_htod(&slopes)?;
        let gradient = logits.result(OP, logits.len())?;
        self.with_truth(logits, |target, regions| {
            launch(
                logits.device,
                &SEGMENTATION.of::<T>("segmentation_gradient"),
                Grid::threads(self.columns.outer * self.columns.inner),
                &[
                    &self.setup(),
                    &self.gamma(),
                    logits,
                    target,
                    regions,
                    &slopes,
                    &gradient,
                ],
            )
        })?;
        Ok(gradient)
    }
}
