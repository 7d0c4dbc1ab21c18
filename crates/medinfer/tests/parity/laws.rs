//! What holds for every window, rule and number of threads.

use std::sync::Mutex;

use medcore::{Geometry, Image};
use medinfer::{
    Accumulation, Convention, Error, LabelRule, Predictor, Silent, SlidingWindow, Weighting,
    weight_map,
};
use mednn::candle_core::{Device, Tensor};
use mednn::context::Context;
use mednn::model::{Inputs, Model};

use crate::networks::{Function, image};

fn windows<const D: usize>(roi: [usize; D]) -> Vec<SlidingWindow> {
    let mut all = Vec::new();
    for convention in [Convention::Monai, Convention::NnUnet] {
        for weighting in [Weighting::Constant, Weighting::Gaussian] {
            for overlap in [0.0, 0.25, 0.5, 0.7] {
                let mut window = match convention {
                    Convention::NnUnet => SlidingWindow::nnunet(roi),
                    _ => SlidingWindow::monai(roi),
                };
                window = window.with_overlap(overlap).with_weighting(weighting);
                all.push(window);
            }
        }
    }
    all
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |m, (a, b)| m.max((a - b).abs()))
}

#[test]
fn a_network_that_returns_its_input_gives_the_image_back() {
    let network = Function::identity();
    for window in windows([4, 6, 5]) {
        for shape in [[9, 13, 11], [4, 6, 5], [3, 5, 17], [1, 1, 1]] {
            let image = image(2, shape);
            let predictor = Predictor::new(&network, window.clone()).unwrap();
            let logits = predictor.logits(&image, &Silent).unwrap();
            assert_eq!(logits.geometry(), image.geometry());
            let difference = largest_difference(logits.as_slice(), image.as_slice());
            assert!(difference <= 1e-5, "{window:?} {shape:?}: {difference}");
        }
    }
    for window in windows([6, 5]) {
        let image = image(3, [13, 4]);
        let predictor = Predictor::new(&network, window.clone()).unwrap();
        let logits = predictor.logits(&image, &Silent).unwrap();
        assert!(largest_difference(logits.as_slice(), image.as_slice()) <= 1e-5);
    }
}

