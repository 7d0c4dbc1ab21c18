//! How many cases a study needs, and what power it has with those at hand.
//!
//! All of it rests on normal approximations: fine for the numbers that come out, which are seldom small.
//! Numbers of cases are rounded up.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::estimate::Confidence;
use crate::statistics::distribution::{normal_cdf, normal_quantile, student_quantile};

/// What a test is to find.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TestDesign {
    /// Probability of finding a difference that is not there, both sides together; 0.05 by default.
    pub level: f64,
    /// Probability of finding the difference that is there; 0.8 by default.
    pub power: f64,
}

impl Default for TestDesign {
    fn default() -> Self {
        Self {
            level: 0.05,
            power: 0.8,
        }
    }
}

/// Cases for a proportion, such as a sensitivity, with an interval of a given half width (Wald); for a
/// sensitivity these are positive cases.
///
/// ```
/// use medmetrics::Confidence;
/// use medmetrics::statistics::sample_size::{cases_at_prevalence, cases_for_proportion};
///
/// let positives = cases_for_proportion(0.9, 0.05, Confidence::default())?;
/// assert_eq!(positives, 139);
/// assert_eq!(cases_at_prevalence(positives, 0.2)?, 695);
/// # Ok::<(), medmetrics::Error>(())
/// ```
///
/// # Errors
/// Refuses a proportion or a half width that is not between 0 and 1.
pub fn cases_for_proportion(expected: f64, half_width: f64, confidence: Confidence) -> Result<u64> {
    let variance = share("the expected proportion", expected)? * (1.0 - expected);
    cases_of_variance(variance, share("the half width", half_width)?, confidence)
}

/// Cases of whom so many are expected to be positive (N. Buderer, Academic Emergency Medicine 3, 1996).
///
/// # Errors
/// Refuses a prevalence that is not between 0 and 1.
pub fn cases_at_prevalence(positives: u64, prevalence: f64) -> Result<u64> {
    up(positives as f64 / share("the prevalence", prevalence)?)
}

/// Cases for limits of agreement with intervals of a given half width, in standard deviations of the
/// differences: by the variance of J. Bland and D. Altman, Statistical Methods in Medical Research 8, 1999,
/// and Student's t.
///
/// # Errors
/// Refuses a half width that is not positive.
pub fn cases_for_limits_of_agreement(half_width: f64, confidence: Confidence) -> Result<u64> {
    positive("the half width", half_width)?;
    let z = normal_quantile(0.975);
    smallest(2, |n| {
        let error = (1.0 / n + z * z / (2.0 * (n - 1.0))).sqrt();
        -student_quantile(confidence.tail(), n - 1.0) * error <= half_width
    })
}

/// Cases for Cohen's kappa of two readers and two categories with an interval of a given half width, at a
/// prevalence on which the readers agree (D. Bloch and H. Kraemer, Biometrics 45, 1989).
///
/// # Errors
/// Refuses a kappa, prevalence or half width that is not between 0 and 1.
pub fn cases_for_kappa(
    kappa: f64,
    prevalence: f64,
    half_width: f64,
    confidence: Confidence,
) -> Result<u64> {
    let k = share("kappa", kappa)?;
    let spread = share("the prevalence", prevalence)? * (1.0 - prevalence);
    let variance = (1.0 - k) * ((1.0 - k) * (1.0 - 2.0 * k) + k * (2.0 - k) / (2.0 * spread));
    cases_of_variance(variance, share("the half width", half_width)?, confidence)
}

/// Two proportions of separate groups, compared by the normal test with a pooled variance.
///
/// ```
/// use medmetrics::statistics::sample_size::{TestDesign, TwoProportions};
///
/// let sensitivities = TwoProportions { first: 0.9, second: 0.8, ratio: 1.0 };
/// assert_eq!(sensitivities.first_group(TestDesign::default())?, 199);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwoProportions {
    /// The proportion of the first group.
    pub first: f64,
    /// The proportion of the second group.
    pub second: f64,
    /// Cases of the second group for each of the first.
    pub ratio: f64,
}

