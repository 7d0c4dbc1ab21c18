//! Reliability of tables of bins.

use crate::calibration::CalibrationTable;
use crate::error::Result;
use crate::estimate::Confidence;
use crate::plot::{ReliabilityBin, ReliabilityCurve, ReliabilityPlot};
use crate::statistics::ProportionInterval;

impl ReliabilityCurve {
    /// The bins of a table with Wilson's intervals of 95 %, and their expected error; scores must be
    /// independent of one another.
    ///
    /// # Errors
    /// As [`CalibrationTable::bins`].
    pub fn of_table(label: impl Into<String>, table: &CalibrationTable) -> Result<Self> {
        let bins = table.bins()?.into_iter().map(|bin| ReliabilityBin {
            range: (bin.low, bin.high),
            n: bin.count,
            mean: bin.mean_probability,
            frequency: bin.observed,
            interval: bin.interval(ProportionInterval::default(), Confidence::default()),
        });
        Ok(Self::new(label, bins.collect()).with_summary("ECE", table.expected_error()))
    }
}

impl ReliabilityPlot {
    /// The bins of tables with their intervals and expected errors: of several models, or before and after a
    /// recalibration.
    ///
    /// ```
    /// use medmetrics::calibration::{Binning, CalibrationTable};
    /// use medmetrics::plot::{Plot, ReliabilityPlot};
    ///
    /// let (scores, sick) = ([0.9, 0.8, 0.3, 0.1], [true, true, false, false]);
    /// let table = CalibrationTable::of(Binning::equal_width(2), &scores, &sick)?;
    /// let svg = ReliabilityPlot::of_tables([("model", &table)])?.to_svg()?;
    /// assert!(svg.contains(">model, ECE 0.175</text>"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`ReliabilityCurve::of_table`].
    pub fn of_tables<'a, L: Into<String>>(
        tables: impl IntoIterator<Item = (L, &'a CalibrationTable)>,
    ) -> Result<Self> {
        let curves = tables.into_iter();
        let curves: Result<_> =
            (curves.map(|(l, table)| ReliabilityCurve::of_table(l, table))).collect();
        Ok(Self::new(curves?))
    }
}
