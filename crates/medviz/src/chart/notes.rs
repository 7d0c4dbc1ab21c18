//! Texts beside points and right of the axes, moved apart where they would lie on one another.

use super::layer::{Layer, Note, Rule, Shape, Side};
use super::layout::{Frame, Layout, ends_at_right};
use super::palette::{AXIS, MUTED, PAPER, TEXT, hex};
use super::svg::Svg;
use super::text::{self, escape};

/// Size of notes in pixels.
const SIZE: f64 = 12.0;
/// From one line of notes to the next.
const LINE: f64 = 15.0;

/// Texts at the ends of rules and curves, in the margin on the right.
pub(super) fn right_of_axes(layers: &[Layer], layout: &Layout, svg: &mut Svg) {
    let Frame {
        right, top, bottom, ..
    } = layout.frame;
    let mut notes: Vec<(f64, &str)> = (layers.iter())
        .filter(|layer| ends_at_right(layer))
        .filter_map(|layer| {
            let end = match &layer.shape {
                Shape::Rule(Rule::Horizontal(y)) => (layout.x.ends().1, *y),
                Shape::Curve(points, _) => *points.last()?,
                _ => return None,
            };
            Some((layout.point(end)?.1, layer.note.as_deref()?))
        })
        .filter(|(y, _)| (top - 1.0..=bottom + 1.0).contains(y))
        .collect();
    notes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut places: Vec<f64> = notes.iter().map(|(y, _)| *y).collect();
    for i in 1..places.len() {
        places[i] = places[i].max(places[i - 1] + LINE);
    }
    // What was pushed over the lower end pushes back.
    let mut limit = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(limit);
        limit = *place - LINE;
    }
    for ((y, note), place) in notes.into_iter().zip(places) {
        if (y - place).abs() > 1.0 {
            svg.line(format_args!(
                "<path d=\"M{:.1} {y:.1}L{:.1} {place:.1}\" fill=\"none\" class=\"axis\" stroke=\"{}\"/>",
                right + 1.0,
                right + 6.0,
                hex(AXIS.light)
            ));
        }
        svg.line(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"12\" class=\"mute\" fill=\"{}\">{}</text>",
            right + 8.0,
            place + 4.0,
            hex(MUTED.light),
            escape(note)
        ));
    }
}

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy)]
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Area {
    fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

/// Texts beside points: right or left of them, below or above, the nearest place that is free.
pub(super) fn beside_points(layers: &[Layer], layout: &Layout, svg: &mut Svg) {
    let notes = layers.iter().flat_map(|layer| match &layer.shape {
        Shape::Notes(notes) => notes.as_slice(),
        _ => &[],
    });
    let points: Vec<_> = notes
        .filter_map(|note| Some((layout.point(note.at)?, note)))
        .collect();
    let dot = |(x, y): (f64, f64)| Area {
        left: x - 5.0,
        right: x + 5.0,
        top: y - 5.0,
        bottom: y + 5.0,
    };
    let mut taken: Vec<Area> = points.iter().map(|(point, _)| dot(*point)).collect();
    for (point, note) in points {
        let text = &note.text;
        let area = free_place(point, note, &taken, &layout.frame);
        taken.push(area);
        svg.line(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"12\" class=\"ink halo\" fill=\"{}\" stroke=\"{}\" \
             stroke-width=\"3\" stroke-linejoin=\"bevel\" paint-order=\"stroke\">{}</text>",
            area.left,
            area.bottom - 4.0,
            hex(TEXT.light),
            hex(PAPER.light),
            escape(text)
        ));
    }
}

fn free_place((x, y): (f64, f64), note: &Note, taken: &[Area], frame: &Frame) -> Area {
    let width = text::width(&note.text, SIZE);
    let area = |left: f64, middle: f64| Area {
        left,
        right: left + width,
        top: middle - LINE / 2.0,
        bottom: middle + LINE / 2.0,
    };
    let (right, left) = (x + 8.0, x - 8.0 - width);
    if note.side == Side::Right {
        return area(right, y);
    }
    let near = [
        area(right, y + 10.0),
        area(right, y - 10.0),
        area(left, y - 10.0),
        area(left, y + 10.0),
    ];
    let further = (1..12).flat_map(|i| {
        let away = 10.0 + LINE * f64::from(i);
        [(right, away), (left, away), (right, -away), (left, -away)]
    });
    let further = further.map(|(x, away)| area(x, y + away));
    let free = |area: &Area| {
        area.left >= frame.left + 2.0
            && area.right <= frame.right - 2.0
            && area.top >= frame.top
            && area.bottom <= frame.bottom
            && !taken.iter().any(|other| area.meets(other))
    };
    let place = near.into_iter().chain(further).find(free);
    place.unwrap_or_else(|| {
        let left = right.min(frame.right - 2.0 - width).max(frame.left + 2.0);
        area(left, y + 10.0)
    })
}
