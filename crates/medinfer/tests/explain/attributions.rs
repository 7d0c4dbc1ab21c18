//! Gradients, guided ones, integrated ones, occlusion and rollout as captum and timm have them.

use medinfer::explain::{
    AttentionRollout, Baseline, Channels, Explain, GradCam, GuidedBackprop, GuidedGradCam, Heads,
    InputGradient, IntegratedGradients, Layer, Occlusion, Quadrature, SmoothGrad, Target,
};
use mednn::candle_core::{DType, Tensor};
use mednn::{Context, Inputs};

use crate::given::{Given, assert_close};

fn check(given: &Given, occlusion: Occlusion) {
    let integrated = IntegratedGradients::default()
        .with_baseline(Baseline::Value(0.125))
        .with_steps(9);
    // captum's trapezoid has so many points, hence one step less.
    let trapezoid = integrated
        .clone()
        .with_steps(8)
        .with_quadrature(Quadrature::Trapezoid);
    let methods: [(&str, Box<dyn Explain>); 6] = [
        ("gradient", Box::new(InputGradient::default())),
        ("guided", Box::new(GuidedBackprop::default())),
        ("guided_grad_cam", Box::new(GuidedGradCam::default())),
        ("integrated.middle", Box::new(integrated)),
        ("integrated.trapezoid", Box::new(trapezoid)),
        (
            "occlusion",
            Box::new(occlusion.with_fill(Baseline::Value(0.25))),
        ),
    ];
    for (name, method) in methods {
        for (inputs, tolerance) in [(&given.inputs, 1e-3), (&given.double(), 1e-6)] {
            // The network itself computes in 32 bits alone.
            if name == "occlusion" && tolerance < 1e-4 {
                continue;
            }
            let maps = method
                .explain(&*given.network, inputs, &Target::Class(2))
                .unwrap();
            given.assert_maps(&maps, name, tolerance);
        }
    }
}

#[test]
fn attributions_of_images_are_those_of_the_references() {
    check(&Given::resnet_2d(), Occlusion::new([5, 4], [3, 3]));
}

#[test]
fn attributions_of_volumes_are_those_of_the_references() {
    check(&Given::resnet_3d(), Occlusion::new([4, 5, 3], [3, 4, 3]));
}

#[test]
fn rollout_is_that_of_the_weights_timm_computes() {
    let given = Given::vit();
    for (name, heads) in [
        ("mean", Heads::Mean),
        ("max", Heads::Largest),
        ("min", Heads::Smallest),
    ] {
        let method = AttentionRollout::default().with_heads(heads);
        for (inputs, tolerance) in [(&given.inputs, 1e-4), (&given.double(), 1e-6)] {
            let maps = method
                .explain(&*given.network, inputs, &Target::Predicted)
                .unwrap();
            given.assert_maps(&maps, &format!("rollout.{name}"), tolerance);
        }
    }
    let error = AttentionRollout::default()
        .explain(
            &*Given::resnet_2d().network,
            &Given::resnet_2d().inputs,
            &Target::Predicted,
        )
        .unwrap_err();
    assert!(error.to_string().contains("no attention"), "{error}");
}

#[test]
fn gradients_are_finite_differences() {
    let given = Given::resnet_3d();
    let inputs = given.double();
    let explain = |image: Tensor| {
        let target = Target::Class(2);
        InputGradient::default()
            .explain(&*given.network, &image.into(), &target)
            .unwrap()
            .remove(0)
    };
    let map = explain(inputs.image().unwrap().clone());
    let values = inputs
        .image()
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1::<f64>()
        .unwrap();
    let largest = map
        .values()
        .iter()
        .fold(0.0_f32, |most, v| most.max(v.abs()));
    for voxel in (0..values.len()).step_by(97) {
        let score = |step: f64| {
            let mut moved = values.clone();
            moved[voxel] += step;
            explain(
                Tensor::from_vec(
                    moved,
                    inputs.image().unwrap().dims(),
                    &mednn::candle_core::Device::Cpu,
                )
                .unwrap(),
            )
            .score()
        };
        let difference = (score(1e-6) - score(-1e-6)) / 2e-6;
        let error = (difference - f64::from(map.values()[voxel])).abs();
        assert!(
            error < 1e-5 * f64::from(largest),
            "{voxel}: {difference} {error}"
        );
    }
}

