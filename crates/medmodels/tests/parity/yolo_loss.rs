//! What YOLO is trained with, from `yolo_loss.py`: the `ultralytics` package and formulas written out box by box.

use std::collections::HashMap;

use medcore::BoundingBox;
use medcore::random::Key;
use medmodels::detection::{DetectionRules, Truth, stack_truths};
use medmodels::yolo::{AnchorFreeLoss, AnchorLoss, Yolo, YoloConfig, YoloLoss, YoloObjective};
use mednn::candle_core::{DType, Device, Tensor, Var, safetensors};
use mednn::context::Context;
use mednn::detection::{AnchorFitConfig, anchor_coverage, fit_anchors};
use mednn::loss::{BoxOverlap, Loss as _};
use mednn::model::{Inputs, Model, Outputs};
use mednn::optim::{AdamW, AdamWConfig, Optimizer as _};
use mednn::params::Params;

use crate::reference::{tensor, values};

fn small<const D: usize>(config: YoloConfig) -> Yolo<D> {
    Yolo::new(&config.with_factors(0.1, 0.0625), &Params::new(1)).unwrap()
}

/// Class and corners from the edge of the image, x first, as the fixture has them.
fn truth<const D: usize>(class: u32, corners: &[f64]) -> Truth<D> {
    let corner = |first: usize| std::array::from_fn(|axis| corners[first + D - 1 - axis] - 0.5);
    Truth::new(BoundingBox::new(corner(0), corner(D)).unwrap(), class)
}

fn plane() -> Vec<Vec<Truth<2>>> {
    vec![
        vec![
            truth(0, &[4.0, 10.0, 44.0, 60.0]),
            truth(2, &[10.0, 20.0, 50.0, 70.0]),
            truth(1, &[14.0, 30.0, 30.0, 44.0]),
            truth(1, &[51.0, 81.0, 56.0, 85.0]),
        ],
        vec![],
        vec![
            truth(2, &[0.0, 0.0, 30.0, 90.0]),
            truth(0, &[33.5, 40.25, 61.0, 66.5]),
        ],
    ]
}

fn volume() -> Vec<Vec<Truth<3>>> {
    vec![
        vec![
            truth(0, &[4.0, 5.0, 2.0, 20.0, 26.0, 9.0]),
            truth(1, &[8.0, 10.0, 3.0, 24.0, 30.0, 11.0]),
            truth(1, &[26.0, 3.0, 12.0, 29.0, 6.0, 14.0]),
        ],
        vec![truth(1, &[1.0, 2.0, 1.0, 30.0, 22.0, 15.0])],
    ]
}

/// Hashed logits on the tape, `[batch, channels]` of every level and its cells.
fn maps(stem: &str, front: [usize; 2], cells: &[&[usize]]) -> Vec<Var> {
    let map = |(i, cells): (usize, &&[usize])| {
        let values = tensor(&format!("{stem}.{i}"), &[&front, *cells].concat());
        let values = values.to_dtype(DType::F64).unwrap();
        Var::from_tensor(&values.affine(4.0, 0.0).unwrap()).unwrap()
    };
    cells.iter().enumerate().map(map).collect()
}

const CELLS: [&[usize]; 3] = [&[12, 8], &[6, 4], &[3, 2]];
const CELLS_3D: [&[usize]; 3] = [&[8, 8, 8], &[4, 4, 4], &[2, 2, 2]];

fn outputs(maps: &[Var]) -> Outputs {
    let mut maps = maps.iter().map(|map| map.as_tensor().clone());
    Outputs::new(maps.next().unwrap()).with_auxiliary(maps.collect())
}

fn fixture() -> HashMap<String, Tensor> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/parity/yolo_loss.safetensors"
    );
    safetensors::load(path, &Device::Cpu).unwrap()
}

/// Asserts that numbers are the same within this share of the largest.
#[track_caller]
fn assert_near(name: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{name}");
    let largest = want.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let apart = (got - want).abs();
        assert!(apart <= tolerance * largest, "{name}[{i}]: {got}, {want}");
    }
}

