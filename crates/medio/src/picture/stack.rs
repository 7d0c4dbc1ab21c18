//! A folder of pictures as one volume.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use medcore::{Budget, Image};

use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::format::Format;
use crate::grid::unplaced;
use crate::options::ReadOptions;
use crate::voxel::Voxel;

/// Reads a folder of equal pictures as the slices of a volume, in the order of the numbers in their names.
///
/// `slice2.png` comes before `slice10.png`. Hidden files are passed over; any other file that is no picture is
/// an error, so that no slice is missed. [`ReadOptions::grid`] places the volume.
///
/// ```no_run
/// use medio::{ReadOptions, picture};
///
/// let volume = picture::read_stack::<u16>("slices", &ReadOptions::new())?;
/// println!("{} slices", volume.shape()[0]);
/// # Ok::<(), medio::Error>(())
/// ```
///
/// # Errors
/// [`Error::Io`] for a folder that cannot be listed; [`Error::File`] for pictures of different sizes or number
/// types, for several pages, and as [`crate::read()`].
pub fn read_stack<T: Voxel>(
    folder: impl AsRef<Path>,
    options: &ReadOptions,
) -> Result<Image<T, 3>> {
    let folder = folder.as_ref();
    let fresh = Budget::default();
    let budget = options.budget.as_deref().unwrap_or(&fresh);
    let files = slices(folder)?;
    let first = files.first().ok_or_else(|| {
        let nothing = std::io::Error::new(std::io::ErrorKind::NotFound, "no picture in the folder");
        Error::io("list", folder)(nothing)
    })?;
    let each = ReadOptions {
        grid: None,
        ..options.clone()
    };
    let fresh_look = each
        .clone()
        .budget(Arc::new(Budget::new(budget.bytes_left())));
    let info = crate::read_header_with(first, &fresh_look)?;
    let ([_, height, width], channels) = (info.geometry.shape(), info.channels);
    let unlike = |path: &Path, got: String| {
        Error::file(info.header.format(), path)(Fault::Contradiction {
            rule: "slices must be pictures of one page, equal in size and number type",
            got,
        })
    };
    let core = |path: &Path| Error::file(info.header.format(), path);
    let plane = height.saturating_mul(width);
    let voxels = files.len().saturating_mul(plane);
    let sizes = [channels, files.len(), height, width].map(crate::raw::len64);
    let element = crate::raw::len64(size_of::<T>());
    let count = budget
        .claim_array("slices", &sizes, element)
        .map_err(|e| core(first)(Fault::core("slices")(e)))?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    // Claimed above; taken as slices arrive, so that the last file missing costs little.
    let mut stack = medcore::buffer::zeroed::<T>(count, "slices")
        .map_err(|e| core(first)(Fault::core("slices")(e)))?;
    for (slice, path) in files.iter().enumerate() {
        // A slice is gone when the next one comes: each may use what the stack has left.
        let each = each
            .clone()
            .budget(Arc::new(Budget::new(budget.bytes_left())));
        let here = crate::read_header_with(path, &each)?;
        let shape = here.geometry.shape();
        let type_here = here.datatype;
        if shape != [1, height, width] || here.channels != channels || type_here != info.datatype {
            let got = format!(
                "{shape:?} of {} and {} channels",
                type_here.name(),
                here.channels
            );
            return Err(unlike(path, got));
        }
        let image = crate::read_with::<T, 3>(path, &each)?.value;
        for (channel, target) in stack.chunks_exact_mut(voxels.max(1)).enumerate() {
            let target = target.chunks_exact_mut(plane.max(1)).nth(slice);
            if let Some(target) = target {
                target.copy_from_slice(image.channel(channel));
            }
        }
    }
    let grid = unplaced([files.len(), height, width], options).map_err(core(first))?;
    Image::with_channels(channels, grid, stack).map_err(|e| core(first)(Fault::core("slices")(e)))
}

/// The pictures of a folder in natural order.
fn slices(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |e| Error::io("list", folder)(e);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if is_hidden || entry.path().is_dir() {
            continue;
        }
        let path = entry.path();
        match Format::of_file(&path)? {
            Format::Png | Format::Tiff | Format::Jpeg | Format::Bmp => files.push(path),
            format => {
                return Err(Error::UnsupportedFormat {
                    path,
                    format,
                    reason: "a stack holds pictures only",
                });
            }
        }
    }
    files.sort_by(|a, b| natural(&name(a), &name(b)));
    Ok(files)
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// Digits compare as numbers, the rest as text.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a, b);
    while !left.is_empty() && !right.is_empty() {
        let ((x, x_rest), (y, y_rest)) = (piece(left), piece(right));
        let digits = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let order = match digits(x) && digits(y) {
            true => {
                let (x, y) = (x.trim_start_matches('0'), y.trim_start_matches('0'));
                x.len().cmp(&y.len()).then(x.cmp(y))
            }
            false => x.cmp(y),
        };
        if order != Ordering::Equal {
            return order;
        }
        (left, right) = (x_rest, y_rest);
    }
    // `1` and `01` are one number; the name decides.
    left.len().cmp(&right.len()).then(a.cmp(b))
}

/// A run of digits, or of anything else, and what follows it.
fn piece(text: &str) -> (&str, &str) {
    let is_digit = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != is_digit);
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = [
            "s10.png", "s9.png", "s010b", "s1", "t", "s", "é2", "é10", "s01",
        ];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(
            names,
            [
                "s", "s01", "s1", "s9.png", "s10.png", "s010b", "t", "é2", "é10"
            ]
        );
    }
}
