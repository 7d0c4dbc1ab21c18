use mednn::ops::{layer_norm, layer_norm_channels, rms_norm};

use crate::support::{Case, numbers};

/// At the precision that f32 leaves of values around 30.
const TOLERANCE: f64 = 3e-5;

#[test]
fn tokens_of_a_warp_and_of_a_block() {
    for (shape, len) in [
        (&[3, 5, 7][..], 7),
        (&[2, 33][..], 33),
        (&[70, 2, 96][..], 96),
        (&[2, 1300][..], 1300),
    ] {
        let inputs = [
            (numbers(shape, 1) + 30.0).unwrap(),
            numbers(&[len], 2),
            numbers(&[len], 3),
        ];
        let case = |name: &str, count: usize| Case {
            tolerance: TOLERANCE,
            ..Case::new(format!("{name} {shape:?}"), &inputs[..count])
        };
        case("layer_norm", 3).check(|x| layer_norm(&x[0], &[len], Some(&x[1]), Some(&x[2]), 1e-5));
        case("layer_norm without affine", 1).check(|x| layer_norm(&x[0], &[len], None, None, 1e-5));
        case("layer_norm with a shift", 2)
            .check(|x| layer_norm(&x[0], &[len], None, Some(&x[1]), 1e-5));
        case("rms_norm", 2).check(|x| rms_norm(&x[0], &[len], Some(&x[1]), 1e-5));
    }
}

#[test]
fn channels_of_voxels() {
    for shape in [&[2, 5, 7][..], &[3, 20, 9, 11], &[1, 7, 3, 4, 5]] {
        let channels = [shape[1]];
        let inputs = [
            (numbers(shape, 1) + 30.0).unwrap(),
            numbers(&channels, 2),
            numbers(&channels, 3),
        ];
        let name = format!("layer_norm_channels {shape:?}");
        let case = Case {
            tolerance: TOLERANCE,
            ..Case::new(name, &inputs)
        };
        case.check(|x| layer_norm_channels(&x[0], Some(&x[1]), Some(&x[2]), 1e-6));
    }
}
