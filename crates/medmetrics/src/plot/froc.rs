//! Free-response receiver operating characteristic.

use medviz::{Chart, Scale};
use serde::{Deserialize, Serialize};

use super::curve::{Band, Curve};
use super::curve_plot::{CurveAxes, CurvePlot, Joined};
use crate::error::{Error, Result};

/// Sensitivity for lesions against false positives per scan, the latter on a scale of doublings.
///
/// Curves are steps: a sensitivity holds until the next false positives. Where a curve ends, no lower
/// threshold was seen, and nothing is drawn. Summaries of curves are scores such as LUNA16's.
///
/// ```
/// use medmetrics::plot::{Curve, FrocPlot, Plot};
///
/// let curve = Curve::new("model", vec![(0.0, 0.2), (0.2, 0.5), (1.5, 0.8), (6.0, 0.9)]);
/// assert!(FrocPlot::new(vec![curve]).to_svg()?.contains(">1/8</text>"));
/// # Ok::<(), medmetrics::Error>(())
/// ```
pub type FrocPlot = CurvePlot<FrocAxes>;

/// Sensitivities (0 to 1) over false positives per scan.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FrocAxes {
    /// The ends of the horizontal axis in false positives per scan, 1/8 and 8 by default.
    pub range: (f64, f64),
}

impl Default for FrocAxes {
    fn default() -> Self {
        Self {
            range: (0.125, 8.0),
        }
    }
}

impl FrocPlot {
    /// The same with other ends of the horizontal axis, in false positives per scan.
    #[must_use]
    pub fn with_range(mut self, range: (f64, f64)) -> Self {
        self.axes.range = range;
        self
    }
}

impl CurveAxes for FrocAxes {
    const TITLE: &'static str = "Free-response ROC";
    const SUMMARY: &'static str = "score";
    const JOINED: Joined = Joined::Steps;

    /// The axes, the horizontal one in doublings.
    ///
    /// # Errors
    /// Refuses a range that does not lie above 0.
    fn on(&self, chart: Chart) -> Result<Chart> {
        let (low, high) = self.range;
        if !(low > 0.0 && high > low && high.is_finite()) {
            return Err(Error::InvalidParameter {
                parameter: "lower end of the range",
                rule: "above 0 and below the upper end",
                value: low,
            });
        }
        Ok(chart
            .x_label("false positives per scan")
            .y_label("sensitivity")
            .size(640, 440)
            .x_scale(Scale::Log2)
            .x_range(low, high)
            .y_range(0.0, 1.0))
    }

    fn part(&self, curve: &Curve) -> Curve {
        from_edge(curve, self.range.0)
    }
}

/// The same curve from the left edge on: what lies left of it has no place on a logarithmic axis.
fn from_edge(curve: &Curve, low: f64) -> Curve {
    let points = &curve.points;
    let inside = points.iter().filter(|p| p.0 > low).copied();
    let edge = points.iter().rfind(|p| p.0 <= low).map(|p| (low, p.1));
    let band = curve.band.as_ref().map(|band| {
        let edge = (band.points.iter().rfind(|p| p.x <= low)).map(|p| {
            let mut point = *p;
            point.x = low;
            point
        });
        let inside = band.points.iter().filter(|p| p.x > low).copied();
        Band {
            points: edge.into_iter().chain(inside).collect(),
            confidence: band.confidence,
        }
    });
    Curve {
        points: edge.into_iter().chain(inside).collect(),
        band,
        ..curve.clone()
    }
}
