//! nnU-Net's `ResidualEncoderUNet`, from `res_enc_unet.py`.

use medmodels::res_enc_unet::{ResEncUNet, ResEncUNetConfig};
use mednn::context::Context;
use mednn::model::{Inputs, Model};
use mednn::params::Params;

use crate::reference::{check_against, check_aliases, tensor, values};

fn config_2d() -> ResEncUNetConfig {
    ResEncUNetConfig::nnunet_2d(2, 3, 4)
        .with_features(&[4, 5, 5, 6])
        .and_then(|c| c.with_kernels(&[[3, 3], [3, 3], [1, 3], [3, 3]]))
        .and_then(|c| c.with_strides(&[[1, 1], [2, 2], [2, 1], [2, 2]]))
        // The reference counts its decoder from the lowest resolution up.
        .and_then(|c| c.with_blocks(&[1, 2, 1, 1], &[1, 2, 1]))
        .unwrap()
}

fn config_3d() -> ResEncUNetConfig {
    ResEncUNetConfig::nnunet_3d(1, 2, 3)
        .with_features(&[3, 4, 5])
        .and_then(|c| c.with_kernels(&[[1, 3, 3], [3, 3, 3], [3, 3, 3]]))
        .and_then(|c| c.with_strides(&[[1, 1, 1], [1, 1, 1], [2, 2, 2]]))
        .and_then(|c| c.with_blocks(&[1, 2, 1], &[1, 1]))
        .unwrap()
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_nnunet_in_2d() {
    let network = ResEncUNet::<2>::new(&config_2d(), &Params::new(1)).unwrap();
    check_against("res_enc_unet_2d", &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_nnunet_in_3d() {
    let network = ResEncUNet::<3>::new(&config_3d(), &Params::new(1)).unwrap();
    check_against("res_enc_unet_3d", &network);
}

#[test]
fn checkpoints_with_all_aliases_of_the_reference_load() {
    check_aliases("res_enc_unet_2d", &config_2d().into());
    check_aliases("res_enc_unet_3d", &config_3d().into());
}

#[test]
fn a_new_block_passes_its_input_on() {
    let network = ResEncUNet::<2>::new(&config_2d(), &Params::new(1)).unwrap();
    let names = ["encoder.stem", "encoder.stages.0"];
    let context = Context::evaluate().with_features(names);
    let inputs = Inputs::from(tensor("image", &[1, 2, 24, 20]));
    let features = network.forward(&inputs, &context).unwrap().features;
    let stem = values(&features[names[0]]);
    let expected = stem.iter().map(|&v| if v < 0.0 { 0.01 * v } else { v });
    for (got, expected) in values(&features[names[1]]).into_iter().zip(expected) {
        assert!((got - expected).abs() < 1e-6);
    }
}

#[test]
fn networks_of_full_size_have_nnunets_number_of_parameters() {
    for (config, parameters) in [
        (ResEncUNetConfig::nnunet_3d(1, 2, 4), 25_895_366),
        (ResEncUNetConfig::nnunet_2d(1, 4, 5), 37_717_328),
    ] {
        let params = Params::new(1);
        medmodels::create(&config.into(), &params).unwrap();
        assert_eq!(params.count(), parameters);
    }
}
