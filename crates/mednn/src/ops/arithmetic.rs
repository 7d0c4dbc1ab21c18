//! Sums, differences and products of two tensors, element by element.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, Layout, Shape, Tensor};

use super::node::{Gradients, Node, apply};
use super::support::{
    self, Element, check_float, check_min_rank, check_output, check_same_type, for_element,
};
use crate::cpu::arithmetic as kernel;
use crate::cpu::fold::{self, Fold};
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};
use crate::tape::Apply as _;

/// Adds two tensors, either repeated along axes of the other.
///
/// Shapes are compared from the last axis, as NumPy does: an axis that is missing or 1 long is repeated.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::add;
///
/// let tokens = Tensor::new(&[[[1.0_f32, 2.0], [3.0, 4.0]]], &Device::Cpu)?;
/// let embedding = Tensor::new(&[10.0_f32, 20.0], &Device::Cpu)?;
/// assert_eq!(add(&tokens, &embedding)?.to_vec3::<f32>()?, [[[11.0, 22.0], [13.0, 24.0]]]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - a, b: equal, or such as `[batch, channels, 1, 1, 1]`, `[1, channels, 1, 1, 1]` and `[batch, 1, depth, height, width]`
///   with `[batch, channels, depth, height, width]`, `[1, tokens, channels]` and `[channels]` with `[batch, tokens, channels]`
/// - output: along each axis the longer of both
///
/// # Errors
/// Refuses axes of different lengths of which neither is 1, axes without elements, and element types other than f32 and f64.
pub fn add(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let step = Step::begin();
    step.end(&[Some(a), Some(b)], || Op::Add, combine(Rule::Add, a, b)?)
}

/// Subtracts the second tensor from the first, either repeated along axes of the other as in [`add`].
///
/// # Errors
/// As [`add`].
pub fn subtract(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let step = Step::begin();
    step.end(
        &[Some(a), Some(b)],
        || Op::Subtract,
        combine(Rule::Subtract, a, b)?,
    )
}

/// Multiplies two tensors element by element, either repeated along axes of the other as in [`add`].
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::ops::multiply;
///
/// let image = Tensor::new(&[[[[1.0_f32, 2.0]], [[3.0, 4.0]]]], &Device::Cpu)?;
/// let gate = Tensor::new(&[[[[0.5_f32]], [[2.0]]]], &Device::Cpu)?;
/// let gated = multiply(&image, &gate)?;
/// assert_eq!(gated.flatten_all()?.to_vec1::<f32>()?, [0.5, 1.0, 6.0, 8.0]);
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Errors
/// As [`add`].
pub fn multiply(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let step = Step::begin();
    step.end(
        &[Some(a), Some(b)],
        || Op::Multiply,
        combine(Rule::Multiply, a, b)?,
    )
}

/// Multiplies a tensor by a constant.
///
/// # Errors
/// Refuses a factor that is not finite, axes without elements, and element types other than f32 and f64.
pub fn scale(input: &Tensor, factor: f64) -> Result<Tensor> {
    const OP: &str = "scale";
    let step = Step::begin();
    check_float(OP, "the input", input)?;
    check_min_rank(OP, "the input", input, 0)?;
    if !factor.is_finite() {
        return Err(Error::Setting {
            op: OP,
            setting: "the factor",
            rule: "finite",
            value: factor.to_string(),
        });
    }
    step.end(
        &[Some(input)],
        || Op::Scale(factor),
        input.contiguous()?.apply1(ScaleOp(factor))?,
    )
}

#[derive(Debug, Clone, Copy)]
enum Rule {
    Add,
    Subtract,
    Multiply,
}

impl Rule {
    fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Multiply => "multiply",
        }
    }
}

fn combine(rule: Rule, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let op = rule.name();
    check_float(op, "the first tensor", a)?;
    check_same_type(op, "the second tensor", b, a)?;
    check_min_rank(op, "the first tensor", a, 0)?;
    check_min_rank(op, "the second tensor", b, 0)?;
    let shape = shape_of_both(op, a.dims(), b.dims())?;
    check_output(op, &shape)?;
    let axes = kernel::axes(&shape, [a.dims(), b.dims()]);
    Ok(apply(Arithmetic { rule, shape, axes }, &[a, b])?)
}

