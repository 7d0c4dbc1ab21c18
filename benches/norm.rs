//! How fast are normalisations, with scale and shift, forward and backward?
//!
//! `cargo bench --bench norm`; `tools/bench/norm.py` is PyTorch's side, where a leaky ReLU is a call of its own.

mod passes;

use criterion::{Criterion, criterion_group, criterion_main};
use mednn::candle_core::Tensor;
use mednn::ops::{Activation, batch_norm, group_norm, instance_norm, layer_norm, rms_norm};
use passes::{passes, uneven};

const EPSILON: f64 = 1e-5;

fn channels(c: &mut Criterion) {
    for (name, shape) in [
        ("3d_32_96", &[1, 32, 96, 96, 96][..]),
        ("3d_64_48", &[1, 64, 48, 48, 48]),
        ("2d_8x64_56", &[8, 64, 56, 56]),
    ] {
        let affine = uneven(&shape[1..2]);
        let inputs = [uneven(shape), affine.clone(), affine];
        let mut case = |op: &str, run: &dyn Fn(&[Tensor]) -> mednn::Result<Tensor>| {
            passes(c, "norm", &format!("{op}_{name}"), &inputs, run);
        };
        let none = Activation::None;
        let leaky = Activation::LeakyRelu { slope: 0.01 };
        case("instance", &|t| {
            instance_norm(&t[0], Some((&t[1], &t[2])), EPSILON, none)
        });
        case("instance_leaky", &|t| {
            instance_norm(&t[0], Some((&t[1], &t[2])), EPSILON, leaky)
        });
        case("group", &|t| {
            group_norm(&t[0], 8, Some((&t[1], &t[2])), EPSILON, none)
        });
        case("batch", &|t| {
            Ok(batch_norm(&t[0], Some((&t[1], &t[2])), EPSILON, none)?.0)
        });
    }
}

fn tokens(c: &mut Criterion) {
    for shape in [[8, 197, 768], [1, 4096, 384]] {
        let [batch, tokens, features] = shape;
        let name = format!("{batch}x{tokens}x{features}");
        let affine = uneven(&[features]);
        let inputs = [uneven(&shape), affine.clone(), affine];
        passes(c, "norm", &format!("layer_{name}"), &inputs, |t| {
            layer_norm(&t[0], &[features], Some(&t[1]), Some(&t[2]), EPSILON)
        });
        passes(c, "norm", &format!("rms_{name}"), &inputs[..2], |t| {
            rms_norm(&t[0], &[features], Some(&t[1]), EPSILON)
        });
    }
}

criterion_group!(benches, channels, tokens);
criterion_main!(benches);
