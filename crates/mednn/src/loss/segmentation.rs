//! The node on the tape that all losses of segmentations share.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Layout, Shape, Tensor};

use super::Channels;
use crate::cpu::buffer::Columns;
use crate::cpu::segmentation::{
    BadLabel, Classes, LabelValue, Overlap, Segmentation, Slopes, Sums, Target, Terms,
};
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::ops::support::{self, Element, check_float, check_min_rank, check_shape, for_element};
use crate::tape::Apply as _;

/// What a loss makes of the sums; `[batch, classes]` in that order.
pub(super) struct ClassSums<'a> {
    pub(super) batch: usize,
    pub(super) classes: usize,
    pub(super) voxels: usize,
    pub(super) overlaps: &'a [Overlap],
    pub(super) counted: usize,
    /// Whether the target gives shares of classes instead of labels.
    pub(super) shares: bool,
}

impl ClassSums<'_> {
    /// The sums of each class over the batch.
    pub(super) fn over_batch(&self) -> Vec<Overlap> {
        let mut sums = vec![Overlap::default(); self.classes];
        for (i, overlap) in self.overlaps.iter().enumerate() {
            sums[i % self.classes] = sums[i % self.classes].merge(overlap);
        }
        sums
    }
}

/// What the pass over the logits needs to know.
pub(super) struct Setup<'a> {
    pub(super) op: &'static str,
    pub(super) ignore: Option<u32>,
    pub(super) channels: &'a Channels,
    pub(super) terms: Terms,
}

impl<'a> Setup<'a> {
    /// A pass that takes the sums of overlaps.
    pub(super) fn new(op: &'static str, channels: &'a Channels, ignore: Option<u32>) -> Self {
        Self {
            op,
            ignore,
            channels,
            terms: Terms::default(),
        }
    }

    /// Sets which sums are taken.
    pub(super) fn with_terms(mut self, terms: Terms) -> Self {
        self.terms = terms;
        self
    }
}

/// Refuses class weights that are negative, not finite or not one for each class.
pub(super) fn check_class_weights(
    op: &'static str,
    weights: Option<&[f64]>,
    classes: usize,
) -> Result<()> {
    match weights {
        Some(weights)
            if weights.len() != classes || weights.iter().any(|w| !w.is_finite() || *w < 0.0) =>
        {
            Err(Error::Setting {
                op,
                setting: "class weights",
                rule: "finite, not negative and one for each class",
                value: format!("{weights:?} for {classes} classes"),
            })
        }
        _ => Ok(()),
    }
}

/// Refuses a setting that does not fulfil its rule.
pub(super) fn check_setting(
    op: &'static str,
    (setting, rule): (&'static str, &'static str),
    value: f64,
    fulfils: impl FnOnce(f64) -> bool,
) -> Result<()> {
    if value.is_finite() && fulfils(value) {
        return Ok(());
    }
    Err(Error::Setting {
        op,
        setting,
        rule,
        value: value.to_string(),
    })
}

/// Refuses logits and targets that do not belong together; true when the target gives shares of classes.
pub(super) fn check_pair(
    op: &'static str,
    (logits, target): (&Tensor, &Tensor),
    channels: &Channels,
) -> Result<bool> {
    check_float(op, "the logits", logits)?;
    check_min_rank(op, "the logits", logits, 2)?;
    let dims = logits.dims();
    if let Channels::Regions(regions) = channels
        && regions.len() != dims[1]
    {
        return Err(Error::Axis {
            op,
            tensor: "the logits",
            axis: 1,
            rule: format!("{} long, one channel for each region", regions.len()),
            got: dims.to_vec(),
        });
    }
    let mut expected = vec![dims[0]];
    expected.extend(&dims[2..]);
    if target.dims() == expected {
        return match target.dtype() {
            DType::U8 | DType::U32 => Ok(false),
            got => Err(Error::ElementType {
                op,
                tensor: "the target",
                expected: "u8 or u32",
                got,
            }),
        };
    }
    if matches!(target.dtype(), DType::F32 | DType::F64) {
        check_shape(op, "the target", target, dims)?;
        return Ok(true);
    }
    check_shape(op, "the target", target, &expected)?;
    Ok(false)
}

/// Refuses a target of shares where a formula holds for labels only.
pub(super) fn check_labels(op: &'static str, target: &Tensor) -> Result<()> {
    match target.dtype() {
        DType::U8 | DType::U32 => Ok(()),
        got => Err(Error::ElementType {
            op,
            tensor: "the target",
            expected: "u8 or u32",
            got,
        }),
    }
}