/// Along each axis the longer of both, which the other must equal unless it is 1 long.
fn shape_of_both(op: &'static str, a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let length = |dims: &[usize], place: usize| dims.iter().rev().nth(place).copied();
    let mut shape = Vec::with_capacity(rank);
    for place in (0..rank).rev() {
        let (of_a, of_b) = (length(a, place).unwrap_or(1), length(b, place).unwrap_or(1));
        if of_a != of_b && of_a != 1 && of_b != 1 {
            return Err(Error::Axis {
                op,
                tensor: "the second tensor",
                axis: b.len() - 1 - place,
                rule: format!(
                    "as long as in the first, or 1 in one of them, counted from the last axis of {a:?}"
                ),
                got: b.to_vec(),
            });
        }
        shape.push(of_a.max(of_b));
    }
    Ok(shape)
}

struct Arithmetic {
    rule: Rule,
    /// Of the output.
    shape: Vec<usize>,
    axes: Vec<kernel::Axis>,
}

impl Arithmetic {
    /// Whether an argument has fewer elements than the output.
    fn repeats(&self, argument: &Tensor) -> bool {
        argument.elem_count() != self.shape.iter().product::<usize>()
    }

    /// `factor` times the sum of the gradients that elements of an argument get.
    fn gathered<T: Element>(
        &self,
        of: &Tensor,
        gradient: &Tensor,
        factor: f64,
    ) -> candle_core::Result<Tensor> {
        #[cfg(feature = "cuda")]
        if self.repeats(of) && of.device().is_cuda() {
            return for_element!(of, self.rule.name(), E => {
                let sums = cuda::with_array::<E, _>(gradient, |g| {
                    cuda::fold::sums(g, None, &self.folded(of.dims()), factor)
                })?;
                cuda::tensor(sums, of.dims(), of)
            });
        }
        if self.repeats(of) {
            return support::with_elements::<T, _>(gradient, |g| {
                let sums = fold::fold(g, &self.folded(of.dims()), Fold::Sum);
                support::tensor(fold::rounded::<T>(&sums, factor), of.dims(), of)
            });
        }
        let gradient = gradient.reshape(of.dims())?;
        if factor == 1.0 {
            return Ok(gradient);
        }
        gradient.contiguous()?.apply_op1_no_bwd(&ScaleOp(factor))
    }

