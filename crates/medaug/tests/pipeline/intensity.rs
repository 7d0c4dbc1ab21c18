//! Transforms of intensities: what they refuse, what chance gives, and that threads decide nothing.

use medaug::{
    Compose, Contents, Error, Extent, Layer, Mask, NormalizeIntensity, Operation, PerChannel,
    Sample, Step,
};
use medcore::random::Key;
use medcore::{Geometry, Image};

use crate::support::{oblique, sample, texture};

pub(crate) fn step(json: &str) -> Step {
    serde_json::from_str(json).unwrap_or_else(|e| panic!("{json}: {e}"))
}

/// The steps of this part of the crate that draw, each done for certain.
const RANDOM: [&str; 29] = [
    r#"{"RandomAdjustContrast": {"probability": 1}}"#,
    r#"{"RandomBiasField": {"probability": 1}}"#,
    r#"{"RandomBlur": {"probability": 1}}"#,
    r#"{"RandomBoxBlur": {"probability": 1}}"#,
    r#"{"RandomBrightnessContrast": {"probability": 1, "unit": "mean", "range": null}}"#,
    r#"{"RandomChannelDropout": {"probability": 1}}"#,
    r#"{"RandomChannelShuffle": {"probability": 1}}"#,
    r#"{"RandomCoarseDropout": {"probability": 1, "fill": "range_noise", "label": 0}}"#,
    r#"{"RandomCoarseDropout": {"probability": 1, "fill": {"noise": [0, 1]}, "part": "rest"}}"#,
    r#"{"RandomCoarseShuffle": {"probability": 1}}"#,
    r#"{"RandomGaussianNoise": {"probability": 1, "unit": "deviation"}}"#,
    r#"{"RandomGaussianSharpen": {"probability": 1}}"#,
    r#"{"RandomGaussianSmooth": {"probability": 1, "channels": {"each": {"probability": 0.5}}}}"#,
    r#"{"RandomGridDropout": {"probability": 1, "cells": [3, 9, 7]}}"#,
    r#"{"RandomHistogramShift": {"probability": 1}}"#,
    r#"{"RandomMedianFilter": {"probability": 1, "radius": [1, 2]}}"#,
    r#"{"RandomMultiplicativeNoise": {"probability": 1}}"#,
    r#"{"RandomPoissonNoise": {"probability": 1, "dark": -400}}"#,
    r#"{"RandomRicianNoise": {"probability": 1, "channels": {"each": {"probability": 0.9}}}}"#,
    r#"{"RandomSaltAndPepper": {"probability": 1, "extremes": "of_image"}}"#,
    r#"{"RandomScaleIntensity": {"probability": 1}}"#,
    r#"{"RandomScaleIntensityFixedMean": {"probability": 1}}"#,
    r#"{"RandomShiftIntensity": {"probability": 1}}"#,
    r#"{"RandomSmoothFieldAdjustIntensity": {"probability": 1, "padding": 1}}"#,
    r#"{"RandomSpeckleNoise": {"probability": 1}}"#,
    r#"{"RandomStdShiftIntensity": {"probability": 1, "masked": true}}"#,
    r#"{"RandomSwap": {"size": [2, 9, 7], "pairs": 9}}"#,
    r#"{"RandomToGray": {"probability": 1, "method": "mean"}}"#,
    r#"{"RandomUnsharpMask": {"probability": 1}}"#,
];

fn with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(f)
}

#[test]
fn threads_decide_nothing_and_records_do_the_same_again() {
    let before = sample([9, 71, 64]);
    for json in RANDOM {
        let chain = Compose::new(vec![step(json)]).unwrap();
        let run =
            |threads, key| with_threads(threads, || chain.record(before.clone(), key).unwrap());
        // An order of channels that is drawn may be the one that was.
        let mut runs = (0..9).map(Key::new).map(|key| (key, run(1, key)));
        let (key, (one, record)) = runs
            .find(|(_, (after, _))| *after != before)
            .unwrap_or_else(|| panic!("{json} changes nothing"));
        assert!(run(3, key).0 == one, "{json} depends on threads");
        let text = serde_json::to_string(&record).unwrap();
        let record: medaug::Record<3> = serde_json::from_str(&text).unwrap();
        assert!(
            record.replay(before.clone()).unwrap() == one,
            "{json} replays otherwise"
        );
    }
}

