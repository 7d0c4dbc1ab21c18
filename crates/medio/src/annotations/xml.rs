//! XML read element by element: no declarations of types, no entities but XML's own five, bounded in depth,
//! attributes and size of what is held at once.

use std::borrow::Cow;
use std::str::FromStr;

use medcore::Budget;
use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};

use super::extra::{Extra, Format};
use super::fault::{Fault, Problem};
use super::number::{narrow, number_text};

type Result<T> = std::result::Result<T, Fault>;

/// Attributes of one element.
const MAX_ATTRIBUTES: usize = 256;
/// Elements that are held as one tree.
const MAX_ELEMENTS: usize = 16_384;

/// An element with everything in it.
#[derive(Debug)]
pub(super) struct Element<'t> {
    source: &'t str,
    start: usize,
    end: usize,
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Self>,
}

/// Walks through a document.
pub(super) struct Cursor<'t> {
    source: &'t str,
    reader: Reader<&'t [u8]>,
    /// Where the event that was read last begins.
    at: usize,
    depth: u32,
    max_depth: Budget,
}

fn syntax(message: impl ToString) -> Problem {
    Problem::Syntax {
        language: "XML",
        message: message.to_string(),
    }
}

/// The complaint about the place of a byte.
fn fault(source: &str, offset: usize, at: &str, problem: Problem) -> Fault {
    let before = source.as_bytes().get(..offset).unwrap_or_default();
    let breaks = before.iter().filter(|byte| **byte == b'\n').count();
    Fault {
        at: at.to_owned(),
        line: breaks.checked_add(1),
        problem,
    }
}

impl<'t> Cursor<'t> {
    /// Enters the root element, which must have this name.
    pub(super) fn enter(source: &'t str, root: &'static str) -> Result<(Self, Element<'t>)> {
        let mut reader = Reader::from_str(source);
        reader.config_mut().expand_empty_elements = true;
        let mut cursor = Self {
            source,
            reader,
            at: 0,
            depth: 0,
            max_depth: Budget::default(),
        };
        match cursor.next()? {
            Some(element) if element.name == root => Ok((cursor, element)),
            Some(element) => {
                let problem = Problem::Unknown {
                    what: "root element",
                    value: element.name.clone(),
                };
                Err(element.fault(problem))
            }
            None => Err(cursor.fault(Problem::Missing { key: root })),
        }
    }

    /// How many elements are open.
    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    fn fault(&self, problem: Problem) -> Fault {
        fault(self.source, self.at, "(element)", problem)
    }

