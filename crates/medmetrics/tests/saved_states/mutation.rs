//! Every way to change one place of a JSON document.

use medmetrics::Accumulator;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Reads the state with every single change; what can be read is used further. Gives how many changes were
/// refused, and how many there were.
pub(crate) fn attack<A>(state: &A, push: impl Fn(&mut A)) -> [usize; 2]
where
    A: Accumulator + Serialize + DeserializeOwned,
{
    attack_any(state, |read: &mut A| {
        // Errors are fine; panics and endless loops are not.
        let _ = read.finish();
        push(read);
        let _ = read.merge(&read.clone());
        let _ = read.merge(state);
        let _ = read.finish();
    })
}

/// The same for what is no accumulator.
pub(crate) fn attack_any<A: Serialize + DeserializeOwned>(
    state: &A,
    go_on: impl Fn(&mut A),
) -> [usize; 2] {
    let whole = serde_json::to_value(state).unwrap();
    let mut unchanged: A = serde_json::from_value(whole.clone()).unwrap();
    go_on(&mut unchanged);
    let mut counts = [0; 2];
    for place in places(&whole) {
        for changed in changes(whole.pointer(&place).unwrap()) {
            let mut document = whole.clone();
            *document.pointer_mut(&place).unwrap() = changed;
            counts[1] += 1;
            match serde_json::from_value::<A>(document) {
                Err(_) => counts[0] += 1,
                Ok(mut read) => go_on(&mut read),
            }
        }
    }
    counts
}

/// Pointers to the first and last entries of everything.
fn places(value: &Value) -> Vec<String> {
    let mut places = vec![String::new()];
    let inner: Vec<(String, &Value)> = match value {
        Value::Array(entries) => {
            let kept = |i: &usize| *i < 3 || i + 2 > entries.len();
            let kept = (0..entries.len()).filter(kept);
            kept.map(|i| (i.to_string(), &entries[i])).collect()
        }
        Value::Object(entries) => entries.iter().map(|(k, v)| (k.clone(), v)).collect(),
        _ => Vec::new(),
    };
    for (name, value) in inner {
        places.extend(
            self::places(value)
                .into_iter()
                .map(|rest| format!("/{name}{rest}")),
        );
    }
    places
}

fn changes(value: &Value) -> Vec<Value> {
    match value {
        Value::Number(_) => vec![
            json!(0),
            json!(1),
            json!(-1),
            json!(0.7),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(u32::MAX),
            json!(1e308),
            json!(-1e308),
            json!(1e-320),
            Value::Null,
        ],
        Value::Array(entries) => {
            let mut shorter = entries.clone();
            shorter.pop();
            let mut longer = entries.clone();
            longer.extend(entries.first().cloned());
            let mut reversed = entries.clone();
            reversed.reverse();
            vec![json!([]), json!(shorter), json!(longer), json!(reversed)]
        }
        _ => vec![Value::Null, json!(3)],
    }
}
