//! Rules by which instances are matched: threshold, greedy, or the best sum of scores.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::instance::InstanceOverlap;
use crate::assignment::minimum_cost;
use crate::error::{Error, Result};

/// What says how well two instances overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchScore {
    /// Intersection over union.
    #[default]
    Iou,
    /// Dice coefficient.
    Dice,
}

/// From which score on two instances may belong together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchThreshold {
    /// Scores above this.
    Above(f64),
    /// This score and those above it.
    AtLeast(f64),
}

impl MatchThreshold {
    fn holds(self, score: f64) -> bool {
        match self {
            Self::Above(least) => score > least,
            Self::AtLeast(least) => score >= least,
        }
    }
}

/// How pairs are chosen among those that may belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum InstanceMatchRule {
    /// All of them: an IoU above one half leaves no choice (Kirillov et al., "Panoptic segmentation", CVPR
    /// 2019).
    #[default]
    Unique,
    /// The best score first, each instance once; of equals the lower labels.
    Greedy,
    /// The largest sum of scores among the pairs that may.
    Optimal,
    /// The largest sum of scores among all pairs; those that may not are struck out afterwards, so that a
    /// pair too weak can stand in the way of a good one.
    OptimalBeforeThreshold,
}

/// Which instances belong together; by default as panoptic quality was defined, an IoU above one half.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InstanceMatching {
    /// What is compared.
    pub score: MatchScore,
    /// From which score on.
    pub threshold: MatchThreshold,
    /// How pairs are chosen.
    pub rule: InstanceMatchRule,
}

impl Default for InstanceMatching {
    fn default() -> Self {
        Self::monai(0.5)
    }
}

impl InstanceMatching {
    /// MONAI 1.6: an IoU above the threshold; below one half the best sum first, the threshold after.
    #[must_use]
    pub fn monai(threshold: f64) -> Self {
        Self {
            score: MatchScore::Iou,
            threshold: MatchThreshold::Above(threshold),
            rule: if threshold >= 0.5 {
                InstanceMatchRule::Unique
            } else {
                InstanceMatchRule::OptimalBeforeThreshold
            },
        }
    }

    /// panoptica 2.1's `NaiveThresholdMatching`: the best IoU first, from the threshold on.
    #[must_use]
    pub fn panoptica_naive(threshold: f64) -> Self {
        Self {
            score: MatchScore::Iou,
            threshold: MatchThreshold::AtLeast(threshold),
            rule: InstanceMatchRule::Greedy,
        }
    }

    /// panoptica 2.1's `MaxBipartiteMatching`: the best sum of IoU from the threshold on.
    #[must_use]
    pub fn panoptica_bipartite(threshold: f64) -> Self {
        Self {
            rule: InstanceMatchRule::Optimal,
            ..Self::panoptica_naive(threshold)
        }
    }

    /// Says whether instances can be matched so.
    ///
    /// # Errors
    /// Refuses thresholds outside 0 to 1, and a unique match by a score that does not make it unique.
    pub fn check(&self) -> Result<()> {
        let (MatchThreshold::Above(value) | MatchThreshold::AtLeast(value)) = self.threshold;
        let unique = match (self.score, self.threshold) {
            (MatchScore::Iou, MatchThreshold::Above(value)) => value >= 0.5,
            (MatchScore::Iou, MatchThreshold::AtLeast(value)) => value > 0.5,
            (MatchScore::Dice, MatchThreshold::Above(value)) => value >= 2.0 / 3.0,
            (MatchScore::Dice, MatchThreshold::AtLeast(value)) => value > 2.0 / 3.0,
        };
        let rule = match self.rule {
            _ if !(0.0..=1.0).contains(&value) => "from 0 to 1",
            InstanceMatchRule::Unique if !unique => {
                "an IoU above 0.5 or a Dice above 2/3 for unique matches"
            }
            _ => return Ok(()),
        };
        Err(Error::InvalidParameter {
            parameter: "threshold of a match",
            rule,
            value,
        })
    }

    fn score(self, overlap: &InstanceOverlap) -> f64 {
        match self.score {
            MatchScore::Iou => overlap.iou(),
            MatchScore::Dice => overlap.dice(),
        }
    }

    /// The pairs that belong together, by the label in the reference. Overlaps come in the order of labels.
    pub(crate) fn pairs(&self, overlaps: &[InstanceOverlap]) -> Result<Vec<InstanceOverlap>> {
        let may = |overlap: &&InstanceOverlap| self.threshold.holds(self.score(overlap));
        let mut pairs: Vec<InstanceOverlap> = match self.rule {
            InstanceMatchRule::Unique => overlaps.iter().filter(may).copied().collect(),
            InstanceMatchRule::Greedy => {
                self.greedy(overlaps.iter().filter(may).copied().collect())
            }
            InstanceMatchRule::Optimal => {
                self.optimal(overlaps.iter().filter(may).copied().collect())?
            }
            InstanceMatchRule::OptimalBeforeThreshold => {
                let best = self.optimal(overlaps.to_vec())?;
                best.iter().filter(may).copied().collect()
            }
        };
        pairs.sort_unstable_by_key(|pair| pair.reference);
        Ok(pairs)
    }

