//! Sums, differences and products with repeated axes against PyTorch.

use candle_core::{DType, Tensor};
use mednn::ops::{add, multiply, scale, subtract};
use mednn::{Error, Result};

use crate::suite::{self, Op};
use crate::support::pattern;

fn one() -> Vec<Tensor> {
    vec![pattern(&[2, 7, 16, 22, 36], 6)]
}

/// A gate for each channel, and what it opens.
fn gate() -> Vec<Tensor> {
    vec![
        pattern(&[2, 7, 16, 22, 36], 6),
        pattern(&[2, 7, 1, 1, 1], 7),
    ]
}

/// One factor for each channel behind tokens.
fn last() -> Vec<Tensor> {
    vec![pattern(&[2, 1500, 33], 6), pattern(&[33], 7)]
}

/// A map that all channels share, and a tensor repeated along another axis.
fn map() -> Vec<Tensor> {
    vec![pattern(&[2, 1, 16, 50, 36], 6), pattern(&[5, 16, 50, 1], 7)]
}

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "add",
        fixture: "arithmetic",
        cases: &[
            ("add_equal3", |t| add(&t[0], &t[1])),
            ("add_equal1", |t| add(&t[0], &t[1])),
            ("add_gate2", |t| add(&t[0], &t[1])),
            ("add_gate3", |t| add(&t[0], &t[1])),
            ("add_channels", |t| add(&t[0], &t[1])),
            ("add_map", |t| add(&t[0], &t[1])),
            ("add_tokens", |t| add(&t[0], &t[1])),
            ("add_last", |t| add(&t[0], &t[1])),
            ("add_both", |t| add(&t[0], &t[1])),
            ("add_number", |t| add(&t[0], &t[1])),
        ],
        large: map,
    },
    Op {
        name: "subtract",
        fixture: "arithmetic",
        cases: &[
            ("subtract_equal1", |t| subtract(&t[0], &t[1])),
            ("subtract_gate3", |t| subtract(&t[0], &t[1])),
            ("subtract_last", |t| subtract(&t[0], &t[1])),
        ],
        large: last,
    },
    Op {
        name: "multiply",
        fixture: "arithmetic",
        cases: &[
            ("multiply_equal3", |t| multiply(&t[0], &t[1])),
            ("multiply_equal1", |t| multiply(&t[0], &t[1])),
            ("multiply_gate2", |t| multiply(&t[0], &t[1])),
            ("multiply_gate3", |t| multiply(&t[0], &t[1])),
            ("multiply_channels", |t| multiply(&t[0], &t[1])),
            ("multiply_map", |t| multiply(&t[0], &t[1])),
            ("multiply_tokens", |t| multiply(&t[0], &t[1])),
            ("multiply_last", |t| multiply(&t[0], &t[1])),
            ("multiply_both", |t| multiply(&t[0], &t[1])),
            ("multiply_number", |t| multiply(&t[0], &t[1])),
        ],
        large: gate,
    },
    Op {
        name: "add",
        fixture: "arithmetic",
        cases: &[("twice", |t| add(&t[0], &t[0]))],
        large: one,
    },
    Op {
        name: "multiply",
        fixture: "arithmetic",
        cases: &[("square", |t| multiply(&t[0], &t[0]))],
        large: one,
    },
    Op {
        name: "multiply",
        fixture: "arithmetic",
        cases: &[("multiply_both", |t| multiply(&t[0], &t[1]))],
        large: map,
    },
    Op {
        name: "scale",
        fixture: "arithmetic",
        cases: &[("scale", |t| scale(&t[0], -0.3))],
        large: one,
    },
];

#[test]
fn arithmetic_passes_the_suite() {
    suite::check(OPS);
}

#[test]
fn tensors_that_do_not_fit_are_refused() {
    let refused = |a: &[usize], b: &[usize]| {
        let (a, b) = (pattern(a, 1), pattern(b, 2));
        [add, subtract, multiply].map(|op| op(&a, &b))
    };
    let axis = |a: &[usize], b: &[usize], expected: usize| {
        for refused in refused(a, b) {
            let Err(Error::Axis { axis, got, .. }) = refused else {
                panic!("{a:?} with {b:?}");
            };
            assert_eq!((axis, got.as_slice()), (expected, b));
        }
    };
    axis(&[2, 3, 4], &[2, 3, 5], 2);
    axis(&[2, 3, 4], &[3], 0);
    axis(&[4], &[2, 4, 3], 2);
    // Gates without spatial axes: shapes are compared from the last.
    axis(&[2, 3, 4, 5], &[2, 3], 0);
    let none = pattern(&[2, 0, 4], 1);
    let some = pattern(&[2, 1, 4], 1);
    for refused in [add(&none, &some), multiply(&some, &none), scale(&none, 2.0)] {
        assert!(matches!(refused, Err(Error::Axis { axis: 1, .. })));
    }
    let whole = some.to_dtype(DType::U32).unwrap();
    let single = some.to_dtype(DType::F32).unwrap();
    for refused in [add(&whole, &whole), add(&some, &single), scale(&whole, 2.0)] {
        assert!(matches!(refused, Err(Error::ElementType { .. })));
    }
    for factor in [f64::NAN, f64::INFINITY] {
        assert!(matches!(scale(&some, factor), Err(Error::Setting { .. })));
    }
    // An output that no memory holds, from two arguments that are small.
    let refused = multiply(&long(0).unwrap(), &long(1).unwrap());
    assert!(matches!(refused, Err(Error::Setting { .. })));
}

/// A view of one number that is enormous along the first or the second pair of axes.
fn long(pair: usize) -> Result<Tensor> {
    const LENGTH: usize = 1 << 31;
    let mut shape = [1; 4];
    shape[2 * pair..2 * pair + 2].fill(LENGTH);
    Ok(pattern(&[1; 4], 1).broadcast_as(&shape)?)
}
