//! The client: a server, the settings to talk to it, and requests that are sent until they are answered.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::credentials::Authorization;
use super::fault::{Fault, WHOLE};
use super::settings::Settings;
use super::transport::{Answer, OnSent, Request, Transport};
use super::url::Url;

/// A DICOMweb server (PS3.18) as its clients see it; clones share connections and tokens.
///
/// ```no_run
/// use medio::dicomweb::{Client, Query, Resource, Settings};
///
/// let settings = Settings::new().basic("reader", "secret").connections(4);
/// let client = Client::with_settings("https://pacs.example/dicom-web", settings)?;
/// for series in client.search(&Query::series().patient_id("P-7").modality("CT")) {
///     let series = Resource::of(&series?)?;
///     client.download(&series, "ct")?;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    url: Url,
    settings: Settings,
    transport: Transport,
    requests: AtomicU64,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.url())
            .field("settings", &self.inner.settings)
            .finish()
    }
}

/// Why an attempt came to nothing: the server and the way to it, or something here.
#[derive(Debug)]
pub(super) enum Failure {
    Web(Fault),
    Local(crate::Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Web(fault)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Web(error.into())
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self::Local(error)
    }
}

impl Client {
    /// A client with default settings for the service at `url`, for instance `http://localhost:8042/dicom-web`.
    ///
    /// # Errors
    /// Refuses URLs that are not of `http` or `https`, or that hold a user's password.
    pub fn new(url: &str) -> crate::Result<Self> {
        Self::with_settings(url, Settings::new())
    }

    /// As [`Self::new`], with settings. Nothing is sent yet.
    ///
    /// # Errors
    /// Refuses what [`Self::new`] refuses, and header fields, certificates and proxies that are none.
    pub fn with_settings(url: &str, settings: Settings) -> crate::Result<Self> {
        let set_up = |mut settings: Settings| {
            let url = Url::parse(url)?.with_query("");
            settings.retry = settings.retry.seeded();
            let transport = Transport::new(&settings)?;
            Ok(Self {
                inner: Arc::new(Inner {
                    url,
                    settings,
                    transport,
                    requests: AtomicU64::new(0),
                }),
            })
        };
        set_up(settings).map_err(wrong("set up a client"))
    }

    /// The service's URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.inner.url.to_string()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(super) fn service(&self) -> &Url {
        &self.inner.url
    }

    /// Sends a request until `take` has made something of its answer, as often as the settings allow.
    pub(super) fn exchange<T>(
        &self,
        request: &Request<'_>,
        take: impl FnMut(Answer) -> Result<T, Failure>,
    ) -> crate::Result<T> {
        self.exchange_counted(request, &mut |_| Ok(()), take)
    }

    /// As [`Self::exchange`]; `sent` hears of what goes out.
    pub(super) fn exchange_counted<T>(
        &self,
        request: &Request<'_>,
        sent: OnSent<'_>,
        mut take: impl FnMut(Answer) -> Result<T, Failure>,
    ) -> crate::Result<T> {
        let number = self.inner.requests.fetch_add(1, Ordering::Relaxed);
        let begun = Instant::now();
        let Settings {
            retry,
            request_timeout,
            ..
        } = self.settings();
        let time_left = || request_timeout.map(|whole| whole.saturating_sub(begun.elapsed()));
        let mut attempt = 0_u32;
        let mut refused: Option<Arc<str>> = None;
        loop {
            let done = self
                .attempt(request, &mut refused, time_left(), sent)
                .map_err(Failure::from)
                .and_then(&mut take);
            let fault = match done {
                Ok(done) => return Ok(done),
                Err(Failure::Local(error)) => return Err(error),
                Err(Failure::Web(fault)) => fault,
            };
            let asked = match &fault {
                Fault::Http { retry_after, .. } => *retry_after,
                _ => None,
            };
            let wait = retry.wait(attempt, number, asked);
            let in_time = |wait: &Duration| time_left().is_none_or(|left| *wait < left);
            match wait.filter(|_| fault.is_passing()) {
                Some(wait) if in_time(&wait) => thread::sleep(wait),
                Some(_) => return Err(wrong(request.public())(Fault::Timeout { phase: WHOLE })),
                None => return Err(wrong(request.public())(fault)),
            }
            attempt = attempt.saturating_add(1);
        }
    }

    /// One attempt, and another where a token has to be replaced, once for all attempts of a request.
    fn attempt(
        &self,
        request: &Request<'_>,
        refused: &mut Option<Arc<str>>,
        time_left: Option<Duration>,
        sent: OnSent<'_>,
    ) -> Result<Answer, Fault> {
        let Inner {
            settings,
            transport,
            ..
        } = &*self.inner;
        let authorize = |refused: Option<&str>| settings.credentials.authorization(refused);
        let first: Authorization = authorize(refused.as_deref())?;
        let answer = transport.send(request, &first, time_left, sent)?;
        match first.token {
            Some(token) if answer.status == 401 && refused.is_none() => {
                let second = authorize(Some(&token))?;
                *refused = Some(token);
                transport.send(request, &second, time_left, sent)
            }
            _ => Ok(answer),
        }
    }
}

/// Adds the request to what went wrong.
pub(super) fn wrong(request: impl Into<String>) -> impl FnOnce(Fault) -> crate::Error {
    let request = request.into();
    move |fault| crate::Error::DicomWeb {
        request,
        fault: Box::new(fault),
    }
}
