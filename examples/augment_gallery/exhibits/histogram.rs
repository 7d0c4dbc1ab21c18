//! Transforms of the histogram.

use medaug::*;

use super::{Exhibit, certain, exhibit};

/// A straight line from 0 to 1 but for many dark voxels.
fn dark_reference() -> ReferenceHistogram {
    ReferenceHistogram::of(&dark_line()).expect("finite voxels")
}

fn dark_points() -> MatchPoints {
    MatchPoints::of(&dark_line(), MatchRule::default()).expect("finite voxels")
}

fn dark_line() -> Vec<f32> {
    (0..=64).map(|i| (i as f32 / 64.0).powi(3)).collect()
}

pub(super) fn all() -> Vec<Exhibit> {
    vec![
        exhibit("tiles equalised", Clahe::default()),
        exhibit("tiles equalised in 8 bits", ClaheEightBit::default()),
        exhibit(
            "the histogram of a dark image",
            HistogramMatching {
                reference: dark_reference(),
                blend: 1.0,
            },
        ),
        exhibit(
            "the quantiles of a dark image",
            QuantileMatching {
                reference: dark_points(),
            },
        ),
        exhibit(
            "the quantiles of a drawn image",
            RandomQuantileMatching {
                probability: 1.0,
                references: vec![vec![dark_points()]],
            },
        ),
        exhibit(
            "equalised",
            HistogramNormalize {
                output: Equalized::Share,
                ..HistogramNormalize::default()
            },
        ),
        exhibit(
            "landmarks at even distances",
            HistogramStandardization {
                landmarks: even_landmarks(),
                counted: Counted::All,
            },
        ),
        certain!("tiles equalised by chance", RandomClahe),
        certain!("tiles equalised in 8 bits by chance", RandomClaheEightBit),
        exhibit(
            "a drawn histogram",
            RandomHistogramMatching {
                probability: 1.0,
                references: vec![vec![dark_reference()]],
                blend: Draw::Fixed(0.5),
            },
        ),
    ]
}

/// Landmarks of an image whose intensities are all as frequent, from 0 to 1.
fn even_landmarks() -> Landmarks {
    let percentiles = [1, 10, 20, 25, 30, 40, 50, 60, 70, 75, 80, 90, 99];
    Landmarks::from_torchio(&percentiles.map(|p| f64::from(p) / 100.0))
}
