//! Optimizers whose every step equals PyTorch's and whose state can be saved and taken up again.
//!
//! Each update is one pass in place over a parameter. State is kept and saved under parameter names.
//!
//! ```
//! use mednn::Params;
//! use mednn::optim::{Group, Optimizer, Sgd, SgdConfig};
//!
//! let params = Params::new(7);
//! // nnU-Net's optimizer, without decay on norms and biases.
//! let config = SgdConfig { momentum: 0.99, nesterov: true, weight_decay: 3e-5, ..SgdConfig::default() };
//! let no_decay = Group::matching(|name| name.ends_with("bias")).with_weight_decay(0.0);
//! let sgd = Sgd::new(&params, config)?.with_group(no_decay);
//! assert!(sgd.state_dict()?.is_empty());
//! # Ok::<(), mednn::Error>(())
//! ```

mod adam;
mod clip;
mod group;
mod sgd;
mod state;
mod update;

use std::collections::BTreeMap;

use candle_core::Tensor;
use candle_core::backprop::GradStore;

pub use adam::{AdamW, AdamWConfig, Decay};
pub use clip::clip_gradient_norm;
pub use group::Group;
pub use sgd::{Sgd, SgdConfig};

use crate::error::Result;

/// Changes parameters by their gradients.
pub trait Optimizer {
    /// One step; parameters without a gradient and frozen ones stay as they are.
    ///
    /// # Errors
    /// When a gradient does not have its parameter's shape.
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
