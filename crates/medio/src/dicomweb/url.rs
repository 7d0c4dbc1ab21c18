//! The few URLs a DICOMweb client meets: its service, and the references that come back (RFC 3986 section 5).

use std::fmt;

use super::fault::Fault;

/// A URL of scheme `http` or `https` without credentials and without fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Url {
    secure: bool,
    /// In small letters.
    host: String,
    port: u16,
    /// Path and query, from the first `/`.
    target: String,
}

fn invalid(text: &str, rule: &'static str) -> Fault {
    Fault::InvalidUrl {
        url: text.chars().take(200).collect(),
        rule,
    }
}

/// The scheme of a reference that has one.
fn scheme(reference: &str) -> Option<&str> {
    let (scheme, _) = reference.split_once(':')?;
    let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    (named && scheme.bytes().all(letters)).then_some(scheme)
}

impl Url {
    /// Reads an absolute URL.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let secure = match scheme(text) {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => true,
            Some(scheme) if scheme.eq_ignore_ascii_case("http") => false,
            _ => return Err(invalid(text, "of scheme http or https")),
        };
        let rest = text.split_once(':').map_or("", |(_, rest)| rest);
        let Some(rest) = rest.strip_prefix("//") else {
            return Err(invalid(text, "followed by // and a host"));
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if authority.contains('@') {
            // The text is not repeated: it holds a password.
            return Err(Fault::InvalidUrl {
                url: "(not shown)".to_owned(),
                rule: "without user and password, which belong in the settings",
            });
        }
        let (host, port) = match authority.rsplit_once(':') {
            // The last colon of an address in brackets belongs to it.
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (authority, ""),
        };
        let port = match port {
            "" if secure => 443,
            "" => 80,
            port => {
                let digits = port.bytes().all(|b| b.is_ascii_digit());
                let number = digits.then(|| port.parse().ok()).flatten();
                number.ok_or_else(|| invalid(text, "with a port of 0 to 65535"))?
            }
        };
        let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let fits = match inner {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => {
                let letter = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
                !host.is_empty() && host.bytes().all(letter)
            }
        };
        if !fits {
            return Err(invalid(text, "with a host's name or address"));
        }
        let mut url = Self {
            secure,
            host: host.to_ascii_lowercase(),
            port,
            target: String::new(),
        };
        url.target = if target.starts_with('/') {
            checked(target)?
        } else {
            checked(&format!("/{target}"))?
        };
        Ok(url)
    }

    /// What a reference found under this URL means.
    pub(super) fn resolve(&self, reference: &str) -> Result<Self, Fault> {
        if scheme(reference).is_some() {
            return Self::parse(reference);
        }
        if reference.starts_with("//") {
            let scheme = if self.secure { "https" } else { "http" };
            return Self::parse(&format!("{scheme}:{reference}"));
        }
        let path = self.path();
        let target = match reference.chars().next() {
            None | Some('#') => return Ok(self.clone()),
            Some('/') => reference.to_owned(),
            Some('?') => format!("{path}{reference}"),
            Some(_) => {
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                format!("{folder}/{reference}")
            }
        };
        let target = checked(&target)?;
        Ok(Self {
            target,
            ..self.clone()
        })
    }

    /// The resource `path`, which is known to need no escapes, below this URL.
    pub(super) fn below(&self, path: &str) -> Self {
        let base = self.path().trim_end_matches('/');
        Self {
            target: format!("{base}/{path}"),
            ..self.clone()
        }
    }

    /// The same resource with this query.
    pub(super) fn with_query(&self, query: &str) -> Self {
        let path = self.path();
        let target = match query {
            "" => path.to_owned(),
            query => format!("{path}?{query}"),
        };
        Self {
            target,
            ..self.clone()
        }
    }

    /// The path, without the query.
    pub(super) fn path(&self) -> &str {
        let path = self.target.split_once('?').map(|(path, _)| path);
        path.unwrap_or(&self.target)
    }

    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    pub(super) fn same_origin(&self, other: &Self) -> bool {
        (self.secure, &self.host, self.port) == (other.secure, &other.host, other.port)
    }

    /// A URL of this service's origin: the same one, or that of `http` to a place below this service of `https`,
    /// as servers write it that know nothing of the TLS before them.
    pub(super) fn take_in(&self, url: &Self) -> Option<Self> {
        if self.same_origin(url) {
            return Some(url.clone());
        }
        let below = url.path().strip_prefix(self.path().trim_end_matches('/'));
        let below = below.is_some_and(|rest| rest.starts_with('/'));
        let plain = self.secure && !url.secure && self.host == url.host && below;
        plain.then(|| Self {
            target: url.target.clone(),
            ..self.clone()
        })
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> String {
        let Self { host, port, .. } = self;
        match (self.secure, port) {
            (true, 443) => format!("https://{host}"),
            (false, 80) => format!("http://{host}"),
            (true, port) => format!("https://{host}:{port}"),
            (false, port) => format!("http://{host}:{port}"),
        }
    }

    /// For messages: without the query, which may name a patient.
    pub(super) fn public(&self) -> String {
        format!("{}{}", self.origin(), self.path())
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.target)
    }
}

