//! What can be wrong with a request or with the answer to it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::dicom::Tag;

/// Why a request to a DICOMweb server failed; [`crate::Error::DicomWeb`] adds the request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A URL is not what it must be.
    #[error("a URL must be {rule}, got {url:?}")]
    InvalidUrl {
        /// The refused URL, shortened.
        url: String,
        /// The rule.
        rule: &'static str,
    },
    /// A unique identifier breaks PS3.5 section 9.1.
    #[error(
        "a UID must be numbers with full stops between them, 64 characters at most, got {value:?}"
    )]
    InvalidUid {
        /// The refused text, shortened.
        value: String,
    },
    /// A media type cannot be read.
    #[error("a media type must be {rule}, got {value:?}")]
    InvalidMediaType {
        /// The refused text, shortened.
        value: String,
        /// The rule.
        rule: &'static str,
    },
    /// A setting or an argument breaks its rule.
    #[error("{what} must be {rule}")]
    InvalidSetting {
        /// `header X-Key`, `TLS root certificates`, `frame numbers` ...
        what: String,
        /// The rule.
        rule: &'static str,
    },
    /// The server refuses, or fails.
    #[error("status {status}{}{}", reason(*status), excerpt_of(excerpt))]
    Http {
        /// Status of the answer.
        status: u16,
        /// The beginning of the answer's body, escaped.
        excerpt: String,
        /// When the server asks to be tried again.
        retry_after: Option<Duration>,
    },
    /// No connection came about: no such host, refused, or no trust in its certificate.
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
        /// `connect`, `read`, `write` or `whole request`.
        phase: &'static str,
    },
    /// The connection broke while request or answer went over it.
    #[error("the connection broke: {cause}")]
    Broken {
        /// What the system said.
        cause: io::Error,
    },
    /// The bytes of the answer are not those of HTTP.
    #[error("not an answer of HTTP: {problem}")]
    Protocol {
        /// What is wrong with them.
        problem: String,
    },
    /// A redirection is not followed.
    #[error("redirected to {url:?}, which is not followed: {reason}")]
    Redirect {
        /// Where to, shortened.
        url: String,
        /// Why not.
        reason: &'static str,
    },
    /// Bulk data lies on another server than the one that was asked.
    #[error("{url:?} is not of the origin {origin}: bulk data of other servers is not fetched")]
    ForeignOrigin {
        /// The refused URL, without its query.
        url: String,
        /// Scheme, host and port of the server.
        origin: String,
    },
    /// An answer is larger than the settings allow.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// `an answer in memory`, `an instance`, `a download` ...
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// The answer is of another media type than was asked for.
    #[error("{expected} was asked for, the answer is {got:?}")]
    UnexpectedMediaType {
        /// What was asked for.
        expected: &'static str,
        /// What came, shortened; empty if the answer does not say.
        got: String,
    },
    /// The parts of an answer cannot be told apart.
    #[error("multipart, byte {offset}: {problem}")]
    Multipart {
        /// Where in the body.
        offset: u64,
        /// What is wrong.
        problem: String,
    },
    /// The answer ends early.
    #[error("the answer ends at byte {offset}, inside {what}")]
    Truncated {
        /// Where in the body.
        offset: u64,
        /// What was being read.
        what: &'static str,
    },
    /// The answer is not the JSON that was asked for.
    #[error("not DICOM JSON: {problem}")]
    Json {
        /// What is wrong, and where.
        problem: String,
    },
    /// An instance or a dataset of the answer is damaged.
    #[error("{0}")]
    Dicom(Box<crate::dicom::Fault>),
    /// The answer is about something else than was asked for.
    #[error("{tag} {asked:?} was asked for, {got:?} came")]
    Mismatch {
        /// The attribute.
        tag: Tag,
        /// What was asked for.
        asked: String,
        /// What came, shortened.
        got: String,
    },
    /// The answer contradicts itself or the question.
    #[error("{rule}, got {got}")]
    Answer {
        /// What must hold.
        rule: &'static str,
        /// What came.
        got: String,
    },
    /// The server sent only some of the instances (status 206); those were kept.
    #[error("the server sent only a part: {instances} instances, which were kept")]
    Partial {
        /// How many came.
        instances: u64,
    },
    /// A file cannot be read while it is sent.
    #[error("{}: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The source of tokens gave none.
    #[error("no token: {0}")]
    Token(Box<dyn std::error::Error + Send + Sync>),
    /// The progress callback asked to stop.
    #[error("stopped by its progress callback")]
    Stopped,
}

