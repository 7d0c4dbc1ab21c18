//! Policies, and what they choose among.

use medaug::*;

use super::{Exhibit, certain, exhibit};

pub(super) fn all() -> Vec<Exhibit> {
    vec![
        exhibit(
            "mixed with changed versions",
            AugMix {
                original: 0.3,
                chains: vec![
                    MixedChain {
                        weight: 0.4,
                        operations: vec![Invert::default().into()],
                    },
                    MixedChain {
                        weight: 0.3,
                        operations: vec![Equalize::default().into(), Posterize::default().into()],
                    },
                ],
            },
        ),
        certain!("mixed with drawn changes", RandomAugMix),
        exhibit(
            "two changes of strength 15",
            RandAugment {
                magnitude: 15,
                ..RandAugment::default()
            },
        ),
        certain!("one change of any strength", TrivialAugmentWide),
        exhibit("the whole range of tones", AutoContrast::default()),
        certain!("the whole range by chance", RandomAutoContrast),
        exhibit("every level as frequent", Equalize::default()),
        certain!("levels equalised by chance", RandomEqualize),
    ]
}
