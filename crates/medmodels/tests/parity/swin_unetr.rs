//! MONAI's `SwinUNETR`, from `swin_unetr.py`.

use medmodels::Normalization;
use medmodels::swin_unetr::{SwinMerging, SwinUNETR, SwinUNETRConfig};
use mednn::params::Params;

use crate::reference::{check_against, check_names};

fn check<const D: usize>(stem: &str, config: SwinUNETRConfig) {
    let mut config = config
        .with_filters(12)
        .with_stages([2, 2, 1, 2], [3, 4, 6, 2]);
    config.mlp_ratio = 2;
    let network = SwinUNETR::<D>::new(&config, &Params::new(1)).unwrap();
    check_against(stem, &network);
    check_names(stem, &network);
}

#[test]
fn outputs_features_and_gradients_are_those_of_monai_in_2d() {
    let config = SwinUNETRConfig::new_2d(2, 3)
        .with_window(&[7, 5])
        .with_normalized_stages(false)
        .with_normalization(Normalization::Batch);
    check::<2>("swin_unetr_2d", config);
}

#[test]
fn outputs_features_and_gradients_are_those_of_monai_in_3d() {
    let config = SwinUNETRConfig::new_3d(1, 3).with_qkv_bias(false);
    check::<3>("swin_unetr_3d", config);
}

#[test]
fn convolutions_in_front_of_stages_are_those_of_monai() {
    let config = SwinUNETRConfig::new_2d(1, 3)
        .with_window(&[3, 4])
        .with_convolutions(true);
    check::<2>("swin_unetr_v2", config);
}

#[test]
fn tokens_can_be_merged_in_storage_order() {
    let config = SwinUNETRConfig::new_3d(1, 3)
        .with_window(&[3, 4, 5])
        .with_merging(SwinMerging::MergingV2);
    check::<3>("swin_unetr_merging_v2", config);
}

#[test]
fn tokens_can_be_merged_as_monai_did_before_version_1_5() {
    let config = SwinUNETRConfig::new_3d(1, 3)
        .with_window(&[2; 3])
        .with_merging(SwinMerging::LegacyMerging);
    check::<3>("swin_unetr_legacy", config);
}

#[test]
fn networks_of_full_size_have_monais_number_of_parameters() {
    let organs = SwinUNETRConfig::new_3d(1, 14);
    for (config, parameters) in [
        (organs.clone().with_filters(48), 62_187_296),
        (organs.with_convolutions(true), 18_347_144),
        (SwinUNETRConfig::new_2d(1, 14).with_filters(48), 25_138_568),
    ] {
        let params = Params::new(1);
        medmodels::create(&config.clone().into(), &params).unwrap();
        assert_eq!(params.count(), parameters, "{config:?}");
    }
}
