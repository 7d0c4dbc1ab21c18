//! What the features of training images look like: a normal distribution for each class, all of one shape.

use std::collections::BTreeMap;

use mednn::candle_core::{Device, Tensor};

use crate::cholesky::{cholesky, forward};
use crate::classify::refuse;
use crate::error::Result;

/// Class means of features, and the covariance around them that all classes share (Lee et al., NeurIPS 2018).
///
/// ```
/// use medinfer::FeatureReference;
///
/// // One class around (0, 0), spread by 2 along the first axis and by 1 along the second.
/// let features: [[f32; 2]; 4] = [[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]];
/// let rows: Vec<&[f32]> = features.iter().map(|row| &row[..]).collect();
/// let reference = FeatureReference::fit("avgpool", &rows, &[0; 4], 0.0)?;
/// assert!((reference.distance(&[2.0, 0.0])? - 2.0).abs() < 1e-6); // 2^2 over the variance (4 + 4) / 4
/// # Ok::<(), medinfer::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FeatureReference {
    feature: String,
    /// Class after class.
    means: Vec<f64>,
    /// The lower triangular factor of the covariance, row after row.
    factor: Vec<f64>,
    length: usize,
}

/// Names of the tensors in a file; the feature's name is behind the first.
const MEANS: &str = "outlier.means.";
const FACTOR: &str = "outlier.factor";

impl FeatureReference {
    /// Of features by this name, one row an image, and the class of each image.
    ///
    /// The covariance is that of the differences from class means, divided by the number of images. `shrinkage` moves it
    /// towards the same variance along every axis (0 leaves it, 1 is that sphere; scikit-learn's `ShrunkCovariance`); it must
    /// be above 0 where there are fewer images than features.
    ///
    /// # Errors
    /// Refuses rows of several lengths, features that are not finite, another number of classes than rows, a class without
    /// images, and a covariance that is not positive definite.
    pub fn fit(
        feature: impl Into<String>,
        features: &[&[f32]],
        classes: &[usize],
        shrinkage: f64,
    ) -> Result<Self> {
        let length = features.first().map_or(0, |row| row.len());
        if length == 0 || features.iter().any(|row| row.len() != length) {
            let lengths: Vec<usize> = features.iter().take(8).map(|row| row.len()).collect();
            return refuse(
                "features",
                "rows of one length, at least one",
                format!("{lengths:?}"),
            );
        }
        for (image, row) in features.iter().enumerate() {
            if let Some(feature) = row.iter().position(|value| !value.is_finite()) {
                let value = format!("{} as feature {feature} of image {image}", row[feature]);
                return refuse("features", "finite", value);
            }
        }
        if classes.len() != features.len() {
            let value = format!("{} for {}", classes.len(), features.len());
            return refuse("classes", "one for each row of features", value);
        }
        if !(0.0..=1.0).contains(&shrinkage) {
            return refuse("shrinkage", "from 0 to 1", shrinkage.to_string());
        }
        let means = class_means(features, classes, length)?;
        let covariance = covariance(features, classes, &means, shrinkage);
        let factor = cholesky(covariance, length).or_else(|row| {
            let rule = "positive definite (more images, or shrinkage)";
            refuse("covariance", rule, format!("singular at feature {row}"))
        })?;
        Ok(Self {
            feature: feature.into(),
            means,
            factor,
            length,
        })
    }

    /// The name of the feature.
    #[must_use]
    pub fn feature(&self) -> &str {
        &self.feature
    }

    /// The squared distance from the nearest class mean, in units of the covariance.
    ///
    /// # Errors
    /// Refuses another number of features.
    pub fn distance(&self, features: &[f32]) -> Result<f64> {
        if features.len() != self.length {
            let value = format!("{} for {}", features.len(), self.length);
            return refuse("features", "as many as the reference has", value);
        }
        let mut solved = vec![0.0; self.length];
        let mut from = |mean: &[f64]| {
            for ((solved, &feature), mean) in solved.iter_mut().zip(features).zip(mean) {
                *solved = f64::from(feature) - mean;
            }
            forward(&self.factor, &mut solved);
            solved.iter().map(|value| value * value).sum::<f64>()
        };
        let distances = self.means.chunks_exact(self.length).map(&mut from);
        Ok(distances.fold(f64::INFINITY, f64::min))
    }

    /// As tensors for a safetensors file: means `[classes, features]`, factor `[features, features]`.
    ///
    /// # Errors
    /// When memory is short.
    pub fn to_tensors(&self) -> Result<BTreeMap<String, Tensor>> {
        let tensor = |values: &[f64]| {
            let shape = (values.len() / self.length, self.length);
            Tensor::from_slice(values, shape, &Device::Cpu).map_err(mednn::Error::from)
        };
        let means = (format!("{MEANS}{}", self.feature), tensor(&self.means)?);
        Ok([means, (FACTOR.to_owned(), tensor(&self.factor)?)].into())
    }

