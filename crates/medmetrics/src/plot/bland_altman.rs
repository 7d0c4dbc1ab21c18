//! Differences of two measurements against their means.

use medviz::{Chart, Dash, Layer, Paint, Rule};
use serde::{Deserialize, Serialize};

use super::{Plot, decimals, finite, finite_estimate, in_words, padded, percent, span};
use crate::agreement::DifferenceScale;
use crate::error::Result;
use crate::estimate::Estimate;

/// Bland and Altman's plot: differences against means, with the bias, the limits of agreement and the
/// intervals of all three.
///
/// ```
/// use medmetrics::Estimate;
/// use medmetrics::plot::{BlandAltmanPlot, Plot};
///
/// let points = vec![(10.0, 0.5), (12.0, -0.2), (15.0, 0.9), (20.0, 0.1)];
/// let limits = [-0.7, 1.3].map(|limit| Estimate::new(limit, 4, "limit of agreement"));
/// let plot = BlandAltmanPlot::new(points, Estimate::new(0.3, 4, "bias"), limits).with_unit("ml");
/// assert!(plot.to_svg()?.contains(">difference (ml)</text>"));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlandAltmanPlot {
    /// What stands above it.
    pub title: String,
    /// Mean of the two measurements and their difference, one pair a case.
    pub points: Vec<(f64, f64)>,
    /// The mean difference.
    pub bias: Estimate,
    /// The lower and the upper limit of agreement.
    pub limits: [Estimate; 2],
    /// How the difference grows with the mean.
    pub trend: Option<Trend>,
    /// The unit of the measurements, such as `mm`; empty for none.
    pub unit: String,
    /// What was subtracted from what, such as `model - reader`; empty for none.
    pub difference: String,
    /// On which scale differences are; the unit is that of the means.
    #[serde(default)]
    pub scale: DifferenceScale,
}

/// A straight line of differences over means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// The difference at a mean of zero.
    pub intercept: f64,
    /// The rise of the difference for each unit of the mean: proportional bias unless its interval holds 0.
    pub slope: Estimate,
}

impl BlandAltmanPlot {
    /// A plot under the usual title: points of mean and difference, their bias, lower and upper limit.
    #[must_use]
    pub fn new(points: Vec<(f64, f64)>, bias: Estimate, limits: [Estimate; 2]) -> Self {
        Self {
            title: "Bland-Altman".to_owned(),
            points,
            bias,
            limits,
            trend: None,
            unit: String::new(),
            difference: String::new(),
            scale: DifferenceScale::default(),
        }
    }

    /// The same with the line of a proportional bias.
    #[must_use]
    pub fn with_trend(self, trend: impl Into<Option<Trend>>) -> Self {
        Self {
            trend: trend.into(),
            ..self
        }
    }

    /// The same with the unit of the measurements.
    #[must_use]
    pub fn with_unit(self, unit: impl Into<String>) -> Self {
        Self {
            unit: unit.into(),
            ..self
        }
    }

    /// The same with what was subtracted from what, such as `model - reader`.
    #[must_use]
    pub fn with_difference(self, difference: impl Into<String>) -> Self {
        Self {
            difference: difference.into(),
            ..self
        }
    }

    fn check(&self) -> Result<()> {
        let numbers = self.points.iter().flat_map(|p| [p.0, p.1]);
        finite("points (mean, difference in turn)", numbers)?;
        for estimate in [&self.bias, &self.limits[0], &self.limits[1]] {
            finite_estimate("bias and limits of agreement", estimate)?;
        }
        match &self.trend {
            Some(trend) => {
                finite("the intercept of the trend", [trend.intercept])?;
                finite_estimate("the slope of the trend", &trend.slope)
            }
            None => Ok(()),
        }
    }
}

const BIAS: Paint = Paint::Series(0);
const LIMIT: Paint = Paint::Series(1);
const TREND: Paint = Paint::Series(2);
const POINTS: Paint = Paint::Series(7);

