//! The one place where images become tensors and come back; geometry stays with the image.

use candle_core::{DType, Device, Tensor};
use medcore::{Geometry, Image, Label, LabelMap};

use crate::error::{Error, Result};

/// One image as a batch of one, `[1, channels, depth, height, width]`.
///
/// # Errors
/// When the device has no room.
pub fn image_to_tensor<const D: usize>(image: &Image<f32, D>, device: &Device) -> Result<Tensor> {
    stack_images(&[image], device)
}

/// Images of one shape as a batch, `[batch, channels, depth, height, width]`.
///
/// # Errors
/// Refuses no image at all, and images whose channels or shape differ from the first one's.
pub fn stack_images<const D: usize>(images: &[&Image<f32, D>], device: &Device) -> Result<Tensor> {
    let shape = |image: &Image<f32, D>| -> Vec<usize> {
        std::iter::once(image.channels())
            .chain(image.shape())
            .collect()
    };
    let parts: Vec<(Vec<usize>, &[f32])> = images
        .iter()
        .map(|image| (shape(image), image.as_slice()))
        .collect();
    stack("stack_images", &parts, device)
}

/// Label maps of one shape as a batch of class numbers, `[batch, depth, height, width]`, `u8` or `u32`.
///
/// # Errors
/// Refuses no map at all, and maps whose shape differs from the first one's.
pub fn stack_labels<const D: usize>(
    labels: &[&LabelMap<u8, D>],
    device: &Device,
) -> Result<Tensor> {
    let parts: Vec<(Vec<usize>, &[u8])> = labels
        .iter()
        .map(|map| (map.shape().to_vec(), map.as_slice()))
        .collect();
    stack("stack_labels", &parts, device)
}

/// One item of a batch `[batch, channels, ...spatial]` as an image on a grid of its spatial shape.
///
/// # Errors
/// Refuses a tensor of another rank or shape than the grid's, and a batch without that item.
pub fn tensor_to_image<const D: usize>(
    tensor: &Tensor,
    item: usize,
    geometry: Geometry<D>,
) -> Result<Image<f32, D>> {
    let dims = tensor.dims();
    if dims.len() != D + 2 {
        return Err(Error::Rank {
            op: "tensor_to_image",
            tensor: "tensor",
            expected: (D + 2).to_string(),
            got: dims.to_vec(),
        });
    }
    if dims[2..] != geometry.shape() || item >= dims[0] {
        let expected = [item + 1, dims[1]]
            .into_iter()
            .chain(geometry.shape())
            .collect();
        return Err(Error::Shape {
            op: "tensor_to_image",
            tensor: "tensor",
            expected,
            got: dims.to_vec(),
        });
    }
    let values = tensor
        .get(item)?
        .to_dtype(DType::F32)?
        .flatten_all()?
        .to_vec1::<f32>()?;
    Ok(Image::with_channels(dims[1], geometry, values)?)
}

/// A tensor of class numbers `[...spatial]` as a label map.
///
/// # Errors
/// Refuses another shape than the grid's and classes that do not fit the label type.
pub fn tensor_to_labels<L: Label, const D: usize>(
    tensor: &Tensor,
    geometry: Geometry<D>,
) -> Result<LabelMap<L, D>> {
    if tensor.dims() != geometry.shape() {
        return Err(Error::Shape {
            op: "tensor_to_labels",
            tensor: "tensor",
            expected: geometry.shape().to_vec(),
            got: tensor.dims().to_vec(),
        });
    }
    let classes = tensor
        .to_dtype(DType::U32)?
        .flatten_all()?
        .to_vec1::<u32>()?;
    let label = |(voxel, &class): (usize, &u32)| {
        L::from_class(class).ok_or(Error::Label {
            op: "tensor_to_labels",
            label: class,
            voxel,
            batch: 0,
            classes: L::MAX_CLASS as usize + 1,
        })
    };
    let labels = classes
        .iter()
        .enumerate()
        .map(label)
        .collect::<Result<Vec<L>>>()?;
    Ok(LabelMap::new(geometry, labels)?)
}

fn stack<T: candle_core::WithDType>(
    op: &'static str,
    parts: &[(Vec<usize>, &[T])],
    device: &Device,
) -> Result<Tensor> {
    let Some((first, _)) = parts.first() else {
        return Err(Error::Setting {
            op,
            setting: "batch",
            rule: "at least one item",
            value: "0".to_owned(),
        });
    };
    let mut values = Vec::with_capacity(parts.len() * first.iter().product::<usize>());
    for (shape, part) in parts {
        if shape != first {
            return Err(Error::Shape {
                op,
                tensor: "item",
                expected: first.clone(),
                got: shape.clone(),
            });
        }
        values.extend_from_slice(part);
    }
    let shape: Vec<usize> = std::iter::once(parts.len())
        .chain(first.iter().copied())
        .collect();
    Ok(Tensor::from_vec(values, shape, device)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(offset: f32) -> Image<f32, 3> {
        let grid = Geometry::axis_aligned([2, 3, 4], [3.0, 1.0, 2.0]).unwrap();
        Image::with_channels(
            2,
            grid,
            (0..48).map(|v| v as f32 + offset).collect::<Vec<_>>(),
        )
        .unwrap()
    }

    #[test]
    fn an_image_comes_back_from_its_place_in_the_batch() {
        let (a, b) = (image(0.0), image(100.0));
        let batch = stack_images(&[&a, &b], &Device::Cpu).unwrap();
        assert_eq!(batch.dims(), [2, 2, 2, 3, 4]);
        assert_eq!(tensor_to_image(&batch, 1, *b.geometry()).unwrap(), b);
        assert!(tensor_to_image(&batch, 2, *b.geometry()).is_err());
    }

    #[test]
    fn images_of_different_shapes_do_not_stack() {
        let other = Image::zeros(2, Geometry::axis_aligned([2, 3, 5], [1.0; 3]).unwrap()).unwrap();
        assert!(matches!(
            stack_images(&[&image(0.0), &other], &Device::Cpu),
            Err(Error::Shape { .. })
        ));
        assert!(stack_images::<3>(&[], &Device::Cpu).is_err());
    }

    #[test]
    fn labels_keep_their_classes() {
        let grid = Geometry::<2>::axis_aligned([2, 3], [1.0; 2]).unwrap();
        let labels = LabelMap::new(grid, vec![0u8, 3, 255, 1, 1, 0]).unwrap();
        let batch = stack_labels(&[&labels, &labels], &Device::Cpu).unwrap();
        assert_eq!(batch.dims(), [2, 2, 3]);
        let back: LabelMap<u8, 2> = tensor_to_labels(&batch.get(1).unwrap(), grid).unwrap();
        assert_eq!(back, labels);
        let large = Tensor::new(&[[300u32, 0, 0], [0, 0, 0]], &Device::Cpu).unwrap();
        assert!(matches!(
            tensor_to_labels::<u8, 2>(&large, grid),
            Err(Error::Label { label: 300, .. })
        ));
    }
}
