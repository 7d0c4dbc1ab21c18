//! Deep supervision: a loss at several resolutions.

use candle_core::{DType, Tensor};

use super::Loss;
use crate::error::{Error, Result};
use crate::model::Outputs;
use crate::ops::support;

/// How much each resolution counts.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ScaleWeights {
    /// MONAI's `exp`: 1, 1/2, 1/4, ... but at least 1/16, not normalised.
    Monai,
    /// nnU-Net's: 1, 1/2, 1/4, ..., the lowest resolution 0, normalised to a sum of 1.
    NnUnet,
    /// Given, from full to low resolution.
    Fixed(Vec<f64>),
}

impl ScaleWeights {
    /// The weights of this many resolutions, from full to low.
    ///
    /// # Errors
    /// When given weights are fewer.
    pub fn of(&self, scales: usize) -> Result<Vec<f64>> {
        let halves = (0..scales).map(|i| 0.5_f64.powi(i as i32));
        match self {
            Self::Monai => Ok(halves.map(|w| w.max(0.0625)).collect()),
            Self::NnUnet => {
                let mut weights: Vec<f64> = halves.collect();
                if let [_, .., last] = weights.as_mut_slice() {
                    *last = 0.0;
                }
                let sum: f64 = weights.iter().sum();
                Ok(weights.into_iter().map(|w| w / sum).collect())
            }
            Self::Fixed(weights) if weights.len() >= scales => Ok(weights[..scales].to_vec()),
            Self::Fixed(weights) => Err(Error::Setting {
                op: "deep_supervision",
                setting: "the number of weights",
                rule: "at least the number of resolutions",
                value: format!("{} for {scales}", weights.len()),
            }),
        }
    }
}

/// The weighted sum of a loss at the resolutions a network gives, labels taken at the nearest voxel.
#[derive(Debug, Clone, PartialEq)]
pub struct DeepSupervision<L> {
    loss: L,
    weights: ScaleWeights,
}

impl<L: Loss> DeepSupervision<L> {
    /// Applies `loss` at every resolution.
    pub fn new(loss: L, weights: ScaleWeights) -> Self {
        Self { loss, weights }
    }

    /// The loss applied at every resolution.
    pub fn inner(&self) -> &L {
        &self.loss
    }
}

impl<L: Loss> Loss for DeepSupervision<L> {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        self.loss.forward(logits, target)
    }

    fn of_outputs(&self, outputs: &Outputs, target: &Tensor) -> Result<Tensor> {
        let scales: Vec<&Tensor> = outputs.scales().collect();
        let weights = self.weights.of(scales.len())?;
        let mut total: Option<Tensor> = None;
        for (logits, weight) in scales.into_iter().zip(weights) {
            if weight == 0.0 {
                continue;
            }
            let spatial = logits.dims().get(2..).unwrap_or_default();
            let labels = downsample_labels(target, spatial)?;
            let term = self.loss.forward(logits, &labels)?.affine(weight, 0.0)?;
            total = Some(match total {
                None => term,
                Some(sum) => (sum + term)?,
            });
        }
        match total {
            Some(total) => Ok(total),
            None => Ok(Tensor::zeros(
                (),
                outputs.logits.dtype(),
                outputs.logits.device(),
            )?),
        }
    }
}

