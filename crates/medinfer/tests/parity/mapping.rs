//! Labels on the scan's own grid.

use medaug::{Foreground, ForegroundRule, GridRule, Intensity, Padding, Preprocess};
use medcore::orientation::Reorientation;
use medcore::resample::{Interpolation, Outside, resample};
use medcore::{Geometry, Image, LabelMap, Lps, Orientation, Point, Vector};
use medinfer::{Error, LabelRule, Predictor, Silent, SlidingWindow};

use crate::networks::Function;

/// A grid turned by about 20 degrees, its axes in no anatomical order, slices five times as far apart as pixels.
fn oblique(shape: [usize; 3]) -> Geometry<3> {
    let (s, c) = (0.34f64, (1.0 - 0.34f64 * 0.34).sqrt());
    let steps = [
        Vector::<Lps>::new(-0.9 * s, 0.9 * c, 0.0),
        Vector::new(0.0, 0.0, -4.5),
        Vector::new(-1.1 * c, -1.1 * s, 0.0),
    ];
    Geometry::new(shape, Point::new(31.0, -12.5, 240.0), steps).unwrap()
}

/// Soft balls in the patient, as an image: class 0 everywhere, class 1 and 2 high in their ball.
fn balls(grid: Geometry<3>) -> Image<f32, 3> {
    let centres = centres(&grid);
    let [depth, height, width] = grid.shape();
    let mut values = Vec::with_capacity(3 * grid.len());
    values.resize(grid.len(), 0.0f32);
    for (centre, radius) in centres {
        for d in 0..depth {
            for h in 0..height {
                for w in 0..width {
                    let place = grid.index_to_world([d as f64, h as f64, w as f64]);
                    values.push((radius - place.distance(centre)) as f32);
                }
            }
        }
    }
    Image::with_channels(3, grid, values).unwrap()
}

fn centres(grid: &Geometry<3>) -> [(Point<Lps>, f64); 2] {
    let [d, h, w] = grid.shape().map(|n| n as f64 - 1.0);
    [
        (grid.index_to_world([0.3 * d, 0.4 * h, 0.35 * w]), 9.0),
        (grid.index_to_world([0.7 * d, 0.6 * h, 0.7 * w]), 8.0),
    ]
}

/// Mean place of a label in the patient, and its volume in cubic millimetres.
fn centroid(labels: &LabelMap<u8, 3>, label: u8) -> (Point<Lps>, f64) {
    let grid = labels.geometry();
    let [_, height, width] = grid.shape();
    let (mut sum, mut count) = ([0.0; 3], 0.0);
    for (i, &l) in labels.as_slice().iter().enumerate() {
        if l == label {
            let index = [i / (height * width), i / width % height, i % width];
            let place = grid.index_to_world(index.map(|v| v as f64)).coordinates();
            (0..3).for_each(|a| sum[a] += place[a]);
            count += 1.0;
        }
    }
    let [x, y, z] = sum.map(|v| v / count);
    (Point::new(x, y, z), count * grid.voxel_volume())
}

fn preparations() -> Vec<Preprocess> {
    let spaced = Preprocess {
        spacing: Some([1.6, 1.3, 2.1]),
        ..Preprocess::monai()
    };
    let cropped = Preprocess {
        spacing: Some([1.5, 1.5, 1.5]),
        grid: GridRule::NnUnet,
        interpolation: Interpolation::Linear,
        foreground: Some(Foreground {
            rule: ForegroundRule::Above(0.0),
            margin: [2, 3, 1],
        }),
        padding: Padding {
            minimum: [40, 1, 1],
            divisible: [4, 8, 2],
            ..Padding::default()
        },
        ..Preprocess::nnunet()
    };
    let turned = Preprocess {
        orientation: Some("SAR".parse::<Orientation>().unwrap()),
        ..Preprocess::default()
    };
    vec![Preprocess::default(), turned, spaced, cropped]
}

#[test]
fn organs_are_found_where_they_are_on_an_oblique_anisotropic_scan() {
    let grid = oblique([45, 11, 39]);
    let scan = balls(grid);
    let network = Function::identity();
    for preparation in preparations() {
        let prepared = preparation.apply(&scan, None).unwrap();
        for window in [
            SlidingWindow::monai([16, 16, 16]).with_overlap(0.3),
            SlidingWindow::nnunet([8, 12, 10]),
        ] {
            let predictor = Predictor::new(&network, window).unwrap();
            let labels = predictor
                .labels_of_scan(&prepared, &LabelRule::Argmax, &Silent)
                .unwrap();
            assert_eq!(labels.geometry(), &grid);
            for (label, (centre, radius)) in (1..).zip(centres(&grid)) {
                let (found, volume) = centroid(&labels, label);
                let expected = 4.0 / 3.0 * std::f64::consts::PI * f64::powi(radius, 3);
                let distance = found.distance(centre);
                assert!(distance < 0.5, "{preparation:?}: {distance} mm");
                assert!(
                    (volume / expected - 1.0).abs() < 0.12,
                    "{volume} {expected}"
                );
            }
        }
    }
}

