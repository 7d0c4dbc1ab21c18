//! Who asks: nobody, a user with a password, or whoever holds a token.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fault::Fault;

/// What goes into the `Authorization` of a request.
#[derive(Clone)]
pub(super) enum Credentials {
    None,
    Basic { user: String, password: String },
    Bearer(String),
    Tokens(TokenSource),
}

/// Only of which kind, never what.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic",
            Self::Bearer(_) => "Bearer",
            Self::Tokens(_) => "Tokens",
        })
    }
}

type Source = dyn Fn() -> Result<String, Box<dyn std::error::Error + Send + Sync>> + Send + Sync;

/// Makes tokens and keeps the last.
#[derive(Clone)]
pub(super) struct TokenSource {
    source: Arc<Source>,
    last: Arc<Mutex<Option<Arc<str>>>>,
}

impl TokenSource {
    pub(super) fn new<F>(source: F) -> Self
    where
        F: Fn() -> Result<String, Box<dyn std::error::Error + Send + Sync>> + Send + Sync + 'static,
    {
        Self {
            source: Arc::new(source),
            last: Arc::default(),
        }
    }

    /// The last token, or another one if that is the one that was refused.
    fn token(&self, refused: Option<&str>) -> Result<Arc<str>, Fault> {
        // Threads that were refused together wait here for one new token.
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match &*last {
            Some(token) if refused != Some(token) => Ok(Arc::clone(token)),
            _ => {
                *last = None;
                let token: Arc<str> = (self.source)().map_err(Fault::Token)?.into();
                *last = Some(Arc::clone(&token));
                Ok(token)
            }
        }
    }
}

/// The value of `Authorization`, and the token in it that can be replaced.
#[derive(Default)]
pub(super) struct Authorization {
    pub(super) value: Option<String>,
    pub(super) token: Option<Arc<str>>,
}

impl Credentials {
    pub(super) fn authorization(&self, refused: Option<&str>) -> Result<Authorization, Fault> {
        let (value, token) = match self {
            Self::None => (None, None),
            Self::Basic { user, password } => {
                let pair = STANDARD.encode(format!("{user}:{password}"));
                (Some(format!("Basic {pair}")), None)
            }
            Self::Bearer(token) => (Some(format!("Bearer {token}")), None),
            Self::Tokens(source) => {
                let token = source.token(refused)?;
                (Some(format!("Bearer {token}")), Some(token))
            }
        };
        Ok(Authorization { value, token })
    }

    /// Refuses what cannot stand in a header field.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let fits = match self {
            Self::Basic { user, .. } => !user.contains(':'),
            Self::Bearer(token) => !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic()),
            Self::None | Self::Tokens(_) => true,
        };
        let rule = "a user without colon, or a token of visible ASCII characters";
        fits.then_some(())
            .ok_or_else(|| Fault::setting("credentials", rule))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_token_is_made_once_until_it_is_refused() {
        let made = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&made);
        let credentials = Credentials::Tokens(TokenSource::new(move || {
            Ok(format!("t{}", counter.fetch_add(1, Ordering::Relaxed)))
        }));
        let value = |refused| credentials.authorization(refused).unwrap().value.unwrap();
        assert_eq!(value(None), "Bearer t0");
        assert_eq!(value(None), "Bearer t0");
        assert_eq!(value(Some("t0")), "Bearer t1");
        // Another thread was refused with the same old token: the new one serves it.
        assert_eq!(value(Some("t0")), "Bearer t1");
        assert_eq!(made.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn secrets_are_not_shown() {
        let settings = crate::dicomweb::Settings::new()
            .basic("user", "hunter2")
            .header("X-Key", "hunter2");
        assert!(!format!("{settings:?}").contains("hunter2"));
    }

    #[test]
    fn basic_is_base64() {
        let credentials = Credentials::Basic {
            user: "Aladdin".into(),
            password: "open sesame".into(),
        };
        let value = credentials.authorization(None).unwrap().value.unwrap();
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    }
}
