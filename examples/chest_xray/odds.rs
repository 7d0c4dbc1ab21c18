//! What decides between two classes, as one number.

use mednn::ops;
use mednn::{Context, Inputs, Model, Outputs, Params};

/// A network of two classes as one with a single logit, the log odds of the second class.
///
/// A softmax reads the difference of two logits alone. What both share is left as chance began it and says nothing, but an
/// explanation of one logit shows it.
pub(crate) struct LogOdds<'a>(pub(crate) &'a dyn Model);

impl Model for LogOdds<'_> {
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let mut outputs = self.0.forward(inputs, context)?;
        let of = |class| ops::narrow(&outputs.logits, 1, class, 1);
        outputs.logits = ops::subtract(&of(1)?, &of(0)?)?;
        Ok(outputs)
    }

    fn params(&self) -> &Params {
        self.0.params()
    }
}

#[cfg(test)]
mod tests {
    use mednn::candle_core::{Device, Tensor};

    use super::*;
    use crate::app::network::Network;

    #[test]
    fn the_one_logit_is_the_difference_of_both() {
        for (network, side) in [(Network::Small, 64), (Network::Resnet18, 28)] {
            let model = medmodels::create(&network.config(side), &Params::new(3)).unwrap();
            let images = Tensor::rand(0.0_f32, 1.0, (2, 1, side, side), &Device::Cpu).unwrap();
            let inputs = Inputs::new(images);
            let logits = |model: &dyn Model| {
                let outputs = model.forward(&inputs, &Context::evaluate()).unwrap();
                outputs.logits.to_vec2::<f32>().unwrap()
            };
            for (odds, both) in logits(&LogOdds(&*model)).iter().zip(logits(&*model)) {
                assert_eq!(odds[..], [both[1] - both[0]]);
            }
        }
    }
}
