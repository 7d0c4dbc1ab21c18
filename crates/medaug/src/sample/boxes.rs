//! Boxes around objects of a sample.

use medcore::BoundingBox;
use serde::{Deserialize, Serialize};

/// A box with its class, in indices of the image.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelledBox<const D: usize> {
    /// The box.
    pub bounds: BoundingBox<D>,
    /// Its class.
    pub class: usize,
    /// Its number in the list it came from; survives when others are dropped.
    pub number: usize,
}

/// Which boxes stay after an image has been moved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BoxRule {
    /// The least part of a box's volume that must still lie within the image; what lies outside is cut off.
    pub visible: f64,
    /// The least extent along every axis, in voxels, after that.
    pub extent: f64,
}

impl Default for BoxRule {
    /// A tenth of its volume and two voxels along each axis.
    fn default() -> Self {
        Self {
            visible: 0.1,
            extent: 2.0,
        }
    }
}

/// The boxes of a sample.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Boxes<const D: usize> {
    items: Vec<LabelledBox<D>>,
    #[serde(default)]
    rule: BoxRule,
    #[serde(default)]
    sides: Vec<(usize, usize)>,
}

impl<const D: usize> Boxes<D> {
    /// Boxes with their classes, numbered from zero.
    #[must_use]
    pub fn new(boxes: impl IntoIterator<Item = (BoundingBox<D>, usize)>) -> Self {
        let items = boxes.into_iter().enumerate();
        let items = items.map(|(number, (bounds, class))| LabelledBox {
            bounds,
            class,
            number,
        });
        Self {
            items: items.collect(),
            rule: BoxRule::default(),
            sides: vec![],
        }
    }

    /// The same boxes under another rule.
    #[must_use]
    pub fn with_rule(self, rule: BoxRule) -> Self {
        Self { rule, ..self }
    }

    /// The same boxes, of which these classes change places when left and right are mirrored.
    #[must_use]
    pub fn with_sides(self, sides: Vec<(usize, usize)>) -> Self {
        Self { sides, ..self }
    }

    /// The boxes.
    #[must_use]
    pub fn items(&self) -> &[LabelledBox<D>] {
        &self.items
    }

    /// Which of them stay when the image is moved.
    #[must_use]
    pub fn rule(&self) -> BoxRule {
        self.rule
    }

    /// Adds boxes of another sample, numbered on from those here.
    pub fn extend(&mut self, others: impl IntoIterator<Item = LabelledBox<D>>) {
        let first = self.items.iter().map(|b| b.number + 1).max().unwrap_or(0);
        let others = others.into_iter().enumerate();
        self.items.extend(others.map(|(i, other)| LabelledBox {
            number: first + i,
            ..other
        }));
    }

    /// Other boxes under the rule and with the sides of these.
    pub(crate) fn replaced(&self, others: Self) -> Self {
        Self {
            items: others.items,
            ..self.clone()
        }
    }

    /// Replaces every box by what `change` makes of it, or drops it.
    pub(crate) fn retain_changed(
        &mut self,
        change: impl FnMut(&LabelledBox<D>) -> Option<LabelledBox<D>>,
    ) {
        self.items = self.items.iter().filter_map(change).collect();
    }

    /// The boxes at their new places, cut to an image of `shape`; those that do not keep the rule are dropped,
    /// as are those that `place` finds nowhere.
    pub(crate) fn moved(
        &self,
        shape: [usize; D],
        place: impl Fn(&BoundingBox<D>) -> Option<BoundingBox<D>>,
    ) -> Self {
        let items = self.items.iter().filter_map(|item| {
            let whole = place(&item.bounds)?;
            let min: [f64; D] = std::array::from_fn(|a| whole.min()[a].max(-0.5));
            let max: [f64; D] =
                std::array::from_fn(|a| whole.max()[a].min(shape[a] as f64 - 0.5).max(min[a]));
            let bounds = BoundingBox::new(min, max).ok()?;
            let extent = bounds.extent().into_iter().fold(f64::INFINITY, f64::min);
            let visible = bounds.volume() >= self.rule.visible * whole.volume();
            (visible && extent >= self.rule.extent).then_some(LabelledBox { bounds, ..*item })
        });
        Self {
            items: items.collect(),
            rule: self.rule,
            sides: self.sides.clone(),
        }
    }

    /// Exchanges the classes of left and right objects.
    pub(crate) fn swap_sides(&mut self) {
        for item in &mut self.items {
            item.class = other_side(item.class, &self.sides);
        }
    }
}

/// The class of the same organ on the other side; its own if it has no side.
pub(super) fn other_side(class: usize, sides: &[(usize, usize)]) -> usize {
    sides
        .iter()
        .find_map(|&(left, right)| match class {
            c if c == left => Some(right),
            c if c == right => Some(left),
            _ => None,
        })
        .unwrap_or(class)
}
