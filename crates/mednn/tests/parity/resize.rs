//! Resizing against PyTorch.

use candle_core::{DType, Tensor};
use mednn::Error;
use mednn::ops::{Interpolation, Size, resize};

use crate::suite::{self, Op};
use crate::support::{assert_close, pattern};

const LINEAR: Interpolation = Interpolation::Linear {
    align_corners: false,
};
const LINEAR_CORNERS: Interpolation = Interpolation::Linear {
    align_corners: true,
};
const CUBIC: Interpolation = Interpolation::Cubic {
    align_corners: false,
};
const CUBIC_CORNERS: Interpolation = Interpolation::Cubic {
    align_corners: true,
};
const NEAREST: Interpolation = Interpolation::Nearest;
const AREA: Interpolation = Interpolation::Area;
const ALIASFREE: Interpolation = Interpolation::AntialiasedLinear;
const ALIASFREE_CUBIC: Interpolation = Interpolation::AntialiasedCubic;

fn large() -> Vec<Tensor> {
    vec![pattern(&[2, 2, 7, 20, 33], 6)]
}

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "resize, nearest",
        fixture: "resize",
        cases: &[
            ("nearest3", |t| {
                resize(&t[0], Size::Factor([2.0; 3]), NEAREST)
            }),
            ("nearest3_down", |t| {
                resize(&t[0], Size::Voxels([2, 3, 3]), NEAREST)
            }),
            ("nearest2", |t| resize(&t[0], Size::Voxels([7, 8]), NEAREST)),
            ("nearest1", |t| resize(&t[0], Size::Voxels([5]), NEAREST)),
            ("exact2", |t| {
                resize(&t[0], Size::Voxels([3, 9]), Interpolation::NearestExact)
            }),
        ],
        large,
    },
    Op {
        name: "resize, linear",
        fixture: "resize",
        cases: &[
            ("linear3", |t| resize(&t[0], Size::Factor([2.0; 3]), LINEAR)),
            ("linear3_corners", |t| {
                resize(&t[0], Size::Voxels([5, 7, 6]), LINEAR_CORNERS)
            }),
            ("linear2", |t| resize(&t[0], Size::Voxels([8, 3]), LINEAR)),
            ("linear2_corners", |t| {
                resize(&t[0], Size::Voxels([8, 3]), LINEAR_CORNERS)
            }),
            ("linear2_one", |t| {
                resize(&t[0], Size::Voxels([1, 6]), LINEAR_CORNERS)
            }),
            ("linear2_factor", |t| {
                resize(&t[0], Size::Factor([1.7, 2.3]), LINEAR)
            }),
            ("linear1", |t| resize(&t[0], Size::Voxels([10]), LINEAR)),
        ],
        large,
    },
    Op {
        name: "resize, cubic",
        fixture: "resize",
        cases: &[
            ("cubic3", |t| resize(&t[0], Size::Voxels([5, 3, 6]), CUBIC)),
            ("cubic2", |t| resize(&t[0], Size::Voxels([9, 3]), CUBIC)),
            ("cubic2_corners", |t| {
                resize(&t[0], Size::Voxels([3, 9]), CUBIC_CORNERS)
            }),
            ("cubic2_factor", |t| {
                resize(&t[0], Size::Factor([0.7, 2.3]), CUBIC)
            }),
            ("cubic1", |t| resize(&t[0], Size::Voxels([11]), CUBIC)),
        ],
        large,
    },
    Op {
        name: "resize, area",
        fixture: "resize",
        cases: &[
            ("area3", |t| resize(&t[0], Size::Voxels([2, 3, 3]), AREA)),
            ("area2", |t| resize(&t[0], Size::Voxels([2, 7]), AREA)),
            ("area1", |t| resize(&t[0], Size::Voxels([3]), AREA)),
        ],
        large,
    },
    Op {
        name: "resize, antialiased",
        fixture: "resize",
        cases: &[
            ("antialiased_linear3", |t| {
                resize(&t[0], Size::Voxels([2, 3, 3]), ALIASFREE)
            }),
            ("antialiased_linear2", |t| {
                resize(&t[0], Size::Voxels([3, 7]), ALIASFREE)
            }),
            ("antialiased_linear2_factor", |t| {
                resize(&t[0], Size::Factor([0.4, 0.7]), ALIASFREE)
            }),
            ("antialiased_linear1", |t| {
                resize(&t[0], Size::Voxels([3]), ALIASFREE)
            }),
            ("antialiased_cubic3", |t| {
                resize(&t[0], Size::Voxels([2, 3, 2]), ALIASFREE_CUBIC)
            }),
            ("antialiased_cubic2", |t| {
                resize(&t[0], Size::Voxels([3, 7]), ALIASFREE_CUBIC)
            }),
            ("antialiased_cubic2_factor", |t| {
                resize(&t[0], Size::Factor([0.4, 1.7]), ALIASFREE_CUBIC)
            }),
        ],
        large,
    },
];

#[test]
fn resizing_passes_the_suite() {
    suite::check(OPS);
}

#[test]
fn the_same_size_gives_the_same_values() {
    let x = pattern(&[1, 2, 3, 4, 5], 2);
    for interpolation in [
        NEAREST,
        Interpolation::NearestExact,
        LINEAR,
        LINEAR_CORNERS,
        CUBIC,
        CUBIC_CORNERS,
        AREA,
        ALIASFREE,
        ALIASFREE_CUBIC,
    ] {
        let y = resize(&x, Size::Voxels([3, 4, 5]), interpolation).unwrap();
        assert_close(&y, &x, 0.0, "identity");
    }
}

#[test]
fn sizes_that_make_no_sense_are_refused() {
    let x = pattern(&[1, 1, 3, 4], 1);
    for size in [
        Size::Voxels([0, 3]),
        Size::Voxels([usize::MAX, 3]),
        Size::Voxels([1 << 40, 1 << 40]),
        Size::Factor([0.1, 1.0]),
        Size::Factor([f64::NAN, 1.0]),
        Size::Factor([f64::INFINITY, 1.0]),
        Size::Factor([-1.0, 1.0]),
    ] {
        for interpolation in [LINEAR, CUBIC, AREA, ALIASFREE] {
            let refused = resize(&x, size, interpolation);
            assert!(matches!(refused, Err(Error::Setting { .. })), "{size:?}");
        }
    }
    let refused = resize(&x, Size::Voxels([3, 3, 3]), LINEAR);
    assert!(matches!(refused, Err(Error::Rank { .. })));
    let four = pattern(&[1, 1, 2, 2, 2, 2], 1);
    let refused = resize(&four, Size::Voxels([2; 4]), LINEAR);
    assert!(matches!(refused, Err(Error::Setting { .. })));
    let empty = pattern(&[1, 1, 0, 4], 1);
    let refused = resize(&empty, Size::Voxels([3, 3]), LINEAR);
    assert!(matches!(refused, Err(Error::Axis { axis: 2, .. })));
    let whole = x.to_dtype(DType::U32).unwrap();
    let refused = resize(&whole, Size::Voxels([3, 3]), LINEAR);
    assert!(matches!(refused, Err(Error::ElementType { .. })));
}
