//! Categories by name, and numbers for things that have none.

use std::collections::HashMap;

use super::fault::Problem;
use super::model::{Category, repeated};

/// Categories in the order in which their names are met.
#[derive(Default)]
pub(super) struct Names {
    places: HashMap<String, usize>,
    categories: Vec<Category>,
}

impl Names {
    /// The place of a name, a new one for a new name.
    pub(super) fn place(&mut self, name: &str) -> usize {
        if let Some(&place) = self.places.get(name) {
            return place;
        }
        let place = self.categories.len();
        self.places.insert(name.to_owned(), place);
        self.categories.push(Category::new(name));
        place
    }

    /// The place of a name that must be there.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    pub(super) fn category(&mut self, place: usize) -> Option<&mut Category> {
        self.categories.get_mut(place)
    }

    pub(super) fn finish(self) -> Vec<Category> {
        self.categories
    }
}

/// The numbers that things have, and for the others the next ones from 1 that are free.
pub(super) fn numbered(
    what: &'static str,
    given: impl Iterator<Item = Option<i64>> + Clone,
) -> Result<Vec<i64>, Problem> {
    if let Some(value) = repeated(given.clone().flatten()) {
        let value = value.to_string();
        return Err(Problem::Duplicate { what, value });
    }
    let mut next = given.clone().flatten().max().unwrap_or(0).max(0);
    let number = |id: Option<i64>| {
        if let Some(id) = id {
            return Ok(id);
        }
        let free = next
            .checked_add(1)
            .ok_or_else(|| Problem::expected("small enough to count on from", &next.to_string()))?;
        next = free;
        Ok(free)
    };
    given.map(number).collect()
}
