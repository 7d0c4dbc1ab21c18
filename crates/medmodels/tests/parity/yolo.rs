//! YOLOv5 and YOLOv8 as the `ultralytics` package builds them, from `yolo.py`; in three axes from `yolo_3d.py`.

use std::path::Path;

use medmodels::ModelConfig;
use medmodels::detection::DetectionRules;
use medmodels::yolo::{Yolo, YoloConfig};
use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::Params;
use safetensors::SafeTensors;

use crate::reference::{Fixture, check_against, fill, tensor, values};

fn small(config: YoloConfig) -> YoloConfig {
    config.with_factors(0.1, 0.0625)
}

fn cases() -> [(&'static str, YoloConfig, &'static str); 3] {
    [
        ("yolov8", small(YoloConfig::v8n(2, 3)), "model.22"),
        (
            "yolov8_p2",
            small(YoloConfig::v8n(1, 3)).with_levels(2, 5),
            "model.28",
        ),
        ("yolov5u", small(YoloConfig::v5nu(1, 3)), "model.24"),
    ]
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_ultralytics() {
    for (stem, config, _) in cases() {
        let network = Yolo::<2>::new(&config, &Params::new(1)).unwrap();
        check_against(stem, &network);
    }
}

#[test]
pub(crate) fn in_volumes_the_blocks_are_the_same() {
    let config = small(YoloConfig::v8n(2, 2)).in_3d().with_flat_halvings(1);
    let network = Yolo::<3>::new(&config, &Params::new(1)).unwrap();
    check_against("yolov8_3d", &network);
    let mut expected = Fixture::load("yolov8_3d").state_dict;
    expected.push("model.20.dfl.conv.weight".to_owned());
    expected.sort();
    assert_eq!(network.params().names(), expected);
}

#[test]
fn files_of_a_detector_load_however_it_was_held() {
    for config in [
        YoloConfig::v5n(1, 3),
        YoloConfig::v5nu(1, 3),
        YoloConfig::v8n(1, 3),
    ] {
        let config = ModelConfig::from(small(config));
        let trained = Params::new(1);
        medmodels::create(&config, &trained).unwrap();
        let own = trained.snapshot().unwrap();
        assert!(own.keys().all(|name| name.starts_with("model.")));
        // The network itself, as the part of a model, and either on several devices.
        for holder in ["", "model.", "module.", "module.model.", "model.module."] {
            let held =
                |(name, value): (&String, &Tensor)| (format!("{holder}{name}"), value.clone());
            let file = own.iter().map(held).collect();
            let params = Params::new(2);
            medmodels::create(&config, &params).unwrap();
            let report = params.load_tensors(Path::new(holder), file, &config.load_policy());
            assert_eq!(report.unwrap().loaded, trained.names(), "{holder}");
            for (name, value) in params.snapshot().unwrap() {
                assert_eq!(values(&value), values(&own[&name]), "{holder}{name}");
            }
        }
    }
}

#[test]
fn names_are_those_of_the_state_dictionary() {
    for (stem, config, head) in cases() {
        let params = Params::new(1);
        Yolo::<2>::new(&config, &params).unwrap();
        let mut expected = Fixture::load(stem).state_dict;
        expected.push(format!("{head}.dfl.conv.weight"));
        expected.sort();
        assert_eq!(params.names(), expected, "{stem}");
    }
}

#[test]
fn full_networks_have_the_published_number_of_parameters() {
    let count = |config: YoloConfig| {
        let params = Params::new(1);
        Yolo::<2>::new(&config, &params).unwrap();
        params.count()
    };
    // The package counts the 16 bins of an anchor-free head, which are not trained, too.
    for (config, published) in [
        (YoloConfig::v8n(3, 80), 3_157_200 - 16),
        (YoloConfig::v8s(3, 80), 11_166_560 - 16),
        (YoloConfig::v8m(3, 80), 25_902_640 - 16),
        (YoloConfig::v5nu(3, 80), 2_654_816 - 16),
        (YoloConfig::v5su(3, 80), 9_153_152 - 16),
        (YoloConfig::v5n(3, 80), 1_872_157),
        (YoloConfig::v5s(3, 80), 7_235_389),
        (YoloConfig::v5m(3, 80), 21_190_557),
    ] {
        assert_eq!(count(config.clone()), published, "{config:?}");
    }
}

#[test]
fn original_anchors_are_stored_in_cells() {
    let params = Params::new(1);
    Yolo::<2>::new(&YoloConfig::v5n(3, 80), &params).unwrap();
    let anchors = params.tensor("model.24.anchors").unwrap();
    assert_eq!(anchors.dims(), [3, 3, 2]);
    let anchors = anchors.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(anchors[..2], [10.0 / 8.0, 13.0 / 8.0]);
    assert_eq!(anchors[16..], [373.0 / 32.0, 326.0 / 32.0]);
    // Names of the first and last layers of the original repository's files.
    assert!(params.tensor("model.0.conv.weight").is_ok());
    assert_eq!(
        params.tensor("model.24.m.2.weight").unwrap().dims(),
        [255, 256, 1, 1]
    );
}

#[test]
fn boxes_of_all_cells_are_those_of_ultralytics() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/parity/yolov8_cells.safetensors"
    );
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let cells = file.tensor("cells").unwrap();
    let [batch, count, columns] = cells.shape()[..] else {
        panic!("{:?}", cells.shape())
    };
    let numbers: Vec<f64> = { cells.data().chunks_exact(4) }
        .map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())))
        .collect();
    let network = Yolo::<2>::new(&small(YoloConfig::v8n(2, 3)), &Params::new(1)).unwrap();
    fill(&network);
    let inputs = Inputs::from(tensor("image", &[2, 2, 64, 96]));
    let outputs = network.forward(&inputs, &Context::evaluate()).unwrap();
    let found = network.candidates(&outputs, 0.0).unwrap();
    assert_eq!((found.len(), found[0].len(), columns), (batch, count, 7));
    for (cell, want) in found.iter().flatten().zip(numbers.chunks_exact(columns)) {
        let ([y, x], [bottom, right]) = (cell.bounds.min(), cell.bounds.max());
        // Corners count from the edge there, from the middle of the first pixel here.
        for (got, want) in [x, y, right, bottom].into_iter().zip(want) {
            assert!((got + 0.5 - want).abs() < 2e-3, "{cell:?}, {want}");
        }
        let best = want[4..].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert!((cell.score - best).abs() < 1e-4, "{cell:?}, {best}");
        assert!((want[4 + cell.class as usize] - best).abs() < 2e-4);
    }
    // Fewer with a threshold, none twice, the best first.
    let rules = DetectionRules::new()
        .score_threshold(0.5)
        .iou_threshold(0.5)
        .most(7);
    let few = network.detect(&outputs, &rules).unwrap();
    for found in &few {
        assert!(!found.is_empty() && found.len() <= 7);
        assert!(found.is_sorted_by(|a, b| a.score >= b.score));
        for (i, a) in found.iter().enumerate() {
            let rivals = found[..i].iter().filter(|b| b.class == a.class);
            assert!(a.score > 0.5 && rivals.clone().all(|b| a.bounds.iou(&b.bounds) <= 0.5));
        }
    }
}

