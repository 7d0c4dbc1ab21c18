//! How far features have moved away from a reference.

use medviz::{Chart, Dash, Layer, Note, Paint, Rectangle, Rule, Side, Whisker};
use serde::{Deserialize, Serialize};

use super::{Plot, finite, finite_estimate};
use crate::error::Result;
use crate::estimate::Estimate;

/// One bar a feature, with the thresholds from which on a statistic is taken seriously.
///
/// ```
/// use medmetrics::Estimate;
/// use medmetrics::plot::{DriftBar, DriftPlot, Plot, DriftLine};
///
/// let bar = |label, psi| DriftBar::new(label, Estimate::new(psi, 500, "psi:reference-deciles"));
/// let plot = DriftPlot::new("population stability index", vec![bar("age", 0.03), bar("kVp", 0.31)])
///     .with_thresholds(vec![DriftLine::new("moderate", 0.1), DriftLine::new("large", 0.25)]);
/// assert!(plot.to_svg()?.contains(">large 0.25</text>"));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftPlot {
    /// What stands above it.
    pub title: String,
    /// What the bars show, such as `population stability index`.
    pub statistic: String,
    /// The features from above.
    pub bars: Vec<DriftBar>,
    /// Values from which on a drift has a name, in ascending order.
    pub thresholds: Vec<DriftLine>,
}

/// The drift of one feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftBar {
    /// The feature.
    pub label: String,
    /// Its statistic; a bar is missing when it is undefined.
    pub estimate: Estimate,
    /// Whether it is called drift.
    #[serde(default)]
    pub verdict: Verdict,
}

/// Whether a feature is called drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Where its statistic reaches the highest threshold.
    #[default]
    ByThreshold,
    /// It is, for whatever reason.
    Drifted,
    /// It is not, whatever its statistic.
    Unremarkable,
}

impl DriftBar {
    /// The drift of one feature.
    #[must_use]
    pub fn new(label: impl Into<String>, estimate: Estimate) -> Self {
        Self {
            label: label.into(),
            estimate,
            verdict: Verdict::default(),
        }
    }

    /// The same with a verdict of its own.
    #[must_use]
    pub fn with_verdict(self, verdict: Verdict) -> Self {
        Self { verdict, ..self }
    }
}

/// A value from which on a drift has a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DriftLine {
    /// The name.
    pub label: String,
    /// The value.
    pub value: f64,
}

impl DriftLine {
    /// A value from which on a drift is called `label`.
    #[must_use]
    pub fn new(label: impl Into<String>, value: f64) -> Self {
        Self {
            label: label.into(),
            value,
        }
    }
}

impl DriftPlot {
    /// A plot of these features under the usual title.
    #[must_use]
    pub fn new(statistic: impl Into<String>, bars: Vec<DriftBar>) -> Self {
        Self {
            title: "Drift against the reference".to_owned(),
            statistic: statistic.into(),
            bars,
            thresholds: Vec::new(),
        }
    }

    /// The same with values from which on a drift has a name.
    #[must_use]
    pub fn with_thresholds(self, thresholds: Vec<DriftLine>) -> Self {
        Self { thresholds, ..self }
    }

    /// Bars with their places, the first on top.
    fn placed(&self) -> impl Iterator<Item = (f64, &DriftBar)> {
        let n = self.bars.len();
        (self.bars.iter().enumerate()).map(move |(i, bar)| ((n - 1 - i) as f64, bar))
    }

    /// Features that drifted have a colour of their own.
    fn is_large(&self, bar: &DriftBar) -> bool {
        let highest = self.thresholds.iter().map(|t| t.value).reduce(f64::max);
        match bar.verdict {
            Verdict::Drifted => true,
            Verdict::Unremarkable => false,
            Verdict::ByThreshold => {
                (bar.estimate.value.zip(highest)).is_some_and(|(value, highest)| value >= highest)
            }
        }
    }

    /// Whether the colours of bars need words: where a threshold alone does not tell.
    fn has_verdicts(&self) -> bool {
        (self.bars.iter()).any(|bar| bar.verdict != Verdict::ByThreshold)
    }

    fn bars_of(&self, paint: Paint) -> Layer {
        let large = paint == Paint::Series(1);
        let bars = self.placed().filter(|(_, bar)| self.is_large(bar) == large);
        let rectangles = bars.filter_map(|(y, bar)| {
            Some(Rectangle {
                x: (0.0, bar.estimate.value?),
                y: (y - 0.32, y + 0.32),
            })
        });
        let bars = Layer::rectangles(rectangles).painted(paint);
        match self.has_verdicts() {
            true => bars.named(if large { "drifted" } else { "no drift" }),
            false => bars,
        }
    }

    fn description(&self) -> String {
        let large = self.bars.iter().filter(|bar| self.is_large(bar));
        let names: Vec<&str> = large.map(|bar| bar.label.as_str()).collect();
        let n = self.bars.len();
        let what = match self.has_verdicts() {
            true => "drifted",
            false => "at the highest threshold",
        };
        match names.is_empty() {
            true => format!("{n} features, none {what}."),
            false => format!("{n} features, {what}: {}.", names.join(", ")),
        }
    }
}

impl Plot for DriftPlot {
    /// The plot as a chart.
    ///
    /// # Errors
    /// Refuses numbers that are not finite.
    fn chart(&self) -> Result<Chart> {
        for bar in &self.bars {
            finite_estimate("the statistic of a feature", &bar.estimate)?;
        }
        finite("thresholds", self.thresholds.iter().map(|t| t.value))?;
        let ends = self.bars.iter().flat_map(|bar| {
            let high = bar.estimate.interval.map(|i| i.high);
            bar.estimate.value.into_iter().chain(high)
        });
        let thresholds = self.thresholds.iter().map(|t| t.value);
        let most = ends.chain(thresholds).fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let names = (self.bars.iter().rev()).map(|bar| bar.label.clone());
        let height = 140 + 28 * self.bars.len();
        let mut chart = Chart::new(&self.title)
            .description(self.description())
            .x_label(&self.statistic)
            .size(680, u32::try_from(height).unwrap_or(u32::MAX))
            .x_range(0.0, 1.16 * most)
            .y_names(names);
        for seriousness in [Paint::Series(0), Paint::Series(1)] {
            chart = chart.layer(self.bars_of(seriousness));
        }
        let whiskers = self.placed().filter_map(|(y, bar)| {
            let x = bar.estimate.interval.map(|i| (i.low, i.high))?;
            Some(Whisker::Horizontal { x, y })
        });
        chart = chart.layer(Layer::whiskers(whiskers).painted(Paint::Series(7)));
        let dashes = [Dash::Dotted, Dash::Dashed, Dash::Solid];
        for (i, threshold) in self.thresholds.iter().enumerate() {
            let name = format!("{} {}", threshold.label, threshold.value);
            let rule = Layer::rule(Rule::Vertical(threshold.value)).width(1.8);
            chart = chart.layer(rule.dash(dashes[i.min(2)]).named(name));
        }
        let notes = self.placed().map(|(y, bar)| {
            let end = bar.estimate.interval.map_or(0.0, |i| i.high);
            Note {
                at: (bar.estimate.value.unwrap_or(0.0).max(end), y),
                text: match bar.estimate.value {
                    Some(value) => format!("{value:.3}"),
                    None if bar.verdict == Verdict::Drifted => "undefined, drifted".to_owned(),
                    None => "undefined".to_owned(),
                },
                side: Side::Right,
            }
        });
        Ok(chart.layer(Layer::notes(notes)))
    }

    fn title_mut(&mut self) -> &mut String {
        &mut self.title
    }
}
