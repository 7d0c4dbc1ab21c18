//! What makes one sample of several.

use medaug::*;
use medcore::Geometry;

/// A mixture with numbers that show what it does.
pub(crate) struct MixExhibit {
    /// What to look for.
    pub(crate) caption: &'static str,
    /// The mixture; it happens for certain.
    pub(crate) mix: MixStep,
}

/// One example of each way of mixing, for images on this grid.
pub(crate) fn mixtures<const D: usize>(grid: &Geometry<D>) -> Vec<MixExhibit> {
    let exhibit = |caption, mix: MixStep| MixExhibit { caption, mix };
    vec![
        exhibit(
            "a part of class 1 of another",
            RandomCopyPaste {
                probability: 1.0,
                box_class: Some(0),
                ..RandomCopyPaste::default()
            }
            .into(),
        ),
        exhibit("a block of another", RandomCutMix::default().into()),
        exhibit(
            if D == 2 {
                "one in the middle of nine"
            } else {
                "one in the middle of 27"
            },
            RandomGridMosaic::new(grid.shape().map(|n| n / 2).to_vec()).into(),
        ),
        exhibit(
            "two over one another",
            RandomMixUp {
                probability: 1.0,
                alpha: 32.0,
            }
            .into(),
        ),
        exhibit(
            if D == 2 {
                "four around a point"
            } else {
                "eight around a point"
            },
            RandomMosaic::new(grid.shape().map(|n| n / 2).to_vec()).into(),
        ),
    ]
}
