//! MONAI's networks for segmentation: the arguments of each class with MONAI's defaults (version 1.6).

use super::arguments::Arguments;
use super::network::Version;
use crate::attention_unet::AttentionUnetConfig;
use crate::basic_unet::BasicUNetConfig;
use crate::basic_unet_plus_plus::BasicUNetPlusPlusConfig;
use crate::blocks::upsample::Upsampling;
use crate::blocks::{AdnStep, Nonlinearity, Normalization};
use crate::bundles::place::Place;
use crate::bundles::value::Value;
use crate::config::ModelConfig;
use crate::dyn_unet::DynUNetConfig;
use crate::error::Result;
use crate::flexible_unet::FlexibleUNetConfig;
use crate::seg_resnet::SegResNetConfig;
use crate::seg_resnet_ds::SegResNetDSConfig;
use crate::seg_resnet_vae::SegResNetVAEConfig;
use crate::swin_unetr::{SwinMerging, SwinUNETRConfig};
use crate::unet::UNetConfig;
use crate::unetr::UNETRConfig;
use crate::vit::PatchEmbedding;
use crate::vnet::VNetConfig;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

pub(super) fn unet(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    let axes = arguments.spatial_dims(None)?;
    let order = match arguments.given("adn_ordering")? {
        Some(place) => ordering(&place)?,
        None => AdnStep::NDA.to_vec(),
    };
    Ok(UNetConfig {
        spatial_dims: axes,
        in_channels: arguments.need("in_channels")?.size()?,
        out_channels: arguments.need("out_channels")?.size()?,
        channels: arguments.need("channels")?.each(Place::size)?,
        strides: arguments.axes_of_levels("strides", axes)?,
        kernel: arguments.axes("kernel_size", 3, axes)?,
        up_kernel: arguments.axes("up_kernel_size", 3, axes)?,
        res_units: arguments.size("num_res_units", 0)?,
        normalization: arguments.normalization("norm", Normalization::PlainInstance)?,
        activation: arguments.activation("act", Nonlinearity::Prelu { init: 0.25 })?,
        dropout: arguments.dropout("dropout", 0.0)?,
        bias: arguments.flag("bias", true)?,
        order,
    }
    .into())
}

/// `NDA` and its like.
fn ordering(place: &Place<'_>) -> Result<Vec<AdnStep>> {
    let step = |letter| match letter {
        'A' => Ok(AdnStep::Activation),
        'D' => Ok(AdnStep::Dropout),
        'N' => Ok(AdnStep::Normalization),
        _ => Err(place.refuse("of the letters A, D and N, each once")),
    };
    let steps: Vec<AdnStep> = place
        .text()?
        .to_uppercase()
        .chars()
        .map(step)
        .collect::<Result<_>>()?;
    let once = |i: usize| !steps[..i].contains(&steps[i]);
    match (0..steps.len()).all(once) {
        true => Ok(steps),
        false => Err(place.refuse("of the letters A, D and N, each once")),
    }
}

pub(super) fn attention_unet(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    let axes = arguments.spatial_dims(None)?;
    Ok(AttentionUnetConfig {
        spatial_dims: axes,
        in_channels: arguments.need("in_channels")?.size()?,
        out_channels: arguments.need("out_channels")?.size()?,
        channels: arguments.need("channels")?.each(Place::size)?,
        strides: arguments.axes_of_levels("strides", axes)?,
        kernel: arguments.axes("kernel_size", 3, axes)?,
        up_kernel: arguments.axes("up_kernel_size", 3, axes)?,
        dropout: arguments.dropout("dropout", 0.0)?,
    }
    .into())
}

pub(super) fn basic_unet(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    arguments.fixed("upsample", &text("deconv"))?;
    let default = BasicUNetConfig::new_3d(1, 2);
    Ok(BasicUNetConfig {
        spatial_dims: arguments.spatial_dims(Some(3))?,
        in_channels: arguments.size("in_channels", 1)?,
        out_channels: arguments.size("out_channels", 2)?,
        features: arguments.array("features", default.features)?,
        normalization: arguments.normalization("norm", default.normalization)?,
        activation: arguments.activation("act", default.activation)?,
        bias: arguments.flag("bias", default.bias)?,
        dropout: arguments.dropout("dropout", 0.0)?,
    }
    .into())
}