#[test]
fn labels_are_the_argmax_of_logits_and_probabilities() {
    let network = Function::ramp();
    for window in windows([4, 6, 5]) {
        let image = image(1, [9, 13, 11]);
        let predictor = Predictor::new(&network, window).unwrap();
        let labels = predictor
            .labels(&image, &LabelRule::Argmax, &Silent)
            .unwrap();
        assert!(labels.counts().iter().all(|&count| count > 0));
        let logits = predictor.logits(&image, &Silent).unwrap();
        let probabilities = predictor
            .probabilities(&image, &LabelRule::Argmax, &Silent)
            .unwrap();
        for (voxel, &label) in labels.as_slice().iter().enumerate() {
            let values = [0, 1, 2].map(|class| logits.channel(class)[voxel]);
            let best = (0..3).fold(0, |b, c| if values[c] > values[b] { c } else { b });
            assert_eq!(usize::from(label), best);
            let shares = [0, 1, 2].map(|class| probabilities.channel(class)[voxel]);
            assert!((shares.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            assert!(shares[best] >= 1.0 / 3.0);
        }
    }
}

#[test]
fn regions_are_decided_one_by_one() {
    let network = Function::identity();
    let image = image(2, [7, 9, 8]);
    let predictor = Predictor::new(&network, SlidingWindow::nnunet([4, 4, 4])).unwrap();
    let rule = LabelRule::Regions(vec![5, 9]);
    let labels = predictor.labels(&image, &rule, &Silent).unwrap();
    let probabilities = predictor.probabilities(&image, &rule, &Silent).unwrap();
    for (voxel, &label) in labels.as_slice().iter().enumerate() {
        let p = [0, 1].map(|region| probabilities.channel(region)[voxel]);
        let expected = match (p[0] > 0.5, p[1] > 0.5) {
            (_, true) => 9,
            (true, false) => 5,
            (false, false) => 0,
        };
        // On the border itself rounding decides.
        if p.iter().all(|p| (p - 0.5).abs() > 1e-5) {
            assert_eq!(label, expected);
        }
    }
    let wrong = LabelRule::Regions(vec![1]);
    let error = predictor.labels(&image, &wrong, &Silent).unwrap_err();
    assert!(matches!(error, Error::Classes { got: 2, .. }));
}

/// All windows summed over the whole image in the order of their starts, as the references do.
fn naive(image: &Image<f32, 3>, window: &SlidingWindow, network: &dyn Model) -> Vec<f32> {
    let grid = window.grid(image.shape()).unwrap();
    let roi = grid.roi();
    let weights = weight_map(roi, window.convention, window.weighting);
    let [depth, height, width] = image.shape();
    let voxels = depth * height * width;
    let (mut sums, mut counts) = (vec![0.0f32; 3 * voxels], vec![0.0f32; voxels]);
    let starts = grid.starts();
    for (i, j, k) in starts[0]
        .iter()
        .flat_map(|&i| starts[1].iter().map(move |&j| (i, j)))
        .flat_map(|(i, j)| starts[2].iter().map(move |&k| (i, j, k)))
    {
        let at = |d: usize, h: usize, w: usize| ((i + d) * height + j + h) * width + k + w;
        let places: Vec<usize> = (0..roi[0])
            .flat_map(|d| (0..roi[1]).map(move |h| (d, h)))
            .flat_map(|(d, h)| (0..roi[2]).map(move |w| at(d, h, w)))
            .collect();
        let patch: Vec<f32> = places.iter().map(|&p| image.as_slice()[p]).collect();
        let shape = (1, 1, roi[0], roi[1], roi[2]);
        let patch = Tensor::from_vec(patch, shape, &Device::Cpu).unwrap();
        let out = network
            .forward(&Inputs::from(patch), &Context::evaluate())
            .unwrap();
        let out = out.logits.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (n, &p) in places.iter().enumerate() {
            counts[p] += weights[n];
            for class in 0..3 {
                sums[class * voxels + p] += weights[n] * out[class * places.len() + n];
            }
        }
    }
    (0..3 * voxels)
        .map(|i| sums[i] / counts[i % voxels])
        .collect()
}

#[test]
fn blocks_give_what_a_sum_over_the_whole_image_gives() {
    let network = Function::ramp();
    for window in windows([4, 6, 5]) {
        let image = image(1, [13, 17, 11]);
        let predictor = Predictor::new(&network, window.clone()).unwrap();
        let logits = predictor.logits(&image, &Silent).unwrap();
        let whole = naive(&image, &window, &network);
        let difference = largest_difference(logits.as_slice(), &whole);
        assert!(difference <= 1e-5, "{window:?}: {difference}");
    }
}

#[test]
fn results_are_the_same_to_the_bit_on_any_number_of_threads() {
    let network = Function::ramp();
    let image = image(1, [13, 17, 21]);
    for accumulation in [Accumulation::F32, Accumulation::F16] {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let predictor = Predictor::new(&network, SlidingWindow::nnunet([6, 6, 6]))
                    .unwrap()
                    .with_mirror_axes([0, 1])
                    .with_accumulation(accumulation);
                let logits = predictor.logits(&image, &Silent).unwrap().into_vec();
                logits.into_iter().map(f32::to_bits).collect::<Vec<u32>>()
            })
        };
        let one = run(1);
        assert!(one == run(2) && one == run(3));
    }
}

#[test]
fn sums_in_half_precision_stay_within_a_thousandth() {
    let network = Function::ramp();
    let image = image(1, [13, 17, 21]);
    let predictor = Predictor::new(&network, SlidingWindow::nnunet([6, 6, 6])).unwrap();
    let exact = predictor.logits(&image, &Silent).unwrap();
    let half = predictor
        .clone()
        .with_accumulation(Accumulation::F16)
        .logits(&image, &Silent)
        .unwrap();
    let difference = largest_difference(exact.as_slice(), half.as_slice());
    assert!(difference > 0.0 && difference < 2e-2, "{difference}");
    let memory = |p: &Predictor<'_>| p.memory([40, 50, 60], 15).unwrap();
    let small = predictor.clone().with_accumulation(Accumulation::F16);
    assert!(memory(&small) * 18 < memory(&predictor) * 10);
}

