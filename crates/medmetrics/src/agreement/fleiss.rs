//! Agreement of several raters who sort subjects into categories.

use serde::{Deserialize, Serialize};

use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate, Interval, IntervalMethod};
use crate::statistics::distribution::{normal_cdf, student_quantile};

/// How many raters chose each category, subject by subject, with the same number of raters for each.
///
/// The raters need not be the same people. The state is a few whole numbers, whatever the number of
/// subjects. Where subjects have different numbers of raters, use Krippendorff's alpha.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::agreement::RaterCounts;
///
/// let mut counts = RaterCounts::new(2, 3)?;
/// for subject in [[3, 0], [2, 1], [0, 3], [1, 2], [3, 0]] {
///     counts.push(&subject)?;
/// }
/// let kappa = counts.finish()?.kappa.value.expect("both categories are used");
/// assert!((kappa - 4.0 / 9.0).abs() < 1e-12);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct RaterCounts {
    categories: usize,
    raters: u32,
    subjects: u64,
    /// Ratings of each category.
    ratings: Vec<u128>,
    /// Sums of the products of two categories' ratings of a subject, row by row.
    products: Vec<u128>,
    /// Sums of each category's ratings times the sum of squared ratings of the subject.
    with_squares: Vec<u128>,
    /// Sum of the squares of the sums of squared ratings.
    fourth: u128,
}

/// Fleiss' and Randolph's kappa.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FleissEstimate {
    /// Fleiss' kappa (Psychological Bulletin 76, 1971) with Student's interval; undefined if all ratings
    /// are of one category.
    pub kappa: Estimate,
    /// Randolph's kappa, which takes all categories for equally likely (2005), with Student's interval.
    pub randolph: Estimate,
    /// Share of agreeing pairs of raters.
    pub observed: Option<f64>,
    /// Share expected by chance, for Fleiss' kappa.
    pub expected: Option<f64>,
    /// Standard error of Fleiss' kappa (K. Gwet, 2008), of which the interval is made.
    pub standard_error: Option<f64>,
    /// Standard error if raters chose at random (J. Fleiss, J. Nee and J. Landis, 1979).
    pub null_standard_error: Option<f64>,
}

impl FleissEstimate {
    /// The p value of the two-sided test that raters choose at random.
    #[must_use]
    pub fn p_value(&self) -> Option<f64> {
        let error = self.null_standard_error.filter(|&error| error > 0.0)?;
        Some(2.0 * normal_cdf(-(self.kappa.value? / error).abs()))
    }
}

impl RaterCounts {
    /// No subjects yet.
    ///
    /// # Errors
    /// Refuses fewer than two categories or raters, and more than 1024 categories or 4096 raters.
    pub fn new(categories: usize, raters: u32) -> Result<Self> {
        for (parameter, rule, value, most) in [
            ("categories", "between 2 and 1024", categories as u64, 1024),
            ("raters", "between 2 and 4096", u64::from(raters), 4096),
        ] {
            if value < 2 || value > most {
                return Err(Error::InvalidParameter {
                    parameter,
                    rule,
                    value: value as f64,
                });
            }
        }
        Ok(Self {
            categories,
            raters,
            subjects: 0,
            ratings: vec![0; categories],
            products: vec![0; categories * categories],
            with_squares: vec![0; categories],
            fourth: 0,
        })
    }

    /// Number of subjects.
    #[must_use]
    pub fn subjects(&self) -> u64 {
        self.subjects
    }

