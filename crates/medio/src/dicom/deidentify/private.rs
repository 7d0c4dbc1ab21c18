//! Private attributes that are known to identify nobody (PS3.15 section E.3.10).

use std::collections::HashSet;

use super::super::dataset::Dataset;
use super::super::tag::Tag;
use super::table::lines;

/// Private attributes to keep, by their creators; their block numbers are those of each dataset.
///
/// ```
/// use medio::dicom::deidentify::SafePrivate;
///
/// let safe = SafePrivate::standard().with("ACME 1.0", 0x0029, 0x10);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SafePrivate {
    known: HashSet<(String, u16, u8)>,
}

impl SafePrivate {
    /// None at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Those that the standard lists (table E.3.10-1).
    #[must_use]
    pub fn standard() -> Self {
        let entry = |line: &'static str| {
            let mut fields = line.splitn(3, ' ');
            let group = u16::from_str_radix(fields.next()?, 16).ok()?;
            let element = u8::from_str_radix(fields.next()?, 16).ok()?;
            Some((fields.next()?.to_owned(), group, element))
        };
        let text = include_str!("safe_private.txt");
        Self {
            known: lines(text).filter_map(entry).collect(),
        }
    }

    /// One more: the creator's name, the odd group and the last byte of the element number.
    #[must_use]
    pub fn with(mut self, creator: &str, group: u16, element: u8) -> Self {
        self.known
            .insert((creator.trim().to_owned(), group, element));
        self
    }

    /// The private attributes of a dataset that may stay, with the elements that name their creators.
    pub(super) fn among(&self, dataset: &Dataset) -> HashSet<Tag> {
        let mut safe = HashSet::new();
        let elements = dataset.elements().iter().map(|element| element.tag());
        for tag in elements.filter(|tag| tag.is_private() && tag.element() > 0xff) {
            let [block, element] = tag.element().to_be_bytes();
            let owner = Tag::new(tag.group(), u16::from(block));
            let creator = dataset.string(owner).filter(|_| owner.is_private_creator());
            let known = creator.map(|name| (name.trim().to_owned(), tag.group(), element));
            if known.is_some_and(|known| self.known.contains(&known)) {
                safe.extend([owner, tag]);
            }
        }
        safe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_an_entry() {
        let listed = lines(include_str!("safe_private.txt")).count();
        assert_eq!(SafePrivate::standard().known.len(), listed);
        assert!(listed > 80);
        let odd = |(_, group, _): &(String, u16, u8)| group % 2 == 1;
        assert!(SafePrivate::standard().known.iter().all(odd));
    }
}
