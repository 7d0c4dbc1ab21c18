//! Curves and random weights against numpy and scipy, pointing, and maps on other grids.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use medcore::{Geometry, LabelMap};
use medinfer::LabelKind;
use medinfer::explain::{
    AttentionRollout, Baseline, Channels, Explain, GradCam, GuidedBackprop, InputGradient, Layer,
    Normalisation, Occlusion, Perturbation, PerturbationSettings, PlaceOrder, Saliency, Sign,
    Target, cascade, likeness, perturbation_curve,
};
use mednn::Inputs;
use mednn::candle_core::{Device, Tensor, safetensors};

use crate::given::{Given, images};

const CLASS: Target = Target::Class(2);

/// What `sanity.py` found.
fn found(name: &str) -> Vec<f64> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain/sanity.safetensors");
    let found: HashMap<String, Tensor> = safetensors::load(path, &Device::Cpu).unwrap();
    found[name].to_vec1().unwrap()
}

fn both() -> [(&'static str, Given); 2] {
    [
        ("resnet_2d", Given::resnet_2d()),
        ("resnet_3d", Given::resnet_3d()),
    ]
}

fn first(given: &Given) -> Inputs {
    let image = given.inputs.image().unwrap();
    image.narrow(0, 0, 1).unwrap().into()
}

fn explained(given: &Given, method: &dyn Explain) -> Saliency {
    let maps = method.explain(&*given.network, &first(given), &CLASS);
    maps.unwrap().remove(0)
}

#[test]
fn curves_of_images_and_volumes_are_those_of_their_definition() {
    let deletion = Perturbation::Deletion.with_fill(Baseline::Value(0.25));
    let insertion = Perturbation::Insertion.with_fill(Baseline::Mean);
    let lowest = deletion.clone().with_order(PlaceOrder::Lowest);
    let sigmoid = deletion.clone().with_labels(LabelKind::Independent);
    for (stem, given) in both() {
        let map = explained(&given, &InputGradient::default());
        for (name, settings) in [
            ("deletion", &deletion),
            ("insertion", &insertion),
            ("lowest", &lowest),
            ("sigmoid", &sigmoid),
        ] {
            let settings = settings.clone().with_steps(7);
            let curve = perturbation_curve(&*given.network, &first(&given), &map, &settings);
            let curve = curve.unwrap();
            let want = found(&format!("{stem}.{name}"));
            assert_eq!((curve.changed[0], curve.changed[7]), (0.0, 1.0));
            let got = curve.probability.iter().chain([&curve.area]);
            for (step, (got, want)) in got.zip(&want).enumerate() {
                assert!(
                    (got - want).abs() < 1e-5,
                    "{stem}.{name} {step}: {got} {want}"
                );
            }
            assert_eq!(want.len(), curve.probability.len() + 1);
        }
    }
}

#[test]
fn what_counts_most_is_missed_most() {
    for (stem, given) in both() {
        let axes = given.inputs.image().unwrap().dims().len() - 2;
        let map = explained(&given, &Occlusion::new(vec![3; axes], vec![2; axes]));
        let area = |perturbation: Perturbation, order: PlaceOrder| {
            let settings = perturbation.with_fill(Baseline::Value(0.0));
            let settings = settings.with_order(order);
            let curve = perturbation_curve(&*given.network, &first(&given), &map, &settings);
            curve.unwrap().area
        };
        let (deleted, inserted) = (Perturbation::Deletion, Perturbation::Insertion);
        let highest = area(deleted, PlaceOrder::Highest);
        assert!(highest < area(deleted, PlaceOrder::Lowest), "{stem}");
        assert!(area(inserted, PlaceOrder::Highest) > area(inserted, PlaceOrder::Lowest));
        let random: Vec<f64> = (0..5)
            .map(|seed| area(deleted, PlaceOrder::Random(seed)))
            .collect();
        assert_eq!(random[3], area(deleted, PlaceOrder::Random(3)));
        assert_ne!(random[3], random[4]);
        // An image that appears in the order of the lowest is one that goes in that of the highest,
        // backwards.
        let sum = area(inserted, PlaceOrder::Lowest) - highest;
        assert!(sum.abs() < 1e-2, "{stem} {sum}");
    }
}

#[test]
fn curves_of_other_images_and_without_steps_are_refused() {
    let given = Given::resnet_2d();
    let map = explained(&given, &InputGradient::default());
    let settings = Perturbation::Deletion.with_fill(Baseline::Mean);
    let refused = |inputs: &Inputs, settings: &PerturbationSettings| {
        let curve = perturbation_curve(&*given.network, inputs, &map, settings);
        curve.unwrap_err().to_string()
    };
    assert!(refused(&given.inputs, &settings).contains("a batch of one"));
    assert!(refused(&images(&[1, 2, 13, 15]).into(), &settings).contains("[15, 13]"));
    for steps in [0, 15 * 13 + 1] {
        let error = refused(&first(&given), &settings.clone().with_steps(steps));
        assert!(
            error.contains("steps") && error.contains(&steps.to_string()),
            "{error}"
        );
    }
    let nan = (first(&given).image().unwrap() * f64::NAN).unwrap();
    assert!(refused(&nan.into(), &settings).contains("NaN"));
    let json = r#"{"perturbation": "insertion", "fill": {"value": 0.0}, "steps": 32}"#;
    let read: PerturbationSettings = serde_json::from_str(json).unwrap();
    assert_eq!(
        read,
        Perturbation::Insertion.with_fill(Baseline::Value(0.0))
    );
}

#[test]
fn random_weights_change_gradients_and_are_put_back() {
    for (stem, given) in both() {
        let before = given.network.params().snapshot().unwrap();
        let method = InputGradient::default();
        let run = |seed| cascade(&method, &*given.network, &given.inputs, &CLASS, seed).unwrap();
        let layers = run(3);
        assert_eq!(layers[0].layer, "fc");
        assert_eq!(layers.last().unwrap().layer, "conv1");
        let named: BTreeSet<&str> = layers.iter().map(|found| found.layer.as_str()).collect();
        let parameters = given.network.params().parameters();
        let paths = parameters
            .iter()
            .map(|p| p.name().rsplit_once('.').unwrap().0);
        assert_eq!(named, paths.collect(), "{stem}: each layer once");
        assert_eq!(named.len(), layers.len());
        for found in &layers {
            assert_eq!(found.maps.len(), given.inputs.image().unwrap().dims()[0]);
            assert!(found.maps.iter().all(|map| map.class() == 2));
        }
        for item in &layers.last().unwrap().likeness {
            assert!(item.signed.unwrap().abs() < 0.4, "{stem} {item:?}");
        }
        assert_eq!(layers, run(3));
        assert_ne!(layers[0].maps, run(4)[0].maps);
        let after = given.network.params().snapshot().unwrap();
        assert_eq!(before.len(), after.len());
        for (name, value) in after.iter().filter(|(_, value)| value.dtype().is_float()) {
            let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(values(value), values(&before[name]), "{name}");
        }
    }
}

#[test]
fn a_method_that_does_not_look_at_a_layer_is_found_out() {
    let given = Given::vit();
    let method = AttentionRollout::default();
    let layers = cascade(
        &method,
        &*given.network,
        &given.inputs,
        &Target::Predicted,
        1,
    )
    .unwrap();
    // Rollout knows nothing of what makes scores of tokens: neither of the head nor of what an attention
    // gives.
    for blind in ["head", "norm", "blocks.2.mlp.fc2", "blocks.2.attn.proj"] {
        let found = layers.iter().find(|found| found.layer == blind).unwrap();
        for item in &found.likeness {
            assert!(
                (item.signed.unwrap() - 1.0).abs() < 1e-12,
                "{blind} {item:?}"
            );
        }
    }
    let seeing = layers
        .iter()
        .find(|found| found.layer == "blocks.2.attn.qkv");
    assert!(seeing.unwrap().likeness[0].signed.unwrap() < 0.999);
}

#[test]
fn a_method_that_fails_leaves_the_weights_alone() {
    let given = Given::vit();
    let logits = || {
        let maps = GradCam::default().explain(&*given.network, &given.inputs, &Target::Predicted);
        maps.unwrap()
            .iter()
            .map(Saliency::score)
            .collect::<Vec<_>>()
    };
    let before = logits();
    let cascade = |method: &dyn Explain, inputs: &Inputs| {
        cascade(method, &*given.network, inputs, &Target::Predicted, 3).unwrap_err()
    };
    assert!(
        cascade(&GuidedBackprop::default(), &given.inputs)
            .to_string()
            .contains("rectifiers")
    );
    assert_eq!(logits(), before);
    // Fails at the third map, when two layers are random already.
    let error = cascade(&Third::default(), &given.inputs).to_string();
    assert!(error.contains("layer9"), "{error}");
    assert_eq!(logits(), before);
}

/// Fails the third time.
#[derive(Debug, Default)]
struct Third(std::sync::atomic::AtomicUsize);

impl Explain for Third {
    fn method(&self) -> medinfer::explain::Method {
        medinfer::explain::Method::GradCam
    }

    fn explain(
        &self,
        network: &dyn mednn::Model,
        inputs: &Inputs,
        target: &Target,
    ) -> medinfer::Result<Vec<Saliency>> {
        let before = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let layer = match before {
            2 => Layer::Named("layer9".to_owned()),
            _ => Layer::Last,
        };
        let method = GradCam::default().with_layer(layer);
        method.explain(network, inputs, target)
    }
}

#[test]
fn likeness_is_spearmans_with_ties() {
    for (stem, given) in both() {
        let cam = GradCam::default().with_layer(Layer::Named("layer4".to_owned()));
        let cam = explained(&given, &cam);
        let gradient = explained(&given, &InputGradient::default());
        let got = likeness(&cam, &gradient).unwrap();
        let want = found(&format!("{stem}.likeness"));
        for (got, want) in [got.signed, got.magnitude].into_iter().zip(want) {
            assert!((got.unwrap() - want).abs() < 1e-4, "{stem}: {got:?} {want}");
        }
        let same = likeness(&gradient, &gradient.merged(Channels::Sum)).unwrap();
        assert!((same.signed.unwrap() - 1.0).abs() < 1e-12);
    }
    let (given, other) = (Given::resnet_2d(), Given::vit());
    let whole = explained(&given, &Occlusion::new([99, 99], [99, 99]));
    let constant = likeness(&whole, &whole).unwrap();
    assert_eq!((constant.signed, constant.magnitude), (None, None));
    let other = explained(&other, &GradCam::default().with_sign(Sign::Both));
    assert!(
        likeness(&whole, &other)
            .unwrap_err()
            .to_string()
            .contains("one grid")
    );
}

#[test]
fn pointing_counts_what_is_inside() {
    let given = Given::resnet_2d();
    let map = explained(&given, &Occlusion::new([3, 3], [2, 2])).merged(Channels::Sum);
    let grid = Geometry::axis_aligned([15, 13], [1.0, 2.0]).unwrap();
    let region = |inside: &dyn Fn(f32) -> bool| {
        let labels: Vec<u8> = map.values().iter().map(|v| u8::from(inside(*v))).collect();
        map.pointing(&LabelMap::new(grid, labels).unwrap()).unwrap()
    };
    let most = map.values().iter().fold(0.0_f32, |most, v| most.max(*v));
    let positive = region(&|v| v > 0.0);
    assert_eq!((positive.mass, positive.hit), (Some(1.0), true));
    let negative = region(&|v| v <= 0.0);
    assert_eq!((negative.mass, negative.hit), (Some(0.0), false));
    assert!((positive.area + negative.area - 1.0).abs() < 1e-12);
    assert!(region(&|v| v == most).hit && !region(&|v| v < most).hit);
    let small = LabelMap::<u8, 2>::background(Geometry::axis_aligned([3, 3], [1.0; 2]).unwrap());
    assert!(map.pointing(&small.unwrap()).is_err());
}

#[test]
fn scales_have_the_range_they_are_named_for() {
    let given = Given::resnet_2d();
    let map = explained(&given, &Occlusion::new([3, 3], [2, 2]));
    let range = |map: &Saliency| {
        let values = map.values().iter();
        values.fold((f32::MAX, f32::MIN), |(low, high), v| {
            (low.min(*v), high.max(*v))
        })
    };
    assert_eq!(range(&map.normalised(Normalisation::MinMax)), (0.0, 1.0));
    let (low, high) = range(&map.normalised(Normalisation::LargestMagnitude));
    assert!(low >= -1.0 && high <= 1.0 && (low == -1.0 || high == 1.0));
    let (low, high) = range(&map.normalised(Normalisation::Quantile(0.5)));
    assert!(low >= -1.0 && high <= 1.0);
    let share: f32 = map.normalised(Normalisation::Share).values().iter().sum();
    assert!((share - 1.0).abs() < 1e-5);
    let flat = explained(&given, &Occlusion::new([99, 99], [99, 99]));
    assert_eq!(range(&flat.normalised(Normalisation::MinMax)), (0.0, 0.0));
}
