//! Charts below one another with the same left edge.

use super::layout::Layout;
use super::svg::Svg;
use super::{Chart, draw};

impl Chart {
    /// Adds a chart below this one and those that are below it already; their vertical axes lie above one
    /// another. The title and the description of the first are those of the picture.
    ///
    /// ```
    /// use medviz::Chart;
    ///
    /// let curve = Chart::new("Loss").series("loss", [(0.0, 1.0), (1.0, 0.5)]);
    /// let rate = Chart::new("").size(720, 160).series("rate", [(0.0, 0.01), (1.0, 0.001)]);
    /// let svg = curve.below(rate).to_svg();
    /// assert!(svg.contains("height=\"580\""));
    /// ```
    #[must_use]
    pub fn below(mut self, mut chart: Self) -> Self {
        let lower = std::mem::take(&mut chart.below);
        self.below.push(chart);
        self.below.extend(lower);
        self
    }

    /// The chart and those below it as an SVG document.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let charts = || std::iter::once(self).chain(&self.below);
        // A layout that is given its own left edge may move it: names along the axis have less room then.
        let left = match self.below.is_empty() {
            true => 0.0,
            false => charts()
                .map(|chart| Layout::of(chart, 0.0).frame.left)
                .fold(0.0, f64::max),
        };
        let layouts: Vec<Layout> = charts().map(|chart| Layout::of(chart, left)).collect();
        let width = layouts.iter().map(|l| l.width).fold(0.0, f64::max);
        let height = layouts.iter().map(|l| l.height).sum();
        let mut svg = Svg::document((width, height), &self.title, &self.description);
        let mut top = 0.0;
        for (chart, layout) in charts().zip(&layouts) {
            if top > 0.0 {
                svg.line(format_args!("<g transform=\"translate(0 {top:.0})\">"));
            }
            draw::chart(chart, layout, &mut svg);
            if top > 0.0 {
                svg.line(format_args!("</g>"));
            }
            top += layout.height;
        }
        svg.finish()
    }
}
