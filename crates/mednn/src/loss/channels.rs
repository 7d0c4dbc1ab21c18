//! How logits become probabilities.

/// How logits become probabilities, and which labels a channel stands for.
///
/// A sigmoid on each class is what MONAI's losses compute with `sigmoid=True, to_onehot_y=True`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Channels {
    /// Softmax: classes exclude each other, channel `c` is label `c`.
    #[default]
    Softmax,
    /// A sigmoid on each channel, channel `c` is label `c`; a single channel is label 1.
    Sigmoid,
    /// A sigmoid on each channel, which stands for a union of labels; labels in no region are background.
    Regions(Vec<Vec<u32>>),
}
