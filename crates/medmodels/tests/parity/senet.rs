//! MONAI's `SENet`, from `senet.py`.

use medmodels::senet::{SENet, SENetConfig};
use mednn::params::Params;

use crate::reference::{check_against, check_names};

#[test]
pub(crate) fn senet_154_is_that_of_monai() {
    let config = SENetConfig::senet154(5)
        .with_in_channels(2)
        .with_blocks([1, 2, 1, 1])
        .with_features(12, [8, 16, 32, 64])
        .with_groups(4)
        .with_dropout(0.0);
    let network = SENet::<2>::new(&config, &Params::new(1)).unwrap();
    check_names("senet_154", &network);
    check_against("senet_154", &network);
}

#[test]
pub(crate) fn se_resnet_is_that_of_monai_in_3d() {
    let config = SENetConfig::se_resnet50(3)
        .with_spatial_dims(3)
        .with_in_channels(1)
        .with_blocks([2, 1, 1, 1])
        .with_features(6, [4, 8, 16, 32])
        .with_reduction(8);
    let network = SENet::<3>::new(&config, &Params::new(1)).unwrap();
    check_names("senet_resnet", &network);
    check_against("senet_resnet", &network);
}

#[test]
pub(crate) fn se_resnext_is_that_of_monai() {
    let config = SENetConfig::se_resnext50(5)
        .with_blocks([1, 1, 2, 1])
        .with_features(8, [16, 32, 64, 128])
        .with_groups(4);
    let network = SENet::<2>::new(&config, &Params::new(1)).unwrap();
    check_names("senet_resnext", &network);
    check_against("senet_resnext", &network);
}

#[test]
fn full_networks_have_the_references_number_of_parameters() {
    let volume = SENetConfig::se_resnet50(2)
        .with_spatial_dims(3)
        .with_in_channels(1);
    for (config, parameters) in [
        (SENetConfig::senet154(1000), 115_088_984),
        (SENetConfig::se_resnet50(1000), 28_088_024),
        (SENetConfig::se_resnet101(1000), 49_326_872),
        (SENetConfig::se_resnet152(1000), 66_821_848),
        (SENetConfig::se_resnext50(1000), 27_559_896),
        (SENetConfig::se_resnext101(1000), 48_955_416),
        (volume, 48_690_162),
    ] {
        let params = Params::new(1);
        medmodels::create(&config.clone().into(), &params).unwrap();
        assert_eq!(params.count(), parameters, "{config:?}");
    }
}
