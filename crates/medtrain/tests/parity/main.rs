//! Agreement with the field's Python libraries, through committed fixtures.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod events;
mod folds;
mod objectives;
mod schedules;
mod smote;

use std::collections::HashMap;
use std::path::Path;

use mednn::candle_core::{DType, Device, Tensor, safetensors};

/// The tensors of `tests/parity/<stem>.safetensors`.
struct Fixture(HashMap<String, Tensor>);

impl Fixture {
    fn load(stem: &str) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/parity/{stem}.safetensors"));
        assert!(std::fs::metadata(&path).unwrap().len() <= 64 * 1024);
        Self(safetensors::load(path, &Device::Cpu).unwrap())
    }

    /// A tensor as rows of `f64`; of one axis, one row.
    fn rows(&self, name: &str) -> Vec<Vec<f64>> {
        let tensor = self.0[name].to_dtype(DType::F64).unwrap();
        match tensor.dims().len() {
            1 => vec![tensor.to_vec1().unwrap()],
            _ => tensor.to_vec2().unwrap(),
        }
    }

    fn row(&self, name: &str) -> Vec<f64> {
        self.rows(name).concat()
    }
}
