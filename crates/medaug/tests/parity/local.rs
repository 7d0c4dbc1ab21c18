//! Spots of brightness and gamma, and blank boxes, are batchgeneratorsv2's.

use medaug::{
    BlankRectangle, BlankRectangles, BrightnessGradient, LocalGamma, Operation, PerChannel, Sample,
    Spot,
};
use medcore::Geometry;

use crate::support::Fixture;

fn compare<const D: usize>(name: &str) {
    let fixture = Fixture::load("local");
    let get = |key: &str| fixture.get(&format!("{name}.{key}"));
    let image = get("image");
    let shape = image.shape::<D>();
    let grid = Geometry::axis_aligned(shape, [1.0; D]).unwrap();
    let spot = || Spot {
        centre: get("centre").values,
        width: get("width").values,
    };
    let check = |operation: Operation, key: &str| {
        operation.check::<D>().unwrap();
        let sample = Sample::new(image.image(grid));
        let got = operation.apply_to(sample).unwrap();
        get(key).assert_close(got.image().as_slice(), 1e-5, key);
    };
    for (key, keep_mean) in [("added", false), ("centred", true)] {
        let gradient = BrightnessGradient {
            spot: spot(),
            strength: -2.5,
            keep_mean,
        };
        check(PerChannel::All(gradient).into(), key);
    }
    for (key, exponent) in [("brighter", 0.3), ("darker", 2.7)] {
        let gamma = LocalGamma {
            spot: spot(),
            exponent,
        };
        check(PerChannel::All(gamma).into(), key);
    }
    // Voxels 1 to 3 of each axis, then all from the third on.
    let shares = |of: fn(f64) -> f64| shape.iter().map(|&n| of(n as f64)).collect::<Vec<f64>>();
    let rectangles = vec![
        BlankRectangle {
            place: shares(|n| 1.5 / (n - 2.0)),
            size: shares(|n| 3.0 / n),
        },
        BlankRectangle {
            place: vec![1.0],
            size: shares(|n| (n - 2.0) / n),
        },
    ];
    check(
        PerChannel::All(BlankRectangles { rectangles }).into(),
        "blank",
    );
}

#[test]
fn local_changes_are_batchgenerators() {
    compare::<3>("volume");
    compare::<2>("slice");
}
