//! Normalisations against PyTorch.

use candle_core::{DType, Tensor, Var};
use medcore::random::Key;
use mednn::layers::{BatchNorm, BatchNormConfig};
use mednn::ops::{Activation, batch_norm, batch_norm_with, group_norm, instance_norm};
use mednn::{Context, Error, Params};

use crate::support::{
    Fixture, assert_close, assert_same_on_any_number_of_threads, check_gradient, pattern,
};

const EPS: f64 = 1e-5;
const LEAKY: Activation = Activation::LeakyRelu { slope: 0.1 };

fn check(name: &str, run: impl Fn(&Tensor, Option<(&Tensor, &Tensor)>) -> Tensor) {
    let fixture = Fixture::load("norm");
    for (dtype, tolerance) in [(DType::F64, 1e-11), (DType::F32, 2e-5)] {
        let get = |part: &str| {
            fixture
                .get(&format!("{name}.{part}"))
                .to_dtype(dtype)
                .unwrap()
        };
        let x = Var::from_tensor(&get("x")).unwrap();
        let affine = fixture.find(&format!("{name}.w")).map(|_| {
            (
                Var::from_tensor(&get("w")).unwrap(),
                Var::from_tensor(&get("b")).unwrap(),
            )
        });
        let y = run(
            &x,
            affine.as_ref().map(|(w, b)| (w.as_tensor(), b.as_tensor())),
        );
        let what = |part: &str| format!("{name}.{part} in {dtype:?}");
        assert_close(&y, &get("y"), tolerance, &what("y"));
        let gradients = (y * get("g"))
            .unwrap()
            .sum_all()
            .unwrap()
            .backward()
            .unwrap();
        assert_close(
            gradients.get(&x).unwrap(),
            &get("dx"),
            tolerance,
            &what("dx"),
        );
        if let Some((w, b)) = affine {
            assert_close(
                gradients.get(&w).unwrap(),
                &get("dw"),
                tolerance,
                &what("dw"),
            );
            assert_close(
                gradients.get(&b).unwrap(),
                &get("db"),
                tolerance,
                &what("db"),
            );
        }
    }
}

#[test]
fn instance_norm_equals_pytorchs() {
    check("instance", |x, a| {
        instance_norm(x, a, EPS, Activation::None).unwrap()
    });
    check("instance_plain", |x, a| {
        instance_norm(x, a, EPS, Activation::None).unwrap()
    });
    check("instance_leaky", |x, a| {
        instance_norm(x, a, EPS, LEAKY).unwrap()
    });
    check("instance_relu", |x, a| {
        instance_norm(x, a, EPS, Activation::Relu).unwrap()
    });
    check("instance_silu", |x, a| {
        instance_norm(x, a, EPS, Activation::Silu).unwrap()
    });
}

#[test]
fn group_norm_equals_pytorchs() {
    check("group", |x, a| {
        group_norm(x, 3, a, EPS, Activation::None).unwrap()
    });
    check("group_leaky", |x, a| {
        group_norm(x, 2, a, EPS, LEAKY).unwrap()
    });
    check("group_plain", |x, a| {
        group_norm(x, 1, a, EPS, Activation::None).unwrap()
    });
}

#[test]
fn batch_norm_equals_pytorchs() {
    check("batch", |x, a| {
        batch_norm(x, a, EPS, Activation::None).unwrap().0
    });
    check("batch_leaky", |x, a| {
        batch_norm(x, a, EPS, LEAKY).unwrap().0
    });
    let fixture = Fixture::load("norm");
    check("batch_eval", |x, a| {
        let running = (&fixture.get("running_mean"), &fixture.get("running_var"));
        batch_norm_with(x, running, a, EPS, Activation::Relu).unwrap()
    });
}

