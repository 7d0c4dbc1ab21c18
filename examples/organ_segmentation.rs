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

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Args, Parser, Subcommand};
use medaug::{Case, CaseFingerprint, Fingerprint, Laterality, Modality, Preprocess, Space, preset};
use medcore::random::Key;
use medcore::{Image, LabelMap, Orientation};
use medinfer::{LabelRule, Predictor, Segmenter, SegmenterConfig, Silent, SlidingWindow};
use medio::datasets::{LabelTable, NnunetWriter, Sample, SegmentationDataset};
use medio::nifti::{self, WriteOptions};
use medmetrics::{Evaluation, Measure, Report, Structure};
use medmodels::basic_unet::BasicUNetConfig;
use mednn::loss::{DiceCrossEntropy, Loss, RegionDiceCrossEntropy};
use mednn::optim::{AdamW, AdamWConfig};
use mednn::{Model, Params};
use medphantom::{Cohort, CohortOptions, IntensityBaseline, Organ};
use medtrain::{PatchBatches, ProgressDisplay, TrainConfig, Trainer, Validation, Validator};
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
    Predict {
        /// Folder that a training run wrote.
        #[arg(long)]
        model: PathBuf,
        /// The scan (.nii or .nii.gz).
        #[arg(long)]
        input: PathBuf,
        /// Where the labels go, on the scan's own grid.
        #[arg(long)]
        output: PathBuf,
    },
}

#[derive(Args)]
struct TrainArgs {
    /// Data set: nnU-Net raw, Decathlon (MSD) or BTCV/Synapse layout [default: synthetic patients].
    #[arg(long)]
    data: Option<PathBuf>,
    /// Folder for results.
    #[arg(long, default_value = "organ_segmentation_out")]
    out: PathBuf,
    /// Epochs of 25 steps of two patches.
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
    /// A run of half a minute that shows the program works, not what it can learn.
    #[arg(long)]
    quick: bool,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(threads) = cli.threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()?;
    }
    match cli.command {
        None => train(&cli.train),
        Some(Command::Predict {
            model,
            input,
            output,
        }) => {
            let segmenter = Segmenter::load(&model)?;
            let scan = nifti::read_image::<f32, 3>(&input)?;
            let header = nifti::read_header(&input)?.header;
            let labels = segmenter.segment(&scan)?;
            nifti::write_labels(&output, &labels, &WriteOptions::new().like(&header))?;
            Ok(())
        }
    }
}

