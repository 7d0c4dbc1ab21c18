//! Activations against PyTorch.

use candle_core::{DType, Tensor, Var};
use mednn::ops::{Activation, activation, prelu};

use crate::support::{
    Fixture, assert_close, assert_same_on_any_number_of_threads, check_gradient, pattern,
};

const ALL: [(&str, Activation); 8] = [
    ("relu", Activation::Relu),
    ("leaky_relu", Activation::LeakyRelu { slope: 0.1 }),
    ("elu", Activation::Elu { alpha: 1.3 }),
    ("gelu", Activation::Gelu),
    ("gelu_tanh", Activation::GeluTanh),
    ("silu", Activation::Silu),
    ("sigmoid", Activation::Sigmoid),
    ("tanh", Activation::Tanh),
];

#[test]
fn values_and_gradients_equal_pytorchs() {
    let fixture = Fixture::load("activation");
    for (dtype, tolerance) in [(DType::F64, 1e-13), (DType::F32, 1e-6)] {
        let g = fixture.get("g").to_dtype(dtype).unwrap();
        for (name, kind) in ALL {
            let x = Var::from_tensor(&fixture.get("x").to_dtype(dtype).unwrap()).unwrap();
            let y = activation(&x, kind).unwrap();
            assert_close(&y, &fixture.get(&format!("{name}.y")), tolerance, name);
            let gradients = (y * &g).unwrap().sum_all().unwrap().backward().unwrap();
            assert_close(
                gradients.get(&x).unwrap(),
                &fixture.get(&format!("{name}.dx")),
                tolerance,
                name,
            );
        }
    }
}

#[test]
fn prelu_equals_pytorchs() {
    let fixture = Fixture::load("activation");
    for name in ["prelu_shared", "prelu_each"] {
        let get = |part: &str| fixture.get(&format!("{name}.{part}"));
        let (x, slopes) = (
            fixture.var(&format!("{name}.x")),
            fixture.var(&format!("{name}.slopes")),
        );
        let y = prelu(&x, &slopes).unwrap();
        assert_close(&y, &get("y"), 1e-14, name);
        let gradients = (y * get("g"))
            .unwrap()
            .sum_all()
            .unwrap()
            .backward()
            .unwrap();
        assert_close(gradients.get(&x).unwrap(), &get("dx"), 1e-14, name);
        assert_close(
            gradients.get(&slopes).unwrap(),
            &get("dslopes"),
            1e-14,
            name,
        );
    }
}

#[test]
fn gradients_agree_with_finite_differences() {
    let x = pattern(&[2, 3, 5], 1);
    for (_, kind) in ALL {
        check_gradient(
            std::slice::from_ref(&x),
            |t| activation(&t[0], kind).unwrap(),
            1e-6,
        );
    }
    check_gradient(
        &[x, pattern(&[3], 2)],
        |t| prelu(&t[0], &t[1]).unwrap(),
        1e-6,
    );
}

#[test]
fn a_view_and_a_part_of_a_tensor_are_read_in_their_order() {
    let x = pattern(&[4, 6], 3);
    let view = x.t().unwrap().narrow(0, 1, 4).unwrap();
    let copied = Tensor::new(view.to_vec2::<f64>().unwrap(), x.device()).unwrap();
    let got = activation(&view, Activation::Silu).unwrap();
    assert_close(
        &got,
        &activation(&copied, Activation::Silu).unwrap(),
        0.0,
        "view",
    );
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let x = pattern(&[2, 3, 33_001], 4).to_dtype(DType::F32).unwrap();
    let slopes = pattern(&[3], 5).to_dtype(DType::F32).unwrap();
    assert_same_on_any_number_of_threads(|| {
        let (x, slopes) = (
            Var::from_tensor(&x).unwrap(),
            Var::from_tensor(&slopes).unwrap(),
        );
        let y = prelu(&x, &slopes).unwrap();
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        vec![
            y.clone(),
            gradients.get(&x).unwrap().clone(),
            gradients.get(&slopes).unwrap().clone(),
        ]
    });
}
