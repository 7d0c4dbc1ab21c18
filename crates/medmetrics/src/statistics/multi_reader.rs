//! Several readers, the same cases, one or more modalities: how much of a difference is the readers'?
//!
//! N. Obuchowski and H. Rockette, Communications in Statistics, Simulation and Computation 24, 1995, with the
//! degrees of freedom of S. Hillis, "A comparison of denominator degrees of freedom methods for multiple
//! observer ROC analysis", Statistics in Medicine 26, 2007, and of intervals of single modalities (Hillis,
//! 2014). The values are those that the R package MRMCaov publishes for Van Dyke's study.

use serde::{Deserialize, Serialize};

use crate::agreement::finite;
use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::correlated_auc::CorrelatedAucs;
use crate::statistics::delong::DeLong;
use crate::statistics::distribution::{
    chi_squared_upper, f_upper, normal_cdf, normal_quantile, student_cdf, student_quantile,
};
use crate::statistics::reader_components::{ReaderComponents, variance};
use crate::statistics::test_result::TestResult;

/// What the conclusions are about; everything else is as it was in this study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RandomFactors {
    /// Readers and cases like these. With fewer than five readers it finds little.
    #[default]
    ReadersAndCases,
    /// Cases like these, read by these very readers.
    Cases,
    /// Readers like these, reading these very cases.
    Readers,
}

/// A figure of merit, such as the AUC, of each reader with each modality, with its covariances.
///
/// ```
/// use medmetrics::statistics::{DeLong, MultiReader, RandomFactors};
/// use medmetrics::Confidence;
///
/// let labels = [false, false, false, true, true, true];
/// let curve = |scores: [f64; 6]| DeLong::new(&scores, &labels);
/// let plain = vec![curve([1., 2., 3., 2., 4., 5.])?, curve([1., 3., 2., 2., 5., 3.])?];
/// let assisted = vec![curve([1., 2., 2., 3., 2., 5.])?, curve([1., 2., 1., 4., 5., 3.])?];
/// let study = MultiReader::from_curves(&[plain, assisted])?;
/// let result = study.analyse(RandomFactors::ReadersAndCases, Confidence::default())?;
/// assert_eq!(result.modalities.len(), 2);
/// assert!(result.equality.p.is_some_and(|p| p > 0.05));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MultiReader {
    /// By modality, then reader.
    values: Vec<Vec<f64>>,
    /// Of reader `r` with modality `m` in row and column `m * readers + r`.
    covariance: Vec<Vec<f64>>,
    cases: u64,
}

/// What an analysis of readers found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MultiReaderResult {
    /// The test that all modalities have the same mean over readers: F, or chi-squared for fixed readers.
    pub equality: TestResult,
    /// Degrees of freedom of the denominator; `None` for fixed readers.
    pub denominator_df: Option<f64>,
    /// The mean over readers of each modality, from its own readings alone. Ends are not cut to 0..1.
    pub modalities: Vec<Estimate>,
    /// Each pair of modalities.
    pub differences: Vec<ModalityDifference>,
    /// What the readings vary by.
    pub components: ReaderComponents,
}

/// How much the means of two modalities differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModalityDifference {
    /// Number of the first modality.
    pub first: usize,
    /// Number of the second modality.
    pub second: usize,
    /// The first mean minus the second one.
    pub difference: Estimate,
    /// The standard error of the difference.
    pub standard_error: f64,
    /// The two-sided test of no difference.
    pub test: TestResult,
}

impl MultiReader {
    /// AUCs with DeLong's covariances; curves by modality, then reader, all of the same cases.
    ///
    /// # Errors
    /// Refuses modalities with different numbers of readers and what [`CorrelatedAucs::new`] refuses.
    pub fn from_curves(curves: &[Vec<DeLong>]) -> Result<Self> {
        let aucs = CorrelatedAucs::new(&curves.concat())?;
        let mut rest = aucs.aucs.into_iter();
        let values = curves
            .iter()
            .map(|readers| rest.by_ref().take(readers.len()).collect());
        Self::new(values.collect(), aucs.covariance, aucs.cases)
    }

