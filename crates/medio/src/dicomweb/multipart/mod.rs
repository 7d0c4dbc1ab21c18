//! Bodies of several parts (RFC 2046 section 5.1): read as they come, sent without being gathered.

mod reader;
mod writer;

pub use reader::{MultipartReader, Part};
pub(super) use writer::{Content, MultipartBody};
