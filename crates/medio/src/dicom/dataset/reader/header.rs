//! The beginning of an element: tag, representation and length (PS3.5 section 7.1).

use super::super::super::fault::Fault;
use super::super::super::tag::Tag;
use super::super::super::transfer_syntax::Encoding;
use super::super::super::vr::Vr;
use super::super::super::warning::Slip;
use super::super::value::Element;
use super::bounds::{number16, number32, tag_of};
use super::nesting::Open;
use super::{Parser, Stop, UNDEFINED};

/// The start of an element.
pub(super) struct Header {
    pub(super) tag: Tag,
    pub(super) vr: Vr,
    pub(super) length: u32,
    pub(super) offset: u64,
    /// How nested items are encoded.
    pub(super) inner: Encoding,
}

impl Parser<'_, '_, '_> {
    /// Reads the tag, the representation and the length of an element.
    pub(super) fn header(&mut self) -> Result<Header, Stop> {
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
}
