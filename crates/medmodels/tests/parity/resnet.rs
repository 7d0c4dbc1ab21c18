//! torchvision's and MONAI's `ResNet`, from `resnet.py`.

use medmodels::resnet::{ResNet, ResNetConfig, ResNetShortcut};
use mednn::params::Params;

use crate::reference::{Fixture, check_against, check_buffers};

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
