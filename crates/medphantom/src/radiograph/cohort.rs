//! Patients as a hospital sees them: some ill, several images each, two scanners.

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::chest::{Chest, ChestOptions};
use super::film::Radiograph;
use super::scanner::Scanner;
use super::view::View;
use crate::abdomen::check_range;
use crate::error::Result;

/// What a cohort is like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ChestCohortOptions {
    /// Pixels along each side of an image.
    pub side: usize,
    /// Share of patients with pneumonia.
    pub prevalence: f64,
    /// Share of images from the plate.
    pub plate_share: f64,
    /// Most images of a patient; at least 1.
    pub most_images: u32,
    /// Differences of anatomy between patients, up to 1.5.
    pub anatomy_variation: f64,
    /// How thick the fluid in opacities is beside the usual, 0.1 to 4.
    pub conspicuity: f64,
}

impl Default for ChestCohortOptions {
    fn default() -> Self {
        Self {
            side: 128,
            prevalence: 0.5,
            plate_share: 0.5,
            most_images: 3,
            anatomy_variation: 1.0,
            conspicuity: 1.0,
        }
    }
}

/// A series of patients, each looked up by its number.
///
/// ```
/// use medphantom::radiograph::{ChestCohort, ChestCohortOptions};
///
/// let mut options = ChestCohortOptions::default();
/// options.side = 48;
/// let cohort = ChestCohort::new(7, options)?;
/// let images = cohort.images(4)?;
/// assert!((1..=3).contains(&images.len()));
/// assert!(images.iter().all(|image| image.ill == images[0].ill));
/// # Ok::<(), medphantom::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ChestCohort {
    seed: u64,
    options: ChestCohortOptions,
}

/// One image of one patient.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ChestImage {
    /// The patient's number.
    pub patient: u32,
    /// The image's number within the patient, from 0.
    pub number: u32,
    /// Whether the patient has pneumonia.
    pub ill: bool,
    /// What made the image.
    pub scanner: Scanner,
    /// The image and where opacities are.
    pub radiograph: Radiograph,
}

impl ChestCohort {
    /// The cohort of `seed`.
    ///
    /// # Errors
    /// Refuses options outside their ranges.
    pub fn new(seed: u64, options: ChestCohortOptions) -> Result<Self> {
        let share = "between 0 and 1";
        check_range(
            "side",
            options.side as f64,
            (16.0, 4096.0),
            "between 16 and 4096",
        )?;
        check_range("prevalence", options.prevalence, (0.0, 1.0), share)?;
        check_range("plate_share", options.plate_share, (0.0, 1.0), share)?;
        check_range(
            "most_images",
            options.most_images.into(),
            (1.0, 100.0),
            "between 1 and 100",
        )?;
        check_range(
            "anatomy_variation",
            options.anatomy_variation,
            (0.0, 1.5),
            "between 0 and 1.5",
        )?;
        check_range(
            "conspicuity",
            options.conspicuity,
            (0.1, 4.0),
            "between 0.1 and 4",
        )?;
        Ok(Self { seed, options })
    }

    /// All images of a patient: at different breaths, turned and shifted, from either scanner. Neither their number nor their
    /// scanners depend on the patient's health.
    ///
    /// # Errors
    /// Refuses images too large for memory.
    pub fn images(&self, patient: u32) -> Result<Vec<ChestImage>> {
        let key = Key::new(self.seed).sample(patient);
        let mut random = key.stream("patient");
        let ill = random.chance(self.options.prevalence);
        let second = random.chance(0.3);
        let options = ChestOptions {
            anatomy_variation: self.options.anatomy_variation,
            conspicuity: self.options.conspicuity,
            opacities: if ill { 1 + u32::from(second) } else { 0 },
        };
        let chest = Chest::new(key, &options)?;
        let mut random = key.stream("visits");
        let count = 1 + random.below(self.options.most_images as usize) as u32;
        let image = |number| {
            let plate = random.chance(self.options.plate_share);
            let scanner = if plate {
                Scanner::Plate
            } else {
                Scanner::Digital
            };
            let view = View::draw(key, u64::from(number));
            Ok(ChestImage {
                patient,
                number,
                ill,
                scanner,
                radiograph: chest.radiograph(self.options.side, &view, scanner)?,
            })
        };
        (0..count).map(image).collect()
    }
}
