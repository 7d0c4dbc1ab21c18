//! `EfficientNet` of torchvision, timm and MONAI, from `efficientnet.py`.

use medmodels::efficientnet::{EfficientNet, EfficientNetConfig};
use mednn::params::Params;

use crate::reference::{check_against, check_buffers, check_names};

/// An eighth of the features and a third of the blocks, and nothing dropped.
fn small(config: EfficientNetConfig) -> EfficientNetConfig {
    config.with_factors(0.125, 0.3).with_dropout(0.0, 0.0)
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_torchvision() {
    let config = small(EfficientNetConfig::b0(5));
    let network = EfficientNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_names("efficientnet_2d", &network);
    check_against("efficientnet_2d", &network);
    check_buffers("efficientnet_2d", &network);
}

#[test]
pub(crate) fn the_zeros_of_tensorflow_are_those_of_timm() {
    let config = small(EfficientNetConfig::b0(5).timm_tensorflow());
    let network = EfficientNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_names("efficientnet_tensorflow", &network);
    check_against("efficientnet_tensorflow", &network);
}

#[test]
pub(crate) fn lite_is_that_of_timm() {
    let config = small(EfficientNetConfig::lite0(5));
    let network = EfficientNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_names("efficientnet_lite", &network);
    check_against("efficientnet_lite", &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_1d() {
    let config = small(EfficientNetConfig::b0(3).monai(1).with_in_channels(2));
    let network = EfficientNet::<1>::new(&config, &Params::new(1)).unwrap();
    check_names("efficientnet_1d", &network);
    check_against("efficientnet_1d", &network);
}

#[test]
pub(crate) fn the_zeros_of_monai_are_those_of_the_resolution_in_3d() {
    let config = small(EfficientNetConfig::b1(3).monai(3).with_in_channels(1));
    let network = EfficientNet::<3>::new(&config, &Params::new(1)).unwrap();
    check_names("efficientnet_3d", &network);
    check_against("efficientnet_3d", &network);
}

#[test]
fn full_networks_have_the_references_number_of_parameters() {
    let volume = EfficientNetConfig::b0(2).monai(3).with_in_channels(1);
    for (config, parameters) in [
        (EfficientNetConfig::b0(1000), 5_288_548),
        (EfficientNetConfig::b1(1000), 7_794_184),
        (EfficientNetConfig::b2(1000), 9_109_994),
        (EfficientNetConfig::b3(1000).timm_tensorflow(), 12_233_232),
        (
            EfficientNetConfig::b4(1000).efficientnet_pytorch(),
            19_341_616,
        ),
        (EfficientNetConfig::b5(1000), 30_389_784),
        (EfficientNetConfig::b6(1000), 43_040_704),
        (EfficientNetConfig::b7(1000), 66_347_960),
        (EfficientNetConfig::lite0(1000), 4_652_008),
        (EfficientNetConfig::lite1(1000), 5_416_680),
        (EfficientNetConfig::lite2(1000), 6_092_072),
        (EfficientNetConfig::lite3(1000), 8_197_096),
        (EfficientNetConfig::lite4(1000), 13_006_568),
        (volume, 4_690_942),
    ] {
        let params = Params::new(1);
        medmodels::create(&config.clone().into(), &params).unwrap();
        assert_eq!(params.count(), parameters, "{config:?}");
    }
}
