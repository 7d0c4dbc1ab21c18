//! Line charts as SVG: what a training run looked like.
//!
//! Text is real text, so charts stay sharp and searchable. Numbers are written with fixed decimals: the same
//! data give the same bytes. Ticks lie on 1, 2 or 5 times a power of ten (P. Heckbert, "Nice numbers for
//! graph labels", Graphics Gems, 1990).

use std::fmt::Write as _;
use std::path::Path;

use crate::colour::{LINES, Rgb};
use crate::error::Result;

/// A chart with one or more curves.
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
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    title: String,
    x_label: String,
    y_label: String,
    log_y: bool,
    y_range: Option<(f64, f64)>,
    series: Vec<(String, Vec<(f64, f64)>)>,
    size: (f64, f64),
}

impl Chart {
    /// An empty chart.
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            x_label: String::new(),
            y_label: String::new(),
            log_y: false,
            y_range: None,
            series: Vec::new(),
            size: (720.0, 420.0),
        }
    }

    /// Says what runs along the horizontal axis.
    #[must_use]
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x_label = label.into();
        self
    }

    /// Says what runs along the vertical axis.
    #[must_use]
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y_label = label.into();
        self
    }

    /// Makes the vertical axis logarithmic; points at or below zero are left out.
    #[must_use]
    pub fn log_y(mut self) -> Self {
        self.log_y = true;
        self
    }

    /// Fixes the vertical axis instead of fitting it to the data; curves are cut off at its ends.
    #[must_use]
    pub fn y_range(mut self, low: f64, high: f64) -> Self {
        self.y_range = Some((low, high));
        self
    }

    /// Sets the size in pixels, 720 by 420 without it; at least 240 by 160.
    #[must_use]
    pub fn size(mut self, width: u32, height: u32) -> Self {
        self.size = (f64::from(width.max(240)), f64::from(height.max(160)));
        self
    }

    /// Adds a curve through `points`, given from left to right; points that are not finite interrupt it.
    #[must_use]
    pub fn series(
        mut self,
        name: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        self.series
            .push((name.into(), points.into_iter().collect()));
        self
    }

    /// The chart as an SVG document.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let (width, height) = self.size;
        let usable =
            |(x, y): &(f64, f64)| x.is_finite() && y.is_finite() && (!self.log_y || *y > 0.0);
        let points = || {
            self.series
                .iter()
                .flat_map(|(_, points)| points)
                .filter(|p| usable(p))
        };
        let whole = points().all(|p| p.0.fract() == 0.0);
        let least = if whole { 1.0 } else { 0.0 };
        let x_axis = Axis::linear(extent(points().map(|p| p.0)), 8, least, false);
        let (low, high) = match self.y_range.filter(|(low, high)| low < high) {
            Some(range) => range,
            None => extent(points().map(|p| p.1)),
        };
        let y_axis = if self.log_y {
            Axis::logarithmic((low, high))
        } else {
            Axis::linear((low, high), 6, 0.0, self.y_range.is_none())
        };
        let longest_tick = y_axis.ticks.iter().map(|t| t.1.len()).max().unwrap_or(1);
        let left = 34.0 + 7.2 * longest_tick as f64;
        let legend = self.legend_places(left, width - 22.0);
        let legend_rows = legend.last().map_or(0.0, |(_, row)| row + 1.0);
        let frame = Frame {
            left,
            right: width - 22.0,
            top: 44.0 + 22.0 * legend_rows,
            bottom: height - 52.0,
        };
        let mut svg = String::new();
        let mut line = |text: std::fmt::Arguments<'_>| {
            // Writing to a string cannot fail.
            let _ = svg.write_fmt(text);
            svg.push('\n');
        };
        line(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\">"
        ));
        line(format_args!("<title>{}</title>", escape(&self.title)));
        line(format_args!(
            "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
        ));
        line(format_args!(
            "<text x=\"{left:.1}\" y=\"26\" font-size=\"17\" font-weight=\"bold\" fill=\"#1a1a1a\">{}</text>",
            escape(&self.title)
        ));
        for (value, text) in &x_axis.ticks {
            let x = frame.x(x_axis.place(*value));
            line(format_args!(
                "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#e4e4e4\"/>",
                frame.top, frame.bottom
            ));
            line(format_args!(
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#404040\">{text}</text>",
                frame.bottom + 18.0
            ));
        }
        for (value, text) in &y_axis.ticks {
            let y = frame.y(y_axis.place(*value));
            line(format_args!(
                "<line x1=\"{:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#e4e4e4\"/>",
                frame.left, frame.right
            ));
            line(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#404040\">{text}</text>",
                frame.left - 7.0,
                y + 4.5
            ));
        }
        line(format_args!(
            "<path d=\"M{l:.1} {t:.1}V{b:.1}H{r:.1}\" fill=\"none\" stroke=\"#606060\"/>",
            l = frame.left,
            t = frame.top,
            b = frame.bottom,
            r = frame.right
        ));
        line(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#1a1a1a\">{}</text>",
            (frame.left + frame.right) / 2.0,
            height - 12.0,
            escape(&self.x_label)
        ));
        let middle = (frame.top + frame.bottom) / 2.0;
        line(format_args!(
            "<text transform=\"translate(17 {middle:.1}) rotate(-90)\" text-anchor=\"middle\" fill=\"#1a1a1a\">{}</text>",
            escape(&self.y_label)
        ));
        line(format_args!(
            "<clipPath id=\"frame\"><rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/></clipPath>",
            frame.left - 4.0,
            frame.top - 4.0,
            frame.right - frame.left + 8.0,
            frame.bottom - frame.top + 8.0
        ));
        for (i, (_, points)) in self.series.iter().enumerate() {
            for run in points.split(|p| !usable(p)).filter(|run| !run.is_empty()) {
                let place =
                    |p: &(f64, f64)| (frame.x(x_axis.place(p.0)), frame.y(y_axis.place(p.1)));
                if let [only] = run {
                    let (x, y) = place(only);
                    line(format_args!(
                        "<circle clip-path=\"url(#frame)\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{}\"/>",
                        hex(colour(i))
                    ));
                    continue;
                }
                let mut path = String::new();
                for (n, point) in run.iter().enumerate() {
                    let (x, y) = place(point);
                    let _ = write!(path, "{}{x:.1} {y:.1}", if n == 0 { "M" } else { "L" });
                }
                line(format_args!(
                    "<path clip-path=\"url(#frame)\" d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" \
                     stroke-linejoin=\"round\"{}/>",
                    hex(colour(i)),
                    dashes(i)
                ));
            }
        }
        for (i, ((name, _), (x, row))) in self.series.iter().zip(&legend).enumerate() {
            let y = 46.0 + 20.0 * row;
            line(format_args!(
                "<line x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"{}\" stroke-width=\"3\"{}/>",
                x + 20.0,
                hex(colour(i)),
                dashes(i)
            ));
            line(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"#1a1a1a\">{}</text>",
                x + 26.0,
                y + 4.5,
                escape(name)
            ));
        }
        line(format_args!("</svg>"));
        svg
    }

    /// Where the entries of the legend go: left end and row. A single curve needs no legend.
    fn legend_places(&self, left: f64, right: f64) -> Vec<(f64, f64)> {
        if self.series.len() < 2 {
            return Vec::new();
        }
        let (mut x, mut row) = (left, 0.0);
        (self.series.iter())
            .map(|(name, _)| {
                // The width of text is only known to the renderer; 7 pixels a letter is ample.
                let size = 46.0 + 7.0 * name.chars().count() as f64;
                if x > left && x + size > right + 20.0 {
                    (x, row) = (left, row + 1.0);
                }
                let place = (x, row);
                x += size;
                place
            })
            .collect()
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

/// The rectangle inside the axes.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Frame {
    fn x(&self, share: f64) -> f64 {
        self.left + (self.right - self.left) * share
    }

    fn y(&self, share: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * share
    }
}

