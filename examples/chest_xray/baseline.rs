//! How far the grey values of a whole image go, without a look at where they are.
//!
//! Logistic regression on mean, deviation, skewness, quantiles and a histogram of the image as the network gets it before
//! normalisation. A data set in which this does well has its classes in the exposure, and whatever a network reaches on it
//! says little.

use anyhow::Result;
use medcore::Image;

/// Newton steps; regression with a penalty needs fewer than ten.
const STEPS: usize = 25;
/// Weight of the squares of the coefficients, in units of images.
const PENALTY: f64 = 1.0;
const BINS: usize = 12;

/// Standardised features and their coefficients.
#[derive(Debug, Clone)]
pub(crate) struct IntensityBaseline {
    mean: Vec<f64>,
    scale: Vec<f64>,
    /// The intercept first.
    weights: Vec<f64>,
}

/// Global statistics of an image.
pub(crate) fn statistics(image: &Image<f32, 2>) -> Vec<f64> {
    let mut values: Vec<f64> = image.as_slice().iter().map(|&v| f64::from(v)).collect();
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let moment = |power: i32| values.iter().map(|v| (v - mean).powi(power)).sum::<f64>() / n;
    let deviation = moment(2).sqrt();
    let mut features = vec![mean, deviation, moment(3) / deviation.powi(3).max(1e-9)];
    let at = |share: f64| values[(share * (n - 1.0)).round() as usize];
    features.extend([0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99].map(at));
    let (low, high) = (at(0.0), at(1.0));
    let mut bins = [0.0; BINS];
    for value in &values {
        let place = (value - low) / (high - low).max(1e-9) * BINS as f64;
        bins[(place as usize).min(BINS - 1)] += 1.0 / n;
    }
    features.extend(bins);
    features
}

impl IntensityBaseline {
    /// Fits by Newton's method with a ridge penalty.
    pub(crate) fn fit(rows: &[Vec<f64>], truth: &[bool]) -> Result<Self> {
        anyhow::ensure!(
            !rows.is_empty() && rows.len() == truth.len(),
            "nothing to fit the baseline on"
        );
        let (n, features) = (rows.len() as f64, rows[0].len());
        let column = |j: usize| rows.iter().map(move |row| row[j]);
        let mean: Vec<f64> = (0..features).map(|j| column(j).sum::<f64>() / n).collect();
        let scale: Vec<f64> = (0..features)
            .map(|j| {
                (column(j).map(|v| (v - mean[j]).powi(2)).sum::<f64>() / n)
                    .sqrt()
                    .max(1e-9)
            })
            .collect();
        let mut fitted = Self {
            mean,
            scale,
            weights: vec![0.0; features + 1],
        };
        let inputs: Vec<Vec<f64>> = rows.iter().map(|row| fitted.inputs(row)).collect();
        let size = features + 1;
        for _ in 0..STEPS {
            let mut hessian = vec![vec![0.0; size]; size];
            let mut gradient = vec![0.0; size];
            for (input, &is) in inputs.iter().zip(truth) {
                let p = 1.0 / (1.0 + (-dot(input, &fitted.weights)).exp());
                for i in 0..size {
                    gradient[i] += (f64::from(u8::from(is)) - p) * input[i];
                    for j in 0..size {
                        hessian[i][j] += p * (1.0 - p) * input[i] * input[j];
                    }
                }
            }
            for i in 0..size {
                let penalty = if i == 0 { 1e-6 } else { PENALTY };
                hessian[i][i] += penalty;
                gradient[i] -= penalty * fitted.weights[i];
            }
            let step = solve(hessian, gradient);
            let largest = step.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
            for (weight, step) in fitted.weights.iter_mut().zip(&step) {
                *weight += step;
            }
            if largest < 1e-8 {
                break;
            }
        }
        Ok(fitted)
    }

    /// Log odds of the finding.
    pub(crate) fn score(&self, row: &[f64]) -> f64 {
        dot(&self.inputs(row), &self.weights)
    }

    fn inputs(&self, row: &[f64]) -> Vec<f64> {
        let scaled = (row.iter().zip(&self.mean).zip(&self.scale)).map(|((v, m), s)| (v - m) / s);
        std::iter::once(1.0).chain(scaled).collect()
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Gaussian elimination of a positive definite system.
fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for pivot in 0..n {
        for row in pivot + 1..n {
            let factor = matrix[row][pivot] / matrix[pivot][pivot];
            for column in pivot..n {
                matrix[row][column] -= factor * matrix[pivot][column];
            }
            right[row] -= factor * right[pivot];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|c| matrix[row][c] * right[c]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_that_decides_is_found() {
        let rows: Vec<Vec<f64>> = (0..60)
            .map(|i| vec![f64::from(i), f64::from(i * 7 % 13)])
            .collect();
        let truth: Vec<bool> = (0..60).map(|i| i >= 30).collect();
        let fitted = IntensityBaseline::fit(&rows, &truth).unwrap();
        assert!(fitted.score(&[45.0, 5.0]) > 1.0 && fitted.score(&[15.0, 5.0]) < -1.0);
    }
}
