//! Cross-entropy of grades.

use candle_core::{DType, Device, Tensor};

use super::Loss;
use super::maps::{Sum, sum};
use super::segmentation::{check_class_weights, check_labels};
use crate::error::{Error, Result};
use crate::ops::support::{check_float, check_min_rank, check_shape};
use crate::ops::{self, Activation, Reduced, activation, multiply, scale};

/// Which cases a level between two grades is learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Levels {
    /// All: the sigmoid of logit `k` is the probability of a grade above `k` (CORAL: Cao et al. 2020,
    /// <https://arxiv.org/abs/1901.07884>, where levels differ in their bias alone; without that, Niu et al., CVPR 2016).
    Cumulative,
    /// Those of grade `k` or above: the sigmoid of logit `k` is the probability that such a case is above `k`
    /// (CORN: Shi et al. 2021, <https://arxiv.org/abs/2111.08851>).
    Conditional,
}

/// Cross-entropy of grades that have an order, by a logit for each level between two neighbours.
///
/// `sum w_k m_k log(1 + e^(s_k z_k)) / n` over levels and cases, with `s_k` -1 where the grade is above `k` and 1 elsewhere.
/// Cumulative levels see every case (`m_k` 1) and `n` is the number of cases (`coral_loss` of coral-pytorch); conditional
/// ones see those of grade `k` or above, and `n` is how many levels see a case, in all (`corn_loss`). 0 where no case counts.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use mednn::loss::{Loss, OrdinalCrossEntropy};
///
/// // Four grades, three levels; a case of grade 2 is above the first two.
/// let logits = Tensor::new(&[[30.0_f32, 30.0, -30.0]], &Device::Cpu)?;
/// let loss = OrdinalCrossEntropy::cumulative();
/// let of = |grade: u8| -> mednn::Result<f32> {
///     let target = Tensor::new(&[grade], &Device::Cpu)?;
///     Ok(loss.forward(&logits, &target)?.to_scalar()?)
/// };
/// assert!(of(2)? < 1e-6);
/// assert_eq!(of(1)?, 30.0); // one grade too high
/// assert_eq!(of(0)?, 60.0); // two
/// # Ok::<(), mednn::Error>(())
/// ```
///
/// # Shapes
/// - logits: `[batch, grades - 1, ...]`
/// - target: `[batch, ...]`, grades in u8 or u32, the lowest 0
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OrdinalCrossEntropy {
    /// Which cases a level is learned from.
    pub levels: Levels,
    /// How much each level counts; all ones when not set.
    pub level_weights: Option<Vec<f64>>,
    /// The label of cases that do not count.
    pub ignore_label: Option<u32>,
}

impl OrdinalCrossEntropy {
    /// Of the probability of a higher grade.
    #[must_use]
    pub fn cumulative() -> Self {
        Self::new(Levels::Cumulative)
    }

    /// Of the probability of a higher grade, given that a grade is reached.
    #[must_use]
    pub fn conditional() -> Self {
        Self::new(Levels::Conditional)
    }

    fn new(levels: Levels) -> Self {
        Self {
            levels,
            level_weights: None,
            ignore_label: None,
        }
    }

    /// Sets how much each level counts, the lowest first.
    #[must_use]
    pub fn with_level_weights(mut self, weights: impl Into<Vec<f64>>) -> Self {
        self.level_weights = Some(weights.into());
        self
    }

    /// Sets the label of cases that do not count.
    #[must_use]
    pub fn with_ignore_label(mut self, label: u32) -> Self {
        self.ignore_label = Some(label);
        self
    }

    /// What every logit counts, and on which side the grade is.
    fn counts(&self, dims: &[usize], grades: &[u32]) -> Result<Counts> {
        let (levels, places) = (dims[1], dims[2..].iter().product::<usize>());
        let mut counts = Counts {
            weights: vec![0.0; grades.len() * levels],
            sides: vec![1.0; grades.len() * levels],
            seen: 0,
        };
        for (case, &grade) in grades.iter().enumerate() {
            if self.ignore_label == Some(grade) {
                continue;
            }
            if grade as usize > levels {
                return Err(Error::Label {
                    op: OP,
                    label: grade,
                    voxel: case % places,
                    batch: case / places,
                    classes: levels + 1,
                });
            }
            let reached = match self.levels {
                Levels::Cumulative => levels,
                Levels::Conditional => levels.min(grade as usize + 1),
            };
            counts.seen += match self.levels {
                Levels::Cumulative => 1,
                Levels::Conditional => reached,
            };
            for level in 0..reached {
                let weights = self.level_weights.as_ref();
                let weight = weights.map_or(1.0, |weights| weights[level]);
                let at = (case / places * levels + level) * places + case % places;
                counts.weights[at] = weight;
                if grade as usize > level {
                    counts.sides[at] = -1.0;
                }
            }
        }
        Ok(counts)
    }
}

const OP: &str = "ordinal_cross_entropy";

/// In the shape of the logits.
struct Counts {
    weights: Vec<f64>,
    /// -1 where the grade is above the level.
    sides: Vec<f64>,
    /// What the sum is divided by.
    seen: usize,
}

impl Loss for OrdinalCrossEntropy {
    fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        check_float(OP, "the logits", logits)?;
        check_min_rank(OP, "the logits", logits, 2)?;
        let dims = logits.dims();
        check_labels(OP, target)?;
        let grades: Vec<usize> = [&dims[..1], &dims[2..]].concat();
        check_shape(OP, "the target", target, &grades)?;
        check_class_weights(OP, self.level_weights.as_deref(), dims[1])?;
        let grades = target.to_device(&Device::Cpu)?.flatten_all()?;
        let counts = self.counts(dims, &grades.to_dtype(DType::U32)?.to_vec1::<u32>()?)?;
        let map = |values: Vec<f64>| -> Result<Tensor> {
            let map = Tensor::from_vec(values, dims, &Device::Cpu)?;
            Ok(map.to_dtype(logits.dtype())?.to_device(logits.device())?)
        };
        let softplus = Activation::Softplus {
            beta: 1.0,
            threshold: f64::INFINITY,
        };
        let wrong = multiply(logits, &map(counts.sides)?)?;
        let weights = Sum::Weighted(map(counts.weights)?);
        let cases = sum(OP, &activation(&wrong, softplus)?, weights)?;
        let total = ops::sum(&cases, &[0], Reduced::Dropped)?;
        scale(&total, 1.0 / counts.seen.max(1) as f64)
    }
}
