//! One element: a value that is read or left in the file, or the beginning of a sequence.

use super::super::super::fault::Fault;
use super::super::super::tag::Tag;
use super::super::super::vr::Vr;
use super::super::super::warning::{Slip, Warning};
use super::super::CharacterSet;
use super::super::value::{Deferred, Element, Value};
use super::header::Header;
use super::nesting::Open;
use super::{Parser, Stop, UNDEFINED};

/// Turns big-endian numbers of so many bytes into little-endian ones.
fn swap(bytes: &mut [u8], unit: usize) {
    if unit > 1 {
        for number in bytes.chunks_exact_mut(unit) {
            number.reverse();
        }
    }
}

impl Parser<'_, '_, '_> {
    /// Reads one element; a sequence is opened only.
    pub(super) fn element(&mut self) -> Result<(), Stop> {
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

    /// Whether a value stays in the file: pixel data, and large values at the top.
    fn defers(&self, tag: Tag, vr: Vr, length: u64) -> bool {
        let pixels = matches!(
            tag,
            Tag::PIXEL_DATA | Tag::FLOAT_PIXEL_DATA | Tag::DOUBLE_FLOAT_PIXEL_DATA
        );
        let large = length > self.limits.deferred_above && !vr.is_text();
        self.open.is_empty() && (pixels || large)
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
            let terms = element.strings(CharacterSet::default());
            for term in terms {
                if CharacterSet::from_term(&term).is_unknown() {
                    let term = term.chars().take(80).collect();
                    self.report.add(Warning::UnknownCharacterSet { term });
                }
            }
        }
        self.holder().append(element);
        Ok(())
    }
}
