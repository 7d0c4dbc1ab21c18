//! MONAI's `VNet`, from `vnet.py`.

use medmodels::Nonlinearity;
use medmodels::vnet::{VNet, VNetConfig};
use mednn::params::Params;

use crate::reference::{check_against, check_names};

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_2d() {
    let config = VNetConfig::new_2d(2, 3)
        .with_filters(4)
        .with_activation(Nonlinearity::ChannelPrelu { init: 0.25 })
        .with_bias(true)
        .with_dropout(0.0, 0.0, 0.0);
    let network = VNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("vnet_2d", &network);
    check_names("vnet_2d", &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_3d() {
    let config = VNetConfig::new_3d(1, 2)
        .with_filters(2)
        .with_dropout(0.0, 0.0, 0.0);
    let network = VNet::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("vnet_3d", &network);
    check_names("vnet_3d", &network);
}

#[test]
fn networks_of_full_size_have_monais_number_of_parameters() {
    let config =
        VNetConfig::new_2d(4, 3).with_activation(Nonlinearity::ChannelPrelu { init: 0.25 });
    let params = Params::new(1);
    medmodels::create(&config.into(), &params).unwrap();
    assert_eq!(params.count(), 9_364_357);
}