#[test]
fn mirroring_is_the_average_over_mirrored_images_when_one_window_sees_all() {
    let network = Function::ramp();
    let image = image(1, [5, 6, 7]);
    let predictor = Predictor::new(&network, SlidingWindow::monai([5, 6, 7])).unwrap();
    let flipped = |image: &Image<f32, 3>, axis: Option<usize>| -> Image<f32, 3> {
        let Some(axis) = axis else {
            return image.clone();
        };
        let mut view = image.view().to_owned();
        view.invert_axis(medcore::ndarray::Axis(axis + 1));
        Image::from_view(*image.geometry(), view.view()).unwrap()
    };
    let mut mean = vec![0.0; 3 * 210];
    for axis in [None, Some(2)] {
        let logits = predictor.logits(&flipped(&image, axis), &Silent).unwrap();
        for (sum, value) in mean.iter_mut().zip(flipped(&logits, axis).as_slice()) {
            *sum += value / 2.0;
        }
    }
    let mirrored = predictor
        .with_mirror_axes([2])
        .logits(&image, &Silent)
        .unwrap();
    assert!(largest_difference(mirrored.as_slice(), &mean) <= 1e-6);
}

#[test]
fn a_network_for_slices_runs_over_a_volume_slice_by_slice() {
    let network = Function::ramp();
    let volume = image(1, [4, 13, 9]);
    let predictor = Predictor::new(&network, SlidingWindow::nnunet([6, 5]))
        .unwrap()
        .with_mirror_axes([1])
        .with_batch(3);
    let logits = predictor.logits(&volume, &Silent).unwrap();
    let plane = Geometry::<2>::axis_aligned([13, 9], [1.0; 2]).unwrap();
    for d in 0..4 {
        let slice = volume.as_slice()[d * 117..(d + 1) * 117].to_vec();
        let slice = Image::new(plane, slice).unwrap();
        let expected = predictor.logits(&slice, &Silent).unwrap();
        for class in 0..3 {
            let got = &logits.channel(class)[d * 117..(d + 1) * 117];
            assert!(largest_difference(got, expected.channel(class)) <= 1e-6);
        }
    }
}

#[test]
fn progress_counts_every_window_once() {
    let network = Function::identity();
    let calls = Mutex::new(Vec::new());
    let predictor = Predictor::new(&network, SlidingWindow::monai([4, 4, 4])).unwrap();
    let tell = |done, total| calls.lock().unwrap().push((done, total));
    predictor
        .with_batch(3)
        .logits(&image(1, [7, 7, 7]), &tell)
        .unwrap();
    assert_eq!(*calls.lock().unwrap(), [(3, 8), (6, 8), (8, 8)]);
}

#[test]
fn values_that_are_not_finite_are_an_error_that_says_where() {
    let network = Function::new(|image| image.recip());
    let mut image = image(1, [9, 9, 9]);
    image.as_mut_slice().fill(1.0);
    image.as_mut_slice()[(8 * 9 + 1) * 9 + 2] = 0.0;
    let predictor = Predictor::new(&network, SlidingWindow::monai([5, 5, 5])).unwrap();
    let error = predictor
        .labels(&image, &LabelRule::Argmax, &Silent)
        .unwrap_err();
    match error {
        Error::NotFinite {
            value,
            class,
            start,
        } => {
            assert!(value.is_infinite() && class == 0);
            assert_eq!(start, [4, 0, 0]);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_network_that_returns_another_shape_is_an_error() {
    let network = Function::new(|image| image.narrow(2, 0, 3));
    let predictor = Predictor::new(&network, SlidingWindow::monai([5, 5, 5])).unwrap();
    let error = predictor.logits(&image(1, [9, 9, 9]), &Silent).unwrap_err();
    assert!(matches!(error, Error::OutputShape { .. }), "{error}");
    let flat = Function::new(|image| image.flatten_from(2));
    let predictor = Predictor::new(&flat, SlidingWindow::monai([5, 5, 5])).unwrap();
    assert!(predictor.logits(&image(1, [9, 9, 9]), &Silent).is_err());
    let axes = Function::identity();
    let predictor = Predictor::new(&axes, SlidingWindow::monai([5, 5, 5])).unwrap();
    let predictor = predictor.with_mirror_axes([3]);
    assert!(predictor.logits(&image(1, [9, 9, 9]), &Silent).is_err());
}
