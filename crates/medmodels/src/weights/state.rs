//! Which of a checkpoint's values are weights, and their names.

use std::collections::BTreeMap;

use super::fault::Fault;
use super::pickle::value::{Heap, Id, Value, is_mapping};
use super::torch::{Layout, layout};

/// Keys under which training programs put weights, the best first: averaged before raw.
const ENTRIES: [&str; 9] = [
    "ema",
    "state_dict",
    "network_weights",
    "model_state_dict",
    "model_state",
    "params_ema",
    "params",
    "model",
    "net",
];
/// Values that are looked at.
const MOST: usize = 1 << 20;
/// Modules inside modules.
const DEEPEST: usize = 64;

/// The weights of a checkpoint, before their numbers are read.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// The keys under which they stand.
    pub(crate) entry: String,
    pub(crate) tensors: BTreeMap<String, Layout>,
    /// Names of what stands among them and is no tensor.
    pub(crate) others: Vec<String>,
}

/// Finds the weights: the values themselves, or what stands under a known key; `wanted` names another, its parts
/// joined by dots.
pub(crate) fn find(heap: &Heap, root: Id, wanted: Option<&str>) -> Result<State, Fault> {
    if let Some(path) = wanted {
        let mut place = root;
        for key in path.split('.') {
            let next = heap
                .entry(place, key)
                .or_else(|| heap.attribute(place, key));
            place = next.ok_or_else(|| Fault::Structure {
                place: path.to_owned(),
                problem: format!("there is no {key:?}; there are {}", keys(heap, place)),
            })?;
        }
        let state = collect(heap, place, path)?;
        return match state.tensors.is_empty() {
            true => Err(Fault::Structure {
                place: path.to_owned(),
                problem: "no tensors stand there".to_owned(),
            }),
            false => Ok(state),
        };
    }
    let entries = heap.entries(root).unwrap_or(&[]);
    let mut direct = false;
    for (_, value) in entries {
        direct |= layout(heap, *value)?.is_some();
    }
    let known = ENTRIES
        .iter()
        .filter_map(|key| Some((*key, heap.entry(root, key)?)));
    let places = direct.then_some(("", root)).into_iter().chain(known);
    for (key, place) in places.chain(Some(("", root))) {
        let state = collect(heap, place, key)?;
        if !state.tensors.is_empty() {
            return Ok(state);
        }
    }
    Err(Fault::Structure {
        place: "the checkpoint".to_owned(),
        problem: format!("no weights were found; there are {}", keys(heap, root)),
    })
}

/// The keys of a dictionary, or what a value is.
fn keys(heap: &Heap, id: Id) -> String {
    let Some(entries) = heap.entries(id) else {
        return match heap.get(id) {
            Value::Object(object) => format!("an object of {}", object.class),
            _ => "no dictionary".to_owned(),
        };
    };
    let mut names: Vec<&str> = entries
        .iter()
        .filter_map(|(key, _)| heap.text(*key))
        .collect();
    names.truncate(12);
    format!("the keys {names:?}")
}

/// What is still to be looked at.
struct Todo {
    name: String,
    place: Id,
    depth: usize,
}

fn collect(heap: &Heap, root: Id, entry: &str) -> Result<State, Fault> {
    let mut state = State {
        entry: entry.to_owned(),
        ..State::default()
    };
    let mut todo = vec![Todo {
        name: String::new(),
        place: root,
        depth: 0,
    }];
    let mut looked = 0_usize;
    while let Some(next) = todo.pop() {
        looked += 1;
        let fail = |problem: String| Fault::Structure {
            place: format!("{entry}.{}", next.name)
                .trim_matches('.')
                .to_owned(),
            problem,
        };
        if looked > MOST || next.depth > DEEPEST {
            return Err(fail(format!("more than {MOST} values or {DEEPEST} levels")));
        }
        if let Some(layout) = layout(heap, next.place)? {
            if state.tensors.insert(next.name.clone(), layout).is_some() {
                return Err(fail("two tensors have this name".to_owned()));
            }
            continue;
        }
        let below = |key: &str| match next.name.is_empty() {
            true => key.to_owned(),
            false => format!("{}.{key}", next.name),
        };
        let depth = next.depth + 1;
        if let Some(parts) = parts(heap, next.place) {
            for (key, place) in parts.map_err(&fail)? {
                let name = below(key);
                todo.push(Todo { name, place, depth });
            }
            continue;
        }
        match heap.get(next.place) {
            // What a module has not.
            Value::None => {}
            _ => state.others.push(next.name),
        }
    }
    state.others.sort();
    Ok(state)
}

type Parts<'a> = Vec<(&'a str, Id)>;

/// What a dictionary or a module is made of; none for other values.
fn parts(heap: &Heap, id: Id) -> Option<Result<Parts<'_>, String>> {
    if let Value::Object(object) = heap.get(id)
        && !is_mapping(&object.class)
    {
        return module_parts(heap, id, &object.class);
    }
    Some(named(heap, heap.entries(id)?))
}

fn named<'a>(heap: &'a Heap, entries: &[(Id, Id)]) -> Result<Parts<'a>, String> {
    let mut last: BTreeMap<&str, Id> = BTreeMap::new();
    for (key, value) in entries {
        let key = heap.text(*key).ok_or("a key is no text")?;
        last.insert(key, *value);
    }
    Ok(last.into_iter().collect())
}

/// Parameters, buffers and modules of a module, as `state_dict` gives them.
fn module_parts<'a>(heap: &'a Heap, id: Id, class: &str) -> Option<Result<Parts<'a>, String>> {
    let groups = ["_parameters", "_buffers", "_modules"].map(|name| heap.attribute(id, name));
    if groups.iter().all(Option::is_none) {
        // Scripts keep tensors and modules beside one another.
        let Value::Object(object) = heap.get(id) else {
            return None;
        };
        let script = class.starts_with("__torch__.");
        let entries = heap.entries(object.state.filter(|_| script)?)?;
        let inner = |id: Id| match heap.get(id) {
            Value::Object(object) => {
                object.class.starts_with("__torch__.") || object.class.starts_with("torch._utils.")
            }
            _ => false,
        };
        let inner: Vec<(Id, Id)> = { entries.iter().copied() }
            .filter(|(_, value)| inner(*value))
            .collect();
        return Some(named(heap, &inner));
    }
    let hidden: Vec<&str> = match heap
        .attribute(id, "_non_persistent_buffers_set")
        .map(|s| heap.get(s))
    {
        Some(Value::Set(names)) => names.iter().filter_map(|name| heap.text(*name)).collect(),
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for group in groups.into_iter().flatten() {
        match named(heap, heap.entries(group).unwrap_or(&[])) {
            Ok(parts) => all.extend(parts.into_iter().filter(|(name, _)| !hidden.contains(name))),
            Err(problem) => return Some(Err(problem)),
        }
    }
    Some(Ok(all))
}
