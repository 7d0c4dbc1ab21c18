//! Changes that are strong in one place.

use medaug::*;

use super::{Exhibit, exhibit};

pub(super) fn all() -> Vec<Exhibit> {
    let spot = || Spot {
        centre: vec![0.3],
        width: vec![0.2],
    };
    vec![
        exhibit(
            "brighter in one place",
            BrightnessGradient {
                spot: spot(),
                strength: 0.5,
                keep_mean: false,
            },
        ),
        exhibit(
            "gamma in one place",
            LocalGamma {
                spot: spot(),
                exponent: 0.3,
            },
        ),
        exhibit(
            "a box shows its mean",
            BlankRectangles {
                rectangles: vec![BlankRectangle {
                    place: vec![0.6],
                    size: vec![0.3],
                }],
            },
        ),
        exhibit(
            "brighter somewhere by chance",
            RandomBrightnessGradient {
                probability: 1.0,
                strength: Draw::Fixed(0.5),
                channels: Channels::Together,
                ..RandomBrightnessGradient::default()
            },
        ),
        exhibit(
            "gamma somewhere by chance",
            RandomLocalGamma {
                probability: 1.0,
                channels: Channels::Together,
                ..RandomLocalGamma::default()
            },
        ),
        exhibit(
            "blank boxes by chance",
            RandomBlankRectangles {
                probability: 1.0,
                channels: Channels::Together,
                ..RandomBlankRectangles::default()
            },
        ),
    ]
}
