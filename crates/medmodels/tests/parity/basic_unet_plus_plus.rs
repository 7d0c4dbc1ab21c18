//! MONAI's `BasicUNetPlusPlus`, from `basic_unet_plus_plus.py`.

use medmodels::Normalization;
use medmodels::basic_unet_plus_plus::{BasicUNetPlusPlus, BasicUNetPlusPlusConfig};
use mednn::params::Params;

use crate::reference::{check_against, check_names};

#[test]
pub(crate) fn outputs_of_all_heads_features_and_gradients_are_those_of_monai_in_2d() {
    let config = BasicUNetPlusPlusConfig::new_2d(2, 3)
        .with_features([3, 4, 4, 6, 6, 5])
        .with_deep_supervision(true);
    let network = BasicUNetPlusPlus::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("basic_unet_plus_plus_2d", &network);
    check_names("basic_unet_plus_plus_2d", &network);
}

#[test]
pub(crate) fn outputs_of_all_heads_features_and_gradients_are_those_of_monai_in_3d() {
    let config = BasicUNetPlusPlusConfig::new_3d(1, 2)
        .with_features([3, 3, 4, 4, 6, 2])
        .with_normalization(Normalization::Group { groups: 1 })
        .with_bias(false)
        .with_deep_supervision(true);
    let network = BasicUNetPlusPlus::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("basic_unet_plus_plus_3d", &network);
    check_names("basic_unet_plus_plus_3d", &network);
}

#[test]
fn networks_of_full_size_have_monais_number_of_parameters() {
    let params = Params::new(1);
    let config = BasicUNetPlusPlusConfig::new_3d(1, 2);
    medmodels::create(&config.into(), &params).unwrap();
    assert_eq!(params.count(), 6_979_976);
}
