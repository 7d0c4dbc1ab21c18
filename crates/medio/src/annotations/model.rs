//! Annotations as no format in particular has them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use medcore::BoundingBox;

use super::extra::Extra;
use super::fault::{Fault, Problem};
use super::shape::{Shape, ShapeKind, bounds_of};
use crate::error::{Error, Result};

/// Images, what is drawn on them, and the categories that it belongs to.
///
/// All coordinates are index coordinates in storage order, `[row, column]`: a whole number is the centre of
/// a pixel, and pixel `i` covers `[i - 0.5, i + 0.5)`. The formats' own conventions end at their borders.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Annotations {
    /// In the order of the file.
    pub images: Vec<AnnotatedImage>,
    /// What objects and labels name by their place in this list.
    pub categories: Vec<Category>,
    /// Other keys of the file itself.
    pub extra: Extra,
}

/// One image and everything said of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AnnotatedImage {
    /// Its file as the annotations name it; [`AnnotatedImage::path_in`] is the safe way to open it.
    pub name: String,
    /// Height and width in pixels, where known.
    pub size: Option<[usize; 2]>,
    /// Its number, in formats that have one.
    pub id: Option<i64>,
    /// What is drawn on it.
    pub objects: Vec<Object>,
    /// What is said of it as a whole.
    pub labels: Vec<ImageLabel>,
    /// Who drew: the annotators and models that [`Object::layer`] counts. Empty where there is only one.
    pub layers: Vec<Layer>,
    /// Other values by name.
    pub attributes: Vec<Attribute>,
    /// Other keys of its record.
    pub extra: Extra,
}

/// A class of objects or of images.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Category {
    /// Its name.
    pub name: String,
    /// Its number, in formats that have one other than its place.
    pub id: Option<i64>,
    /// A wider class.
    pub supercategory: Option<String>,
    /// Names of the key points of its objects, in order.
    pub keypoints: Vec<String>,
    /// Pairs of key points that are joined by a line, by their places.
    pub skeleton: Vec<[usize; 2]>,
    /// Other keys of its record.
    pub extra: Extra,
}

/// Something on an image: a box, a shape, key points, or several of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Object {
    /// Its category, by place.
    pub category: usize,
    /// Its number, in formats that have one.
    pub id: Option<i64>,
    /// The upright box that the annotation gives.
    pub bounding_box: Option<BoundingBox<2>>,
    /// The shape that the annotation gives beyond a box.
    pub shape: Option<Shape>,
    /// Its key points, as many and in the order that its category says.
    pub keypoints: Vec<Keypoint>,
    /// How sure a model was.
    pub score: Option<f64>,
    /// The area in pixels that the annotation gives.
    pub area: Option<f64>,
    /// Whether it stands for several objects that are not told apart.
    pub crowd: bool,
    /// Objects of the same group belong together.
    pub group: Option<i64>,
    /// Who drew it, by place in [`AnnotatedImage::layers`].
    pub layer: usize,
    /// Other values by name.
    pub attributes: Vec<Attribute>,
    /// Other keys of its record.
    pub extra: Extra,
}

/// A named place on an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Keypoint {
    /// `[row, column]`.
    pub position: [f64; 2],
    /// Whether it can be seen.
    pub visibility: Visibility,
    /// How sure a model was of it.
    pub score: Option<f64>,
}

/// Whether a key point can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// It is not annotated; its position says nothing.
    Absent,
    /// Its place is known, but something hides it.
    Hidden,
    /// It is in plain sight.
    Visible,
}

/// A category that an image as a whole belongs to, or does not.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageLabel {
    /// The category, by place.
    pub category: usize,
    /// False where the category was looked for and not found.
    pub present: bool,
    /// How sure a model was.
    pub score: Option<f64>,
    /// Who said so, by place in [`AnnotatedImage::layers`].
    pub layer: usize,
    /// Other values by name.
    pub attributes: Vec<Attribute>,
    /// Other keys of its record.
    pub extra: Extra,
}

/// One annotator's or one model's work on an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Person or model.
    pub kind: LayerKind,
    /// Its number, in formats that have one.
    pub id: Option<i64>,
    /// Which model.
    pub model_version: Option<String>,
    /// How sure the model was of the image as a whole.
    pub score: Option<f64>,
    /// Other keys of its record.
    pub extra: Extra,
}

