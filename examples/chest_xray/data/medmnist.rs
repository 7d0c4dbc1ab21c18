//! Archives in MedMNIST's form (Yang et al. 2023): `train|val|test` times `images|labels`.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use medcore::{Geometry, Image};
use medio::ReadOptions;
use medtrain::split::{CaseRecord, PartName};

use super::{Collection, Finding, OfficialValidation, Pixels, Radiograph};

pub(crate) fn open(path: &Path) -> Result<Collection> {
    let mut radiographs = Vec::new();
    for (name, part) in [
        ("train", PartName::Training),
        ("val", PartName::Validation),
        ("test", PartName::Test),
    ] {
        let array = |what: &str| -> Result<Image<f32, 3>> {
            let options = ReadOptions::new().array(format!("{name}_{what}"));
            let loaded = medio::read_with::<f32, 3>(path, &options);
            Ok(loaded
                .with_context(|| format!("{name}_{what} of {}", path.display()))?
                .value)
        };
        let (images, labels) = (array("images")?, array("labels")?);
        let ([count, height, width], labels) = (images.shape(), labels.as_slice());
        ensure!(
            images.channels() == 1,
            "{}: images are not grey",
            path.display()
        );
        ensure!(
            labels.len() == count,
            "{name} of {} has {count} images and {} labels",
            path.display(),
            labels.len()
        );
        if let Some(label) = labels.iter().find(|l| ![0.0, 1.0].contains(*l)) {
            anyhow::bail!(
                "{name}_labels of {}: {label} is neither 0 nor 1",
                path.display()
            );
        }
        let grid = Geometry::axis_aligned([height, width], [1.0; 2])?;
        for (n, (pixels, &label)) in images
            .as_slice()
            .chunks_exact(height * width)
            .zip(labels)
            .enumerate()
        {
            let id = format!("{name}_{n:05}");
            radiographs.push(Radiograph {
                record: CaseRecord::new(id.clone(), id.as_str())
                    .with_class(label as u32)
                    .with_site("all"),
                pixels: Pixels::Loaded(Image::new(grid, pixels.to_vec())?),
                finding: Finding::Unknown,
                part: Some(part),
            });
        }
    }
    Ok(Collection {
        source: format!("MedMNIST archive {}", path.display()),
        classes: ["normal", "pneumonia"].map(str::to_owned),
        grouping: "all",
        radiographs,
        alike: true,
        notes: vec!["The archive does not tell patients: the parts are its own.".to_owned()],
        validation: OfficialValidation::Kept,
        generated: None,
    })
}
