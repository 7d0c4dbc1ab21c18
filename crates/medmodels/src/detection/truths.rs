//! The boxes a detector is trained on, as lists and as one tensor.

use medcore::BoundingBox;
use mednn::candle_core::{DType, Device, Tensor};
use mednn::detection::Truth;

use crate::error::{Error, Result};

/// The objects of each image as one tensor, the target of a detector's objective as a [`Loss`](mednn::loss::Loss).
///
/// # Shapes
/// - output: `[batch, most, 1 + 2 D]`, f32: the class, the lower corner, the upper corner; class -1 where an image has fewer
///   objects than the one with most
///
/// # Errors
/// Passes on what candle refuses.
pub fn stack_truths<const D: usize>(truths: &[Vec<Truth<D>>]) -> Result<Tensor> {
    let most = truths.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let mut rows: Vec<f32> = Vec::new();
    for image in truths {
        for truth in image {
            rows.push(truth.class as f32);
            let corners = [truth.bounds.min(), truth.bounds.max()];
            rows.extend(corners.iter().flatten().map(|&v| v as f32));
        }
        let none = [&[-1.0][..], &[0.0; D], &[0.0; D]].concat();
        rows.extend(none.repeat(most - image.len()));
    }
    let shape = (truths.len(), most, 1 + 2 * D);
    Ok(Tensor::from_vec(rows, shape, &Device::Cpu).map_err(mednn::Error::from)?)
}

/// What [`stack_truths`] stacked.
fn unstack_truths<const D: usize>(
    op: &'static str,
    target: &Tensor,
) -> mednn::Result<Vec<Vec<Truth<D>>>> {
    if target.rank() != 3 || target.dims()[2] != 1 + 2 * D {
        return Err(mednn::Error::Axis {
            op,
            tensor: "the target",
            axis: 2,
            rule: format!("class and corners of each object, {} long", 1 + 2 * D),
            got: target.dims().to_vec(),
        });
    }
    let images = target.to_dtype(DType::F64)?.to_vec3::<f64>()?;
    let truth = |row: &Vec<f64>| {
        let corner = |first: usize| std::array::from_fn(|axis| row[first + axis]);
        let bounds = BoundingBox::new(corner(1), corner(1 + D))?;
        Ok(Truth::new(bounds, row[0] as u32))
    };
    let objects = |rows: &Vec<Vec<f64>>| {
        let objects = rows.iter().filter(|row| row[0] >= 0.0);
        objects.map(truth).collect()
    };
    images.iter().map(objects).collect()
}

/// The loss of a target that [`stack_truths`] made.
pub(crate) fn as_loss<const D: usize>(
    op: &'static str,
    target: &Tensor,
    loss: impl FnOnce(&[Vec<Truth<D>>]) -> Result<Tensor>,
) -> mednn::Result<Tensor> {
    match loss(&unstack_truths(op, target)?) {
        Ok(loss) => Ok(loss),
        Err(Error::Network(error)) => Err(error),
        Err(error) => Err(mednn::Error::Setting {
            op,
            setting: "the outputs or the target",
            rule: "of one network and batch",
            value: error.to_string(),
        }),
    }
}

/// That there is a list for every image, and no class that is unknown.
pub(crate) fn check_truths<const D: usize>(
    name: &'static str,
    truths: &[Vec<Truth<D>>],
    batch: usize,
    classes: usize,
) -> Result<()> {
    if truths.len() != batch {
        let rule = format!("given for {batch} images");
        return Err(Error::setting(name, "truths", rule, truths.len()));
    }
    let unknown = |truth: &&Truth<D>| truth.class as usize >= classes;
    if let Some(truth) = truths.iter().flatten().find(unknown) {
        let rule = format!("of a class below {classes}");
        return Err(Error::setting(name, "truths", rule, truth.class));
    }
    Ok(())
}