    /// Both coefficients, with intervals of a confidence.
    ///
    /// The intervals rest on a linearisation over subjects (K. Gwet, British Journal of Mathematical and
    /// Statistical Psychology 61, 2008), Student's t with one degree of freedom less than subjects, and may
    /// pass 1. Those of 95 % hold the truth 94 times of 100 for 20 subjects, 95 times for 60.
    #[must_use]
    pub fn kappa(&self, confidence: Confidence) -> FleissEstimate {
        let (subjects, raters) = (self.subjects as f64, f64::from(self.raters));
        let [fleiss, randolph] = ["kappa:fleiss", "kappa:randolph"]
            .map(|convention| Estimate::undefined(self.subjects, convention));
        let mut result = FleissEstimate {
            kappa: fleiss,
            randolph,
            observed: None,
            expected: None,
            standard_error: None,
            null_standard_error: None,
        };
        if self.subjects == 0 {
            return result;
        }
        let pairs = raters * (raters - 1.0);
        let squares: u128 = (0..self.categories).map(|c| self.product(c, c)).sum();
        let observed = (squares as f64 / subjects - raters) / pairs;
        let shares: Vec<f64> = (self.ratings.iter())
            .map(|&ratings| ratings as f64 / (subjects * raters))
            .collect();
        let expected: f64 = shares.iter().map(|p| p * p).sum();
        result.observed = Some(observed);
        result.expected = Some(expected);
        let estimate = |expected: f64, slopes: &[f64], convention: &str| {
            let value = (observed - expected) / (1.0 - expected);
            let error = self.standard_error(slopes).map(|e| e / (1.0 - expected));
            let interval = error.map(|error| {
                let reach = -student_quantile(confidence.tail(), subjects - 1.0) * error;
                Interval {
                    low: value - reach,
                    high: value + reach,
                    confidence,
                    method: IntervalMethod::Student,
                }
            });
            let estimate = Estimate::new(value, self.subjects, convention);
            (estimate.with_interval(interval), error)
        };
        let none = vec![0.0; self.categories];
        (result.randolph, _) = estimate(1.0 / self.categories as f64, &none, "kappa:randolph");
        if self.ratings.iter().filter(|&&ratings| ratings > 0).count() < 2 {
            return result;
        }
        let disagreement = (1.0 - observed) / (1.0 - expected);
        let slopes: Vec<f64> = shares
            .iter()
            .map(|share| 2.0 * disagreement * share / raters)
            .collect();
        (result.kappa, result.standard_error) = estimate(expected, &slopes, "kappa:fleiss");
        let apart: f64 = shares.iter().map(|p| p * (1.0 - p)).sum();
        let skew: f64 = shares.iter().map(|p| p * (1.0 - p) * (1.0 - 2.0 * p)).sum();
        let variance = 2.0 * (apart * apart - skew) / (subjects * pairs * apart * apart);
        // Rounding can leave a variance of two equal terms below zero.
        result.null_standard_error = Some(variance.max(0.0).sqrt());
        result
    }

    fn product(&self, one: usize, other: usize) -> u128 {
        self.products[one * self.categories + other]
    }

    /// Of the mean over subjects of `squares / pairs - sum of slope * ratings`.
    fn standard_error(&self, slopes: &[f64]) -> Option<f64> {
        let subjects = self.subjects as f64;
        if self.subjects < 2 {
            return None;
        }
        let n = i128::from(self.subjects);
        let all = 0..self.categories;
        let squares: u128 = all.clone().map(|c| self.product(c, c)).sum();
        // Covariances times n², exact as whole numbers.
        let centred = |sum: u128, one: u128, other: u128| {
            (n * sum as i128 - one as i128 * other as i128) as f64
        };
        let weight = 1.0 / (f64::from(self.raters) * (f64::from(self.raters) - 1.0));
        let mut sum = weight * weight * centred(self.fourth, squares, squares);
        for c in all.clone() {
            let with_squares = centred(self.with_squares[c], squares, self.ratings[c]);
            sum -= 2.0 * weight * slopes[c] * with_squares;
            for other in all.clone() {
                let both = centred(self.product(c, other), self.ratings[c], self.ratings[other]);
                sum += slopes[c] * slopes[other] * both;
            }
        }
        Some((sum.max(0.0) / (subjects * subjects * (subjects - 1.0))).sqrt())
    }
}

impl Accumulator for RaterCounts {
    /// How many raters chose each category for one subject.
    type Item<'a> = &'a [u32];
    type Output = FleissEstimate;

