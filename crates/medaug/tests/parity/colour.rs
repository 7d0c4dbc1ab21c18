//! Transforms of colour as in torchvision, OpenCV, Albumentations and scikit-image.

use medaug::{ColorAdjustment, ColorDepth, ColorJitter, HedJitter, HueSaturationValue, Operation};
use medcore::{Geometry, Image};

use crate::support::{Array, Fixture, voxels_after};

/// The colours of an array after an operation; levels become 0..1.
fn changed(image: &Array, scale: f32, operation: impl Into<Operation>) -> Vec<f32> {
    let [channels, height, width] = image.shape();
    let grid = Geometry::axis_aligned([height, width], [0.7, 1.3]).unwrap();
    let voxels: Vec<f32> = image.floats().iter().map(|v| v / scale).collect();
    let image = Image::with_channels(channels, grid, voxels).unwrap();
    voxels_after(image, operation)
}

#[test]
fn colours_are_adjusted_as_in_torchvision() {
    let fixture = Fixture::load("colour");
    let image = fixture.get("image");
    let check = |name: &str, adjustments: Vec<ColorAdjustment>| {
        let got = changed(&image, 1.0, ColorJitter { adjustments });
        fixture.get(name).assert_close(&got, 2e-6, name);
    };
    check("brightness", vec![ColorAdjustment::Brightness(1.3)]);
    check("contrast", vec![ColorAdjustment::Contrast(0.6)]);
    check("contrast_up", vec![ColorAdjustment::Contrast(1.4)]);
    check("saturation", vec![ColorAdjustment::Saturation(1.7)]);
    check("hue", vec![ColorAdjustment::Hue(0.31)]);
    check(
        "chain",
        vec![
            ColorAdjustment::Hue(-0.12),
            ColorAdjustment::Contrast(1.3),
            ColorAdjustment::Brightness(0.8),
            ColorAdjustment::Saturation(0.4),
            ColorAdjustment::Contrast(0.7),
        ],
    );
}

#[test]
fn hue_saturation_and_value_move_as_in_opencv() {
    let fixture = Fixture::load("colour");
    let operation = HueSaturationValue {
        hue_degrees: 47.5,
        saturation_factor: 1.2,
        saturation_shift: -0.1,
        value_factor: 0.8,
        value_shift: 0.15,
        depth: ColorDepth::Continuous,
    };
    let got = changed(&fixture.get("image"), 1.0, operation);
    fixture.get("hsv").assert_close(&got, 5e-6, "hsv");
}

#[test]
fn eight_bit_colours_are_albumentations_to_the_level() {
    let fixture = Fixture::load("colour");
    let shift = |hue: f32, saturation: f32, value: f32| HueSaturationValue {
        hue_degrees: 2.0 * hue,
        saturation_shift: saturation / 255.0,
        value_shift: value / 255.0,
        depth: ColorDepth::EightBit,
        ..HueSaturationValue::default()
    };
    let levels = fixture.get("levels");
    for (name, operation) in [
        ("hsv_levels", shift(17.3, 25.0, -14.0)),
        ("hsv_levels_down", shift(-130.0, -60.4, 33.6)),
    ] {
        let got: Vec<u8> = changed(&levels, 255.0, operation)
            .iter()
            .map(|v| (v * 255.0).round() as u8)
            .collect();
        // OpenCV multiplies and adds at once where the processor can, which decides a tie now and then.
        fixture.get(name).assert_labels(&got, 2, name);
    }
    let got = changed(&fixture.get("image"), 1.0, shift(12.0, -20.0, 31.0));
    fixture
        .get("hsv_floats")
        .assert_close(&got, 1e-6, "hsv_floats");
}

#[test]
fn stains_change_as_in_scikit_image() {
    let fixture = Fixture::load("colour");
    let operation = HedJitter {
        factor: [1.04, 0.93, 1.2],
        shift: [0.02, -0.01, 0.005],
    };
    let got = changed(&fixture.get("image"), 1.0, operation);
    fixture.get("hed").assert_close(&got, 1e-5, "hed");
}
