//! torchvision's `MobileNetV3`, from `mobilenet_v3.py`.

use medmodels::mobilenet_v3::{MobileNetV3, MobileNetV3Config};
use mednn::params::Params;

use crate::reference::{check_against, check_names};

fn check(stem: &str, config: MobileNetV3Config) {
    let config = config.with_width(0.25).with_dropout(0.0);
    let network = MobileNetV3::new(&config, &Params::new(1)).unwrap();
    check_names(stem, &network);
    check_against(stem, &network);
}

#[test]
pub(crate) fn the_small_network_is_that_of_torchvision() {
    check("mobilenet_v3_small", MobileNetV3Config::small(5));
}

#[test]
pub(crate) fn the_large_network_is_that_of_torchvision() {
    check("mobilenet_v3_large", MobileNetV3Config::large(5));
}

#[test]
pub(crate) fn the_network_for_segmenters_is_that_of_torchvision() {
    let config = MobileNetV3Config::small(5)
        .with_reduced_tail(true)
        .with_dilated(true);
    check("mobilenet_v3_dilated", config);
}

#[test]
fn full_networks_have_the_references_number_of_parameters() {
    for (config, parameters) in [
        (MobileNetV3Config::small(1000), 2_542_856),
        (MobileNetV3Config::large(1000), 5_483_032),
    ] {
        let params = Params::new(1);
        medmodels::create(&config.clone().into(), &params).unwrap();
        assert_eq!(params.count(), parameters, "{config:?}");
    }
}
