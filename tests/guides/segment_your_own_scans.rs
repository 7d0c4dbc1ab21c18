//! The program of `docs/guides/segment-your-own-scans.md`; at the end it runs on small phantoms.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use medaug::{Case, Fingerprint, Laterality, Modality, Preprocess, Space, preset};
use medcore::Orientation;
use medcore::random::Key;
use medinfer::{Segmenter, SegmenterConfig, SlidingWindow};
use medio::datasets::{Sample, SegmentationDataset};
use medio::nifti::{self, ReadOptions, WriteOptions};
use medmetrics::{Evaluation, Report};
use medmodels::basic_unet::BasicUNetConfig;
use mednn::optim::{AdamW, AdamWConfig};
use mednn::{Params, loss};
use medtrain::{Cohort, PatchBatches, ProgressDisplay, TrainConfig, Trainer};

/// Reads every case and says what is doubtful about it.
fn read_all(folder: &Path) -> Result<(SegmentationDataset, Vec<Sample>)> {
    let dataset = SegmentationDataset::open(folder)?;
    let mut cases = Vec::new();
    for case in &dataset.cases {
        let sample = case.load(&dataset.labels)?;
        let geometry = sample.image.geometry();
        println!(
            "{}: {:?} of {:.2?} mm",
            sample.id,
            geometry.shape(),
            geometry.spacing()
        );
        for (file, doubt) in &sample.warnings {
            println!("  {}: {doubt}", file.display());
        }
        cases.push(sample);
    }
    Ok((dataset, cases))
}

/// What every scan goes through before the network sees it, decided by the training cases alone.
fn plan(dataset: &SegmentationDataset, training: &[Sample]) -> Result<Preprocess> {
    let orientation = Some(Orientation::LPS);
    let ignore = dataset.labels.ignore().map(|label| label as u8);
    let labelled = training.iter().map(Sample::labelled);
    let labelled = labelled.collect::<Result<Vec<_>, _>>()?;
    let fingerprint = Fingerprint::of(labelled, orientation, ignore, Key::new(1))?;
    let modalities: Vec<_> = dataset.channels.iter().map(Modality::of_channel).collect();
    Ok(Preprocess {
        orientation,
        ..fingerprint.propose(&modalities)?
    })
}

/// What you decide.
struct Settings {
    /// Voxels of a training patch, each a multiple of 16.
    patch: [usize; 3],
    /// Width of the network.
    features: [usize; 6],
    /// Times that `steps` batches are seen.
    epochs: u32,
    /// Batches an epoch, of two patches each.
    steps: u32,
}

const MINE: Settings = Settings {
    patch: [64, 96, 96],
    features: [32, 32, 64, 128, 256, 32],
    epochs: 200,
    steps: 250,
};

/// Trains a U-Net and leaves it in `out`; a run that was stopped goes on where it was.
fn train(
    dataset: &SegmentationDataset,
    training: &[Sample],
    settings: &Settings,
    out: &Path,
) -> Result<Segmenter<'static>> {
    let table = &dataset.labels;
    let ignore = table.ignore().map(|label| label as u8);
    let preprocess = plan(dataset, training)?;
    let mut cases = Vec::new();
    for case in training {
        let ready = preprocess.apply(&case.image, case.labels.as_ref())?;
        let sample = ready.into_sample()?;
        cases.push((case.id.clone(), Case::new(sample, ignore, Key::new(1))));
    }

    let network = BasicUNetConfig::new_3d(dataset.channels.len(), table.output_count())
        .with_features(settings.features);
    let window = SlidingWindow::nnunet(settings.patch);
    let config = SegmenterConfig::new(network.into(), preprocess, window);
    let config = config.with_labels(table.clone())?; // and with them argmax, or painting of regions
    let params = Params::new(1);
    let network = medmodels::create(&config.model, &params)?;

    // Left and right organs change their labels when an image is mirrored.
    let laterality = Laterality::of_names(table.classes());
    let patches = preset::nnunet_default(settings.patch, Space::Millimetres, laterality)?;
    let cases = Cohort::of_patients(cases)?.train_on_all();
    let batches = Arc::new(PatchBatches::new(cases, patches, 2, settings.steps, 1)?);

    let loss = loss::nnunet(table, false)?;
    let mut optimizer = AdamW::new(&params, AdamWConfig::default())?;
    let mut run = TrainConfig::new(out, settings.epochs);
    run.learning_rate = 2e-3;
    run.resume = true;
    run.configuration = serde_json::to_value(&config)?;
    let mut display = ProgressDisplay::new();
    Trainer::new(&*network, &*loss, &mut optimizer, run)
        .with_observer(&mut display)
        .run(&batches)?;
    let segmenter = Segmenter::new(config, network)?;
    segmenter.save(out)?;
    Ok(segmenter)
}

