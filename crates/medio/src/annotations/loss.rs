//! What a format could not say: typed, counted, with the first place.

use std::collections::BTreeMap;
use std::fmt;

use super::extra::{Extra, Format};
use super::model::{AnnotatedImage, Annotations, Category, Object};
use super::shape::ShapeKind;

/// One kind of thing that was left out or said in another way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Loss {
    /// A shape was written as another one that stands for it.
    ShapeReplaced {
        /// What it is.
        shape: ShapeKind,
        /// What was written.
        by: ShapeKind,
    },
    /// An object was left out: the format has no word for what it is.
    ObjectDropped {
        /// What it is.
        shape: ShapeKind,
    },
    /// The box that an annotation gives beside its shape was left out.
    BoxDropped,
    /// Key points were left out.
    Keypoints,
    /// The sureness of a model was left out.
    Score,
    /// The mark of a crowd was left out.
    Crowd,
    /// The mark of a group was left out.
    Group,
    /// An attribute was left out.
    Attribute {
        /// Its name.
        name: String,
    },
    /// What is said of an image as a whole was left out.
    ImageLabel,
    /// That a category is not on an image was left out.
    AbsentLabel,
    /// Several annotators or models were thrown together.
    Layers,
    /// The size of an image is not known, and the format should have it.
    UnknownSize,
    /// Numbers of images or objects were left out.
    Id,
    /// What is said of a category beyond its name was left out.
    CategoryDetails,
    /// A key of another format was left out.
    Extra {
        /// The format it comes from.
        format: Format,
        /// Its name there.
        key: String,
    },
}

/// How often something was lost, and where first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// How often.
    pub count: usize,
    /// The first image, category or object.
    pub first: String,
}

/// Everything that a format could not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LossReport(BTreeMap<Loss, Lost>);

/// What a format has words for.
pub(super) struct Vocabulary {
    pub format: Format,
    pub keypoints: bool,
    pub score: bool,
    pub crowd: bool,
    pub group: bool,
    pub attributes: bool,
    pub labels: bool,
    pub layers: bool,
    pub image_ids: bool,
    pub object_ids: bool,
    pub category_details: bool,
}

impl LossReport {
    /// Whether everything was said.
    #[must_use]
    pub fn is_lossless(&self) -> bool {
        self.0.is_empty()
    }

    /// How often something was lost.
    #[must_use]
    pub fn count(&self, loss: &Loss) -> usize {
        self.0.get(loss).map_or(0, |lost| lost.count)
    }

