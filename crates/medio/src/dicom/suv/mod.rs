//! Standardised uptake values of PET (PS3.3 section C.8.9.1, and the profile of the Quantitative Imaging
//! Biomarkers Alliance for vendor-neutral SUV).
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "grams, becquerels and seconds"
)]

mod body;
mod factor;
mod header;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::file::open;
use super::series::{SeriesFault, SeriesVolume};
use super::stack::Stack;
use super::tag::Tag;
use crate::options::ReadOptions;
use header::Header;

/// What an uptake is related to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Suv {
    /// Body weight.
    BodyWeight,
    /// Lean body mass after Janmahasatian (2005).
    LeanBodyMass,
    /// Lean body mass after James (1976), with 128 for men.
    LeanBodyMassJames,
    /// Body surface after Du Bois (1916).
    BodySurface,
    /// Ideal body weight as in the QIBA profile.
    Ideal,
}

impl Suv {
    /// The unit, a code of UCUM.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::BodyWeight => "{SUVbw}g/ml",
            Self::LeanBodyMass => "{SUVlbm(Janma)}g/ml",
            Self::LeanBodyMassJames => "{SUVlbm(James128)}g/ml",
            Self::BodySurface => "{SUVbsa}cm2/ml",
            Self::Ideal => "{SUVibw}g/ml",
        }
    }
}

/// To which moment the injected activity was decayed, and how it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SuvReference {
    /// Series date and time.
    Series,
    /// Start of the scan in a private attribute of GE.
    GeScanStart,
    /// Acquisition time, led back to the series' reference by `FrameReferenceTime`.
    FrameReferenceTime,
    /// The earliest acquisition time of the files read.
    EarliestAcquisition,
    /// The slice's own acquisition time: the images are not corrected for decay.
    Acquisition,
    /// None: the images are corrected to the time of injection.
    Injection,
    /// None: the values are uptakes already, or the scanner gives the factor.
    Scanner,
}

/// What a slice's modality values are multiplied by.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct SuvFactor {
    /// The factor.
    pub factor: f64,
    /// Seconds of decay of the injected activity.
    pub decay_seconds: f64,
    /// To which moment.
    pub reference: SuvReference,
}

/// Why there are no uptake values.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SuvFault {
    /// Attributes are missing.
    #[error("{}: {} missing", path.display(), tags.iter().map(Tag::to_string).collect::<Vec<_>>().join(", "))]
    Missing {
        /// The file.
        path: PathBuf,
        /// Which.
        tags: Vec<Tag>,
    },
    /// An attribute cannot be right.
    #[error("{}: {tag} must be {rule}, got {value}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Which.
        tag: Tag,
        /// The rule.
        rule: &'static str,
        /// Its value.
        value: String,
    },
    /// The injection lies behind the scan, or so far before it that nothing is left.
    #[error("{}: {seconds} s from the injection to the scan, at a half-life of {half_life} s", path.display())]
    Times {
        /// The file.
        path: PathBuf,
        /// Seconds from injection to scan.
        seconds: f64,
        /// Half-life in seconds.
        half_life: f64,
    },
    /// Planes that repair a gap lie between slices of different factors.
    #[error("repaired planes lie between slices of different factors")]
    Repaired,
}

impl Stack {
    /// The factors from modality values to uptakes for some files of the stack.
    fn factors(&self, suv: Suv, paths: &[Arc<Path>]) -> crate::Result<Vec<SuvFactor>> {
        let read = |path: &Arc<Path>| -> crate::Result<Header> {
            let file = open(path)?;
            let header = Header::of(file.dataset());
            header.map_err(crate::Error::dicom(path))
        };
        let headers: crate::Result<Vec<Header>> = paths.par_iter().map(read).collect();
        let headers = headers?;
        let earliest = { headers.iter() }.filter_map(|header| header.acquisition);
        let earliest = earliest.min_by(f64::total_cmp);
        { headers.iter().zip(paths) }
            .map(|(header, path)| {
                let factor = factor::factor(header, earliest, suv, path);
                factor.map_err(|fault| self.fault(SeriesFault::Suv(fault)))
            })
            .collect()
    }

    /// The factors from modality values to standardised uptake values, one for each file in the order of
    /// [`Stack::slices`].
    ///
    /// # Errors
    /// Names the attributes that are missing or cannot be right.
    pub fn suv_factors(&self, suv: Suv) -> crate::Result<Vec<SuvFactor>> {
        let mut paths: Vec<Arc<Path>> = Vec::new();
        for slice in &self.slices {
            if paths.last() != Some(&slice.path) {
                paths.push(Arc::clone(&slice.path));
            }
        }
        self.factors(suv, &paths)
    }

    /// The stack as one volume of standardised uptake values.
    ///
    /// A value that fills gaps is one of the modality, and scaled like the slices.
    ///
    /// ```no_run
    /// use medio::dicom::{self, Suv, ReadOptions};
    ///
    /// let scan = dicom::scan("pet")?;
    /// let uptake = scan.only()?.stack()?.suv(Suv::BodyWeight, &ReadOptions::new())?;
    /// # Ok::<(), medio::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses what [`Stack::volume`] refuses, and names the attributes that are missing or cannot be right.
    pub fn suv(&self, suv: Suv, options: &ReadOptions) -> crate::Result<SeriesVolume<f32>> {
        let mut volume = self.volume::<f32>(options)?;
        let sources = volume.planes.iter().flatten();
        let mut paths: Vec<Arc<Path>> = sources.map(|s| Arc::clone(&s.path)).collect();
        paths.sort();
        paths.dedup();
        let factors = self.factors(suv, &paths)?;
        let by_path: BTreeMap<&Arc<Path>, f64> = { paths.iter() }
            .zip(factors.iter().map(|factor| factor.factor))
            .collect();
        let first = factors.first().map(|factor| factor.factor);
        let equal = first.filter(|first| factors.iter().all(|f| f.factor == *first));
        let repaired = || self.fault(SeriesFault::Suv(SuvFault::Repaired));
        let planes: Option<Vec<f64>> = { volume.planes.iter() }
            .map(|source| match source {
                Some(source) => by_path.get(&source.path).copied(),
                None => equal,
            })
            .collect();
        let planes = planes.ok_or_else(repaired)?;
        let [_, rows, columns] = volume.image.shape();
        let voxels = volume.image.as_mut_slice();
        let voxels = voxels.par_chunks_exact_mut((rows * columns).max(1));
        voxels.zip(&planes).for_each(|(plane, factor)| {
            for voxel in plane {
                *voxel = (f64::from(*voxel) * factor) as f32;
            }
        });
        volume.unit = Some(suv.unit().to_owned());
        Ok(volume)
    }
}
