//! `data.yaml`: where the images are and what the classes are called.

use super::super::extra::{Extra, Format};
use super::super::fault::{Fault, Problem};
use super::super::json::{quoted, utf8};
use super::super::yaml::{Value, Yaml};

type Result<T> = std::result::Result<T, Fault>;

/// A description of a YOLO dataset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Description {
    /// The folder that splits are below, as the file names it.
    pub path: Option<String>,
    /// Splits (`train`, `val`, `test`) and their folders of images or lists of files.
    pub splits: Vec<(String, Vec<String>)>,
    /// Names of the classes, in the order of their numbers.
    pub names: Vec<String>,
    /// How many key points, and numbers of each.
    pub kpt_shape: Option<[usize; 2]>,
    /// For every key point the one that it becomes in a mirrored image.
    pub flip_idx: Vec<usize>,
    /// Other keys, their values as JSON, which is YAML too.
    pub extra: Extra,
}

impl Description {
    /// Reads the text of a `data.yaml`.
    ///
    /// # Errors
    /// Returns the line and the rule; refuses anchors, aliases and tags, class numbers that are not 0, 1, 2 ...,
    /// and a number of classes (`nc`) that is not that of the names.
    pub fn decode(bytes: &[u8], budget: &medcore::Budget) -> Result<Self> {
        let root = Yaml::parse(utf8(bytes, budget)?)?;
        let Value::Map(entries) = &root.value else {
            return Err(root.expected("(whole file)", "a map"));
        };
        let mut found = Self {
            extra: Extra::new(Format::Yolo),
            ..Self::default()
        };
        let mut classes = None;
        for (key, value) in entries {
            match key.as_str() {
                "path" => found.path = Some(text(key, value)?),
                "train" | "val" | "test" => {
                    if value.json() != "null" {
                        found.splits.push((key.clone(), split(key, value)?));
                    }
                }
                "names" => found.names = names(value)?,
                "nc" => classes = Some((number(key, value)?, value)),
                "kpt_shape" => {
                    let shape = <[usize; 2]>::try_from(numbers(key, value)?);
                    let shape = shape.ok().filter(|[_, dims]| (2..=3).contains(dims));
                    let shape = shape
                        .ok_or_else(|| value.expected(key, "key points and their numbers, 2 or 3"));
                    found.kpt_shape = Some(shape?);
                }
                "flip_idx" => found.flip_idx = numbers(key, value)?,
                _ => found.extra.push(key.clone(), value.json()),
            }
        }
        if found.names.is_empty() {
            return Err(root.fault("(whole file)", Problem::Missing { key: "names" }));
        }
        if let Some((classes, value)) = classes.filter(|(n, _)| *n != found.names.len()) {
            let got = classes.to_string();
            return Err(value.fault("nc", Problem::expected("the number of names", &got)));
        }
        Ok(found)
    }

    /// The text of a `data.yaml`.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut lines = Vec::new();
        if let Some(path) = &self.path {
            lines.push(format!("path: {}", quoted(path)));
        }
        for (split, places) in &self.splits {
            let quoted: Vec<String> = places.iter().map(|place| quoted(place)).collect();
            lines.push(match quoted.as_slice() {
                [one] => format!("{split}: {one}"),
                many => format!("{split}: [{}]", many.join(", ")),
            });
        }
        if let Some([count, dims]) = self.kpt_shape {
            lines.push(format!("kpt_shape: [{count}, {dims}]"));
        }
        if !self.flip_idx.is_empty() {
            let numbers: Vec<String> = self.flip_idx.iter().map(usize::to_string).collect();
            lines.push(format!("flip_idx: [{}]", numbers.join(", ")));
        }
        lines.push(format!("nc: {}", self.names.len()));
        lines.push("names:".to_owned());
        for (number, name) in self.names.iter().enumerate() {
            lines.push(format!("  {number}: {}", quoted(name)));
        }
        for (key, value) in self.extra.of(Format::Yolo) {
            lines.push(format!("{}: {value}", quoted(key)));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

fn text(key: &str, value: &Yaml) -> Result<String> {
    match &value.value {
        Value::Scalar(text, _) => Ok(text.clone()),
        _ => Err(value.expected(key, "text")),
    }
}

fn number(key: &str, value: &Yaml) -> Result<usize> {
    let number = text(key, value)?.parse();
    number.map_err(|_| value.expected(key, "a whole number, not negative"))
}

fn numbers(key: &str, value: &Yaml) -> Result<Vec<usize>> {
    match &value.value {
        Value::List(values) => values.iter().map(|value| number(key, value)).collect(),
        _ => Err(value.expected(key, "a list of whole numbers")),
    }
}

fn split(key: &str, value: &Yaml) -> Result<Vec<String>> {
    match &value.value {
        Value::List(values) => values.iter().map(|value| text(key, value)).collect(),
        _ => Ok(vec![text(key, value)?]),
    }
}

/// A list of names, or a map from 0, 1, 2 ... in any order.
fn names(value: &Yaml) -> Result<Vec<String>> {
    let entries = match &value.value {
        Value::List(values) => return values.iter().map(|v| text("names", v)).collect(),
        Value::Map(entries) => entries,
        Value::Scalar(..) => return Err(value.expected("names", "a list or a map")),
    };
    let mut names = vec![None; entries.len()];
    for (key, name) in entries {
        let slot = key
            .parse::<usize>()
            .ok()
            .and_then(|number| names.get_mut(number));
        let slot =
            slot.ok_or_else(|| name.fault("names", Problem::expected("keys 0, 1, 2 ...", key)))?;
        *slot = Some(text("names", name)?);
    }
    let all: Option<Vec<String>> = names.into_iter().collect();
    all.ok_or_else(|| value.expected("names", "keys 0, 1, 2 ..., each once"))
}
