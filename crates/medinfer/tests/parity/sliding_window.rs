//! MONAI's and nnU-Net's sliding windows, from `sliding_window.py`.

use std::path::Path;

use medinfer::{Convention, Predictor, Silent, SlidingWindow, Weighting, weight_map};
use mednn::candle_core::{Device, Tensor, safetensors};

use crate::networks::{Function, image};

fn fixture(name: &str) -> Tensor {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/sliding_window.safetensors");
    assert!(std::fs::metadata(&path).unwrap().len() <= 64 * 1024);
    safetensors::load(path, &Device::Cpu).unwrap()[name].clone()
}

#[track_caller]
fn assert_close(got: &[f32], want: &Tensor, tolerance: f32) {
    let want = want.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert_eq!(got.len(), want.len());
    let scale = want.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    for (i, (a, b)) in got.iter().zip(&want).enumerate() {
        assert!((a - b).abs() <= tolerance * scale, "{i}: {a} {b}");
    }
}

#[track_caller]
fn check<const D: usize>(
    name: &str,
    channels: usize,
    shape: [usize; D],
    window: SlidingWindow,
    mirror: &[usize],
) {
    let network = Function::ramp();
    for batch in [1, 3] {
        let predictor = Predictor::new(&network, window.clone())
            .unwrap()
            .with_mirror_axes(mirror)
            .with_batch(batch);
        let logits = predictor.logits(&image(channels, shape), &Silent).unwrap();
        let want = fixture(name);
        assert_eq!(logits.channels(), want.dims()[0]);
        assert_eq!(logits.shape()[..], want.dims()[1..]);
        assert_close(logits.as_slice(), &want, 2e-6);
    }
}

#[test]
fn constant_weights_give_what_monai_gives() {
    let window = SlidingWindow::monai([4, 6, 5]).with_overlap(0.5);
    check("monai_constant_3d", 2, [9, 12, 9], window, &[]);
}

#[test]
fn gaussian_weights_give_what_monai_gives() {
    let window = SlidingWindow::monai([5, 6, 4]).with_weighting(Weighting::Gaussian);
    check("monai_gaussian_3d", 1, [10, 13, 9], window, &[]);
    let window = SlidingWindow::monai([8, 7])
        .with_overlap(0.6)
        .with_weighting(Weighting::Gaussian);
    check("monai_gaussian_2d", 1, [23, 17], window, &[]);
}

#[test]
fn small_images_are_padded_as_monai_pads_them() {
    let window = SlidingWindow::monai([8, 7, 8])
        .with_overlap(0.4)
        .with_weighting(Weighting::Gaussian)
        .with_padding_value(-1.5);
    check("monai_padded_3d", 1, [5, 12, 7], window, &[]);
}

#[test]
fn nnunets_windows_give_what_its_rules_give() {
    check(
        "nnunet_3d",
        2,
        [9, 11, 9],
        SlidingWindow::nnunet([5, 6, 4]),
        &[],
    );
}

#[test]
fn mirroring_is_nnunets_mean_of_logits() {
    let window = SlidingWindow::nnunet([8, 7, 6]);
    check("nnunet_padded_mirrored_3d", 1, [6, 12, 8], window, &[0, 2]);
    check(
        "nnunet_2d",
        1,
        [21, 19],
        SlidingWindow::nnunet([8, 7]),
        &[1],
    );
}

#[test]
fn maps_of_weights_are_those_of_the_references() {
    let map = |roi, convention| weight_map(roi, convention, Weighting::Gaussian);
    assert_close(
        &map([6, 5, 8], Convention::Monai),
        &fixture("monai_map"),
        1e-6,
    );
    // Half precision: a value between two halves may fall to either side.
    assert_close(
        &map([6, 5, 8], Convention::NnUnet),
        &fixture("nnunet_map"),
        5e-4,
    );
    let wide = map([24, 20, 28], Convention::NnUnet);
    let row = (3 * 20 + 2) * 28;
    assert_close(&wide[row..row + 28], &fixture("nnunet_wide_map_row"), 1e-3);
}
