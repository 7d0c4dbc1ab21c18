use mednn::ops::{Interpolation, PadMode, Size, adaptive_avg_pool, pad, resize};

use crate::support::{Case, numbers};

#[test]
fn padding_in_every_mode() {
    let modes = [
        PadMode::Constant(1.5),
        PadMode::Reflect,
        PadMode::Replicate,
        PadMode::Circular,
    ];
    for mode in modes {
        let line = [numbers(&[2, 3, 7], 1)];
        Case::new(format!("pad 1D {mode:?}"), &line).check(|x| pad(&x[0], [(3, 2)], mode));
        let image = [numbers(&[2, 2, 5, 9], 2)];
        Case::new(format!("pad 2D {mode:?}"), &image).check(|x| pad(&x[0], [(0, 4), (2, 0)], mode));
        let volume = [numbers(&[1, 3, 4, 5, 6], 3)];
        Case::new(format!("pad 3D {mode:?}"), &volume)
            .check(|x| pad(&x[0], [(1, 2), (3, 1), (0, 5)], mode));
    }
}

#[test]
fn resizing_by_every_interpolation() {
    let all = [
        Interpolation::Nearest,
        Interpolation::NearestExact,
        Interpolation::Linear {
            align_corners: true,
        },
        Interpolation::Linear {
            align_corners: false,
        },
        Interpolation::Cubic {
            align_corners: false,
        },
        Interpolation::Area,
        Interpolation::AntialiasedLinear,
        Interpolation::AntialiasedCubic,
    ];
    for interpolation in all {
        let image = [numbers(&[2, 3, 9, 11], 4)];
        for size in [[5, 23], [18, 4]] {
            Case::new(format!("{interpolation:?} to {size:?}"), &image)
                .check(|x| resize(&x[0], Size::Voxels(size), interpolation));
        }
    }
    let volume = [numbers(&[1, 2, 4, 5, 7], 5)];
    let linear = Interpolation::Linear {
        align_corners: false,
    };
    Case::new("linear 3D", &volume).check(|x| resize(&x[0], Size::Voxels([8, 10, 14]), linear));
}

#[test]
fn adaptive_averages() {
    let image = [numbers(&[2, 3, 10, 7], 6)];
    Case::new("adaptive_avg_pool", &image).check(|x| adaptive_avg_pool(&x[0], [3, 7]));
    Case::new("global average", &image).check(|x| adaptive_avg_pool(&x[0], [1, 1]));
}
