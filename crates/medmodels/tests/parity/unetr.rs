//! MONAI's `UNETR`, from `unetr.py`.

use medmodels::Normalization;
use medmodels::unetr::{UNETR, UNETRConfig};
use medmodels::vit::PatchEmbedding;
use mednn::params::Params;

use crate::reference::{check_against, check_names};

fn check<const D: usize>(stem: &str, config: &UNETRConfig) {
    let network = UNETR::<D>::new(config, &Params::new(1)).unwrap();
    check_against(stem, &network);
    check_names(stem, &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_2d() {
    let config = UNETRConfig::new(2, 3, &[32, 48])
        .with_filters(3)
        .with_features(12, 20, 3);
    check::<2>("unetr_2d", &config);
    let config = UNETRConfig::new(1, 3, &[48, 32])
        .with_filters(2)
        .with_features(12, 20, 3)
        .with_normalization(Normalization::Batch)
        .with_blocks(false, false);
    check::<2>("unetr_2d_plain", &config);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_3d() {
    let config = UNETRConfig::new(1, 3, &[32, 16, 48])
        .with_filters(2)
        .with_features(12, 20, 3)
        .with_patch_embedding(PatchEmbedding::Perceptron)
        .with_qkv_bias(true)
        .with_blocks(true, false);
    check::<3>("unetr_3d", &config);
}

#[test]
fn the_network_of_full_size_has_monais_number_of_parameters() {
    let config = UNETRConfig::new(1, 14, &[96; 3]);
    let params = Params::new(1);
    UNETR::<3>::new(&config, &params).unwrap();
    assert_eq!(params.count(), 92_784_046);
}
