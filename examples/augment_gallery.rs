//! Shows what every transform does: contact sheets of a phantom, or of a file.
//!
//! ```text
//! cargo run --release --example augment_gallery
//! cargo run --release --example augment_gallery -- --image scan.nii.gz --only Elastic,Gamma --out sheets
//! cargo run --release --example augment_gallery -- --list
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

#[path = "augment_gallery/exhibits/mod.rs"]
mod exhibits;
#[path = "augment_gallery/subject.rs"]
mod subject;
#[path = "augment_gallery/tile.rs"]
mod tile;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use medaug::{Compose, Error, Sample, Step};
use medcore::Geometry;
use medcore::random::Key;
use medviz::{Picture, montage};

use crate::exhibits::{Exhibit, exhibits};
use crate::tile::Draw;

/// Fresh memory is slow; this allocator hands used memory out again.
#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

/// Draws contact sheets of all transforms, in 2D (three channels shown as colours) and in 3D (an axial and a coronal
/// slice), with the outlines of labels, a box and two points.
///
/// Exits with 0, or with 1 if a transform fails or the image cannot be read.
#[derive(Parser)]
struct Cli {
    /// An image of any format that is read; a phantom of an abdomen without it.
    #[arg(long)]
    image: Option<PathBuf>,
    /// Folder for the sheets.
    #[arg(long, default_value = "gallery")]
    out: PathBuf,
    /// Names of transforms, separated by commas; all without it.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Names the random numbers that are drawn.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Lists the names of transforms and what the sheets show of them, with their parameters as JSON.
    #[arg(long)]
    list: bool,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if let Some(unknown) = cli
        .only
        .iter()
        .find(|name| !Step::NAMES.contains(&name.as_str()))
    {
        bail!("there is no transform {unknown:?}; --list shows them");
    }
    if cli.list {
        for Exhibit { caption, step } in exhibits(&Geometry::<3>::axis_aligned([64; 3], [1.0; 3])?)
        {
            println!(
                "{}: {caption}\n    {}",
                step.name(),
                serde_json::to_string(&step)?
            );
        }
        return Ok(());
    }
    std::fs::create_dir_all(&cli.out)?;
    let subject = match &cli.image {
        Some(path) => subject::read(path)?,
        None => subject::phantom()?,
    };
    if let Some(flat) = subject.flat {
        sheet(&cli, "2d", flat)?;
    }
    if let Some(volume) = subject.volume {
        sheet(&cli, "3d", volume)?;
    }
    Ok(())
}

/// Draws one sheet.
fn sheet<const D: usize>(cli: &Cli, name: &str, sample: Sample<D>) -> Result<()>
where
    Sample<D>: Draw,
{
    let shown: Vec<Exhibit> = exhibits(sample.geometry())
        .into_iter()
        .filter(|exhibit| {
            cli.only.is_empty() || cli.only.iter().any(|only| only == exhibit.step.name())
        })
        .collect();
    let bar = ProgressBar::new(shown.len() as u64);
    bar.set_style(ProgressStyle::with_template(
        "{msg} {wide_bar} {pos}/{len}",
    )?);
    bar.set_message(name.to_owned());
    let mut tiles = vec![tile("Before", "as it is", &sample)?];
    for Exhibit { caption, step } in shown {
        let title = step.name();
        match Compose::<D>::new(vec![step]) {
            // Colours are not changed where there are none.
            Ok(pipeline) if pipeline.check_contents(&sample.contents()).is_err() => {}
            Ok(pipeline) => {
                let changed = pipeline.apply(sample.clone(), Key::new(cli.seed))?;
                tiles.push(tile(title, caption, &changed)?);
            }
            Err(Error::Dimension { .. }) => {}
            Err(other) => return Err(other.into()),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let path = cli.out.join(format!("{name}.png"));
    montage(&tiles, 6)?.write_png(&path)?;
    println!("{}: {} transforms", path.display(), tiles.len() - 1);
    Ok(())
}

/// A sample with its name and what to look for, in the width of its picture.
fn tile(title: &str, caption: &str, sample: &impl Draw) -> Result<Picture> {
    const PAPER: [u8; 3] = [18, 18, 20];
    const INK: [u8; 3] = [235, 235, 235];
    let picture = sample.draw()?;
    let fitting = |text: &str| {
        let fits = Picture::text_width(text, 2) <= picture.width();
        if fits { 2 } else { 1 }
    };
    let line = Picture::text_height(2) + 4;
    let mut tile = Picture::new(picture.width(), picture.height() + 2 * line, PAPER)?;
    tile.text(0, 0, title, INK, fitting(title));
    tile.text(0, line, caption, [170, 170, 170], fitting(caption).min(1));
    tile.paste(&picture, 0, 2 * line);
    Ok(tile)
}
