//! Whether a model agrees with readers as well as they agree with one another.
//!
//! G. Williams, "Comparing the joint agreement of several raters with another rater", Biometrics 32, 1976.

use serde::{Deserialize, Serialize};

use crate::accumulator::Accumulator;
use crate::agreement::concordance::Concordance;
use crate::agreement::kappa::Kappa;
use crate::agreement::paired::{PairMoments, finite};
use crate::agreement::rating_table::RatingTable;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::statistics::Bootstrap;

/// A panel of readers and a model, who all rated or measured the same cases.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::agreement::{Concordance, Panel, PanelMeasure};
///
/// let mut panel = Panel::new(2, PanelMeasure::Concordance(Concordance::default()))?;
/// let cases = [(10.2, [10.0, 11.0]), (25.1, [24.0, 25.5]), (7.0, [7.5, 6.8]), (31.0, [30.0, 33.0])];
/// for (model, readers) in &cases {
///     panel.push((*model, readers))?;
/// }
/// let agreement = panel.finish()?;
/// assert!(agreement.williams_index.value.expect("values differ") > 1.0);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Panel {
    readers: usize,
    measure: PanelMeasure,
    bootstrap: Bootstrap,
    /// Of each case the model's value, then the readers'.
    cases: Vec<Vec<f64>>,
}

/// What agreement of two raters means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PanelMeasure {
    /// A kappa of ratings `0..categories`.
    Kappa {
        /// Which one.
        kappa: Kappa,
        /// Number of categories.
        categories: usize,
    },
    /// The concordance of measurements.
    Concordance(Concordance),
}

/// The model's agreement with the readers beside that among them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PanelAgreement {
    /// The model with each reader, in their order.
    pub with_readers: Vec<Estimate>,
    /// Each pair of readers: the first's number, the second's, and their agreement.
    pub among_readers: Vec<(usize, usize, Estimate)>,
    /// The mean over readers of the model's agreement.
    pub model: Estimate,
    /// The mean over pairs of readers of theirs.
    pub panel: Estimate,
    /// The model's mean less that of the readers: above 0, it agrees with them better than they do.
    pub difference: Estimate,
    /// The model's mean over that of the readers (Williams' index); undefined unless theirs is positive.
    pub williams_index: Estimate,
}

#[derive(Deserialize)]
struct Saved {
    readers: usize,
    measure: PanelMeasure,
    bootstrap: Bootstrap,
    cases: Vec<Vec<f64>>,
}

impl TryFrom<Saved> for Panel {
    type Error = Error;
    fn try_from(saved: Saved) -> Result<Self> {
        let empty = Self::new(saved.readers, saved.measure)?.with_bootstrap(saved.bootstrap);
        for case in &saved.cases {
            let (model, readers) = case.split_first().unwrap_or((&f64::NAN, &[][..]));
            empty.check(*model, readers)?;
        }
        Ok(Self {
            cases: saved.cases,
            ..empty
        })
    }
}

impl Panel {
    /// No cases yet.
    ///
    /// # Errors
    /// Refuses fewer than two readers, and settings of kappa that do not fit its categories.
    pub fn new(readers: usize, measure: PanelMeasure) -> Result<Self> {
        if readers < 2 {
            return Err(Error::TooFew {
                what: "a panel",
                of: "readers",
                least: 2,
                got: readers,
            });
        }
        if let PanelMeasure::Kappa { kappa, categories } = &measure {
            kappa.of(&RatingTable::new(*categories)?)?;
        }
        Ok(Self {
            readers,
            measure,
            bootstrap: Bootstrap::default(),
            cases: Vec::new(),
        })
    }

    /// The same with other draws of cases for the intervals.
    #[must_use]
    pub fn with_bootstrap(self, bootstrap: Bootstrap) -> Self {
        Self { bootstrap, ..self }
    }

    fn check(&self, model: f64, readers: &[f64]) -> Result<()> {
        if readers.len() != self.readers {
            return Err(Error::Length {
                what: "the readers' values",
                got: readers.len(),
                against: "the panel",
                expected: self.readers,
            });
        }
        for (what, values) in [
            ("the model's value", &[model][..]),
            ("the readers' values", readers),
        ] {
            finite(what, values)?;
            let PanelMeasure::Kappa { categories, .. } = self.measure else {
                continue;
            };
            let declared =
                |value: f64| value.fract() == 0.0 && (0.0..categories as f64).contains(&value);
            if let Some(index) = values.iter().position(|&value| !declared(value)) {
                return Err(Error::InvalidValue {
                    what,
                    rule: "a declared category",
                    index,
                    value: values[index],
                });
            }
        }
        Ok(())
    }

    /// Agreement of all pairs of raters, 0 the model, of cases that were drawn so many times.
    fn agreements(&self, cases: &[&[f64]], times: &[u32]) -> Result<Vec<Option<f64>>> {
        let all = pairs_of(self.readers + 1);
        let of = |[one, other]: [usize; 2]| match &self.measure {
            PanelMeasure::Kappa { kappa, categories } => {
                let mut counts = vec![vec![0; *categories]; *categories];
                for (case, &times) in cases.iter().zip(times) {
                    counts[case[one] as usize][case[other] as usize] += u64::from(times);
                }
                Ok(kappa.of(&RatingTable::try_from(counts)?)?.estimate.value)
            }
            PanelMeasure::Concordance(concordance) => {
                let moments = moments(cases, times, [one, other]);
                Ok(concordance.of_moments(&moments).estimate.value)
            }
        };
        all.into_iter().map(of).collect()
    }

