//! How alike two maps are.

use crate::error::{Error, Result};
use crate::explain::{Channels, Saliency};

/// Rank correlations of two maps (Spearman 1904), from -1 to 1; `None` where a map is constant.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Likeness {
    /// Of the values, signs and all.
    pub signed: Option<f64>,
    /// Of the magnitudes: a map and its negative are alike.
    pub magnitude: Option<f64>,
}

/// How alike two maps on one grid are; channels are summed up, equal values share the mean of their ranks.
///
/// # Errors
/// Refuses maps of different shapes.
pub fn likeness(a: &Saliency, b: &Saliency) -> Result<Likeness> {
    if a.shape() != b.shape() {
        return Err(Error::Explanation {
            rule: "both maps lie on one grid",
            got: format!("{:?} and {:?}", a.shape(), b.shape()),
        });
    }
    let (a, b) = (a.merged(Channels::Sum), b.merged(Channels::Sum));
    let magnitudes = |map: &Saliency| map.values().iter().map(|v| v.abs()).collect::<Vec<f32>>();
    Ok(Likeness {
        signed: correlation(&ranks(a.values()), &ranks(b.values())),
        magnitude: correlation(&ranks(&magnitudes(&a)), &ranks(&magnitudes(&b))),
    })
}

/// The rank of each value, from 0; equal ones share their mean.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    for same in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let mean = start as f64 + (same.len() - 1) as f64 / 2.0;
        same.iter().for_each(|&place| ranks[place] = mean);
        start += same.len();
    }
    ranks
}

/// Pearson's correlation, `None` where either does not vary.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (of_a, of_b) = (mean(a), mean(b));
    let products = |x: &[f64], y: &[f64], of_x: f64, of_y: f64| -> f64 {
        x.iter().zip(y).map(|(x, y)| (x - of_x) * (y - of_y)).sum()
    };
    let scale = (products(a, a, of_a, of_a) * products(b, b, of_b, of_b)).sqrt();
    (scale > 0.0).then(|| products(a, b, of_a, of_b) / scale)
}
