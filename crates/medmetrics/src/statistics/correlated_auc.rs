//! Several curves of the same cases: their covariance, and whether they differ.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::clusters::Clusters;
use crate::statistics::delong::{AucScale, DeLong, interval};
use crate::statistics::distribution::{chi_squared_upper, normal_quantile};
use crate::statistics::test_result::TestResult;

/// AUCs of the same cases with their covariance matrix.
///
/// ```
/// use medmetrics::statistics::{CorrelatedAucs, DeLong};
/// use medmetrics::Confidence;
///
/// let labels = [false, false, false, false, true, true, true, true];
/// let old = DeLong::new(&[0.1, 0.5, 0.6, 0.2, 0.5, 0.4, 0.3, 0.9], &labels)?;
/// let new = DeLong::new(&[0.2, 0.3, 0.6, 0.1, 0.7, 0.8, 0.5, 0.9], &labels)?;
/// let aucs = CorrelatedAucs::new(&[new, old])?;
/// let gain = aucs.difference(0, 1, Confidence::default())?;
/// assert_eq!(gain.difference.to_string(), "0.2812 (95 % CI -0.1029 to 0.6654, DeLong), n = 8");
/// assert_eq!(gain.test.p.map(|p| (p * 1e4).round()), Some(1513.0));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorrelatedAucs {
    /// The AUC of each curve.
    pub aucs: Vec<f64>,
    /// The covariance of each pair of AUCs.
    pub covariance: Vec<Vec<f64>>,
    /// Number of cases.
    pub cases: u64,
    /// How the covariance was found: `delong-1988` or `obuchowski-1997`.
    pub convention: String,
}

/// How much two AUCs differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AucDifference {
    /// The first AUC minus the second one, with its interval (normal, cut to -1..1).
    pub difference: Estimate,
    /// The standard error of the difference.
    pub standard_error: f64,
    /// The two-sided test of no difference. p is undefined where the curves differ without any variance.
    pub test: TestResult,
}

impl CorrelatedAucs {
    /// The covariance for independent cases (DeLong et al., Biometrics 44, 1988).
    ///
    /// # Errors
    /// Refuses no curve, curves with other labels, and fewer than two positive or negative cases.
    pub fn new(curves: &[DeLong]) -> Result<Self> {
        check(curves)?;
        Self::from_covariance(curves, "delong-1988", |a, b| a.covariance(b))
    }

    /// The covariance for cases that come in clusters, such as several lesions or breasts of a patient
    /// (N. Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics 53, 1997). With one
    /// case in each cluster it is that of [`CorrelatedAucs::new`].
    ///
    /// # Errors
    /// As for [`CorrelatedAucs::new`], and refuses fewer than two clusters with positive or with negative
    /// cases and clusters of another number of cases.
    pub fn clustered(curves: &[DeLong], clusters: &Clusters) -> Result<Self> {
        let labels = check(curves)?;
        if clusters.rows() != labels.len() {
            return Err(Error::Length {
                what: "the list of clusters",
                got: clusters.rows(),
                against: "the list of labels",
                expected: labels.len(),
            });
        }
        let mut has = vec![[false; 2]; clusters.units()];
        for (&unit, &positive) in clusters.unit_of_rows().iter().zip(labels) {
            has[unit][usize::from(!positive)] = true;
        }
        let holding = |class: usize| has.iter().filter(|has| has[class]).count();
        let [with_positives, with_negatives] = [holding(0), holding(1)];
        enough("clusters with positive cases", with_positives)?;
        enough("clusters with negative cases", with_negatives)?;
        let sums: Vec<Vec<[f64; 2]>> = curves
            .iter()
            .map(|curve| {
                let mut sums = vec![[0.0; 2]; clusters.units()];
                let auc = curve.auc().unwrap_or_default();
                let cases = curve.contributions().iter().zip(labels);
                for ((contribution, &positive), &unit) in cases.zip(clusters.unit_of_rows()) {
                    sums[unit][usize::from(!positive)] += contribution - auc;
                }
                sums
            })
            .collect();
        let inflated = |units: usize| units as f64 / (units as f64 - 1.0);
        let [positives, negatives] =
            [curves[0].positives(), curves[0].negatives()].map(|count| count as f64);
        let covariance = |a: usize, b: usize| {
            let product = |class_a: usize, class_b: usize| -> f64 {
                let pairs = sums[a].iter().zip(&sums[b]);
                pairs.map(|(a, b)| a[class_a] * b[class_b]).sum()
            };
            inflated(with_positives) * product(0, 0) / (positives * positives)
                + inflated(with_negatives) * product(1, 1) / (negatives * negatives)
                + inflated(clusters.units()) * (product(0, 1) + product(1, 0))
                    / (positives * negatives)
        };
        let mut result = Self::from_covariance(curves, "obuchowski-1997", |_, _| Some(0.0))?;
        for (a, row) in result.covariance.iter_mut().enumerate() {
            for (b, entry) in row.iter_mut().enumerate() {
                *entry = covariance(a, b);
            }
        }
        Ok(result)
    }

