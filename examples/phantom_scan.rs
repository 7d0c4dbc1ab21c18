//! Writes a synthetic abdominal CT and its organ labels as NIfTI or DICOM files, on any grid.
//!
//! ```text
//! cargo run --release --example phantom_scan -- scan.nii.gz --labels labels.nii.gz
//! cargo run --release --example phantom_scan -- small.nii.gz --size 160 160 90 --spacing 2.4 2.4 5
//! cargo run --release --example phantom_scan -- study/ct --size 160 160 90 --spacing 2.4 2.4 5 --tilt 15
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use medcore::random::Key;
use medcore::{Geometry, Lps, Vector};
use medio::dicom::{Creation, ImageKind, ImageSeries, PatientStudy, Uids};
use medio::nifti::{self, WriteOptions};
use medphantom::{Abdomen, AbdomenOptions, Organ, ScanOptions, field_of_view};

/// Fresh memory is slow; this allocator hands used memory out again.
#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

/// Writes a synthetic abdominal CT, and the organs in it, as NIfTI files (.nii or .nii.gz) or as a DICOM series.
///
/// The patient is made up: right in topology, sizes and CT numbers, of no use for medicine. The same numbers
/// give the same files on every machine.
#[derive(Parser)]
struct Cli {
    /// Where the scan goes, 16-bit integers in HU: a file .nii or .nii.gz, or a folder for a DICOM series.
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
    /// Degrees by which the grid is turned about the patient's long axis, and then about the rows.
    #[arg(long, default_value_t = 0.0)]
    oblique: f64,
    /// Degrees by which the gantry is tilted: slices are shifted along themselves from one to the next.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    tilt: f64,
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
    let grid = placed(&field_of_view(shape, spacing)?, &cli)?;
    let phantom = patient.scan(&grid, &options)?;

    if cli.scan.extension().is_none() {
        // All series of one patient belong to one study and share their frame of reference.
        let uids = Uids::from_seed(format!("phantom {} {}", cli.seed, cli.patient).as_bytes());
        let name = format!("Phantom^{}", cli.patient);
        let id = format!("PHANTOM-{}-{}", cli.seed, cli.patient);
        let study = PatientStudy::new(id, name, uids.next_uid()).to_header()?;
        ImageSeries::new(ImageKind::Ct, &study)
            .frame_of_reference(uids.next_uid())
            .write(
                &cli.scan,
                &phantom.image,
                &Creation::now()?.series_number(1),
            )?;
    } else {
        nifti::write_image(&cli.scan, &phantom.image, &WriteOptions::new())?;
    }
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

/// The grid turned about its middle and sheared, as asked for.
fn placed(grid: &Geometry<3>, cli: &Cli) -> Result<Geometry<3>> {
    let (sin, cos) = cli.oblique.to_radians().sin_cos();
    let about_z = |v: Vector<Lps>| {
        let [x, y, z] = v.components();
        Vector::new(x * cos - y * sin, x * sin + y * cos, z)
    };
    let about_x = |v: Vector<Lps>| {
        let [x, y, z] = v.components();
        Vector::new(x, y * cos - z * sin, y * sin + z * cos)
    };
    let [slice, row, column] = grid.steps();
    let shift = row * (cli.tilt.to_radians().tan() * slice.norm() / row.norm());
    let steps = [slice + shift, row, column].map(|step| about_z(about_x(step)));
    let shape = grid.shape();
    let middle = shape.map(|n| (n as f64 - 1.0) / 2.0);
    let mut origin = grid.index_to_world(middle);
    for (step, index) in steps.iter().zip(middle) {
        origin = origin + *step * -index;
    }
    Ok(Geometry::new(shape, origin, steps)?)
}
