//! What moves, joins, reduces or selects elements.

use mednn::candle_core::DType;
use mednn::ops::{self, Reduced};

use super::{Case, integers};

pub(super) fn rearrangements() -> Vec<Case> {
    vec![
        Case::of_many(
            "pixel_shuffle",
            &[&[2, 12, 5], &[2, 12, 2, 5], &[2, 12, 2, 3, 2]],
            |x, _| {
                Ok(vec![
                    ops::pixel_shuffle(&x[0], [3])?,
                    ops::pixel_shuffle(&x[1], [2, 3])?,
                    ops::pixel_shuffle(&x[2], [1, 3, 2])?,
                ])
            },
        ),
        Case::of_many(
            "pixel_unshuffle",
            &[&[2, 2, 6], &[2, 3, 4, 9], &[2, 2, 2, 3, 4]],
            |x, _| {
                Ok(vec![
                    ops::pixel_unshuffle(&x[0], [3])?,
                    ops::pixel_unshuffle(&x[1], [2, 3])?,
                    ops::pixel_unshuffle(&x[2], [1, 3, 2])?,
                ])
            },
        ),
        Case::of_many("patchify", &[&[2, 3, 4, 9], &[2, 2, 2, 3, 4]], |x, _| {
            let (flat, deep) = (
                ops::patchify(&x[0], [2, 3])?,
                ops::patchify(&x[1], [1, 3, 2])?,
            );
            Ok(vec![
                ops::unpatchify(&ops::scale(&flat, 2.0)?, [4, 9], [2, 3])?,
                ops::unpatchify(&ops::scale(&deep, 2.0)?, [2, 3, 4], [1, 3, 2])?,
                flat,
                deep,
            ])
        }),
        Case::of_many("views", &[&[2, 3, 4, 5]], |x, _| {
            let batch = x[0].dims()[0];
            Ok(vec![
                ops::reshape(&x[0], &[batch, 12, 5])?,
                ops::reshape(&x[0], &[batch * 3, 20])?,
                ops::reshape(&x[0], &[3, batch, 20])?,
                ops::flatten_from(&x[0], 1)?,
                ops::permute(&x[0], &[0, 2, 3, 1])?,
                ops::permute(&x[0], &[3, 0, 1, 2])?,
                ops::narrow(&x[0], 2, 1, 2)?,
                ops::concat(&[&x[0], &x[0], &ops::narrow(&x[0], 1, 0, 1)?])?,
            ])
        }),
        Case::with_parameters("arithmetic", &[&[2, 3, 4, 5]], &[&[3, 1, 1], &[5]], |x| {
            let sum = ops::add(&x[0], &x[1])?;
            let difference = ops::subtract(&x[2], &sum)?;
            ops::scale(&ops::multiply(&difference, &x[0])?, -0.3)
        }),
        Case::of_many("reductions", &[&[2, 3, 4, 5]], |x, _| {
            Ok(vec![
                ops::sum(&x[0], &[2, 3], Reduced::Kept)?,
                ops::sum(&x[0], &[1], Reduced::Dropped)?,
                ops::mean(&x[0], &[0, 2], Reduced::Kept)?,
                ops::mean(&x[0], &[3, 1], Reduced::Dropped)?,
                ops::max(&x[0], &[1], Reduced::Kept)?,
                ops::max(&x[0], &[2, 3], Reduced::Dropped)?,
            ])
        }),
        Case::of_many("softmax", &[&[2, 3, 4, 5]], |x, _| {
            let wide = ops::scale(&x[0], 30.0)?;
            Ok(vec![
                ops::softmax(&wide, 1)?,
                ops::softmax(&wide, 3)?,
                ops::log_softmax(&wide, 2)?,
            ])
        }),
        Case::new("scale_rows", &[&[2, 3, 4]], |x| {
            let factors = (0..6).map(|i| i as f32 / 2.0).collect();
            ops::scale_rows(&x[0], factors)
        })
        .of_one_size(),
    ]
}

pub(super) fn selections() -> Vec<Case> {
    let along = |values: &[u32]| integers(values, &[values.len()]);
    vec![
        Case::new("index_select", &[&[2, 3, 4], &[5]], |x| {
            ops::index_select(&x[0], 1, &x[1])
        })
        .with_input(1, along(&[2, 0, 0, 1, 2]))
        .of_one_size(),
        Case::new("gather", &[&[2, 3, 2], &[2, 2, 2]], |x| {
            ops::gather(&x[0], 1, &x[1])
        })
        .with_input(1, integers(&[2, 0, 1, 1, 0, 2, 2, 2], &[2, 2, 2])),
        Case::new("scatter_add", &[&[2, 3, 2], &[2, 4, 2], &[2, 4, 2]], |x| {
            ops::scatter_add(&x[0], 1, &x[1], &x[2])
        })
        .with_input(
            1,
            integers(
                &[2, 0, 1, 1, 2, 2, 2, 0, 0, 0, 1, 2, 0, 1, 2, 1],
                &[2, 4, 2],
            ),
        ),
        Case::of_many("top_k", &[&[2, 7, 3]], |x, _| {
            let best = ops::top_k(&x[0], 1, 4, ops::Order::Largest)?;
            let worst = ops::top_k(&x[0], 2, 2, ops::Order::Smallest)?;
            let again = ops::gather(&x[0], 1, &best.indices)?;
            Ok(vec![
                best.values,
                best.indices,
                worst.values,
                worst.indices,
                again,
            ])
        }),
        Case::of_many("one_hot", &[&[2, 3]], |x, _| {
            Ok(vec![
                ops::one_hot(&x[0], 4, 1, DType::F32)?,
                ops::one_hot(&x[0], 4, 2, DType::F32)?,
            ])
        })
        .with_input(0, integers(&[2, 0, 1, 3, 3, 0], &[2, 3])),
    ]
}
