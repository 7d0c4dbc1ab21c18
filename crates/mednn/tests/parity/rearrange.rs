//! Pixel shuffle and patches against PyTorch and MONAI.

use candle_core::{DType, Tensor};
use mednn::Error;
use mednn::ops::{patchify, pixel_shuffle, pixel_unshuffle, unpatchify};

use crate::suite::{self, Op};
use crate::support::{assert_close, pattern};

fn large() -> Vec<Tensor> {
    vec![pattern(&[2, 16, 12, 22, 36], 6)]
}

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "pixel_shuffle",
        fixture: "rearrange",
        cases: &[
            ("shuffle3", |t| pixel_shuffle(&t[0], [2; 3])),
            ("shuffle2", |t| pixel_shuffle(&t[0], [3; 2])),
        ],
        large,
    },
    Op {
        name: "pixel_unshuffle",
        fixture: "rearrange",
        cases: &[
            ("unshuffle3", |t| pixel_unshuffle(&t[0], [2; 3])),
            ("unshuffle2", |t| pixel_unshuffle(&t[0], [2; 2])),
        ],
        large,
    },
    Op {
        name: "patchify",
        fixture: "rearrange",
        cases: &[
            ("patches3", |t| patchify(&t[0], [2, 1, 3])),
            ("patches2", |t| patchify(&t[0], [2, 3])),
            ("patches1", |t| patchify(&t[0], [3])),
        ],
        large,
    },
    Op {
        name: "unpatchify",
        fixture: "rearrange",
        // There and back, so that the way back sees both kinds of gradient.
        cases: &[("patches3", |t| {
            let size = [t[0].dims()[2], t[0].dims()[3], t[0].dims()[4]];
            let there = patchify(&t[0], [2, 1, 3])?;
            patchify(&unpatchify(&there, size, [2, 1, 3])?, [2, 1, 3])
        })],
        large,
    },
];

#[test]
fn rearranging_passes_the_suite() {
    suite::check(OPS);
}

#[test]
fn each_way_back_undoes_the_way_there() {
    let x = pattern(&[2, 3, 4, 6, 10], 1);
    let factor = [2, 3, 5];
    let back = pixel_shuffle(&pixel_unshuffle(&x, factor).unwrap(), factor).unwrap();
    assert_close(&back, &x, 0.0, "pixels");
    let back = unpatchify(&patchify(&x, factor).unwrap(), [4, 6, 10], factor).unwrap();
    assert_close(&back, &x, 0.0, "patches");
}

#[test]
fn sizes_that_do_not_divide_are_refused() {
    let x = pattern(&[1, 6, 4, 6], 1);
    let refused = pixel_shuffle(&x, [2, 2]);
    assert!(matches!(refused, Err(Error::Axis { axis: 1, .. })));
    for refused in [pixel_unshuffle(&x, [2, 4]), patchify(&x, [2, 4])] {
        assert!(matches!(refused, Err(Error::Axis { axis: 3, .. })));
    }
    for factor in [[0, 1], [usize::MAX, 2]] {
        for refused in [
            pixel_shuffle(&x, factor),
            pixel_unshuffle(&x, factor),
            patchify(&x, factor),
        ] {
            assert!(matches!(refused, Err(Error::Setting { .. })));
        }
    }
    assert!(matches!(pixel_shuffle(&x, [2]), Err(Error::Rank { .. })));
    let whole = x.to_dtype(DType::U32).unwrap();
    let refused = patchify(&whole, [2, 2]);
    assert!(matches!(refused, Err(Error::ElementType { .. })));
    let patches = pattern(&[1, 6, 24], 1);
    assert!(unpatchify(&patches, [4, 6], [2, 2]).is_ok());
    let refused = unpatchify(&patches, [4, 8], [2, 2]);
    assert!(matches!(refused, Err(Error::Axis { axis: 1, .. })));
    let refused = unpatchify(&patches, [10, 15], [5, 5]);
    assert!(matches!(refused, Err(Error::Axis { axis: 2, .. })));
    let refused = unpatchify(&patches, [4, 7], [2, 2]);
    assert!(matches!(refused, Err(Error::Setting { .. })));
}
