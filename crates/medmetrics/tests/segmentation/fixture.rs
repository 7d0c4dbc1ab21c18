//! Reading the committed JSON.

use medcore::{Geometry, LabelMap};
use serde_json::Value;

pub(crate) use crate::common::numbers;
use crate::common::read;

pub(crate) fn load(name: &str) -> Value {
    read(&format!("segmentation/{name}"))
}

pub(crate) fn shape<const D: usize>(row: &Value) -> [usize; D] {
    let shape: Vec<usize> = numbers(&row["shape"])
        .into_iter()
        .map(|v| v as usize)
        .collect();
    shape.try_into().unwrap()
}

/// The spacing in millimetres, 1 where the row has none.
pub(crate) fn spacing<const D: usize>(row: &Value) -> [f64; D] {
    row.get("spacing")
        .map_or([1.0; D], |v| numbers(v).try_into().unwrap())
}

/// Bits in hexadecimal.
pub(crate) fn mask(row: &Value, name: &str, len: usize) -> Vec<bool> {
    let nibbles: Vec<u32> = row[name]
        .as_str()
        .unwrap()
        .chars()
        .map(|c| c.to_digit(16).unwrap())
        .collect();
    (0..len)
        .map(|i| nibbles[i / 4] >> (3 - i % 4) & 1 == 1)
        .collect()
}

pub(crate) fn mask_map<const D: usize>(row: &Value, name: &str) -> LabelMap<u8, D> {
    let grid = Geometry::axis_aligned(shape(row), spacing(row)).unwrap();
    let labels: Vec<u8> = mask(row, name, grid.len())
        .into_iter()
        .map(u8::from)
        .collect();
    LabelMap::new(grid, labels).unwrap()
}

/// One character a voxel, 0 to 9 and a to z.
pub(crate) fn label_map<const D: usize>(row: &Value, name: &str) -> LabelMap<u8, D> {
    let grid = Geometry::axis_aligned(shape(row), spacing(row)).unwrap();
    let labels = row[name]
        .as_str()
        .unwrap()
        .chars()
        .map(|c| c.to_digit(36).unwrap() as u8);
    LabelMap::new(grid, labels.collect::<Vec<_>>()).unwrap()
}

#[track_caller]
pub(crate) fn assert_near(got: f64, want: &Value, tolerance: f64) {
    let want = want.as_f64().unwrap();
    assert!(
        (got - want).abs() <= tolerance * want.abs().max(1.0),
        "{got}, should be {want}"
    );
}
