//! One request over HTTP and the answer to it: redirections, credentials, and how much is read.

use std::io::{self, Read};
use std::time::{Duration, Instant, SystemTime};

use ureq::http::{self, HeaderMap, HeaderName, HeaderValue, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::credentials::Authorization;
use super::fault::Fault;
use super::media_type::MediaType;
use super::multipart::MultipartBody;
use super::retry::retry_after;
use super::settings::{Proxy, Settings, TlsRoots};
use super::url::Url;

/// Hears of every piece of an upload that was sent.
pub(super) type OnSent<'a> = &'a mut dyn FnMut(usize) -> io::Result<()>;

/// Where redirections may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Follow {
    /// Anywhere, without credentials.
    Anywhere,
    /// To other places of the same origin.
    SameOrigin,
}

/// What is asked for.
pub(super) struct Request<'a> {
    pub(super) url: Url,
    pub(super) accept: &'a str,
    pub(super) upload: Option<&'a MultipartBody>,
    pub(super) follow: Follow,
}

impl<'a> Request<'a> {
    pub(super) fn get(url: Url, accept: &'a str) -> Self {
        Self {
            url,
            accept,
            upload: None,
            follow: Follow::Anywhere,
        }
    }

    /// For messages.
    pub(super) fn public(&self) -> String {
        let method = if self.upload.is_some() { "POST" } else { "GET" };
        format!("{method} {}", self.url.public())
    }
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Where the answer came from in the end.
    pub(super) url: Url,
    media_type: Option<String>,
    retry_after: Option<Duration>,
    length: Option<u64>,
    /// Whether the body says itself where it ends, not the end of the connection.
    framed: bool,
    body: ureq::BodyReader<'static>,
}

/// An answer's body, up to a limit.
pub(super) struct Limited {
    body: ureq::BodyReader<'static>,
    framed: bool,
    what: &'static str,
    limit: u64,
    left: u64,
}

impl Read for Limited {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            return match self.body.read(&mut [0])? {
                0 => Ok(0),
                _ => Err(Fault::TooLarge {
                    what: self.what,
                    limit: self.limit,
                }
                .into_io()),
            };
        }
        let room = usize::try_from(self.left).map_or(out.len(), |left| left.min(out.len()));
        let n = self.body.read(out.get_mut(..room).unwrap_or(&mut []))?;
        self.left = self
            .left
            .saturating_sub(u64::try_from(n).unwrap_or(u64::MAX));
        Ok(n)
    }
}

impl Limited {
    /// All of it.
    pub(super) fn into_bytes(mut self) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads the little that may stand behind what was wanted of a body: only at its end is its connection free
    /// for the next request. Whatever goes wrong here has no part in the answer.
    pub(super) fn finish(self) {
        if self.framed {
            let _ = io::copy(&mut self.body.take(EPILOGUE), &mut io::sink());
        }
    }
}

/// Most bytes read behind the last part of a body.
const EPILOGUE: u64 = 64 << 10;

/// Bytes of an error's body that go into the message.
const EXCERPT: usize = 400;

/// The beginning of a text for a message, in one line.
pub(super) fn excerpt(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.get(..EXCERPT).unwrap_or(text)).into_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    words.join(" ").chars().map(shown).collect()
}

impl Answer {
    /// The answer itself if its status is one of success.
    pub(super) fn successful(self) -> Result<Self, Fault> {
        match self.status {
            200..=299 => Ok(self),
            _ => Err(self.into_fault()),
        }
    }

    /// Status and beginning of an answer that is none.
    pub(super) fn into_fault(mut self) -> Fault {
        let mut bytes = [0; EXCERPT];
        let mut filled = 0_usize;
        let patience = Instant::now();
        while let Some(room) = bytes.get_mut(filled..).filter(|room| !room.is_empty()) {
            // A body that breaks or dribbles does not matter: the status tells enough.
            match self.body.read(room) {
                Ok(n) if n > 0 && patience.elapsed() < Duration::from_secs(2) => {
                    filled = filled.saturating_add(n);
                }
                _ => break,
            }
        }
        Fault::Http {
            status: self.status,
            excerpt: excerpt(bytes.get(..filled).unwrap_or(&[])),
            retry_after: self.retry_after,
        }
    }

    pub(super) fn media_type(&self) -> Result<Option<MediaType>, Fault> {
        self.media_type.as_deref().map(str::parse).transpose()
    }

