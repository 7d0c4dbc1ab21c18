//! What a network said of images whose truth is known.

use anyhow::Result;
use medmetrics::classification::{BinaryCounts, Ranking};
use medmetrics::statistics::{Clusters, DeLong};

/// Images, their truth, and a score of each: the logit of the finding.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scored {
    pub(crate) ids: Vec<String>,
    pub(crate) patients: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) truth: Vec<bool>,
    /// Log odds of the finding, before calibration.
    pub(crate) logits: Vec<f64>,
}

impl Scored {
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Probabilities at a temperature.
    pub(crate) fn probabilities(&self, temperature: f64) -> Vec<f64> {
        self.logits
            .iter()
            .map(|logit| 1.0 / (1.0 + (-logit / temperature).exp()))
            .collect()
    }

    pub(crate) fn ranking(&self) -> Result<Ranking<f64>> {
        Ok(Ranking::of(&self.truth, &self.logits)?)
    }

    pub(crate) fn delong(&self) -> Result<DeLong> {
        Ok(DeLong::new(&self.logits, &self.truth)?)
    }

    /// The area under the curve; none without both kinds.
    pub(crate) fn auc(&self) -> Option<f64> {
        self.ranking().ok()?.auc().value
    }

    pub(crate) fn clusters(&self) -> Clusters {
        Clusters::new(&self.patients)
    }

    /// Decisions at a threshold of the logit.
    pub(crate) fn counts(&self, threshold: f64) -> Result<BinaryCounts> {
        let decisions: Vec<bool> = self
            .logits
            .iter()
            .map(|logit| *logit >= threshold)
            .collect();
        Ok(BinaryCounts::of(&self.truth, &decisions)?)
    }

    /// Whether every logit is on the side of the truth.
    pub(crate) fn is_right_throughout(&self) -> bool {
        let mut rows = self.truth.iter().zip(&self.logits);
        rows.all(|(is, logit)| *is == (*logit > 0.0))
    }

    /// The images of one subgroup.
    pub(crate) fn of_group(&self, group: &str) -> Self {
        let kept: Vec<usize> = (0..self.len())
            .filter(|&i| self.groups[i] == group)
            .collect();
        let text = |of: &[String]| kept.iter().map(|&i| of[i].clone()).collect();
        Self {
            ids: text(&self.ids),
            patients: text(&self.patients),
            groups: text(&self.groups),
            truth: kept.iter().map(|&i| self.truth[i]).collect(),
            logits: kept.iter().map(|&i| self.logits[i]).collect(),
        }
    }

    /// The subgroups in alphabetical order.
    pub(crate) fn group_names(&self) -> Vec<String> {
        let names: std::collections::BTreeSet<_> = self.groups.iter().cloned().collect();
        names.into_iter().collect()
    }
}

impl Scored {
    /// The same images with the scores of another judge.
    pub(crate) fn with_logits(self, logits: Vec<f64>) -> Self {
        Self { logits, ..self }
    }
}
