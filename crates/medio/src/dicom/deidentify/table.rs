//! The table of PS3.15 annex E: what each attribute needs in the basic profile and under its options.

use std::sync::LazyLock;

use super::super::tag::Tag;

/// The edition whose rows the table has.
pub(super) const EDITION: &str = "2026c";

/// An action of table E.1-1a. Of a choice by the attribute's type the last is here: it gives a valid object
/// whatever the type is, and leaves as little of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// `X`
    Remove,
    /// `Z` and `X/Z`
    Empty,
    /// `D`, `Z/D`, `X/D` and `X/Z/D`
    Dummy,
    /// `U`, and `X/Z/U*` for the sequences around one
    Uid,
    /// `K`
    Keep,
    /// `C`
    Clean,
}

impl Rule {
    fn parse(code: &str) -> Option<Self> {
        Some(match code.rsplit('/').next()? {
            "X" => Self::Remove,
            "Z" => Self::Empty,
            "D" => Self::Dummy,
            "U" | "U*" => Self::Uid,
            "K" => Self::Keep,
            "C" => Self::Clean,
            _ => return None,
        })
    }
}

/// The options of the profile that have a column in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Uids,
    Device,
    Institution,
    Patient,
    FullDates,
    ModifiedDates,
    Descriptors,
    Structured,
    Graphics,
}

impl Column {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "uids" => Self::Uids,
            "device" => Self::Device,
            "institution" => Self::Institution,
            "patient" => Self::Patient,
            "full-dates" => Self::FullDates,
            "modified-dates" => Self::ModifiedDates,
            "descriptors" => Self::Descriptors,
            "structured" => Self::Structured,
            "graphics" => Self::Graphics,
            _ => return None,
        })
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Eight hexadecimal digits, `x` for any.
    pub(super) tag: &'static str,
    pub(super) keyword: &'static str,
    pub(super) basic: Rule,
    pub(super) options: Vec<(Column, Rule)>,
}

impl Row {
    fn parse(line: &'static str) -> Option<Self> {
        let mut fields = line.split(' ');
        let (tag, keyword) = (fields.next()?, fields.next()?);
        let basic = Rule::parse(fields.next()?)?;
        let option = |field: &'static str| {
            let (column, code) = field.split_once(':')?;
            Some((Column::parse(column)?, Rule::parse(code)?))
        };
        let options: Option<Vec<_>> = fields.map(option).collect();
        Some(Self {
            tag,
            keyword,
            basic,
            options: options?,
        })
    }

    fn covers(&self, digits: &str) -> bool {
        let pairs = self.tag.bytes().zip(digits.bytes());
        pairs
            .into_iter()
            .all(|(rule, got)| rule == b'x' || rule == got)
    }
}

/// Rows of one attribute each, sorted, and rows of repeating groups.
struct Table {
    single: Vec<Row>,
    repeating: Vec<Row>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let (mut single, mut repeating) = (Vec::new(), Vec::new());
    for row in lines(include_str!("table.txt")).filter_map(Row::parse) {
        let rows = match row.tag.contains('x') {
            true => &mut repeating,
            false => &mut single,
        };
        rows.push(row);
    }
    single.sort_by_key(|row| row.tag);
    Table { single, repeating }
});

/// The lines of a data file without its comments.
pub(super) fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

/// All rows.
#[cfg(test)]
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    TABLE.single.iter().chain(&TABLE.repeating)
}

/// The row of an attribute.
pub(super) fn row(tag: Tag) -> Option<&'static Row> {
    let digits = format!("{:04x}{:04x}", tag.group(), tag.element());
    let Table { single, repeating } = &*TABLE;
    let found = single.binary_search_by_key(&digits.as_str(), |row| row.tag);
    let found = found.ok().and_then(|at| single.get(at));
    found.or_else(|| repeating.iter().find(|row| row.covers(&digits)))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    #[test]
    fn every_line_is_a_row_and_every_attribute_has_one() {
        let text = include_str!("table.txt");
        assert!(text.starts_with(&format!("# PS3.15 table E.1-1, edition {EDITION};")));
        assert_eq!(rows().count(), lines(text).count());
        assert_eq!(rows().count(), 655);
        let distinct: HashSet<_> = rows().map(|row| row.tag).collect();
        assert_eq!(distinct.len(), 655);
        for row in rows().filter(|row| row.keyword != "-") {
            let tag: Tag = row.tag.parse().unwrap();
            assert_eq!(tag.keyword(), Some(row.keyword));
        }
    }

    #[test]
    fn the_columns_hold_what_the_standard_s_hold() {
        let mut basic = BTreeMap::new();
        for line in lines(include_str!("table.txt")) {
            *basic.entry(line.split(' ').nth(2).unwrap()).or_insert(0) += 1;
        }
        let expected = [
            ("D", 93),
            ("U", 55),
            ("X", 415),
            ("X/D", 23),
            ("X/Z", 11),
            ("X/Z/D", 8),
            ("X/Z/U*", 2),
            ("Z", 42),
            ("Z/D", 6),
        ];
        assert_eq!(basic, expected.into());
        // Full dates are kept exactly where modified ones are cleaned, and options only keep or clean.
        for row in rows() {
            let has = |column| {
                row.options
                    .iter()
                    .find(|(c, _)| *c == column)
                    .map(|(_, r)| *r)
            };
            assert_eq!(
                has(Column::FullDates).map(|_| Rule::Clean),
                has(Column::ModifiedDates),
                "{}",
                row.tag
            );
            assert!(
                row.options
                    .iter()
                    .all(|(_, rule)| matches!(rule, Rule::Keep | Rule::Clean))
            );
        }
    }

    #[test]
    fn repeating_groups_have_their_rows() {
        let basic = |group, element| row(Tag::new(group, element)).map(|row| row.basic);
        assert_eq!(basic(0x5002, 0x0010), Some(Rule::Remove));
        assert_eq!(basic(0x601e, 0x3000), Some(Rule::Remove));
        assert_eq!(basic(0x6000, 0x0010), None);
        assert_eq!(basic(0x0028, 0x0010), None);
        assert_eq!(basic(0x0010, 0x0010), Some(Rule::Empty));
    }
}
