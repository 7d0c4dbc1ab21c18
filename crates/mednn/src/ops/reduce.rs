//! Sums, means and maxima over axes.

use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};
#[cfg(feature = "cuda")]
use candle_core::{CudaStorage, cuda_backend::cudarc::driver::CudaSlice};

use super::support::{self, Element, check_float, check_min_rank, for_element};
use crate::cpu::arithmetic as kernel;
use crate::cpu::fold::{self, Fold};
use crate::cpu::real::Real;
#[cfg(feature = "cuda")]
use crate::cuda::{self, Array};
use crate::error::{Error, Result};
use crate::graph::{Op, Step};
use crate::tape::Apply as _;

/// What becomes of the axes that are reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reduced {
    /// They stay, 1 long, so that the output can be combined with the input.
    Kept,
    /// They go.
    Dropped,
}

/// Adds the elements along axes, in f64.
///
/// # Shapes
/// - input: any
/// - output: that of the input, its `axes` 1 long or gone
///
/// # Errors
/// Refuses no axes, axes named twice or that do not exist, axes without elements, and element types other than f32 and f64.
pub fn sum(input: &Tensor, axes: &[usize], reduced: Reduced) -> Result<Tensor> {
    let step = Step::begin();
    step.end(
        &[Some(input)],
        || Op::Sum {
            axes: axes.into(),
            reduced,
        },
        reduce(Rule::Sum, input, axes, reduced)?,
    )
}

/// Averages the elements along axes, in f64.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::{Reduced, mean};
///
/// let image = Tensor::new(&[[[[1.0_f32, 2.0], [3.0, 6.0]]]], &Device::Cpu)?;
/// assert_eq!(mean(&image, &[2, 3], Reduced::Dropped)?.to_vec2::<f32>()?, [[3.0]]);
/// assert_eq!(mean(&image, &[2, 3], Reduced::Kept)?.dims(), [1, 1, 1, 1]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// As [`sum`].
///
/// # Errors
/// As [`sum`].
pub fn mean(input: &Tensor, axes: &[usize], reduced: Reduced) -> Result<Tensor> {
    let step = Step::begin();
    step.end(
        &[Some(input)],
        || Op::Mean {
            axes: axes.into(),
            reduced,
        },
        reduce(Rule::Mean, input, axes, reduced)?,
    )
}

/// Takes the largest element along axes, NaN when one is.
///
/// Elements that are equally large share the gradient in equal parts, as in PyTorch's `amax`.
///
/// # Shapes
/// As [`sum`].
///
/// # Errors
/// As [`sum`].
pub fn max(input: &Tensor, axes: &[usize], reduced: Reduced) -> Result<Tensor> {
    let step = Step::begin();
    step.end(
        &[Some(input)],
        || Op::Max {
            axes: axes.into(),
            reduced,
        },
        reduce(Rule::Max, input, axes, reduced)?,
    )
}

#[derive(Debug, Clone, Copy)]
enum Rule {
    Sum,
    Mean,
    Max,
}

impl Rule {
    fn name(self) -> &'static str {
        match self {
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Max => "max",
        }
    }
}

fn reduce(rule: Rule, input: &Tensor, axes: &[usize], reduced: Reduced) -> Result<Tensor> {
    let op = rule.name();
    check_float(op, "the input", input)?;
    check_min_rank(op, "the input", input, 1)?;
    let dims = input.dims();
    let repeated = (1..axes.len()).any(|i| axes[..i].contains(&axes[i]));
    if axes.is_empty() || repeated || axes.iter().any(|&axis| axis >= dims.len()) {
        return Err(Error::Setting {
            op,
            setting: "the axes",
            rule: "at least one axis of the input, each named once",
            value: format!("{axes:?} for shape {dims:?}"),
        });
    }
    let mut kept = dims.to_vec();
    for &axis in axes {
        kept[axis] = 1;
    }
    let shape = match reduced {
        Reduced::Kept => kept.clone(),
        Reduced::Dropped => (0..dims.len())
            .filter(|at| !axes.contains(at))
            .map(|at| dims[at])
            .collect(),
    };
    let of_each = |(at, &length)| fold::Axis {
        length,
        folded: axes.contains(&at),
    };
    let op = ReduceOp {
        rule,
        axes: dims.iter().enumerate().map(of_each).collect(),
        kept,
        shape,
    };
    Ok(input.contiguous()?.apply1(op)?)
}

struct ReduceOp {
    rule: Rule,
    axes: Vec<fold::Axis>,
    /// The shape of the input with the reduced axes 1 long.
    kept: Vec<usize>,
    /// Of the output.
    shape: Vec<usize>,
}

