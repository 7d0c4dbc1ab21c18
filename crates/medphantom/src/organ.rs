//! The organs of the phantom and the numbers that name them in label maps.

use std::fmt;

use medcore::LabelTable;
use serde::{Deserialize, Serialize};

/// A labelled organ. Left and right are the patient's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Organ {
    /// Vertebrae with their processes, and discs; without the spinal canal.
    Spine = 1,
    /// With its vessels and cysts.
    Liver = 2,
    /// Without its vessels.
    Spleen = 3,
    /// Cortex and medulla, without the fat of the renal sinus.
    RightKidney = 4,
    /// Cortex and medulla, without the fat of the renal sinus.
    LeftKidney = 5,
    /// From the top of the volume down to its bifurcation.
    Aorta = 6,
    /// Wall, content and gas.
    Stomach = 7,
}

impl Organ {
    /// All organs, in the order of their labels.
    pub const ALL: [Self; 7] = [
        Self::Spine,
        Self::Liver,
        Self::Spleen,
        Self::RightKidney,
        Self::LeftKidney,
        Self::Aorta,
        Self::Stomach,
    ];

    /// Number of classes of a label map, background included.
    pub const CLASSES: usize = Self::ALL.len() + 1;

    /// The number that stands for it in a label map; 0 is background.
    #[must_use]
    pub const fn label(self) -> u8 {
        self as u8
    }

    /// The organ of a label, `None` for background and unknown numbers.
    #[must_use]
    pub fn from_label(label: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|organ| organ.label() == label)
    }

    /// Its name as data sets write it: lower case, words joined by underscores.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spine => "spine",
            Self::Liver => "liver",
            Self::Spleen => "spleen",
            Self::RightKidney => "right_kidney",
            Self::LeftKidney => "left_kidney",
            Self::Aorta => "aorta",
            Self::Stomach => "stomach",
        }
    }

    /// The organ it becomes in a mirror that swaps left and right; itself when it is not paired.
    ///
    /// ```
    /// use medphantom::Organ;
    /// assert_eq!(Organ::LeftKidney.mirrored(), Organ::RightKidney);
    /// assert_eq!(Organ::Liver.mirrored(), Organ::Liver);
    /// ```
    #[must_use]
    pub const fn mirrored(self) -> Self {
        match self {
            Self::RightKidney => Self::LeftKidney,
            Self::LeftKidney => Self::RightKidney,
            other => other,
        }
    }

    /// Names and numbers of all organs, for data sets and measurements.
    ///
    /// ```
    /// use medphantom::Organ;
    /// assert_eq!(Organ::table().name_of(6), Some("aorta"));
    /// ```
    #[must_use]
    pub fn table() -> LabelTable {
        let named = Self::ALL.map(|organ| (organ.name(), vec![u32::from(organ.label())]));
        LabelTable::new(named).unwrap_or_default() // the names and numbers above are distinct
    }

    /// The pairs of labels that a left-right flip must swap.
    #[must_use]
    pub const fn left_right_pairs() -> [(u8, u8); 1] {
        [(Self::RightKidney.label(), Self::LeftKidney.label())]
    }
}

impl fmt::Display for Organ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
