//! Walks through a document, element by element.

use std::borrow::Cow;

use medcore::Budget;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::super::fault::{Fault, Problem};
use super::super::number::narrow;
use super::element::Element;
use super::rule::{check_attributes, check_characters, check_name, foreign};

type Result<T> = std::result::Result<T, Fault>;

/// Attributes of one element.
const MAX_ATTRIBUTES: usize = 256;
/// Elements that are held as one tree.
const MAX_ELEMENTS: usize = 16_384;

/// Walks through a document.
pub(in super::super) struct Cursor<'t> {
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
pub(super) fn fault(source: &str, offset: usize, at: &str, problem: Problem) -> Fault {
    let before = source.as_bytes().get(..offset).unwrap_or_default();
    let breaks = before.iter().filter(|byte| **byte == b'\n').count();
    Fault {
        at: at.to_owned(),
        line: breaks.checked_add(1),
        problem,
    }
}

impl<'t> Cursor<'t> {
    /// Stands before a document.
    pub(super) fn new(source: &'t str) -> Result<Self> {
        if let Some((at, problem)) = foreign(source) {
            return Err(fault(source, at, "(text)", problem));
        }
        let mut reader = Reader::from_str(source);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_comments = true;
        Ok(Self {
            source,
            reader,
            at: 0,
            depth: 0,
            max_depth: Budget::default(),
        })
    }

    /// Enters the root element, which must have this name.
    pub(in super::super) fn enter(
        source: &'t str,
        root: &'static str,
    ) -> Result<(Self, Element<'t>)> {
        let mut cursor = Self::new(source)?;
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
    pub(in super::super) fn depth(&self) -> u32 {
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
    pub(in super::super) fn next(&mut self) -> Result<Option<Element<'t>>> {
        loop {
            match self.event()? {
                Event::Start(tag) => return self.opened(&tag).map(Some),
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(None);
                }
                Event::Eof if self.depth > 0 => {
                    return Err(self.fault(syntax("the file ends inside an element")));
                }
                Event::Eof => return Ok(None),
                other => {
                    let text = self.text(other)?;
                    if self.depth == 0 && !text.trim().is_empty() {
                        return Err(self.fault(syntax("text stands before the root element")));
                    }
                }
            }
        }
    }

    fn opened(&mut self, tag: &BytesStart<'_>) -> Result<Element<'t>> {
        self.depth = self.depth.saturating_add(1);
        let deep = self.max_depth.check_depth("XML", self.depth);
        deep.map_err(|e| self.fault(e.into()))?;
        check_name(tag.name().0).map_err(|e| self.fault(e))?;
        check_attributes(tag.attributes_raw()).map_err(|e| self.fault(e))?;
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
            check_name(&name).map_err(|e| self.fault(e))?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|e| self.fault(syntax(e)))?;
            check_characters(&value).map_err(|e| self.fault(e))?;
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
    pub(in super::super) fn fill(&mut self, element: Element<'t>) -> Result<Element<'t>> {
        let mut open = vec![element];
        let mut count = 0_usize;
        while let Some(current) = open.last_mut() {
            match self.event()? {
                Event::Start(tag) => {
                    count = count.saturating_add(1);
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
                Event::Eof => break,
                other => current.text.push_str(&self.text(other)?),
            }
        }
        Err(self.fault(syntax("the file ends inside an element")))
    }

    /// What an event that is neither the beginning nor the end of anything says.
    fn text(&self, event: Event<'t>) -> Result<Cow<'t, str>> {
        match event {
            Event::Text(text) if text.contains("]]>") => {
                Err(self.fault(syntax("]]> stands outside of CDATA")))
            }
            Event::Text(text) => Ok(text.xml10_content()),
            Event::CData(text) => Ok(text.xml10_content()),
            Event::GeneralRef(entity) => self.entity(&entity),
            Event::Decl(declaration) => self.declaration(&declaration),
            Event::DocType(_) => {
                let what = "a document type declaration";
                Err(self.fault(Problem::Unsupported { what }))
            }
            _ => Ok(Cow::Borrowed("")),
        }
    }

    fn entity(&self, entity: &BytesRef<'_>) -> Result<Cow<'t, str>> {
        let refused = |problem| fault(self.source, self.at, "(text)", problem);
        let c = entity.resolve_char_ref().map_err(|e| refused(syntax(e)))?;
        if let Some(c) = c {
            let text = c.to_string();
            check_characters(&text).map_err(refused)?;
            return Ok(text.into());
        }
        let known = resolve_predefined_entity(entity).map(Cow::Borrowed);
        known.ok_or_else(|| {
            self.fault(Problem::Unknown {
                what: "entity",
                value: entity.to_string(),
            })
        })
    }

    fn declaration(&self, declaration: &BytesDecl<'_>) -> Result<Cow<'t, str>> {
        let version = declaration.version().map_err(|e| self.fault(syntax(e)))?;
        let minor = version.strip_prefix("1.").unwrap_or_default();
        if minor.is_empty() || !minor.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.fault(Problem::expected("XML of version 1", &version)));
        }
        if self.at > 0 {
            return Err(self.fault(syntax("something stands before the declaration")));
        }
        Ok(Cow::Borrowed(""))
    }

    /// Whether nothing but space, comments and instructions follows the root element.
    pub(in super::super) fn finish(mut self) -> Result<()> {
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
    pub(in super::super) fn since(&self, element: &Element<'t>) -> &'t str {
        let end = narrow(self.reader.buffer_position());
        self.source.get(element.start..end).unwrap_or_default()
    }
}

/// Whether a text is one element, with nothing around it.
pub(super) fn check_element(text: &str) -> Result<()> {
    let mut cursor = Cursor::new(text)?;
    if cursor.next()?.is_none() {
        return Err(cursor.fault(Problem::Missing { key: "an element" }));
    }
    while cursor.depth > 0 {
        cursor.next()?;
    }
    cursor.finish()
}