impl ReduceOp {
    /// What a sum is multiplied by.
    fn factor(&self) -> f64 {
        match self.rule {
            Rule::Sum | Rule::Max => 1.0,
            Rule::Mean => {
                let folded = self.axes.iter().filter(|axis| axis.folded);
                1.0 / folded.map(|axis| axis.length as f64).product::<f64>()
            }
        }
    }

    fn forward<T: Real>(&self, input: &[T]) -> Vec<T> {
        let how = match self.rule {
            Rule::Sum | Rule::Mean => Fold::Sum,
            Rule::Max => Fold::Max,
        };
        fold::rounded(&fold::fold(input, &self.axes, how), self.factor())
    }

    /// `f(element, value of its reduction)` for each element of the input.
    fn spread<T: Real>(
        &self,
        input: &Tensor,
        a: &[T],
        b: &[T],
        f: impl Fn(T, T) -> T + Sync + Copy,
    ) -> Vec<T> {
        let dims = input.dims();
        kernel::combine(&kernel::axes(dims, [dims, &self.kept]), a, b, f)
    }

    /// The gradient of a sum or mean.
    fn repeated<T: Real>(&self, shape: &[usize], gradient: &[T]) -> Vec<T> {
        let factor = [T::from_f64(self.factor())];
        let axes = kernel::axes(shape, [&self.kept, &[]]);
        kernel::combine(&axes, gradient, &factor, |g, f| g * f)
    }

    fn backward<T: Element>(
        &self,
        input: &Tensor,
        output: &Tensor,
        gradient: &[T],
    ) -> candle_core::Result<Vec<T>> {
        if !matches!(self.rule, Rule::Max) {
            return Ok(self.repeated(input.dims(), gradient));
        }
        support::with_elements::<T, _>(input, |input_values| {
            support::with_elements::<T, _>(output, |largest| {
                let of_largest = self.spread(input, input_values, largest, |x, largest| {
                    T::ONE.keep_if(x == largest)
                });
                let counts: Vec<T> =
                    fold::rounded(&fold::fold(&of_largest, &self.axes, Fold::Sum), 1.0);
                let share = |(&gradient, &count)| gradient / count;
                let shares: Vec<T> = gradient.iter().zip(&counts).map(share).collect();
                Ok(self.spread(input, &of_largest, &shares, |one, share| one * share))
            })
        })
    }
}

#[cfg(feature = "cuda")]
impl ReduceOp {
    fn backward_on_device<T: cuda::Element>(
        &self,
        input: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<CudaSlice<T>> {
        use cuda::arithmetic::{Rule as Pair, combine, combine_with};
        let dims = input.dims();
        if !matches!(self.rule, Rule::Max) {
            let axes = kernel::axes(dims, [&self.kept, &[]]);
            return cuda::with_array::<T, _>(gradient, |g| combine_with(self.factor(), &axes, g));
        }
        cuda::with_arrays::<T, _>(&[input, output, gradient], |arrays| {
            let spread = kernel::axes(dims, [dims, &self.kept]);
            let same = kernel::axes(&self.kept, [&self.kept, &self.kept]);
            let equal = combine(Pair::Equal, &spread, &arrays[0], &arrays[1])?;
            let equal = Array::of(&arrays[0], &equal);
            let counts = cuda::fold::sums(&equal, None, &self.axes, 1.0)?;
            let counts = Array::of(&arrays[0], &counts);
            let shares = combine(Pair::Divide, &same, &arrays[2], &counts)?;
            combine(
                Pair::Multiply,
                &spread,
                &equal,
                &Array::of(&arrays[0], &shares),
            )
        })
    }
}

impl CustomOp1 for ReduceOp {
    fn name(&self) -> &'static str {
        self.rule.name()
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, self.name(), T => {
            let output = self.forward(support::elements::<T>(s, l)?);
            Ok(support::output(output, &self.shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s, self.name(), T => {
            let input = cuda::elements::<T>(s, l)?;
            let output = match self.rule {
                Rule::Max => cuda::fold::largest(&input, &self.axes)?,
                Rule::Sum | Rule::Mean => {
                    cuda::fold::sums(&input, None, &self.axes, self.factor())?
                }
            };
            Ok(cuda::output(output, &self.shape, &s.device))
        })
    }

    fn bwd(
        &self,
        input: &Tensor,
        output: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !input.track_op() {
            return Ok(None);
        }
        #[cfg(feature = "cuda")]
        if input.device().is_cuda() {
            return for_element!(input, self.name(), T => {
                let values = self.backward_on_device::<T>(input, output, gradient)?;
                cuda::tensor(values, input.dims(), input).map(Some)
            });
        }
        for_element!(input, self.name(), T => {
            let values = support::with_elements::<T, _>(gradient, |g| self.backward(input, output, g))?;
            support::tensor(values, input.dims(), input).map(Some)
        })
    }
}
