//! What a segment is, and what found it (PS3.3 section C.8.20.2, table C.8.20-4).

use super::super::dataset::Dataset;
use super::super::derived::{CieLab, Code, Field, codes, long_string, unique_identifier};
use super::super::fault::Fault;
use super::super::tag::Tag;

/// One part of a segmentation: what it is called, what it is, and what found it.
///
/// ```
/// use medio::dicom::{Algorithm, Segment, codes};
///
/// let liver = Segment::new("Liver", codes::LIVER)
///     .category(codes::ORGAN)
///     .algorithm(Algorithm::automatic("organs", "1.2"))
///     .colour([221, 130, 101]);
/// assert_eq!(liver.label, "Liver");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Segment {
    /// `SegmentNumber`: its place from 1 in a segmentation that is being made.
    pub number: u16,
    /// `SegmentLabel`, at most 64 characters
    pub label: String,
    /// `SegmentDescription`
    pub description: Option<String>,
    /// What kind of thing it is: an organ, a tissue, an abnormality.
    pub category: Code,
    /// What it is.
    pub property: Code,
    /// What says more of what it is, left or right for instance.
    pub modifier: Option<Code>,
    /// Where it lies.
    pub region: Option<Code>,
    /// What found it.
    pub algorithm: Algorithm,
    /// Name and unique identifier by which it is followed through objects and time.
    pub tracking: Option<(String, String)>,
    /// The colour in which it wants to be shown.
    pub colour: Option<CieLab>,
}

/// How much of the work a program did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlgorithmKind {
    /// A program alone.
    Automatic,
    /// A program with a person's help.
    SemiAutomatic,
    /// A person.
    Manual,
}

/// What found a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Algorithm {
    /// How much of the work a program did.
    pub kind: AlgorithmKind,
    /// `SegmentAlgorithmName`; empty for a person's work.
    pub name: String,
    /// `AlgorithmVersion`, empty if it is not known.
    pub version: String,
    /// The family of programs that it belongs to.
    pub family: Code,
}

impl Algorithm {
    fn new(kind: AlgorithmKind, name: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
            version: version.into(),
            family: codes::ARTIFICIAL_INTELLIGENCE,
        }
    }

    /// A program that works alone, of the family of artificial intelligence.
    #[must_use]
    pub fn automatic(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self::new(AlgorithmKind::Automatic, name, version)
    }

    /// A program that a person helped, of the family of artificial intelligence.
    #[must_use]
    pub fn semi_automatic(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self::new(AlgorithmKind::SemiAutomatic, name, version)
    }

    /// A person.
    #[must_use]
    pub fn manual() -> Self {
        Self::new(AlgorithmKind::Manual, "", "")
    }

    /// Names the family of programs (CID 7162).
    #[must_use]
    pub fn family(mut self, family: Code) -> Self {
        self.family = family;
        self
    }
}

impl AlgorithmKind {
    /// The term of `SegmentAlgorithmType`; `SEMIAUTOMATIC` and the like.
    #[must_use]
    pub fn term(self) -> &'static str {
        match self {
            Self::Automatic => "AUTOMATIC",
            Self::SemiAutomatic => "SEMIAUTOMATIC",
            Self::Manual => "MANUAL",
        }
    }

    pub(in super::super) fn of_term(term: &str) -> Option<Self> {
        let kinds = [Self::Automatic, Self::SemiAutomatic, Self::Manual];
        kinds.into_iter().find(|kind| kind.term() == term)
    }
}

impl Segment {
    /// An anatomical structure, found by the automatic work of an unnamed program.
    #[must_use]
    pub fn new(label: impl Into<String>, property: Code) -> Self {
        Self {
            number: 0,
            label: label.into(),
            description: None,
            category: codes::ANATOMICAL_STRUCTURE,
            property,
            modifier: None,
            region: None,
            algorithm: Algorithm::automatic("unnamed", ""),
            tracking: None,
            colour: None,
        }
    }

    /// Sets what kind of thing it is (CID 7150).
    #[must_use]
    pub fn category(mut self, category: Code) -> Self {
        self.category = category;
        self
    }

