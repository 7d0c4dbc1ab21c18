//! From all stacks to the one that answers a query.

use super::super::scan::{Scan, Series, Study};
use super::super::series::SeriesFault;
use super::super::stack::Stack;
use super::{Candidate, Preference, Reason, Rejection, SeriesQuery};

/// The stack that answers a query.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Selection<'a> {
    /// The stack.
    pub chosen: &'a Stack,
    /// Its series.
    pub series: &'a Series,
    /// Its study.
    pub study: &'a Study,
    /// What else was there, and why it was not chosen.
    pub rejected: Vec<Rejection>,
}

type Found<'a> = (&'a Study, &'a Series, &'a Stack);

fn candidate((study, series, stack): &Found<'_>) -> Candidate {
    Candidate::of(study, series, Some(stack))
}

/// Keeps those that are best by a preference.
fn best<'a>(
    preference: Preference,
    found: Vec<Found<'a>>,
    rejected: &mut Vec<Rejection>,
) -> Vec<Found<'a>> {
    let costs: Vec<Option<f64>> = { found.iter() }
        .map(|(_, series, stack)| preference.cost(series, stack))
        .collect();
    let Some(least) = costs.iter().flatten().copied().min_by(f64::total_cmp) else {
        return found;
    };
    let mut kept = Vec::new();
    for (one, cost) in found.into_iter().zip(costs) {
        // What differs by rounding is the same.
        if cost.is_some_and(|cost| cost - least <= 1e-3) {
            kept.push(one);
            continue;
        }
        rejected.push(Rejection {
            candidate: candidate(&one),
            reasons: vec![Reason::NotPreferred {
                preference,
                best: preference.shown(least),
                found: cost.map(|cost| preference.shown(cost)),
            }],
        });
    }
    kept
}

impl Scan {
    /// The one stack that answers a query, with the reasons against all others.
    ///
    /// ```no_run
    /// use medio::dicom::{self, SeriesQuery, ReadOptions};
    ///
    /// let query: SeriesQuery = serde_json::from_str(r#"{
    ///     "modality": "CT", "plane": "axial", "kernel": {"contains": "B30"},
    ///     "slice_thickness": {"at_most": 3.0}, "prefer": ["thinnest_slices"]
    /// }"#)?;
    /// let scan = dicom::scan("study")?;
    /// let selection = scan.select(&query)?;
    /// for rejection in &selection.rejected {
    ///     eprintln!("{rejection}");
    /// }
    /// let volume = selection.chosen.volume::<f32>(&ReadOptions::new())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Refuses scans of which no stack or several answer, naming what is there and what speaks against it.
    pub fn select(&self, query: &SeriesQuery) -> crate::Result<Selection<'_>> {
        let mut found = Vec::new();
        let mut rejected = Vec::new();
        for study in &self.studies {
            for series in &study.series {
                let stacks = series.stacks.iter().map(Some);
                let none = series.stacks.is_empty().then_some(None);
                for stack in stacks.chain(none) {
                    let reasons = query.against(study, series, stack);
                    match stack {
                        Some(stack) if reasons.is_empty() => found.push((study, series, stack)),
                        _ => rejected.push(Rejection {
                            candidate: Candidate::of(study, series, stack),
                            reasons,
                        }),
                    }
                }
            }
        }
        for preference in &query.prefer {
            if found.len() > 1 {
                found = best(*preference, found, &mut rejected);
            }
        }
        let fault = match found.as_slice() {
            [(study, series, stack)] => {
                return Ok(Selection {
                    chosen: stack,
                    series,
                    study,
                    rejected,
                });
            }
            [] => SeriesFault::NoneChosen { rejected },
            several => SeriesFault::Ambiguous {
                candidates: several.iter().map(candidate).collect(),
                rejected,
            },
        };
        Err(crate::Error::Series {
            uid: String::new(),
            fault: Box::new(fault),
        })
    }
}
