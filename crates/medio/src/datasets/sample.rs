//! The voxels of a case: all channels as one image, labels on the same grid.

use std::path::{Path, PathBuf};

use medcore::{Geometry, GeometryTolerance, Image, LabelMap};

use super::{Case, LabelTable};
use crate::error::{Error, Result};
use crate::nifti::{self, Header, ReadOptions, Warning};

/// A case in memory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Sample {
    /// The case's id.
    pub id: String,
    /// All channels, `[channels, depth, height, width]`.
    pub image: Image<f32, 3>,
    /// Classes on the image's grid, if the case has them.
    pub labels: Option<LabelMap<u8, 3>>,
    /// The first image's header; a prediction written [`like`](nifti::WriteOptions::like) it keeps its
    /// place to the bit.
    pub header: Header,
    /// What the readers doubted or repaired, and in which file.
    pub warnings: Vec<(PathBuf, Warning)>,
}

impl Sample {
    /// The image and its labels, for what cannot do without.
    ///
    /// # Errors
    /// [`Error::MissingLabels`] names the case.
    pub fn labelled(&self) -> Result<(&Image<f32, 3>, &LabelMap<u8, 3>)> {
        let missing = || Error::MissingLabels {
            case: self.id.clone(),
        };
        Ok((&self.image, self.labels.as_ref().ok_or_else(missing)?))
    }
}

/// The image files of a case, read.
struct Scan {
    image: Image<f32, 3>,
    header: Header,
    warnings: Vec<(PathBuf, Warning)>,
}

impl Scan {
    fn read(path: &Path, options: &ReadOptions) -> Result<Self> {
        let loaded = nifti::read_image_with(path, options)?;
        check_finite(&loaded.value, path)?;
        let found = loaded.report.warnings.into_iter();
        Ok(Self {
            image: loaded.value,
            header: loaded.header,
            warnings: found.map(|warning| (path.to_owned(), warning)).collect(),
        })
    }
}

impl Case {
    /// A scan that belongs to no dataset, to be segmented: one file a channel, or one file with all `channels`.
    ///
    /// ```no_run
    /// use medio::datasets::{Case, LabelTable};
    ///
    /// let scan = Case::unlabelled("patient 7", ["t1.nii.gz", "flair.nii.gz"], 2);
    /// assert_eq!(scan.load(&LabelTable::default())?.image.channels(), 2);
    /// # Ok::<(), medio::Error>(())
    /// ```
    pub fn unlabelled<P: Into<PathBuf>>(
        id: impl Into<String>,
        images: impl IntoIterator<Item = P>,
        channels: usize,
    ) -> Self {
        Self {
            id: id.into(),
            images: images.into_iter().map(Into::into).collect(),
            label: None,
            channels,
        }
    }

    /// Reads all channels and the labels, with the default [`GeometryTolerance`].
    ///
    /// # Errors
    /// [`Error::GridsDiffer`] names two files of different shape or place; [`Error::UnknownLabel`] a value
    /// that `labels` does not name; [`Error::NotFinite`] a voxel that is no number; [`Error::ChannelCount`]; and as
    /// [`nifti::read_image`].
    pub fn load(&self, labels: &LabelTable) -> Result<Sample> {
        self.load_with(labels, &GeometryTolerance::default(), &ReadOptions::new())
    }

