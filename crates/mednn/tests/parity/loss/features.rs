//! Regression, distillation, contrastive and domain losses against PyTorch, MONAI and their definitions.

use candle_core::{DType, Device, Tensor, Var};
use mednn::loss::{
    MaximumMeanDiscrepancy, distillation, gradient_reversal, huber, info_nce, nt_xent, smooth_l1,
    supervised_contrastive,
};
use mednn::{Error, Result};

use crate::support::{
    Fixture, assert_close, assert_same_on_any_number_of_threads, check_gradient, pattern,
};

fn check(name: &str, inputs: &[&str], loss: impl Fn(&[Tensor]) -> Result<Tensor>) {
    let fixture = Fixture::load("loss/features");
    for (dtype, tolerance) in [(DType::F64, 1e-7), (DType::F32, 1e-5)] {
        let vars: Vec<Var> = inputs
            .iter()
            .map(|input| Var::from_tensor(&fixture.get(input).to_dtype(dtype).unwrap()).unwrap())
            .collect();
        let tensors: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
        let value = loss(&tensors).unwrap();
        let expected = fixture.get(&format!("{name}.value"));
        assert_close(&value, &expected, tolerance, name);
        let gradients = value.affine(3.0, 0.0).unwrap().backward().unwrap();
        for (i, var) in vars.iter().enumerate() {
            match fixture.find(&format!("{name}.d{i}")) {
                Some(expected) => {
                    let got = gradients.get(var).unwrap().affine(1.0 / 3.0, 0.0).unwrap();
                    assert_close(&got, &expected, tolerance, name);
                }
                None => assert!(gradients.get(var).is_none(), "{name}: input {i}"),
            }
        }
    }
}

#[test]
fn huber_and_smooth_l1_equal_pytorchs() {
    check("huber", &["a", "b"], |t| huber(&t[0], &t[1], 1.7));
    check("smooth_l1", &["a", "b"], |t| smooth_l1(&t[0], &t[1], 0.6));
    check("l1", &["a", "b"], |t| smooth_l1(&t[0], &t[1], 0.0));
}

#[test]
fn distillation_equals_pytorchs() {
    check("distillation", &["a", "b"], |t| {
        distillation(&t[0], &t[1], 3.0)
    });
    check("distillation_dense", &["student", "teacher"], |t| {
        distillation(&t[0], &t[1], 2.0)
    });
}

#[test]
fn contrastive_losses_equal_monais_and_their_definitions() {
    check("nt_xent", &["a", "b"], |t| nt_xent(&t[0], &t[1], 0.5));
    check("info_nce", &["a", "b"], |t| info_nce(&t[0], &t[1], 0.2));
    let labels = Fixture::load("loss/features").get("labels");
    check("supervised", &["a"], |t| {
        supervised_contrastive(&t[0], &labels, 0.1)
    });
}

#[test]
fn the_maximum_mean_discrepancy_equals_its_definition() {
    check("mmd", &["a", "c"], |t| {
        MaximumMeanDiscrepancy::new().forward(&t[0], &t[1])
    });
    check("mmd_fixed", &["a", "c"], |t| {
        MaximumMeanDiscrepancy::new()
            .with_kernels(2, 3.0)
            .with_bandwidth(4.0)
            .forward(&t[0], &t[1])
    });
}

#[test]
fn a_sample_is_no_distance_from_itself() {
    let sample = pattern(&[5, 3], 1);
    let value = MaximumMeanDiscrepancy::new().forward(&sample, &sample);
    assert!(value.unwrap().to_scalar::<f64>().unwrap().abs() < 1e-15);
    let constant = Tensor::ones((4, 3), DType::F32, &Device::Cpu).unwrap();
    let value = MaximumMeanDiscrepancy::new().forward(&constant, &constant);
    assert_eq!(value.unwrap().to_scalar::<f32>().unwrap(), 0.0);
}

#[test]
fn embeddings_without_others_of_their_class_give_no_loss() {
    let embeddings = Var::from_tensor(&pattern(&[3, 4], 1)).unwrap();
    let labels = Tensor::new(&[0_u32, 1, 2], &Device::Cpu).unwrap();
    let value = supervised_contrastive(&embeddings, &labels, 0.1).unwrap();
    assert_eq!(value.to_scalar::<f64>().unwrap(), 0.0);
    // A vector of zeros has no direction, but a gradient.
    let zero = Var::zeros((2, 4), DType::F32, &Device::Cpu).unwrap();
    let value = nt_xent(&zero, &zero, 0.5).unwrap();
    let gradients = value.backward().unwrap();
    let gradient = gradients.get(&zero).unwrap().to_vec2::<f32>().unwrap();
    assert!(gradient.iter().flatten().all(|g| g.is_finite()));
}

