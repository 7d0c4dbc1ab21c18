//! torchvision's and MONAI's `DenseNet`, from `densenet.py`.

use std::collections::HashMap;

use medmodels::Architecture;
use medmodels::densenet::{DenseNet, DenseNetConfig};
use mednn::params::Params;
use safetensors::SafeTensors;

use crate::reference::{Fixture, check_against, check_buffers};

fn small(classes: usize, blocks: &[usize]) -> DenseNetConfig {
    DenseNetConfig::densenet121(classes)
        .with_init_features(6)
        .with_growth_rate(4)
        .with_blocks(blocks)
}

/// The small networks of MONAI.
fn small_monai(spatial_dims: usize, in_channels: usize, blocks: &[usize]) -> DenseNetConfig {
    small(3, blocks)
        .monai(spatial_dims)
        .with_in_channels(in_channels)
        .with_bottleneck(2)
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_torchvision() {
    let config = small(5, &[2, 3, 2, 1]);
    let network = DenseNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("densenet_2d", &network);
    check_buffers("densenet_2d", &network);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai() {
    let config = small_monai(1, 2, &[1, 2, 1]);
    let network = DenseNet::<1>::new(&config, &Params::new(1)).unwrap();
    check_against("densenet_1d", &network);
    let config = small_monai(3, 1, &[2, 1, 2]);
    let network = DenseNet::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("densenet_3d", &network);
    check_buffers("densenet_3d", &network);
}

#[test]
fn names_are_those_of_the_references_state_dictionaries() {
    for (stem, config) in [
        ("densenet_2d", small(2, &[2, 3, 2, 1])),
        ("densenet_3d", small_monai(2, 1, &[2, 1, 2])),
    ] {
        let mut expected = Fixture::load(stem).state_dict;
        expected.sort();
        let params = Params::new(1);
        DenseNet::<2>::new(&config, &params).unwrap();
        assert_eq!(params.names(), expected);
    }
}

#[test]
fn full_networks_have_the_references_number_of_parameters() {
    for (config, parameters) in [
        (DenseNetConfig::densenet121(1000), 7_978_856),
        (DenseNetConfig::densenet161(1000), 28_681_000),
        (DenseNetConfig::densenet169(1000), 14_149_480),
        (DenseNetConfig::densenet201(1000), 20_013_928),
        (
            DenseNetConfig::densenet121(2).monai(3).with_in_channels(1),
            11_244_674,
        ),
        (
            DenseNetConfig::densenet264(2).monai(3).with_in_channels(1),
            40_251_266,
        ),
    ] {
        let params = Params::new(1);
        medmodels::create(&config.clone().into(), &params).unwrap();
        assert_eq!(params.count(), parameters, "{config:?}");
    }
}

#[test]
fn the_names_torchvision_published_first_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.safetensors");
    let config = small(2, &[2, 1]);
    let params = Params::new(3);
    DenseNet::<2>::new(&config, &params).unwrap();
    params.save_safetensors(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut old = HashMap::new();
    for (name, view) in file.tensors() {
        if name.ends_with("num_batches_tracked") {
            continue;
        }
        let mut name = name;
        if name.contains("denselayer") {
            for i in 1..=2 {
                for kind in ["norm", "conv"] {
                    name = name.replace(&format!("{kind}{i}."), &format!("{kind}.{i}."));
                }
            }
        }
        old.insert(name, view);
    }
    safetensors::serialize_to_file(&old, None, &path).unwrap();
    let other = Params::new(4);
    DenseNet::<2>::new(&config, &other).unwrap();
    let report = other
        .load_safetensors(&path, &config.load_policy())
        .unwrap();
    assert!(report.unexpected.is_empty());
    assert!(
        report
            .missing
            .iter()
            .all(|n| n.ends_with("num_batches_tracked"))
    );
    for parameter in params.parameters() {
        let (a, b) = (parameter.value(), other.tensor(parameter.name()).unwrap());
        let values =
            |t: &mednn::candle_core::Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values(&a), values(&b), "{}", parameter.name());
    }
}