impl Trend {
    fn layer(&self, digits: usize) -> Option<Layer> {
        let rule = Rule::Through {
            intercept: self.intercept,
            slope: self.slope.value?,
        };
        let name = in_words("trend, slope", &self.slope, digits.max(3));
        Some(Layer::rule(rule).painted(TREND).width(2.0).named(name))
    }
}

impl Plot for BlandAltmanPlot {
    /// The plot as a chart.
    ///
    /// # Errors
    /// Refuses numbers that are not finite.
    fn chart(&self) -> Result<Chart> {
        self.check()?;
        let [lower, upper] = &self.limits;
        let across = padded(
            span(self.points.iter().map(|p| p.0)).unwrap_or((0.0, 1.0)),
            0.05,
        );
        let estimates = [&self.bias, lower, upper];
        let ends = estimates.map(|e| e.interval.iter().flat_map(|i| [i.low, i.high]));
        let values = estimates.iter().filter_map(|e| e.value);
        let heights = (self.points.iter().map(|p| p.1))
            .chain(values)
            .chain(ends.into_iter().flatten());
        let up = span(heights.chain([0.0])).unwrap_or((0.0, 1.0));
        let digits = decimals(up.1 - up.0);
        let unit = match self.unit.as_str() {
            "" => String::new(),
            unit => format!(" ({unit})"),
        };
        let difference = match self.difference.as_str() {
            "" => "difference",
            difference => difference,
        };
        let (mean, scale) = match self.scale {
            DifferenceScale::Difference => ("mean", unit.as_str()),
            DifferenceScale::Percentage => ("mean", " (% of the mean)"),
            DifferenceScale::LogRatio => ("geometric mean", " (logarithm of the ratio)"),
        };
        let said = [
            in_words("bias", &self.bias, digits),
            in_words("lower limit", lower, digits),
            in_words("upper limit", upper, digits),
        ];
        let (low, high) = padded(up, 0.06);
        let mut chart = Chart::new(&self.title)
            .description(format!("{} cases: {}.", self.points.len(), said.join(", ")))
            .x_label(format!("{mean} of both{unit}"))
            .y_label(format!("{difference}{scale}"))
            .size(760, 460)
            .x_range(across.0, across.1)
            .y_range(low, high)
            .layer(Layer::rule(Rule::Horizontal(0.0)).dash(Dash::Dotted));
        for (estimate, paint) in [(&self.bias, BIAS), (lower, LIMIT), (upper, LIMIT)] {
            if let Some(i) = &estimate.interval {
                let band = [across.0, across.1].map(|x| (x, i.low, i.high));
                chart = chart.layer(Layer::band(band).painted(paint));
            }
        }
        let points = self.points.iter().copied();
        chart = chart.layer(Layer::points(points, 3.2).painted(POINTS).opacity(0.7));
        if let Some(line) = self.trend.as_ref().and_then(|trend| trend.layer(digits)) {
            chart = chart.layer(line);
        }
        let rules = [
            (&self.bias, BIAS, "bias"),
            (lower, LIMIT, "lower"),
            (upper, LIMIT, "upper"),
        ];
        for (estimate, paint, name) in rules {
            let Some(value) = estimate.value else {
                continue;
            };
            let layer = Layer::rule(Rule::Horizontal(value))
                .painted(paint)
                .width(2.0);
            let layer = layer.noted(format!("{name} {value:.digits$}"));
            chart = chart.layer(match name {
                "bias" => layer.dash(Dash::Solid).named("bias"),
                "lower" => layer.named("limits of agreement"),
                _ => layer,
            });
        }
        if let Some(i) = estimates.iter().find_map(|e| e.interval) {
            let name = format!("their {} intervals", percent(i.confidence));
            chart = chart.layer(Layer::band([]).painted(LIMIT).named(name));
        }
        Ok(chart)
    }

    fn title_mut(&mut self) -> &mut String {
        &mut self.title
    }
}