/// From a scan's file to a file of labels with the same geometry, to the bit.
fn segment(model: &Path, scan: &Path, output: &Path) -> Result<()> {
    let segmenter = Segmenter::load(model)?;
    let scan = nifti::read_image_with::<f32, 3>(scan, &ReadOptions::new())?;
    let labels = segmenter.segment(&scan.value)?;
    nifti::write_labels(output, &labels, &WriteOptions::new().like(&scan.header))?;
    Ok(())
}

/// Measures patients that training never saw.
fn measure(
    dataset: &SegmentationDataset,
    held_out: &[Sample],
    segmenter: &Segmenter<'_>,
) -> Result<Report> {
    let evaluation = Evaluation::of_labels(&dataset.labels);
    let mut report = Report::new(evaluation.clone());
    for case in held_out {
        let (image, truth) = case.labelled()?;
        let prediction = segmenter.segment(image)?;
        report.push(evaluation.case(&case.id, truth, &prediction)?)?;
    }
    Ok(report)
}

fn run(data: &Path, out: &Path, settings: &Settings) -> Result<Report> {
    let (dataset, cases) = read_all(data)?;
    let (held_out, training) = cases.split_at(cases.len().div_ceil(5));
    let segmenter = train(&dataset, training, settings, out)?;
    let report = measure(&dataset, held_out, &segmenter)?;
    println!("{report}");
    Ok(report)
}

#[test]
fn the_guide_goes_from_a_folder_of_scans_to_predictions() {
    use medphantom::{Cohort, CohortOptions, Organ};

    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("data"), folder.path().join("out"));
    let mut options = CohortOptions::default();
    (options.slice_mm, options.pixel_mm) = ((12.0, 14.0), (9.0, 10.0));
    let cohort = Cohort::new(3, options).unwrap();
    let mut writer = medio::datasets::NnunetWriter::create(&data, &["CT"], Organ::table()).unwrap();
    for patient in 0..3 {
        let phantom = cohort.scan(patient).unwrap();
        let id = format!("patient_{patient}");
        writer.add(&id, &phantom.image, &phantom.labels).unwrap();
    }
    writer.finish().unwrap();

    let small = Settings {
        patch: [16, 32, 32],
        features: [4, 4, 8, 8, 8, 4],
        epochs: 2,
        steps: 2,
    };
    let report = run(&data, &out, &small).unwrap();
    assert_eq!(
        (report.cases.len(), report.cases[0].structures.len()),
        (1, 7)
    );
    assert!(small.patch.map(|n| n % 16) == MINE.patch.map(|n| n % 16));

    let scan = data.join("imagesTr/patient_0_0000.nii.gz");
    let output = folder.path().join("labels.nii.gz");
    segment(&out, &scan, &output).unwrap();
    let (a, b) = (
        nifti::read_header(&scan).unwrap(),
        nifti::read_header(&output).unwrap(),
    );
    assert_eq!((a.geometry, a.header.srow), (b.geometry, b.header.srow));
}
