//! Who takes part.

use std::ops::Range;

use medmodels::fusion::TABLE;
use medmodels::fusion::table::{Column, TableConfig};

/// A part of the inputs that is present or absent as one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Player {
    /// What it is called in reports.
    pub name: String,
    /// Inputs by name, whole or by entries along their axis 1.
    parts: Vec<(String, Option<Range<usize>>)>,
}

impl Player {
    /// A whole input, as an image ([`Inputs::IMAGE`](mednn::Inputs::IMAGE)) or a series of tokens.
    #[must_use]
    pub fn whole(name: impl Into<String>, input: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            parts: vec![(input.into(), None)],
        }
    }

    /// Entries of an input along its axis 1: those that a column of a table became, or a channel of an image.
    #[must_use]
    pub fn entries(
        name: impl Into<String>,
        input: impl Into<String>,
        entries: Range<usize>,
    ) -> Self {
        Self {
            name: name.into(),
            parts: vec![(input.into(), Some(entries))],
        }
    }

    /// The columns of a table that a [`Fusion`](medmodels::fusion::Fusion) reads, each a player of its name.
    ///
    /// All entries of a column come and go together: the levels of a category, and what says that a value is
    /// missing. So a column that the case lacks has a value too: what its being missing adds.
    ///
    /// ```
    /// use medinfer::explain::Player;
    /// use medmodels::fusion::TABLE;
    /// use medmodels::fusion::table::{CategoricalColumn, NumericColumn, TableConfig};
    ///
    /// let table = TableConfig::new()
    ///     .with(NumericColumn::new("hba1c", 7.0, 2.0).optional())
    ///     .with(CategoricalColumn::new("sex", ["f", "m"]));
    /// let players = [Player::entries("hba1c", TABLE, 0..2), Player::entries("sex", TABLE, 2..4)];
    /// assert_eq!(Player::columns(&table), players);
    /// ```
    #[must_use]
    pub fn columns(table: &TableConfig) -> Vec<Self> {
        let mut start = 0;
        let player = |column: &Column| {
            let entries = start..start + column.width();
            start = entries.end;
            Self::entries(column.name(), TABLE, entries)
        };
        table.columns.iter().map(player).collect()
    }

    /// This one and another as one, under the name of this one.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// Inputs by name, whole or by entries along their axis 1.
    pub(super) fn parts(&self) -> &[(String, Option<Range<usize>>)] {
        &self.parts
    }
}
