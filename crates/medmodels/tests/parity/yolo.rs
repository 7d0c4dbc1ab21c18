//! YOLOv5 and YOLOv8 as the `ultralytics` package builds them, from `yolo.py`.

use medmodels::yolo::{Yolo, YoloConfig};
use mednn::params::Params;

use crate::reference::{Fixture, check_against};

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
fn outputs_features_and_gradients_are_those_of_ultralytics() {
    for (stem, config, _) in cases() {
        let network = Yolo::new(&config, &Params::new(1)).unwrap();
        check_against(stem, &network);
    }
}

#[test]
fn names_are_those_of_the_state_dictionary() {
    for (stem, config, head) in cases() {
        let params = Params::new(1);
        Yolo::new(&config, &params).unwrap();
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
        Yolo::new(&config, &params).unwrap();
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
    Yolo::new(&YoloConfig::v5n(3, 80), &params).unwrap();
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
