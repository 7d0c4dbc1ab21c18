//! Images of several cases as one tensor.

use medcore::{Image, LabelMap};
use mednn::candle_core::{Device, Tensor};

use crate::error::{Error, Result};

/// Images as `[batch, channels, depth, height, width]`.
///
/// # Errors
/// [`Error::Ragged`] names the first case whose channels or shape are others than the first one's.
pub(super) fn images<const D: usize>(images: &[Image<f32, D>], names: &[String]) -> Result<Tensor> {
    let shapes = images.iter().map(|image| {
        let channels = std::iter::once(image.channels());
        channels.chain(image.shape()).collect()
    });
    alike("images", shapes, names)?;
    let images: Vec<&Image<f32, D>> = images.iter().collect();
    Ok(mednn::convert::stack_images(&images, &Device::Cpu)?)
}

/// Labels as `[batch, depth, height, width]`.
///
/// # Errors
/// [`Error::Ragged`] names the first case whose shape is another than the first one's.
pub(super) fn labels<const D: usize>(
    labels: &[LabelMap<u8, D>],
    names: &[String],
) -> Result<Tensor> {
    alike(
        "labels",
        labels.iter().map(|map| map.shape().to_vec()),
        names,
    )?;
    let labels: Vec<&LabelMap<u8, D>> = labels.iter().collect();
    Ok(mednn::convert::stack_labels(&labels, &Device::Cpu)?)
}

fn alike(
    what: &'static str,
    shapes: impl Iterator<Item = Vec<usize>>,
    names: &[String],
) -> Result<()> {
    let mut named = shapes.zip(names);
    let Some((first, first_case)) = named.next() else {
        return Err(Error::Nothing { what: "batch size" });
    };
    match named.find(|(shape, _)| *shape != first) {
        None => Ok(()),
        Some((other, other_case)) => Err(Error::Ragged {
            what,
            first,
            first_case: first_case.clone(),
            other,
            other_case: other_case.clone(),
        }),
    }
}
