//! The network of a configuration, in the format since version 2.5 and in the one before.

use super::plans::Format;
use crate::blocks::nnunet::Stage;
use crate::blocks::{Nonlinearity, Normalization};
use crate::bundles::layer;
use crate::bundles::place::Place;
use crate::config::ModelConfig;
use crate::error::Result;
use crate::plain_conv_unet::PlainConvUNetConfig;
use crate::res_enc_unet::ResEncUNetConfig;

/// More stages halve an axis more often than any scan allows.
const MOST_STAGES: usize = 16;
/// Counts of features and convolutions beyond this are no network.
const MOST_FEATURES: usize = 1 << 16;
const MOST_CONVS: usize = 256;

/// What of a network other files decide.
pub(super) struct Inputs {
    pub(super) in_channels: usize,
    pub(super) out_channels: usize,
    pub(super) spatial_dims: usize,
    pub(super) deep_supervision: bool,
}

/// Which of two networks.
#[derive(Clone, Copy)]
enum Class {
    Plain,
    Residual,
}

impl Class {
    /// The class of a name, of which the modules in front may be written or not.
    fn read(place: &Place<'_>) -> Result<Self> {
        match place.text()?.rsplit('.').next() {
            Some("PlainConvUNet") => Ok(Self::Plain),
            Some("ResidualEncoderUNet") => Ok(Self::Residual),
            _ => Err(place.refuse("PlainConvUNet or ResidualEncoderUNet")),
        }
    }

    /// What the number of convolutions, or of blocks, of each stage is called.
    fn convs(self) -> &'static str {
        match self {
            Self::Plain => "n_conv_per_stage",
            Self::Residual => "n_blocks_per_stage",
        }
    }
}

/// What both networks are made of.
struct Parts {
    stages: Vec<Stage>,
    normalization: Normalization,
    activation: Nonlinearity,
    bias: bool,
    dropout: f64,
}

pub(super) fn read(place: &Place<'_>, format: Format, inputs: &Inputs) -> Result<ModelConfig> {
    let (class, parts) = match format {
        Format::Block => block(place, inputs.spatial_dims)?,
        Format::Flat => flat(place, inputs.spatial_dims)?,
    };
    let Parts {
        stages,
        normalization,
        activation,
        bias,
        dropout,
    } = parts;
    let &Inputs {
        in_channels,
        out_channels,
        spatial_dims,
        deep_supervision,
    } = inputs;
    let config: ModelConfig = match class {
        Class::Plain => PlainConvUNetConfig {
            spatial_dims,
            in_channels,
            out_channels,
            stages,
            normalization,
            activation,
            bias,
            dropout,
            deep_supervision,
        }
        .into(),
        Class::Residual => ResEncUNetConfig {
            spatial_dims,
            in_channels,
            out_channels,
            stages,
            normalization,
            activation,
            bias,
            dropout,
            deep_supervision,
        }
        .into(),
    };
    match config.check() {
        Ok(()) => Ok(config),
        Err(error) => Err(place.refuse_as("a network that exists", error)),
    }
}

/// `network_class_name` and `arch_kwargs`.
fn block(place: &Place<'_>, axes: usize) -> Result<(Class, Parts)> {
    place.only(&["network_class_name", "arch_kwargs", "_kw_requires_import"])?;
    let class = Class::read(&place.need("network_class_name")?)?;
    let settings = place.need("arch_kwargs")?;
    settings.only(&[
        "n_stages",
        "features_per_stage",
        "conv_op",
        "kernel_sizes",
        "strides",
        class.convs(),
        "n_conv_per_stage_decoder",
        "conv_bias",
        "norm_op",
        "norm_op_kwargs",
        "dropout_op",
        "dropout_op_kwargs",
        "nonlin",
        "nonlin_kwargs",
        // nnU-Net sets it by the trainer, whatever stands here.
        "deep_supervision",
    ])?;
    let conv = settings.need("conv_op")?;
    if !{ conv.text()? }.ends_with(&format!(".Conv{axes}d")) {
        return Err(conv.refuse(format!(
            "torch.nn.Conv{axes}d, as patch_size has {axes} axes"
        )));
    }
    let count = settings.need("n_stages")?;
    let parts = Parts {
        stages: stages(
            &settings,
            &Names {
                count: stage_count(&count, count.size()?)?,
                axes,
                kernels: "kernel_sizes",
                strides: "strides",
                encoder: class.convs(),
                decoder: "n_conv_per_stage_decoder",
            },
            |place, count| place.need("features_per_stage")?.repeated(count, features),
        )?,
        normalization: normalization(&settings, axes)?,
        activation: activation(&settings)?,
        bias: match settings.get("conv_bias")? {
            Some(bias) => bias.flag()?,
            None => false,
        },
        dropout: dropout(&settings, axes)?,
    };
    Ok((class, parts))
}

