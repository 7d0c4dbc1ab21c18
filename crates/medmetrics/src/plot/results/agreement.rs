//! Bland and Altman's plot of pairs.

use crate::agreement::{BlandAltman, Line, PairedMeasurements};
use crate::error::Result;
use crate::plot::{BlandAltmanPlot, Trend};

impl Trend {
    /// The line of a [`ProportionalBias`](crate::agreement::ProportionalBias); `None` where it is undefined.
    #[must_use]
    pub fn of_line(line: &Line) -> Option<Self> {
        Some(Self {
            intercept: line.intercept.value?,
            slope: line.slope.clone(),
        })
    }
}

impl BlandAltmanPlot {
    /// Pairs of measurements with their bias and limits of agreement, on the scale of the settings.
    ///
    /// ```
    /// use medmetrics::agreement::{BlandAltman, PairedMeasurements};
    /// use medmetrics::plot::{BlandAltmanPlot, Plot};
    ///
    /// let pairs = PairedMeasurements::new(&[512.0, 430.0, 520.0, 428.0], &[525.0, 415.0, 508.0, 444.0])?;
    /// let plot = BlandAltmanPlot::of_pairs(&BlandAltman::default(), &pairs)?.with_unit("ml");
    /// assert!(plot.to_svg()?.contains(">mean of both (ml)</text>"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`BlandAltman::of`].
    pub fn of_pairs(settings: &BlandAltman, pairs: &PairedMeasurements) -> Result<Self> {
        let estimate = settings.of(pairs)?;
        let points = settings.points(pairs)?.into_iter();
        let points = points.map(|(difference, mean)| (mean, difference));
        let limits = [estimate.lower, estimate.upper];
        Ok(Self {
            scale: settings.scale,
            ..Self::new(points.collect(), estimate.bias, limits)
        })
    }
}
