//! Queries and keys of attention by cosines against timm.

use candle_core::{DType, Device, Tensor};
use mednn::Error;
use mednn::ops::{AttentionConfig, self_attention, unit_query_key};

use crate::suite::{Op, check, check_values};
use crate::support::{Fixture, assert_close, pattern};

pub(crate) const OPS: &[Op] = &[Op {
    name: "unit_query_key",
    fixture: "unit_query_key",
    cases: &[
        ("plain", |x| unit_query_key(&x[0], &x[1])),
        ("wide", |x| unit_query_key(&x[0], &x[1])),
        ("bound", |x| unit_query_key(&x[0], &x[1])),
    ],
    large: || vec![pattern(&[7, 501, 60], 1), pattern(&[4], 2)],
}];

#[test]
fn queries_and_keys_pass_the_suite() {
    check(OPS);
}

#[test]
fn vectors_without_length_have_the_references_gradient() {
    let case = ("short", OPS[0].cases[0].1);
    check_values("unit_query_key", &Fixture::load("unit_query_key"), &case);
}

#[test]
fn attention_then_weighs_by_cosines() {
    // Whatever the length of a token, the weights stay.
    let tokens = pattern(&[1, 6, 24], 1);
    let longer = (&tokens * 3.0).unwrap();
    let log_factor = Tensor::new(&[0.5_f64, 2.0], &Device::Cpu).unwrap();
    let seen = |tokens: &Tensor| {
        let packed = unit_query_key(tokens, &log_factor).unwrap();
        let cosines = AttentionConfig::default().with_scale(1.0);
        self_attention(&packed, 2, None, &cosines).unwrap()
    };
    let expected = (seen(&tokens) * 3.0).unwrap();
    assert_close(&seen(&longer), &expected, 1e-12, "longer tokens");
}

#[test]
fn what_does_not_fit_is_refused() {
    let tokens = pattern(&[2, 3, 12], 1);
    let refused = unit_query_key(&tokens, &pattern(&[3], 1));
    assert!(matches!(refused, Err(Error::Axis { axis: 2, .. })));
    let refused = unit_query_key(&tokens, &pattern(&[2, 1, 1], 1));
    assert!(matches!(refused, Err(Error::Rank { .. })));
    let refused = unit_query_key(&tokens, &pattern(&[0], 1));
    assert!(matches!(refused, Err(Error::Axis { .. })));
    let single = pattern(&[2], 1).to_dtype(DType::F32).unwrap();
    let refused = unit_query_key(&tokens, &single);
    assert!(matches!(refused, Err(Error::ElementType { .. })));
    let refused = unit_query_key(&pattern(&[2, 12], 1), &pattern(&[2], 1));
    assert!(matches!(refused, Err(Error::Rank { .. })));
}
