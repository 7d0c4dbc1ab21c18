use mednn::ops::windows::{WindowConfig, window_partition, window_reverse};
use mednn::ops::{patchify, permute, pixel_shuffle, pixel_unshuffle, unpatchify};

use crate::support::{Case, numbers};

#[test]
fn axes_change_places() {
    let cases: [(&[usize], &[usize]); 8] = [
        (&[1, 1], &[1, 0]),
        (&[2, 3, 4], &[2, 0, 1]),
        (&[2, 40, 70], &[0, 2, 1]),
        (&[3, 33, 2, 65], &[0, 2, 3, 1]),
        (&[33, 2, 9, 35], &[3, 1, 2, 0]),
        (&[2, 3, 5, 40], &[1, 0, 2, 3]),
        (&[2, 3, 2, 3, 2, 3], &[5, 3, 1, 4, 2, 0]),
        (&[2000, 3], &[1, 0]),
    ];
    for (shape, order) in cases {
        let input = [numbers(shape, 1)];
        Case::new(format!("permute {shape:?} to {order:?}"), &input)
            .check(|x| permute(&x[0], order));
    }
}

#[test]
fn blocks_and_patches() {
    let image = [numbers(&[2, 12, 3, 5], 1)];
    Case::new("pixel_shuffle", &image).check(|x| pixel_shuffle(&x[0], [2, 3]));
    let volume = [numbers(&[1, 2, 4, 6, 9], 2)];
    Case::new("pixel_unshuffle", &volume).check(|x| pixel_unshuffle(&x[0], [2, 2, 3]));
    Case::new("patchify", &volume).check(|x| patchify(&x[0], [2, 3, 3]));
    let patches = [numbers(&[2, 6, 24], 3)];
    Case::new("unpatchify", &patches).check(|x| unpatchify(&x[0], [4, 6], [2, 2]));
}

#[test]
fn windows_that_divide_and_that_do_not() {
    let image = [numbers(&[2, 7, 9, 5], 1)];
    for config in [
        WindowConfig::new([3, 4]),
        WindowConfig::new([3, 4]).with_half_shift(),
    ] {
        Case::new(format!("window_partition {config:?}"), &image)
            .check(|x| window_partition(&x[0], &config));
        let windows = [numbers(&[2 * 9, 12, 5], 2)];
        Case::new(format!("window_reverse {config:?}"), &windows)
            .check(|x| window_reverse(&x[0], [7, 9], &config));
    }
    let volume = [numbers(&[1, 4, 5, 6, 3], 3)];
    let config = WindowConfig::new([2, 2, 3]).with_shift([1, 0, 2]);
    Case::new("window_partition 3D", &volume).check(|x| window_partition(&x[0], &config));
}
