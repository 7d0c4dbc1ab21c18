//! LabelMe JSON: one file an image; polygons, rectangles, circles, lines, points and masks.
//!
//! Points are pixel edges, as the program draws them; a mask is a PNG of the block whose first and last pixel
//! its two points name. Flags of a file are labels of its image, flags of a shape attributes.
//!
//! Format: <https://github.com/wkentaro/labelme> (files of versions 3 to 6).

mod png;
mod read;
mod write;

use std::path::Path;

use medcore::Budget;

pub use read::decode;
pub use write::encode;

use super::file;
use super::loss::LossReport;
use super::model::Annotations;
use super::names::Names;
use crate::error::{Error, Result};

/// Reads all files `*.json` of a folder, in order; categories are in the order in which they are met.
///
/// # Errors
/// Returns [`Error::Annotations`] with file, line and keys, and passes on what the system says.
pub fn read_folder(folder: impl AsRef<Path>) -> Result<Annotations> {
    let folder = folder.as_ref();
    let budget = Budget::default();
    let mut names = Names::default();
    let mut images = Vec::new();
    for below in file::below(folder, &["json"])? {
        let image = |bytes: &[u8], budget: &Budget| read::image(bytes, &mut names, budget);
        images.push(file::decoded(&folder.join(below), &budget, image)?);
    }
    Ok(Annotations {
        images,
        categories: names.finish(),
        ..Annotations::default()
    })
}

/// Writes one file an image into a folder, `a.json` for `a.png`.
///
/// # Errors
/// Refuses what [`encode`] does, names that leave the folder or whose files would be one; passes on what the
/// system says.
pub fn write_folder(folder: impl AsRef<Path>, annotations: &Annotations) -> Result<LossReport> {
    let folder = folder.as_ref();
    let targets = file::targets(folder, &annotations.images, "json")?;
    let (texts, losses) = encode(annotations).map_err(Error::annotations(folder))?;
    for (text, target) in texts.iter().zip(&targets) {
        file::write_below(target, text)?;
    }
    Ok(losses)
}
