//! The tree of a structured report (PS3.3 section C.17.3).

use medcore::{Lps, Point};

use super::super::dataset::{Dataset, Date, DateTime, Time};
use super::super::derived::{Code, SourceFrame};
use super::graphic::Graphic;

/// How an item relates to the one above it (PS3.3 table C.17.3-8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Relationship {
    /// The item is a part of the container.
    Contains,
    /// Who observed what, when.
    HasObservationContext,
    /// The item says more about the concept.
    HasConceptModifier,
    /// The item is a property of what is described.
    HasProperties,
    /// How the data were acquired.
    HasAcquisitionContext,
    /// What is said was concluded from the item.
    InferredFrom,
    /// The coordinates lie in the item.
    SelectedFrom,
}

/// A reference to an image, to frames of one, or to segments of a segmentation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageReference {
    /// SOP class UID.
    pub class_uid: String,
    /// SOP instance UID.
    pub instance_uid: String,
    /// Numbers of frames, from 1; none for all.
    pub frames: Vec<i64>,
    /// Numbers of segments; none for all.
    pub segments: Vec<i64>,
}

impl From<&SourceFrame> for ImageReference {
    fn from(frame: &SourceFrame) -> Self {
        let number = frame.frame.and_then(|number| i64::try_from(number).ok());
        Self {
            class_uid: frame.class_uid.clone(),
            instance_uid: frame.instance_uid.clone(),
            frames: number.into_iter().collect(),
            segments: Vec::new(),
        }
    }
}

/// What an item says (PS3.3 table C.17.3-7).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ContentValue {
    /// A heading over the items below.
    Container {
        /// Whether the items are read on their own, and not as running text.
        separate: bool,
        /// Template of PS3.16 that the items follow, for instance `1500`.
        template: Option<String>,
    },
    /// Text.
    Text(String),
    /// A concept.
    Code(Code),
    /// A number with its unit, or the reason why there is none.
    Number {
        /// The number and its unit.
        measured: Option<(f64, Code)>,
        /// What is wrong with it, for instance `Measurement failure`.
        qualifier: Option<Code>,
    },
    /// A date and time.
    DateTime(DateTime),
    /// A date.
    Date(Date),
    /// A time of day.
    Time(Time),
    /// A person, as in files: the parts of the name divided by `^`.
    PersonName(String),
    /// A unique identifier.
    Uid(String),
    /// An image.
    Image(ImageReference),
    /// An object that is no image.
    Composite {
        /// SOP class UID.
        class_uid: String,
        /// SOP instance UID.
        instance_uid: String,
    },
    /// Points in an image: column and row, 0 at the outer corner of the first pixel, 0.5 at its centre.
    Coordinates {
        /// What they outline.
        graphic: Graphic,
        /// `[column, row]`
        points: Vec<[f32; 2]>,
    },
    /// Points in the patient, in LPS millimetres; files hold them in single precision.
    Coordinates3d {
        /// What they outline.
        graphic: Graphic,
        /// The points.
        points: Vec<Point<Lps>>,
        /// Frame of reference UID.
        frame_of_reference: String,
    },
    /// Another item of the tree, by its place: 1, then the number of the child at each level.
    Reference(Vec<i64>),
    /// Anything else: its value type; its attributes are in [`ContentItem::other`].
    Other(String),
}

/// One item of a report, with the items below it.
///
/// ```
/// use medio::dicom::{Code, ContentItem, ContentValue, Relationship, codes};
///
/// let volume = ContentItem::number(codes::VOLUME, 12.3, codes::CUBIC_MILLIMETRE);
/// let findings = Code::dcm("121070", "Findings");
/// let tree = ContentItem::container(findings).with(Relationship::Contains, volume);
/// assert_eq!(tree.children[0].relationship, Some(Relationship::Contains));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ContentItem {
    /// How the item relates to the one above; none at the root.
    pub relationship: Option<Relationship>,
    /// What the item is about.
    pub concept: Option<Code>,
    /// What it says.
    pub value: ContentValue,
    /// The items below, in their order.
    pub children: Vec<Self>,
    /// Attributes of the item that are not modelled here; they are kept and written again.
    pub other: Dataset,
}

impl ContentItem {
    /// An item on its own.
    #[must_use]
    pub fn new(concept: Code, value: ContentValue) -> Self {
        Self {
            relationship: None,
            concept: Some(concept),
            value,
            children: Vec::new(),
            other: Dataset::new(),
        }
    }

    /// A heading, its items to be read on their own.
    #[must_use]
    pub fn container(concept: Code) -> Self {
        let value = ContentValue::Container {
            separate: true,
            template: None,
        };
        Self::new(concept, value)
    }

    /// A text.
    #[must_use]
    pub fn text(concept: Code, text: impl Into<String>) -> Self {
        Self::new(concept, ContentValue::Text(text.into()))
    }

    /// A concept.
    #[must_use]
    pub fn code(concept: Code, value: Code) -> Self {
        Self::new(concept, ContentValue::Code(value))
    }

    /// A number with its unit.
    #[must_use]
    pub fn number(concept: Code, value: f64, unit: Code) -> Self {
        let value = ContentValue::Number {
            measured: Some((value, unit)),
            qualifier: None,
        };
        Self::new(concept, value)
    }

    /// A unique identifier.
    #[must_use]
    pub fn uid(concept: Code, uid: impl Into<String>) -> Self {
        Self::new(concept, ContentValue::Uid(uid.into()))
    }

    /// Puts an item below this one, behind those that are there.
    #[must_use]
    pub fn with(mut self, relationship: Relationship, child: Self) -> Self {
        self.push(relationship, child);
        self
    }

    /// Puts an item below this one, behind those that are there.
    pub fn push(&mut self, relationship: Relationship, mut child: Self) {
        child.relationship = Some(relationship);
        self.children.push(child);
    }

    /// Whether the item is about a concept.
    #[must_use]
    pub fn is_about(&self, concept: &Code) -> bool {
        self.concept.as_ref().is_some_and(|own| own.is(concept))
    }

    /// The items directly below that are about a concept.
    pub fn about<'a>(&'a self, concept: &'a Code) -> impl Iterator<Item = &'a Self> {
        self.children
            .iter()
            .filter(move |item| item.is_about(concept))
    }

    /// The item and all below it, each before its children.
    pub fn walk(&self) -> impl Iterator<Item = &Self> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            let item = waiting.pop()?;
            waiting.extend(item.children.iter().rev());
            Some(item)
        })
    }
}
