//! Detectors of any kind.

use mednn::detection::BoxCoder;
use mednn::model::{Model, Outputs};
use mednn::params::Params;

use super::{Detected, DetectionRules};
use crate::config::ModelConfig;
use crate::error::{Error, Result};
use crate::retinanet::RetinaNet;
use crate::yolo::Yolo;

/// A network whose outputs become boxes.
pub trait Detector<const D: usize>: Model {
    /// The boxes of each image, the most likely first, in voxels of the network's input, whose extents are given.
    ///
    /// # Errors
    /// Refuses outputs that are none of this network, numbers that are not finite and rules out of range.
    fn detect(
        &self,
        outputs: &Outputs,
        extent: [usize; D],
        rules: &DetectionRules,
    ) -> Result<Vec<Vec<Detected<D>>>>;
}

impl<const D: usize> Detector<D> for Yolo<D> {
    fn detect(
        &self,
        outputs: &Outputs,
        _extent: [usize; D],
        rules: &DetectionRules,
    ) -> Result<Vec<Vec<Detected<D>>>> {
        self.detect(outputs, rules)
    }
}

impl<const D: usize> Detector<D> for RetinaNet<D> {
    fn detect(
        &self,
        outputs: &Outputs,
        extent: [usize; D],
        rules: &DetectionRules,
    ) -> Result<Vec<Vec<Detected<D>>>> {
        // With deltas as MONAI scales them.
        self.detect(outputs, extent, &BoxCoder::default(), rules)
    }
}

/// Builds a detector with new parameters in `params`.
///
/// ```
/// use medmodels::detection::{DetectionRules, create_detector};
/// use medmodels::yolo::YoloConfig;
/// use mednn::candle_core::{DType, Device, Tensor};
/// use mednn::{Context, Params};
///
/// let detector = create_detector::<2>(&YoloConfig::v8n(1, 2).into(), &Params::new(1))?;
/// let image = Tensor::zeros((1, 1, 64, 96), DType::F32, &Device::Cpu)?;
/// let outputs = detector.forward(&image.into(), &Context::evaluate())?;
/// let found = detector.detect(&outputs, [64, 96], &DetectionRules::new())?;
/// assert_eq!(found.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`create`](crate::create), and for a network that detects nothing or has another number of spatial axes.
pub fn create_detector<const D: usize>(
    config: &ModelConfig,
    params: &Params,
) -> Result<Box<dyn Detector<D>>> {
    Ok(match config {
        ModelConfig::Yolo(config) => Box::new(Yolo::<D>::new(config, params)?),
        ModelConfig::RetinaNet(config) => Box::new(RetinaNet::<D>::new(config, params)?),
        other => {
            let value = format!("{:?}", other.task());
            return Err(Error::setting(
                other.architecture(),
                "task",
                "Detection",
                value,
            ));
        }
    })
}
