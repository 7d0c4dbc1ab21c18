//! The same measurement for each scanner, site, age group or stage, and for all together.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::accumulator::Accumulator;
use crate::error::Result;

/// A measurement for each stratum.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::classification::{Scores, Stratified};
///
/// let mut scores = Stratified::new(Scores::new());
/// let cases = [("A", 0.9, true), ("A", 0.2, false), ("B", 0.1, true), ("B", 0.3, false)];
/// for (site, score, positive) in cases {
///     scores.push((site, (score, positive)))?;
/// }
/// let rankings = scores.finish()?;
/// assert_eq!(rankings.strata["A"].auc().value, Some(1.0));
/// assert_eq!(rankings.strata["B"].auc().value, Some(0.0));
/// assert_eq!(rankings.overall.auc().value, Some(0.5));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stratified<A> {
    /// What a new stratum starts with.
    empty: A,
    strata: BTreeMap<String, A>,
}

/// The results of the strata in alphabetical order, and of all cases together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StratifiedResult<T> {
    /// All cases.
    pub overall: T,
    /// The cases of each stratum.
    pub strata: BTreeMap<String, T>,
}

impl<A: Accumulator> Stratified<A> {
    /// No strata yet; each starts as a copy of `empty`, which carries the settings.
    #[must_use]
    pub fn new(empty: A) -> Self {
        Self {
            empty,
            strata: BTreeMap::new(),
        }
    }

    /// The measurement of each stratum so far.
    #[must_use]
    pub fn strata(&self) -> &BTreeMap<String, A> {
        &self.strata
    }
}

impl<A: Accumulator> Accumulator for Stratified<A> {
    /// The stratum, and the item.
    type Item<'a> = (&'a str, A::Item<'a>);
    type Output = StratifiedResult<A::Output>;

    fn push(&mut self, (stratum, item): (&str, A::Item<'_>)) -> Result<()> {
        if let Some(measurement) = self.strata.get_mut(stratum) {
            return measurement.push(item);
        }
        let mut measurement = self.empty.clone();
        measurement.push(item)?;
        self.strata.insert(stratum.to_owned(), measurement);
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        let mut merged = self.strata.clone();
        for (stratum, more) in &other.strata {
            let measurement = merged
                .entry(stratum.clone())
                .or_insert_with(|| self.empty.clone());
            measurement.merge(more)?;
        }
        self.strata = merged;
        Ok(())
    }

    fn finish(&self) -> Result<StratifiedResult<A::Output>> {
        let mut overall = self.empty.clone();
        let mut strata = BTreeMap::new();
        for (stratum, measurement) in &self.strata {
            overall.merge(measurement)?;
            strata.insert(stratum.clone(), measurement.finish()?);
        }
        let overall = overall.finish()?;
        Ok(StratifiedResult { overall, strata })
    }
}
