//! One number for several classes, with each library's treatment of classes that do not occur.

use serde::{Deserialize, Serialize};

use super::confusion::ConfusionMatrix;
use super::counts::BinaryCounts;
use super::measure::BinaryMeasure;
use crate::estimate::Estimate;

/// How values of several classes become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AveragingRule {
    /// What is averaged.
    pub average: Average,
    /// Which classes take part.
    pub absent: AbsentClasses,
    /// What 0 / 0 counts as.
    pub zero_division: ZeroDivision,
}

/// What is averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Average {
    /// The classes' values, all alike.
    #[default]
    Macro,
    /// The value of the classes' pooled counts.
    Micro,
    /// The classes' values, by how often each class is true.
    Weighted,
}

/// Which classes take part in an average.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AbsentClasses {
    /// All classes that were declared.
    #[default]
    Counted,
    /// Only classes that occur in the truth or among the decisions.
    LeftOut,
}

/// What 0 / 0 counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ZeroDivision {
    /// Nothing: the class is left out and counted as undefined (`zero_division=nan` of scikit-learn).
    #[default]
    Undefined,
    /// 0, what scikit-learn and torchmetrics do unless told otherwise.
    Zero,
    /// 1.
    One,
}

impl ZeroDivision {
    /// The value, or what stands for it.
    #[must_use]
    pub fn resolve(self, value: Option<f64>) -> Option<f64> {
        value.or(match self {
            Self::Undefined => None,
            Self::Zero => Some(0.0),
            Self::One => Some(1.0),
        })
    }
}

impl AveragingRule {
    /// Macro average of scikit-learn when it finds the labels itself.
    pub const SCIKIT_LEARN: Self = Self {
        average: Average::Macro,
        absent: AbsentClasses::LeftOut,
        zero_division: ZeroDivision::Zero,
    };
    /// Macro average of scikit-learn when it is told the labels (`labels=`), and for several labels a case.
    pub const SCIKIT_LEARN_LABELS: Self = Self {
        absent: AbsentClasses::Counted,
        ..Self::SCIKIT_LEARN
    };
    /// Macro average of torchmetrics' multi-class metrics.
    pub const TORCHMETRICS: Self = Self::SCIKIT_LEARN;
    /// Macro average of torchmetrics' multi-label metrics.
    pub const TORCHMETRICS_MULTILABEL: Self = Self::SCIKIT_LEARN_LABELS;

    /// The same with another average.
    #[must_use]
    pub const fn with_average(self, average: Average) -> Self {
        Self { average, ..self }
    }

    /// The same with another value for 0 / 0.
    #[must_use]
    pub const fn with_zero_division(self, zero_division: ZeroDivision) -> Self {
        Self {
            zero_division,
            ..self
        }
    }

    fn name(&self) -> String {
        let average = match self.average {
            Average::Macro => "macro",
            Average::Micro => "micro",
            Average::Weighted => "weighted",
        };
        let absent = match (self.average, self.absent) {
            (Average::Macro, AbsentClasses::LeftOut) => "/present",
            _ => "",
        };
        let division = match self.zero_division {
            ZeroDivision::Undefined => "",
            ZeroDivision::Zero => "/0-for-0:0",
            ZeroDivision::One => "/1-for-0:0",
        };
        format!("{average}{absent}{division}")
    }

    /// The average of a measure over classes.
    #[must_use]
    pub fn of(&self, measure: BinaryMeasure, classes: &[BinaryCounts]) -> Estimate {
        let convention = format!("{}:{}", measure.name(), self.name());
        if self.average == Average::Micro {
            let pooled: BinaryCounts = classes.iter().copied().sum();
            let value = self.zero_division.resolve(pooled.measure(measure));
            return estimate(value, 1, 0, convention);
        }
        let occurs = |c: &BinaryCounts| c.positives() > 0 || c.false_positive > 0;
        let taken = classes
            .iter()
            .filter(|class| self.absent == AbsentClasses::Counted || occurs(class));
        let (mut sum, mut weights, mut defined, mut undefined) = (0.0, 0.0, 0, 0);
        for class in taken {
            match self.zero_division.resolve(class.measure(measure)) {
                None => undefined += 1,
                Some(value) => {
                    let weight = match self.average {
                        Average::Weighted => class.positives() as f64,
                        _ => 1.0,
                    };
                    if weight > 0.0 {
                        sum += weight * value;
                    }
                    weights += weight;
                    defined += 1;
                }
            }
        }
        let mean = (weights > 0.0).then(|| sum / weights);
        estimate(
            self.zero_division.resolve(mean),
            defined,
            undefined,
            convention,
        )
    }
}

fn estimate(value: Option<f64>, n: u64, undefined: u64, convention: String) -> Estimate {
    match value {
        Some(value) => Estimate::new(value, n, convention),
        None => Estimate::undefined(n, convention),
    }
    .with_undefined(undefined)
}

impl ConfusionMatrix {
    /// The average of a measure over the classes, each against all others; `n` counts classes.
    #[must_use]
    pub fn average(&self, measure: BinaryMeasure, rule: &AveragingRule) -> Estimate {
        rule.of(measure, &self.one_vs_rest())
    }
}
