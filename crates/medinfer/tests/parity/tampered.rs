//! Descriptions and answers that somebody changed, or that another processor gives.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use medaug::Letterbox;
use medcore::{Geometry, Image};
use medinfer::{
    BoxDetector, BoxRules, Bundle, BundleWriter, ClassLabel, DetectorConfig, Error, Framing,
    InputSpec, MetricRecord, Version,
};
use medmodels::detection::create_detector;
use medmodels::yolo::YoloConfig;
use mednn::candle_core::Tensor;
use mednn::params::{Params, read_safetensors, safetensors_bytes};
use sha2::{Digest, Sha256};

use super::bundle::{forge, seal, write};
use super::classifier::{classifier, config, image};

#[test]
fn a_file_that_is_listed_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (place, _) = write(folder.path());
    let text = fs::read_to_string(place.join("bundle.json")).unwrap();
    // Without its hash, which is on the second line.
    let (_, rest) = text.split_once('\n').unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    let twice = |other: &str| {
        let entry = format!("\"files\": {{\n    \"LICENSE\": {other},");
        let text = rest.replacen("\"files\": {", &entry, 1);
        seal(&place, &format!("{{\n{}", text.strip_suffix('\n').unwrap()));
        Bundle::load(&place)
    };
    let zeros = format!("{{\"sha256\": \"{}\", \"size\": 4}}", "0".repeat(64));
    match twice(&zeros).unwrap_err() {
        Error::Bundle { path, problem } => {
            assert_eq!(path, place.join("bundle.json"));
            assert!(problem.contains("\"LICENSE\" is there twice"), "{problem}");
        }
        other => panic!("{other}"),
    }
    // The description itself, sealed in the same way, is right.
    seal(&place, &format!("{{\n{}", rest.strip_suffix('\n').unwrap()));
    Bundle::load(&place).unwrap();
}

#[test]
fn measurements_that_are_not_finite_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (model, image) = (classifier(config(2)), image(0));
    let refused = |metric: MetricRecord, spacing: f64| {
        let input = InputSpec {
            spacing_mm: vec![[0.1, spacing]],
            ..InputSpec::default()
        };
        BundleWriter::new(&model, "x", Version::new(1, 0, 0))
            .with_metrics([MetricRecord::new("auc", 0.9), metric])
            .with_input(input)
            .with_golden(&image, 1e-3)
            .write(folder.path().join("x"))
            .unwrap_err()
            .to_string()
    };
    let (nan, infinite) = (f64::NAN, f64::INFINITY);
    let message = refused(MetricRecord::new("dice", nan), 1.0);
    assert!(message.contains("NaN for \"dice\""), "{message}");
    let message = refused(
        MetricRecord::new("dice", 0.5).with_interval(0.4, infinite),
        1.0,
    );
    assert!(message.contains("inf for \"dice\""), "{message}");
    let message = refused(MetricRecord::new("dice", 0.5), nan);
    assert!(
        message.contains("spacing") && message.contains("NaN"),
        "{message}"
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A detector's bundle, whose golden case has all of the boxes there may be.
fn nodules(folder: &Path) -> std::path::PathBuf {
    let labels = [ClassLabel::new("nodule"), ClassLabel::new("mass")];
    let model = YoloConfig::v8n(1, 2).with_factors(0.33, 0.125);
    let rules = BoxRules {
        score_threshold: 0.0,
        iou_threshold: 0.5,
        most: 12,
    };
    let framing = Framing::Letterbox(Letterbox::new([64, 64]));
    let config = DetectorConfig::<2>::new(model.into(), framing, labels).with_rules(rules);
    let network = create_detector::<2>(&config.model, &Params::new(5)).unwrap();
    let detector = BoxDetector::new(config, network).unwrap();
    let grid = Geometry::axis_aligned([50, 60], [0.3, 0.2]).unwrap();
    let voxels = (0..grid.len()).map(|i| (i * 7919 % 251) as f32 / 251.0);
    let image = Image::new(grid, voxels.collect::<Vec<_>>()).unwrap();
    let place = folder.join("nodules");
    BundleWriter::new(&detector, "nodules", Version::new(0, 1, 0))
        .with_golden(&image, 1e-3)
        .write(&place)
        .unwrap();
    place
}

/// Changes what the golden case expects, with every hash right.
fn expect(place: &Path, change: impl FnOnce(&mut BTreeMap<String, Tensor>)) {
    let file = place.join("golden/0.safetensors");
    let mut tensors = read_safetensors(&file).unwrap();
    change(&mut tensors);
    let bytes = safetensors_bytes(&file, &tensors, None).unwrap();
    let digest = Sha256::digest(&bytes);
    let digits: String = { digest.iter() }
        .map(|byte| format!("{byte:02x}"))
        .collect();
    forge(place, |json| {
        let entry = &mut json["files"]["golden/0.safetensors"];
        entry["sha256"] = digits.into();
        entry["size"] = bytes.len().into();
    });
    fs::write(&file, bytes).unwrap();
}

#[test]
fn boxes_are_compared_whatever_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let place = nodules(folder.path());
    let backwards = |tensors: &mut BTreeMap<String, Tensor>| {
        for name in ["boxes", "scores", "classes"] {
            let tensor = tensors.get_mut(&format!("answer.{name}")).unwrap();
            let rows: Vec<usize> = tensor.dims().to_vec();
            let width = if name == "boxes" { 4 } else { 1 };
            let count = rows[0] / width;
            assert!(count > 1);
            let parts: Vec<Tensor> = (0..count)
                .rev()
                .map(|n| tensor.narrow(0, n * width, width).unwrap())
                .collect();
            *tensor = Tensor::cat(&parts, 0).unwrap();
        }
    };
    expect(&place, backwards);
    Bundle::load(&place).unwrap();
    // A score that the network does not give.
    expect(&place, |tensors| {
        let scores = tensors.get_mut("answer.scores").unwrap();
        *scores = (&*scores + 0.5).unwrap();
    });
    let refused = Bundle::load(&place).unwrap_err();
    assert!(
        matches!(&refused, Error::Golden { answer, .. } if answer == "boxes"),
        "{refused}"
    );
}
