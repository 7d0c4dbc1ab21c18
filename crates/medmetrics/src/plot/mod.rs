//! Results as pictures for people: deterministic SVG.
//!
//! Each plot is a plain structure with the numbers to show, made of results ([`RocPlot::of_rankings`],
//! [`FrocPlot::of_results`], [`BlandAltmanPlot::of_pairs`]) or of any numbers; [`Plot::to_svg`] draws it and
//! [`Plot::write_svg`] keeps it. The same numbers give the same bytes on every machine. Charts can be read
//! on dark paper and by people who confuse colours, legends lie outside the data, and a screen reader finds
//! a title and a description in words.
//!
//! ```
//! use medmetrics::plot::{Curve, Plot, RocPlot};
//!
//! let curve = Curve::new("model", vec![(0.0, 0.0), (0.1, 0.7), (0.3, 0.9), (1.0, 1.0)]);
//! let svg = RocPlot::new(vec![curve]).to_svg()?;
//! assert!(svg.contains("<title>Receiver operating characteristic</title>"));
//! # Ok::<(), medmetrics::Error>(())
//! ```

mod bland_altman;
mod confusion;
mod curve;
mod curve_plot;
mod decision;
mod density;
mod distribution;
mod drift;
mod froc;
mod precision_recall;
mod reliability;
mod results;
mod roc;

use std::path::Path;

use medviz::Chart;

pub use bland_altman::{BlandAltmanPlot, Trend};
pub use confusion::ConfusionPlot;
pub use curve::{Band, BandPoint, Curve, CurvePoint};
pub use curve_plot::{CurveAxes, CurvePlot, Joined};
pub use decision::DecisionPlot;
pub use density::{Quartiles, kernel_density};
pub use distribution::{DistributionPlot, Glyph, Group};
pub use drift::{DriftBar, DriftLine, DriftPlot, Verdict};
pub use froc::{FrocAxes, FrocPlot};
pub use precision_recall::{PrecisionRecallAxes, PrecisionRecallPlot};
pub use reliability::{ReliabilityBin, ReliabilityCurve, ReliabilityPlot};
pub use roc::{RocAxes, RocPlot};

use crate::error::{Error, Result};
use crate::estimate::{Confidence, Estimate};

/// A picture of a result.
pub trait Plot: Sized {
    /// The picture as a chart, to which more can be added.
    ///
    /// # Errors
    /// Refuses numbers that cannot be drawn: NaN, infinite ones, lists of different lengths.
    fn chart(&self) -> Result<Chart>;

    /// What stands above it.
    fn title_mut(&mut self) -> &mut String;

    /// The same under another title.
    #[must_use]
    fn with_title(mut self, title: impl Into<String>) -> Self {
        *self.title_mut() = title.into();
        self
    }

    /// The picture as an SVG document.
    ///
    /// # Errors
    /// As [`Plot::chart`].
    fn to_svg(&self) -> Result<String> {
        Ok(self.chart()?.to_svg())
    }

    /// Writes the picture as an SVG file, whole or not at all.
    ///
    /// # Errors
    /// As [`Plot::to_svg`], and when the file cannot be written.
    fn write_svg(&self, path: impl AsRef<Path>) -> Result<()> {
        let svg = self.to_svg()?;
        Ok(medcore::atomic::write_bytes(path.as_ref(), svg.as_bytes())?)
    }
}

/// Refuses numbers that have no place in a plot.
fn finite(what: &'static str, values: impl IntoIterator<Item = f64>) -> Result<()> {
    match (values.into_iter().enumerate()).find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((index, value)) => Err(Error::InvalidValue {
            what,
            rule: "finite numbers",
            index,
            value,
        }),
    }
}

/// Refuses a value and an interval that have no place in a plot; an undefined value is left out.
fn finite_estimate(what: &'static str, estimate: &Estimate) -> Result<()> {
    let ends = estimate.interval.iter().flat_map(|i| [i.low, i.high]);
    finite(what, estimate.value.into_iter().chain(ends))
}

/// `AUC 0.912 (0.881 to 0.940)`.
fn in_words(name: &str, estimate: &Estimate, digits: usize) -> String {
    match (estimate.value, &estimate.interval) {
        (None, _) => format!("{name} undefined"),
        (Some(value), None) => format!("{name} {value:.digits$}"),
        (Some(value), Some(i)) => {
            let (low, high) = (i.low, i.high);
            format!("{name} {value:.digits$} ({low:.digits$} to {high:.digits$})")
        }
    }
}

/// `95 %`.
fn percent(confidence: Confidence) -> String {
    let percent = 100.0 * confidence.level();
    let digits = usize::from((percent - percent.round()).abs() > 1e-6);
    format!("{percent:.digits$} %")
}

/// How many decimals tell values of this span apart.
fn decimals(span: f64) -> usize {
    if span > 0.0 && span.is_finite() {
        (2.0 - libm::log10(span).floor()).clamp(0.0, 6.0) as usize
    } else {
        2
    }
}

/// The smallest and the largest of the numbers, if there are any.
fn span(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    (values.into_iter()).fold(None, |span, value| match span {
        None => Some((value, value)),
        Some((low, high)) => Some((value.min(low), value.max(high))),
    })
}

/// A range with a share of its length added at both ends; of a single value a little around it.
fn padded((low, high): (f64, f64), share: f64) -> (f64, f64) {
    let room = match (high - low) * share {
        room if room > 0.0 => room,
        _ if low == 0.0 => 1.0,
        _ => 0.1 * low.abs(),
    };
    (low - room, high + room)
}