    /// The error of an answer that is of another type.
    pub(super) fn unexpected(&self, expected: &'static str) -> Fault {
        let got = self.media_type.as_deref().unwrap_or("");
        Fault::UnexpectedMediaType {
            expected,
            got: got.chars().take(120).collect(),
        }
    }

    /// The body, if it is no longer than `limit`, be it now that its header says so or on the way.
    pub(super) fn body(self, what: &'static str, limit: u64) -> Result<Limited, Fault> {
        if self.length.is_some_and(|length| length > limit) {
            return Err(Fault::TooLarge { what, limit });
        }
        Ok(Limited {
            body: self.body,
            framed: self.framed,
            what,
            limit,
            left: limit,
        })
    }
}

pub(super) struct Transport {
    agent: ureq::Agent,
    headers: HeaderMap,
    max_redirects: u32,
}

/// Header fields that the client makes itself.
const OWN: [HeaderName; 7] = [
    header::EXPECT,
    header::HOST,
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::TRANSFER_ENCODING,
];

impl Transport {
    pub(super) fn new(settings: &Settings) -> Result<Self, Fault> {
        settings.credentials.check()?;
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            let refused = |rule| Fault::setting(format!("header {name:?}"), rule);
            let name = HeaderName::from_bytes(name.as_bytes());
            let name = name.map_err(|_| refused("named by a token"))?;
            if OWN.contains(&name) {
                return Err(refused("none that the client writes itself"));
            }
            let value = HeaderValue::from_str(value);
            let mut value = value.map_err(|_| refused("of visible ASCII characters"))?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        let roots = match &settings.roots {
            TlsRoots::Platform => RootCerts::PlatformVerifier,
            TlsRoots::WebPki => RootCerts::WebPki,
            TlsRoots::Pem(pem) => {
                let mut certificates = Vec::new();
                for item in parse_pem(pem) {
                    if let Ok(PemItem::Certificate(certificate)) = item {
                        certificates.push(certificate);
                    }
                }
                if certificates.is_empty() {
                    let what = "TLS root certificates";
                    return Err(Fault::setting(what, "at least one certificate in PEM"));
                }
                RootCerts::from(certificates)
            }
        };
        let proxy = match &settings.proxy {
            Proxy::Environment => ureq::Proxy::try_from_env(),
            Proxy::None => None,
            Proxy::Url(url) => {
                let proxy = ureq::Proxy::new(url);
                Some(proxy.map_err(|_| Fault::setting("proxy", "the URL of a proxy"))?)
            }
        };
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            // Redirections are followed here, where it is known which origin may see the credentials.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("medio/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(settings.connect_timeout))
            .timeout_connect(Some(settings.connect_timeout))
            .timeout_per_read(Some(settings.read_timeout))
            .timeout_per_write(Some(settings.read_timeout))
            .max_idle_connections_per_host(settings.connections)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .proxy(proxy)
            .build();
        Ok(Self {
            agent: config.new_agent(),
            headers,
            max_redirects: settings.max_redirects,
        })
    }

    /// Sends a request and follows it to its answer.
    pub(super) fn send(
        &self,
        request: &Request<'_>,
        authorization: &Authorization,
        time_left: Option<Duration>,
        sent: OnSent<'_>,
    ) -> Result<Answer, Fault> {
        let begun = Instant::now();
        let mut url = request.url.clone();
        let mut redirects = 0_u32;
        let mut manners = Manners::of(request);
        loop {
            let hop = Hop {
                url: &url,
                authorization,
                time_left: time_left.map(|left| left.saturating_sub(begun.elapsed())),
                manners,
            };
            let response = self.hop(request, &hop, sent)?;
            let status = response.status().as_u16();
            if status == 417 && manners == Manners::AskFirst {
                manners = Manners::SendAtOnce;
                continue;
            }
            let location = match status {
                301 | 302 | 303 | 307 | 308 => response.headers().get(header::LOCATION),
                _ => None,
            };
            let Some(location) = location else {
                return answer(url, response);
            };
            let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
            let refused = |reason| Fault::Redirect {
                url: location.chars().take(200).collect(),
                reason,
            };
            let next = url.resolve(&location);
            let next = next.map_err(|_| refused("it is no URL of http or https"))?;
            if redirects >= self.max_redirects {
                return Err(refused("it is one redirection too many"));
            }
            if url.is_secure() && !next.is_secure() {
                return Err(refused("it leads from https to http"));
            }
            if request.follow == Follow::SameOrigin && !next.same_origin(&request.url) {
                return Err(refused("it leads to another origin"));
            }
            if request.upload.is_some() && !matches!(status, 307 | 308) {
                return Err(refused("instances are sent on by status 307 or 308 only"));
            }
            redirects = redirects.saturating_add(1);
            url = next;
        }
    }

