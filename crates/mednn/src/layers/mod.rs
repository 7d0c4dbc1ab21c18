//! Layers: named structs that own their parameters, with `new(&config, &path)` and `forward(&input, &context)`.
//!
//! The names of parameters are PyTorch's (`weight`, `bias`, `running_mean`), below the path given.

mod attention;
mod conv;
mod dropout;
mod layer_norm;
mod linear;
mod norm;

pub use attention::{AttentionNames, MultiHeadAttention, MultiHeadAttentionConfig};
pub use conv::{Conv, ConvConfig, ConvPadding, ConvTranspose, ConvTransposeConfig};
pub use dropout::{AttentionDropout, DropPath, Dropout, DropoutUnit, PatchDropout};
pub use layer_norm::{LayerNorm, LayerNormAxes, LayerNormConfig, RmsNorm};
pub use linear::{Linear, LinearConfig};
pub use norm::{BatchNorm, BatchNormConfig, GroupNorm, InstanceNorm, NormConfig};
