//! What the pixels of a segmentation mean (PS3.3 section C.8.20.2).

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::tag::Tag;

/// What the pixels of a segmentation mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SegmentationKind {
    /// A frame holds one segment; 1 where it is.
    Binary,
    /// A frame holds one segment; parts of `maximum`.
    Fractional {
        /// What the parts are.
        meaning: FractionMeaning,
        /// The number that stands for 1.
        maximum: u16,
    },
    /// A frame holds all segments; each pixel the number of its own.
    LabelMap {
        /// The number of what is no segment.
        background: u16,
    },
}

/// What a fraction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FractionMeaning {
    /// How probable it is that the pixel belongs to the segment.
    Probability,
    /// How much of the pixel the segment takes up.
    Occupancy,
}

impl FractionMeaning {
    pub(super) fn term(self) -> &'static str {
        match self {
            Self::Probability => "PROBABILITY",
            Self::Occupancy => "OCCUPANCY",
        }
    }
}

impl SegmentationKind {
    pub(super) fn term(self) -> &'static str {
        match self {
            Self::Binary => "BINARY",
            Self::Fractional { .. } => "FRACTIONAL",
            Self::LabelMap { .. } => "LABELMAP",
        }
    }

    /// Segmentation Storage and Label Map Segmentation Storage.
    pub(in super::super) const CLASSES: [&'static str; 2] = [
        "1.2.840.10008.5.1.4.1.1.66.4",
        "1.2.840.10008.5.1.4.1.1.66.7",
    ];

    pub(super) fn class_uid(self) -> &'static str {
        let [segments, label_map] = Self::CLASSES;
        match self {
            Self::Binary | Self::Fractional { .. } => segments,
            Self::LabelMap { .. } => label_map,
        }
    }

    pub(super) fn of(dataset: &Dataset) -> Result<Self, Fault> {
        let tag = Tag::SEGMENTATION_TYPE;
        let term = dataset.required_string(tag)?;
        match term.as_str() {
            "BINARY" => Ok(Self::Binary),
            "FRACTIONAL" => {
                let tag = Tag::SEGMENTATION_FRACTIONAL_TYPE;
                let term = dataset.required_string(tag)?;
                let meanings = [FractionMeaning::Probability, FractionMeaning::Occupancy];
                let meaning = meanings.into_iter().find(|m| m.term() == term);
                let meaning = meaning
                    .ok_or_else(|| Fault::attribute(tag, "PROBABILITY or OCCUPANCY", &term))?;
                let tag = Tag::MAXIMUM_FRACTIONAL_VALUE;
                let maximum = dataset.required_integer(tag)?;
                let fits = u16::try_from(maximum)
                    .ok()
                    .filter(|m| (1..=255).contains(m));
                let maximum = fits.ok_or_else(|| Fault::attribute(tag, "1 to 255", maximum))?;
                Ok(Self::Fractional { meaning, maximum })
            }
            "LABELMAP" => {
                let tag = Tag::PIXEL_PADDING_VALUE;
                let value = dataset.integer(tag)?.unwrap_or(0);
                let background = u16::try_from(value)
                    .map_err(|_| Fault::attribute(tag, "a number of 16 bits", value))?;
                Ok(Self::LabelMap { background })
            }
            _ => Err(Fault::attribute(
                tag,
                "BINARY, FRACTIONAL or LABELMAP",
                term,
            )),
        }
    }
}
