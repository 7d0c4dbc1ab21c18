//! Media types with their parameters (RFC 9110 section 8.3.1).

use std::fmt;
use std::str::FromStr;

use super::fault::Fault;

/// What a body is, for instance `multipart/related; type="application/dicom"; boundary=x`.
///
/// ```
/// use medio::dicomweb::MediaType;
///
/// let jpeg: MediaType = r#"image/jp2; transfer-syntax="1.2.840.10008.1.2.4.90""#.parse()?;
/// assert_eq!(jpeg.essence(), "image/jp2");
/// assert_eq!(jpeg.parameter("transfer-syntax"), Some("1.2.840.10008.1.2.4.90"));
/// # Ok::<(), medio::dicomweb::Fault>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    essence: String,
    parameters: Vec<(String, String)>,
}

/// A media type longer than this is none.
const LONGEST: usize = 4096;

fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte)
}

impl MediaType {
    /// Type and subtype in small letters.
    #[must_use]
    pub fn essence(&self) -> &str {
        &self.essence
    }

    /// The value of a parameter, whose name is given in small letters.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        parameters.find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }

    /// Whether the body is several, with a boundary between them.
    #[must_use]
    pub fn is_multipart(&self) -> bool {
        self.essence.starts_with("multipart/")
    }
}

impl FromStr for MediaType {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let refused = |rule: &'static str| Fault::InvalidMediaType {
            value: text.chars().take(80).collect(),
            rule,
        };
        if text.len() > LONGEST {
            return Err(refused("at most 4096 characters long"));
        }
        let (essence, mut rest) = match text.split_once(';') {
            Some((essence, rest)) => (essence.trim(), rest.trim_start()),
            None => (text.trim(), ""),
        };
        let halves = essence.split_once('/');
        let named = |half: &str| !half.is_empty() && half.bytes().all(is_token);
        if !halves.is_some_and(|(kind, subtype)| named(kind) && named(subtype)) {
            return Err(refused("a type, a slash and a subtype"));
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        while !rest.is_empty() {
            let Some((name, after)) = rest.split_once('=') else {
                return Err(refused(
                    "followed by parameters, each a name, = and a value",
                ));
            };
            let name = name.trim().to_ascii_lowercase();
            let after = after.trim_start();
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => unquote(quoted).ok_or_else(|| refused("with quotes in pairs"))?,
                None => {
                    let end = after.find(';').unwrap_or(after.len());
                    let (value, after) = after.split_at_checked(end).unwrap_or((after, ""));
                    (value.trim().to_owned(), after)
                }
            };
            if !named(&name) || value.bytes().any(|b| b.is_ascii_control()) {
                return Err(refused(
                    "followed by parameters, each a name, = and a value",
                ));
            }
            // The first of several counts, as in the header fields of most readers.
            if parameters.iter().all(|(known, _)| *known != name) {
                parameters.push((name, value));
            }
            let after = after.trim_start();
            rest = match after.strip_prefix(';') {
                Some(next) => next.trim_start(),
                None if after.is_empty() => after,
                None => return Err(refused("with a semicolon between parameters")),
            };
        }
        Ok(Self {
            essence: essence.to_ascii_lowercase(),
            parameters,
        })
    }
}

/// The text up to the closing quote, and what follows that.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                let (_, after) = quoted.split_at_checked(at)?;
                return Some((value, after.strip_prefix('"')?));
            }
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.essence)?;
        for (name, value) in &self.parameters {
            if !value.is_empty() && value.bytes().all(is_token) {
                write!(f, "; {name}={value}")?;
            } else {
                let value = value.replace('\\', "\\\\").replace('"', "\\\"");
                write!(f, "; {name}=\"{value}\"")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_quoted_or_not_in_any_case() {
        let text =
            r#"Multipart/Related;Type="application/dicom" ; BOUNDARY = "a b;\"c\\" ; start=x;"#;
        let media: MediaType = text.parse().unwrap();
        assert_eq!(media.essence(), "multipart/related");
        assert!(media.is_multipart());
        assert_eq!(media.parameter("type"), Some("application/dicom"));
        assert_eq!(media.parameter("boundary"), Some("a b;\"c\\"));
        assert_eq!(media.parameter("start"), Some("x"));
        assert_eq!(media.parameter("other"), None);
        let again: MediaType = media.to_string().parse().unwrap();
        assert_eq!(again, media);
    }

    #[test]
    fn nonsense_is_refused() {
        let long = format!("a/b; c={}", "x".repeat(5000));
        for text in [
            "",
            "/",
            "text",
            "a/b c",
            "a/b; c",
            "a/b; c=\"d",
            "a/b; c=\"d\" e",
            "a/b; =d",
            "a/b; c=\"\\",
            "a/b; c=d\re",
            &long,
        ] {
            assert!(text.parse::<MediaType>().is_err(), "{text:?}");
        }
    }
}
