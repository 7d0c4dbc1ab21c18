//! From a fingerprint to metrics.

use serde::{Deserialize, Serialize};

use super::advice::{PITFALL_REMARKS, Remark, SETTINGS};
use super::fingerprint::{Fingerprint, Property};
use super::metric::Metric;
use super::rules::{RULES, Rule};
use crate::error::Result;
use crate::table::{Column, Table};

/// A metric to report, with what a reader of the report would ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recommendation {
    /// The metric.
    pub metric: Metric,
    /// Why it fits.
    pub why: Vec<Advice>,
    /// How to set it.
    pub settings: Vec<Advice>,
    /// What it does not show.
    pub pitfalls: Vec<Advice>,
}

/// A sentence and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// The sentence.
    pub text: String,
    /// The paper behind it.
    pub source: String,
}

impl Advice {
    fn new(text: &str, source: &str) -> Self {
        Self {
            text: text.to_owned(),
            source: source.to_owned(),
        }
    }
}

impl Fingerprint {
    /// The metrics to report, from overlap and boundary over objects and classes to probabilities.
    #[must_use]
    pub fn recommend(&self) -> Vec<Recommendation> {
        let mut recommendations: Vec<Recommendation> = Vec::new();
        for rule in RULES.iter().filter(|rule| self.meets(rule)) {
            let why = Advice::new(rule.why, rule.source);
            let known = recommendations.iter_mut().find(|r| r.metric == rule.metric);
            match known {
                Some(recommendation) => recommendation.why.push(why),
                None => recommendations.push(Recommendation {
                    metric: rule.metric,
                    why: vec![why],
                    settings: self.remarks(SETTINGS, rule.metric),
                    pitfalls: self.remarks(PITFALL_REMARKS, rule.metric),
                }),
            }
        }
        recommendations
    }

    /// The recommendations as a table: metric, why, settings, pitfalls.
    ///
    /// # Errors
    /// None for recommendations; the signature is that of [`Table::push`].
    pub fn recommendation_table(&self) -> Result<Table> {
        let names = ["metric", "why", "settings", "pitfalls"];
        let mut table = Table::new(names.map(Column::text).into());
        for recommendation in self.recommend() {
            let said = |advice: &[Advice]| {
                let texts: Vec<&str> = advice.iter().map(|a| a.text.as_str()).collect();
                texts.join("; ")
            };
            table.push(vec![
                recommendation.metric.name().into(),
                said(&recommendation.why).into(),
                said(&recommendation.settings).into(),
                said(&recommendation.pitfalls).into(),
            ])?;
        }
        Ok(table)
    }

    fn meets(&self, rule: &Rule) -> bool {
        rule.problems.contains(&self.problem) && self.allows(rule.needs, rule.unless)
    }

    fn allows(&self, needs: &[Property], unless: &[Property]) -> bool {
        needs.iter().all(|p| self.has(*p)) && !unless.iter().any(|p| self.has(*p))
    }

    fn remarks(&self, remarks: &[Remark], metric: Metric) -> Vec<Advice> {
        (remarks.iter())
            .filter(|r| r.metrics.contains(&metric) && self.allows(r.needs, r.unless))
            .map(|r| Advice::new(r.text, r.source))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guidance::Problem;

    const PROBLEMS: [Problem; 4] = [
        Problem::ImageClassification,
        Problem::SemanticSegmentation,
        Problem::ObjectDetection,
        Problem::InstanceSegmentation,
    ];

    #[test]
    fn every_row_of_the_tables_can_be_met() {
        for rule in RULES {
            assert!(!rule.problems.is_empty(), "{rule:?}");
            assert!(
                rule.needs.iter().all(|p| !rule.unless.contains(p)),
                "{rule:?}"
            );
        }
        for remark in SETTINGS.iter().chain(PITFALL_REMARKS) {
            // Some rule recommends one of its metrics without contradicting it.
            let met = RULES.iter().any(|rule| {
                let needs = || rule.needs.iter().chain(remark.needs);
                remark.metrics.contains(&rule.metric)
                    && !needs().any(|p| rule.unless.contains(p) || remark.unless.contains(p))
            });
            assert!(met, "{remark:?}");
        }
    }

    #[test]
    fn every_property_matters_for_some_problem() {
        for property in Property::ALL {
            // Together with each other property, because some matter only beside another.
            let matters = PROBLEMS.iter().any(|&problem| {
                Property::ALL.iter().any(|&other| {
                    let without = Fingerprint::new(problem).with(other);
                    other != property
                        && without.clone().with(property).recommend() != without.recommend()
                })
            });
            assert!(matters, "{property:?}");
        }
    }

    #[test]
    fn all_properties_are_listed_once() {
        let all: std::collections::BTreeSet<_> = Property::ALL.into_iter().collect();
        assert_eq!(all.len(), Property::ALL.len());
        assert_eq!(Property::ALL.last(), Some(&Property::HierarchicalData));
    }
}
