//! What is done to labels and scores.

use medaug::*;
use medcore::components::Connectivity;

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
                into: GrowInto::Background,
            },
        ),
        exhibit(
            "classes grown and shrunk by chance",
            RandomMorphology {
                probability: 1.0,
                radius: Draw::Uniform {
                    low: 1.0,
                    high: 3.0,
                },
                ..RandomMorphology::default()
            },
        ),
        exhibit(
            "a part of each class lost",
            RandomRemovePart {
                probability: 1.0,
                ..RandomRemovePart::default()
            },
        ),
        exhibit(
            "the first part of class 1 lost",
            RemovePart {
                class: 1,
                part: 0,
                connectivity: Connectivity::Corner,
                becomes: 0,
            },
        ),
        exhibit("classes numbered without gaps", SequentialLabels {}),
        exhibit("one channel for each class", OneHot { classes: 16 }),
        exhibit(
            "bright places painted",
            RegionsToLabels {
                paint: vec![(0, 1)],
            },
        ),
        exhibit("crumbs removed", RemoveSmall::default()),
        exhibit("rounded to whole numbers", Round {}),
        exhibit("above one half", Threshold::default()),
    ]
}
