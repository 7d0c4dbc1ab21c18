//! What losses need that weigh every voxel by a map of its own: the truth of each channel as a map, and sums against maps.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Shape, Tensor};

use super::segmentation::{check_labels, check_pair};
use super::{Channels, Dense};
use crate::cpu::buffer;
use crate::cpu::map_sum::MapSum;
use crate::cpu::real::Real;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::ops::support::{self, Element, for_element};
use crate::ops::{Activation, activation, softmax};
use crate::tape::Apply as _;

/// Labels that belong to logits, in the order `[batch, voxels]`.
pub(super) struct Labels {
    pub(super) values: Vec<u32>,
    pub(super) channels: Channels,
    /// The channels that count: all, or all but the background.
    pub(super) counted: std::ops::Range<usize>,
    pub(super) batch: usize,
    pub(super) classes: usize,
    pub(super) voxels: usize,
}

impl Labels {
    /// The labels of a target, each of them a class.
    pub(super) fn new<M>(
        op: &'static str,
        (logits, target): (&Tensor, &Tensor),
        dense: &Dense<M>,
    ) -> Result<Self> {
        let channels = &dense.channels;
        check_labels(op, target)?;
        check_pair(op, (logits, target), channels)?;
        let dims = logits.dims();
        let (batch, classes) = (dims[0], dims[1]);
        let voxels = dims[2..].iter().product();
        let values = target
            .to_dtype(DType::U32)?
            .flatten_all()?
            .to_vec1::<u32>()?;
        let single = usize::from(*channels == Channels::Sigmoid && classes == 1);
        let limit = classes + single;
        if !matches!(channels, Channels::Regions(_))
            && let Some(place) = values.iter().position(|&label| label as usize >= limit)
        {
            return Err(Error::Label {
                op,
                label: values[place],
                voxel: place % voxels,
                batch: place / voxels,
                classes: limit,
            });
        }
        Ok(Self {
            values,
            channels: channels.clone(),
            counted: dense.counted(classes),
            batch,
            classes,
            voxels,
        })
    }

    /// The labels of one batch item.
    pub(super) fn of(&self, item: usize) -> &[u32] {
        &self.values[item * self.voxels..(item + 1) * self.voxels]
    }

    /// Whether a label belongs to a channel.
    pub(super) fn holds(&self, channel: usize, label: u32) -> bool {
        match &self.channels {
            Channels::Regions(regions) => regions[channel].contains(&label),
            Channels::Sigmoid if self.classes == 1 => label == 1,
            _ => label as usize == channel,
        }
    }

    /// 1 where a channel is true, else 0, `[batch, counted channels, voxels]`.
    pub(super) fn truth<T: Element>(&self) -> Vec<T> {
        let channels = self.counted.len();
        buffer::build_whole_rows(self.batch * channels, self.voxels, |row, out: &mut [T]| {
            let channel = self.counted.start + row % channels;
            for (o, &label) in out.iter_mut().zip(self.of(row / channels)) {
                if self.holds(channel, label) {
                    *o = <T as Real>::ONE;
                }
            }
        })
    }
}

/// The probabilities of logits.
pub(super) fn probabilities(channels: &Channels, logits: &Tensor) -> Result<Tensor> {
    match channels {
        Channels::Softmax => softmax(logits, 1),
        Channels::Sigmoid | Channels::Regions(_) => activation(logits, Activation::Sigmoid),
    }
}

/// Three lengths for the one to three spatial axes of logits.
pub(super) fn grid(op: &'static str, logits: &Tensor) -> Result<[usize; 3]> {
    let spatial = logits.dims().get(2..).unwrap_or_default();
    if spatial.is_empty() || spatial.len() > 3 {
        return Err(Error::Rank {
            op,
            tensor: "the logits",
            expected: "3 to 5".to_owned(),
            got: logits.dims().to_vec(),
        });
    }
    let mut grid = [1; 3];
    grid[3 - spatial.len()..].copy_from_slice(spatial);
    Ok(grid)
}

/// Which sum of a map is taken.
#[derive(Debug, Clone)]
pub(super) enum Sum {
    Plain,
    Weighted(Tensor),
    SquaredError(Tensor),
}

/// The sum over each batch item, `[batch]`, added up in f64.
pub(super) fn sum(op: &'static str, values: &Tensor, sum: Sum) -> Result<Tensor> {
    Ok(values.contiguous()?.apply1(SumOp { name: op, sum })?)
}

struct SumOp {
    name: &'static str,
    sum: Sum,
}

impl SumOp {
    fn with_map<T: Element, R>(
        &self,
        f: impl FnOnce(MapSum<'_, T>) -> R,
    ) -> candle_core::Result<R> {
        match &self.sum {
            Sum::Plain => Ok(f(MapSum::Plain)),
            Sum::Weighted(map) => {
                support::with_elements::<T, _>(map, |map| Ok(f(MapSum::Weighted(map))))
            }
            Sum::SquaredError(map) => {
                support::with_elements::<T, _>(map, |map| Ok(f(MapSum::SquaredError(map))))
            }
        }
    }
}

#[cfg(feature = "cuda")]
impl SumOp {
    fn on_device<T: cuda::Element, R>(
        &self,
        f: impl FnOnce(cuda::loss::MapSum<'_, T>) -> candle_core::Result<R>,
    ) -> candle_core::Result<R> {
        use cuda::loss::MapSum;
        match &self.sum {
            Sum::Plain => f(MapSum::Plain),
            Sum::Weighted(map) => cuda::with_array::<T, R>(map, |map| f(MapSum::Weighted(map))),
            Sum::SquaredError(map) => {
                cuda::with_array::<T, R>(map, |map| f(MapSum::SquaredError(map)))
            }
        }
    }
}

impl CustomOp1 for SumOp {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let rows = l.dims()[0];
        for_element!(s, self.name, T => {
            let values = support::elements::<T>(s, l)?;
            let sums = self.with_map::<T, _>(|map| map.forward(rows, values))?;
            let sums: Vec<T> = sums.into_iter().map(<T as Real>::from_f64).collect();
            Ok(support::output(sums, &[rows]))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let rows = l.dims()[0];
        for_element!(s, self.name, T => {
            let values = cuda::elements::<T>(s, l)?;
            let sums = self.on_device::<T, _>(|map| map.forward(rows, &values))?;
            Ok(cuda::output(sums, &[rows], &s.device))
        })
    }

    fn bwd(
        &self,
        values: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !values.track_op() {
            return Ok(None);
        }
        #[cfg(feature = "cuda")]
        if values.device().is_cuda() {
            return for_element!(values, self.name, T => {
                let made = cuda::with_arrays::<T, _>(&[values, gradient], |arrays| {
                    self.on_device::<T, _>(|map| map.backward(&arrays[0], &arrays[1]))
                })?;
                cuda::tensor(made, values.dims(), values).map(Some)
            });
        }
        let gradient = gradient.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        for_element!(values, self.name, T => {
            let made = support::with_elements::<T, _>(values, |v| {
                self.with_map::<T, _>(|map| map.backward(v, &gradient))
            })?;
            support::tensor(made, values.dims(), values).map(Some)
        })
    }
}
