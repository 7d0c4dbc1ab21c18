//! torchvision's and MONAI's `ResNet`, from `resnet.py`.

use medmodels::resnet::{ResNet, ResNetConfig, ResNetPool, ResNetShortcut};
use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::params::Params;

use crate::reference::{Fixture, check_against, check_buffers, tensor};

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_torchvision() {
    let config = ResNetConfig::resnet18(5)
        .with_blocks([2, 1, 1, 1])
        .with_features([4, 8, 16, 32]);
    let network = ResNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("resnet_2d", &network);
    check_buffers("resnet_2d", &network);
}

#[test]
pub(crate) fn scores_of_the_highest_places_are_those_of_torchvisions_features() {
    let config = ResNetConfig::resnet10(5)
        .with_features([4, 8, 16, 32])
        .with_pool(ResNetPool::TopPlaces { share: 0.3 });
    let network = ResNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("resnet_top_places", &network);
}

#[test]
fn the_share_of_places_goes_from_the_highest_to_all() {
    for axes in 1..=3 {
        let scores = |share| {
            let config = ResNetConfig::resnet10(3)
                .with_in_channels(1)
                .with_features([4, 4, 8, 8])
                .with_spatial_dims(axes)
                .with_pool(ResNetPool::TopPlaces { share });
            let network = medmodels::create(&config.into(), &Params::new(2)).unwrap();
            let image = tensor("image", &[&[2, 1], &vec![65; axes][..]].concat());
            let context = Context::evaluate().with_features(["layer4"]);
            let outputs = network.forward(&image.into(), &context).unwrap();
            let places = outputs.features["layer4"].flatten_from(2).unwrap();
            let weight = network.params().tensor("fc.weight").unwrap();
            let weight = weight.unsqueeze(0).unwrap();
            let places = weight.broadcast_matmul(&places).unwrap();
            let of = |tensor: Tensor| tensor.to_vec2::<f32>().unwrap();
            let (most, mean) = (places.max(2).unwrap(), places.mean(2).unwrap());
            (of(outputs.logits), of(most), of(mean))
        };
        let close = |found: &[f32], expected: &[f32]| {
            assert_eq!((found.len(), found[0]), (3, 0.0), "{axes}D");
            let pairs = found[1..].iter().zip(expected);
            pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "{axes}D: {a} {b}"));
        };
        let (highest, most, _) = scores(1e-9);
        let (all, _, mean) = scores(1.0);
        for item in 0..2 {
            close(&highest[item], &most[item]);
            close(&all[item], &mean[item]);
        }
        assert_ne!(highest, all);
    }
}

#[test]
fn shares_and_classes_that_leave_nothing_to_pool_are_named() {
    let refused = |classes, share| {
        let config = ResNetConfig::resnet10(classes).with_pool(ResNetPool::TopPlaces { share });
        config.check().unwrap_err().to_string()
    };
    for share in [0.0, -1.0, 1.5, f64::NAN] {
        assert!(refused(2, share).contains("share"), "{share}");
    }
    assert!(refused(1, 0.1).contains("absence"));
}

#[test]
pub(crate) fn grouped_bottlenecks_are_those_of_torchvision() {
    let config = ResNetConfig::resnet50(5)
        .with_groups(4, 32)
        .with_blocks([1; 4])
        .with_features([4, 8, 16, 32]);
    let network = ResNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("resnet_next", &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_1d() {
    let config = ResNetConfig::resnet50(3)
        .monai(1)
        .with_in_channels(2)
        .with_blocks([1, 2, 1, 1])
        .with_features([4, 6, 8, 10]);
    let network = ResNet::<1>::new(&config, &Params::new(1)).unwrap();
    check_against("resnet_1d", &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_3d() {
    let config = ResNetConfig::resnet50(3)
        .monai(3)
        .with_in_channels(1)
        .with_stem([7; 3], [1, 2, 2])
        .with_blocks([2, 1, 1, 1])
        .with_features([4, 6, 8, 10]);
    let network = ResNet::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("resnet_3d", &network);
}

#[test]
pub(crate) fn shortcuts_without_weights_are_those_of_medical_net() {
    let config = ResNetConfig::resnet18(3).medical_net();
    assert_eq!(config.shortcut, ResNetShortcut::ZeroPadding);
    let config = config
        .with_blocks([2, 1, 1, 1])
        .with_features([4, 6, 8, 10]);
    let network = ResNet::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("resnet_medical_net", &network);
}

#[test]
fn names_are_those_of_the_references_state_dictionaries() {
    for (stem, config) in [
        ("resnet_2d", ResNetConfig::resnet18(2)),
        ("resnet_next", ResNetConfig::resnext50_32x4d(2)),
        ("resnet_3d", ResNetConfig::resnet50(2).monai(3)),
        (
            "resnet_medical_net",
            ResNetConfig::resnet18(2).medical_net(),
        ),
    ] {
        let mut expected = Fixture::load(stem).state_dict;
        expected.sort();
        let second = usize::from(stem != "resnet_next");
        let config = config
            .with_blocks([1 + second, 1, 1, 1])
            .with_features([64, 64, 64, 128]);
        let params = Params::new(1);
        medmodels::create(&config.into(), &params).unwrap();
        assert_eq!(params.names(), expected, "{stem}");
    }
}

#[test]
fn full_networks_have_the_references_number_of_parameters() {
    for (config, parameters) in [
        (ResNetConfig::resnet18(1000), 11_689_512),
        (ResNetConfig::resnet34(1000), 21_797_672),
        (ResNetConfig::resnet50(1000), 25_557_032),
        (ResNetConfig::resnet101(1000), 44_549_160),
        (ResNetConfig::resnet152(1000), 60_192_808),
        (ResNetConfig::wide_resnet50_2(1000), 68_883_240),
        (ResNetConfig::wide_resnet101_2(1000), 126_886_696),
        (ResNetConfig::resnext50_32x4d(1000), 25_028_904),
        (ResNetConfig::resnext101_32x8d(1000), 88_791_336),
        (ResNetConfig::resnext101_64x4d(1000), 83_455_272),
        (
            ResNetConfig::resnet10(2).monai(3).with_in_channels(1),
            14_357_442,
        ),
        (ResNetConfig::resnet10(2).medical_net(), 14_356_546),
        (ResNetConfig::resnet18(2).medical_net(), 32_987_202),
        (ResNetConfig::resnet50(2).medical_net(), 46_159_170),
    ] {
        let params = Params::new(1);
        medmodels::create(&config.clone().into(), &params).unwrap();
        assert_eq!(params.count(), parameters, "{config:?}");
    }
}
