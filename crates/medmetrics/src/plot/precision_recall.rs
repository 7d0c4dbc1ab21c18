//! Precision against recall.

use medviz::{Chart, Layer, Rule};
use serde::{Deserialize, Serialize};

use super::curve::faint;
use super::curve_plot::{CurveAxes, CurvePlot, Joined};
use super::finite;
use crate::error::{Error, Result};

/// Precision against recall, with the prevalence that a guess reaches.
///
/// Curves are steps: the precision of a point holds from the recall before it, as the average precision
/// counts it. Joining points by straight lines would be too good (Davis & Goadrich 2006). Summaries of curves
/// are average precisions.
///
/// ```
/// use medmetrics::plot::{Curve, Plot, PrecisionRecallPlot};
///
/// let curve = Curve::new("model", vec![(0.0, 1.0), (0.5, 0.9), (0.8, 0.6), (1.0, 0.3)]);
/// let plot = PrecisionRecallPlot::new(vec![curve]).with_prevalence(0.2);
/// assert!(plot.to_svg()?.contains(">prevalence 0.200</text>"));
/// # Ok::<(), medmetrics::Error>(())
/// ```
pub type PrecisionRecallPlot = CurvePlot<PrecisionRecallAxes>;

/// Precisions (0 to 1) over recalls (0 to 1).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PrecisionRecallAxes {
    /// The share of positives, drawn as a line.
    pub prevalence: Option<f64>,
    /// Values of F1 whose lines are drawn; none by default.
    pub iso_f1: Vec<f64>,
}

impl PrecisionRecallPlot {
    /// The same with a line at the share of positives.
    #[must_use]
    pub fn with_prevalence(mut self, prevalence: impl Into<Option<f64>>) -> Self {
        self.axes.prevalence = prevalence.into();
        self
    }

    /// The same with lines of equal F1, such as 0.2, 0.4, 0.6 and 0.8.
    #[must_use]
    pub fn with_iso_f1(mut self, iso_f1: Vec<f64>) -> Self {
        self.axes.iso_f1 = iso_f1;
        self
    }
}

impl CurveAxes for PrecisionRecallAxes {
    const TITLE: &'static str = "Precision and recall";
    const SUMMARY: &'static str = "AP";
    const JOINED: Joined = Joined::StepsBefore;

    /// The axes with the lines of the prevalence and of equal F1.
    ///
    /// # Errors
    /// Refuses a prevalence that is not finite, and an F1 outside 0 to 1.
    fn on(&self, chart: Chart) -> Result<Chart> {
        finite("the prevalence", self.prevalence)?;
        let mut chart = chart
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
        Ok(chart)
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
