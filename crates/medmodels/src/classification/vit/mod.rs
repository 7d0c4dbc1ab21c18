//! Vision transformers (Dosovitskiy et al., ICLR 2021, <https://arxiv.org/abs/2010.11929>): timm's and torchvision's for
//! images, with the distilled ones of DeiT (Touvron et al., ICML 2021, <https://arxiv.org/abs/2012.12877>) and DINOv2's
//! (Oquab et al. 2023, <https://arxiv.org/abs/2304.07193>; registers: Darcet et al. 2023,
//! <https://arxiv.org/abs/2309.16588>), and MONAI's for images and volumes.
//!
//! The libraries differ in names, initial values and what stands in front of the blocks, not in the blocks, so one network
//! is all of them and its settings say which.

mod block;
mod check;
mod choices;
mod config;
mod embedding;
mod network;
mod presets;

pub use crate::blocks::FeedForward;
pub use choices::{PatchEmbedding, PositionResampling, Positions, PrefixPositions, ViTConvention};
pub use config::ViTConfig;
pub(crate) use network::Encoder;
pub use network::ViT;
