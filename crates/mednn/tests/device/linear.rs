use mednn::ops::linear;

use crate::support::{Case, arithmetic, numbers};

#[test]
fn rows_and_features_of_all_sizes() {
    let _exact = arithmetic(false);
    for (rows, inputs, outputs) in [
        (&[1][..], 1, 1),
        (&[2, 5][..], 7, 3),
        (&[150][..], 40, 130),
        (&[3][..], 600, 20),
    ] {
        let shape = [rows, &[inputs]].concat();
        let tensors = [
            numbers(&shape, 1),
            numbers(&[outputs, inputs], 2),
            numbers(&[outputs], 3),
        ];
        let name = format!("linear {shape:?} to {outputs}");
        Case::new(&name, &tensors).check(|x| linear(&x[0], &x[1], Some(&x[2])));
        Case::new(format!("{name} without bias"), &tensors[..2])
            .check(|x| linear(&x[0], &x[1], None));
    }
}