/// Who annotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LayerKind {
    /// A person, or what is taken as the truth.
    Annotation,
    /// A model.
    Prediction,
}

/// A value by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    /// The name.
    pub name: String,
    /// The value.
    pub value: AttributeValue,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AttributeValue {
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// Something else, as JSON text.
    Json(String),
}

impl Attribute {
    /// Yes or no under a name.
    #[must_use]
    pub fn flag(name: &str, value: bool) -> Self {
        Self {
            name: name.to_owned(),
            value: AttributeValue::Flag(value),
        }
    }

    /// Text under a name.
    #[must_use]
    pub fn text(name: &str, value: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            value: AttributeValue::Text(value.into()),
        }
    }
}

impl Category {
    /// A category that is no more than its name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

impl AnnotatedImage {
    /// An image without annotations.
    #[must_use]
    pub fn new(name: impl Into<String>, size: [usize; 2]) -> Self {
        Self {
            name: name.into(),
            size: Some(size),
            ..Self::default()
        }
    }

    /// Where the image's file is, below `folder`.
    ///
    /// # Errors
    /// Returns [`Error::PathEscapes`] for a name that is absolute or leads out of the folder.
    pub fn path_in(&self, folder: impl AsRef<Path>) -> Result<PathBuf> {
        let folder = folder.as_ref();
        crate::relative::inside(folder, &self.name).ok_or_else(|| Error::PathEscapes {
            path: folder.to_owned(),
            field: "image".to_owned(),
            value: self.name.clone(),
        })
    }

    /// How many layers its objects can be of: at least one.
    fn layer_count(&self) -> usize {
        self.layers.len().max(1)
    }
}

impl Object {
    /// An object with an upright box.
    #[must_use]
    pub fn boxed(category: usize, bounding_box: BoundingBox<2>) -> Self {
        Self {
            category,
            bounding_box: Some(bounding_box),
            ..Self::default()
        }
    }

    /// An object with a shape.
    #[must_use]
    pub fn shaped(category: usize, shape: Shape) -> Self {
        Self {
            category,
            shape: Some(shape),
            ..Self::default()
        }
    }

    /// The box that is given, or the smallest one around its shape, or around its key points.
    #[must_use]
    pub fn extent(&self) -> Option<BoundingBox<2>> {
        let drawn = self.bounding_box.or_else(|| self.shape.as_ref()?.bounds());
        drawn.or_else(|| {
            let annotated = self
                .keypoints
                .iter()
                .filter(|k| k.visibility != Visibility::Absent);
            bounds_of(annotated.map(|k| &k.position))
        })
    }

    /// What is drawn of it.
    #[must_use]
    pub fn kind(&self) -> ShapeKind {
        match &self.shape {
            Some(shape) => shape.kind(),
            None if self.bounding_box.is_none() && !self.keypoints.is_empty() => {
                ShapeKind::Keypoints
            }
            None => ShapeKind::Box,
        }
    }

    /// An attribute's value.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        let found = self.attributes.iter().find(|a| a.name == name)?;
        Some(&found.value)
    }
}

impl Annotations {
    /// All objects with their images.
    pub fn objects(&self) -> impl Iterator<Item = (&AnnotatedImage, &Object)> {
        let of = |image| std::iter::repeat(image).zip(Self::objects_of(image));
        self.images.iter().flat_map(of)
    }

    fn objects_of(image: &AnnotatedImage) -> &[Object] {
        &image.objects
    }

    /// Puts the categories in the order of `names`, new ones included, and renumbers what refers to them.
    ///
    /// Formats that number their classes by place (YOLO) get a fixed order this way.
    ///
    /// # Errors
    /// Refuses a list that leaves out a category, or has a name twice.
    pub fn arrange_categories(&mut self, names: &[&str]) -> std::result::Result<(), Fault> {
        if let Some(name) = repeated(names.iter()) {
            let value = (*name).to_owned();
            let what = "category";
            return Err(Fault::new("names", Problem::Duplicate { what, value }));
        }
        self.check()?;
        let mut places = Vec::with_capacity(self.categories.len());
        for category in &self.categories {
            let place = names.iter().position(|name| *name == category.name);
            places.push(place.ok_or_else(|| {
                let value = category.name.clone();
                Fault::new(
                    "names",
                    Problem::Unknown {
                        what: "category",
                        value,
                    },
                )
            })?);
        }
        let mut arranged: Vec<_> = names.iter().map(|name| Category::new(*name)).collect();
        for (category, &place) in self.categories.drain(..).zip(&places) {
            if let Some(slot) = arranged.get_mut(place) {
                *slot = category;
            }
        }
        self.categories = arranged;
        let renumber = |category: &mut usize| {
            if let Some(&place) = places.get(*category) {
                *category = place;
            }
        };
        for image in &mut self.images {
            image
                .objects
                .iter_mut()
                .for_each(|object| renumber(&mut object.category));
            image
                .labels
                .iter_mut()
                .for_each(|label| renumber(&mut label.category));
        }
        Ok(())
    }

