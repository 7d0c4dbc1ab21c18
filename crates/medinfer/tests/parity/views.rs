//! Test-time augmentation: what comes back exactly, what is averaged, MONAI's (`views.py`), and how far views lie apart.

use std::path::Path;

use medaug::{
    Affine, Brightness, CenterCrop, Compose, Flip, Gamma, MonaiAffine, PerChannel, RandomRotate90,
    Resize, ResizeTo, Rotate90, Sample, ShiftIntensity, Step, Transpose,
};
use medcore::random::Key;
use medcore::{Geometry, Image};
use medinfer::{
    LabelRule, MeanOf, Predictor, Silent, SlidingWindow, TestTimeAugmentation, VoxelUncertainty,
    drawn_views,
};
use mednn::candle_core::{Device, Tensor, safetensors};
use mednn::model::Model;

use super::networks::{Function, image};

const ARGMAX: LabelRule = LabelRule::Argmax;

pub(crate) fn view<const D: usize>(steps: impl Into<Vec<Step>>) -> Compose<D> {
    Compose::new(steps.into()).unwrap()
}

fn several<'a, const D: usize>(
    network: &'a dyn Model,
    window: [usize; D],
    views: Vec<Compose<D>>,
) -> TestTimeAugmentation<'a, D> {
    let predictor = Predictor::new(network, SlidingWindow::monai(window)).unwrap();
    TestTimeAugmentation::new(predictor, views).unwrap()
}

fn flip(axes: &[usize], swap: Option<Vec<(u8, u8)>>) -> Step {
    let axes = axes.to_vec();
    Flip { axes, swap }.into()
}

fn turn(turns: usize, axes: &[usize]) -> Step {
    let axes = axes.to_vec();
    Rotate90 { turns, axes }.into()
}

fn brighter(factor: f32) -> Step {
    Brightness { factor }.into()
}

/// Slices of 3 mm, within which axes are alike.
fn thick(channels: usize, shape: [usize; 3]) -> Image<f32, 3> {
    let grid = Geometry::axis_aligned(shape, [3.0, 0.7, 0.7]).unwrap();
    image(channels, shape).with_geometry(grid).unwrap()
}

#[test]
fn turns_mirrors_and_orders_of_an_equivariant_network_leave_the_plain_prediction() {
    let network = Function::identity();
    let scan = thick(3, [5, 9, 7]);
    let order = Transpose {
        flip: vec![1],
        ..Transpose::new([0, 2, 1])
    };
    let views = vec![
        view([flip(&[0, 2], None)]),
        view([turn(1, &[1, 2])]),
        view([turn(3, &[])]),
        view([order.into()]),
        view([turn(2, &[0, 1]), flip(&[1], None), turn(1, &[2, 1])]),
    ];
    for mean_of in [MeanOf::Logits, MeanOf::Probabilities] {
        let predictor = Predictor::new(&network, SlidingWindow::monai([9, 9, 9])).unwrap();
        let plain = match mean_of {
            MeanOf::Logits => predictor.logits(&scan, &Silent),
            _ => predictor.probabilities(&scan, &ARGMAX, &Silent),
        };
        let several = several(&network, [9, 9, 9], views.clone()).with_mean_of(mean_of);
        let mean = several.mean(&scan, &ARGMAX, &Silent).unwrap();
        assert_eq!(mean, plain.unwrap(), "{mean_of:?}");
        let labels = predictor.labels(&scan, &ARGMAX, &Silent).unwrap();
        assert_eq!(several.labels(&scan, &ARGMAX, &Silent).unwrap(), labels);
        let apart = several.uncertainty(&scan, &ARGMAX, &Silent).unwrap();
        assert_eq!(apart.answers, 6);
        assert!(apart.variance.as_slice().iter().all(|&v| v == 0.0));
        assert!(
            apart
                .mutual_information
                .as_slice()
                .iter()
                .all(|&v| v < 1e-6)
        );
        assert!(apart.volume_variation(1).is_some_and(|v| v < 1e-12));
        assert_eq!(apart.volume_variation(3), None);
        let volume = labels.counts()[1] as f64 * 3.0 * 0.7 * 0.7;
        assert!((apart.volumes[5][1] - volume).abs() < 1e-9 * volume);
    }
    let flat = image(2, [7, 4]);
    let mirrored = several(&network, [7, 7], vec![view([flip(&[0], None)])]);
    let mirrored = mirrored.with_mean_of(MeanOf::Logits);
    assert_eq!(mirrored.mean(&flat, &ARGMAX, &Silent).unwrap(), flat);
}

