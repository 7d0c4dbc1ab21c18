//! What is to be found in an image, and what was found.

use std::fmt;

use medcore::BoundingBox;
use medcore::rle::Rle;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Which image: the number of a COCO file, or the name of a scan.
///
/// Images are evaluated in the order of their ids, numbers first; only equal scores feel it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ImageId {
    /// A number, such as COCO's `image_id`.
    Number(i64),
    /// A name, such as a series UID.
    Name(String),
}

impl From<i64> for ImageId {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for ImageId {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<String> for ImageId {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// What an annotation asks of a detector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnnotationKind {
    /// It is to be found.
    #[default]
    Ordinary,
    /// It may be found or not: VOC's `difficult`, a finding that LUNA16 excludes.
    Ignored,
    /// It stands for many objects; any number of detections may lie on it (COCO's `iscrowd`).
    Crowd,
}

/// A box and the product of its sides, which rounding may make another number than its corners say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Extent<const D: usize> {
    pub(super) bounds: BoundingBox<D>,
    pub(super) volume: f64,
}

impl<const D: usize> Extent<D> {
    fn new(bounds: BoundingBox<D>) -> Self {
        let volume = bounds.volume();
        Self { bounds, volume }
    }

    fn from_origin(origin: [f64; D], sides: [f64; D]) -> Result<Self> {
        let end = std::array::from_fn(|a| origin[a] + sides[a]);
        let bounds = BoundingBox::new(origin, end)?;
        let volume = sides.iter().product();
        Ok(Self { bounds, volume })
    }

    fn of_mask(mask: &Rle<D>) -> Result<Self> {
        let region = mask.bounds().ok_or(Error::TooFew {
            what: "a mask's box",
            of: "pixels inside",
            least: 1,
            got: 0,
        })?;
        Ok(Self::new(region.into()))
    }

    /// Volume that both boxes cover; 0 where they only touch.
    pub(super) fn shared(&self, other: &Self) -> f64 {
        let (low, high) = (self.bounds.min(), self.bounds.max());
        let (other_low, other_high) = (other.bounds.min(), other.bounds.max());
        let mut shared = 1.0;
        for a in 0..D {
            let side = high[a].min(other_high[a]) - low[a].max(other_low[a]);
            if side <= 0.0 {
                return 0.0;
            }
            shared *= side;
        }
        shared
    }

    /// Intersection over union.
    pub(super) fn iou(&self, other: &Self) -> f64 {
        match self.shared(other) {
            0.0 => 0.0,
            shared => shared / (self.volume + other.volume - shared),
        }
    }
}

/// What annotations and detections have in common: a class and a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Object<const D: usize> {
    class: u32,
    extent: Extent<D>,
    mask: Option<Box<Rle<D>>>,
}

impl<const D: usize> Object<D> {
    fn new(class: u32, extent: Extent<D>) -> Self {
        let mask = None;
        Self {
            class,
            extent,
            mask,
        }
    }

    fn from_mask(class: u32, mask: Rle<D>) -> Result<Self> {
        Ok(Self::new(class, Extent::of_mask(&mask)?).with_mask(mask))
    }

    fn with_mask(self, mask: Rle<D>) -> Self {
        let mask = Some(Box::new(mask));
        Self { mask, ..self }
    }

    /// The area or volume of its mask, else of its box.
    fn size(&self) -> f64 {
        let drawn = self.mask.as_ref().map(|mask| mask.area() as f64);
        drawn.unwrap_or(self.extent.volume)
    }
}

/// Something to be found.
///
/// ```
/// use medmetrics::detection::Annotation;
///
/// // A box of COCO, `x, y, width, height` = 10, 20, 32, 32, in storage order.
/// let cell = Annotation::from_origin(7, [20.0, 10.0], [32.0, 32.0])?;
/// assert_eq!((cell.class(), cell.size()), (7, 1024.0));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Annotation<const D: usize> {
    #[serde(flatten)]
    object: Object<D>,
    area: Option<f64>,
    kind: AnnotationKind,
    id: Option<i64>,
}

impl<const D: usize> Annotation<D> {
    /// An object of a class in a box, in pixels, voxels or millimetres.
    #[must_use]
    pub fn new(class: u32, bounds: BoundingBox<D>) -> Self {
        Self::of(Object::new(class, Extent::new(bounds)))
    }

    fn of(object: Object<D>) -> Self {
        Self {
            object,
            area: None,
            kind: AnnotationKind::default(),
            id: None,
        }
    }

    /// An object of a class in the box from `origin` with these side lengths.
    ///
    /// COCO's boxes are written so, and their areas are the products of the sides to the last bit.
    ///
    /// # Errors
    /// Refuses numbers that are not finite and negative sides.
    pub fn from_origin(class: u32, origin: [f64; D], sides: [f64; D]) -> Result<Self> {
        let extent = Extent::from_origin(origin, sides)?;
        Ok(Self::of(Object::new(class, extent)))
    }

