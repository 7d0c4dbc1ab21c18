//! Features of images, one number for each channel, however a network holds them; and what is no uncertainty.

use medcore::{Geometry, Image};
use medinfer::{Classifier, ClassifierConfig, Error, MonteCarlo};
use medmodels::ModelConfig;
use medmodels::convnext::ConvNeXtConfig;
use medmodels::swin::SwinConfig;
use medmodels::vit::ViTConfig;
use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::convert::stack_images;
use mednn::params::Params;

use super::classifier::{labels, resnet};

fn classifier(model: ModelConfig) -> Classifier<'static, 2> {
    let network = medmodels::create(&model, &Params::new(3)).unwrap();
    Classifier::new(ClassifierConfig::new(model, labels(2)), network).unwrap()
}

fn image(number: usize) -> Image<f32, 2> {
    let grid = Geometry::axis_aligned([64, 96], [0.2, 0.3]).unwrap();
    let voxels = (0..grid.len()).map(|i| ((i * (7919 + 2 * number)) % 251) as f32 / 100.0);
    Image::new(grid, voxels.collect::<Vec<_>>()).unwrap()
}

/// What a network gives, by the words of its documentation: the mean over these axes, behind so many tokens.
fn expected(classifier: &Classifier<'_, 2>, name: &str, axes: &[usize], tokens: usize) -> Tensor {
    let (a, b) = (image(0), image(1));
    let tensor = stack_images(&[&a, &b], &mednn::candle_core::Device::Cpu).unwrap();
    let context = Context::evaluate().with_features([name]);
    let network = &classifier.networks()[0];
    let outputs = network.forward(&tensor.into(), &context).unwrap();
    let feature = &outputs.features[name];
    let places = feature.dim(1).unwrap() - tokens;
    let feature = feature.narrow(1, tokens, places).unwrap();
    feature.mean(axes).unwrap()
}

#[test]
fn a_feature_is_averaged_over_its_places_and_not_over_its_channels() {
    let vit = ViTConfig::vit_tiny_patch16_224(2)
        .with_in_channels(1)
        .with_image_size(&[64, 96])
        .with_features(12, 2)
        .with_mlp_features(24)
        .with_depth(2);
    let swin = SwinConfig::swin_t(2)
        .with_in_channels(1)
        .with_stages(8, &[2, 1], &[2, 2])
        .with_window([4, 4]);
    let mut convnext = ConvNeXtConfig::tiny(2).with_features([4, 6, 8, 10]);
    convnext.in_channels = 1;
    let (tokens, last, first) = (&[1][..], &[1, 2][..], &[2, 3][..]);
    type Case<'a> = (ModelConfig, &'a str, &'a [usize], usize, usize);
    let cases: [Case<'_>; 8] = [
        (vit.clone().into(), "norm", tokens, 1, 12),
        (
            vit.clone().with_registers(4).into(),
            "blocks.0",
            tokens,
            5,
            12,
        ),
        (swin.clone().into(), "features.0", last, 0, 8),
        (swin.clone().into(), "features.1", last, 0, 8),
        (swin.into(), "norm", last, 0, 16),
        (convnext.into(), "features.3", first, 0, 6),
        (resnet(2), "layer1", first, 0, 2),
        (resnet(2), "layer4", first, 0, 4),
    ];
    for (model, name, axes, in_front, channels) in cases {
        let classifier = classifier(model);
        let found = classifier.features(&[&image(0), &image(1)], name).unwrap();
        let expected = expected(&classifier, name, axes, in_front);
        let expected = expected.to_vec2::<f32>().unwrap();
        assert_eq!(found.len(), 2, "{name}");
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(
                (found.len(), expected.len()),
                (channels, channels),
                "{name}"
            );
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() < 1e-5 * b.abs().max(1.0), "{name}: {a} {b}");
            }
        }
    }
}

#[test]
fn passes_of_a_network_without_dropout_are_refused() {
    let passes = |model: ModelConfig, passes| {
        let network = medmodels::create(&model, &Params::new(3)).unwrap();
        let config = ClassifierConfig::new(model, labels(2))
            .with_monte_carlo(MonteCarlo { passes, seed: 1 });
        Classifier::new(config, network)
            .unwrap()
            .classify(&image(0))
    };
    for count in [1, 5] {
        let refused = passes(resnet(2), count).unwrap_err();
        assert!(
            matches!(
                &refused,
                Error::Setting {
                    setting: "monte_carlo",
                    ..
                }
            ),
            "{refused}"
        );
    }
    let vit = ViTConfig::vit_tiny_patch16_224(2)
        .with_in_channels(1)
        .with_image_size(&[64, 96])
        .with_features(12, 2)
        .with_mlp_features(24)
        .with_depth(2);
    assert!(passes(vit.clone().into(), 3).is_err());
    for dropping in [
        vit.clone().with_attention_dropout(0.3),
        vit.clone().with_dropout(0.1, 0.0),
        vit.with_dropout(0.0, 0.5),
    ] {
        let found = passes(dropping.clone().into(), 4).unwrap();
        assert_eq!(found.uncertainty.unwrap().answers, 4);
        // One pass has nothing to differ from.
        assert!(passes(dropping.into(), 1).is_ok());
    }
}
