//! Says what is in an image file, or in a folder of DICOM files, and draws it.
//!
//! ```text
//! cargo run --release --example inspect -- scan.nii.gz
//! cargo run --release --example inspect -- dicom_folder --picture montage.png
//! cargo run --release --example inspect                  # writes a phantom and inspects it
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use medcore::random::Key;
use medio::dicom::{self, Scan, Series, Stack};
use medio::medcore::{Geometry, Image, Orientation};
use medio::{Header, ReadOptions};
use medphantom::{Abdomen, AbdomenOptions, ScanOptions, field_of_view};
use medviz::{Picture, Plane, SliceView, Window, captioned, montage, render_slice};

/// Fresh memory is slow; this allocator hands used memory out again.
#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

/// Says what is in an image file, or in a folder of DICOM files: series, grid, doubts, and a montage.
///
/// Exits with 0 if everything could be read and with 1 if anything was refused.
#[derive(Parser)]
struct Cli {
    /// A file of any format that is read (NIfTI, MetaImage, NRRD, MGH, DICOM ...), or a folder of DICOM
    /// files. Without it a phantom is written and inspected.
    path: Option<PathBuf>,
    /// Where the montage goes; none is drawn without images.
    #[arg(long, default_value = "montage.png")]
    picture: PathBuf,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let path = match cli.path {
        Some(path) => path,
        None => phantom()?,
    };
    let mut sheet = Sheet::default();
    match path.is_dir() {
        true => inspect_folder(&path, &mut sheet)?,
        false => inspect_file(&path, &mut sheet)?,
    }
    sheet.write(&cli.picture)?;
    match sheet.refused {
        0 => Ok(()),
        count => bail!("{count} of what is there could not be read"),
    }
}

/// Pictures so far, and how much could not be read.
#[derive(Default)]
struct Sheet {
    pictures: Vec<Picture>,
    refused: usize,
}

impl Sheet {
    /// More than fit on a sheet are not drawn.
    const MOST: usize = 24;

    fn refuse(&mut self, error: &dyn std::error::Error) {
        self.refused += 1;
        println!("  ! {error}");
    }

    /// The middle slices of a volume, dark and bright at the second and 98th percent of its values.
    fn add(&mut self, image: &Image<f32, 3>, caption: &str) -> Result<()> {
        let window = Window::of_values(image.channel(0));
        let shape = image.shape();
        let lengths = shape.iter().zip(image.geometry().spacing());
        let longest = lengths.map(|(&n, mm)| n as f64 * mm).fold(0.0, f64::max);
        for plane in Plane::ALL {
            let view = SliceView::middle(image.geometry(), plane).with_pixel_mm(longest / 256.0);
            // Of a single slice there is one view.
            let flat = shape.contains(&1) && shape[view.axis()] != 1;
            if self.pictures.len() < Self::MOST && !flat {
                let picture = render_slice(image, &view, &window)?;
                self.pictures.push(captioned(&picture, caption)?);
            }
        }
        Ok(())
    }

    fn write(&self, path: &Path) -> Result<()> {
        if !self.pictures.is_empty() {
            montage(&self.pictures, 6)?.write_png(path)?;
            println!("\nmontage: {}", path.display());
        }
        Ok(())
    }
}

/// A volume that shows what the program does.
fn phantom() -> Result<PathBuf> {
    let patient = Abdomen::new(Key::new(7), &AbdomenOptions::default())?;
    let grid = field_of_view([60, 128, 128], [5.0, 3.0, 3.0])?;
    let path = std::env::temp_dir().join("medio_inspect_phantom.nii.gz");
    medio::write(&path, &patient.scan(&grid, &ScanOptions::default())?.image)?;
    println!("no path was given: a phantom, {}\n", path.display());
    Ok(path)
}

