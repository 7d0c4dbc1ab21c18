//! What a network makes of an image: classes with probabilities, or labels with a picture.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use medinfer::{LabelRule, Predictor, Progress, Segmenter, Silent, SlidingWindow};
use medio::medcore::{Geometry, Image, LabelMap};
use medmodels::Task;
use mednn::Context;
use mednn::ops;
use mednn::plan::Planned;
use medviz::{OverlayStyle, Plane, SliceView, Window, captioned, overlay, render_slice};

use crate::{Loaded, detect, image};

/// Runs the network on an image, prints what it says, and writes what does not fit a terminal to a folder.
pub(crate) fn predict(loaded: &Loaded, scan: &Image<f32, 3>, out: &Path) -> Result<()> {
    match loaded.config.task() {
        Task::Classification => classify(loaded, scan),
        Task::Segmentation => segment(loaded, scan, out),
        Task::Detection => detect::detect(loaded, scan, out),
        task => bail!("{task:?} is nothing this program shows"),
    }
}

/// The five most likely classes.
fn classify(loaded: &Loaded, scan: &Image<f32, 3>) -> Result<()> {
    let channels = loaded.config.in_channels();
    let input = match loaded.shape()[..] {
        [_, _] => {
            let usual = || image::usual_picture(loaded.extents[0], channels);
            let picture = loaded.picture.clone().unwrap_or_else(usual);
            picture.prepare(&image::slice(scan, channels)?)?
        }
        [depth, height, width] => image::volume(scan, [depth, height, width])?,
        _ => bail!("signals are not read from images"),
    };
    let input = input.to_device(loaded.network.params().device())?;
    let outputs = loaded
        .network
        .forward(&input.into(), &Context::evaluate())?;
    let likely = ops::softmax(&outputs.logits, 1)?
        .squeeze(0)?
        .to_vec1::<f32>()?;
    let mut order: Vec<usize> = (0..likely.len()).collect();
    order.sort_by(|&a, &b| likely[b].total_cmp(&likely[a]));
    for class in order.into_iter().take(5) {
        println!("{:6.2} %  {}", likely[class] * 100.0, loaded.label(class));
    }
    Ok(())
}

/// A label for each voxel, as a file and over the middle slice.
fn segment(loaded: &Loaded, scan: &Image<f32, 3>, out: &Path) -> Result<()> {
    let network = Planned::new(&*loaded.network);
    let predictor = Predictor::new(&network, SlidingWindow::monai(loaded.shape()))?;
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "{msg} {bar:32} {pos}/{len}, {eta} left",
    )?);
    bar.set_message("labelling");
    let heard = |done: usize, total: usize| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    };
    let labels = match (&loaded.described, loaded.config.spatial_dims()) {
        (Some(described), _) => {
            Segmenter::new(described.clone(), Box::new(&network))?.segment_with(scan, &heard)?
        }
        (None, 3) => predictor.labels(&image::standardised(scan), &loaded.rule, &heard)?,
        (None, _) => label_slices(&predictor, &image::standardised(scan), &loaded.rule, &heard)?,
    };
    bar.finish_and_clear();
    let voxel_ml = scan.geometry().spacing().iter().product::<f64>() / 1000.0;
    let counts = labels.counts();
    for (value, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let volume = count as f64 * voxel_ml;
        println!(
            "{count:>10} voxels, {volume:>9.1} ml  {}",
            loaded.value(value)
        );
    }
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let file = out.join("labels.nii.gz");
    medio::write_labels(&file, &labels)?;
    let view = SliceView::middle(scan.geometry(), Plane::Axial);
    let mut picture = render_slice(scan, &view, &Window::of_values(scan.channel(0)))?;
    overlay(&mut picture, &labels, &view, &OverlayStyle::default())?;
    let picture_file = out.join("overlay.png");
    captioned(
        &picture,
        &format!("{} labels", counts.iter().filter(|n| **n > 0).count()),
    )?
    .write_png(&picture_file)?;
    println!("{} and {}", file.display(), picture_file.display());
    Ok(())
}

/// The labels of a network for pictures, slice by slice.
fn label_slices(
    predictor: &Predictor<'_>,
    scan: &Image<f32, 3>,
    rule: &LabelRule,
    heard: &impl Progress,
) -> Result<LabelMap<u8, 3>> {
    let [depth, height, width] = scan.shape();
    let [_, row_mm, column_mm] = scan.geometry().spacing();
    let grid = Geometry::axis_aligned([height, width], [row_mm, column_mm])?;
    let mut labels = Vec::new();
    for slice in 0..depth {
        let pixels = height * width;
        let planes = (0..scan.channels()).map(|c| &scan.channel(c)[slice * pixels..][..pixels]);
        let planes = planes.collect::<Vec<_>>().concat();
        let image = Image::with_channels(scan.channels(), grid, planes)?;
        labels.extend(predictor.labels(&image, rule, &Silent)?.into_vec());
        heard.windows(slice + 1, depth);
    }
    Ok(LabelMap::new(*scan.geometry(), labels)?)
}
