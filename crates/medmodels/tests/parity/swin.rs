//! Swin transformers of torchvision and timm, from `swin.py`.

use medmodels::swin::{Swin, SwinConfig, SwinConvention};
use mednn::params::Params;

use crate::reference::{Fixture, check_against, check_names};

fn small(config: SwinConfig) -> SwinConfig {
    config
        .with_stages(8, &[2, 2, 1, 2], &[2, 4, 4, 2])
        .with_dropout(0.0, 0.0)
}

fn check(stem: &str, config: &SwinConfig) {
    let network = Swin::new(config, &Params::new(1)).unwrap();
    check_against(stem, &network);
    check_names(stem, &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_torchvision() {
    let config = small(SwinConfig::swin_t(5)).with_window([3, 4]);
    check("swin_torchvision", &config);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_timm() {
    let config = small(SwinConfig::swin_tiny_patch4_window7_224(5))
        .with_window([3, 3])
        .with_in_channels(1)
        .with_convention(SwinConvention::Timm {
            image_size: [96, 192],
        });
    check("swin_timm", &config);
}

#[test]
pub(crate) fn the_second_version_is_that_of_torchvision() {
    let config = small(SwinConfig::swin_v2_t(5)).with_window([3, 4]);
    check("swin_v2_torchvision", &config);
}

#[test]
pub(crate) fn the_second_version_is_that_of_timm() {
    let config = small(SwinConfig::swinv2_tiny_window8_256(5))
        .with_window([3, 3])
        .with_in_channels(1)
        .with_convention(SwinConvention::Timm {
            image_size: [96, 192],
        });
    check("swin_v2_timm", &config);
}

#[test]
fn the_places_that_torchvision_keeps_have_its_shape_and_values() {
    let config = small(SwinConfig::swin_v2_t(5)).with_window([3, 4]);
    let params = Params::new(1);
    Swin::new(&config, &params).unwrap();
    let name = "features.1.0.attn.relative_coords_table";
    let places = params.tensor(name).unwrap();
    assert_eq!(places.dims(), [1, 5, 7, 2]);
    Fixture::load("swin_v2_torchvision").check("places", &places, 1e-6, 0.0);
}

#[test]
fn full_networks_have_the_references_number_of_parameters() {
    for (config, parameters) in [
        (SwinConfig::swin_t(1000), 28_288_354),
        (SwinConfig::swin_tiny_patch4_window7_224(1000), 28_288_354),
        (SwinConfig::swin_b(1000), 87_768_224),
        (SwinConfig::swin_v2_t(1000), 28_351_570),
    ] {
        let params = Params::new(1);
        Swin::new(&config, &params).unwrap();
        assert_eq!(params.count(), parameters, "{config:?}");
    }
}
