//! MONAI's `FlexibleUNet`, from `flexible_unet.py`.

use medmodels::Upsampling;
use medmodels::backbone::BackboneConfig;
use medmodels::flexible_unet::{FlexibleUNet, FlexibleUNetConfig};
use mednn::params::{Init, LoadPolicy, Params};

use crate::reference::{Fixture, check_against, check_buffers, check_names};

/// MONAI's network on a backbone with fewer blocks and features.
fn small(
    mut config: FlexibleUNetConfig,
    blocks: [usize; 4],
    features: [usize; 4],
) -> FlexibleUNetConfig {
    let BackboneConfig::ResNet(encoder) = &config.encoder else {
        panic!("{config:?} is not on a ResNet");
    };
    let encoder = encoder.clone().with_blocks(blocks).with_features(features);
    config.encoder = encoder.into();
    config
}

#[test]
pub(crate) fn outputs_features_gradients_and_running_statistics_are_those_of_monai_in_2d() {
    let config = FlexibleUNetConfig::monai("resnet10", 2, 3, 2).unwrap();
    let config = small(config, [1, 2, 1, 1], [4, 6, 8, 10]).with_decoder_channels(&[8, 6, 6, 4, 3]);
    let network = FlexibleUNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("flexible_unet_2d", &network);
    check_names("flexible_unet_2d", &network);
    check_buffers("flexible_unet_2d", &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_3d() {
    let config = FlexibleUNetConfig::monai("resnet50", 3, 1, 3).unwrap();
    let config = small(config, [1; 4], [2, 2, 3, 3])
        .with_decoder_channels(&[6, 4, 4, 3, 2])
        .with_upsampling(Upsampling::Transposed);
    let network = FlexibleUNet::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("flexible_unet_3d", &network);
    check_names("flexible_unet_3d", &network);
}

#[test]
pub(crate) fn linear_upsampling_is_that_of_monai() {
    let config = FlexibleUNetConfig::monai("resnet10", 2, 1, 2).unwrap();
    let config = small(config, [1; 4], [4, 4, 6, 6])
        .with_decoder_channels(&[6, 4, 4, 3, 2])
        .with_upsampling(Upsampling::Linear);
    let network = FlexibleUNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("flexible_unet_linear", &network);
}

/// MONAI's network on its smallest EfficientNet with fewer blocks and features, nothing dropped.
fn on_efficientnet(backbone: &str, dims: usize, channels: usize) -> FlexibleUNetConfig {
    let mut config = FlexibleUNetConfig::monai(backbone, dims, channels, 3).unwrap();
    let BackboneConfig::EfficientNet(encoder) = &config.encoder else {
        panic!("{config:?} is not on an EfficientNet");
    };
    let encoder = encoder.clone().with_factors(0.125, 0.3);
    config.encoder = encoder.with_dropout(0.0, 0.0).into();
    config
}

/// MONAI's names but for the layers behind the last stage, which it holds and does not run; files with them load.
fn check_names_but_for_the_head(stem: &str, config: FlexibleUNetConfig) {
    let params = Params::new(1);
    let config = config.into();
    medmodels::create(&config, &params).unwrap();
    let state_dict = Fixture::load(stem).state_dict;
    let unused = |name: &String| {
        let behind = ["encoder._conv_head.", "encoder._bn1.", "encoder._fc."];
        behind.iter().any(|prefix| name.starts_with(prefix))
    };
    let (held, mut used): (Vec<String>, Vec<String>) = state_dict.into_iter().partition(unused);
    used.sort();
    assert_eq!(params.names(), used);
    assert_eq!(held.len(), 8, "{held:?}");

    let file = Params::new(0);
    let path = file.root();
    for name in &held {
        path.parameter(name, &[1], Init::ZEROS).unwrap();
    }
    medmodels::create(&config, &file).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.safetensors");
    file.save_safetensors(&path).unwrap();
    assert!(
        params
            .load_safetensors(&path, &LoadPolicy::strict())
            .is_err()
    );
    let report = params
        .load_safetensors(&path, &config.load_policy())
        .unwrap();
    assert_eq!(report.loaded.len(), used.len());
}

#[test]
pub(crate) fn on_an_efficientnet_it_is_that_of_monai_in_2d() {
    let config = on_efficientnet("efficientnet-b0", 2, 3).with_decoder_channels(&[8, 6, 6, 4, 3]);
    let network = FlexibleUNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("flexible_unet_efficientnet", &network);
    check_names_but_for_the_head("flexible_unet_efficientnet", config);
}

#[test]
pub(crate) fn on_an_efficientnet_it_is_that_of_monai_in_3d() {
    let config = on_efficientnet("efficientnet-b1", 3, 1).with_decoder_channels(&[6, 4, 4, 3, 2]);
    let network = FlexibleUNet::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("flexible_unet_efficientnet_3d", &network);
    check_names_but_for_the_head("flexible_unet_efficientnet_3d", config);
}

/// Without those of the layers that it does not run.
#[test]
fn networks_of_full_size_have_monais_number_of_parameters() {
    for (backbone, dims, channels, parameters) in [
        ("resnet10", 3, 1, 21_631_554),
        ("resnet18", 2, 3, 13_545_730),
        ("efficientnet-b0", 2, 3, 5_367_262),
        ("efficientnet-b1", 2, 3, 7_872_898),
        ("efficientnet-b2", 2, 3, 9_049_716),
        ("efficientnet-b3", 2, 3, 12_042_922),
        ("efficientnet-b4", 2, 3, 18_846_698),
        ("efficientnet-b5", 2, 3, 29_547_762),
        ("efficientnet-b6", 2, 3, 41_839_034),
        ("efficientnet-b7", 2, 3, 64_760_274),
        ("efficientnet-b8", 2, 3, 85_410_768),
    ] {
        let config = FlexibleUNetConfig::monai(backbone, dims, channels, 2).unwrap();
        let params = Params::new(1);
        medmodels::create(&config.into(), &params).unwrap();
        assert_eq!(params.count(), parameters, "{backbone}");
    }
    FlexibleUNetConfig::monai("efficientnet-l2", 2, 3, 2)
        .and_then(|config| config.check())
        .unwrap();
    assert!(FlexibleUNetConfig::monai("resnet12", 2, 1, 2).is_err());
}
