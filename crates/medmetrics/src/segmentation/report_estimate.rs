//! Averages over cases with intervals by patient, and reports that are put together from parts.

use std::collections::BTreeMap;

use super::measure::Measure;
use super::report::Report;
use super::result::CaseMetrics;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};
use crate::estimate::Estimate;
use crate::statistics::{Bootstrap, ExactSum};

impl Report {
    /// The mean of a measure of one structure over the cases where it is defined, with a bootstrap interval.
    ///
    /// Cases of one unit (see [`CaseMetrics::with_unit`]) are drawn together, so that several scans of a
    /// patient do not pass for as many patients. `n` counts cases with a value, `undefined` those without.
    /// There is no interval for fewer than two units, nor if a value is infinite.
    ///
    /// ```
    /// use medcore::{Geometry, LabelMap};
    /// use medmetrics::statistics::Bootstrap;
    /// use medmetrics::{Evaluation, Measure, Report};
    ///
    /// let grid = Geometry::<2>::axis_aligned([1, 9], [1.0, 1.0])?;
    /// let evaluation = Evaluation::of_organs(["cyst"]).without_surfaces();
    /// let mut report = Report::new(evaluation.clone());
    /// let reference = LabelMap::new(grid, vec![1u8; 9])?;
    /// for found in 1..9 {
    ///     let prediction = LabelMap::new(grid, (0..9).map(|i| u8::from(i < found)).collect::<Vec<_>>())?;
    ///     report.push(evaluation.case(format!("scan-{found}"), &reference, &prediction)?
    ///         .with_unit(format!("patient-{}", found / 2)))?;
    /// }
    /// let dice = report.estimate("cyst", Measure::Dice, &Bootstrap::default())?;
    /// assert_eq!((dice.n, dice.undefined), (8, 0));
    /// assert!(dice.interval.is_some_and(|interval| interval.contains(dice.value.unwrap_or(0.0))));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses a bootstrap of fewer than 100 replicates.
    pub fn estimate(
        &self,
        structure: &str,
        measure: Measure,
        bootstrap: &Bootstrap,
    ) -> Result<Estimate> {
        let convention = measure.convention(&self.evaluation, structure);
        let values = self.cases.iter().flat_map(|case| {
            let found = case.structures.iter().filter(|s| s.name == structure);
            found.map(|found| (case.unit(), measure.of(found).value))
        });
        mean_over_units(values, convention, bootstrap)
    }
}

/// The mean of the values of units that are there, with an interval that draws units.
pub(super) fn mean_over_units<'a>(
    values: impl Iterator<Item = (&'a str, Option<f64>)>,
    convention: String,
    bootstrap: &Bootstrap,
) -> Result<Estimate> {
    // In the order of names, whatever the order of cases.
    let mut units: BTreeMap<&str, Unit> = BTreeMap::new();
    let mut undefined = 0;
    for (unit, value) in values {
        match value {
            Some(value) => units.entry(unit).or_default().add(value),
            None => undefined += 1,
        }
    }
    let units: Vec<(f64, f64)> = units
        .into_values()
        .map(|unit| (unit.sum.value(), unit.n))
        .collect();
    let whole = |of: fn(&(f64, f64)) -> f64| units.iter().map(of).collect::<ExactSum>().value();
    let (sum, n) = (whole(|unit| unit.0), whole(|unit| unit.1));
    let mean = |times: &[u32]| {
        let drawn = || times.iter().map(|&t| f64::from(t)).zip(&units);
        let n: f64 = drawn().map(|(times, unit)| times * unit.1).sum();
        let sum: f64 = drawn().map(|(times, unit)| times * unit.0).sum();
        (n > 0.0).then(|| sum / n)
    };
    if n == 0.0 {
        return Ok(Estimate::undefined(0, convention).with_undefined(undefined));
    }
    let plain = Estimate::new(sum / n, n as u64, convention).with_undefined(undefined);
    if units.len() < 2 || !sum.is_finite() {
        return Ok(plain);
    }
    let drawn = bootstrap.estimate(units.len(), "", mean)?;
    Ok(plain.with_interval(drawn.interval))
}

/// The values of one unit.
#[derive(Default)]
struct Unit {
    sum: ExactSum,
    n: f64,
}

impl Unit {
    fn add(&mut self, value: f64) {
        self.sum.add(value);
        self.n += 1.0;
    }
}

/// Reports of parts of the cases merge in any order; the finished one has its cases by name.
impl Accumulator for Report {
    type Item<'a> = CaseMetrics;
    type Output = Self;

    fn push(&mut self, item: CaseMetrics) -> Result<()> {
        Self::push(self, item)
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if self.evaluation != other.evaluation {
            let named = |report: &Self| {
                let names = report.evaluation.structures.iter().map(|s| s.name.as_str());
                let names: Vec<&str> = names.collect();
                format!("{} ({})", names.join(", "), report.evaluation.convention)
            };
            return Err(Error::Incompatible {
                setting: "evaluation",
                left: named(self),
                right: named(other),
            });
        }
        self.extend(&other.cases)
    }

    fn finish(&self) -> Result<Self> {
        let mut cases = self.cases.clone();
        cases.sort_by(|a, b| a.case.cmp(&b.case));
        let mut report = Self::new(self.evaluation.clone());
        report.extend(&cases)?;
        Ok(report)
    }
}