pub(super) fn basic_unet_plus_plus(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    arguments.fixed("upsample", &text("deconv"))?;
    let default = BasicUNetPlusPlusConfig::new_3d(1, 2);
    Ok(BasicUNetPlusPlusConfig {
        spatial_dims: arguments.spatial_dims(Some(3))?,
        in_channels: arguments.size("in_channels", 1)?,
        out_channels: arguments.size("out_channels", 2)?,
        features: arguments.array("features", default.features)?,
        normalization: arguments.normalization("norm", default.normalization)?,
        activation: arguments.activation("act", default.activation)?,
        bias: arguments.flag("bias", default.bias)?,
        dropout: arguments.dropout("dropout", 0.0)?,
        deep_supervision: arguments.flag("deep_supervision", false)?,
    }
    .into())
}

fn plain_seg_resnet(arguments: &Arguments<'_>) -> Result<SegResNetConfig> {
    arguments.fixed("use_conv_final", &Value::Bool(true))?;
    let default = SegResNetConfig::new_3d(1, 2);
    Ok(SegResNetConfig {
        spatial_dims: arguments.spatial_dims(Some(3))?,
        in_channels: arguments.size("in_channels", 1)?,
        out_channels: arguments.size("out_channels", 2)?,
        filters: arguments.size("init_filters", default.filters)?,
        blocks_down: arguments.sizes("blocks_down", &default.blocks_down)?,
        blocks_up: arguments.sizes("blocks_up", &default.blocks_up)?,
        normalization: arguments.normalization("norm", Normalization::Group { groups: 8 })?,
        activation: arguments.activation("act", default.activation)?,
        dropout: arguments.dropout("dropout_prob", 0.0)?,
        upsampling: arguments.upsampling("upsample_mode", default.upsampling)?,
    })
}

pub(super) fn seg_resnet(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    let config = plain_seg_resnet(arguments)?;
    // An older way to say `norm`, which goes before it; MONAI looks at the groups in no other case.
    let groups = arguments.size("num_groups", 8)?;
    let normalization = match arguments.get("norm_name")? {
        Some(name) => match name.text()?.to_lowercase().as_str() {
            "" => None,
            "group" => Some(Normalization::Group { groups }),
            _ => return Err(name.refuse("absent or group")),
        },
        None => None,
    };
    if normalization.is_none() && groups != 8 {
        let place = arguments.need("num_groups")?;
        return Err(place.refuse("8, as norm_name is not group"));
    }
    Ok(SegResNetConfig {
        normalization: normalization.unwrap_or(config.normalization),
        ..config
    }
    .into())
}

pub(super) fn seg_resnet_vae(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    Ok(SegResNetVAEConfig {
        image_size: arguments.need("input_image_size")?.each(Place::size)?,
        latent: arguments.size("vae_nz", 256)?,
        estimated_std: arguments.flag("vae_estimate_std", false)?,
        std: arguments.number("vae_default_std", 0.3)?,
        segmenter: plain_seg_resnet(arguments)?,
    }
    .into())
}

pub(super) fn seg_resnet_ds(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    arguments.fixed("preprocess", &Value::Null)?;
    let default = SegResNetDSConfig::new_3d(1, 2);
    let blocks_down = arguments.sizes("blocks_down", &default.blocks_down)?;
    let resolution = arguments.get("resolution")?;
    Ok(SegResNetDSConfig {
        spatial_dims: arguments.spatial_dims(Some(3))?,
        in_channels: arguments.size("in_channels", 1)?,
        out_channels: arguments.size("out_channels", 2)?,
        filters: arguments.size("init_filters", default.filters)?,
        blocks_up: match arguments.get("blocks_up")? {
            Some(place) => place.each(Place::size)?,
            None => vec![1; blocks_down.len().saturating_sub(1)],
        },
        blocks_down,
        heads: arguments.size("dsdepth", 1)?.max(1),
        normalization: arguments.affine_normalization("norm", default.normalization)?,
        activation: arguments.activation("act", default.activation)?,
        upsampling: arguments.upsampling("upsample_mode", default.upsampling)?,
        spacing: resolution
            .map(|place| place.each(Place::positive))
            .transpose()?,
    }
    .into())
}