fn reason(status: u16) -> String {
    let known = ureq::http::StatusCode::from_u16(status).ok();
    let reason = known.and_then(|s| s.canonical_reason());
    reason.map(|text| format!(" {text}")).unwrap_or_default()
}

fn excerpt_of(excerpt: &str) -> String {
    match excerpt {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

impl Fault {
    pub(super) fn setting(what: impl Into<String>, rule: &'static str) -> Self {
        Self::InvalidSetting {
            what: what.into(),
            rule,
        }
    }

    pub(super) fn multipart(offset: u64, problem: impl Into<String>) -> Self {
        Self::Multipart {
            offset,
            problem: problem.into(),
        }
    }

    /// Whether the same request may succeed a little later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Http { status, .. } => matches!(status, 408 | 429 | 502 | 503 | 504),
            Self::Connect { passing, .. } => *passing,
            Self::Timeout { phase } => *phase != WHOLE,
            Self::Broken { .. } | Self::Truncated { .. } => true,
            _ => false,
        }
    }

    /// For readers, whose errors are the system's: [`Fault::from`] takes it out again.
    pub(super) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }
}

/// The phase of a [`Fault::Timeout`] after which there is no time for another attempt.
pub(super) const WHOLE: &str = "whole request";

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(fault) => fault,
            Err(error) => match error.downcast::<ureq::Error>() {
                Ok(error) => error.into(),
                Err(cause) => Self::Broken { cause },
            },
        }
    }
}

impl From<crate::dicom::Fault> for Fault {
    fn from(fault: crate::dicom::Fault) -> Self {
        Self::Dicom(Box::new(fault))
    }
}

impl From<ureq::Error> for Fault {
    fn from(error: ureq::Error) -> Self {
        use ureq::Timeout;
        let connect = |error: &ureq::Error, passing| Self::Connect {
            problem: error.to_string(),
            passing,
        };
        match error {
            ureq::Error::Timeout(timeout) => Self::Timeout {
                phase: match timeout {
                    Timeout::Resolve | Timeout::Connect => "connect",
                    Timeout::PerWrite | Timeout::SendRequest | Timeout::SendBody => "write",
                    Timeout::Global | Timeout::PerCall => WHOLE,
                    _ => "read",
                },
            },
            ureq::Error::Io(source) => match source.kind() {
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable => Self::Connect {
                    problem: source.to_string(),
                    passing: true,
                },
                // TLS reports a certificate that it does not trust in this way.
                io::ErrorKind::InvalidData => Self::Connect {
                    problem: source.to_string(),
                    passing: false,
                },
                _ => Self::from(source),
            },
            ureq::Error::HostNotFound => connect(&error, true),
            ureq::Error::ConnectionFailed | ureq::Error::ConnectProxyFailed(_) => {
                connect(&error, true)
            }
            ureq::Error::Tls(_)
            | ureq::Error::Rustls(_)
            | ureq::Error::TlsRequired
            | ureq::Error::InvalidProxyUrl => connect(&error, false),
            ureq::Error::Decompress(_, cause) if cause.kind() == io::ErrorKind::UnexpectedEof => {
                Self::Broken { cause }
            }
            other => Self::Protocol {
                problem: other.to_string().chars().take(200).collect(),
            },
        }
    }
}
