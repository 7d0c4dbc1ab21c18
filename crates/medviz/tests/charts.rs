//! Charts of anything are well-formed, and nothing that is written lies on something else or outside.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use medviz::{
    BoxGlyph, Cell, Chart, Dash, Layer, Note, Paint, Rectangle, Rule, Scale, Side, Whisker,
};
use proptest::prelude::*;

/// Opening and closing tags match, and every attribute is quoted.
fn is_well_formed(svg: &str) -> bool {
    let mut open = Vec::new();
    let mut rest = svg;
    while let Some(start) = rest.find('<') {
        let Some(end) = rest[start..].find('>') else {
            return false;
        };
        let tag = &rest[start + 1..start + end];
        let name = tag
            .trim_start_matches('/')
            .split([' ', '/'])
            .next()
            .unwrap();
        if tag.starts_with('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        if tag.matches('"').count() % 2 == 1 {
            return false;
        }
        rest = &rest[start + end + 1..];
    }
    open.is_empty()
}

/// The attribute of an element as a number.
fn number(element: &str, attribute: &str) -> f64 {
    let start = element.find(&format!(" {attribute}=\"")).unwrap() + attribute.len() + 3;
    element[start..].split('"').next().unwrap().parse().unwrap()
}

fn texts<'a>(svg: &'a str, class: &'a str) -> impl Iterator<Item = (&'a str, f64, f64)> {
    let marked = svg
        .lines()
        .filter(move |line| line.starts_with("<text x=") && line.contains(class));
    marked.map(|line| {
        let text = line.split('>').nth(1).unwrap().split('<').next().unwrap();
        (text, number(line, "x"), number(line, "y"))
    })
}

#[test]
fn notes_beside_points_do_not_lie_on_one_another() {
    let notes = (0..8).map(|i| Note {
        at: (0.9 + 0.01 * f64::from(i), 0.5),
        text: format!("operating point {i}"),
        side: Side::Free,
    });
    let svg = Chart::new("notes")
        .x_range(0.0, 1.0)
        .y_range(0.0, 1.0)
        .layer(Layer::notes(notes))
        .to_svg();
    let places: Vec<_> = texts(&svg, "halo").collect();
    assert_eq!(places.len(), 8);
    for (i, (text, x, y)) in places.iter().enumerate() {
        let width = 6.0 * text.len() as f64;
        assert!(
            *x > 40.0 && x + width < 720.0 && *y > 30.0 && *y < 370.0,
            "{text} {x} {y}"
        );
        for (_, other, height) in &places[..i] {
            assert!(
                (x - other).abs() > width || (y - height).abs() > 12.0,
                "{text}"
            );
        }
    }
}

#[test]
fn notes_at_the_right_keep_their_distance() {
    let rules = [0.50, 0.505, 0.51, 0.0, 1.0];
    let chart = rules
        .iter()
        .fold(Chart::new("rules").y_range(0.0, 1.0), |chart, &y| {
            chart.layer(Layer::rule(Rule::Horizontal(y)).noted(format!("at {y}")))
        });
    let svg = chart.to_svg();
    let mut heights: Vec<f64> = (texts(&svg, "mute"))
        .filter(|(text, ..)| text.starts_with("at "))
        .map(|(_, _, y)| y)
        .collect();
    heights.sort_by(f64::total_cmp);
    assert_eq!(heights.len(), 5);
    assert!(
        heights.windows(2).all(|pair| pair[1] - pair[0] >= 14.9),
        "{heights:?}"
    );
}

#[test]
fn legends_lie_above_the_axes_however_long_they_are() {
    let name =
        "a name of a model that is so long that it does not stand on one line of the legend at all";
    let svg = Chart::new("A title")
        .size(520, 400)
        .series(name, [(0.0, 0.0), (1.0, 1.0)])
        .series("short", [(0.0, 1.0), (1.0, 0.0)])
        .to_svg();
    let clip = svg.lines().find(|line| line.contains("<clipPath")).unwrap();
    let rectangle = &clip[clip.find("<rect").unwrap()..];
    let top = number(rectangle, "y") + 4.0;
    let words: Vec<_> = texts(&svg, "ink")
        .filter(|(.., y)| *y > 27.0 && *y < top)
        .collect();
    let written = words
        .iter()
        .map(|(text, ..)| *text)
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!(written, format!("{name} short"));
    assert!(
        words
            .iter()
            .all(|(text, x, _)| x + 7.0 * text.len() as f64 <= 520.0)
    );
    assert!(words.windows(2).all(|pair| pair[1].2 > pair[0].2));
}

