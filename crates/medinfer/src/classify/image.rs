//! The image's way to a network.

use medaug::{Compose, Sample};
use medcore::Image;
use medcore::random::Key;
use medcore::resample::Voxel;

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
    /// An image as the network reads it.
    pub(crate) fn prepare<T: Voxel>(&self, image: &Image<T, D>) -> Result<Image<f32, D>> {
        self.through(self.preparation, image.map(T::to_f32))
    }

    /// Prepared images through one of the views.
    pub(crate) fn view(
        &self,
        view: &Compose<D>,
        images: &[&Image<f32, D>],
    ) -> Result<Vec<Image<f32, D>>> {
        let images = images.iter();
        images
            .map(|image| self.through(view, (*image).clone()))
            .collect()
    }

    fn through(&self, steps: &Compose<D>, image: Image<f32, D>) -> Result<Image<f32, D>> {
        let prepared = steps.apply(Sample::new(image), Key::new(0))?;
        let (image, _) = prepared.into_parts();
        self.check(&image)?;
        Ok(image)
    }

    /// Refuses an image that the network does not take.
    pub(crate) fn check(&self, image: &Image<f32, D>) -> Result<()> {
        check_input(self.channels, self.shape, image)
    }
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