/// A range of values with ticks and their texts.
struct Axis {
    low: f64,
    high: f64,
    log: bool,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// About `count` ticks that are at least `least` apart; `round` extends the range to the outermost ticks.
    fn linear((mut low, mut high): (f64, f64), count: usize, least: f64, round: bool) -> Self {
        let step = nice((high - low) / count as f64).max(least);
        if round {
            low = (low / step).floor() * step;
            high = (high / step).ceil() * step;
        }
        let decimals = (-libm::log10(step).floor()).clamp(0.0, 12.0) as usize;
        let first = (low / step - 1e-9).ceil() as i64;
        let last = (high / step + 1e-9).floor() as i64;
        let ticks = (first..=last)
            .map(|i| {
                let value = i as f64 * step;
                (value, number(value, decimals))
            })
            .collect();
        Self {
            low,
            high,
            log: false,
            ticks,
        }
    }

    /// Ticks at 1, 2 and 5 times powers of ten, or at powers of ten alone when there are many of them.
    fn logarithmic((low, high): (f64, f64)) -> Self {
        let low = low.max(1e-300);
        let high = high.max(low * 1.01);
        let first = libm::log10(low).floor() as i32;
        let last = libm::log10(high).ceil() as i32;
        let every = ((last - first + 7) / 8).max(1) as usize;
        let multiples: &[f64] = if last - first <= 3 {
            &[1.0, 2.0, 5.0]
        } else {
            &[1.0]
        };
        let mut ticks: Vec<(f64, String)> = (first..=last)
            .step_by(every)
            .flat_map(|exponent| multiples.iter().map(move |multiple| (exponent, multiple)))
            .map(|(exponent, multiple)| {
                let value = multiple * libm::exp10(f64::from(exponent));
                let text = if (-4..=5).contains(&exponent) {
                    number(value, (-exponent).clamp(0, 4) as usize)
                } else {
                    format!("{multiple:.0}e{exponent}")
                };
                (value, text)
            })
            .collect();
        // The axis ends at the ticks next to the data.
        let start = ticks.iter().rposition(|t| t.0 <= low * 1.000_001);
        ticks.drain(..start.unwrap_or(0));
        let end = ticks.iter().position(|t| t.0 >= high * 0.999_999);
        ticks.truncate(end.map_or(ticks.len(), |end| end + 1));
        Self {
            low: ticks.first().map_or(low, |t| t.0.min(low)),
            high: ticks.last().map_or(high, |t| t.0.max(high)),
            log: true,
            ticks,
        }
    }

