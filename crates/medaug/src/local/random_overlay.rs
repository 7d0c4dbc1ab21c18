//! Which elements are laid over an image, and where.

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::overlay::{OverlayElement, OverlayElements, PlacedElement};
use crate::array::per_axis;
use crate::draw::{Draw, check_count, draw_count};
use crate::error::{Result, check, check_entries, check_probability};
use crate::sample::LazySample;
use crate::step::Operation;
use crate::transform::{Transform, perhaps};

const NAME: &str = "RandomOverlayElements";

/// Draws some of several elements and a place for each, whole within the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomOverlayElements {
    /// Probability of a sample.
    pub probability: f64,
    /// What may be laid over it, each as likely.
    pub elements: Vec<OverlayElement>,
    /// Smallest and largest number of different ones.
    pub count: [usize; 2],
    /// Where an element lies in the room it has: 0 touches the front face, 1 the back face; one draw for all axes, or one an
    /// axis.
    pub place: Vec<Draw>,
}

impl Default for RandomOverlayElements {
    /// Albumentations' probability; one element, anywhere. The elements have to be given.
    fn default() -> Self {
        Self {
            probability: 0.5,
            elements: vec![],
            count: [1, 1],
            place: vec![Draw::Uniform {
                low: 0.0,
                high: 1.0,
            }],
        }
    }
}

impl<const D: usize> Transform<D> for RandomOverlayElements {
    fn name(&self) -> &'static str {
        NAME
    }

    fn check(&self) -> Result<()> {
        check_probability(NAME, self.probability)?;
        let given = self.elements.len();
        check(NAME, "elements", given as f64, "at least one", |v| v >= 1.0)?;
        for element in &self.elements {
            element.checked_shape::<D>(NAME)?;
        }
        check_count(NAME, self.count, given)?;
        check_entries(NAME, "place", self.place.len(), D)?;
        self.place.iter().try_for_each(|place| {
            place.check(NAME, "place", "within 0 and 1", |v| {
                (0.0..=1.0).contains(&v)
            })
        })
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let image = sample.shape();
        perhaps(key, self.probability, || {
            let place: [Draw; D] = per_axis(NAME, "place", &self.place)?;
            let mut random = key.stream("elements");
            let count = draw_count(self.count, &mut random);
            let mut order: Vec<usize> = (0..self.elements.len()).collect();
            random.shuffle(&mut order);
            let mut elements = vec![];
            for (number, &chosen) in order.iter().take(count).enumerate() {
                let element = self.elements[chosen].clone();
                let shape: [usize; D] = element.checked_shape(NAME)?;
                let mut random = key.fork("element", number as u64).stream("place");
                let mut start = vec![];
                for a in 0..D {
                    let rule = "no larger than the image, or left out";
                    check(NAME, "shape of an element", shape[a] as f64, rule, |v| {
                        v <= image[a] as f64
                    })?;
                    let room = image[a] - shape[a];
                    let at = place[a].draw(&mut random) * (room + 1) as f64;
                    start.push((at as usize).min(room) as isize);
                }
                elements.push(PlacedElement { element, start });
            }
            Ok(OverlayElements { elements })
        })
    }
}
