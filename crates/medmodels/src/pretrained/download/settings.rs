//! How files are fetched.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::DownloadFault;

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum TlsRoots {
    /// Those that the operating system believes.
    #[default]
    Platform,
    /// These in PEM and no others, for an institution that signs its own.
    Pem(Vec<u8>),
}

impl TlsRoots {
    pub(super) fn tls(&self) -> Result<TlsConfig, DownloadFault> {
        let roots = match self {
            Self::Platform => RootCerts::PlatformVerifier,
            Self::Pem(pem) => {
                let certificate = |item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                };
                let certificates: Vec<_> = parse_pem(pem).filter_map(certificate).collect();
                if certificates.is_empty() {
                    return Err(DownloadFault::NoRoots);
                }
                RootCerts::from(certificates)
            }
        };
        Ok(TlsConfig::builder().root_certs(roots).build())
    }
}

/// How much of a file came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes so far.
    pub bytes: u64,
    /// Bytes of the file, where the server says so.
    pub expected: Option<u64>,
}

type OnProgress = Arc<dyn Fn(Progress) -> ControlFlow<()> + Send + Sync>;

/// How files are fetched.
///
/// ```
/// use std::ops::ControlFlow;
/// use medmodels::pretrained::DownloadSettings;
///
/// let settings = DownloadSettings::new()
///     .with_max_bytes(500 << 20)
///     .with_progress(|progress| {
///         println!("{} bytes of {:?}", progress.bytes, progress.expected);
///         ControlFlow::Continue(())
///     });
/// assert_eq!(settings.max_bytes, 524_288_000);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct DownloadSettings {
    /// Bytes that a file may have; 4 GiB unless set.
    pub max_bytes: u64,
    /// How long finding the server and connecting to it may take, each; 30 seconds unless set.
    pub connect_timeout: Duration,
    /// How long the server may be silent; 60 seconds unless set.
    pub read_timeout: Duration,
    /// Whose certificates are believed.
    pub roots: TlsRoots,
    progress: Option<OnProgress>,
}

impl Default for DownloadSettings {
    fn default() -> Self {
        Self {
            max_bytes: 4 << 30,
            connect_timeout: Duration::from_secs(30),
            read_timeout: Duration::from_secs(60),
            roots: TlsRoots::Platform,
            progress: None,
        }
    }
}

impl DownloadSettings {
    /// The settings where nothing else is said.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many bytes a file may have.
    #[must_use]
    pub fn with_max_bytes(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }

    /// Sets how long finding the server and connecting to it may take, each, and how long it may be silent.
    #[must_use]
    pub fn with_timeouts(self, connect: Duration, read: Duration) -> Self {
        Self {
            connect_timeout: connect,
            read_timeout: read,
            ..self
        }
    }

    /// Sets whose certificates are believed.
    #[must_use]
    pub fn with_roots(self, roots: TlsRoots) -> Self {
        Self { roots, ..self }
    }

    /// Sets who is told after each piece of a file, and may end the download.
    #[must_use]
    pub fn with_progress(
        self,
        progress: impl Fn(Progress) -> ControlFlow<()> + Send + Sync + 'static,
    ) -> Self {
        let progress: OnProgress = Arc::new(progress);
        Self {
            progress: Some(progress),
            ..self
        }
    }

    pub(super) fn tell(&self, progress: Progress) -> ControlFlow<()> {
        match &self.progress {
            Some(told) => told(progress),
            None => ControlFlow::Continue(()),
        }
    }
}

impl fmt::Debug for DownloadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DownloadSettings")
            .field("max_bytes", &self.max_bytes)
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("roots", &self.roots)
            .finish_non_exhaustive()
    }
}