    fn greedy(self, mut overlaps: Vec<InstanceOverlap>) -> Vec<InstanceOverlap> {
        overlaps.sort_by(|a, b| self.score(b).total_cmp(&self.score(a)));
        let (mut references, mut predictions) = (BTreeSet::new(), BTreeSet::new());
        overlaps.retain(|pair| {
            let free =
                !references.contains(&pair.reference) && !predictions.contains(&pair.prediction);
            if free {
                references.insert(pair.reference);
                predictions.insert(pair.prediction);
            }
            free
        });
        overlaps
    }

    /// Instances that no chain of overlaps joins do not compete, so each such group is solved by itself: one
    /// table of all instances would be far too large for an image of cells.
    fn optimal(self, overlaps: Vec<InstanceOverlap>) -> Result<Vec<InstanceOverlap>> {
        let mut chosen = Vec::new();
        for group in joined(overlaps) {
            chosen.extend(self.optimal_of(group)?);
        }
        Ok(chosen)
    }

    fn optimal_of(self, overlaps: Vec<InstanceOverlap>) -> Result<Vec<InstanceOverlap>> {
        let numbered = |labels: BTreeSet<u32>| -> BTreeMap<u32, usize> {
            labels
                .into_iter()
                .enumerate()
                .map(|(i, label)| (label, i))
                .collect()
        };
        let rows = numbered(overlaps.iter().map(|pair| pair.reference).collect());
        let columns = numbered(overlaps.iter().map(|pair| pair.prediction).collect());
        let place = |pair: &InstanceOverlap| (rows[&pair.reference], columns[&pair.prediction]);
        let mut costs = vec![0.0; rows.len() * columns.len()];
        for pair in &overlaps {
            let (row, column) = place(pair);
            costs[row * columns.len() + column] = -self.score(pair);
        }
        let chosen: BTreeSet<(usize, usize)> =
            minimum_cost(&costs, columns.len())?.into_iter().collect();
        Ok(overlaps
            .into_iter()
            .filter(|pair| chosen.contains(&place(pair)))
            .collect())
    }
}

/// Overlaps in groups that share no instance, each in the order in which they came.
fn joined(overlaps: Vec<InstanceOverlap>) -> Vec<Vec<InstanceOverlap>> {
    let mut of_prediction: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let mut of_reference: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for pair in &overlaps {
        let references = of_prediction.entry(pair.prediction).or_default();
        references.push(pair.reference);
        let predictions = of_reference.entry(pair.reference).or_default();
        predictions.push(pair.prediction);
    }
    // The group of each instance of the reference, found by walking to and fro.
    let mut group_of: BTreeMap<u32, usize> = BTreeMap::new();
    let mut groups = 0;
    for &first in of_reference.keys() {
        if group_of.contains_key(&first) {
            continue;
        }
        group_of.insert(first, groups);
        let mut left = vec![first];
        while let Some(reference) = left.pop() {
            let predictions = of_reference.get(&reference).into_iter().flatten();
            for prediction in predictions {
                // Each instance of the prediction leads on only once.
                for other in of_prediction.remove(prediction).into_iter().flatten() {
                    if group_of.insert(other, groups).is_none() {
                        left.push(other);
                    }
                }
            }
        }
        groups += 1;
    }
    let mut parts = vec![Vec::new(); groups];
    for pair in overlaps {
        if let Some(&group) = group_of.get(&pair.reference) {
            parts[group].push(pair);
        }
    }
    parts
}

/// Its name in [`crate::Estimate::convention`], such as `iou>0.5/unique`.
impl fmt::Display for InstanceMatching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.score {
            MatchScore::Iou => "iou",
            MatchScore::Dice => "dice",
        })?;
        match self.threshold {
            MatchThreshold::Above(value) => write!(f, ">{value}/"),
            MatchThreshold::AtLeast(value) => write!(f, ">={value}/"),
        }?;
        f.write_str(match self.rule {
            InstanceMatchRule::Unique => "unique",
            InstanceMatchRule::Greedy => "greedy",
            InstanceMatchRule::Optimal => "optimal",
            InstanceMatchRule::OptimalBeforeThreshold => "optimal-before-threshold",
        })
    }
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::*;

    fn pair(reference: u32, prediction: u32, shared: u64) -> InstanceOverlap {
        InstanceOverlap {
            reference,
            prediction,
            shared,
            both: 100,
        }
    }

    #[test]
    fn groups_have_the_best_sum_of_one_table() {
        let mut random = Key::new(5).stream("overlaps");
        let rule = InstanceMatching::panoptica_bipartite(0.0);
        for _ in 0..200 {
            let mut overlaps = Vec::new();
            for reference in 1..=8 {
                for prediction in 1..=7 {
                    if random.chance(0.2) {
                        let shared = random.below(50) as u64 + 1;
                        overlaps.push(pair(reference, prediction, shared));
                    }
                }
            }
            let sum = |pairs: Vec<InstanceOverlap>| -> f64 {
                pairs.iter().map(|pair| rule.score(pair)).sum()
            };
            let (apart, together) = (
                sum(rule.optimal(overlaps.clone()).unwrap()),
                sum(rule.optimal_of(overlaps).unwrap()),
            );
            assert!((apart - together).abs() < 1e-12, "{apart} {together}");
        }
    }

    #[test]
    fn as_many_instances_as_a_slide_has_cells_are_matched() {
        let rule = InstanceMatching::panoptica_bipartite(0.1);
        let overlaps: Vec<_> = (1..=200_000).map(|i| pair(i, i, 40)).collect();
        assert_eq!(rule.pairs(&overlaps).unwrap().len(), 200_000);
    }
}
