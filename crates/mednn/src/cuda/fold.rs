//! Sums and maxima over axes, as [`crate::cpu::fold`].

use candle_core::cuda_backend::cudarc::driver::CudaSlice;

use super::launch::{Argument, Grid, NOTHING, Team, allocate, count, launch};
use super::module::FOLD;
use super::{Array, Element};
use crate::cpu::buffer::Columns;
use crate::cpu::fold::Axis;

const OP: &str = "sum";
const MAX: &str = "max";
/// Sums that keep any device busy.
const ENOUGH: usize = 1 << 16;
/// Terms below which a piece would not pay.
const FEWEST_TERMS: usize = 512;

/// `factor` times the sums along the folded axes, of `a` or of its products with `b`.
pub(crate) fn sums<T: Element>(
    a: &Array<'_, T>,
    b: Option<&Array<'_, T>>,
    axes: &[Axis],
    factor: f64,
) -> candle_core::Result<CudaSlice<T>> {
    let mut axes = axes.to_vec();
    let mut folded: Option<CudaSlice<f64>> = None;
    loop {
        let product = |axes: &[Axis]| axes.iter().map(|axis| axis.length).product();
        let at = axes.iter().rposition(|axis| axis.folded);
        let (place, columns) = match (at, &folded) {
            (None, Some(_)) => break,
            // Nothing to sum: the products, or a copy.
            (None, None) => (
                0,
                Columns {
                    outer: 1,
                    count: 1,
                    inner: product(&axes),
                },
            ),
            (Some(at), _) => {
                let outer = product(&axes[..at]);
                (
                    at,
                    Columns {
                        outer,
                        count: axes[at].length,
                        inner: product(&axes[at + 1..]),
                    },
                )
            }
        };
        folded = Some(match folded {
            None => {
                let b: &dyn Argument = match b {
                    Some(b) => b,
                    None => &NOTHING,
                };
                one_axis::<T>(a, [a, b], columns)?
            }
            Some(values) => one_axis::<f64>(a, [&values, &NOTHING], columns)?,
        });
        if at.is_some() {
            axes.remove(place);
        }
    }
    let Some(sums) = folded else {
        return Err(candle_core::Error::Msg(format!("{OP}: no terms")));
    };
    let output = a.result(OP, sums.len())?;
    launch(
        a.device,
        &FOLD.of::<T>("fold_rounded"),
        Grid::elements(sums.len()),
        &[&count(sums.len()), &factor, &sums, &output],
    )?;
    Ok(output)
}

/// Sums over the middle axis, in pieces if few sums have many terms.
pub(super) fn one_axis<S: Element>(
    like: &Array<'_, impl Element>,
    [a, b]: [&dyn Argument; 2],
    columns: Columns,
) -> candle_core::Result<CudaSlice<f64>> {
    let Columns {
        outer,
        count: terms,
        inner,
    } = columns;
    let wanted = ENOUGH / (outer * inner).max(1);
    let piece_len = terms
        .div_ceil(wanted.max(1))
        .max(FEWEST_TERMS)
        .min(terms.max(1));
    let pieces = terms.div_ceil(piece_len).max(1);
    let sums = allocate::<f64>(like.device, OP, outer * pieces * inner)?;
    let [outer_count, term_count, inner_count, len] = [outer, terms, inner, piece_len].map(count);
    if inner == 1 {
        let team = Team::of(piece_len);
        launch(
            like.device,
            &FOLD.of::<S>(&team.named("fold_rows")),
            team.grid(outer * pieces),
            &[&outer_count, &term_count, &len, a, b, &sums],
        )?;
    } else {
        launch(
            like.device,
            &FOLD.of::<S>("fold_columns"),
            Grid::threads(outer * pieces * inner),
            &[&outer_count, &term_count, &inner_count, &len, a, b, &sums],
        )?;
    }
    if pieces == 1 {
        return Ok(sums);
    }
    one_axis::<f64>(
        like,
        [&sums, &NOTHING],
        Columns {
            outer,
            count: pieces,
            inner,
        },
    )
}

/// The largest elements along the folded axes, of which there is at least one; NaN if one is.
pub(crate) fn largest<T: Element>(
    input: &Array<'_, T>,
    axes: &[Axis],
) -> candle_core::Result<CudaSlice<T>> {
    let mut axes = axes.to_vec();
    let mut found: Option<CudaSlice<T>> = None;
    while let Some(at) = axes.iter().rposition(|axis| axis.folded) {
        let product = |axes: &[Axis]| -> usize { axes.iter().map(|axis| axis.length).product() };
        let (outer, inner) = (product(&axes[..at]), product(&axes[at + 1..]));
        let from: &dyn Argument = match &found {
            Some(values) => values,
            None => input,
        };
        let output = input.result(MAX, outer * inner)?;
        let terms = count(axes[at].length);
        if inner == 1 {
            launch(
                input.device,
                &FOLD.of::<T>("fold_max_rows"),
                Team::Warp.grid(outer),
                &[&count(outer), &terms, from, &output],
            )?;
        } else {
            launch(
                input.device,
                &FOLD.of::<T>("fold_max_columns"),
                Grid::threads(outer * inner),
                &[&count(outer), &terms, &count(inner), from, &output],
            )?;
        }
        found = Some(output);
        axes.remove(at);
    }
    found.ok_or_else(|| candle_core::Error::Msg(format!("{MAX}: no axes")))
}
