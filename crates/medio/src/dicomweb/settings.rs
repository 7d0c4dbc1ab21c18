//! How to talk to a server: who asks, how long to wait, how much to take.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::credentials::{Credentials, TokenSource};
use super::retry::Retry;

/// How far a download or an upload has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes so far; what was sent again after a broken connection counts again.
    pub bytes: u64,
    /// Instances that are complete.
    pub instances: u64,
    /// Instances in all, where that is known.
    pub expected: Option<u64>,
}

pub(super) type OnProgress = Arc<dyn Fn(Progress) -> ControlFlow<()> + Send + Sync>;

/// Whose signature under a server's certificate is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsRoots {
    /// Those that the system believes: where a hospital's own authority is installed.
    Platform,
    /// Those that Mozilla believes, compiled in: for containers without a system's list.
    WebPki,
    /// These alone, as one or several PEM blocks.
    Pem(Vec<u8>),
}

/// The way to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Proxy {
    /// As `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
    Environment,
    /// Direct.
    None,
    /// Through this one.
    Url(String),
}

/// How a [`Client`](super::Client) talks to its server.
///
/// ```
/// use std::time::Duration;
/// use medio::dicomweb::{Retry, Settings};
///
/// let settings = Settings::new()
///     .basic("reader", "secret")
///     .read_timeout(Duration::from_secs(20))
///     .retry(Retry::new(5))
///     .connections(4);
/// ```
#[derive(Clone)]
pub struct Settings {
    pub(super) credentials: Credentials,
    pub(super) headers: Vec<(String, String)>,
    pub(super) connect_timeout: Duration,
    pub(super) read_timeout: Duration,
    pub(super) request_timeout: Option<Duration>,
    pub(super) retry: Retry,
    pub(super) max_memory: u64,
    pub(super) max_instance: u64,
    pub(super) max_download: u64,
    pub(super) connections: usize,
    pub(super) max_redirects: u32,
    pub(super) roots: TlsRoots,
    pub(super) proxy: Proxy,
    pub(super) progress: Option<OnProgress>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            credentials: Credentials::None,
            headers: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            request_timeout: None,
            retry: Retry::default(),
            max_memory: 1 << 30,
            max_instance: 8 << 30,
            max_download: 256 << 30,
            connections: 1,
            max_redirects: 5,
            roots: TlsRoots::Platform,
            proxy: Proxy::Environment,
            progress: None,
        }
    }
}

impl Settings {
    /// No credentials, the default [`Retry`], 10 s to connect, 60 s to wait for bytes, one connection,
    /// 1 GiB for an answer in memory, 8 GiB for an instance and 256 GiB for a download to disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names user and password (RFC 7617).
    #[must_use]
    pub fn basic(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Credentials::Basic {
            user: user.into(),
            password: password.into(),
        };
        self
    }

    /// Shows a token (RFC 6750).
    #[must_use]
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        self.credentials = Credentials::Bearer(token.into());
        self
    }

    /// Shows tokens that `source` makes: one before the first request, another whenever the server refuses
    /// the last one with status 401, once a request.
    #[must_use]
    pub fn tokens<F>(mut self, source: F) -> Self
    where
        F: Fn() -> Result<String, Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
    {
        self.credentials = Credentials::Tokens(TokenSource::new(source));
        self
    }

    /// Adds a header field to every request to the server.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Gives up connecting after this time.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Gives up after so long without a byte read or written.
    #[must_use]
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Gives a request, with its retries and its whole answer, no more than this time; none without it.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = Some(timeout);
        self
    }

    /// Sends requests that failed in passing again.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Refuses answers that would take more memory: lists, metadata, frames, bulk data, pictures.
    #[must_use]
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.max_memory = bytes;
        self
    }

    /// Refuses instances of more bytes.
    #[must_use]
    pub fn max_instance(mut self, bytes: u64) -> Self {
        self.max_instance = bytes;
        self
    }

    /// Refuses downloads of more bytes: one answer as it comes, several as soon as their instances together are
    /// larger.
    #[must_use]
    pub fn max_download(mut self, bytes: u64) -> Self {
        self.max_download = bytes;
        self
    }

    /// Downloads series and studies instance by instance over so many connections; with one, the default,
    /// in a single answer.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Follows so many redirections; to another origin without credentials and without the added header
    /// fields, and never from `https` to `http`.
    #[must_use]
    pub fn max_redirects(mut self, redirects: u32) -> Self {
        self.max_redirects = redirects;
        self
    }

    /// Believes certificates that lead to these roots.
    #[must_use]
    pub fn tls_roots(mut self, roots: TlsRoots) -> Self {
        self.roots = roots;
        self
    }

    /// Chooses the way to the server.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Calls `progress` while instances are downloaded or stored, from any of the threads that do so; a
    /// `Break` stops them with [`Fault::Stopped`](super::Fault::Stopped).
    #[must_use]
    pub fn progress<F>(mut self, progress: F) -> Self
    where
        F: Fn(Progress) -> ControlFlow<()> + Send + Sync + 'static,
    {
        self.progress = Some(Arc::new(progress));
        self
    }
}

/// Without secrets: header fields may hold keys.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Settings")
            .field("credentials", &self.credentials)
            .field("headers", &names)
            .field("connect_timeout", &self.connect_timeout)
            .field("read_timeout", &self.read_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("retry", &self.retry)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}
