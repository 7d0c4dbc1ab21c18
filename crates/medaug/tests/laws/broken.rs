//! Descriptions with something wrong in them: refused, or done, and never a panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

use medaug::{Compose, Sample, Step};
use medcore::{Geometry, Point, Vector};
use serde_json::{Value, json};

use crate::exhibits::exhibits;
use crate::support::{KEY, full_on};

/// A small oblique grid of odd sizes, none alike.
fn small<const D: usize>() -> Geometry<D> {
    let shape: [usize; D] = std::array::from_fn(|a| [5, 9, 7][a + 3 - D]);
    let steps = std::array::from_fn(|a| {
        [
            Vector::new(0.3, -0.4, 2.1),
            Vector::new(0.03, 0.9, 0.15),
            Vector::new(0.8, -0.02, -0.05),
        ][a + 3 - D]
    });
    Geometry::new(shape, Point::new(3.0, -2.0, 7.5), steps).unwrap()
}

fn sample<const D: usize>() -> Sample<D> {
    full_on(small::<D>(), |channel, index| {
        let sum: usize = index.iter().enumerate().map(|(a, i)| (a + 2) * i * i).sum();
        0.1 + ((sum + 5 * channel) % 17) as f32 / 20.0
    })
}

/// The descriptions of all examples for the small grid.
fn descriptions<const D: usize>() -> Vec<(&'static str, Value)> {
    let all = exhibits(&small::<D>()).into_iter();
    all.map(|exhibit| {
        let name = exhibit.step.name();
        (name, serde_json::to_value(exhibit.step).unwrap())
    })
    .collect()
}

/// The paths to every value of a description; of long lists the first and the last entry.
fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                paths(field, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                if items.len() <= 6 || i == 0 || i + 1 == items.len() {
                    paths(item, &format!("{at}/{i}"), found);
                }
            }
        }
        _ => {}
    }
}

/// What may stand in the place of a value by mistake.
fn mistakes(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(_) => vec![
            json!(-1),
            json!(0),
            json!(1),
            json!(3),
            json!(0.3),
            json!(-0.7),
            json!(130),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(1e-300),
            json!(1e30),
            json!(-1e300),
            Value::Null,
            json!("two"),
        ],
        Value::Array(items) => {
            let mut made = vec![json!([]), Value::Null];
            made.push([items.as_slice(), items].concat().into());
            if let [_, rest @ ..] = items.as_slice() {
                made.push(rest.to_vec().into());
                made.push(items.iter().rev().cloned().collect());
            }
            made
        }
        Value::Bool(value) => vec![json!(!value), json!(1)],
        Value::String(_) => vec![json!("no such thing"), json!(""), json!(1)],
        Value::Null => vec![json!(1), json!(0), json!(-1), json!([1]), json!({})],
        Value::Object(_) => vec![json!({}), json!([]), Value::Null],
    }
}

/// Reads, builds and runs a step. Says what went wrong that may not go wrong.
fn tried<const D: usize>(description: &Value) -> Option<String> {
    caught(description, || {
        let step: Step = match serde_json::from_value(description.clone()) {
            Ok(step) => step,
            Err(refused) => return said(&refused.to_string()),
        };
        let pipeline = match Compose::<D>::new(vec![step]) {
            Ok(pipeline) => pipeline,
            Err(refused) => return said(&refused.to_string()),
        };
        match pipeline.record(sample::<D>(), KEY) {
            Err(refused) => said(&refused.to_string()),
            Ok((done, record)) => {
                if done.image().as_slice().iter().any(|v| v.is_nan()) {
                    return Err("a number became NaN".to_owned());
                }
                let again = record.replay(sample::<D>());
                let same = again.is_ok_and(|again| again == done);
                same.then_some(()).ok_or("is not done again".to_owned())
            }
        }
    })
}

/// What `run` says is wrong with a description, or how it panics.
pub(crate) fn caught(
    description: &Value,
    run: impl FnOnce() -> Result<(), String>,
) -> Option<String> {
    let wrong = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => return None,
        Ok(Err(wrong)) => wrong,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied());
            format!("panics: {}", text.unwrap_or("?"))
        }
    };
    let text = description.to_string();
    Some(format!("{wrong}: {}", text.get(..400).unwrap_or(&text)))
}

/// Calls `run` with the description, each of its values replaced by each mistake, and gathers what it says is wrong.
pub(crate) fn with_mistakes(
    description: &Value,
    run: impl Fn(&Value) -> Option<String>,
) -> Vec<String> {
    let (mut wrong, mut places) = (vec![], vec![]);
    paths(description, "", &mut places);
    for place in places {
        for mistake in mistakes(description.pointer(&place).unwrap()) {
            let mut broken = description.clone();
            *broken.pointer_mut(&place).unwrap() = mistake;
            wrong.extend(run(&broken).map(|wrong| format!("{place} {wrong}")));
        }
    }
    wrong
}

pub(crate) fn said(message: &str) -> Result<(), String> {
    if message.is_empty() {
        return Err("an error says nothing".to_owned());
    }
    Ok(())
}

fn values_out_of_range<const D: usize>() {
    let all = descriptions::<D>().into_iter();
    let wrong: Vec<String> = all
        .flat_map(|(_, description)| with_mistakes(&description, tried::<D>))
        .collect();
    assert!(wrong.is_empty(), "{}: {:#?}", wrong.len(), wrong);
}

#[test]
fn whatever_stands_in_the_place_of_a_value_is_refused_or_done_in_2d() {
    values_out_of_range::<2>();
}

#[test]
fn whatever_stands_in_the_place_of_a_value_is_refused_or_done_in_3d() {
    values_out_of_range::<3>();
}

#[test]
fn keys_that_mean_nothing_are_refused_and_missing_ones_have_a_meaning_or_a_name() {
    let mut wrong = vec![];
    for (name, description) in descriptions::<3>() {
        let mut places = vec![];
        paths(&description, "", &mut places);
        for place in places {
            let Some(fields) = description.pointer(&place).unwrap().as_object() else {
                continue;
            };
            let mut extra = description.clone();
            let inserted = extra.pointer_mut(&place).unwrap().as_object_mut().unwrap();
            inserted.insert("nonsense".to_owned(), json!(1));
            if serde_json::from_value::<Step>(extra).is_ok() {
                wrong.push(format!(
                    "{name}: a key without meaning is taken at {place:?}"
                ));
            }
            for field in fields.keys() {
                let mut missing = description.clone();
                let kept = missing
                    .pointer_mut(&place)
                    .unwrap()
                    .as_object_mut()
                    .unwrap();
                kept.remove(field);
                wrong.extend(tried::<3>(&missing));
            }
        }
    }
    assert!(wrong.is_empty(), "{}: {:#?}", wrong.len(), wrong);
}
