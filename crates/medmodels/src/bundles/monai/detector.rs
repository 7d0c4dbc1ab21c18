//! MONAI's detector. Bundles build it by calls (`resnet_fpn_feature_extractor(resnet50(...), 3, False, [1, 2], None)`),
//! which are read as what they say.

use super::arguments::Arguments;
use super::classifiers::plain_resnet;
use super::network::Version;
use crate::bundles::place::Place;
use crate::bundles::value::Value;
use crate::config::ModelConfig;
use crate::error::Result;
use crate::retinanet::RetinaNetConfig;

/// The anchors are not part of the network in MONAI: a bundle gives them to its detector. Those of the network are set to
/// cubes of one voxel here, as many as it has, until [`with_anchors`] puts in the bundle's.
pub(super) fn retinanet(arguments: &Arguments<'_>, _: &Version) -> Result<ModelConfig> {
    // What an image is padded to follows from the network.
    arguments.ignore(&["size_divisible", "use_list_output"]);
    let axes = arguments.need("spatial_dims")?.size()?;
    let classes = arguments.need("num_classes")?.size()?;
    let each = arguments.need("num_anchors")?;
    let extractor = Arguments::of(arguments.need("feature_extractor")?)?;
    if extractor.target()? != "resnet_fpn_feature_extractor" {
        return Err(extractor.place().refuse("resnet_fpn_feature_extractor"));
    }
    let given = extractor.positional::<5>()?;
    let [backbone, dims, _pretrained, layers, _trained] = given;
    let backbone = backbone.map_or_else(|| extractor.need("backbone"), Ok)?;
    let dims = dims.map_or_else(|| extractor.get("spatial_dims"), |place| Ok(Some(place)))?;
    extractor.ignore(&["pretrained_backbone", "trainable_backbone_layers"]);
    let layers = layers.map_or_else(|| extractor.get("returned_layers"), |l| Ok(Some(l)))?;
    extractor.finish()?;
    let backbone = Arguments::of(backbone)?;
    let resnet = plain_resnet(&backbone)?;
    backbone.finish()?;
    for place in dims.iter().chain([&arguments.need("spatial_dims")?]) {
        if place.size()? != resnet.spatial_dims || axes > 3 {
            return Err(place.refuse(format!("{}, as of the backbone", resnet.spatial_dims)));
        }
    }
    let layers = match layers {
        Some(place) => place.each(Place::size)?,
        None => vec![1, 2, 3],
    };
    let count = match each.size()? {
        count @ 1..=256 => count,
        _ => return Err(each.refuse("1 to 256")),
    };
    let anchors = vec![vec![vec![1.0; axes]; count]; layers.len().min(4) + 1];
    let config = RetinaNetConfig::new(resnet, classes).with_layers(&layers);
    Ok(RetinaNetConfig { anchors, ..config }.into())
}

/// Puts the anchors of a bundle into its network.
pub(super) fn with_anchors(config: RetinaNetConfig, place: &Place<'_>) -> Result<RetinaNetConfig> {
    let arguments = Arguments::of(place.clone())?;
    if arguments.target()? != "AnchorGeneratorWithAnchorShape" {
        return Err(place.refuse("an AnchorGeneratorWithAnchorShape"));
    }
    arguments.fixed("indexing", &Value::Text("ij".to_owned()))?;
    let axes = config.backbone.spatial_dims;
    let shapes = arguments.need("base_anchor_shapes")?;
    let shapes = shapes.each(|shape| shape.repeated(axes, Place::positive))?;
    let scales = match arguments.get("feature_map_scales")? {
        Some(scales) => scales.each(Place::positive)?,
        None => vec![1.0, 2.0, 4.0, 8.0],
    };
    arguments.finish()?;
    let levels = config.anchors.len();
    let each = config.anchors.first().map_or(0, Vec::len);
    if shapes.len() != each || scales.len() != levels {
        return Err(place.refuse(format!("of {each} shapes at {levels} scales")));
    }
    let level = |scale: &f64| {
        let scaled = |shape: &Vec<f64>| shape.iter().map(|extent| extent * scale).collect();
        shapes.iter().map(scaled).collect()
    };
    let anchors = scales.iter().map(level).collect();
    Ok(RetinaNetConfig { anchors, ..config })
}
