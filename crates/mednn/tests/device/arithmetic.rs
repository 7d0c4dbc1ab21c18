use mednn::ops::scale::scale_rows;
use mednn::ops::{add, multiply, scale, subtract};

use crate::support::{Case, numbers};

/// Equal, along one or several axes, in turn, on both sides, of numbers of which some are long.
const SHAPES: [[&[usize]; 2]; 8] = [
    [&[2, 3, 5, 7], &[2, 3, 5, 7]],
    [&[2, 3, 5, 7], &[3, 1, 1]],
    [&[2, 3, 5, 7], &[2, 1, 5, 1]],
    [&[4, 1, 6], &[5, 1]],
    [&[1, 70, 33], &[3, 1, 33]],
    [&[2, 40, 50], &[]],
    [&[1, 3, 1, 1], &[2, 3, 40, 41]],
    [&[6000], &[1]],
];

#[test]
fn sums_differences_and_products_with_repetition() {
    for [a, b] in SHAPES {
        let inputs = [numbers(a, 1), numbers(b, 2)];
        let name = format!("{a:?} and {b:?}");
        Case::new(format!("add {name}"), &inputs).check(|x| add(&x[0], &x[1]));
        Case::new(format!("subtract {name}"), &inputs).check(|x| subtract(&x[0], &x[1]));
        Case::new(format!("multiply {name}"), &inputs).check(|x| multiply(&x[0], &x[1]));
    }
}

#[test]
fn constants() {
    let input = [numbers(&[6, 37], 3)];
    Case::new("scale", &input).check(|x| scale(&x[0], -1.5));
    let factors: Vec<f32> = (0..6).map(|i| i as f32 * 0.25).collect();
    Case::new("scale_rows", &input).check(|x| scale_rows(&x[0], factors.clone()));
}

#[test]
fn gradients_of_several_readers_add_up() {
    let input = [numbers(&[3, 11], 4)];
    Case::new("x * x + x", &input).check(|x| add(&multiply(&x[0], &x[0])?, &x[0]));
}
