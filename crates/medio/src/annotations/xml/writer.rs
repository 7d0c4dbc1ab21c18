//! Writes XML with two spaces a level.

use std::borrow::Cow;

use super::super::fault::{Fault, Problem};
use super::super::number::number_text;
use super::cursor::check_element;
use super::rule::{check_characters, check_name};

/// Writes XML with two spaces a level; the first thing that XML cannot hold is remembered, with its place.
#[derive(Default)]
pub(in super::super) struct Writer {
    text: String,
    open: Vec<String>,
    fault: Option<Fault>,
}

impl Writer {
    /// Begins a file.
    pub(in super::super) fn declare(&mut self) {
        self.text
            .push_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
    }

    fn indent(&mut self) {
        self.text.push_str(&"  ".repeat(self.open.len()));
    }

    fn note(&mut self, inside: &str, checked: Result<(), Problem>) {
        if let (None, Err(problem)) = (&self.fault, checked) {
            let mut path = self.open.join("/");
            if !inside.is_empty() {
                path.push('/');
                path.push_str(inside);
            }
            self.fault = Some(Fault::new(path, problem));
        }
    }

    /// Opens an element.
    pub(in super::super) fn open<'a>(
        &mut self,
        name: &str,
        attributes: impl IntoIterator<Item = (&'a str, Cow<'a, str>)>,
    ) {
        self.tag(name, attributes, ">\n");
        self.open.push(name.to_owned());
    }

    /// An element with attributes alone.
    pub(in super::super) fn empty<'a>(
        &mut self,
        name: &str,
        attributes: impl IntoIterator<Item = (&'a str, Cow<'a, str>)>,
    ) {
        self.tag(name, attributes, "/>\n");
    }

    fn tag<'a>(
        &mut self,
        element: &str,
        attributes: impl IntoIterator<Item = (&'a str, Cow<'a, str>)>,
        end: &str,
    ) {
        self.indent();
        self.text.push('<');
        self.text.push_str(element);
        let mut names: Vec<&str> = Vec::new();
        for (name, value) in attributes {
            self.note(element, check_name(name));
            self.note(element, check_characters(&value));
            if names.contains(&name) {
                let problem = Problem::Duplicate {
                    what: "attribute",
                    value: name.to_owned(),
                };
                self.note(element, Err(problem));
            }
            names.push(name);
            self.text
                .push_str(&format!(" {name}=\"{}\"", escaped(&value)));
        }
        self.text.push_str(end);
    }

    /// Closes the element that was opened last.
    pub(in super::super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.text.push_str(&format!("</{name}>\n"));
        }
    }

    /// An element with text.
    pub(in super::super) fn leaf(&mut self, name: &str, text: &str) {
        self.note(name, check_characters(text));
        self.indent();
        self.text
            .push_str(&format!("<{name}>{}</{name}>\n", escaped(text)));
    }

    /// An element with a name of its own and text.
    pub(in super::super) fn named(&mut self, element: &str, name: &str, text: &str) {
        self.note(element, check_characters(name));
        self.note(element, check_characters(text));
        self.indent();
        let (name, text) = (escaped(name), escaped(text));
        self.text
            .push_str(&format!("<{element} name=\"{name}\">{text}</{element}>\n"));
    }

    /// An element with a number.
    pub(in super::super) fn number(&mut self, name: &str, value: f64) {
        self.leaf(name, &number_text(value));
    }

    /// An element that was kept as it stood.
    pub(in super::super) fn kept(&mut self, xml: &str) {
        self.note("", check_element(xml).map_err(|fault| fault.problem));
        self.indent();
        self.text.push_str(xml);
        self.text.push('\n');
    }

    /// Refuses what XML cannot hold of what was written until now, in a place that the caller knows.
    pub(in super::super) fn check(&mut self, place: impl FnOnce() -> String) -> Result<(), Fault> {
        match self.fault.take() {
            Some(fault) => Err(Fault::new(
                format!("{}, {}", place(), fault.at),
                fault.problem,
            )),
            None => Ok(()),
        }
    }

    /// The text of the file.
    ///
    /// # Errors
    /// Refuses what XML cannot hold: control characters, names of attributes that are none or are there twice,
    /// and kept elements that are none.
    pub(in super::super) fn finish(self) -> Result<String, Fault> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self.text),
        }
    }
}

/// Text as XML has it, also line breaks and tabs in attributes, which readers would make spaces of.
pub(in super::super) fn escaped(text: &str) -> String {
    let text = quick_xml::escape::escape(text);
    text.replace('\n', "&#10;")
        .replace('\r', "&#13;")
        .replace('\t', "&#9;")
}
