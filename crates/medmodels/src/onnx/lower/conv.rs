//! Convolutions and linear maps.

use mednn::graph::ConvAttributes;

use super::super::batch::Dim;
use super::super::builder::{Builder, Lowered, Operator, Value};

/// Pairs of one axis each as ONNX lists them: all in front, then all behind.
pub(super) fn ends(pairs: &[(usize, usize)]) -> Vec<usize> {
    let (front, back) = (pairs.iter().map(|p| p.0), pairs.iter().map(|p| p.1));
    front.chain(back).collect()
}

impl Builder {
    /// `Conv` or `ConvTranspose`.
    pub(super) fn conv(
        &mut self,
        op: &'static str,
        [x, weight]: [&Value; 2],
        bias: Option<&Value>,
        conv: &ConvAttributes,
        result: &[Dim],
    ) -> Lowered<Value> {
        let mut operator = Operator::new(op)
            .input(x)
            .input(weight)
            .optional(bias)
            .ints("dilations", conv.dilation.iter().copied())
            .int("group", conv.groups)
            .ints("kernel_shape", weight.lengths_from(2)?)
            .ints("pads", ends(&conv.padding))
            .ints("strides", conv.stride.iter().copied());
        if !conv.output_padding.is_empty() {
            operator = operator.ints("output_padding", conv.output_padding.iter().copied());
        }
        Ok(self.push(operator, result))
    }

    /// `x weight^T + bias` over the last axis.
    pub(super) fn linear(
        &mut self,
        x: &Value,
        weight: &Value,
        bias: Option<&Value>,
    ) -> Lowered<Value> {
        let mut dims = x.dims.clone();
        if let (Some(last), Some(&outputs)) = (dims.last_mut(), weight.dims.first()) {
            *last = outputs;
        }
        if dims.len() == 2 {
            let gemm = Operator::new("Gemm").input(x).input(weight).optional(bias);
            return Ok(self.push(gemm.int("transB", 1), &dims));
        }
        let weight = self.transpose(weight, &[1, 0]);
        let product = Operator::new("MatMul").input(x).input(&weight);
        let product = self.push(product, &dims);
        Ok(match bias {
            Some(bias) => self.combine("Add", &product, bias),
            None => product,
        })
    }
}
