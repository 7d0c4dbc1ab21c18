use candle_core::{DType, Device, Tensor};
use medcore::random::Key;
use mednn::ops::{AttentionConfig, attention, cross_attention, self_attention, unit_query_key};

use crate::support::{Case, arithmetic, numbers};

/// Which of `[masks, queries, keys]` a query may see; where there are several, the first of each mask sees nothing.
fn some_seen(shape: &[usize]) -> Tensor {
    let [_, queries, keys] = *shape else {
        panic!("three axes")
    };
    let count: usize = shape.iter().product();
    let seen = |i: usize| {
        let blind = queries > 1 && (i / keys).is_multiple_of(queries);
        u8::from(!blind && !(i * 7).is_multiple_of(5))
    };
    Tensor::from_vec(
        (0..count).map(seen).collect::<Vec<u8>>(),
        shape,
        &Device::Cpu,
    )
    .unwrap()
}

fn there(config: &AttentionConfig, like: &Tensor) -> AttentionConfig {
    let mut config = config.clone();
    config.mask = config.mask.map(|mask| {
        let mask = match mask.dtype() {
            DType::U8 => mask,
            _ => mask.to_dtype(like.dtype()).unwrap(),
        };
        mask.to_device(like.device()).unwrap()
    });
    config
}

#[test]
fn vectors_and_sequences_of_all_lengths() {
    let _exact = arithmetic(false);
    // Batch, heads, queries, keys, length of keys, length of values.
    for [b, h, q, k, d, v] in [
        [1, 1, 1, 1, 1, 1],
        [2, 3, 5, 7, 4, 6],
        [1, 2, 65, 130, 17, 9],
        [2, 1, 70, 33, 66, 72],
    ] {
        let inputs = [
            numbers(&[b, h, q, d], 1),
            numbers(&[b, h, k, d], 2),
            numbers(&[b, h, k, v], 3),
            numbers(&[h, q, k], 4),
        ];
        for causal in [false, true] {
            let config = AttentionConfig::default().with_causal(causal);
            let name = format!("attention {b} {h} {q} {k} {d} {v}, causal {causal}");
            Case::new(&name, &inputs[..3]).check(|x| attention(&x[0], &x[1], &x[2], None, &config));
            Case::new(format!("{name} with bias"), &inputs)
                .check(|x| attention(&x[0], &x[1], &x[2], Some(&x[3]), &config));
        }
    }
}

#[test]
fn masks_of_windows_and_of_padding() {
    let _exact = arithmetic(false);
    let (batch, heads, tokens, dim) = (6, 2, 12, 5);
    let inputs = [
        numbers(&[batch, tokens, 3 * heads * dim], 1),
        numbers(&[heads, tokens, tokens], 2),
    ];
    let masks = [
        some_seen(&[3, tokens, tokens]),
        some_seen(&[batch, 1, tokens]),
        numbers(&[2, tokens, tokens], 5),
    ];
    for mask in masks {
        let config = AttentionConfig::default().with_mask(mask.clone());
        let name = format!("self_attention with {:?} {:?}", mask.dims(), mask.dtype());
        Case::new(&name, &inputs[..1])
            .check(|x| self_attention(&x[0], heads, None, &there(&config, &x[0])));
        Case::new(format!("{name} and bias"), &inputs)
            .check(|x| self_attention(&x[0], heads, Some(&x[1]), &there(&config, &x[0])));
    }
}

#[test]
fn a_bias_of_more_items_than_one_block_sums() {
    let _exact = arithmetic(false);
    let inputs = [numbers(&[19, 9, 3 * 2 * 3], 1), numbers(&[2, 9, 9], 2)];
    Case::new("self_attention of windows", &inputs)
        .check(|x| self_attention(&x[0], 2, Some(&x[1]), &AttentionConfig::default()));
}

#[test]
fn tokens_of_another_sequence() {
    let _exact = arithmetic(false);
    let inputs = [
        numbers(&[2, 9, 3 * 7], 1),
        numbers(&[2, 70, 2 * 3 * 7], 2),
        numbers(&[3, 9, 70], 3),
    ];
    let config = AttentionConfig::default().with_scale(0.3);
    Case::new("cross_attention", &inputs[..2])
        .check(|x| cross_attention(&x[0], &x[1], 3, None, &config));
    Case::new("cross_attention with bias", &inputs)
        .check(|x| cross_attention(&x[0], &x[1], 3, Some(&x[2]), &config));
}

#[test]
fn the_weights_that_the_processor_drops() {
    let _exact = arithmetic(false);
    let inputs = [numbers(&[2, 67, 3 * 2 * 4], 1), numbers(&[2, 67, 67], 2)];
    let config = AttentionConfig::default().with_dropped(0.3, Key::new(5).epoch(2));
    Case::new("self_attention with dropped weights", &inputs)
        .check(|x| self_attention(&x[0], 2, Some(&x[1]), &config));
}

#[test]
fn products_in_tf32() {
    let _tf32 = arithmetic(true);
    let inputs = [numbers(&[2, 75, 3 * 2 * 20], 1), numbers(&[2, 75, 75], 2)];
    let case = Case {
        tolerance: 1e-2,
        ..Case::new("self_attention in tf32", &inputs)
    };
    let config = AttentionConfig::default().with_causal(true);
    case.check(|x| self_attention(&x[0], 2, Some(&x[1]), &config));
}

#[test]
fn cosines_instead_of_products() {
    for (tokens, heads, dim) in [(5, 2, 3), (70, 3, 33)] {
        // A factor above the largest, and a vector of zeros.
        let logs = Tensor::arange(0.0, heads as f64, &Device::Cpu).unwrap();
        let logs = ((logs * 2.0).unwrap() + 1.5).unwrap();
        let token = numbers(&[2, tokens, 3 * heads * dim], 1);
        let zeros = token.narrow(1, 0, 1).unwrap().zeros_like().unwrap();
        let rest = token.narrow(1, 1, tokens - 1).unwrap();
        let inputs = [rest.contiguous().unwrap(), logs];
        let case = Case {
            tolerance: 3e-5,
            ..Case::new(format!("unit_query_key {tokens} {heads} {dim}"), &inputs)
        };
        case.check(|x| unit_query_key(&x[0], &x[1]));
        let short = [zeros, inputs[1].clone()];
        Case::new("unit_query_key of zeros", &short).check_output(|x| unit_query_key(&x[0], &x[1]));
    }
}
