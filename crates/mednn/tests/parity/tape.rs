//! The tape gives the gradients that candle's `backward` gives.

use candle_core::{DType, Device, Tensor, Var};
use mednn::ops::conv::{ConvConfig, conv};
use mednn::ops::{Activation, PoolConfig, activation, concat, instance_norm, max_pool2d};
use mednn::tape::Tape;

use crate::support::{assert_close, pattern};

/// A network with a tensor that two operators read: `[2, 3, 6, 5]` to `[2, 8, 3, 2]`.
fn network(x: &Tensor, weight: &Tensor, bias: &Tensor, native: bool) -> Tensor {
    let y = conv(x, weight, Some(bias), &ConvConfig::same([3, 3])).unwrap();
    let y = instance_norm(&y, None, 1e-5, Activation::LeakyRelu { slope: 0.1 }).unwrap();
    let y = if native { (y * 2.0).unwrap() } else { y };
    let half = PoolConfig::new([2, 2]);
    let bent = activation(&y, Activation::Silu).unwrap();
    let [a, b] = [&y, &bent].map(|t| max_pool2d(t, &half).unwrap());
    concat(&[&a, &b]).unwrap()
}

fn variables() -> [Var; 3] {
    [[2, 3, 6, 5].as_slice(), &[4, 3, 3, 3], &[4]]
        .map(|shape| Var::from_tensor(&pattern(shape, shape.len() as u64)).unwrap())
}

#[test]
fn gradients_equal_candles_to_the_bit() {
    for native in [false, true] {
        let [x, w, b] = variables();
        let (y, tape) = Tape::record(|| network(&x, &w, &b, native));
        assert_eq!(tape.len(), 6);
        let weights = pattern(y.dims(), 9);
        let by_candle = (&y * &weights).unwrap().sum_all().unwrap();
        let by_candle = by_candle.backward().unwrap();
        let by_tape = tape.backward(vec![(y, weights)]).unwrap();
        for var in [&x, &w, &b] {
            let [tape, candle] = [&by_tape, &by_candle].map(|g| g.get(var).unwrap());
            assert_close(tape, candle, 0.0, "gradient");
        }
    }
}

#[test]
fn several_outputs_send_their_gradients_back_together() {
    let [x, w, b] = variables();
    let (y, tape) = Tape::record(|| {
        let y = conv(&x, &w, Some(&b), &ConvConfig::same([3, 3])).unwrap();
        let z = activation(&y, Activation::Silu).unwrap();
        [y, z]
    });
    let ones = y[0].ones_like().unwrap();
    let sum = (&y[0] + &y[1]).unwrap().sum_all().unwrap();
    let expected = sum.backward().unwrap();
    let [y, z] = y;
    let got = tape.backward(vec![(y, ones.clone()), (z, ones)]).unwrap();
    for var in [&x, &w, &b] {
        assert_close(
            got.get(var).unwrap(),
            expected.get(var).unwrap(),
            1e-14,
            "gradient",
        );
    }
}

#[test]
fn a_recording_within_another_keeps_its_operators() {
    let x = Var::new(&[[1.0_f32, -2.0]], &Device::Cpu).unwrap();
    let relu = |x: &Tensor| activation(x, Activation::Relu).unwrap();
    let (inner, outer) = Tape::record(|| {
        let y = relu(&x);
        Tape::record(|| relu(&y)).1
    });
    assert_eq!((inner.len(), outer.len()), (1, 1));
    // What has nothing to give back is not kept, nor is anything afterwards.
    let (_, empty) = Tape::record(|| relu(&x.as_detached_tensor()));
    assert!(empty.is_empty());
}

#[test]
fn a_gradient_of_another_shape_is_refused() {
    let x = Var::new(&[[1.0_f32, -2.0]], &Device::Cpu).unwrap();
    let (y, tape) = Tape::record(|| activation(&x, Activation::Relu).unwrap());
    let gradient = Tensor::ones((2, 2), DType::F32, &Device::Cpu).unwrap();
    assert!(matches!(
        tape.backward(vec![(y, gradient)]),
        Err(mednn::Error::Shape { .. })
    ));
}
