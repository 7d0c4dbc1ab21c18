//! Optimizers whose every step equals PyTorch's and whose state can be saved and taken up again.
//!
//! Each update is one pass in place over a parameter and its state, which is kept and saved under parameter names.
//!
//! | optimizer | reference |
//! | --- | --- |
//! | [`Sgd`] (momentum, dampening, Nesterov) | `torch.optim.SGD` |
//! | [`AdamW`] (Adam, AMSGrad) | `torch.optim.AdamW`, `Adam` |
//! | [`RmsProp`] (momentum, centered) | `torch.optim.RMSprop` |
//! | [`Novograd`] | `monai.optimizers.Novograd` |
//! | [`Lamb`] | `timm.optim.Lamb` |
//!
//! Around them: [`Group`] for settings of some parameters, [`clip_gradient_norm`] and [`clip_gradient_value`],
//! [`Accumulator`] for batches larger than memory, [`Ema`] for averaged weights.
//!
//! ```
//! use mednn::Params;
//! use mednn::optim::{Group, Optimizer, Sgd, SgdConfig};
//!
//! let params = Params::new(7);
//! // nnU-Net's optimizer, without decay on norms and biases.
//! let config = SgdConfig { momentum: 0.99, nesterov: true, weight_decay: 3e-5, ..SgdConfig::default() };
//! let sgd = Sgd::new(&params, config)?.with_group(Group::without_decay());
//! assert!(sgd.state_dict()?.is_empty());
//! # Ok::<(), mednn::Error>(())
//! ```

mod accumulate;
mod adam;
mod check;
mod clip;
mod ema;
mod group;
mod lamb;
mod moments;
mod novograd;
mod rmsprop;
mod sgd;
mod squares;
mod state;
mod stepper;
mod update;

use std::collections::BTreeMap;

use candle_core::Tensor;
use candle_core::backprop::GradStore;

pub use accumulate::Accumulator;
pub use adam::{AdamW, AdamWConfig, Decay};
pub use clip::{clip_gradient_norm, clip_gradient_value};
pub use ema::{Ema, EmaConfig, EmaWarmup, SwappedIn};
pub use group::Group;
pub use lamb::{Lamb, LambConfig};
pub use novograd::{Novograd, NovogradConfig};
pub use rmsprop::{RmsProp, RmsPropConfig};
pub use sgd::{Sgd, SgdConfig};
pub use stepper::Stepper;

use crate::error::Result;

/// Changes parameters by their gradients.
pub trait Optimizer {
    /// One step; parameters without a gradient and frozen ones stay as they are.
    ///
    /// # Errors
    /// When a gradient does not have its parameter's shape, or a learning rate or weight decay is negative or no number; nothing
    /// is changed then.
    fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<()>;

    /// Everything the next step depends on besides parameters and gradients, by name.
    ///
    /// # Errors
    /// When the state cannot be copied.
    fn state_dict(&self) -> Result<BTreeMap<String, Tensor>>;

    /// Takes up a saved state: the next step is the one that would have followed it, to the bit.
    ///
    /// # Errors
    /// When the state belongs to other parameters; nothing is changed then.
    fn load_state_dict(&mut self, state: &BTreeMap<String, Tensor>) -> Result<()>;
}
