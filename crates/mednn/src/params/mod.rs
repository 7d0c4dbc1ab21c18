//! The parameters and buffers of a network, ordered by name.
//!
//! Names are those of the reference library's state dictionary (`encoder.0.conv.weight`), so its weights load without a table.
//! Values are drawn from a stream keyed by the seed and the full name: they depend on neither the order in which a network is
//! built nor on what else it holds.

mod buffer;
mod init;
mod load;
mod names;
mod path;
mod safetensors;
mod stem;
mod store;

pub use buffer::Buffer;
pub use init::Init;
pub use load::{LoadPolicy, LoadReport, Misshapen};
pub use names::{NameMap, NamePattern};
pub use path::ParamPath;
pub use safetensors::{
    parse_safetensors, read_metadata, read_safetensors, safetensors_bytes, write_safetensors,
};
pub use store::{Param, Params};