    /// Any figure of merit, with covariances by leaving out each case in turn: the statistic is a function of
    /// modality, reader and the case left out.
    ///
    /// # Errors
    /// Refuses fewer than two cases and a statistic without a value.
    pub fn jackknife(
        [modalities, readers, cases]: [usize; 3],
        statistic: impl Fn(usize, usize, Option<usize>) -> Option<f64>,
    ) -> Result<Self> {
        let undefined = |got: usize| Error::TooFew {
            what: "a jackknife of readings",
            of: "cases that define every value when one is left out",
            least: 2,
            got,
        };
        if cases < 2 {
            return Err(undefined(cases));
        }
        let reading =
            |modality, reader, case| statistic(modality, reader, case).ok_or_else(|| undefined(0));
        let (mut values, mut deviations) = (Vec::new(), Vec::new());
        for modality in 0..modalities {
            let mut row = Vec::new();
            for reader in 0..readers {
                row.push(reading(modality, reader, None)?);
                let left_out: Vec<f64> = (0..cases)
                    .map(|case| reading(modality, reader, Some(case)))
                    .collect::<Result<_>>()?;
                let mean = left_out.iter().sum::<f64>() / cases as f64;
                deviations.push(left_out.iter().map(|v| v - mean).collect::<Vec<f64>>());
            }
            values.push(row);
        }
        let factor = (cases as f64 - 1.0) / cases as f64;
        let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let covariance = deviations
            .iter()
            .map(|a| deviations.iter().map(|b| factor * product(a, b)).collect())
            .collect();
        Self::new(values, covariance, cases as u64)
    }

    /// Values by modality, then reader, and the covariance matrix of all of them in that order.
    ///
    /// # Errors
    /// Refuses no values, modalities with different numbers of readers, a matrix of another size, and numbers
    /// that are not finite.
    pub fn new(values: Vec<Vec<f64>>, covariance: Vec<Vec<f64>>, cases: u64) -> Result<Self> {
        let readers = values.first().map_or(0, Vec::len);
        if readers == 0 {
            return Err(too_few("readers", 1, 0));
        }
        let length = |what, got, against, expected| {
            if got == expected {
                return Ok(());
            }
            Err(Error::Length {
                what,
                got,
                against,
                expected,
            })
        };
        for row in &values {
            length("a modality", row.len(), "the first one", readers)?;
            finite("figures of merit", row)?;
        }
        let size = values.len() * readers;
        length(
            "the covariance matrix",
            covariance.len(),
            "the list of values",
            size,
        )?;
        for row in &covariance {
            length(
                "a row of the covariance matrix",
                row.len(),
                "the list of values",
                size,
            )?;
            finite("the covariance matrix", row)?;
        }
        Ok(Self {
            values,
            covariance,
            cases,
        })
    }

    /// Compares the modalities.
    ///
    /// # Errors
    /// Refuses fewer than two readers where readers are random.
    pub fn analyse(
        &self,
        random: RandomFactors,
        confidence: Confidence,
    ) -> Result<MultiReaderResult> {
        let [modalities, readers] = [self.values.len(), self.values[0].len()];
        if random != RandomFactors::Cases && readers < 2 {
            return Err(too_few("readers", 2, readers));
        }
        let (t, r) = (modalities as f64, readers as f64);
        let components = ReaderComponents::of(&self.values, &self.covariance);
        let covariances = (components.covariance_modality - components.covariance_neither).max(0.0);
        let interaction_df = (t - 1.0) * (r - 1.0);
        let interaction = components.interaction_square;
        // The mean square of modalities expected without a difference, and its degrees of freedom.
        let (expected, df) = match random {
            RandomFactors::ReadersAndCases => {
                let expected = interaction + r * covariances;
                (
                    expected,
                    satterthwaite(expected, interaction, interaction_df),
                )
            }
            RandomFactors::Cases => {
                let own = components.error - components.covariance_reader;
                (own + (r - 1.0) * covariances, None)
            }
            RandomFactors::Readers => (interaction, Some(interaction_df).filter(|&df| df > 0.0)),
        };
        let name = match random {
            RandomFactors::ReadersAndCases => "random-readers-and-cases",
            RandomFactors::Cases => "fixed-readers",
            RandomFactors::Readers => "fixed-cases",
        };
        let convention = format!("mrmc:obuchowski-rockette/{name}");
        let scale = Scale {
            confidence,
            cases: self.cases,
            convention,
        };
        let means: Vec<f64> = self
            .values
            .iter()
            .map(|row| row.iter().sum::<f64>() / r)
            .collect();
        let ratio =
            (modalities > 1 && expected > 0.0).then(|| components.modality_square / expected);
        let equality = match df {
            Some(df) => scale.test(ratio, |f| f_upper(f, t - 1.0, df)),
            None => scale.test(ratio.map(|f| f * (t - 1.0)), |x| {
                chi_squared_upper(x, t - 1.0)
            }),
        };
        let mut differences = Vec::new();
        for first in 0..modalities {
            for second in first + 1..modalities {
                let difference = means[first] - means[second];
                let standard_error = (2.0 / r * expected.max(0.0)).sqrt();
                let statistic = (standard_error > 0.0).then(|| difference / standard_error);
                differences.push(ModalityDifference {
                    first,
                    second,
                    difference: scale.estimate(difference, standard_error, df),
                    standard_error,
                    test: scale.test(statistic, |z| 2.0 * lower(-z.abs(), df)),
                });
            }
        }
        let modality_estimates = (0..modalities).map(|modality| {
            let (variance, df) = self.variance_of_mean(modality, random);
            scale.estimate(means[modality], variance.max(0.0).sqrt(), df)
        });
        Ok(MultiReaderResult {
            equality,
            denominator_df: df,
            modalities: modality_estimates.collect(),
            differences,
            components,
        })
    }

