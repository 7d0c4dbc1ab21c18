//! Transforms of colour.

use medaug::*;

use super::{Exhibit, certain, exhibit};

pub(super) fn all() -> Vec<Exhibit> {
    vec![
        exhibit(
            "contrast, saturation and hue",
            ColorJitter {
                adjustments: vec![
                    ColorAdjustment::Contrast(1.4),
                    ColorAdjustment::Saturation(1.8),
                    ColorAdjustment::Hue(0.15),
                ],
            },
        ),
        exhibit("dark places", ForegroundMask::default()),
        exhibit(
            "a camera in little light",
            ISONoise {
                color_shift: 0.05,
                intensity: 0.8,
                seed: 1,
            },
        ),
        certain!("a camera's noise by chance", RandomISONoise),
        exhibit(
            "more eosin",
            HedJitter {
                factor: [1.0, 1.3, 1.0],
                shift: [0.0, 0.02, 0.0],
            },
        ),
        exhibit(
            "hue turned by 60 degrees",
            HueSaturationValue {
                hue_degrees: 60.0,
                saturation_factor: 1.5,
                ..HueSaturationValue::default()
            },
        ),
        certain!("colours by chance", RandomColorJitter),
        certain!("stains by chance", RandomHedJitter),
        certain!(
            "hue, saturation and value by chance",
            RandomHueSaturationValue
        ),
    ]
}
