//! What can go wrong on the way of a file.

use std::io;
use std::path::PathBuf;

/// Why a file was not downloaded; the store is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadFault {
    /// The address, or one that a server led to, is not of HTTPS.
    #[error("addresses must begin with https://")]
    NotHttps,
    /// The certificates to believe hold none.
    #[error("the certificates to believe must be at least one in PEM")]
    NoRoots,
    /// The server gave no file.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// Servers led from one to the next too often.
    #[error("servers led from one to the next too often")]
    Redirects,
    /// The file is larger than the settings allow.
    #[error("at least {bytes} bytes, {limit} are allowed")]
    TooLarge {
        /// Bytes that the server announced or sent.
        bytes: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The file ended early.
    #[error("{bytes} bytes came of {expected}")]
    Incomplete {
        /// Bytes that came.
        bytes: u64,
        /// Bytes announced.
        expected: u64,
    },
    /// What came has another hash than the manifest says.
    #[error("what came has the SHA-256 {found}, the manifest says {expected}")]
    OtherHash {
        /// What the manifest says, the first digits or all.
        expected: String,
        /// The hash of what came.
        found: String,
    },
    /// The one who was told of the progress ended it.
    #[error("stopped by the caller")]
    Stopped,
    /// The server could not be reached or understood, its certificate was not believed, or it was silent for too long.
    #[error("{0}")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The folder of the store could not be made.
    #[error("create {}: {cause}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The file could not be written.
    #[error(transparent)]
    File(#[from] medcore::Error),
}

impl DownloadFault {
    /// A body that could not be read to its end.
    pub(super) fn read(cause: io::Error) -> Self {
        Self::Transport(Box::new(cause))
    }
}

impl From<ureq::Error> for DownloadFault {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::RequireHttpsOnly(_) => Self::NotHttps,
            ureq::Error::TooManyRedirects => Self::Redirects,
            other => Self::Transport(Box::new(other)),
        }
    }
}
