//! Backbones say what their levels are.

use medmodels::backbone::Backbone;
use medmodels::densenet::{DenseNetConfig, DenseNetFeatures};
use medmodels::resnet::{ResNetConfig, ResNetFeatures};
use mednn::context::Context;
use mednn::model::Inputs;
use mednn::params::Params;

use crate::reference::{tensor, values};

fn backbones(params: &Params) -> Vec<Box<dyn Backbone>> {
    let resnet = ResNetConfig::resnet50(1)
        .with_blocks([1; 4])
        .with_features([4, 6, 8, 10]);
    let densenet = DenseNetConfig::densenet121(1)
        .with_init_features(8)
        .with_growth_rate(4)
        .with_blocks(&[2, 1, 2]);
    let path = |name: &str| params.root().child(name);
    vec![
        Box::new(ResNetFeatures::<2>::new(&resnet, &path("a")).unwrap()),
        Box::new(
            ResNetFeatures::<2>::new(&resnet.with_dilated([false, true, true], true), &path("b"))
                .unwrap(),
        ),
        Box::new(DenseNetFeatures::<2>::new(&densenet, &path("c")).unwrap()),
    ]
}

#[test]
fn levels_have_the_channels_and_strides_they_say() {
    let image = tensor("image", &[2, 3, 64, 96]);
    for backbone in backbones(&Params::new(1)) {
        let levels = backbone.levels();
        let pyramid = backbone.pyramid(&image, &Context::evaluate()).unwrap();
        assert_eq!(levels.len(), pyramid.len());
        for (level, features) in levels.iter().zip(&pyramid) {
            let strides = [64 / level.stride[0], 96 / level.stride[1]];
            let expected = [2, level.channels, strides[0], strides[1]];
            assert_eq!(features.dims(), expected, "{}", level.name);
        }
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