    /// Where a value lies, 0 at the low end and 1 at the high one.
    fn place(&self, value: f64) -> f64 {
        // Far outside values stay finite for the renderer; the clip path hides them.
        let share = if self.log {
            libm::log10(value / self.low) / libm::log10(self.high / self.low)
        } else {
            (value - self.low) / (self.high - self.low)
        };
        share.clamp(-10.0, 10.0)
    }
}

/// Smallest and largest value, never equal.
fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low > high {
        (0.0, 1.0)
    } else if high - low > 1e-12 * high.abs().max(low.abs()) {
        (low, high)
    } else if low == 0.0 {
        (0.0, 1.0)
    } else {
        (low - 0.5 * low.abs(), low + 0.5 * low.abs())
    }
}

/// The nearest of 1, 2, 5 times a power of ten.
fn nice(step: f64) -> f64 {
    let power = libm::exp10(libm::log10(step).floor());
    let factor = match step / power {
        share if share < 1.5 => 1.0,
        share if share < 3.5 => 2.0,
        share if share < 7.5 => 5.0,
        _ => 10.0,
    };
    factor * power
}

/// A number without the minus sign of a zero.
fn number(value: f64, decimals: usize) -> String {
    if value.abs() >= 1e6 {
        return format!("{value:.2e}");
    }
    let text = format!("{value:.decimals$}");
    if text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.')) {
        text.trim_start_matches('-').to_owned()
    } else {
        text
    }
}

fn colour(series: usize) -> Rgb {
    LINES[series % LINES.len()]
}

/// Colours repeat after a while; then the line is dashed.
fn dashes(series: usize) -> &'static str {
    if series < LINES.len() {
        ""
    } else {
        " stroke-dasharray=\"6 3\""
    }
}

fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Text for XML; control characters, which XML forbids, become spaces.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
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
    fn ticks_are_round_numbers_inside_the_range() {
        let texts = |axis: &Axis| axis.ticks.iter().map(|t| t.1.clone()).collect::<Vec<_>>();
        assert_eq!(
            texts(&Axis::linear((0.0, 1.0), 5, 0.0, true)),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            texts(&Axis::linear((-3.0, 17.0), 5, 0.0, false)),
            ["0", "5", "10", "15"]
        );
        assert_eq!(
            texts(&Axis::logarithmic((0.02, 0.9))),
            ["0.02", "0.05", "0.1", "0.2", "0.5", "1"]
        );
        assert_eq!(
            texts(&Axis::linear((-0.001, 0.0011), 4, 0.0, true)),
            ["-0.0010", "-0.0005", "0.0000", "0.0005", "0.0010", "0.0015"]
        );
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
