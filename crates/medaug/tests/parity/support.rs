//! Fixtures and comparison.

use std::path::Path;

use medaug::{Operation, Sample};
use medcore::{Geometry, Image, LabelMap};
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

    #[track_caller]
    pub(crate) fn get(&self, name: &str) -> Array {
        self.try_get(name)
            .unwrap_or_else(|| panic!("the fixture has no {name:?}"))
    }

    /// A tensor that may be missing.
    #[track_caller]
    pub(crate) fn try_get(&self, name: &str) -> Option<Array> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = tensors.tensor(name).ok()?;
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
        Some(Array {
            shape: tensor.shape().to_vec(),
            values,
        })
    }
}

impl Array {
    pub(crate) fn floats(&self) -> Vec<f32> {
        self.values.iter().map(|&v| v as f32).collect()
    }

    pub(crate) fn shape<const D: usize>(&self) -> [usize; D] {
        self.shape.as_slice().try_into().unwrap()
    }

    pub(crate) fn image<const D: usize>(&self, geometry: Geometry<D>) -> Image<f32, D> {
        Image::new(geometry, self.floats()).unwrap()
    }

    pub(crate) fn labels<const D: usize>(&self, geometry: Geometry<D>) -> LabelMap<u8, D> {
        let labels: Vec<u8> = self.values.iter().map(|&v| v as u8).collect();
        LabelMap::new(geometry, labels).unwrap()
    }

    /// Asserts `max|a-b| <= tolerance * max|b|`, and no NaN.
    #[track_caller]
    pub(crate) fn assert_close(&self, got: &[f32], tolerance: f64, what: &str) {
        assert_eq!(got.len(), self.values.len(), "{what}");
        let scale = self.values.iter().fold(1e-30_f64, |m, v| m.max(v.abs()));
        for (i, (&a, &b)) in got.iter().zip(&self.values).enumerate() {
            let error = (f64::from(a) - b).abs() / scale;
            assert!(error <= tolerance, "{what}: {a} is not {b} at {i}");
        }
    }

    /// Asserts that all but `allowed` labels agree.
    #[track_caller]
    pub(crate) fn assert_labels(&self, got: &[u8], allowed: usize, what: &str) {
        assert_eq!(got.len(), self.values.len(), "{what}");
        let different = got
            .iter()
            .zip(&self.values)
            .filter(|&(&a, &b)| f64::from(a) != b)
            .count();
        assert!(
            different <= allowed,
            "{what}: {different} of {} labels differ",
            got.len()
        );
    }
}

/// The voxels of an image after an operation that its parameters allow.
#[track_caller]
pub(crate) fn voxels_after<const D: usize>(
    image: Image<f32, D>,
    operation: impl Into<Operation>,
) -> Vec<f32> {
    let operation: Operation = operation.into();
    operation.check::<D>().unwrap();
    let sample = operation.apply_to(Sample::new(image)).unwrap();
    sample.image().as_slice().to_vec()
}
