//! Bias that grows with what is measured: the regression of differences on means.

use serde::{Deserialize, Serialize};

use super::{BlandAltman, normal_range};
use crate::agreement::anova::sum;
use crate::agreement::paired::PairedMeasurements;
use crate::error::Result;
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::{student_cdf, student_quantile};

/// A straight line through points by least squares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Its height at 0, with Student's interval.
    pub intercept: Estimate,
    /// How fast it rises, with Student's interval.
    pub slope: Estimate,
    /// Standard deviation of the points about the line (over `n - 2`).
    pub residual_sd: f64,
    /// The p value of the two-sided test that it does not rise; nothing if the points lie on the line.
    pub p_value: Option<f64>,
}

/// How differences scatter about the line of bias.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Equally at every mean.
    #[default]
    Constant,
    /// By an amount that is a line of its own, through the absolute residuals.
    Linear,
}

/// Whether bias and scatter grow with the mean.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProportionalBias {
    /// Differences against means: a slope that is not 0 is proportional bias.
    pub bias: Line,
    /// Absolute residuals about that line against means: a slope that is not 0 is growing scatter.
    pub scatter: Line,
}

/// Limits of agreement that depend on the mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RegressionLimits {
    bias: [f64; 2],
    reach: [f64; 2],
}

impl Line {
    /// The least-squares line of points `(height, place)`; nothing if all lie at one place.
    pub(super) fn through(points: &[(f64, f64)], confidence: Confidence) -> Option<Self> {
        let n = points.len() as f64;
        let mean_height = sum(points.iter().map(|&(height, _)| height)) / n;
        let mean_place = sum(points.iter().map(|&(_, place)| place)) / n;
        let apart = |&(height, place): &(f64, f64)| (height - mean_height, place - mean_place);
        let places = sum(points.iter().map(apart).map(|(_, place)| place * place));
        if !(places > 0.0 && places.is_finite() && n > 2.0) {
            return None;
        }
        let both = sum(points
            .iter()
            .map(apart)
            .map(|(height, place)| height * place));
        let slope = both / places;
        let intercept = mean_height - slope * mean_place;
        let residuals = points.iter().map(apart).map(|(height, place)| {
            let residual = height - slope * place;
            residual * residual
        });
        let variance = sum(residuals) / (n - 2.0);
        let t = -student_quantile(confidence.tail(), n - 2.0);
        let of_slope = (variance / places).sqrt();
        let of_intercept = (variance * (1.0 / n + mean_place * mean_place / places)).sqrt();
        let estimate = |value: f64, error: f64, convention: &str| {
            Estimate::new(value, points.len() as u64, convention).with_interval(Interval {
                low: value - t * error,
                high: value + t * error,
                confidence,
                method: IntervalMethod::Student,
            })
        };
        Some(Self {
            intercept: estimate(intercept, of_intercept, "intercept:least-squares"),
            slope: estimate(slope, of_slope, "slope:least-squares"),
            residual_sd: variance.sqrt(),
            p_value: (of_slope > 0.0)
                .then(|| 2.0 * student_cdf(-(slope / of_slope).abs(), n - 2.0)),
        })
    }

    /// The line's height at a place.
    #[must_use]
    pub fn at(&self, place: f64) -> Option<f64> {
        Some(self.intercept.value? + self.slope.value? * place)
    }

    fn ends(&self) -> Option<[f64; 2]> {
        Some([self.intercept.value?, self.slope.value?])
    }
}

impl BlandAltman {
    /// Regresses differences on means, and the absolute residuals on means (Bland and Altman, 1999, section
    /// 3.2). Nothing if all means are the same.
    ///
    /// # Errors
    /// As [`BlandAltman::of`].
    pub fn proportional_bias(
        &self,
        pairs: &PairedMeasurements,
    ) -> Result<Option<ProportionalBias>> {
        let points = self.points(pairs)?;
        let Some(bias) = Line::through(&points, self.confidence) else {
            return Ok(None);
        };
        let residuals: Vec<(f64, f64)> = (points.iter())
            .filter_map(|&(difference, mean)| Some(((difference - bias.at(mean)?).abs(), mean)))
            .collect();
        let scatter = Line::through(&residuals, self.confidence);
        Ok(scatter.map(|scatter| ProportionalBias { bias, scatter }))
    }
}

impl ProportionalBias {
    /// Limits that hold a share of the differences at each mean.
    ///
    /// # Errors
    /// Refuses a share that is not between 0 and 1.
    pub fn limits(&self, share: f64, spread: Spread) -> Result<Option<RegressionLimits>> {
        let z = normal_range(share)?;
        // The mean of an absolute normal deviate is sqrt(2 / pi) standard deviations.
        let unit = z * std::f64::consts::FRAC_PI_2.sqrt();
        let reach = match spread {
            Spread::Constant => Some([z * self.bias.residual_sd, 0.0]),
            Spread::Linear => self.scatter.ends().map(|ends| ends.map(|end| unit * end)),
        };
        let ends = self.bias.ends().zip(reach);
        Ok(ends.map(|(bias, reach)| RegressionLimits { bias, reach }))
    }
}

impl RegressionLimits {
    /// Lower limit, bias and upper limit at a mean; where a line of scatter falls below 0 they coincide.
    #[must_use]
    pub fn at(&self, mean: f64) -> [f64; 3] {
        let [bias, reach] = [self.bias, self.reach].map(|[height, rise]| height + rise * mean);
        let reach = reach.max(0.0);
        [bias - reach, bias, bias + reach]
    }
}
