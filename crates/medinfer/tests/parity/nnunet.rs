//! Models of nnU-Net put to use: folds together, slices, axes in another order.

use std::path::Path;

use medaug::{Intensity, SliceDistance};
use medcore::{Geometry, Image, LabelMap};
use medinfer::{Error, Predictor, Segmenter, SegmenterConfig, Silent};
use medmodels::bundles::NnUnetFolder;
use medmodels::bundles::nnunet::Checkpoint;

const HEART: &str = "nnUNetTrainer__nnUNetPlans__3d_fullres";
const SLICES: &str = "nnUNetTrainer__nnUNetPlans__2d";
const TRANSPOSED: &str = "nnUNetTrainerNoDeepSupervision__nnUNetResEncUNetMPlans__3d_fullres";

fn open(name: &str, checkpoint: Checkpoint) -> NnUnetFolder {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../medmodels/tests/weights/bundles");
    NnUnetFolder::open_with(root.join(name), checkpoint).unwrap()
}

/// Waves of several lengths, nowhere 0.
fn scan(channels: usize, shape: [usize; 3], spacing: [f64; 3]) -> Image<f32, 3> {
    let grid = Geometry::axis_aligned(shape, spacing).unwrap();
    let [_, rows, columns] = shape;
    let voxel = |i: usize| {
        let (channel, at) = (i / grid.len(), i % grid.len());
        let place = [at / (rows * columns), at / columns % rows, at % columns];
        let wave = |axis: usize, length: f32| (place[axis] as f32 / length).sin();
        let sum = wave(0, 1.3) + wave(1, 3.1 + channel as f32) * wave(2, 2.7);
        120.0 + 80.0 * sum + (at * 7919 % 11) as f32
    };
    let voxels: Vec<f32> = (0..channels * grid.len()).map(voxel).collect();
    Image::with_channels(channels, grid, voxels).unwrap()
}

fn kinds(labels: &LabelMap<u8, 3>) -> usize {
    labels.counts().iter().filter(|&&n| n > 0).count()
}

#[test]
fn folds_give_the_mean_of_their_logits() {
    let folder = open(HEART, Checkpoint::Final);
    let folds = folder.folds();
    assert_eq!(folds.len(), 3);
    let image = scan(1, [9, 22, 20], [3.0, 0.8, 0.8]);
    let logits = |segmenter: &Segmenter<'_>| {
        let predictor: Predictor<'_> = segmenter.predictor().unwrap();
        predictor.logits(&image, &Silent).unwrap()
    };
    let together = Segmenter::from_nnunet_folds(&folder, folds).unwrap();
    let mean = logits(&together);
    let each: Vec<_> = { folds.iter() }
        .map(|fold| logits(&Segmenter::from_nnunet(&folder, fold).unwrap()))
        .collect();
    assert_ne!(each[0].as_slice(), each[1].as_slice());
    let largest = mean.as_slice().iter().fold(0.0, |m: f32, v| m.max(v.abs()));
    for (i, &got) in mean.as_slice().iter().enumerate() {
        let want = each.iter().map(|fold| fold.as_slice()[i]).sum::<f32>() / 3.0;
        assert!((got - want).abs() <= 1e-5 * largest, "{i}: {got} {want}");
    }
    let one = Segmenter::from_nnunet_folds(&folder, &folds[..1]).unwrap();
    assert_eq!(logits(&one).as_slice(), each[0].as_slice());

    let none = Segmenter::from_nnunet_folds(&folder, &[]).unwrap_err();
    assert!(none.to_string().contains("folds"), "{none}");
    let saved = together.save(tempfile::tempdir().unwrap().path());
    assert!(matches!(
        saved,
        Err(Error::Setting {
            setting: "networks",
            ..
        })
    ));
}