    /// What was lost, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = (&Loss, &Lost)> {
        self.0.iter()
    }

    pub(super) fn add(&mut self, loss: Loss, place: impl FnOnce() -> String) {
        let lost = self.0.entry(loss).or_insert_with(|| Lost {
            count: 0,
            first: place(),
        });
        lost.count = lost.count.saturating_add(1);
    }

    pub(super) fn extend(&mut self, other: Self) {
        for (loss, lost) in other.0 {
            let sum = self.0.entry(loss).or_insert_with(|| Lost {
                count: 0,
                first: lost.first,
            });
            sum.count = sum.count.saturating_add(lost.count);
        }
    }

    /// Notes what a format has no words for, shapes apart.
    pub(super) fn note(&mut self, annotations: &Annotations, words: &Vocabulary) {
        self.extra(&annotations.extra, words.format, || "the file".to_owned());
        for category in &annotations.categories {
            self.category(category, words);
        }
        for image in &annotations.images {
            self.image(image, words);
            for (number, object) in image.objects.iter().enumerate() {
                self.object(object, words, || {
                    format!("{:?}, object {number}", image.name)
                });
            }
        }
    }

    fn category(&mut self, category: &Category, words: &Vocabulary) {
        let place = || format!("category {:?}", category.name);
        let details = category.supercategory.is_some()
            || !category.keypoints.is_empty()
            || !category.skeleton.is_empty();
        if details && !words.category_details {
            self.add(Loss::CategoryDetails, place);
        }
        self.extra(&category.extra, words.format, place);
    }

    fn image(&mut self, image: &AnnotatedImage, words: &Vocabulary) {
        let place = || format!("{:?}", image.name);
        if image.id.is_some() && !words.image_ids {
            self.add(Loss::Id, place);
        }
        if image.layers.len() > 1 && !words.layers {
            self.add(Loss::Layers, place);
        }
        for label in &image.labels {
            match (words.labels, label.present) {
                (false, true) => self.add(Loss::ImageLabel, place),
                (false, false) => self.add(Loss::AbsentLabel, place),
                (true, _) => {}
            }
            if label.score.is_some() && !words.score {
                self.add(Loss::Score, place);
            }
            self.extra(&label.extra, words.format, place);
        }
        if !words.attributes {
            let attributes = image.attributes.iter();
            let attributes = attributes.chain(image.labels.iter().flat_map(|l| &l.attributes));
            for attribute in attributes {
                let name = attribute.name.clone();
                self.add(Loss::Attribute { name }, place);
            }
        }
        for layer in &image.layers {
            self.extra(&layer.extra, words.format, place);
        }
        self.extra(&image.extra, words.format, place);
    }

    fn object(&mut self, object: &Object, words: &Vocabulary, place: impl Fn() -> String) {
        let lost = [
            (object.id.is_some() && !words.object_ids, Loss::Id),
            (
                !object.keypoints.is_empty() && !words.keypoints,
                Loss::Keypoints,
            ),
            (object.score.is_some() && !words.score, Loss::Score),
            (object.crowd && !words.crowd, Loss::Crowd),
            (object.group.is_some() && !words.group, Loss::Group),
        ];
        for (lost, loss) in lost {
            if lost {
                self.add(loss, &place);
            }
        }
        if !words.attributes {
            for attribute in &object.attributes {
                let name = attribute.name.clone();
                self.add(Loss::Attribute { name }, &place);
            }
        }
        self.extra(&object.extra, words.format, place);
    }

    fn extra(&mut self, extra: &Extra, into: Format, place: impl Fn() -> String) {
        let Some(format) = extra.format().filter(|format| *format != into) else {
            return;
        };
        for (key, _) in extra.iter() {
            let key = key.to_owned();
            self.add(Loss::Extra { format, key }, &place);
        }
    }
}

impl fmt::Display for LossReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing was lost");
        }
        for (i, (loss, lost)) in self.0.iter().enumerate() {
            let line = if i == 0 { "" } else { "\n" };
            write!(f, "{line}{} x {loss}, first {}", lost.count, lost.first)?;
        }
        Ok(())
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::ShapeReplaced { shape, by } => return write!(f, "{shape} written as {by}"),
            Self::ObjectDropped { shape } => return write!(f, "{shape} left out"),
            Self::Attribute { name } => return write!(f, "attribute {name:?} left out"),
            Self::Extra { format, key } => {
                return write!(f, "{} key {key:?} left out", format.name());
            }
            Self::BoxDropped => "box beside a shape left out",
            Self::Keypoints => "key points left out",
            Self::Score => "score left out",
            Self::Crowd => "crowd mark left out",
            Self::Group => "group left out",
            Self::ImageLabel => "label of an image left out",
            Self::AbsentLabel => "absence of a label left out",
            Self::Layers => "annotators or models thrown together",
            Self::UnknownSize => "image of unknown size",
            Self::Id => "number left out",
            Self::CategoryDetails => "details of a category left out",
        };
        f.write_str(text)
    }
}

impl fmt::Display for ShapeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Box => "box",
            Self::Polygon => "polygon",
            Self::PolygonParts => "polygon of several parts",
            Self::Polyline => "line",
            Self::Points => "points",
            Self::RotatedBox => "turned box",
            Self::Ellipse => "ellipse",
            Self::Mask => "mask",
            Self::Keypoints => "key points",
        })
    }
}
