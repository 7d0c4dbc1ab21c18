//! Writes a synthetic abdominal CT and its organ labels as NIfTI files, on any grid.
//!
//! ```text
//! cargo run --release --example phantom_scan -- scan.nii.gz --labels labels.nii.gz
//! cargo run --release --example phantom_scan -- small.nii.gz --size 160 160 90 --spacing 2.4 2.4 5
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use medcore::random::Key;
use medio::nifti::{self, WriteOptions};
use medphantom::{Abdomen, AbdomenOptions, Organ, ScanOptions, field_of_view};

/// Fresh memory is slow; this allocator hands used memory out again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Writes a synthetic abdominal CT, and the organs in it, as NIfTI files (.nii or .nii.gz).
///
/// The patient is made up: right in topology, sizes and CT numbers, of no use for medicine. The same numbers
/// give the same files on every machine.
#[derive(Parser)]
struct Cli {
    /// Where the scan goes: 16-bit integers in HU.
    scan: PathBuf,
    /// Where the labels go: 1 spine, 2 liver, 3 spleen, 4 and 5 right and left kidney, 6 aorta, 7 stomach.
    #[arg(long)]
    labels: Option<PathBuf>,
    /// Voxels from right to left, front to back and feet to head.
    #[arg(long, num_args = 3, value_names = ["X", "Y", "Z"], default_values_t = [512, 512, 300])]
    size: Vec<usize>,
    /// Millimetres between voxels along the same axes.
    #[arg(long, num_args = 3, value_names = ["X", "Y", "Z"], default_values_t = [0.75, 0.75, 1.5])]
    spacing: Vec<f64>,
    /// Standard deviation of the noise in HU.
    #[arg(long, default_value_t = 14.0)]
    noise: f64,
    /// Names a series of patients.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// The patient's number in the series.
    #[arg(long, default_value_t = 0)]
    patient: u32,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    // Files name the fastest axis first, arrays the slowest.
    let shape = [cli.size[2], cli.size[1], cli.size[0]];
    let spacing = [cli.spacing[2], cli.spacing[1], cli.spacing[0]];
    let mut options = ScanOptions::default();
    options.noise_hu = cli.noise;
    let key = Key::new(cli.seed).sample(cli.patient);
    let patient = Abdomen::new(key, &AbdomenOptions::default())?;
    let phantom = patient.scan(&field_of_view(shape, spacing)?, &options)?;

    nifti::write_image(&cli.scan, &phantom.image, &WriteOptions::new())?;
    if let Some(path) = &cli.labels {
        nifti::write_labels(path, &phantom.labels, &WriteOptions::new())?;
    }
    let millilitres = phantom.labels.geometry().voxel_volume() / 1000.0;
    let counts = phantom.labels.counts();
    for organ in Organ::ALL {
        let voxels = counts.get(usize::from(organ.label())).unwrap_or(&0);
        println!("{:13}{:7.1} ml", organ.name(), *voxels as f64 * millilitres);
    }
    Ok(())
}
