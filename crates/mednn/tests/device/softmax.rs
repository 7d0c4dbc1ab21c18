use mednn::ops::{log_softmax, softmax};

use crate::support::{Case, numbers};

#[test]
fn along_every_axis() {
    for shape in [&[3, 5, 7][..], &[2, 1500], &[40, 33], &[1, 4, 3, 70]] {
        // Wide enough that some of the smallest vanish.
        let input = [(numbers(shape, 9) * 20.0).unwrap()];
        for axis in 0..shape.len() {
            Case::new(format!("softmax {shape:?} {axis}"), &input).check(|x| softmax(&x[0], axis));
            Case::new(format!("log_softmax {shape:?} {axis}"), &input)
                .check(|x| log_softmax(&x[0], axis));
        }
    }
}