    fn push(&mut self, subject: &[u32]) -> Result<()> {
        if subject.len() != self.categories {
            return Err(Error::Length {
                what: "a subject's counts",
                got: subject.len(),
                against: "the categories",
                expected: self.categories,
            });
        }
        let raters: u64 = subject.iter().map(|&count| u64::from(count)).sum();
        if raters != u64::from(self.raters) {
            return Err(Error::InvalidValue {
                what: "the raters of a subject",
                rule: "as many as declared (unequal numbers need Krippendorff's alpha)",
                index: self.subjects as usize,
                value: raters as f64,
            });
        }
        let squares: u128 = subject.iter().map(|&c| u128::from(c) * u128::from(c)).sum();
        for (c, &count) in subject.iter().enumerate() {
            let count = u128::from(count);
            self.ratings[c] += count;
            self.with_squares[c] += count * squares;
            let row = &mut self.products[c * self.categories..][..self.categories];
            for (product, &other) in row.iter_mut().zip(subject) {
                *product += count * u128::from(other);
            }
        }
        self.fourth += squares * squares;
        self.subjects += 1;
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        let settings = |counts: &Self| (counts.categories, counts.raters);
        if settings(self) != settings(other) {
            return Err(Error::Incompatible {
                setting: "categories and raters",
                left: format!("{:?}", settings(self)),
                right: format!("{:?}", settings(other)),
            });
        }
        for (mine, theirs) in [
            (&mut self.ratings, &other.ratings),
            (&mut self.products, &other.products),
            (&mut self.with_squares, &other.with_squares),
        ] {
            mine.iter_mut().zip(theirs).for_each(|(m, t)| *m += t);
        }
        self.fourth += other.fourth;
        self.subjects += other.subjects;
        Ok(())
    }

    fn finish(&self) -> Result<FleissEstimate> {
        Ok(self.kappa(Confidence::default()))
    }
}

/// The state as it is written, before its lengths are checked.
#[derive(Deserialize)]
struct Written {
    categories: usize,
    raters: u32,
    subjects: u64,
    ratings: Vec<u128>,
    products: Vec<u128>,
    with_squares: Vec<u128>,
    fourth: u128,
}

impl TryFrom<Written> for RaterCounts {
    type Error = Error;
    fn try_from(written: Written) -> Result<Self> {
        let empty = Self::new(written.categories, written.raters)?;
        for (what, got, expected) in [
            ("ratings", &written.ratings, &empty.ratings),
            ("products", &written.products, &empty.products),
            ("with_squares", &written.with_squares, &empty.with_squares),
        ] {
            if got.len() != expected.len() {
                return Err(Error::Length {
                    what,
                    got: got.len(),
                    against: "the categories",
                    expected: expected.len(),
                });
            }
        }
        // What no subjects can give, and what would not fit the whole numbers of the standard error.
        // Every subject adds as much, but for its squares.
        let (subjects, raters) = (u128::from(written.subjects), u128::from(written.raters));
        let sum = |sums: &[u128]| {
            sums.iter()
                .fold(0, |all: u128, sum| all.saturating_add(*sum))
        };
        let squares: Vec<u128> = (0..written.categories)
            .map(|c| written.products[c * written.categories + c])
            .collect();
        let fits = written.subjects < 1 << 39
            && sum(&written.ratings) == subjects * raters
            && sum(&written.products) == subjects * raters.pow(2)
            && sum(&written.with_squares) == sum(&squares) * raters
            && written.fourth <= subjects * raters.pow(4);
        if !fits {
            return Err(Error::InvalidParameter {
                parameter: "subjects",
                rule: "as many as the counts belong to, below 2^39",
                value: written.subjects as f64,
            });
        }
        Ok(Self {
            subjects: written.subjects,
            ratings: written.ratings,
            products: written.products,
            with_squares: written.with_squares,
            fourth: written.fourth,
            ..empty
        })
    }
}
