//! torchvision's `DeepLabV3` and `DeepLabV3Plus` of segmentation_models_pytorch, from `deep_lab.py`.

use medmodels::deep_lab_v3::{DeepLabV3, DeepLabV3Config};
use medmodels::deep_lab_v3_plus::{DeepLabV3Plus, DeepLabV3PlusConfig};
use medmodels::resnet::ResNetConfig;
use mednn::params::Params;

use crate::reference::{check_against, check_names};

const FEATURES: [usize; 4] = [4, 8, 16, 32];
const RATES: [usize; 3] = [2, 3, 5];

#[test]
pub(crate) fn outputs_features_gradients_and_running_statistics_are_those_of_torchvision() {
    let resnet = ResNetConfig::resnet50(3)
        .with_blocks([1, 1, 2, 2])
        .with_features(FEATURES)
        .with_dilated([false, true, true], false);
    let config = DeepLabV3Config::new(resnet, 3)
        .with_features(6)
        .with_rates(RATES)
        .with_dropout(0.0)
        .with_auxiliary(true)
        .with_auxiliary_dropout(0.0);
    let network = DeepLabV3::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("deep_lab_v3", &network);
    check_names("deep_lab_v3", &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_segmentation_models() {
    let resnet = ResNetConfig::resnet18(1)
        .with_blocks([1, 1, 1, 2])
        .with_features(FEATURES);
    let config = DeepLabV3PlusConfig::on_resnet(resnet, 3, 2)
        .with_features(6)
        .with_rates(RATES, true)
        .with_dropout(0.0);
    let network = DeepLabV3Plus::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("deep_lab_v3_plus", &network);
    check_names("deep_lab_v3_plus", &network);
}

#[test]
pub(crate) fn a_stride_of_eight_is_that_of_segmentation_models() {
    let resnet = ResNetConfig::resnet50(1)
        .with_blocks([1, 1, 1, 2])
        .with_features(FEATURES)
        .with_dilated([false, true, true], true);
    let config = DeepLabV3PlusConfig::new(resnet, 3)
        .with_features(6)
        .with_rates(RATES, false)
        .with_dropout(0.0);
    assert_eq!(config.divisor(), [8, 8]);
    let network = DeepLabV3Plus::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("deep_lab_v3_plus_8", &network);
    check_names("deep_lab_v3_plus_8", &network);
}

#[test]
fn networks_of_full_size_have_the_references_number_of_parameters() {
    let params = Params::new(1);
    let config = DeepLabV3Config::resnet50(21).with_auxiliary(true);
    medmodels::create(&config.into(), &params).unwrap();
    assert_eq!(params.count(), 42_004_074);
    let params = Params::new(1);
    let config = DeepLabV3PlusConfig::resnet34(3, 1);
    medmodels::create(&config.into(), &params).unwrap();
    assert_eq!(params.count(), 22_437_457);
}