/// Path and query without fragment and dot segments.
fn checked(target: &str) -> Result<String, Fault> {
    let target = target.split_once('#').map_or(target, |(before, _)| before);
    if !target.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(invalid(target, "written in visible ASCII characters"));
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    let path = kept.join("/");
    Ok(match query {
        Some(query) => format!("/{path}?{query}"),
        None => format!("/{path}"),
    })
}

/// A value of a query: all but the unreserved characters are escaped.
pub(super) fn escape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'*') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Url::parse(text).unwrap().to_string()
    }

    #[test]
    fn a_url_is_read_and_written() {
        assert_eq!(
            shown("HTTP://Pacs.Example:80/dicom-web"),
            "http://pacs.example/dicom-web"
        );
        assert_eq!(
            shown("https://pacs.example:8443?x#y"),
            "https://pacs.example:8443/?x"
        );
        assert_eq!(shown("http://[::1]:8042/a/../b/."), "http://[::1]:8042/b/");
        assert_eq!(shown("http://[::1]"), "http://[::1]/");
        for text in [
            "",
            "pacs.example",
            "file:///etc/passwd",
            "http:/pacs",
            "http://",
            "http://a:b@pacs/",
            "http://pacs:65536/",
            "http://pacs:+1/",
            "http://pa cs/",
            "http://pacs/a b",
            "http://pacs/\r\nX: y",
            "http://[::1/",
            "http://[zz]/",
        ] {
            assert!(Url::parse(text).is_err(), "{text:?}");
        }
        let error = Url::parse("http://me:secret@pacs/").unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn references_are_resolved_as_the_rfc_says() {
        let base = Url::parse("http://h:1/dicom-web/studies/1/metadata?x=1").unwrap();
        for (reference, expected) in [
            ("http://h:1/b", "http://h:1/b"),
            ("//other/b", "http://other/b"),
            ("/b?c", "http://h:1/b?c"),
            ("b", "http://h:1/dicom-web/studies/1/b"),
            ("../../bulk/7", "http://h:1/dicom-web/bulk/7"),
            ("../../../../../b", "http://h:1/b"),
            ("?y", "http://h:1/dicom-web/studies/1/metadata?y"),
            ("", "http://h:1/dicom-web/studies/1/metadata?x=1"),
            ("a:b/c", "refused"),
            ("file:///etc/passwd", "refused"),
        ] {
            let got = base.resolve(reference);
            let got = got.map_or("refused".to_owned(), |url| url.to_string());
            assert_eq!(got, expected, "{reference}");
        }
        assert_eq!(base.public(), "http://h:1/dicom-web/studies/1/metadata");
    }

    #[test]
    fn the_origin_is_scheme_host_and_port() {
        let base = Url::parse("http://pacs/x").unwrap();
        for (text, same) in [
            ("http://PACS:80/y", true),
            ("https://pacs/x", false),
            ("http://pacs:81/x", false),
            ("http://pacs.example/x", false),
        ] {
            assert_eq!(base.same_origin(&Url::parse(text).unwrap()), same, "{text}");
        }
    }

    #[test]
    fn references_from_before_the_proxy_are_taken_in_from_below_the_service_alone() {
        let service = Url::parse("https://pacs/dicom-web/").unwrap();
        for (text, expected) in [
            ("https://pacs/x?y", Some("https://pacs/x?y")),
            (
                "http://pacs/dicom-web/bulk?y",
                Some("https://pacs/dicom-web/bulk?y"),
            ),
            (
                "http://pacs:8042/dicom-web/bulk",
                Some("https://pacs/dicom-web/bulk"),
            ),
            ("http://pacs/bulk", None),
            ("http://pacs/dicom-website", None),
            ("http://pacs/dicom-web/../bulk", None),
            ("http://other/dicom-web/bulk", None),
            ("https://pacs:8043/dicom-web/bulk", None),
        ] {
            let taken = service.take_in(&Url::parse(text).unwrap());
            assert_eq!(taken.map(|url| url.to_string()).as_deref(), expected);
        }
        let plain = Url::parse("http://pacs/dicom-web").unwrap();
        let secure = Url::parse("https://pacs/dicom-web/bulk").unwrap();
        assert_eq!(plain.take_in(&secure), None);
    }

    #[test]
    fn values_of_a_query_cannot_leave_it() {
        assert_eq!(escape("Doe^Jo*&x=1#é"), "Doe%5EJo*%26x%3D1%23%C3%A9");
    }
}
