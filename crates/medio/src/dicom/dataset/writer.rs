//! Writes datasets in the encodings of PS3.5 annex A; sequences and items end with delimiters.

use std::io::{self, Write};

use super::super::tag::Tag;
use super::super::transfer_syntax::Encoding;
use super::super::vr::Vr;
use super::Dataset;
use super::value::{Element, Value};

/// The largest value that explicit encodings can give a short length.
const SHORT: usize = 0xfffe;

fn refuse(tag: Tag, problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{tag}: {problem}"))
}

struct Writer<'w> {
    out: &'w mut dyn Write,
    encoding: Encoding,
}

/// Writes all elements; values that were left in their file are asked of `load`.
pub(crate) fn write_dataset(
    out: &mut dyn Write,
    dataset: &Dataset,
    encoding: Encoding,
    load: &dyn Fn(&Element) -> io::Result<Value>,
) -> io::Result<()> {
    // Nesting that a reader would refuse is refused here too, so recursion is bounded.
    Writer { out, encoding }.dataset(dataset, load, 0)
}

impl Writer<'_> {
    fn number16(&mut self, value: u16) -> io::Result<()> {
        self.out.write_all(&match self.encoding.big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        })
    }

    fn number32(&mut self, value: u32) -> io::Result<()> {
        self.out.write_all(&match self.encoding.big_endian {
            true => value.to_be_bytes(),
            false => value.to_le_bytes(),
        })
    }

    fn tag(&mut self, tag: Tag) -> io::Result<()> {
        self.number16(tag.group())?;
        self.number16(tag.element())
    }

    fn item(&mut self, tag: Tag, length: u32) -> io::Result<()> {
        self.tag(tag)?;
        self.number32(length)
    }

    fn dataset(
        &mut self,
        dataset: &Dataset,
        load: &dyn Fn(&Element) -> io::Result<Value>,
        depth: u32,
    ) -> io::Result<()> {
        for element in dataset.elements() {
            if depth > 64 {
                return Err(refuse(element.tag(), "nested more than 64 levels deep"));
            }
            // Group lengths are retired, and would have to be counted again.
            if element.tag().element() != 0 || element.tag().group() == 0x0002 {
                self.element(element, load, depth)?;
            }
        }
        Ok(())
    }

    fn header(&mut self, tag: Tag, vr: Vr, length: Option<usize>) -> io::Result<()> {
        let number = length.map(u32::try_from).transpose();
        let number = number.ok().filter(|n| *n != Some(u32::MAX));
        let number = number.ok_or_else(|| refuse(tag, "longer than 4 GiB"))?;
        let number = number.unwrap_or(u32::MAX);
        self.tag(tag)?;
        if !self.encoding.explicit {
            return self.number32(number);
        }
        // Text that is too long for its own representation goes out as UN (PS3.5 section 6.2.2 note 5).
        let fits = vr.has_long_length() || number <= u32::try_from(SHORT).unwrap_or(0);
        let vr = if fits { vr } else { Vr::UN };
        self.out.write_all(vr.code().as_bytes())?;
        if vr.has_long_length() {
            self.number16(0)?;
            return self.number32(number);
        }
        self.number16(u16::try_from(number).map_err(|_| refuse(tag, "longer than 64 KiB"))?)
    }

    fn element(
        &mut self,
        element: &Element,
        load: &dyn Fn(&Element) -> io::Result<Value>,
        depth: u32,
    ) -> io::Result<()> {
        let (tag, vr) = (element.tag(), element.vr());
        let loaded;
        let value = match element.value() {
            Value::Deferred(_) => {
                loaded = load(element)?;
                &loaded
            }
            value => value,
        };
        match value {
            Value::Bytes(bytes) => {
                let padding = bytes.len() % 2 == 1;
                self.header(tag, vr, Some(bytes.len().next_multiple_of(2)))?;
                let unit = vr.unit();
                if self.encoding.big_endian && unit > 1 {
                    for number in bytes.chunks(unit) {
                        let turned: Vec<u8> = number.iter().rev().copied().collect();
                        self.out.write_all(&turned)?;
                    }
                } else {
                    self.out.write_all(bytes)?;
                }
                if padding {
                    self.out.write_all(&[vr.padding()])?;
                }
                Ok(())
            }
            Value::Items(items) => {
                self.header(tag, Vr::SQ, None)?;
                for item in items {
                    self.item(Tag::ITEM, u32::MAX)?;
                    self.dataset(item, load, depth.saturating_add(1))?;
                    self.item(Tag::ITEM_DELIMITATION, 0)?;
                }
                self.item(Tag::SEQUENCE_DELIMITATION, 0)
            }
            Value::Fragments(fragments) => {
                if !self.encoding.explicit || self.encoding.big_endian {
                    return Err(refuse(
                        tag,
                        "fragments need explicit little-endian encoding",
                    ));
                }
                self.header(tag, Vr::OB, None)?;
                for fragment in fragments {
                    let length = u32::try_from(fragment.len().next_multiple_of(2));
                    let length = length.map_err(|_| refuse(tag, "longer than 4 GiB"))?;
                    self.item(Tag::ITEM, length)?;
                    self.out.write_all(fragment)?;
                    if fragment.len() % 2 == 1 {
                        self.out.write_all(&[0])?;
                    }
                }
                self.item(Tag::SEQUENCE_DELIMITATION, 0)
            }
            Value::Deferred(_) | Value::Uri(_) => {
                Err(refuse(tag, "its value was not read, only where it lies"))
            }
        }
    }
}
