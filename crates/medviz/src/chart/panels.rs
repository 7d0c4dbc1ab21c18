//! Charts below one another with the same left edge.

use std::path::Path;

use super::layout::Layout;
use super::svg::Svg;
use super::{Chart, draw};
use crate::error::Result;

/// Several charts in one picture, the first on top; their vertical axes lie above one another.
///
/// ```
/// use medviz::{Chart, Panels};
///
/// let curve = Chart::new("Loss").series("loss", [(0.0, 1.0), (1.0, 0.5)]);
/// let rate = Chart::new("").size(720, 160).series("rate", [(0.0, 0.01), (1.0, 0.001)]);
/// let svg = Panels::new(curve).below(rate).to_svg();
/// assert!(svg.contains("height=\"580\""));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Panels {
    charts: Vec<Chart>,
}

impl Panels {
    /// A picture of one chart; its title and description are the picture's.
    #[must_use]
    pub fn new(chart: Chart) -> Self {
        Self {
            charts: vec![chart],
        }
    }

    /// Adds a chart below the others.
    #[must_use]
    pub fn below(mut self, chart: Chart) -> Self {
        self.charts.push(chart);
        self
    }

    /// The picture as an SVG document.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let left = (self.charts.iter())
            .map(|chart| Layout::of(chart, 0.0).frame.left)
            .fold(0.0, f64::max);
        let layouts: Vec<Layout> = (self.charts.iter())
            .map(|chart| Layout::of(chart, left))
            .collect();
        let width = layouts.iter().map(|l| l.width).fold(0.0, f64::max);
        let height = layouts.iter().map(|l| l.height).sum();
        let (title, description) = match self.charts.first() {
            Some(first) => (first.title.as_str(), first.description.as_str()),
            None => ("", ""),
        };
        let mut svg = Svg::document((width, height), title, description);
        let mut top = 0.0;
        for (chart, layout) in self.charts.iter().zip(&layouts) {
            svg.line(format_args!("<g transform=\"translate(0 {top:.0})\">"));
            draw::chart(chart, layout, &mut svg);
            svg.line(format_args!("</g>"));
            top += layout.height;
        }
        svg.finish()
    }

    /// Writes the picture as an SVG file, whole or not at all.
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
