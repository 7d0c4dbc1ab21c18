//! Differentiable operators: shapes are checked here, arithmetic happens in [`crate::cpu`].
//!
//! Every operator is one node on candle's tape with its own backward rule, and composes with plain candle code.
//! Gradients are computed only for arguments that are tracked.

pub mod activation;
pub mod attention;
pub mod concat;
pub mod conv;
pub mod conv_transpose;
pub mod index;
pub mod layer_norm;
pub mod linear;
pub(crate) mod node;
pub mod norm;
pub mod pad;
pub mod pool;
mod resample;
pub mod resize;
pub mod scale;
pub mod softmax;
pub(crate) mod support;
pub mod windows;

pub use activation::{Activation, activation, prelu};
pub use attention::{AttentionConfig, attention, cross_attention, self_attention};
pub use concat::concat;
pub use index::{Order, TopK, gather, index_select, one_hot, scatter_add, top_k};
pub use layer_norm::{layer_norm, layer_norm_channels, rms_norm};
pub use linear::linear;
pub use norm::{BatchStatistics, batch_norm, batch_norm_with, group_norm, instance_norm};
pub use pad::{PadMode, pad};
pub use pool::{PoolConfig, avg_pool2d, avg_pool3d, max_pool2d, max_pool3d};
pub use resize::{Interpolation, Size, resize};
pub use scale::scale_rows;
pub use softmax::{log_softmax, softmax};
pub use windows::{
    WindowConfig, relative_position_bias, relative_position_index, shift_mask, window_partition,
    window_reverse,
};
