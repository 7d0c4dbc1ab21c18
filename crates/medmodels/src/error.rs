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
    /// A file of weights was refused.
    #[error("{}: {fault}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Box<crate::weights::Fault>,
    },
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
