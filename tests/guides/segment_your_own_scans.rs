//! The program of `docs/guides/segment-your-own-scans.md`; at the end it runs on small phantoms.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use medaug::{Case, CaseFingerprint, Fingerprint, Laterality, Modality, Preprocess, Space, preset};
use medcore::Orientation;
use medcore::random::Key;
use medinfer::{Segmenter, SegmenterConfig, SlidingWindow};
use medio::datasets::{Sample, SegmentationDataset};
use medio::nifti::{self, ReadOptions, WriteOptions};
use medmetrics::{Evaluation, Report, Structure};
use medmodels::basic_unet::BasicUNetConfig;
use mednn::Params;
use mednn::loss::DiceCrossEntropy;
use mednn::optim::{AdamW, AdamWConfig};
use medtrain::{PatchBatches, ProgressDisplay, TrainConfig, Trainer};

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
    let mut fingerprints = Vec::new();
    for case in training {
        let labels = case
            .labels
            .as_ref()
            .context("a training case needs labels")?;
        let fingerprint = CaseFingerprint::of(&case.image, labels, orientation, None, Key::new(1))?;
        fingerprints.push(fingerprint);
    }
    let modality = |channel: &String| match channel.as_str() {
        "CT" => Modality::Ct,
        _ => Modality::Mr,
    };
    let modalities: Vec<Modality> = dataset.channels.iter().map(modality).collect();
    Ok(Preprocess {
        orientation,
        ..Fingerprint::of_cases(&fingerprints)?.propose(&modalities)?
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
) -> Result<Segmenter> {
    let table = &dataset.labels;
    ensure!(
        !table.has_regions() && table.ignore().is_none(),
        "this guide trains exclusive classes; examples/organ_segmentation.rs knows regions"
    );
    let names: Vec<(u8, &str)> = table
        .entries()
        .iter()
        .map(|entry| (entry.values[0] as u8, entry.name.as_str()))
        .collect();
    let preprocess = plan(dataset, training)?;
    let mut cases = Vec::new();
    for case in training {
        let ready = preprocess.apply(&case.image, case.labels.as_ref())?;
        cases.push((
            case.id.clone(),
            Case::new(ready.into_sample()?, None, Key::new(1)),
        ));
    }

    let network = BasicUNetConfig::new_3d(dataset.channels.len(), table.class_count())
        .with_features(settings.features);
    let window = SlidingWindow::nnunet(settings.patch);
    let config =
        SegmenterConfig::new(network.into(), preprocess, window).with_labels(names.clone());
    let params = Params::new(1);
    let network = medmodels::create(&config.model, &params)?;

    // Left and right organs change their labels when an image is mirrored.
    let laterality = Laterality::of_names(names);
    let augmentation = preset::nnunet_default(settings.patch, Space::Millimetres, laterality)?;
    let batches = Arc::new(PatchBatches::new(
        cases,
        augmentation,
        2,
        settings.steps,
        1,
    )?);

    let loss = DiceCrossEntropy::nnunet(false);
    let mut optimizer = AdamW::new(&params, AdamWConfig::default())?;
    let mut run = TrainConfig::new(out, settings.epochs);
    run.learning_rate = 2e-3;
    run.resume = true;
    run.configuration = serde_json::to_value(&config)?;
    let mut display = ProgressDisplay::new();
    Trainer::new(&*network, &loss, &mut optimizer, run)
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
    segmenter: &Segmenter,
) -> Result<Report> {
    let structures = dataset.labels.entries().iter().map(|entry| Structure {
        name: entry.name.clone(),
        labels: entry.values.clone(),
    });
    let evaluation = Evaluation::new(structures.collect());
    let mut report = Report::new(evaluation.clone());
    for case in held_out {
        let truth = case.labels.as_ref().context("a test case needs labels")?;
        let prediction = segmenter.segment(&case.image)?;
        report.push(evaluation.case(&case.id, truth, &prediction)?)?;
    }
    Ok(report)
}

fn run(data: &Path, out: &Path, settings: &Settings) -> Result<Report> {
    let (dataset, cases) = read_all(data)?;
    let (held_out, training) = cases.split_at(cases.len().div_ceil(5));
    let segmenter = train(&dataset, training, settings, out)?;
    let report = measure(&dataset, held_out, &segmenter)?;
    println!("{}", report.to_markdown());
    for finding in report.findings(5) {
        println!(
            "{} {}: {}",
            finding.case,
            finding.structure,
            finding.reason.name()
        );
    }
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
    let organs = Organ::ALL.map(|organ| (organ.name(), vec![u32::from(organ.label())]));
    let table = medio::datasets::LabelTable::new(organs).unwrap();
    let mut writer = medio::datasets::NnunetWriter::create(&data, &["CT"], table).unwrap();
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