    /// An object of a class with a mask, in the box around its pixels.
    ///
    /// # Errors
    /// Refuses a mask without pixels.
    pub fn from_mask(class: u32, mask: Rle<D>) -> Result<Self> {
        Ok(Self::of(Object::from_mask(class, mask)?))
    }

    /// The same with an area that is not its box's, such as COCO's `area` of the drawn outline.
    #[must_use]
    pub fn with_area(self, area: f64) -> Self {
        Self {
            area: Some(area),
            ..self
        }
    }

    /// The same, asking something else of a detector.
    #[must_use]
    pub fn with_kind(self, kind: AnnotationKind) -> Self {
        Self { kind, ..self }
    }

    /// The same with the number it has in its file.
    #[must_use]
    pub fn with_id(self, id: i64) -> Self {
        Self {
            id: Some(id),
            ..self
        }
    }

    /// The same with the pixels it covers.
    #[must_use]
    pub fn with_mask(self, mask: Rle<D>) -> Self {
        Self {
            object: self.object.with_mask(mask),
            ..self
        }
    }

    /// Its class.
    #[must_use]
    pub fn class(&self) -> u32 {
        self.object.class
    }

    /// Its box with the product of the sides.
    pub(super) fn extent(&self) -> &Extent<D> {
        &self.object.extent
    }

    /// Its box.
    #[must_use]
    pub fn bounds(&self) -> BoundingBox<D> {
        self.object.extent.bounds
    }

    /// What it asks of a detector.
    #[must_use]
    pub fn kind(&self) -> AnnotationKind {
        self.kind
    }

    /// The number it has in its file.
    #[must_use]
    pub fn id(&self) -> Option<i64> {
        self.id
    }

    /// The pixels it covers.
    #[must_use]
    pub fn mask(&self) -> Option<&Rle<D>> {
        self.object.mask.as_deref()
    }

    /// Its area or volume: as stated, else of its mask, else of its box.
    #[must_use]
    pub fn size(&self) -> f64 {
        self.area.unwrap_or_else(|| self.object.size())
    }
}

/// Something a detector found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Detection<const D: usize> {
    #[serde(flatten)]
    object: Object<D>,
    score: f64,
}

impl<const D: usize> Detection<D> {
    /// A find of a class in a box, in the units of the annotations; the higher its score, the surer.
    #[must_use]
    pub fn new(class: u32, bounds: BoundingBox<D>, score: f64) -> Self {
        let object = Object::new(class, Extent::new(bounds));
        Self { object, score }
    }

    /// A find of a class in the box from `origin` with these side lengths.
    ///
    /// # Errors
    /// Refuses numbers that are not finite and negative sides.
    pub fn from_origin(class: u32, origin: [f64; D], sides: [f64; D], score: f64) -> Result<Self> {
        let object = Object::new(class, Extent::from_origin(origin, sides)?);
        Ok(Self { object, score })
    }

    /// A find of a class with a mask, in the box around its pixels.
    ///
    /// # Errors
    /// Refuses a mask without pixels.
    pub fn from_mask(class: u32, mask: Rle<D>, score: f64) -> Result<Self> {
        let object = Object::from_mask(class, mask)?;
        Ok(Self { object, score })
    }

    /// A mark: a point without extent, as LUNA16 and CAMELYON16 take them.
    ///
    /// # Errors
    /// Refuses coordinates that are not finite.
    pub fn at_point(class: u32, point: [f64; D], score: f64) -> Result<Self> {
        Ok(Self::new(class, BoundingBox::new(point, point)?, score))
    }

    /// The same with the pixels it covers.
    #[must_use]
    pub fn with_mask(self, mask: Rle<D>) -> Self {
        Self {
            object: self.object.with_mask(mask),
            ..self
        }
    }

    /// Its class.
    #[must_use]
    pub fn class(&self) -> u32 {
        self.object.class
    }

    /// Its box with the product of the sides.
    pub(super) fn extent(&self) -> &Extent<D> {
        &self.object.extent
    }

    /// Its box.
    #[must_use]
    pub fn bounds(&self) -> BoundingBox<D> {
        self.object.extent.bounds
    }

    /// Its score.
    #[must_use]
    pub fn score(&self) -> f64 {
        self.score
    }

    /// The pixels it covers.
    #[must_use]
    pub fn mask(&self) -> Option<&Rle<D>> {
        self.object.mask.as_deref()
    }

    /// Its area or volume: of its mask, else of its box.
    #[must_use]
    pub fn size(&self) -> f64 {
        self.object.size()
    }
}
