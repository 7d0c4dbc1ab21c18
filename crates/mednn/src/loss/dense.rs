//! What losses of segmentations have in common: probabilities and the classes that count.

use std::ops::Range;

use super::Channels;

/// A loss of every voxel: how logits become probabilities, which classes count, and a measure of how well they fit the truth.
///
/// [`Dice`](super::Dice), [`Focal`](super::Focal), [`Boundary`](super::Boundary) and their like are this with a measure each.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Dense<M> {
    /// How logits become probabilities.
    pub channels: Channels,
    /// Whether class 0 counts; a single class always does.
    pub include_background: bool,
    /// How probabilities are compared with the truth, and its settings.
    pub measure: M,
}

impl<M> Dense<M> {
    /// A softmax over all classes, all of which count.
    pub(super) fn of(measure: M) -> Self {
        Self {
            channels: Channels::Softmax,
            include_background: true,
            measure,
        }
    }

    /// Sets how logits become probabilities.
    #[must_use]
    pub fn with_channels(mut self, channels: Channels) -> Self {
        self.channels = channels;
        self
    }

    /// Sets whether class 0 counts.
    #[must_use]
    pub fn with_background(mut self, include: bool) -> Self {
        self.include_background = include;
        self
    }

    /// The classes that count.
    pub(super) fn counted(&self, classes: usize) -> Range<usize> {
        usize::from(!self.include_background && classes > 1)..classes
    }
}
