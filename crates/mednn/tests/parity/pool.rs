//! Pooling against PyTorch.

use candle_core::{DType, Tensor, Var};
use mednn::Error;
use mednn::ops::{PoolConfig, avg_pool2d, avg_pool3d, max_pool2d, max_pool3d};

use crate::support::{assert_same_on_any_number_of_threads, check_gradient, check_unary, pattern};

fn check(name: &str, run: impl Fn(&Tensor) -> Tensor) {
    check_unary("pool", name, run);
}

#[test]
fn the_maximum_and_its_gradient_equal_pytorchs_also_among_ties() {
    let plane = |kernel| PoolConfig::new(kernel);
    check("max2", |x| max_pool2d(x, &plane([2, 2])).unwrap());
    let overlap = plane([3, 2]).with_stride([2, 1]).with_padding([1, 1]);
    check("max2_overlap", |x| max_pool2d(x, &overlap).unwrap());
    check("max2_ceil", |x| {
        max_pool2d(x, &plane([2, 3]).with_ceil_mode(true)).unwrap()
    });
    let ceil = plane([3, 3])
        .with_stride([2, 2])
        .with_padding([1, 1])
        .with_ceil_mode(true);
    check("max2_ceil_pad", |x| max_pool2d(x, &ceil).unwrap());
    check("max3", |x| {
        max_pool3d(x, &PoolConfig::new([2, 2, 2])).unwrap()
    });
    check("max3_flat", |x| {
        max_pool3d(x, &PoolConfig::new([1, 2, 3])).unwrap()
    });
    let overlap = PoolConfig::new([3, 3, 3])
        .with_stride([2, 2, 2])
        .with_padding([1, 1, 1]);
    check("max3_overlap", |x| max_pool3d(x, &overlap).unwrap());
}

#[test]
fn the_average_and_its_gradient_equal_pytorchs_at_every_border() {
    let plane = |kernel| PoolConfig::new(kernel);
    check("avg2", |x| avg_pool2d(x, &plane([2, 2])).unwrap());
    let padded = plane([3, 3]).with_stride([2, 2]).with_padding([1, 1]);
    check("avg2_pad", |x| avg_pool2d(x, &padded).unwrap());
    check("avg2_nopad", |x| {
        avg_pool2d(x, &padded.with_count_include_pad(false)).unwrap()
    });
    let ceil = plane([3, 3])
        .with_stride([2, 2])
        .with_padding([1, 0])
        .with_ceil_mode(true);
    check("avg2_ceil", |x| avg_pool2d(x, &ceil).unwrap());
    check("avg2_ceil_nopad", |x| {
        avg_pool2d(x, &ceil.with_count_include_pad(false)).unwrap()
    });
    check("avg3", |x| {
        avg_pool3d(x, &PoolConfig::new([2, 1, 3])).unwrap()
    });
    let padded = PoolConfig::new([3, 2, 3])
        .with_stride([1, 2, 2])
        .with_padding([1, 1, 0]);
    check("avg3_pad", |x| avg_pool3d(x, &padded).unwrap());
}

#[test]
fn gradients_agree_with_finite_differences() {
    let x = [pattern(&[2, 2, 3, 5, 4], 1)];
    check_gradient(
        &x,
        |t| max_pool3d(&t[0], &PoolConfig::new([2, 2, 2])).unwrap(),
        1e-6,
    );
    let overlap = PoolConfig::new([2, 3, 3])
        .with_stride([1, 2, 1])
        .with_padding([1, 1, 1]);
    check_gradient(&x, |t| max_pool3d(&t[0], &overlap).unwrap(), 1e-6);
    check_gradient(&x, |t| avg_pool3d(&t[0], &overlap).unwrap(), 1e-6);
}

#[test]
fn a_nan_is_not_hidden_by_larger_values() {
    for value_after in [1.0_f32, f32::INFINITY] {
        let values = vec![0.0, f32::NAN, value_after, 3.0, 5.0, 4.0];
        let x = Tensor::from_vec(values, (1, 1, 1, 6), &candle_core::Device::Cpu).unwrap();
        for padding in [0, 1] {
            let config = PoolConfig::new([1, 3]).with_padding([0, padding]);
            let y = max_pool2d(&x, &config)
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
fn results_do_not_depend_on_the_number_of_threads() {
    let x = pattern(&[2, 3, 20, 31, 33], 6)
        .to_dtype(DType::F32)
        .unwrap();
    let overlap = PoolConfig::new([3, 3, 3])
        .with_stride([2, 1, 2])
        .with_padding([1, 1, 1]);
    assert_same_on_any_number_of_threads(|| {
        let x = Var::from_tensor(&x).unwrap();
        let y = max_pool3d(&x, &overlap).unwrap();
        let z = avg_pool3d(&x, &overlap).unwrap();
        let gradients = (&y * &z).unwrap().sum_all().unwrap().backward().unwrap();
        vec![y, z, gradients.get(&x).unwrap().clone()]
    });
}

#[test]
fn windows_that_do_not_fit_are_refused() {
    let x = Tensor::zeros((1, 1, 3, 4), DType::F32, &candle_core::Device::Cpu).unwrap();
    assert!(matches!(
        max_pool2d(&x, &PoolConfig::new([4, 4])),
        Err(Error::Axis { axis: 2, .. })
    ));
    assert!(matches!(
        max_pool2d(&x, &PoolConfig::new([0, 1])),
        Err(Error::Setting { .. })
    ));
    let stride = PoolConfig::new([2, 2]).with_stride([0, 1]);
    assert!(matches!(
        avg_pool2d(&x, &stride),
        Err(Error::Setting { .. })
    ));
    let padding = PoolConfig::new([3, 3]).with_padding([2, 0]);
    assert!(matches!(
        avg_pool2d(&x, &padding),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        max_pool3d(&x, &PoolConfig::new([1, 1, 1])),
        Err(Error::Rank { .. })
    ));
}
