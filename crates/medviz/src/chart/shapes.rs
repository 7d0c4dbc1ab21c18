//! Layers as SVG elements.

use std::fmt::Write as _;

use super::layer::{BoxGlyph, Cell, Dash, Layer, Paint, Path, Rectangle, Rule, Shape, Whisker};
use super::layout::Layout;
use super::palette::{GRID, hex, shade, text_on};
use super::svg::Svg;
use super::text::{self, escape};

/// Half the length of a whisker's cap in pixels.
const CAP: f64 = 4.0;

/// Draws one layer; its colour is the surrounding group's.
pub(super) fn draw(layer: &Layer, paint: Paint, layout: &Layout, svg: &mut Svg) {
    match &layer.shape {
        Shape::Curve(points, path) => curve(points, *path, (layer, paint), layout, svg),
        Shape::Rule(rule) => {
            let ends = rule_points(*rule, layout);
            curve(&ends, Path::Straight, (layer, paint), layout, svg);
        }
        Shape::Band(band) => {
            let holds = |&&(x, low, high): &&(f64, f64, f64)| {
                layout.point((x, low)).is_some() && layout.point((x, high)).is_some()
            };
            let upper = band.iter().filter(holds).map(|b| (b.0, b.2));
            let lower = band.iter().rev().filter(holds).map(|b| (b.0, b.1));
            fill(upper.chain(lower), layer, layout, svg);
        }
        Shape::Area(outline) => fill(outline.iter().copied(), layer, layout, svg),
        Shape::Points(points, radius) => {
            for (x, y) in points.iter().filter_map(|p| layout.point(*p)) {
                svg.line(format_args!(
                    "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\" fill=\"currentColor\" \
                     fill-opacity=\"{:.2}\"/>",
                    opacity(layer)
                ));
            }
        }
        Shape::Rectangles(rectangles) => {
            for bar in rectangles {
                rectangle(bar, layer, layout, svg);
            }
        }
        Shape::Whiskers(whiskers) => {
            for whisker in whiskers {
                draw_whisker(*whisker, layer, layout, svg);
            }
        }
        Shape::Boxes(boxes) => {
            for glyph in boxes {
                draw_box(glyph, layer, layout, svg);
            }
        }
        Shape::Cells(cells) => {
            for cell in cells {
                draw_cell(cell, layout, svg);
            }
        }
        // Texts lie above all layers and are drawn later.
        Shape::Notes(_) => {}
    }
}

/// How opaque a layer is when it says nothing.
pub(super) fn opacity(layer: &Layer) -> f64 {
    layer.opacity.unwrap_or(match layer.shape {
        Shape::Band(_) | Shape::Area(_) | Shape::Boxes(_) => 0.2,
        Shape::Points(..) => 0.8,
        Shape::Rectangles(_) => 0.85,
        _ => 1.0,
    })
}

/// The attribute for dashes, with a space before it.
pub(super) fn dashes(layer: &Layer, paint: Paint) -> &'static str {
    match (layer.dash, paint) {
        (Dash::Dashed, _) => " stroke-dasharray=\"6 4\"",
        (Dash::Dotted, _) => " stroke-dasharray=\"1.5 3\"",
        (Dash::Automatic, Paint::Series(i)) => match i / 4 {
            0 => "",
            1 => " stroke-dasharray=\"9 3\"",
            2 => " stroke-dasharray=\"4 3\"",
            _ => " stroke-dasharray=\"9 3 2 3\"",
        },
        _ => "",
    }
}

fn rule_points(rule: Rule, layout: &Layout) -> Vec<(f64, f64)> {
    let (left, right) = layout.x.ends();
    let (bottom, top) = layout.y.ends();
    match rule {
        Rule::Horizontal(y) => vec![(left, y), (right, y)],
        Rule::Vertical(x) => vec![(x, bottom), (x, top)],
        Rule::Through { intercept, slope } => {
            // On a logarithmic axis a straight line is a curve.
            let share = |i: i32| f64::from(i) / 64.0;
            let straight = layout.x.holds(-1.0) && layout.y.holds(-1.0);
            let steps = if straight {
                vec![0, 64]
            } else {
                (0..=64).collect()
            };
            let x = |i| left + (right - left) * share(i);
            (steps.into_iter())
                .map(|i| (x(i), intercept + slope * x(i)))
                .collect()
        }
    }
}