    /// As [`Case::load`], with another tolerance and options.
    ///
    /// # Errors
    /// As [`Case::load`].
    pub fn load_with(
        &self,
        labels: &LabelTable,
        tolerance: &GeometryTolerance,
        options: &ReadOptions,
    ) -> Result<Sample> {
        let Scan {
            image,
            header,
            mut warnings,
        } = self.scan(tolerance, options)?;
        let map = match &self.label {
            None => None,
            Some(path) => {
                // The grids are compared before the voxels are read: the usual mistake costs nothing.
                let info = nifti::read_header_with(path, options)?;
                self.check_grid(image.geometry(), path, &info.geometry, tolerance)?;
                let loaded = nifti::read_labels_with::<u8, 3>(path, options)?;
                check_values(&loaded.value, labels, path)?;
                let found = loaded.report.warnings.into_iter();
                warnings.extend(found.map(|warning| (path.clone(), warning)));
                // From here on both lie on one grid, without the rounding that was tolerated.
                let same = loaded.value.with_geometry(*image.geometry());
                Some(same.map_err(|e| {
                    Error::file(crate::format::Format::Nifti, path)(nifti::Fault::core("label")(e))
                })?)
            }
        };
        Ok(Sample {
            id: self.id.clone(),
            image,
            labels: map,
            header,
            warnings,
        })
    }

    /// All channels on the first one's grid.
    fn scan(&self, tolerance: &GeometryTolerance, options: &ReadOptions) -> Result<Scan> {
        let Some((first, others)) = self.images.split_first() else {
            return Err(self.wrong_count(0));
        };
        let mut scan = Scan::read(first, options)?;
        if !others.is_empty() {
            let geometry = *scan.image.geometry();
            let mut channels = scan.image.channels();
            let mut voxels = scan.image.into_vec();
            for path in others {
                let next = Scan::read(path, options)?;
                self.check_grid(&geometry, path, next.image.geometry(), tolerance)?;
                channels += next.image.channels();
                voxels.extend_from_slice(next.image.as_slice());
                scan.warnings.extend(next.warnings);
            }
            scan.image = Image::with_channels(channels, geometry, voxels).map_err(|e| {
                Error::file(crate::format::Format::Nifti, first)(nifti::Fault::core("channels")(e))
            })?;
        }
        match scan.image.channels() {
            got if got == self.channels => Ok(scan),
            got => Err(self.wrong_count(got)),
        }
    }

    fn wrong_count(&self, got: usize) -> Error {
        Error::ChannelCount {
            case: self.id.clone(),
            expected: self.channels,
            got,
        }
    }

    fn check_grid(
        &self,
        grid: &Geometry<3>,
        path: &Path,
        other: &Geometry<3>,
        tolerance: &GeometryTolerance,
    ) -> Result<()> {
        let same = grid.check_same_as(other, tolerance);
        same.map_err(|mismatch| Error::GridsDiffer {
            left: self.images.first().cloned().unwrap_or_default(),
            right: path.to_owned(),
            cause: Box::new(mismatch),
        })
    }
}

/// Says where the first voxel lies that is not a number, and how many there are: nothing can be learnt from them.
fn check_finite(image: &Image<f32, 3>, path: &Path) -> Result<()> {
    let unusable = |voxel: &&f32| !voxel.is_finite();
    let count = image.as_slice().iter().filter(unusable).count();
    if count == 0 {
        return Ok(());
    }
    let at = image.as_slice().iter().position(|v| !v.is_finite());
    let at = at.unwrap_or(0) % image.geometry().len();
    Err(Error::NotFinite {
        path: path.to_owned(),
        count,
        voxel: place(at, image.shape()),
    })
}

/// Says where the first value lies that the table does not name.
fn check_values(labels: &LabelMap<u8, 3>, table: &LabelTable, path: &Path) -> Result<()> {
    let values = table.values();
    let mut known = [false; 256];
    for &value in &values {
        known[value as usize] = true; // the table allows at most 255
    }
    let unknown = |label: &u8| !known[usize::from(*label)];
    let Some(at) = labels.as_slice().iter().position(unknown) else {
        return Ok(());
    };
    let known: Vec<_> = values.iter().map(u32::to_string).collect();
    Err(Error::UnknownLabel {
        path: path.to_owned(),
        value: labels.as_slice()[at].into(),
        voxel: place(at, labels.shape()),
        known: known.join(", "),
    })
}

/// `[depth, height, width]` of a voxel by its place in memory.
fn place(at: usize, [_, height, width]: [usize; 3]) -> [usize; 3] {
    [at / (height * width), at / width % height, at % width]
}
