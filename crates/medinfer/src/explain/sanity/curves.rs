//! Deletion and insertion (Petsiuk et al. 2018, <https://arxiv.org/abs/1806.07421>).

use medmetrics::calibration::{Calibrator, TemperatureScaling};
use mednn::model::{Inputs, Model};

use super::perturbation::{Perturbation, PerturbationSettings};
use crate::LabelKind;
use crate::error::{Error, Result};
use crate::explain::elements::{logits, values, with_image};
use crate::explain::scores::Scores;
use crate::explain::{Saliency, Target};

/// The probability of a class while an image is changed.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Curve {
    /// The part of places that is changed, from 0 to 1.
    pub changed: Vec<f64>,
    /// The probability of the class then.
    pub probability: Vec<f64>,
    /// The area under the curve by trapezoids, 0 to 1: low is good for deletion, high for insertion.
    pub area: f64,
}

/// Changes the places of an image in the order of a map, step by step, and follows the probability of its
/// class.
///
/// `inputs` is a batch of one. Of places with equal values the first come first; the channels of the map are
/// summed up, those of the image change together. An area says something beside others alone: that of another
/// map of the same image, or of [`PlaceOrder::Random`](super::PlaceOrder::Random). Images that are half
/// filled are like none the network was trained on, so an early fall may also be that of an image that is
/// broken.
///
/// ```
/// use mednn::candle_core::{Device, Tensor};
/// use mednn::{Inputs, Params};
/// use medinfer::explain::{Baseline, Explain, GradCam, Perturbation, Target, perturbation_curve};
/// use medmodels::resnet::{ResNet, ResNetConfig};
///
/// let config = ResNetConfig::resnet10(2).with_in_channels(1).with_features([4, 4, 4, 4]);
/// let network = ResNet::<2>::new(&config, &Params::new(7))?;
/// let image = Inputs::new(Tensor::rand(0.0_f32, 1.0, (1, 1, 64, 64), &Device::Cpu)?);
/// let map = GradCam::default().explain(&network, &image, &Target::Predicted)?.remove(0);
/// let deletion = Perturbation::Deletion.with_fill(Baseline::Mean).with_steps(8);
/// let curve = perturbation_curve(&network, &image, &map, &deletion)?;
/// assert_eq!((curve.changed[0], curve.changed[8], curve.probability.len()), (0.0, 1.0, 9));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Refuses a map that does not lie on the image, no steps and more than places; and as the network.
pub fn perturbation_curve(
    network: &dyn Model,
    inputs: &Inputs,
    map: &Saliency,
    settings: &PerturbationSettings,
) -> Result<Curve> {
    let image = inputs.image()?;
    let dims = image.dims();
    if dims.first() != Some(&1) || dims.get(2..) != Some(map.shape()) {
        return Err(Error::Explanation {
            rule: "the map is of the image, a batch of one",
            got: format!("{:?} for an image {dims:?}", map.shape()),
        });
    }
    let places: usize = map.shape().iter().product();
    let steps = settings.steps;
    if !(1..=places).contains(&steps) {
        return Err(Error::Setting {
            setting: "steps",
            rule: "at least 1 and at most the number of places",
            value: steps.to_string(),
        });
    }
    let whole = values(image)?;
    let filled = settings.fill.of(&whole, dims);
    let (mut current, after) = match settings.perturbation {
        Perturbation::Deletion => (whole, filled),
        Perturbation::Insertion => (filled, whole),
    };
    let order = settings.order.of(map);
    let (mut changed, mut probability) = (Vec::new(), Vec::new());
    let mut done = 0;
    for step in 0..=steps {
        let upto = places * step / steps;
        for &place in &order[done..upto] {
            let channels = (place..current.len()).step_by(places);
            channels.for_each(|element| current[element] = after[element]);
        }
        done = upto;
        let inputs = with_image(inputs, current.clone())?;
        changed.push(upto as f64 / places as f64);
        probability.push(class_probability(
            network,
            &inputs,
            map.class(),
            settings.labels,
        )?);
    }
    let strips = changed.windows(2).zip(probability.windows(2));
    let area = strips
        .map(|(x, y)| (x[1] - x[0]) * (y[0] + y[1]) / 2.0)
        .sum();
    Ok(Curve {
        changed,
        probability,
        area,
    })
}

fn class_probability(
    network: &dyn Model,
    inputs: &Inputs,
    class: usize,
    labels: LabelKind,
) -> Result<f64> {
    let logits = logits(network, inputs)?;
    // Also refuses a class that is not there and scores that are none.
    Scores::of(&logits, &Target::Class(class))?;
    let plain = Calibrator::from(TemperatureScaling::new(1.0)?);
    Ok(labels.of_logits(&plain, &values(&logits)?)?[class])
}
