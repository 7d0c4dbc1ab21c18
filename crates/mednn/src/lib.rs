//! Neural network operators, layers, losses and optimizers for images on candle.
//!
//! Tensors, devices and the autograd tape are candle's, re-exported as [`candle_core`].
//! What a network for medical images needs on top of them, candle lacks or computes slowly or wrongly in the backward pass;
//! this crate owns it: convolution, pooling, normalisation, resizing and losses in 2D and 3D, each forward and backward.
//!
//! - [`ops`]: differentiable functions over tensors, shapes checked;
//! - [`cpu`]: their kernels, plain functions over slices (with the feature `cuda` some have kernels on NVIDIA GPUs too);
//! - [`layers`], [`params`], [`context`], [`model`]: how a network is written;
//! - [`loss`], [`optim`], [`tape`]: how it learns;
//! - [`detection`]: what becomes of proposed boxes;
//! - [`device`]: where all of it is computed;
//! - [`memory`]: the measured peak of a piece of work.
//!
//! Axes are `[batch, channels, depth, height, width]`, depth missing in 2D.

pub use candle_core;

pub mod context;
pub mod convert;
pub mod cpu;
#[cfg(feature = "cuda")]
mod cuda;
pub mod detection;
pub mod device;
pub mod error;
pub mod graph;
pub mod layers;
pub mod loss;
pub mod memory;
pub mod model;
pub mod ops;
pub mod optim;
pub mod params;
pub mod plan;
pub mod tape;

pub use context::{BatchItems, Context};
pub use device::DeviceName;
pub use error::{Error, Result};
pub use model::{Inputs, Model, Outputs};
pub use params::{ParamPath, Params};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
