//! Pooling against PyTorch.

use candle_core::{DType, Device, Tensor};
use mednn::Error;
use mednn::ops::{PoolConfig, avg_pool, max_pool};

use crate::suite::{self, Case, Op};
use crate::support::{Fixture, pattern};

fn tiles<const D: usize>(kernel: [usize; D]) -> PoolConfig<D> {
    PoolConfig::new(kernel)
}

fn overlapping<const D: usize>() -> PoolConfig<D> {
    PoolConfig::new([3; D])
        .with_stride([2; D])
        .with_padding([1; D])
}

/// 3 x 3 windows that start at every second voxel, with a border above only.
fn uneven() -> PoolConfig<2> {
    overlapping().with_padding([1, 0]).with_ceil_mode(true)
}

/// Windows longer than the axes they lie on, by less than a stride.
fn short() -> PoolConfig<2> {
    tiles([3, 5]).with_stride([2, 3]).with_ceil_mode(true)
}

const MAXIMA: &[Case<'static>] = &[
    ("max3_overlap", |t| max_pool(&t[0], &overlapping::<3>())),
    ("max3", |t| max_pool(&t[0], &tiles([2; 3]))),
    ("max3_flat", |t| max_pool(&t[0], &tiles([1, 2, 3]))),
    ("max2", |t| max_pool(&t[0], &tiles([2; 2]))),
    ("max2_overlap", |t| {
        let windows = tiles([3, 2]).with_stride([2, 1]);
        max_pool(&t[0], &windows.with_padding([1, 1]))
    }),
    ("max2_ceil", |t| {
        max_pool(&t[0], &tiles([2, 3]).with_ceil_mode(true))
    }),
    ("max2_ceil_pad", |t| {
        max_pool(&t[0], &overlapping::<2>().with_ceil_mode(true))
    }),
    ("max2_short", |t| max_pool(&t[0], &short())),
    ("max3_short", |t| {
        let windows = tiles([3, 4, 3]).with_stride([3, 2, 2]);
        max_pool(&t[0], &windows.with_padding([0, 1, 1]).with_ceil_mode(true))
    }),
    ("max1", |t| max_pool(&t[0], &overlapping::<1>())),
];

fn large() -> Vec<Tensor> {
    vec![pattern(&[2, 3, 20, 31, 33], 6)]
}

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "max_pool",
        fixture: "pool",
        cases: MAXIMA,
        large,
    },
    Op {
        name: "avg_pool",
        fixture: "pool",
        cases: &[
            ("avg3_pad", |t| {
                let windows = tiles([3, 2, 3]).with_stride([1, 2, 2]);
                avg_pool(&t[0], &windows.with_padding([1, 1, 0]))
            }),
            ("avg3", |t| avg_pool(&t[0], &tiles([2, 1, 3]))),
            ("avg2", |t| avg_pool(&t[0], &tiles([2; 2]))),
            ("avg2_pad", |t| avg_pool(&t[0], &overlapping::<2>())),
            ("avg2_nopad", |t| {
                avg_pool(&t[0], &overlapping::<2>().with_count_include_pad(false))
            }),
            ("avg2_ceil", |t| avg_pool(&t[0], &uneven())),
            ("avg2_ceil_nopad", |t| {
                avg_pool(&t[0], &uneven().with_count_include_pad(false))
            }),
            ("avg2_short", |t| avg_pool(&t[0], &short())),
            ("avg1", |t| avg_pool(&t[0], &overlapping::<1>())),
        ],
        large,
    },
];

#[test]
fn pooling_passes_the_suite() {
    suite::check(OPS);
}

#[test]
fn of_several_largest_values_the_first_gets_the_gradient() {
    let fixture = Fixture::load("pool");
    for &(name, run) in MAXIMA {
        let name = format!("{name}_ties");
        suite::check_values("max_pool", &fixture, &(&name, run));
    }
}

#[test]
fn a_nan_is_not_hidden_by_larger_values() {
    for value_after in [1.0_f32, f32::INFINITY] {
        let values = vec![0.0, f32::NAN, value_after, 3.0, 5.0, 4.0];
        let x = Tensor::from_vec(values, (1, 1, 1, 6), &Device::Cpu).unwrap();
        for padding in [0, 1] {
            let config = PoolConfig::new([1, 3]).with_padding([0, padding]);
            let y = max_pool(&x, &config)
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap();
            assert!(y[0].is_nan(), "{y:?}");
            assert!(!y[1].is_nan(), "{y:?}");
        }
    }
}

#[test]
fn windows_that_do_not_fit_are_refused() {
    let x = Tensor::zeros((1, 1, 3, 4), DType::F32, &Device::Cpu).unwrap();
    assert!(matches!(
        max_pool(&x, &PoolConfig::new([4, 4])),
        Err(Error::Axis { axis: 2, .. })
    ));
    assert!(matches!(
        max_pool(&x, &PoolConfig::new([0, 1])),
        Err(Error::Setting { .. })
    ));
    let stride = PoolConfig::new([2, 2]).with_stride([0, 1]);
    assert!(matches!(avg_pool(&x, &stride), Err(Error::Setting { .. })));
    let padding = PoolConfig::new([3, 3]).with_padding([2, 0]);
    assert!(matches!(avg_pool(&x, &padding), Err(Error::Setting { .. })));
    assert!(matches!(
        max_pool(&x, &PoolConfig::new([1, 1, 1])),
        Err(Error::Rank { .. })
    ));
    let far = PoolConfig::new([usize::MAX, 1]).with_padding([usize::MAX / 2, 0]);
    assert!(matches!(max_pool(&x, &far), Err(Error::Axis { .. })));
    let wide = PoolConfig::new([1, 1]).with_stride([usize::MAX, usize::MAX]);
    assert_eq!(max_pool(&x, &wide).unwrap().dims(), [1, 1, 1, 1]);
    assert_eq!(
        avg_pool(&x, &wide.with_ceil_mode(true)).unwrap().dims(),
        [1, 1, 1, 1]
    );
    // A window may reach beyond an axis by less than a stride, however long it is.
    let long = PoolConfig::new([usize::MAX, usize::MAX - 1])
        .with_stride([usize::MAX; 2])
        .with_ceil_mode(true);
    assert_eq!(max_pool(&x, &long).unwrap().dims(), [1, 1, 1, 1]);
    let stride2 = PoolConfig::new([5, 1])
        .with_stride([2, 1])
        .with_ceil_mode(true);
    let error = max_pool(&x, &stride2).unwrap_err().to_string();
    assert!(error.contains("at least 4 long"), "{error}");
    let four = Tensor::zeros((1, 1, 2, 2, 2, 2), DType::F32, &Device::Cpu).unwrap();
    let refused = avg_pool(&four, &PoolConfig::new([1; 4]));
    assert!(matches!(refused, Err(Error::Setting { .. })));
}
