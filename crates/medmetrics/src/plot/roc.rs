//! Receiver operating characteristic.

use medviz::{Chart, Layer, Rule};
use serde::{Deserialize, Serialize};

use super::Plot;
use super::curve::{
    Curve, Joined, OperatingPoint, description, with_curves, with_operating_points,
};
use crate::error::Result;

/// Sensitivity against the share of false alarms, with the diagonal of a guess.
///
/// Points are joined by straight lines: that is what the area under the curve counts where scores are tied.
///
/// ```
/// use medmetrics::plot::{Curve, OperatingPoint, Plot, RocPlot};
///
/// let curve = Curve::new("model", vec![(0.0, 0.0), (0.1, 0.7), (0.3, 0.9), (1.0, 1.0)]);
/// let plot = RocPlot::new(vec![curve])
///     .with_operating_points(vec![OperatingPoint::new("threshold 0.4", 0.1, 0.7)]);
/// assert!(plot.to_svg()?.contains(">threshold 0.4</text>"));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RocPlot {
    /// What stands above it.
    pub title: String,
    /// Sensitivities (0 to 1) over false positive rates (0 to 1); their summaries are areas.
    pub curves: Vec<Curve>,
    /// Points at which one would work.
    pub operating_points: Vec<OperatingPoint>,
}

impl RocPlot {
    /// A plot of these curves under the usual title.
    #[must_use]
    pub fn new(curves: Vec<Curve>) -> Self {
        Self {
            title: "Receiver operating characteristic".to_owned(),
            curves,
            operating_points: Vec::new(),
        }
    }

    /// The same under another title.
    #[must_use]
    pub fn with_title(self, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..self
        }
    }

    /// The same with points at which one would work.
    #[must_use]
    pub fn with_operating_points(self, operating_points: Vec<OperatingPoint>) -> Self {
        Self {
            operating_points,
            ..self
        }
    }

    /// The plot as a chart.
    ///
    /// # Errors
    /// Refuses numbers that are not finite.
    pub fn chart(&self) -> Result<Chart> {
        self.curves.iter().try_for_each(Curve::check)?;
        let chart = Chart::new(&self.title)
            .description(description(&self.curves, "AUC"))
            .x_label("false positive rate (1 - specificity)")
            .y_label("true positive rate (sensitivity)")
            .size(520, 520)
            .square()
            .x_range(0.0, 1.0)
            .y_range(0.0, 1.0)
            .layer(Layer::rule(Rule::diagonal()));
        let chart = with_curves(chart, &self.curves, "AUC", Joined::Straight);
        with_operating_points(chart, &self.operating_points)
    }
}

impl Plot for RocPlot {
    fn to_svg(&self) -> Result<String> {
        Ok(self.chart()?.to_svg())
    }
}
