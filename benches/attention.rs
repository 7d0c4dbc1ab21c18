//! How fast are attention and softmax, forward and backward?
//!
//! `cargo bench --bench attention`; `tools/bench/attention.py` is PyTorch's side. ViT and Swin start from the output of the
//! linear layer that makes queries, keys and values and end with what goes into the next one.

mod passes;

use criterion::{Criterion, criterion_group, criterion_main};
use mednn::ops::{AttentionConfig, attention, self_attention, softmax};
use passes::{passes, uneven};

fn attentions(c: &mut Criterion) {
    let config = AttentionConfig::default();
    let packed = uneven(&[4, 197, 3 * 12 * 64]);
    passes(c, "attention", "vit_4x12x197x64", &[packed], |t| {
        self_attention(&t[0], 12, None, &config)
    });
    let windows = [uneven(&[64, 49, 3 * 3 * 32]), uneven(&[3, 49, 49])];
    passes(c, "attention", "swin_bias_64x3x49x32", &windows, |t| {
        self_attention(&t[0], 3, Some(&t[1]), &config)
    });
    let heads = uneven(&[1, 8, 4096, 64]);
    let inputs = [heads.clone(), heads.clone(), heads];
    passes(c, "attention", "long_8x4096x64", &inputs, |t| {
        attention(&t[0], &t[1], &t[2], None, &config)
    });
}

fn softmaxes(c: &mut Criterion) {
    let volume = [uneven(&[1, 14, 96, 96, 96])];
    passes(c, "softmax", "channels_14_96", &volume, |t| {
        softmax(&t[0], 1)
    });
    let scores = [uneven(&[12 * 197, 197])];
    passes(c, "softmax", "rows_2364x197", &scores, |t| {
        softmax(&t[0], 1)
    });
}

criterion_group!(benches, attentions, softmaxes);
criterion_main!(benches);
