//! What formats that draw one ring or one box at a time say of an object.

use std::borrow::Cow;

use super::loss::{Loss, LossReport};
use super::model::{AnnotatedImage, Annotations, Object};
use super::shape::{Shape, ShapeKind};

/// Group numbers that no object has yet.
pub(super) struct Groups {
    last: i64,
}

impl Groups {
    /// Those behind the groups of an image.
    pub(super) fn of(image: &AnnotatedImage) -> Self {
        let groups = image.objects.iter().filter_map(|object| object.group);
        Self {
            last: groups.max().unwrap_or(0).max(0),
        }
    }

    fn fresh(&mut self) -> i64 {
        self.last = self.last.saturating_add(1);
        self.last
    }
}

/// The object as drawings of one kind each: a polygon of several parts becomes polygons of one group.
///
/// Notes the parting, and the loss of a box that says more than the shape it stands beside.
pub(super) fn drawings<'a>(
    object: &'a Object,
    groups: &mut Groups,
    losses: &mut LossReport,
    place: impl Fn() -> String,
) -> Vec<Cow<'a, Object>> {
    if let (Some(bounds), Some(shape)) = (&object.bounding_box, &object.shape) {
        let around = shape.bounds();
        let same = around.is_some_and(|around| {
            let ends = [(around.min(), bounds.min()), (around.max(), bounds.max())];
            let mut pairs = ends.iter().flat_map(|(a, b)| a.iter().zip(b));
            pairs.all(|(a, b)| (a - b).abs() < 1e-6)
        });
        if !same {
            losses.add(Loss::BoxDropped, &place);
        }
    }
    let parts = match &object.shape {
        Some(Shape::Polygon(parts)) if parts.len() > 1 => parts,
        _ => return vec![Cow::Borrowed(object)],
    };
    let (shape, by) = (ShapeKind::PolygonParts, ShapeKind::Polygon);
    losses.add(Loss::ShapeReplaced { shape, by }, &place);
    let group = object.group.unwrap_or_else(|| groups.fresh());
    let single = |ring: &Vec<[f64; 2]>| {
        Cow::Owned(Object {
            shape: Some(Shape::Polygon(vec![ring.clone()])),
            bounding_box: None,
            group: Some(group),
            ..object.clone()
        })
    };
    parts.iter().map(single).collect()
}

/// The name of an object's category.
pub(super) fn name(annotations: &Annotations, category: usize) -> &str {
    annotations.categories.get(category).map_or("", |c| &c.name)
}
