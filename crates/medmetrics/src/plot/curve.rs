//! What plots of curves share: curves, bands around them, points on them.

use medviz::{Chart, Dash, Layer, Note, Paint, Side, Whisker};
use serde::{Deserialize, Serialize};

use super::curve_plot::Joined;
use super::{finite, finite_estimate, in_words, percent};
use crate::error::Result;
use crate::estimate::{Confidence, Estimate, Interval};

/// A curve of a plot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Whose curve it is.
    pub label: String,
    /// Its points from left to right, in the units of the plot's axes.
    pub points: Vec<(f64, f64)>,
    /// Intervals around it.
    pub band: Option<Band>,
    /// The number that sums it up, such as the area under it; written beside its label.
    pub summary: Option<Estimate>,
}

impl Curve {
    /// A curve without band and summary.
    #[must_use]
    pub fn new(label: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self {
            label: label.into(),
            points,
            band: None,
            summary: None,
        }
    }

    /// The same with intervals around it.
    #[must_use]
    pub fn with_band(self, band: impl Into<Option<Band>>) -> Self {
        Self {
            band: band.into(),
            ..self
        }
    }

    /// The same with the number that sums it up.
    #[must_use]
    pub fn with_summary(self, summary: impl Into<Option<Estimate>>) -> Self {
        Self {
            summary: summary.into(),
            ..self
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        finite(
            "points of a curve (x, y in turn)",
            self.points.iter().flat_map(|p| [p.0, p.1]),
        )?;
        if let Some(band) = &self.band {
            let numbers = band.points.iter().flat_map(|p| [p.x, p.low, p.high]);
            finite("points of a band (x, low, high in turn)", numbers)?;
        }
        match &self.summary {
            Some(summary) => finite_estimate("the summary of a curve", summary),
            None => Ok(()),
        }
    }

    /// The entry in the legend.
    pub(super) fn name(&self, summary: &str) -> String {
        match &self.summary {
            Some(estimate) => format!("{}, {}", self.label, in_words(summary, estimate, 3)),
            None => self.label.clone(),
        }
    }
}

/// Intervals around a curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Its ends from left to right.
    pub points: Vec<BandPoint>,
    /// How often an interval holds the true value.
    pub confidence: Confidence,
}

/// The interval at one place of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BandPoint {
    /// The place.
    pub x: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A point of a curve at which one would work, with the intervals of both of its numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// What stands beside it, such as `threshold 0.4`; empty for nothing.
    pub label: String,
    /// The number of the curve it belongs to, from 0.
    pub curve: usize,
    /// Its place on the horizontal axis.
    pub x: f64,
    /// Its place on the vertical axis.
    pub y: f64,
    /// The interval of `x`.
    pub x_interval: Option<Interval>,
    /// The interval of `y`.
    pub y_interval: Option<Interval>,
}

impl CurvePoint {
    /// A point without intervals on the first curve.
    #[must_use]
    pub fn new(label: impl Into<String>, x: f64, y: f64) -> Self {
        Self {
            label: label.into(),
            curve: 0,
            x,
            y,
            x_interval: None,
            y_interval: None,
        }
    }

    /// The same on another curve, counted from 0.
    #[must_use]
    pub fn on_curve(self, curve: usize) -> Self {
        Self { curve, ..self }
    }

    fn check(&self) -> Result<()> {
        let intervals = [self.x_interval, self.y_interval];
        let ends = intervals.iter().flatten().flat_map(|i| [i.low, i.high]);
        finite(
            "an operating point",
            [self.x, self.y].into_iter().chain(ends),
        )
    }

    fn whiskers(&self) -> impl Iterator<Item = Whisker> {
        let (x, y) = (self.x, self.y);
        let across = (self.x_interval).map(|i| Whisker::Horizontal {
            x: (i.low, i.high),
            y,
        });
        let up = (self.y_interval).map(|i| Whisker::Vertical {
            x,
            y: (i.low, i.high),
        });
        across.into_iter().chain(up)
    }
}

/// Curves in the order of their colours; `summary` is what the plot calls their summaries.
pub(super) fn with_curves(chart: Chart, curves: &[Curve], summary: &str, joined: Joined) -> Chart {
    let bands = curves.iter().filter_map(|curve| curve.band.as_ref());
    let mut levels: Vec<Confidence> = bands.map(|band| band.confidence).collect();
    levels.dedup();
    let mut chart = chart;
    for (i, curve) in curves.iter().enumerate() {
        if let Some(band) = &curve.band {
            let points = band.points.iter().map(|p| (p.x, p.low, p.high));
            chart = chart.layer(Layer::band(points).painted(Paint::Series(i)));
        }
    }
    for (i, curve) in curves.iter().enumerate() {
        let points = curve.points.iter().copied();
        let layer = match joined {
            Joined::Straight => Layer::line(points),
            Joined::Steps => Layer::steps(points),
            Joined::StepsBefore => Layer::steps_before(points),
        };
        let layer = layer.painted(Paint::Series(i)).named(curve.name(summary));
        chart = chart.layer(layer);
    }
    for confidence in levels {
        let name = format!("{} interval", percent(confidence));
        chart = chart.layer(Layer::band([]).painted(Paint::Neutral).named(name));
    }
    chart
}

/// Operating points above the curves.
pub(super) fn with_operating_points(chart: Chart, points: &[CurvePoint]) -> Result<Chart> {
    let mut chart = chart;
    for point in points {
        point.check()?;
        let paint = Paint::Series(point.curve);
        chart = chart
            .layer(Layer::whiskers(point.whiskers()).painted(paint))
            .layer(
                Layer::points([(point.x, point.y)], 5.0)
                    .painted(paint)
                    .opacity(1.0),
            );
    }
    let named = points.iter().filter(|point| !point.label.is_empty());
    let notes = named.map(|point| Note {
        at: (point.x, point.y),
        text: point.label.clone(),
        side: Side::Free,
    });
    Ok(chart.layer(Layer::notes(notes)))
}

/// A reference that is no data: thin, grey, dotted.
pub(super) fn faint(points: impl IntoIterator<Item = (f64, f64)>) -> Layer {
    Layer::line(points)
        .painted(Paint::Neutral)
        .dash(Dash::Dotted)
        .width(1.2)
}

/// What a list of curves says in one sentence each.
pub(super) fn description(curves: &[Curve], summary: &str) -> String {
    let names: Vec<String> = curves.iter().map(|curve| curve.name(summary)).collect();
    format!("Curves: {}.", names.join("; "))
}
