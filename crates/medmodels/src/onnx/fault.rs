//! What can be wrong with a network or its inputs when it is written as ONNX.

/// Why a network was not written as ONNX; [`crate::Error::Onnx`] carries it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// An operator of the network has no equal in ONNX.
    #[error("{op}{}: {reason}", after(layer.as_deref()))]
    Operator {
        /// The operator.
        op: &'static str,
        /// The last layer with parameters that ran up to there.
        layer: Option<String>,
        /// What cannot be said.
        reason: String,
    },
    /// The inputs do not say the batch.
    #[error("input {name:?} must have {rule}, got {got:?}")]
    Input {
        /// Its name.
        name: String,
        /// What is needed.
        rule: String,
        /// Its shape.
        got: Vec<usize>,
    },
    /// A tensor is of a type that networks here do not compute with.
    #[error(
        "{name:?} must be of f32, or of u8, u32 or i64 where it is an index or a mask, got {got}"
    )]
    ElementType {
        /// The name of the input or parameter.
        name: String,
        /// Its type.
        got: &'static str,
    },
    /// Two tensors have one name, and ONNX has one space of names.
    #[error("inputs, parameters and outputs must have different names, two are called {name:?}")]
    Name {
        /// The name.
        name: String,
    },
    /// A message of Protocol Buffers cannot be that large.
    #[error(
        "an ONNX file without external data must have at most 2147483647 bytes, this one has {bytes}"
    )]
    TooLarge {
        /// The size of the model.
        bytes: usize,
    },
    /// What describes the model is not valid.
    #[error("metadata: {setting} must be {rule}, got {value}")]
    Metadata {
        /// Which part.
        setting: &'static str,
        /// What is needed.
        rule: &'static str,
        /// The value given.
        value: String,
    },
    /// The system refused to write.
    #[error(transparent)]
    Write(#[from] medcore::Error),
}

fn after(layer: Option<&str>) -> String {
    layer.map_or_else(String::new, |layer| format!(" in or after layer {layer:?}"))
}