#[test]
fn integrated_gradients_become_complete_with_steps() {
    let given = Given::resnet_2d();
    let error = |steps: usize| {
        let method = IntegratedGradients::default()
            .with_baseline(Baseline::Mean)
            .with_steps(steps);
        let found = method
            .attribute(&*given.network, &given.double(), &Target::Predicted)
            .unwrap();
        found
            .iter()
            .map(|found| found.error().abs())
            .fold(0.0, f64::max)
    };
    let (few, many) = (error(4), error(256));
    assert!(many < few / 20.0 && many < 2e-2, "{few} {many}");
    let method = IntegratedGradients::default().with_steps(0);
    assert!(
        method
            .explain(&*given.network, &given.inputs, &Target::Predicted)
            .is_err()
    );
}

#[test]
fn smooth_gradients_are_gradients_without_noise_and_near_them_with_little() {
    let given = Given::resnet_2d();
    let explain = |method: &dyn Explain, inputs: &Inputs| {
        let maps = method
            .explain(&*given.network, inputs, &Target::Class(0))
            .unwrap();
        maps.iter()
            .flat_map(|map| map.values().to_vec())
            .collect::<Vec<f32>>()
    };
    let plain = explain(&InputGradient::default(), &given.inputs);
    let still = SmoothGrad::new(1).with_noise(0.0).with_samples(3);
    assert_close(
        &explain(&still, &given.inputs),
        &plain,
        1e-5,
        "without noise",
    );
    let noisy = SmoothGrad::new(1).with_samples(3);
    let together = explain(&noisy, &given.inputs);
    assert_ne!(together, plain);
    assert_ne!(
        together,
        explain(&SmoothGrad::new(2).with_samples(3), &given.inputs)
    );
    let alone = given.inputs.image().unwrap().narrow(0, 1, 1).unwrap();
    let half = together.len() / 2;
    assert_close(
        &together[half..],
        &explain(&noisy, &alone.into()),
        1e-4,
        "alone",
    );
    let refused = SmoothGrad::new(1).with_noise(f64::NAN);
    assert!(
        refused
            .explain(&*given.network, &given.inputs, &Target::Predicted)
            .is_err()
    );
}

#[test]
fn windows_that_leave_gaps_are_refused() {
    let given = Given::resnet_2d();
    for method in [
        Occlusion::new([3, 3], [4, 3]),
        Occlusion::new([3], [3]),
        Occlusion::new([3, 3], [0, 1]),
    ] {
        assert!(
            method
                .explain(&*given.network, &given.inputs, &Target::Predicted)
                .is_err()
        );
    }
    // One window over everything: the fall of the score to that of nothing, everywhere.
    let method = Occlusion::new([99, 99], [99, 99]);
    let maps = method
        .explain(&*given.network, &given.inputs, &Target::Class(1))
        .unwrap();
    let nothing = given.inputs.image().unwrap().zeros_like().unwrap();
    let nothing = given
        .network
        .forward(&nothing.into(), &Context::evaluate())
        .unwrap()
        .logits;
    let nothing = nothing
        .to_dtype(DType::F64)
        .unwrap()
        .to_vec2::<f64>()
        .unwrap();
    let fall = (maps[0].score() - nothing[0][1]) as f32;
    assert!(maps[0].values().iter().all(|&value| value == fall));
}

#[test]
fn guided_gradients_need_rectifiers() {
    let given = Given::vit();
    let error = GuidedBackprop::default()
        .explain(&*given.network, &given.inputs, &Target::Predicted)
        .unwrap_err();
    assert!(error.to_string().contains("rectifiers"), "{error}");
}

#[test]
fn channels_are_merged_as_named() {
    let given = Given::resnet_2d();
    let map = InputGradient::default()
        .explain(&*given.network, &given.inputs, &Target::Class(1))
        .unwrap()
        .remove(0);
    let (first, second) = map.values().split_at(map.values().len() / 2);
    let sum = map.merged(Channels::Sum);
    let largest = map.merged(Channels::LargestMagnitude);
    let farthest = map.merged(Channels::Farthest);
    for place in 0..first.len() {
        let (a, b) = (first[place], second[place]);
        assert!((sum.values()[place] - (a + b)).abs() < 1e-6);
        assert_eq!(largest.values()[place], a.abs().max(b.abs()));
        assert_eq!(farthest.values()[place].abs(), a.abs().max(b.abs()));
        assert!([a, b].contains(&farthest.values()[place]));
    }
    let coarse = GradCam::default().with_layer(Layer::Named("layer2".to_owned()));
    let coarse = coarse
        .explain(&*given.network, &given.inputs, &Target::Class(2))
        .unwrap();
    assert_eq!(coarse[0].merged(Channels::Sum), coarse[0]);
}
