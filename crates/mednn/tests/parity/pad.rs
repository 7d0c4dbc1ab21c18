//! Padding against PyTorch.

use candle_core::{DType, Device, Tensor};
use mednn::Error;
use mednn::ops::{PadMode, pad};

use crate::suite::{self, Op};
use crate::support::pattern;

const LINE: [(usize, usize); 1] = [(3, 2)];
const PLANE: [(usize, usize); 2] = [(2, 4), (3, 1)];
const VOLUME: [(usize, usize); 3] = [(1, 2), (2, 4), (3, 1)];

fn large() -> Vec<Tensor> {
    vec![pattern(&[2, 2, 7, 20, 133], 6)]
}

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "pad, constant",
        fixture: "pad",
        cases: &[
            ("constant3", |t| {
                pad(&t[0], [(2, 0), (0, 3), (1, 2)], PadMode::Constant(0.25))
            }),
            ("zero3", |t| {
                pad(&t[0], [(2, 0), (0, 3), (1, 2)], PadMode::Constant(0.0))
            }),
            ("constant2", |t| {
                pad(&t[0], [(0, 3), (1, 2)], PadMode::Constant(1.5))
            }),
            ("constant1", |t| {
                pad(&t[0], [(2, 1)], PadMode::Constant(-0.5))
            }),
        ],
        large,
    },
    Op {
        name: "pad, reflect",
        fixture: "pad",
        cases: &[
            ("reflect3", |t| pad(&t[0], VOLUME, PadMode::Reflect)),
            ("reflect2", |t| pad(&t[0], PLANE, PadMode::Reflect)),
            ("reflect1", |t| pad(&t[0], LINE, PadMode::Reflect)),
        ],
        large,
    },
    Op {
        name: "pad, replicate",
        fixture: "pad",
        cases: &[
            ("replicate3", |t| pad(&t[0], VOLUME, PadMode::Replicate)),
            ("replicate2", |t| pad(&t[0], PLANE, PadMode::Replicate)),
            ("replicate2_wide", |t| {
                pad(&t[0], [(5, 9), (7, 6)], PadMode::Replicate)
            }),
            ("replicate1", |t| pad(&t[0], LINE, PadMode::Replicate)),
        ],
        large,
    },
    Op {
        name: "pad, circular",
        fixture: "pad",
        cases: &[
            ("circular3", |t| pad(&t[0], VOLUME, PadMode::Circular)),
            ("circular2", |t| pad(&t[0], PLANE, PadMode::Circular)),
            ("circular2_whole", |t| {
                pad(&t[0], [(5, 0), (4, 4)], PadMode::Circular)
            }),
            ("circular1", |t| pad(&t[0], LINE, PadMode::Circular)),
        ],
        large,
    },
];

#[test]
fn padding_passes_the_suite() {
    suite::check(OPS);
}

#[test]
fn a_constant_border_does_not_see_what_it_surrounds() {
    let x = Tensor::new(&[[[f32::NAN, f32::INFINITY]]], &Device::Cpu).unwrap();
    for value in [0.0, 2.0] {
        let y = pad(&x, [(1, 1)], PadMode::Constant(value)).unwrap();
        let y = y.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(
            [y[0], y[2], y[3]],
            [value as f32, f32::INFINITY, value as f32]
        );
    }
}

#[test]
fn borders_that_make_no_sense_are_refused() {
    let x = pattern(&[1, 1, 3, 4], 1);
    for (widths, mode) in [
        ([(3, 0), (0, 0)], PadMode::Reflect),
        ([(0, 4), (0, 0)], PadMode::Circular),
    ] {
        let refused = pad(&x, widths, mode);
        assert!(
            matches!(refused, Err(Error::Axis { axis: 2, .. })),
            "{mode:?}"
        );
    }
    for widths in [[(usize::MAX, 1), (0, 0)], [(1 << 40, 0), (1 << 40, 0)]] {
        let refused = pad(&x, widths, PadMode::Constant(0.0));
        assert!(matches!(refused, Err(Error::Setting { .. })));
    }
    let refused = pad(&x, [(1, 1)], PadMode::Replicate);
    assert!(matches!(refused, Err(Error::Rank { .. })));
    let refused = pad(&pattern(&[1, 1, 3, 0], 1), [(1, 1); 2], PadMode::Replicate);
    assert!(matches!(refused, Err(Error::Axis { axis: 3, .. })));
    let whole = x.to_dtype(DType::U8).unwrap();
    let refused = pad(&whole, [(1, 1); 2], PadMode::Replicate);
    assert!(matches!(refused, Err(Error::ElementType { .. })));
}
