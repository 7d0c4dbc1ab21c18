//! MONAI's `SegResNet`, from `seg_resnet.py`.

use medmodels::seg_resnet::{SegResNet, SegResNetConfig};
use medmodels::{Nonlinearity, Normalization, Upsampling};
use mednn::params::Params;

use crate::reference::{check_against, check_buffers, check_names};

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_2d() {
    let config = SegResNetConfig::new_2d(2, 3).with_blocks(&[1, 2, 1], &[1, 2]);
    let network = SegResNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("seg_resnet_2d", &network);
    check_names("seg_resnet_2d", &network);
}

#[test]
pub(crate) fn outputs_features_gradients_and_running_statistics_are_those_of_monai_in_3d() {
    let config = SegResNetConfig::new_3d(1, 2)
        .with_filters(3)
        .with_blocks(&[1, 1, 2], &[1, 1])
        .with_normalization(Normalization::Batch)
        .with_activation(Nonlinearity::LeakyRelu { slope: 0.3 })
        .with_upsampling(Upsampling::Transposed);
    let network = SegResNet::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("seg_resnet_3d", &network);
    check_names("seg_resnet_3d", &network);
    check_buffers("seg_resnet_3d", &network);
}

#[test]
fn networks_of_full_size_have_monais_number_of_parameters() {
    let brats = SegResNetConfig::new_3d(4, 3).with_filters(16);
    let params = Params::new(1);
    SegResNet::<3>::new(&brats, &params).unwrap();
    assert_eq!(params.count(), 4_702_227);
    let params = Params::new(1);
    SegResNet::<2>::new(&SegResNetConfig::new_2d(1, 2), &params).unwrap();
    assert_eq!(params.count(), 394_986);
}
