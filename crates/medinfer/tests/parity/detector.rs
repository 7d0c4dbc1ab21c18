//! Boxes on the image they were found in.

use medaug::{Compose, Intensity, Letterbox, Normalise, Resize, ResizeTo};
use medcore::{Geometry, Image};
use medinfer::{
    BoxDetector, BoxRules, Bundle, BundleWriter, ClassLabel, DetectorConfig, Error, FoundBox,
    Framing, Version,
};
use medmodels::detection::{DetectionRules, create_detector};
use medmodels::yolo::YoloConfig;
use mednn::context::Context;
use mednn::convert::image_to_tensor;
use mednn::params::Params;

/// An untrained network says something of every cell.
const ALL: BoxRules = BoxRules {
    score_threshold: 0.0,
    iou_threshold: 0.5,
    most: 12,
};

pub(crate) fn config(framing: Framing) -> DetectorConfig<2> {
    let labels = [ClassLabel::new("nodule"), ClassLabel::new("mass")];
    let model = YoloConfig::v8n(1, 2).with_factors(0.33, 0.125);
    DetectorConfig::new(model.into(), framing, labels).with_rules(ALL)
}

pub(crate) fn detector(config: DetectorConfig<2>) -> BoxDetector<'static, 2> {
    let network = create_detector::<2>(&config.model, &Params::new(5)).unwrap();
    BoxDetector::new(config, network).unwrap()
}

pub(crate) fn image(shape: [usize; 2]) -> Image<f32, 2> {
    let grid = Geometry::axis_aligned(shape, [0.3, 0.2]).unwrap();
    let voxels: Vec<f32> = (0..grid.len())
        .map(|i| (i * 7919 % 251) as f32 / 251.0)
        .collect();
    Image::new(grid, voxels).unwrap()
}

/// What the network alone finds in an image of an extent it takes.
fn alone(
    config: &DetectorConfig<2>,
    image: &Image<f32, 2>,
) -> Vec<medmodels::detection::Detected<2>> {
    let network = create_detector::<2>(&config.model, &Params::new(5)).unwrap();
    let tensor = image_to_tensor(image, &mednn::candle_core::Device::Cpu).unwrap();
    let outputs = network
        .forward(&tensor.into(), &Context::evaluate())
        .unwrap();
    let rules = DetectionRules::new()
        .score_threshold(0.0)
        .iou_threshold(0.5)
        .most(12);
    network
        .detect(&outputs, image.shape(), &rules)
        .unwrap()
        .remove(0)
}

fn is_inside(found: &FoundBox<2>, shape: [usize; 2]) -> bool {
    (0..2).all(|axis| {
        let (min, max) = (found.bounds.min()[axis], found.bounds.max()[axis]);
        -0.5 <= min && min < max && max <= shape[axis] as f64 - 0.5
    })
}

#[test]
fn boxes_of_a_letterbox_lie_on_the_image() {
    let letterbox = Letterbox::new([64, 96]);
    let config = config(Framing::Letterbox(letterbox.clone()));
    let image = image([50, 140]);
    let found = detector(config.clone()).detect(&image).unwrap();
    assert!(!found.is_empty() && found.iter().all(|found| is_inside(found, [50, 140])));
    // Every box is one of the network's, led back and cut to the image.
    let fit = letterbox.fit([50, 140]).unwrap();
    let known = alone(&config, &fit.apply(&image).unwrap());
    for found in &found {
        let is_same = known.iter().any(|known| {
            let bounds = fit.restore(&known.bounds).unwrap();
            let high = [49.5, 139.5];
            known.score == found.score
                && (0..2).all(|axis| {
                    bounds.min()[axis].clamp(-0.5, high[axis]) == found.bounds.min()[axis]
                        && bounds.max()[axis].clamp(-0.5, high[axis]) == found.bounds.max()[axis]
                })
        });
        assert!(is_same, "{found:?}");
    }
}

#[test]
fn one_tile_is_the_network_alone_and_many_stay_inside() {
    let tiles = |overlap| Framing::Tiles {
        shape: vec![64, 64],
        overlap,
        fill: 0.0,
    };
    let whole = image([64, 64]);
    let config = config(tiles(0.5));
    let found = detector(config.clone()).detect(&whole).unwrap();
    let known = alone(&config, &whole);
    assert_eq!(found.len(), known.len());
    for (found, known) in found.iter().zip(&known) {
        assert_eq!(
            (found.score, found.class),
            (known.score, known.class as usize)
        );
    }
    for shape in [[150, 70], [40, 100]] {
        let found = detector(config.clone()).detect(&image(shape)).unwrap();
        assert!(!found.is_empty() && found.len() <= 12);
        assert!(
            found.iter().all(|found| is_inside(found, shape)),
            "{shape:?}"
        );
        assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
}

#[test]
fn what_moves_voxels_or_does_not_fit_is_refused() {
    let letterbox = || Framing::Letterbox(Letterbox::new([64, 64]));
    let resize = Resize::new(ResizeTo::Shape(vec![64, 64]));
    let moving = config(letterbox()).with_preparation(Compose::new(vec![resize.into()]).unwrap());
    let refused = detector(moving).detect(&image([50, 60]));
    assert!(matches!(refused, Err(Error::Setting { .. })));
    let scaled = Compose::new(vec![Normalise::from(Intensity::MinMax).into()]).unwrap();
    assert!(
        detector(config(letterbox()).with_preparation(scaled))
            .detect(&image([50, 60]))
            .is_ok()
    );
    let tiles = |shape: &[usize], overlap| Framing::Tiles {
        shape: shape.to_vec(),
        overlap,
        fill: 0.0,
    };
    for framing in [
        tiles(&[64], 0.5),
        tiles(&[64, 0], 0.5),
        tiles(&[64, 64], 1.0),
        tiles(&[64, 64], f64::NAN),
    ] {
        assert!(config(framing).check().is_err());
    }
    let none = BoxRules { most: 0, ..ALL };
    assert!(config(letterbox()).with_rules(none).check().is_err());
}

#[test]
fn a_detector_is_a_bundle_too() {
    let detector = detector(config(Framing::Letterbox(Letterbox::new([64, 64]))));
    let image = image([50, 60]);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("nodules");
    BundleWriter::new(&detector, "nodules", Version::new(0, 1, 0))
        .with_golden(&image, 1e-2)
        .write(&place)
        .unwrap();
    let bundle = Bundle::load(&place).unwrap();
    let found = bundle.detector::<2>().unwrap().detect(&image).unwrap();
    assert_eq!(found, detector.detect(&image).unwrap());
    assert!(bundle.detector::<3>().is_err());
}
