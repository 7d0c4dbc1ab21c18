//! The small part of YAML that descriptions of datasets use: maps, lists and scalars, no references.
//!
//! Anchors, aliases and tags are refused: the first multiply what a file holds, the last name types.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

use super::fault::{Fault, Problem};
use super::json::quoted;
use super::model::repeated;

type Result<T> = std::result::Result<T, Fault>;

/// Descriptions are short; longer ones are refused.
const MAX_BYTES: usize = 1 << 20;
const MAX_NODES: usize = 65_536;
const MAX_DEPTH: usize = 16;

/// A value and its line.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Yaml {
    pub line: usize,
    pub value: Value,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Text, and whether it stood without quotes.
    Scalar(String, bool),
    List(Vec<Yaml>),
    Map(Vec<(String, Yaml)>),
}

/// A list or map that is not complete, with the key that waits for its value.
struct Open {
    node: Yaml,
    key: Option<String>,
}

impl Yaml {
    /// The one document of a text.
    pub(super) fn parse(text: &str) -> Result<Self> {
        if text.len() > MAX_BYTES {
            let problem = Problem::expected("at most a mebibyte", &text.len().to_string());
            return Err(Fault::new("(whole file)", problem));
        }
        let mut open: Vec<Open> = Vec::new();
        let mut root = None;
        let mut count = 0_usize;
        for event in Parser::new_from_str(text) {
            let (event, span) = event.map_err(|e| syntax(&e))?;
            let line = span.start.line();
            let fault = |problem| Fault {
                at: "(node)".to_owned(),
                line: Some(line),
                problem,
            };
            let anchor = matches!(
                event,
                Event::Scalar(_, _, 1.., _)
                    | Event::SequenceStart(1.., _)
                    | Event::MappingStart(1.., _)
            );
            let tagged = matches!(
                event,
                Event::Scalar(.., Some(_))
                    | Event::SequenceStart(_, Some(_))
                    | Event::MappingStart(_, Some(_))
            );
            if anchor || tagged || matches!(event, Event::Alias(_)) {
                let what = "a YAML anchor, alias or tag";
                return Err(fault(Problem::Unsupported { what }));
            }
            count = count.saturating_add(1);
            if count > MAX_NODES || open.len() > MAX_DEPTH {
                let rule = "at most 65536 values, 16 deep, more than";
                return Err(fault(Problem::expected(rule, "that")));
            }
            let done = match event {
                Event::Scalar(text, style, ..) => {
                    let plain = style == ScalarStyle::Plain;
                    Some(Value::Scalar(text.into_owned(), plain))
                }
                Event::SequenceStart(..) => {
                    let value = Value::List(Vec::new());
                    open.push(Open {
                        node: Self { line, value },
                        key: None,
                    });
                    None
                }
                Event::MappingStart(..) => {
                    let value = Value::Map(Vec::new());
                    open.push(Open {
                        node: Self { line, value },
                        key: None,
                    });
                    None
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let Some(done) = open.pop() else { continue };
                    if let Value::Map(entries) = &done.node.value
                        && let Some(key) = repeated(entries.iter().map(|(key, _)| key))
                    {
                        let value = key.clone();
                        return Err(fault(Problem::Duplicate { what: "key", value }));
                    }
                    root = place(done.node, &mut open, root).map_err(fault)?;
                    None
                }
                _ => None,
            };
            if let Some(value) = done {
                root = place(Self { line, value }, &mut open, root).map_err(fault)?;
            }
        }
        root.ok_or_else(|| Fault::new("(whole file)", Problem::Missing { key: "a document" }))
    }

    /// A complaint about it.
    pub(super) fn fault(&self, at: &str, problem: Problem) -> Fault {
        Fault {
            at: at.to_owned(),
            line: Some(self.line),
            problem,
        }
    }

    /// The complaint that it is not what it must be.
    pub(super) fn expected(&self, at: &str, rule: &'static str) -> Fault {
        self.fault(at, Problem::expected(rule, &self.json()))
    }

    /// The same value as JSON text.
    pub(super) fn json(&self) -> String {
        match &self.value {
            Value::Scalar(text, plain) => {
                let known = matches!(text.as_str(), "true" | "false" | "null");
                let number = || serde_json::from_str::<serde_json::Number>(text).is_ok();
                match text.as_str() {
                    "" | "~" if *plain => "null".to_owned(),
                    text if *plain && (known || number()) => text.to_owned(),
                    text => quoted(text),
                }
            }
            Value::List(values) => {
                let values: Vec<String> = values.iter().map(Self::json).collect();
                format!("[{}]", values.join(", "))
            }
            Value::Map(entries) => {
                let entry =
                    |(key, value): &(String, Self)| format!("{}: {}", quoted(key), value.json());
                let entries: Vec<String> = entries.iter().map(entry).collect();
                format!("{{{}}}", entries.join(", "))
            }
        }
    }
}

fn syntax(error: &ScanError) -> Fault {
    Fault {
        at: "(whole file)".to_owned(),
        line: Some(error.marker().line()),
        problem: Problem::Syntax {
            language: "YAML",
            message: error.info().to_owned(),
        },
    }
}

/// Puts a complete value into the innermost open one, or makes it the root.
fn place(
    node: Yaml,
    open: &mut [Open],
    root: Option<Yaml>,
) -> std::result::Result<Option<Yaml>, Problem> {
    let Some(parent) = open.last_mut() else {
        return match root {
            None => Ok(Some(node)),
            Some(_) => Err(Problem::Unsupported {
                what: "a second YAML document",
            }),
        };
    };
    match (&mut parent.node.value, parent.key.take()) {
        (Value::List(values), _) => values.push(node),
        (Value::Map(entries), Some(key)) => entries.push((key, node)),
        (Value::Map(_), None) => match node.value {
            Value::Scalar(text, _) => parent.key = Some(text),
            _ => return Err(Problem::expected("a key", "a list or a map")),
        },
        (Value::Scalar(..), _) => {}
    }
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_descriptions_use_is_understood() {
        let text = "# comment\npath: ../data # root\nnames:\n  0: person\n  1: 'null'\nnc: 2\nempty:\n\
            list: [1.5, true, \"x y\"]\ndownload: |\n  line one\n  line two\n";
        let root = Yaml::parse(text).unwrap();
        assert_eq!(
            root.json(),
            r#"{"path": "../data", "names": {"0": "person", "1": "null"}, "nc": 2, "empty": null, "#
                .to_owned()
                + r#""list": [1.5, true, "x y"], "download": "line one\nline two\n"}"#
        );
    }

    #[test]
    fn references_tags_depth_and_second_documents_are_refused() {
        let deep = "[".repeat(100) + &"]".repeat(100);
        let texts = [
            "a: &x [1]\nb: *x",
            "a: !!python/object:os.system x",
            "a: 1\n---\nb: 2",
            "",
            &deep,
            "{a",
            "a: 1\na: 2",
        ];
        for text in texts {
            assert!(Yaml::parse(text).is_err(), "{text}");
        }
    }
}
