//! Whether a map points at a region that is known to matter.

use medcore::{Label, LabelMap};

use super::saliency::Saliency;
use crate::error::{Error, Result};

/// How a map lies to a region.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Pointing {
    /// The part of the positive values that lies inside, 0 to 1 (the energy-based pointing game, Wang et al. 2020,
    /// <https://arxiv.org/abs/1910.01279>); `None` of a map without positive values.
    pub mass: Option<f64>,
    /// The part of the image that is inside: what the mass of a map without any knowledge is.
    pub area: f64,
    /// Whether a place with the largest value is inside (the pointing game, Zhang et al. 2018,
    /// <https://arxiv.org/abs/1608.00507>); false of a map without positive values.
    pub hit: bool,
}

impl Saliency {
    /// How the map lies to the places where the label is not background; channels are summed up.
    ///
    /// ```
    /// use mednn::candle_core::{Device, Tensor};
    /// use medcore::{Geometry, LabelMap};
    /// use mednn::{Inputs, Params};
    /// use medinfer::explain::{Explain, GradCam, Target};
    /// use medmodels::resnet::{ResNet, ResNetConfig};
    ///
    /// let config = ResNetConfig::resnet10(2).with_in_channels(1).with_features([4, 4, 4, 4]);
    /// let network = ResNet::<2>::new(&config, &Params::new(7))?;
    /// let image = Tensor::rand(0.0_f32, 1.0, (1, 1, 64, 64), &Device::Cpu)?;
    /// let map = GradCam::default().explain(&network, &Inputs::new(image), &Target::Predicted)?.remove(0);
    /// let left = (0..64 * 64).map(|voxel| u8::from(voxel % 64 < 32)).collect::<Vec<_>>();
    /// let left = LabelMap::new(Geometry::axis_aligned([64, 64], [1.0, 1.0])?, left)?;
    /// let pointing = map.pointing(&left)?;
    /// assert_eq!(pointing.area, 0.5);
    /// assert!(pointing.mass.is_none_or(|mass| (0.0..=1.0).contains(&mass)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Refuses a region of another shape than the map's.
    pub fn pointing<L: Label, const D: usize>(&self, region: &LabelMap<L, D>) -> Result<Pointing> {
        if region.shape()[..] != *self.shape() {
            return Err(Error::Explanation {
                rule: "the region lies on the grid of the map",
                got: format!("{:?} for a map of {:?}", region.shape(), self.shape()),
            });
        }
        let map = self.merged(super::Channels::Sum);
        let inside = |place: usize| region.as_slice()[place] != L::default();
        let (mut all, mut within, mut most) = (0.0_f64, 0.0_f64, 0.0_f32);
        let (mut area, mut hit) = (0_usize, false);
        for (place, &value) in map.values().iter().enumerate() {
            let inside = inside(place);
            area += usize::from(inside);
            all += f64::from(value.max(0.0));
            if inside {
                within += f64::from(value.max(0.0));
            }
            if value > most {
                (most, hit) = (value, inside);
            } else if value == most && most > 0.0 {
                hit |= inside;
            }
        }
        Ok(Pointing {
            mass: (all > 0.0).then(|| within / all),
            area: area as f64 / map.values().len().max(1) as f64,
            hit,
        })
    }
}
