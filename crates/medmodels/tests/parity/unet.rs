//! MONAI's `UNet`, from `unet.py`.

use medmodels::unet::{UNet, UNetConfig};
use medmodels::{AdnStep, Nonlinearity, Normalization};
use mednn::params::Params;

use crate::reference::{check_against, check_buffers, check_names};

fn residual_2d() -> UNetConfig {
    UNetConfig::new_2d(2, 3, &[4, 5, 6, 8])
        .with_strides(&[[2, 1], [1, 2], [2, 2]])
        .with_kernel([3, 5])
        .with_up_kernel([5, 3])
        .with_res_units(2)
}

fn residual_3d() -> UNetConfig {
    UNetConfig::new_3d(1, 2, &[3, 4, 5, 6])
        .with_res_units(1)
        .with_normalization(Normalization::Batch)
}

fn plain_2d() -> UNetConfig {
    UNetConfig::new_2d(1, 2, &[4, 6, 6, 8])
        .with_activation(Nonlinearity::LeakyRelu { slope: 0.2 })
        .with_normalization(Normalization::Group { groups: 2 })
        .with_order(&[AdnStep::Activation, AdnStep::Normalization])
        .with_bias(false)
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_2d() {
    let network = UNet::<2>::new(&residual_2d(), &Params::new(1)).unwrap();
    check_against("unet_2d", &network);
    check_names("unet_2d", &network);
}

#[test]
pub(crate) fn outputs_features_gradients_and_running_statistics_are_those_of_monai_in_3d() {
    let network = UNet::<3>::new(&residual_3d(), &Params::new(1)).unwrap();
    check_against("unet_3d", &network);
    check_names("unet_3d", &network);
    check_buffers("unet_3d", &network);
}

#[test]
pub(crate) fn without_residual_units_it_is_that_of_monai() {
    let network = UNet::<2>::new(&plain_2d(), &Params::new(1)).unwrap();
    check_against("unet_plain", &network);
    check_names("unet_plain", &network);
}

#[test]
fn networks_of_full_size_have_monais_number_of_parameters() {
    let channels = [16, 32, 64, 128, 256];
    let spleen = UNetConfig::new_3d(1, 2, &channels)
        .with_res_units(2)
        .with_normalization(Normalization::Batch);
    let params = Params::new(1);
    UNet::<3>::new(&spleen, &params).unwrap();
    assert_eq!(params.count(), 4_808_917);
    let params = Params::new(1);
    UNet::<2>::new(&UNetConfig::new_2d(1, 2, &channels), &params).unwrap();
    assert_eq!(params.count(), 660_282);
}
