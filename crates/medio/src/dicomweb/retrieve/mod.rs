//! What a server keeps, fetched (WADO-RS, PS3.18 section 10.4).

mod bulk_data;
mod download;
mod frames;
mod instances;
mod metadata;
mod rendered;

pub use download::Download;
pub use frames::FrameEncoding;
pub use rendered::Rendering;
