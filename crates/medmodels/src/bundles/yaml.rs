//! The part of YAML that configurations use: maps, lists and scalars, typed as PyYAML does.
//!
//! Anchors, aliases, merges and tags are refused: the first multiply what a file holds, the last name types.

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::value::Value;

const MOST: usize = 1 << 16;
const DEEPEST: usize = 32;

/// A list or map that is not complete, with the key that waits for its value.
struct Open {
    value: Value,
    key: Option<String>,
}

/// The one document of a text, or what is wrong with it.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    let mut left = MOST;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| error.to_string())?;
        let at = |problem: &str| format!("{problem} in line {}", span.start.line());
        left = left.checked_sub(1).ok_or_else(|| at("too many values"))?;
        let done = match event {
            Event::Alias(_)
            | Event::Scalar(_, _, 1.., _)
            | Event::SequenceStart(1.., _)
            | Event::MappingStart(1.., _)
            | Event::Scalar(.., Some(_))
            | Event::SequenceStart(_, Some(_))
            | Event::MappingStart(_, Some(_)) => return Err(at("an anchor, an alias or a tag")),
            Event::Scalar(text, style, ..) => match open.last_mut() {
                // A key is text whatever it looks like.
                Some(Open {
                    value: Value::Object(entries),
                    key: key @ None,
                }) => {
                    if style == ScalarStyle::Plain && text == "<<" {
                        return Err(at("a map that is merged into another"));
                    }
                    if entries.iter().any(|(known, _)| *known == *text) {
                        return Err(at("a key that is there twice"));
                    }
                    *key = Some(text.into_owned());
                    continue;
                }
                _ => scalar(&text, style == ScalarStyle::Plain),
            },
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                let value = match event {
                    Event::SequenceStart(..) => Value::List(Vec::new()),
                    _ => Value::Object(Vec::new()),
                };
                open.push(Open { value, key: None });
                if open.len() > DEEPEST {
                    return Err(at("too many levels"));
                }
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => match open.pop() {
                Some(done) => done.value,
                None => continue,
            },
            _ => continue,
        };
        match open.last_mut() {
            None if root.is_some() => return Err(at("a second document")),
            None => root = Some(done),
            Some(parent) => match (&mut parent.value, parent.key.take()) {
                (Value::List(values), _) => values.push(done),
                (Value::Object(entries), Some(key)) => entries.push((key, done)),
                _ => return Err(at("a key that is a list or a map")),
            },
        }
    }
    root.ok_or_else(|| "an empty file".to_owned())
}

/// A scalar by YAML 1.1 as PyYAML reads it: a number with an exponent needs a point.
fn scalar(text: &str, plain: bool) -> Value {
    if !plain {
        return Value::Text(text.to_owned());
    }
    match text.to_lowercase().as_str() {
        "" | "~" | "null" => return Value::Null,
        "true" | "yes" | "on" => return Value::Bool(true),
        "false" | "no" | "off" => return Value::Bool(false),
        _ => {}
    }
    let number = text.trim_start_matches(['-', '+']);
    if let Some(integer) = text.parse().ok().filter(|_| !octal(number)) {
        return Value::Integer(integer);
    }
    let decimal =
        number.starts_with(|c: char| c.is_ascii_digit() || c == '.') && number.contains('.');
    match text.parse::<f64>() {
        Ok(number) if decimal && number.is_finite() => Value::Number(number),
        _ => Value::Text(text.to_owned()),
    }
}

/// Whether PyYAML reads other digits than stand there; as text it is refused where a number is needed.
fn octal(number: &str) -> bool {
    number.len() > 1 && number.starts_with('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_are_typed_as_pyyaml_does() {
        let text =
            "a: [1, -2, 2.5, 1e-3, 1.0e-3, yes, ~, '1', 010, .inf, $3, '@b#0']\nb: {c: - }\n";
        let refused = read(text);
        assert!(refused.is_err(), "{refused:?}");
        let text = text.replace("{c: - }", "\n  c: text # comment\n  7: null");
        assert_eq!(
            read(&text).unwrap().to_string(),
            "{\"a\": [1, -2, 2.5, \"1e-3\", 0.001, true, null, \"1\", \"010\", \".inf\", \"$3\", \
             \"@b#0\"], \"b\": {\"c\": \"text\", \"7\": null}}"
        );
    }

    #[test]
    fn what_multiplies_or_names_types_is_refused() {
        let deep = "[".repeat(5000);
        let many = format!("[{}]", "1,".repeat(70_000));
        let cases = [
            "a: &x [1]\nb: *x",
            "a: !!python/object:os.system x",
            "a: 1\na: 2",
            "a: 1\n---\nb: 2",
            "? [1]\n: 2",
            "a: 1\n<<: {b: 2}",
            "a: [1",
            "",
            &deep,
            &many,
        ];
        for text in cases {
            assert!(read(text).is_err(), "{}", text.get(..40).unwrap_or(text));
        }
    }
}
