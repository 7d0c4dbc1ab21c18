//! MONAI's intensity scaling and nnU-Net's CT scheme.

use medaug::{Intensity, normalise};
use medcore::{Geometry, Image};

use crate::support::Fixture;

fn check(source: &str, expected: &str, scheme: Intensity) {
    let fixture = Fixture::load("normalise");
    let array = fixture.get(source);
    let [channels, shape @ ..] = array.shape::<4>();
    let grid = Geometry::<3>::axis_aligned(shape, [1.0; 3]).unwrap();
    let mut image = Image::with_channels(channels, grid, array.floats()).unwrap();
    normalise(&mut image, &[scheme]).unwrap();
    fixture
        .get(expected)
        .assert_close(image.as_slice(), 1e-6, expected);
}

#[test]
fn windows_and_scores_are_monais() {
    let window = Intensity::Window {
        low: -160.0,
        high: 240.0,
    };
    check("ct", "window", window);
    check("mr", "score", Intensity::ZScore { masked: false });
    check("mr", "masked_score", Intensity::ZScore { masked: true });
    check("mr", "unit", Intensity::MinMax);
}

#[test]
fn the_ct_scheme_is_nnunets() {
    let scheme = Intensity::ClipZScore {
        low: -950.5,
        high: 411.25,
        mean: 71.3,
        std: 141.7,
    };
    check("ct", "ct_scheme", scheme);
}
