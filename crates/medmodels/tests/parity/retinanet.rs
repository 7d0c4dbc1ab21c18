//! MONAI's RetinaNet from `retinanet.py`: the network, its anchors, what it is trained with and the boxes it finds.

use std::collections::HashMap;

use medcore::BoundingBox;
use medcore::random::Key;
use medmodels::detection::{DetectionRules, Truth, stack_truths};
use medmodels::resnet::ResNetConfig;
use medmodels::retinanet::{RetinaNet, RetinaNetConfig, RetinaNetTraining};
use mednn::candle_core::{DType, Device, Tensor, Var, safetensors};
use mednn::detection::{AnchorMiddle, Atss, BoxCoder, HardNegatives};
use mednn::loss::Loss as _;
use mednn::model::{Model as _, Outputs};
use mednn::params::Params;

use crate::reference::{check_against, check_names, tensor, values};

fn small<const D: usize>(channels: usize, stride: [usize; D], layers: &[usize]) -> RetinaNetConfig {
    let body = ResNetConfig::resnet18(1)
        .monai(D)
        .with_in_channels(channels)
        .with_stem([7; D], stride)
        .with_features([4, 6, 8, 8])
        .with_blocks([1; 4]);
    let factors: Vec<f64> = (0..=layers.len())
        .map(|level| f64::from(1 << level))
        .collect();
    RetinaNetConfig::new(body, 3)
        .with_layers(layers)
        .with_features(16)
        .with_anchor_shapes(&shapes::<D>(), &factors)
}

fn shapes<const D: usize>() -> Vec<[f64; D]> {
    let all: [&[f64]; 2] = if D == 2 {
        [&[10.0, 16.0], &[20.0, 8.0]]
    } else {
        [&[4.0, 8.0, 6.0], &[5.0, 6.0, 8.0]]
    };
    all.map(|shape| std::array::from_fn(|axis| shape[axis]))
        .to_vec()
}

fn build<const D: usize>(config: &RetinaNetConfig) -> RetinaNet<D> {
    RetinaNet::new(config, &Params::new(1)).unwrap()
}

#[test]
pub(crate) fn outputs_features_gradients_and_names_are_those_of_monai() {
    let network = build::<2>(&small(2, [2, 2], &[1, 2, 3]));
    check_names("retinanet_2d", &network);
    check_against("retinanet_2d", &network);
    let network = build::<3>(&small(1, [1, 2, 2], &[1, 2]));
    check_names("retinanet_3d", &network);
    check_against("retinanet_3d", &network);
}

fn fixture() -> HashMap<String, Tensor> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/parity/retinanet_detector.safetensors"
    );
    safetensors::load(path, &Device::Cpu).unwrap()
}

#[test]
fn whole_networks_have_as_many_parameters_as_those_of_monai() {
    let counts = fixture()["counts"].to_vec1::<i64>().unwrap();
    let body = || ResNetConfig::resnet50(1).monai(3).with_in_channels(1);
    let shapes = [[4.0, 8.0, 6.0], [5.0, 6.0, 8.0], [6.0, 10.0, 10.0]];
    let plain = RetinaNetConfig::new(body(), 1).with_anchor_shapes(&shapes, &[1.0, 2.0, 4.0, 8.0]);
    let nodules = RetinaNetConfig::new(body().with_stem([7; 3], [1, 2, 2]), 1)
        .with_layers(&[1, 2])
        .with_anchor_shapes(&shapes, &[1.0, 2.0, 4.0]);
    for (config, count) in [plain, nodules].iter().zip(counts) {
        let network = build::<3>(config);
        assert_eq!(network.config(), config);
        assert_eq!(network.params().count() as i64, count);
    }
}

/// Logits of classes and codes of boxes of three levels, on the tape.
fn said<const D: usize>(cells: [[usize; D]; 3]) -> Vec<Var> {
    let maps = |name: &str, channels: usize, factor: f64, shift: f64| {
        let map = |(i, cells): (usize, &[usize; D])| {
            let shape = [&[2, channels], &cells[..]].concat();
            let values = tensor(&format!("{name}.{D}.{i}"), &shape);
            let values = values.to_dtype(DType::F64).unwrap().affine(factor, shift);
            Var::from_tensor(&values.unwrap()).unwrap()
        };
        cells.iter().enumerate().map(map).collect::<Vec<_>>()
    };
    let mut all = maps("said", 6, 3.0, -3.0);
    all.extend(maps("codes", 4 * D, 0.4, 0.0));
    all
}

fn outputs(maps: &[Var]) -> Outputs {
    let mut maps = maps.iter().map(|map| map.as_tensor().clone());
    Outputs::new(maps.next().unwrap()).with_auxiliary(maps.collect())
}

/// A box of corners that count from the outer edge of the first voxel.
fn bounds<const D: usize>(corners: &[f64]) -> BoundingBox<D> {
    let corner = |first: usize| std::array::from_fn(|axis| corners[first + axis] - 0.5);
    BoundingBox::new(corner(0), corner(D)).unwrap()
}

