//! MeshNet as a sequence of MONAI's convolutions, from `mesh_net.py`.

use medmodels::mesh_net::{MeshNet, MeshNetConfig};
use mednn::params::Params;

use crate::reference::{check_against, check_buffers, check_names};

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_the_sequence_in_2d() {
    let config = MeshNetConfig::new_2d(2, 3)
        .with_features(5)
        .with_dilations(&MeshNetConfig::symmetric_3d(1, 2).dilations);
    let network = MeshNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("mesh_net_2d", &network);
    check_names("mesh_net_2d", &network);
    check_buffers("mesh_net_2d", &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_the_sequence_in_3d() {
    let config = MeshNetConfig::new_3d(1, 2).with_features(4);
    let network = MeshNet::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("mesh_net_3d", &network);
    check_names("mesh_net_3d", &network);
}

#[test]
fn networks_have_the_number_of_parameters_that_was_published() {
    for (features, parameters) in [(5, 5_682), (16, 56_194), (26, 147_474)] {
        let config = MeshNetConfig::symmetric_3d(1, 2).with_features(features);
        let params = Params::new(1);
        medmodels::create(&config.into(), &params).unwrap();
        assert_eq!(params.count(), parameters);
    }
}
