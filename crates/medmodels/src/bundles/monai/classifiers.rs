//! MONAI's networks for classification, with MONAI's defaults (version 1.6).

use super::arguments::Arguments;
use super::network::Version;
use crate::bundles::place::Place;
use crate::bundles::value::Value;
use crate::config::ModelConfig;
use crate::densenet::DenseNetConfig;
use crate::efficientnet::EfficientNetConfig;
use crate::error::Result;
use crate::resnet::{ResNetConfig, ResNetShortcut};
use crate::senet::SENetConfig;

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

pub(super) fn densenet(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    // The weights of the bundle replace those that MONAI would fetch.
    arguments.ignore(&["pretrained", "progress"]);
    arguments.fixed("norm", &text("batch"))?;
    arguments.fixed("act", &text("relu"))?;
    let preset = match arguments.target()? {
        "DenseNet169" | "densenet169" => DenseNetConfig::densenet169,
        "DenseNet201" | "densenet201" => DenseNetConfig::densenet201,
        "DenseNet264" | "densenet264" => DenseNetConfig::densenet264,
        _ => DenseNetConfig::densenet121,
    };
    let classes = arguments.need("out_channels")?.size()?;
    let default = preset(classes).monai(arguments.spatial_dims(None)?);
    Ok(DenseNetConfig {
        in_channels: arguments.need("in_channels")?.size()?,
        init_features: arguments.size("init_features", default.init_features)?,
        growth_rate: arguments.size("growth_rate", default.growth_rate)?,
        blocks: arguments.sizes("block_config", &default.blocks)?,
        bottleneck: arguments.size("bn_size", default.bottleneck)?,
        dropout: arguments.dropout("dropout_prob", 0.0)?,
        ..default
    }
    .into())
}

/// MONAI's `resnet18` and its like, which detectors stand on too.
pub(super) fn plain_resnet(arguments: &Arguments<'_>) -> Result<ResNetConfig> {
    arguments.ignore(&["pretrained", "progress"]);
    arguments.fixed("norm", &text("batch"))?;
    arguments.fixed("act", &text("relu"))?;
    arguments.fixed("widen_factor", &Value::Integer(1))?;
    let preset = match arguments.target()? {
        "resnet10" => ResNetConfig::resnet10,
        "resnet18" => ResNetConfig::resnet18,
        "resnet34" => ResNetConfig::resnet34,
        "resnet50" => ResNetConfig::resnet50,
        "resnet101" => ResNetConfig::resnet101,
        "resnet152" => ResNetConfig::resnet152,
        "resnet200" => ResNetConfig::resnet200,
        _ => return Err(arguments.place().refuse("a ResNet of MONAI's")),
    };
    let axes = arguments.spatial_dims(Some(3))?;
    let default = preset(arguments.size("num_classes", 400)?).monai(axes);
    let biased = arguments.flag("bias_downsample", true)?;
    let shortcut = match arguments.given("shortcut_type")? {
        Some(place) => match place.text()? {
            "A" => ResNetShortcut::ZeroPadding,
            "B" if biased => ResNetShortcut::BiasedProjection,
            "B" => ResNetShortcut::Projection,
            _ => return Err(place.refuse("A or B")),
        },
        None if biased => ResNetShortcut::BiasedProjection,
        None => ResNetShortcut::Projection,
    };
    Ok(ResNetConfig {
        in_channels: arguments.size("n_input_channels", 3)?,
        stem_kernel: arguments.axes("conv1_t_size", 7, axes)?,
        stem_stride: arguments.axes("conv1_t_stride", 1, axes)?,
        stem_pool: !arguments.flag("no_max_pool", false)?,
        shortcut,
        ..default
    })
}

pub(super) fn resnet(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    arguments.fixed("feed_forward", &Value::Bool(true))?;
    Ok(plain_resnet(arguments)?.into())
}

pub(super) fn senet(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    arguments.ignore(&["pretrained", "progress", "dropout_dim"]);
    let preset = match arguments.target()?.to_lowercase().as_str() {
        "seresnet50" => SENetConfig::se_resnet50,
        "seresnet101" => SENetConfig::se_resnet101,
        "seresnet152" => SENetConfig::se_resnet152,
        "seresnext50" => SENetConfig::se_resnext50,
        "seresnext101" => SENetConfig::se_resnext101,
        _ => SENetConfig::senet154,
    };
    let classes = arguments.size("num_classes", 1000)?;
    let default = preset(classes).with_spatial_dims(arguments.spatial_dims(None)?);
    Ok(SENetConfig {
        in_channels: arguments.need("in_channels")?.size()?,
        blocks: arguments.array("layers", default.blocks)?,
        groups: arguments.size("groups", default.groups)?,
        reduction: arguments.size("reduction", default.reduction)?,
        dropout: arguments.dropout("dropout_prob", default.dropout)?,
        stem: arguments.size("inplanes", default.stem)?,
        shortcut_kernel: arguments.size("downsample_kernel_size", default.shortcut_kernel)?,
        deep_stem: arguments.flag("input_3x3", default.deep_stem)?,
        ..default
    }
    .into())
}

pub(super) fn efficientnet(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    arguments.ignore(&["pretrained", "progress", "adv_prop"]);
    let name = arguments.need("model_name")?;
    let preset = match name.text()? {
        "efficientnet-b0" => EfficientNetConfig::b0,
        "efficientnet-b1" => EfficientNetConfig::b1,
        "efficientnet-b2" => EfficientNetConfig::b2,
        "efficientnet-b3" => EfficientNetConfig::b3,
        "efficientnet-b4" => EfficientNetConfig::b4,
        "efficientnet-b5" => EfficientNetConfig::b5,
        "efficientnet-b6" => EfficientNetConfig::b6,
        "efficientnet-b7" => EfficientNetConfig::b7,
        _ => return Err(name.refuse("efficientnet-b0 to efficientnet-b7")),
    };
    let classes = arguments.size("num_classes", 1000)?;
    let config = preset(classes)
        .monai(arguments.spatial_dims(Some(2))?)
        .with_in_channels(arguments.size("in_channels", 3)?);
    let Some(norm) = arguments.given("norm")? else {
        return Ok(config.into());
    };
    let number = |settings: &Place<'_>, key, default| {
        settings
            .given(key)?
            .map_or(Ok(default), |place| place.number())
    };
    match norm.list()?.as_slice() {
        [name, settings] if name.text()?.eq_ignore_ascii_case("batch") => {
            settings.only(&["eps", "momentum"])?;
            let epsilon = number(settings, "eps", 1e-5)?;
            Ok(config
                .with_norm(epsilon, number(settings, "momentum", 0.1)?)
                .into())
        }
        _ => Err(norm.refuse("batch with eps and momentum")),
    }
}