    /// From tensors, among which there may be others; `None` where these are not there.
    ///
    /// # Errors
    /// Refuses shapes that do not fit each other, and a factor that is none.
    pub fn from_tensors(tensors: &BTreeMap<String, Tensor>) -> Result<Option<Self>> {
        let means = tensors
            .iter()
            .find_map(|(name, t)| Some((name.strip_prefix(MEANS)?, t)));
        let (Some((feature, means)), Some(factor)) = (means, tensors.get(FACTOR)) else {
            return Ok(None);
        };
        let length = factor.dims().last().copied().unwrap_or(0);
        let fits = length > 0
            && factor.dims() == [length, length]
            && means.rank() == 2
            && means.dims()[0] > 0
            && means.dims()[1] == length;
        if !fits {
            let value = format!("{:?} and {:?}", means.dims(), factor.dims());
            return refuse("reference", "[classes, n] and [n, n]", value);
        }
        let values = |t: &Tensor| t.flatten_all().and_then(|t| t.to_vec1::<f64>());
        let means = values(means).map_err(mednn::Error::from)?;
        let factor = values(factor).map_err(mednn::Error::from)?;
        for (name, values) in [("means", &means), ("factor", &factor)] {
            if let Some(place) = values.iter().position(|value| !value.is_finite()) {
                let (row, column) = (place / length, place % length);
                let value = format!("{} in row {row}, column {column} of {name}", values[place]);
                return refuse("reference", "finite", value);
            }
        }
        let diagonal = |row: usize| factor[row * (length + 1)];
        if let Some(row) = (0..length).find(|&row| diagonal(row) <= 0.0) {
            let value = format!("{} in row {row}", diagonal(row));
            return refuse("reference", "a factor of a positive diagonal", value);
        }
        Ok(Some(Self {
            feature: feature.to_owned(),
            means,
            factor,
            length,
        }))
    }
}

fn class_means(features: &[&[f32]], classes: &[usize], length: usize) -> Result<Vec<f64>> {
    let count = classes
        .iter()
        .max()
        .map_or(0, |last| last.saturating_add(1));
    if count > features.len() {
        let value = format!("class {} of {} images", count - 1, features.len());
        return refuse("classes", "each with an image", value);
    }
    let (mut means, mut images) = (vec![0.0; count * length], vec![0usize; count]);
    for (row, &class) in features.iter().zip(classes) {
        images[class] += 1;
        let sums = &mut means[class * length..][..length];
        sums.iter_mut()
            .zip(*row)
            .for_each(|(sum, &v)| *sum += f64::from(v));
    }
    if let Some(class) = images.iter().position(|&n| n == 0) {
        return refuse("classes", "each with an image", format!("class {class}"));
    }
    for (sums, &n) in means.chunks_exact_mut(length).zip(&images) {
        sums.iter_mut().for_each(|sum| *sum /= n as f64);
    }
    Ok(means)
}

/// The covariance around class means, its lower triangle.
fn covariance(features: &[&[f32]], classes: &[usize], means: &[f64], shrinkage: f64) -> Vec<f64> {
    let length = features[0].len();
    let mut sum = vec![0.0; length * length];
    let mut apart = vec![0.0; length];
    for (row, &class) in features.iter().zip(classes) {
        let mean = &means[class * length..][..length];
        for ((apart, &value), mean) in apart.iter_mut().zip(*row).zip(mean) {
            *apart = f64::from(value) - mean;
        }
        for (i, line) in sum.chunks_exact_mut(length).enumerate() {
            let left = apart[i];
            let right = &apart[..=i];
            line.iter_mut()
                .zip(right)
                .for_each(|(sum, right)| *sum += left * right);
        }
    }
    let share = (1.0 - shrinkage) / features.len() as f64;
    let trace: f64 = (0..length).map(|i| sum[i * (length + 1)]).sum();
    let sphere = shrinkage * trace / (features.len() * length) as f64;
    sum.iter_mut().for_each(|value| *value *= share);
    (0..length).for_each(|i| sum[i * (length + 1)] += sphere);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_correlated_covariance_is_inverted() {
        // Two classes, the same cloud around (0, 0) and (10, 0): covariance [[2, 1], [1, 1]].
        let cloud = [[2.0f32, 1.0], [-2.0, -1.0], [0.0, 1.0], [0.0, -1.0]];
        let moved = cloud.map(|[a, b]| [a + 10.0, b]);
        let rows: Vec<&[f32]> = cloud.iter().chain(&moved).map(|row| &row[..]).collect();
        let classes = [0, 0, 0, 0, 1, 1, 1, 1];
        let reference = FeatureReference::fit("f", &rows, &classes, 0.0).unwrap();
        // Its inverse is [[1, -1], [-1, 2]].
        let close = |x: [f32; 2], expected: f64| {
            let got = reference.distance(&x).unwrap();
            assert!((got - expected).abs() < 1e-9, "{x:?}: {got}");
        };
        close([1.0, 3.0], 1.0 - 6.0 + 18.0);
        close([11.0, 3.0], 13.0);
        close([10.0, 0.0], 0.0);
        let back = FeatureReference::from_tensors(&reference.to_tensors().unwrap()).unwrap();
        assert_eq!(back, Some(reference));
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let rows: [&[f32]; 2] = [&[1.0, 2.0], &[2.0, 4.0]];
        assert!(FeatureReference::fit("f", &rows, &[0, 0], 0.0).is_err());
        assert!(FeatureReference::fit("f", &rows, &[0, 0], 0.1).is_ok());
        assert!(FeatureReference::fit("f", &rows, &[0], 0.1).is_err());
        assert!(FeatureReference::fit("f", &rows, &[1, 1], 0.1).is_err());
        assert!(FeatureReference::fit("f", &rows, &[0, usize::MAX - 1], 0.1).is_err());
        assert!(FeatureReference::fit("f", &[], &[], 0.1).is_err());
    }
}
