//! Grey values: which intensities become black, white and what lies between.

/// A linear window from intensity to grey.
///
/// ```
/// use medviz::Window;
///
/// let window = Window::new(50.0, 400.0);
/// assert_eq!([-150.0, 50.0, 250.0].map(|hu| window.grey(hu)), [0, 128, 255]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    low: f64,
    width: f64,
}

impl Window {
    /// Soft tissue of the abdomen in CT: 50 HU, 400 wide.
    pub const ABDOMEN: Self = Self::linear(50.0, 400.0);
    /// Lung in CT: -600 HU, 1500 wide.
    pub const LUNG: Self = Self::linear(-600.0, 1500.0);
    /// Bone in CT: 400 HU, 1800 wide.
    pub const BONE: Self = Self::linear(400.0, 1800.0);
    /// Brain in CT: 40 HU, 80 wide.
    pub const BRAIN: Self = Self::linear(40.0, 80.0);

    /// The window around `centre` of the given `width`; a width that is not positive is a threshold.
    #[must_use]
    pub const fn new(centre: f64, width: f64) -> Self {
        Self::linear(centre, width)
    }

    /// The window from `low` (black) to `high` (white).
    #[must_use]
    pub const fn between(low: f64, high: f64) -> Self {
        Self::linear((low + high) / 2.0, high - low)
    }

    /// The window in which 2 percent of these values are black and 2 percent white, judged by 65 536 of them; values that are
    /// not finite do not count.
    #[must_use]
    pub fn of_values(values: &[f32]) -> Self {
        let step = values.len() / 65_536 + 1;
        let some = values.iter().step_by(step).copied();
        let mut sorted: Vec<f32> = some.filter(|value| value.is_finite()).collect();
        sorted.sort_by(f32::total_cmp);
        let percent = |p: usize| {
            sorted
                .get(sorted.len() * p / 100)
                .map_or(0.0, |&v| f64::from(v))
        };
        Self::between(percent(2), percent(98))
    }

    const fn linear(centre: f64, width: f64) -> Self {
        let width = if width > 1e-6 { width } else { 1e-6 };
        Self {
            low: centre - width / 2.0,
            width,
        }
    }

    /// The grey value of an intensity, 0 black to 255 white; NaN is black.
    #[must_use]
    pub fn grey(&self, intensity: f64) -> u8 {
        ((intensity - self.low) / self.width * 255.0).round() as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_percent_of_the_values_are_black_and_two_white() {
        let mut values: Vec<f32> = (0..100).map(|i| i as f32).collect();
        values.extend([f32::NAN, f32::INFINITY]);
        let window = Window::of_values(&values);
        assert_eq!(window, Window::between(2.0, 98.0));
        assert_eq!(
            [1.0, 2.0, 98.0, 99.0].map(|v| window.grey(v)),
            [0, 0, 255, 255]
        );
        // Nothing, or one value, is no reason to fail.
        assert_eq!(Window::of_values(&[]).grey(1.0), 255);
        assert!((127..=128).contains(&Window::of_values(&[5.0; 3]).grey(5.0)));
    }
}
