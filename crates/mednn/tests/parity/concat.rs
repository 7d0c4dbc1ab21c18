//! Concatenation against candle's.

use candle_core::{DType, Tensor, Var};
use mednn::Error;
use mednn::ops::concat;

use crate::support::{assert_close, check_gradient, pattern};

#[test]
fn channels_come_one_tensor_after_another() {
    let tensors = [
        pattern(&[2, 3, 4, 5], 1),
        pattern(&[2, 1, 4, 5], 2),
        pattern(&[2, 2, 4, 5], 3),
    ];
    let joined = concat(&[&tensors[0], &tensors[1], &tensors[2]]).unwrap();
    assert_close(&joined, &Tensor::cat(&tensors, 1).unwrap(), 0.0, "concat");
    check_gradient(&tensors, |t| concat(&[&t[0], &t[1], &t[2]]).unwrap(), 1e-8);
}

#[test]
fn long_rows_are_joined_across_chunk_borders() {
    let a = pattern(&[2, 3, 41, 201], 1).to_dtype(DType::F32).unwrap();
    let b = pattern(&[2, 2, 41, 201], 2).to_dtype(DType::F32).unwrap();
    assert_close(
        &concat(&[&a, &b]).unwrap(),
        &Tensor::cat(&[&a, &b], 1).unwrap(),
        0.0,
        "concat",
    );
}

#[test]
fn a_tensor_used_twice_gets_both_gradients_and_an_untracked_one_none() {
    let a = Var::from_tensor(&pattern(&[1, 2, 3], 1)).unwrap();
    let b = pattern(&[1, 1, 3], 2);
    let joined = concat(&[&a, &b, &a]).unwrap();
    let gradients = joined.sum_all().unwrap().backward().unwrap();
    assert_close(
        gradients.get(&a).unwrap(),
        &a.ones_like().unwrap().affine(2.0, 0.0).unwrap(),
        0.0,
        "twice",
    );
    assert!(gradients.get(&b).is_none());
}

#[test]
fn shapes_that_differ_elsewhere_are_refused() {
    let (a, b) = (pattern(&[2, 3, 4], 1), pattern(&[2, 3, 5], 1));
    assert!(matches!(concat(&[&a, &b]), Err(Error::Shape { .. })));
    assert!(matches!(concat(&[]), Err(Error::Setting { .. })));
}
