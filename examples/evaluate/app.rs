//! What the example does, apart from being a program.

mod detection;
mod files;
mod labels;
mod objects;
mod plots;
mod report;
mod segmentation;
mod unit;
mod worst;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use medmetrics::Convention;

pub(crate) use objects::IouType;
pub(crate) use unit::UnitRule;

/// Compares two folders of label maps, file by file, or COCO detections with their annotations.
///
/// Files are matched by name without extension. Writes report.json, report.md, plots (SVG) and pictures of
/// the worst cases (PNG). Exits with 1 if a file is missing, cannot be read, lies on another grid or holds
/// an unknown label: each is named, and everything else is evaluated.
#[derive(Debug, Parser)]
pub(crate) struct Cli {
    /// The folder of true label maps, in any format that is read.
    #[arg(long, requires = "prediction", required_unless_present = "coco")]
    pub(crate) truth: Option<PathBuf>,
    /// The folder of predicted ones.
    #[arg(long, requires = "truth")]
    pub(crate) prediction: Option<PathBuf>,
    /// What labels mean: `liver=1,spleen=2`, with several values for a region, `tumour=2+3`; or a file: a
    /// data set's dataset.json, or one such entry a line. By default every label of the truth.
    #[arg(long)]
    pub(crate) labels: Option<String>,
    /// The folder of scans behind the pictures of the worst cases; a channel's suffix _0000 is looked for.
    #[arg(long)]
    pub(crate) images: Option<PathBuf>,
    /// Where the report goes.
    #[arg(long, default_value = "evaluation")]
    pub(crate) out: PathBuf,
    /// Voxels that the truth gives this label count nowhere.
    #[arg(long)]
    pub(crate) ignore: Option<u32>,
    /// Tolerance of the surface Dice in mm.
    #[arg(long, default_value_t = 2.0)]
    pub(crate) tolerance: f64,
    /// Whose surfaces, percentiles and averages, by a library's name, such as monai, deep_mind, med_py or
    /// panoptica.
    #[arg(long, default_value = "monai", value_parser = convention)]
    pub(crate) convention: Convention,
    /// What cases belong to one patient, whom intervals draw as a whole: `before:_` takes the name before
    /// the first `_`, `first:8` its first 8 letters. By default each case is a patient.
    #[arg(long, default_value = "case")]
    pub(crate) unit_from: UnitRule,
    /// How many of the worst cases are drawn.
    #[arg(long, default_value_t = 3)]
    pub(crate) worst: usize,
    /// Draws violins instead of boxes.
    #[arg(long)]
    pub(crate) violins: bool,
    /// A COCO file of true objects.
    #[arg(long, requires = "detections", conflicts_with = "truth")]
    pub(crate) coco: Option<PathBuf>,
    /// A COCO file of results: boxes, or masks by run lengths.
    #[arg(long, requires = "coco")]
    pub(crate) detections: Option<PathBuf>,
    /// What of detected objects must overlap with what of true ones, as pycocotools has it: their boxes
    /// (bbox) or their masks (segm), which may be polygons or run lengths in the truth.
    #[arg(long, value_enum, default_value_t, requires = "coco")]
    pub(crate) iou_type: IouType,
}

/// A convention by its name in settings.
fn convention(name: &str) -> Result<Convention, String> {
    let quoted = serde_json::Value::String(name.to_owned());
    serde_json::from_value(quoted).map_err(|error| error.to_string())
}

/// What there is to say at the end.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The main numbers.
    pub(crate) text: String,
    /// What could not be evaluated, one line each.
    pub(crate) problems: Vec<String>,
}

/// Evaluates and writes.
pub(crate) fn run(cli: &Cli) -> Result<Outcome> {
    match (&cli.truth, &cli.prediction, &cli.coco, &cli.detections) {
        (Some(truth), Some(prediction), ..) => segmentation::run(cli, truth, prediction),
        (_, _, Some(coco), Some(detections)) => detection::run(cli, coco, detections),
        _ => anyhow::bail!("give --truth with --prediction, or --coco with --detections"),
    }
}
