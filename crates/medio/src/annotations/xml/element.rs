//! An element with everything in it, taken apart piece by piece.

use std::str::FromStr;

use super::super::extra::{Extra, Format};
use super::super::fault::{Fault, Problem};
use super::cursor::fault;

type Result<T> = std::result::Result<T, Fault>;

/// An element with everything in it.
#[derive(Debug)]
pub(in super::super) struct Element<'t> {
    pub(super) source: &'t str,
    pub(super) start: usize,
    pub(super) end: usize,
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub text: String,
    pub children: Vec<Self>,
}

impl<'t> Element<'t> {
    /// A complaint about it.
    pub(in super::super) fn fault(&self, problem: Problem) -> Fault {
        fault(self.source, self.start, &self.name, problem)
    }

    /// Its text in the file, tags and all.
    pub(in super::super) fn raw(&self) -> &'t str {
        self.source.get(self.start..self.end).unwrap_or_default()
    }

    /// Takes an attribute out.
    pub(in super::super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.attributes.iter().position(|(n, _)| n == name)?;
        Some(self.attributes.remove(at).1)
    }

    /// Takes out an attribute that must be there.
    pub(in super::super) fn need(&mut self, name: &'static str) -> Result<String> {
        let value = self.take(name);
        value.ok_or_else(|| self.fault(Problem::Missing { key: name }))
    }

    /// Takes out an attribute that must be a value of a type.
    pub(in super::super) fn need_value<T: FromStr>(
        &mut self,
        name: &'static str,
        rule: &'static str,
    ) -> Result<T> {
        let text = self.need(name)?;
        let value = text.trim().parse();
        value.map_err(|_| self.fault(Problem::expected(rule, &text)))
    }

    /// Takes out an attribute that must be a finite number.
    pub(in super::super) fn need_number(&mut self, name: &'static str) -> Result<f64> {
        let text = self.need(name)?;
        finite(&text).ok_or_else(|| self.fault(Problem::expected("a finite number", &text)))
    }

    /// Takes a child out.
    pub(in super::super) fn take_child(&mut self, name: &str) -> Option<Self> {
        let at = self.children.iter().position(|child| child.name == name)?;
        Some(self.children.remove(at))
    }

    /// Takes out a child that must be there.
    pub(in super::super) fn need_child(&mut self, name: &'static str) -> Result<Self> {
        let child = self.take_child(name);
        child.ok_or_else(|| self.fault(Problem::Missing { key: name }))
    }

    /// Its text as a finite number.
    pub(in super::super) fn number(&self) -> Result<f64> {
        let number = finite(&self.text);
        number.ok_or_else(|| self.fault(Problem::expected("a finite number", &self.text)))
    }

    /// Its text as a number of pixels.
    pub(in super::super) fn pixels(&self) -> Result<usize> {
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
    pub(in super::super) fn rest(self, format: Format) -> Extra {
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
pub(in super::super) fn finite(text: &str) -> Option<f64> {
    text.trim()
        .parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
}
