//! nnU-Net's `PlainConvUNet`, from `plain_conv_unet.py`.

use medmodels::plain_conv_unet::{PlainConvUNet, PlainConvUNetConfig};
use mednn::params::Params;

use crate::reference::{check_against, check_aliases};

fn config_2d() -> PlainConvUNetConfig {
    PlainConvUNetConfig::nnunet_2d(2, 3, 4)
        .with_features(&[4, 5, 6, 8])
        .and_then(|c| c.with_kernels(&[[3, 3], [3, 3], [1, 3], [3, 3]]))
        .and_then(|c| c.with_strides(&[[1, 1], [2, 2], [2, 1], [2, 2]]))
        // The reference counts its decoder from the lowest resolution up.
        .and_then(|c| c.with_convs(&[2, 1, 2, 2], &[1, 2, 1]))
        .unwrap()
}

fn config_3d() -> PlainConvUNetConfig {
    PlainConvUNetConfig::nnunet_3d(1, 2, 4)
        .with_features(&[3, 4, 5, 6])
        .and_then(|c| c.with_kernels(&[[1, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]]))
        .and_then(|c| c.with_strides(&[[1, 1, 1], [1, 2, 2], [2, 2, 2], [2, 2, 2]]))
        .and_then(|c| c.with_convs(&[2, 2, 1, 2], &[2, 1, 2]))
        .unwrap()
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_nnunet_in_2d() {
    let network = PlainConvUNet::<2>::new(&config_2d(), &Params::new(1)).unwrap();
    check_against("plain_conv_unet_2d", &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_nnunet_in_3d() {
    let network = PlainConvUNet::<3>::new(&config_3d(), &Params::new(1)).unwrap();
    check_against("plain_conv_unet_3d", &network);
}

#[test]
fn a_checkpoint_with_all_aliases_of_the_reference_loads() {
    check_aliases("plain_conv_unet_3d", &config_3d().into());
}

#[test]
fn nnunets_weights_have_its_spread_and_its_biases_are_zero() {
    let params = Params::new(3);
    PlainConvUNet::<3>::new(&PlainConvUNetConfig::nnunet_3d(1, 2, 3), &params).unwrap();
    let weight = params
        .tensor("encoder.stages.2.0.convs.1.conv.weight")
        .unwrap();
    let values = weight.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / values.len() as f64;
    let expected = 2.0 / (1.0001 * 128.0 * 27.0);
    assert!((variance / expected - 1.0).abs() < 0.02);
    for name in ["decoder.transpconvs.0.bias", "decoder.seg_layers.1.bias"] {
        let bias = params.tensor(name).unwrap().to_vec1::<f32>().unwrap();
        assert!(bias.iter().all(|&b| b == 0.0), "{name}");
    }
}
