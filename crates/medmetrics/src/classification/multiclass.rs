//! Areas under ROC curves of several classes.

use serde::{Deserialize, Serialize};

use super::average::Average;
use super::convention::RankingConvention;
use super::counts::nan_score;
use super::radix;
use super::ranking::doubled_wins;
use super::scores::Scores;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result, check_table_sizes};
use crate::estimate::Estimate;
use crate::score::Score;

/// A score for every class of every case, of which one class is true.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::classification::{Average, ClassScores, RankingConvention};
///
/// let mut scores = ClassScores::new(3)?;
/// scores.push((0, &[0.7, 0.2, 0.1]))?;
/// scores.push((1, &[0.3, 0.4, 0.3]))?;
/// scores.push((2, &[0.4, 0.1, 0.5]))?;
/// let areas = scores.finish()?;
/// let auc = areas.one_vs_rest(Average::Macro, RankingConvention::Exact);
/// assert_eq!(auc.value, Some(1.0));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(bound = "", try_from = "Written<S>")]
pub struct ClassScores<S: Score> {
    classes: usize,
    /// Scores for class `c` of cases of class `t`, at `t * classes + c`; negatives of a list are unused.
    scores: Vec<Scores<S>>,
}

impl<S: Score> ClassScores<S> {
    /// No scores yet, for classes 0 to below `classes`.
    ///
    /// # Errors
    /// Refuses fewer than two classes and more than 1024.
    pub fn new(classes: usize) -> Result<Self> {
        if !(2..=1024).contains(&classes) {
            return Err(Error::InvalidParameter {
                parameter: "classes",
                rule: "from 2 to 1024",
                value: classes as f64,
            });
        }
        Ok(Self {
            classes,
            scores: vec![Scores::new(); classes * classes],
        })
    }

    /// The scores for a class, of its own cases and of all others.
    #[must_use]
    pub fn one_vs_rest(&self, class: usize) -> Scores<S> {
        let mut scores = Scores::new();
        for truth in (0..self.classes).filter(|_| class < self.classes) {
            let list = &self.scores[truth * self.classes + class].positives;
            match truth == class {
                true => scores.positives.extend_from_slice(list),
                false => scores.negatives.extend_from_slice(list),
            }
        }
        scores
    }

    /// All scores of all classes as one question (micro average): does this score belong to the true class?
    #[must_use]
    pub fn pooled(&self) -> Scores<S> {
        let mut scores = Scores::new();
        for class in 0..self.classes {
            let more = self.one_vs_rest(class);
            scores.positives.extend(more.positives);
            scores.negatives.extend(more.negatives);
        }
        scores
    }
}

impl<S: Score> Accumulator for ClassScores<S> {
    /// The true class, and a score for each class.
    type Item<'a> = (u32, &'a [S]);
    type Output = ClassAreas;

    fn push(&mut self, (truth, scores): (u32, &[S])) -> Result<()> {
        let classes = self.classes;
        check_row(truth, scores.len(), classes)?;
        if let Some(index) = scores.iter().position(|score| score.is_undefined()) {
            return Err(nan_score(index));
        }
        let lists = &mut self.scores[truth as usize * classes..][..classes];
        for (list, &score) in lists.iter_mut().zip(scores) {
            list.push((score, true))?;
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_table_sizes(self.classes, other.classes)?;
        for (list, more) in self.scores.iter_mut().zip(&other.scores) {
            list.merge(more)?;
        }
        Ok(())
    }

    fn finish(&self) -> Result<ClassAreas> {
        let k = self.classes;
        let mut lists: Vec<Vec<S::Key>> = self.scores.iter().map(|s| s.positives.clone()).collect();
        lists.iter_mut().for_each(radix::sort);
        let wins = |class: usize, truth: usize| match class == truth {
            true => 0,
            false => doubled_wins(&lists[class * k + class], &lists[truth * k + class]),
        };
        Ok(ClassAreas {
            support: (0..k).map(|class| lists[class * k].len() as u64).collect(),
            wins: (0..k * k).map(|at| wins(at / k, at % k)).collect(),
            pooled: self.pooled().into_ranking().auc().value,
        })
    }
}

/// The written form, checked when it is read.
#[derive(Deserialize)]
#[serde(bound = "", deny_unknown_fields)]
struct Written<S: Score> {
    classes: usize,
    scores: Vec<Scores<S>>,
}

impl<S: Score> TryFrom<Written<S>> for ClassScores<S> {
    type Error = Error;
    fn try_from(written: Written<S>) -> Result<Self> {
        let empty = Self::new(written.classes)?;
        let length = |what, got, expected| {
            let against = "the classes declared";
            Err(Error::Length {
                what,
                got,
                against,
                expected,
            })
        };
        if written.scores.len() != empty.scores.len() {
            return length("lists of scores", written.scores.len(), empty.scores.len());
        }
        for cases in written.scores.chunks_exact(written.classes) {
            let first = cases[0].positives.len();
            if let Some(list) = cases.iter().find(|list| list.positives.len() != first) {
                return length("a list of scores", list.positives.len(), first);
            }
        }
        Ok(Self {
            scores: written.scores,
            ..empty
        })
    }
}

