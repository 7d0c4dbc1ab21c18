//! A small cohort, a tiny network, and the way from one to the other.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use anyhow::Result;
use medaug::{Case, Fingerprint, Laterality, Modality, Preprocess, Space, preset};
use medcore::random::Key;
use medcore::{Image, LabelMap, Orientation};
use medinfer::{Segmenter, SegmenterConfig, SlidingWindow};
use medio::datasets::{LabelTable, NnunetWriter, Sample, SegmentationDataset};
use medmodels::basic_unet::BasicUNetConfig;
use mednn::optim::{AdamW, AdamWConfig};
use mednn::{Params, loss};
use medphantom::{Cohort, CohortOptions, Organ, Phantom};
use medtrain::{Observer, PatchBatches, Prefetch, TrainConfig, TrainSummary, Trainer};

/// Windows of the tiny network: its lowest level still has four voxels.
pub(crate) const PATCH: [usize; 3] = [16, 32, 32];

/// Five patients on oblique, sheared grids of about 20 x 30 x 40 voxels in any storage order.
pub(crate) fn phantoms() -> &'static [Phantom] {
    static PHANTOMS: LazyLock<Vec<Phantom>> = LazyLock::new(|| {
        let mut options = CohortOptions::default();
        options.slice_mm = (12.0, 14.0);
        options.pixel_mm = (9.0, 10.0);
        options.tilt_degrees = 12.0;
        options.shear_degrees = 10.0;
        options.orientation = medphantom::Orientation::Random;
        let cohort = Cohort::new(11, options).unwrap();
        (0..5)
            .map(|patient| cohort.scan(patient).unwrap())
            .collect()
    });
    &PHANTOMS
}

/// The phantom's label map with these organs alone, numbered from 1 in their order.
pub(crate) fn only(phantom: &Phantom, organs: &[Organ]) -> LabelMap<u8, 3> {
    phantom.labels.map(|label| {
        let place = organs.iter().position(|organ| organ.label() == label);
        place.map_or(0, |place| place as u8 + 1)
    })
}

/// A table that numbers these organs from 1.
pub(crate) fn table(organs: &[Organ]) -> LabelTable {
    let entries = organs
        .iter()
        .zip(1..)
        .map(|(organ, label)| (organ.name(), vec![label]));
    LabelTable::new(entries).unwrap()
}

pub(crate) const ORGANS: [Organ; 2] = [Organ::Liver, Organ::Spine];

/// Writes the patients as an nnU-Net data set, their labels made by `labels`.
pub(crate) fn write_cohort(
    folder: &Path,
    table: LabelTable,
    labels: impl Fn(usize, &Phantom) -> LabelMap<u8, 3>,
) -> SegmentationDataset {
    let mut writer = NnunetWriter::create(folder, &["CT"], table).unwrap();
    for (patient, phantom) in phantoms().iter().enumerate() {
        let id = format!("patient_{patient}");
        writer
            .add(&id, &phantom.image, &labels(patient, phantom))
            .unwrap();
    }
    writer.finish().unwrap();
    SegmentationDataset::open(folder).unwrap()
}

/// Liver and spine of five patients.
pub(crate) fn usual_cohort(folder: &Path) -> SegmentationDataset {
    write_cohort(folder, table(&ORGANS), |_, phantom| only(phantom, &ORGANS))
}

pub(crate) fn load(dataset: &SegmentationDataset) -> Vec<Sample> {
    let cases = dataset.cases.iter();
    cases
        .map(|case| case.load(&dataset.labels).unwrap())
        .collect()
}

/// How a tiny network is trained.
#[derive(Clone)]
pub(crate) struct Recipe {
    pub(crate) epochs: u32,
    pub(crate) steps: u32,
    pub(crate) resume: bool,
    pub(crate) loader_threads: usize,
}

impl Recipe {
    /// As short as a run can be that still has a beginning, a middle and an end.
    pub(crate) fn brief() -> Self {
        Self {
            epochs: 3,
            steps: 2,
            resume: false,
            loader_threads: 1,
        }
    }
}

/// A run that learned something.
#[derive(Debug)]
pub(crate) struct Trained {
    pub(crate) segmenter: Segmenter<'static>,
    pub(crate) summary: TrainSummary,
}

/// What every scan goes through, as the training cases call for.
pub(crate) fn plan(dataset: &SegmentationDataset, training: &[Sample]) -> Result<Preprocess> {
    let orientation = Some(Orientation::LPS);
    let ignore = dataset.labels.ignore().map(|label| label as u8);
    let labelled = training.iter().map(Sample::labelled);
    let labelled = labelled.collect::<Result<Vec<_>, _>>()?;
    let fingerprint = Fingerprint::of(labelled, orientation, ignore, Key::new(5))?;
    let modalities: Vec<_> = dataset.channels.iter().map(Modality::of_channel).collect();
    Ok(Preprocess {
        orientation,
        ..fingerprint.propose(&modalities)?
    })
}

