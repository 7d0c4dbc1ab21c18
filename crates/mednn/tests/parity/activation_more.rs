//! All activations through the suite.

use mednn::ops::{Activation, activation, prelu};

use crate::suite::{Op, check};
use crate::support::pattern;

/// The first case of each is also the one run on several threads.
macro_rules! op {
    ($name:literal, $($case:literal => $kind:expr),+) => {
        Op {
            name: $name,
            fixture: "activation_more",
            cases: &[$(($case, |x| activation(&x[0], $kind))),+],
            large: || vec![pattern(&[3, 17, 1013], 1)],
        }
    };
}

pub(crate) const OPS: &[Op] = &[
    op!("relu", "relu" => Activation::Relu),
    op!("leaky_relu", "leaky_relu" => Activation::LeakyRelu { slope: 0.1 }),
    op!("elu", "elu" => Activation::Elu { alpha: 1.3 }),
    op!("gelu", "gelu" => Activation::Gelu, "gelu_tanh" => Activation::GeluTanh),
    op!("silu", "silu" => Activation::Silu),
    op!("sigmoid", "sigmoid" => Activation::Sigmoid),
    op!("tanh", "tanh" => Activation::Tanh),
    op!("relu6", "relu6" => Activation::Relu6),
    op!("selu", "selu" => Activation::Selu),
    op!("celu", "celu" => Activation::Celu { alpha: 0.7 }),
    op!("mish", "mish" => Activation::Mish),
    op!("hard_sigmoid", "hard_sigmoid" => Activation::HardSigmoid),
    op!("hard_swish", "hard_swish" => Activation::HardSwish),
    op!(
        "softplus",
        "softplus" => Activation::Softplus { beta: 1.0, threshold: 20.0 },
        "softplus_sharp" => Activation::Softplus { beta: 2.5, threshold: 10.0 }
    ),
    Op {
        name: "prelu",
        fixture: "activation_more",
        cases: &[
            ("prelu", |x| prelu(&x[0], &x[1])),
            ("prelu_shared", |x| prelu(&x[0], &x[1])),
        ],
        large: || vec![pattern(&[2, 3, 33_001], 4), pattern(&[3], 5)],
    },
];

#[test]
fn activations_pass_the_suite() {
    check(OPS);
}

#[test]
fn large_inputs_do_not_overflow() {
    use candle_core::{Device, Tensor};
    let x = Tensor::new(&[-1e30_f32, -200.0, 200.0, 1e30], &Device::Cpu).unwrap();
    let y = activation(&x, Activation::Mish)
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    assert_eq!(y, [0.0, 0.0, 200.0, 1e30]);
    let soft = Activation::Softplus {
        beta: 1.0,
        threshold: 20.0,
    };
    let y = activation(&x, soft).unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(y, [0.0, 0.0, 200.0, 1e30]);
}
