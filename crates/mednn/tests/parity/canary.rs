//! What candle does that this crate relies on or works around; a failure here says that candle has changed.
#![expect(
    clippy::disallowed_methods,
    reason = "shows what is wrong with candle's own operators"
)]

use candle_core::{DType, Device, Tensor, Var};
use mednn::ops::{Activation, activation};

use crate::support::pattern;

#[test]
fn a_detached_tensor_of_a_variable_sees_later_values() {
    // Evaluation and optimizers hold detached tensors of parameters.
    let var = Var::from_tensor(&pattern(&[3], 1)).unwrap();
    let detached = var.as_detached_tensor();
    var.set(&Tensor::new(&[1.0, 2.0, 3.0], &Device::Cpu).unwrap())
        .unwrap();
    assert_eq!(detached.to_vec1::<f64>().unwrap(), [1.0, 2.0, 3.0]);
    assert!(!detached.track_op() && !detached.is_variable());
}

#[test]
fn an_operator_of_ours_on_untracked_tensors_leaves_no_tape() {
    let y = activation(&pattern(&[2, 3], 1), Activation::Silu).unwrap();
    assert!(!y.track_op());
}

#[test]
fn gradients_of_several_uses_are_added() {
    let x = Var::from_tensor(&pattern(&[4], 1)).unwrap();
    let twice = (activation(&x, Activation::Relu).unwrap() + x.as_tensor()).unwrap();
    let gradients = twice.sum_all().unwrap().backward().unwrap();
    let got = gradients.get(&x).unwrap().to_vec1::<f64>().unwrap();
    for (g, v) in got.iter().zip(x.to_vec1::<f64>().unwrap()) {
        assert_eq!(*g, if v > 0.0 { 2.0 } else { 1.0 });
    }
}

#[test]
fn the_gradient_that_reaches_an_operator_is_contiguous() {
    let x = Var::from_tensor(&pattern(&[2, 3], 1)).unwrap();
    let gradients = x
        .t()
        .unwrap()
        .contiguous()
        .unwrap()
        .sqr()
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    assert!(
        gradients
            .get(&x)
            .unwrap()
            .contiguous()
            .unwrap()
            .is_contiguous()
    );
}

#[test]
fn candles_maximum_pooling_still_has_a_wrong_gradient() {
    // When this fails, the note in `ops::pool` about candle may go; our operator stays faster and has 3D.
    let x =
        Var::from_tensor(&Tensor::new(&[[[[1.0_f64, 2.0], [3.0, 4.0]]]], &Device::Cpu).unwrap())
            .unwrap();
    let gradients = x
        .max_pool2d(2)
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    let got = gradients
        .get(&x)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1::<f64>()
        .unwrap();
    assert_ne!(got, [0.0, 0.0, 0.0, 1.0]);
}

#[test]
fn candles_nearest_upsampling_still_loses_the_gradient_of_a_second_use() {
    let x =
        Var::from_tensor(&Tensor::ones((1, 1, 2, 2), DType::F64, &Device::Cpu).unwrap()).unwrap();
    let up = x.upsample_nearest2d(4, 4).unwrap().sum_all().unwrap();
    // Which one is lost depends on the order of the uses.
    let total = (up + x.sum_all().unwrap()).unwrap();
    let gradients = total.backward().unwrap();
    let got = gradients
        .get(&x)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1::<f64>()
        .unwrap();
    assert_ne!(got, [5.0; 4]);
}

#[test]
fn the_gradient_of_candles_relu_at_zero_still_differs_from_pytorchs() {
    let x = Var::from_tensor(&Tensor::zeros(1, DType::F64, &Device::Cpu).unwrap()).unwrap();
    let candle = x.relu().unwrap().sum_all().unwrap().backward().unwrap();
    assert_eq!(candle.get(&x).unwrap().to_vec1::<f64>().unwrap(), [1.0]);
    let ours = activation(&x, Activation::Relu)
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    assert_eq!(ours.get(&x).unwrap().to_vec1::<f64>().unwrap(), [0.0]);
}