fn curve(
    points: &[(f64, f64)],
    path: Path,
    (layer, paint): (&Layer, Paint),
    layout: &Layout,
    svg: &mut Svg,
) {
    let places: Vec<Option<(f64, f64)>> = points.iter().map(|p| layout.point(*p)).collect();
    for run in places.split(Option::is_none).filter(|run| !run.is_empty()) {
        let run = thinned(run.iter().flatten().copied().collect());
        if let [(x, y)] = run[..] {
            svg.line(format_args!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"currentColor\"/>"
            ));
            continue;
        }
        let mut d = String::new();
        for (n, (x, y)) in run.into_iter().enumerate() {
            // Writing to a string cannot fail.
            let _ = match (n, path) {
                (0, _) => write!(d, "M{x:.1} {y:.1}"),
                (_, Path::Straight) => write!(d, "L{x:.1} {y:.1}"),
                (_, Path::AcrossThenUp) => write!(d, "H{x:.1}V{y:.1}"),
                (_, Path::UpThenAcross) => write!(d, "V{y:.1}H{x:.1}"),
            };
        }
        let opacity = match layer.opacity {
            Some(opacity) => format!(" stroke-opacity=\"{opacity:.2}\""),
            None => String::new(),
        };
        svg.line(format_args!(
            "<path d=\"{d}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"{:.1}\" \
             stroke-linejoin=\"round\"{}{opacity}/>",
            layer.width,
            dashes(layer, paint)
        ));
    }
}

/// Leaves out points within a third of a pixel of the one before, when there are very many.
fn thinned(run: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    const MANY: usize = 2000;
    const NEAR: f64 = 0.35;
    let Some(&last) = run.last().filter(|_| run.len() > MANY) else {
        return run;
    };
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for point in run {
        let near = |k: &(f64, f64)| (k.0 - point.0).abs() < NEAR && (k.1 - point.1).abs() < NEAR;
        if !kept.last().is_some_and(near) {
            kept.push(point);
        }
    }
    if kept.last() != Some(&last) {
        kept.push(last);
    }
    kept
}

fn fill(outline: impl Iterator<Item = (f64, f64)>, layer: &Layer, layout: &Layout, svg: &mut Svg) {
    let mut d = String::new();
    for (x, y) in outline.filter_map(|p| layout.point(p)) {
        let letter = if d.is_empty() { 'M' } else { 'L' };
        let _ = write!(d, "{letter}{x:.1} {y:.1}");
    }
    if !d.is_empty() {
        svg.line(format_args!(
            "<path d=\"{d}Z\" fill=\"currentColor\" fill-opacity=\"{:.2}\"/>",
            opacity(layer)
        ));
    }
}

fn rectangle(bar: &Rectangle, layer: &Layer, layout: &Layout, svg: &mut Svg) {
    let ends = (layout.point((bar.x.0, bar.y.0))).zip(layout.point((bar.x.1, bar.y.1)));
    if let Some(((x0, y0), (x1, y1))) = ends {
        svg.line(format_args!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"currentColor\" \
             fill-opacity=\"{:.2}\"/>",
            x0.min(x1),
            y0.min(y1),
            (x1 - x0).abs(),
            (y1 - y0).abs(),
            opacity(layer)
        ));
    }
}

fn draw_whisker(whisker: Whisker, layer: &Layer, layout: &Layout, svg: &mut Svg) {
    let d = match whisker {
        Whisker::Vertical { x, y } => {
            let Some(((x, low), (_, high))) = layout.point((x, y.0)).zip(layout.point((x, y.1)))
            else {
                return;
            };
            format!(
                "M{l:.1} {low:.1}H{r:.1}M{x:.1} {low:.1}V{high:.1}M{l:.1} {high:.1}H{r:.1}",
                l = x - CAP,
                r = x + CAP
            )
        }
        Whisker::Horizontal { x, y } => {
            let Some(((low, y), (high, _))) = layout.point((x.0, y)).zip(layout.point((x.1, y)))
            else {
                return;
            };
            format!(
                "M{low:.1} {t:.1}V{b:.1}M{low:.1} {y:.1}H{high:.1}M{high:.1} {t:.1}V{b:.1}",
                t = y - CAP,
                b = y + CAP
            )
        }
    };
    svg.line(format_args!(
        "<path d=\"{d}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"{:.1}\" \
         stroke-opacity=\"{:.2}\"/>",
        layer.width,
        opacity(layer)
    ));
}

