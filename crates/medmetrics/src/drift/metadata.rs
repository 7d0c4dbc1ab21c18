//! Acquisition metadata against a saved reference: scanner, kernel, kVp, spacing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::divergence::{Divergences, EmptyCells};
use super::reference::{NumericDrift, Reference, ReferenceSettings};
use super::thresholds::{DriftReason, DriftThresholds};
use crate::error::Result;

/// The values of one field over many cases; `None` where a case has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FieldValues {
    /// Words, such as scanners or kernels.
    Categories(Vec<Option<String>>),
    /// Numbers, such as kVp or spacing in mm.
    Numbers(Vec<Option<f64>>),
}

impl FieldValues {
    /// Words that every case has.
    pub fn categories<S: Into<String>>(values: impl IntoIterator<Item = S>) -> Self {
        Self::Categories(values.into_iter().map(|value| Some(value.into())).collect())
    }

    /// Numbers that every case has.
    pub fn numbers(values: impl IntoIterator<Item = f64>) -> Self {
        Self::Numbers(values.into_iter().map(Some).collect())
    }

    fn missing(&self) -> Missing {
        let (cases, missing) = match self {
            Self::Categories(values) => {
                (values.len(), values.iter().filter(|v| v.is_none()).count())
            }
            Self::Numbers(values) => (values.len(), values.iter().filter(|v| v.is_none()).count()),
        };
        Missing {
            cases: cases as u64,
            missing: missing as u64,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Missing {
    cases: u64,
    missing: u64,
}

impl Missing {
    fn share(self) -> f64 {
        if self.cases == 0 {
            0.0
        } else {
            self.missing as f64 / self.cases as f64
        }
    }
}

/// What is kept of the metadata of reference cases, to be saved beside a model.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use medmetrics::drift::{DriftThresholds, FieldValues, MetadataReference, ReferenceSettings};
///
/// let fields = |scanner: &str, kvp: f64| {
///     BTreeMap::from([
///         ("scanner".to_owned(), FieldValues::categories(vec![scanner; 40])),
///         ("kVp".to_owned(), FieldValues::numbers((0..40).map(|i| kvp + f64::from(i % 3)))),
///     ])
/// };
/// let reference = MetadataReference::of(&fields("A", 120.0), &ReferenceSettings::default())?;
/// let report = reference.compare(&fields("B", 120.0), &DriftThresholds::default())?;
/// let drifted: Vec<&str> = report.drifted().map(|field| field.field.as_str()).collect();
/// assert_eq!(drifted, ["scanner"]);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetadataReference {
    fields: BTreeMap<String, FieldReference>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct FieldReference {
    missing: Missing,
    values: Kept,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Categories(BTreeMap<String, u64>),
    /// `None` where all are missing.
    Numbers(Option<Box<Reference>>),
}

/// What was found about each field, in alphabetical order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftReport {
    /// One entry for each field of either side.
    pub fields: Vec<FieldDrift>,
    /// Which differences are called drift.
    pub thresholds: DriftThresholds,
}

/// What was found about one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldDrift {
    /// Its name.
    pub field: String,
    /// The measures, where both sides have values.
    pub measures: Option<FieldMeasures>,
    /// Why it is called drift; empty when it is not.
    pub reasons: Vec<DriftReason>,
}

/// How a field's current values differ from the reference's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FieldMeasures {
    /// Of words.
    Categories(Box<Divergences>),
    /// Of numbers.
    Numbers(Box<NumericDrift>),
}

impl DriftReport {
    /// The fields that drifted.
    pub fn drifted(&self) -> impl Iterator<Item = &FieldDrift> {
        self.fields.iter().filter(|field| !field.reasons.is_empty())
    }
}

impl MetadataReference {
    /// Keeps what is needed of fields by name.
    ///
    /// # Errors
    /// Refuses infinities and NaN, and what [`Reference::of`] refuses.
    pub fn of(
        fields: &BTreeMap<String, FieldValues>,
        settings: &ReferenceSettings,
    ) -> Result<Self> {
        let keep = |values: &FieldValues| -> Result<FieldReference> {
            let kept = match values {
                FieldValues::Categories(words) => Kept::Categories(count(words)),
                FieldValues::Numbers(numbers) => {
                    let present: Vec<f64> = numbers.iter().flatten().copied().collect();
                    let some = !present.is_empty();
                    let reference = some
                        .then(|| Reference::of(&present, settings))
                        .transpose()?;
                    Kept::Numbers(reference.map(Box::new))
                }
            };
            Ok(FieldReference {
                missing: values.missing(),
                values: kept,
            })
        };
        let kept = fields
            .iter()
            .map(|(name, values)| Ok((name.clone(), keep(values)?)));
        Ok(Self {
            fields: kept.collect::<Result<_>>()?,
        })
    }

