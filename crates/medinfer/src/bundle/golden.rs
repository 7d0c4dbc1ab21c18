//! A small case with what the model made of it, and the comparison with what it makes now.

use std::collections::BTreeMap;
use std::path::Path;

use mednn::candle_core::{DType, Tensor};

use super::GoldenInput;
use super::boxes::{self, Boxes};
use super::engine::Engine;
use super::folder::wrong;
use crate::detect::BoxRules;
use crate::error::{Error, Result};

/// In front of the parts of the answer.
const ANSWER: &str = "answer.";

/// The tensors of a case's file.
pub(super) fn record<C: GoldenInput>(
    engine: &dyn Engine<C>,
    case: &C,
) -> Result<BTreeMap<String, Tensor>> {
    let answer = engine.answer(case)?.into_iter();
    let mut tensors: BTreeMap<_, _> = answer
        .map(|(name, tensor)| (format!("{ANSWER}{name}"), tensor))
        .collect();
    case.give(&mut tensors)?;
    Ok(tensors)
}

/// Runs the case of a file and compares.
pub(super) fn check<C: GoldenInput>(
    engine: &dyn Engine<C>,
    path: &Path,
    mut tensors: BTreeMap<String, Tensor>,
    tolerance: f64,
) -> Result<()> {
    let case = C::take(path, &mut tensors)?;
    let got = engine.answer(&case)?;
    for name in got.keys() {
        take_answer(&tensors, name).ok_or_else(|| wrong(path, format!("it lacks {name}")))?;
    }
    let mut expected = BTreeMap::new();
    for (name, tensor) in &tensors {
        let answer = name.strip_prefix(ANSWER).unwrap_or(name);
        if !got.contains_key(answer) {
            return Err(wrong(path, format!("{name:?} is no part of an answer")));
        }
        expected.insert(answer, tensor);
    }
    let got: Answer<'_> = got.iter().map(|(name, t)| (&name[..], t)).collect();
    let differences = match engine.task().box_rules() {
        Some(rules) => vec![("boxes", of_boxes(&expected, &got, rules, tolerance))],
        None => of_parts(&expected, &got)?,
    };
    for (answer, difference) in differences {
        // NaN is no agreement.
        if difference.is_nan() || difference > tolerance {
            return Err(Error::Golden {
                path: path.to_owned(),
                answer: answer.to_owned(),
                difference,
                tolerance,
            });
        }
    }
    Ok(())
}

type Answer<'a> = BTreeMap<&'a str, &'a Tensor>;

/// How far two detectors' answers lie apart; infinitely where one is none.
fn of_boxes(expected: &Answer<'_>, got: &Answer<'_>, rules: &BoxRules, tolerance: f64) -> f64 {
    match (Boxes::of(expected), Boxes::of(got)) {
        (Some(expected), Some(got)) => boxes::difference(&expected, &got, rules, tolerance),
        _ => f64::INFINITY,
    }
}

/// How far the parts of two answers lie apart.
fn of_parts<'a>(expected: &Answer<'a>, got: &Answer<'_>) -> Result<Vec<(&'a str, f64)>> {
    let pairs = expected
        .iter()
        .filter_map(|(name, tensor)| Some((*name, *tensor, *got.get(name)?)));
    pairs
        .map(|(name, expected, got)| Ok((name, difference(name, expected, got)?)))
        .collect()
}

fn take_answer<'a>(tensors: &'a BTreeMap<String, Tensor>, name: &str) -> Option<&'a Tensor> {
    tensors.get(&format!("{ANSWER}{name}"))
}

/// How far two answers lie apart, as [`GoldenCase`](super::GoldenCase) counts it.
fn difference(answer: &str, expected: &Tensor, got: &Tensor) -> Result<f64> {
    if expected.dims() != got.dims() || expected.dtype() != got.dtype() {
        return Ok(f64::INFINITY);
    }
    let numbers = |tensor: &Tensor| {
        let flat = tensor
            .flatten_all()
            .and_then(|flat| flat.to_dtype(DType::F64));
        flat.and_then(|flat| flat.to_vec1::<f64>())
            .map_err(mednn::Error::from)
    };
    let (expected, got) = (numbers(expected)?, numbers(got)?);
    let pairs = || expected.iter().zip(&got);
    let apart = || pairs().map(|(a, b)| (a - b).abs());
    // `max` would pass over NaN.
    let largest = |values: &mut dyn Iterator<Item = f64>| {
        values.fold(0.0, |largest: f64, value| match value.is_nan() {
            true => f64::NAN,
            false if largest.is_nan() => largest,
            false => largest.max(value),
        })
    };
    Ok(match answer {
        "labels" => pairs().filter(|(a, b)| a != b).count() as f64 / expected.len().max(1) as f64,
        "logits" => {
            let scale = largest(&mut expected.iter().map(|value| value.abs()));
            largest(&mut apart()) / scale.max(1.0)
        }
        _ => largest(&mut apart()),
    })
}