    /// Says more of what it is.
    #[must_use]
    pub fn modifier(mut self, modifier: Code) -> Self {
        self.modifier = Some(modifier);
        self
    }

    /// Says where it lies, for instance of a lesion.
    #[must_use]
    pub fn region(mut self, region: Code) -> Self {
        self.region = Some(region);
        self
    }

    /// Says what found it.
    #[must_use]
    pub fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Describes it in words.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Names it for following it through objects and time; `uid` is the same wherever it is the same thing.
    #[must_use]
    pub fn tracking(mut self, id: impl Into<String>, uid: impl Into<String>) -> Self {
        self.tracking = Some((id.into(), uid.into()));
        self
    }

    /// Recommends a colour, as red, green and blue.
    #[must_use]
    pub fn colour(mut self, rgb: [u8; 3]) -> Self {
        self.colour = Some(CieLab::from_rgb(rgb));
        self
    }

    pub(super) fn to_item(&self) -> Result<Dataset, Fault> {
        let algorithm = &self.algorithm;
        let mut item = Dataset::of([
            (Tag::SEGMENT_NUMBER, Field::Integer(self.number.into())),
            (
                Tag::SEGMENT_LABEL,
                Field::Text(long_string(Tag::SEGMENT_LABEL, &self.label)?),
            ),
            (
                Tag::SEGMENT_ALGORITHM_TYPE,
                Field::Text(algorithm.kind.term()),
            ),
            (
                Tag::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE,
                Field::Item(self.category.to_item()?),
            ),
        ])?;
        let mut property = self.property.to_item()?;
        if let Some(modifier) = &self.modifier {
            property.set_items(
                Tag::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE,
                vec![modifier.to_item()?],
            );
        }
        item.set_items(Tag::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, vec![property]);
        if algorithm.kind != AlgorithmKind::Manual {
            let name = long_string(Tag::SEGMENT_ALGORITHM_NAME, &algorithm.name)?;
            item.set_text(Tag::SEGMENT_ALGORITHM_NAME, name)?;
            if !algorithm.version.is_empty() {
                let version = long_string(Tag::ALGORITHM_VERSION, &algorithm.version)?;
                item.set_items(
                    Tag::SEGMENTATION_ALGORITHM_IDENTIFICATION_SEQUENCE,
                    vec![Dataset::of([
                        (
                            Tag::ALGORITHM_FAMILY_CODE_SEQUENCE,
                            Field::Item(algorithm.family.to_item()?),
                        ),
                        (Tag::ALGORITHM_NAME, Field::Text(name)),
                        (Tag::ALGORITHM_VERSION, Field::Text(version)),
                    ])?],
                );
            }
        }
        if let Some(description) = &self.description {
            item.set_text(Tag::SEGMENT_DESCRIPTION, description)?;
        }
        if let Some(region) = &self.region {
            item.set_items(Tag::ANATOMIC_REGION_SEQUENCE, vec![region.to_item()?]);
        }
        if let Some((id, uid)) = &self.tracking {
            item.set_text(Tag::TRACKING_ID, id)?;
            item.set_text(
                Tag::TRACKING_UID,
                unique_identifier(Tag::TRACKING_UID, uid)?,
            )?;
        }
        if let Some(colour) = self.colour {
            let encoded = colour.encoded().map(i64::from);
            item.set_integers(Tag::RECOMMENDED_DISPLAY_CIELAB_VALUE, &encoded)?;
        }
        Ok(item)
    }

