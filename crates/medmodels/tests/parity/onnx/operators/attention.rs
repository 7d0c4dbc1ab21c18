//! Attention, and windows of tokens.

use mednn::candle_core::{DType, Device, Tensor};
use mednn::ops::{self, AttentionConfig};

use super::Case;
use crate::reference::tensor;

pub(super) fn attentions() -> Vec<Case> {
    let padding = Tensor::from_vec(
        vec![1_u8, 1, 0, 1, 0, 0, 0, 0, 1, 0],
        (2, 1, 5),
        &Device::Cpu,
    );
    let padding = padding.unwrap();
    let added = (tensor("mask", &[1, 3, 5]) * 3.0).unwrap();
    vec![
        Case::new(
            "attention",
            &[&[2, 2, 3, 4], &[2, 2, 5, 4], &[2, 2, 5, 6]],
            |x| ops::attention(&x[0], &x[1], &x[2], None, &AttentionConfig::default()),
        ),
        Case::with_parameters(
            "attention with bias",
            &[&[2, 2, 3, 4], &[2, 2, 5, 4]],
            &[&[2, 3, 5]],
            |x| {
                let config = AttentionConfig::default().with_scale(0.3);
                ops::attention(&x[0], &x[1], &x[1], Some(&x[2]), &config)
            },
        ),
        Case::new("attention, causal", &[&[2, 2, 3, 4], &[2, 2, 5, 4]], |x| {
            let config = AttentionConfig::default().with_causal(true);
            ops::attention(&x[0], &x[1], &x[1], None, &config)
        }),
        // A query that sees nothing gets zeros: those of the fourth item, and in the causal case more.
        Case::new(
            "attention, padding",
            &[&[2, 2, 3, 4], &[2, 2, 5, 4], &[2, 1, 5]],
            |x| {
                let config = AttentionConfig::default().with_mask(x[2].clone());
                ops::attention(&x[0], &x[1], &x[1], None, &config)
            },
        )
        .with_input(2, padding.clone()),
        Case::new(
            "attention, causal padding",
            &[&[2, 2, 3, 4], &[2, 2, 5, 4], &[2, 1, 5]],
            |x| {
                let config = AttentionConfig::default().with_causal(true);
                ops::attention(&x[0], &x[1], &x[1], None, &config.with_mask(x[2].clone()))
            },
        )
        .with_input(2, padding),
        Case::new(
            "attention, blind",
            &[&[2, 2, 3, 4], &[2, 2, 5, 4], &[2, 1, 5]],
            |x| {
                let config = AttentionConfig::default().with_mask(x[2].clone());
                ops::attention(&x[0], &x[1], &x[1], None, &config)
            },
        )
        .with_input(
            2,
            Tensor::zeros((2, 1, 5), DType::U8, &Device::Cpu).unwrap(),
        ),
        Case::new(
            "attention, one mask",
            &[&[4, 2, 3, 4], &[4, 2, 5, 4], &[1, 3, 5]],
            |x| {
                let config = AttentionConfig::default().with_mask(x[2].clone());
                ops::attention(&x[0], &x[1], &x[1], None, &config)
            },
        )
        .with_input(2, added)
        .of_one_size(),
        Case::new(
            "attention, masks in turn",
            &[&[4, 2, 3, 4], &[4, 2, 5, 4], &[2, 3, 5]],
            |x| {
                let config = AttentionConfig::default().with_mask(x[2].clone());
                ops::attention(&x[0], &x[1], &x[1], None, &config)
            },
        )
        .of_one_size(),
        Case::with_parameters("self_attention", &[&[2, 5, 24]], &[&[2, 5, 5]], |x| {
            ops::self_attention(&x[0], 2, Some(&x[1]), &AttentionConfig::default())
        }),
        Case::new("cross_attention", &[&[2, 3, 8], &[2, 5, 16]], |x| {
            ops::cross_attention(&x[0], &x[1], 2, None, &AttentionConfig::default())
        }),
        Case::with_parameters(
            "cross_attention with bias",
            &[&[2, 3, 8], &[2, 5, 16]],
            &[&[4, 3, 5]],
            |x| ops::cross_attention(&x[0], &x[1], 4, Some(&x[2]), &AttentionConfig::default()),
        ),
        Case::with_parameters("unit_query_key", &[&[2, 5, 36]], &[&[3]], |x| {
            // The first factor is above the largest.
            let log_factor = ops::scale(&x[1], 9.0)?;
            ops::unit_query_key(&x[0], &log_factor)
        }),
        Case::with_parameters(
            "relative_position_coordinates",
            &[&[2, 3]],
            &[&[3, 2]],
            |x| {
                let places = ops::relative_position_coordinates([2, 4], [3, 2], &Device::Cpu)?;
                let made = ops::linear(&places, &x[1], None)?;
                ops::add(&ops::reshape(&x[0], &[x[0].dims()[0], 1, 3])?, &made)
            },
        ),
        // One block of a Swin transformer: padded, shifted windows with relative positions.
        Case::with_parameters(
            "windows 2D",
            &[&[2, 7, 5, 12]],
            &[&[25, 2], &[12, 4]],
            |x| {
                let windows = ops::WindowConfig::new([3, 3]).with_half_shift();
                let tokens = ops::window_partition(&x[0], &windows)?;
                let mask = ops::shift_mask([7, 5], &windows, &Device::Cpu)?;
                let bias = ops::relative_position_bias(&x[1], [3, 3])?;
                let config = AttentionConfig::default().with_mask(mask);
                let found = ops::self_attention(&tokens, 2, Some(&bias), &config)?;
                ops::window_reverse(&found, [7, 5], &windows)
            },
        ),
        Case::with_parameters("windows 3D", &[&[2, 4, 5, 3, 12]], &[&[75, 2]], |x| {
            let windows = ops::WindowConfig::new([2, 3, 3]).with_shift([1, 1, 0]);
            let tokens = ops::window_partition(&x[0], &windows)?;
            let mask = ops::shift_mask([4, 5, 3], &windows, &Device::Cpu)?;
            let config = AttentionConfig::default().with_mask(mask).with_causal(true);
            let bias = ops::relative_position_bias(&x[1], [2, 3, 3])?;
            let found = ops::self_attention(&tokens, 2, Some(&bias), &config)?;
            ops::window_reverse(&found, [4, 5, 3], &windows)
        }),
        Case::new("windows that are not moved", &[&[2, 7, 5, 4]], |x| {
            let windows = ops::WindowConfig::new([3, 2]);
            let tokens = ops::window_partition(&x[0], &windows)?;
            ops::window_reverse(&ops::scale(&tokens, 2.0)?, [7, 5], &windows)
        }),
        Case::with_parameters("relative_position_index", &[&[2, 3]], &[&[15, 3]], |x| {
            let index = ops::relative_position_index([2, 3], &Device::Cpu)?;
            let rows = ops::index_select(&x[1], 0, &index)?;
            ops::add(&ops::reshape(&x[0], &[x[0].dims()[0], 1, 3])?, &rows)
        }),
    ]
}
