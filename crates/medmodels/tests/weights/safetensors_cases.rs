//! safetensors files that are wrong in every way: typed errors within their limits of time and memory.

use serde_json::{Value, json};

use super::hostile::check_cases;

/// A file of a header, which says that it is so long, and data.
fn file(header: impl AsRef<[u8]>, data: usize, length: Option<u64>) -> Vec<u8> {
    let header = header.as_ref();
    let length = length.unwrap_or(header.len() as u64);
    [&length.to_le_bytes(), header, &vec![0; data]].concat()
}

/// A file of one tensor, some facts of which are changed.
fn one(change: &Value, data: usize) -> Vec<u8> {
    let mut tensor = json!({"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]});
    let facts = change.as_object().unwrap();
    facts
        .iter()
        .for_each(|(key, value)| tensor[key] = value.clone());
    file(json!({ "a": tensor }).to_string(), data, None)
}

#[test]
fn every_case_ends_as_it_must_within_its_limits() {
    let tensor = json!({"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]});
    let control = json!({ "a": tensor }).to_string();
    let mut cases = vec![
        ("control", true, file(&control, 16, None)),
        ("empty", false, Vec::new()),
        ("seven bytes", false, vec![0; 7]),
        ("no JSON", false, file(b"\xff\xfe{", 0, None)),
        ("a list", false, file("[]", 0, None)),
        (
            "deep lists",
            false,
            file([b"{\"a\":".as_slice(), &[b'['; 100_000]].concat(), 0, None),
        ),
        (
            "two tensors in one place",
            false,
            file(json!({"a": tensor, "b": tensor}).to_string(), 16, None),
        ),
        ("data behind all tensors", false, file(&control, 64, None)),
        ("too little data", false, file(&control, 8, None)),
        (
            "a name that leads out",
            true,
            file(json!({"../../etc/x": tensor}).to_string(), 16, None),
        ),
    ];
    let mut add = |name, accepted, bytes| cases.push((name, accepted, bytes));
    for length in [0, 1 << 63, u64::MAX, 100_000_001, 99_000_000] {
        add(
            "a header of another length",
            false,
            file(&control, 16, Some(length)),
        );
    }
    let object = format!(
        "{{\"__metadata__\":{}1{}}}",
        "{\"a\":".repeat(5000),
        "}".repeat(5000)
    );
    add("deep objects", false, file(object, 0, None));
    let hole = json!({"dtype": "F32", "shape": [2, 2], "data_offsets": [20, 36]});
    add(
        "a hole",
        false,
        file(json!({"a": tensor, "b": hole}).to_string(), 36, None),
    );
    let other = json!({"dtype": "F32", "shape": [4], "data_offsets": [0, 16]});
    let twice = format!("{{\"a\":{tensor},\"a\":{other}}}");
    add("one name twice", false, file(twice, 16, None));
    for (name, change) in [
        (
            "more than can be counted",
            json!({"shape": [1_u64 << 63, 2]}),
        ),
        (
            "2 to the 64 values",
            json!({"shape": [1_u64 << 32, 1_u64 << 32]}),
        ),
        ("a negative size", json!({"shape": [-1, 2]})),
        ("half a value", json!({"shape": [2.5]})),
        (
            "a size of 2 to the 64",
            json!({"shape": [18_446_744_073_709_551_616_f64]}),
        ),
        ("an unknown type", json!({"dtype": "F99"})),
        ("an end before its start", json!({"data_offsets": [16, 0]})),
        ("an end far away", json!({"data_offsets": [0, 1_u64 << 63]})),
        (
            "a start behind the first byte",
            json!({"data_offsets": [8, 24]}),
        ),
        ("one offset", json!({"data_offsets": [0]})),
        ("no values in 16 bytes", json!({"shape": [0]})),
        ("100 thousand axes", json!({"shape": vec![1; 100_000]})),
        (
            "17 axes of four values",
            json!({"shape": ([[1; 15].as_slice(), &[2, 2]].concat())}),
        ),
    ] {
        add(name, false, one(&change, 16));
    }
    let empty = json!({"dtype": "F32", "shape": [0], "data_offsets": [0, 0]});
    let many: serde_json::Map<_, _> = (0..100_000)
        .map(|i| (format!("t{i}"), empty.clone()))
        .collect();
    add(
        "100 thousand empty tensors",
        true,
        file(Value::from(many).to_string(), 0, None),
    );
    let mut nan = file(&control, 16, None);
    let at = nan.len() - 16;
    nan[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    add("not a number is a number", true, nan);
    check_cases("case.safetensors", cases);
}
