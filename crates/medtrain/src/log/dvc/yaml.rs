//! The small part of YAML that DVC's files and settings use: maps, lists and scalars.
//!
//! Anchors, aliases and tags are refused: the first multiply what a file holds, the last name types.

use std::path::Path;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Files are short; longer ones are refused.
const MAX_BYTES: usize = 16 << 20;
const MAX_DEPTH: usize = 32;

/// What a scalar without quotes is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plain {
    /// Text, whatever it looks like: a hash may look like a number.
    Text,
    /// Null, truth, a number or text, by the core schema of YAML 1.2.
    Typed,
}

/// Reads the settings of a `params.yaml`, numbers as numbers.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("params.yaml");
/// std::fs::write(&path, "train:\n  epochs: 20\n  rate: 1e-3\n  norm: batch\n")?;
/// let settings = medtrain::log::dvc::read_params(&path)?;
/// assert_eq!(settings["train"]["rate"], 0.001);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the file cannot be read, is no YAML, or has anchors, tags or a key twice.
pub fn read_params(path: &Path) -> Result<Value> {
    read(path, Plain::Typed)
}

pub(super) fn read(path: &Path, plain: Plain) -> Result<Value> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Io {
        operation: "read",
        path: path.to_owned(),
        source,
    })?;
    parse(&text, plain).map_err(|reason| Error::BadDvcFile {
        path: path.to_owned(),
        reason,
    })
}

fn parse(text: &str, plain: Plain) -> std::result::Result<Value, String> {
    if text.len() > MAX_BYTES {
        return Err(format!("it is larger than {MAX_BYTES} bytes"));
    }
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        plain,
        depth: 0,
    };
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentStart(_) => {}
            Event::StreamEnd | Event::DocumentEnd => return Ok(Value::Null),
            event => return reader.value(event),
        }
    }
}

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    plain: Plain,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> std::result::Result<Event<'a>, String> {
        match self.events.next() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("it ends too early".to_owned()),
        }
    }

    /// The value that an event begins.
    fn value(&mut self, event: Event<'a>) -> std::result::Result<Value, String> {
        let unsupported = || Err("anchors, aliases and tags are not read".to_owned());
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("it is more than {MAX_DEPTH} values deep"));
        }
        let value = match event {
            Event::Scalar(text, style, 0, None) => match (style, self.plain) {
                (ScalarStyle::Plain, Plain::Typed) => typed(&text),
                _ => Value::String(text.into_owned()),
            },
            Event::SequenceStart(0, None) => {
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break Value::Array(list),
                        event => list.push(self.value(event)?),
                    }
                }
            }
            Event::MappingStart(0, None) => {
                let mut map = Map::new();
                loop {
                    let key = match self.next()? {
                        Event::MappingEnd => break Value::Object(map),
                        Event::Scalar(key, _, 0, None) => key.into_owned(),
                        _ => return Err("keys must be texts".to_owned()),
                    };
                    let event = self.next()?;
                    let value = self.value(event)?;
                    if map.insert(key.clone(), value).is_some() {
                        return Err(format!("{key} is there twice"));
                    }
                }
            }
            _ => return unsupported(),
        };
        self.depth -= 1;
        Ok(value)
    }
}

/// A scalar without quotes by the core schema; numbers that JSON does not know stay texts.
fn typed(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    if let Ok(whole) = text.parse::<i64>() {
        return whole.into();
    }
    let is_number =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    let number = { text.bytes().all(is_number) }.then(|| text.parse::<f64>().ok());
    let number = number.flatten().and_then(serde_json::Number::from_f64);
    number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

/// The text of settings: maps line by line, lists as JSON has them.
pub(super) fn write(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(map, 0, &mut out),
        value => out = format!("{}\n", inline(value)),
    }
    out
}

fn block(map: &Map<String, Value>, depth: usize, out: &mut String) {
    for (key, value) in map {
        *out += &"  ".repeat(depth);
        *out += &text(key);
        match value {
            Value::Object(map) if !map.is_empty() => {
                *out += ":\n";
                block(map, depth + 1, out);
            }
            value => *out += &format!(": {}\n", inline(value)),
        }
    }
}

/// JSON is YAML as well.
fn inline(value: &Value) -> String {
    match value {
        Value::String(string) => text(string),
        value => value.to_string(),
    }
}

/// A text without quotes where every reader takes it for a text, else with those of JSON.
fn text(text: &str) -> String {
    let is_word =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/');
    let begins = text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic);
    // Readers of YAML 1.1 take these for truths, too.
    let reserved = [
        "y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan",
    ];
    let small = text.to_ascii_lowercase();
    match begins && text.bytes().all(is_word) && !reserved.contains(&small.as_str()) {
        true => text.to_owned(),
        false => Value::String(text.to_owned()).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_come_back_as_they_were() {
        let settings = json!({
            "network": {"channels": [4, 8.5, "a"], "name": "u-net", "norm": {}, "on": "on"},
            "text": "a: b # \"c\"\n\u{e9}\u{7}",
            "empty": "", "looks": "12", "null": null, "truth": true, "rate": 1e-7, "big": 1e300,
            "a: b": -3,
        });
        assert_eq!(parse(&write(&settings), Plain::Typed).unwrap(), settings);
        assert_eq!(parse(&write(&json!({})), Plain::Typed).unwrap(), json!({}));
    }

    #[test]
    fn scalars_have_types_where_they_are_wanted() {
        let text = "a: 012e4\nb: '1'\nc: .inf\nd: ~\ne: 1_000\nf: +5\n";
        let typed = json!({"a": 120_000.0, "b": "1", "c": ".inf", "d": null, "e": "1_000", "f": 5});
        assert_eq!(parse(text, Plain::Typed).unwrap(), typed);
        assert_eq!(parse(text, Plain::Text).unwrap()["a"], "012e4");
    }

    #[test]
    fn what_is_no_plain_yaml_is_refused() {
        let deep = "[".repeat(40) + &"]".repeat(40);
        for text in [
            "a: &x 1",
            "a: *x",
            "a: !!int 1",
            "a: 1\na: 2",
            "[a]: 1",
            "a: [1",
            &deep,
        ] {
            assert!(parse(text, Plain::Typed).is_err(), "{text}");
        }
        assert_eq!(parse("", Plain::Typed).unwrap(), Value::Null);
    }
}
