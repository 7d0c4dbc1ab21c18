//! How far digests are from the reference's, noted while tests compare them.
//!
//! Tests run in any order and side by side; so what they measure is kept for the thread that asks, which calls them itself.

use std::cell::RefCell;

thread_local! {
    static NOTES: RefCell<Option<Vec<Measured>>> = const { RefCell::new(None) };
}

/// A digest that was compared.
pub(crate) struct Measured {
    /// The fixture.
    pub(crate) stem: String,
    /// The shape of the image in it.
    pub(crate) shape: Vec<usize>,
    /// The digest in it.
    pub(crate) digest: String,
    /// The largest error beside what the tolerance is relative to.
    pub(crate) error: f64,
}

/// Keeps a comparison, if somebody asks.
pub(crate) fn note(measured: Measured) {
    NOTES.with_borrow_mut(|notes| {
        if let Some(notes) = notes {
            notes.push(measured);
        }
    });
}

/// What these tests compare.
pub(super) fn of(tests: &[fn()]) -> Vec<Measured> {
    NOTES.set(Some(Vec::new()));
    for test in tests {
        test();
    }
    NOTES.take().unwrap()
}
