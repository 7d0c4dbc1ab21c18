//! MONAI's `AttentionUnet`, from `attention_unet.py`.

use medmodels::attention_unet::{AttentionUnet, AttentionUnetConfig};
use mednn::params::Params;

use crate::reference::{check_against, check_buffers, check_names};

#[test]
pub(crate) fn outputs_features_gradients_and_running_statistics_are_those_of_monai_in_2d() {
    let config = AttentionUnetConfig::new_2d(2, 3, &[4, 5, 6, 8])
        .with_strides(&[[2, 1], [1, 2], [2, 2]])
        .with_kernel([3, 5])
        .with_up_kernel([5, 3]);
    let network = AttentionUnet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("attention_unet_2d", &network);
    check_names("attention_unet_2d", &network);
    check_buffers("attention_unet_2d", &network);
}

#[test]
pub(crate) fn outputs_features_gradients_and_running_statistics_are_those_of_monai_in_3d() {
    let config = AttentionUnetConfig::new_3d(1, 2, &[2, 3, 4, 5]);
    let network = AttentionUnet::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("attention_unet_3d", &network);
    check_names("attention_unet_3d", &network);
    check_buffers("attention_unet_3d", &network);
}

#[test]
fn a_network_of_full_size_has_monais_number_of_parameters() {
    let config = AttentionUnetConfig::new_3d(1, 2, &[32, 64, 128, 256]);
    let params = Params::new(1);
    AttentionUnet::<3>::new(&config, &params).unwrap();
    assert_eq!(params.count(), 5_860_734);
}
