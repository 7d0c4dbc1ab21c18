//! Overlap losses of pairs of axis-aligned boxes with their exact derivatives, in 2D and 3D.
//!
//! Each loss is written once, on numbers that carry their derivatives by all coordinates with them (forward-mode
//! differentiation with dual numbers); boxes are few, so that costs nothing.

use std::ops::{Add, Div, Mul, Sub};

/// Which overlap of two boxes is subtracted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BoxOverlap {
    /// Intersection over union.
    Iou,
    /// IoU minus the share of the enclosing box outside the union (Rezatofighi et al. 2019, <https://arxiv.org/abs/1902.09630>).
    Giou,
    /// IoU minus the squared distance of the centres over the squared diagonal of the enclosing box
    /// (Zheng et al. 2020, <https://arxiv.org/abs/1911.08287>).
    Diou,
    /// DIoU minus `alpha v`, `v = 4/pi^2 (difference of the angles atan(w/h))^2` and `alpha = v / (1 - IoU + v)` taken as
    /// constant (the same paper). It has no canonical form in 3D: here `v` is the mean of that of `w/h` and that of `w/d`, `w`
    /// being the last axis.
    #[default]
    Ciou,
}

/// Keeps quotients of empty boxes finite.
const EPSILON: f64 = 1e-7;

/// A number and its derivatives by `N` variables.
#[derive(Clone, Copy)]
struct Dual<const N: usize> {
    value: f64,
    slopes: [f64; N],
}

impl<const N: usize> Dual<N> {
    fn constant(value: f64) -> Self {
        Self {
            value,
            slopes: [0.0; N],
        }
    }

    fn variable(value: f64, place: usize) -> Self {
        // None are carried where the value alone is wanted.
        let mut slopes = [0.0; N];
        if let Some(slope) = slopes.get_mut(place) {
            *slope = 1.0;
        }
        Self { value, slopes }
    }

    /// A combination of the derivatives of two numbers.
    fn join(value: f64, a: (f64, Self), b: (f64, Self)) -> Self {
        Self {
            value,
            slopes: std::array::from_fn(|i| a.0 * a.1.slopes[i] + b.0 * b.1.slopes[i]),
        }
    }

    fn scale(self, factor: f64) -> Self {
        Self {
            value: factor * self.value,
            slopes: self.slopes.map(|s| factor * s),
        }
    }

    fn square(self) -> Self {
        Self::join(
            self.value * self.value,
            (2.0 * self.value, self),
            (0.0, self),
        )
    }

    /// The larger of two; equal ones share the derivative, as in PyTorch.
    fn max(self, other: Self) -> Self {
        let share = if self.value > other.value {
            1.0
        } else if self.value < other.value {
            0.0
        } else {
            0.5
        };
        let value = if self.value > other.value {
            self.value
        } else {
            other.value
        };
        // Unlike `f64::max`, NaN stays.
        let value = if self.value.is_nan() {
            self.value
        } else {
            value
        };
        Self::join(value, (share, self), (1.0 - share, other))
    }

    fn min(self, other: Self) -> Self {
        self.scale(-1.0).max(other.scale(-1.0)).scale(-1.0)
    }

    /// 0 where not positive, with derivative 0.
    fn positive(self) -> Self {
        if self.value <= 0.0 {
            Self::constant(0.0)
        } else {
            self
        }
    }

    /// The angle of the point (`x`, `self`), 0 at the origin.
    fn atan2(self, x: Self) -> Self {
        let squared = self.value * self.value + x.value * x.value;
        if squared == 0.0 {
            return Self::constant(0.0);
        }
        Self::join(
            libm::atan2(self.value, x.value),
            (x.value / squared, self),
            (-self.value / squared, x),
        )
    }
}

impl<const N: usize> Add for Dual<N> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self::join(self.value + other.value, (1.0, self), (1.0, other))
    }
}