    fn event(&mut self) -> Result<Event<'t>> {
        self.at = narrow(self.reader.buffer_position());
        let event = self.reader.read_event();
        event.map_err(|e| {
            self.at = narrow(self.reader.error_position());
            self.fault(syntax(e))
        })
    }

    /// The next element inside the one that was entered last, itself entered, without what is in it; `None`
    /// at its end, which is then left.
    pub(super) fn next(&mut self) -> Result<Option<Element<'t>>> {
        loop {
            match self.event()? {
                Event::Start(tag) => {
                    self.depth = self.depth.saturating_add(1);
                    let deep = self.max_depth.check_depth("XML", self.depth);
                    deep.map_err(|e| self.fault(e.into()))?;
                    return self.opened(&tag).map(Some);
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(None);
                }
                Event::Eof if self.depth > 0 => {
                    return Err(self.fault(syntax("the file ends inside an element")));
                }
                Event::Eof => return Ok(None),
                Event::DocType(_) => {
                    let what = "a document type declaration";
                    return Err(self.fault(Problem::Unsupported { what }));
                }
                _ => {}
            }
        }
    }

    fn opened(&self, tag: &BytesStart<'_>) -> Result<Element<'t>> {
        let mut attributes: Vec<(String, String)> = Vec::new();
        let mut raw = tag.attributes();
        // The check for repeated names takes time with the square of their number.
        for attribute in raw.with_checks(false) {
            let attribute = attribute.map_err(|e| self.fault(syntax(e)))?;
            if attributes.len() >= MAX_ATTRIBUTES {
                let got = MAX_ATTRIBUTES.to_string();
                return Err(
                    self.fault(Problem::expected("at most 256 attributes, more than", &got))
                );
            }
            let name = attribute.key.0.to_owned();
            let value = unescape(&attribute.value).map_err(|e| self.fault(syntax(e)))?;
            if attributes.iter().any(|(other, _)| *other == name) {
                return Err(self.fault(Problem::Duplicate {
                    what: "attribute",
                    value: name,
                }));
            }
            attributes.push((name, value.into_owned()));
        }
        Ok(Element {
            source: self.source,
            start: self.at,
            end: self.at,
            name: tag.name().0.to_owned(),
            attributes,
            text: String::new(),
            children: Vec::new(),
        })
    }

    /// Reads everything in an element that was just entered, and leaves it.
    pub(super) fn fill(&mut self, element: Element<'t>) -> Result<Element<'t>> {
        let mut open = vec![element];
        let mut count = 0_usize;
        while let Some(current) = open.last_mut() {
            let event = self.reader.buffer_position();
            match self.event()? {
                Event::Start(tag) => {
                    count = count.saturating_add(1);
                    self.depth = self.depth.saturating_add(1);
                    let deep = self.max_depth.check_depth("XML", self.depth);
                    deep.map_err(|e| self.fault(e.into()))?;
                    if count > MAX_ELEMENTS {
                        let rule = "an element of at most 16384 elements, more than";
                        return Err(self.fault(Problem::expected(rule, &current.name)));
                    }
                    open.push(self.opened(&tag)?);
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    let Some(mut done) = open.pop() else { break };
                    done.end = narrow(self.reader.buffer_position());
                    match open.last_mut() {
                        Some(parent) => parent.children.push(done),
                        None => return Ok(done),
                    }
                }
                Event::Text(text) => current.text.push_str(&text.into_inner()),
                Event::CData(text) => current.text.push_str(&text.into_inner()),
                Event::GeneralRef(entity) => {
                    let char_ref = entity
                        .resolve_char_ref()
                        .map_err(|e| fault(self.source, narrow(event), "(text)", syntax(e)))?;
                    let named = || {
                        resolve_predefined_entity(&entity.borrow().into_inner()).map(str::to_owned)
                    };
                    match char_ref.map(String::from).or_else(named) {
                        Some(text) => current.text.push_str(&text),
                        None => {
                            let value = entity.into_inner().into_owned();
                            let problem = Problem::Unknown {
                                what: "entity",
                                value,
                            };
                            return Err(self.fault(problem));
                        }
                    }
                }
                Event::Eof => return Err(self.fault(syntax("the file ends inside an element"))),
                Event::DocType(_) => {
                    let what = "a document type declaration";
                    return Err(self.fault(Problem::Unsupported { what }));
                }
                _ => {}
            }
        }
        Err(self.fault(syntax("the file ends inside an element")))
    }

    /// Whether nothing but space, comments and instructions follows the root element.
    pub(super) fn finish(mut self) -> Result<()> {
        loop {
            match self.event()? {
                Event::Eof => return Ok(()),
                Event::Comment(_) | Event::PI(_) => {}
                Event::Text(text) if text.trim().is_empty() => {}
                _ => return Err(self.fault(syntax("something follows the root element"))),
            }
        }
    }

    /// The text from the beginning of an element to where the cursor is.
    pub(super) fn since(&self, element: &Element<'t>) -> &'t str {
        let end = narrow(self.reader.buffer_position());
        self.source.get(element.start..end).unwrap_or_default()
    }
}

impl<'t> Element<'t> {
    /// A complaint about it.
    pub(super) fn fault(&self, problem: Problem) -> Fault {
        fault(self.source, self.start, &self.name, problem)
    }

    /// Its text in the file, tags and all.
    pub(super) fn raw(&self) -> &'t str {
        self.source.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes an attribute out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.attributes.iter().position(|(n, _)| n == name)?;
        Some(self.attributes.remove(at).1)
    }

    /// Takes out an attribute that must be there.
    pub(super) fn need(&mut self, name: &'static str) -> Result<String> {
        let value = self.take(name);
        value.ok_or_else(|| self.fault(Problem::Missing { key: name }))
    }

    /// Takes out an attribute that must be a value of a type.
    pub(super) fn need_value<T: FromStr>(
        &mut self,
        name: &'static str,
        rule: &'static str,
    ) -> Result<T> {
        let text = self.need(name)?;
        let value = text.trim().parse();
        value.map_err(|_| self.fault(Problem::expected(rule, &text)))
    }

    /// Takes out an attribute that must be a finite number.
    pub(super) fn need_number(&mut self, name: &'static str) -> Result<f64> {
        let text = self.need(name)?;
        finite(&text).ok_or_else(|| self.fault(Problem::expected("a finite number", &text)))
    }

    /// Takes a child out.
    pub(super) fn take_child(&mut self, name: &str) -> Option<Self> {
        let at = self.children.iter().position(|child| child.name == name)?;
        Some(self.children.remove(at))
    }

    /// Takes out a child that must be there.
    pub(super) fn need_child(&mut self, name: &'static str) -> Result<Self> {
        let child = self.take_child(name);
        child.ok_or_else(|| self.fault(Problem::Missing { key: name }))
    }

    /// Its text as a finite number.
    pub(super) fn number(&self) -> Result<f64> {
        let number = finite(&self.text);
        number.ok_or_else(|| self.fault(Problem::expected("a finite number", &self.text)))
    }

    /// Its text as a number of pixels.
    pub(super) fn pixels(&self) -> Result<usize> {
        let pixels = self
            .text
            .trim()
            .parse::<u32>()
            .ok()
            .filter(|value| *value > 0);
        let pixels = pixels.and_then(|value| usize::try_from(value).ok());
        pixels.ok_or_else(|| self.fault(Problem::expected("a number of pixels", &self.text)))
    }

    /// Keeps the remaining attributes (`@name`) and children.
    pub(super) fn rest(self, format: Format) -> Extra {
        let mut extra = Extra::new(format);
        for (name, value) in self.attributes {
            extra.push(format!("@{name}"), value);
        }
        for child in self.children {
            let raw = child.raw().to_owned();
            extra.push(child.name, raw);
        }
        extra
    }
}

/// A number that is one.
pub(super) fn finite(text: &str) -> Option<f64> {
    text.trim()
        .parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
}

/// Writes XML with two spaces a level.
#[derive(Default)]
pub(super) struct Writer {
    text: String,
    open: Vec<String>,
}

impl Writer {
    fn indent(&mut self) {
        self.text.push_str(&"  ".repeat(self.open.len()));
    }

    /// Opens an element; attributes are given as they are.
    pub(super) fn open<'a>(
        &mut self,
        name: &str,
        attributes: impl IntoIterator<Item = (&'a str, Cow<'a, str>)>,
    ) {
        self.tag(name, attributes, ">\n");
        self.open.push(name.to_owned());
    }

    /// An element with attributes alone.
    pub(super) fn empty<'a>(
        &mut self,
        name: &str,
        attributes: impl IntoIterator<Item = (&'a str, Cow<'a, str>)>,
    ) {
        self.tag(name, attributes, "/>\n");
    }

    fn tag<'a>(
        &mut self,
        name: &str,
        attributes: impl IntoIterator<Item = (&'a str, Cow<'a, str>)>,
        end: &str,
    ) {
        self.indent();
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in attributes {
            self.text
                .push_str(&format!(" {name}=\"{}\"", escaped(&value)));
        }
        self.text.push_str(end);
    }

    /// Closes the element that was opened last.
    pub(super) fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.indent();
            self.text.push_str(&format!("</{name}>\n"));
        }
    }

    /// An element with text.
    pub(super) fn leaf(&mut self, name: &str, text: &str) {
        self.indent();
        self.text
            .push_str(&format!("<{name}>{}</{name}>\n", escaped(text)));
    }

    /// An element with a name of its own and text.
    pub(super) fn named(&mut self, element: &str, name: &str, text: &str) {
        self.indent();
        let (name, text) = (escaped(name), escaped(text));
        self.text
            .push_str(&format!("<{element} name=\"{name}\">{text}</{element}>\n"));
    }

    /// An element with a number.
    pub(super) fn number(&mut self, name: &str, value: f64) {
        self.leaf(name, &number_text(value));
    }

    /// Something that is XML already.
    pub(super) fn raw(&mut self, xml: &str) {
        self.indent();
        self.text.push_str(xml);
        self.text.push('\n');
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Text as XML has it, also line breaks and tabs in attributes, which readers would make spaces of.
pub(super) fn escaped(text: &str) -> String {
    let text = quick_xml::escape::escape(text);
    text.replace('\n', "&#10;")
        .replace('\r', "&#13;")
        .replace('\t', "&#9;")
}
