//! Differentiable operators: shapes are checked here, arithmetic happens in [`crate::cpu`].
//!
//! Every operator is one node on candle's tape with its own backward rule, and composes with plain candle code.
//! Gradients are computed only for arguments that are tracked.

pub mod activation;
pub mod adaptive_pool;
pub mod affine_grid;
pub mod arithmetic;
pub mod attention;
#[cfg(feature = "cuda")]
mod attention_cuda;
mod attention_node;
pub mod concat;
pub mod conv;
#[cfg(feature = "cuda")]
mod conv_cuda;
mod conv_node;
pub mod conv_transpose;
pub mod grid_sample;
pub mod index;
mod index_node;
pub mod layer_norm;
pub mod linear;
pub(crate) mod node;
pub mod norm;
#[cfg(feature = "cuda")]
mod norm_cuda;
mod norm_node;
pub mod pad;
pub mod pool;
mod prepared;
pub mod prepared_conv;
pub mod prepared_linear;
pub mod rearrange;
pub mod reduce;
mod resample;
pub mod resize;
pub mod roi_align;
pub mod scale;
mod select;
pub mod softmax;
pub(crate) mod support;
mod unit_query_key;
pub mod unpool;
pub mod view;
pub mod windows;

pub use activation::{Activation, activation, prelu};
pub use adaptive_pool::{adaptive_avg_pool, adaptive_max_pool, adaptive_max_pool_with_indices};
pub use affine_grid::affine_grid;
pub use arithmetic::{add, multiply, scale, subtract};
pub use attention::{AttentionConfig, DroppedWeights, attention, cross_attention, self_attention};
pub use concat::concat;
pub use grid_sample::{GridInterpolation, GridPadding, GridSampleConfig, grid_sample};
pub use index::{Order, TopK, gather, index_select, one_hot, scatter_add, select_each, top_k};
pub use layer_norm::{layer_norm, layer_norm_channels, rms_norm};
pub use linear::linear;
pub use norm::{BatchStatistics, batch_norm, batch_norm_with, group_norm, instance_norm};
pub use pad::{PadMode, pad};
pub use pool::{PoolConfig, avg_pool, avg_pool2d, avg_pool3d, max_pool, max_pool2d, max_pool3d};
pub use rearrange::{patchify, pixel_shuffle, pixel_unshuffle, unpatchify};
pub use reduce::{Reduced, max, mean, sum};
pub use resize::{Interpolation, Size, resize};
pub use roi_align::{RoiAlignConfig, roi_align};
pub use scale::scale_rows;
pub use softmax::{log_softmax, softmax};
pub use unit_query_key::unit_query_key;
pub use unpool::{max_pool_with_indices, max_unpool};
pub use view::{flatten_from, narrow, permute, reshape};
pub use windows::{
    WindowConfig, relative_position_bias, relative_position_coordinates, relative_position_index,
    shift_mask, window_partition, window_reverse,
};
