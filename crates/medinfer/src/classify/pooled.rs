//! The features of images, one number for each channel.

use mednn::candle_core::{DType, Result, Tensor};

use crate::explain::Layout;

/// A feature as rows of channels, each the mean over the places that lie over the image.
pub(super) fn pooled(feature: &Tensor, layout: Layout) -> Result<Vec<Vec<f32>>> {
    let dims = feature.dims();
    let last = dims[dims.len() - 1];
    let (channels, before) = match layout {
        Layout::ChannelsFirst => (dims[1], 0),
        Layout::ChannelsLast => (last, 0),
        // Tokens in front of those of places are of the whole image.
        Layout::Tokens { prefix } => (last, prefix * last),
    };
    let values = feature
        .to_dtype(DType::F32)?
        .flatten_all()?
        .to_vec1::<f32>()?;
    let of_image = values.len() / dims[0];
    let places = of_image.saturating_sub(before) / channels;
    let row = |image: &[f32]| {
        let mean = |channel: usize| {
            let (first, step) = match layout {
                Layout::ChannelsFirst => (channel * places, 1),
                _ => (before + channel, channels),
            };
            let values = image.iter().skip(first).step_by(step).take(places);
            (values.map(|&value| f64::from(value)).sum::<f64>() / places as f64) as f32
        };
        (0..channels).map(mean).collect()
    };
    Ok(values.chunks_exact(of_image).map(row).collect())
}

#[cfg(test)]
mod tests {
    use mednn::candle_core::Device;

    use super::*;

    #[test]
    fn every_layout_gives_a_mean_for_each_channel() {
        // Two images; channel c of place p is 10 c + p, and 100 more in the second image.
        let of = |image: usize, channel: usize, place: usize| {
            (100 * image + 10 * channel + place) as f32
        };
        let expected = [vec![1.0, 11.0], vec![101.0, 111.0]];
        let mut first = Vec::new();
        let (mut last, mut tokens) = (Vec::new(), Vec::new());
        for image in 0..2 {
            first.extend((0..6).map(|i| of(image, i / 3, i % 3)));
            last.extend((0..6).map(|i| of(image, i % 2, i / 2)));
            tokens.extend([-1e6; 4]);
            tokens.extend((0..6).map(|i| of(image, i % 2, i / 2)));
        }
        let tensor =
            |values: Vec<f32>, shape: &[usize]| Tensor::from_vec(values, shape, &Device::Cpu);
        for (feature, layout) in [
            (tensor(first, &[2, 2, 1, 3]), Layout::ChannelsFirst),
            (tensor(last, &[2, 3, 1, 2]), Layout::ChannelsLast),
            (tensor(tokens, &[2, 5, 2]), Layout::Tokens { prefix: 2 }),
        ] {
            assert_eq!(
                pooled(&feature.unwrap(), layout).unwrap(),
                expected,
                "{layout:?}"
            );
        }
    }
}
