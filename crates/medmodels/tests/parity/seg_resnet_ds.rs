//! MONAI's `SegResNetDS`, from `seg_resnet_ds.py`.

use medmodels::seg_resnet_ds::{SegResNetDS, SegResNetDSConfig};
use medmodels::{Nonlinearity, Normalization, Upsampling};
use mednn::params::Params;

use crate::reference::{check_against, check_buffers, check_names};

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_2d() {
    let config = SegResNetDSConfig::new_2d(2, 3)
        .with_filters(4)
        .with_blocks_down(&[1, 2, 1])
        .with_blocks_up(&[1, 2])
        .with_normalization(Normalization::Instance)
        .with_upsampling(Upsampling::Linear);
    let network = SegResNetDS::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("seg_resnet_ds_2d", &network);
    check_names("seg_resnet_ds_2d", &network);
}

#[test]
pub(crate) fn outputs_of_all_heads_gradients_and_running_statistics_are_those_of_monai_in_3d() {
    let config = SegResNetDSConfig::new_3d(1, 2)
        .with_filters(3)
        .with_blocks_down(&[1; 4])
        .with_heads(2)
        .with_activation(Nonlinearity::LeakyRelu { slope: 0.3 })
        .with_spacing(&[5.0, 2.0, 1.0]);
    assert_eq!(config.divisor(), [2, 4, 8]);
    let network = SegResNetDS::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("seg_resnet_ds_3d", &network);
    check_names("seg_resnet_ds_3d", &network);
    check_buffers("seg_resnet_ds_3d", &network);
}

#[test]
fn networks_of_full_size_have_monais_number_of_parameters() {
    let auto3dseg = SegResNetDSConfig::new_3d(1, 2)
        .with_blocks_down(&[1, 2, 2, 4, 4])
        .with_heads(4);
    let params = Params::new(1);
    SegResNetDS::<3>::new(&auto3dseg, &params).unwrap();
    assert_eq!(params.count(), 87_164_200);
    let params = Params::new(1);
    SegResNetDS::<2>::new(&SegResNetDSConfig::new_2d(1, 2), &params).unwrap();
    assert_eq!(params.count(), 6_642_530);
}
