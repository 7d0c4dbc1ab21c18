//! What can be wrong with a request to a server or with its answer.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a server could not be told something; [`crate::Error::Mlflow`] adds what it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MlflowFault {
    /// A setting or an argument breaks its rule. What may be secret is not repeated.
    #[error("{what} must be {rule}")]
    Setting {
        /// The setting.
        what: String,
        /// The rule.
        rule: &'static str,
    },
    /// The server refuses, or fails.
    #[error("status {status} {code}: {message}")]
    Server {
        /// Status of the answer.
        status: u16,
        /// MLflow's name of the error, `RESOURCE_DOES_NOT_EXIST` say; empty in an answer of something else.
        code: String,
        /// What it says, shortened.
        message: String,
        /// When it asks to be tried again.
        retry_after: Option<Duration>,
    },
    /// No connection came about.
    #[error("no connection: {problem}")]
    Connect {
        /// What the system or TLS said.
        problem: String,
        /// Whether the next attempt may succeed.
        passing: bool,
    },
    /// The server took too long.
    #[error("timed out ({phase})")]
    Timeout {
        /// `connect`, `read` or `write`.
        phase: &'static str,
    },
    /// The connection broke while request or answer went over it.
    #[error("the connection broke: {problem}")]
    Broken {
        /// What the system said.
        problem: String,
    },
    /// The answer is not what MLflow gives.
    #[error("not an answer of MLflow: {problem}")]
    Answer {
        /// What is wrong with it.
        problem: String,
    },
    /// The experiment was deleted, and its name is taken until it is removed for good.
    #[error("the experiment {name:?} was deleted: restore it, or take another name")]
    Deleted {
        /// Its name.
        name: String,
    },
    /// The server keeps files where only its own clients can write.
    #[error("files are kept in {place:?}, not behind the server: start it with --serve-artifacts")]
    Artifacts {
        /// Where.
        place: String,
    },
    /// A file cannot be read while it is sent.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

impl MlflowFault {
    pub(super) fn setting(what: impl Into<String>, rule: &'static str) -> Self {
        Self::Setting {
            what: what.into(),
            rule,
        }
    }

    pub(super) fn answer(problem: impl Into<String>) -> Self {
        Self::Answer {
            problem: problem.into(),
        }
    }

    /// Whether this is an answer of MLflow with this name of an error.
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self, Self::Server { code, .. } if code == name)
    }

    /// Whether the request never reached the server, or was turned away at the door.
    pub(super) fn is_unheard(&self) -> bool {
        match self {
            Self::Connect { passing, .. } => *passing,
            Self::Timeout { phase } => *phase == CONNECT,
            Self::Server { status, .. } => *status == 429,
            _ => false,
        }
    }

    /// Whether the same request may succeed a little later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Server { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            Self::Timeout { .. } | Self::Broken { .. } => true,
            _ => self.is_unheard(),
        }
    }
}

const CONNECT: &str = "connect";

impl From<ureq::Error> for MlflowFault {
    fn from(error: ureq::Error) -> Self {
        use ureq::Timeout;
        let connect = |passing| Self::Connect {
            problem: error.to_string(),
            passing,
        };
        match &error {
            ureq::Error::Timeout(timeout) => Self::Timeout {
                phase: match timeout {
                    Timeout::Resolve | Timeout::Connect => CONNECT,
                    Timeout::PerWrite | Timeout::SendRequest | Timeout::SendBody => "write",
                    _ => "read",
                },
            },
            ureq::Error::Io(source) => match source.kind() {
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable => connect(true),
                // TLS reports a certificate that it does not trust in this way.
                io::ErrorKind::InvalidData => connect(false),
                _ => Self::Broken {
                    problem: source.to_string(),
                },
            },
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_) => connect(true),
            ureq::Error::Tls(_)
            | ureq::Error::Rustls(_)
            | ureq::Error::TlsRequired
            | ureq::Error::InvalidProxyUrl => connect(false),
            other => Self::answer(other.to_string()),
        }
    }
}
