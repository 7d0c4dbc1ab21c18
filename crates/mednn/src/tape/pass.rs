//! A network's forward pass that the gradient of a loss can be sent back through.

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};

use super::Tape;
use crate::context::Context;
use crate::error::Result;
use crate::model::{Inputs, Model, Outputs};
use crate::ops::support;

/// What a network gave, with the tape that leads back to its parameters.
///
/// The loss is computed from [`Pass::outputs`] by whatever operators, those of candle included.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::{Context, Model, Params};
/// use mednn::tape::Pass;
/// # use mednn::layers::{Conv, ConvConfig};
/// # use mednn::{Inputs, Outputs};
/// # struct Net(Conv<2>, Params);
/// # impl Model for Net {
/// #     fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
/// #         Ok(Outputs::new(self.0.forward(inputs.image()?, context)?))
/// #     }
/// #     fn params(&self) -> &Params {
/// #         &self.1
/// #     }
/// # }
/// # let params = Params::new(7);
/// # let network = Net(Conv::new(&ConvConfig::same(1, 2, [3, 3]), &params.root())?, params);
/// use medcore::random::Key;
///
/// let image = Tensor::zeros((1, 1, 4, 4), candle_core::DType::F32, &Device::Cpu)?;
/// let pass = Pass::run(&network, &image.into(), &Context::train(Key::new(7)))?;
/// let loss = pass.outputs().logits.sqr()?.mean_all()?;
/// let gradients = pass.backward(loss)?;
/// for parameter in network.params().parameters() {
///     assert!(gradients.get(parameter.var()).is_some());
/// }
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Debug)]
pub struct Pass {
    outputs: Outputs,
    /// What the network gave, and the variable that stands for it in `outputs`.
    ends: Vec<(Tensor, Var)>,
    tape: Tape,
}

impl Pass {
    /// Runs a network.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn run(model: &dyn Model, inputs: &Inputs, context: &Context) -> Result<Self> {
        // Operators that start on a thread that is none of rayon's would each wait until one of those woke up.
        let (outputs, tape) = rayon::scope(|_| Tape::record(|| model.forward(inputs, context)));
        let mut outputs = outputs?;
        let mut ends = Vec::new();
        let of_scales = std::iter::once(&mut outputs.logits).chain(&mut outputs.auxiliary);
        for tensor in of_scales.chain(outputs.features.values_mut()) {
            if tensor.track_op() && !tensor.is_variable() {
                let leaf = support::variable(tensor)?;
                let end = std::mem::replace(tensor, leaf.as_tensor().clone());
                ends.push((end, leaf));
            }
        }
        Ok(Self {
            outputs,
            ends,
            tape,
        })
    }

    /// What the network gave.
    #[must_use]
    pub fn outputs(&self) -> &Outputs {
        &self.outputs
    }

    /// The gradients of the parameters, given a loss computed from [`Pass::outputs`].
    ///
    /// # Errors
    /// When the loss is not a scalar and when an operator fails.
    pub fn backward(self, loss: Tensor) -> Result<GradStore> {
        let mut of_loss = loss.backward()?;
        drop((loss, self.outputs));
        let reached = |(end, leaf): (Tensor, Var)| Some((end, of_loss.remove(&leaf)?));
        let ends: Vec<_> = self.ends.into_iter().filter_map(reached).collect();
        let mut gradients = rayon::scope(|_| self.tape.backward(ends))?;
        // What the loss itself holds of variables.
        gradients.extend(of_loss)?;
        Ok(gradients)
    }
}
