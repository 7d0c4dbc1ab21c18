//! What may be done to an attribute, and what was done.

use std::fmt;

/// What was done to an attribute or to the pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// It was taken out (`X`).
    Removed,
    /// Its value was taken out (`Z`).
    Emptied,
    /// Its value was replaced by one that means nothing (`D`).
    Replaced,
    /// Only what identifies nobody was left of its value (`C`).
    Cleaned,
    /// Its unique identifiers were replaced (`U`).
    UidReplaced,
    /// Its dates were moved by the patient's number of days.
    DateShifted,
    /// It became the patient's pseudonym.
    Pseudonymised,
    /// Pixels were blanked.
    Blanked,
}

/// One change, without the value that was there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The attribute, as [`Dataset::find`](crate::dicom::Dataset::find) takes it.
    pub path: String,
    /// What was done.
    pub action: Action,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, action } = self;
        write!(f, "{path}: {action:?}")
    }
}
