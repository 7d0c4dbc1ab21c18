//! What can go wrong while a network is configured or built.

use std::path::PathBuf;

/// The result of a fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a network was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is out of range.
    #[error("{architecture}: {setting} must be {rule}, got {value}")]
    Setting {
        /// The network.
        architecture: &'static str,
        /// The name of the setting.
        setting: &'static str,
        /// What is needed.
        rule: String,
        /// The value given.
        value: String,
    },
    /// A network was asked for in a dimension it was not configured for.
    #[error("{architecture} is configured for {configured} spatial axes, asked for {asked}")]
    SpatialDims {
        /// The network.
        architecture: &'static str,
        /// Spatial axes of the configuration.
        configured: usize,
        /// Spatial axes asked for.
        asked: usize,
    },
    /// A name is no network's.
    #[error("there is no network {name:?}; most alike: {}", alike.join(", "))]
    UnknownNetwork {
        /// The name asked for.
        name: String,
        /// Names that are most alike.
        alike: Vec<&'static str>,
    },
    /// A tag is none of published weights.
    #[error("there are no weights {tag:?}; of this network: {}", alike.join(", "))]
    UnknownWeights {
        /// The tag asked for.
        tag: String,
        /// Tags of the same network.
        alike: Vec<String>,
    },
    /// A manifest of weights cannot be used.
    #[error("manifest {tag:?}: {fact} must be {rule}, got {value}")]
    Manifest {
        /// The weights.
        tag: String,
        /// The fact that cannot be.
        fact: &'static str,
        /// What is needed.
        rule: String,
        /// The value given.
        value: String,
    },
    /// The file of published weights is not there.
    #[error("{tag}: put {source_url} ({licence}) to {}", path.display())]
    NoWeights {
        /// The weights.
        tag: String,
        /// Where the file belongs.
        path: PathBuf,
        /// Where it is published.
        source_url: String,
        /// Its licence.
        licence: String,
    },
    /// A file has another hash than its manifest says.
    #[error("{} has the SHA-256 {found}, its manifest says {expected}", path.display())]
    OtherHash {
        /// The file.
        path: PathBuf,
        /// What its manifest says, the first digits or all.
        expected: String,
        /// The hash of the file.
        found: String,
    },
    /// The file of published weights was not downloaded.
    #[cfg(feature = "download")]
    #[error("{tag}: {source_url}: {fault}")]
    Download {
        /// The weights.
        tag: String,
        /// Where the file is published.
        source_url: String,
        /// What went wrong.
        #[source]
        fault: Box<crate::pretrained::DownloadFault>,
    },
    /// A folder of another program describes what cannot be used.
    #[error("{}: {key} must be {rule}, got {value}", path.display())]
    Described {
        /// The file, or the folder.
        path: PathBuf,
        /// The keys on the way to the value, joined by dots.
        key: String,
        /// What is needed.
        rule: String,
        /// What is there.
        value: String,
    },
    /// A file could not be read.
    #[error("{}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file of weights was refused.
    #[error("{}: {fault}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Box<crate::weights::Fault>,
    },
    /// A network was not written as ONNX.
    #[cfg(feature = "onnx")]
    #[error("ONNX: {0}")]
    Onnx(#[source] Box<crate::onnx::Fault>),
    /// A table or a record was refused.
    #[error(transparent)]
    Table(#[from] crate::fusion::table::TableError),
    /// A layer or a file of weights was refused.
    #[error(transparent)]
    Network(#[from] mednn::Error),
}

impl Error {
    /// A setting that is out of range.
    pub(crate) fn setting(
        architecture: &'static str,
        setting: &'static str,
        rule: impl Into<String>,
        value: impl std::fmt::Display,
    ) -> Self {
        Self::Setting {
            architecture,
            setting,
            rule: rule.into(),
            value: value.to_string(),
        }
    }
}

#[cfg(feature = "onnx")]
impl From<crate::onnx::Fault> for Error {
    fn from(fault: crate::onnx::Fault) -> Self {
        Self::Onnx(Box::new(fault))
    }
}