/// Labels on a coarser grid: each takes the label of the voxel its centre lies in (PyTorch's `nearest-exact`).
///
/// # Shapes
/// - target: `[batch, ...]`, labels in u8 or u32, or `[batch, classes, ...]`, shares in f32 or f64
/// - output: `[batch, ...spatial]` or `[batch, classes, ...spatial]`
///
/// # Errors
/// Refuses another number of axes and other element types.
pub fn downsample_labels(target: &Tensor, spatial: &[usize]) -> Result<Tensor> {
    const OP: &str = "downsample_labels";
    let dims = target.dims();
    // Batch, and the classes of shares.
    let kept = match target.dtype() {
        DType::F32 | DType::F64 => 2,
        _ => 1,
    };
    if dims.len() != spatial.len() + kept {
        return Err(Error::Rank {
            op: OP,
            tensor: "the target",
            expected: (spatial.len() + kept).to_string(),
            got: dims.to_vec(),
        });
    }
    if &dims[kept..] == spatial {
        return Ok(target.clone());
    }
    let mut shape = dims[..kept].to_vec();
    shape.extend(spatial);
    #[cfg(feature = "cuda")]
    if target.device().is_cuda() && spatial.len() <= 3 {
        return on_device(target, kept, &shape);
    }
    let sources: Vec<Vec<usize>> = dims[..kept]
        .iter()
        .map(|&len| (0..len).collect())
        .chain(spatial.iter().zip(&dims[kept..]).map(|(&out, &len)| {
            (0..out)
                .map(|i| ((2 * i + 1) * len / (2 * out)).min(len.saturating_sub(1)))
                .collect()
        }))
        .collect();
    match target.dtype() {
        DType::U8 => pick::<u8>(target, &sources, &shape),
        DType::U32 => pick::<u32>(target, &sources, &shape),
        DType::F32 => pick::<f32>(target, &sources, &shape),
        DType::F64 => pick::<f64>(target, &sources, &shape),
        got => Err(Error::ElementType {
            op: OP,
            tensor: "the target",
            expected: "u8, u32, f32 or f64",
            got,
        }),
    }
}

/// The same of a target on a GPU, behind whose `kept` axes there are at most three.
#[cfg(feature = "cuda")]
fn on_device(target: &Tensor, kept: usize, shape: &[usize]) -> Result<Tensor> {
    use crate::cuda::{self, resample::centres};
    let rows = shape[..kept].iter().product();
    let lifted = |dims: &[usize]| {
        let mut extent = [1; 3];
        extent[3 + kept - dims.len()..].copy_from_slice(&dims[kept..]);
        extent
    };
    let extents = [lifted(target.dims()), lifted(shape)];
    macro_rules! made {
        ($element:ty, $suffix:literal) => {{
            let coarse = cuda::with_array::<$element, _>(target, |labels| {
                centres($suffix, rows, extents, labels)
            })?;
            Ok(cuda::tensor(coarse, shape, target)?)
        }};
    }
    match target.dtype() {
        DType::U8 => made!(u8, "u8"),
        DType::U32 => made!(u32, "u32"),
        DType::F32 => made!(f32, "f32"),
        DType::F64 => made!(f64, "f64"),
        got => Err(Error::ElementType {
            op: "downsample_labels",
            tensor: "the target",
            expected: "u8, u32, f32 or f64",
            got,
        }),
    }
}

/// The elements at the given places along each axis.
fn pick<T: candle_core::WithDType>(
    target: &Tensor,
    sources: &[Vec<usize>],
    shape: &[usize],
) -> Result<Tensor> {
    let dims = target.dims();
    let picked = support::with_raw_elements::<T, _>(target, |values| {
        let mut offsets = vec![0];
        for (places, &len) in sources.iter().zip(dims) {
            offsets = offsets
                .iter()
                .flat_map(|&offset: &usize| places.iter().map(move |&place| offset * len + place))
                .collect();
        }
        Ok(offsets
            .into_iter()
            .map(|offset| values[offset])
            .collect::<Vec<T>>())
    })?;
    Ok(Tensor::from_vec(picked, shape, target.device())?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn weights_are_those_of_the_reference_libraries() {
        assert_eq!(
            ScaleWeights::Monai.of(6).unwrap(),
            [1.0, 0.5, 0.25, 0.125, 0.0625, 0.0625]
        );
        let nnunet = ScaleWeights::NnUnet.of(5).unwrap();
        for (weight, expected) in nnunet.iter().zip([8.0, 4.0, 2.0, 1.0, 0.0]) {
            assert!((weight - expected / 15.0).abs() < 1e-12);
        }
        assert_eq!(ScaleWeights::NnUnet.of(1).unwrap(), [1.0]);
        assert!(ScaleWeights::Fixed(vec![1.0]).of(2).is_err());
    }

    #[test]
    fn a_coarser_label_is_that_at_its_centre() {
        let labels = Tensor::new(&[[0_u8, 1, 2, 3, 4], [5, 6, 7, 8, 9]], &Device::Cpu).unwrap();
        let coarse = downsample_labels(&labels, &[2]).unwrap();
        assert_eq!(coarse.to_vec2::<u8>().unwrap(), [[1, 3], [6, 8]]);
        assert!(downsample_labels(&labels, &[2, 2]).is_err());
    }
}
