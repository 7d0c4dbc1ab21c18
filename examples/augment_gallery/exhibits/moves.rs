//! Transforms that move voxels.

use medaug::*;
use medcore::resample::{Interpolation, LabelInterpolation};
use medcore::{Geometry, IndexMap, Orientation};

use super::{Exhibit, certain, exhibit};

pub(super) fn all<const D: usize>(grid: &Geometry<D>) -> Vec<Exhibit> {
    let mut all = affine::<D>();
    all.extend(whole_voxels::<D>());
    all.extend(bends(grid));
    all.extend(super::crops::all(grid));
    all.extend(grids(grid));
    all
}

/// A number for the first plane or pair of axes, and nothing for the others.
fn first<const D: usize>(value: f64) -> Vec<f64> {
    let mut values = vec![0.0; D * (D - 1) / 2];
    values[0] = value;
    values
}

fn affine<const D: usize>() -> Vec<Exhibit> {
    vec![
        exhibit(
            "turned by 20 degrees, sheared, mirrored",
            Affine {
                rotation_degrees: first::<D>(20.0),
                scale: vec![1.1],
                shear: first::<D>(0.1),
                flip: vec![D - 1],
                ..Affine::default()
            },
        ),
        exhibit(
            "turned, scaled, sheared and moved by chance",
            RandomSpatial {
                rotation_probability: 1.0,
                scale_probability: 1.0,
                shear_probability: 1.0,
                translation_probability: 1.0,
                ..RandomSpatial::default()
            },
        ),
        exhibit(
            "turned by chance",
            RandomRotate {
                probability: 1.0,
                degrees: vec![Draw::Uniform {
                    low: 10.0,
                    high: 25.0,
                }],
                ..RandomRotate::default()
            },
        ),
        certain!("scaled by chance", RandomScale),
        certain!("sheared by chance", RandomShear),
        certain!("moved by chance", RandomTranslate),
        exhibit(
            "MONAI's affine, turned in voxels",
            MonaiAffine {
                rotate: first::<D>(0.3),
                shear: vec![0.0; D * (D - 1)],
                translate: vec![3.0; D],
                scale: vec![1.2; D],
                sampling: Sampling::default(),
            },
        ),
        exhibit(
            "MONAI's affine by chance",
            RandomMonaiAffine {
                probability: 1.0,
                rotate: vec![Draw::symmetric(0.4)],
                scale: vec![Draw::Uniform {
                    low: 0.8,
                    high: 1.2,
                }],
                ..RandomMonaiAffine::default()
            },
        ),
        exhibit(
            "TorchIO's affine, turned in millimetres",
            TorchioAffine {
                scales: vec![0.9; 3],
                degrees: vec![15.0, 0.0, 0.0],
                translation: vec![5.0; 3],
                sampling: Sampling::default(),
            },
        ),
        certain!("TorchIO's affine by chance", RandomTorchioAffine),
        exhibit(
            "shifted, scaled, turned",
            ShiftScaleRotate {
                shift: vec![0.05; 2],
                scale: vec![1.1],
                degrees: 25.0,
                ..ShiftScaleRotate::default()
            },
        ),
        certain!("shifted, scaled, turned by chance", RandomShiftScaleRotate),
    ]
}

fn whole_voxels<const D: usize>() -> Vec<Exhibit> {
    let mut order: Vec<usize> = (0..D).collect();
    order.swap(D - 2, D - 1);
    vec![
        exhibit(
            "mirrored",
            Flip {
                axes: vec![D - 1],
                swap: None,
            },
        ),
        exhibit(
            "mirrored by chance",
            RandomFlip {
                axes: vec![D - 1],
                probability: 1.0,
                laterality: Laterality::Ignore,
            },
        ),
        exhibit(
            "a quarter turn",
            Rotate90 {
                turns: 1,
                axes: vec![D - 2, D - 1],
            },
        ),
        certain!("quarter turns by chance", RandomRotate90),
        exhibit("rows become columns", Transpose::new(order)),
        exhibit(
            "any order of the last two axes",
            RandomTranspose {
                probability: 1.0,
                axes: vec![D - 2, D - 1],
                laterality: Laterality::Ignore,
            },
        ),
        exhibit(
            "any symmetry of the square",
            RandomSymmetry {
                probability: 1.0,
                axes: vec![D - 2, D - 1],
                laterality: Laterality::Ignore,
            },
        ),
        exhibit(
            "axes to right, anterior, superior",
            Orient {
                orientation: Orientation::RAS,
            },
        ),
    ]
}

