//! Label Studio JSON: tasks with annotations of people and predictions of models.
//!
//! Every annotation and every prediction is a [`Layer`](super::Layer) of its image. Coordinates are percent of
//! the image, turned boxes turn about their upper left corner, brushes are packed runs of colour values. What a
//! labelling interface adds (`choices` of a region, `textarea`, `relation` ...) is kept as it stands; of a brush
//! the pixels are kept, not the colours.
//!
//! ```
//! use medio::annotations::{AnnotatedImage, Annotations, Category, Object, label_studio};
//! use medio::medcore::{BoundingBox, Budget};
//!
//! // A model's finding goes out as a prediction ...
//! let mut image = AnnotatedImage::new("scan.png", [100, 200]);
//! image.objects.push(Object {
//!     score: Some(0.75),
//!     ..Object::boxed(0, BoundingBox::new([9.5, 19.5], [29.5, 59.5])?)
//! });
//! let findings = Annotations {
//!     images: vec![image],
//!     categories: vec![Category::new("nodule")],
//!     ..Annotations::default()
//! };
//! let options = label_studio::Options::new().predictions_of("detector 1.2");
//! let (text, losses) = label_studio::encode(&findings, &options)?;
//! assert!(losses.is_lossless());
//!
//! // ... and what people make of it comes back.
//! let back = label_studio::decode(text.as_bytes(), &options, &Budget::default())?;
//! let (sent, got) = (&findings.images[0].objects[0], &back.images[0].objects[0]);
//! assert_eq!((sent.bounding_box, sent.score), (got.bounding_box, got.score));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Format: <https://labelstud.io/guide/export#Label-Studio-JSON-format-of-annotated-tasks>; brushes as
//! `rle-pack` of <https://github.com/thi-ng/umbrella> packs them.

mod brush;
mod read;
mod value;
mod write;

use std::path::Path;

use medcore::Budget;

pub use read::decode;
pub use write::{encode, interface};

use super::file;
use super::loss::LossReport;
use super::model::{Annotations, LayerKind};
use crate::error::{Error, Result};

/// Names that a labelling interface chose, and whose work objects without a layer are.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    image_key: String,
    to_name: String,
    kind: LayerKind,
    model_version: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// Images under `image`, objects without a layer as annotations.
    #[must_use]
    pub fn new() -> Self {
        Self {
            image_key: "image".to_owned(),
            to_name: "image".to_owned(),
            kind: LayerKind::Annotation,
            model_version: None,
        }
    }

    /// Finds images under another key of a task's `data`.
    #[must_use]
    pub fn image_key(self, key: &str) -> Self {
        Self {
            image_key: key.to_owned(),
            ..self
        }
    }

    /// Writes objects without a layer as predictions of a model.
    #[must_use]
    pub fn predictions_of(self, model_version: &str) -> Self {
        Self {
            kind: LayerKind::Prediction,
            model_version: Some(model_version.to_owned()),
            ..self
        }
    }
}

/// Reads a file of tasks.
///
/// # Errors
/// Returns [`Error::Annotations`] with line and keys for a file that breaks the format, and passes on what the
/// system says.
pub fn read(path: impl AsRef<Path>, options: &Options) -> Result<Annotations> {
    let tasks = |bytes: &[u8], budget: &Budget| decode(bytes, options, budget);
    file::decoded(path.as_ref(), &Budget::default(), tasks)
}

/// Writes a file of tasks, and says what Label Studio could not.
///
/// # Errors
/// Refuses what [`encode`] does, and passes on what the system says.
pub fn write(
    path: impl AsRef<Path>,
    annotations: &Annotations,
    options: &Options,
) -> Result<LossReport> {
    let path = path.as_ref();
    let (text, losses) = encode(annotations, options).map_err(Error::annotations(path))?;
    file::write(path, &text)?;
    Ok(losses)
}
