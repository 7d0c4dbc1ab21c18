//! Tables of bins of probabilities.

use super::{Column, Table};
use crate::calibration::CalibrationTable;
use crate::error::Result;
use crate::estimate::{Confidence, Estimate};
use crate::statistics::ProportionInterval;

impl CalibrationTable {
    /// One row a bin: its ends, the number of scores, their mean, and the share that came true with Wilson's
    /// interval of 95 %.
    ///
    /// # Errors
    /// As [`CalibrationTable::bins`].
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new(vec![
            Column::number("from", 3),
            Column::number("to", 3),
            Column::count("n"),
            Column::number("mean probability", 3),
            Column::estimate("observed", 3),
        ]);
        for bin in self.bins()? {
            let interval = bin.interval(ProportionInterval::default(), Confidence::default());
            let observed = match bin.observed {
                Some(share) => Estimate::new(share, bin.count, "observed share"),
                None => Estimate::undefined(0, "observed share"),
            };
            table.push(vec![
                bin.low.into(),
                bin.high.into(),
                bin.count.into(),
                bin.mean_probability.into(),
                observed.with_interval(interval).into(),
            ])?;
        }
        Ok(table)
    }
}
