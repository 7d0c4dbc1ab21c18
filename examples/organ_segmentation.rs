//! Segments the organs of an abdominal CT, from files to files.
//!
//! Without arguments it makes a cohort of synthetic patients, trains a 3D U-Net on some, and segments the
//! others; with `--data` it does the same with your scans. Read from `train` down: it is the tutorial.
//!
//! ```text
//! cargo run --release --example organ_segmentation
//! cargo run --release --example organ_segmentation -- --data Dataset001_Spleen --epochs 40
//! cargo run --release --example organ_segmentation -- predict \
//!     --model organ_segmentation_out --input scan.nii.gz --output labels.nii.gz
//! cargo run --release --example organ_segmentation -- predict \
//!     --model organ_segmentation_out --input study --series query.json --output results
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

#[path = "common/device.rs"]
mod device;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser, Subcommand, value_parser};
use indicatif::{ProgressBar, ProgressIterator as _};
use medaug::{CaseFingerprint, Fingerprint, Modality, preset};
use medcore::{LabelTable, Orientation, random::Key};
use medinfer::{Segmenter, SegmenterConfig, SlidingWindow};
use medio::datasets::{Case, NnunetWriter, Sample, SegmentationDataset};
use medio::dicom::{self, Algorithm, Creation, LabelReport, ReadOptions, SeriesQuery, Source};
use medio::nifti::{self, WriteOptions};
use medmetrics::{Evaluation, Measure, Report};
use medmodels::basic_unet::BasicUNetConfig;
use mednn::candle_core::Device;
use mednn::{Model, Params, loss, optim};
use medphantom::{Cohort, CohortOptions, IntensityCounts, Organ};
use medtrain::split::{self, CaseRecord, Member, PartName, Scarce, Shares};
use medtrain::{DataDigest, DataManifest, PatchBatches, ProgressDisplay, Schedule, TrainConfig};
use medtrain::{Trainer, Validation};
use medviz::{Chart, Comparison};

use device::DeviceArgs;

/// Fresh memory is the slowest thing in a network; this allocator hands used memory out again.
#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

/// Segments the organs of an abdominal CT: trains a 3D U-Net, or uses one (`predict`).
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    train: TrainArgs,
    #[command(subcommand)]
    command: Option<Command>,
    /// Threads for everything [default: all cores].
    #[arg(long, global = true)]
    threads: Option<usize>,
    #[command(flatten)]
    device: DeviceArgs,
}

#[derive(Subcommand)]
enum Command {
    /// Segments a new scan with a trained model.
    Predict(PredictArgs),
}

#[derive(Args)]
struct PredictArgs {
    /// Folder that a training run wrote.
    #[arg(long)]
    model: PathBuf,
    /// The scan (.nii, .nii.gz or .hdr/.img); of several channels one file each, in the model's order, or one for all;
    /// or a folder of DICOM files.
    #[arg(long, required = true, num_args = 1..)]
    input: Vec<PathBuf>,
    /// Which series of a DICOM folder: JSON, for instance {"modality": "CT", "prefer": ["thinnest_slices"]}.
    #[arg(long)]
    series: Option<PathBuf>,
    /// Where the labels go, on the scan's own grid; for DICOM, the folder of a segmentation and a report of volumes.
    #[arg(long)]
    output: PathBuf,
}

#[derive(Args)]
struct TrainArgs {
    /// Data set: nnU-Net raw, Decathlon (MSD) or BTCV/Synapse layout [default: synthetic patients].
    #[arg(long)]
    data: Option<PathBuf>,
    /// Folder for results.
    #[arg(long, default_value = "organ_segmentation_out")]
    out: PathBuf,
    /// Epochs, of 50 patches each [default: 12; with --data 36; with --quick 2, of 6].
    #[arg(long, value_parser = value_parser!(u32).range(1..))]
    epochs: Option<u32>,
    /// Voxels along each side of a patch, a multiple of 16 from 32 on [default: 48; with --data 64; with --quick 32].
    #[arg(long)]
    patch: Option<usize>,
    /// Decides everything random.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Goes on from the last checkpoint in --out.
    #[arg(long)]
    resume: bool,
    /// A run of seconds that shows the program works, not what it can learn.
    #[arg(long)]
    quick: bool,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(cli.threads.unwrap_or(0));
    pool.build_global()?;
    let device = cli.device.open()?;
    match &cli.command {
        None => train(&cli.train, &device),
        Some(Command::Predict(args)) => predict(args, &device),
    }
}

