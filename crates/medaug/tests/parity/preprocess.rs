//! MONAI's chain on an oblique scan, and nnU-Net's resampling.

use medaug::{Foreground, ForegroundRule, Intensity, Preprocess, Preprocessed};
use medcore::{Geometry, Image, LabelMap, Lps, Point, Vector};

use crate::support::{Array, Fixture};

fn scan(fixture: &Fixture) -> (Image<f32, 3>, LabelMap<u8, 3>) {
    let scan = fixture.get("scan");
    let origin = fixture.get("origin").values;
    let steps = fixture.get("steps").values;
    let step = |a: usize| Vector::new(steps[3 * a], steps[3 * a + 1], steps[3 * a + 2]);
    let origin = Point::new(origin[0], origin[1], origin[2]);
    let grid = Geometry::new(scan.shape(), origin, [step(0), step(1), step(2)]).unwrap();
    (scan.image(grid), fixture.get("labels").labels(grid))
}

/// Asserts that the grid is the one of an affine over (width, height, depth).
fn assert_grid(got: &Geometry<3>, affine: &Array) {
    let place = |[d, h, w]: [f64; 3]| -> Point<Lps> {
        let m = &affine.values;
        let row = |r: usize| m[4 * r] * w + m[4 * r + 1] * h + m[4 * r + 2] * d + m[4 * r + 3];
        Point::new(row(0), row(1), row(2))
    };
    for index in [[0.0; 3], [3.0, 0.0, 0.0], [0.0, 5.0, 0.0], [2.0, 1.0, 7.0]] {
        let distance = got.index_to_world(index).distance(place(index));
        assert!(distance < 1e-4, "{index:?} is {distance} mm off");
    }
}

fn monai() -> Preprocess {
    Preprocess {
        spacing: Some([2.0, 1.2, 1.4]),
        intensity: vec![Intensity::Window {
            low: -160.0,
            high: 240.0,
        }],
        ..Preprocess::monai()
    }
}

#[test]
fn orientation_spacing_and_window_are_monais() {
    let fixture = Fixture::load("preprocess");
    let (image, labels) = scan(&fixture);
    let ready = monai().apply(&image, Some(&labels)).unwrap();
    assert_grid(ready.image.geometry(), &fixture.get("monai_affine_lps"));
    let expected = fixture.get("monai_image");
    assert_eq!(ready.image.shape(), expected.shape());
    expected.assert_close(ready.image.as_slice(), 1e-5, "image");
    let labels = ready.labels.unwrap();
    fixture
        .get("monai_labels")
        .assert_labels(labels.as_slice(), 0, "labels");
}

#[test]
fn the_crop_comes_after_the_window_as_in_monai() {
    let fixture = Fixture::load("preprocess");
    let (image, labels) = scan(&fixture);
    let preprocess = Preprocess {
        foreground: Some(Foreground {
            rule: ForegroundRule::Above(0.0),
            margin: [0; 3],
        }),
        ..monai()
    };
    let ready = preprocess.apply(&image, Some(&labels)).unwrap();
    let affine = fixture.get("monai_cropped_affine_lps");
    assert_grid(ready.image.geometry(), &affine);
    let expected = fixture.get("monai_cropped");
    assert_eq!(ready.image.shape(), expected.shape());
    assert_eq!(ready.labels.unwrap().shape(), expected.shape());
    expected.assert_close(ready.image.as_slice(), 1e-5, "image");
}

fn nnunet(spacing: [f64; 3], nearest_slice_above: Option<f64>) -> Preprocessed {
    let (image, labels) = scan(&Fixture::load("preprocess"));
    let preprocess = Preprocess {
        spacing: Some(spacing),
        nearest_slice_above,
        intensity: vec![Intensity::ClipZScore {
            low: -900.0,
            high: 500.0,
            mean: 20.0,
            std: 250.0,
        }],
        ..Preprocess::nnunet()
    };
    preprocess.apply(&image, Some(&labels)).unwrap()
}

#[test]
fn cubic_resampling_is_nnunets() {
    let fixture = Fixture::load("preprocess");
    // The scan's slices are 3.3 times thicker than its finest pixels.
    for (name, spacing, limit) in [
        ("nnunet_isotropic", [2.4, 1.3, 0.9], None),
        ("nnunet_isotropic", [2.4, 1.3, 0.9], Some(3.5)),
        ("nnunet_anisotropic", [1.7, 1.3, 0.9], Some(3.0)),
    ] {
        let ready = nnunet(spacing, limit);
        let expected = fixture.get(name);
        assert_eq!(ready.image.shape(), expected.shape(), "{name}");
        expected.assert_close(ready.image.as_slice(), 1e-5, name);
        let labels = ready.labels.unwrap();
        fixture
            .get(&format!("{name}_labels"))
            .assert_labels(labels.as_slice(), 0, name);
    }
}