    /// Keeps only the layers that `keep` says, with their objects and labels.
    pub fn retain_layers(&mut self, mut keep: impl FnMut(&AnnotatedImage, &Layer) -> bool) {
        for image in &mut self.images {
            let kept: Vec<bool> = image
                .layers
                .iter()
                .map(|layer| keep(image, layer))
                .collect();
            let mut new = 0_usize;
            let places: Vec<Option<usize>> = kept
                .iter()
                .map(|&kept| {
                    let place = kept.then_some(new);
                    new = new.saturating_add(usize::from(kept));
                    place
                })
                .collect();
            if places.is_empty() {
                continue;
            }
            let place = |layer: usize| places.get(layer).copied().flatten();
            image.objects.retain(|object| place(object.layer).is_some());
            image.labels.retain(|label| place(label.layer).is_some());
            for object in &mut image.objects {
                object.layer = place(object.layer).unwrap_or(0);
            }
            for label in &mut image.labels {
                label.layer = place(label.layer).unwrap_or(0);
            }
            let mut kept = kept.iter();
            image
                .layers
                .retain(|_| kept.next().copied().unwrap_or(false));
        }
    }

    /// Says whether every reference leads somewhere and every number is one; writers ask this first.
    ///
    /// # Errors
    /// Returns the first object or label with a category or layer that does not exist, coordinates that are
    /// not finite, or another number of key points than its category has.
    pub fn check(&self) -> std::result::Result<(), Fault> {
        for image in &self.images {
            let at = |what: &str, number: usize| format!("{:?}, {what} {number}", image.name);
            for (number, object) in image.objects.iter().enumerate() {
                let fault = |problem| Fault::new(at("object", number), problem);
                self.check_references(object.category, object.layer, image)
                    .map_err(fault)?;
                self.check_numbers(object).map_err(fault)?;
            }
            for (number, label) in image.labels.iter().enumerate() {
                let fault = |problem| Fault::new(at("label", number), problem);
                self.check_references(label.category, label.layer, image)
                    .map_err(fault)?;
            }
        }
        Ok(())
    }

    fn check_references(
        &self,
        category: usize,
        layer: usize,
        image: &AnnotatedImage,
    ) -> std::result::Result<(), Problem> {
        let unknown = |what, value: usize| {
            let value = value.to_string();
            Err(Problem::Unknown { what, value })
        };
        if category >= self.categories.len() {
            return unknown("category", category);
        }
        if layer >= image.layer_count() {
            return unknown("layer", layer);
        }
        Ok(())
    }

    fn check_numbers(&self, object: &Object) -> std::result::Result<(), Problem> {
        let shape = object.shape.iter().flat_map(Shape::numbers);
        let points = object.keypoints.iter().flat_map(|k| k.position);
        let scores = object.keypoints.iter().filter_map(|k| k.score);
        let rest = object.score.into_iter().chain(object.area).chain(scores);
        if let Some(value) = shape.chain(points).chain(rest).find(|v| !v.is_finite()) {
            return Err(Problem::expected("a finite number", &value.to_string()));
        }
        let declared = self
            .categories
            .get(object.category)
            .map_or(0, |c| c.keypoints.len());
        let got = object.keypoints.len();
        if got != 0 && declared != 0 && got != declared {
            let rule = "as many key points as its category has";
            return Err(Problem::expected(rule, &got.to_string()));
        }
        Ok(())
    }
}

/// The first value that is there twice.
pub(super) fn repeated<T: Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    for value in values {
        if seen.contains(&value) {
            return Some(value);
        }
        seen.insert(value);
    }
    None
}
