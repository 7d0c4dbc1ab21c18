//! Fixtures and comparison.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};

/// The tensors of `tests/parity/<stem>.safetensors`.
pub(crate) struct Fixture(Vec<u8>);

/// One tensor as `f64`, with its shape.
pub(crate) struct Array {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

impl Fixture {
    pub(crate) fn load(stem: &str) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/parity/{stem}.safetensors"));
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            bytes.len() <= 64 * 1024,
            "{path:?} has {} bytes",
            bytes.len()
        );
        Self(bytes)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        tensors.names().into_iter().map(str::to_owned).collect()
    }

    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> Array {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = tensors
            .tensor(name)
            .unwrap_or_else(|_| panic!("the fixture has no {name:?}"));
        let data = tensor.data();
        let values = match tensor.dtype() {
            Dtype::F64 => data
                .chunks_exact(8)
                .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
                .collect(),
            Dtype::F32 => data
                .chunks_exact(4)
                .map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())))
                .collect(),
            Dtype::U8 => data.iter().map(|&b| f64::from(b)).collect(),
            other => panic!("{name:?} is {other:?}"),
        };
        Array {
            shape: tensor.shape().to_vec(),
            values,
        }
    }
}

impl Array {
    pub(crate) fn shape<const D: usize>(&self) -> [usize; D] {
        self.shape.as_slice().try_into().unwrap()
    }

    pub(crate) fn f32(&self) -> Vec<f32> {
        self.values.iter().map(|&v| v as f32).collect()
    }

    pub(crate) fn vector<const D: usize>(&self) -> [f64; D] {
        self.values.as_slice().try_into().unwrap()
    }

    pub(crate) fn matrix<const D: usize>(&self) -> [[f64; D]; D] {
        std::array::from_fn(|i| std::array::from_fn(|j| self.values[i * D + j]))
    }
}

/// Asserts `max|a-b| <= tolerance * max|b|`; elements whose reference is NaN are not compared.
#[track_caller]
pub(crate) fn assert_close(got: &[f32], reference: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), reference.len(), "{what}");
    let compared = || {
        got.iter()
            .zip(reference)
            .enumerate()
            .filter(|(_, (_, r))| !r.is_nan())
    };
    let scale = compared().fold(1e-30f64, |m, (_, (_, r))| m.max(r.abs()));
    assert!(
        compared().count() * 4 > got.len(),
        "{what}: too little to compare"
    );
    for (i, (&got, &reference)) in compared() {
        let error = (f64::from(got) - reference).abs() / scale;
        assert!(
            error <= tolerance,
            "{what}: element {i} is {got}, should be {reference} (error {error:e})"
        );
    }
}
