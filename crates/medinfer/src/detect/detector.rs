//! A network over images of any size, and its boxes on them.

use medaug::Sample;
use medcore::random::Key;
use medcore::resample::Voxel;
use medcore::{BoundingBox, GeometryTolerance, Image};
use medmodels::detection::Detector;
use mednn::context::Context;
use mednn::convert::image_to_tensor;
use mednn::model::{Inputs, Model};

use super::tile::{Seen, join, tiles};
use super::{DetectorConfig, Framing};
use crate::classify::{check_input, refuse};
use crate::error::Result;

/// A finding.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FoundBox<const D: usize> {
    /// Where, in voxels of the image, slowest axis first: voxel 0 from -0.5 to 0.5; never beyond the image.
    pub bounds: BoundingBox<D>,
    /// The number of its label.
    pub class: usize,
    /// How likely it is, 0 to 1.
    pub score: f64,
}

/// A trained detector with everything around it.
///
/// ```
/// use medaug::Letterbox;
/// use medcore::{Geometry, Image};
/// use medinfer::{BoxDetector, ClassLabel, DetectorConfig, Framing};
/// use medmodels::detection::create_detector;
/// use medmodels::yolo::YoloConfig;
/// use mednn::params::Params;
///
/// let framing = Framing::Letterbox(Letterbox::new([64, 64]));
/// let config = DetectorConfig::<2>::new(YoloConfig::v8n(1, 1).into(), framing, [ClassLabel::new("nodule")]);
/// let network = create_detector::<2>(&config.model, &Params::new(1))?;
/// let detector = BoxDetector::new(config, network)?;
/// let image = Image::<f32, 2>::zeros(1, Geometry::axis_aligned([300, 200], [0.2, 0.2])?)?;
/// assert!(detector.detect(&image)?.len() <= 300);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct BoxDetector<'m, const D: usize> {
    config: DetectorConfig<D>,
    network: Box<dyn Detector<D> + 'm>,
}

impl<const D: usize> std::fmt::Debug for BoxDetector<'_, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoxDetector")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl<'m, const D: usize> BoxDetector<'m, D> {
    /// Puts a network of the described architecture to use.
    ///
    /// # Errors
    /// Refuses a description whose parts do not fit each other.
    pub fn new(config: DetectorConfig<D>, network: Box<dyn Detector<D> + 'm>) -> Result<Self> {
        config.check()?;
        Ok(Self { config, network })
    }

    /// The description.
    #[must_use]
    pub fn config(&self) -> &DetectorConfig<D> {
        &self.config
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &dyn Model {
        &*self.network
    }

    /// The findings of an image, the most likely first.
    ///
    /// # Errors
    /// Refuses an image of other channels than the network's, and a preparation that moves voxels; and when the network
    /// fails or gives numbers that are not finite.
    pub fn detect<T: Voxel>(&self, image: &Image<T, D>) -> Result<Vec<FoundBox<D>>> {
        let image = self.prepare(image)?;
        match &self.config.framing {
            Framing::Letterbox(letterbox) => {
                let fit = letterbox.fit(image.shape())?;
                let found = self.find(&fit.apply(&image)?)?;
                let back = |mut found: FoundBox<D>| {
                    found.bounds = fit.restore(&found.bounds)?;
                    Ok(inside(found, image.shape()))
                };
                let found: Vec<_> = found.into_iter().map(back).collect::<Result<_>>()?;
                Ok(found.into_iter().flatten().collect())
            }
            Framing::Tiles {
                shape,
                overlap,
                fill,
            } => {
                let shape = std::array::from_fn(|axis| shape[axis]);
                self.detect_in_tiles(&image, shape, *overlap, *fill)
            }
        }
    }

    fn detect_in_tiles(
        &self,
        image: &Image<f32, D>,
        shape: [usize; D],
        overlap: f64,
        fill: f32,
    ) -> Result<Vec<FoundBox<D>>> {
        let mut seen = Vec::new();
        for (number, tile) in tiles(image.shape(), shape, overlap).iter().enumerate() {
            for mut found in self.find(&tile.cut(image, shape, fill)?)? {
                let moved = |corner: [f64; D]| -> [f64; D] {
                    std::array::from_fn(|axis| corner[axis] + tile.start[axis] as f64)
                };
                found.bounds =
                    BoundingBox::new(moved(found.bounds.min()), moved(found.bounds.max()))?;
                seen.push(Seen {
                    found,
                    tile: number,
                    is_cut: tile.may_cut(&found.bounds),
                });
            }
        }
        let rules = &self.config.rules;
        let joined = join(&seen, rules.iou_threshold, rules.most)?.into_iter();
        Ok(joined
            .filter_map(|found| inside(found, image.shape()))
            .collect())
    }

    fn prepare<T: Voxel>(&self, image: &Image<T, D>) -> Result<Image<f32, D>> {
        let sample = Sample::new(image.map(T::to_f32));
        let prepared = self.config.preparation.apply(sample, Key::new(0))?;
        let (prepared, _) = prepared.into_parts();
        let tolerance = GeometryTolerance::default();
        if let Err(moved) = prepared
            .geometry()
            .check_same_as(image.geometry(), &tolerance)
        {
            return refuse("preparation", "of intensities alone", moved.to_string());
        }
        check_input(self.config.model.in_channels(), &[], &prepared)?;
        Ok(prepared)
    }

    /// The boxes of what the network sees.
    fn find(&self, image: &Image<f32, D>) -> Result<Vec<FoundBox<D>>> {
        let tensor = image_to_tensor(image, self.network.params().device())?;
        let outputs = self
            .network
            .forward(&Inputs::from(tensor), &Context::evaluate())?;
        let rules = self.config.network_rules();
        let found = self.network.detect(&outputs, image.shape(), &rules)?;
        let found = found.into_iter().flatten().map(|found| FoundBox {
            bounds: found.bounds,
            class: found.class as usize,
            score: found.score,
        });
        Ok(found.collect())
    }
}

/// The part of a finding that lies in the image, if any does.
fn inside<const D: usize>(found: FoundBox<D>, shape: [usize; D]) -> Option<FoundBox<D>> {
    let high = shape.map(|extent| extent as f64 - 0.5);
    let clamp = |corner: [f64; D]| -> [f64; D] {
        std::array::from_fn(|axis| corner[axis].clamp(-0.5, high[axis]))
    };
    let (min, max) = (clamp(found.bounds.min()), clamp(found.bounds.max()));
    let is_there = (0..D).all(|axis| min[axis] < max[axis]);
    let bounds = BoundingBox::new(min, max).ok().filter(|_| is_there)?;
    Some(FoundBox { bounds, ..found })
}