/// Runs the forward pass of a loss.
///
/// `evaluate` makes the value of the sums and adds to the slopes, `[batch * classes]`, how it depends on each.
pub(super) fn run(
    setup: &Setup<'_>,
    (logits, target): (&Tensor, &Tensor),
    evaluate: impl FnOnce(&ClassSums<'_>, &mut [Slopes]) -> f64,
) -> Result<Tensor> {
    let op = setup.op;
    let shares = check_pair(op, (logits, target), setup.channels)?;
    let dims = logits.dims();
    let columns = Columns {
        outer: dims[0],
        count: dims[1],
        inner: dims[2..].iter().product(),
    };
    let mut node = SegmentationLoss {
        name: op,
        columns,
        target: if shares {
            target.detach().to_dtype(logits.dtype())?.contiguous()?
        } else {
            target.detach().contiguous()?
        },
        ignore: setup.ignore,
        channels: setup.channels.clone(),
        terms: setup.terms,
        value: 0.0,
        slopes: Vec::new(),
    };
    let logits = logits.contiguous()?;
    let sums = node.sums(&logits)?.map_err(|bad| Error::Label {
        op,
        label: bad.label,
        voxel: bad.voxel,
        batch: bad.batch,
        classes: bad.limit,
    })?;
    let class_sums = ClassSums {
        batch: columns.outer,
        classes: columns.count,
        voxels: columns.inner,
        overlaps: &sums.overlaps,
        counted: sums.counted,
        shares,
    };
    node.slopes = vec![Slopes::default(); sums.overlaps.len()];
    node.value = evaluate(&class_sums, &mut node.slopes);
    Ok(logits.apply1(node)?)
}

struct SegmentationLoss {
    name: &'static str,
    columns: Columns,
    target: Tensor,
    ignore: Option<u32>,
    channels: Channels,
    terms: Terms,
    value: f64,
    slopes: Vec<Slopes>,
}

impl SegmentationLoss {
    fn problem<'a, T, L>(
        &'a self,
        logits: &'a [T],
        target: Target<'a, T, L>,
    ) -> Segmentation<'a, T, L> {
        Segmentation {
            columns: self.columns,
            logits,
            target,
            ignore: self.ignore,
            classes: self.classes(),
            terms: self.terms,
        }
    }

    fn classes(&self) -> Classes<'_> {
        match &self.channels {
            Channels::Softmax => Classes::Exclusive,
            Channels::Sigmoid => Classes::Independent,
            Channels::Regions(regions) => Classes::Regions(regions),
        }
    }

    #[cfg(feature = "cuda")]
    fn on_device(&self) -> cuda::segmentation::Segmentation<'_> {
        cuda::segmentation::Segmentation {
            columns: self.columns,
            target: &self.target,
            ignore: self.ignore,
            classes: self.classes(),
            terms: self.terms,
        }
    }

    /// Calls `work` with the logits and the target in its own type.
    fn with_target<T: Element, W: Work<T>>(
        &self,
        logits: &[T],
        work: W,
    ) -> candle_core::Result<W::Output> {
        match self.target.dtype() {
            DType::U8 => support::with_raw_elements::<u8, _>(&self.target, |labels| {
                Ok(work.run(self.problem(logits, Target::Labels(labels))))
            }),
            DType::U32 => support::with_raw_elements::<u32, _>(&self.target, |labels| {
                Ok(work.run(self.problem(logits, Target::Labels(labels))))
            }),
            _ => support::with_elements::<T, _>(&self.target, |shares| {
                Ok(work.run::<u8>(self.problem(logits, Target::Shares(shares))))
            }),
        }
    }

    fn sums(&self, logits: &Tensor) -> candle_core::Result<std::result::Result<Sums, BadLabel>> {
        #[cfg(feature = "cuda")]
        if logits.device().is_cuda() {
            return for_element!(logits, self.name, T => {
                cuda::with_array::<T, _>(logits, |x| self.on_device().sums(x))
            });
        }
        for_element!(logits, self.name, T => {
            support::with_elements::<T, _>(logits, |x| self.with_target(x, TakeSums))
        })
    }

    fn gradient<T: Element>(&self, logits: &[T], factor: f64) -> candle_core::Result<Vec<T>> {
        let slopes: Vec<Slopes> = self.slopes.iter().map(|s| s.scaled(factor)).collect();
        self.with_target(logits, TakeGradient(&slopes))
    }
}

/// A pass over logits and labels of any type.
trait Work<T> {
    type Output;
    fn run<L: LabelValue>(self, problem: Segmentation<'_, T, L>) -> Self::Output;
}

struct TakeSums;

impl<T: Element> Work<T> for TakeSums {
    type Output = std::result::Result<Sums, BadLabel>;

    fn run<L: LabelValue>(self, problem: Segmentation<'_, T, L>) -> Self::Output {
        problem.sums()
    }
}

struct TakeGradient<'a>(&'a [Slopes]);

impl<T: Element> Work<T> for TakeGradient<'_> {
    type Output = Vec<T>;

    fn run<L: LabelValue>(self, problem: Segmentation<'_, T, L>) -> Self::Output {
        problem.gradient(self.0)
    }
}

impl CustomOp1 for SegmentationLoss {
    fn name(&self) -> &'static str {
        self.name
    }

    fn cpu_fwd(&self, s: &CpuStorage, _: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, self.name, T => {
            Ok(support::output(vec![<T as crate::cpu::real::Real>::from_f64(self.value)], &[]))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, _: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s, self.name, T => {
            let value = [<T as crate::cpu::real::Real>::from_f64(self.value)];
            Ok(cuda::output(s.device.clone_htod(&value)?, &[], &s.device))
        })
    }

    fn bwd(
        &self,
        logits: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !logits.track_op() {
            return Ok(None);
        }
        let factor = match gradient.dtype() {
            DType::F32 => f64::from(gradient.to_scalar::<f32>()?),
            _ => gradient.to_dtype(DType::F64)?.to_scalar::<f64>()?,
        };
        #[cfg(feature = "cuda")]
        if logits.device().is_cuda() {
            let slopes: Vec<Slopes> = self.slopes.iter().map(|s| s.scaled(factor)).collect();
            return for_element!(logits, self.name, T => {
                let values = cuda::with_array::<T, _>(logits, |x| self.on_device().gradient(x, &slopes))?;
                cuda::tensor(values, logits.dims(), logits).map(Some)
            });
        }
        for_element!(logits, self.name, T => {
            let values = support::with_elements::<T, _>(logits, |x| self.gradient(x, factor))?;
            support::tensor(values, logits.dims(), logits).map(Some)
        })
    }
}
