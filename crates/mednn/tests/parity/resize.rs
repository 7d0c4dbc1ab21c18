//! Resizing and padding against PyTorch.

use candle_core::{DType, Tensor, Var};
use mednn::Error;
use mednn::ops::{Interpolation, PadMode, Size, pad, resize};

use crate::support::{
    assert_close, assert_same_on_any_number_of_threads, check_gradient, check_unary, pattern,
};

const LINEAR: Interpolation = Interpolation::Linear {
    align_corners: false,
};
const CORNERS: Interpolation = Interpolation::Linear {
    align_corners: true,
};

fn check(name: &str, run: impl Fn(&Tensor) -> Tensor) {
    check_unary("resize", name, run);
}

#[test]
fn resizing_equals_pytorchs() {
    let nearest = Interpolation::Nearest;
    check("nearest2", |x| {
        resize(x, Size::Voxels([7, 8]), nearest).unwrap()
    });
    check("nearest3", |x| {
        resize(x, Size::Factor([2.0; 3]), nearest).unwrap()
    });
    check("nearest3_down", |x| {
        resize(x, Size::Voxels([2, 3, 3]), nearest).unwrap()
    });
    check("exact2", |x| {
        resize(x, Size::Voxels([3, 9]), Interpolation::NearestExact).unwrap()
    });
    check("linear2", |x| {
        resize(x, Size::Voxels([8, 3]), LINEAR).unwrap()
    });
    check("linear2_corners", |x| {
        resize(x, Size::Voxels([8, 3]), CORNERS).unwrap()
    });
    check("linear2_one", |x| {
        resize(x, Size::Voxels([1, 6]), CORNERS).unwrap()
    });
    check("linear2_factor", |x| {
        resize(x, Size::Factor([1.7, 2.3]), LINEAR).unwrap()
    });
    check("linear3", |x| {
        resize(x, Size::Factor([2.0; 3]), LINEAR).unwrap()
    });
    check("linear3_corners", |x| {
        resize(x, Size::Voxels([5, 7, 6]), CORNERS).unwrap()
    });
}

#[test]
fn padding_equals_pytorchs() {
    check("pad_constant2", |x| {
        pad(x, [(0, 3), (1, 2)], PadMode::Constant(1.5)).unwrap()
    });
    check("pad_zero3", |x| {
        pad(x, [(2, 0), (0, 3), (1, 2)], PadMode::Constant(0.0)).unwrap()
    });
    check("pad_reflect2", |x| {
        pad(x, [(2, 4), (3, 1)], PadMode::Reflect).unwrap()
    });
    check("pad_reflect3", |x| {
        pad(x, [(1, 2), (2, 4), (3, 1)], PadMode::Reflect).unwrap()
    });
    check("pad_replicate3", |x| {
        pad(x, [(4, 1), (0, 3), (1, 2)], PadMode::Replicate).unwrap()
    });
}

#[test]
fn gradients_agree_with_finite_differences() {
    let x = [pattern(&[2, 1, 3, 2, 4], 1)];
    check_gradient(
        &x,
        |t| resize(&t[0], Size::Voxels([5, 3, 7]), LINEAR).unwrap(),
        1e-7,
    );
    check_gradient(
        &x,
        |t| resize(&t[0], Size::Voxels([2, 3, 7]), CORNERS).unwrap(),
        1e-7,
    );
    check_gradient(
        &x,
        |t| pad(&t[0], [(2, 1), (1, 1), (3, 0)], PadMode::Reflect).unwrap(),
        1e-7,
    );
}

#[test]
fn the_same_size_gives_the_same_values() {
    let x = pattern(&[1, 2, 3, 4, 5], 2);
    for interpolation in [
        Interpolation::Nearest,
        Interpolation::NearestExact,
        LINEAR,
        CORNERS,
    ] {
        let y = resize(&x, Size::Voxels([3, 4, 5]), interpolation).unwrap();
        assert_close(&y, &x, 0.0, "identity");
        // Also of a view whose memory is in another order.
        let turned = x.transpose(3, 4).unwrap();
        let y = resize(&turned, Size::Voxels([3, 5, 4]), interpolation).unwrap();
        assert_close(&y, &turned.contiguous().unwrap(), 0.0, "identity of a view");
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let x = pattern(&[2, 2, 7, 20, 33], 6).to_dtype(DType::F32).unwrap();
    assert_same_on_any_number_of_threads(|| {
        let x = Var::from_tensor(&x).unwrap();
        let y = resize(&x, Size::Factor([1.5, 2.0, 2.5]), LINEAR).unwrap();
        let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        vec![y, gradients.get(&x).unwrap().clone()]
    });
}

#[test]
fn sizes_and_borders_that_make_no_sense_are_refused() {
    let x = pattern(&[1, 1, 3, 4], 1);
    assert!(matches!(
        resize(&x, Size::Voxels([0, 3]), LINEAR),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        resize(&x, Size::Factor([0.1, 1.0]), LINEAR),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        resize(&x, Size::Factor([f64::NAN, 1.0]), LINEAR),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        resize(&x, Size::Voxels([3, 3, 3]), LINEAR),
        Err(Error::Rank { .. })
    ));
    assert!(matches!(
        pad(&x, [(3, 0), (0, 0)], PadMode::Reflect),
        Err(Error::Axis { axis: 2, .. })
    ));
}
