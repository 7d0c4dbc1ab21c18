//! Radiographs and ResNet-18.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use medaug::{
    Compose, Draw, Intensity, Normalise, RandomCrop, RandomFlip, RandomScaleIntensity,
    RandomSpatial, Resize, ResizeTo, Sample,
};
use medcore::{Image, random::Key};
use medmodels::registry::{self, Request};
use mednn::Params;
use mednn::loss::CrossEntropy;
use medphantom::radiograph::{Chest, ChestOptions, Scanner, View};
use medtrain::split::CaseRecord;
use medtrain::{BoxError, CachedCase, CaseCache, CaseReader, ClassTargets, Cohort, ImageBatches};

const PICTURES: u32 = 256;

/// Radiographs of 512 by 512 pixels of 8 bits, half of them with pneumonia.
pub(crate) fn write(folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    for number in 0..PICTURES {
        let mut options = ChestOptions::default();
        options.opacities = number % 2;
        let chest = Chest::new(Key::new(2).sample(number), &options).expect("a chest");
        let film = chest
            .radiograph(512, &View::default(), Scanner::Plate)
            .expect("a radiograph");
        medio::write(folder.join(format!("{number:03}.png")), &film.image).expect("a file");
    }
}

struct Pictures(PathBuf);

impl CaseReader<2> for Pictures {
    fn count(&self) -> usize {
        PICTURES as usize
    }

    fn name(&self, number: usize) -> String {
        format!("{number:03}")
    }

    fn files(&self, number: usize) -> Vec<PathBuf> {
        vec![self.0.join(format!("{number:03}.png"))]
    }

    fn read(&self, number: usize) -> Result<Sample<2>, BoxError> {
        let image: Image<f32, 2> = medio::read(&self.files(number)[0])?;
        Ok(Sample::new(image))
    }
}

pub(crate) fn train(folder: &Path) {
    let steps = Compose::new(vec![
        Normalise::from(Intensity::Window {
            low: 0.0,
            high: 255.0,
        })
        .into(),
        Resize::new(ResizeTo::Shape(vec![256, 256])).into(),
        RandomSpatial {
            rotation_probability: 0.5,
            rotation_degrees: vec![Draw::symmetric(15.0)],
            scale_probability: 0.5,
            scale: vec![Draw::Uniform {
                low: 0.9,
                high: 1.1,
            }],
            ..RandomSpatial::default()
        }
        .into(),
        RandomCrop::new([224, 224]).into(),
        RandomFlip {
            axes: vec![1],
            probability: 0.5,
            ..RandomFlip::default()
        }
        .into(),
        RandomScaleIntensity {
            probability: 0.5,
            factor: Draw::symmetric(0.1),
            ..RandomScaleIntensity::default()
        }
        .into(),
    ]);
    let cache = CaseCache::new(
        Box::new(Pictures(folder.to_owned())),
        steps.expect("steps"),
        1,
    );
    let cache = Arc::new(cache.with_memory(1 << 30));
    let record = |n: u32| CaseRecord::new(format!("{n:03}"), format!("{n:03}")).with_class(n % 2);
    let cohort = Cohort::of_records((0..PICTURES).map(record)).expect("a cohort");
    let targets = ClassTargets::of_records(2, cohort.records()).expect("targets");
    let cases = cohort.train_on_all();
    let cases = cases
        .try_map(|record, number| CachedCase::new(&cache, number, &record.id))
        .expect("cases");
    let source = ImageBatches::new(cases, &targets, 16, 1).expect("batches");
    let request = Request::new().with_in_channels(1).with_out_channels(2);
    let config = registry::find("resnet18")
        .and_then(|entry| entry.config(&request))
        .expect("a network");
    let params = Params::new(1);
    let network = medmodels::create(&config, &params).expect("a network");
    super::train(
        "pictures",
        &*network,
        &params,
        &CrossEntropy::new(),
        source,
        3,
    );
}
