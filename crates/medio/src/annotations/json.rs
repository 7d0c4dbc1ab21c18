//! JSON read where it lies: values are pieces of the text until somebody asks for them.
//!
//! Nothing is built that nobody asked for, so memory stays near the size of the file however it nests; what
//! is not understood is kept by its text; and every complaint has its line and its keys.

use std::borrow::Cow;
use std::fmt;

use medcore::Budget;
use serde::de::{Deserialize, IgnoredAny};

use super::extra::{Extra, Format};
use super::fault::{Fault, Problem};
use super::model::{Attribute, AttributeValue};
use super::number::{wide, write_number};

/// More keys in one object than any annotation has.
const MAX_KEYS: usize = 65_536;

type Result<T> = std::result::Result<T, Fault>;

/// A value in a text, with the way to it.
#[derive(Clone, Copy)]
pub(super) struct Json<'t, 'p> {
    source: &'t str,
    raw: &'t str,
    parent: Option<&'p Self>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

/// The bytes of a file as text, without a byte order mark.
pub(super) fn utf8<'t>(bytes: &'t [u8], budget: &Budget) -> Result<&'t str> {
    let refused = |problem| Fault::new("(whole file)", problem);
    budget
        .claim_bytes("an annotation file", wide(bytes.len()))
        .map_err(|e| refused(e.into()))?;
    let text = std::str::from_utf8(bytes).map_err(|e| {
        refused(Problem::Syntax {
            language: "UTF-8",
            message: e.to_string(),
        })
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

impl<'t, 'p> Json<'t, 'p> {
    /// The value that a text is.
    pub(super) fn parse(source: &'t str) -> Result<Self> {
        // The one look at the whole: from here on, every text is known to be JSON.
        let valid: std::result::Result<IgnoredAny, _> = serde_json::from_str(source);
        valid.map_err(|e| Fault {
            at: "(whole file)".to_owned(),
            line: Some(e.line()),
            problem: Problem::Syntax {
                language: "JSON",
                message: e.to_string(),
            },
        })?;
        Ok(Self {
            source,
            raw: source.trim(),
            parent: None,
            step: Step::Root,
        })
    }

    /// Its text.
    pub(super) fn raw(&self) -> &'t str {
        self.raw
    }

    /// A complaint about it.
    pub(super) fn fault(&self, problem: Problem) -> Fault {
        let offset = self
            .raw()
            .as_ptr()
            .addr()
            .checked_sub(self.source.as_ptr().addr());
        let before = offset.and_then(|offset| self.source.as_bytes().get(..offset));
        let breaks = before.map(|before| before.iter().filter(|b| **b == b'\n').count());
        let at = self.to_string();
        Fault {
            at: if at.is_empty() {
                "(whole file)".to_owned()
            } else {
                at
            },
            line: breaks.and_then(|n| n.checked_add(1)),
            problem,
        }
    }

    /// The complaint that it is not what it must be.
    pub(super) fn expected(&self, rule: &'static str) -> Fault {
        self.fault(Problem::expected(rule, self.raw()))
    }

    pub(super) fn is_list(&self) -> bool {
        self.raw().starts_with('[')
    }

    pub(super) fn is_object(&self) -> bool {
        self.raw().starts_with('{')
    }

    fn read<T: Deserialize<'t>>(&self, rule: &'static str) -> Result<T> {
        serde_json::from_str(self.raw()).map_err(|_| self.expected(rule))
    }

    pub(super) fn number(&self) -> Result<f64> {
        self.read("a number")
    }

    pub(super) fn integer(&self) -> Result<i64> {
        self.read("a whole number")
    }

    /// A number of pixels.
    pub(super) fn pixels(&self) -> Result<usize> {
        self.read::<u32>("a number of pixels").and_then(|value| {
            usize::try_from(value).map_err(|_| self.expected("a number of pixels"))
        })
    }

    pub(super) fn text(&self) -> Result<String> {
        self.read("text")
    }

    /// So many numbers.
    pub(super) fn numbers<const N: usize>(&self, rule: &'static str) -> Result<[f64; N]> {
        let mut numbers = [0.0; N];
        let mut left = numbers.iter_mut();
        self.each(|value| {
            let slot = left.next().ok_or_else(|| self.expected(rule))?;
            *slot = value.number()?;
            Ok(())
        })?;
        match left.next() {
            Some(_) => Err(self.expected(rule)),
            None => Ok(numbers),
        }
    }

    /// All its numbers.
    pub(super) fn number_list(&self) -> Result<Vec<f64>> {
        self.read("a list of numbers")
    }

    /// All its counts.
    pub(super) fn count_list(&self) -> Result<Vec<u64>> {
        self.read("a list of whole numbers, not negative")
    }

    /// Calls `visit` for every value of a list.
    pub(super) fn each(&self, mut visit: impl FnMut(Json<'t, '_>) -> Result<()>) -> Result<()> {
        let inside = self
            .raw
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let mut left = inside.ok_or_else(|| self.expected("a list"))?.trim_start();
        let mut index = 0_usize;
        while !left.is_empty() {
            let (raw, rest) = first_value(left);
            visit(Json {
                source: self.source,
                raw,
                parent: Some(self),
                step: Step::Index(index),
            })?;
            left = behind_comma(rest);
            index = index.saturating_add(1);
        }
        Ok(())
    }

    /// The keys of an object.
    pub(super) fn fields(&self) -> Result<Fields<'t, '_>> {
        let inside = self
            .raw
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'));
        let mut left = inside
            .ok_or_else(|| self.expected("an object"))?
            .trim_start();
        let mut entries: Vec<(Cow<'t, str>, &'t str)> = Vec::new();
        while !left.is_empty() {
            let (key, rest) = first_value(left);
            let value = rest.trim_start().strip_prefix(':').unwrap_or_default();
            let (raw, rest) = first_value(value.trim_start());
            if entries.len() >= MAX_KEYS {
                return Err(self.fault(Problem::expected("at most 65536 keys, one more", key)));
            }
            entries.push((key_text(key).map_err(|problem| self.fault(problem))?, raw));
            left = behind_comma(rest);
        }
        let keys = entries.iter().map(|(key, _)| key);
        if let Some(key) = super::model::repeated(keys) {
            let value = key.chars().take(40).collect();
            return Err(self.fault(Problem::Duplicate { what: "key", value }));
        }
        Ok(Fields {
            node: Json {
                source: self.source,
                raw: self.raw,
                parent: self.parent,
                step: self.step,
            },
            entries,
        })
    }
}

