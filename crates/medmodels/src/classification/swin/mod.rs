//! Swin transformers (Liu et al., ICCV 2021, <https://arxiv.org/abs/2103.14030>) of torchvision and timm: attention inside
//! windows that move by half their size from block to block, and neighbouring tokens that become one from stage to stage;
//! and the second version (Liu et al., CVPR 2022, <https://arxiv.org/abs/2111.09883>), whose attention weighs by cosines.
//!
//! Blocks work on images and volumes; [`swin_unetr`](crate::swin_unetr) is made of the same.

mod attention;
mod block;
mod config;
mod cosine;
mod features;
mod merging;
mod network;
mod presets;

pub(crate) use attention::{PositionIndex, Weighing, WindowFit};
pub(crate) use block::{SwinBlock, SwinBlockConfig};
pub use config::{SwinConfig, SwinConvention, SwinVersion};
pub use features::SwinFeatures;
pub(crate) use merging::{COLUMNS_FIRST, MergingConfig, PatchMerging};
pub use network::Swin;