fn check(stem: &str, maps: &[Var], loss: &YoloLoss, third: f64) {
    const TOLERANCE: f64 = 2e-6;
    let fixture = fixture();
    let want = |name: &str| values(&fixture[&format!("{stem}.{name}")]);
    assert_near("total", &values(&loss.total), &want("total"), TOLERANCE);
    let parts = [loss.boxes, loss.classes, third];
    assert_near("parts", &parts, &want("parts"), TOLERANCE);
    let gradients = loss.total.backward().unwrap();
    for (i, map) in maps.iter().enumerate() {
        let mut got = values(gradients.get(map.as_tensor()).unwrap());
        if got.len() > 1500 {
            let norm = got.iter().map(|v| v * v).sum::<f64>().sqrt();
            let largest = got.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
            let some = (0..400).map(|k| got[k * 7919 % got.len()]);
            got = [norm, largest].into_iter().chain(some).collect();
        }
        let name = format!("gradient.{i}");
        assert_near(&name, &got, &want(&name), TOLERANCE);
    }
}

#[test]
fn without_anchors_the_loss_is_that_of_ultralytics() {
    let network = small::<2>(YoloConfig::v8n(1, 3));
    let objective = network
        .anchor_free_objective(&AnchorFreeLoss::new())
        .unwrap();
    let maps = maps("free", [3, 67], &CELLS);
    let loss = objective.loss(&outputs(&maps), &plane()).unwrap();
    assert_eq!(loss.objectness, 0.0);
    check("free", &maps, &loss, loss.distances);
    // A target of one tensor says the same.
    let target = stack_truths(&plane()).unwrap();
    assert_eq!(target.dims(), [3, 4, 5]);
    let total = objective.of_outputs(&outputs(&maps), &target).unwrap();
    assert_near("total", &values(&total), &values(&loss.total), 1e-12);
}

#[test]
fn in_volumes_the_loss_follows_its_formulas() {
    let config = YoloConfig::v8n(1, 2).in_3d().with_flat_halvings(1);
    let network = small::<3>(config);
    let objective = network
        .anchor_free_objective(&AnchorFreeLoss::new())
        .unwrap();
    let maps = maps("volume", [2, 98], &CELLS_3D);
    let loss = objective.loss(&outputs(&maps), &volume()).unwrap();
    check("volume", &maps, &loss, loss.distances);
}

#[test]
fn with_anchors_the_loss_follows_its_formulas() {
    let network = small::<2>(YoloConfig::v5n(1, 3));
    let settings = AnchorLoss::new().with_label_smoothing(0.1);
    let objective = network.anchor_objective(&settings).unwrap();
    let maps = maps("anchors", [3, 24], &CELLS);
    let loss = objective.loss(&outputs(&maps), &plane()).unwrap();
    assert_eq!(loss.distances, 0.0);
    check("anchors", &maps, &loss, loss.objectness);
}