/// The value at the beginning of a text that is known to be JSON, and what stands behind it.
fn first_value(text: &str) -> (&str, &str) {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    let mut end = text.len();
    for (at, byte) in text.bytes().enumerate() {
        let mut done = false;
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    quoted = false;
                    done = depth == 0;
                }
                _ => {}
            }
        } else {
            match byte {
                b'"' => quoted = true,
                b'[' | b'{' => depth = depth.saturating_add(1),
                b']' | b'}' => {
                    depth = depth.saturating_sub(1);
                    done = depth == 0;
                }
                // Numbers and names end before what separates them.
                b',' | b':' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        if done {
            end = at.saturating_add(1);
            break;
        }
    }
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// What stands behind the next comma.
fn behind_comma(text: &str) -> &str {
    let text = text.trim_start();
    text.strip_prefix(',').unwrap_or(text).trim_start()
}

/// A key without its quotes, not copied where it has no escapes.
fn key_text(quoted: &str) -> std::result::Result<Cow<'_, str>, Problem> {
    let plain = quoted
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    match plain {
        Some(text) if !text.contains('\\') => Ok(Cow::Borrowed(text)),
        _ => serde_json::from_str(quoted)
            .map(Cow::Owned)
            .map_err(|_| Problem::expected("a key", quoted)),
    }
}