fn inspect_file(path: &Path, sheet: &mut Sheet) -> Result<()> {
    let info = medio::read_header(path)?;
    println!(
        "{} file, {} numbers",
        info.header.format(),
        info.datatype.name()
    );
    if let Header::Dicom(header) = &info.header {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let (modality, description) = (text(&header.modality), text(&header.description));
        println!("  {modality}, {description}, unit {}", text(&header.unit));
    }
    let channels = info.channels;
    if channels > 1 {
        println!("  {channels} channels");
    }
    let loaded = medio::read_with::<f32, 3>(path, &ReadOptions::new())?;
    let name = path.file_name().unwrap_or_default();
    let doubts = &loaded.report.warnings;
    show(&loaded.value, doubts, &name.to_string_lossy(), sheet)
}

/// Says where a volume lies and what is doubtful about it, and draws it.
fn show(
    image: &Image<f32, 3>,
    doubts: &[impl Display],
    caption: &str,
    sheet: &mut Sheet,
) -> Result<()> {
    print_grid(image.geometry());
    for doubt in doubts {
        println!("  ! {doubt}");
    }
    sheet.add(image, caption)
}

fn print_grid(grid: &Geometry<3>) {
    let [depth, height, width] = grid.shape();
    let millimetres = grid.spacing().map(|mm| format!("{mm:.4}")).join(" x ");
    let sheared = if grid.is_orthogonal(1e-3) {
        ""
    } else {
        ", sheared"
    };
    println!("  {depth} x {height} x {width} voxels of {millimetres} mm{sheared}");
    let orientation = Orientation::closest_to(grid);
    let [x, y, z] = grid.origin().coordinates();
    println!("  axes towards {orientation}, first voxel at ({x:.2}, {y:.2}, {z:.2}) mm LPS");
}

fn inspect_folder(path: &Path, sheet: &mut Sheet) -> Result<()> {
    let scan: Scan = dicom::scan(path)?;
    if scan.studies.is_empty() && scan.refused.is_empty() {
        bail!(
            "{}: no DICOM file among {} files",
            path.display(),
            scan.others.len()
        );
    }
    let bar = ProgressBar::new(scan.series().count() as u64)
        .with_style(ProgressStyle::with_template("{bar:30} {pos}/{len} series")?);
    for study in &scan.studies {
        let unknown = || "-".to_owned();
        let patient = study.patient_id.clone().unwrap_or_else(unknown);
        let description = study.description.clone().unwrap_or_else(unknown);
        bar.suspend(|| println!("study {}, patient {patient}, {description}", study.uid));
        for series in &study.series {
            bar.suspend(|| inspect_series(series, sheet))?;
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    for file in &scan.refused {
        sheet.refuse(&file.error);
    }
    if !scan.others.is_empty() {
        println!("{} files are not DICOM", scan.others.len());
    }
    Ok(())
}

fn inspect_series(series: &Series, sheet: &mut Sheet) -> Result<()> {
    let modality = series.modality.as_deref().unwrap_or("-");
    let description = series.description.as_deref().unwrap_or("-");
    println!(
        "\nseries {}: {modality}, {description}, {} files",
        series.uid,
        series.instances.len()
    );
    for path in &series.repeated {
        println!("  ! {} repeats an instance", path.display());
    }
    if series.stacks.is_empty() {
        println!("  no images");
    }
    for stack in &series.stacks {
        inspect_stack(stack, &format!("{modality} {description}"), sheet)?;
    }
    Ok(())
}

fn inspect_stack(stack: &Stack, caption: &str, sheet: &mut Sheet) -> Result<()> {
    let [rows, columns, _] = stack.shape();
    println!("  {} slices of {rows} x {columns}", stack.slices.len());
    if let [only] = stack.slices.as_slice() {
        // A picture, in colours or without a place, is no volume, but can be shown.
        return match medio::read_with::<f32, 3>(&only.path, &ReadOptions::new()) {
            Err(error) => {
                sheet.refuse(&error);
                Ok(())
            }
            Ok(loaded) => show(&loaded.value, &loaded.report.warnings, caption, sheet),
        };
    }
    match stack.volumes::<f32>(&ReadOptions::new()) {
        Err(error) => sheet.refuse(&error),
        Ok(volumes) => {
            for volume in &volumes {
                if let Some((axis, value)) = &volume.axis {
                    println!("  {axis:?} {value:?}");
                }
                show(&volume.image, &volume.warnings, caption, sheet)?;
            }
        }
    }
    Ok(())
}