#[test]
fn a_mirror_image_as_a_view_is_what_mirroring_of_windows_gives() {
    let network = Function::ramp();
    let scan = image(1, [6, 8, 7]);
    let predictor = Predictor::new(&network, SlidingWindow::monai([6, 8, 7])).unwrap();
    let mirrored = predictor.clone().with_mirror_axes([0, 2]);
    let expected = mirrored.logits(&scan, &Silent).unwrap();
    let views = [&[0][..], &[2], &[0, 2]].map(|axes| view([flip(axes, None)]));
    let several = TestTimeAugmentation::new(predictor, views).unwrap();
    let several = several.with_mean_of(MeanOf::Logits);
    let mean = several.mean(&scan, &ARGMAX, &Silent).unwrap();
    for (a, b) in mean.as_slice().iter().zip(expected.as_slice()) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

/// Left is what lies before the middle of the last axis, and right what lies behind.
fn sided() -> Function {
    Function::new(|image| {
        let width = image.dims()[image.rank() - 1];
        let left: Vec<f32> = (0..width).map(|i| (width - 1 - i) as f32 / 8.0).collect();
        let right: Vec<f32> = left.iter().rev().copied().collect();
        let row = |values: Vec<f32>| {
            let row = Tensor::from_vec(values, (1, 1, 1, width), &Device::Cpu)?;
            (image * 0.0)?.broadcast_add(&row)
        };
        Tensor::cat(&[&(image * 0.0)?, &row(left)?, &row(right)?], 1)
    })
}

#[test]
fn labels_of_two_sides_change_back_where_mirroring_exchanged_them() {
    let network = sided();
    let radiograph = image(1, [4, 9]);
    let mean = |swap| {
        let several = several(&network, [4, 9], vec![view([flip(&[1], swap)])]);
        let several = several.with_mean_of(MeanOf::Logits);
        several.mean(&radiograph, &ARGMAX, &Silent).unwrap()
    };
    let predictor = Predictor::new(&network, SlidingWindow::monai([4, 9])).unwrap();
    let plain = predictor.logits(&radiograph, &Silent).unwrap();
    assert_eq!(mean(Some(vec![(1, 2)])), plain);
    let confused = mean(None);
    for (left, right) in confused.channel(1).iter().zip(confused.channel(2)) {
        assert!((left - right).abs() < 1e-6);
    }
}

#[test]
fn a_voxel_counts_in_the_views_that_show_it() {
    let network = Function::identity();
    let scan = image(2, [5, 9, 7]);
    let crop = CenterCrop::new([3, 5, 7]);
    let several = several(&network, [9; 3], vec![view([crop.into(), brighter(3.0)])]);
    let several = several.with_mean_of(MeanOf::Logits);
    let mean = several.mean(&scan, &ARGMAX, &Silent).unwrap();
    for (place, (got, given)) in mean.as_slice().iter().zip(scan.as_slice()).enumerate() {
        let (z, y) = (place / 63 % 5, place / 7 % 9);
        let inside = (1..4).contains(&z) && (2..7).contains(&y);
        assert_eq!(*got, if inside { 2.0 * given } else { *given }, "{z} {y}");
    }
    // Nearly half as fine and back, also at the border, which lies beyond the outermost voxels of the view.
    let constant = Image::new(*scan.geometry(), vec![1.25; 315]).unwrap();
    let coarse = Resize::new(ResizeTo::Shape(vec![3, 5, 4]));
    let coarse = self::several(&network, [9; 3], vec![view([coarse.into()])]);
    let coarse = coarse.with_mean_of(MeanOf::Logits);
    let mean = coarse.mean(&constant, &ARGMAX, &Silent).unwrap();
    assert!(mean.as_slice().iter().all(|v| (v - 1.25).abs() < 1e-6));
}

#[test]
fn spread_is_what_its_definition_says() {
    let network = Function::identity();
    let scan = thick(3, [4, 6, 5]);
    let shifted = |offsets: [f32; 3]| -> Step {
        let each = offsets.map(|offset| Some(ShiftIntensity { offset }));
        PerChannel::Each(each.into()).into()
    };
    let views = [
        view([]),
        view([brighter(0.25), shifted([0.5, 0.0, -0.3])]),
        view([shifted([-1.0, 0.7, 0.2])]),
    ];
    let several = several(&network, [6; 3], views[1..].to_vec());
    let predictor = Predictor::new(&network, SlidingWindow::monai([6; 3])).unwrap();
    for rule in [ARGMAX, LabelRule::Regions(vec![1, 2, 3])] {
        let answers = views.each_ref().map(|view: &Compose<3>| {
            let seen = view.apply(Sample::new(scan.clone()), Key::new(0)).unwrap();
            let seen = seen.into_parts().0;
            predictor.probabilities(&seen, &rule, &Silent).unwrap()
        });
        let apart = several.uncertainty(&scan, &rule, &Silent).unwrap();
        check_spread(&apart, &answers, rule == ARGMAX);
        let mean = several.mean(&scan, &rule, &Silent).unwrap();
        assert_eq!(apart.mean, mean);
        let labels = several.labels(&scan, &rule, &Silent).unwrap();
        for (voxel, &label) in labels.as_slice().iter().enumerate() {
            let p = [0, 1, 2].map(|class| mean.channel(class)[voxel]);
            let expected = match &rule {
                LabelRule::Argmax => (0..3).fold(0, |b, c| if p[c] > p[b] { c } else { b }),
                _ => (0..3).rev().find(|&c| p[c] > 0.5).map_or(0, |c| c + 1),
            };
            assert_eq!(usize::from(label), expected, "{p:?}");
        }
    }
}

fn check_spread(apart: &VoxelUncertainty<3>, answers: &[Image<f32, 3>; 3], exclusive: bool) {
    let part = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
    let entropy = |p: &[f64; 3]| -> f64 {
        let other = |p: f64| if exclusive { 0.0 } else { part(1.0 - p) };
        p.iter().map(|&p| part(p) + other(p)).sum()
    };
    let mut voxels = [[0.0; 3]; 3];
    for voxel in 0..apart.entropy.as_slice().len() {
        let each = { answers }
            .each_ref()
            .map(|a| [0, 1, 2].map(|class| f64::from(a.channel(class)[voxel])));
        let mean = [0, 1, 2].map(|c| each.iter().map(|p| p[c]).sum::<f64>() / 3.0);
        for class in 0..3 {
            let squares = each.iter().map(|p| (p[class] - mean[class]).powi(2));
            let variance = squares.sum::<f64>() / 3.0;
            assert!((f64::from(apart.mean.channel(class)[voxel]) - mean[class]).abs() < 1e-6);
            assert!((f64::from(apart.variance.channel(class)[voxel]) - variance).abs() < 1e-6);
        }
        let within = each.iter().map(entropy).sum::<f64>() / 3.0;
        let got = apart.entropy.as_slice()[voxel];
        assert!((f64::from(got) - entropy(&mean)).abs() < 1e-5);
        let got = apart.mutual_information.as_slice()[voxel];
        assert!((f64::from(got) - (entropy(&mean) - within)).abs() < 1e-5);
        for (view, p) in each.iter().enumerate() {
            let best = (0..3).fold(0, |b, c| if p[c] > p[b] { c } else { b });
            for class in 0..3 {
                let is_it = if exclusive {
                    class == best
                } else {
                    p[class] > 0.5
                };
                voxels[view][class] += if is_it { 3.0 * 0.7 * 0.7 } else { 0.0 };
            }
        }
    }
    let mut largest: f64 = 0.0;
    for class in 0..3 {
        let volumes = [0, 1, 2].map(|view: usize| voxels[view][class]);
        let mean = volumes.iter().sum::<f64>() / 3.0;
        let squares = volumes.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        let variation = apart.volume_variation(class).unwrap();
        assert!((variation - (squares / 3.0).sqrt() / mean).abs() < 1e-9);
        largest = largest.max(variation);
    }
    assert!(largest > 0.1, "{largest}");
}

/// The network of `views.py`.
fn ramp_of_last() -> Function {
    Function::new(|image| {
        let width = image.dims()[image.rank() - 1];
        let ramp: Vec<f32> = (0..width).map(|i| i as f32 / width as f32).collect();
        let mut shape = vec![1; image.rank()];
        shape[image.rank() - 1] = width;
        let ramp = Tensor::from_vec(ramp, shape, &Device::Cpu)?;
        let third = (image.broadcast_mul(&ramp)? + 1.0)?;
        Tensor::cat(&[image, &(image.sqr()? - 1.0)?, &third], 1)
    })
}

#[track_caller]
fn check_monai<const D: usize>(name: &str, shape: [usize; D], views: Vec<Compose<D>>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/views.safetensors");
    assert!(std::fs::metadata(&path).unwrap().len() <= 64 * 1024);
    let fixture = safetensors::load(path, &Device::Cpu).unwrap();
    let network = ramp_of_last();
    let several = several(&network, shape, views);
    let apart = several
        .uncertainty(&image(1, shape), &ARGMAX, &Silent)
        .unwrap();
    for (what, got) in [("mean", &apart.mean), ("variance", &apart.variance)] {
        let want = &fixture[&format!("{name}.{what}")];
        assert_eq!(want.dims()[1..], shape);
        let want = want.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (i, (a, b)) in got.as_slice().iter().zip(&want).enumerate() {
            assert!((a - b).abs() < 1e-5, "{name}.{what} {i}: {a} {b}");
        }
    }
}

#[test]
fn views_come_back_as_monais_do() {
    let affine = |rotate: &[f64], scale: &[f64]| -> Step {
        let (rotate, scale) = (rotate.to_vec(), scale.to_vec());
        let affine = MonaiAffine {
            rotate,
            scale,
            ..MonaiAffine::default()
        };
        affine.into()
    };
    check_monai(
        "flat",
        [19, 19],
        vec![
            view([flip(&[1], None)]),
            view([turn(1, &[])]),
            view([affine(&[0.2], &[1.1, 0.9]), brighter(1.5)]),
        ],
    );
    check_monai(
        "deep",
        [6, 13, 13],
        vec![
            view([turn(1, &[1, 2])]),
            view([affine(&[0.1, 0.0, 0.0], &[1.0, 1.2, 1.1])]),
        ],
    );
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let network = Function::ramp();
    let scan = thick(1, [20, 40, 40]);
    let tilt = Affine {
        rotation_degrees: vec![7.0, 0.0, 0.0],
        scale: vec![1.1],
        ..Affine::default()
    };
    let gamma = Gamma {
        exponent: 0.8,
        inverted: false,
        retain_statistics: true,
    };
    let views = vec![view([tilt.into(), gamma.into()]), view([turn(1, &[])])];
    let several = several(&network, [16, 16, 16], views);
    let fine = scan.geometry().with_spacing([1.5, 0.5, 0.7]).unwrap();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let apart = several.uncertainty(&scan, &ARGMAX, &Silent).unwrap();
            let labels = several.labels_on(&scan, fine, &ARGMAX, &Silent).unwrap();
            (apart, labels)
        })
    };
    let (apart, labels) = run(1);
    assert!(labels.counts().iter().filter(|&&n| n > 0).count() > 1);
    assert_eq!((apart, labels), run(3));
}

#[test]
fn drawn_views_are_written_down() {
    let scan = image(1, [9, 7]);
    let turns = RandomRotate90 {
        probability: 1.0,
        ..RandomRotate90::default()
    };
    let pipeline = view([turns.into()]);
    let views = drawn_views(&pipeline, &scan, 5, Key::new(3)).unwrap();
    assert_eq!(
        views,
        drawn_views(&pipeline, &scan, 5, Key::new(3)).unwrap()
    );
    assert_ne!(
        views,
        drawn_views(&pipeline, &scan, 5, Key::new(4)).unwrap()
    );
    assert!(views.iter().any(|view| view != &views[0]));
    let network = Function::identity();
    let several = several(&network, [9, 9], views).with_mean_of(MeanOf::Logits);
    assert_eq!(several.mean(&scan, &ARGMAX, &Silent).unwrap(), scan);
}