impl TwoProportions {
    /// The power with so many cases in the first group.
    ///
    /// # Errors
    /// Refuses proportions or a level that are not between 0 and 1, and a ratio that is not positive.
    pub fn power(&self, first_group: u64, level: f64) -> Result<f64> {
        let [p1, p2] = [
            share("the first proportion", self.first)?,
            share("the second one", self.second)?,
        ];
        let ratio = positive("the ratio of the groups", self.ratio)?;
        let z = -normal_quantile(0.5 * share("the level", level)?);
        let pooled = (p1 + p2 * ratio) / (1.0 + ratio);
        let without = (pooled * (1.0 - pooled) * (1.0 + 1.0 / ratio)).sqrt();
        let with = (p1 * (1.0 - p1) + p2 * (1.0 - p2) / ratio).sqrt();
        let distance = (p1 - p2) * (first_group as f64).sqrt();
        Ok(normal_cdf((distance - z * without) / with)
            + normal_cdf((-distance - z * without) / with))
    }

    /// Cases of the first group for a test.
    ///
    /// # Errors
    /// As for [`TwoProportions::power`], and refuses equal proportions.
    pub fn first_group(&self, design: TestDesign) -> Result<u64> {
        differ("the proportions", self.first - self.second)?;
        share("the power", design.power)?;
        self.power(1, design.level)?;
        smallest(1, |n| {
            self.power(n as u64, design.level)
                .is_ok_and(|power| power >= design.power)
        })
    }
}

/// Two proportions of the same cases, compared by McNemar's test (R. Connor, Biometrics 43, 1987).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairedProportions {
    /// Probability that only the first succeeds.
    pub first_only: f64,
    /// Probability that only the second succeeds.
    pub second_only: f64,
}

impl PairedProportions {
    /// The power with so many cases.
    ///
    /// # Errors
    /// Refuses probabilities or a level that are not between 0 and 1.
    pub fn power(&self, cases: u64, level: f64) -> Result<f64> {
        let first = share("the first probability", self.first_only)?;
        let discordant = first + share("the second probability", self.second_only)?;
        if discordant > 1.0 {
            return refuse(
                "the probability of discordant cases",
                "at most 1",
                discordant,
            );
        }
        let z = -normal_quantile(0.5 * share("the level", level)?);
        let difference = (self.first_only - self.second_only).abs();
        let with = (discordant - difference * difference).sqrt();
        let distance = difference * (cases as f64).sqrt();
        Ok(normal_cdf((distance - z * discordant.sqrt()) / with))
    }

    /// Cases for a test.
    ///
    /// # Errors
    /// As for [`PairedProportions::power`], and refuses equal probabilities.
    pub fn cases(&self, design: TestDesign) -> Result<u64> {
        differ("the probabilities", self.first_only - self.second_only)?;
        share("the power", design.power)?;
        self.power(1, design.level)?;
        smallest(1, |n| {
            self.power(n as u64, design.level)
                .is_ok_and(|power| power >= design.power)
        })
    }
}

/// What the variance of an AUC is taken to be before there are data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AucVariance {
    /// For exponential scores (J. Hanley and B. McNeil, Radiology 143, 1982).
    HanleyMcNeil,
    /// For normal scores in grades (N. Obuchowski, Academic Radiology 1, 1994): up to a third above the
    /// variance of ungraded normal scores, on the safe side.
    #[default]
    Obuchowski,
}

impl AucVariance {
    /// The variance of an AUC with so many positive and negative cases.
    ///
    /// # Errors
    /// Refuses an AUC that is not between 0 and 1 and numbers of cases that are not positive.
    pub fn variance(self, auc: f64, [positives, negatives]: [f64; 2]) -> Result<f64> {
        share("the AUC", auc)?;
        positive("the number of positive cases", positives)?;
        positive("the number of negative cases", negatives)?;
        Ok(match self {
            Self::HanleyMcNeil => {
                let two_positives = auc / (2.0 - auc) - auc * auc;
                let two_negatives = 2.0 * auc * auc / (1.0 + auc) - auc * auc;
                let pairs = (positives - 1.0) * two_positives + (negatives - 1.0) * two_negatives;
                (auc * (1.0 - auc) + pairs) / (positives * negatives)
            }
            Self::Obuchowski => {
                let a = 1.414 * normal_quantile(auc);
                let ratio = negatives / positives;
                let moments = (5.0 * a * a + 8.0) + (a * a + 8.0) / ratio;
                0.0099 * libm::exp(-0.5 * a * a) * moments / positives
            }
        })
    }
}

