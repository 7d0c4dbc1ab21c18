//! Normalisations.

use mednn::graph::NormAttributes;

use super::super::batch::Dim;
use super::super::builder::{Builder, Lowered, Operator, Value};

/// Scale and shift, if there are any.
type Affine<'a> = [Option<&'a Value>; 2];

impl Builder {
    /// Scale and shift that are ones and zeros where the norm has none, because ONNX's operator needs them.
    fn affine(&mut self, channels: usize, [scale, shift]: Affine<'_>) -> [Value; 2] {
        [("scale", scale, 1.0), ("shift", shift, 0.0)].map(|(name, given, value)| match given {
            Some(given) => given.clone(),
            None => self.floats(name, &[channels], &vec![value; channels]),
        })
    }

    pub(super) fn instance_norm(
        &mut self,
        x: &Value,
        affine: Affine<'_>,
        norm: &NormAttributes,
    ) -> Lowered<Value> {
        let [scale, shift] = self.affine(x.length(1)?, affine);
        let operator = Operator::new("InstanceNormalization").input(x);
        let operator = operator.input(&scale).input(&shift);
        let y = self.push(operator.float("epsilon", norm.epsilon), &x.dims);
        self.activation(&y, norm.activation)
    }

    /// Each group is an instance with one channel.
    pub(super) fn group_norm(
        &mut self,
        x: &Value,
        groups: usize,
        affine: Affine<'_>,
        norm: &NormAttributes,
    ) -> Lowered<Value> {
        let members: usize = x.lengths_from(1)?.iter().product();
        let grouped = [
            x.dims[0],
            Dim::Fixed(groups),
            Dim::Fixed(members / groups.max(1)),
        ];
        let grouped = self.reshape(x, &grouped)?;
        let [ones, zeros] = self.affine(groups, [None, None]);
        let operator = Operator::new("InstanceNormalization").input(&grouped);
        let operator = operator.input(&ones).input(&zeros);
        let y = self.push(operator.float("epsilon", norm.epsilon), &grouped.dims);
        let y = self.reshape(&y, &x.dims)?;
        let y = self.scaled_and_shifted(y, affine)?;
        self.activation(&y, norm.activation)
    }

    /// Applies scale and shift of each channel.
    fn scaled_and_shifted(&mut self, x: Value, affine: Affine<'_>) -> Lowered<Value> {
        let mut y = x;
        for (op, tensor) in [("Mul", affine[0]), ("Add", affine[1])] {
            if let Some(tensor) = tensor {
                let tensor = self.per_channel(tensor, y.dims.len())?;
                y = self.combine(op, &y, &tensor);
            }
        }
        Ok(y)
    }

    /// By the statistics of the batch, as when training.
    pub(super) fn batch_norm(
        &mut self,
        x: &Value,
        affine: Affine<'_>,
        norm: &NormAttributes,
    ) -> Lowered<Value> {
        let axes: Vec<usize> = (0..x.dims.len()).filter(|axis| *axis != 1).collect();
        let mean = self.reduce("ReduceMean", x, &axes);
        let centred = self.combine("Sub", x, &mean);
        let y = self.divided_by_root_mean_square(&centred, &axes, norm.epsilon);
        let y = self.scaled_and_shifted(y, affine)?;
        self.activation(&y, norm.activation)
    }

    pub(super) fn batch_norm_with(
        &mut self,
        x: &Value,
        [mean, variance]: [&Value; 2],
        affine: Affine<'_>,
        norm: &NormAttributes,
    ) -> Lowered<Value> {
        let [scale, shift] = self.affine(x.length(1)?, affine);
        let operator = Operator::new("BatchNormalization").input(x);
        let operator = operator
            .input(&scale)
            .input(&shift)
            .input(mean)
            .input(variance);
        let y = self.push(operator.float("epsilon", norm.epsilon), &x.dims);
        self.activation(&y, norm.activation)
    }

    pub(super) fn layer_norm(
        &mut self,
        x: &Value,
        normalized_shape: &[usize],
        [scale, shift]: Affine<'_>,
        epsilon: f64,
    ) -> Lowered<Value> {
        let ones;
        let scale = match scale {
            Some(scale) => scale,
            None => {
                let count = normalized_shape.iter().product();
                ones = self.floats("scale", normalized_shape, &vec![1.0; count]);
                &ones
            }
        };
        let operator = Operator::new("LayerNormalization").input(x).input(scale);
        let operator = operator.optional(shift).float("epsilon", epsilon);
        let operator = operator.axis_from_end(normalized_shape.len());
        Ok(self.push(operator, &x.dims))
    }

    /// Over axis 1.
    pub(super) fn layer_norm_channels(
        &mut self,
        x: &Value,
        affine: Affine<'_>,
        epsilon: f64,
    ) -> Lowered<Value> {
        let rank = x.dims.len();
        let last: Vec<usize> = [0].into_iter().chain(2..rank).chain([1]).collect();
        let back: Vec<usize> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
        let x = self.transpose(x, &last);
        let y = self.layer_norm(&x, &[x.length(rank - 1)?], affine, epsilon)?;
        Ok(self.transpose(&y, &back))
    }

    pub(super) fn rms_norm(
        &mut self,
        x: &Value,
        count: usize,
        scale: Option<&Value>,
        epsilon: f64,
    ) -> Lowered<Value> {
        let axes: Vec<usize> = (x.dims.len() - count..x.dims.len()).collect();
        let y = self.divided_by_root_mean_square(x, &axes, epsilon);
        Ok(match scale {
            Some(scale) => self.combine("Mul", &y, scale),
            None => y,
        })
    }

    /// `x` over the root of the mean of its squares along axes.
    fn divided_by_root_mean_square(&mut self, x: &Value, axes: &[usize], epsilon: f64) -> Value {
        let square = self.combine("Mul", x, x);
        let mean = self.reduce("ReduceMean", &square, axes);
        let epsilon = self.float("epsilon", epsilon);
        let mean = self.combine("Add", &mean, &epsilon);
        let root = self.map("Sqrt", &mean);
        self.combine("Div", x, &root)
    }
}
