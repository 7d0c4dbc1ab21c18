//! What a checkpoint says beside its weights: text, numbers and lists of them.

use std::path::Path;

use super::fault::Fault;
use super::pickle::value::{Heap, Id, Value as Pickled};
use super::{ReadOptions, open};
use crate::bundles::Value;
use crate::error::{Error, Result};

/// Values and bytes of text that are taken from under one key.
const MOST: usize = 1 << 16;
/// Lists in lists.
const DEEPEST: usize = 32;

/// The values under some keys of a checkpoint, each joined by dots; none where there is no such key.
pub(crate) fn beside<const N: usize>(path: &Path, keys: [&str; N]) -> Result<[Option<Value>; N]> {
    let fail = |fault| Error::Checkpoint {
        path: path.to_owned(),
        fault: Box::new(fault),
    };
    let checkpoint = open(path, &ReadOptions::new()).map_err(fail)?;
    let Some(checkpoint) = checkpoint else {
        return Ok([const { None }; N]);
    };
    let (heap, root) = checkpoint.values();
    let mut found = [const { None }; N];
    for (found, key) in found.iter_mut().zip(keys) {
        let mut parts = key.split('.');
        let place = parts.try_fold(root, |place, part| heap.entry(place, part));
        let mut left = MOST;
        let value = place.map(|id| plain(heap, id, DEEPEST, &mut left));
        *found = value.transpose().map_err(|problem| {
            fail(Fault::Structure {
                place: key.to_owned(),
                problem,
            })
        })?;
    }
    Ok(found)
}

/// The same value without the pickle; lists may hold themselves, so depth and number are limited.
fn plain(
    heap: &Heap,
    id: Id,
    depth: usize,
    left: &mut usize,
) -> std::result::Result<Value, String> {
    if depth == 0 || *left == 0 {
        return Err(format!("more than {MOST} values or {DEEPEST} levels"));
    }
    *left -= 1;
    Ok(match heap.get(id) {
        Pickled::None => Value::Null,
        Pickled::Bool(value) => Value::Bool(*value),
        Pickled::Int(value) => Value::Integer(*value),
        Pickled::Float(value) => Value::Number(*value),
        Pickled::Text(text) => {
            // The pickle may refer to one text many times, and each is a copy here.
            let rest = left.checked_sub(text.len());
            *left = rest.ok_or_else(|| format!("more than {MOST} values and bytes of text"))?;
            Value::Text(text.as_ref().to_owned())
        }
        Pickled::List(values) | Pickled::Tuple(values) => {
            let values = values.iter();
            let values = values.map(|value| plain(heap, *value, depth - 1, left));
            Value::List(values.collect::<std::result::Result<_, _>>()?)
        }
        Pickled::Object(object) => return Err(format!("an object of {}", object.class)),
        _ => return Err("neither text, a number nor a list of them".to_owned()),
    })
}
