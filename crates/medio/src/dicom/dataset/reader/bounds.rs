//! Bytes that may be read: what is there, and what the item around them leaves.

use super::super::super::fault::Fault;
use super::super::super::tag::Tag;
use super::super::super::transfer_syntax::Encoding;
use super::nesting::Open;
use super::{Parser, Stop};

pub(super) fn number16(bytes: [u8; 2], encoding: Encoding) -> u16 {
    if encoding.big_endian {
        u16::from_be_bytes(bytes)
    } else {
        u16::from_le_bytes(bytes)
    }
}

pub(super) fn number32(bytes: [u8; 4], encoding: Encoding) -> u32 {
    if encoding.big_endian {
        u32::from_be_bytes(bytes)
    } else {
        u32::from_le_bytes(bytes)
    }
}

pub(super) fn tag_of([a, b, c, d]: [u8; 4], encoding: Encoding) -> Tag {
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

impl Parser<'_, '_, '_> {
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
    pub(super) fn check(&self, what: Tag, start: u64, length: u64) -> Result<(), Stop> {
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

    pub(super) fn array<const N: usize>(&mut self, what: Tag, start: u64) -> Result<[u8; N], Stop> {
        let needed = u64::try_from(N).unwrap_or(u64::MAX);
        self.check(what, start, needed)?;
        let found = self.cursor.array::<N>()?;
        found.map_err(|available| Stop::End(truncated(what, start, needed, available)))
    }

    /// Where a sequence or an item of this length ends; with lenience it may be behind the file's end.
    pub(super) fn end(&self, tag: Tag, start: u64, length: u64) -> Result<u64, Stop> {
        match self.check(tag, start, length) {
            Err(Stop::End(_)) if self.limits.lenient => {}
            checked => checked?,
        }
        Ok(self.cursor.offset().saturating_add(length))
    }

    pub(super) fn read(&mut self, tag: Tag, offset: u64, length: u64) -> Result<Vec<u8>, Stop> {
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
}
