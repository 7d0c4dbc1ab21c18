//! Boxes around objects of a sample.

use medcore::BoundingBox;
use serde::{Deserialize, Serialize};

use super::turned::TurnedBox;

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
    /// The object's own box where it does not stand along the axes; `bounds` lies around it then, cut to what is seen, while
    /// this one goes on outside the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turned: Option<TurnedBox<D>>,
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
            turned: None,
        });
        Self {
            items: items.collect(),
            rule: BoxRule::default(),
            sides: vec![],
        }
    }

    /// Turned boxes with their classes, numbered from zero.
    ///
    /// ```
    /// use medaug::{Affine, Boxes, Operation, Sample, TurnedBox};
    /// use medcore::{Geometry, Image};
    ///
    /// let grid = Geometry::axis_aligned([41, 41], [1.0; 2])?;
    /// let needle = TurnedBox::from_size([20.0, 20.0], [24.0, 4.0], 10.0)?;
    /// let sample = Sample::new(Image::zeros(1, grid)?).with_boxes(Boxes::turned([(needle, 0)]));
    /// let turn = Affine { rotation_degrees: vec![30.0], ..Affine::default() };
    /// let turned = Operation::from(turn).apply_to(sample)?;
    /// let needle = turned.boxes().and_then(|boxes| boxes.items()[0].turned).expect("a turned box");
    /// let (size, degrees) = needle.fitted([1.0; 2]).size_and_degrees();
    /// assert!((size[0] - 24.0).abs() < 1e-9 && (degrees + 20.0).abs() < 1e-9);
    /// # Ok::<(), medaug::Error>(())
    /// ```
    #[must_use]
    pub fn turned(boxes: impl IntoIterator<Item = (TurnedBox<D>, usize)>) -> Self {
        let boxes = boxes.into_iter();
        let boxes = boxes.filter_map(|(turned, class)| Some((turned.bounds()?, class, turned)));
        let (mut items, mut turns) = (vec![], vec![]);
        for (bounds, class, turned) in boxes {
            items.push((bounds, class));
            turns.push(turned);
        }
        let mut made = Self::new(items);
        for (item, turned) in made.items.iter_mut().zip(turns) {
            item.turned = Some(turned);
        }
        made
    }

    /// Adds a box of a class, numbered on from those here.
    pub(crate) fn add(&mut self, bounds: BoundingBox<D>, class: usize) {
        self.extend([LabelledBox {
            bounds,
            class,
            number: 0,
            turned: None,
        }]);
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
        place: impl Fn(&LabelledBox<D>) -> Option<LabelledBox<D>>,
    ) -> Self {
        let items = self.items.iter().filter_map(|item| {
            let whole = place(item)?;
            let (low, high) = (whole.bounds.min(), whole.bounds.max());
            let min: [f64; D] = std::array::from_fn(|a| low[a].max(-0.5));
            let max: [f64; D] =
                std::array::from_fn(|a| high[a].min(shape[a] as f64 - 0.5).max(min[a]));
            let bounds = BoundingBox::new(min, max).ok()?;
            let extent = bounds.extent().into_iter().fold(f64::INFINITY, f64::min);
            let visible = match &whole.turned {
                Some(turned) => turned.share_within(&bounds) >= self.rule.visible,
                None => bounds.volume() >= self.rule.visible * whole.bounds.volume(),
            };
            (visible && extent >= self.rule.extent).then_some(LabelledBox { bounds, ..whole })
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
