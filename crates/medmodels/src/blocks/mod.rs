//! Blocks that several networks are made of, one concept a file.

mod adn;
pub(crate) mod aspp;
mod conv_block;
mod extents;
mod features;
mod init;
mod inverted_residual;
mod layout;
mod mlp;
pub(crate) mod nnunet;
mod normalization;
pub(crate) mod residual;
mod squeeze_excitation;
pub(crate) mod two_conv;
mod unet_block;
mod unetr;
pub(crate) mod upsample;
pub(crate) mod vnet;

pub use adn::AdnStep;
pub(crate) use adn::{Adn, AdnConfig, AdnPaths};
pub(crate) use conv_block::{ConvBatchNorm, ConvBlock};
pub(crate) use extents::{
    check_input, check_multiples, check_normalizable, check_smallest, one_voxel_left,
};
pub(crate) use features::{Features, checkpointed, global_average, per_axis};
pub(crate) use init::{with_fan_out_init, with_group_fan_out_init, with_mobile_init};
pub(crate) use inverted_residual::{
    ConvNormPaths, InvertedResidual, InvertedResidualConfig, InvertedResidualPaths, Zeros,
    multiple_of_eight,
};
pub(crate) use layout::{channels_first, channels_last, with_zero_tokens};
pub use mlp::FeedForward;
pub(crate) use mlp::{Mlp, MlpConfig};
pub(crate) use normalization::{Act, Norm};
pub use normalization::{Nonlinearity, Normalization};
pub(crate) use squeeze_excitation::{SqueezeConfig, SqueezeExcitation};
pub(crate) use unet_block::{UnetBlock, UnetBlockConfig};
pub(crate) use unetr::{Decoder, Projection, logits};
