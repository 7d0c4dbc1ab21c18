//! Selection by index.

use mednn::candle_core::DType;
use mednn::ops::Order;

use super::super::batch::Dim;
use super::super::builder::{Builder, Lowered, Operator, Value, unsayable};
use super::super::proto::Element;

impl Builder {
    pub(super) fn index_select(
        &mut self,
        x: &Value,
        axis: usize,
        indices: &Value,
        result: &[Dim],
    ) -> Lowered<Value> {
        let indices = self.cast(indices, Element::I64);
        let gather = Operator::new("Gather").input(x).input(&indices);
        Ok(self.push(gather.int("axis", axis), result))
    }

    pub(super) fn gather(&mut self, x: &Value, axis: usize, indices: &Value) -> Lowered<Value> {
        let indices = self.cast(indices, Element::I64);
        let gather = Operator::new("GatherElements").input(x).input(&indices);
        Ok(self.push(gather.int("axis", axis), &indices.dims))
    }

    pub(super) fn scatter_add(
        &mut self,
        base: &Value,
        axis: usize,
        indices: &Value,
        source: &Value,
    ) -> Lowered<Value> {
        let indices = self.cast(indices, Element::I64);
        let scatter = Operator::new("ScatterElements").input(base);
        let scatter = scatter.input(&indices).input(source);
        let scatter = scatter.int("axis", axis).text("reduction", "add");
        Ok(self.push(scatter, &base.dims))
    }

    pub(super) fn top_k(
        &mut self,
        x: &Value,
        axis: usize,
        k: usize,
        order: Order,
    ) -> Lowered<Vec<Value>> {
        let largest = match order {
            Order::Largest => 1,
            Order::Smallest => 0,
            other => return unsayable(format!("{other:?} has no form in ONNX yet")),
        };
        let mut dims = x.dims.clone();
        dims[axis] = Dim::Fixed(k);
        let count = self.list("k", [k]);
        let operator = Operator::new("TopK").input(x).input(&count);
        let operator = operator.int("axis", axis).int("largest", largest);
        let results = [(&dims[..], Element::F32), (&dims[..], Element::I64)];
        Ok(self.push_all(operator, &results))
    }

    pub(super) fn one_hot(
        &mut self,
        labels: &Value,
        classes: usize,
        axis: usize,
        dtype: DType,
        result: &[Dim],
    ) -> Lowered<Value> {
        if dtype != DType::F32 {
            return unsayable(format!("a result of {}", dtype.as_str()));
        }
        let labels = self.cast(labels, Element::I64);
        let classes = self.integers("classes", &[], &[classes as i64]);
        let values = self.floats("values", &[2], &[0.0, 1.0]);
        let codes = Operator::new("OneHot").input(&labels).input(&classes);
        Ok(self.push(codes.input(&values).int("axis", axis), result))
    }
}
