//! Colours that can be told apart, on grey images and on white paper.

/// Red, green, blue, 0 to 255.
pub type Rgb = [u8; 3];

/// Hand-picked: neighbours in the list differ in hue and in lightness.
const CLASSES: [Rgb; 12] = [
    [245, 214, 92],
    [203, 92, 60],
    [168, 96, 214],
    [64, 186, 96],
    [66, 146, 255],
    [232, 48, 72],
    [255, 150, 60],
    [64, 206, 206],
    [240, 130, 190],
    [150, 190, 60],
    [130, 120, 240],
    [190, 150, 110],
];

/// The colour of a class in overlays and legends; any number of classes, the first twelve hand-picked.
/// Class 0, the background, is grey.
#[must_use]
pub fn class_colour(class: u32) -> Rgb {
    match class as usize {
        0 => [128; 3],
        n if n <= CLASSES.len() => CLASSES[n - 1],
        n => {
            // Steps of the golden angle never come back to a hue.
            let turn = (n as f64 * 0.618_033_988_749_895).fract() * 6.0;
            let wave = |shift: f64| {
                let t = (turn + shift) % 6.0;
                let level = (2.0 - (t - 3.0).abs()).clamp(0.0, 1.0);
                (70.0 + 180.0 * level).round() as u8
            };
            [wave(3.0), wave(1.0), wave(5.0)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_classes_have_a_hundred_colours() {
        let colours: std::collections::BTreeSet<_> = (0..100).map(class_colour).collect();
        assert_eq!(colours.len(), 100);
    }
}
