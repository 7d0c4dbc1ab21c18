//! Sequences and items that have begun, and how they end.

use super::super::super::fault::Fault;
use super::super::super::tag::Tag;
use super::super::super::transfer_syntax::Encoding;
use super::super::super::vr::Vr;
use super::super::super::warning::Slip;
use super::super::Dataset;
use super::super::value::{Element, Value};
use super::bounds::{number32, tag_of};
use super::{Parser, Stop, UNDEFINED};

/// A sequence or an item that has begun.
pub(super) enum Open {
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
    pub(super) fn end(&self) -> Option<u64> {
        match self {
            Self::Sequence { end, .. } | Self::Item { end, .. } => *end,
        }
    }
}

impl Parser<'_, '_, '_> {
    pub(super) fn open_sequence(&mut self, tag: Tag, vr: Vr, end: Option<u64>, encoding: Encoding) {
        let vr = if vr == Vr::UN { Vr::SQ } else { vr };
        self.open.push(Open::Sequence {
            tag,
            vr,
            items: Vec::new(),
            end,
            encoding,
        });
    }

    pub(super) fn next_item(
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

    pub(super) fn close_checked(&mut self) -> Result<(), Fault> {
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
    pub(super) fn close(&mut self) {
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
    pub(super) fn holder(&mut self) -> &mut Dataset {
        match self.open.last_mut() {
            Some(Open::Item { dataset, .. }) => dataset,
            _ => &mut self.root,
        }
    }

    pub(super) fn encoding(&self) -> Encoding {
        match self.open.last() {
            Some(Open::Item { encoding, .. } | Open::Sequence { encoding, .. }) => *encoding,
            None => self.root_encoding,
        }
    }
}