/// Compares derivatives with differences, at elements that learn a box and at others.
///
/// The targets stay, and so does the weight of the shape in CIoU, which has no derivative: boxes are compared by DIoU.
fn check_derivatives<const D: usize>(
    objective: &YoloObjective<D>,
    maps: &[Var],
    truths: &[Vec<Truth<D>>],
) {
    let targets = objective.targets(&outputs(maps), truths).unwrap();
    assert!(targets.matched() > 4);
    let value = |maps: &[Var]| {
        let loss = objective.loss_against(&outputs(maps), &targets).unwrap();
        (values(&loss.total)[0], loss)
    };
    let gradients = value(maps).1.total.backward().unwrap();
    for (level, map) in maps.iter().enumerate() {
        let slopes = values(gradients.get(map.as_tensor()).unwrap());
        let start = values(map);
        let mut order: Vec<usize> = (0..slopes.len()).collect();
        order.sort_by(|&a, &b| slopes[b].abs().total_cmp(&slopes[a].abs()));
        let largest = slopes[order[0]].abs();
        let others = order.iter().skip(12).step_by(slopes.len() / 8);
        for &place in order[..12].iter().chain(others) {
            let moved = |step: f64| {
                let mut numbers = start.clone();
                numbers[place] += step;
                map.set(&Tensor::from_vec(numbers, map.dims(), &Device::Cpu).unwrap())
                    .unwrap();
                value(maps).0
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            moved(0.0);
            let apart = (slope - slopes[place]).abs();
            assert!(
                apart < 1e-5 * largest.max(1.0),
                "level {level}, {place}: {slope}, {apart}"
            );
        }
    }
}

#[test]
fn derivatives_are_differences() {
    let free = AnchorFreeLoss::new().with_overlap(BoxOverlap::Diou);
    let network = small::<2>(YoloConfig::v5nu(1, 3));
    let objective = network.anchor_free_objective(&free).unwrap();
    check_derivatives(&objective, &maps("free", [3, 67], &CELLS), &plane());

    let network = small::<3>(YoloConfig::v8n(1, 2).in_3d().with_flat_halvings(1));
    let objective = network.anchor_free_objective(&free).unwrap();
    check_derivatives(&objective, &maps("volume", [2, 98], &CELLS_3D), &volume());

    let network = small::<2>(YoloConfig::v5n(1, 3));
    let anchors = AnchorLoss::new().with_overlap(BoxOverlap::Diou);
    let objective = network.anchor_objective(&anchors).unwrap();
    check_derivatives(&objective, &maps("anchors", [3, 24], &CELLS), &plane());
}

#[test]
fn images_without_objects_teach_that_nothing_is_there() {
    let network = small::<2>(YoloConfig::v8n(1, 3));
    let objective = network
        .anchor_free_objective(&AnchorFreeLoss::new())
        .unwrap();
    let maps = maps("free", [3, 67], &CELLS);
    let loss = objective.loss(&outputs(&maps), &vec![vec![]; 3]).unwrap();
    assert_eq!((loss.matched, loss.boxes, loss.distances), (0, 0.0, 0.0));
    assert!(loss.classes > 0.0);
    let gradients = loss.total.backward().unwrap();
    let slopes = values(gradients.get(maps[0].as_tensor()).unwrap());
    // 64 channels of distances first, then classes.
    let [distances, classes] = [&slopes[..64 * 96], &slopes[64 * 96..67 * 96]];
    assert!(distances.iter().all(|&slope| slope == 0.0));
    assert!(classes.iter().all(|&slope| slope > 0.0));
}

#[test]
fn what_does_not_belong_to_the_network_is_refused() {
    let network = small::<2>(YoloConfig::v8n(1, 3));
    let anchored = small::<2>(YoloConfig::v5n(1, 3));
    let free = AnchorFreeLoss::new();
    assert!(anchored.anchor_free_objective(&free).is_err());
    assert!(network.anchor_objective(&AnchorLoss::new()).is_err());
    let negative = free.with_weights(1.0, -1.0, 1.0);
    assert!(network.anchor_free_objective(&negative).is_err());
    let narrow = AnchorLoss::new().with_ratio(1.0);
    assert!(anchored.anchor_objective(&narrow).is_err());
    let objective = network.anchor_free_objective(&free).unwrap();
    let given = outputs(&maps("free", [3, 67], &CELLS));
    let refused = |outputs: &Outputs, truths: &[Vec<Truth<2>>]| {
        objective.loss(outputs, truths).unwrap_err().to_string()
    };
    let two = &plane()[..2];
    assert!(refused(&given, two).contains("given for 3 images"));
    let mut unknown = plane();
    unknown[0][0].class = 3;
    assert!(refused(&given, &unknown).contains("of a class below 3"));
    // Levels that are not of one image.
    let wrong = outputs(&maps("free", [3, 67], &[&[12, 8], &[6, 4], &[3, 3]]));
    assert!(refused(&wrong, &plane()).contains("of one image"));
    let one = outputs(&maps("free", [1, 67], &CELLS));
    let targets = objective.targets(&given, &plane()).unwrap();
    assert!(objective.loss_against(&one, &targets).is_err());
    let alone = Outputs::new(given.logits.clone());
    assert!(objective.of_outputs(&alone, &given.logits).is_err());
}

/// Pictures with a bright and a striped rectangle.
fn pictures() -> (Tensor, Vec<Vec<Truth<2>>>) {
    let places = [
        [(6, 4, 26, 30), (34, 30, 60, 50)],
        [(8, 36, 40, 58), (30, 6, 58, 24)],
    ];
    let mut pixels = vec![0.0_f32; 2 * 64 * 64];
    let mut truths = Vec::new();
    for (image, places) in places.iter().enumerate() {
        let mut of_image = Vec::new();
        for (class, &(top, left, bottom, right)) in places.iter().enumerate() {
            for y in top..bottom {
                for x in left..right {
                    let bright = class == 0 || (y / 2) % 2 == 0;
                    pixels[(image * 64 + y) * 64 + x] = if bright { 1.0 } else { 0.3 };
                }
            }
            let corners = [left, top, right, bottom].map(|v| v as f64);
            of_image.push(truth(class as u32, &corners));
        }
        truths.push(of_image);
    }
    let pixels = Tensor::from_vec(pixels, (2, 1, 64, 64), &Device::Cpu).unwrap();
    (pixels, truths)
}

/// Trains until the likeliest box of each class is around the right rectangle.
fn check_learning(network: &Yolo<2>, objective: &YoloObjective<2>, steps: usize, rate: f64) {
    let (image, truths) = pictures();
    let inputs = Inputs::new(image);
    let settings = AdamWConfig {
        weight_decay: 0.0,
        ..AdamWConfig::default()
    };
    let mut adam = AdamW::new(network.params(), settings).unwrap();
    for step in 0..steps {
        let context = Context::train(Key::new(step as u64));
        let outputs = network.forward(&inputs, &context).unwrap();
        let loss = objective.loss(&outputs, &truths).unwrap();
        let gradients = loss.total.backward().unwrap();
        let rate = rate * (1.0 - step as f64 / steps as f64);
        adam.step(&gradients, rate).unwrap();
    }
    let outputs = network.forward(&inputs, &Context::evaluate()).unwrap();
    let rules = DetectionRules::new().iou_threshold(0.5);
    let found = network.detect(&outputs, &rules).unwrap();
    for (found, truths) in found.iter().zip(&truths) {
        for truth in truths {
            let best = found.iter().find(|found| found.class == truth.class);
            let best = best.unwrap_or_else(|| panic!("{truth:?} is not in {found:?}"));
            assert!(best.bounds.iou(&truth.bounds) > 0.5, "{truth:?}, {best:?}");
        }
    }
}

#[test]
fn a_small_detector_learns_two_pictures() {
    // A quarter of the usual width wants levels of half the usual stride.
    let network = small::<2>(YoloConfig::v8n(1, 2).with_levels(2, 4));
    let objective = network
        .anchor_free_objective(&AnchorFreeLoss::new())
        .unwrap();
    check_learning(&network, &objective, 300, 4e-3);
    let network = small::<2>(YoloConfig::v5n(1, 2).with_levels(2, 4));
    // Weights for pictures a tenth of the usual width.
    let settings = AnchorLoss::new().with_weights(0.05, 2.0, 50.0);
    let objective = network.anchor_objective(&settings).unwrap();
    check_learning(&network, &objective, 400, 4e-3);
}

#[test]
fn fitted_anchors_are_those_of_the_data_and_have_a_place_in_the_network() {
    // Nodules of three kinds, each with sides that vary by a tenth.
    let kinds = [[12.0, 40.0], [60.0, 20.0], [90.0, 120.0]];
    let mut random = Key::new(3).stream("nodules");
    let extents: Vec<[f64; 2]> = (0..300)
        .map(|i| kinds[i % 3].map(|side: f64| side * random.uniform_in(0.9, 1.1)))
        .collect();
    let config = AnchorFitConfig::new(3);
    let anchors = fit_anchors(&extents, &config, Key::new(1)).unwrap();
    for (anchor, kind) in anchors.iter().zip(kinds) {
        assert!(
            anchor
                .iter()
                .zip(kind)
                .all(|(a, b)| (a / b - 1.0).abs() < 0.05),
            "{anchors:?}"
        );
    }
    let fitness = |anchors: &[[f64; 2]]| anchor_coverage(&extents, anchors, 4.0).fitness;
    assert_eq!(anchor_coverage(&extents, &anchors, 4.0).recall, 1.0);
    let still = fit_anchors(&extents, &config.with_generations(0), Key::new(1)).unwrap();
    assert!(fitness(&anchors) > fitness(&still));
    assert_eq!(
        fit_anchors(&extents, &config, Key::new(1)).unwrap(),
        anchors
    );
    assert_ne!(
        fit_anchors(&extents, &config, Key::new(2)).unwrap(),
        anchors
    );
    assert!(fit_anchors(&extents[..2], &config, Key::new(1)).is_err());
    assert!(fit_anchors(&[[1.0, 0.0]; 9], &config, Key::new(1)).is_err());
    let narrow = fit_anchors(&extents, &config.with_ratio(1.0), Key::new(1));
    assert!(narrow.is_err());

    let levels: Vec<Vec<[f64; 2]>> = anchors.iter().map(|anchor| vec![*anchor]).collect();
    let config = YoloConfig::v5n(1, 2).with_anchors(&levels);
    let params = Params::new(1);
    Yolo::<2>::new(&config.with_factors(0.1, 0.0625), &params).unwrap();
    let stored = params.tensor("model.24.anchors").unwrap();
    assert_eq!(stored.dims(), [3, 1, 2]);
    // Width before height, in cells.
    let first = stored.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!((f64::from(first[0]) - anchors[0][1] / 8.0).abs() < 1e-5);
    assert!((f64::from(first[1]) - anchors[0][0] / 8.0).abs() < 1e-5);
}
