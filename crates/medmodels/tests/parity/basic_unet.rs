//! MONAI's `BasicUNet`, from `basic_unet.py`.

use medmodels::basic_unet::{BasicUNet, BasicUNetConfig};
use medmodels::{Nonlinearity, Normalization};
use mednn::params::Params;

use crate::reference::{check_against, check_buffers, check_names};

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_2d() {
    let config = BasicUNetConfig::new_2d(2, 3).with_features([4, 3, 5, 6, 8, 3]);
    let network = BasicUNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("basic_unet_2d", &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_3d() {
    let config = BasicUNetConfig::new_3d(1, 2)
        .with_features([2, 3, 4, 5, 6, 3])
        .with_activation(Nonlinearity::LeakyRelu { slope: 0.8 });
    let network = BasicUNet::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("basic_unet_3d", &network);
}

#[test]
pub(crate) fn group_normalisation_is_that_of_monai() {
    let config = BasicUNetConfig::new_2d(1, 2)
        .with_features([2, 4, 4, 6, 8, 4])
        .with_normalization(Normalization::Group { groups: 2 });
    let network = BasicUNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("basic_unet_group_norm", &network);
}

#[test]
pub(crate) fn batch_normalisation_and_its_running_statistics_are_those_of_monai() {
    let config = BasicUNetConfig::new_2d(1, 2)
        .with_features([2, 4, 4, 6, 8, 4])
        .with_normalization(Normalization::Batch)
        .with_activation(Nonlinearity::Relu)
        .with_bias(false);
    let network = BasicUNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("basic_unet_batch_norm", &network);
    check_buffers("basic_unet_batch_norm", &network);
}

#[test]
fn names_are_those_of_monais_state_dictionary() {
    for (stem, config) in [
        (
            "basic_unet_batch_norm",
            BasicUNetConfig::new_2d(1, 2)
                .with_normalization(Normalization::Batch)
                .with_bias(false),
        ),
        ("basic_unet_3d", BasicUNetConfig::new_2d(1, 2)),
    ] {
        let network = BasicUNet::<2>::new(&config, &Params::new(1)).unwrap();
        check_names(stem, &network);
    }
}

#[test]
fn the_default_network_has_monais_number_of_parameters() {
    let params = Params::new(1);
    BasicUNet::<3>::new(&BasicUNetConfig::new_3d(1, 2), &params).unwrap();
    assert_eq!(params.count(), 5_749_410);
}
