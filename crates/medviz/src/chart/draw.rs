//! The parts around the data: title, axes, names, legend.

use super::Chart;
use super::layer::{Layer, Paint, Rule, Shape};
use super::layout::{Entry, Frame, Layout, Slant, one_line, short_line, title_left};
use super::palette::{AXIS, GRID, Ink, MUTED, NEUTRAL, SERIES, TEXT, hex};
use super::svg::Svg;
use super::text::{TEXT as SIZE, escape, shorten};
use super::{notes, shapes};

/// Draws a chart into a document.
pub(super) fn chart(chart: &Chart, layout: &Layout, svg: &mut Svg) {
    title(layout, svg);
    let cells = (chart.layers.iter()).any(|layer| matches!(layer.shape, Shape::Cells(_)));
    axis(Edge::Bottom, layout, svg);
    axis(Edge::Left, layout, svg);
    labels(chart, layout, svg);
    let Frame {
        left,
        right,
        top,
        bottom,
    } = layout.frame;
    // The name of the clip path is its rectangle: two charts on one page share it only if it is the same.
    let clip = format!("clip-{left:.0}-{top:.0}-{right:.0}-{bottom:.0}");
    svg.line(format_args!(
        "<clipPath id=\"{clip}\"><rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/></clipPath>",
        left - 4.0,
        top - 4.0,
        right - left + 8.0,
        bottom - top + 8.0
    ));
    svg.line(format_args!("<g clip-path=\"url(#{clip})\">"));
    for (layer, &paint) in chart.layers.iter().zip(&layout.paints) {
        svg.line(format_args!(
            "<g class=\"{}\" color=\"{}\">",
            class(paint),
            hex(colour(paint).light)
        ));
        shapes::draw(layer, paint, layout, svg);
        svg.line(format_args!("</g>"));
    }
    svg.line(format_args!("</g>"));
    if !cells {
        svg.line(format_args!(
            "<path d=\"M{left:.1} {top:.1}V{bottom:.1}H{right:.1}\" fill=\"none\" class=\"axis\" \
             stroke=\"{}\"/>",
            hex(AXIS.light)
        ));
    }
    notes::beside_points(&chart.layers, layout, svg);
    notes::right_of_axes(&chart.layers, layout, svg);
    for entry in &layout.legend {
        let layer = &chart.layers[entry.layer];
        legend_entry(layer, layout.paints[entry.layer], entry, svg);
    }
}

fn colour(paint: Paint) -> Ink {
    match paint {
        Paint::Series(i) => SERIES[i % SERIES.len()],
        Paint::Neutral => NEUTRAL,
    }
}

fn class(paint: Paint) -> String {
    match paint {
        Paint::Series(i) => format!("s{}", i % SERIES.len()),
        Paint::Neutral => "n".to_owned(),
    }
}

fn title(layout: &Layout, svg: &mut Svg) {
    let left = title_left(layout.frame.left, layout.width);
    for (i, line) in layout.title.iter().enumerate() {
        svg.line(format_args!(
            "<text x=\"{left:.1}\" y=\"{:.0}\" font-size=\"17\" font-weight=\"bold\" class=\"ink\" \
             fill=\"{}\">\
             {}</text>",
            26.0 + 20.0 * i as f64,
            hex(TEXT.light),
            escape(line)
        ));
    }
}

/// Which axis: the one along the bottom of the frame, or the one along its left side.
#[derive(Clone, Copy)]
enum Edge {
    Bottom,
    Left,
}

