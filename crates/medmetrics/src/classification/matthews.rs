//! Matthews' correlation for any number of classes, and what libraries give where it is undefined.

use serde::{Deserialize, Serialize};

use super::confusion::ConfusionMatrix;

/// Whose value is given, in particular where truth or decisions are all of one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MatthewsRule {
    /// Exact counts; undefined where truth or decisions are all of one class (MONAI, Metrics Reloaded).
    #[default]
    Exact,
    /// Exact counts; 0 where it is undefined.
    ScikitLearn,
    /// torchmetrics 1.9: `f32` arithmetic, wrong from some 10^7 decisions on, and for two classes 1 where
    /// all are right, -1 where all are wrong, and small numbers of its own in other undefined cases.
    Torchmetrics,
}

impl MatthewsRule {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Exact => "mcc",
            Self::ScikitLearn => "mcc:scikit-learn",
            Self::Torchmetrics => "mcc:torchmetrics",
        }
    }
}

pub(super) fn correlation(matrix: &ConfusionMatrix, rule: MatthewsRule) -> Option<f64> {
    match rule {
        MatthewsRule::Exact => exact(matrix),
        MatthewsRule::ScikitLearn => Some(exact(matrix).unwrap_or(0.0)),
        MatthewsRule::Torchmetrics => Some(f64::from(torchmetrics(matrix))),
    }
}

/// Sums of products of whole numbers: the differences lose nothing.
fn exact(matrix: &ConfusionMatrix) -> Option<f64> {
    let (support, decided) = (matrix.support(), matrix.decided());
    let total = u128::from(matrix.total());
    let products = |a: &[u64], b: &[u64]| {
        let pairs = a
            .iter()
            .zip(b)
            .map(|(&a, &b)| u128::from(a) * u128::from(b));
        pairs.fold(0u128, u128::saturating_add)
    };
    let all = total.saturating_mul(total);
    let hits = matrix.counts().iter().step_by(matrix.classes() + 1);
    let hits = hits
        .fold(0u128, |sum, &count| sum + u128::from(count))
        .saturating_mul(total);
    let chance = products(&support, &decided);
    let covariance = match hits >= chance {
        true => (hits - chance) as f64,
        false => -((chance - hits) as f64),
    };
    let spread = |counts: &[u64]| all.saturating_sub(products(counts, counts)) as f64;
    let scale = spread(&support).sqrt() * spread(&decided).sqrt();
    (scale > 0.0).then(|| covariance / scale)
}

/// The arithmetic of `_matthews_corrcoef_reduce`, sum for sum in `f32`.
fn torchmetrics(matrix: &ConfusionMatrix) -> f32 {
    let k = matrix.classes();
    let counts = matrix.counts();
    if k == 2 {
        let right = counts[0].saturating_add(counts[3]);
        let wrong = counts[1].saturating_add(counts[2]);
        if right != 0 && wrong == 0 {
            return 1.0;
        }
        if right == 0 && wrong != 0 {
            return -1.0;
        }
    }
    let count: Vec<f32> = counts.iter().map(|&n| n as f32).collect();
    let support: Vec<f32> = count.chunks_exact(k).map(|row| row.iter().sum()).collect();
    let decided: Vec<f32> = (0..k)
        .map(|c| count.iter().skip(c).step_by(k).sum())
        .collect();
    let hits: f32 = count.iter().step_by(k + 1).sum();
    let total: f32 = count.iter().sum();
    let products = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let covariance = hits * total - products(&support, &decided);
    let scale = (total * total - products(&decided, &decided))
        * (total * total - products(&support, &support));
    match (scale == 0.0, count.as_slice()) {
        (false, _) => covariance / scale.sqrt(),
        (true, &[tn, fp, fn_, tp]) => degenerate(tp, fp, fn_, tn),
        (true, _) => 0.0,
    }
}

/// What torchmetrics makes of a table of two classes with an empty row or column.
fn degenerate(tp: f32, fp: f32, fn_: f32, tn: f32) -> f32 {
    let small = f32::EPSILON;
    let zero = |a: f32, b: f32| a == 0.0 && b == 0.0;
    let numerator = if zero(fn_, tn) {
        small.sqrt() * (tp - fp)
    } else if zero(fp, tn) {
        small.sqrt() * (tp - fn_)
    } else if zero(tp, fn_) {
        small.sqrt() * (tn - fp)
    } else if zero(tp, fp) {
        small.sqrt() * (tn - fn_)
    } else if tp == 0.0 {
        tn - fp * fn_
    } else if tn == 0.0 {
        tp - fp * fn_
    } else if fp == 0.0 || fn_ == 0.0 {
        tp * tn
    } else {
        return 0.0;
    };
    let scale = (tp + fp + small) * (tp + fn_ + small) * (tn + fp + small) * (tn + fn_ + small);
    numerator / scale.sqrt()
}
