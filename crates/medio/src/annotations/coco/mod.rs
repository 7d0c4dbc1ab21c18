//! COCO JSON: instances with boxes, polygons and run lengths, key points, crowds, and result files.
//!
//! Boxes and polygons are in pixel edges: a box `0, 0, width, height` is the whole image. Key points name
//! pixels (their numbers are indices, as Detectron2 reads them). Runs go down columns. Categories and images
//! are told apart by their ids, which may be any whole numbers; new ids are counted from 1, since the COCO
//! evaluation takes an annotation of id 0 for no annotation.
//!
//! Format: <https://cocodataset.org/#format-data>; run lengths and polygon filling as `maskApi` of the COCO
//! API has them. Panoptic files are not read.

mod boxes;
mod polygon;
mod read;
mod rle;
mod write;

use std::path::Path;

use medcore::{BoundingBox, Budget};

pub use boxes::{ScoredBox, decode_boxes, read_boxes};
pub use polygon::fill_polygons;
pub use read::{decode, decode_results};
pub use rle::{compress, decompress};
pub use write::{encode, encode_results};

use super::loss::LossReport;
use super::model::Annotations;
use super::{edges, file};
use crate::error::{Error, Result};

/// `x, y, width, height` of a box as a file has them, in its own digits.
///
/// What the COCO evaluation calls the area of a box is the product of these sides, which the difference of
/// its corners may miss by a last digit.
///
/// ```
/// use medio::annotations::coco;
/// use medio::medcore::Budget;
///
/// let text = br#"{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "cell"}],
///     "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0.01, 0.08, 0.1, 0.1]}]}"#;
/// let read = coco::decode(text, &Budget::default())?;
/// let bounds = read.images[0].objects[0].bounding_box.unwrap();
/// assert_ne!(bounds.extent(), [0.1, 0.1]);
/// assert_eq!(coco::box_numbers(&bounds), [0.01, 0.08, 0.1, 0.1]);
/// # Ok::<(), medio::annotations::Fault>(())
/// ```
#[must_use]
pub fn box_numbers(bounds: &BoundingBox<2>) -> [f64; 4] {
    edges::xywh(bounds)
}

/// Reads a file of images, categories and annotations.
///
/// # Errors
/// Returns [`Error::Annotations`] with the line and the keys for a file that breaks the format, and passes
/// on what the system says.
pub fn read(path: impl AsRef<Path>) -> Result<Annotations> {
    read_with(path, &Budget::default())
}

/// As [`read`], inside a budget.
///
/// # Errors
/// As [`read`]; a file that needs more than the budget is refused.
pub fn read_with(path: impl AsRef<Path>, budget: &Budget) -> Result<Annotations> {
    file::decoded(path.as_ref(), budget, decode)
}

/// Reads a file of results for the images and categories of `truth`.
///
/// # Errors
/// As [`read`], also for results that name another image or category.
pub fn read_results(path: impl AsRef<Path>, truth: &Annotations) -> Result<Annotations> {
    let results = |bytes: &[u8], budget: &Budget| decode_results(bytes, truth, budget);
    file::decoded(path.as_ref(), &Budget::default(), results)
}

/// Writes images, categories and annotations, and says what COCO could not.
///
/// # Errors
/// Refuses annotations that contradict themselves (see [`Annotations::check`]) and ids that are there twice;
/// passes on what the system says.
pub fn write(path: impl AsRef<Path>, annotations: &Annotations) -> Result<LossReport> {
    let path = path.as_ref();
    let (text, losses) = encode(annotations).map_err(Error::annotations(path))?;
    file::write(path, &text)?;
    Ok(losses)
}

/// Writes objects with scores as a file of results.
///
/// # Errors
/// As [`write()`]; refuses images and categories without an id, which a result could not name.
pub fn write_results(path: impl AsRef<Path>, annotations: &Annotations) -> Result<LossReport> {
    let path = path.as_ref();
    let (text, losses) = encode_results(annotations).map_err(Error::annotations(path))?;
    file::write(path, &text)?;
    Ok(losses)
}
