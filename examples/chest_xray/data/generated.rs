//! Made-up patients, with the truth known to the pixel.

use anyhow::Result;
use medphantom::radiograph::{ChestCohort, ChestCohortOptions, ChestImage};
use medtrain::split::CaseRecord;
use rayon::prelude::*;

use super::{Collection, Finding, OfficialValidation, Pixels, Radiograph};

/// A cohort of phantoms.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Generated {
    pub(crate) seed: u64,
    pub(crate) patients: u32,
    /// Pixels along a side.
    pub(crate) side: usize,
}

impl Generated {
    pub(crate) fn open(self, progress: &indicatif::ProgressBar) -> Result<Collection> {
        let mut options = ChestCohortOptions::default();
        options.side = self.side;
        let cohort = ChestCohort::new(self.seed, options)?;
        progress.set_length(self.patients.into());
        let draw = |patient| -> Result<Vec<Radiograph>> {
            let images = cohort.images(patient)?;
            progress.inc(1);
            Ok(images.into_iter().map(radiograph).collect())
        };
        let patients: Result<Vec<_>> = (0..self.patients).into_par_iter().map(draw).collect();
        progress.finish_and_clear();
        Ok(Collection {
            source: format!("generated phantoms: {} patients, seed {}", self.patients, self.seed),
            classes: ["normal", "pneumonia"].map(str::to_owned),
            grouping: "scanner",
            radiographs: patients?.concat(),
            alike: false,
            notes: vec!["The anatomy is made up: the figures say that the method works, nothing about patients.".to_owned()],
            validation: OfficialValidation::Rebuilt,
            generated: Some(self),
        })
    }
}

fn radiograph(image: ChestImage) -> Radiograph {
    let id = format!("p{:04}_{}", image.patient, image.number);
    let record = CaseRecord::new(id, format!("p{:04}", image.patient));
    Radiograph {
        record: record
            .with_class(image.ill.into())
            .with_site(image.scanner.name()),
        pixels: Pixels::Loaded(image.radiograph.image.map(f32::from)),
        finding: Finding::Mask(image.radiograph.opacity),
        part: None,
    }
}
