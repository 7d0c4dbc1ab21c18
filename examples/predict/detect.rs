//! Boxes around what a detector finds.

use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use medaug::Letterbox;
use medio::medcore::{BoundingBox, Geometry, Image};
use medmodels::detection::{Detected, DetectionRules, create_detector};
use mednn::candle_core::Tensor;
use mednn::plan::Planned;
use mednn::{Context, Model as _, Params};
use medviz::{Picture, class_colour};

use crate::{Loaded, image};

/// Prints boxes in voxels of the image and, for pictures, draws them.
pub(crate) fn detect(loaded: &Loaded, scan: &Image<f32, 3>, out: &Path) -> Result<()> {
    match loaded.shape()[..] {
        [height, width] => {
            let channels = loaded.config.in_channels();
            let slice = image::slice(scan, channels)?;
            let (_, rows, columns) = slice.dims3()?;
            let grid = Geometry::axis_aligned([rows, columns], [1.0, 1.0])?;
            let pixels = slice.flatten_all()?.to_vec1::<f32>()?;
            let picture = Image::with_channels(channels, grid, pixels)?;
            let found = boxes(loaded, &picture, [height, width])?;
            draw(&picture, &found, out)
        }
        [depth, height, width] => {
            let (given, wanted) = (scan.channels(), loaded.config.in_channels());
            ensure!(
                given == wanted,
                "the image has {given} channels, the network reads {wanted}"
            );
            boxes(loaded, &image::standardised(scan), [depth, height, width]).map(drop)
        }
        _ => bail!("signals are not read from images"),
    }
}

/// The boxes of an image, in its own voxels.
fn boxes<const D: usize>(
    loaded: &Loaded,
    image: &Image<f32, D>,
    shape: [usize; D],
) -> Result<Vec<Detected<D>>> {
    let fit = Letterbox::new(shape).fit(image.shape())?;
    let boxed = fit.apply(image)?;
    let dims = [&[1, boxed.channels()], &shape[..]].concat();
    let input = Tensor::from_slice(boxed.as_slice(), dims, loaded.network.params().device())?;
    let outputs = Planned::new(&*loaded.network).forward(&input.into(), &Context::evaluate())?;
    // Its weights play no part in making boxes of what the network said.
    let detector = create_detector::<D>(&loaded.config, &Params::new(0).zeroed())?;
    let found = detector
        .detect(&outputs, shape, &DetectionRules::new())?
        .remove(0);
    println!(
        "{} boxes; voxels from the first to the last along each axis",
        found.len()
    );
    let mut restored = found;
    for found in &mut restored {
        found.bounds = fit.restore(&found.bounds)?;
        let (min, max) = (found.bounds.min(), found.bounds.max());
        let ranges: Vec<String> = min
            .iter()
            .zip(max)
            .map(|(a, b)| format!("{a:.1}..{b:.1}"))
            .collect();
        let label = loaded.label(found.class as usize);
        println!(
            "{:6.2} %  {}  {label}",
            found.score * 100.0,
            ranges.join(" ")
        );
    }
    Ok(restored)
}

fn draw(image: &Image<f32, 2>, found: &[Detected<2>], out: &Path) -> Result<()> {
    let [height, width] = image.shape();
    let mut picture = Picture::new(width, height, [0; 3])?;
    for (i, value) in image.channel(0).iter().enumerate() {
        picture.set(i % width, i / width, [(value * 255.0).round() as u8; 3]);
    }
    for found in found {
        frame(&mut picture, &found.bounds, found.class);
    }
    std::fs::create_dir_all(out).with_context(|| out.display().to_string())?;
    let file = out.join("boxes.png");
    picture.write_png(&file)?;
    println!("{}", file.display());
    Ok(())
}

/// The edges of a box, two pixels wide, in the colour of its class.
fn frame(picture: &mut Picture, bounds: &BoundingBox<2>, class: u32) {
    let pixel = |place: f64| (place + 0.5).max(0.0) as usize;
    let [top, left] = bounds.min().map(pixel);
    let [bottom, right] = bounds.max().map(pixel);
    let (height, width) = (bottom.saturating_sub(top), right.saturating_sub(left));
    let colour = class_colour(class + 1);
    picture.fill(left, top, width, 2, colour);
    picture.fill(left, bottom.saturating_sub(2), width, 2, colour);
    picture.fill(left, top, 2, height, colour);
    picture.fill(right.saturating_sub(2), top, 2, height, colour);
}
