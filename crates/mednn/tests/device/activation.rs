use mednn::ops::{Activation, activation, prelu};

use crate::support::{Case, numbers};

#[test]
fn every_activation_at_every_alignment() {
    let all = [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::Elu { alpha: 0.7 },
        Activation::Relu6,
        Activation::Selu,
        Activation::Celu { alpha: 1.3 },
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Silu,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Mish,
        Activation::HardSigmoid,
        Activation::HardSwish,
        Activation::Softplus {
            beta: 2.0,
            threshold: 1.5,
        },
    ];
    for kind in all {
        for len in [1, 7, 1030] {
            // Wide enough that functions with bends see both of their sides.
            let input = [(numbers(&[len], len) * 4.0).unwrap()];
            Case::new(format!("{kind:?} of {len}"), &input).check(|x| activation(&x[0], kind));
        }
        // A view that does not begin where 16 bytes do.
        let input = [numbers(&[41], 5)];
        Case::new(format!("{kind:?} of a view"), &input)
            .check_output(|x| activation(&x[0].narrow(0, 3, 38)?, kind));
    }
}

#[test]
fn slopes_of_channels() {
    for (shape, slopes) in [(&[2, 3, 5, 7][..], 3), (&[3, 4, 700], 1), (&[5, 6], 6)] {
        let inputs = [numbers(shape, 1), numbers(&[slopes], 2)];
        Case::new(format!("prelu {shape:?} {slopes}"), &inputs).check(|x| prelu(&x[0], &x[1]));
    }
}
