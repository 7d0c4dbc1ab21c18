//! Free-response receiver operating characteristic.

use medviz::{Chart, Scale};
use serde::{Deserialize, Serialize};

use super::Plot;
use super::curve::{
    Band, Curve, Joined, OperatingPoint, description, with_curves, with_operating_points,
};
use crate::error::{Error, Result};

/// Sensitivity for lesions against false positives per scan, the latter on a scale of doublings.
///
/// Curves are steps: a sensitivity holds until the next false positives. Where a curve ends, no lower
/// threshold was seen, and nothing is drawn.
///
/// ```
/// use medmetrics::plot::{Curve, FrocPlot, Plot};
///
/// let curve = Curve::new("model", vec![(0.0, 0.2), (0.2, 0.5), (1.5, 0.8), (6.0, 0.9)]);
/// assert!(FrocPlot::new(vec![curve]).to_svg()?.contains(">1/8</text>"));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrocPlot {
    /// What stands above it.
    pub title: String,
    /// Sensitivities (0 to 1) over false positives per scan; their summaries are scores such as LUNA16's.
    pub curves: Vec<Curve>,
    /// Points at which one would work.
    pub operating_points: Vec<OperatingPoint>,
    /// The ends of the horizontal axis in false positives per scan, 1/8 and 8 by default.
    pub range: (f64, f64),
}

impl FrocPlot {
    /// A plot of these curves under the usual title.
    #[must_use]
    pub fn new(curves: Vec<Curve>) -> Self {
        Self {
            title: "Free-response ROC".to_owned(),
            curves,
            operating_points: Vec::new(),
            range: (0.125, 8.0),
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
    /// Refuses numbers that are not finite, and a range that does not lie above 0.
    pub fn chart(&self) -> Result<Chart> {
        self.curves.iter().try_for_each(Curve::check)?;
        let (low, high) = self.range;
        if !(low > 0.0 && high > low && high.is_finite()) {
            return Err(Error::InvalidParameter {
                parameter: "lower end of the range",
                rule: "above 0 and below the upper end",
                value: low,
            });
        }
        let chart = Chart::new(&self.title)
            .description(description(&self.curves, "score"))
            .x_label("false positives per scan")
            .y_label("sensitivity")
            .size(640, 440)
            .x_scale(Scale::Log2)
            .x_range(low, high)
            .y_range(0.0, 1.0);
        let curves: Vec<Curve> = self.curves.iter().map(|c| from_edge(c, low)).collect();
        let chart = with_curves(chart, &curves, "score", Joined::Steps);
        with_operating_points(chart, &self.operating_points)
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

impl Plot for FrocPlot {
    fn to_svg(&self) -> Result<String> {
        Ok(self.chart()?.to_svg())
    }
}