    fn from_covariance(
        curves: &[DeLong],
        convention: &str,
        covariance: impl Fn(&DeLong, &DeLong) -> Option<f64>,
    ) -> Result<Self> {
        let too_few = || Error::TooFew {
            what: "a covariance of AUCs",
            of: "cases of each class",
            least: 2,
            got: 1,
        };
        let aucs: Option<Vec<f64>> = curves.iter().map(DeLong::auc).collect();
        let rows = curves.iter().map(|a| {
            let entries = curves.iter().map(|b| covariance(a, b));
            entries.collect::<Option<Vec<f64>>>()
        });
        Ok(Self {
            aucs: aucs.ok_or_else(too_few)?,
            covariance: rows.collect::<Option<_>>().ok_or_else(too_few)?,
            cases: curves
                .first()
                .map_or(0, |curve| curve.labels().len() as u64),
            convention: convention.to_owned(),
        })
    }

    /// One of the AUCs with its interval; the interval is `None` without variance, as for an AUC of 1.
    ///
    /// # Errors
    /// Refuses a curve that is not there.
    pub fn estimate(
        &self,
        curve: usize,
        scale: AucScale,
        confidence: Confidence,
    ) -> Result<Estimate> {
        self.find(curve)?;
        let convention = format!("auc:mann-whitney/ties-half/{}", self.convention);
        let (auc, variance) = (self.aucs[curve], self.covariance[curve][curve]);
        Ok(Estimate::new(auc, self.cases, convention)
            .with_interval(interval(auc, variance, scale, confidence)))
    }

    /// How much one AUC is above another one.
    ///
    /// # Errors
    /// Refuses a curve that is not there.
    pub fn difference(
        &self,
        first: usize,
        second: usize,
        confidence: Confidence,
    ) -> Result<AucDifference> {
        self.find(first)?;
        self.find(second)?;
        let shared = self.covariance[first][second] + self.covariance[second][first];
        let variance = self.covariance[first][first] + self.covariance[second][second] - shared;
        Ok(AucDifference::new(
            [self.aucs[first], self.aucs[second]],
            // Equal curves leave the rounding of the sums.
            if variance > 1e-15 * shared.abs() {
                variance
            } else {
                0.0
            },
            self.cases,
            (
                format!("auc-difference:paired/{}", self.convention),
                confidence,
            ),
        ))
    }

    /// Whether all AUCs are the same: chi-squared with one degree of freedom less than there are curves.
    ///
    /// p is undefined where the differences are linearly dependent, as for two curves that are the same.
    #[must_use]
    pub fn equality(&self) -> TestResult {
        let others = self.aucs.len() - 1;
        let convention = format!("auc-equality:chi-squared/{}", self.convention);
        let s = &self.covariance;
        let differences: Vec<f64> = (0..others)
            .map(|i| self.aucs[i] - self.aucs[others])
            .collect();
        let matrix: Vec<Vec<f64>> = (0..others)
            .map(|i| {
                let entry = |j: usize| s[i][j] - s[i][others] - s[others][j] + s[others][others];
                (0..others).map(entry).collect()
            })
            .collect();
        let statistic = quadratic_form(matrix, &differences);
        let p = statistic.map(|x| chi_squared_upper(x, others as f64));
        TestResult::new(statistic, p, self.cases, convention)
    }

