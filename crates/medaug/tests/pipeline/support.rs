//! Small scans with odd sizes, anisotropic spacing and oblique axes.

use medaug::Sample;
use medcore::{Geometry, Image, LabelMap, Point, Vector};

/// A grid turned against the body axes, spacing 4.9, 0.72 and 0.8 mm.
pub(crate) fn oblique(shape: [usize; 3]) -> Geometry<3> {
    let steps = [
        Vector::new(0.3, -0.9, 4.8),
        Vector::new(0.03, 0.7, 0.15),
        Vector::new(0.8, -0.02, -0.05),
    ];
    Geometry::new(shape, Point::new(-12.0, 30.5, 800.25), steps).unwrap()
}

/// Uneven voxels that no symmetry maps onto themselves.
pub(crate) fn texture(len: usize) -> Vec<f32> {
    (0..len as u64)
        .map(|i| (i.wrapping_mul(2_654_435_761) % 1_000_003) as f32 / 1_000.0 - 400.0)
        .collect()
}

/// Blobs of the classes 1, 2, 3 and 9 on background.
pub(crate) fn blobs(grid: Geometry<3>) -> LabelMap<u8, 3> {
    let [depth, height, width] = grid.shape();
    let mut labels = Vec::with_capacity(grid.len());
    for d in 0..depth {
        for h in 0..height {
            for w in 0..width {
                let near = |centre: [f64; 3], radius: f64| {
                    let at = [d, h, w].map(|v| v as f64);
                    let shape = [depth, height, width].map(|v| v as f64);
                    let square: f64 = (0..3).map(|a| (at[a] / shape[a] - centre[a]).powi(2)).sum();
                    square < radius * radius
                };
                labels.push(match () {
                    () if near([0.3, 0.3, 0.25], 0.2) => 1,
                    () if near([0.6, 0.5, 0.8], 0.22) => 2,
                    () if near([0.75, 0.8, 0.3], 0.16) => 3,
                    () if near([0.2, 0.85, 0.85], 0.09) => 9,
                    () => 0,
                });
            }
        }
    }
    LabelMap::new(grid, labels).unwrap()
}

/// Two channels and labels.
pub(crate) fn sample(shape: [usize; 3]) -> Sample<3> {
    let grid = oblique(shape);
    let image = Image::with_channels(2, grid, texture(2 * grid.len())).unwrap();
    Sample::with_labels(image, blobs(grid)).unwrap()
}

/// A smooth function of the place in the patient, so that values tell where a voxel looks.
pub(crate) fn place_value(place: Point<medcore::Lps>) -> f32 {
    let [x, y, z] = place.coordinates();
    (0.7 * x - 0.4 * y + 0.3 * z) as f32
}

/// An image whose every voxel shows its place.
pub(crate) fn places(grid: Geometry<3>) -> Image<f32, 3> {
    let [depth, height, width] = grid.shape();
    let mut voxels = Vec::with_capacity(grid.len());
    for d in 0..depth {
        for h in 0..height {
            for w in 0..width {
                voxels.push(place_value(
                    grid.index_to_world([d as f64, h as f64, w as f64]),
                ));
            }
        }
    }
    Image::new(grid, voxels).unwrap()
}
