//! Observed frequencies against predicted probabilities.

use medviz::{Chart, Layer, Paint, Rectangle, Rule, Whisker};
use serde::{Deserialize, Serialize};

use super::{Plot, finite, finite_estimate, in_words};
use crate::error::Result;
use crate::estimate::{Estimate, Interval};

/// How often what was predicted came true, with the diagonal of perfect calibration and a histogram below.
///
/// Bins without predictions have no frequency and are left out.
///
/// ```
/// use medmetrics::plot::{Plot, ReliabilityBin, ReliabilityCurve, ReliabilityPlot};
///
/// let bins = vec![
///     ReliabilityBin::new((0.0, 0.5), 40).with_frequency(0.21, 0.25),
///     ReliabilityBin::new((0.5, 1.0), 60).with_frequency(0.80, 0.70),
/// ];
/// let svg = ReliabilityPlot::new(vec![ReliabilityCurve::new("model", bins)]).to_svg()?;
/// assert!(svg.contains("<title>Reliability</title>"));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityPlot {
    /// What stands above it.
    pub title: String,
    /// One curve a model, or one before and one after a recalibration.
    pub curves: Vec<ReliabilityCurve>,
}

/// The bins of one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityCurve {
    /// Whose bins they are.
    pub label: String,
    /// The bins from low to high probabilities.
    pub bins: Vec<ReliabilityBin>,
    /// The number that sums them up, and what it is called: `ECE`.
    pub summary: Option<(String, Estimate)>,
}

/// Predictions of nearly the same probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// The ends of the bin, between 0 and 1.
    pub range: (f64, f64),
    /// Number of predictions.
    pub n: u64,
    /// Their mean probability; `None` without predictions.
    pub mean: Option<f64>,
    /// The share that came true; `None` without predictions.
    pub frequency: Option<f64>,
    /// The interval of that share.
    pub interval: Option<Interval>,
}

impl ReliabilityBin {
    /// A bin of `n` predictions whose mean and frequency are not known.
    #[must_use]
    pub fn new(range: (f64, f64), n: u64) -> Self {
        Self {
            range,
            n,
            mean: None,
            frequency: None,
            interval: None,
        }
    }

    /// The same with the mean probability and the share that came true.
    #[must_use]
    pub fn with_frequency(self, mean: f64, frequency: f64) -> Self {
        Self {
            mean: Some(mean),
            frequency: Some(frequency),
            ..self
        }
    }

    /// The same with the interval of the share.
    #[must_use]
    pub fn with_interval(self, interval: impl Into<Option<Interval>>) -> Self {
        Self {
            interval: interval.into(),
            ..self
        }
    }

    fn point(&self) -> Option<(f64, f64)> {
        self.mean.zip(self.frequency)
    }
}

impl ReliabilityCurve {
    /// The bins of one model, without a summary.
    #[must_use]
    pub fn new(label: impl Into<String>, bins: Vec<ReliabilityBin>) -> Self {
        Self {
            label: label.into(),
            bins,
            summary: None,
        }
    }

    /// The same with a number that sums them up, such as `ECE`.
    #[must_use]
    pub fn with_summary(self, name: impl Into<String>, estimate: Estimate) -> Self {
        Self {
            summary: Some((name.into(), estimate)),
            ..self
        }
    }

    fn name(&self) -> String {
        match &self.summary {
            Some((name, estimate)) => format!("{}, {}", self.label, in_words(name, estimate, 3)),
            None => self.label.clone(),
        }
    }

    fn check(&self) -> Result<()> {
        let numbers = self.bins.iter().flat_map(|bin| {
            let ends = bin.interval.map(|i| [i.low, i.high]).into_iter().flatten();
            let values = bin.mean.into_iter().chain(bin.frequency);
            [bin.range.0, bin.range.1]
                .into_iter()
                .chain(values)
                .chain(ends)
        });
        finite("numbers of bins", numbers)?;
        match &self.summary {
            Some((_, estimate)) => finite_estimate("the summary of a curve", estimate),
            None => Ok(()),
        }
    }
}

impl ReliabilityPlot {
    /// A plot of these curves under the usual title.
    #[must_use]
    pub fn new(curves: Vec<ReliabilityCurve>) -> Self {
        Self {
            title: "Reliability".to_owned(),
            curves,
        }
    }
}

impl Plot for ReliabilityPlot {
    /// The diagram with the histogram below it.
    ///
    /// # Errors
    /// Refuses numbers that are not finite.
    fn chart(&self) -> Result<Chart> {
        self.curves.iter().try_for_each(ReliabilityCurve::check)?;
        let names: Vec<String> = self.curves.iter().map(ReliabilityCurve::name).collect();
        let mut diagram = Chart::new(&self.title)
            .description(format!("Observed against predicted: {}.", names.join("; ")))
            .y_label("observed frequency")
            .size(520, 520)
            .square()
            .x_range(0.0, 1.0)
            .y_range(0.0, 1.0)
            .layer(Layer::rule(Rule::diagonal()).named("perfectly calibrated"));
        let mut histogram = Chart::new("")
            .x_label("predicted probability")
            .y_label("predictions")
            .size(520, 160)
            .x_range(0.0, 1.0);
        for (i, (curve, name)) in self.curves.iter().zip(names).enumerate() {
            let paint = Paint::Series(i);
            let points: Vec<_> = curve
                .bins
                .iter()
                .filter_map(ReliabilityBin::point)
                .collect();
            let whiskers = curve.bins.iter().filter_map(|bin| {
                let (x, _) = bin.point()?;
                let y = bin.interval.map(|i| (i.low, i.high))?;
                Some(Whisker::Vertical { x, y })
            });
            diagram = diagram
                .layer(Layer::whiskers(whiskers).painted(paint))
                .layer(
                    Layer::line(points.iter().copied())
                        .painted(paint)
                        .named(name),
                )
                .layer(Layer::points(points, 4.0).painted(paint).opacity(1.0));
            let bars = curve.bins.iter().map(|bin| bar(bin, i, self.curves.len()));
            histogram = histogram.layer(Layer::rectangles(bars).painted(paint).opacity(0.75));
        }
        Ok(diagram.below(histogram))
    }

    fn title_mut(&mut self) -> &mut String {
        &mut self.title
    }
}

/// The bar of one bin; those of several curves stand side by side.
fn bar(bin: &ReliabilityBin, curve: usize, curves: usize) -> Rectangle {
    let (low, high) = bin.range;
    let place = |i: usize| low + (high - low) * i as f64 / curves as f64;
    Rectangle {
        x: (place(curve), place(curve + 1)),
        y: (0.0, bin.n as f64),
    }
}
