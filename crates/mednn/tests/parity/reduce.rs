//! Sums, means and maxima against PyTorch.

use candle_core::{DType, Tensor};
use mednn::Error;
use mednn::ops::{Reduced, max, mean, sum};

use crate::suite::{self, Case, Op};
use crate::support::{Fixture, assert_close, pattern};

fn large() -> Vec<Tensor> {
    vec![pattern(&[2, 3, 17, 41, 37], 6)]
}

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "sum",
        fixture: "reduce",
        cases: &[
            ("sum_spatial3", |t| sum(&t[0], &[2, 3, 4], Reduced::Kept)),
            ("sum_spatial2", |t| sum(&t[0], &[2, 3], Reduced::Dropped)),
            ("sum_tokens", |t| sum(&t[0], &[1], Reduced::Dropped)),
            ("sum_last", |t| sum(&t[0], &[2], Reduced::Kept)),
            ("sum_channels", |t| sum(&t[0], &[1], Reduced::Kept)),
            ("sum_ends", |t| sum(&t[0], &[3, 0], Reduced::Dropped)),
            ("sum_all", |t| sum(&t[0], &[0, 1, 2], Reduced::Dropped)),
        ],
        large,
    },
    Op {
        name: "mean",
        fixture: "reduce",
        cases: &[
            ("mean_channels", |t| mean(&t[0], &[1], Reduced::Kept)),
            ("mean_spatial2", |t| mean(&t[0], &[2, 3], Reduced::Dropped)),
            ("mean_spatial3", |t| mean(&t[0], &[2, 3, 4], Reduced::Kept)),
            ("mean_tokens", |t| mean(&t[0], &[1], Reduced::Dropped)),
            ("mean_last", |t| mean(&t[0], &[2], Reduced::Kept)),
            ("mean_ends", |t| mean(&t[0], &[3, 0], Reduced::Dropped)),
            ("mean_all", |t| mean(&t[0], &[0, 1, 2], Reduced::Dropped)),
        ],
        large,
    },
    Op {
        name: "max",
        fixture: "reduce",
        cases: &[
            ("max_spatial3", |t| max(&t[0], &[2, 3, 4], Reduced::Kept)),
            ("max_spatial2", |t| max(&t[0], &[2, 3], Reduced::Dropped)),
            ("max_tokens", |t| max(&t[0], &[1], Reduced::Dropped)),
            ("max_last", |t| max(&t[0], &[2], Reduced::Kept)),
            ("max_channels", |t| max(&t[0], &[1], Reduced::Kept)),
            ("max_ends", |t| max(&t[0], &[3, 0], Reduced::Dropped)),
            ("max_all", |t| max(&t[0], &[0, 1, 2], Reduced::Dropped)),
        ],
        large,
    },
];

#[test]
fn reductions_pass_the_suite() {
    suite::check(OPS);
}

#[test]
fn equally_large_elements_share_the_gradient() {
    let case: Case<'_> = ("max_ties", |t| max(&t[0], &[1], Reduced::Dropped));
    suite::check_values("max", &Fixture::load("reduce"), &case);
}

#[test]
fn a_mean_of_many_numbers_keeps_its_precision() {
    let values = (pattern(&[1, 2, 100_000], 3) + 1e4).unwrap();
    let single = values.to_dtype(DType::F32).unwrap();
    for axes in [&[2][..], &[1, 2], &[0, 1]] {
        let got = mean(&single, axes, Reduced::Dropped).unwrap();
        let double = single.to_dtype(DType::F64).unwrap();
        let exact = mean(&double, axes, Reduced::Dropped).unwrap();
        assert_close(&got, &exact, 6e-8, "mean");
    }
}

#[test]
fn axes_that_do_not_exist_are_refused() {
    let x = pattern(&[2, 3, 4], 1);
    for op in [sum, mean, max] {
        for axes in [&[][..], &[3], &[1, 1], &[0, usize::MAX]] {
            let refused = op(&x, axes, Reduced::Kept);
            assert!(matches!(refused, Err(Error::Setting { .. })));
        }
        let refused = op(&pattern(&[2, 0, 4], 1), &[0], Reduced::Kept);
        assert!(matches!(refused, Err(Error::Axis { axis: 1, .. })));
        let refused = op(&pattern(&[], 1), &[0], Reduced::Kept);
        assert!(matches!(refused, Err(Error::Rank { .. })));
        let whole = x.to_dtype(DType::U32).unwrap();
        let refused = op(&whole, &[0], Reduced::Kept);
        assert!(matches!(refused, Err(Error::ElementType { .. })));
    }
}