/// The keys that old plans have; what they do not say nnU-Net fixes: kernels with a bias, instance normalisation, LeakyReLU.
fn flat(place: &Place<'_>, axes: usize) -> Result<(Class, Parts)> {
    let class = Class::read(&place.need("UNet_class_name")?)?;
    let base = features(&place.need("UNet_base_num_features")?)?;
    let most = features(&place.need("unet_max_num_features")?)?;
    let convs = place.need("n_conv_per_stage_encoder")?;
    let parts = Parts {
        stages: stages(
            place,
            &Names {
                count: stage_count(&convs, convs.list()?.len())?,
                axes,
                kernels: "conv_kernel_sizes",
                strides: "pool_op_kernel_sizes",
                encoder: "n_conv_per_stage_encoder",
                decoder: "n_conv_per_stage_decoder",
            },
            |_, count| Ok((0..count).map(|i| most.min(base << i)).collect()),
        )?,
        normalization: Normalization::Instance,
        activation: Nonlinearity::LeakyRelu { slope: 0.01 },
        bias: true,
        dropout: 0.0,
    };
    Ok((class, parts))
}

fn stage_count(place: &Place<'_>, count: usize) -> Result<usize> {
    match (2..=MOST_STAGES).contains(&count) {
        true => Ok(count),
        false => Err(place.refuse(format!("of 2 to {MOST_STAGES} stages"))),
    }
}

fn features(place: &Place<'_>) -> Result<usize> {
    bounded(place, MOST_FEATURES)
}

fn convs(place: &Place<'_>) -> Result<usize> {
    bounded(place, MOST_CONVS)
}

fn bounded(place: &Place<'_>, most: usize) -> Result<usize> {
    match place.size()? {
        size if (1..=most).contains(&size) => Ok(size),
        _ => Err(place.refuse(format!("1 to {most}"))),
    }
}

/// What the lists of stages are called in one of the formats.
struct Names {
    count: usize,
    axes: usize,
    kernels: &'static str,
    strides: &'static str,
    encoder: &'static str,
    decoder: &'static str,
}

fn stages(
    place: &Place<'_>,
    names: &Names,
    features: impl Fn(&Place<'_>, usize) -> Result<Vec<usize>>,
) -> Result<Vec<Stage>> {
    let count = names.count;
    let per_axis = |place: &Place<'_>| place.repeated(names.axes, |place| bounded(place, 64));
    let features = features(place, count)?;
    let kernels = place.need(names.kernels)?.repeated(count, per_axis)?;
    let strides = place.need(names.strides)?.repeated(count, per_axis)?;
    let encoder = place.need(names.encoder)?.repeated(count, convs)?;
    let decoder = place.need(names.decoder)?.repeated(count - 1, convs)?;
    let stage = |s: usize| Stage {
        features: features[s],
        kernel: kernels[s].clone(),
        stride: strides[s].clone(),
        encoder_convs: encoder[s],
        // Counted from below, in the order of the way up; the lowest stage has none there.
        decoder_convs: decoder.iter().rev().nth(s).copied().unwrap_or(1),
    };
    Ok((0..count).map(stage).collect())
}

/// `torch.nn.modules.instancenorm.InstanceNorm3d` and its like.
fn normalization(settings: &Place<'_>, axes: usize) -> Result<Normalization> {
    let class = settings.need("norm_op")?;
    let name = class.text()?.rsplit('.').next().unwrap_or_default();
    let kind = match name.strip_suffix(&format!("Norm{axes}d")) {
        Some("Instance") => "instance",
        Some("Batch") => "batch",
        _ => return Err(class.refuse(format!("InstanceNorm{axes}d or BatchNorm{axes}d"))),
    };
    layer::normalization(kind, &class, settings.get("norm_op_kwargs")?.as_ref())
}

/// `torch.nn.LeakyReLU` and its like.
fn activation(settings: &Place<'_>) -> Result<Nonlinearity> {
    let class = settings.need("nonlin")?;
    let name = class.text()?.rsplit('.').next().unwrap_or_default();
    let kind = name.to_lowercase();
    layer::activation(&kind, &class, settings.get("nonlin_kwargs")?.as_ref())
}

/// The probability that training drops a channel.
fn dropout(settings: &Place<'_>, axes: usize) -> Result<f64> {
    let Some(class) = settings.get("dropout_op")? else {
        return Ok(0.0);
    };
    if !{ class.text()? }.ends_with(&format!(".Dropout{axes}d")) {
        return Err(class.refuse(format!("absent or torch.nn.Dropout{axes}d")));
    }
    let Some(arguments) = settings.get("dropout_op_kwargs")? else {
        return Ok(0.5);
    };
    arguments.only(&["p", "inplace"])?;
    match arguments.get("p")? {
        Some(p) => p.number(),
        None => Ok(0.5),
    }
}