fn train(args: &TrainArgs) -> Result<()> {
    // 1. Data: one folder of scans with labels, whatever its layout.
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make {}", args.out.display()))?;
    let folder = match &args.data {
        Some(folder) => folder.clone(),
        None => synthetic_patients(&args.out.join("phantoms"), args)?,
    };
    let dataset = SegmentationDataset::open(&folder)?;
    let names: Vec<(u8, &str)> = dataset
        .labels
        .entries()
        .iter()
        .flat_map(|entry| {
            entry
                .values
                .iter()
                .map(|&value| (value as u8, entry.name.as_str()))
        })
        .collect();
    let mut cases = dataset
        .cases
        .iter()
        .map(|c| c.load(&dataset.labels))
        .collect::<Result<Vec<_>, _>>()?;
    ensure!(
        cases.iter().all(|case| case.labels.is_some()),
        "every training case needs a label file"
    );
    Key::new(args.seed).stream("split").shuffle(&mut cases);
    let overfit = cases.len() == 1;
    if overfit {
        println!(
            "One case: it is trained on and tested on. This is an overfit check, not a result."
        );
        cases.push(cases[0].clone());
    }
    let (held_out, training) = cases.split_at(cases.len().div_ceil(4).min(cases.len() - 1));

    // 2. What every scan goes through, decided by the training cases alone.
    let preprocess = plan(&dataset, training, args.seed)?;
    let ignore = dataset.labels.ignore().map(|label| label as u8);
    let prepare = |case: &Sample| -> Result<Case<3>> {
        let ready = preprocess.apply(&case.image, case.labels.as_ref())?;
        Ok(Case::new(ready.into_sample()?, ignore, Key::new(args.seed)))
    };
    let prepared = training
        .iter()
        .map(|case| Ok((case.id.clone(), prepare(case)?)))
        .collect::<Result<Vec<_>>>()?;

    // 3. The network, its loss and its batches.
    let side = args.patch.unwrap_or(if args.quick { 32 } else { 64 });
    ensure!(
        side > 0 && side.is_multiple_of(16),
        "--patch must be a multiple of 16, got {side}"
    );
    let table = &dataset.labels;
    let outputs = if table.has_regions() {
        table.entries().len()
    } else {
        table.class_count()
    };
    let features = if args.quick {
        [8, 8, 16, 32, 64, 8]
    } else {
        [16, 16, 32, 64, 128, 16]
    };
    let network = BasicUNetConfig::new_3d(dataset.channels.len(), outputs).with_features(features);
    let config = SegmenterConfig::new(
        network.into(),
        preprocess.clone(),
        SlidingWindow::nnunet([side; 3]),
    )
    .with_labels(names.clone())
    .with_rule(rule(table)?);
    let params = Params::new(args.seed);
    let model = medmodels::create(&config.model, &params)?;
    let loss = loss(table)?;
    let laterality = Laterality::of_names(names.iter().copied());
    let pipeline = preset::nnunet_default([side; 3], Space::Millimetres, laterality)?;
    let steps = if args.quick { 6 } else { 25 };
    let batches = Arc::new(PatchBatches::new(prepared, pipeline, 2, steps, args.seed)?);

    // 4. Training, with a look at one held-out patient now and then.
    let mut optimizer = AdamW::new(&params, AdamWConfig::default())?;
    let epochs = args.epochs.unwrap_or(if args.quick {
        2
    } else if args.data.is_some() {
        34
    } else {
        12
    });
    let mut run = TrainConfig::new(&args.out, epochs);
    run.learning_rate = 2e-3;
    run.seed = args.seed;
    run.validate_every = epochs.div_ceil(4);
    run.resume = args.resume;
    run.configuration = serde_json::to_value((&config, side, steps))?;
    let (mut look, mut display) = (Look::new(&config, &held_out[0])?, ProgressDisplay::new());
    let summary = Trainer::new(&*model, &*loss, &mut optimizer, run)
        .with_validator(&mut look)
        .with_observer(&mut display)
        .run(&batches)?;
    let segmenter = Segmenter::new(config, model)?;
    segmenter.save(&args.out)?;

    // 5. The held-out patients, measured on their own grids.
    let structures = table.entries().iter().map(|e| Structure {
        name: e.name.clone(),
        labels: e.values.clone(),
    });
    let mut evaluation = Evaluation::new(structures.collect());
    if let Some(label) = table.ignore() {
        evaluation = evaluation.with_ignore(label);
    }
    let baseline = IntensityBaseline::fit(labelled(training), table.class_count())?;
    let (mut report, mut by_intensity) = (
        Report::new(evaluation.clone()),
        Report::new(evaluation.clone()),
    );
    let mut drawing = Comparison::default();
    drawing.classes = names
        .iter()
        .map(|&(label, name)| (u32::from(label), name.to_owned()))
        .collect();
    for case in held_out {
        let (id, truth) = (&case.id, labels_of(case)?);
        let prediction = segmenter.segment(&case.image)?;
        report.push(evaluation.case(id, truth, &prediction)?)?;
        by_intensity.push(evaluation.case(id, truth, &baseline.predict(&case.image)?)?)?;
        let to = args.out.join(format!("prediction_{id}.nii.gz"));
        nifti::write_labels(&to, &prediction, &WriteOptions::new().like(&case.header))?;
        medviz::comparison(&case.image, truth, &prediction, &drawing)?
            .write_png(args.out.join(format!("overlay_{id}.png")))?;
    }

    // 6. What a person wants to see.
    let score = |report: &Report| report.mean(Measure::Dice).unwrap_or(0.0);
    let worst = report.worst_structure(Measure::Dice);
    let metrics = serde_json::json!({
        "mean_dice": score(&report),
        "min_organ_dice": worst.map(|(_, dice)| dice),
        "intensity_baseline_dice": score(&by_intensity),
        "overfit_check": overfit,
        "report": report,
    });
    medcore::atomic::write_bytes(
        &args.out.join("metrics.json"),
        &serde_json::to_vec_pretty(&metrics)?,
    )?;
    let losses = summary
        .history
        .iter()
        .map(|e| (f64::from(e.epoch + 1), e.train_loss));
    let dice = summary
        .history
        .iter()
        .filter_map(|e| Some((f64::from(e.epoch + 1), e.validation.as_ref()?.score)));
    Chart::new("Training")
        .x_label("epoch")
        .series("loss", losses)
        .series("validation Dice", dice)
        .write_svg(args.out.join("training.svg"))?;
    println!("\n{}", report.to_markdown());
    println!(
        "mean Dice {:.3}; by intensity alone {:.3}",
        score(&report),
        score(&by_intensity)
    );
    for finding in report.findings(5) {
        let dice = finding.dice.value.unwrap_or(0.0);
        println!(
            "  {} {}: Dice {dice:.3}, {}",
            finding.case,
            finding.structure,
            finding.reason.name()
        );
    }
    println!("Results are in {}", args.out.display());
    Ok(())
}