pub(super) fn dyn_unet(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    let axes = arguments.spatial_dims(None)?;
    let kernels = arguments.axes_of_levels("kernel_size", axes)?;
    let mut strides = arguments.axes_of_levels("strides", axes)?;
    let levels = kernels.len();
    let place = arguments.need("strides")?;
    if strides.len() != levels || levels < 3 {
        return Err(place.refuse(format!("given for {levels} levels, at least 3")));
    }
    if strides.remove(0).iter().any(|&stride| stride != 1) {
        return Err(place.refuse("1 in the first level"));
    }
    let up = arguments.axes_of_levels("upsample_kernel_size", axes)?;
    if up != strides {
        let place = arguments.need("upsample_kernel_size")?;
        return Err(place.refuse("the strides of all levels but the first"));
    }
    let mut default = match axes {
        2 => DynUNetConfig::new_2d(1, 1, levels),
        _ => DynUNetConfig::new_3d(1, 1, levels),
    };
    default.spatial_dims = axes;
    let supervised = arguments.flag("deep_supervision", false)?;
    let heads = arguments.size("deep_supr_num", 1)?;
    Ok(DynUNetConfig {
        in_channels: arguments.need("in_channels")?.size()?,
        out_channels: arguments.need("out_channels")?.size()?,
        filters: match arguments.get("filters")? {
            Some(place) => {
                let filters = place.each(Place::size)?;
                if filters.len() < levels {
                    return Err(place.refuse(format!("given for {levels} levels")));
                }
                // MONAI takes the first of them.
                filters[..levels].to_vec()
            }
            None => default.filters,
        },
        kernels,
        strides,
        normalization: arguments.normalization("norm_name", default.normalization)?,
        activation: arguments.activation("act_name", default.activation)?,
        dropout: arguments.dropout("dropout", 0.0)?,
        residual: arguments.flag("res_block", false)?,
        upsampling_bias: arguments.flag("trans_bias", false)?,
        heads: if supervised { heads } else { 0 },
        spatial_dims: axes,
    }
    .into())
}

pub(super) fn swin_unetr(arguments: &Arguments<'_>, version: &Version) -> Result<ModelConfig> {
    arguments.fixed("patch_size", &Value::Integer(2))?;
    arguments.fixed("patch_norm", &Value::Bool(false))?;
    arguments.fixed("use_hyena", &Value::Bool(false))?;
    arguments.fixed("norm_layer", &Value::Null)?;
    // The network takes any size; versions before 1.5 wanted one all the same.
    arguments.ignore(&["img_size", "use_checkpoint", "use_flash_attention"]);
    let axes = arguments.spatial_dims(Some(3))?;
    let default = SwinUNETRConfig::new_3d(1, 1);
    let merging = match arguments.given("downsample")? {
        None => merging(*version),
        Some(place) => match place.text()? {
            "merging" => merging(*version),
            "mergingv2" => SwinMerging::MergingV2,
            _ => return Err(place.refuse("merging or mergingv2")),
        },
    };
    let ratio = arguments.given("mlp_ratio")?;
    Ok(SwinUNETRConfig {
        spatial_dims: axes,
        in_channels: arguments.need("in_channels")?.size()?,
        out_channels: arguments.need("out_channels")?.size()?,
        filters: arguments.size("feature_size", default.filters)?,
        depths: arguments.array("depths", default.depths)?,
        heads: arguments.array("num_heads", default.heads)?,
        window: arguments.axes("window_size", 7, axes)?,
        mlp_ratio: ratio.map_or(Ok(default.mlp_ratio), |place| place.size())?,
        qkv_bias: arguments.flag("qkv_bias", true)?,
        merging,
        convolutions: arguments.flag("use_v2", false)?,
        normalization: arguments.normalization("norm_name", default.normalization)?,
        normalized_stages: arguments.flag("normalize", true)?,
        dropout: arguments.dropout("drop_rate", 0.0)?,
        attention_dropout: arguments.dropout("attn_drop_rate", 0.0)?,
        drop_path: arguments.dropout("dropout_path_rate", 0.0)?,
    }
    .into())
}

/// What `merging` was in a version: from 1.5 on all eight tokens come once.
fn merging(version: Version) -> SwinMerging {
    match version < Version(1, 5) {
        true => SwinMerging::LegacyMerging,
        false => SwinMerging::Merging,
    }
}

