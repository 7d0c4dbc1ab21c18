//! Charts as SVG: curves, bands, points, bars, boxes and cells on two axes.
//!
//! Text is real text, so charts stay sharp and searchable. Numbers are written with fixed decimals: the same
//! data give the same bytes. A viewer that prefers dark colours gets them; the first four colours of a
//! chart stay apart for people who confuse red with green or blue with yellow, the others are dashed too.

mod axis;
mod draw;
mod layer;
mod layout;
mod notes;
mod palette;
mod panels;
mod shapes;
mod svg;
mod text;

use std::path::Path;

pub use axis::Scale;
pub use layer::{BoxGlyph, Cell, Dash, Layer, Note, Paint, Rectangle, Rule, Side, Whisker};

use crate::error::Result;

/// A chart with one or more layers on two axes.
///
/// ```
/// use medviz::Chart;
///
/// let svg = Chart::new("Training")
///     .x_label("epoch")
///     .y_label("loss")
///     .series("train", (0..20).map(|i| (f64::from(i), 2.0 / f64::from(i + 1))))
///     .series("validation", [(0.0, 2.1), (10.0, 0.4), (19.0, 0.3)])
///     .to_svg();
/// assert!(svg.starts_with("<svg") && svg.contains(">validation</text>"));
/// ```
///
/// Other shapes than curves are [`Layer`]s:
///
/// ```
/// use medviz::{Chart, Layer, Rule};
///
/// let svg = Chart::new("ROC")
///     .square()
///     .x_range(0.0, 1.0)
///     .y_range(0.0, 1.0)
///     .layer(Layer::rule(Rule::diagonal()))
///     .layer(Layer::steps([(0.0, 0.0), (0.1, 0.7), (1.0, 1.0)]).named("model"))
///     .to_svg();
/// assert!(svg.contains(">model</text>"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    title: String,
    description: String,
    x: AxisSetting,
    y: AxisSetting,
    layers: Vec<Layer>,
    size: (f64, f64),
    square: bool,
    below: Vec<Self>,
}

/// What was asked of an axis.
#[derive(Debug, Clone, PartialEq, Default)]
struct AxisSetting {
    label: String,
    scale: Scale,
    range: Option<(f64, f64)>,
    names: Option<Vec<String>>,
}

impl Chart {
    /// An empty chart.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            x: AxisSetting::default(),
            y: AxisSetting::default(),
            layers: Vec::new(),
            size: (720.0, 420.0),
            square: false,
            below: Vec::new(),
        }
    }

    /// Says in words what the chart shows, for those who hear it instead of seeing it.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Says what runs along the horizontal axis.
    #[must_use]
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x.label = label.into();
        self
    }

    /// Says what runs along the vertical axis.
    #[must_use]
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y.label = label.into();
        self
    }

    /// Sets the scale of the horizontal axis; a logarithmic one leaves out points at or below zero.
    #[must_use]
    pub fn x_scale(mut self, scale: Scale) -> Self {
        self.x.scale = scale;
        self
    }

    /// Sets the scale of the vertical axis; a logarithmic one leaves out points at or below zero.
    #[must_use]
    pub fn y_scale(mut self, scale: Scale) -> Self {
        self.y.scale = scale;
        self
    }

    /// Makes the vertical axis logarithmic; points at or below zero are left out.
    #[must_use]
    pub fn log_y(self) -> Self {
        self.y_scale(Scale::Log10)
    }

    /// Fixes the horizontal axis instead of fitting it to the data; layers are cut off at its ends.
    #[must_use]
    pub fn x_range(mut self, low: f64, high: f64) -> Self {
        self.x.range = Some((low, high));
        self
    }

    /// Fixes the vertical axis instead of fitting it to the data; layers are cut off at its ends.
    #[must_use]
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        self.y.range = Some((low, high));
        self
    }

    /// Puts names instead of numbers along the horizontal axis, at 0, 1, 2 and so on.
    ///
    /// A line break in a name begins a second line.
    #[must_use]
    pub fn x_names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.x.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Puts names instead of numbers along the vertical axis, at 0, 1, 2 and so on from below.
    #[must_use]
    pub fn y_names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.y.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the size in pixels, 720 by 420 without it; at least 240 by 160.
    #[must_use]
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = (f64::from(width.max(240)), f64::from(height.max(160)));
        self
    }

    /// Makes the area inside the axes square; the height follows from the width.
    #[must_use]
    pub fn square(mut self) -> Self {
        self.square = true;
        self
    }

    /// Adds a curve through `points`, given from left to right; points that are not finite interrupt it.
    #[must_use]
    pub fn series(
        self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        self.layer(Layer::line(points).named(name))
    }

    /// Adds a layer on top of those that are there.
    #[must_use]
    pub fn layer(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Writes the chart as an SVG file, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_svg(&self, path: impl AsRef<Path>) -> Result<()> {
        Ok(medcore::atomic::write_bytes(
            path.as_ref(),
            self.to_svg().as_bytes(),
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_have_whole_ticks() {
        let svg = |x: f64| Chart::new("a").series("b", [(1.0, 0.0), (x, 0.5)]).to_svg();
        assert!(!svg(2.0).contains(">1.2<") && svg(2.0).contains(">2<"));
        assert!(svg(2.5).contains(">1.2<"));
    }

    #[test]
    fn curves_of_one_point_or_none_still_make_a_chart() {
        let svg = Chart::new("a < b & \"c\"")
            .series("nothing", [])
            .series(
                "gap",
                [
                    (0.0, 1.0),
                    (1.0, f64::NAN),
                    (2.0, 3.0),
                    (3.0, f64::INFINITY),
                ],
            )
            .to_svg();
        assert!(svg.contains("a &lt; b &amp; &quot;c&quot;"));
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        assert!(Chart::new("").to_svg().ends_with("</svg>\n"));
    }

    #[test]
    fn a_logarithmic_axis_leaves_out_what_has_no_logarithm() {
        let svg = Chart::new("log")
            .log_y()
            .series("loss", [(0.0, 10.0), (1.0, 0.0), (2.0, 0.1), (3.0, 0.01)])
            .to_svg();
        assert_eq!(
            (
                svg.matches("<circle").count(),
                svg.matches("stroke-linejoin").count()
            ),
            (1, 1)
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
