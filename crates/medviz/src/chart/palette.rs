//! Colours of charts, each for white and for dark paper.

use crate::colour::Rgb;

/// A colour on white paper and its twin on dark paper.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ink {
    pub(super) light: Rgb,
    pub(super) dark: Rgb,
}

const fn ink(light: Rgb, dark: Rgb) -> Ink {
    Ink { light, dark }
}

/// Behind everything.
pub(super) const PAPER: Ink = ink([255, 255, 255], [23, 25, 29]);
/// Titles and names.
pub(super) const TEXT: Ink = ink([26, 26, 26], [236, 236, 238]);
/// Numbers along axes and notes.
pub(super) const MUTED: Ink = ink([64, 64, 64], [190, 193, 199]);
/// Lines across the chart.
pub(super) const GRID: Ink = ink([228, 228, 228], [52, 55, 61]);
/// The axes themselves.
pub(super) const AXIS: Ink = ink([96, 96, 96], [139, 144, 151]);
/// What data are compared with: chance, no difference, a threshold.
pub(super) const NEUTRAL: Ink = ink([92, 96, 102], [164, 168, 174]);

/// Colours of layers. The first four stay apart for every kind of colour blindness.
pub(super) const SERIES: [Ink; 8] = [
    ink([0, 104, 176], [74, 163, 232]),
    ink([213, 94, 0], [240, 132, 44]),
    ink([0, 156, 108], [31, 211, 160]),
    ink([94, 26, 112], [230, 196, 255]),
    ink([122, 106, 0], [236, 224, 90]),
    ink([196, 39, 91], [255, 122, 156]),
    ink([47, 147, 198], [168, 220, 255]),
    ink([74, 77, 82], [169, 173, 179]),
];

/// A colour as SVG writes it.
pub(super) fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// From nearly white to dark blue; a share from 0 to 1.
pub(super) fn shade(share: f64) -> Rgb {
    const STOPS: [[f64; 3]; 3] = [
        [245.0, 248.0, 252.0],
        [107.0, 174.0, 214.0],
        [8.0, 69.0, 148.0],
    ];
    let place = 2.0 * share.clamp(0.0, 1.0);
    let first = if place < 1.0 { 0 } else { 1 };
    let mix = place - first as f64;
    std::array::from_fn(|c| {
        (STOPS[first][c] + mix * (STOPS[first + 1][c] - STOPS[first][c])).round() as u8
    })
}

/// The colour of text on a coloured cell.
pub(super) fn text_on(cell: Rgb) -> Rgb {
    // Where black and white differ equally from the cell.
    if luminance(cell) > 0.179 {
        [0, 0, 0]
    } else {
        [255, 255, 255]
    }
}

/// Relative luminance (WCAG 2.2), 0 for black and 1 for white.
fn luminance(colour: Rgb) -> f64 {
    let [red, green, blue] = linear(colour);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn linear(colour: Rgb) -> [f64; 3] {
    colour.map(|level| {
        let level = f64::from(level) / 255.0;
        if level <= 0.04045 {
            level / 12.92
        } else {
            libm::pow((level + 0.055) / 1.055, 2.4)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// WCAG 2.2 asks for 3 to 1 in graphics and 4.5 to 1 in text.
    #[test]
    fn every_colour_is_seen_on_its_paper() {
        for ink in SERIES.iter().chain([&NEUTRAL, &AXIS]) {
            assert!(contrast(ink.light, PAPER.light) >= 3.0, "{ink:?}");
            assert!(contrast(ink.dark, PAPER.dark) >= 3.0, "{ink:?}");
        }
        for ink in [TEXT, MUTED, NEUTRAL] {
            assert!(contrast(ink.light, PAPER.light) >= 4.5, "{ink:?}");
            assert!(contrast(ink.dark, PAPER.dark) >= 4.5, "{ink:?}");
        }
        for percent in 0..=100 {
            let cell = shade(f64::from(percent) / 100.0);
            assert!(contrast(cell, text_on(cell)) >= 4.5, "{percent} {cell:?}");
        }
    }

    /// What people see who lack one kind of cones (Machado, Oliveira & Fernandes 2009, severity 1).
    const BLINDNESS: [[[f64; 3]; 3]; 3] = [
        [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ],
        [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ],
        [
            [1.255_528, -0.076_749, -0.178_779],
            [-0.078_411, 0.930_809, 0.147_602],
            [0.004_733, 0.691_367, 0.303_900],
        ],
    ];

    /// CIE 1976 L*a*b* of linear sRGB.
    fn lab(rgb: [f64; 3]) -> [f64; 3] {
        let [r, g, b] = rgb.map(|v| v.clamp(0.0, 1.0));
        let f = |t: f64| {
            if t > 0.008_856 {
                libm::cbrt(t)
            } else {
                7.787 * t + 16.0 / 116.0
            }
        };
        let x = f((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.950_47);
        let y = f(0.2126 * r + 0.7152 * g + 0.0722 * b);
        let z = f((0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.088_83);
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }

    #[test]
    fn the_first_four_colours_stay_apart_without_one_kind_of_cones() {
        for matrix in BLINDNESS {
            for side in [|ink: &Ink| ink.light, |ink: &Ink| ink.dark] {
                let seen: Vec<[f64; 3]> = (SERIES[..4].iter())
                    .map(|ink| {
                        let rgb = linear(side(ink));
                        lab(matrix.map(|row| (0..3).map(|i| row[i] * rgb[i]).sum()))
                    })
                    .collect();
                for (i, a) in seen.iter().enumerate() {
                    for b in &seen[..i] {
                        let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
                        let distance = squares.sum::<f64>().sqrt();
                        assert!(distance > 18.0, "{distance} between {a:?} and {b:?}");
                    }
                }
            }
        }
    }
}
