//! How reference libraries draw the weights of a layer.

use mednn::layers::{ConvConfig, LinearConfig};
use mednn::params::Init;

/// He-normal weights by the number of outputs one input reaches, as PyTorch counts them (groups are not), and bias zero.
pub(crate) fn with_fan_out_init<const D: usize>(conv: ConvConfig<D>) -> ConvConfig<D> {
    with_outputs_of_an_input(1, conv)
}

/// He-normal weights by the number of outputs one input reaches within its group, as timm counts them, and bias zero.
pub(crate) fn with_group_fan_out_init<const D: usize>(conv: ConvConfig<D>) -> ConvConfig<D> {
    with_outputs_of_an_input(conv.geometry.groups, conv)
}

fn with_outputs_of_an_input<const D: usize>(groups: usize, conv: ConvConfig<D>) -> ConvConfig<D> {
    let fan_out = conv.out_channels * conv.kernel.iter().product::<usize>() / groups;
    let std = (2.0 / fan_out as f64).sqrt();
    conv.with_init(Init::Normal { mean: 0.0, std }, Some(Init::ZEROS))
}

/// A classifier's last layer as TensorFlow's mobile networks draw it: uniform within one over the root of its outputs.
pub(crate) fn with_mobile_init(linear: LinearConfig) -> LinearConfig {
    let high = 1.0 / (linear.outputs as f64).sqrt();
    linear.with_init(Init::Uniform { low: -high, high }, Some(Init::ZEROS))
}
