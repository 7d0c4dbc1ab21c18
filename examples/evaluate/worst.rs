//! Pictures of the worst cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use medcore::{Image, LabelMap, LabelTable};
use medmetrics::{Measure, Report};
use medviz::{Comparison, Plane, Window, comparison};

use super::files::{self, Pair};
use super::{Cli, labels};

/// Draws the cases with the lowest mean Dice; returns the pictures' names in the folder of the report, and
/// what could not be drawn.
pub(crate) fn write(
    report: &Report,
    pairs: &[Pair],
    table: &LabelTable,
    cli: &Cli,
) -> Result<(Vec<String>, Vec<String>)> {
    let mut ranked: Vec<(f64, &str)> = { report.cases.iter() }
        .filter_map(|case| Some((case.mean(Measure::Dice)?, case.case.as_str())))
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
    ranked.truncate(cli.worst);
    let mut problems = Vec::new();
    let scans = match &cli.images {
        Some(folder) => files::images(folder, &mut problems)?,
        None => BTreeMap::new(),
    };
    let folder = cli.out.join("worst");
    std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    let mut written = Vec::new();
    for (dice, case) in ranked {
        let Some(pair) = pairs.iter().find(|pair| pair.case == case) else {
            continue;
        };
        let scan = [case.to_owned(), format!("{case}_0000")];
        let scan = scan.iter().find_map(|name| scans.get(name));
        if cli.images.is_some() && scan.is_none() {
            problems.push(format!("{case}: no scan to draw it on"));
        }
        let name = format!("worst/{case}.png");
        let title = format!("{case}: mean Dice {dice:.3}");
        match draw(pair, scan, table, title, &cli.out.join(&name)) {
            Ok(()) => written.push(name),
            Err(error) => problems.push(format!("{case}: not drawn: {error:#}")),
        }
    }
    Ok((written, problems))
}

fn draw(
    pair: &Pair,
    scan: Option<&PathBuf>,
    table: &LabelTable,
    title: String,
    path: &Path,
) -> Result<()> {
    let [truth, prediction] = [&pair.truth, &pair.prediction].map(medio::read_labels::<u16, 3>);
    let known = table.values();
    // Ignored voxels are drawn as background.
    let drawn = |map: LabelMap<u16, 3>| {
        map.map(|label| match known.contains(&u32::from(label)) {
            true => label as u8,
            false => 0,
        })
    };
    let (truth, prediction) = (drawn(truth?), drawn(prediction?));
    let image: Image<f32, 3> = match scan {
        Some(path) => medio::read(path)?,
        None => Image::zeros(1, *truth.geometry())?,
    };
    let mut options = Comparison::default().with_labels(table);
    options.window = match scan {
        Some(_) => Window::of_values(image.as_slice()),
        None => Window::between(0.0, 1.0),
    };
    if truth.shape().contains(&1) {
        options.planes = vec![Plane::Axial];
    }
    if options.classes.is_empty() {
        let present = labels::present(&truth.map(u16::from));
        options.classes = present
            .into_iter()
            .map(|l| (l, format!("label {l}")))
            .collect();
    }
    options.title = Some(title);
    Ok(comparison(&image, &truth, &prediction, &options)?.write_png(path)?)
}