fn predict(args: &PredictArgs, device: &Device) -> Result<()> {
    let segmenter = Segmenter::load_on(&args.model, device)?;
    let config = segmenter.config();
    let bar = ProgressBar::new(0);
    let progress = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    if !args.input[0].is_dir() {
        nifti::check_target(&args.output)?;
        let scan = Case::unlabelled("scan", &args.input, config.model.in_channels());
        let scan = inspect(&scan, &config.labels)?;
        let labels = segmenter.segment_owned(scan.image, &progress)?;
        let options = WriteOptions::new().like(&scan.header);
        return Ok(nifti::write_labels(&args.output, &labels, &options)?);
    }
    let query = match &args.series {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => SeriesQuery::new(),
    };
    let study = dicom::scan(&args.input[0])?;
    let selection = study.select(&query)?;
    study.check_complete(selection.series)?;
    let volume = selection.chosen.volume::<f32>(&ReadOptions::new())?;
    for doubt in &volume.warnings {
        eprintln!("{doubt}");
    }
    let source = Source::of(&volume)?;
    let labels = segmenter.segment_owned(volume.image, &progress)?;
    let program = Algorithm::automatic("organ_segmentation", env!("CARGO_PKG_VERSION"));
    let report = LabelReport::new(&source, &labels, &config.labels, program)?;
    report.write(&args.output, &Creation::now()?)?;
    Ok(())
}

