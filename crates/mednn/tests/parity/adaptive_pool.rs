//! Adaptive pooling, pooling with indices and unpooling against PyTorch.

use candle_core::{DType, Device, Tensor};
use mednn::Error;
use mednn::ops::{
    PoolConfig, adaptive_avg_pool, adaptive_max_pool, adaptive_max_pool_with_indices, max_pool,
    max_pool_with_indices, max_unpool,
};

use crate::suite::{self, Op};
use crate::support::{Fixture, pattern};

fn large() -> Vec<Tensor> {
    vec![pattern(&[2, 3, 20, 31, 33], 6)]
}

fn windows3() -> PoolConfig<3> {
    PoolConfig::new([3, 2, 3])
        .with_stride([2, 2, 1])
        .with_padding([1, 0, 1])
}

fn windows2() -> PoolConfig<2> {
    PoolConfig::new([3, 2])
        .with_stride([2, 1])
        .with_padding([1, 1])
        .with_ceil_mode(true)
}

fn windows1() -> PoolConfig<1> {
    PoolConfig::new([3]).with_stride([2]).with_padding([1])
}

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "adaptive_avg_pool",
        fixture: "adaptive_pool",
        cases: &[
            ("avg3", |t| adaptive_avg_pool(&t[0], [2, 3, 4])),
            ("avg3_global", |t| adaptive_avg_pool(&t[0], [1; 3])),
            ("avg2", |t| adaptive_avg_pool(&t[0], [3, 2])),
            ("avg2_more", |t| adaptive_avg_pool(&t[0], [9, 5])),
            ("avg2_global", |t| adaptive_avg_pool(&t[0], [1; 2])),
            ("avg1", |t| adaptive_avg_pool(&t[0], [4])),
        ],
        large,
    },
    Op {
        name: "adaptive_max_pool",
        fixture: "adaptive_pool",
        cases: &[
            ("max3", |t| adaptive_max_pool(&t[0], [2, 3, 4])),
            ("max3_global", |t| adaptive_max_pool(&t[0], [1; 3])),
            ("max2", |t| adaptive_max_pool(&t[0], [3, 2])),
            ("max2_more", |t| adaptive_max_pool(&t[0], [9, 5])),
            ("max2_global", |t| adaptive_max_pool(&t[0], [1; 2])),
            ("max1", |t| adaptive_max_pool(&t[0], [4])),
        ],
        large,
    },
    Op {
        name: "max_pool_with_indices",
        fixture: "pool",
        cases: &[
            ("max3_overlap", |t| {
                let windows = PoolConfig::new([3; 3]).with_stride([2; 3]);
                Ok(max_pool_with_indices(&t[0], &windows.with_padding([1; 3]))?.0)
            }),
            ("max2", |t| {
                Ok(max_pool_with_indices(&t[0], &PoolConfig::new([2; 2]))?.0)
            }),
            ("max1", |t| {
                let windows = PoolConfig::new([3]).with_stride([2]).with_padding([1]);
                Ok(max_pool_with_indices(&t[0], &windows)?.0)
            }),
        ],
        large,
    },
    Op {
        name: "max_unpool",
        fixture: "adaptive_pool",
        cases: &[
            ("unpool3", |t| max_unpool(&t[0], &t[1], [4, 5, 7])),
            ("unpool2", |t| max_unpool(&t[0], &t[1], [7, 5])),
            ("unpool1", |t| max_unpool(&t[0], &t[1], [7])),
        ],
        large: || {
            let values = pattern(&[3, 1000, 2, 3, 3], 6);
            let indices = (0..54_000_u32).map(|i| i * 7919 % 140).collect();
            let indices = Tensor::from_vec(indices, values.dims(), &Device::Cpu).unwrap();
            vec![values, indices]
        },
    },
];

#[test]
fn adaptive_pooling_passes_the_suite() {
    suite::check(OPS);
}

