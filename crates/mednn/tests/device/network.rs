use candle_core::Tensor;
use mednn::Result;
use mednn::ops::conv::{ConvConfig, conv};
use mednn::ops::conv_transpose::{ConvTransposeConfig, conv_transpose};
use mednn::ops::{
    Activation, PoolConfig, adaptive_avg_pool, add, batch_norm, concat, flatten_from,
    instance_norm, linear, log_softmax, max_pool,
};

use crate::support::{Case, arithmetic, numbers};

/// Numbers of the size that weights have.
fn weights(shape: &[usize], salt: usize) -> Tensor {
    (numbers(shape, salt) * 0.2).unwrap()
}

/// Down, up, and across by a skip connection.
fn segment(x: &[Tensor]) -> Result<Tensor> {
    let leaky = Activation::LeakyRelu { slope: 0.1 };
    let same = ConvConfig::same([3, 3]);
    let normed = |x: &Tensor| instance_norm(x, None, 1e-5, leaky);
    let skip = normed(&conv(&x[0], &x[1], None, &same)?)?;
    let low = max_pool(&skip, &PoolConfig::new([2, 2]))?;
    let low = normed(&conv(&low, &x[2], None, &same)?)?;
    let up = conv_transpose(&low, &x[3], None, &ConvTransposeConfig::upsample([2, 2]))?;
    conv(&concat(&[&skip, &up])?, &x[4], Some(&x[5]), &same)
}

/// A residual block, an average and classes.
fn classify(x: &[Tensor]) -> Result<Tensor> {
    let same = ConvConfig::same([3, 3]);
    let stem = conv(&x[0], &x[1], None, &same.with_stride([2, 2]))?;
    let (stem, _) = batch_norm(&stem, Some((&x[2], &x[3])), 1e-5, Activation::Relu)?;
    let block = conv(&stem, &x[4], None, &same)?;
    let block = mednn::ops::activation(&add(&block, &stem)?, Activation::Relu)?;
    let features = flatten_from(&adaptive_avg_pool(&block, [1, 1])?, 1)?;
    log_softmax(&linear(&features, &x[5], Some(&x[6]))?, 1)
}

#[test]
fn a_network_that_segments() {
    let _exact = arithmetic(false);
    let tensors = [
        numbers(&[1, 2, 16, 12], 1),
        weights(&[6, 2, 3, 3], 2),
        weights(&[8, 6, 3, 3], 3),
        weights(&[8, 6, 2, 2], 4),
        weights(&[3, 12, 3, 3], 5),
        weights(&[3], 6),
    ];
    Case {
        tolerance: 1e-4,
        ..Case::new("a network that segments", &tensors)
    }
    .check(segment);
}

#[test]
fn a_network_that_classifies() {
    let _exact = arithmetic(false);
    let tensors = [
        numbers(&[4, 3, 11, 13], 1),
        weights(&[8, 3, 3, 3], 2),
        numbers(&[8], 3),
        numbers(&[8], 4),
        weights(&[8, 8, 3, 3], 5),
        weights(&[5, 8], 6),
        weights(&[5], 7),
    ];
    Case {
        tolerance: 1e-4,
        ..Case::new("a network that classifies", &tensors)
    }
    .check(classify);
}