#[test]
fn a_batch_norm_layer_keeps_pytorchs_running_statistics() {
    let fixture = Fixture::load("norm");
    for (name, momentum) in [("layer", Some(0.1)), ("layer_average", None)] {
        let get = |part: &str| fixture.get(&format!("{name}.{part}"));
        let params = Params::new(1);
        let config = BatchNormConfig::default().with_momentum(momentum);
        let layer = BatchNorm::new(3, &config, &params.root().child("bn")).unwrap();
        for part in ["weight", "bias"] {
            params
                .parameter(&format!("bn.{part}"))
                .unwrap()
                .set(&get(part))
                .unwrap();
        }
        let context = Context::train(Key::new(1));
        for step in 0..3 {
            let x = get(&format!("x{step}"));
            let y = layer.forward(&x, &context).unwrap();
            assert_close(&y, &get(&format!("y{step}")), 1e-5, name);
            // The same pass again, as when recomputing activations, must not count twice.
            layer
                .forward(&x, &context.clone().with_recompute())
                .unwrap();
        }
        for part in ["running_mean", "running_var", "num_batches_tracked"] {
            assert_close(
                &params.tensor(&format!("bn.{part}")).unwrap(),
                &get(part),
                1e-5,
                part,
            );
        }
        let y = layer.forward(&get("x2"), &Context::evaluate()).unwrap();
        assert_close(&y, &get("y_eval"), 1e-5, name);
        assert!(!y.track_op(), "evaluation must not build a tape");
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let inputs = [
        pattern(&[2, 4, 3, 5], 1),
        pattern(&[4], 2),
        pattern(&[4], 3),
    ];
    check_gradient(
        &inputs,
        |t| instance_norm(&t[0], Some((&t[1], &t[2])), EPS, LEAKY).unwrap(),
        1e-6,
    );
    check_gradient(
        &inputs,
        |t| group_norm(&t[0], 2, Some((&t[1], &t[2])), EPS, LEAKY).unwrap(),
        1e-6,
    );
    check_gradient(
        &inputs,
        |t| {
            batch_norm(&t[0], Some((&t[1], &t[2])), EPS, LEAKY)
                .unwrap()
                .0
        },
        1e-6,
    );
    check_gradient(
        &inputs[..1],
        |t| batch_norm(&t[0], None, EPS, Activation::None).unwrap().0,
        1e-6,
    );
}

#[test]
fn a_mean_far_from_zero_does_not_spoil_the_variance() {
    let values: Vec<f32> = (0..40_000).map(|i| 10_000.0 + (i % 4) as f32).collect();
    let x = Tensor::from_vec(values, (1, 1, 40_000), &candle_core::Device::Cpu).unwrap();
    let y = instance_norm(&x, None, 0.0, Activation::None).unwrap();
    let first = y.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let expected = [-1.5, -0.5, 0.5, 1.5].map(|d| d / 1.25_f32.sqrt());
    for (got, expected) in first.iter().zip(expected) {
        assert!((got - expected).abs() < 1e-5, "{got} against {expected}");
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let x = pattern(&[2, 4, 30, 50, 31], 6)
        .to_dtype(DType::F32)
        .unwrap();
    let w = pattern(&[4], 7).to_dtype(DType::F32).unwrap();
    assert_same_on_any_number_of_threads(|| {
        let (x, w) = (Var::from_tensor(&x).unwrap(), Var::from_tensor(&w).unwrap());
        let b = w.zeros_like().unwrap();
        let mut results = Vec::new();
        for kind in 0..3 {
            let affine = Some((w.as_tensor(), &b));
            let y = match kind {
                0 => instance_norm(&x, affine, EPS, LEAKY).unwrap(),
                1 => group_norm(&x, 2, affine, EPS, LEAKY).unwrap(),
                _ => batch_norm(&x, affine, EPS, LEAKY).unwrap().0,
            };
            let gradients = y.powf(3.0).unwrap().sum_all().unwrap().backward().unwrap();
            results.push(gradients.get(&x).unwrap().clone());
            results.push(gradients.get(&w).unwrap().clone());
            results.push(y);
        }
        results
    });
}

#[test]
fn what_cannot_be_normalised_is_refused() {
    let single = Tensor::zeros((2, 3, 1, 1), DType::F32, &candle_core::Device::Cpu).unwrap();
    assert!(matches!(
        instance_norm(&single, None, EPS, LEAKY),
        Err(Error::Axis { .. })
    ));
    let one = single.narrow(0, 0, 1).unwrap();
    assert!(matches!(
        batch_norm(&one, None, EPS, LEAKY),
        Err(Error::Axis { .. })
    ));
    assert!(batch_norm(&single, None, EPS, LEAKY).is_ok());
    assert!(matches!(
        group_norm(&single, 2, None, EPS, LEAKY),
        Err(Error::Setting { .. })
    ));
    let flat = single.flatten_from(1).unwrap();
    assert!(matches!(
        instance_norm(&flat, None, EPS, LEAKY),
        Err(Error::Rank { .. })
    ));
    let scale = Tensor::zeros(4, DType::F32, &candle_core::Device::Cpu).unwrap();
    let affine = Some((&scale, &scale));
    assert!(matches!(
        group_norm(&single, 3, affine, EPS, LEAKY),
        Err(Error::Shape { .. })
    ));
    let whole = single.to_dtype(DType::U32).unwrap();
    assert!(matches!(
        group_norm(&whole, 3, None, EPS, LEAKY),
        Err(Error::ElementType { .. })
    ));
}
