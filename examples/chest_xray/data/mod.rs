//! Radiographs from anywhere, as one collection.

mod dicom_folder;
mod files;
mod generated;
mod kaggle;
mod medmnist;
mod nih;
mod pixels;
mod table;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use medcore::Image;
use medcore::random::Key;
use medtrain::BoxError;
use medtrain::medaug::Sample;
use medtrain::split::{
    Balance, CaseRecord, Cohort, Lists, PartName, PixelHash, Shares, Split, Unlisted,
};
use rayon::prelude::*;

pub(crate) use generated::Generated;
pub(crate) use pixels::{Finding, Pixels};

/// Radiographs of one source, and what is known of them.
#[derive(Debug)]
pub(crate) struct Collection {
    /// In words.
    pub(crate) source: String,
    /// The classes, the finding second.
    pub(crate) classes: [String; 2],
    /// What divides the images into subgroups: scanners, views.
    pub(crate) grouping: &'static str,
    pub(crate) radiographs: Vec<Radiograph>,
    /// Whether one program made all images alike, so that a grey value means the same in each.
    pub(crate) alike: bool,
    /// What was decided on reading, for the report.
    pub(crate) notes: Vec<String>,
    /// What validation needs where the source has none, or one too small.
    pub(crate) validation: OfficialValidation,
    /// The same generator again, where there is one.
    pub(crate) generated: Option<Generated>,
}

/// What the source says of validation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OfficialValidation {
    /// It has one that is used.
    Kept,
    /// It has none, or too small a one: patients of training are held out.
    Rebuilt,
}

/// One image.
#[derive(Debug, Clone)]
pub(crate) struct Radiograph {
    /// Name, patient, class (1 with the finding) and subgroup.
    pub(crate) record: CaseRecord,
    pub(crate) pixels: Pixels,
    /// Where the finding is, if that is known.
    pub(crate) finding: Finding,
    /// The part that the source's own lists give it.
    pub(crate) part: Option<PartName>,
}

impl Collection {
    /// Reads what `path` holds: an `.npz` of MedMNIST, Kaggle's folders, ChestX-ray14, or DICOM files with a table.
    pub(crate) fn open(path: &Path, finding: &str) -> Result<Self> {
        ensure!(path.exists(), "{} is not there", path.display());
        let collection = if path.is_file() {
            medmnist::open(path)?
        } else if kaggle::is_here(path) {
            kaggle::open(path)?
        } else if let Some(table) = nih::table(path)? {
            nih::open(path, &table, finding)?
        } else if let Some(table) = dicom_folder::table(path)? {
            dicom_folder::open(path, &table, finding)?
        } else {
            bail!(
                "{} is none of: an .npz of MedMNIST, folders train/NORMAL and train/PNEUMONIA, \
                 Data_Entry_2017*.csv beside images, DICOM files with one CSV table",
                path.display()
            );
        };
        let of = |class| collection.count(class);
        ensure!(
            of(0) > 0 && of(1) > 0,
            "{} holds {} images with {} and {} without: both are needed",
            path.display(),
            of(1),
            collection.classes[1],
            of(0)
        );
        Ok(collection)
    }

    /// Whether there are files to read beforehand; what a generator or an archive gave lies in memory.
    pub(crate) fn is_in_files(&self) -> bool {
        self.radiographs
            .iter()
            .any(|r| !matches!(r.pixels, Pixels::Loaded(_)))
    }

    /// Images of a class.
    pub(crate) fn count(&self, class: u32) -> usize {
        (self.radiographs.iter())
            .filter(|r| r.record.class == Some(class))
            .count()
    }

    /// Adds hashes of the pixels, by which leaks under other names are found; images that are in a part of the source and
    /// again in a later one are left out of the earlier.
    pub(crate) fn hash_pixels(&mut self, progress: &indicatif::ProgressBar) -> Result<()> {
        progress.set_length(self.radiographs.len() as u64);
        let hash = |radiograph: &mut Radiograph| -> Result<()> {
            let image = radiograph.pixels.read()?;
            let record = radiograph.record.clone();
            radiograph.record = record.with_pixels(PixelHash::of(&image));
            progress.inc(1);
            Ok(())
        };
        self.radiographs.par_iter_mut().try_for_each(hash)?;
        progress.finish_and_clear();
        let mut last = std::collections::HashMap::new();
        for radiograph in &self.radiographs {
            if let (Some(pixels), Some(part)) = (&radiograph.record.pixels, radiograph.part) {
                let latest = last.entry(*pixels.as_bytes()).or_insert(part);
                *latest = part.max(*latest);
            }
        }
        let before = self.radiographs.len();
        self.radiographs
            .retain(|r| match (&r.record.pixels, r.part) {
                (Some(pixels), Some(part)) => last[pixels.as_bytes()] == part,
                _ => true,
            });
        let dropped = before - self.radiographs.len();
        if dropped > 0 {
            self.notes.push(format!(
                "{dropped} images were left out of an earlier part because a later part has the same pixels."
            ));
        }
        Ok(())
    }

    /// Training, validation and test by patient: as the source has them, otherwise 45, 25 and 30 % of the patients.
    pub(crate) fn split(&self, key: Key) -> Result<Split<usize>> {
        // Who shares pixels or a study is one patient, whatever the names say.
        let cohort =
            Cohort::of_records(self.radiographs.iter().map(|r| r.record.clone()))?.joined();
        if self.radiographs.iter().all(|r| r.part.is_none()) {
            let shares = Shares::new(0.25, 0.3).balanced(Balance::Classes);
            return Ok(cohort.hold_out(&shares, key)?);
        }
        let named = |part| {
            let of_part = self
                .radiographs
                .iter()
                .filter(move |r| r.part == Some(part));
            of_part.map(|r| r.record.id.clone()).collect()
        };
        let lists = Lists {
            training: named(PartName::Training),
            validation: named(PartName::Validation),
            test: named(PartName::Test),
        };
        let split = cohort.by_lists(&lists, Unlisted::LeaveOut)?;
        Ok(match self.validation {
            OfficialValidation::Kept => split,
            OfficialValidation::Rebuilt => {
                let shares = Shares::new(0.15, 0.0).balanced(Balance::Classes);
                split.with_validation(&shares, key)?
            }
        })
    }
}

/// The images behind a cache.
#[derive(Debug)]
pub(crate) struct Reader(pub(crate) std::sync::Arc<Vec<Radiograph>>);

impl medtrain::CaseReader<2> for Reader {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn name(&self, number: usize) -> String {
        self.0[number].record.id.clone()
    }

    fn files(&self, number: usize) -> Vec<PathBuf> {
        self.0[number].record.files.clone()
    }

    fn read(&self, number: usize) -> Result<Sample<2>, BoxError> {
        let image: Image<f32, 2> = self.0[number].pixels.read().map_err(BoxError::from)?;
        Ok(Sample::new(image))
    }
}

/// The only file of a folder whose name passes.
fn only_file(folder: &Path, what: &str, wanted: impl Fn(&str) -> bool) -> Result<Option<PathBuf>> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_file() && wanted(name) {
            found.push(path);
        }
    }
    found.sort();
    ensure!(
        found.len() < 2,
        "{} holds several files of {what}: {found:?}",
        folder.display()
    );
    Ok(found.pop())
}
