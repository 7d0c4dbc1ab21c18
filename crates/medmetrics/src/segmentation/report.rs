//! Many cases: averages that say what they leave out, and the worst results by name.

use std::collections::HashMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::empty::Measured;
use super::evaluation::Evaluation;
use super::measure::Measure;
use super::reason::Reason;
use super::result::CaseMetrics;
use super::summary::Summary;
use crate::error::{Error, Result};

/// The measures of all cases, with the evaluation that made them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct Report {
    /// What was measured, and how.
    pub evaluation: Evaluation,
    /// One entry a case, in the order in which they were added.
    pub cases: Vec<CaseMetrics>,
    /// Where each case is, so that a case is looked up without a search.
    #[serde(skip)]
    places: HashMap<String, usize>,
}

/// A report as it is read; cases are added one by one, as [`Report::push`] adds them.
#[derive(Deserialize)]
struct Saved {
    evaluation: Evaluation,
    cases: Vec<CaseMetrics>,
}

impl TryFrom<Saved> for Report {
    type Error = Error;
    fn try_from(saved: Saved) -> Result<Self> {
        let mut report = Self::new(saved.evaluation);
        saved
            .cases
            .into_iter()
            .try_for_each(|case| report.push(case))?;
        Ok(report)
    }
}

/// By evaluation and cases.
impl PartialEq for Report {
    fn eq(&self, other: &Self) -> bool {
        self.evaluation == other.evaluation && self.cases == other.cases
    }
}

/// A result that needs a look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The case.
    pub case: String,
    /// The structure.
    pub structure: String,
    /// Its Dice.
    pub dice: Measured,
    /// What is wrong.
    pub reason: Reason,
}

/// The table of [`Report::to_markdown`] and the worst five results with what is wrong with them.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        writeln!(f, "{}", self.to_markdown())?;
        let findings = self.findings(usize::MAX);
        let good = self.evaluation.thresholds.good_dice;
        match findings.len() {
            0 => writeln!(f, "No result has a Dice below {good}."),
            n => writeln!(f, "{n} results have a Dice below {good}, worst first:"),
        }?;
        for finding in findings.iter().take(SHOWN) {
            writeln!(f, "  {finding}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            case,
            structure,
            dice,
            reason,
        } = self;
        match dice.value {
            Some(dice) => write!(f, "{case} {structure}: Dice {dice:.3}, {reason}"),
            None => write!(f, "{case} {structure}: {reason}"),
        }
    }
}

impl Report {
    /// A report without cases.
    #[must_use]
    pub fn new(evaluation: Evaluation) -> Self {
        Self {
            evaluation,
            cases: Vec::new(),
            places: HashMap::new(),
        }
    }

    /// Adds a case measured with the report's evaluation.
    ///
    /// # Errors
    /// Refuses a case that is there already, and one with other structures.
    pub fn push(&mut self, case: CaseMetrics) -> Result<()> {
        self.find_cases();
        self.check(&case)?;
        self.add(case);
        Ok(())
    }

    /// Adds many cases, all or none.
    pub(super) fn extend(&mut self, cases: &[CaseMetrics]) -> Result<()> {
        self.find_cases();
        let before = self.cases.len();
        for case in cases {
            if let Err(error) = self.check(case) {
                self.cases.truncate(before);
                self.places.clear();
                return Err(error);
            }
            self.add(case.clone());
        }
        Ok(())
    }

    fn add(&mut self, case: CaseMetrics) {
        self.places.insert(case.case.clone(), self.cases.len());
        self.cases.push(case);
    }

    /// Notes the places of the cases again if somebody else has added or moved some.
    fn find_cases(&mut self) {
        let stays =
            |case: &CaseMetrics| self.places.get(&case.case) == Some(&(self.cases.len() - 1));
        let noted = self.places.len() == self.cases.len() && self.cases.last().is_none_or(stays);
        if !noted {
            let names = self.cases.iter().map(|case| case.case.clone());
            self.places = names.zip(0..).collect();
        }
    }

    fn check(&self, case: &CaseMetrics) -> Result<()> {
        if self.places.contains_key(&case.case) {
            let case = case.case.clone();
            return Err(Error::DuplicateCase { case });
        }
        let expected = self.evaluation.structures.iter().map(|s| &s.name);
        if !expected.eq(case.structures.iter().map(|s| &s.name)) {
            return Err(Error::InvalidStructure {
                name: case.case.clone(),
                rule: "a case must hold the structures of the report's evaluation, in their order",
            });
        }
        Ok(())
    }

    /// A measure of one structure over all cases; everything undefined if there is no such structure.
    #[must_use]
    pub fn summary(&self, structure: &str, measure: Measure) -> Summary {
        Summary::of(self.results(structure, measure), measure.is_score())
    }

    /// A measure over all structures and cases: the mean over structures of their means over cases, so
    /// that a rare structure counts as much as a common one. `None` if nothing is defined.
    #[must_use]
    pub fn mean(&self, measure: Measure) -> Option<f64> {
        let means = self.structure_means(measure);
        (!means.is_empty()).then(|| means.iter().map(|(_, m)| m).sum::<f64>() / means.len() as f64)
    }

    /// The structure with the worst mean of a measure, and that mean.
    #[must_use]
    pub fn worst_structure(&self, measure: Measure) -> Option<(&str, f64)> {
        let means = self.structure_means(measure);
        means.into_iter().reduce(|worst, next| {
            let worse = if measure.is_score() {
                next.1 < worst.1
            } else {
                next.1 > worst.1
            };
            if worse { next } else { worst }
        })
    }

    /// Results with a reason, the lowest Dice first; `limit` of them at most.
    #[must_use]
    pub fn findings(&self, limit: usize) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .cases
            .iter()
            .flat_map(|case| case.structures.iter().map(move |s| (case, s)))
            .filter_map(|(case, structure)| {
                Some(Finding {
                    case: case.case.clone(),
                    structure: structure.name.clone(),
                    dice: structure.dice,
                    reason: structure.reason?,
                })
            })
            .collect();
        // A false positive without a Dice is as bad as a Dice of zero.
        findings.sort_by(|a, b| {
            a.dice
                .value
                .unwrap_or(0.0)
                .total_cmp(&b.dice.value.unwrap_or(0.0))
        });
        findings.truncate(limit);
        findings
    }

    /// A Markdown table, one row a structure: means over cases, with the number of cases behind them.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        self.table().to_markdown()
    }

    fn structure_means(&self, measure: Measure) -> Vec<(&str, f64)> {
        let names = self.evaluation.structures.iter().map(|s| s.name.as_str());
        names
            .filter_map(|name| Some((name, self.summary(name, measure).mean?)))
            .collect()
    }

    fn results<'a>(
        &'a self,
        structure: &'a str,
        measure: Measure,
    ) -> impl Iterator<Item = (&'a str, Measured)> {
        self.cases.iter().flat_map(move |case| {
            let of_structure = case.structures.iter().filter(move |s| s.name == structure);
            of_structure.map(move |s| (case.case.as_str(), measure.of(s)))
        })
    }
}