fn draw_box(glyph: &BoxGlyph, layer: &Layer, layout: &Layout, svg: &mut Svg) {
    let half = glyph.width / 2.0;
    let corner = |side: f64, y: f64| layout.point((glyph.at + side * half, y));
    let Some(((left, top), (right, bottom))) =
        corner(-1.0, glyph.ends.1).zip(corner(1.0, glyph.ends.0))
    else {
        return;
    };
    let Some(((_, middle), (x, _))) = corner(0.0, glyph.middle).zip(corner(0.0, glyph.ends.0))
    else {
        return;
    };
    svg.line(format_args!(
        "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"currentColor\" \
         fill-opacity=\"{:.2}\" stroke=\"currentColor\" stroke-width=\"{w:.1}\"/>",
        right - left,
        bottom - top,
        opacity(layer),
        w = layer.width
    ));
    if let Some(((_, low), (_, high))) =
        corner(0.0, glyph.whiskers.0).zip(corner(0.0, glyph.whiskers.1))
    {
        let (l, r) = (x - 2.0 * CAP, x + 2.0 * CAP);
        svg.line(format_args!(
            "<path d=\"M{x:.1} {top:.1}V{high:.1}M{l:.1} {high:.1}H{r:.1}M{x:.1} {bottom:.1}V{low:.1}\
             M{l:.1} {low:.1}H{r:.1}\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"{:.1}\"/>",
            layer.width
        ));
    }
    svg.line(format_args!(
        "<path d=\"M{left:.1} {middle:.1}H{right:.1}\" fill=\"none\" stroke=\"currentColor\" \
         stroke-width=\"3\"/>"
    ));
}

fn draw_cell(cell: &Cell, layout: &Layout, svg: &mut Svg) {
    let (column, row) = (cell.column as f64, cell.row as f64);
    let corners =
        (layout.point((column - 0.5, row + 0.5))).zip(layout.point((column + 0.5, row - 0.5)));
    let Some(((left, top), (right, bottom))) = corners else {
        return;
    };
    let colour = cell.share.map_or(GRID.light, shade);
    svg.line(format_args!(
        "<g fill=\"{}\" text-anchor=\"middle\"><title>{}</title><rect x=\"{left:.1}\" y=\"{top:.1}\" \
         width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\" class=\"halo\" stroke=\"#ffffff\"/>",
        hex(text_on(colour)),
        escape(&cell.tip),
        right - left,
        bottom - top,
        hex(colour)
    ));
    let middle = (left + right) / 2.0;
    let fits = |line: &str, size: f64| text::width(line, size) <= right - left - 4.0;
    // The first line is as large as fits; the others follow below if there is room for them.
    let first = cell
        .lines
        .first()
        .zip([13.0, 11.0, 9.0].into_iter().find(|size| {
            cell.lines.first().is_some_and(|line| fits(line, *size)) && bottom - top >= size + 3.0
        }));
    if let Some((line, size)) = first {
        let rest: &[String] = match &cell.lines[1..] {
            rest if rest.iter().all(|line| fits(line, 11.0))
                && bottom - top >= size + 15.0 * rest.len() as f64 =>
            {
                rest
            }
            _ => &[],
        };
        let start = (top + bottom) / 2.0 + 0.36 * size - 7.0 * rest.len() as f64;
        svg.line(format_args!(
            "<text x=\"{middle:.1}\" y=\"{start:.1}\" font-size=\"{size:.0}\" font-weight=\"bold\">{}</text>",
            escape(line)
        ));
        for (i, line) in rest.iter().enumerate() {
            svg.line(format_args!(
                "<text x=\"{middle:.1}\" y=\"{:.1}\" font-size=\"11\">{}</text>",
                start + 15.0 * (i + 1) as f64,
                escape(line)
            ));
        }
    }
    svg.line(format_args!("</g>"));
}
