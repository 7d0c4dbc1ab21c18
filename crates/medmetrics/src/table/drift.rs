//! Tables of drift.

use super::{Column, Table};
use crate::drift::{DriftReport, FieldMeasures};
use crate::error::Result;

impl DriftReport {
    /// One row a field: its stability index, Wasserstein's distance in standard deviations of the
    /// reference, the p value of the test, and why it is called drift.
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// use medmetrics::drift::{DriftThresholds, FieldValues, MetadataReference, ReferenceSettings};
    ///
    /// let of = |scanner: &str| {
    ///     BTreeMap::from([("scanner".to_owned(), FieldValues::categories(vec![scanner; 40]))])
    /// };
    /// let reference = MetadataReference::of(&of("A"), &ReferenceSettings::default())?;
    /// let table = reference.compare(&of("B"), &DriftThresholds::default())?.table()?;
    /// assert!(table.to_csv().contains("100.0 % of cases have what the reference does not know: B"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses NaN, which no comparison of this crate makes.
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new(vec![
            Column::text("field"),
            Column::number("stability index", 3),
            Column::number("moved by (SD)", 2),
            Column::number("p", 4),
            Column::text("drift"),
        ]);
        for field in &self.fields {
            let (moved, p) = match &field.measures {
                Some(FieldMeasures::Numbers(drift)) => (
                    drift.distances.wasserstein_normed,
                    drift.distances.kolmogorov_smirnov.p,
                ),
                Some(FieldMeasures::Categories(divergences)) => (None, divergences.chi_squared.p),
                None => (None, None),
            };
            let reasons: Vec<String> = field.reasons.iter().map(ToString::to_string).collect();
            table.push(vec![
                field.field.as_str().into(),
                field.stability_index().value.into(),
                moved.into(),
                p.into(),
                (!reasons.is_empty()).then(|| reasons.join("; ")).into(),
            ])?;
        }
        Ok(table)
    }
}
