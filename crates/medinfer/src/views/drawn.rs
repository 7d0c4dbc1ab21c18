//! Views that were drawn once.

use medaug::{Compose, Sample, Step};
use medcore::Image;
use medcore::random::Key;

use crate::error::Result;

/// So many views as a pipeline that draws makes of images on this grid, with all draws written down: MONAI's
/// way to views. View `i` draws under `key.fork("view", i)`; the image is only looked at by steps that depend
/// on it.
///
/// ```
/// use medaug::{Compose, RandomRotate90, RandomGamma};
/// use medcore::{Geometry, Image, random::Key};
/// use medinfer::drawn_views;
///
/// let turns = RandomRotate90 { probability: 1.0, ..RandomRotate90::default() };
/// let pipeline = Compose::<2>::new(vec![turns.into(), RandomGamma::default().into()])?;
/// let image = Image::new(Geometry::axis_aligned([5, 7], [1.0, 1.0])?, vec![0.5; 35])?;
/// let views = drawn_views(&pipeline, &image, 4, Key::new(1))?;
/// assert_eq!(views.len(), 4);
/// assert!(views.iter().all(|view| view.first_random().is_none()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the pipeline does not fit the image.
pub fn drawn_views<const D: usize>(
    pipeline: &Compose<D>,
    image: &Image<f32, D>,
    count: usize,
    key: Key,
) -> Result<Vec<Compose<D>>> {
    let view = |number: usize| {
        let sample = Sample::new(image.clone());
        let (_, record) = pipeline.record(sample, key.fork("view", number as u64))?;
        let steps = record.operations().iter();
        let steps: Vec<Step> = steps.map(|operation| operation.clone().into()).collect();
        Ok(Compose::new(steps)?)
    };
    (0..count).map(view).collect()
}
