//! What a model is worth at each threshold of treatment.

use medviz::{Chart, Dash, Layer, Paint, Rule};
use serde::{Deserialize, Serialize};

use super::curve::{Curve, description, with_curves};
use super::curve_plot::Joined;
use super::{Plot, span};
use crate::error::{Error, Result};

/// Net benefit against the threshold probability, beside treating everyone and treating no one (Vickers &
/// Elkin 2006).
///
/// Treating everyone is worth `prevalence - (1 - prevalence) t / (1 - t)` at threshold `t`; it follows from
/// the prevalence and need not be given. What is far below zero is cut off.
///
/// ```
/// use medmetrics::plot::{Curve, DecisionPlot, Plot};
///
/// let model = Curve::new("model", vec![(0.05, 0.18), (0.2, 0.14), (0.4, 0.08), (0.6, 0.02)]);
/// let svg = DecisionPlot::new(vec![model], 0.2).to_svg()?;
/// assert!(svg.contains(">treat all</text>"));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionPlot {
    /// What stands above it.
    pub title: String,
    /// Net benefits over threshold probabilities from 0 to below 1.
    pub curves: Vec<Curve>,
    /// The share of cases with the disease.
    pub prevalence: f64,
}

impl DecisionPlot {
    /// A plot of these models under the usual title.
    #[must_use]
    pub fn new(curves: Vec<Curve>, prevalence: f64) -> Self {
        Self {
            title: "Decision curve".to_owned(),
            curves,
            prevalence,
        }
    }
}

impl Plot for DecisionPlot {
    /// The plot as a chart.
    ///
    /// # Errors
    /// Refuses numbers that are not finite, thresholds outside 0 to below 1, and a prevalence outside 0 to 1.
    fn chart(&self) -> Result<Chart> {
        let prevalence = self.prevalence;
        if !(0.0..=1.0).contains(&prevalence) {
            return Err(Error::InvalidParameter {
                parameter: "prevalence",
                rule: "from 0 to 1",
                value: prevalence,
            });
        }
        self.curves.iter().try_for_each(Curve::check)?;
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        if let Some((index, point)) =
            (points().enumerate()).find(|(_, p)| !(0.0..1.0).contains(&p.0))
        {
            return Err(Error::InvalidValue {
                what: "threshold probabilities",
                rule: "from 0 to below 1",
                index,
                value: point.0,
            });
        }
        let last = points().map(|p| p.0).fold(0.0, f64::max);
        let right = if last > 0.0 { last } else { 0.5 };
        let everyone = (0..=200).map(|i| {
            let t = right * f64::from(i) / 200.0;
            (t, prevalence - (1.0 - prevalence) * t / (1.0 - t))
        });
        let (_, best) = span(points().map(|p| p.1).chain([prevalence])).unwrap_or((0.0, 1.0));
        let best = if best > 0.0 { 1.1 * best } else { 0.1 };
        let chart = Chart::new(&self.title)
            .description(description(&self.curves, "net benefit"))
            .x_label("threshold probability")
            .y_label("net benefit")
            .size(680, 440)
            .x_range(0.0, right)
            .y_range(-0.25 * best, best);
        let chart = with_curves(chart, &self.curves, "net benefit", Joined::Straight);
        Ok(chart
            .layer(
                Layer::line(everyone)
                    .painted(Paint::Neutral)
                    .dash(Dash::Dashed)
                    .named("treat all"),
            )
            .layer(
                Layer::rule(Rule::Horizontal(0.0))
                    .dash(Dash::Dotted)
                    .width(2.0)
                    .named("treat none"),
            ))
    }

    fn title_mut(&mut self) -> &mut String {
        &mut self.title
    }
}
