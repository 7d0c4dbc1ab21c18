//! nnU-Net's `PlainConvUNet`, from `plain_conv_unet.py`.

use std::collections::BTreeMap;

use medmodels::plain_conv_unet::{PlainConvUNet, PlainConvUNetConfig};
use mednn::params::{LoadPolicy, Params};

use crate::reference::{Fixture, check_against};

fn config_2d() -> PlainConvUNetConfig {
    PlainConvUNetConfig::nnunet_2d(2, 3, 4)
        .with_features(&[4, 5, 6, 8])
        .and_then(|c| c.with_kernels(&[[3, 3], [3, 3], [1, 3], [3, 3]]))
        .and_then(|c| c.with_strides(&[[1, 1], [2, 2], [2, 1], [2, 2]]))
        // The reference counts its decoder from the lowest resolution up.
        .and_then(|c| c.with_convs(&[2, 1, 2, 2], &[1, 2, 1]))
        .unwrap()
}

fn config_3d() -> PlainConvUNetConfig {
    PlainConvUNetConfig::nnunet_3d(1, 2, 4)
        .with_features(&[3, 4, 5, 6])
        .and_then(|c| c.with_kernels(&[[1, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]]))
        .and_then(|c| c.with_strides(&[[1, 1, 1], [1, 2, 2], [2, 2, 2], [2, 2, 2]]))
        .and_then(|c| c.with_convs(&[2, 2, 1, 2], &[2, 1, 2]))
        .unwrap()
}

#[test]
fn outputs_features_and_gradients_are_those_of_nnunet_in_2d() {
    let network = PlainConvUNet::<2>::new(&config_2d(), &Params::new(1)).unwrap();
    check_against("plain_conv_unet_2d", &network);
}

#[test]
fn outputs_features_and_gradients_are_those_of_nnunet_in_3d() {
    let network = PlainConvUNet::<3>::new(&config_3d(), &Params::new(1)).unwrap();
    check_against("plain_conv_unet_3d", &network);
}

#[test]
fn a_checkpoint_with_all_aliases_of_the_reference_loads() {
    let fixture = Fixture::load("plain_conv_unet_3d");
    let params = Params::new(1);
    PlainConvUNet::<3>::new(&config_3d(), &params).unwrap();
    // The file holds what the reference's state dictionary does: every tensor under every name.
    let own = params.snapshot().unwrap();
    let canonical = |name: &str| {
        let name = name
            .strip_prefix("decoder.")
            .filter(|n| n.starts_with("encoder."));
        name.map(str::to_owned)
    };
    let mut everything = BTreeMap::new();
    for name in &fixture.state_dict {
        let source = canonical(name)
            .unwrap_or_else(|| name.clone())
            .replace("all_modules.0", "conv")
            .replace("all_modules.1", "norm");
        everything.insert(name.clone(), own[&source].clone());
    }
    assert!(everything.len() > 2 * own.len());
    let all = Params::new(0);
    for (name, value) in &everything {
        all.root()
            .parameter(name, value.dims(), mednn::params::Init::ZEROS)
            .unwrap();
    }
    all.restore(&everything).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nnunet.safetensors");
    all.save_safetensors(&path).unwrap();

    let other = Params::new(2);
    PlainConvUNet::<3>::new(&config_3d(), &other).unwrap();
    assert!(
        other
            .load_safetensors(&path, &LoadPolicy::strict())
            .is_err()
    );
    let report = other
        .load_safetensors(&path, &config_3d().load_policy())
        .unwrap();
    assert_eq!(report.loaded.len(), own.len());
    assert!(report.missing.is_empty());
    for (name, value) in &own {
        let (got, want) = (other.tensor(name).unwrap(), value);
        assert_eq!(
            got.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            want.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        );
    }
}

#[test]
fn nnunets_weights_have_its_spread_and_its_biases_are_zero() {
    let params = Params::new(3);
    PlainConvUNet::<3>::new(&PlainConvUNetConfig::nnunet_3d(1, 2, 3), &params).unwrap();
    let weight = params
        .tensor("encoder.stages.2.0.convs.1.conv.weight")
        .unwrap();
    let values = weight.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let variance = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / values.len() as f64;
    let expected = 2.0 / (1.0001 * 128.0 * 27.0);
    assert!((variance / expected - 1.0).abs() < 0.02);
    for name in ["decoder.transpconvs.0.bias", "decoder.seg_layers.1.bias"] {
        let bias = params.tensor(name).unwrap().to_vec1::<f32>().unwrap();
        assert!(bias.iter().all(|&b| b == 0.0), "{name}");
    }
}
