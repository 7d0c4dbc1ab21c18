use candle_core::{Device, Tensor};
use mednn::ops::{Reduced, max, mean, sum};

use crate::support::{Case, numbers};

#[test]
fn sums_and_means_over_any_axes() {
    let cases: [(&[usize], &[usize]); 6] = [
        (&[3, 4, 5], &[2]),
        (&[3, 4, 5], &[0, 2]),
        (&[2, 3, 50, 60], &[2, 3]),
        (&[2, 5000], &[1]),
        (&[2000, 3, 2], &[0]),
        (&[4, 30, 70], &[0, 1, 2]),
    ];
    for (shape, axes) in cases {
        let input = [numbers(shape, 1)];
        for reduced in [Reduced::Kept, Reduced::Dropped] {
            let name = format!("{shape:?} over {axes:?} {reduced:?}");
            Case::new(format!("sum of {name}"), &input).check(|x| sum(&x[0], axes, reduced));
            Case::new(format!("mean of {name}"), &input).check(|x| mean(&x[0], axes, reduced));
            Case::new(format!("max of {name}"), &input).check(|x| max(&x[0], axes, reduced));
        }
    }
}

#[test]
fn a_maximum_over_nan_is_nan() {
    let mut values: Vec<f64> = (0..60).map(|i| f64::from(i * 7 % 11)).collect();
    values[8] = f64::NAN;
    let some = [Tensor::from_vec(values, (3, 4, 5), &Device::Cpu).unwrap()];
    for axes in [&[2][..], &[0], &[0, 2]] {
        Case::new(format!("max over {axes:?}"), &some)
            .check_output(|x| max(&x[0], axes, Reduced::Dropped));
    }
}
