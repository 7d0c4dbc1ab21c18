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
use medaug::{Brightness, Compose, Error, Flip, Mix, Sample, Step};
use medcore::Geometry;
use medcore::random::Key;
use medviz::{Picture, montage};

use crate::exhibits::mixing::{MixExhibit, mixtures};
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
    let mixtures = mixtures(&Geometry::<2>::axis_aligned([64; 2], [1.0; 2])?);
    let mixtures = mixtures.iter().map(|exhibit| Mix::<2>::name(&exhibit.mix));
    let known: Vec<&str> = Step::NAMES.iter().copied().chain(mixtures).collect();
    if let Some(unknown) = cli.only.iter().find(|name| !known.contains(&name.as_str())) {
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
    tiles.extend(mixed_tiles(cli, &sample)?);
    bar.finish_and_clear();
    let path = cli.out.join(format!("{name}.png"));
    montage(&tiles, 6)?.write_png(&path)?;
    println!("{}: {} transforms", path.display(), tiles.len() - 1);
    Ok(())
}

/// What is made of several samples: the subject and itself mirrored and darker.
fn mixed_tiles<const D: usize>(cli: &Cli, sample: &Sample<D>) -> Result<Vec<Picture>>
where
    Sample<D>: Draw,
{
    let key = Key::new(cli.seed);
    let other = Compose::<D>::new(vec![
        Flip {
            axes: vec![D - 1],
            swap: None,
        }
        .into(),
        Brightness { factor: 0.6 }.into(),
    ])?;
    let other = other.apply(sample.clone(), key)?;
    let mut tiles = vec![];
    for MixExhibit { caption, mix } in mixtures::<D>(sample.geometry()) {
        let name = Mix::<D>::name(&mix);
        if !cli.only.is_empty() && !cli.only.iter().any(|only| only == name) {
            continue;
        }
        let plain = |sample: &Sample<D>| mixable(name, sample);
        let mut samples = vec![plain(sample)?];
        for _ in 0..Mix::<D>::others(&mix, key) {
            samples.push(plain(&other)?);
        }
        tiles.push(tile(name, caption, &mix.apply(samples, key)?)?);
    }
    Ok(tiles)
}

/// The part of a sample that this mixture has a meaning for.
fn mixable<const D: usize>(name: &str, sample: &Sample<D>) -> Result<Sample<D>> {
    let image = sample.image().clone();
    let plain = match sample.labels() {
        Some(labels) if name != "RandomMixUp" => Sample::with_labels(image, labels.clone())?,
        _ => Sample::new(image),
    };
    Ok(match sample.boxes() {
        Some(boxes) => plain.with_boxes(boxes.clone()),
        None => plain,
    })
}

/// A sample with its name and what to look for, in the width of its picture.
fn tile(title: &str, caption: &str, sample: &impl Draw) -> Result<Picture> {
    const PAPER: [u8; 3] = [18, 18, 20];
    const INK: [u8; 3] = [235, 235, 235];
    /// Of small pictures too both lines are seen whole.
    const LEAST_WIDTH: usize = 340;
    let picture = sample.draw()?;
    let width = picture.width().max(LEAST_WIDTH);
    let fitting = |text: &str| {
        let fits = Picture::text_width(text, 2) <= width;
        if fits { 2 } else { 1 }
    };
    let line = Picture::text_height(2) + 4;
    let mut tile = Picture::new(width, picture.height() + 2 * line, PAPER)?;
    tile.text(0, 0, title, INK, fitting(title));
    tile.text(0, line, caption, [170, 170, 170], fitting(caption));
    tile.paste(&picture, 0, 2 * line);
    Ok(tile)
}
