//! What can go wrong while a network is built, loaded, run or trained.

use std::path::PathBuf;

use candle_core::DType;

use crate::params::LoadReport;

/// The result of a fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operator, a layer, a loss, an optimizer or a file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor has another number of axes than the operator works on.
    #[error("{op}: {tensor} must have {expected} axes, got shape {got:?}")]
    Rank {
        /// The operator.
        op: &'static str,
        /// Which of its tensors.
        tensor: &'static str,
        /// What is needed, for instance `4` or `at least 3`.
        expected: String,
        /// The shape given.
        got: Vec<usize>,
    },
    /// A tensor has another shape than the other arguments imply.
    #[error("{op}: {tensor} must have shape {expected:?}, got {got:?}")]
    Shape {
        /// The operator.
        op: &'static str,
        /// Which of its tensors.
        tensor: &'static str,
        /// The shape needed.
        expected: Vec<usize>,
        /// The shape given.
        got: Vec<usize>,
    },
    /// One axis of a tensor has a length the operator cannot work on.
    #[error("{op}: axis {axis} of {tensor} must be {rule}, got shape {got:?}")]
    Axis {
        /// The operator.
        op: &'static str,
        /// Which of its tensors.
        tensor: &'static str,
        /// The axis, counted from the batch axis.
        axis: usize,
        /// What is needed.
        rule: String,
        /// The shape given.
        got: Vec<usize>,
    },
    /// A tensor has an element type the operator does not work on.
    #[error("{op}: {tensor} must be {expected}, got {got:?}")]
    ElementType {
        /// The operator.
        op: &'static str,
        /// Which of its tensors.
        tensor: &'static str,
        /// The types it works on.
        expected: &'static str,
        /// The type given.
        got: DType,
    },
    /// A tensor lies on a device this build has no kernel for.
    #[error("{op}: no kernel for device {device}")]
    Device {
        /// The operator.
        op: &'static str,
        /// The device of the tensor.
        device: String,
    },
    /// Something was taken for the name of a device.
    #[error("a device is named cpu, cuda or cuda:N, got {got:?}")]
    DeviceName {
        /// What was given.
        got: String,
    },
    /// A GPU is asked for in a program that has no code for one.
    #[error(
        "{device}: this program was built for the processor alone; build it with `--features mednn/cuda` (needs nvcc, which tools/cuda/setup installs)"
    )]
    BuiltWithoutCuda {
        /// The device asked for.
        device: String,
    },
    /// A GPU cannot be used.
    #[error("{device}: the driver does not give it: {reason}")]
    DeviceNotOpened {
        /// The device asked for.
        device: String,
        /// What the driver says.
        reason: String,
    },
    /// A setting of an operator, layer, loss or optimizer is out of range.
    #[error("{op}: {setting} must be {rule}, got {value}")]
    Setting {
        /// The operator, layer, loss or optimizer.
        op: &'static str,
        /// The name of the setting.
        setting: &'static str,
        /// What is needed.
        rule: &'static str,
        /// The value given.
        value: String,
    },
    /// A label is neither a class nor the label to ignore.
    #[error(
        "{op}: label {label} at voxel {voxel} of batch item {batch} is not below the number of classes {classes}"
    )]
    Label {
        /// The loss.
        op: &'static str,
        /// The label found.
        label: u32,
        /// Its place, counted over the spatial axes in storage order.
        voxel: usize,
        /// The batch item.
        batch: usize,
        /// The number of classes.
        classes: usize,
    },
    /// Two parameters or buffers of one network have the same name.
    #[error("parameter {name:?} exists already")]
    DuplicateParameter {
        /// The full name.
        name: String,
    },
    /// A tensor in a forward pass comes from outside this crate, so that no graph of the pass can be made.
    #[error(
        "{op}: argument {argument} of shape {shape:?} is neither an input nor a parameter nor the result of an operator of \
         mednn::ops (after layer {})", layer.as_deref().unwrap_or("none")
    )]
    NotRecorded {
        /// The operator that reads it, or `output`.
        op: &'static str,
        /// Its place among the arguments.
        argument: usize,
        /// Its shape.
        shape: Vec<usize>,
        /// The last layer with parameters that ran before.
        layer: Option<String>,
    },
    /// No parameter or buffer has this name.
    #[error("no parameter or buffer is named {name:?}")]
    UnknownParameter {
        /// The full name.
        name: String,
    },
    /// A file of weights does not fit the network and the policy does not allow it.
    #[error("weights {path:?} do not fit the network: {report}")]
    Weights {
        /// The file.
        path: PathBuf,
        /// What fitted and what did not.
        report: Box<LoadReport>,
    },
    /// A network has more parameters than its store allows.
    #[error("{name} of shape {shape:?} makes more than {most} parameters")]
    TooManyParameters {
        /// The parameter that is too many.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Elements that all parameters together may have.
        most: u64,
    },
    /// A file is not a valid safetensors file, or holds an element type that is not supported.
    #[error("{path:?} is not a readable safetensors file: {reason}")]
    InvalidFile {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The saved state of an optimizer does not fit this optimizer and its parameters.
    #[error("optimizer state does not fit: {reason}")]
    OptimizerState {
        /// What does not fit.
        reason: String,
    },
    /// The input a model needs is missing.
    #[error("input {name:?} is missing; given: {given:?}")]
    MissingInput {
        /// The name of the input.
        name: String,
        /// The names that were given.
        given: Vec<String>,
    },
    /// A file could not be read or written.
    #[error("{path:?}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An image was refused.
    #[error(transparent)]
    Image(#[from] medcore::Error),
    /// candle failed.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}