#[test]
fn a_preparation_that_only_moves_voxels_is_undone_exactly() {
    let scan = balls(oblique([23, 9, 19]));
    let network = Function::identity();
    let predictor = Predictor::new(&network, SlidingWindow::nnunet([8, 12, 10])).unwrap();
    let plain = predictor
        .labels(&scan, &LabelRule::Argmax, &Silent)
        .unwrap();
    assert!(plain.counts().len() == 3);
    let preparation = Preprocess {
        orientation: Some("PIR".parse::<Orientation>().unwrap()),
        foreground: Some(Foreground {
            rule: ForegroundRule::Above(0.0),
            margin: [0; 3],
        }),
        padding: Padding {
            divisible: [8, 8, 8],
            value: 7.0,
            ..Padding::default()
        },
        ..Preprocess::default()
    };
    let prepared = preparation.apply(&scan, None).unwrap();
    assert_ne!(prepared.image.shape(), scan.shape());
    let labels = predictor.labels_of_scan(&prepared, &LabelRule::Argmax, &Silent);
    assert_eq!(labels.unwrap(), plain);
}

#[test]
fn labels_are_decided_after_interpolating_logits() {
    let coarse = Geometry::axis_aligned([12, 15, 13], [2.0, 1.5, 1.8]).unwrap();
    let fine = |spacing| coarse.with_spacing(spacing).unwrap();
    let turned = |code: &str| {
        let fine = fine([0.7, 0.9, 1.1]);
        Reorientation::new(&fine, code.parse().unwrap())
            .geometry(&fine)
            .unwrap()
    };
    let image = balls(coarse);
    let network = Function::identity();
    for (window, fine) in [
        (SlidingWindow::monai([5, 6, 7]), fine([0.7, 1.5, 1.1])),
        (SlidingWindow::nnunet([6, 4, 5]), fine([2.0, 0.9, 1.8])),
        (SlidingWindow::nnunet([6, 4]), fine([0.7, 1.5, 1.1])),
        (SlidingWindow::monai([5, 6, 7]), turned("SAR")),
        (SlidingWindow::nnunet([6, 4, 5]), turned("PIR")),
        (SlidingWindow::nnunet([6, 4, 5]), turned("ILA")),
    ] {
        let predictor = Predictor::new(&network, window).unwrap();
        let labels = predictor
            .labels_on(&image, fine, &LabelRule::Argmax, &Silent)
            .unwrap();
        let logits = resample(&image, &fine, Interpolation::Linear, Outside::Edge).unwrap();
        let mut differing = 0;
        for (voxel, &label) in labels.as_slice().iter().enumerate() {
            let values = [0, 1, 2].map(|class| logits.channel(class)[voxel]);
            let best = (0..3).fold(0, |b, c| if values[c] > values[b] { c } else { b });
            let second = (0..3).filter(|&c| c != best).map(|c| values[c]);
            let margin = values[best] - second.fold(f32::NEG_INFINITY, f32::max);
            differing += usize::from(usize::from(label) != best && margin > 1e-4);
        }
        assert_eq!(differing, 0);
        assert_eq!(labels.counts().len(), 3);
    }
}

#[test]
fn voxels_outside_the_network_s_grid_are_background() {
    let inner = Geometry::axis_aligned([6, 6, 6], [1.0; 3]).unwrap();
    let outer = inner.pad([2, 0, 1], [0, 3, 1]).unwrap();
    let image = Image::with_channels(2, inner, [vec![0.0; 216], vec![1.0; 216]].concat()).unwrap();
    let network = Function::identity();
    let predictor = Predictor::new(&network, SlidingWindow::monai([4, 4, 4])).unwrap();
    let labels = predictor
        .labels_on(&image, outer, &LabelRule::Argmax, &Silent)
        .unwrap();
    let expected = LabelMap::new(inner, vec![1u8; 216]).unwrap();
    assert_eq!(labels, expected.pad([2, 0, 1], [0, 3, 1], 0).unwrap());
}

#[test]
fn a_target_grid_that_is_turned_is_refused() {
    let image = balls(Geometry::axis_aligned([20, 20, 20], [1.0; 3]).unwrap());
    let network = Function::identity();
    let predictor = Predictor::new(&network, SlidingWindow::monai([8, 8, 8])).unwrap();
    let error = predictor
        .labels_on(&image, oblique([20, 20, 20]), &LabelRule::Argmax, &Silent)
        .unwrap_err();
    assert!(matches!(error, Error::ObliqueGrid { .. }));
}

#[test]
fn intensities_are_prepared_before_the_network_sees_them() {
    let grid = Geometry::axis_aligned([6, 7, 8], [1.0; 3]).unwrap();
    let scan = Image::new(grid, (0..336i16).collect::<Vec<_>>()).unwrap();
    let preparation = Preprocess {
        intensity: vec![Intensity::Window {
            low: 100.0,
            high: 300.0,
        }],
        ..Preprocess::default()
    };
    let prepared = preparation.apply(&scan, None).unwrap();
    let network = Function::new(|image| image - 0.5);
    let predictor = Predictor::new(&network, SlidingWindow::monai([4, 4, 4])).unwrap();
    let labels = predictor
        .labels_of_scan(&prepared, &LabelRule::Regions(vec![1]), &Silent)
        .unwrap();
    for (i, &label) in labels.as_slice().iter().enumerate() {
        assert_eq!(label == 1, i > 200, "{i}");
    }
}