/// How often cases of each class score higher for it than cases of each other class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassAreas {
    support: Vec<u64>,
    /// Twice the pairs won for class `c` against cases of class `t`, at `c * classes + t`.
    wins: Vec<u128>,
    pooled: Option<f64>,
}

impl ClassAreas {
    /// How often each class is true.
    #[must_use]
    pub fn support(&self) -> &[u64] {
        &self.support
    }

    /// The area of each class against all others; `None` where the class or all others are missing.
    #[must_use]
    pub fn classes(&self) -> Vec<Option<f64>> {
        let (k, total) = (self.support.len(), self.support.iter().sum::<u64>());
        let class = |c: usize| {
            let wins: u128 = self.wins[c * k..][..k].iter().sum();
            share(wins, self.support[c], total - self.support[c])
        };
        (0..k).map(class).collect()
    }

    /// The average over classes, each against all others; `n` counts classes.
    ///
    /// Weighted averages count a class as often as it is true.
    #[must_use]
    pub fn one_vs_rest(&self, average: Average, convention: RankingConvention) -> Estimate {
        let convention_name = |kind| convention.named(&format!("auc:ovr/{kind}"));
        if average == Average::Micro {
            return match self.pooled.or(convention.auc_of_one_class()) {
                Some(value) => Estimate::new(value, 1, convention_name("micro")),
                None => Estimate::undefined(1, convention_name("micro")),
            };
        }
        let values = self
            .classes()
            .into_iter()
            .zip(&self.support)
            .map(|(area, &support)| {
                let area = area.or(convention.auc_of_one_class());
                (
                    area,
                    if average == Average::Weighted {
                        support as f64
                    } else {
                        1.0
                    },
                )
            });
        let name = convention_name(if average == Average::Weighted {
            "weighted"
        } else {
            "macro"
        });
        mean(values, convention, name)
    }

    /// The average over pairs of classes, each pair asked both ways (Hand and Till, Machine Learning 45,
    /// 2001); `n` counts pairs. Weighted averages count a pair as often as its classes are true, as
    /// scikit-learn does; by its convention pairs with a class that is never true do not count at all. Pairs
    /// have no micro average: it is undefined.
    #[must_use]
    pub fn one_vs_one(&self, average: Average, convention: RankingConvention) -> Estimate {
        let k = self.support.len();
        let kind = match average {
            Average::Macro => "macro",
            Average::Weighted => "weighted",
            Average::Micro => return Estimate::undefined(0, "auc:ovo/micro"),
        };
        let name = convention.named(&format!("auc:ovo/{kind}"));
        let taken =
            |class: usize| self.support[class] > 0 || convention != RankingConvention::ScikitLearn;
        let pairs = (0..k).flat_map(|a| (a + 1..k).map(move |b| (a, b)));
        let pairs = pairs.filter(|&(a, b)| taken(a) && taken(b));
        let values = pairs.map(|(a, b)| {
            let (m, n) = (self.support[a], self.support[b]);
            let wins = self.wins[a * k + b] + self.wins[b * k + a];
            let area = share(wins, m, n).map(|both| 0.5 * both);
            let weight = if average == Average::Weighted {
                (m + n) as f64
            } else {
                1.0
            };
            (area.or(convention.auc_of_one_class()), weight)
        });
        mean(values, convention, name)
    }
}

pub(super) fn check_row(truth: u32, got: usize, classes: usize) -> Result<()> {
    if truth as usize >= classes {
        let (side, label) = ("truth", truth);
        return Err(Error::UnknownLabel {
            side,
            label,
            classes,
        });
    }
    match got == classes {
        true => Ok(()),
        false => Err(Error::Length {
            what: "a row of scores",
            got,
            against: "the classes declared",
            expected: classes,
        }),
    }
}

/// Half of a doubled number of wins, among all pairs.
fn share(wins: u128, m: u64, n: u64) -> Option<f64> {
    let pairs = u128::from(m) * u128::from(n);
    (pairs > 0).then(|| wins as f64 / (2 * pairs) as f64)
}

/// The weighted mean of what is defined.
pub(super) fn mean(
    values: impl Iterator<Item = (Option<f64>, f64)>,
    convention: RankingConvention,
    name: String,
) -> Estimate {
    let (mut sum, mut weights, mut defined, mut undefined) = (0.0, 0.0, 0, 0);
    let mut spoilt = false;
    for (value, weight) in values {
        match value {
            Some(value) => {
                sum += weight * value;
                weights += weight;
                defined += 1;
            }
            None => {
                undefined += 1;
                spoilt |= convention.spoils_averages(weight);
            }
        }
    }
    match weights > 0.0 && !spoilt {
        true => Estimate::new(sum / weights, defined, name),
        false => Estimate::undefined(defined, name),
    }
    .with_undefined(undefined)
}
