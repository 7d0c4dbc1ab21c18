//! Grid sampling and affine grids against PyTorch.

use candle_core::{DType, Device, Tensor, Var};
use mednn::ops::{GridInterpolation, GridPadding, GridSampleConfig, affine_grid, grid_sample};
use mednn::{Error, Result};

use crate::suite::{self, Op};
use crate::support::{Fixture, assert_close, pattern};

use GridInterpolation::{Cubic, Linear, Nearest};
use GridPadding::{Border, Reflection, Zeros};

fn sample<const D: usize>(
    t: &[Tensor],
    interpolation: GridInterpolation,
    padding: GridPadding,
    align_corners: bool,
) -> Result<Tensor> {
    let config = GridSampleConfig::new()
        .with_interpolation(interpolation)
        .with_padding(padding)
        .with_align_corners(align_corners);
    grid_sample::<D>(&t[0], &t[1], &config)
}

fn large2() -> Vec<Tensor> {
    vec![pattern(&[2, 3, 40, 53], 6), pattern(&[2, 61, 47, 2], 7)]
}

fn large3() -> Vec<Tensor> {
    vec![
        pattern(&[2, 3, 10, 21, 23], 6),
        pattern(&[2, 11, 17, 13, 3], 7),
    ]
}

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "grid_sample, linear 2D",
        fixture: "grid_sample",
        cases: &[
            ("linear2_zeros", |t| sample::<2>(t, Linear, Zeros, false)),
            ("linear2_zeros_corners", |t| {
                sample::<2>(t, Linear, Zeros, true)
            }),
            ("linear2_border", |t| sample::<2>(t, Linear, Border, false)),
            ("linear2_border_corners", |t| {
                sample::<2>(t, Linear, Border, true)
            }),
            ("linear2_reflection", |t| {
                sample::<2>(t, Linear, Reflection, false)
            }),
            ("linear2_reflection_corners", |t| {
                sample::<2>(t, Linear, Reflection, true)
            }),
        ],
        large: large2,
    },
    Op {
        name: "grid_sample, linear 3D",
        fixture: "grid_sample",
        cases: &[
            ("linear3_zeros", |t| sample::<3>(t, Linear, Zeros, false)),
            ("linear3_zeros_corners", |t| {
                sample::<3>(t, Linear, Zeros, true)
            }),
            ("linear3_border", |t| sample::<3>(t, Linear, Border, false)),
            ("linear3_border_corners", |t| {
                sample::<3>(t, Linear, Border, true)
            }),
            ("linear3_reflection", |t| {
                sample::<3>(t, Linear, Reflection, false)
            }),
            ("linear3_reflection_corners", |t| {
                sample::<3>(t, Linear, Reflection, true)
            }),
        ],
        large: large3,
    },
    Op {
        name: "grid_sample, linear 1D",
        fixture: "grid_sample",
        cases: &[("linear1_zeros", |t| sample::<1>(t, Linear, Zeros, false))],
        large: || vec![pattern(&[2, 3, 999], 6), pattern(&[2, 5001, 1], 7)],
    },
    Op {
        name: "grid_sample, cubic",
        fixture: "grid_sample",
        cases: &[
            ("cubic2_zeros", |t| sample::<2>(t, Cubic, Zeros, false)),
            ("cubic2_zeros_corners", |t| {
                sample::<2>(t, Cubic, Zeros, true)
            }),
            ("cubic2_border", |t| sample::<2>(t, Cubic, Border, false)),
            ("cubic2_border_corners", |t| {
                sample::<2>(t, Cubic, Border, true)
            }),
            ("cubic2_reflection", |t| {
                sample::<2>(t, Cubic, Reflection, false)
            }),
            ("cubic2_reflection_corners", |t| {
                sample::<2>(t, Cubic, Reflection, true)
            }),
        ],
        large: large2,
    },
    Op {
        name: "grid_sample, nearest",
        fixture: "grid_sample",
        cases: &[
            ("nearest2_zeros", |t| sample::<2>(t, Nearest, Zeros, false)),
            ("nearest2_border_corners", |t| {
                sample::<2>(t, Nearest, Border, true)
            }),
        ],
        large: large2,
    },
    Op {
        name: "grid_sample, nearest 3D",
        fixture: "grid_sample",
        cases: &[("nearest3_reflection", |t| {
            sample::<3>(t, Nearest, Reflection, false)
        })],
        large: large3,
    },
    Op {
        name: "affine_grid",
        fixture: "grid_sample",
        cases: &[
            ("affine3", |t| affine_grid(&t[0], [2, 3, 4], false)),
            ("affine3_corners", |t| affine_grid(&t[0], [2, 3, 4], true)),
        ],
        large: || vec![pattern(&[3, 3, 4], 6)],
    },
    Op {
        name: "affine_grid 2D",
        fixture: "grid_sample",
        cases: &[
            ("affine2", |t| affine_grid(&t[0], [1, 5], false)),
            ("affine2_corners", |t| affine_grid(&t[0], [1, 5], true)),
        ],
        large: || vec![pattern(&[3, 2, 3], 6)],
    },
];

