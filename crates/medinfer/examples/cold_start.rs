//! From the start of a process to the first answer of a bundle: every hash compared, the golden case tried, one image
//! classified.
//!
//! ```text
//! cargo run --release -p medinfer --example cold_start -- write FOLDER   # ResNet-18, 1000 classes, 47 MB
//! cargo run --release -p medinfer --example cold_start -- FOLDER
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::time::Instant;

use medaug::{Compose, Intensity, Normalise, Resize, ResizeTo};
use medcore::{Geometry, Image};
use medinfer::{Bundle, BundleWriter, ClassLabel, Classifier, ClassifierConfig, Version};
use medmodels::resnet::ResNetConfig;
use mednn::params::Params;

fn image(extent: usize) -> Result<Image<f32, 2>, medcore::Error> {
    let grid = Geometry::axis_aligned([extent, extent], [0.2, 0.2])?;
    let value = |i: usize| (i * 7919 % 251) as f32;
    Image::with_channels(3, grid, (0..3 * grid.len()).map(value).collect::<Vec<_>>())
}

fn write(folder: &str) -> Result<(), Box<dyn Error>> {
    let labels: Vec<_> = (0..1000)
        .map(|i| ClassLabel::new(format!("class {i}")))
        .collect();
    let resize = Resize::new(ResizeTo::Shape(vec![224, 224]));
    let steps = vec![Normalise::from(Intensity::MinMax).into(), resize.into()];
    let config = ClassifierConfig::<2>::new(ResNetConfig::resnet18(1000).into(), labels)
        .with_preparation(Compose::new(steps)?)
        .with_shape([224, 224]);
    let network = medmodels::create(&config.model, &Params::new(1))?;
    BundleWriter::new(
        &Classifier::new(config, network)?,
        "resnet18",
        Version::new(1, 0, 0),
    )
    .with_intended_use("Measuring how long a start takes; its weights are random.")
    .with_golden(&image(64)?, 1e-3)
    .write(folder)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", folder] => write(folder),
        [folder] => {
            let bundle = Bundle::load(folder)?;
            let loaded = start.elapsed();
            let found = bundle.classifier::<2>()?.classify(&image(224)?)?;
            let (top, done) = (found.top(), start.elapsed());
            println!("class {top}; loaded after {loaded:.1?}, answered after {done:.1?}");
            Ok(())
        }
        _ => Err("give a folder, or `write` and a folder".into()),
    }
}
