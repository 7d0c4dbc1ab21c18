//! What images are to be recognised as.

use std::collections::HashMap;

use mednn::candle_core::{Device, Tensor};

use crate::error::{Error, Result};
use crate::split::CaseRecord;

/// How far the shares of the classes may be from 1 together.
const SUM: f32 = 1e-3;

/// What each case is to be recognised as, by its name.
///
/// Targets stay outside caches, which know files alone: a corrected table of labels is heard at once.
///
/// ```
/// use medtrain::ClassTargets;
///
/// let targets = ClassTargets::single(2, [("a".to_owned(), 0), ("b".to_owned(), 1)])?;
/// assert_eq!(targets.shares("b"), Some(vec![0.0, 1.0]));
/// assert!(ClassTargets::single(2, [("a".to_owned(), 2)]).is_err());
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ClassTargets {
    classes: usize,
    /// Every case is of one class, and its number is enough.
    numbers: bool,
    of: HashMap<String, Target>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    Class(u32),
    Shares(Vec<f32>),
}

impl Target {
    /// The share of each of so many classes.
    pub(super) fn shares(&self, classes: usize) -> Vec<f32> {
        match self {
            Self::Class(own) => (0..classes)
                .map(|class| f32::from(u8::from(class == *own as usize)))
                .collect(),
            Self::Shares(shares) => shares.clone(),
        }
    }
}

impl ClassTargets {
    /// One class for each case, counted from zero: targets are `[batch]`, `u32`, and with mixing `[batch, classes]`.
    ///
    /// # Errors
    /// Refuses a class beyond the last, and a case that is there twice.
    pub fn single(classes: usize, cases: impl IntoIterator<Item = (String, u32)>) -> Result<Self> {
        let targets = cases.into_iter().map(|(case, class)| {
            if (class as usize) < classes {
                return Ok((case, Target::Class(class)));
            }
            Err(Error::InvalidTarget {
                case,
                rule: "be a class of those there are",
                found: format!("{class} of {classes}"),
            })
        });
        Self::of(classes, true, targets)
    }

