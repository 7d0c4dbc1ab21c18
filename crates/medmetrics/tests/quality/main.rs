//! Image quality against scikit-image, torchmetrics and MONAI, and laws.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod laws;
mod reference;

use medcore::{Geometry, Image};

/// A reference and an image of whole numbers, as `quality.py` makes them.
fn images<const D: usize>(shape: [usize; D]) -> [Image<f64, D>; 2] {
    let grid = Geometry::axis_aligned(shape, [1.0; D]).unwrap();
    let (height, width) = (shape[D - 2], shape[D - 1]);
    let reference: Vec<i64> = (0..grid.len())
        .map(|i| {
            let [d, h, w] = [i / (height * width), i / width % height, i % width].map(|v| v as i64);
            (3 * d * d + 2 * h * w + 17 * d + 5 * h + 3 * w) % 97
                + 40 * ((h / 7 + w / 5 + d / 3) % 3)
        })
        .collect();
    let noisy = { reference.iter().enumerate() }.map(|(i, value)| {
        let [d, h, w] = [i / (height * width), i / width % height, i % width].map(|v| v as i64);
        value + ((7 * d + 13 * h + 29 * w + 1) * 2_654_435_761 / 128) % 23 - 11
    });
    let image = |values: Vec<i64>| {
        let values: Vec<f64> = values.into_iter().map(|v| v as f64).collect();
        Image::new(grid, values).unwrap()
    };
    let noisy = noisy.collect();
    [image(reference), image(noisy)]
}