    pub(super) fn of_item(item: &Dataset) -> Result<Self, Fault> {
        let tag = Tag::SEGMENT_NUMBER;
        let number = item.required_integer(tag)?;
        let number = u16::try_from(number)
            .map_err(|_| Fault::attribute(tag, "a number of 16 bits", number))?;
        let code = |tag| match item.item(tag) {
            Some(code) => Code::of_item(code).map(Some),
            None => Ok(None),
        };
        let required = |tag| code(tag)?.ok_or(Fault::MissingAttribute { tag });
        let kind_tag = Tag::SEGMENT_ALGORITHM_TYPE;
        let term = item.string(kind_tag).unwrap_or_default();
        let kind = AlgorithmKind::of_term(&term).ok_or_else(|| {
            let rule = "AUTOMATIC, SEMIAUTOMATIC or MANUAL";
            Fault::attribute(kind_tag, rule, &term)
        })?;
        let identification = item.item(Tag::SEGMENTATION_ALGORITHM_IDENTIFICATION_SEQUENCE);
        let family = identification.and_then(|i| i.item(Tag::ALGORITHM_FAMILY_CODE_SEQUENCE));
        let family = family.map(Code::of_item).transpose()?;
        let property_tag = Tag::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE;
        let modifier = item
            .item(property_tag)
            .and_then(|p| p.item(Tag::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE));
        let colour = item.integers(Tag::RECOMMENDED_DISPLAY_CIELAB_VALUE)?;
        let colour: Vec<u16> = { colour.into_iter() }
            .filter_map(|part| u16::try_from(part).ok())
            .collect();
        let tracking = item.string(Tag::TRACKING_UID);
        let id = item.text(Tag::TRACKING_ID).unwrap_or_default();
        Ok(Self {
            number,
            label: item.text(Tag::SEGMENT_LABEL).unwrap_or_default(),
            description: item.text(Tag::SEGMENT_DESCRIPTION),
            category: required(Tag::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE)?,
            property: required(property_tag)?,
            modifier: modifier.map(Code::of_item).transpose()?,
            region: code(Tag::ANATOMIC_REGION_SEQUENCE)?,
            algorithm: Algorithm {
                kind,
                name: item.text(Tag::SEGMENT_ALGORITHM_NAME).unwrap_or_default(),
                version: identification
                    .and_then(|i| i.text(Tag::ALGORITHM_VERSION))
                    .unwrap_or_default(),
                family: family.unwrap_or(codes::ARTIFICIAL_INTELLIGENCE),
            },
            tracking: tracking.map(|uid| (id, uid)),
            colour: colour.try_into().ok().map(CieLab::from_encoded),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesion() -> Segment {
        Segment::new("Läsion 1", codes::NODULE)
            .category(codes::MORPHOLOGICALLY_ABNORMAL_STRUCTURE)
            .modifier(Code::sct("7771000", "Left"))
            .region(codes::LIVER)
            .algorithm(Algorithm::semi_automatic("snake", "0.9"))
            .description("what was found\nfirst")
            .tracking("lesion 1", "2.25.5")
            .colour([10, 200, 30])
    }

    #[test]
    fn a_segment_goes_through_its_item() {
        let mut segment = lesion();
        segment.number = 7;
        let item = segment.to_item().unwrap();
        assert_eq!(Segment::of_item(&item).unwrap(), segment);
        let drawn = Segment::new("drawn", codes::AORTA).algorithm(Algorithm::manual());
        let item = drawn.to_item().unwrap();
        assert!(!item.has_value(Tag::SEGMENT_ALGORITHM_NAME));
        assert_eq!(Segment::of_item(&item).unwrap(), drawn);
    }

    #[test]
    fn what_has_no_place_in_the_attribute_is_refused() {
        for segment in [
            Segment::new("", codes::LIVER),
            Segment::new("a\\b", codes::LIVER),
            Segment::new("x".repeat(65), codes::LIVER),
            lesion().tracking("a", "uid"),
            lesion().tracking("a", ""),
            lesion().algorithm(Algorithm::automatic("", "1")),
        ] {
            assert!(segment.to_item().is_err(), "{segment:?}");
        }
    }

    #[test]
    fn items_without_their_number_or_codes_and_with_other_terms_are_refused() {
        let whole = lesion().to_item().unwrap();
        for tag in [
            Tag::SEGMENT_NUMBER,
            Tag::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE,
            Tag::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE,
            Tag::SEGMENT_ALGORITHM_TYPE,
        ] {
            let mut item = whole.clone();
            item.remove(tag);
            assert!(Segment::of_item(&item).is_err(), "{tag}");
        }
        let mut item = whole;
        item.set_text(Tag::SEGMENT_ALGORITHM_TYPE, "MAGIC").unwrap();
        assert!(Segment::of_item(&item).is_err());
    }
}
