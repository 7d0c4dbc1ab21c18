//! What is done to labels and scores.

use medaug::*;

use super::{Exhibit, exhibit};

pub(super) fn all() -> Vec<Exhibit> {
    vec![
        exhibit("sigmoid", Activations::Sigmoid),
        exhibit("the brightest channel as label", ArgMax {}),
        exhibit("holes filled", FillHoles::default()),
        exhibit("the largest part of each class", KeepLargest::default()),
        exhibit("class 1 only", LabelFilter { classes: vec![1] }),
        exhibit("outlines", LabelToContour::default()),
        exhibit(
            "classes as channels that overlap",
            LabelsToRegions {
                regions: vec![vec![1, 2], vec![2]],
            },
        ),
        exhibit(
            "classes 1 and 2 exchanged",
            MapLabels {
                pairs: vec![(1, 2), (2, 1)],
            },
        ),
        exhibit(
            "classes grown by 2 mm",
            Morphology {
                change: Change::Dilate,
                radius: Radius::Millimetres(2.0),
                classes: vec![],
            },
        ),
        exhibit("one channel for each class", OneHot { classes: 16 }),
        exhibit(
            "bright places painted",
            RegionsToLabels {
                paint: vec![(0, 1)],
            },
        ),
        exhibit("crumbs removed", RemoveSmall::default()),
        exhibit("above one half", Threshold::default()),
    ]
}