fn check_anchors<const D: usize>(
    name: &str,
    config: &RetinaNetConfig,
    extent: [usize; D],
    maps: &[Var],
) {
    let anchors = build::<D>(config).anchors(&outputs(maps), extent).unwrap();
    let anchors: Vec<_> = anchors.into_iter().flatten().collect();
    let want = fixture()[name]
        .to_dtype(DType::F64)
        .unwrap()
        .to_vec2::<f64>()
        .unwrap();
    // Where there are more than sixty, sixty of them.
    let step = if want.len() == anchors.len() { 1 } else { 7919 };
    for (i, corners) in want.iter().enumerate() {
        assert_eq!(
            anchors[i * step % anchors.len()],
            bounds(corners),
            "{name}, {i}"
        );
    }
}

fn check_detector<const D: usize>(
    extent: [usize; D],
    cells: [[usize; D]; 3],
    truths: &[Vec<Truth<D>>],
) {
    let fixture = fixture();
    let want = |name: &str| values(&fixture[&format!("{D}.{name}")]);
    let config = small::<D>(1, [2; D], &[1, 2]);
    let network = build::<D>(&config);
    let maps = said(cells);
    let given = outputs(&maps);
    check_anchors(&format!("{D}.anchors"), &config, extent, &maps);
    let anchors = network.anchors(&given, extent).unwrap();
    for (name, middle) in [
        ("anywhere", AnchorMiddle::Anywhere),
        ("inside", AnchorMiddle::Inside),
    ] {
        let atss = Atss::new().with_middle(middle);
        let mut found = Vec::new();
        for (image, truths) in truths.iter().enumerate() {
            let bounds: Vec<_> = truths.iter().map(|truth| truth.bounds).collect();
            for (anchor, truth) in atss.assign(&bounds, &anchors, 2).into_iter().enumerate() {
                found.extend(truth.map(|truth| vec![image as i32, anchor as i32, truth as i32]));
            }
        }
        let want = fixture[&format!("{D}.matched.{name}")]
            .to_vec2::<i32>()
            .unwrap();
        assert_eq!(found, want, "{name}");
    }
    let hard = HardNegatives::new(64, 0.3).with_least(16).with_pool(1.0);
    for (name, sampler) in [("all", None), ("hard", Some(hard))] {
        let training = RetinaNetTraining::new().with_sampler(sampler);
        let objective = network.objective(extent, &training).unwrap();
        let loss = objective.loss(&given, truths).unwrap();
        for (got, want) in [loss.classes, loss.boxes]
            .iter()
            .zip(want(&format!("loss.{name}")))
        {
            assert!((got - want).abs() < 1e-6 * want, "{name}: {got}, {want}");
        }
        let target = stack_truths(truths).unwrap();
        let total = objective.of_outputs(&given, &target).unwrap();
        assert!((values(&total)[0] - loss.classes - loss.boxes).abs() < 1e-9);
        let gradients = loss.total.backward().unwrap();
        for (i, map) in maps.iter().enumerate() {
            let slopes = values(gradients.get(map.as_tensor()).unwrap());
            let norm = slopes.iter().map(|v| v * v).sum::<f64>().sqrt();
            let largest = slopes.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
            let some = (0..60).map(|k| slopes[k * 7919 % slopes.len()]);
            let got = [norm, largest].into_iter().chain(some);
            for (got, want) in got.zip(want(&format!("gradient.{name}.{i}"))) {
                assert!(
                    (got - want).abs() <= 1e-6 * largest.max(norm),
                    "{name}, {i}: {got}, {want}"
                );
            }
        }
    }
    let rules = DetectionRules::retina_net()
        .score_threshold(0.4)
        .iou_threshold(0.3)
        .most_before(40)
        .most(25);
    let found = network
        .detect(&given, extent, &BoxCoder::new(), &rules)
        .unwrap();
    for (image, found) in found.iter().enumerate() {
        let [boxes, scores, labels] =
            ["boxes", "scores", "labels"].map(|part| want(&format!("found.{image}.{part}")));
        assert_eq!(found.len(), scores.len());
        // The reference sorts in single precision, so that neighbours may change places.
        for (i, (&score, &label)) in scores.iter().zip(&labels).enumerate() {
            let want: BoundingBox<D> = bounds(&boxes[i * 2 * D..(i + 1) * 2 * D]);
            let near =
                |a: [f64; D], b: [f64; D]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
            let same = found
                .iter()
                .find(|found| near(found.bounds.min(), want.min()));
            let same = same.unwrap_or_else(|| panic!("{want:?} of image {image} is not found"));
            assert!(near(same.bounds.max(), want.max()), "{same:?}, {want:?}");
            assert_eq!(f64::from(same.class), label, "{same:?}");
            assert!((same.score - score).abs() < 1e-6, "{same:?}, {score}");
        }
        assert!(found.is_sorted_by(|a, b| a.score >= b.score));
    }
}

fn truth<const D: usize>(class: u32, corners: &[f64]) -> Truth<D> {
    Truth::new(bounds(corners), class)
}

