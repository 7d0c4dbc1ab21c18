//! MONAI's `SwinUNETR`, from `swin_unetr.py`.

use std::collections::BTreeMap;
use std::path::Path;

use medmodels::Normalization;
use medmodels::swin_unetr::{SwinMerging, SwinUNETR, SwinUNETRConfig};
use medmodels::weights::names;
use mednn::candle_core::DType;
use mednn::context::Context;
use mednn::model::{Inputs, Model as _};
use mednn::params::{LoadPolicy, Params};

use crate::reference::{Fixture, check_against, check_names, fill, parameter_value, tensor};

fn small(config: SwinUNETRConfig) -> SwinUNETRConfig {
    let mut config = config
        .with_filters(12)
        .with_stages([2, 2, 1, 2], [3, 4, 6, 2]);
    config.mlp_ratio = 2;
    config
}

fn check<const D: usize>(stem: &str, config: SwinUNETRConfig) {
    let config = small(config);
    let network = SwinUNETR::<D>::new(&config, &Params::new(1)).unwrap();
    check_against(stem, &network);
    check_names(stem, &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_2d() {
    let config = SwinUNETRConfig::new_2d(2, 3)
        .with_window(&[7, 5])
        .with_normalized_stages(false)
        .with_normalization(Normalization::Batch);
    check::<2>("swin_unetr_2d", config);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai_in_3d() {
    let config = SwinUNETRConfig::new_3d(1, 3).with_qkv_bias(false);
    check::<3>("swin_unetr_3d", config);
}

#[test]
pub(crate) fn convolutions_in_front_of_stages_are_those_of_monai() {
    let config = SwinUNETRConfig::new_2d(1, 3)
        .with_window(&[3, 4])
        .with_convolutions(true);
    check::<2>("swin_unetr_v2", config);
}

#[test]
pub(crate) fn tokens_can_be_merged_in_storage_order() {
    let config = SwinUNETRConfig::new_3d(1, 3)
        .with_window(&[3, 4, 5])
        .with_merging(SwinMerging::MergingV2);
    check::<3>("swin_unetr_merging_v2", config);
}

#[test]
pub(crate) fn tokens_can_be_merged_as_monai_did_before_version_1_5() {
    let config = SwinUNETRConfig::new_3d(1, 3)
        .with_window(&[2; 3])
        .with_merging(SwinMerging::LegacyMerging);
    check::<3>("swin_unetr_legacy", config);
}

#[test]
pub(crate) fn transformers_trained_without_labels_load_as_monai_loads_them() {
    let config = small(SwinUNETRConfig::new_2d(1, 3).with_window(&[3, 4]));
    for stem in ["swin_unetr_rotations", "swin_unetr_disruptive"] {
        let fixture = Fixture::load(stem);
        let network = SwinUNETR::<2>::new(&config, &Params::new(1)).unwrap();
        fill(&network);
        let names = names::wrappers().then(names::monai_swin_vit());
        let own = network.params().snapshot().unwrap();
        let mut file = BTreeMap::new();
        for name in &fixture.state_dict {
            let value = match own.get(&names.apply(name)) {
                Some(index) if index.dtype() == DType::I64 => index.clone(),
                Some(value) => parameter_value(name, value.dims()),
                None => parameter_value(name, &[3]),
            };
            file.insert(name.clone(), value);
        }
        let policy = LoadPolicy::strict()
            .with_names(names)
            .with_missing_allowed("encoder*.layer.**")
            .with_missing_allowed("decoder*.**")
            .with_missing_allowed("out.**")
            .with_unexpected_allowed("encoder.**");
        let report = { network.params() }.load_tensors(Path::new(stem), file, &policy);
        let report = report.unwrap();
        let transformer = own.keys().filter(|name| name.starts_with("swinViT."));
        assert!(report.loaded.iter().eq(transformer), "{report}");
        let inputs = Inputs::from(tensor("image", &fixture.shape));
        let outputs = network.forward(&inputs, &Context::evaluate()).unwrap();
        fixture.check("output.0", &outputs.logits, 1e-4, 0.0);
    }
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
