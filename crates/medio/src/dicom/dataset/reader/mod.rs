//! Reads a dataset without recursion: nesting is a list of open sequences and items, bounded by the budget.
//!
//! Every length is held against what is there, and against the item around it, before anything is
//! allocated. Large values at the top stay in the file.

mod bounds;
mod element;
mod fragments;
mod header;
mod nesting;

use medcore::Budget;

use super::super::fault::Fault;
use super::super::tag::Tag;
use super::super::transfer_syntax::Encoding;
use super::super::warning::{Slip, Warning};
use super::Dataset;
use super::source::Cursor;
use crate::report::Report;
use bounds::tag_of;
use nesting::Open;

const UNDEFINED: u32 = u32::MAX;

/// What bounds a reader, and how strict it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits<'a> {
    pub(crate) budget: &'a Budget,
    /// Whether a file that ends inside an element gives what stands before it.
    pub(crate) lenient: bool,
    /// Values longer than this stay in the file, if they are bytes at the top.
    pub(crate) deferred_above: u64,
}

pub(crate) struct Parser<'c, 's, 'l> {
    cursor: &'c mut Cursor<'s>,
    limits: Limits<'l>,
    report: &'c mut Report,
    root: Dataset,
    root_encoding: Encoding,
    /// What has begun: sequences and items take turns.
    open: Vec<Open>,
    last_tag: Tag,
    /// Whether this is file meta information.
    in_meta: bool,
}

/// Why an element could not be read on.
enum Stop {
    /// The file ended; with lenience what stands before counts.
    End(Fault),
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<'c, 's, 'l> Parser<'c, 's, 'l> {
    pub(crate) fn new(
        cursor: &'c mut Cursor<'s>,
        encoding: Encoding,
        limits: Limits<'l>,
        report: &'c mut Report,
    ) -> Self {
        Self {
            cursor,
            limits,
            report,
            root: Dataset::new(),
            root_encoding: encoding,
            open: Vec::new(),
            last_tag: Tag::new(0, 0),
            in_meta: false,
        }
    }

    /// Reads file meta information: the elements of group 0002, and where they end.
    pub(crate) fn meta(mut self) -> Result<Dataset, Fault> {
        self.in_meta = true;
        loop {
            let head = self.cursor.peek(4)?.first_chunk::<4>().copied();
            let group = head.map(|head| tag_of(head, Encoding::EXPLICIT).group());
            if group != Some(0x0002) {
                return Ok(self.root);
            }
            self.last_tag = Tag::new(2, 0);
            match self.element() {
                Ok(()) if self.open.is_empty() => {}
                Ok(()) => {
                    return Err(Fault::InvalidElement {
                        tag: self.last_tag,
                        offset: self.cursor.offset(),
                        rule: "file meta information holds no sequences",
                        got: "a sequence".to_owned(),
                    });
                }
                Err(Stop::End(fault) | Stop::Fault(fault)) => return Err(fault),
            }
        }
    }

    /// Reads to the end of the store; of a deflated one, to the end of its pixel data.
    pub(crate) fn dataset(mut self) -> Result<Dataset, Fault> {
        loop {
            match self.step() {
                Ok(true) => {}
                Ok(false) => break,
                Err(Stop::End(_)) if self.limits.lenient => {
                    let offset = self.cursor.offset();
                    let tag = self.last_tag;
                    self.report.add(Warning::Truncated { tag, offset });
                    while !self.open.is_empty() {
                        self.close();
                    }
                    break;
                }
                Err(Stop::End(fault) | Stop::Fault(fault)) => return Err(fault),
            }
        }
        let mut root = std::mem::take(&mut self.root);
        self.settle(&mut root)?;
        Ok(root)
    }

    fn settle(&mut self, dataset: &mut Dataset) -> Result<(), Fault> {
        let found = dataset.settle();
        let offset = self.cursor.offset();
        if let Some(tag) = found.unordered {
            self.report.slip(Slip::Unordered, tag, offset);
        }
        if let Some(tag) = found.repeated {
            self.report.slip(Slip::Repeated, tag, offset);
        }
        if let Some(tag) = found.contradictory {
            if !self.limits.lenient {
                return Err(Fault::InvalidElement {
                    tag,
                    offset,
                    rule: "an attribute has one value in a dataset",
                    got: "two that differ".to_owned(),
                });
            }
            self.report.add(Warning::Contradiction { tag });
        }
        Ok(())
    }

    /// Closes what ends here, or reads one element or one item's start. Says whether there is more.
    fn step(&mut self) -> Result<bool, Stop> {
        let offset = self.cursor.offset();
        match self.open.last() {
            None => {
                let there = self.cursor.peek(1)?;
                if there.is_empty() {
                    return Ok(false);
                }
                let deflated = self.root_encoding.deflated;
                if deflated && self.last_tag == Tag::PIXEL_DATA {
                    return Ok(false);
                }
                self.element()?;
            }
            Some(open) if open.end() == Some(offset) => self.close_checked()?,
            Some(Open::Sequence {
                tag, end, encoding, ..
            }) => {
                let (tag, end, encoding) = (*tag, *end, *encoding);
                self.next_item(tag, end, encoding)?;
            }
            Some(Open::Item { .. }) => self.element()?,
        }
        Ok(true)
    }
}
