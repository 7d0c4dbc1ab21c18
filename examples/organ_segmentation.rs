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
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressIterator as _};
use medaug::{Case, Fingerprint, Modality, Preprocess, preset};
use medcore::Orientation;
use medcore::random::Key;
use medinfer::{Segmenter, SegmenterConfig, SlidingWindow};
use medio::datasets::{NnunetWriter, Sample, SegmentationDataset};
use medio::nifti::{self, ReadOptions, WriteOptions};
use medmetrics::{Evaluation, Measure, Report};
use medmodels::basic_unet::BasicUNetConfig;
use mednn::optim::{AdamW, AdamWConfig};
use mednn::{Model, Params, loss};
use medphantom::{Cohort, CohortOptions, IntensityBaseline, Organ};
use medtrain::{BoxError, Validation, Validator};
use medtrain::{PatchBatches, ProgressDisplay, Schedule, Split, TrainConfig, Trainer};
use medviz::{Chart, Comparison};

/// Fresh memory is the slowest thing in a network; this allocator hands used memory out again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// The scan (.nii, .nii.gz or .hdr/.img).
    #[arg(long)]
    input: PathBuf,
    /// Where the labels go, on the scan's own grid.
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
    /// Epochs of 50 patches.
    #[arg(long)]
    epochs: Option<u32>,
    /// Voxels along each side of a patch, a multiple of 16.
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

/// How much of everything.
struct Scale {
    patients: u32,
    voxel_mm: f64,
    patch: usize,
    steps: u32,
    epochs: u32,
}

impl Scale {
    fn of(args: &TrainArgs) -> Self {
        let mut scale = Self {
            patients: 12,
            voxel_mm: 4.0,
            patch: 48,
            steps: 50,
            epochs: 12,
        };
        if args.data.is_some() {
            (scale.patch, scale.epochs) = (64, 32);
        }
        if args.quick {
            (scale.patients, scale.voxel_mm, scale.patch) = (4, 6.0, 32);
            (scale.steps, scale.epochs) = (6, 2);
        }
        scale.patch = args.patch.unwrap_or(scale.patch);
        scale.epochs = args.epochs.unwrap_or(scale.epochs);
        scale
    }
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(threads) = cli.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build_global()?;
    }
    match &cli.command {
        None => train(&cli.train),
        Some(Command::Predict(args)) => predict(args),
    }
}

fn predict(args: &PredictArgs) -> Result<()> {
    let segmenter = Segmenter::load(&args.model)?;
    let scan = nifti::read_image_with::<f32, 3>(&args.input, &ReadOptions::new())?;
    let bar = ProgressBar::new(0);
    let labels = segmenter.segment_owned(scan.value, &|done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    })?;
    bar.finish_and_clear();
    let options = WriteOptions::new().like(&scan.header);
    Ok(nifti::write_labels(&args.output, &labels, &options)?)
}

