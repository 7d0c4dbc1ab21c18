use mednn::ops::{concat, narrow};

use crate::support::{Case, numbers};

#[test]
fn parts_of_every_axis() {
    let input = [numbers(&[4, 5, 6, 7], 1)];
    for (axis, start, len) in [(0, 1, 2), (1, 0, 5), (2, 5, 1), (3, 2, 4)] {
        Case::new(format!("narrow {axis} {start} {len}"), &input)
            .check(|x| narrow(&x[0], axis, start, len));
    }
}

#[test]
fn channels_of_two_tensors() {
    let inputs = [numbers(&[2, 3, 5, 6], 2), numbers(&[2, 4, 5, 6], 3)];
    Case::new("concat", &inputs).check(|x| concat(&[&x[0], &x[1]]));
}
