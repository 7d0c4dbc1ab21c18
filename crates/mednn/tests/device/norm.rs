use candle_core::{DType, Device, Tensor};
use mednn::ops::{Activation, batch_norm, batch_norm_with, group_norm, instance_norm};

use crate::support::{Case, numbers};

const ACTIVATIONS: [Activation; 3] = [
    Activation::None,
    Activation::Relu,
    Activation::LeakyRelu { slope: 0.1 },
];

/// Rows of one piece, of several, of a warp and of a block.
const SHAPES: [&[usize]; 5] = [
    &[2, 6, 5],
    &[3, 6, 7, 7],
    &[2, 6, 3, 11, 17],
    &[1, 6, 37, 61],
    &[2, 6, 3, 41, 43],
];

/// An input far from zero, so that variances taken the easy way would be wrong.
fn inputs(shape: &[usize], affine: bool) -> Vec<Tensor> {
    let mut inputs = vec![(numbers(shape, 3) + 30.0).unwrap()];
    if affine {
        inputs.extend([numbers(&shape[1..2], 4), numbers(&shape[1..2], 5)]);
    }
    inputs
}

fn affine(x: &[Tensor]) -> Option<(&Tensor, &Tensor)> {
    x.get(1).zip(x.get(2))
}

/// What is compared, at the precision that f32 leaves of values around 30.
fn case<'a>(name: String, inputs: &'a [Tensor]) -> Case<'a> {
    Case {
        tolerance: 3e-5,
        ..Case::new(name, inputs)
    }
}

#[test]
fn instance_and_group_norm() {
    for shape in SHAPES {
        for (activation, with_affine) in ACTIVATIONS.into_iter().zip([true, false, true]) {
            let inputs = inputs(shape, with_affine);
            case(format!("instance_norm {shape:?} {activation:?}"), &inputs)
                .check(|x| instance_norm(&x[0], affine(x), 1e-5, activation));
            for groups in [1, 2, 3] {
                case(
                    format!("group_norm {groups} {shape:?} {activation:?}"),
                    &inputs,
                )
                .check(|x| group_norm(&x[0], groups, affine(x), 1e-5, activation));
            }
        }
    }
}

#[test]
fn batch_norm_by_its_own_and_by_given_statistics() {
    for shape in SHAPES {
        for (activation, with_affine) in ACTIVATIONS.into_iter().zip([false, true, true]) {
            let inputs = inputs(shape, with_affine);
            case(format!("batch_norm {shape:?} {activation:?}"), &inputs)
                .check(|x| Ok(batch_norm(&x[0], affine(x), 1e-5, activation)?.0));
            case(format!("batch_norm_with {shape:?} {activation:?}"), &inputs).check(|x| {
                let there = |value: f64, slope: f64| {
                    let values: Vec<f64> = (0..6).map(|i| value + slope * f64::from(i)).collect();
                    Tensor::new(values, &Device::Cpu)?
                        .to_dtype(x[0].dtype())?
                        .to_device(x[0].device())
                };
                let given = (&there(29.0, 0.25)?, &there(0.5, 0.5)?);
                batch_norm_with(&x[0], given, affine(x), 1e-5, activation)
            });
        }
    }
}

#[test]
fn statistics_for_running_averages() {
    for shape in SHAPES {
        let input = inputs(shape, false);
        case(format!("batch statistics {shape:?}"), &input).check_output(|x| {
            let (_, statistics) = batch_norm(&x[0], None, 1e-5, Activation::None)?;
            let all = [statistics.mean.clone(), statistics.unbiased_variance()].concat();
            Ok(Tensor::new(all, &Device::Cpu)?.to_dtype(DType::F64)?)
        });
    }
}