fn train(args: &TrainArgs, device: &Device) -> Result<()> {
    let out = &args.out;
    let (patients, voxel_mm, patch, steps, epochs) = match (args.quick, &args.data) {
        (true, _) => (4, 6.0, 32, 6, 2),
        (false, None) => (12, 4.0, 48, 50, 12),
        (false, Some(_)) => (12, 4.0, 64, 50, 36),
    };
    let (side, epochs) = (args.patch.unwrap_or(patch), args.epochs.unwrap_or(epochs));
    let fits = side >= 32 && side.is_multiple_of(16);
    ensure!(fits, "--patch {side} is no multiple of 16 from 32 on");

    // 1. Data, whatever its layout. Some patients are kept for the end, one more to draw a curve by.
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let synthetic = || synthetic_patients(&out.join("phantoms"), args.seed, patients, voxel_mm);
    let folder = args.data.clone().map_or_else(synthetic, Ok)?;
    let dataset = SegmentationDataset::open(&folder)?;
    let table = &dataset.labels;
    let key = Key::new(args.seed);
    let patients = split::Cohort::new(dataset.cases.into_iter().map(member).collect())?;
    let shares = Shares::new(0.1, 0.25).when_scarce(Scarce::Overfit);
    let mut split = patients.hold_out(&shares, key)?;
    let [watches_training, overfit] =
        [PartName::Validation, PartName::Test].map(|part| split.overfits(part));
    if overfit {
        println!("One case, trained on and tested on: an overfit check, not a result.");
    } else if watches_training {
        println!("Too few cases to spare one: the validation curve shows a training case.");
    }

    let manifest = DataManifest::of_split(&folder, &split)?;
    manifest.write(&out.join("data.json"))?;

    // 2. Every file is read once, now. The training cases decide what all scans go through.
    let validation = split.validation.members().cases();
    let test = split.test.open("every file is read once").cases();
    let held_out = validation.filter(|_| !watches_training);
    let held_out: Vec<_> = held_out.chain(test.filter(|_| !overfit)).collect();
    for case in held_out.into_iter().progress() {
        inspect(case, table)?;
    }
    let training = split.training.members();
    let ignore = table.ignore().map(|label| label as u8);
    let orientation = Some(Orientation::LPS);
    let mut fingerprints = Vec::new();
    let mut intensities = IntensityCounts::new(table);
    for case in training.cases().progress() {
        let sample = inspect(case, table)?;
        let (image, labels) = sample.labelled()?;
        let fingerprint = CaseFingerprint::of(image, labels, orientation, ignore, key)?;
        fingerprints.push(fingerprint);
        intensities.add(image, labels)?;
    }
    let modalities: Vec<_> = dataset.channels.iter().map(Modality::of_channel).collect();
    let mut preprocess = Fingerprint::of_cases(&fingerprints)?.propose(&modalities)?;
    preprocess.orientation = orientation;
    let bar = ProgressBar::new(training.len() as u64);
    let prepared = split.training.try_map(|_, case| {
        bar.inc(1);
        let sample = case.load(table)?;
        let ready = preprocess.apply(&sample.image, sample.labels.as_ref())?;
        anyhow::Ok(medaug::Case::new(ready.into_sample()?, ignore, key))
    })?;

    // 3. The network, its loss and its batches. `preset::nnunet_default` augments more, for runs of days.
    let network = BasicUNetConfig::new_3d(dataset.channels.len(), table.output_count());
    let window = SlidingWindow::nnunet([side; 3]);
    let network = network.with_features([12, 16, 32, 64, 128, 12]).into();
    let config = SegmenterConfig::new(network, preprocess.clone(), window);
    let config = config.with_labels(table.clone())?;
    let model = medmodels::create(&config.model, &Params::on_device(args.seed, device))?;
    let loss = loss::nnunet(table, false)?;
    let patches = match overfit {
        true => preset::plain([side; 3])?,
        false => preset::light([side; 3])?,
    };
    let adam = optim::AdamWConfig::default();
    let mut optimizer = optim::AdamW::new(model.params(), adam)?;

    // 4. Training, with a look at the validation patient now and then. What decides the result is named: `--resume` goes on
    // with the same only, and says what differs.
    let mut run = TrainConfig::new(out, epochs)
        .with_settings("optimizer", &adam)
        .with_settings("loss", &("Dice and cross-entropy, nnU-Net's", table))
        .with_settings("patches", &patches);
    let batches = PatchBatches::new(prepared, patches, 1, steps, args.seed)?;
    run.learning_rate = 1e-2;
    run.schedule = Schedule::COSINE;
    run.seed = args.seed;
    run.validate_every = epochs.div_ceil(4);
    run.resume = args.resume;
    run.configuration = serde_json::json!({"segmenter": config, "steps": steps});
    let of = |part: PartName| DataDigest::of_manifest(part.to_string(), &manifest.part(part));
    run.data = PartName::ALL
        .map(of)
        .into_iter()
        .collect::<Result<_, _>>()?;
    let evaluation = Evaluation::of_labels(table);
    let overlap = evaluation.clone().without_surfaces();
    let watched = split.validation.members().cases().next();
    let watched = watched.context("a share of the cases is for validation")?;
    let mut look = |model: &dyn Model, _: u32| -> Result<Validation, medtrain::BoxError> {
        let segmenter = Segmenter::new(config.clone(), Box::new(model))?;
        let sample = watched.load(table)?;
        let (image, truth) = sample.labelled()?;
        let found = overlap.case(&watched.id, truth, &segmenter.segment(image)?)?;
        Ok(Validation::new(found.mean(Measure::Dice).unwrap_or(0.0)))
    };
    let summary = Trainer::new(&*model, &*loss, &mut optimizer, run)
        .with_validator(&mut look)
        .with_observer(&mut ProgressDisplay::new())
        .run(&Arc::new(batches))?;
    let segmenter = Segmenter::new(config.clone(), model)?;
    segmenter.save(out)?;

    // 5. The patients nobody has seen, measured on their own grids.
    let baseline = intensities.fit()?;
    let mut report = Report::new(evaluation.clone());
    let mut by_intensity = Report::new(evaluation.clone());
    let drawing = Comparison::default().with_labels(table);
    for case in split.test.open("final evaluation").cases().progress() {
        let (id, case) = (&case.id, case.load(table)?);
        let (image, truth) = case.labelled()?;
        let prediction = segmenter.segment(image)?;
        report.push(evaluation.case(id, truth, &prediction)?)?;
        by_intensity.push(evaluation.case(id, truth, &baseline.predict(image)?)?)?;
        let path = out.join(format!("prediction_{id}.nii.gz"));
        nifti::write_labels(path, &prediction, &WriteOptions::new().like(&case.header))?;
        let overlay = medviz::comparison(image, truth, &prediction, &drawing)?;
        overlay.write_png(out.join(format!("overlay_{id}.png")))?;
    }

    // 6. What a person wants to see.
    let reports = [&report, &by_intensity];
    let [dice, by_intensity] = reports.map(|r| r.mean(Measure::Dice).unwrap_or(0.0));
    let metrics = serde_json::json!({
        "mean_dice": dice,
        "min_organ_dice": report.worst_structure(Measure::Dice).map(|(_, dice)| dice),
        "intensity_baseline_dice": by_intensity,
        "overfit_check": overfit,
        "report": report,
    });
    let metrics = serde_json::to_vec_pretty(&metrics)?;
    medcore::atomic::write_bytes(&out.join("metrics.json"), &metrics)?;
    Chart::new("Training")
        .x_label("epoch")
        .series("loss", summary.losses())
        .series("validation Dice", summary.scores())
        .write_svg(out.join("training.svg"))?;
    println!("\n{report}\nMean Dice {dice:.3}; by intensity alone {by_intensity:.3}.");
    println!("Results are in {}.", out.display());
    Ok(())
}

/// A case of a patient of its own, with its files.
fn member(case: Case) -> Member<Case> {
    let files = case.images.iter().chain(&case.label);
    let record = CaseRecord::new(&case.id, case.id.as_str());
    Member::new(files.fold(record, CaseRecord::with_file), case)
}

/// Reads a case and says what the reader doubts about it.
fn inspect(case: &Case, table: &LabelTable) -> Result<Sample> {
    let sample = case.load(table)?;
    for (path, doubt) in &sample.warnings {
        eprintln!("{}: {doubt}", path.display());
    }
    Ok(sample)
}

/// Writes synthetic patients as an nnU-Net data set; files that are there already are written again, the same.
fn synthetic_patients(folder: &Path, seed: u64, patients: u32, voxel_mm: f64) -> Result<PathBuf> {
    let cohort = Cohort::new(seed, CohortOptions::coarse(voxel_mm))?;
    let mut writer = NnunetWriter::create(folder, &["CT"], Organ::table())?;
    for patient in (0..patients).progress() {
        let phantom = cohort.scan(patient)?;
        let name = format!("patient_{patient:03}");
        writer.add(&name, &phantom.image, &phantom.labels)?;
    }
    Ok(writer.finish()?)
}
