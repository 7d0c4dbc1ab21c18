//! What images a network can work on.

use mednn::candle_core::Tensor;

use super::Normalization;

/// The number of input channels, and that the spatial shape is what a network can work on.
pub(crate) fn check_input(
    op: &'static str,
    image: &Tensor,
    channels: usize,
    spatial_dims: usize,
) -> mednn::Result<()> {
    let dims = image.dims();
    if dims.len() != spatial_dims + 2 {
        return Err(mednn::Error::Rank {
            op,
            tensor: "the image",
            expected: (spatial_dims + 2).to_string(),
            got: dims.to_vec(),
        });
    }
    if dims[1] != channels {
        return Err(mednn::Error::Axis {
            op,
            tensor: "the image",
            axis: 1,
            rule: format!("{channels} channels long"),
            got: dims.to_vec(),
        });
    }
    Ok(())
}

/// That every extent of the image is a multiple of what the strides divide it by.
pub(crate) fn check_multiples(
    op: &'static str,
    image: &Tensor,
    divisors: &[usize],
) -> mednn::Result<()> {
    for (axis, &divisor) in divisors.iter().enumerate() {
        let extent = image.dims()[axis + 2];
        if extent == 0 || !extent.is_multiple_of(divisor) {
            return Err(mednn::Error::Axis {
                op,
                tensor: "the image",
                axis: axis + 2,
                rule: format!("a multiple of {divisor} (the product of its strides)"),
                got: image.dims().to_vec(),
            });
        }
    }
    Ok(())
}

/// That every axis is at least so long.
pub(crate) fn check_smallest(
    op: &'static str,
    image: &Tensor,
    smallest: usize,
) -> mednn::Result<()> {
    let too_short = image.dims().iter().skip(2).position(|&n| n < smallest);
    too_short.map_or(Ok(()), |axis| {
        Err(mednn::Error::Axis {
            op,
            tensor: "the image",
            axis: axis + 2,
            rule: format!("at least {smallest} long"),
            got: image.dims().to_vec(),
        })
    })
}

/// That the lowest level, which the strides make of the image, has more than one voxel where those of a channel are
/// normalised together.
pub(crate) fn check_normalizable(
    op: &'static str,
    image: &Tensor,
    normalization: Normalization,
    divisors: &[usize],
) -> mednn::Result<()> {
    if !normalization.is_of_instances() || image.dims()[2..] != *divisors {
        return Ok(());
    }
    Err(one_voxel_left(op, image, divisors[0]))
}

/// The refusal of an image of which `smallest` voxels become one.
pub(crate) fn one_voxel_left(op: &'static str, image: &Tensor, smallest: usize) -> mednn::Error {
    mednn::Error::Axis {
        op,
        tensor: "the image",
        axis: 2,
        rule: format!(
            "{} long, or another axis, for more than one voxel to normalise at the lowest level",
            2 * smallest
        ),
        got: image.dims().to_vec(),
    }
}
