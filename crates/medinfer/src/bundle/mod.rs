//! A model with all that is known of it, in a folder that proves itself before it is used.
//!
//! ```text
//! pneumonia-1.2.0/
//!   bundle.json             what it is, what it is for, how it was made, and the hash of every other file
//!   model.safetensors       weights; model.1.safetensors and so on for further networks of an ensemble
//!   reference.safetensors   what data of training looked like, for drift and outliers
//!   golden/0.safetensors    a small image, a patient's record, or both, and what the model makes of it
//!   README.md               the model card
//!   bundle.json.minisig     optional: a detached signature
//! ```

mod boxes;
mod card;
mod case;
mod checked;
mod engine;
mod folder;
mod golden;
mod hub;
mod load;
mod manifest;
mod monai;
mod options;
mod record;
mod seal;
mod signature;
mod unique;
mod version;
mod write;

pub use case::GoldenInput;
pub use engine::Engine;
pub use load::Bundle;
pub use manifest::{FileDigest, GoldenCase, InputSpec, Manifest, TaskConfig};
pub use options::LoadOptions;
pub use record::{DataDigest, MetricRecord, Provenance};
pub use signature::SignatureKey;
pub use version::Version;
pub use write::BundleWriter;

/// The description inside a folder.
pub const MANIFEST_FILE: &str = "bundle.json";
/// A detached signature of the description.
pub const SIGNATURE_FILE: &str = "bundle.json.minisig";
/// What data of training looked like.
pub(crate) const REFERENCE_FILE: &str = "reference.safetensors";
/// The model card.
pub(crate) const CARD_FILE: &str = "README.md";
/// The version of the layout this crate writes and reads.
pub(crate) const SCHEMA_VERSION: u32 = 1;
/// A description larger than this is none.
pub(crate) const MOST_MANIFEST_BYTES: u64 = 4 << 20;
/// More files are no bundle's.
pub(crate) const MOST_FILES: usize = 1024;
/// More bytes in one file are no bundle's: 16 GiB.
pub(crate) const MOST_FILE_BYTES: u64 = 16 << 30;

/// The file of a network's weights.
pub(crate) fn weights_file(network: usize) -> String {
    match network {
        0 => crate::WEIGHTS_FILE.to_owned(),
        further => format!("model.{further}.safetensors"),
    }
}