pub(super) fn unetr(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    arguments.ignore(&["save_attn"]);
    let axes = arguments.spatial_dims(Some(3))?;
    // `pos_embed` is the name of `proj_type` before version 1.3.
    let embedding = match arguments.given("proj_type")? {
        Some(place) => Some(place),
        None => arguments.given("pos_embed")?,
    };
    let patch_embedding = match &embedding {
        None => PatchEmbedding::Convolution,
        Some(place) => match place.text()? {
            "conv" => PatchEmbedding::Convolution,
            "perceptron" => PatchEmbedding::Perceptron,
            _ => return Err(place.refuse("conv or perceptron")),
        },
    };
    let size = arguments.need("img_size")?;
    let default = UNETRConfig::new(1, 1, &[16, 16, 16]);
    Ok(UNETRConfig {
        spatial_dims: axes,
        in_channels: arguments.need("in_channels")?.size()?,
        out_channels: arguments.need("out_channels")?.size()?,
        image_size: size.repeated(axes, Place::size)?,
        filters: arguments.size("feature_size", default.filters)?,
        features: arguments.size("hidden_size", default.features)?,
        mlp_features: arguments.size("mlp_dim", default.mlp_features)?,
        heads: arguments.size("num_heads", default.heads)?,
        qkv_bias: arguments.flag("qkv_bias", false)?,
        patch_embedding,
        normalization: arguments.normalization("norm_name", default.normalization)?,
        conv_block: arguments.flag("conv_block", true)?,
        res_block: arguments.flag("res_block", true)?,
        dropout: arguments.dropout("dropout_rate", 0.0)?,
    }
    .into())
}

pub(super) fn vnet(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    // What is dropped decides about training alone, but where nothing is dropped there is no layer to skip either.
    arguments.ignore(&["dropout_prob", "dropout_dim"]);
    let default = VNetConfig::new_3d(1, 1);
    // By exactly this name MONAI gives it a parameter a channel, and one in all other cases.
    let per_channel = { arguments.given("act")? }.is_some_and(|act| *act.value() == text("prelu"));
    let activation = match arguments.activation("act", default.activation)? {
        Nonlinearity::Prelu { init } if per_channel => Nonlinearity::ChannelPrelu { init },
        other => other,
    };
    let [up, across] = match arguments.given("dropout_prob_up")? {
        Some(place) => place.array(|place| match place.value() {
            Value::Null => Ok(0.0),
            _ => place.number(),
        })?,
        None => [default.dropout_up, default.dropout_across],
    };
    Ok(VNetConfig {
        spatial_dims: arguments.spatial_dims(Some(3))?,
        in_channels: arguments.size("in_channels", 1)?,
        out_channels: arguments.size("out_channels", 1)?,
        filters: default.filters,
        activation,
        bias: arguments.flag("bias", false)?,
        dropout_down: arguments.dropout("dropout_prob_down", default.dropout_down)?,
        dropout_up: up,
        dropout_across: across,
    }
    .into())
}

pub(super) fn flexible_unet(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    arguments.fixed("pre_conv", &text("default"))?;
    arguments.fixed("is_pad", &Value::Bool(true))?;
    // The weights of the bundle replace those of the encoder.
    arguments.ignore(&["pretrained"]);
    let backbone = arguments.need("backbone")?;
    let channels = arguments.need("in_channels")?.size()?;
    let classes = arguments.need("out_channels")?.size()?;
    let axes = arguments.spatial_dims(Some(2))?;
    let mode = arguments.given("interp_mode")?;
    let interpolation = match &mode {
        None => Upsampling::Nearest,
        Some(place) => match place.text()? {
            "nearest" => Upsampling::Nearest,
            "linear" | "bilinear" | "trilinear" => Upsampling::Linear,
            _ => return Err(place.refuse("nearest or linear")),
        },
    };
    let config = FlexibleUNetConfig::monai(backbone.text()?, axes, channels, classes);
    let default = config.map_err(|error| backbone.refuse_as("a ResNet", error))?;
    Ok(FlexibleUNetConfig {
        decoder_channels: arguments.sizes("decoder_channels", &default.decoder_channels)?,
        normalization: arguments.normalization("norm", default.normalization)?,
        activation: arguments.activation("act", default.activation)?,
        bias: arguments.flag("decoder_bias", false)?,
        dropout: arguments.dropout("dropout", 0.0)?,
        upsampling: match arguments.upsampling("upsample", Upsampling::Linear)? {
            Upsampling::Linear => interpolation,
            other => other,
        },
        ..default
    }
    .into())
}