#[test]
fn reversed_gradients_train_against_the_classifier() {
    let features = [pattern(&[3, 4], 1)];
    let of = |strength: f64| {
        let x = Var::from_tensor(&features[0]).unwrap();
        let y = gradient_reversal(&x, strength).unwrap();
        assert_eq!(
            y.to_vec2::<f64>().unwrap(),
            features[0].to_vec2::<f64>().unwrap()
        );
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        gradients.get(&x).unwrap().clone()
    };
    let expected = features[0].affine(2.0, 0.0).unwrap();
    assert_close(&of(-1.0), &expected, 1e-15, "straight");
    assert_close(
        &of(0.3),
        &expected.affine(-0.3, 0.0).unwrap(),
        1e-15,
        "reversed",
    );
}

#[test]
fn gradients_agree_with_finite_differences() {
    let pair = [pattern(&[4, 3], 1), pattern(&[4, 3], 2)];
    check_gradient(&pair, |t| huber(&t[0], &t[1], 0.5).unwrap(), 1e-6);
    check_gradient(&pair, |t| smooth_l1(&t[0], &t[1], 0.5).unwrap(), 1e-6);
    check_gradient(&pair, |t| nt_xent(&t[0], &t[1], 0.3).unwrap(), 1e-6);
    check_gradient(&pair, |t| info_nce(&t[0], &t[1], 0.3).unwrap(), 1e-6);
    check_gradient(
        &pair[..1],
        |t| distillation(&t[0], &pair[1], 2.0).unwrap(),
        1e-6,
    );
    let labels = Tensor::new(&[0_u8, 1, 0, 1], &Device::Cpu).unwrap();
    check_gradient(
        &pair[..1],
        |t| supervised_contrastive(&t[0], &labels, 0.3).unwrap(),
        1e-6,
    );
    let fixed = MaximumMeanDiscrepancy::new().with_bandwidth(2.0);
    check_gradient(&pair, |t| fixed.forward(&t[0], &t[1]).unwrap(), 1e-6);
}

#[test]
fn settings_and_shapes_out_of_range_are_refused() {
    let (a, b) = (pattern(&[4, 3], 1), pattern(&[4, 2], 1));
    let labels = Tensor::zeros(4, DType::U8, &Device::Cpu).unwrap();
    for result in [
        huber(&a, &a, 0.0),
        smooth_l1(&a, &a, -1.0),
        distillation(&a, &a, 0.0),
        nt_xent(&a, &a, f64::NAN),
        info_nce(&a, &a, 0.0),
        supervised_contrastive(&a, &labels, -0.1),
        gradient_reversal(&a, f64::INFINITY),
        MaximumMeanDiscrepancy::new()
            .with_kernels(0, 2.0)
            .forward(&a, &a),
        MaximumMeanDiscrepancy::new()
            .with_bandwidth(0.0)
            .forward(&a, &a),
    ] {
        assert!(matches!(result, Err(Error::Setting { .. })));
    }
    for result in [
        huber(&a, &b, 1.0),
        smooth_l1(&a, &b, 1.0),
        distillation(&a, &b, 1.0),
        nt_xent(&a, &b, 1.0),
        info_nce(&a, &b, 1.0),
        supervised_contrastive(&a, &Tensor::zeros(3, DType::U8, &Device::Cpu).unwrap(), 0.1),
        MaximumMeanDiscrepancy::new().forward(&a, &b),
    ] {
        assert!(matches!(result, Err(Error::Shape { .. })));
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let single = |seed| pattern(&[130, 257], seed).to_dtype(DType::F32).unwrap();
    let (a, b) = (single(1), single(2));
    let labels: Vec<u8> = (0..130).map(|i| (i % 4) as u8).collect();
    let labels = Tensor::from_vec(labels, 130, &Device::Cpu).unwrap();
    assert_same_on_any_number_of_threads(|| {
        let (x, y) = (Var::from_tensor(&a).unwrap(), Var::from_tensor(&b).unwrap());
        let mut results = Vec::new();
        for value in [
            huber(&x, &y, 0.5).unwrap(),
            distillation(&x, &y, 2.0).unwrap(),
            nt_xent(&x, &y, 0.3).unwrap(),
            supervised_contrastive(&x, &labels, 0.3).unwrap(),
            MaximumMeanDiscrepancy::new().forward(&x, &y).unwrap(),
        ] {
            let gradients = value.backward().unwrap();
            results.extend([value, gradients.get(&x).unwrap().clone()]);
        }
        results
    });
}