    /// The variance of one modality's mean over readers with its degrees of freedom.
    fn variance_of_mean(&self, modality: usize, random: RandomFactors) -> (f64, Option<f64>) {
        let readers = self.values[modality].len();
        let r = readers as f64;
        let square = variance(&self.values[modality]);
        let at =
            |a: usize, b: usize| self.covariance[modality * readers + a][modality * readers + b];
        let error = (0..readers).map(|a| at(a, a)).sum::<f64>() / r;
        let pairs = (0..readers).flat_map(|a| (0..readers).map(move |b| (a, b)));
        let between: f64 = pairs.filter(|(a, b)| a != b).map(|(a, b)| at(a, b)).sum();
        let covariance = (between / (r * (r - 1.0)).max(1.0)).max(0.0);
        match random {
            RandomFactors::ReadersAndCases => {
                let expected = square + r * covariance;
                (expected / r, satterthwaite(expected, square, r - 1.0))
            }
            RandomFactors::Cases => ((error + (r - 1.0) * covariance) / r, None),
            RandomFactors::Readers => (square / r, Some(r - 1.0)),
        }
    }
}

/// What all results of an analysis share.
struct Scale {
    confidence: Confidence,
    cases: u64,
    convention: String,
}

impl Scale {
    fn test(&self, statistic: Option<f64>, p: impl Fn(f64) -> f64) -> TestResult {
        TestResult::new(
            statistic,
            statistic.map(p),
            self.cases,
            self.convention.as_str(),
        )
    }

    /// Student's interval, normal without degrees of freedom.
    fn estimate(&self, value: f64, standard_error: f64, df: Option<f64>) -> Estimate {
        let tail = self.confidence.tail();
        let (quantile, method) = match df {
            Some(df) => (student_quantile(tail, df), IntervalMethod::Student),
            None => (normal_quantile(tail), IntervalMethod::Normal),
        };
        let interval = (standard_error > 0.0).then_some(Interval {
            low: value + quantile * standard_error,
            high: value - quantile * standard_error,
            confidence: self.confidence,
            method,
        });
        Estimate::new(value, self.cases, self.convention.as_str()).with_interval(interval)
    }
}

fn lower(z: f64, df: Option<f64>) -> f64 {
    match df {
        Some(df) => student_cdf(z, df),
        None => normal_cdf(z),
    }
}

/// Degrees of freedom of a mean square plus a constant; without bound where only the constant is left.
fn satterthwaite(expected: f64, square: f64, df: f64) -> Option<f64> {
    Some(expected * expected / (square * square / df)).filter(|df| df.is_finite())
}

fn too_few(of: &'static str, least: usize, got: usize) -> Error {
    Error::TooFew {
        what: "an analysis of readers",
        of,
        least,
        got,
    }
}