fn train(args: &TrainArgs) -> Result<()> {
    let scale = Scale::of(args);
    let side = scale.patch;
    let allowed = side > 0 && side.is_multiple_of(16);
    ensure!(allowed, "--patch must be a multiple of 16, got {side}");

    // 1. Data, whatever its layout. Some patients are kept for the end, one more to draw a curve by.
    let out = &args.out;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    let synthetic = || synthetic_patients(&out.join("phantoms"), args.seed, &scale);
    let dataset = SegmentationDataset::open(args.data.clone().map_or_else(synthetic, Ok)?)?;
    let table = &dataset.labels;
    let cases = dataset.cases.iter().progress().map(|case| case.load(table));
    let key = Key::new(args.seed);
    let test = Split::hold_out(cases.collect::<Result<Vec<_>, _>>()?, 0.25, key)?;
    if test.overfit {
        println!("One case, trained on and tested on: an overfit check, not a result.");
    }
    let validation = Split::hold_out(test.training, 0.1, key)?;
    let training = &validation.training;

    // 2. What every scan goes through, decided by the training cases alone.
    let labelled = training.iter().map(Sample::labelled);
    let labelled = labelled.collect::<Result<Vec<_>, _>>()?;
    let ignore = table.ignore().map(|label| label as u8);
    let orientation = Some(Orientation::LPS);
    let fingerprint = Fingerprint::of(labelled.iter().copied(), orientation, ignore, key)?;
    let modalities: Vec<_> = dataset.channels.iter().map(Modality::of_channel).collect();
    let preprocess = Preprocess {
        orientation,
        ..fingerprint.propose(&modalities)?
    };
    let prepare = |case: &Sample| -> Result<(String, Case<3>)> {
        let ready = preprocess.apply(&case.image, case.labels.as_ref())?;
        let sample = ready.into_sample()?;
        Ok((case.id.clone(), Case::new(sample, ignore, key)))
    };
    let prepared = training.iter().progress().map(prepare);
    let prepared = prepared.collect::<Result<Vec<_>>>()?;

    // 3. The network, its loss and its batches. `preset::nnunet_default` augments more, for runs of days.
    let network = BasicUNetConfig::new_3d(dataset.channels.len(), table.output_count());
    let window = SlidingWindow::nnunet([side; 3]);
    let network = network.with_features([16, 16, 32, 64, 128, 16]).into();
    let config = SegmenterConfig::new(network, preprocess.clone(), window);
    let config = config.with_labels(table.clone())?;
    let model = medmodels::create(&config.model, &Params::new(args.seed))?;
    let loss = loss::nnunet(table, false)?;
    let patches = match test.overfit {
        true => preset::plain([side; 3])?,
        false => preset::light([side; 3])?,
    };
    let batches = PatchBatches::new(prepared, patches, 1, scale.steps, args.seed)?;

    // 4. Training, with a look at the validation patient now and then.
    let mut optimizer = AdamW::new(model.params(), AdamWConfig::default())?;
    let mut run = TrainConfig::new(out, scale.epochs);
    run.learning_rate = 1e-2;
    run.schedule = Schedule::COSINE;
    run.seed = args.seed;
    run.validate_every = scale.epochs.div_ceil(4);
    run.resume = args.resume;
    run.configuration = serde_json::to_value((&config, side, scale.steps))?;
    let (config, case) = (&config, &validation.held_out[0]);
    let evaluation = Evaluation::of_labels(table);
    let mut look = Look {
        config,
        case,
        evaluation: evaluation.clone().without_surfaces(),
    };
    let summary = Trainer::new(&*model, &*loss, &mut optimizer, run)
        .with_validator(&mut look)
        .with_observer(&mut ProgressDisplay::new())
        .run(&Arc::new(batches))?;
    let segmenter = Segmenter::new(config.clone(), model)?;
    segmenter.save(out)?;

    // 5. The patients nobody has seen, measured on their own grids.
    let baseline = IntensityBaseline::fit(labelled, table)?;
    let mut report = Report::new(evaluation.clone());
    let mut by_intensity = Report::new(evaluation.clone());
    let drawing = Comparison::default().with_labels(table);
    for case in test.held_out.iter().progress() {
        let (id, (image, truth)) = (&case.id, case.labelled()?);
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
        "overfit_check": test.overfit,
        "report": report,
    });
    let json = serde_json::to_vec_pretty(&metrics)?;
    medcore::atomic::write_bytes(&out.join("metrics.json"), &json)?;
    Chart::new("Training")
        .x_label("epoch")
        .series("loss", summary.losses())
        .series("validation Dice", summary.scores())
        .write_svg(out.join("training.svg"))?;
    println!("\n{report}\nMean Dice {dice:.3}; by intensity alone {by_intensity:.3}.");
    println!("Results are in {}", out.display());
    Ok(())
}

/// Writes synthetic patients as an nnU-Net data set; files that are there already are written again, the same.
fn synthetic_patients(folder: &Path, seed: u64, scale: &Scale) -> Result<PathBuf> {
    let mut options = CohortOptions::default();
    options.slice_mm = (scale.voxel_mm, 1.25 * scale.voxel_mm);
    options.pixel_mm = (scale.voxel_mm, 1.2 * scale.voxel_mm);
    let cohort = Cohort::new(seed, options)?;
    let mut writer = NnunetWriter::create(folder, &["CT"], Organ::table())?;
    for patient in (0..scale.patients).progress() {
        let phantom = cohort.scan(patient)?;
        let name = format!("patient_{patient:03}");
        writer.add(&name, &phantom.image, &phantom.labels)?;
    }
    Ok(writer.finish()?)
}

/// Segments one patient between epochs, on the patient's own grid; the curve is for people.
struct Look<'a> {
    config: &'a SegmenterConfig,
    case: &'a Sample,
    evaluation: Evaluation,
}

impl Validator for Look<'_> {
    fn validate(&mut self, model: &dyn Model, _: u32) -> Result<Validation, BoxError> {
        let segmenter = Segmenter::new(self.config.clone(), Box::new(model))?;
        let (image, truth) = self.case.labelled()?;
        let found = self
            .evaluation
            .case(&self.case.id, truth, &segmenter.segment(image)?)?;
        Ok(Validation::new(found.mean(Measure::Dice).unwrap_or(0.0)))
    }
}
