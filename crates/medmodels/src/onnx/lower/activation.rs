//! Activations.

use mednn::ops::Activation;

use super::super::batch::Dim;
use super::super::builder::{Builder, Lowered, Operator, Value, unsayable};
use super::super::proto::Element;

impl Builder {
    pub(super) fn activation(&mut self, x: &Value, activation: Activation) -> Lowered<Value> {
        let with = |op, name, value| Operator::new(op).input(x).float(name, value);
        let operator = match activation {
            Activation::None => return Ok(x.clone()),
            Activation::Relu => Operator::new("Relu").input(x),
            Activation::LeakyRelu { slope } => with("LeakyRelu", "alpha", slope),
            Activation::Elu { alpha } => with("Elu", "alpha", alpha),
            Activation::Relu6 => {
                let (low, high) = (self.float("low", 0.0), self.float("high", 6.0));
                Operator::new("Clip").input(x).input(&low).input(&high)
            }
            Activation::Selu => Operator::new("Selu").input(x),
            Activation::Celu { alpha } => with("Celu", "alpha", alpha),
            Activation::Gelu => Operator::new("Gelu").input(x),
            Activation::GeluTanh => Operator::new("Gelu").input(x).text("approximate", "tanh"),
            Activation::Silu => {
                let gate = self.map("Sigmoid", x);
                return Ok(self.combine("Mul", x, &gate));
            }
            Activation::Sigmoid => Operator::new("Sigmoid").input(x),
            Activation::Tanh => Operator::new("Tanh").input(x),
            Activation::Mish => Operator::new("Mish").input(x),
            Activation::HardSigmoid => with("HardSigmoid", "alpha", 1.0 / 6.0).float("beta", 0.5),
            Activation::HardSwish => Operator::new("HardSwish").input(x),
            Activation::Softplus { beta, threshold } => {
                return Ok(self.softplus(x, beta, threshold));
            }
            other => return unsayable(format!("{other:?} has no form in ONNX yet")),
        };
        Ok(self.push(operator, &x.dims))
    }

    /// `ln(1 + exp(beta x)) / beta`, and `x` where `beta x` is above the threshold.
    fn softplus(&mut self, x: &Value, beta: f64, threshold: f64) -> Value {
        let beta = self.float("beta", beta);
        let scaled = self.combine("Mul", x, &beta);
        let soft = self.map("Softplus", &scaled);
        let soft = self.combine("Div", &soft, &beta);
        let threshold = self.float("threshold", threshold);
        let above = Operator::new("Greater").input(&scaled).input(&threshold);
        let above = self.push_as(above, &x.dims, Element::Bool);
        let choice = Operator::new("Where").input(&above).input(x).input(&soft);
        self.push(choice, &x.dims)
    }

    pub(super) fn prelu(&mut self, x: &Value, slopes: &Value) -> Lowered<Value> {
        let slopes = match slopes.dims[..] {
            // One slope serves all channels.
            [Dim::Fixed(1)] => slopes.clone(),
            _ => self.per_channel(slopes, x.dims.len())?,
        };
        Ok(self.combine("PRelu", x, &slopes))
    }
}