impl<const N: usize> Sub for Dual<N> {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self::join(self.value - other.value, (1.0, self), (-1.0, other))
    }
}

impl<const N: usize> Mul for Dual<N> {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        Self::join(
            self.value * other.value,
            (other.value, self),
            (self.value, other),
        )
    }
}

impl<const N: usize> Div for Dual<N> {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let quotient = self.value / other.value;
        Self::join(
            quotient,
            (1.0 / other.value, self),
            (-quotient / other.value, other),
        )
    }
}

/// The loss of one pair of boxes and its derivatives by the first `N` of the `4 D` coordinates of both: lower corner, upper
/// corner, of the first box and then of the second, axes in storage order.
#[must_use]
pub fn loss<const D: usize, const N: usize>(
    overlap: BoxOverlap,
    first: &[f64],
    second: &[f64],
) -> (f64, [f64; N]) {
    let corner = |of_second: usize, upper: usize| -> [Dual<N>; D] {
        std::array::from_fn(|axis| {
            let place = upper * D + axis;
            let coordinates = if of_second == 0 { first } else { second };
            Dual::variable(coordinates[place], of_second * 2 * D + place)
        })
    };
    let (low_a, high_a, low_b, high_b) = (corner(0, 0), corner(0, 1), corner(1, 0), corner(1, 1));
    let product = |sides: [Dual<N>; D]| sides.into_iter().fold(Dual::constant(1.0), Mul::mul);
    let sides = |low: [Dual<N>; D], high: [Dual<N>; D]| -> [Dual<N>; D] {
        std::array::from_fn(|axis| high[axis] - low[axis])
    };
    let shared: [Dual<N>; D] = std::array::from_fn(|axis| {
        (high_a[axis].min(high_b[axis]) - low_a[axis].max(low_b[axis])).positive()
    });
    let around: [Dual<N>; D] =
        std::array::from_fn(|axis| high_a[axis].max(high_b[axis]) - low_a[axis].min(low_b[axis]));
    let (sides_a, sides_b) = (sides(low_a, high_a), sides(low_b, high_b));
    let epsilon = Dual::constant(EPSILON);
    let intersection = product(shared);
    let union = product(sides_a) + product(sides_b) - intersection;
    let iou = intersection / (union + epsilon);
    let mut loss = Dual::constant(1.0) - iou;
    match overlap {
        BoxOverlap::Iou => {}
        BoxOverlap::Giou => {
            let enclosing = product(around);
            loss = loss + (enclosing - union) / (enclosing + epsilon);
        }
        BoxOverlap::Diou | BoxOverlap::Ciou => {
            let sum = |terms: [Dual<N>; D]| terms.into_iter().fold(Dual::constant(0.0), Add::add);
            let distance = sum(std::array::from_fn(|axis| {
                (low_a[axis] + high_a[axis] - low_b[axis] - high_b[axis])
                    .scale(0.5)
                    .square()
            }));
            let diagonal = sum(around.map(Dual::square)) + epsilon;
            loss = loss + distance / diagonal;
            if overlap == BoxOverlap::Ciou {
                loss = loss + aspect(sides_a, sides_b, iou.value);
            }
        }
    }
    (loss.value, loss.slopes)
}

/// The term of CIoU for the shapes of the boxes.
fn aspect<const D: usize, const N: usize>(
    sides_a: [Dual<N>; D],
    sides_b: [Dual<N>; D],
    iou: f64,
) -> Dual<N> {
    let factor = 4.0 / (std::f64::consts::PI * std::f64::consts::PI) / (D - 1) as f64;
    let mut v = Dual::constant(0.0);
    for axis in 0..D - 1 {
        let angle = |sides: [Dual<N>; D]| sides[D - 1].atan2(sides[axis]);
        v = v + (angle(sides_b) - angle(sides_a)).square().scale(factor);
    }
    let alpha = v.value / (1.0 - iou + v.value + EPSILON);
    v.scale(alpha)
}
