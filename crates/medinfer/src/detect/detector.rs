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
use super::{BoxRules, DetectorConfig, Framing};
use crate::classify::{check_input, refuse};
use crate::error::Result;
use crate::mirror::{mirrored, subsets};

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

impl<const D: usize> FoundBox<D> {
    /// A finding of the label of this number.
    #[must_use]
    pub fn new(bounds: BoundingBox<D>, class: usize, score: f64) -> Self {
        Self {
            bounds,
            class,
            score,
        }
    }
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
    networks: Vec<Box<dyn Detector<D> + 'm>>,
}

impl<const D: usize> std::fmt::Debug for BoxDetector<'_, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BoxDetector")
            .field("config", &self.config)
            .field("networks", &self.networks.len())
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
        Ok(Self {
            config,
            networks: vec![network],
        })
    }

    /// Fuses the boxes with those of further networks of the same architecture (the folds of a cross-validation), as
    /// [`DetectorConfig::fusion`] says.
    #[must_use]
    pub fn with_ensemble(mut self, others: Vec<Box<dyn Detector<D> + 'm>>) -> Self {
        self.networks.truncate(1);
        self.networks.extend(others);
        self
    }

    /// The description.
    #[must_use]
    pub fn config(&self) -> &DetectorConfig<D> {
        &self.config
    }

    /// The networks, at least one.
    pub fn networks(&self) -> impl Iterator<Item = &dyn Model> {
        self.networks.iter().map(|network| &**network as _)
    }

    /// The findings of an image, the most likely first.
    ///
    /// # Errors
    /// Refuses an image of other channels than the network's, and a preparation that moves voxels; and when a network
    /// fails or gives numbers that are not finite.
    pub fn detect<T: Voxel>(&self, image: &Image<T, D>) -> Result<Vec<FoundBox<D>>> {
        let image = self.prepare(image)?;
        let mut lists = Vec::new();
        for axes in subsets(&self.config.mirror_axes) {
            let seen = mirror_image(&image, &axes)?;
            for network in &self.networks {
                let found = self.detect_with(&**network, &seen)?.into_iter();
                let back = |found| mirror_box(found, image.shape(), &axes);
                lists.push(found.map(back).collect::<Result<Vec<_>>>()?);
            }
        }
        if lists.len() == 1 {
            return Ok(lists.remove(0));
        }
        let BoxRules {
            score_threshold,
            most,
            ..
        } = self.config.rules;
        let mut fused = self.config.fusion.fuse(&lists, &vec![1.0; lists.len()])?;
        // What few have seen may have fallen below the threshold that each network kept to.
        fused.retain(|found| found.score > score_threshold);
        fused.truncate(most);
        Ok(fused)
    }

    /// The findings of one network in a prepared image.
    fn detect_with(
        &self,
        network: &dyn Detector<D>,
        image: &Image<f32, D>,
    ) -> Result<Vec<FoundBox<D>>> {
        match &self.config.framing {
            Framing::Letterbox(letterbox) => {
                let fit = letterbox.fit(image.shape())?;
                let found = self.find(network, &fit.apply(image)?)?;
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
                let tiling = Tiling {
                    shape,
                    overlap: *overlap,
                    fill: *fill,
                };
                self.detect_in_tiles(network, image, &tiling)
            }
        }
    }

    fn detect_in_tiles(
        &self,
        network: &dyn Detector<D>,
        image: &Image<f32, D>,
        tiling: &Tiling<D>,
    ) -> Result<Vec<FoundBox<D>>> {
        let mut seen = Vec::new();
        let Tiling {
            shape,
            overlap,
            fill,
        } = *tiling;
        for (number, tile) in tiles(image.shape(), shape, overlap).iter().enumerate() {
            for mut found in self.find(network, &tile.cut(image, shape, fill)?)? {
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

    /// The boxes of what a network sees.
    fn find(&self, network: &dyn Detector<D>, image: &Image<f32, D>) -> Result<Vec<FoundBox<D>>> {
        let tensor = image_to_tensor(image, network.params().device())?;
        let outputs = network.forward(&Inputs::from(tensor), &Context::evaluate())?;
        let rules = self.config.network_rules();
        let found = network.detect(&outputs, image.shape(), &rules)?;
        let found = found.into_iter().flatten().map(|found| FoundBox {
            bounds: found.bounds,
            class: found.class as usize,
            score: found.score,
        });
        Ok(found.collect())
    }
}

/// How an image is cut into tiles.
struct Tiling<const D: usize> {
    shape: [usize; D],
    overlap: f64,
    fill: f32,
}

/// An image mirrored along some axes, on the same grid.
fn mirror_image<const D: usize>(image: &Image<f32, D>, axes: &[usize]) -> Result<Image<f32, D>> {
    if axes.is_empty() {
        return Ok(image.clone());
    }
    let mut values = vec![0.0; image.as_slice().len()];
    let put = |to: &mut f32, from| *to = from;
    mirrored(image.as_slice(), image.shape(), axes, &mut values, put);
    Ok(Image::with_channels(
        image.channels(),
        *image.geometry(),
        values,
    )?)
}

/// A finding in a mirrored image, where it is in the image itself.
fn mirror_box<const D: usize>(
    found: FoundBox<D>,
    shape: [usize; D],
    axes: &[usize],
) -> Result<FoundBox<D>> {
    let (mut min, mut max) = (found.bounds.min(), found.bounds.max());
    for &axis in axes {
        let last = shape[axis] as f64 - 1.0;
        (min[axis], max[axis]) = (last - max[axis], last - min[axis]);
    }
    let bounds = BoundingBox::new(min, max)?;
    Ok(FoundBox { bounds, ..found })
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