#[test]
fn a_million_points_make_a_small_picture_that_shows_their_ends() {
    let points = (0..1_000_000).map(|i| (f64::from(i), f64::from(i).sqrt()));
    let svg = Chart::new("many")
        .size(400, 300)
        .series("root", points)
        .to_svg();
    assert!(svg.len() < 40_000, "{} bytes", svg.len());
    let path = svg
        .lines()
        .find(|line| line.contains("stroke-linejoin"))
        .unwrap();
    let clip = svg.split("<clipPath").nth(1).unwrap();
    let clip = clip.split("<rect").nth(1).unwrap();
    let right = number(clip, "x") + number(clip, "width") - 4.0;
    let top = number(clip, "y") + 4.0;
    let end = path.rsplit('L').next().unwrap().split('"').next().unwrap();
    let end: Vec<f64> = end.split(' ').map(|n| n.parse().unwrap()).collect();
    assert!((end[0] - right).abs() < 0.2, "{end:?} {right}");
    assert!((end[1] - top).abs() < 0.2, "{end:?} {top}");
}

#[test]
fn square_charts_are_square_and_names_have_room() {
    let svg = Chart::new("square")
        .size(500, 160)
        .square()
        .x_names(["left adrenal gland", "right adrenal gland", "gallbladder"])
        .y_names(["a\nn = 3", "b\nn = 4"])
        .to_svg();
    let rectangle = &svg[svg.find("<clipPath").unwrap()..];
    let rectangle = &rectangle[rectangle.find("<rect").unwrap()..];
    assert_eq!(number(rectangle, "width"), number(rectangle, "height"));
    let height = number(svg.lines().next().unwrap(), "height");
    assert!(height > number(rectangle, "y") + number(rectangle, "height") + 50.0);
    assert!(svg.contains(">n = 3</text>"));
}

#[test]
fn panels_share_their_left_edge() {
    let chart = |top: f64| Chart::new("t").series("a", [(0.0, 0.0), (1.0, top)]);
    let svg = chart(1.0).below(chart(123_456.0)).to_svg();
    let axes: Vec<&str> = (svg.lines())
        .filter(|line| line.contains("class=\"axis\""))
        .map(|line| line.split('M').nth(1).unwrap().split(' ').next().unwrap())
        .collect();
    assert!(axes.len() == 2 && axes[0] == axes[1], "{axes:?}");
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![6 => -100.0..100.0, 1 => proptest::num::f64::ANY]
}

fn layer() -> impl Strategy<Value = Layer> {
    let pairs = || proptest::collection::vec((value(), value()), 0..6);
    prop_oneof![
        pairs().prop_map(Layer::line),
        pairs().prop_map(Layer::steps),
        pairs().prop_map(Layer::area),
        pairs().prop_map(|p| Layer::points(p, 3.0)),
        pairs().prop_map(|p| Layer::band(p.into_iter().map(|(x, y)| (x, y - 1.0, y)))),
        pairs().prop_map(|p| Layer::rectangles(p.into_iter().map(|(x, y)| Rectangle {
            x: (0.0, x),
            y: (y, 1.0),
        }))),
        pairs().prop_map(|p| Layer::whiskers(
            p.into_iter()
                .map(|(x, y)| Whisker::Vertical { x, y: (y, y + 1.0) })
        )),
        pairs().prop_map(|p| Layer::boxes(p.into_iter().map(|(at, y)| BoxGlyph {
            at,
            width: 0.5,
            ends: (y, y + 2.0),
            middle: y + 1.0,
            whiskers: (y - 1.0, y + 3.0),
        }))),
        (value(), value()).prop_map(|(intercept, slope)| {
            Layer::rule(Rule::Through { intercept, slope }).dash(Dash::Dotted)
        }),
        value().prop_map(|y| Layer::rule(Rule::Horizontal(y)).noted("a note")),
        (0_usize..3, 0_usize..3, value()).prop_map(|(column, row, share)| Layer::cells([Cell {
            column,
            row,
            share: Some(share),
            lines: vec!["7".to_owned(), "70 %".to_owned()],
            tip: "a & b".to_owned(),
        }])),
        (value(), value(), "\\PC{0,12}").prop_map(|(x, y, text)| {
            let side = Side::Free;
            Layer::notes([Note {
                at: (x, y),
                text,
                side,
            }])
        }),
    ]
}

proptest! {
    #[test]
    fn charts_of_anything_are_well_formed(
        layers in proptest::collection::vec((layer(), "\\PC{0,20}", 0_usize..12), 0..6),
        scales in (0_usize..3, 0_usize..3),
        names in proptest::collection::vec("\\PC{0,30}", 0..5),
        square in any::<bool>(),
        size in (0_u32..900, 0_u32..900),
    ) {
        let scale = |i: usize| [Scale::Linear, Scale::Log2, Scale::Log10][i];
        let mut chart = Chart::new("a title").x_scale(scale(scales.0)).y_scale(scale(scales.1));
        chart = chart.size(size.0, size.1);
        if square {
            chart = chart.square();
        }
        if names.len() > 2 {
            chart = chart.x_names(names);
        }
        for (layer, name, colour) in layers {
            chart = chart.layer(layer.named(name).painted(Paint::Series(colour)));
        }
        let svg = chart.to_svg();
        prop_assert!(is_well_formed(&svg), "{svg}");
        for line in svg.lines().filter(|line| !line.starts_with("<text")) {
            prop_assert!(!line.contains("NaN") && !line.contains("inf"), "{line}");
        }
        prop_assert_eq!(chart.to_svg(), svg, "the same bytes again");
    }
}
