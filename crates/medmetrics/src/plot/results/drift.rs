//! Drift of the fields of a report.

use crate::drift::{DriftReport, FieldDrift, FieldMeasures};
use crate::estimate::Estimate;
use crate::plot::{DriftBar, DriftLine, DriftPlot, Verdict};

impl FieldDrift {
    /// The stability index of the field; undefined where one side has no values, or values of another kind.
    pub(crate) fn stability_index(&self) -> Estimate {
        let divergences = self.measures.as_ref().map(|measures| match measures {
            FieldMeasures::Categories(divergences) => divergences.as_ref(),
            FieldMeasures::Numbers(drift) => &drift.divergences,
        });
        match divergences {
            Some(d) => Estimate::new(d.stability_index, d.chi_squared.n, "psi"),
            None => Estimate::undefined(0, "psi"),
        }
    }
}

impl DriftPlot {
    /// The stability index of each field with the threshold of the report; the fields that drifted first, and
    /// of those the largest.
    ///
    /// Bars have the colour of the report's verdict, not of the threshold alone: a difference may be chance,
    /// and a field may drift by values that the reference does not know.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use medmetrics::drift::{DriftThresholds, FieldValues, MetadataReference, ReferenceSettings};
    /// use medmetrics::plot::{DriftPlot, Plot};
    ///
    /// let of = |kvp: f64| {
    ///     let values = FieldValues::numbers((0..40).map(|i| kvp + f64::from(i % 9)));
    ///     BTreeMap::from([("kVp".to_owned(), values)])
    /// };
    /// let reference = MetadataReference::of(&of(120.0), &ReferenceSettings::default())?;
    /// let report = reference.compare(&of(130.0), &DriftThresholds::default())?;
    /// assert!(DriftPlot::of_report(&report).to_svg()?.contains(">drifted</text>"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    #[must_use]
    pub fn of_report(report: &DriftReport) -> Self {
        let bar = |field: &FieldDrift| {
            let verdict = match field.reasons.is_empty() {
                true => Verdict::Unremarkable,
                false => Verdict::Drifted,
            };
            DriftBar::new(&field.field, field.stability_index()).with_verdict(verdict)
        };
        let mut bars: Vec<DriftBar> = report.fields.iter().map(bar).collect();
        let size = |bar: &DriftBar| bar.estimate.value.unwrap_or(f64::INFINITY);
        bars.sort_by(|a, b| {
            let drifted = |bar: &DriftBar| bar.verdict == Verdict::Drifted;
            (drifted(b).cmp(&drifted(a))).then_with(|| size(b).total_cmp(&size(a)))
        });
        let threshold = report.thresholds.stability_index;
        let threshold = threshold.map(|value| DriftLine::new("threshold", value));
        Self::new("population stability index", bars)
            .with_thresholds(threshold.into_iter().collect())
    }
}
