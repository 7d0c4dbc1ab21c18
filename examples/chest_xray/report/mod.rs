//! What a person reads of a run: first what matters, in words, then everything else.

mod document;
mod figures;
mod html;
mod markdown;
mod metrics;
mod sections;
mod summary;

use std::path::Path;

use anyhow::Result;
use medmetrics::Estimate;
use medmetrics::statistics::Bootstrap;
use medtrain::split::PartName;

use super::compare::Comparison;
use super::data::Collection;
use super::heat::Heat;
use super::judge::{Chosen, Judgement};
use super::learn::Learnt;
use super::network::{Network, Preparation};
use super::scored::Scored;
use super::shift::Shift;

/// One trained network with all that was found about it.
pub(crate) struct Candidate {
    pub(crate) network: Network,
    pub(crate) learnt: Learnt,
    pub(crate) validation: Scored,
    pub(crate) test: Scored,
    pub(crate) chosen: Chosen,
    pub(crate) judgement: Judgement,
}

/// Everything the report tells.
pub(crate) struct Findings<'a> {
    pub(crate) collection: &'a Collection,
    /// Patients and images of each part, and of these with the finding.
    pub(crate) parts: Vec<(PartName, [usize; 3])>,
    pub(crate) baseline: Estimate,
    pub(crate) candidates: Vec<Candidate>,
    /// The one that goes into the bundle.
    pub(crate) best: usize,
    pub(crate) comparison: Option<Comparison>,
    pub(crate) shift: Option<Shift>,
    pub(crate) heat: Heat,
    /// The same measure for a network that has learnt nothing.
    pub(crate) random_heat: Heat,
    pub(crate) openings: Vec<String>,
    pub(crate) bootstrap: Bootstrap,
    pub(crate) preparation: Preparation,
    pub(crate) seconds: f64,
}

impl Findings<'_> {
    pub(crate) fn best(&self) -> &Candidate {
        &self.candidates[self.best]
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        self.document()?.write(folder)
    }
}

/// `0.953 (0.921 to 0.974)`.
pub(crate) fn in_words(estimate: &Estimate, digits: usize) -> String {
    match (estimate.value, &estimate.interval) {
        (None, _) => "undefined".to_owned(),
        (Some(value), None) => format!("{value:.digits$}"),
        (Some(value), Some(i)) => format!(
            "{value:.digits$} ({:.digits$} to {:.digits$})",
            i.low, i.high
        ),
    }
}

/// `p = 0.031`.
pub(crate) fn probability_in_words(p: Option<f64>) -> String {
    match p {
        None => "p undefined".to_owned(),
        Some(p) if p < 0.001 => "p < 0.001".to_owned(),
        Some(p) => format!("p = {p:.3}"),
    }
}

/// `95.3 %`.
pub(crate) fn percent(value: f64) -> String {
    format!("{:.1} %", 100.0 * value)
}