    /// The gradient of one factor of a product, given the other.
    fn of_factor<T: Element>(
        &self,
        of: &Tensor,
        other: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Tensor> {
        #[cfg(feature = "cuda")]
        if of.device().is_cuda() {
            return self.cuda_of_factor(of, other, gradient);
        }
        let values = support::with_elements::<T, _>(gradient, |g| {
            support::with_elements::<T, _>(other, |other_values| {
                let products = || {
                    let axes = kernel::axes(&self.shape, [&self.shape, other.dims()]);
                    kernel::combine(&axes, g, other_values, |g, x| g * x)
                };
                if !self.repeats(of) {
                    return Ok(products());
                }
                let axes = self.folded(of.dims());
                let sums = if self.repeats(other) {
                    fold::fold(&products(), &axes, Fold::Sum)
                } else {
                    fold::sum_products(g, other_values, &axes)
                };
                Ok(fold::rounded(&sums, 1.0))
            })
        })?;
        support::tensor(values, of.dims(), of)
    }

    #[cfg(feature = "cuda")]
    fn cuda_of_factor(
        &self,
        of: &Tensor,
        other: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Tensor> {
        for_element!(of, self.rule.name(), T => {
            let values = cuda::with_array::<T, _>(gradient, |g| cuda::with_array::<T, _>(other, |x| {
                let products = || {
                    let axes = kernel::axes(&self.shape, [&self.shape, other.dims()]);
                    cuda::arithmetic::combine(cuda::arithmetic::Rule::Multiply, &axes, g, x)
                };
                if !self.repeats(of) {
                    return products();
                }
                let axes = self.folded(of.dims());
                if !self.repeats(other) {
                    return cuda::fold::sums(g, Some(x), &axes, 1.0);
                }
                let products = cuda::tensor(products()?, &self.shape, of)?;
                cuda::with_array::<T, _>(&products, |p| cuda::fold::sums(p, None, &axes, 1.0))
            }))?;
            cuda::tensor(values, of.dims(), of)
        })
    }

    /// The axes of the output, folded where an argument of this shape is repeated.
    fn folded(&self, of: &[usize]) -> Vec<fold::Axis> {
        let missing = self.shape.len() - of.len();
        let own = std::iter::repeat_n(&1, missing).chain(of);
        let axis = |(&length, &own)| fold::Axis {
            length,
            folded: own != length,
        };
        self.shape.iter().zip(own).map(axis).collect()
    }

    fn gradients<T: Element>(&self, inputs: &[&Tensor], gradient: &Tensor) -> Gradients {
        let (a, b) = (inputs[0], inputs[1]);
        let of_a = || match self.rule {
            Rule::Add | Rule::Subtract => self.gathered::<T>(a, gradient, 1.0),
            Rule::Multiply => self.of_factor::<T>(a, b, gradient),
        };
        let of_b = || match self.rule {
            Rule::Add => self.gathered::<T>(b, gradient, 1.0),
            Rule::Subtract => self.gathered::<T>(b, gradient, -1.0),
            Rule::Multiply => self.of_factor::<T>(b, a, gradient),
        };
        Ok([
            a.track_op().then(of_a).transpose()?,
            b.track_op().then(of_b).transpose()?,
            None,
        ])
    }
}

impl Node for Arithmetic {
    fn name(&self) -> &'static str {
        self.rule.name()
    }

    fn forward(
        &self,
        inputs: &[(&CpuStorage, &Layout)],
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(inputs[0].0, self.name(), T => {
            let inputs: Vec<&[T]> = support::all_elements(inputs)?;
            let (a, b) = (inputs[0], inputs[1]);
            let output = match self.rule {
                Rule::Add => kernel::combine(&self.axes, a, b, |a, b| a + b),
                Rule::Subtract => kernel::combine(&self.axes, a, b, |a, b| a - b),
                Rule::Multiply => kernel::combine(&self.axes, a, b, |a, b| a * b),
            };
            Ok(support::output(output, &self.shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_forward(
        &self,
        inputs: &[(&CudaStorage, &Layout)],
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let device = &inputs[0].0.device;
        let rule = match self.rule {
            Rule::Add => cuda::arithmetic::Rule::Add,
            Rule::Subtract => cuda::arithmetic::Rule::Subtract,
            Rule::Multiply => cuda::arithmetic::Rule::Multiply,
        };
        for_element!(inputs[0].0, self.name(), T => {
            let inputs = cuda::all_elements::<T>(inputs)?;
            let output = cuda::arithmetic::combine(rule, &self.axes, &inputs[0], &inputs[1])?;
            Ok(cuda::output(output, &self.shape, device))
        })
    }

    fn backward(&self, inputs: &[&Tensor], _: &Tensor, gradient: &Tensor) -> Gradients {
        for_element!(inputs[0], self.name(), T => self.gradients::<T>(inputs, gradient))
    }
}

struct ScaleOp(f64);

impl CustomOp1 for ScaleOp {
    fn name(&self) -> &'static str {
        "scale"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        for_element!(s, "scale", T => {
            let factor = [<T as crate::cpu::real::Real>::from_f64(self.0)];
            let axes = kernel::axes(l.dims(), [l.dims(), &[]]);
            let values = support::elements::<T>(s, l)?;
            Ok(support::output(kernel::combine(&axes, values, &factor, |x, f| x * f), l.dims()))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        for_element!(s, "scale", T => {
            let output = cuda::arithmetic::scale(self.0, &cuda::elements::<T>(s, l)?)?;
            Ok(cuda::output(output, l.dims(), &s.device))
        })
    }

    fn bwd(
        &self,
        input: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<Option<Tensor>> {
        if !input.track_op() {
            return Ok(None);
        }
        Ok(Some(gradient.contiguous()?.apply_op1_no_bwd(self)?))
    }
}
