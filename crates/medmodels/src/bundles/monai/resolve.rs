//! A configuration with its references and macros put in: `@name` and `@a#b`, `%name` and `%file.json::name`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use super::expression;
use crate::bundles::folder::{Document, Folder, is_description};
use crate::bundles::place::{Place, joined};
use crate::bundles::value::Value;
use crate::error::Result;

/// References to references.
const DEEPEST: usize = 48;
/// Values that a part may grow to: each reference is a copy.
const MOST: usize = 1 << 17;
/// Files that macros may name.
const MOST_FILES: usize = 16;

/// A configuration, and the folder that macros name files of.
#[derive(Debug)]
pub(super) struct Resolver<'a> {
    folder: &'a Folder,
    main: &'a Document,
    files: RefCell<BTreeMap<String, Rc<Document>>>,
    left: Cell<usize>,
}

/// Where a value stands that is being resolved.
#[derive(Clone)]
struct At<'d> {
    document: &'d Document,
    key: String,
    depth: usize,
}

impl At<'_> {
    fn below(&self, key: &str) -> Self {
        Self {
            key: joined(&self.key, key),
            depth: self.depth + 1,
            ..self.clone()
        }
    }

    fn path(&self) -> &Path {
        &self.document.path
    }
}

impl<'a> Resolver<'a> {
    pub(super) fn new(folder: &'a Folder, main: &'a Document) -> Self {
        Self {
            folder,
            main,
            files: RefCell::default(),
            left: Cell::new(MOST),
        }
    }

    /// What stands under a key of the configuration; none where there is no such key.
    pub(super) fn part(&self, key: &str) -> Result<Option<Value>> {
        let Some(value) = self.main.value.get(key) else {
            return Ok(None);
        };
        let at = At {
            document: self.main,
            key: key.to_owned(),
            depth: 0,
        };
        self.value(value, &at).map(Some)
    }

    /// Counts a value.
    fn count(&self, value: &Value, at: &At<'_>) -> Result<()> {
        let place = || Place::new(at.path(), at.key.as_str(), value);
        // Long text counts for more: each reference to it is a copy.
        let cost = 1 + value.as_text().map_or(0, |text| text.len() / 64);
        let left = { self.left.get().checked_sub(cost) }.filter(|_| at.depth < DEEPEST);
        let rule = || place().refuse(format!("of {MOST} values, {DEEPEST} references deep"));
        self.left.set(left.ok_or_else(rule)?);
        Ok(())
    }

    fn value(&self, value: &Value, at: &At<'_>) -> Result<Value> {
        self.count(value, at)?;
        match value {
            Value::Text(text) => self.text(text, value, at),
            Value::List(values) => {
                let each = values.iter().enumerate();
                let each = each.map(|(i, value)| self.value(value, &at.below(&i.to_string())));
                Ok(Value::List(each.collect::<Result<_>>()?))
            }
            Value::Object(entries) => {
                let each = entries.iter();
                let each = each.map(|(key, value)| {
                    let value = self.value(value, &at.below(key))?;
                    Ok((key.clone(), value))
                });
                Ok(Value::Object(each.collect::<Result<_>>()?))
            }
            other => Ok(other.clone()),
        }
    }

    /// What an expression is: its references are put in, its text stays what it is.
    fn evaluated(&self, value: &Value, at: &At<'_>) -> Result<Value> {
        self.count(value, at)?;
        match value {
            Value::Expression(reference) => self.value(&Value::Text(reference.clone()), at),
            Value::List(values) => {
                let each = values.iter().enumerate();
                let each = each.map(|(i, value)| self.evaluated(value, &at.below(&i.to_string())));
                Ok(Value::List(each.collect::<Result<_>>()?))
            }
            Value::Object(entries) => {
                let each = entries.iter().map(|(key, value)| {
                    let value = self.evaluated(value, &at.below(key))?;
                    Ok((key.clone(), value))
                });
                Ok(Value::Object(each.collect::<Result<_>>()?))
            }
            other => Ok(other.clone()),
        }
    }

    fn text(&self, text: &str, value: &Value, at: &At<'_>) -> Result<Value> {
        let place = || Place::new(at.path(), at.key.as_str(), value);
        match text.chars().next() {
            Some('$') => match expression::read(&text[1..]) {
                Some(data) => self.evaluated(&data, &at.below("$")),
                None => Ok(Value::Expression(text.to_owned())),
            },
            Some('@') => {
                // What a macro takes from another file becomes part of the configuration, and refers to it.
                let found = find(&self.main.value, &text[1..]);
                let found = found.ok_or_else(|| {
                    place().refuse("a reference to what is there, from the root on")
                })?;
                self.value(found, &at.below(text))
            }
            Some('%') => {
                let (file, id) = match text[1..].split_once("::") {
                    Some((file, id)) if is_description(file) => (Some(file), id),
                    _ => match text[1..].split_once('#') {
                        Some((file, id)) if is_description(file) => (Some(file), id),
                        _ if is_description(&text[1..]) => (Some(&text[1..]), ""),
                        _ => (None, &text[1..]),
                    },
                };
                let absent = || place().refuse("a macro of what is there, from the root on");
                let Some(file) = file else {
                    let found = find(&at.document.value, id).ok_or_else(absent)?;
                    return self.value(found, &at.below(text));
                };
                let document = self.file(file, &place())?;
                let found = find(&document.value, id).ok_or_else(absent)?;
                let at = At {
                    document: &document,
                    key: id.to_owned(),
                    depth: at.depth + 1,
                };
                self.value(found, &at)
            }
            _ => Ok(value.clone()),
        }
    }

    /// Another file: beside the configuration, or named from the folder.
    fn file(&self, name: &str, place: &Place<'_>) -> Result<Rc<Document>> {
        if let Some(known) = self.files.borrow().get(name) {
            return Ok(Rc::clone(known));
        }
        if self.files.borrow().len() == MOST_FILES {
            return Err(place.refuse(format!("one of {MOST_FILES} files at most")));
        }
        let beside = format!("configs/{name}");
        let relative = match self.folder.has(&beside)? {
            true => beside.as_str(),
            false => name,
        };
        let document = Rc::new(self.folder.document(relative)?);
        let known = Rc::clone(&document);
        self.files.borrow_mut().insert(name.to_owned(), known);
        Ok(document)
    }
}

/// What keys and positions lead to, joined by `#` or `::`; none for the relative ids that begin with one of them.
fn find<'v>(root: &'v Value, id: &str) -> Option<&'v Value> {
    if id.is_empty() {
        return Some(root);
    }
    let id = id.replace("::", "#");
    id.split('#').try_fold(root, |value, key| match value {
        _ if key.is_empty() => None,
        Value::List(values) => values.get(key.parse::<usize>().ok()?),
        value => value.get(key),
    })
}