    /// Compares the metadata of current cases, field by field.
    ///
    /// # Errors
    /// Refuses infinities and NaN.
    pub fn compare(
        &self,
        current: &BTreeMap<String, FieldValues>,
        thresholds: &DriftThresholds,
    ) -> Result<DriftReport> {
        let mut names: Vec<&String> = self.fields.keys().chain(current.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let fields = names.into_iter().map(|name| {
            let (measures, reasons) = match (self.fields.get(name), current.get(name)) {
                (Some(reference), Some(values)) => reference.compare(values, thresholds)?,
                (reference, _) => {
                    let side = if reference.is_some() {
                        "reference"
                    } else {
                        "current data"
                    };
                    (
                        None,
                        vec![DriftReason::FieldOnOneSide { side: side.into() }],
                    )
                }
            };
            Ok(FieldDrift {
                field: name.clone(),
                measures,
                reasons,
            })
        });
        Ok(DriftReport {
            fields: fields.collect::<Result<_>>()?,
            thresholds: *thresholds,
        })
    }
}

impl FieldReference {
    fn compare(
        &self,
        current: &FieldValues,
        thresholds: &DriftThresholds,
    ) -> Result<(Option<FieldMeasures>, Vec<DriftReason>)> {
        let mut reasons = Vec::new();
        let (from, to) = (self.missing.share(), current.missing().share());
        if thresholds
            .missing
            .is_some_and(|most| (to - from).abs() > most)
        {
            reasons.push(DriftReason::Missing { from, to });
        }
        let measures = match (&self.values, current) {
            (Kept::Categories(before), FieldValues::Categories(words)) => {
                categories(before, &count(words), thresholds, &mut reasons)?
            }
            (Kept::Numbers(reference), FieldValues::Numbers(values)) => {
                let present: Vec<f64> = values.iter().flatten().copied().collect();
                match reference {
                    Some(reference) if !present.is_empty() => {
                        let drift = reference.compare(&present)?;
                        reasons.extend(drift.reasons(reference, thresholds));
                        Some(FieldMeasures::Numbers(Box::new(drift)))
                    }
                    _ => None,
                }
            }
            _ => {
                reasons.push(DriftReason::OtherKind);
                None
            }
        };
        Ok((measures, reasons))
    }
}

impl NumericDrift {
    /// Why the difference from the reference is called drift; empty when it is not.
    #[must_use]
    pub fn reasons(&self, reference: &Reference, thresholds: &DriftThresholds) -> Vec<DriftReason> {
        if by_chance(self.distances.kolmogorov_smirnov.p, thresholds) {
            return Vec::new();
        }
        let mut reasons = of_shares(&self.divergences, thresholds);
        // What did not vary moves by any distance.
        let unmoved = self.distances.wasserstein == 0.0;
        let moved = self.distances.wasserstein_normed.unwrap_or(f64::INFINITY);
        if let Some(threshold) = thresholds
            .wasserstein_normed
            .filter(|&t| !unmoved && moved > t)
        {
            reasons.push(DriftReason::Moved {
                value: moved,
                threshold,
                from: reference.mean(),
                to: self.mean,
            });
        }
        reasons
    }
}

fn categories(
    before: &BTreeMap<String, u64>,
    now: &BTreeMap<String, u64>,
    thresholds: &DriftThresholds,
    reasons: &mut Vec<DriftReason>,
) -> Result<Option<FieldMeasures>> {
    if before.is_empty() || now.is_empty() {
        return Ok(None);
    }
    let total: u64 = now.values().sum();
    let unknown: Vec<(&String, &u64)> = now
        .iter()
        .filter(|(word, _)| !before.contains_key(*word))
        .collect();
    let share = unknown.iter().map(|(_, count)| **count).sum::<u64>() as f64 / total as f64;
    if thresholds
        .unknown_categories
        .is_some_and(|most| share > most)
    {
        reasons.push(DriftReason::UnknownCategories {
            categories: unknown.into_iter().map(|(word, _)| word.clone()).collect(),
            share,
        });
    }
    let mut words: Vec<&String> = before.keys().chain(now.keys()).collect();
    words.sort_unstable();
    words.dedup();
    let counts = |side: &BTreeMap<String, u64>| -> Vec<u64> {
        words
            .iter()
            .map(|word| side.get(*word).copied().unwrap_or(0))
            .collect()
    };
    let divergences = Divergences::between(&counts(before), &counts(now), EmptyCells::HalfCase)?;
    if !by_chance(divergences.chi_squared.p, thresholds) {
        reasons.extend(of_shares(&divergences, thresholds));
    }
    Ok(Some(FieldMeasures::Categories(Box::new(divergences))))
}

fn by_chance(p: Option<f64>, thresholds: &DriftThresholds) -> bool {
    match (p, thresholds.significance) {
        (Some(p), Some(significance)) => p > significance,
        _ => false,
    }
}

fn of_shares(divergences: &Divergences, thresholds: &DriftThresholds) -> Vec<DriftReason> {
    let over =
        |value: f64, threshold: Option<f64>| Some(value).zip(threshold).filter(|(v, t)| v > t);
    let index = over(divergences.stability_index, thresholds.stability_index)
        .map(|(value, threshold)| DriftReason::StabilityIndex { value, threshold });
    let variation = over(divergences.total_variation, thresholds.total_variation)
        .map(|(value, threshold)| DriftReason::TotalVariation { value, threshold });
    index.into_iter().chain(variation).collect()
}

fn count(words: &[Option<String>]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for word in words.iter().flatten() {
        *counts.entry(word.clone()).or_insert(0) += 1;
    }
    counts
}