// As functions, these serve for values wherever they stand, which methods of one `Json<'t, 'p>` do not.

/// A number.
pub(super) fn number(value: &Json<'_, '_>) -> Result<f64> {
    value.number()
}

/// A whole number.
pub(super) fn integer(value: &Json<'_, '_>) -> Result<i64> {
    value.integer()
}

/// A whole number that is not negative.
pub(super) fn count(value: &Json<'_, '_>) -> Result<u64> {
    value.read("a whole number, not negative")
}

/// A number of pixels.
pub(super) fn pixels(value: &Json<'_, '_>) -> Result<usize> {
    value.pixels()
}

/// Text.
pub(super) fn text(value: &Json<'_, '_>) -> Result<String> {
    value.text()
}

impl fmt::Display for Json<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}")?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => {
                let root = self.parent.is_none_or(|p| matches!(p.step, Step::Root));
                write!(f, "{}{key}", if root { "" } else { "." })
            }
        }
    }
}

/// The keys of an object, taken one by one; what is left over is kept as it stands.
pub(super) struct Fields<'t, 'p> {
    node: Json<'t, 'p>,
    entries: Vec<(Cow<'t, str>, &'t str)>,
}

impl<'t, 'p> Fields<'t, 'p> {
    /// The object itself.
    pub(super) fn node(&self) -> &Json<'t, 'p> {
        &self.node
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(k, _)| k == key)
    }

    /// What `read` makes of a key's value, if the key is there.
    pub(super) fn take<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&Json<'t, '_>) -> Result<T>,
    ) -> Result<Option<T>> {
        let Some(at) = self.entries.iter().position(|(k, _)| k == key) else {
            return Ok(None);
        };
        let (_, raw) = self.entries.remove(at);
        let value = Json {
            source: self.node.source,
            raw,
            parent: Some(&self.node),
            step: Step::Key(key),
        };
        read(&value).map(Some)
    }

    /// As [`Fields::take`], for a key that `null` stands for as its absence does; the `null` is kept.
    pub(super) fn take_some<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&Json<'t, '_>) -> Result<T>,
    ) -> Result<Option<T>> {
        match self.entries.iter().find(|(k, _)| k == key) {
            Some((_, raw)) if *raw != "null" => self.take(key, read),
            _ => Ok(None),
        }
    }

    /// As [`Fields::take`], for a key that must be there.
    pub(super) fn need<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Json<'t, '_>) -> Result<T>,
    ) -> Result<T> {
        let found = self.take(key, read)?;
        found.ok_or_else(|| self.node.fault(Problem::Missing { key }))
    }

    /// The remaining keys with their text.
    pub(super) fn rest(self, format: Format) -> Extra {
        let mut extra = Extra::new(format);
        for (key, raw) in self.entries {
            extra.push(key.into_owned(), raw.to_owned());
        }
        extra
    }

    /// The remaining keys as attributes.
    pub(super) fn attributes(self) -> Vec<Attribute> {
        let entries = self.entries.into_iter();
        entries
            .map(|(name, raw)| Attribute {
                name: name.into_owned(),
                value: attribute_value(raw),
            })
            .collect()
    }
}

fn attribute_value(raw: &str) -> AttributeValue {
    let number = || {
        serde_json::from_str::<f64>(raw)
            .ok()
            .filter(|v| v.abs() < 9e15)
    };
    if let Ok(text) = serde_json::from_str(raw) {
        AttributeValue::Text(text)
    } else if let Ok(flag) = serde_json::from_str(raw) {
        AttributeValue::Flag(flag)
    } else if let Some(number) = number() {
        AttributeValue::Number(number)
    } else {
        AttributeValue::Json(raw.to_owned())
    }
}

/// Writes JSON: commas where they belong, lines where they are asked for.
#[derive(Default)]
pub(super) struct Writer {
    text: String,
    comma: bool,
}

impl Writer {
    fn separate(&mut self) {
        if self.comma {
            self.text.push(',');
        }
        self.comma = true;
    }

