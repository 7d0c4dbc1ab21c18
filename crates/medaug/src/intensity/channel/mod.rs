//! Channels left out, exchanged, repeated and mixed.

mod dropout;
mod gray;
mod repeat;
mod shuffle;

pub use dropout::{ChannelDropout, RandomChannelDropout};
pub use gray::{GrayMethod, RandomToGray, ToGray};
pub use repeat::RepeatChannel;
pub use shuffle::{ChannelShuffle, RandomChannelShuffle};
