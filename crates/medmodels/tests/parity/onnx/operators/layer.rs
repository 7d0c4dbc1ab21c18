//! Activations, convolutions, linear maps and norms.

use mednn::ops::conv::{self, conv};
use mednn::ops::conv_transpose::{ConvTransposeConfig, conv_transpose};
use mednn::ops::{self, Activation};

use super::Case;

pub(super) fn activations() -> Vec<Case> {
    let all = [
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::Elu { alpha: 0.7 },
        Activation::Relu6,
        Activation::Selu,
        Activation::Celu { alpha: 0.7 },
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Silu,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Mish,
        Activation::HardSigmoid,
        Activation::HardSwish,
        Activation::Softplus {
            beta: 1.0,
            threshold: 20.0,
        },
        Activation::Softplus {
            beta: 2.0,
            threshold: 3.0,
        },
    ];
    let mut cases: Vec<Case> = (all.into_iter().enumerate())
        .map(|(i, kind)| {
            Case::new(format!("activation {i}"), &[&[2, 3, 7, 5]], move |x| {
                ops::activation(&ops::scale(&x[0], 8.0)?, kind)
            })
        })
        .collect();
    for slopes in [1, 3] {
        cases.push(Case::with_parameters(
            format!("prelu {slopes}"),
            &[&[2, 3, 7, 5]],
            &[&[slopes]],
            |x| ops::prelu(&x[0], &x[1]),
        ));
    }
    cases
}

pub(super) fn convolutions() -> Vec<Case> {
    vec![
        Case::with_parameters("conv 1D", &[&[2, 4, 9]], &[&[6, 2, 3], &[6]], |x| {
            let config = conv::ConvConfig {
                stride: [2],
                padding: [(1, 2)],
                dilation: [2],
                groups: 2,
            };
            conv(&x[0], &x[1], Some(&x[2]), &config)
        }),
        Case::with_parameters("conv 2D", &[&[2, 3, 8, 7]], &[&[5, 3, 3, 1]], |x| {
            let config = conv::ConvConfig::default()
                .with_stride([2, 1])
                .with_padding([(1, 0), (0, 1)]);
            conv(&x[0], &x[1], None, &config)
        }),
        Case::with_parameters(
            "conv 3D",
            &[&[2, 2, 5, 6, 7]],
            &[&[3, 2, 3, 2, 1], &[3]],
            |x| {
                conv(
                    &x[0],
                    &x[1],
                    Some(&x[2]),
                    &conv::ConvConfig::same([3, 2, 1]),
                )
            },
        ),
        Case::with_parameters("conv_transpose 1D", &[&[2, 3, 5]], &[&[3, 2, 4]], |x| {
            conv_transpose(&x[0], &x[1], None, &ConvTransposeConfig::upsample([3]))
        }),
        Case::with_parameters(
            "conv_transpose 2D",
            &[&[2, 4, 5, 3]],
            &[&[4, 3, 2, 3], &[6]],
            |x| {
                let config = ConvTransposeConfig {
                    stride: [2, 3],
                    padding: [(0, 1), (1, 1)],
                    output_padding: [1, 2],
                    dilation: [1, 2],
                    groups: 2,
                };
                conv_transpose(&x[0], &x[1], Some(&x[2]), &config)
            },
        ),
        Case::with_parameters(
            "conv_transpose 3D",
            &[&[2, 2, 3, 4, 2]],
            &[&[2, 3, 2, 3, 2]],
            |x| {
                let config = ConvTransposeConfig::upsample([2, 2, 1])
                    .with_padding([(0, 0), (1, 0), (0, 1)])
                    .with_output_padding([0, 1, 0]);
                conv_transpose(&x[0], &x[1], None, &config)
            },
        ),
        Case::with_parameters("linear", &[&[2, 5, 7]], &[&[4, 7], &[4]], |x| {
            ops::linear(&x[0], &x[1], Some(&x[2]))
        }),
        Case::with_parameters("linear of rows", &[&[3, 7]], &[&[4, 7], &[4]], |x| {
            ops::linear(&x[0], &x[1], Some(&x[2]))
        }),
        Case::with_parameters("linear without bias", &[&[3, 7]], &[&[4, 7]], |x| {
            ops::linear(&x[0], &x[1], None)
        }),
    ]
}

pub(super) fn norms() -> Vec<Case> {
    const RELU: Activation = Activation::Relu;
    let shape: &[usize] = &[2, 4, 5, 3];
    let affine: &[&[usize]] = &[&[4], &[4]];
    vec![
        Case::with_parameters("instance_norm", &[shape], affine, |x| {
            ops::instance_norm(&x[0], Some((&x[1], &x[2])), 1e-5, RELU)
        }),
        Case::new("instance_norm without scale", &[&[2, 4, 3, 5, 3]], |x| {
            ops::instance_norm(&x[0], None, 1e-3, Activation::LeakyRelu { slope: 0.1 })
        }),
        Case::with_parameters("group_norm", &[shape], affine, |x| {
            ops::group_norm(&x[0], 2, Some((&x[1], &x[2])), 1e-5, Activation::Silu)
        }),
        Case::new("group_norm without scale", &[&[2, 6, 7]], |x| {
            ops::group_norm(&x[0], 3, None, 1e-5, Activation::None)
        }),
        // What it computes depends on the batch, the operators do not.
        Case::with_parameters("batch_norm", &[shape], affine, |x| {
            Ok(ops::batch_norm(&x[0], Some((&x[1], &x[2])), 1e-5, RELU)?.0)
        }),
        Case::with_parameters(
            "batch_norm_with",
            &[shape],
            &[&[4], &[4], &[4], &[4]],
            |x| {
                let affine = Some((&x[3], &x[4]));
                ops::batch_norm_with(&x[0], (&x[1], &x[2]), affine, 1e-5, RELU)
            },
        ),
        Case::with_parameters("batch_norm_with without scale", &[shape], affine, |x| {
            ops::batch_norm_with(&x[0], (&x[1], &x[2]), None, 1e-5, Activation::None)
        }),
        Case::with_parameters("layer_norm", &[shape], &[&[5, 3], &[5, 3]], |x| {
            ops::layer_norm(&x[0], &[5, 3], Some(&x[1]), Some(&x[2]), 1e-6)
        }),
        Case::new("layer_norm without scale", &[shape], |x| {
            ops::layer_norm(&x[0], &[3], None, None, 1e-5)
        }),
        Case::with_parameters("layer_norm_channels", &[&[2, 4, 3, 5, 2]], affine, |x| {
            ops::layer_norm_channels(&x[0], Some(&x[1]), Some(&x[2]), 1e-6)
        }),
        Case::with_parameters("rms_norm", &[shape], &[&[5, 3]], |x| {
            ops::rms_norm(&x[0], &[5, 3], Some(&x[1]), 1e-6)
        }),
        Case::new("rms_norm without scale", &[shape], |x| {
            ops::rms_norm(&x[0], &[3], None, 1e-6)
        }),
    ]
}
