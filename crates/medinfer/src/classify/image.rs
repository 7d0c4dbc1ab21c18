//! The image's way to a network.

use medaug::{Compose, Sample};
use medcore::Image;
use medcore::random::Key;
use medcore::resample::Voxel;
use mednn::candle_core::{Device, Tensor};
use mednn::convert::stack_images;

use super::config::check_pipeline;
use super::refuse;
use crate::error::{Error, Result};

/// The parts of a description that are about images.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight<'a, const D: usize> {
    pub(crate) channels: usize,
    pub(crate) preparation: &'a Compose<D>,
    pub(crate) shape: &'a [usize],
    pub(crate) views: &'a [Compose<D>],
}

impl<const D: usize> Sight<'_, D> {
    /// Refuses extents of another number of axes, and steps that draw.
    pub(crate) fn check(&self) -> Result<()> {
        check_shape(self.shape, D)?;
        check_pipeline("preparation", self.preparation)?;
        let mut views = self.views.iter();
        views.try_for_each(|view| check_pipeline("views", view))
    }

    /// An image as the network reads it.
    pub(crate) fn prepare<T: Voxel>(&self, image: &Image<T, D>) -> Result<Image<f32, D>> {
        self.through(self.preparation, image.map(T::to_f32))
    }

    /// Prepared images as one tensor.
    pub(crate) fn stack(&self, images: &[&Image<f32, D>]) -> Result<Tensor> {
        images
            .iter()
            .try_for_each(|image| self.check_image(image))?;
        Ok(stack_images(images, &Device::Cpu)?)
    }

    /// Prepared images as one tensor for each of the views.
    pub(crate) fn views<'s>(
        &'s self,
        images: &'s [&Image<f32, D>],
    ) -> impl Iterator<Item = Result<Tensor>> + 's {
        self.views.iter().map(|view| {
            let seen = images.iter();
            let seen = seen.map(|image| self.through(view, (*image).clone()));
            let seen = seen.collect::<Result<Vec<_>>>()?;
            Ok(stack_images(
                &seen.iter().collect::<Vec<_>>(),
                &Device::Cpu,
            )?)
        })
    }

    fn through(&self, steps: &Compose<D>, image: Image<f32, D>) -> Result<Image<f32, D>> {
        let prepared = steps.apply(Sample::new(image), Key::new(0))?;
        let (image, _) = prepared.into_parts();
        self.check_image(&image)?;
        Ok(image)
    }

    /// Refuses an image that the network does not take.
    fn check_image(&self, image: &Image<f32, D>) -> Result<()> {
        check_input(self.channels, self.shape, image)
    }
}

/// Refuses extents of another number of axes, or without voxels.
fn check_shape(shape: &[usize], axes: usize) -> Result<()> {
    if shape.is_empty() || (shape.len() == axes && !shape.contains(&0)) {
        return Ok(());
    }
    refuse(
        "shape",
        "a positive extent for each axis, or none",
        format!("{shape:?}"),
    )
}

/// Refuses an image of other channels or, where a shape is given, other extents.
pub(crate) fn check_input<const D: usize>(
    channels: usize,
    shape: &[usize],
    image: &Image<f32, D>,
) -> Result<()> {
    if image.channels() != channels {
        return Err(Error::Channels {
            expected: channels,
            got: image.channels(),
        });
    }
    if !shape.is_empty() && shape != image.shape() {
        return Err(Error::Extent {
            expected: shape.to_vec(),
            got: image.shape().to_vec(),
        });
    }
    Ok(())
}