/// A study of one AUC.
///
/// ```
/// use medmetrics::Confidence;
/// use medmetrics::statistics::sample_size::AucStudy;
///
/// let study = AucStudy { auc: 0.85, ratio: 2.0, ..AucStudy::default() };
/// let positives = study.positives_for_interval(0.05, Confidence::default())?;
/// assert_eq!(positives, 124);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AucStudy {
    /// The AUC expected.
    pub auc: f64,
    /// Negative cases for each positive one.
    pub ratio: f64,
    /// What its variance is taken to be.
    pub variance: AucVariance,
}

impl Default for AucStudy {
    fn default() -> Self {
        Self {
            auc: 0.8,
            ratio: 1.0,
            variance: AucVariance::default(),
        }
    }
}

impl AucStudy {
    /// Positive cases for an interval of a given half width.
    ///
    /// # Errors
    /// Refuses an AUC or half width that is not between 0 and 1, and a ratio that is not positive.
    pub fn positives_for_interval(&self, half_width: f64, confidence: Confidence) -> Result<u64> {
        share("the half width", half_width)?;
        let z = -normal_quantile(confidence.tail());
        self.positives(|n| z * self.error(self.auc, n) <= half_width)
    }

    /// Positive cases for a test that the AUC is another one.
    ///
    /// # Errors
    /// As for [`AucStudy::positives_for_interval`], and refuses the AUC itself as the other one.
    pub fn positives_against(&self, other: f64, design: TestDesign) -> Result<u64> {
        share("the other AUC", other)?;
        differ("the AUCs", self.auc - other)?;
        let z = -normal_quantile(0.5 * share("the level", design.level)?);
        let reach = normal_quantile(share("the power", design.power)?);
        let distance = (self.auc - other).abs();
        self.positives(|n| z * self.error(other, n) + reach * self.error(self.auc, n) <= distance)
    }

    fn positives(&self, enough: impl Fn(f64) -> bool) -> Result<u64> {
        self.variance.variance(self.auc, [1.0, self.ratio])?;
        smallest(1, enough)
    }

    fn error(&self, auc: f64, positives: f64) -> f64 {
        let variance = self
            .variance
            .variance(auc, [positives, self.ratio * positives]);
        variance.map_or(f64::INFINITY, f64::sqrt)
    }
}

/// Cases for a mean with a variance of 1 / n of this.
fn cases_of_variance(variance: f64, half_width: f64, confidence: Confidence) -> Result<u64> {
    let z = normal_quantile(confidence.tail());
    up(z * z * variance / (half_width * half_width))
}

/// The smallest number from `least` on that is enough.
fn smallest(least: u64, enough: impl Fn(f64) -> bool) -> Result<u64> {
    let mut high = least;
    while !enough(high as f64) {
        if high > 1 << 50 {
            return up(f64::INFINITY);
        }
        high *= 2;
    }
    let mut low = least;
    while low < high {
        let middle = low + (high - low) / 2;
        if enough(middle as f64) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(high)
}

fn up(cases: f64) -> Result<u64> {
    if cases < 9e15 {
        return Ok(cases.ceil() as u64);
    }
    refuse("the number of cases", "within reach", cases)
}

fn share(parameter: &'static str, value: f64) -> Result<f64> {
    if value > 0.0 && value < 1.0 {
        return Ok(value);
    }
    refuse(parameter, "between 0 and 1", value)
}

fn positive(parameter: &'static str, value: f64) -> Result<f64> {
    if value > 0.0 && value.is_finite() {
        return Ok(value);
    }
    refuse(parameter, "positive and finite", value)
}

fn differ(parameter: &'static str, difference: f64) -> Result<f64> {
    if difference != 0.0 {
        return Ok(difference);
    }
    refuse(parameter, "different, but their difference", difference)
}

fn refuse<T>(parameter: &'static str, rule: &'static str, value: f64) -> Result<T> {
    Err(Error::InvalidParameter {
        parameter,
        rule,
        value,
    })
}
