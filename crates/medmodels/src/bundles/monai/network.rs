//! Which network of ours a class of MONAI's is.

use super::arguments::Arguments;
use super::{classifiers, detector, segmenters};
use crate::bundles::place::Place;
use crate::bundles::value::Value;
use crate::config::ModelConfig;
use crate::error::Result;

/// What a class is made from, and what of the bundle decides about the network beside its arguments.
pub(super) type Read = fn(&Arguments<'_>, &Version) -> Result<ModelConfig>;

/// The version of MONAI that a bundle is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u32, pub(super) u32);

impl Version {
    /// The first two numbers of a version.
    pub(super) fn read(place: &Place<'_>) -> Result<Self> {
        let mut parts = place.text()?.split('.').map(|part| part.parse().ok());
        match (parts.next().flatten(), parts.next().flatten()) {
            (Some(major), Some(minor)) => Ok(Self(major, minor)),
            _ => Err(place.refuse("a version as 1.4.0")),
        }
    }
}

/// The names of the classes, and how each is read.
const NETWORKS: &[(&str, Read)] = &[
    ("AttentionUnet", segmenters::attention_unet),
    ("BasicUNet", segmenters::basic_unet),
    ("BasicUNetPlusPlus", segmenters::basic_unet_plus_plus),
    ("DynUNet", segmenters::dyn_unet),
    ("FlexibleUNet", segmenters::flexible_unet),
    ("SegResNet", segmenters::seg_resnet),
    ("SegResNetDS", segmenters::seg_resnet_ds),
    ("SegResNetVAE", segmenters::seg_resnet_vae),
    ("SwinUNETR", segmenters::swin_unetr),
    ("UNet", segmenters::unet),
    ("UNETR", segmenters::unetr),
    ("VNet", segmenters::vnet),
    ("DenseNet121", classifiers::densenet),
    ("DenseNet169", classifiers::densenet),
    ("DenseNet201", classifiers::densenet),
    ("DenseNet264", classifiers::densenet),
    ("EfficientNetBN", classifiers::efficientnet),
    ("SENet154", classifiers::senet),
    ("SEResNet50", classifiers::senet),
    ("SEResNet101", classifiers::senet),
    ("SEResNet152", classifiers::senet),
    ("SEResNext50", classifiers::senet),
    ("SEResNext101", classifiers::senet),
    ("resnet10", classifiers::resnet),
    ("resnet18", classifiers::resnet),
    ("resnet34", classifiers::resnet),
    ("resnet50", classifiers::resnet),
    ("resnet101", classifiers::resnet),
    ("resnet152", classifiers::resnet),
    ("resnet200", classifiers::resnet),
    ("RetinaNet", detector::retinanet),
];

/// More levels halve an axis more often than any scan allows.
const MOST_LEVELS: usize = 16;
/// More blocks in a level are none of a network.
const MOST_BLOCKS: usize = 256;
/// Arguments that say something for each level.
const LEVELS: [&str; 14] = [
    "channels",
    "strides",
    "kernel_size",
    "upsample_kernel_size",
    "filters",
    "features",
    "decoder_channels",
    "blocks_down",
    "blocks_up",
    "block_config",
    "depths",
    "layers",
    "num_heads",
    "returned_layers",
];
/// Arguments that are numbers of modules, or lists of them.
const BLOCKS: [&str; 8] = [
    "blocks_down",
    "blocks_up",
    "block_config",
    "depths",
    "layers",
    "num_res_units",
    "dsdepth",
    "deep_supr_num",
];

/// That as many modules are asked for as a network may have.
fn bounded(place: &Place<'_>) -> Result<()> {
    for key in LEVELS {
        if let Some(list) = place.get(key)?
            && let Value::List(values) = list.value()
            && values.len() > MOST_LEVELS
        {
            return Err(list.refuse(format!("given for at most {MOST_LEVELS} levels")));
        }
    }
    for key in BLOCKS {
        let Some(found) = place.get(key)? else {
            continue;
        };
        let counts = match found.value() {
            Value::List(_) => found.list()?,
            _ => vec![found],
        };
        for count in counts {
            if count.size()? > MOST_BLOCKS {
                return Err(count.refuse(format!("at most {MOST_BLOCKS}")));
            }
        }
    }
    Ok(())
}

/// The network that an object with `_target_` describes.
pub(super) fn read(place: &Place<'_>, version: &Version) -> Result<ModelConfig> {
    let arguments = Arguments::of(place.clone())?;
    let target = arguments.target()?;
    // MONAI spells its own classes in several ways: `Unet`, `DenseNet121` and `densenet121`.
    let known = { NETWORKS.iter() }.find(|(name, _)| name.eq_ignore_ascii_case(target));
    let Some((_, read)) = known else {
        let names: Vec<&str> = NETWORKS.iter().map(|(name, _)| *name).collect();
        let target = place.need("_target_")?;
        return Err(target.refuse(format!("one of {}", names.join(", "))));
    };
    bounded(place)?;
    let config = read(&arguments, version)?;
    arguments.finish()?;
    match config.check() {
        Ok(()) => Ok(config),
        Err(error) => Err(place.refuse_as("a network that exists", error)),
    }
}
