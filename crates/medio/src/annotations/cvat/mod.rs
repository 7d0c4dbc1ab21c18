//! CVAT XML 1.1 for images: boxes (turned ones too), polygons, lines, points, ellipses, masks, skeletons, tags.
//!
//! Coordinates are pixel edges; masks are runs along the rows of the block they fill. What CVAT keeps of tasks
//! (`meta`) is kept as it stands; without one, the labels alone are written. A cuboid is kept as it stands and
//! is no object here. Files of videos (`track`) are refused.
//!
//! Format: <https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/>.

mod read;
mod write;

use std::path::Path;

use medcore::Budget;

pub use read::decode;
pub use write::encode;

use super::file;
use super::loss::LossReport;
use super::model::Annotations;
use crate::error::{Error, Result};

/// Reads a file of images and what is drawn on them.
///
/// # Errors
/// Returns [`Error::Annotations`] with line and element for a file that breaks the format, and passes on what
/// the system says.
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

/// Writes images and what is drawn on them, and says what CVAT could not.
///
/// # Errors
/// Refuses what [`encode`] does, and passes on what the system says.
pub fn write(path: impl AsRef<Path>, annotations: &Annotations) -> Result<LossReport> {
    let path = path.as_ref();
    let (text, losses) = encode(annotations).map_err(Error::annotations(path))?;
    file::write(path, &text)?;
    Ok(losses)
}
