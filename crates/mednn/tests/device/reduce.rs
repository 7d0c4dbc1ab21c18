use mednn::ops::{Reduced, mean, sum};

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
        }
    }
}
