//! A folder of pictures as one volume.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use medcore::{Budget, Buffer, Geometry, Image};

use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::format::Format;
use crate::grid::unplaced;
use crate::header::Info;
use crate::options::ReadOptions;
use crate::report::Report;
use crate::volume::{Facts, Opened, Volume};
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
    let budget = &*options.own_budget();
    let stack = PictureStack::open(folder.as_ref(), options)?;
    Ok(stack.image(budget)?.value)
}

/// A folder of pictures of which the first was looked at.
pub(crate) struct PictureStack {
    files: Vec<PathBuf>,
    first: PathBuf,
    info: Info,
    geometry: Geometry<3>,
    report: Report,
    /// For each picture.
    options: ReadOptions,
}

impl PictureStack {
    pub(crate) fn open(folder: &Path, options: &ReadOptions) -> Result<Self> {
        let files = slices(folder)?;
        let first = files.first().cloned().ok_or_else(|| {
            let nothing = std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "neither DICOM files nor pictures in the folder",
            );
            Error::io("list", folder)(nothing)
        })?;
        let each = ReadOptions {
            grid: None,
            ..options.clone()
        };
        let info = crate::read_header_with(&first, &each)?;
        let [_, height, width] = info.geometry.shape();
        let geometry = unplaced([files.len(), height, width], options)
            .map_err(Error::file(info.header.format(), &first))?;
        Ok(Self {
            files,
            first,
            info,
            geometry,
            report: Report::default(),
            options: each,
        })
    }

    pub(crate) fn format(&self) -> Format {
        self.info.header.format()
    }

    fn core(&self) -> impl FnOnce(medcore::Error) -> Error + use<> {
        let at = Error::file(self.format(), &self.first);
        move |error| at(Fault::core("slices")(error))
    }

    /// Refuses a picture that is not like the first.
    fn check(&self, path: &Path, options: &ReadOptions) -> Result<()> {
        let here = crate::read_header_with(path, options)?;
        let [_, height, width] = self.info.geometry.shape();
        let (shape, datatype) = (here.geometry.shape(), here.datatype);
        let alike = here.channels == self.info.channels && datatype == self.info.datatype;
        if alike && shape == [1, height, width] {
            return Ok(());
        }
        Err(Error::file(self.format(), path)(Fault::Contradiction {
            rule: "slices must be pictures of one page, equal in size and number type",
            got: format!(
                "{shape:?} of {} and {} channels",
                datatype.name(),
                here.channels
            ),
        }))
    }
}

impl Opened for PictureStack {
    fn facts(&self) -> Facts<'_> {
        Facts {
            format: self.format(),
            path: &self.first,
            geometry: self.geometry,
            channels: self.info.channels,
            stored: self.info.datatype,
            natural: self.info.datatype,
            report: &self.report,
        }
    }

    fn voxels<T: Voxel>(self, budget: &Budget) -> Result<Volume<Buffer<T>>> {
        let ([depth, height, width], channels) = (self.geometry.shape(), self.info.channels);
        let plane = height.saturating_mul(width);
        let voxels = depth.saturating_mul(plane);
        let sizes = [channels, depth, height, width].map(crate::raw::len64);
        let element = crate::raw::len64(size_of::<T>());
        let count = { budget.claim_array("slices", &sizes, element) }.map_err(self.core())?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        // Claimed above; taken as slices arrive, so that the last file missing costs little.
        let mut stack = medcore::buffer::zeroed::<T>(count, "slices").map_err(self.core())?;
        let mut report = self.report.clone();
        for (slice, path) in self.files.iter().enumerate() {
            // A slice is gone when the next one comes: each may use what the stack has left.
            let left = Arc::new(Budget::new(budget.bytes_left()));
            let each = self.options.clone().budget(left);
            self.check(path, &each)?;
            let read = crate::read_with::<T, 3>(path, &each)?;
            for warning in read.report.warnings {
                report.add(warning);
            }
            for (channel, target) in stack.chunks_exact_mut(voxels.max(1)).enumerate() {
                let target = target.chunks_exact_mut(plane.max(1)).nth(slice);
                if let Some(target) = target {
                    target.copy_from_slice(read.value.channel(channel));
                }
            }
        }
        Ok(Volume {
            value: stack.into(),
            report,
        })
    }
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
