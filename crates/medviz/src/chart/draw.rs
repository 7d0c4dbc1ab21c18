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
    x_axis(layout, svg);
    y_axis(layout, svg);
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

fn x_axis(layout: &Layout, svg: &mut Svg) {
    let Frame {
        left,
        right,
        top,
        bottom,
    } = layout.frame;
    let mute = hex(MUTED.light);
    for tick in &layout.x.ticks {
        let x = left + (right - left) * layout.x.place(tick.value);
        if !layout.x.named {
            svg.line(format_args!(
                "<line x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\" class=\"grid\" \
                 stroke=\"{}\"/>",
                hex(GRID.light)
            ));
        }
        match layout.slant {
            Slant::Level => {
                for (i, line) in tick.text.lines().enumerate() {
                    svg.line(format_args!(
                        "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" class=\"mute\" \
                         fill=\"{mute}\">{}</text>",
                        bottom + 18.0 + 15.0 * i as f64,
                        escape(&short_line(line))
                    ));
                }
            }
            Slant::Oblique => svg.line(format_args!(
                "<text transform=\"translate({:.1} {:.1}) rotate(-40)\" text-anchor=\"end\" class=\"mute\" \
                 fill=\"{mute}\">{}</text>",
                x + 4.0,
                bottom + 14.0,
                escape(&one_line(&tick.text))
            )),
        }
    }
}

fn y_axis(layout: &Layout, svg: &mut Svg) {
    let Frame {
        left,
        right,
        top,
        bottom,
    } = layout.frame;
    for tick in &layout.y.ticks {
        let y = bottom - (bottom - top) * layout.y.place(tick.value);
        if !layout.y.named {
            svg.line(format_args!(
                "<line x1=\"{left:.1}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\" class=\"grid\" \
                 stroke=\"{}\"/>",
                hex(GRID.light)
            ));
        }
        let lines: Vec<&str> = tick.text.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            let shift = 4.5 + 15.0 * (i as f64 - (lines.len() - 1) as f64 / 2.0);
            svg.line(format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" class=\"mute\" fill=\"{}\">{}</text>",
                left - 7.0,
                y + shift,
                hex(MUTED.light),
                escape(&short_line(line))
            ));
        }
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
