//! Precision against recall.

use medviz::{Chart, Layer, Rule};
use serde::{Deserialize, Serialize};

use super::curve::{
    Curve, Joined, OperatingPoint, description, faint, with_curves, with_operating_points,
};
use super::{Plot, finite};
use crate::error::{Error, Result};

/// Precision against recall, with the prevalence that a guess reaches.
///
/// Curves are steps: the precision of a point holds from the recall before it, as the average precision
/// counts it. Joining points by straight lines would be too good (Davis & Goadrich 2006).
///
/// ```
/// use medmetrics::plot::{Curve, Plot, PrecisionRecallPlot};
///
/// let curve = Curve::new("model", vec![(0.0, 1.0), (0.5, 0.9), (0.8, 0.6), (1.0, 0.3)]);
/// let plot = PrecisionRecallPlot::new(vec![curve]).with_prevalence(0.2);
/// assert!(plot.to_svg()?.contains(">prevalence 0.200</text>"));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallPlot {
    /// What stands above it.
    pub title: String,
    /// Precisions (0 to 1) over recalls (0 to 1); their summaries are average precisions.
    pub curves: Vec<Curve>,
    /// Points at which one would work.
    pub operating_points: Vec<OperatingPoint>,
    /// The share of positives, drawn as a line.
    pub prevalence: Option<f64>,
    /// Values of F1 whose lines are drawn; none by default.
    pub iso_f1: Vec<f64>,
}

impl PrecisionRecallPlot {
    /// A plot of these curves under the usual title.
    #[must_use]
    pub fn new(curves: Vec<Curve>) -> Self {
        Self {
            title: "Precision and recall".to_owned(),
            curves,
            operating_points: Vec::new(),
            prevalence: None,
            iso_f1: Vec::new(),
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

    /// The same with a line at the share of positives.
    #[must_use]
    pub fn with_prevalence(self, prevalence: f64) -> Self {
        Self {
            prevalence: Some(prevalence),
            ..self
        }
    }

    /// The same with lines of equal F1, such as 0.2, 0.4, 0.6 and 0.8.
    #[must_use]
    pub fn with_iso_f1(self, iso_f1: Vec<f64>) -> Self {
        Self { iso_f1, ..self }
    }

    /// The plot as a chart.
    ///
    /// # Errors
    /// Refuses numbers that are not finite, and an F1 outside 0 to 1.
    pub fn chart(&self) -> Result<Chart> {
        self.curves.iter().try_for_each(Curve::check)?;
        finite("the prevalence", self.prevalence)?;
        let mut chart = Chart::new(&self.title)
            .description(description(&self.curves, "AP"))
            .x_label("recall (sensitivity)")
            .y_label("precision (positive predictive value)")
            .size(560, 520)
            .square()
            .x_range(0.0, 1.0)
            .y_range(0.0, 1.0);
        for (index, &f1) in self.iso_f1.iter().enumerate() {
            if !(f1 > 0.0 && f1 < 1.0) {
                return Err(Error::InvalidValue {
                    what: "values of F1",
                    rule: "between 0 and 1",
                    index,
                    value: f1,
                });
            }
            chart = chart.layer(iso_line(f1));
        }
        if let Some(prevalence) = self.prevalence {
            let note = format!("prevalence {prevalence:.3}");
            chart = chart.layer(Layer::rule(Rule::Horizontal(prevalence)).noted(note));
        }
        let chart = with_curves(chart, &self.curves, "AP", Joined::StepsBefore);
        with_operating_points(chart, &self.operating_points)
    }
}

/// Where `2 P R / (P + R)` has one value: `(2 P - F) (2 R - F) = F F`, from P = 1 to R = 1.
fn iso_line(f1: f64) -> Layer {
    let end = 2.0 - f1;
    let start = f1 * f1 / end;
    let points = (0..=40).map(|i| {
        let u = start * libm::pow(end / start, f64::from(i) / 40.0);
        ((u + f1) / 2.0, (f1 * f1 / u + f1) / 2.0)
    });
    faint(points).noted(format!("F1 = {f1}"))
}

impl Plot for PrecisionRecallPlot {
    fn to_svg(&self) -> Result<String> {
        Ok(self.chart()?.to_svg())
    }
}
