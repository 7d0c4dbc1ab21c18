//! Weighted boxes fusion, from `box_fusion.py`; and detectors that fuse networks and mirror images.

use std::collections::BTreeMap;
use std::path::Path;

use medaug::Letterbox;
use medcore::{BoundingBox, Geometry, Image};
use medinfer::{
    BoxDetector, BoxFusion, BoxRules, Bundle, BundleWriter, ClassLabel, DetectorConfig, FoundBox,
    Framing, Version,
};
use medmodels::detection::{Detector, create_detector};
use medmodels::yolo::YoloConfig;
use mednn::candle_core::{DType, Device, Tensor};
use mednn::params::{LoadPolicy, Params, read_safetensors};

fn fixture() -> BTreeMap<String, Tensor> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/box_fusion.safetensors");
    assert!(std::fs::metadata(&path).unwrap().len() <= 64 * 1024);
    read_safetensors(&path).unwrap()
}

fn list<const D: usize>(tensors: &BTreeMap<String, Tensor>, name: &str) -> Vec<FoundBox<D>> {
    let part = |part: &str| &tensors[&format!("{D}.{name}.{part}")];
    let boxes = part("boxes").to_vec2::<f64>().unwrap();
    let scores = part("scores").to_vec1::<f64>().unwrap();
    let labels = part("labels").to_vec1::<i64>().unwrap();
    let found = |((corners, score), label): ((&Vec<f64>, f64), i64)| {
        let min = std::array::from_fn(|axis| corners[axis]);
        let max = std::array::from_fn(|axis| corners[D + axis]);
        FoundBox::new(BoundingBox::new(min, max).unwrap(), label as usize, score)
    };
    boxes.iter().zip(scores).zip(labels).map(found).collect()
}

fn check<const D: usize>(name: &str, weights: [f64; 4], iou_threshold: f64) {
    let tensors = fixture();
    let lists = [0, 1, 2, 3].map(|model| list::<D>(&tensors, &format!("given.{model}")));
    let fusion = BoxFusion::Weighted { iou_threshold };
    let got = fusion.fuse(&lists, &weights).unwrap();
    let expected = list::<D>(&tensors, name);
    assert_eq!(got.len(), expected.len());
    assert!(got.len() < lists.iter().map(Vec::len).sum());
    for (got, expected) in got.iter().zip(&expected) {
        assert_eq!(got.class, expected.class);
        // The reference sums corners and scores in 32 bits.
        assert!(
            (got.score - expected.score).abs() < 1e-6,
            "{got:?} {expected:?}"
        );
        let corners = |found: &FoundBox<D>| [found.bounds.min(), found.bounds.max()];
        let pairs = corners(got).into_iter().zip(corners(expected));
        for (got, expected) in pairs.flat_map(|(a, b)| a.into_iter().zip(b)) {
            assert!((got - expected).abs() < 1e-6, "{got} {expected}");
        }
    }
}

#[test]
fn boxes_are_fused_as_the_reference_does() {
    check::<2>("plain", [1.0; 4], 0.55);
    check::<2>("weighted", [2.0, 1.0, 0.5, 0.5], 0.4);
    check::<3>("plain", [1.0; 4], 0.55);
    check::<3>("weighted", [2.0, 1.0, 0.5, 0.5], 0.4);
}

/// An untrained network says something of every cell.
const ALL: BoxRules = BoxRules {
    score_threshold: 0.0,
    iou_threshold: 0.5,
    most: 20,
};

fn config() -> DetectorConfig<2> {
    let labels = [ClassLabel::new("nodule"), ClassLabel::new("mass")];
    let model = YoloConfig::v8n(1, 2).with_factors(0.33, 0.125);
    let framing = Framing::Letterbox(Letterbox::new([64, 96]));
    DetectorConfig::new(model.into(), framing, labels).with_rules(ALL)
}

/// A network whose heads say something else of each cell; new ones say the same of all.
fn network(seed: u64) -> Box<dyn Detector<2>> {
    let params = Params::new(seed);
    let network = create_detector::<2>(&config().model, &params).unwrap();
    let mut weights = params.snapshot().unwrap();
    for (name, tensor) in &mut weights {
        if name.contains("running_") || tensor.dtype() != DType::F32 {
            continue;
        }
        let value = |(i, v): (usize, f32)| {
            let noise = (i * 7919 + seed as usize * 31 + name.len()) % 101;
            v + (noise as f32 / 50.0 - 1.0) * 0.08
        };
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let values: Vec<f32> = values.into_iter().enumerate().map(value).collect();
        *tensor = Tensor::from_vec(values, tensor.dims(), &Device::Cpu).unwrap();
    }
    params
        .load_tensors("noise".as_ref(), weights, &LoadPolicy::strict())
        .unwrap();
    network
}

