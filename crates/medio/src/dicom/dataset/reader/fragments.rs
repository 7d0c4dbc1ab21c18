//! Encapsulated pixel data (PS3.5 section A.4).

use super::super::super::fault::Fault;
use super::super::super::tag::Tag;
use super::super::super::vr::Vr;
use super::super::super::warning::Warning;
use super::super::value::{Deferred, Element, Fragment, Value};
use super::bounds::{number32, tag_of};
use super::{Parser, Stop, UNDEFINED};

impl Parser<'_, '_, '_> {
    /// Reads encapsulated pixel data: at the top only where its fragments lie.
    pub(super) fn fragments(&mut self, tag: Tag, vr: Vr, offset: u64) -> Result<(), Stop> {
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