#[test]
fn a_network_for_slices_sees_each_by_itself_as_it_was_taken() {
    let folder = open(SLICES, Checkpoint::Best);
    let segmenter = Segmenter::from_nnunet(&folder, &folder.folds()[0]).unwrap();
    assert_eq!(
        segmenter.config().preprocess.slice_distance,
        SliceDistance::Own
    );
    let mut image = scan(1, [5, 40, 33], [2.5, 0.9, 0.9]);
    // Cubic curves are clipped to the range of the volume, so all slices have the same.
    for slice in image.as_mut_slice().chunks_exact_mut(40 * 33) {
        (slice[0], slice[40 * 33 - 1]) = (-100.0, 400.0);
    }
    let prepared = segmenter.prepare(&image).unwrap();
    // round(40 * 0.9 / 0.8) and round(33 * 0.9 / 0.8).
    assert_eq!(prepared.image.shape(), [5, 45, 37]);
    assert!((prepared.image.geometry().spacing()[0] - 2.5).abs() < 1e-9);
    let labels = segmenter.segment(&image).unwrap();
    assert_eq!(labels.geometry(), image.geometry());
    assert!(kinds(&labels) > 1);
    let grid = Geometry::axis_aligned([1, 40, 33], [2.5, 0.9, 0.9]).unwrap();
    for slice in 0..5 {
        let range = slice * grid.len()..(slice + 1) * grid.len();
        let alone = Image::new(grid, image.as_slice()[range.clone()].to_vec()).unwrap();
        let alone = segmenter.segment(&alone).unwrap();
        assert_eq!(alone.as_slice(), &labels.as_slice()[range], "slice {slice}");
    }
}

#[test]
fn axes_in_another_order_are_those_of_a_scan_stored_so() {
    let folder = open(TRANSPOSED, Checkpoint::Final);
    let segmenter = Segmenter::from_nnunet(&folder, &folder.folds()[0]).unwrap();
    let preprocess = &segmenter.config().preprocess;
    assert_eq!(preprocess.transpose, Some([2, 0, 1]));
    assert_eq!(preprocess.intensity, [Intensity::BodyZScore; 2]);
    let mut image = scan(2, [20, 24, 14], [1.1, 0.9, 1.3]);
    // Nothing around the body, and a hole in it.
    let shape = image.shape();
    let len = image.geometry().len();
    for channel in 0..2 {
        for at in 0..len {
            let place = [
                at / (shape[1] * shape[2]),
                at / shape[2] % shape[1],
                at % shape[2],
            ];
            if place[0] < 3 || place[2] > 11 || place == [10, 12, 6] {
                image.as_mut_slice()[channel * len + at] = 0.0;
            }
        }
    }
    let labels = segmenter.segment(&image).unwrap();
    assert_eq!(labels.geometry(), image.geometry());
    assert!(kinds(&labels) > 1);

    // The same with the axes of the scan changed by hand.
    let moved = [shape[2], shape[0], shape[1]];
    let from = |at: usize| {
        let [i, j, k] = [
            at / (moved[1] * moved[2]),
            at / moved[2] % moved[1],
            at % moved[2],
        ];
        (j * shape[1] + k) * shape[2] + i
    };
    let grid = Geometry::axis_aligned(moved, [1.3, 1.1, 0.9]).unwrap();
    let voxel = |at: usize| image.as_slice()[at / len * len + from(at % len)];
    let other =
        Image::with_channels(2, grid, (0..2 * len).map(voxel).collect::<Vec<f32>>()).unwrap();
    let mut config: SegmenterConfig = segmenter.config().clone();
    config.preprocess.transpose = None;
    let network = folder.load(&folder.folds()[0]).unwrap().network;
    let plain = Segmenter::new(config.clone(), network).unwrap();
    let [ours, theirs] = [
        segmenter.prepare(&image).unwrap(),
        plain.prepare(&other).unwrap(),
    ];
    assert_eq!(ours.image.as_slice(), theirs.image.as_slice());
    let theirs = plain.segment(&other).unwrap();
    let differ = (0..len).filter(|&at| theirs.as_slice()[at] != labels.as_slice()[from(at)]);
    // Logits go back over other axes first, so a tie may fall the other way.
    assert!(differ.count() <= len / 1000);

    config.preprocess.transpose = Some([0, 1, 1]);
    assert!(
        config
            .check()
            .unwrap_err()
            .to_string()
            .contains("transpose")
    );
}
