//! The place in a network where a layer creates its parameters.

use candle_core::{DType, Device, Tensor};

use super::{Buffer, Init, Param, Params};
use crate::error::Result;

/// A prefix of names in a [`Params`], extended by [`ParamPath::child`].
///
/// ```
/// use mednn::params::{Init, Params};
///
/// let params = Params::new(7);
/// let block = params.root().child("encoder").child(0);
/// let weight = block.parameter("weight", &[8, 1, 3, 3], Init::PYTORCH_WEIGHT)?;
/// assert_eq!(weight.name(), "encoder.0.weight");
/// assert_eq!(params.count(), 72);
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ParamPath {
    params: Params,
    prefix: String,
}

impl ParamPath {
    pub(super) fn root(params: &Params) -> Self {
        Self {
            params: params.clone(),
            prefix: String::new(),
        }
    }

    /// The path one level down; list positions are written as numbers.
    #[must_use]
    pub fn child(&self, name: impl std::fmt::Display) -> Self {
        Self {
            params: self.params.clone(),
            prefix: self.full_name(name),
        }
    }

    /// The prefix, empty at the root.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.prefix
    }

    /// The store the path leads into.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The device parameters are created on.
    #[must_use]
    pub fn device(&self) -> &Device {
        self.params.device()
    }

    /// Creates a trainable parameter.
    ///
    /// # Errors
    /// Refuses a name that is taken.
    pub fn parameter(&self, name: &str, shape: &[usize], init: Init) -> Result<Param> {
        self.params
            .create_parameter(self.full_name(name), shape, init)
    }

    /// Creates a buffer of f32 (a running mean, say), saved with the network but not trained.
    ///
    /// # Errors
    /// Refuses a name that is taken.
    pub fn buffer(&self, name: &str, shape: &[usize], value: f32) -> Result<Buffer> {
        let tensor = Tensor::full(value, shape, self.device())?;
        self.params.create_buffer(self.full_name(name), tensor)
    }

    /// Creates a counter: a buffer of one i64.
    ///
    /// # Errors
    /// Refuses a name that is taken.
    pub fn counter(&self, name: &str) -> Result<Buffer> {
        let tensor = Tensor::zeros((), DType::I64, self.device())?;
        self.params.create_buffer(self.full_name(name), tensor)
    }

    /// Creates a buffer that holds these values, of any element type: what a reference library keeps beside its weights.
    ///
    /// # Errors
    /// Refuses a name that is taken.
    pub fn constant(&self, name: &str, values: Tensor) -> Result<Buffer> {
        self.params.create_buffer(self.full_name(name), values)
    }

    fn full_name(&self, name: impl std::fmt::Display) -> String {
        if self.prefix.is_empty() {
            name.to_string()
        } else {
            format!("{}.{name}", self.prefix)
        }
    }
}