    fn hop(
        &self,
        request: &Request<'_>,
        hop: &Hop<'_>,
        sent: OnSent<'_>,
    ) -> Result<http::Response<ureq::Body>, Fault> {
        let Hop {
            url,
            authorization,
            time_left,
            manners,
        } = *hop;
        if time_left.is_some_and(|left| left.is_zero()) {
            let phase = super::fault::WHOLE;
            return Err(Fault::Timeout { phase });
        }
        // Pixels are compressed already, if at all; text shrinks to a tenth.
        let encoding = match request.accept.contains("json") {
            true => "gzip",
            false => "identity",
        };
        let builder = http::Request::builder()
            .uri(url.to_string())
            .header(header::ACCEPT, request.accept)
            .header(header::ACCEPT_ENCODING, encoding);
        let fields = |mut builder: http::request::Builder| -> Result<_, Fault> {
            if let Some(headers) = builder.headers_mut()
                && url.same_origin(&request.url)
            {
                headers.extend(self.headers.clone());
                if let Some(value) = &authorization.value {
                    let value = HeaderValue::from_str(value);
                    let rule = "of visible ASCII characters";
                    let mut value = value.map_err(|_| Fault::setting("token", rule))?;
                    value.set_sensitive(true);
                    headers.insert(header::AUTHORIZATION, value);
                }
            }
            Ok(builder)
        };
        let invalid = |error: http::Error| Fault::Protocol {
            problem: error.to_string(),
        };
        let response = match request.upload {
            None => {
                let ready = fields(builder.method("GET"))?.body(()).map_err(invalid)?;
                let ready = self.agent.configure_request(ready);
                self.agent.run(ready.timeout_global(time_left).build())
            }
            Some(body) => {
                let boundary = body.boundary();
                let media_type =
                    format!("multipart/related; type=\"application/dicom\"; boundary={boundary}");
                let builder = builder
                    .method("POST")
                    .header(header::CONTENT_TYPE, media_type)
                    .header(header::CONTENT_LENGTH, body.length());
                let builder = match manners {
                    Manners::AskFirst => builder.header(header::EXPECT, "100-continue"),
                    Manners::SendAtOnce => builder,
                };
                let mut reader = body.reader(sent);
                let upload = ureq::SendBody::from_reader(&mut reader);
                let ready = fields(builder)?.body(upload).map_err(invalid)?;
                let ready = self.agent.configure_request(ready);
                self.agent.run(ready.timeout_global(time_left).build())
            }
        };
        Ok(response?)
    }
}

/// How a request begins (RFC 9110 section 10.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manners {
    /// A server that refuses a large upload says so before it is sent. Sent at once, it would break off in the
    /// middle, and why would be lost.
    AskFirst,
    SendAtOnce,
}

/// Smallest upload that is asked for first: a server that does not know how to answer costs a second.
const LARGE: u64 = 1 << 20;

impl Manners {
    fn of(request: &Request<'_>) -> Self {
        match request.upload {
            Some(body) if body.length() > LARGE => Self::AskFirst,
            _ => Self::SendAtOnce,
        }
    }
}

/// One request on the way to its answer.
struct Hop<'a> {
    url: &'a Url,
    authorization: &'a Authorization,
    time_left: Option<Duration>,
    manners: Manners,
}

fn answer(url: Url, response: http::Response<ureq::Body>) -> Result<Answer, Fault> {
    let (parts, body) = response.into_parts();
    let text = |name| {
        let value: Option<&HeaderValue> = parts.headers.get(name);
        value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    if let Some(encoding) = text(header::CONTENT_ENCODING)
        && !encoding.eq_ignore_ascii_case("identity")
    {
        return Err(Fault::Protocol {
            problem: format!("content encoding {encoding:.40?} was not asked for"),
        });
    }
    let wait = text(header::RETRY_AFTER);
    let length = body.content_length();
    Ok(Answer {
        status: parts.status.as_u16(),
        url,
        media_type: text(header::CONTENT_TYPE),
        retry_after: wait.and_then(|value| retry_after(&value, SystemTime::now())),
        framed: length.is_some() || parts.headers.contains_key(header::TRANSFER_ENCODING),
        length,
        body: body.into_with_config().limit(u64::MAX).reader(),
    })
}
