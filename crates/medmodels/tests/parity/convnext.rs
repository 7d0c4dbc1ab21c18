//! `ConvNeXt` of torchvision and timm, from `convnext.py`.

use medmodels::convnext::{ConvNeXt, ConvNeXtConfig};
use mednn::params::Params;

use crate::reference::{check_against, check_names};

fn check(stem: &str, config: ConvNeXtConfig) {
    let config = config
        .with_blocks([1, 2, 2, 1])
        .with_features([8, 12, 16, 20])
        .with_dropout(0.0, 0.0);
    let network = ConvNeXt::new(&config, &Params::new(1)).unwrap();
    check_names(stem, &network);
    check_against(stem, &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_torchvision() {
    check("convnext_2d", ConvNeXtConfig::tiny(5));
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_timm() {
    let config = ConvNeXtConfig::tiny(5).timm().with_in_channels(2);
    check("convnext_timm", config);
}

#[test]
fn full_networks_have_the_references_number_of_parameters() {
    for (config, parameters) in [
        (ConvNeXtConfig::tiny(1000), 28_589_128),
        (ConvNeXtConfig::small(1000).timm(), 50_223_688),
        (ConvNeXtConfig::base(1000), 88_591_464),
    ] {
        let params = Params::new(1);
        medmodels::create(&config.clone().into(), &params).unwrap();
        assert_eq!(params.count(), parameters, "{config:?}");
    }
}
