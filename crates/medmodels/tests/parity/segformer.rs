//! SegFormer of Hugging Face's transformers, from `segformer.py`.

use medmodels::segformer::{SegFormer, SegFormerConfig};
use mednn::params::Params;

use crate::reference::{check_against, check_names};

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_transformers() {
    let config = SegFormerConfig::mit_b0(3)
        .with_in_channels(2)
        .with_features([4, 6, 10, 8], [1, 2, 5, 4])
        .with_depths([2, 1, 1, 2])
        .with_head_features(6)
        .with_dropout(0.0, 0.0, 0.0);
    let network = SegFormer::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("segformer", &network);
    check_names("segformer", &network);
}

#[test]
fn full_networks_have_the_references_number_of_parameters() {
    for (config, parameters) in [
        (SegFormerConfig::mit_b0(150), 3_752_694),
        (SegFormerConfig::mit_b1(150), 13_715_798),
        (SegFormerConfig::mit_b2(150), 27_461_974),
    ] {
        let params = Params::new(1);
        SegFormer::<2>::new(&config, &params).unwrap();
        assert_eq!(params.count(), parameters, "{config:?}");
    }
}
