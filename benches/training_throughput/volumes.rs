//! Patches of CT scans and a 3D U-Net: MONAI's spleen tutorial in its steps.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use medaug::{
    Compose, CropForeground, Draw, Intensity, Normalise, Orient, PatchChoice, PatchPipeline,
    PatchSampler, RandomFlip, RandomRotate90, RandomScaleIntensity, RandomShiftIntensity, Sample,
    Spacing,
};
use medcore::random::Key;
use medcore::{Image, LabelMap, Orientation};
use medmodels::basic_unet::BasicUNetConfig;
use mednn::Params;
use mednn::loss::DiceCrossEntropy;
use medphantom::{Abdomen, AbdomenOptions, Organ, ScanOptions, field_of_view};
use medtrain::split::CaseRecord;
use medtrain::{BoxError, CachedCase, CaseCache, CaseReader, Cohort, PatchBatches};

const SCANS: u32 = 8;

/// Scans of 120 slices of 240 by 240 pixels, 3 mm and 1.5 mm.
pub(crate) fn write(folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    let grid = field_of_view([120, 240, 240], [3.0, 1.5, 1.5]).expect("a grid");
    for number in 0..SCANS {
        let patient = Abdomen::new(Key::new(1).sample(number), &AbdomenOptions::default())
            .expect("a patient");
        let scan = patient
            .scan(&grid, &ScanOptions::default())
            .expect("a scan");
        medio::write(folder.join(format!("{number}_image.nii.gz")), &scan.image).expect("a file");
        medio::write_labels(folder.join(format!("{number}_label.nii.gz")), &scan.labels)
            .expect("a file");
    }
}

struct Scans(PathBuf);

impl CaseReader<3> for Scans {
    fn count(&self) -> usize {
        SCANS as usize
    }

    fn name(&self, number: usize) -> String {
        format!("{number}")
    }

    fn files(&self, number: usize) -> Vec<PathBuf> {
        ["image", "label"]
            .map(|what| self.0.join(format!("{number}_{what}.nii.gz")))
            .to_vec()
    }

    fn read(&self, number: usize) -> Result<Sample<3>, BoxError> {
        let files = self.files(number);
        let image: Image<f32, 3> = medio::read(&files[0])?;
        let labels: LabelMap<u8, 3> = medio::read_labels(&files[1])?;
        Ok(Sample::with_labels(image, labels)?)
    }
}

pub(crate) fn train(folder: &Path) {
    let prepare = Compose::new(vec![
        Orient {
            orientation: Orientation::RAS,
        }
        .into(),
        Spacing::new([2.0; 3]).into(),
        Normalise::from(Intensity::Window {
            low: -200.0,
            high: 300.0,
        })
        .into(),
        CropForeground::default().into(),
    ]);
    let cache = CaseCache::new(
        Box::new(Scans(folder.to_owned())),
        prepare.expect("steps"),
        1,
    );
    let cache = Arc::new(cache.with_memory(4 << 30));
    let records = (0..SCANS).map(|n| CaseRecord::new(n.to_string(), n.to_string()));
    let cohort = Cohort::of_records(records).expect("a cohort");
    let cases = cohort.train_on_all();
    let cases = cases
        .try_map(|record, number| CachedCase::new(&cache, number, &record.id))
        .expect("cases");
    let sampler = PatchSampler {
        patch: [96; 3],
        choice: PatchChoice::PositiveNegative {
            positive: 1.0,
            negative: 1.0,
        },
    };
    let patches = PatchPipeline::new(
        sampler,
        vec![
            RandomFlip {
                axes: vec![0, 1, 2],
                probability: 0.5,
                ..RandomFlip::default()
            }
            .into(),
            RandomRotate90 {
                probability: 0.1,
                ..RandomRotate90::default()
            }
            .into(),
            RandomScaleIntensity {
                probability: 0.5,
                factor: Draw::symmetric(0.1),
                ..RandomScaleIntensity::default()
            }
            .into(),
            RandomShiftIntensity {
                probability: 0.5,
                offset: Draw::symmetric(0.1),
                ..RandomShiftIntensity::default()
            }
            .into(),
        ],
    );
    let source =
        PatchBatches::cached(cases, patches.expect("steps"), 2, SCANS / 2, 1).expect("batches");
    let params = Params::new(1);
    let classes = Organ::ALL.len() + 1;
    let network =
        medmodels::create(&BasicUNetConfig::new_3d(1, classes).into(), &params).expect("a network");
    super::train(
        "volumes",
        &*network,
        &params,
        &DiceCrossEntropy::monai(),
        source,
        4,
    );
    assert_eq!(
        cache.report().made,
        u64::from(SCANS),
        "a case was prepared twice"
    );
}
