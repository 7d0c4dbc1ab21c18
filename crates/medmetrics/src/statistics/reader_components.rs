//! What readings vary by: mean squares and covariances.

use serde::{Deserialize, Serialize};

/// Mean squares and covariances of Obuchowski and Rockette's model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReaderComponents {
    /// Mean square of modalities; 0 for a single one.
    pub modality_square: f64,
    /// Mean square of modality by reader; 0 for a single modality or reader.
    pub interaction_square: f64,
    /// Variance between readers, which may come out negative.
    pub reader: f64,
    /// Variance of modality by reader, which may come out negative.
    pub interaction: f64,
    /// Variance of a reading from the choice of cases.
    pub error: f64,
    /// Covariance of a reader's readings with different modalities.
    pub covariance_reader: f64,
    /// Covariance of different readers with the same modality.
    pub covariance_modality: f64,
    /// Covariance of different readers with different modalities.
    pub covariance_neither: f64,
}

impl ReaderComponents {
    /// Of values by modality, then reader, and the covariance matrix of all of them in that order.
    pub(super) fn of(values: &[Vec<f64>], covariance: &[Vec<f64>]) -> Self {
        let [modalities, readers] = [values.len(), values[0].len()];
        let (t, r) = (modalities as f64, readers as f64);
        // Sums and counts by whether modality and reader are the same.
        let mut sums = [[(0.0, 0.0); 2]; 2];
        for (i, row) in covariance.iter().enumerate() {
            for (j, entry) in row.iter().enumerate() {
                let same_modality = usize::from(i / readers == j / readers);
                let same_reader = usize::from(i % readers == j % readers);
                let (sum, count) = &mut sums[same_modality][same_reader];
                *sum += entry;
                *count += 1.0;
            }
        }
        let mean = |(sum, count): (f64, f64)| if count > 0.0 { sum / count } else { 0.0 };
        let [[neither, reader], [modality, error]] = sums.map(|row| row.map(mean));
        let modality_means: Vec<f64> = values
            .iter()
            .map(|row| row.iter().sum::<f64>() / r)
            .collect();
        let reader_means: Vec<f64> = (0..readers)
            .map(|i| values.iter().map(|row| row[i]).sum::<f64>() / t)
            .collect();
        let grand = modality_means.iter().sum::<f64>() / t;
        let residuals = (0..modalities).flat_map(|m| (0..readers).map(move |i| (m, i)));
        let residual: f64 = residuals
            .map(|(m, i)| values[m][i] - modality_means[m] - reader_means[i] + grand)
            .map(|residual| residual * residual)
            .sum();
        let interaction_square = residual / ((t - 1.0) * (r - 1.0)).max(1.0);
        let reader_square = t * variance(&reader_means);
        Self {
            modality_square: r * variance(&modality_means),
            interaction_square,
            reader: (reader_square - interaction_square) / t - reader + neither,
            interaction: interaction_square - error + reader + (modality - neither).max(0.0),
            error,
            covariance_reader: reader,
            covariance_modality: modality,
            covariance_neither: neither,
        }
    }
}

/// With n - 1; 0 for a single value.
pub(super) fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0).max(1.0)
}