fn bends<const D: usize>(grid: &Geometry<D>) -> Vec<Exhibit> {
    let [rows, columns] = [grid.shape()[0], grid.shape()[1]].map(|n| n as f64 - 1.0);
    let points: usize = 7;
    let count = points.pow(D as u32);
    // The control point of the middle pulled by an eighth of the image.
    let width_mm = (grid.shape()[D - 1] - 1) as f64 * grid.spacing()[D - 1];
    let mut displacements_mm = vec![0.0; D * count];
    let middle = (0..D).fold(0, |at, _| at * points + points / 2);
    displacements_mm[(D - 1) * count + middle] = (0.12 * width_mm) as f32;
    vec![
        exhibit(
            "the middle pulled to the side",
            ElasticDeformation {
                control_points: vec![points],
                displacements_mm,
                folding: Folding::Refuse,
                sampling: Sampling::default(),
            },
        ),
        exhibit(
            "bent by splines",
            RandomElasticDeformation {
                probability: 1.0,
                displacement_mm: vec![Draw::symmetric(0.05 * width_mm)],
                ..RandomElasticDeformation::default()
            },
        ),
        exhibit(
            "the middle of a few blocks pulled",
            SmoothDeform {
                points: vec![5],
                displacements: one_pulled::<D>(5),
                folding: Folding::Weaken,
                sampling: Sampling::default(),
            },
        ),
        certain!("blocks pulled by chance", RandomSmoothDeform),
        exhibit(
            "a point of a grid moved",
            ControlGrid {
                spacing_voxels: vec![12.0],
                displacements: one_moved(&[12.0], grid),
                folding: Folding::Weaken,
                sampling: Sampling::default(),
            },
        ),
        exhibit(
            "points of a grid by chance",
            RandomControlGrid {
                probability: 1.0,
                spacing_voxels: vec![12.0],
                magnitude: Draw::Fixed(1.2),
                sampling: Sampling::default(),
            },
        ),
        exhibit(
            "a thin plate bent at its middle",
            ThinPlateSpline {
                places: vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, 0.5]],
                displacements: vec![[0.0; 2], [0.0; 2], [0.0; 2], [0.0; 2], [0.08, 0.12]],
                folding: Folding::Weaken,
                sampling: Sampling::default(),
            },
        ),
        certain!("a thin plate by chance", RandomThinPlateSpline),
        exhibit(
            "bent by smooth noise",
            ElasticTransform {
                sigma_voxels: vec![6.0],
                magnitude: vec![60.0],
                measure: Magnitude::Factor,
                seed: 3,
                folding: Folding::Weaken,
                sampling: Sampling::default(),
            },
        ),
        certain!("bent by noise by chance", RandomElasticTransform),
        exhibit(
            "a grid of uneven cells",
            GridDistortion {
                steps: vec![vec![0.7, 1.3, 0.8, 1.2]; D],
                last: LastCell::End,
                sampling: Sampling::default(),
            },
        ),
        certain!("a grid by chance", RandomGridDistortion),
        exhibit(
            "a barrel",
            OpticalDistortion {
                distortion: -0.3,
                lens: Lens::Camera,
                sampling: Sampling::default(),
            },
        ),
        certain!("a lens by chance", RandomOpticalDistortion),
        exhibit(
            "seen from the side",
            Perspective {
                corners: [
                    [0.0, 0.0],
                    [0.15 * rows, columns],
                    [0.85 * rows, columns],
                    [rows, 0.0],
                ],
                sampling: Sampling::default(),
            },
        ),
        certain!("seen from anywhere", RandomPerspective),
    ]
}

/// Displacements of a [`SmoothDeform`] of which the middle one is a tenth of the image along the last axis.
fn one_pulled<const D: usize>(points: usize) -> Vec<f32> {
    let count = points.pow(D as u32);
    let mut displacements = vec![0.0; D * count];
    displacements[(D - 1) * count + count / 2] = 0.15;
    displacements
}

/// Displacements of a [`ControlGrid`] of which the middle one is four voxels along the last axis.
fn one_moved<const D: usize>(spacing_voxels: &[f64], grid: &Geometry<D>) -> Vec<f32> {
    let points = ControlGrid::points(spacing_voxels, grid.shape()).expect("a spacing");
    let count: usize = points.iter().product();
    let middle = points.iter().fold(0, |at, n| at * n + n / 2);
    let mut displacements = vec![0.0; D * count];
    displacements[(D - 1) * count + middle] = 4.0;
    displacements
}

fn grids<const D: usize>(grid: &Geometry<D>) -> Vec<Exhibit> {
    let (interpolation, labels) = (Interpolation::Linear, LabelInterpolation::Nearest);
    vec![
        exhibit(
            "another shape",
            Resize::new(ResizeTo::Shape(another_shape(grid))),
        ),
        exhibit(
            "half the voxels by averaging",
            ResizeArea::new(ResizeTo::Shape(grid.shape().map(|n| n / 2).to_vec())),
        ),
        exhibit(
            "half the voxels, smoothed before",
            ResizeAntialiased::new(ResizeTo::Shape(grid.shape().map(|n| n / 2).to_vec())),
        ),
        exhibit(
            "larger by a third",
            Zoom {
                factors: vec![1.3],
                keep_size: true,
                interpolation,
                labels,
            },
        ),
        certain!("zoomed by chance", RandomZoom),
        exhibit(
            "voxels larger by a quarter",
            Spacing {
                spacing: grid.spacing().map(|mm| 1.25 * mm).to_vec(),
                rule: GridRule::FieldOfView,
                interpolation,
                labels,
            },
        ),
        exhibit(
            "read on another grid",
            ResampleTo::new(&another_grid(grid), Sampling::default()),
        ),
        exhibit("fitted into a square", Letterbox::new([40; D])),
        exhibit(
            "thick slices",
            Anisotropy {
                axis: 0,
                factor: 4.0,
            },
        ),
        certain!("thick along any axis", RandomAnisotropy),
    ]
}

/// Longer along the first axis and shorter along the last.
pub(super) fn another_shape<const D: usize>(grid: &Geometry<D>) -> Vec<usize> {
    let mut shape = grid.shape().to_vec();
    shape[0] = shape[0] * 5 / 4;
    shape[D - 1] = shape[D - 1] * 3 / 4;
    shape
}

/// The middle of a grid, with larger voxels.
fn another_grid<const D: usize>(grid: &Geometry<D>) -> Geometry<D> {
    let shape = grid.shape().map(|n| n / 2);
    let map = IndexMap {
        offset: grid.shape().map(|n| n as f64 / 8.0 + 0.3),
        matrix: std::array::from_fn(|a| std::array::from_fn(|b| if a == b { 1.3 } else { 0.0 })),
    };
    grid.mapped(shape, &map).expect("a grid")
}