#[test]
fn pictures_are_filtered_alike_by_any_number_of_threads() {
    let grid = Geometry::<2>::axis_aligned([211, 307], [0.4, 0.3]).unwrap();
    let image = Image::with_channels(3, grid, texture(3 * grid.len())).unwrap();
    let before = Sample::new(image);
    for json in [
        r#"{"RandomMotionBlur": {"probability": 1}}"#,
        r#"{"RandomMotionBlur": {"probability": 1, "place": "centred", "size": [9, 9]}}"#,
        r#"{"RandomSharpen": {"probability": 1}}"#,
        r#"{"RandomToGray": {"probability": 1}}"#,
    ] {
        let chain = Compose::new(vec![step(json)]).unwrap();
        let run = |threads| {
            with_threads(threads, || {
                chain.record(before.clone(), Key::new(4)).unwrap()
            })
        };
        let (one, record) = run(1);
        assert!(one != before, "{json} changes nothing");
        assert!(run(3).0 == one, "{json} depends on threads");
        assert!(
            record.replay(before.clone()).unwrap() == one,
            "{json} replays otherwise"
        );
    }
}

#[test]
fn drawn_operations_keep_to_their_own_rules() {
    for json in RANDOM {
        let chain = Compose::new(vec![step(json)]).unwrap();
        for seed in 0..40 {
            let (_, record) = chain.record(sample([9, 21, 16]), Key::new(seed)).unwrap();
            for operation in record.operations() {
                operation
                    .check::<3>()
                    .unwrap_or_else(|e| panic!("{json}: {e}"));
            }
            match record.operations() {
                [Operation::GaussianSharpen(PerChannel::All(sharpen))] => {
                    let pairs = sharpen.sigma1_voxels.iter().zip(&sharpen.sigma2_voxels);
                    assert!(
                        pairs.len() == 3 && pairs.into_iter().all(|(a, b)| b <= a && *b >= 0.5)
                    );
                }
                [Operation::ChannelDropout(dropout)] => assert_eq!(dropout.channels.len(), 1),
                [Operation::SmoothFieldAdjustIntensity(PerChannel::All(field))] => {
                    assert_eq!(field.points, [6, 6, 6]);
                    assert_eq!(field.factors.iter().filter(|&&f| f != 1.0).count(), 64);
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_constant_image_stays_finite() {
    let grid = oblique([9, 21, 23]);
    for json in RANDOM {
        for value in [0.0, 7.0] {
            let image = Image::with_channels(2, grid, vec![value; 2 * grid.len()]).unwrap();
            let labels = medcore::LabelMap::background(grid).unwrap();
            let sample = Sample::with_labels(image, labels).unwrap();
            let chain = Compose::new(vec![step(json)]).unwrap();
            let after = chain.apply(sample, Key::new(5)).unwrap();
            let voxels = after.image().as_slice();
            assert!(voxels.iter().all(|v| v.is_finite()), "{json} of {value}");
        }
    }
}

#[test]
fn nan_is_refused_where_statistics_are_needed_and_spreads_nowhere_else() {
    let refused = [
        r#"{"NormalizeIntensity": {}}"#,
        r#"{"RescaleIntensity": {}}"#,
        r#"{"ScaleIntensityRangePercentiles": {"percentiles": [1, 99]}}"#,
        r#"{"ClipIntensityPercentiles": {"lower": 1}}"#,
        r#"{"StdShiftIntensity": {"factor": 1}}"#,
        r#"{"HistogramShift": {"control": [0, 0.7, 1]}}"#,
        r#"{"GaussianNoise": {"sigma": 1, "unit": "deviation", "seed": 1}}"#,
        r#"{"SaltAndPepper": {"amount": 0.1, "salt": 0.5, "extremes": "of_image", "seed": 1}}"#,
    ];
    let kept = [
        r#"{"ShiftIntensity": {"offset": 1}}"#,
        r#"{"Clamp": {"low": 0}}"#,
        r#"{"ScaleIntensityRange": {"input": [0, 1]}}"#,
        r#"{"PoissonNoise": {"photons": 1, "seed": 1}}"#,
        r#"{"RicianNoise": {"sigma": 1, "seed": 1}}"#,
        r#"{"BiasField": {"order": 1, "coefficients": [0, 0.1, 0.2, 0.3]}}"#,
    ];
    let run = |json: &str| {
        let mut before = sample([3, 17, 12]);
        before.channel_mut(1)[100] = f32::NAN;
        let operation: Operation = serde_json::from_str(json).unwrap();
        operation.check::<3>().unwrap();
        operation.apply_to(before)
    };
    for json in refused {
        let error = run(json).unwrap_err();
        assert!(
            matches!(error, Error::NotFinite { channel: 1 }),
            "{json}: {error}"
        );
    }
    for json in kept {
        let after = run(json).unwrap();
        assert!(after.image().channel(1)[100].is_nan(), "{json}");
        let count = after
            .image()
            .as_slice()
            .iter()
            .filter(|v| v.is_nan())
            .count();
        assert_eq!(count, 1, "{json}");
    }
}

#[test]
fn bad_parameters_are_refused_by_name() {
    for (json, part) in [
        (
            r#"{"ScaleIntensityRange": {"input": [1, 1]}}"#,
            "input must be",
        ),
        (
            r#"{"ScaleIntensityRangePercentiles": {"percentiles": [90, 10]}}"#,
            "percentiles must be",
        ),
        (r#"{"ClipIntensityPercentiles": {}}"#, "lower or upper"),
        (
            r#"{"ClipIntensityPercentiles": {"lower": 5, "sharpness": 0}}"#,
            "sharpness must be",
        ),
        (
            r#"{"Clamp": {"low": 2, "high": 1}}"#,
            "high must be at least low",
        ),
        (
            r#"{"RicianNoise": {"sigma": -1, "seed": 1}}"#,
            "sigma must be",
        ),
        (
            r#"{"PoissonNoise": {"photons": 0, "seed": 1}}"#,
            "photons must be above 0",
        ),
        (
            r#"{"RandomSaltAndPepper": {"amount": {"fixed": 2}}}"#,
            "amount must be within 0 and 1",
        ),
        (
            r#"{"RandomMultiplicativeNoise": {"factors": [2, 1]}}"#,
            "high must be",
        ),
        (
            r#"{"GaussianSmooth": {"sigma_voxels": [1, 1]}}"#,
            "sigma_voxels needs 3 entries",
        ),
        (r#"{"Blur": {"sigma_mm": [-1]}}"#, "sigma_mm must be"),
        (
            r#"{"BoxBlur": {"size": [4]}}"#,
            "size must be an odd number",
        ),
        (
            r#"{"MedianFilter": {"radius": [11]}}"#,
            "radius must be at most 10",
        ),
        (
            r#"{"MotionBlur": {"size": 3, "degrees": 0}}"#,
            "for images of two axes, these have 3",
        ),
        (
            r#"{"Sharpen": {"alpha": 0.5, "lightness": 1}}"#,
            "for images of two axes",
        ),
        (
            r#"{"BiasField": {"order": 2, "coefficients": [1]}}"#,
            "coefficients needs 10 entries",
        ),
        (
            r#"{"RandomBiasField": {"order": 0}}"#,
            "order must be within 1 and 10",
        ),
        (
            r#"{"SmoothFieldAdjustIntensity": {"points": [2, 2, 2], "factors": [1]}}"#,
            "needs 8",
        ),
        (
            r#"{"HistogramShift": {"control": [0, 0.8, 0.3, 1]}}"#,
            "never fall",
        ),
        (
            r#"{"RandomCoarseDropout": {"holes": {"count": [3, 1]}}}"#,
            "count must be",
        ),
        (
            r#"{"RandomCoarseDropout": {"holes": {"size": {"share": [[0.5, 2]]}}}}"#,
            "size must be",
        ),
        (r#"{"GridDropout": {"ratio": 0}}"#, "ratio must be above 0"),
        (r#"{"ChannelShuffle": {"order": [0, 0]}}"#, "each once"),
        (
            r#"{"RandomChannelDropout": {"probability": 2}}"#,
            "probability must be",
        ),
    ] {
        let refused = Compose::<3>::new(vec![step(json)]).unwrap_err();
        assert!(refused.to_string().contains(part), "{json}: {refused}");
    }
}

#[test]
fn what_does_not_fit_the_image_is_refused_when_it_is_met() {
    for (json, part) in [
        (
            r#"{"RandomSwap": {"size": [4, 9, 9]}}"#,
            "no larger than the image",
        ),
        (
            r#"{"RandomCoarseDropout": {"probability": 1, "holes": {"size": {"voxels": [[2, 9]]}}}}"#,
            "no larger than the image",
        ),
        (
            r#"{"GridDropout": {"cells": [2]}}"#,
            "each holds two voxels",
        ),
        (
            r#"{"CoarseDropout": {"holes": [{"start": [0, 0, 9], "shape": [1, 1, 9]}]}}"#,
            "within the image",
        ),
        (
            r#"{"RandomChannelDropout": {"count": [1, 2]}}"#,
            "fewer than the channels",
        ),
        (
            r#"{"ChannelDropout": {"channels": [2]}}"#,
            "channels of the image",
        ),
        (
            r#"{"ChannelShuffle": {"order": [0, 1, 2]}}"#,
            "order needs 2 entries",
        ),
        (r#"{"ToGray": {}}"#, "image channels needs 3 entries"),
        (
            r#"{"NormalizeIntensity": {"mask": {"labels": [77]}}}"#,
            "the mask holds no voxel",
        ),
        (
            r#"{"NormalizeIntensity": {"mask": {"above": 1e9}}}"#,
            "the mask holds no voxel",
        ),
    ] {
        let chain = Compose::new(vec![step(json)]).unwrap();
        let refused = chain.apply(sample([3, 17, 12]), Key::new(1)).unwrap_err();
        assert!(refused.to_string().contains(part), "{json}: {refused}");
    }
    let chain = Compose::<3>::new(vec![step(r#"{"MaskIntensity": {"mask": {"labels": []}}}"#)]);
    let refused = chain
        .unwrap()
        .check_contents(&Contents::default())
        .unwrap_err();
    assert!(matches!(refused, Error::MissingLabels { .. }), "{refused}");
}

#[test]
fn scores_may_be_those_of_a_layer() {
    let grid = Geometry::<2>::axis_aligned([1, 4], [1.0; 2]).unwrap();
    let image = Image::new(grid, vec![1.0, 3.0, 100.0, -50.0]).unwrap();
    let brain = Layer::Image(Image::new(grid, vec![1.0, 0.5, 0.0, 0.0]).unwrap());
    let sample = Sample::new(image).with_layer("brain", brain).unwrap();
    let score = NormalizeIntensity {
        mask: Mask::Layer("brain".to_owned()),
        extent: Extent::EachChannel,
        ..NormalizeIntensity::default()
    };
    let after = Operation::from(score).apply_to(sample).unwrap();
    assert_eq!(after.image().as_slice(), [-1.0, 1.0, 100.0, -50.0]);
}

/// Mean, deviation, and the voxels of one channel of a constant image after a step.
fn drawn(value: f32, json: &str) -> (f64, f64, Vec<f32>) {
    let grid = Geometry::<3>::axis_aligned([13, 101, 97], [1.0; 3]).unwrap();
    let image = Image::new(grid, vec![value; grid.len()]).unwrap();
    let operation: Operation = serde_json::from_str(json).unwrap();
    let after = operation.apply_to(Sample::new(image)).unwrap();
    let voxels = after.image().as_slice().to_vec();
    let n = voxels.len() as f64;
    let mean = voxels.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let squares: f64 = voxels.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum();
    (mean, (squares / n).sqrt(), voxels)
}

#[test]
fn noise_has_the_moments_it_should() {
    let (mean, deviation, _) = drawn(50.0, r#"{"SpeckleNoise": {"sigma": 0.1, "seed": 3}}"#);
    assert!(
        (mean - 50.0).abs() < 0.06 && (deviation - 5.0).abs() < 0.05,
        "{mean} {deviation}"
    );
    let (mean, deviation, voxels) = drawn(
        10.0,
        r#"{"MultiplicativeNoise": {"low": 0.4, "high": 1.0, "seed": 3}}"#,
    );
    let uniform = 6.0 / 12.0_f64.sqrt();
    assert!(
        (mean - 7.0).abs() < 0.02 && (deviation - uniform).abs() < 0.02,
        "{mean} {deviation}"
    );
    assert!(voxels.iter().all(|v| (4.0..=10.0).contains(v)));
    let (mean, deviation, _) = drawn(
        -990.0,
        r#"{"PoissonNoise": {"photons": 4, "dark": -1000, "seed": 3}}"#,
    );
    let poisson = (10.0_f64 / 4.0).sqrt();
    assert!(
        (mean + 990.0).abs() < 0.02 && (deviation - poisson).abs() < 0.02,
        "{mean} {deviation}"
    );
    let salt = r#"{"SaltAndPepper": {"amount": 0.1, "salt": 0.3, "extremes": {"values": [-1, 9]}, "seed": 3}}"#;
    let (_, _, voxels) = drawn(5.0, salt);
    let share =
        |value: f32| voxels.iter().filter(|&&v| v == value).count() as f64 / voxels.len() as f64;
    assert!((share(9.0) - 0.03).abs() < 0.002, "{}", share(9.0));
    assert!((share(-1.0) - 0.07).abs() < 0.003, "{}", share(-1.0));
    assert!((share(5.0) - 0.9).abs() < 0.003, "{}", share(5.0));
}

#[test]
fn relative_noise_follows_the_image() {
    let before = sample([9, 61, 67]);
    let noisy = |factor: f32| {
        let mut sample = before.clone();
        sample.channel_mut(0).iter_mut().for_each(|v| *v *= factor);
        let scaled = sample.clone();
        let json = r#"{"GaussianNoise": {"sigma": 0.2, "unit": "deviation", "seed": 1}}"#;
        let noise: Operation = serde_json::from_str(json).unwrap();
        let after = noise.apply_to(sample).unwrap();
        let pairs = after
            .image()
            .channel(0)
            .iter()
            .zip(scaled.image().channel(0));
        pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>()
    };
    let ratio = noisy(10.0) / noisy(1.0);
    assert!((ratio - 100.0).abs() < 1.0, "{ratio}");
}

#[test]
fn channels_of_one_draw_differ_only_in_their_noise() {
    let before = sample([3, 17, 12]);
    let json = r#"{"RandomBiasField": {"probability": 1}}"#;
    let chain = Compose::new(vec![step(json)]).unwrap();
    let (_, record) = chain.record(before, Key::new(2)).unwrap();
    assert!(matches!(
        record.operations(),
        [Operation::BiasField(PerChannel::All(_))]
    ));
}