    /// What the bootstrap draws again: the four means of the agreements, of the same draws.
    fn drawn(&self, cases: &[&[f64]]) -> Result<[Estimate; 4]> {
        let convention = self.convention();
        let conventions = Summary::ALL.map(|s| format!("panel-{}:{convention}", s.name()));
        self.bootstrap
            .estimates(cases.len(), conventions, |times: &[u32]| {
                let agreements = self.agreements(cases, times).ok();
                let defined =
                    agreements.and_then(|all| all.into_iter().collect::<Option<Vec<_>>>());
                Summary::ALL.map(|summary| summary.of(defined.as_ref()?, self.readers))
            })
    }

    fn convention(&self) -> String {
        match &self.measure {
            PanelMeasure::Kappa { kappa, .. } => kappa.to_string(),
            PanelMeasure::Concordance(concordance) => concordance.to_string(),
        }
    }

    /// The agreement of two raters with the interval of its own kind.
    fn pair(&self, cases: &[&[f64]], [one, other]: [usize; 2]) -> Result<Estimate> {
        match &self.measure {
            PanelMeasure::Kappa { kappa, categories } => {
                let ratings = |rater: usize| -> Vec<u32> {
                    cases.iter().map(|case| case[rater] as u32).collect()
                };
                let table = RatingTable::of(*categories, &ratings(one), &ratings(other))?;
                Ok(kappa.of(&table)?.estimate)
            }
            PanelMeasure::Concordance(concordance) => {
                let moments = moments(cases, &vec![1; cases.len()], [one, other]);
                Ok(concordance.of_moments(&moments).estimate)
            }
        }
    }
}

/// What is summed up of the agreements of all pairs.
#[derive(Clone, Copy)]
enum Summary {
    Model,
    Panel,
    Difference,
    Williams,
}

impl Summary {
    const ALL: [Self; 4] = [Self::Model, Self::Panel, Self::Difference, Self::Williams];

    fn of(self, agreements: &[f64], readers: usize) -> Option<f64> {
        let (model, panel) = agreements.split_at(readers);
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (model, panel) = (mean(model), mean(panel));
        match self {
            Self::Model => Some(model),
            Self::Panel => Some(panel),
            Self::Difference => Some(model - panel),
            Self::Williams => (panel > 0.0).then(|| model / panel),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Panel => "readers",
            Self::Difference => "difference",
            Self::Williams => "williams",
        }
    }
}

/// All pairs of raters, those of the first one first.
fn pairs_of(raters: usize) -> Vec<[usize; 2]> {
    let first = 0..raters;
    first
        .flat_map(|one| (one + 1..raters).map(move |other| [one, other]))
        .collect()
}

fn moments(cases: &[&[f64]], times: &[u32], sides: [usize; 2]) -> PairMoments {
    let total: u64 = times.iter().map(|&times| u64::from(times)).sum();
    let weighted = |term: &dyn Fn(&[f64]) -> f64| {
        let terms = cases.iter().zip(times);
        terms
            .map(|(case, &times)| f64::from(times) * term(case))
            .sum::<f64>()
            / total as f64
    };
    let means = sides.map(|side| weighted(&|case| case[side]));
    let product = |a: usize, b: usize| {
        weighted(&|case| (case[sides[a]] - means[a]) * (case[sides[b]] - means[b]))
    };
    PairMoments {
        n: total,
        means,
        variances: [product(0, 0), product(1, 1)],
        covariance: product(0, 1),
    }
}

impl Accumulator for Panel {
    /// The model's value of a case and the readers', always in the same order.
    type Item<'a> = (f64, &'a [f64]);
    type Output = PanelAgreement;

    fn push(&mut self, (model, readers): (f64, &[f64])) -> Result<()> {
        self.check(model, readers)?;
        let case = [model].into_iter().chain(readers.iter().copied());
        self.cases.push(case.collect());
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        let settings = |panel: &Self| Self {
            cases: Vec::new(),
            ..panel.clone()
        };
        let (mine, theirs) = (settings(self), settings(other));
        if mine != theirs {
            return Err(Error::Incompatible {
                setting: "panel",
                left: format!("{mine:?}"),
                right: format!("{theirs:?}"),
            });
        }
        self.cases.extend_from_slice(&other.cases);
        Ok(())
    }

    /// The intervals of means, difference and index come of drawing cases again with all their raters, those
    /// of pairs are of their own kind. For fewer than about 20 cases the former are too narrow.
    ///
    /// # Errors
    /// Refuses fewer than two cases, and what [`Bootstrap::estimate`] refuses.
    fn finish(&self) -> Result<PanelAgreement> {
        if self.cases.len() < 2 {
            return Err(Error::TooFew {
                what: "a panel's agreement",
                of: "cases",
                least: 2,
                got: self.cases.len(),
            });
        }
        let mut cases: Vec<&[f64]> = self.cases.iter().map(Vec::as_slice).collect();
        // One order, whatever order they came in, so that draws and sums are the same.
        cases.sort_unstable_by(|a, b| {
            let places = a.iter().zip(*b).map(|(a, b)| a.total_cmp(b));
            places.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        let mut with_readers = Vec::new();
        let mut among_readers = Vec::new();
        for [one, other] in pairs_of(self.readers + 1) {
            let estimate = self.pair(&cases, [one, other])?;
            match one {
                0 => with_readers.push(estimate),
                _ => among_readers.push((one - 1, other - 1, estimate)),
            }
        }
        let [model, panel, difference, williams_index] = self.drawn(&cases)?;
        Ok(PanelAgreement {
            with_readers,
            among_readers,
            model,
            panel,
            difference,
            williams_index,
        })
    }
}
