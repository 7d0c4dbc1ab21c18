//! Which server, and how to speak with it.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::{MlflowFault, Retry};
use crate::error::{Error, Result};

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

/// Who asks.
#[derive(Clone, PartialEq, Eq, Default)]
enum Credentials {
    #[default]
    None,
    Basic {
        user: String,
        password: String,
    },
    Token(String),
}

/// Which server, and how to speak with it.
///
/// ```
/// use std::time::Duration;
/// use medtrain::log::mlflow::{Mlflow, MlflowSettings, Retry};
///
/// let settings = MlflowSettings::new("https://mlflow.hospital.example/tracking")
///     .with_token("secret")
///     .with_timeouts(Duration::from_secs(5), Duration::from_secs(30))
///     .with_retry(Retry::default().with_attempts(2));
/// assert!(!format!("{settings:?}").contains("secret"));
/// let client = Mlflow::new(settings)?;
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MlflowSettings {
    /// The address of the server.
    pub uri: String,
    /// How long finding the server and connecting to it may take, each; 10 seconds unless set.
    pub connect_timeout: Duration,
    /// How long the server may be silent; 60 seconds unless set.
    pub read_timeout: Duration,
    /// How often requests are sent again.
    pub retry: Retry,
    /// Whose certificates are believed.
    pub roots: TlsRoots,
    credentials: Credentials,
}

impl MlflowSettings {
    /// The server at an address of `http` or `https`.
    #[must_use]
    pub fn new(uri: impl Into<String>) -> Self {
        Self {
            uri: uri.into(),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            retry: Retry::default(),
            roots: TlsRoots::default(),
            credentials: Credentials::default(),
        }
    }

    /// What MLflow's own clients read from the environment: `MLFLOW_TRACKING_URI`, `MLFLOW_TRACKING_TOKEN`, or
    /// `MLFLOW_TRACKING_USERNAME` and `MLFLOW_TRACKING_PASSWORD`, and `MLFLOW_TRACKING_SERVER_CERT_PATH`; `None` where there is no
    /// address.
    ///
    /// # Errors
    /// When a variable is no text, or the file of certificates cannot be read.
    pub fn from_environment() -> Result<Option<Self>> {
        let Some(uri) = variable("MLFLOW_TRACKING_URI")? else {
            return Ok(None);
        };
        let mut settings = Self::new(uri);
        let user = variable("MLFLOW_TRACKING_USERNAME")?;
        let password = variable("MLFLOW_TRACKING_PASSWORD")?;
        if let (Some(user), Some(password)) = (user, password) {
            settings = settings.with_password(user, password);
        } else if let Some(token) = variable("MLFLOW_TRACKING_TOKEN")? {
            settings = settings.with_token(token);
        }
        if let Some(path) = variable("MLFLOW_TRACKING_SERVER_CERT_PATH")? {
            let pem = std::fs::read(&path).map_err(|source| Error::Io {
                operation: "read",
                path: path.into(),
                source,
            })?;
            settings.roots = TlsRoots::Pem(pem);
        }
        Ok(Some(settings))
    }

    /// Sets user and password.
    #[must_use]
    pub fn with_password(self, user: impl Into<String>, password: impl Into<String>) -> Self {
        let credentials = Credentials::Basic {
            user: user.into(),
            password: password.into(),
        };
        Self {
            credentials,
            ..self
        }
    }

    /// Sets a token.
    #[must_use]
    pub fn with_token(self, token: impl Into<String>) -> Self {
        let credentials = Credentials::Token(token.into());
        Self {
            credentials,
            ..self
        }
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

    /// Sets how often requests are sent again.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        Self { retry, ..self }
    }

    /// Sets whose certificates are believed.
    #[must_use]
    pub fn with_roots(self, roots: TlsRoots) -> Self {
        Self { roots, ..self }
    }

    /// The address without the slash at its end.
    pub(super) fn base(&self) -> std::result::Result<String, MlflowFault> {
        // An address that is refused is not repeated: it may hold a password.
        let refused = |rule| Err(MlflowFault::setting("the address of the server", rule));
        let (scheme, rest) = self.uri.split_once("://").unwrap_or_default();
        if !matches!(scheme, "http" | "https") {
            return refused("of http or https (databases and folders are not written to)");
        }
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return refused("without user and password, which belong into the settings");
        }
        let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'\\');
        if authority.is_empty() || !rest.bytes().all(fits) {
            return refused("a host and a path in visible ASCII characters");
        }
        Ok(self.uri.trim_end_matches('/').to_owned())
    }

    /// The value of `Authorization`.
    pub(super) fn authorization(&self) -> std::result::Result<Option<String>, MlflowFault> {
        let fits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        match &self.credentials {
            Credentials::None => Ok(None),
            Credentials::Basic { user, .. } if user.contains(':') => {
                Err(MlflowFault::setting("the user", "without colon"))
            }
            Credentials::Basic { user, password } => {
                let pair = STANDARD.encode(format!("{user}:{password}"));
                Ok(Some(format!("Basic {pair}")))
            }
            Credentials::Token(token) if fits(token) => Ok(Some(format!("Bearer {token}"))),
            Credentials::Token(_) => Err(MlflowFault::setting(
                "the token",
                "of visible ASCII characters",
            )),
        }
    }

    /// What must stand in no message.
    pub(super) fn secret(&self) -> Option<&str> {
        match &self.credentials {
            Credentials::None => None,
            Credentials::Basic { password, .. } => Some(password),
            Credentials::Token(token) => Some(token),
        }
    }

    pub(super) fn tls(&self) -> std::result::Result<TlsConfig, MlflowFault> {
        let roots = match &self.roots {
            TlsRoots::Platform => RootCerts::PlatformVerifier,
            TlsRoots::Pem(pem) => {
                let certificate = |item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(certificate),
                    _ => None,
                };
                let certificates: Vec<_> = parse_pem(pem).filter_map(certificate).collect();
                if certificates.is_empty() {
                    let what = "the roots of TLS";
                    return Err(MlflowFault::setting(
                        what,
                        "at least one certificate in PEM",
                    ));
                }
                RootCerts::from(certificates)
            }
        };
        Ok(TlsConfig::builder().root_certs(roots).build())
    }
}

/// Only of which kind credentials are, never what.
impl fmt::Debug for MlflowSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = match self.credentials {
            Credentials::None => "None",
            Credentials::Basic { .. } => "Basic",
            Credentials::Token(_) => "Token",
        };
        // An address that is none may hold a password.
        let uri = self.base().unwrap_or_else(|_| "(refused)".to_owned());
        f.debug_struct("MlflowSettings")
            .field("uri", &uri)
            .field("credentials", &format_args!("{credentials}"))
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// A variable of the environment that is set to something.
fn variable(name: &'static str) -> Result<Option<String>> {
    match std::env::var(name) {
        Ok(value) if value.is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::Mlflow {
            doing: "reading the environment".to_owned(),
            fault: Box::new(MlflowFault::setting(name, "text")),
        }),
    }
}
