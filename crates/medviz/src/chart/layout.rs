//! Where everything of a chart goes, before anything is drawn.

use super::axis::{Axis, Division, extent};
use super::layer::{Layer, Paint, Rule, Shape};
use super::text::{self, TEXT, TITLE};
use super::{AxisSetting, Chart};

/// The rectangle inside the axes, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// How names along the horizontal axis are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slant {
    Level,
    Oblique,
}

/// An entry of the legend.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) layer: usize,
    pub(super) x: f64,
    pub(super) y: f64,
    /// Its name, broken into lines where it is longer than the chart is wide.
    pub(super) lines: Vec<String>,
}

/// A chart that is ready to be drawn.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) frame: Frame,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) title: Vec<String>,
    /// Where the label of the vertical axis stands.
    pub(super) y_label: f64,
    pub(super) slant: Slant,
    pub(super) paints: Vec<Paint>,
    pub(super) legend: Vec<Entry>,
}

/// Names along an axis get no more room than this, in pixels.
const LONGEST_NAME: f64 = 230.0;
/// The sine and cosine of 40 degrees, the slope of oblique names.
const SLOPE: (f64, f64) = (0.643, 0.766);

impl Layout {
    /// The layout of a chart whose frame begins at `left` or further right.
    pub(super) fn of(chart: &Chart, left: f64) -> Self {
        let (x, y) = axes(chart);
        let (width, mut height) = chart.size;
        let widest = |axis: &Axis| {
            let widths = (axis.ticks.iter()).flat_map(|t| t.text.lines().map(tick_width));
            widths.fold(0.0, f64::max)
        };
        let notes = (chart.layers.iter().filter(|layer| ends_at_right(layer)))
            .filter_map(|layer| layer.note.as_deref());
        let note = notes.map(|n| text::width(n, TEXT - 1.0) + 16.0);
        let last = x.ticks.last().filter(|_| !x.named);
        let right = note
            .chain(last.map(|t| tick_width(&t.text) / 2.0 + 4.0))
            .fold(22.0, f64::max)
            .min(width / 3.0);
        let mut left = (37.0 + widest(&y)).max(left).min(width / 2.0);
        let slot = (width - left - right) / x.ticks.len().max(1) as f64;
        let slant = if x.named && widest(&x) + 6.0 > slot {
            Slant::Oblique
        } else {
            Slant::Level
        };
        let oblique = (x.ticks.iter().map(|t| tick_width(&one_line(&t.text)))).fold(0.0, f64::max);
        let lines = (x.ticks.iter().map(|t| t.text.lines().count())).fold(1, usize::max);
        let below = match slant {
            Slant::Level => 15.0 * (lines - 1) as f64,
            Slant::Oblique => {
                left = left
                    .max(oblique * SLOPE.1 - slot / 2.0 + 22.0)
                    .min(width / 2.0);
                oblique * SLOPE.0
            }
        };
        let y_label = (left - widest(&y) - 20.0).max(17.0);
        // Bold letters are wider.
        let title = text::wrap(
            &chart.title,
            1.1 * TITLE,
            width - title_left(left, width) - 12.0,
        );
        let heading = match title.len() {
            0 => -8.0,
            lines => 24.0 + 20.0 * (lines - 1) as f64,
        };
        let (legend, rows) = legend(&chart.layers, (left, width - 22.0), heading + 22.0);
        let top = heading + 20.0 + 22.0 * rows as f64;
        if chart.square {
            height = top + (width - left - right) + 52.0 + below;
        }
        let frame = Frame {
            left,
            right: width - right,
            top,
            // However much stands around the axes, nearly half of the height is left between them.
            bottom: (height - 52.0 - below).max(top + 0.45 * height.min(1000.0)),
        };
        Self {
            width,
            height: height.max(frame.bottom + 52.0 + below),
            frame,
            x,
            y,
            title,
            y_label,
            slant,
            paints: paints(&chart.layers),
            legend,
        }
    }

    /// Where a point of the axes lies, in pixels; `None` for what has no place on them.
    pub(super) fn point(&self, (x, y): (f64, f64)) -> Option<(f64, f64)> {
        let Frame {
            left,
            right,
            top,
            bottom,
        } = self.frame;
        (self.x.holds(x) && self.y.holds(y)).then(|| {
            (
                left + (right - left) * self.x.place(x),
                bottom - (bottom - top) * self.y.place(y),
            )
        })
    }
}