#[test]
fn training_and_detection_are_those_of_monai() {
    let plane = [
        vec![
            truth(0, &[4.0, 10.0, 20.0, 34.0]),
            truth(2, &[30.0, 40.0, 58.0, 77.0]),
            truth(1, &[28.0, 44.0, 52.0, 70.0]),
        ],
        vec![truth(1, &[10.0, 3.0, 17.0, 14.5])],
    ];
    check_detector::<2>([64, 96], [[16, 24], [8, 12], [4, 6]], &plane);
    let volume = [
        vec![truth(0, &[2.0, 4.0, 5.0, 7.0, 12.0, 12.0])],
        vec![
            truth(2, &[1.0, 3.0, 2.0, 9.0, 20.0, 13.0]),
            truth(1, &[8.0, 19.0, 14.0, 13.0, 27.0, 21.0]),
        ],
    ];
    let cells = [[16, 16, 12], [8, 8, 6], [4, 4, 3]];
    check_detector::<3>([16, 32, 24], cells, &volume);
}

/// Maps of two levels of nothing.
fn blank<const D: usize>(cells: [[usize; D]; 2], each: usize) -> Vec<Var> {
    let map = |channels: usize, cells: &[usize; D]| {
        let shape = [&[1, channels], &cells[..]].concat();
        Var::zeros(shape, DType::F32, &Device::Cpu).unwrap()
    };
    let classes = cells.iter().map(|cells| map(each * 3, cells));
    classes
        .chain(cells.iter().map(|cells| map(each * 2 * D, cells)))
        .collect()
}

#[test]
fn anchors_of_sizes_and_ratios_are_those_of_monai() {
    let sizes = [vec![10.0, 13.0], vec![20.0, 26.0]];
    let config = small::<2>(1, [2; 2], &[1]).with_anchor_sizes(&sizes, &[vec![0.5], vec![1.5]]);
    check_anchors(
        "anchors.sizes",
        &config,
        [16, 12],
        &blank([[4, 3], [2, 2]], 4),
    );
    let sizes = [vec![10.0], vec![20.0]];
    let config = small::<3>(1, [2; 3], &[1]).with_anchor_sizes(&sizes, &[vec![0.5, 2.0]]);
    let maps = blank([[2, 2, 3], [1, 1, 1]], 1);
    check_anchors("anchors.sizes_3d", &config, [8, 8, 9], &maps);
}

#[test]
fn hard_negatives_are_drawn_from_the_pool_and_by_the_key_alone() {
    let scores: Vec<f64> = (0..1000).map(|i| f64::from(i * 7919 % 1000)).collect();
    let positive: Vec<bool> = (0..1000).map(|i| i % 50 == 0).collect();
    let rule = HardNegatives::new(32, 0.25).with_pool(5.0);
    let draw = |seed| {
        let mut random = Key::new(seed).stream("anchors");
        rule.choose(&positive, &scores, &mut random).unwrap()
    };
    let (of_objects, of_background) = draw(1);
    assert_eq!((of_objects.len(), of_background.len()), (8, 24));
    assert!(of_objects.iter().all(|&anchor| positive[anchor]));
    assert!(of_background.iter().all(|&anchor| !positive[anchor]));
    // The pool of 120 holds the hardest of all.
    let least = of_background
        .iter()
        .map(|&a| scores[a])
        .fold(f64::INFINITY, f64::min);
    assert!((870.0..960.0).contains(&least), "{least}");
    assert_eq!(draw(1), (of_objects, of_background));
    assert_ne!(draw(2), draw(1));
    // Without an object some of the background are learned all the same.
    let mut random = Key::new(1).stream("anchors");
    let none = rule
        .choose(&[false; 20], &scores[..20], &mut random)
        .unwrap();
    assert_eq!((none.0.len(), none.1.len()), (0, 3));
    assert!(HardNegatives::new(8, 0.0).check().is_err());
    assert!(rule.with_pool(0.5).check().is_err());
}

#[test]
fn what_does_not_belong_to_the_network_is_refused() {
    let network = build::<2>(&small(1, [2; 2], &[1, 2]));
    let cells = [[16, 24], [8, 12], [4, 6]];
    let given = outputs(&said(cells));
    let training = RetinaNetTraining::new();
    let objective = network.objective([64, 96], &training).unwrap();
    let nothing = vec![vec![], vec![]];
    let loss = objective.loss(&given, &nothing).unwrap();
    assert_eq!((loss.matched, loss.boxes), (0, 0.0));
    let refused =
        |truths: &[Vec<Truth<2>>]| objective.loss(&given, truths).unwrap_err().to_string();
    assert!(refused(&nothing[..1]).contains("given for 2 images"));
    let unknown = vec![vec![truth(3, &[1.0, 1.0, 4.0, 4.0])], vec![]];
    assert!(refused(&unknown).contains("of a class below 3"));
    let other = network.objective([60, 96], &training).unwrap();
    assert!(other.loss(&given, &nothing).is_err());
    let two = outputs(&said(cells)[..2]);
    assert!(objective.loss(&two, &nothing).is_err());
    let negative = training.with_weights(-1.0, 1.0);
    assert!(network.objective([64, 96], &negative).is_err());
}
