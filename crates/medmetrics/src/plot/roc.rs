//! Receiver operating characteristic.

use medviz::{Chart, Layer, Rule};
use serde::{Deserialize, Serialize};

use super::curve_plot::{CurveAxes, CurvePlot, Joined};
use crate::error::Result;

/// Sensitivity against the share of false alarms, with the diagonal of a guess.
///
/// Points are joined by straight lines: that is what the area under the curve counts where scores are tied.
/// Summaries of curves are areas.
///
/// ```
/// use medmetrics::plot::{Curve, CurvePoint, Plot, RocPlot};
///
/// let curve = Curve::new("model", vec![(0.0, 0.0), (0.1, 0.7), (0.3, 0.9), (1.0, 1.0)]);
/// let plot = RocPlot::new(vec![curve])
///     .with_operating_points(vec![CurvePoint::new("threshold 0.4", 0.1, 0.7)]);
/// assert!(plot.to_svg()?.contains(">threshold 0.4</text>"));
/// # Ok::<(), medmetrics::Error>(())
/// ```
pub type RocPlot = CurvePlot<RocAxes>;

/// Sensitivities (0 to 1) over false positive rates (0 to 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RocAxes {}

impl CurveAxes for RocAxes {
    const TITLE: &'static str = "Receiver operating characteristic";
    const SUMMARY: &'static str = "AUC";
    const JOINED: Joined = Joined::Straight;

    fn on(&self, chart: Chart) -> Result<Chart> {
        Ok(chart
            .x_label("false positive rate (1 - specificity)")
            .y_label("true positive rate (sensitivity)")
            .size(520, 520)
            .square()
            .x_range(0.0, 1.0)
            .y_range(0.0, 1.0)
            .layer(Layer::rule(Rule::diagonal())))
    }
}