fn check_indices(name: &str, run: impl Fn(&Tensor) -> mednn::Result<(Tensor, Tensor)>) {
    let fixture = Fixture::load("adaptive_pool");
    let (values, indices) = run(&fixture.get(&format!("{name}.x"))).unwrap();
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<u32>().unwrap();
    let expected = fixture.get(&format!("{name}.indices"));
    assert_eq!(indices.dims(), values.dims());
    assert_eq!(flat(&indices), flat(&expected), "{name}");
}

#[test]
fn indices_equal_pytorchs_also_among_ties() {
    check_indices("indices3", |x| max_pool_with_indices(x, &windows3()));
    check_indices("indices2", |x| max_pool_with_indices(x, &windows2()));
    check_indices("indices1", |x| max_pool_with_indices(x, &windows1()));
    check_indices("adaptive_indices2", |x| {
        adaptive_max_pool_with_indices(x, [3, 2])
    });
}

#[test]
fn pooling_with_indices_gives_the_values_and_gradients_of_pooling() {
    for seed in 0..3 {
        let x = pattern(&[2, 2, 4, 5, 7], seed);
        let gradient = |y: Tensor, x: &Tensor| {
            let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let flat = gradients.get(x).unwrap().flatten_all().unwrap();
            flat.to_vec1::<f64>().unwrap()
        };
        let x = candle_core::Var::from_tensor(&x).unwrap();
        let plain = gradient(max_pool(&x, &windows3()).unwrap(), &x);
        let picked = gradient(max_pool_with_indices(&x, &windows3()).unwrap().0, &x);
        assert_eq!(plain, picked);
    }
}

#[test]
fn a_nan_is_the_largest() {
    let x = Tensor::new(&[[[1.0_f32, f32::NAN, f32::INFINITY, 4.0]]], &Device::Cpu).unwrap();
    let (y, indices) = adaptive_max_pool_with_indices(&x, [1]).unwrap();
    assert!(y.flatten_all().unwrap().to_vec1::<f32>().unwrap()[0].is_nan());
    assert_eq!(
        indices.flatten_all().unwrap().to_vec1::<u32>().unwrap(),
        [1]
    );
}

#[test]
fn sizes_and_indices_that_make_no_sense_are_refused() {
    let x = pattern(&[1, 1, 3, 4], 1);
    for size in [[0, 1], [usize::MAX, 2], [1 << 40, 1 << 40]] {
        let refused = adaptive_avg_pool(&x, size);
        assert!(matches!(refused, Err(Error::Setting { .. })), "{size:?}");
        let refused = adaptive_max_pool(&x, size);
        assert!(matches!(refused, Err(Error::Setting { .. })), "{size:?}");
    }
    assert!(matches!(
        adaptive_avg_pool(&x, [1]),
        Err(Error::Rank { .. })
    ));
    let whole = x.to_dtype(DType::U32).unwrap();
    let refused = adaptive_max_pool(&whole, [1, 1]);
    assert!(matches!(refused, Err(Error::ElementType { .. })));
    let refused = max_pool_with_indices(&x, &PoolConfig::new([4, 4]));
    assert!(matches!(refused, Err(Error::Axis { axis: 2, .. })));
    let indices = Tensor::new(&[[[[12_u32]]]], &Device::Cpu).unwrap();
    let one = pattern(&[1, 1, 1, 1], 1);
    assert!(max_unpool(&one, &indices, [13, 1]).is_ok());
    for size in [[3, 4], [0, 4], [usize::MAX, 4]] {
        let refused = max_unpool(&one, &indices, size);
        assert!(matches!(refused, Err(Error::Setting { .. })), "{size:?}");
    }
    assert!(matches!(
        max_unpool(&x, &indices, [3, 4]),
        Err(Error::Shape { .. })
    ));
    let refused = max_unpool(&one, &one, [3, 4]);
    assert!(matches!(refused, Err(Error::ElementType { .. })));
}