/// Writes synthetic patients as an nnU-Net data set; files that are there already are written again, the same.
fn synthetic_patients(folder: &Path, args: &TrainArgs) -> Result<PathBuf> {
    let mut options = CohortOptions::default();
    if args.quick {
        (options.slice_mm, options.pixel_mm) = ((6.0, 7.0), (5.0, 6.0));
    }
    let cohort = Cohort::new(args.seed, options)?;
    let organs = Organ::ALL.map(|organ| (organ.name(), vec![u32::from(organ.label())]));
    let mut writer = NnunetWriter::create(folder, &["CT"], LabelTable::new(organs)?)?;
    for patient in 0..if args.quick { 4 } else { 12 } {
        let phantom = cohort.scan(patient)?;
        writer.add(
            &format!("patient_{patient:03}"),
            &phantom.image,
            &phantom.labels,
        )?;
    }
    Ok(writer.finish()?)
}

/// nnU-Net's rules for spacing and intensities, in one orientation for all scans.
fn plan(dataset: &SegmentationDataset, training: &[Sample], seed: u64) -> Result<Preprocess> {
    let ignore = dataset.labels.ignore().map(|label| label as u8);
    let orientation = Some(Orientation::LPS);
    let fingerprints = training
        .iter()
        .map(|case| {
            let labels = labels_of(case)?;
            Ok(CaseFingerprint::of(
                &case.image,
                labels,
                orientation,
                ignore,
                Key::new(seed),
            )?)
        })
        .collect::<Result<Vec<_>>>()?;
    let modality = |channel: &String| match channel.to_lowercase().as_str() {
        "ct" => Modality::Ct,
        "nonorm" => Modality::Plain,
        _ => Modality::Mr,
    };
    let modalities: Vec<Modality> = dataset.channels.iter().map(modality).collect();
    Ok(Preprocess {
        orientation,
        ..Fingerprint::of_cases(&fingerprints)?.propose(&modalities)?
    })
}

/// Dice and cross-entropy over classes, or over regions where the data set joins labels.
fn loss(table: &LabelTable) -> Result<Box<dyn Loss>> {
    if table.has_regions() {
        let regions: Vec<Vec<u32>> = table
            .entries()
            .iter()
            .map(|entry| entry.values.clone())
            .collect();
        let loss = RegionDiceCrossEntropy::nnunet(regions, false)?;
        return Ok(match table.ignore() {
            Some(label) => Box::new(loss.with_ignore_label(label)),
            None => Box::new(loss),
        });
    }
    let loss = DiceCrossEntropy::nnunet(false);
    Ok(match table.ignore() {
        Some(label) => Box::new(loss.with_ignore_label(label)),
        None => Box::new(loss),
    })
}

/// How the network's outputs become labels.
fn rule(table: &LabelTable) -> Result<LabelRule> {
    match table.regions_class_order() {
        _ if !table.has_regions() => Ok(LabelRule::Argmax),
        Some(order) => Ok(LabelRule::Regions(
            order.iter().map(|&label| label as u8).collect(),
        )),
        None => bail!("dataset.json joins labels to regions but has no regions_class_order"),
    }
}

fn labels_of(case: &Sample) -> Result<&LabelMap<u8, 3>> {
    case.labels
        .as_ref()
        .with_context(|| format!("case {} has no labels", case.id))
}

fn labelled(cases: &[Sample]) -> impl Iterator<Item = (&Image<f32, 3>, &LabelMap<u8, 3>)> {
    cases
        .iter()
        .filter_map(|case| Some((&case.image, case.labels.as_ref()?)))
}

/// Segments one held-out patient between epochs; its Dice picks no weights, it only draws a curve.
struct Look {
    image: Image<f32, 3>,
    truth: LabelMap<u8, 3>,
    config: SegmenterConfig,
}

impl Look {
    fn new(config: &SegmenterConfig, case: &Sample) -> Result<Self> {
        let ready = config.preprocess.apply(&case.image, case.labels.as_ref())?;
        let truth = ready.labels.context("the case has labels")?;
        Ok(Self {
            image: ready.image,
            truth,
            config: config.clone(),
        })
    }
}

impl Validator for Look {
    fn validate(
        &mut self,
        model: &dyn Model,
        _: u32,
    ) -> Result<Validation, Box<dyn std::error::Error + Send + Sync>> {
        let labels = Predictor::new(model, self.config.window.clone())?.labels(
            &self.image,
            &self.config.rule,
            &Silent,
        )?;
        let evaluation =
            Evaluation::of_organs(self.config.labels.values().cloned()).without_surfaces();
        let found = evaluation.case("validation", &self.truth, &labels)?;
        let dice: Vec<f64> = found
            .structures
            .iter()
            .filter_map(|s| s.dice.value)
            .collect();
        Ok(Validation {
            score: dice.iter().sum::<f64>() / dice.len().max(1) as f64,
            metrics: vec![],
        })
    }
}