    /// The class that the record of each case has, as [`ClassTargets::single`].
    ///
    /// # Errors
    /// Refuses a case without class, too.
    pub fn of_records<'a>(
        classes: usize,
        records: impl IntoIterator<Item = &'a CaseRecord>,
    ) -> Result<Self> {
        let cases = records.into_iter().map(|record| {
            let class = record.class.ok_or_else(|| Error::Unnamed {
                case: record.id.clone(),
                what: "class",
            })?;
            Ok((record.id.clone(), class))
        });
        Self::single(classes, cases.collect::<Result<Vec<_>>>()?)
    }

    /// For each case and finding 0, 1 or anything between, where findings do not exclude each other: targets are
    /// `[batch, findings]`.
    ///
    /// # Errors
    /// Refuses another number of findings, a value outside 0 to 1, and a case that is there twice.
    pub fn findings(
        findings: usize,
        cases: impl IntoIterator<Item = (String, Vec<f32>)>,
    ) -> Result<Self> {
        let checked = |case, values| {
            checked(
                case,
                values,
                findings,
                "be a value from 0 to 1 for each finding",
                |_| true,
            )
        };
        let targets = cases
            .into_iter()
            .map(|(case, values)| checked(case, values));
        Self::of(findings, false, targets)
    }

    /// For each case the share of each class, which sum to 1: targets are `[batch, classes]`.
    ///
    /// # Errors
    /// Refuses another number of classes, shares that are none or do not sum to 1 within a thousandth, and a case that is
    /// there twice.
    pub fn soft(
        classes: usize,
        cases: impl IntoIterator<Item = (String, Vec<f32>)>,
    ) -> Result<Self> {
        let rule = "be a share of each class, 1 together";
        let whole = |values: &[f32]| (values.iter().sum::<f32>() - 1.0).abs() <= SUM;
        let targets = cases
            .into_iter()
            .map(|(case, values)| checked(case, values, classes, rule, whole));
        Self::of(classes, false, targets)
    }

    fn of(
        classes: usize,
        numbers: bool,
        targets: impl Iterator<Item = Result<(String, Target)>>,
    ) -> Result<Self> {
        if classes == 0 {
            return Err(Error::Nothing { what: "classes" });
        }
        let mut of = HashMap::new();
        for target in targets {
            let (case, target) = target?;
            if of.insert(case.clone(), target).is_some() {
                return Err(Error::SameName { case });
            }
        }
        Ok(Self {
            classes,
            numbers,
            of,
        })
    }

    /// Number of classes or findings.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The share of each class in a case; `None` for a case that is not there.
    #[must_use]
    pub fn shares(&self, case: &str) -> Option<Vec<f32>> {
        Some(self.of.get(case)?.shares(self.classes))
    }

    /// How many of these cases each class has, for [`class_weights`](crate::sampler::class_weights); of shares their sum.
    ///
    /// # Errors
    /// Refuses a case without target.
    pub fn counts<'a>(
        &self,
        records: impl IntoIterator<Item = &'a CaseRecord>,
    ) -> Result<Vec<f64>> {
        let mut counts = vec![0.0; self.classes];
        for record in records {
            let shares = self.get(&record.id)?.shares(self.classes);
            for (count, share) in counts.iter_mut().zip(shares) {
                *count += f64::from(share);
            }
        }
        Ok(counts)
    }

    /// The targets of cases in their order.
    pub(super) fn of_cases<'a>(
        &self,
        records: impl Iterator<Item = &'a CaseRecord>,
    ) -> Result<CaseTargets> {
        let targets = records.map(|record| self.get(&record.id).cloned());
        Ok(CaseTargets {
            classes: self.classes,
            numbers: self.numbers,
            targets: targets.collect::<Result<_>>()?,
        })
    }

    fn get(&self, case: &str) -> Result<&Target> {
        self.of.get(case).ok_or_else(|| Error::Unnamed {
            case: case.to_owned(),
            what: "target",
        })
    }
}

fn checked(
    case: String,
    values: Vec<f32>,
    count: usize,
    rule: &'static str,
    whole: impl Fn(&[f32]) -> bool,
) -> Result<(String, Target)> {
    let inside = values.iter().all(|value| (0.0..=1.0).contains(value));
    if values.len() == count && inside && whole(&values) {
        return Ok((case, Target::Shares(values)));
    }
    let found = format!("{values:?}");
    Err(Error::InvalidTarget { case, rule, found })
}

/// The targets of the cases of a source, by their places.
#[derive(Debug)]
pub(super) struct CaseTargets {
    classes: usize,
    numbers: bool,
    targets: Vec<Target>,
}

impl CaseTargets {
    /// Cases of which nothing is known.
    pub(super) fn none(cases: usize) -> Self {
        Self {
            classes: 0,
            numbers: false,
            targets: vec![Target::Shares(Vec::new()); cases],
        }
    }

    pub(super) fn shares(&self, place: usize) -> Vec<f32> {
        self.targets[place].shares(self.classes)
    }

    /// Targets of some cases: `[batch]` where a number is enough, else `[batch, classes]`.
    pub(super) fn stack(&self, places: impl Iterator<Item = usize>) -> Result<Tensor> {
        if !self.numbers {
            let shares = places.map(|place| self.shares(place));
            return self.stack_shares(shares.collect());
        }
        let numbers = places.filter_map(|place| match &self.targets[place] {
            Target::Class(class) => Some(*class),
            Target::Shares(_) => None,
        });
        let numbers: Vec<u32> = numbers.collect();
        let count = numbers.len();
        Ok(Tensor::from_vec(numbers, count, &Device::Cpu)?)
    }

    /// Shares of some samples, `[batch, classes]`.
    pub(super) fn stack_shares(&self, shares: Vec<Vec<f32>>) -> Result<Tensor> {
        let shape = (shares.len(), self.classes);
        Ok(Tensor::from_vec(shares.concat(), shape, &Device::Cpu)?)
    }
}
