//! Values of a network that are not trained.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use candle_core::Tensor;

use crate::error::{Error, Result};
use crate::graph;

/// A value that belongs to a network but is not trained (a running mean, a counter); clones share it.
#[derive(Debug, Clone)]
pub struct Buffer {
    name: String,
    value: Arc<RwLock<Tensor>>,
    fixed: Arc<AtomicBool>,
}

impl Buffer {
    pub(super) fn new(name: String, value: Tensor) -> Self {
        Self {
            name,
            value: Arc::new(RwLock::new(value)),
            fixed: Arc::default(),
        }
    }

    pub(super) fn fix(&self, fixed: bool) {
        self.fixed.store(fixed, Ordering::Relaxed);
    }

    /// The full name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The present value.
    #[must_use]
    pub fn tensor(&self) -> Tensor {
        let value = self.value.read();
        let tensor = value.unwrap_or_else(PoisonError::into_inner).clone();
        graph::keep_buffer(&self.name, &tensor);
        tensor
    }

    /// True when fixed by [`Params::set_fixed`](super::Params::set_fixed).
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.fixed.load(Ordering::Relaxed)
    }

    /// Replaces the value, also of a fixed buffer, from any device; the tensor must not be written to afterwards.
    ///
    /// # Errors
    /// Refuses another shape or element type.
    pub fn set(&self, value: &Tensor) -> Result<()> {
        let mut own = self.value.write().unwrap_or_else(PoisonError::into_inner);
        if value.dims() != own.dims() || value.dtype() != own.dtype() {
            return Err(Error::Shape {
                op: "buffer",
                tensor: "the new value",
                expected: own.dims().to_vec(),
                got: value.dims().to_vec(),
            });
        }
        *own = value.detach().to_device(own.device())?;
        Ok(())
    }
}