    fn find(&self, curve: usize) -> Result<()> {
        if curve < self.aucs.len() {
            return Ok(());
        }
        Err(Error::InvalidParameter {
            parameter: "the number of the curve",
            rule: "below the number of curves",
            value: curve as f64,
        })
    }
}

impl AucDifference {
    /// Compares the AUCs of two curves of separate cases.
    ///
    /// # Errors
    /// Refuses fewer than two positive or negative cases of either curve.
    pub fn unpaired(first: &DeLong, second: &DeLong, confidence: Confidence) -> Result<Self> {
        let [a, b] = [first, second].map(|curve| CorrelatedAucs::new(std::slice::from_ref(curve)));
        let (a, b) = (a?, b?);
        Ok(Self::new(
            [a.aucs[0], b.aucs[0]],
            a.covariance[0][0] + b.covariance[0][0],
            a.cases + b.cases,
            ("auc-difference:unpaired/delong-1988".to_owned(), confidence),
        ))
    }

    fn new(
        [first, second]: [f64; 2],
        variance: f64,
        cases: u64,
        (convention, confidence): (String, Confidence),
    ) -> Self {
        let difference = first - second;
        let half = -normal_quantile(confidence.tail()) * variance.sqrt();
        let interval = (variance > 0.0).then(|| Interval {
            low: (difference - half).max(-1.0),
            high: (difference + half).min(1.0),
            confidence,
            method: IntervalMethod::DeLong,
        });
        Self {
            standard_error: variance.sqrt(),
            test: TestResult::normal(difference, variance, cases, convention.as_str()),
            difference: Estimate::new(difference, cases, convention).with_interval(interval),
        }
    }
}

/// The labels that all curves share.
fn check(curves: &[DeLong]) -> Result<&[bool]> {
    let Some(first) = curves.first() else {
        return Err(Error::TooFew {
            what: "a covariance of AUCs",
            of: "curves",
            least: 1,
            got: 0,
        });
    };
    for curve in curves {
        let labels = [first.labels(), curve.labels()];
        let [expected, got] = labels.map(<[bool]>::len);
        if got != expected {
            return Err(Error::Length {
                what: "a curve",
                got,
                against: "the first one",
                expected,
            });
        }
        if let Some(index) = (0..got).find(|&i| labels[0][i] != labels[1][i]) {
            return Err(Error::InvalidValue {
                what: "labels of a curve",
                rule: "those of the first curve",
                index,
                value: f64::from(u8::from(labels[1][index])),
            });
        }
    }
    enough("positive cases", first.positives())?;
    enough("negative cases", first.negatives())?;
    Ok(first.labels())
}

fn enough(of: &'static str, got: usize) -> Result<()> {
    if got >= 2 {
        return Ok(());
    }
    Err(Error::TooFew {
        what: "a covariance of AUCs",
        of,
        least: 2,
        got,
    })
}

/// x' M^-1 x by Cholesky's decomposition; `None` if the matrix is not positive definite.
fn quadratic_form(mut matrix: Vec<Vec<f64>>, x: &[f64]) -> Option<f64> {
    let mut solved: Vec<f64> = Vec::with_capacity(x.len());
    for i in 0..x.len() {
        for j in 0..=i {
            let inner: f64 = (0..j).map(|k| matrix[i][k] * matrix[j][k]).sum();
            let rest = matrix[i][j] - inner;
            matrix[i][j] = if j < i {
                rest / matrix[j][j]
            } else if rest > 1e-14 * matrix[i][i] {
                rest.sqrt()
            } else {
                return None;
            };
        }
        let inner: f64 = (0..i).map(|k| matrix[i][k] * solved[k]).sum();
        solved.push((x[i] - inner) / matrix[i][i]);
    }
    (!x.is_empty()).then(|| solved.iter().map(|v| v * v).sum())
}
