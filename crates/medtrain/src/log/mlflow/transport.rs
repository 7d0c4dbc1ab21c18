//! One request and the answer to it.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{self, HeaderValue, header};

use super::{MlflowFault, MlflowSettings, Retry};
use crate::error::{Error, Result};

type Sent<T> = std::result::Result<T, MlflowFault>;

/// Longer answers are refused.
const MAX_ANSWER: u64 = 64 << 20;

/// Characters of the server's words that go into a message.
const EXCERPT: usize = 400;

/// Whether a request may be sent again of which it is not known whether it was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Said twice, it counts once.
    Always,
    /// Only if it cannot have been heard.
    Unheard,
}

/// What is sent.
#[derive(Debug, Clone, Copy)]
pub(super) enum Upload<'a> {
    /// Nothing: it is asked for.
    Nothing,
    Json(&'a Value),
    File(&'a Path),
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) method: &'static str,
    /// Below the address of the server.
    pub(super) path: &'a str,
    pub(super) upload: Upload<'a>,
    pub(super) repeat: Repeat,
}

pub(super) struct Transport {
    agent: ureq::Agent,
    base: String,
    authorization: Option<HeaderValue>,
    secret: Option<String>,
    retry: Retry,
}

impl Transport {
    pub(super) fn new(settings: &MlflowSettings) -> Sent<Self> {
        let authorization = match settings.authorization()? {
            None => None,
            Some(value) => {
                let value = HeaderValue::from_str(&value);
                let rule = "of visible ASCII characters";
                let mut value = value.map_err(|_| MlflowFault::setting("credentials", rule))?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // Another server is not to be given the credentials.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("medtrain/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(settings.connect_timeout))
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_per_read(Some(settings.read_timeout))
            .timeout_per_write(Some(settings.read_timeout))
            .tls_config(settings.tls()?)
            .build();
        Ok(Self {
            agent: config.new_agent(),
            base: settings.base()?,
            authorization,
            secret: settings
                .secret()
                .filter(|s| !s.is_empty())
                .map(str::to_owned),
            retry: settings.retry,
        })
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request, again where it failed in passing, and gives the JSON that comes back.
    pub(super) fn send(&self, request: &Request<'_>, retry: Option<Retry>) -> Result<Value> {
        let retry = retry.unwrap_or(self.retry);
        let mut attempt = 0;
        loop {
            let fault = match self.once(request) {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let again = match request.repeat {
                Repeat::Always => fault.is_passing(),
                Repeat::Unheard => fault.is_unheard(),
            };
            let asked = match &fault {
                MlflowFault::Server { retry_after, .. } => *retry_after,
                _ => None,
            };
            let Some(wait) = retry.after(attempt, asked).filter(|_| again) else {
                let path = request.path.split('?').next().unwrap_or_default();
                return Err(Error::Mlflow {
                    doing: format!("{} {}{path}", request.method, self.base),
                    fault: Box::new(fault),
                });
            };
            std::thread::sleep(wait);
            attempt += 1;
        }
    }

    fn once(&self, request: &Request<'_>) -> Sent<Value> {
        let mut builder = http::Request::builder()
            .method(request.method)
            .uri(format!("{}{}", self.base, request.path))
            .header(header::ACCEPT, "application/json");
        if let Some(authorization) = &self.authorization {
            builder = builder.header(header::AUTHORIZATION, authorization.clone());
        }
        let invalid = |error: http::Error| MlflowFault::answer(error.to_string());
        let response = match request.upload {
            Upload::Nothing => self.agent.run(builder.body(()).map_err(invalid)?)?,
            Upload::Json(value) => {
                let builder = builder.header(header::CONTENT_TYPE, "application/json");
                self.agent
                    .run(builder.body(value.to_string()).map_err(invalid)?)?
            }
            Upload::File(path) => {
                let unreadable = |cause| MlflowFault::File {
                    path: path.to_owned(),
                    cause,
                };
                let file = File::open(path).map_err(unreadable)?;
                let length = file.metadata().map_err(unreadable)?.len();
                let builder = builder
                    .header(header::CONTENT_TYPE, "application/octet-stream")
                    .header(header::CONTENT_LENGTH, length);
                let body = ureq::SendBody::from_owned_reader(file);
                self.agent.run(builder.body(body).map_err(invalid)?)?
            }
        };
        self.answer(response)
    }

    fn answer(&self, response: http::Response<ureq::Body>) -> Sent<Value> {
        let (parts, body) = response.into_parts();
        let mut text = String::new();
        let read = body.into_with_config().limit(MAX_ANSWER).reader();
        let read = read.take(MAX_ANSWER).read_to_string(&mut text);
        let status = parts.status.as_u16();
        if !parts.status.is_success() {
            // A body that breaks does not matter: the status tells enough.
            return Err(self.refusal(status, &parts.headers, &text));
        }
        read.map_err(|error| MlflowFault::Broken {
            problem: error.to_string(),
        })?;
        match text.trim() {
            "" => Ok(Value::Null),
            text => serde_json::from_str(text)
                .map_err(|error| MlflowFault::answer(format!("{error} in {}", self.shown(text)))),
        }
    }

    fn refusal(&self, status: u16, headers: &http::HeaderMap, text: &str) -> MlflowFault {
        let field = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        let message = match (said["message"].as_str(), field(header::LOCATION)) {
            (Some(message), _) => message.to_owned(),
            (None, Some(place)) => format!("it leads to {place}: set that as the address"),
            (None, None) => text.to_owned(),
        };
        let seconds = field(header::RETRY_AFTER).and_then(|text| text.trim().parse().ok());
        MlflowFault::Server {
            status,
            code: said["error_code"].as_str().unwrap_or_default().to_owned(),
            message: self.shown(&message),
            retry_after: seconds.map(Duration::from_secs),
        }
    }

    /// The beginning of the server's words in one line, without what is secret.
    fn shown(&self, text: &str) -> String {
        let text = match &self.secret {
            Some(secret) => text.replace(secret.as_str(), "(secret)"),
            None => text.to_owned(),
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        let plain = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        words.join(" ").chars().take(EXCERPT).map(plain).collect()
    }
}

/// A part of a path or a value of a query: all but the unreserved characters are escaped.
pub(super) fn escape(value: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let escaped = value.bytes().map(|byte| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    escaped.collect()
}
