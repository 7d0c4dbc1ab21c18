//! Hearing how far a prediction has come.

/// Something that is told after every window; libraries never print.
///
/// Closures are one: `|done, total| bar.set_position(done as u64)`; [`Silent`] ignores it.
pub trait Progress: Sync {
    /// `done` of `total` windows have run.
    fn windows(&self, done: usize, total: usize);

    /// `done` of `total` views have been looked at; windows of the next one count from the beginning. Told to those who look
    /// at more than the image as it is.
    fn views(&self, _done: usize, _total: usize) {}
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Silent;

impl Progress for Silent {
    fn windows(&self, _done: usize, _total: usize) {}
}

impl<F: Fn(usize, usize) + Sync> Progress for F {
    fn windows(&self, done: usize, total: usize) {
        self(done, total);
    }
}
