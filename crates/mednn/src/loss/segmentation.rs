//! The node on the tape that all losses of segmentations share.

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Shape, Tensor};

use crate::cpu::buffer::Columns;
use crate::cpu::segmentation::{
    BadLabel, Classes, LabelValue, Overlap, Segmentation, Slopes, Sums,
};
use crate::error::{Error, Result};
use crate::ops::support::{self, Element, check_float, check_min_rank, check_shape, for_element};

/// The value of a loss and how it depends on the sums over each class of each batch item.
pub(super) struct Evaluation {
    pub(super) value: f64,
    /// `[batch * classes]`.
    pub(super) slopes: Vec<Slopes>,
}

/// What a loss makes of the sums; `[batch, classes]` in that order.
pub(super) struct ClassSums<'a> {
    pub(super) batch: usize,
    pub(super) classes: usize,
    pub(super) voxels: usize,
    pub(super) overlaps: &'a [Overlap],
    pub(super) counted: usize,
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

/// Runs the forward pass of a loss.
///
/// `regions` is empty when classes exclude each other.
pub(super) fn run(
    op: &'static str,
    (logits, target): (&Tensor, &Tensor),
    (ignore, regions): (Option<u32>, &[Vec<u32>]),
    evaluate: impl FnOnce(&ClassSums<'_>) -> Evaluation,
) -> Result<Tensor> {
    check_float(op, "the logits", logits)?;
    check_min_rank(op, "the logits", logits, 3)?;
    let dims = logits.dims();
    let mut expected = vec![dims[0]];
    expected.extend(&dims[2..]);
    check_shape(op, "the target", target, &expected)?;
    if !regions.is_empty() && regions.len() != dims[1] {
        return Err(Error::Axis {
            op,
            tensor: "the logits",
            axis: 1,
            rule: format!("{} long, one channel for each region", regions.len()),
            got: dims.to_vec(),
        });
    }
    let columns = Columns {
        outer: dims[0],
        count: dims[1],
        inner: dims[2..].iter().product(),
    };
    let mut node = SegmentationLoss {
        name: op,
        columns,
        target: labels(op, target)?,
        ignore,
        regions: regions.to_vec(),
        value: 0.0,
        slopes: Vec::new(),
    };
    let logits = logits.contiguous()?;
    let sums = node.sums(&logits)?.map_err(|bad| Error::Label {
        op,
        label: bad.label,
        voxel: bad.voxel,
        batch: bad.batch,
        classes: dims[1],
    })?;
    let evaluation = evaluate(&ClassSums {
        batch: columns.outer,
        classes: columns.count,
        voxels: columns.inner,
        overlaps: &sums.overlaps,
        counted: sums.counted,
    });
    node.value = evaluation.value;
    node.slopes = evaluation.slopes;
    Ok(logits.apply_op1(node)?)
}

fn labels(op: &'static str, target: &Tensor) -> Result<Tensor> {
    match target.dtype() {
        DType::U8 | DType::U32 => Ok(target.detach().contiguous()?),
        got => Err(Error::ElementType {
            op,
            tensor: "the target",
            expected: "u8 or u32",
            got,
        }),
    }
}

struct SegmentationLoss {
    name: &'static str,
    columns: Columns,
    target: Tensor,
    ignore: Option<u32>,
    regions: Vec<Vec<u32>>,
    value: f64,
    slopes: Vec<Slopes>,
}

impl SegmentationLoss {
    fn problem<'a, T, L>(&'a self, logits: &'a [T], labels: &'a [L]) -> Segmentation<'a, T, L> {
        let classes = if self.regions.is_empty() {
            Classes::Exclusive
        } else {
            Classes::Regions(&self.regions)
        };
        Segmentation {
            columns: self.columns,
            logits,
            labels,
            ignore: self.ignore,
            classes,
        }
    }

    /// Calls `f` with the labels in their own type.
    fn with_labels<R>(
        &self,
        of_bytes: impl FnOnce(&[u8]) -> R,
        of_words: impl FnOnce(&[u32]) -> R,
    ) -> candle_core::Result<R> {
        if self.target.dtype() == DType::U8 {
            support::with_raw_elements::<u8, _>(&self.target, |labels| Ok(of_bytes(labels)))
        } else {
            support::with_raw_elements::<u32, _>(&self.target, |labels| Ok(of_words(labels)))
        }
    }

    fn sums(&self, logits: &Tensor) -> candle_core::Result<std::result::Result<Sums, BadLabel>> {
        for_element!(logits, self.name, T => support::with_elements::<T, _>(logits, |x| {
            self.with_labels(|l| self.problem(x, l).sums(), |l| self.problem(x, l).sums())
        }))
    }

    fn gradient<T: Element>(&self, logits: &[T], factor: f64) -> candle_core::Result<Vec<T>> {
        let slopes: Vec<Slopes> = self
            .slopes
            .iter()
            .map(|s| Slopes {
                intersection: factor * s.intersection,
                probability: factor * s.probability,
                probability_squared: factor * s.probability_squared,
                surprise: factor * s.surprise,
                surprise_everywhere: factor * s.surprise_everywhere,
            })
            .collect();
        fn run<T: Element, L: LabelValue>(
            problem: Segmentation<'_, T, L>,
            slopes: &[Slopes],
        ) -> Vec<T> {
            problem.gradient(slopes)
        }
        self.with_labels(
            |l| run(self.problem(logits, l), &slopes),
            |l| run(self.problem(logits, l), &slopes),
        )
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

    fn bwd(
        &self,
        logits: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !logits.track_op() {
            return Ok(None);
        }
        let factor = gradient.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        for_element!(logits, self.name, T => {
            let values = support::with_elements::<T, _>(logits, |x| self.gradient(x, factor))?;
            support::tensor(values, logits.dims(), logits).map(Some)
        })
    }
}
