//! An image from a file, as a network is given it.

use std::path::Path;

use anyhow::{Result, ensure};
use medio::ReadOptions;
use medio::medcore::orientation::reorient;
use medio::medcore::{Image, Orientation};
use medmodels::pretrained::Picture;
use mednn::candle_core::{Device, Tensor};
use mednn::ops::{Interpolation, Size, resize};

/// Reads an image of any format, and says what is doubtful about it.
pub(crate) fn read(path: &Path) -> Result<Image<f32, 3>> {
    let loaded = medio::read_with::<f32, 3>(path, &ReadOptions::new())?;
    for warning in &loaded.report.warnings {
        println!("  ! {warning}");
    }
    Ok(loaded.value)
}

/// The middle slice, `[channels, height, width]`, from 0 to 1, with as many channels as the network has.
///
/// Of a volume it is the axial one as radiologists see it: anterior above, the patient's right on the left.
pub(crate) fn slice(image: &Image<f32, 3>, channels: usize) -> Result<Tensor> {
    let image = match image.shape() {
        [1, ..] => image.clone(),
        _ => reorient(image, Orientation::LPS)?,
    };
    let [depth, height, width] = image.shape();
    if depth > 1 {
        let slice = depth / 2;
        println!("axial slice {slice} of {depth} (the network reads pictures)");
    }
    let pixels = height * width;
    let given: Vec<&[f32]> = (0..image.channels())
        .map(|channel| &image.channel(channel)[depth / 2 * pixels..][..pixels])
        .collect();
    let (dark, bright) = range(&given);
    let unit = |value: f32| ((value - dark) / (bright - dark)).clamp(0.0, 1.0);
    let planes: Vec<Vec<f32>> = match (given.as_slice(), channels) {
        ([grey], n) => vec![grey.iter().map(|&v| unit(v)).collect(); n],
        ([red, green, blue], 1) => {
            // Luma of ITU-R BT.601, as Pillow's mode L.
            let luma =
                |i: usize| 0.299 * unit(red[i]) + 0.587 * unit(green[i]) + 0.114 * unit(blue[i]);
            vec![(0..pixels).map(luma).collect()]
        }
        (given, n) => {
            ensure!(
                given.len() == n,
                "the image has {} channels, the network reads {n}",
                given.len()
            );
            { given.iter() }
                .map(|plane| plane.iter().map(|&v| unit(v)).collect())
                .collect()
        }
    };
    Ok(Tensor::from_vec(
        planes.concat(),
        (channels, height, width),
        &Device::Cpu,
    )?)
}

/// What becomes 0 and what 1: 0 and 255 of a picture of bytes, else the half and the 99.5th percent.
fn range(planes: &[&[f32]]) -> (f32, f32) {
    let mut values: Vec<f32> = planes.concat();
    if values
        .iter()
        .all(|v| v.fract() == 0.0 && (0.0..=255.0).contains(v))
    {
        return (0.0, 255.0);
    }
    values.sort_by(f32::total_cmp);
    let at = |part: f64| values[((values.len() - 1) as f64 * part).round() as usize];
    let (dark, bright) = (at(0.005), at(0.995));
    println!("intensities from {dark} to {bright} become 0 to 1");
    (dark, if bright > dark { bright } else { dark + 1.0 })
}

/// As a network without a manifest gets pictures: an eighth cut off, normalised as ImageNet's, grey ones around a half.
pub(crate) fn usual_picture(extent: usize, channels: usize) -> Picture {
    let usual = Picture::imagenet(extent * 8 / 7, extent);
    match channels {
        3 => usual,
        n => Picture {
            mean: vec![0.5; n],
            std: vec![0.25; n],
            ..usual
        },
    }
}

/// The whole volume at another size, mean 0 and standard deviation 1, `[1, channels, depth, height, width]`.
pub(crate) fn volume(image: &Image<f32, 3>, shape: [usize; 3]) -> Result<Tensor> {
    let [depth, height, width] = image.shape();
    let dims = (1, image.channels(), depth, height, width);
    let whole = Tensor::from_slice(image.as_slice(), dims, &Device::Cpu)?;
    let resized = resize(
        &whole,
        Size::Voxels(shape),
        Interpolation::AntialiasedLinear,
    )?;
    let (mean, std) = moments(&resized.flatten_all()?.to_vec1()?);
    Ok(resized.affine(1.0 / std, -mean / std)?)
}

/// The image with mean 0 and standard deviation 1.
pub(crate) fn standardised(image: &Image<f32, 3>) -> Image<f32, 3> {
    let (mean, std) = moments(image.as_slice());
    image.map(|value| ((f64::from(value) - mean) / std) as f32)
}

fn moments(values: &[f32]) -> (f64, f64) {
    let count = values.len().max(1) as f64;
    let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let squares = values.iter().map(|&v| (f64::from(v) - mean).powi(2));
    let variance = squares.sum::<f64>() / count;
    (mean, variance.sqrt().max(1e-8))
}