/// Where the title begins: above the axes unless names push them far to the right.
pub(super) fn title_left(left: f64, width: f64) -> f64 {
    left.min(width / 4.0)
}

/// A name along an axis on one line; only its first line is shortened, what follows are counts.
pub(super) fn one_line(name: &str) -> String {
    let Some((first, rest)) = name.split_once('\n') else {
        return short_line(name);
    };
    let rest = format!(", {}", rest.replace('\n', ", "));
    let room = (LONGEST_NAME - text::width(&rest, TEXT)).max(LONGEST_NAME / 3.0);
    text::shorten(first, TEXT, room) + &rest
}

/// A line of a name along an axis, not longer than there is room.
pub(super) fn short_line(line: &str) -> String {
    text::shorten(line, TEXT, LONGEST_NAME)
}

fn tick_width(line: &str) -> f64 {
    text::width(line, TEXT).min(LONGEST_NAME)
}

/// Whether a layer ends at the right side of the frame, where a note can stand.
pub(super) fn ends_at_right(layer: &Layer) -> bool {
    layer.note.is_some()
        && matches!(
            layer.shape,
            Shape::Rule(Rule::Horizontal(_)) | Shape::Curve(..)
        )
}

fn axes(chart: &Chart) -> (Axis, Axis) {
    let corners: Vec<(f64, f64)> = chart.layers.iter().flat_map(Layer::corners).collect();
    // A rule lies on one axis only and has no number on the other.
    let holds = |setting: &AxisSetting, value: f64| value.is_nan() || setting.scale.holds(value);
    let (x, y) = (&chart.x, &chart.y);
    let usable = || (corners.iter()).filter(|(a, b)| holds(x, *a) && holds(y, *b));
    let whole = x.range.is_none() && usable().all(|p| p.0.is_nan() || p.0.fract() == 0.0);
    let span = |value: fn(&(f64, f64)) -> f64| extent(usable().map(value).filter(|v| !v.is_nan()));
    let horizontal = Division {
        count: 8,
        least: if whole { 1.0 } else { 0.0 },
        round: false,
    };
    // Ticks of a low chart must not touch.
    let vertical = Division {
        count: match chart.square {
            true => 8,
            false => ((chart.size.1 - 100.0) / 40.0).clamp(2.0, 6.0) as usize,
        },
        least: 0.0,
        round: true,
    };
    (
        Axis::of(x, span(|p| p.0), horizontal),
        Axis::of(y, span(|p| p.1), vertical),
    )
}

/// Each layer's colour: its own, or the next in the list.
fn paints(layers: &[Layer]) -> Vec<Paint> {
    let mut next = 0;
    (layers.iter())
        .map(|layer| {
            layer.paint.unwrap_or_else(|| {
                next += 1;
                Paint::Series(next - 1)
            })
        })
        .collect()
}

/// The legend's entries and its number of rows. A single curve needs no legend.
fn legend(layers: &[Layer], (left, right): (f64, f64), top: f64) -> (Vec<Entry>, usize) {
    if layers.len() < 2 {
        return (Vec::new(), 0);
    }
    let (mut x, mut row) = (left, 0);
    let named = (layers.iter().enumerate()).filter_map(|(i, l)| Some((i, l.name.as_ref()?)));
    let entries: Vec<Entry> = named
        .map(|(layer, name)| {
            let lines = text::wrap(name, TEXT, right - left - 26.0);
            let widths = lines.iter().map(|line| text::width(line, TEXT));
            let size = 26.0 + widths.fold(0.0, f64::max);
            let broken = lines.len() > 1;
            if x > left && (broken || x + size > right) {
                (x, row) = (left, row + 1);
            }
            let y = top + 20.0 * row as f64;
            let place = x;
            if broken {
                // What follows begins below the last line.
                (x, row) = (right, row + lines.len() - 1);
            } else {
                x += size + 20.0;
            }
            Entry {
                layer,
                x: place,
                y,
                lines,
            }
        })
        .collect();
    let rows = entries.last().map_or(0, |_| row + 1);
    (entries, rows)
}