#[test]
fn grid_sampling_passes_the_suite() {
    suite::check(OPS);
}

#[test]
fn tricubic_sampling_is_bicubic_sampling_and_cubic_sampling_along_the_depth() {
    let fixture = Fixture::load("grid_sample");
    let inputs = [fixture.get("tricubic.x0"), fixture.get("tricubic.grid")];
    let inputs = inputs.map(|t| t.to_dtype(DType::F64).unwrap());
    let x = Var::from_tensor(&inputs[0]).unwrap();
    let y = sample::<3>(
        &[x.as_tensor().clone(), inputs[1].clone()],
        Cubic,
        Border,
        true,
    )
    .unwrap();
    assert_close(&y, &fixture.get("tricubic.y"), 2e-7, "values");
    let sent = fixture.get("tricubic.g").to_dtype(DType::F64).unwrap();
    let gradients = (y * sent).unwrap().sum_all().unwrap().backward().unwrap();
    assert_close(
        gradients.get(&x).unwrap(),
        &fixture.get("tricubic.dx0"),
        2e-7,
        "gradient",
    );
}

#[test]
fn the_gradient_of_many_places_does_not_depend_on_the_number_of_threads() {
    let maps = pattern(&[2, 3, 4], 3).to_dtype(DType::F32).unwrap();
    crate::support::assert_same_on_any_number_of_threads(|| {
        let maps = Var::from_tensor(&maps).unwrap();
        let grid = affine_grid(&maps, [20, 31, 33], false).unwrap();
        let gradients = grid.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        vec![gradients.get(&maps).unwrap().clone()]
    });
}

#[test]
fn a_place_that_is_no_number_gives_none_and_one_far_away_the_border() {
    let x = Tensor::new(&[[[1.0_f32, 2.0, 4.0]]], &Device::Cpu).unwrap();
    let places = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30];
    let grid = Tensor::from_slice(&places, (1, 4, 1), &Device::Cpu).unwrap();
    for interpolation in [Nearest, Linear, Cubic] {
        for (padding, expected) in [(Zeros, [0.0; 3]), (Border, [4.0, 1.0, 4.0])] {
            let y = sample::<1>(&[x.clone(), grid.clone()], interpolation, padding, false).unwrap();
            let y = y.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert!(y[0].is_nan());
            assert_eq!(y[1..], expected, "{interpolation:?} {padding:?}");
        }
    }
}

#[test]
fn shapes_and_types_that_do_not_fit_are_refused() {
    let x = pattern(&[2, 1, 3, 4], 1);
    let config = GridSampleConfig::new();
    let refused = |grid: &Tensor| grid_sample::<2>(&x, grid, &config).unwrap_err();
    assert!(matches!(
        refused(&pattern(&[1, 3, 3, 2], 1)),
        Error::Axis { axis: 0, .. }
    ));
    assert!(matches!(
        refused(&pattern(&[2, 3, 3, 3], 1)),
        Error::Axis { axis: 3, .. }
    ));
    assert!(matches!(
        refused(&pattern(&[2, 0, 3, 2], 1)),
        Error::Axis { axis: 1, .. }
    ));
    assert!(matches!(
        refused(&pattern(&[2, 3, 2], 1)),
        Error::Rank { .. }
    ));
    let single = pattern(&[2, 3, 3, 2], 1).to_dtype(DType::F32).unwrap();
    assert!(matches!(refused(&single), Error::ElementType { .. }));
    let grid = pattern(&[2, 3, 3, 2], 1);
    let other = grid_sample::<3>(&x, &grid, &config);
    assert!(matches!(other, Err(Error::Rank { .. })));
    let maps = pattern(&[2, 2, 3], 1);
    let refused = |size| affine_grid::<2>(&maps, size, true).unwrap_err();
    assert!(matches!(refused([0, 3]), Error::Setting { .. }));
    assert!(matches!(refused([usize::MAX, 3]), Error::Setting { .. }));
    let other = affine_grid::<3>(&maps, [2, 2, 2], true);
    assert!(matches!(other, Err(Error::Shape { .. })));
}
