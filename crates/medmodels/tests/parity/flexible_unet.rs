//! MONAI's `FlexibleUNet`, from `flexible_unet.py`.

use medmodels::Upsampling;
use medmodels::backbone::BackboneConfig;
use medmodels::flexible_unet::{FlexibleUNet, FlexibleUNetConfig};
use mednn::params::Params;

use crate::reference::{check_against, check_buffers, check_names};

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

#[test]
fn networks_of_full_size_have_monais_number_of_parameters() {
    for (backbone, dims, channels, parameters) in [
        ("resnet10", 3, 1, 21_631_554),
        ("resnet18", 2, 3, 13_545_730),
    ] {
        let config = FlexibleUNetConfig::monai(backbone, dims, channels, 2).unwrap();
        let params = Params::new(1);
        medmodels::create(&config.into(), &params).unwrap();
        assert_eq!(params.count(), parameters, "{backbone}");
    }
    assert!(FlexibleUNetConfig::monai("resnet12", 2, 1, 2).is_err());
}