/// A network of some thousand parameters with all that surrounds it.
pub(crate) fn describe(dataset: &SegmentationDataset, preprocess: Preprocess) -> SegmenterConfig {
    let table = &dataset.labels;
    let network = BasicUNetConfig::new_3d(dataset.channels.len(), table.output_count())
        .with_features([4, 4, 8, 8, 8, 4]);
    SegmenterConfig::new(network.into(), preprocess, SlidingWindow::nnunet(PATCH))
        .with_labels(table.clone())
        .unwrap()
}

/// From loaded cases to a trained network.
pub(crate) fn train(
    dataset: &SegmentationDataset,
    training: &[Sample],
    out: &Path,
    recipe: &Recipe,
    observer: Option<&mut dyn Observer>,
) -> Result<Trained> {
    let preprocess = plan(dataset, training)?;
    let ignore = dataset.labels.ignore().map(|label| label as u8);
    let cases = training
        .iter()
        .map(|case| {
            let ready = preprocess.apply(&case.image, case.labels.as_ref())?;
            let case_key = Key::new(5);
            Ok((
                case.id.clone(),
                Case::new(ready.into_sample()?, ignore, case_key),
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    let config = describe(dataset, preprocess);
    let pipeline = preset::nnunet_default(PATCH, Space::Millimetres, Laterality::Keep)?;
    let cases = medtrain::Cohort::of_patients(cases)?.train_on_all();
    let batches = Arc::new(PatchBatches::new(cases, pipeline, 2, recipe.steps, 5)?);
    let params = Params::new(5);
    let network = medmodels::create(&config.model, &params)?;
    let mut optimizer = AdamW::new(&params, AdamWConfig::default())?;
    let mut run = TrainConfig::new(out, recipe.epochs);
    run.learning_rate = 1e-2;
    run.resume = recipe.resume;
    run.prefetch = Prefetch {
        threads: recipe.loader_threads,
        ahead: 2,
    };
    run.configuration = serde_json::to_value(&config)?;
    let loss = loss::nnunet(&dataset.labels, false)?;
    let mut trainer = Trainer::new(&*network, &*loss, &mut optimizer, run);
    if let Some(observer) = observer {
        trainer = trainer.with_observer(observer);
    }
    let summary = trainer.run(&batches)?;
    let segmenter = Segmenter::new(config, network)?;
    segmenter.save(out)?;
    Ok(Trained { segmenter, summary })
}

/// A network that has learned nothing, for questions that are not about learning.
pub(crate) fn untrained(dataset: &SegmentationDataset, training: &[Sample]) -> Segmenter<'static> {
    let config = describe(dataset, plan(dataset, training).unwrap());
    let network = medmodels::create(&config.model, &Params::new(3)).unwrap();
    Segmenter::new(config, network).unwrap()
}

/// The share of voxels at which two images differ.
pub(crate) fn differing(a: &LabelMap<u8, 3>, b: &LabelMap<u8, 3>) -> f64 {
    let pairs = a.as_slice().iter().zip(b.as_slice());
    pairs.filter(|(a, b)| a != b).count() as f64 / a.as_slice().len() as f64
}

/// Two channels of one anatomy, as two sequences of an MR examination: the second is the first moved by a voxel
/// along the fastest axis, its contrast reversed.
pub(crate) fn two_channels(phantom: &Phantom) -> Image<f32, 3> {
    let first: Vec<f32> = phantom
        .image
        .as_slice()
        .iter()
        .map(|&v| f32::from(v) + 1100.0)
        .collect();
    let [_, _, width] = phantom.image.shape();
    let mut second: Vec<f32> = first.iter().map(|v| (3000.0 - v).max(0.0)).collect();
    second
        .chunks_exact_mut(width)
        .for_each(|row| row.rotate_right(1));
    let voxels = [first, second].concat();
    Image::with_channels(2, *phantom.image.geometry(), voxels).unwrap()
}

/// Runs one test of this program again, alone and in another process, under a shell's `limits`.
#[cfg(unix)]
pub(crate) fn again(
    test: &str,
    limits: &str,
    variable: &str,
    folder: &Path,
) -> std::process::Output {
    let script = format!("{limits} exec \"$0\" --exact \"$1\"");
    // Its output goes into a pipe: a log file would be under a limit on files too.
    std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(variable, folder)
        .output()
        .unwrap()
}
