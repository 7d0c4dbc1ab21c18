//! Which cases an epoch has, and in which order.

use std::collections::BTreeMap;

use medcore::random::{Key, Random};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::split::{CaseRecord, PatientKey};

/// Whether a case may be drawn again in the same epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// It may.
    #[default]
    With,
    /// It may not: weights say what comes early, and what is left out.
    Without,
}

/// How often each case is seen in an epoch.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Sampling {
    /// Each once, in random order.
    #[default]
    Permutation,
    /// So many draws, each in proportion to the weights (PyTorch's `WeightedRandomSampler`).
    Weighted {
        /// One weight for each case of the set, in its order; they need not sum to 1.
        weights: Vec<f64>,
        /// Draws in an epoch.
        draws: usize,
        /// Whether a case may come again.
        replacement: Replacement,
    },
    /// Each class equally often, as many cases in all as there are: classes take turns in random order, and so do the cases
    /// of each, so that nothing differs by more than one.
    Classes,
    /// Each patient once, by one of their cases.
    Patients,
}

/// A [`Sampling`] of known cases.
///
/// ```
/// use medcore::random::Key;
/// use medtrain::sampler::{Sampler, Sampling};
/// use medtrain::split::CaseRecord;
///
/// let records: Vec<_> = (0..8).map(|n| CaseRecord::new(format!("{n}"), "p").with_class(u32::from(n == 0))).collect();
/// let sampler = Sampler::new(&Sampling::Classes, &records)?;
/// let places = sampler.epoch(Key::new(1).epoch(3));
/// assert_eq!(places.iter().filter(|place| **place == 0).count(), 4);
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sampler {
    rule: Rule,
    draws: usize,
}

#[derive(Debug, Clone)]
enum Rule {
    Permutation,
    /// Sums of the weights up to each case.
    With(Vec<f64>),
    Without(Vec<f64>),
    /// Cases in groups that take turns.
    Turns(Vec<Vec<usize>>),
    /// Cases in groups of which each is seen once.
    Once(Vec<Vec<usize>>),
}

impl Sampler {
    /// A sampler of cases by their places.
    ///
    /// # Errors
    /// Refuses no cases, no draws, weights that are not one finite number from 0 on for each case, all zero or of an infinite
    /// sum, more draws without replacement than weights above zero, and a case without class where classes take turns.
    pub fn new<'a>(
        sampling: &Sampling,
        records: impl IntoIterator<Item = &'a CaseRecord>,
    ) -> Result<Self> {
        let records: Vec<&CaseRecord> = records.into_iter().collect();
        let count = records.len();
        let (rule, draws) = match sampling {
            Sampling::Permutation => (Rule::Permutation, count),
            Sampling::Weighted {
                weights,
                draws,
                replacement,
            } => (weighted(weights, count, *draws, *replacement)?, *draws),
            Sampling::Classes => {
                let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
                for (place, record) in records.iter().enumerate() {
                    let class = record.class.ok_or_else(|| Error::Unnamed {
                        case: record.id.clone(),
                        what: "class",
                    })?;
                    classes.entry(class).or_default().push(place);
                }
                (Rule::Turns(classes.into_values().collect()), count)
            }
            Sampling::Patients => {
                let mut patients: BTreeMap<&PatientKey, Vec<usize>> = BTreeMap::new();
                for (place, record) in records.iter().enumerate() {
                    patients.entry(&record.patient).or_default().push(place);
                }
                let draws = patients.len();
                (Rule::Once(patients.into_values().collect()), draws)
            }
        };
        if count == 0 || draws == 0 {
            return Err(Error::Nothing {
                what: if count == 0 {
                    "training cases"
                } else {
                    "draws"
                },
            });
        }
        Ok(Self { rule, draws })
    }

    /// Draws in an epoch.
    #[must_use]
    pub fn draws(&self) -> usize {
        self.draws
    }

    /// The places of the cases that an epoch has, in its order; `key` is that of the epoch.
    #[must_use]
    pub fn epoch(&self, key: Key) -> Vec<usize> {
        let mut random = key.stream("case order");
        match &self.rule {
            Rule::Permutation => shuffled((0..self.draws).collect(), &mut random),
            Rule::With(sums) => {
                let total = sums.last().copied().unwrap_or(0.0);
                let one = |_| {
                    let at = total * random.uniform();
                    // Rounding may reach the end of the last weight above zero.
                    let last = sums.partition_point(|sum| *sum < total);
                    sums.partition_point(|sum| *sum <= at).min(last)
                };
                (0..self.draws).map(one).collect()
            }
            Rule::Without(weights) => {
                // The one that a race of exponential clocks rings first is drawn in proportion to the weights (Efraimidis and
                // Spirakis, "Weighted random sampling with a reservoir", 2006).
                let ring = |(place, weight): (usize, &f64)| {
                    (-libm::log(1.0 - random.uniform()) / weight, place)
                };
                let mut rings: Vec<(f64, usize)> = weights.iter().enumerate().map(ring).collect();
                rings.retain(|(_, place)| weights[*place] > 0.0);
                rings.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                rings.truncate(self.draws);
                rings.into_iter().map(|(_, place)| place).collect()
            }
            Rule::Turns(groups) => turns(groups, self.draws, &mut random),
            Rule::Once(groups) => {
                let one = |group: &Vec<usize>| group[random.below(group.len())];
                let places = groups.iter().map(one).collect();
                shuffled(places, &mut random)
            }
        }
    }
}

fn weighted(weights: &[f64], count: usize, draws: usize, replacement: Replacement) -> Result<Rule> {
    let refused = |rule, found| {
        Err(Error::InvalidSetting {
            setting: "the weights of the cases",
            rule,
            value: found,
        })
    };
    if weights.len() != count {
        let found = format!("{} for {count}", weights.len());
        return refused("one for each case", found);
    }
    if let Some(weight) = weights.iter().find(|w| !(**w >= 0.0 && w.is_finite())) {
        return refused("finite numbers from 0 on", weight.to_string());
    }
    let possible = weights.iter().filter(|weight| **weight > 0.0).count();
    if possible == 0 {
        return refused("above 0 for one case at least", "none".to_owned());
    }
    match replacement {
        Replacement::With => {
            let sums = weights.iter().scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            });
            let sums: Vec<f64> = sums.collect();
            match sums.last() {
                Some(sum) if !sum.is_finite() => refused("of a finite sum", sum.to_string()),
                _ => Ok(Rule::With(sums)),
            }
        }
        Replacement::Without if draws > possible => refused(
            "above 0 for as many cases as are drawn without replacement",
            format!("{possible} for {draws}"),
        ),
        Replacement::Without => Ok(Rule::Without(weights.to_vec())),
    }
}

fn shuffled(mut places: Vec<usize>, random: &mut Random) -> Vec<usize> {
    random.shuffle(&mut places);
    places
}

/// Groups in turns of random order, and the members of each in rounds of random order.
fn turns(groups: &[Vec<usize>], draws: usize, random: &mut Random) -> Vec<usize> {
    let mut waiting: Vec<Vec<usize>> = vec![vec![]; groups.len()];
    let mut places = Vec::with_capacity(draws);
    while places.len() < draws {
        for group in shuffled((0..groups.len()).collect(), random) {
            if waiting[group].is_empty() {
                waiting[group] = shuffled(groups[group].clone(), random);
            }
            places.extend(waiting[group].pop());
        }
    }
    places.truncate(draws);
    places
}
