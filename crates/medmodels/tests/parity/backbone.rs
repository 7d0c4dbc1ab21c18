//! Backbones say what their levels are.

use medmodels::ModelConfig;
use medmodels::backbone::{Backbone, BackboneConfig, BackboneEnd};
use medmodels::flexible_unet::FlexibleUNetConfig;
use medmodels::mobilenet_v3::MobileNetV3Config;
use medmodels::resnet::{ResNetConfig, ResNetFeatures};
use mednn::candle_core::DType;
use mednn::context::Context;
use mednn::model::Inputs;
use mednn::params::{NameMap, Params};

use crate::laws::{backbones, bits};
use crate::reference::{tensor, values};

#[test]
fn levels_have_the_channels_and_strides_they_say() {
    let dilated = ResNetConfig::resnet50(1)
        .with_blocks([1; 4])
        .with_features([4, 6, 8, 10])
        .with_dilated([false, true, true], true);
    let dilates = MobileNetV3Config::large(1)
        .with_width(0.125)
        .with_dilated(true);
    let mut all = backbones();
    all.push((dilated.into(), vec![2, 3, 64, 96]));
    all.push((dilates.into(), vec![2, 3, 64, 96]));
    for (config, shape) in all {
        let image = tensor("image", &shape);
        for end in [BackboneEnd::Stages, BackboneEnd::Pooling] {
            let path = Params::new(1).root().child("encoder");
            let backbone: Box<dyn Backbone> = match config.spatial_dims() {
                2 => config.build_until::<2>(end, &path).unwrap(),
                _ => config.build_until::<3>(end, &path).unwrap(),
            };
            let pyramid = backbone.pyramid(&image, &Context::evaluate()).unwrap();
            let levels = backbone.levels();
            assert_eq!(levels.len(), pyramid.len(), "{config:?}");
            let mut said = config.levels_until(end);
            for level in &mut said {
                let path = Params::new(1).root().child("encoder");
                level.name = match level.name.as_str() {
                    "" => path.name().to_owned(),
                    name => path.child(name).name().to_owned(),
                };
            }
            assert_eq!(levels, said);
            for (level, features) in levels.iter().zip(&pyramid) {
                let strided = shape[2..].iter().zip(&level.stride).map(|(n, s)| n / s);
                let expected: Vec<usize> = [2, level.channels].into_iter().chain(strided).collect();
                assert_eq!(features.dims(), expected, "{} of {config:?}", level.name);
            }
        }
        if config.spatial_dims() == 2 {
            let refused = config.build::<1>(&Params::new(1).root()).unwrap_err();
            assert!(refused.to_string().contains("spatial"), "{refused}");
        }
    }
}

/// A file of a classifier loads into its backbone, what is behind it left out and nothing else.
#[test]
fn segmenters_take_the_weights_of_classifiers() {
    let folder = tempfile::tempdir().unwrap();
    for (i, (config, _)) in backbones().into_iter().enumerate() {
        let json = serde_json::to_value(&config).unwrap();
        let mut json = json.as_object().unwrap().clone();
        let name = json.remove("network").unwrap();
        json.insert("architecture".to_owned(), name);
        let classifier: ModelConfig = serde_json::from_value(json.into()).unwrap();
        let weights = Params::new(7);
        medmodels::create(&classifier, &weights).unwrap();
        let path = folder.path().join(format!("{i}.safetensors"));
        weights.save_safetensors(&path).unwrap();

        let segmenter = ModelConfig::from(
            FlexibleUNetConfig::new(config.clone(), 2).with_decoder_channels(&[6, 4, 4, 3, 2]),
        );
        let params = Params::new(8);
        medmodels::create(&segmenter, &params).unwrap();
        let dense = matches!(config, BackboneConfig::DenseNet(_));
        let below = if dense { "features.**" } else { "**" };
        let mut policy = { segmenter.load_policy() }
            .with_names(
                NameMap::new()
                    .with("encoder.**", "encoder.$1")
                    .with(below, "encoder.$1"),
            )
            .with_missing_allowed("decoder.**")
            .with_missing_allowed("segmentation_head.**");
        if dense {
            policy = policy.with_unexpected_allowed("classifier.*");
        }
        params.load_safetensors(&path, &policy).unwrap();
        let (own, theirs) = (params.snapshot().unwrap(), weights.snapshot().unwrap());
        let mut loaded = 0;
        for (name, value) in &own {
            let Some(name) = name.strip_prefix("encoder.") else {
                continue;
            };
            if value.dtype() != DType::F32 {
                continue;
            }
            let prefix = if dense { "features." } else { "" };
            assert_eq!(
                bits(value),
                bits(&theirs[&format!("{prefix}{name}")]),
                "{name}"
            );
            loaded += 1;
        }
        assert!(loaded > 10, "{config:?}");
    }
}

#[test]
fn levels_are_the_features_of_the_classifier() {
    let image = tensor("image", &[1, 3, 45, 39]);
    let config = ResNetConfig::resnet18(2).with_features([4, 6, 8, 10]);
    let backbone = ResNetFeatures::<2>::new(&config, &Params::new(1).root()).unwrap();
    let network = medmodels::create(&config.into(), &Params::new(1)).unwrap();
    let names: Vec<String> = backbone.levels().into_iter().map(|l| l.name).collect();
    assert_eq!(names, ["relu", "layer1", "layer2", "layer3", "layer4"]);
    let context = Context::evaluate().with_features(names.clone());
    let outputs = network.forward(&Inputs::from(&image), &context).unwrap();
    let pyramid = backbone.pyramid(&image, &context).unwrap();
    for (name, features) in names.iter().zip(&pyramid) {
        assert_eq!(values(features), values(&outputs.features[name]), "{name}");
    }
}
