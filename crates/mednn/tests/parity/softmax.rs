//! Softmax against PyTorch.

use candle_core::{DType, Tensor, Var};
use mednn::Error;
use mednn::ops::{log_softmax, softmax};

use crate::support::{
    Fixture, assert_close, assert_same_on_any_number_of_threads, check_gradient, pattern,
};

#[test]
fn values_and_gradients_equal_pytorchs_along_any_axis() {
    let fixture = Fixture::load("softmax");
    for (dtype, tolerance) in [(DType::F64, 1e-13), (DType::F32, 2e-6)] {
        for (name, axis) in [
            ("channels3", 1),
            ("channels2", 1),
            ("last", 2),
            ("first", 0),
        ] {
            for (kind, run) in [("linear", softmax as fn(&_, _) -> _), ("log", log_softmax)] {
                let get = |part: &str| {
                    fixture
                        .get(&format!("{name}.{kind}.{part}"))
                        .to_dtype(dtype)
                        .unwrap()
                };
                let x = Var::from_tensor(&get("x")).unwrap();
                let y = run(&x, axis).unwrap();
                assert_close(&y, &get("y"), tolerance, name);
                let gradients = (y * get("g"))
                    .unwrap()
                    .sum_all()
                    .unwrap()
                    .backward()
                    .unwrap();
                assert_close(gradients.get(&x).unwrap(), &get("dx"), tolerance, name);
            }
        }
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let x = [pattern(&[2, 4, 3], 1)];
    for axis in 0..3 {
        check_gradient(&x, |t| softmax(&t[0], axis).unwrap(), 1e-7);
        check_gradient(&x, |t| log_softmax(&t[0], axis).unwrap(), 1e-7);
    }
}

#[test]
fn large_logits_do_not_overflow() {
    let x = Tensor::new(&[[1e4_f32, 0.0], [-1e4, 0.0]], &candle_core::Device::Cpu).unwrap();
    assert_eq!(
        softmax(&x, 1).unwrap().to_vec2::<f32>().unwrap(),
        [[1.0, 0.0], [0.0, 1.0]]
    );
    assert_eq!(
        log_softmax(&x, 1).unwrap().to_vec2::<f32>().unwrap(),
        [[0.0, -1e4], [-1e4, 0.0]]
    );
    assert_eq!(
        log_softmax(&x.t().unwrap(), 0)
            .unwrap()
            .to_vec2::<f32>()
            .unwrap(),
        [[0.0, -1e4], [-1e4, 0.0]]
    );
}

#[test]
fn an_axis_that_does_not_exist_is_refused() {
    assert!(matches!(
        softmax(&pattern(&[2, 3], 1), 2),
        Err(Error::Rank { .. })
    ));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let x = pattern(&[2, 5, 3, 1033], 6).to_dtype(DType::F32).unwrap();
    assert_same_on_any_number_of_threads(|| {
        let x = Var::from_tensor(&x).unwrap();
        let y = softmax(&x, 1).unwrap();
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        vec![
            y,
            gradients.get(&x).unwrap().clone(),
            softmax(&x, 3).unwrap(),
        ]
    });
}
