//! What a model is tried on, as tensors of a file.

use std::collections::BTreeMap;
use std::path::Path;

use medcore::{Geometry, Image, Point, Vector};
use medmodels::fusion::table::Record;
use mednn::candle_core::{DType, Device, Tensor};

use super::engine::named;
use super::folder::wrong;
use crate::classify::refuse;
use crate::error::Result;
use crate::patient::Examination;

const IMAGE: &str = "image";
const ORIGIN: &str = "origin";
const STEPS: &str = "steps";
/// The text of a record, JSON in UTF-8.
const RECORD: &str = "record";
/// Embeddings, `[tokens, width]`; left out where there are none.
const TOKENS: &str = "tokens";

/// What a model can be tried on: an image, the record of a patient, or both, with tokens or without ([`Examination`]).
///
/// Others than these cannot be: the trait is sealed.
pub trait GoldenInput: Parts {}

impl<C: Parts> GoldenInput for C {}

pub(super) mod parts {
    use super::{BTreeMap, Path, Result, Tensor};

    /// Tensors by name, and back.
    pub trait Parts: Sized {
        /// Adds its tensors.
        fn give(&self, tensors: &mut BTreeMap<String, Tensor>) -> Result<()>;

        /// Takes its tensors out of those of a file.
        fn take(path: &Path, tensors: &mut BTreeMap<String, Tensor>) -> Result<Self>;
    }
}

use parts::Parts;

impl<const D: usize> Parts for Image<f32, D> {
    fn give(&self, tensors: &mut BTreeMap<String, Tensor>) -> Result<()> {
        let grid = self.geometry();
        let shape: Vec<usize> = [self.channels()].into_iter().chain(self.shape()).collect();
        let voxels = Tensor::from_slice(self.as_slice(), shape, &Device::Cpu);
        let steps = grid.steps();
        let steps: Vec<f64> = steps.iter().flat_map(|step| step.components()).collect();
        let origin = grid.origin().coordinates();
        tensors.insert(IMAGE.to_owned(), voxels.map_err(mednn::Error::from)?);
        tensors.extend([named(ORIGIN, &origin)?, named(STEPS, &steps)?]);
        Ok(())
    }

    fn take(path: &Path, tensors: &mut BTreeMap<String, Tensor>) -> Result<Self> {
        let mut part = |name| taken(path, tensors, name);
        image::<D>(path, &part(IMAGE)?, &part(ORIGIN)?, &part(STEPS)?)
    }
}

impl Parts for Record {
    fn give(&self, tensors: &mut BTreeMap<String, Tensor>) -> Result<()> {
        let text = serde_json::to_vec(self);
        let text = text.map_err(|e| wrong(Path::new(RECORD), e.to_string()))?;
        tensors.extend([named(RECORD, &text)?]);
        Ok(())
    }

    fn take(path: &Path, tensors: &mut BTreeMap<String, Tensor>) -> Result<Self> {
        let text = taken(path, tensors, RECORD)?.to_vec1::<u8>();
        let text = text.map_err(|e| wrong(path, format!("its record is no text: {e}")))?;
        serde_json::from_slice(&text).map_err(|e| wrong(path, format!("its record: {e}")))
    }
}

impl<const D: usize> Parts for Examination<D> {
    fn give(&self, tensors: &mut BTreeMap<String, Tensor>) -> Result<()> {
        self.image.give(tensors)?;
        self.patient.record.give(tensors)?;
        let tokens = &self.patient.tokens;
        if let Some(first) = tokens.first() {
            let width = first.len();
            if tokens.iter().any(|token| token.len() != width) {
                return refuse("tokens", "all of one width", format!("{tokens:?}"));
            }
            let shape = (tokens.len(), width);
            let all = Tensor::from_vec(tokens.concat(), shape, &Device::Cpu);
            tensors.insert(TOKENS.to_owned(), all.map_err(mednn::Error::from)?);
        }
        Ok(())
    }

    fn take(path: &Path, tensors: &mut BTreeMap<String, Tensor>) -> Result<Self> {
        let image = Parts::take(path, tensors)?;
        let examination = Self::new(image, Parts::take(path, tensors)?);
        let Some(tokens) = tensors.remove(TOKENS) else {
            return Ok(examination);
        };
        let rows = tokens.to_vec2::<f32>();
        let rows = rows.map_err(|e| wrong(path, format!("its tokens are no matrix: {e}")))?;
        Ok(examination.with_tokens(rows))
    }
}

fn taken(path: &Path, tensors: &mut BTreeMap<String, Tensor>, name: &str) -> Result<Tensor> {
    let tensor = tensors.remove(name);
    tensor.ok_or_else(|| wrong(path, format!("it has no tensor {name:?}")))
}

fn image<const D: usize>(
    path: &Path,
    voxels: &Tensor,
    origin: &Tensor,
    steps: &Tensor,
) -> Result<Image<f32, D>> {
    let shape = voxels.dims();
    let fits = shape.len() == D + 1
        && voxels.dtype() == DType::F32
        && origin.dims() == [3]
        && steps.dims() == [3 * D]
        && [origin, steps]
            .iter()
            .all(|tensor| tensor.dtype() == DType::F64);
    if !fits {
        let problem = format!("its image is none of {D} axes: {shape:?}");
        return Err(wrong(path, problem));
    }
    let numbers = |tensor: &Tensor| tensor.to_vec1::<f64>().map_err(mednn::Error::from);
    let (origin, steps) = (numbers(origin)?, numbers(steps)?);
    let values = voxels.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
    let grid = Geometry::new(
        std::array::from_fn(|axis| shape[axis + 1]),
        Point::new(origin[0], origin[1], origin[2]),
        std::array::from_fn(|axis| {
            Vector::new(steps[3 * axis], steps[3 * axis + 1], steps[3 * axis + 2])
        }),
    )?;
    let values = values.map_err(mednn::Error::from)?;
    Ok(Image::with_channels(shape[0], grid, values)?)
}
