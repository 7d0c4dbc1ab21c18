//! Reads a dataset without recursion: nesting is a list of open sequences and items, bounded by the budget.
//!
//! Every length is held against what is there, and against the item around it, before anything is
//! allocated. Large values at the top stay in the file.

use medcore::Budget;

use super::super::fault::Fault;
use super::super::tag::Tag;
use super::super::transfer_syntax::Encoding;
use super::super::vr::Vr;
use super::super::warning::{Slip, Warning};
use super::Dataset;
use super::source::Cursor;
use super::value::{Deferred, Element, Fragment, Value};
use crate::report::Report;

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

/// A sequence or an item that has begun.
enum Open {
    Sequence {
        tag: Tag,
        vr: Vr,
        items: Vec<Dataset>,
        end: Option<u64>,
        encoding: Encoding,
    },
    Item {
        dataset: Dataset,
        end: Option<u64>,
        encoding: Encoding,
    },
}

impl Open {
    fn end(&self) -> Option<u64> {
        match self {
            Self::Sequence { end, .. } | Self::Item { end, .. } => *end,
        }
    }
}

/// The start of an element.
struct Header {
    tag: Tag,
    vr: Vr,
    length: u32,
    offset: u64,
    /// How nested items are encoded.
    inner: Encoding,
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

fn number16(bytes: [u8; 2], encoding: Encoding) -> u16 {
    if encoding.big_endian {
        u16::from_be_bytes(bytes)
    } else {
        u16::from_le_bytes(bytes)
    }
}

fn number32(bytes: [u8; 4], encoding: Encoding) -> u32 {
    if encoding.big_endian {
        u32::from_be_bytes(bytes)
    } else {
        u32::from_le_bytes(bytes)
    }
}

fn tag_of([a, b, c, d]: [u8; 4], encoding: Encoding) -> Tag {
    Tag::new(number16([a, b], encoding), number16([c, d], encoding))
}

fn truncated(what: impl std::fmt::Display, offset: u64, needed: u64, available: u64) -> Fault {
    Fault::Truncated {
        what: what.to_string(),
        offset,
        needed,
        available,
    }
}

/// Turns big-endian numbers of so many bytes into little-endian ones.
fn swap(bytes: &mut [u8], unit: usize) {
    if unit > 1 {
        for number in bytes.chunks_exact_mut(unit) {
            number.reverse();
        }
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

    fn close_checked(&mut self) -> Result<(), Fault> {
        if let Some(Open::Item { dataset, .. }) = self.open.last_mut() {
            let mut item = std::mem::take(dataset);
            self.settle(&mut item)?;
            if let Some(Open::Item { dataset, .. }) = self.open.last_mut() {
                *dataset = item;
            }
        }
        self.close();
        Ok(())
    }

    /// Moves the innermost sequence or item into what holds it.
    fn close(&mut self) {
        match self.open.pop() {
            Some(Open::Item { mut dataset, .. }) => {
                // Nothing is left to sort unless a truncated file was cut here.
                dataset.settle();
                if let Some(Open::Sequence { items, .. }) = self.open.last_mut() {
                    items.push(dataset);
                }
            }
            Some(Open::Sequence {
                tag, vr, mut items, ..
            }) => {
                items.shrink_to_fit();
                self.holder()
                    .append(Element::new(tag, vr, Value::Items(items)));
            }
            None => {}
        }
    }

    /// The dataset that elements go into now.
    fn holder(&mut self) -> &mut Dataset {
        match self.open.last_mut() {
            Some(Open::Item { dataset, .. }) => dataset,
            _ => &mut self.root,
        }
    }

    fn encoding(&self) -> Encoding {
        match self.open.last() {
            Some(Open::Item { encoding, .. } | Open::Sequence { encoding, .. }) => *encoding,
            None => self.root_encoding,
        }
    }

    /// Bytes that may be read inside what is open; `None` where only inflating would tell.
    fn room(&self) -> (Option<u64>, bool) {
        let here = self.cursor.offset();
        let inner = self.open.iter().rev().find_map(Open::end);
        match inner {
            Some(end) => (Some(end.saturating_sub(here)), true),
            None => (self.cursor.remaining(), false),
        }
    }

    /// Refuses a length that reaches beyond the file or the item around it.
    fn check(&self, what: Tag, start: u64, length: u64) -> Result<(), Stop> {
        let (room, enclosed) = self.room();
        match room {
            Some(room) if length > room => {
                let beyond_file = self.cursor.remaining().is_some_and(|left| length > left);
                if enclosed && !beyond_file {
                    return Err(Stop::Fault(Fault::InvalidElement {
                        tag: what,
                        offset: start,
                        rule: "a value ends inside the item around it",
                        got: format!("{length} bytes where {room} are left"),
                    }));
                }
                let available = self.cursor.remaining().unwrap_or(room);
                Err(Stop::End(truncated(what, start, length, available)))
            }
            _ => Ok(()),
        }
    }

    fn array<const N: usize>(&mut self, what: Tag, start: u64) -> Result<[u8; N], Stop> {
        let needed = u64::try_from(N).unwrap_or(u64::MAX);
        self.check(what, start, needed)?;
        let found = self.cursor.array::<N>()?;
        found.map_err(|available| Stop::End(truncated(what, start, needed, available)))
    }

    fn next_item(
        &mut self,
        sequence: Tag,
        end: Option<u64>,
        encoding: Encoding,
    ) -> Result<(), Stop> {
        let start = self.cursor.offset();
        let head = self.array::<4>(sequence, start)?;
        let length = number32(self.array::<4>(sequence, start)?, encoding);
        let tag = tag_of(head, encoding);
        match tag {
            Tag::SEQUENCE_DELIMITATION if end.is_none() => {
                self.close();
                Ok(())
            }
            Tag::ITEM => {
                let item_end = match length {
                    UNDEFINED => None,
                    length => Some(self.end(sequence, start, u64::from(length))?),
                };
                let levels = u32::try_from(self.open.len().div_ceil(2)).unwrap_or(u32::MAX);
                let budget = self.limits.budget;
                budget
                    .check_depth("nested items", levels)
                    .and_then(|()| budget.claim_bytes("items", 64))
                    .map_err(Fault::core("dataset"))?;
                let outer = self.open.iter().rev().find_map(|open| match open {
                    Open::Item { dataset, .. } => Some(dataset.character_set()),
                    Open::Sequence { .. } => None,
                });
                let character_set = outer.unwrap_or(self.root.character_set());
                self.open.push(Open::Item {
                    dataset: Dataset::within(character_set),
                    end: item_end,
                    encoding,
                });
                Ok(())
            }
            Tag::SEQUENCE_DELIMITATION => {
                self.report.slip(Slip::StrayDelimiter, sequence, start);
                Ok(())
            }
            other => Err(Stop::Fault(Fault::InvalidElement {
                tag: sequence,
                offset: start,
                rule: "a sequence consists of items",
                got: other.to_string(),
            })),
        }
    }

    /// Reads the tag, the representation and the length of an element.
    fn header(&mut self) -> Result<Header, Stop> {
        let offset = self.cursor.offset();
        let encoding = self.encoding();
        let tag = tag_of(self.array::<4>(self.last_tag, offset)?, encoding);
        self.last_tag = tag;
        let delimiter = tag.group() == 0xfffe;
        if delimiter || !encoding.explicit {
            let length = number32(self.array::<4>(tag, offset)?, encoding);
            let vr = self.implicit_vr(tag);
            let inner = encoding;
            return Ok(Header {
                tag,
                vr,
                length,
                offset,
                inner,
            });
        }
        let code = self.array::<2>(tag, offset)?;
        let Some(vr) = Vr::from_code(code) else {
            return Err(Stop::Fault(Fault::InvalidElement {
                tag,
                offset,
                rule: "a value representation of PS3.5 table 6.2-1",
                got: code.escape_ascii().to_string(),
            }));
        };
        let length = if vr.has_long_length() {
            self.array::<2>(tag, offset)?;
            number32(self.array::<4>(tag, offset)?, encoding)
        } else {
            u32::from(number16(self.array::<2>(tag, offset)?, encoding))
        };
        let mut header = Header {
            tag,
            vr,
            length,
            offset,
            inner: encoding,
        };
        if vr == Vr::UN {
            // What is inside is implicit and little-endian, whatever is around it (PS3.5 section 6.2.2).
            header.inner = Encoding::IMPLICIT;
            let known = match tag.entry() {
                Some(_) => Some(self.implicit_vr(tag)),
                None if tag.is_private_creator() => Some(Vr::LO),
                None if length == UNDEFINED => Some(Vr::SQ),
                None => None,
            };
            if let Some(known) = known.filter(|known| *known != Vr::UN) {
                header.vr = known;
                self.report.slip(Slip::UnknownWasKnown, tag, offset);
            }
        }
        Ok(header)
    }

    /// The dictionary's representation; between several, the image around it decides.
    fn implicit_vr(&self, tag: Tag) -> Vr {
        let Some(vr) = tag.vr() else {
            return Vr::UN;
        };
        let ambiguous = tag.entry().is_some_and(|entry| entry.ambiguous);
        match vr {
            Vr::OB if ambiguous => Vr::OW,
            Vr::US if ambiguous => {
                let datasets = { self.open.iter().rev() }.filter_map(|open| match open {
                    Open::Item { dataset, .. } => Some(dataset),
                    Open::Sequence { .. } => None,
                });
                let mut datasets = datasets.chain([&self.root]);
                // Elements stand in file order here, which is not always the order of tags.
                let representation = datasets.find_map(|dataset| {
                    let mut elements = dataset.elements().iter().rev();
                    elements.find(|e| e.tag() == Tag::PIXEL_REPRESENTATION)
                });
                let values = representation.map(Element::integers);
                match values {
                    Some(Ok(values)) if values == [1] => Vr::SS,
                    _ => Vr::US,
                }
            }
            vr => vr,
        }
    }

    /// Reads one element; a sequence is opened only.
    fn element(&mut self) -> Result<(), Stop> {
        let header = self.header()?;
        let Header {
            tag,
            vr,
            length,
            offset,
            inner,
        } = header;
        match tag {
            Tag::ITEM_DELIMITATION => {
                match self.open.last() {
                    Some(Open::Item { end: None, .. }) => self.close_checked()?,
                    _ => self.report.slip(Slip::StrayDelimiter, tag, offset),
                }
                return Ok(());
            }
            Tag::SEQUENCE_DELIMITATION if length == 0 => {
                self.report.slip(Slip::StrayDelimiter, tag, offset);
                return Ok(());
            }
            _ if tag.group() == 0xfffe => {
                return Err(Stop::Fault(Fault::InvalidElement {
                    tag,
                    offset,
                    rule: "items stand in sequences",
                    got: format!("{length} bytes outside of one"),
                }));
            }
            _ => {}
        }
        self.limits
            .budget
            .claim_bytes("elements", 48)
            .map_err(Fault::core("dataset"))?;
        if length == UNDEFINED {
            return match vr {
                Vr::SQ | Vr::UN => {
                    self.open_sequence(tag, vr, None, inner);
                    Ok(())
                }
                Vr::OB | Vr::OW => self.fragments(tag, vr, offset),
                _ => Err(Stop::Fault(Fault::InvalidElement {
                    tag,
                    offset,
                    rule: "only sequences and encapsulated pixels have no length",
                    got: vr.to_string(),
                })),
            };
        }
        if length % 2 == 1 {
            self.report.slip(Slip::OddLength, tag, offset);
        }
        let length = u64::from(length);
        if vr == Vr::SQ {
            let end = self.end(tag, offset, length)?;
            self.open_sequence(tag, vr, Some(end), inner);
            return Ok(());
        }
        match self.check(tag, offset, length) {
            // Of pixel data that is cut the rest is still worth having.
            Err(Stop::End(_)) if self.limits.lenient && self.defers(tag, vr, length) => {
                self.report.add(Warning::Truncated { tag, offset });
                let there = self.cursor.remaining().unwrap_or(0);
                self.value(&header, there)
            }
            checked => {
                checked?;
                self.value(&header, length)
            }
        }
    }

    /// Where a sequence or an item of this length ends; with lenience it may be behind the file's end.
    fn end(&self, tag: Tag, start: u64, length: u64) -> Result<u64, Stop> {
        match self.check(tag, start, length) {
            Err(Stop::End(_)) if self.limits.lenient => {}
            checked => checked?,
        }
        Ok(self.cursor.offset().saturating_add(length))
    }

    /// Whether a value stays in the file: pixel data, and large values at the top.
    fn defers(&self, tag: Tag, vr: Vr, length: u64) -> bool {
        let pixels = matches!(
            tag,
            Tag::PIXEL_DATA | Tag::FLOAT_PIXEL_DATA | Tag::DOUBLE_FLOAT_PIXEL_DATA
        );
        let large = length > self.limits.deferred_above && !vr.is_text();
        self.open.is_empty() && (pixels || large)
    }

    fn open_sequence(&mut self, tag: Tag, vr: Vr, end: Option<u64>, encoding: Encoding) {
        let vr = if vr == Vr::UN { Vr::SQ } else { vr };
        self.open.push(Open::Sequence {
            tag,
            vr,
            items: Vec::new(),
            end,
            encoding,
        });
    }

    fn value(&mut self, header: &Header, length: u64) -> Result<(), Stop> {
        let Header {
            tag, vr, offset, ..
        } = *header;
        let encoding = self.encoding();
        if self.defers(tag, vr, length) {
            let deferred = Deferred {
                offset: self.cursor.offset(),
                length,
                fragments: None,
                big_endian: encoding.big_endian,
            };
            self.cursor.skip(length);
            let value = Value::Deferred(Box::new(deferred));
            self.holder().append(Element::new(tag, vr, value));
            return Ok(());
        }
        let mut bytes = self.read(tag, offset, length)?;
        if encoding.big_endian && header.inner.big_endian {
            swap(&mut bytes, vr.unit());
        }
        if tag.group() == 0x0002 && !self.in_meta {
            self.report.slip(Slip::MetaInDataset, tag, offset);
        }
        let element = Element::new(tag, vr, Value::Bytes(bytes.into()));
        if tag == Tag::SPECIFIC_CHARACTER_SET {
            let terms = element.strings(super::CharacterSet::default());
            for term in terms {
                if super::CharacterSet::from_term(&term).is_unknown() {
                    let term = term.chars().take(80).collect();
                    self.report.add(Warning::UnknownCharacterSet { term });
                }
            }
        }
        self.holder().append(element);
        Ok(())
    }

    fn read(&mut self, tag: Tag, offset: u64, length: u64) -> Result<Vec<u8>, Stop> {
        let budget = self.limits.budget;
        let claimed = budget.claim_bytes("values", length);
        claimed.map_err(Fault::core("dataset"))?;
        let mut bytes = Vec::new();
        self.cursor.read_into(&mut bytes, length)?;
        let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        if found < length {
            return Err(Stop::End(truncated(tag, offset, length, found)));
        }
        Ok(bytes)
    }

    /// Reads encapsulated pixel data: at the top only where its fragments lie.
    fn fragments(&mut self, tag: Tag, vr: Vr, offset: u64) -> Result<(), Stop> {
        let encoding = self.encoding();
        let top = self.open.is_empty();
        let start = self.cursor.offset();
        let (mut places, mut loaded) = (Vec::new(), Vec::new());
        let mut cut = None;
        loop {
            let here = self.cursor.offset();
            let head = match self.array::<8>(tag, here) {
                Err(Stop::End(fault)) if top => {
                    // The pixel data says where it ends: without that, only lenience takes it.
                    cut = Some(Stop::End(fault));
                    break;
                }
                head => head?,
            };
            let [a, b, c, d, e, f, g, h] = head;
            let length = number32([e, f, g, h], encoding);
            match tag_of([a, b, c, d], encoding) {
                Tag::SEQUENCE_DELIMITATION => break,
                Tag::ITEM if length != UNDEFINED => {
                    if let Err(stop) = self.check(tag, here, u64::from(length)) {
                        cut = Some(stop);
                        break;
                    }
                    self.limits
                        .budget
                        .claim_bytes("fragments", 16)
                        .map_err(Fault::core("dataset"))?;
                    if top {
                        let offset = self.cursor.offset();
                        places.push(Fragment { offset, length });
                        self.cursor.skip(u64::from(length));
                    } else {
                        let bytes = self.read(tag, here, u64::from(length))?;
                        loaded.push(bytes.into());
                    }
                }
                other => {
                    return Err(Stop::Fault(Fault::InvalidElement {
                        tag,
                        offset: here,
                        rule: "encapsulated pixel data consists of fragments of known length",
                        got: format!("{other}, length {length:#x}"),
                    }));
                }
            }
        }
        let value = if top {
            places.shrink_to_fit();
            Value::Deferred(Box::new(Deferred {
                offset: start,
                length: self.cursor.offset().saturating_sub(start),
                fragments: Some(places),
                big_endian: encoding.big_endian,
            }))
        } else {
            Value::Fragments(loaded)
        };
        match cut {
            Some(stop) if !self.limits.lenient => return Err(stop),
            Some(_) => {
                self.report.add(Warning::Truncated { tag, offset });
                // Whatever is left of the file is inside the fragment that was cut.
                let rest = self.cursor.remaining().unwrap_or(0);
                self.cursor.skip(rest);
            }
            None => {}
        }
        // The dictionary's words are for native pixels only (PS3.5 section A.1).
        let vr = if encoding.explicit { vr } else { Vr::OB };
        self.holder().append(Element::new(tag, vr, value));
        Ok(())
    }
}
