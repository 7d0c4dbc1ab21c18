//! Arithmetic, reductions, and what joins or scales.

use mednn::ops::Reduced;

use super::super::batch::Dim;
use super::super::builder::{Builder, Lowered, Operator, Value, unsayable};
use super::Arguments;

impl Builder {
    pub(super) fn arithmetic(
        &mut self,
        op: &'static str,
        a: &Arguments<'_>,
        result: &[Dim],
    ) -> Lowered<Value> {
        let operator = Operator::new(op).input(a.get(0)?).input(a.get(1)?);
        Ok(self.push(operator, result))
    }

    pub(super) fn concat(&mut self, a: &Arguments<'_>, result: &[Dim]) -> Lowered<Value> {
        let mut operator = Operator::new("Concat").int("axis", 1);
        for argument in 0..a.node.inputs.len() {
            operator = operator.input(a.get(argument)?);
        }
        Ok(self.push(operator, result))
    }

    pub(super) fn softmax(&mut self, op: &'static str, x: &Value, axis: usize) -> Lowered<Value> {
        let operator = Operator::new(op).input(x).int("axis", axis);
        Ok(self.push(operator, &x.dims))
    }

    pub(super) fn reduction(
        &mut self,
        op: &'static str,
        a: &Arguments<'_>,
        axes: &[usize],
        reduced: Reduced,
    ) -> Lowered<Value> {
        let keep = match reduced {
            Reduced::Kept => 1,
            Reduced::Dropped => 0,
            other => return unsayable(format!("{other:?} has no form in ONNX yet")),
        };
        let axes = self.list("axes", axes.iter().copied());
        let operator = Operator::new(op).input(a.get(0)?).input(&axes);
        Ok(self.push(operator.int("keepdims", keep), a.result()))
    }

    /// The tensor, seen as rows of equal length, times one constant a row.
    pub(super) fn scale_rows(&mut self, x: &Value, factors: &[f32]) -> Lowered<Value> {
        let Some(Dim::Fixed(elements)) = Dim::product(&x.dims) else {
            return unsayable("a factor for each row of a batch of another size is not known");
        };
        let rows = [factors.len(), elements / factors.len()].map(Dim::Fixed);
        let seen = self.reshape(x, &rows)?;
        let factors = self.floats("factors", &[factors.len(), 1], factors);
        let scaled = self.combine("Mul", &seen, &factors);
        self.reshape(&scaled, &x.dims)
    }
}