/// The ticks of an axis: lines across the chart unless they are names, and their texts.
fn axis(edge: Edge, layout: &Layout, svg: &mut Svg) {
    let Frame {
        left,
        right,
        top,
        bottom,
    } = layout.frame;
    let (axis, start, end) = match edge {
        Edge::Bottom => (&layout.x, left, right),
        Edge::Left => (&layout.y, bottom, top),
    };
    for tick in &axis.ticks {
        let at = start + (end - start) * axis.place(tick.value);
        let ((x1, y1), (x2, y2)) = match edge {
            Edge::Bottom => ((at, top), (at, bottom)),
            Edge::Left => ((left, at), (right, at)),
        };
        if !axis.named {
            svg.line(format_args!(
                "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"grid\" \
                 stroke=\"{}\"/>",
                hex(GRID.light)
            ));
        }
        match (edge, layout.slant) {
            (Edge::Bottom, Slant::Level) => {
                tick_lines(&tick.text, (at, bottom + 18.0), "middle", svg);
            }
            (Edge::Bottom, Slant::Oblique) => svg.line(format_args!(
                "<text transform=\"translate({:.1} {:.1}) rotate(-40)\" text-anchor=\"end\" class=\"mute\" \
                 fill=\"{}\">{}</text>",
                at + 4.0,
                bottom + 14.0,
                hex(MUTED.light),
                escape(&one_line(&tick.text))
            )),
            (Edge::Left, _) => {
                let below_first = tick.text.lines().count().saturating_sub(1);
                let first = at + 4.5 - LINE / 2.0 * below_first as f64;
                tick_lines(&tick.text, (left - 7.0, first), "end", svg);
            }
        }
    }
}

/// The distance of the lines of a tick's text in pixels.
const LINE: f64 = 15.0;

/// The lines of a tick's text from a first one on downwards.
fn tick_lines(text: &str, (x, y): (f64, f64), anchor: &str, svg: &mut Svg) {
    for (i, line) in text.lines().enumerate() {
        svg.line(format_args!(
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" class=\"mute\" fill=\"{}\">{}</text>",
            y + LINE * i as f64,
            hex(MUTED.light),
            escape(&short_line(line))
        ));
    }
}

fn labels(chart: &Chart, layout: &Layout, svg: &mut Svg) {
    let Frame {
        left,
        right,
        top,
        bottom,
    } = layout.frame;
    let ink = hex(TEXT.light);
    svg.line(format_args!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" class=\"ink\" fill=\"{ink}\">{}</text>",
        (left + right) / 2.0,
        layout.height - 12.0,
        escape(&shorten(&chart.x.label, SIZE, layout.width - 20.0))
    ));
    svg.line(format_args!(
        "<text transform=\"translate({:.1} {:.1}) rotate(-90)\" text-anchor=\"middle\" class=\"ink\" \
         fill=\"{ink}\">\
         {}</text>",
        layout.y_label,
        (top + bottom) / 2.0,
        escape(&shorten(&chart.y.label, SIZE, layout.height - 20.0))
    ));
}

fn legend_entry(layer: &Layer, paint: Paint, entry: &Entry, svg: &mut Svg) {
    let &Entry { x, y, .. } = entry;
    let open = format!(
        "<g class=\"{}\" color=\"{}\">",
        class(paint),
        hex(colour(paint).light)
    );
    let filled = match layer.shape {
        Shape::Band(_)
        | Shape::Area(_)
        | Shape::Rectangles(_)
        | Shape::Boxes(_)
        | Shape::Cells(_) => true,
        Shape::Curve(..)
        | Shape::Rule(_)
        | Shape::Points(..)
        | Shape::Whiskers(_)
        | Shape::Notes(_) => false,
    };
    if filled {
        svg.line(format_args!(
            "{open}<rect x=\"{:.1}\" y=\"{:.1}\" width=\"16\" height=\"12\" fill=\"currentColor\" \
             fill-opacity=\"{:.2}\"/></g>",
            x + 2.0,
            y - 6.0,
            shapes::opacity(layer)
        ));
    } else if let Shape::Points(_, radius) = layer.shape {
        svg.line(format_args!(
            "{open}<circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"{:.1}\" fill=\"currentColor\"/></g>",
            x + 10.0,
            radius.clamp(3.0, 6.0)
        ));
    } else {
        let width = match layer.shape {
            Shape::Rule(Rule::Horizontal(_) | Rule::Vertical(_) | Rule::Through { .. }) => 2.0,
            _ => layer.width + 1.0,
        };
        svg.line(format_args!(
            "{open}<line x1=\"{x:.1}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"currentColor\" \
             stroke-width=\"{width:.1}\"{}/></g>",
            x + 20.0,
            shapes::dashes(layer, paint)
        ));
    }
    for (i, line) in entry.lines.iter().enumerate() {
        svg.line(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"ink\" fill=\"{}\">{}</text>",
            x + 26.0,
            y + 4.5 + 20.0 * i as f64,
            hex(TEXT.light),
            escape(line)
        ));
    }
}
