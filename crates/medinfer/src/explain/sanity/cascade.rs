//! Weight randomisation (Adebayo et al. 2018, <https://arxiv.org/abs/1810.03292>).

use medcore::random::Key;
use mednn::model::{Inputs, Model};

use super::likeness::{Likeness, likeness};
use crate::error::{Error, Result};
use crate::explain::circuit::Circuit;
use crate::explain::elements::{like, values};
use crate::explain::{Explain, Saliency, Target};

/// What is left of the maps when the weights of a layer and of all above it are random.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Cascade {
    /// The path of the layer that became random last.
    pub layer: String,
    /// The map of each item then.
    pub maps: Vec<Saliency>,
    /// How alike each is to the map of the network as it is.
    pub likeness: Vec<Likeness>,
}

/// Explains a network again and again while its layers become random, from the one nearest to the scores
/// down: one entry for each layer with parameters.
///
/// A method whose maps stay as they were does not explain the network. The class is that of the network as it
/// is. Weights of a layer are exchanged among themselves, by seed and name, which keeps how they are
/// distributed (in the paper they are drawn anew); statistics of batch norms stay. Nobody else may use the
/// network meanwhile: all weights are changed in place, and put back at the end, behind an error too.
///
/// ```
/// use mednn::candle_core::{Device, Tensor};
/// use mednn::{Inputs, Params};
/// use medinfer::explain::{InputGradient, Target, cascade};
/// use medmodels::resnet::{ResNet, ResNetConfig};
///
/// let config = ResNetConfig::resnet10(2).with_in_channels(1).with_features([4, 4, 4, 4]);
/// let network = ResNet::<2>::new(&config, &Params::new(7))?;
/// let image = Tensor::arange(0.0_f32, 1056.0, &Device::Cpu)?.reshape((1, 1, 33, 32))?.sin()?;
/// let method = InputGradient::default();
/// let layers = cascade(&method, &network, &Inputs::new(image), &Target::Predicted, 1)?;
/// assert_eq!((layers[0].layer.as_str(), layers.last().unwrap().layer.as_str()), ("fc", "conv1"));
/// assert!(layers.last().unwrap().likeness[0].signed.unwrap().abs() < 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`Explain::explain`], and for a network without parameters.
pub fn cascade(
    method: &dyn Explain,
    network: &dyn Model,
    inputs: &Inputs,
    target: &Target,
    seed: u64,
) -> Result<Vec<Cascade>> {
    let before = method.explain(network, inputs, target)?;
    let target = Target::Each(before.iter().map(Saliency::class).collect());
    let layers = layers(&Circuit::record(network, inputs, &[])?)?;
    let params = network.params();
    let saved = params.snapshot()?;
    let found = { layers.into_iter() }.map(|layer| {
        randomise(network, &layer, Key::new(seed))?;
        let maps = method.explain(network, inputs, &target)?;
        let pairs = maps.iter().zip(&before);
        let alike = pairs.map(|(map, before)| likeness(map, before));
        Ok(Cascade {
            likeness: alike.collect::<Result<_>>()?,
            layer,
            maps,
        })
    });
    let found = found.collect::<Result<Vec<_>>>();
    params.restore(&saved)?;
    found
}

/// The paths of layers with parameters, from the scores down.
fn layers(circuit: &Circuit) -> Result<Vec<String>> {
    let mut layers: Vec<String> = Vec::new();
    let nodes = circuit.graph().nodes().iter().rev();
    for layer in nodes.filter_map(|node| node.layer.as_ref()) {
        if !layers.contains(layer) {
            layers.push(layer.clone());
        }
    }
    match layers.is_empty() {
        false => Ok(layers),
        true => Err(Error::Explanation {
            rule: "the network has layers with parameters",
            got: "none".to_owned(),
        }),
    }
}

/// Exchanges the weights of a layer among themselves.
fn randomise(network: &dyn Model, layer: &str, key: Key) -> Result<()> {
    for parameter in network.params().parameters() {
        let name = parameter.name();
        if name.rsplit_once('.').map_or("", |(path, _)| path) != layer {
            continue;
        }
        let value = parameter.value();
        let mut weights = values(&value)?;
        key.stream(name).shuffle(&mut weights);
        parameter.set(&like(weights, &value)?)?;
    }
    Ok(())
}
