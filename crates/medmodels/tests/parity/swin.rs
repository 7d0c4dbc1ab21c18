//! Swin transformers of torchvision and timm, from `swin.py`.

use std::path::Path;

use medmodels::Architecture;
use medmodels::swin::{Swin, SwinConfig, SwinConvention};
use mednn::context::Context;
use mednn::model::{Inputs, Model};
use mednn::params::{LoadPolicy, Params};

use crate::reference::{FORWARD, Fixture, check_against, check_names, fill, tensor, values};

fn small(config: SwinConfig) -> SwinConfig {
    config
        .with_stages(8, &[2, 2, 1, 2], &[2, 4, 4, 2])
        .with_dropout(0.0, 0.0)
}

fn check(stem: &str, config: &SwinConfig) {
    let network = Swin::new(config, &Params::new(1)).unwrap();
    check_against(stem, &network);
    check_names(stem, &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_torchvision() {
    let config = small(SwinConfig::swin_t(5)).with_window([3, 4]);
    check("swin_torchvision", &config);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_timm() {
    let config = small(SwinConfig::swin_tiny_patch4_window7_224(5))
        .with_window([3, 3])
        .with_in_channels(1)
        .with_convention(SwinConvention::Timm {
            image_size: [96, 192],
        });
    check("swin_timm", &config);
}

#[test]
pub(crate) fn the_second_version_is_that_of_torchvision() {
    let config = small(SwinConfig::swin_v2_t(5)).with_window([3, 4]);
    check("swin_v2_torchvision", &config);
}

#[test]
pub(crate) fn the_second_version_is_that_of_timm() {
    let config = small(SwinConfig::swinv2_tiny_window8_256(5))
        .with_window([3, 3])
        .with_in_channels(1)
        .with_convention(SwinConvention::Timm {
            image_size: [96, 192],
        });
    check("swin_v2_timm", &config);
}

/// As in `swin.py`, with windows that were others before.
fn grown() -> SwinConfig {
    small(SwinConfig::swinv2_base_window12to16_192to256(5))
        .with_window([3, 5])
        .with_pretrained_windows(&[[2, 4], [3, 7], [2, 2], [5, 3]])
        .with_in_channels(1)
        .with_convention(SwinConvention::Timm {
            image_size: [96, 160],
        })
}

#[test]
pub(crate) fn places_in_windows_of_another_size_than_before_are_those_of_timm() {
    check("swin_v2_pretrained", &grown());
}

#[test]
fn a_file_of_smaller_windows_loads_and_what_it_computed_from_them_is_not_read() {
    // The network that was trained before, and what its file holds as Microsoft writes it.
    let before = grown()
        .with_pretrained_windows(&[])
        .with_window([2, 4])
        .with_convention(SwinConvention::Timm {
            image_size: [64, 128],
        });
    let network = Swin::new(&before, &Params::new(1)).unwrap();
    fill(&network);
    let mut file = network.params().snapshot().unwrap();
    for (name, shape) in [
        (
            "layers.0.blocks.0.attn.relative_coords_table",
            &[1, 3, 7, 2][..],
        ),
        ("layers.0.blocks.0.attn.relative_position_index", &[8, 8]),
        ("layers.0.blocks.1.attn_mask", &[64, 8, 8]),
    ] {
        file.insert(name.to_owned(), tensor(name, shape));
    }
    let path = Path::new("smaller windows");
    let params = Params::new(2);
    let grown = grown();
    let network = Swin::new(&grown, &params).unwrap();
    let strict = params.load_tensors(path, file.clone(), &LoadPolicy::strict());
    assert!(strict.is_err());
    let report = params.load_tensors(path, file.clone(), &grown.load_policy());
    assert_eq!(report.unwrap().unexpected.len(), 3);
    let fixture = Fixture::load("swin_v2_pretrained");
    let image = Inputs::from(tensor("image", &fixture.shape));
    let outputs = network.forward(&image, &Context::evaluate()).unwrap();
    fixture.check("output.0", &outputs.logits, FORWARD, 0.0);
    // Without the windows of before the places are others, and so are the logits.
    let forgotten = grown.clone().with_pretrained_windows(&[]);
    let network = Swin::new(&forgotten, &Params::new(2)).unwrap();
    let policy = forgotten.load_policy();
    network.params().load_tensors(path, file, &policy).unwrap();
    let other = network.forward(&image, &Context::evaluate()).unwrap();
    assert!(values(&other.logits) != values(&outputs.logits));
}

#[test]
fn a_file_of_torchvision_with_other_windows_keeps_the_tables_of_the_network() {
    let of = |window| small(SwinConfig::swin_v2_t(5)).with_window(window);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("before.safetensors");
    let before = Swin::new(&of([3, 4]), &Params::new(1)).unwrap();
    fill(&before);
    before.params().save_safetensors(&path).unwrap();
    let config = of([4, 5]).with_pretrained_windows(&[[3, 4]; 4]);
    let params = Params::new(2);
    Swin::new(&config, &params).unwrap();
    let computed = |name: &String| name.contains(".relative_");
    let tables = |params: &Params| {
        let mut tables = params.snapshot().unwrap();
        tables.retain(|name, _| computed(name));
        tables
            .into_values()
            .map(|table| values(&table))
            .collect::<Vec<_>>()
    };
    let own = tables(&params);
    assert!(
        params
            .load_safetensors(&path, &LoadPolicy::strict())
            .is_err()
    );
    let report = params
        .load_safetensors(&path, &config.load_policy())
        .unwrap();
    // Two tables of each of seven blocks, and nothing else.
    assert_eq!(report.misshapen.len(), 14);
    assert!(
        report
            .misshapen
            .iter()
            .all(|misshapen| computed(&misshapen.name))
    );
    assert_eq!(report.loaded.len(), before.params().names().len() - 14);
    assert_eq!(tables(&params), own);
    // A trained bias for each difference of places cannot be taken over so.
    let first = |window| small(SwinConfig::swin_t(5)).with_window(window);
    Swin::new(&first([3, 4]), &Params::new(1))
        .unwrap()
        .params()
        .save_safetensors(&path)
        .unwrap();
    let params = Params::new(2);
    Swin::new(&first([4, 5]), &params).unwrap();
    let refused = params.load_safetensors(&path, &first([4, 5]).load_policy());
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("relative_position_bias_table")
    );
}

#[test]
fn windows_of_before_that_are_those_of_now_change_nothing() {
    let config = small(SwinConfig::swin_v2_t(5)).with_window([3, 4]);
    let logits = |config: &SwinConfig| {
        let network = Swin::new(config, &Params::new(1)).unwrap();
        fill(&network);
        let image = Inputs::from(tensor("image", &[2, 3, 29, 38]));
        let outputs = network.forward(&image, &Context::evaluate()).unwrap();
        values(&outputs.logits)
    };
    let same = config.clone().with_pretrained_windows(&[[3, 4]; 4]);
    assert_eq!(logits(&same), logits(&config));
    let other = config.clone().with_pretrained_windows(&[[3, 5]; 4]);
    assert_ne!(logits(&other), logits(&config));
}

#[test]
fn the_places_that_torchvision_keeps_have_its_shape_and_values() {
    let config = small(SwinConfig::swin_v2_t(5)).with_window([3, 4]);
    let params = Params::new(1);
    Swin::new(&config, &params).unwrap();
    let name = "features.1.0.attn.relative_coords_table";
    let places = params.tensor(name).unwrap();
    assert_eq!(places.dims(), [1, 5, 7, 2]);
    Fixture::load("swin_v2_torchvision").check("places", &places, 1e-6, 0.0);
}

#[test]
fn full_networks_have_the_references_number_of_parameters() {
    for (config, parameters) in [
        (SwinConfig::swin_t(1000), 28_288_354),
        (SwinConfig::swin_tiny_patch4_window7_224(1000), 28_288_354),
        (SwinConfig::swin_b(1000), 87_768_224),
        (SwinConfig::swin_v2_t(1000), 28_351_570),
    ] {
        let params = Params::new(1);
        Swin::new(&config, &params).unwrap();
        assert_eq!(params.count(), parameters, "{config:?}");
    }
}