    /// Begins the next value on a line of its own.
    pub(super) fn line(&mut self) {
        self.separate();
        self.text.push('\n');
        self.comma = false;
    }

    pub(super) fn open(&mut self, bracket: char) {
        self.separate();
        self.text.push(bracket);
        self.comma = false;
    }

    pub(super) fn close(&mut self, bracket: char) {
        self.text.push(bracket);
        self.comma = true;
    }

    pub(super) fn key(&mut self, key: &str) {
        self.text(key);
        self.text.push(':');
        self.comma = false;
    }

    /// A value that is JSON already.
    pub(super) fn raw(&mut self, json: &str) {
        self.separate();
        self.text.push_str(json);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.separate();
        self.text.push_str(&quoted(text));
    }

    pub(super) fn number(&mut self, value: f64) {
        self.separate();
        write_number(&mut self.text, value);
    }

    pub(super) fn numbers(&mut self, values: impl IntoIterator<Item = f64>) {
        self.open('[');
        values.into_iter().for_each(|value| self.number(value));
        self.close(']');
    }

    /// A whole number or a truth value.
    pub(super) fn plain(&mut self, value: impl fmt::Display) {
        self.raw(&value.to_string());
    }

    /// The keys that another reader of the format left over, unless they were written already.
    pub(super) fn extra(&mut self, extra: &Extra, format: Format, written: &[&str]) {
        for (key, raw) in extra.of(format).filter(|(key, _)| !written.contains(key)) {
            self.key(key);
            self.raw(raw);
        }
    }

    /// Attributes as an object.
    pub(super) fn attributes(&mut self, attributes: &[Attribute]) {
        self.open('{');
        for attribute in attributes {
            self.key(&attribute.name);
            match &attribute.value {
                AttributeValue::Text(text) => self.text(text),
                AttributeValue::Number(value) => self.number(*value),
                AttributeValue::Flag(flag) => self.plain(flag),
                AttributeValue::Json(raw) => self.raw(raw),
            }
        }
        self.close('}');
    }

    pub(super) fn finish(mut self) -> String {
        self.text.push('\n');
        self.text
    }
}

/// Text as JSON has it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_name_line_and_keys() {
        let text = "{\"a\": [1,\n {\"b\": \"x\"}]}";
        let root = Json::parse(text).unwrap();
        let mut fields = root.fields().unwrap();
        let complaint = fields.need("a", |list| {
            list.each(|value| match value.is_object() {
                true => value.fields()?.need("b", number).map(drop),
                false => Ok(()),
            })
        });
        let complaint = complaint.unwrap_err().to_string();
        assert_eq!(complaint, "line 2, a[1].b: must be a number, got \"x\"");
    }

    #[test]
    fn keys_that_are_there_twice_are_refused() {
        let root = Json::parse(r#"{"a": 1, "\u0061": 2}"#).unwrap();
        let refused = root.fields().map(drop).unwrap_err();
        assert!(
            matches!(refused.problem, Problem::Duplicate { .. }),
            "{refused}"
        );
    }

    #[test]
    fn what_is_left_over_keeps_its_text() {
        let root = Json::parse(r#"{"a": 1, "b": [1.0, {"c":2e5}], "d": null}"#).unwrap();
        let mut fields = root.fields().unwrap();
        assert_eq!(fields.take("a", count).unwrap(), Some(1));
        assert_eq!(fields.take_some("d", count).unwrap(), None);
        let extra = fields.rest(Format::Coco);
        assert_eq!(extra.get("b"), Some(r#"[1.0, {"c":2e5}]"#));
        assert_eq!(extra.get("d"), Some("null"));
        let mut writer = Writer::default();
        writer.open('{');
        writer.extra(&extra, Format::Coco, &[]);
        writer.extra(&extra, Format::Cvat, &[]);
        writer.close('}');
        assert_eq!(writer.finish(), "{\"b\":[1.0, {\"c\":2e5}],\"d\":null}\n");
    }
}
