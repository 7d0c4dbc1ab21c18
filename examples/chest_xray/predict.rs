//! Asking a bundle about images.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use medinfer::Bundle;
use medinfer::explain::{Explain as _, GradCam, Target};
use mednn::Inputs;
use mednn::candle_core::Device;
use mednn::convert::stack_images;

use super::data::Pixels;
use super::heat::overlay;
use super::odds::LogOdds;

/// What to ask.
#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// Folder that a training run wrote: OUT/bundle.
    #[arg(long)]
    pub(crate) bundle: PathBuf,
    /// Radiographs: DICOM, PNG, JPEG or TIFF.
    #[arg(long, required = true, num_args = 1..)]
    pub(crate) image: Vec<PathBuf>,
    /// Folder for Grad-CAM overlays, one PNG for each image.
    #[arg(long)]
    pub(crate) heat: Option<PathBuf>,
    /// One JSON object a line instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints what the bundle says of each image; gives the number of images that could not be judged.
pub(crate) fn predict(args: &PredictArgs, device: &Device) -> Result<usize> {
    let bundle = Bundle::load_on(&args.bundle, device)?;
    let mut failed = 0;
    let mut out = std::io::stdout().lock();
    for path in &args.image {
        match judge(&bundle, path, args) {
            Ok(line) => writeln!(out, "{line}")?,
            Err(error) => {
                failed += 1;
                eprintln!("{}: {error:#}", path.display());
            }
        }
    }
    Ok(failed)
}

fn judge(bundle: &Bundle, path: &std::path::Path, args: &PredictArgs) -> Result<String> {
    let classifier = bundle.classifier::<2>()?;
    let image = Pixels::of_file(path.to_owned())?.read()?;
    let found = classifier.classify(&image)?;
    let config = classifier.config();
    let finding = &config.labels[1].name;
    let threshold = config.operating_points.first().map(|point| point.threshold);
    let is_positive = found.decisions.first().map(|decision| decision.is_positive);
    let probability = found.probabilities[1];
    if let Some(folder) = &args.heat {
        std::fs::create_dir_all(folder)?;
        let prepared = classifier.prepare(&image)?;
        let network = &*classifier.networks()[0];
        let inputs = Inputs::new(stack_images(&[&prepared], network.params().device())?);
        let maps = GradCam::default().explain(&LogOdds(network), &inputs, &Target::Class(0))?;
        let map = maps.first().context("no map was made")?;
        let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or("image");
        let most = map.values().iter().copied().fold(0.0, f32::max);
        overlay(&image, (map.values(), most), None, prepared.shape()[0])?
            .write_png(folder.join(format!("{name}_heat.png")))?;
    }
    if args.json {
        return Ok(serde_json::json!({
            "image": path, "finding": finding, "probability": probability, "positive": is_positive, "threshold": threshold,
        })
        .to_string());
    }
    let verdict = match (is_positive, threshold) {
        (Some(true), Some(threshold)) => format!("{finding} (from {:.1} % on)", 100.0 * threshold),
        (Some(false), Some(threshold)) => {
            format!("no {finding} (below {:.1} %)", 100.0 * threshold)
        }
        _ => "no threshold".to_owned(),
    };
    Ok(format!(
        "{}: {finding} {:.1} %: {verdict}",
        path.display(),
        100.0 * probability
    ))
}