#[test]
fn anchors_are_scaled_and_moved_within_their_cell() {
    let config = YoloConfig::v5n(1, 2).with_factors(0.1, 0.0625);
    let network = Yolo::<2>::new(&config, &Params::new(1)).unwrap();
    let map = |height: usize, width: usize, change: &[(usize, f32)]| {
        // Nothing is anywhere but where it is put.
        let mut values = vec![-20.0_f32; 21 * height * width];
        for (at, value) in change {
            values[*at] = *value;
        }
        Tensor::from_vec(
            values,
            (1, 21, height, width),
            &mednn::candle_core::Device::Cpu,
        )
        .unwrap()
    };
    // The second anchor of the coarsest level, 156 x 198 pixels, cell of row 1 and column 0 of a 2 x 2 map: logits of
    // zero leave it in the middle of its cell and as large as it is.
    let at = |channel: usize| (7 + channel) * 4 + 2;
    let change: Vec<(usize, f32)> = (0..4)
        .map(|channel| (at(channel), 0.0))
        .chain([(at(4), 20.0), (at(6), 2.0)])
        .collect();
    let outputs =
        Outputs::new(map(8, 8, &[])).with_auxiliary(vec![map(4, 4, &[]), map(2, 2, &change)]);
    let found = network.detect(&outputs, &DetectionRules::new()).unwrap();
    let [found] = &found[0][..] else {
        panic!("{found:?}")
    };
    assert_eq!(found.class, 1);
    assert!((found.score - 1.0 / (1.0 + (-2.0_f64).exp())).abs() < 1e-6);
    let ([y, x], [bottom, right]) = (found.bounds.min(), found.bounds.max());
    let (middle, extent) = (
        [(y + bottom) / 2.0, (x + right) / 2.0],
        [bottom - y, right - x],
    );
    assert!(
        (middle[0] - (1.5 * 32.0 - 0.5)).abs() < 1e-3
            && (middle[1] - (0.5 * 32.0 - 0.5)).abs() < 1e-3
    );
    assert!(
        (extent[0] - 198.0).abs() < 1e-2 && (extent[1] - 156.0).abs() < 1e-2,
        "{extent:?}"
    );
    // What is not of this network is refused.
    let refused = network.detect(&Outputs::new(map(8, 8, &[])), &DetectionRules::new());
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("3 maps of 21 channels")
    );
}