fn detector(config: DetectorConfig<2>, seed: u64) -> BoxDetector<'static, 2> {
    BoxDetector::new(config, network(seed)).unwrap()
}

/// An image that fills the network's frame, or what a mirror along its last axis shows.
fn image(is_mirrored: bool) -> Image<f32, 2> {
    let grid = Geometry::axis_aligned([64, 96], [0.3, 0.2]).unwrap();
    let voxel = |i: usize| {
        let (row, column) = (i / 96, i % 96);
        let column = if is_mirrored { 95 - column } else { column };
        ((row * 96 + column) * 7919 % 251) as f32 / 251.0
    };
    Image::new(grid, (0..grid.len()).map(voxel).collect::<Vec<_>>()).unwrap()
}

fn mirrored(found: &FoundBox<2>) -> FoundBox<2> {
    let (min, max) = (found.bounds.min(), found.bounds.max());
    let bounds = BoundingBox::new([min[0], 95.0 - max[1]], [max[0], 95.0 - min[1]]);
    FoundBox::new(bounds.unwrap(), found.class, found.score)
}

#[test]
fn folds_are_fused_as_the_description_says() {
    let image = image(false);
    let lists = [5, 6].map(|seed| detector(config(), seed).detect(&image).unwrap());
    let suppression = BoxFusion::Suppression { iou_threshold: 0.6 };
    for fusion in [BoxFusion::weighted(), suppression] {
        let both = detector(config().with_fusion(fusion), 5).with_ensemble(vec![network(6)]);
        assert_eq!(both.networks().count(), 2);
        let mut expected = fusion.fuse(&lists, &[1.0; 2]).unwrap();
        expected.truncate(20);
        assert!(!expected.is_empty());
        assert_eq!(both.detect(&image).unwrap(), expected);
    }
    // A box that one of two networks is sure enough of has half its score, which the threshold does not let pass.
    let best = [0, 1].map(|network| lists[network][0].score);
    assert_ne!(best[0], best[1]);
    let strict = config().with_rules(BoxRules {
        score_threshold: (best[0] + best[1]) / 2.0,
        most: 1,
        ..ALL
    });
    let alone = [5, 6].map(|seed| detector(strict.clone(), seed).detect(&image).unwrap());
    assert_eq!(alone.iter().flatten().count(), 1);
    let both = detector(strict, 5).with_ensemble(vec![network(6)]);
    assert_eq!(both.detect(&image).unwrap(), []);
}

#[test]
fn mirror_images_are_looked_at_and_boxes_led_back() {
    let plain = detector(config(), 5);
    let there = plain.detect(&image(false)).unwrap();
    let back = plain.detect(&image(true)).unwrap();
    let back: Vec<_> = back.iter().map(mirrored).collect();
    let mut expected = BoxFusion::weighted()
        .fuse(&[there, back], &[1.0; 2])
        .unwrap();
    expected.truncate(20);
    let both = detector(config().with_mirror_axes([1]), 5);
    assert_eq!(both.detect(&image(false)).unwrap(), expected);
    for axes in [vec![2], vec![1, 1]] {
        assert!(config().with_mirror_axes(axes).check().is_err());
    }
    let wide = BoxFusion::Weighted { iou_threshold: 1.5 };
    assert!(config().with_fusion(wide).check().is_err());
}

#[test]
fn an_ensemble_of_detectors_is_a_bundle_too() {
    let config = config().with_mirror_axes([1]);
    let both = detector(config, 5).with_ensemble(vec![network(6)]);
    let image = image(false);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("nodules");
    let manifest = BundleWriter::new(&both, "nodules", Version::new(0, 1, 0))
        .with_golden(&image, 1e-2)
        .write(&place)
        .unwrap();
    assert_eq!(manifest.networks, 2);
    let bundle = Bundle::load(&place).unwrap();
    let found = bundle.detector::<2>().unwrap().detect(&image).unwrap();
    assert_eq!(found, both.detect(&image).unwrap());
}
