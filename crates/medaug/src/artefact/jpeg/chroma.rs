//! Brightness and colour apart (JFIF), colour at half the size, with libjpeg's rounding.

use super::Plane;

/// Luma, and how blue and how red pixels are beyond it.
pub(super) fn luma_and_chroma(colours: &[Plane; 3]) -> [Plane; 3] {
    let shape = colours[0].shape;
    let [red, green, blue] = colours.each_ref().map(|plane| &plane.levels);
    let made = |weights: [f64; 3], offset: f64| {
        let pixels = red.iter().zip(green).zip(blue);
        let level = |((&r, &g), &b): ((&u8, &u8), &u8)| {
            let [r, g, b] = [r, g, b].map(f64::from);
            (r * weights[0] + g * weights[1] + b * weights[2] + offset).floor() as u8
        };
        Plane {
            levels: pixels.map(level).collect(),
            shape,
        }
    };
    // Halves of chroma are rounded down.
    let middle = 128.5 - 1.0 / 65_536.0;
    [
        made([0.299, 0.587, 0.114], 0.5),
        made([-0.168_735_892, -0.331_264_108, 0.5], middle),
        made([0.5, -0.418_687_589, -0.081_312_411], middle),
    ]
}

/// Means of four pixels each; the last row and column are repeated where there is none.
pub(super) fn halved(plane: &Plane) -> Plane {
    let [height, width] = plane.shape;
    let shape = plane.shape.map(|n| n.div_ceil(2));
    let mut levels = Vec::with_capacity(shape[0] * shape[1]);
    for y in 0..shape[0] {
        let row = |y: usize| &plane.levels[y.min(height - 1) * width..][..width];
        let rows = [row(2 * y), row(2 * y + 1)];
        for x in 0..shape[1] {
            let right = (2 * x + 1).min(width - 1);
            let sum: u16 = rows
                .iter()
                .map(|row| u16::from(row[2 * x]) + u16::from(row[right]))
                .sum();
            // Rounded up and down by turns, so that neither is favoured.
            levels.push(((sum + 1 + (x as u16 & 1)) / 4) as u8);
        }
    }
    Plane { levels, shape }
}

/// A plane of half the size brought to `shape`: three quarters of the nearer and a quarter of the farther pixel along both
/// axes.
fn doubled(plane: &Plane, shape: [usize; 2]) -> Vec<i32> {
    let [height, width] = plane.shape;
    let mut values = Vec::with_capacity(shape[0] * shape[1]);
    let mut sums = vec![0; width];
    for y in 0..shape[0] {
        let near = y / 2;
        let far = if y.is_multiple_of(2) {
            near.saturating_sub(1)
        } else {
            (near + 1).min(height - 1)
        };
        let [near, far] = [near, far].map(|y| &plane.levels[y * width..][..width]);
        for ((sum, &near), &far) in sums.iter_mut().zip(near).zip(far) {
            *sum = 3 * i32::from(near) + i32::from(far);
        }
        for x in 0..shape[1] {
            let near = x / 2;
            let (far, half) = if x.is_multiple_of(2) {
                (near.saturating_sub(1), 8)
            } else {
                ((near + 1).min(width - 1), 7)
            };
            values.push((3 * sums[near] + sums[far] + half) >> 4);
        }
    }
    values
}

/// Red, green and blue.
pub(super) fn red_green_blue(luma: &Plane, blue: &Plane, red: &Plane) -> [Plane; 3] {
    let shape = luma.shape;
    let [blue, red] = [blue, red].map(|chroma| doubled(chroma, shape));
    let made = |by_blue: f64, by_red: f64| {
        let pixels = luma.levels.iter().zip(&blue).zip(&red);
        let level = |((&y, &blue), &red): ((&u8, &i32), &i32)| {
            let shift = by_blue * f64::from(blue - 128) + by_red * f64::from(red - 128);
            (i32::from(y) + (shift + 0.5).floor() as i32).clamp(0, 255) as u8
        };
        Plane {
            levels: pixels.map(level).collect(),
            shape,
        }
    };
    [
        made(0.0, 1.402),
        made(-0.344_136_286, -0.714_136_286),
        made(1.772, 0.0),
    ]
}
