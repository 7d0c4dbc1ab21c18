//! What a network says becomes classes, on images of more than one block of work and on odd values.

use medaug::{
    Activations, ArgMax, Compose, Error, FillHoles, GrowInto, Holes, KeepLargest, MapLabels,
    Morphology, OneHot, Operation, Radius, RegionsToLabels, RemoveSmall, Sample, Size, Step,
    Threshold, activate, argmax, mean_ensemble, one_hot, threshold, vote_labels,
};
use medcore::random::Key;
use medcore::{Geometry, Image, LabelMap};

fn scores(channels: usize, shape: [usize; 2]) -> Image<f32, 2> {
    let grid = Geometry::axis_aligned(shape, [1.0; 2]).unwrap();
    let mut random = Key::new(4).stream("scores");
    let voxels = (0..channels * grid.len()).map(|_| (4.0 * random.normal()) as f32);
    Image::with_channels(channels, grid, voxels.collect::<Vec<_>>()).unwrap()
}

fn labelled(shape: [usize; 2], labels: &[u8]) -> Sample<2> {
    let grid = Geometry::axis_aligned(shape, [1.0; 2]).unwrap();
    let labels = LabelMap::new(grid, labels.to_vec()).unwrap();
    Sample::with_labels(Image::zeros(1, grid).unwrap(), labels).unwrap()
}

#[track_caller]
fn check(operation: impl Into<Operation>, shape: [usize; 2], labels: &[u8], want: &[u8]) {
    let done = operation.into().apply_to(labelled(shape, labels)).unwrap();
    assert_eq!(done.labels().unwrap().as_slice(), want);
}

#[test]
fn large_images_are_activated_and_decided_voxel_by_voxel() {
    let image = scores(5, [301, 257]);
    let len = image.geometry().len();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let mut soft = image.clone();
            activate(&mut soft, Activations::Softmax);
            let decided = argmax(&image).unwrap();
            let hot = one_hot(&decided, 5).unwrap();
            let mean = mean_ensemble(&[image.clone(), soft.clone()], &[1.0, 3.0]).unwrap();
            (soft, decided, hot, mean)
        })
    };
    let (soft, decided, hot, mean) = run(1);
    assert!(run(3) == (soft.clone(), decided.clone(), hot.clone(), mean.clone()));
    for voxel in (0..len).step_by(97).chain([len - 1]) {
        let own: Vec<f64> = (0..5).map(|c| f64::from(image.channel(c)[voxel])).collect();
        let most = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = own.iter().map(|v| (v - most).exp()).sum();
        for (c, v) in own.iter().enumerate() {
            let got = f64::from(soft.channel(c)[voxel]);
            assert!(
                (got - (v - most).exp() / sum).abs() < 2e-6,
                "{got} at {voxel}"
            );
            let best = usize::from(decided.as_slice()[voxel]) == c;
            assert_eq!(*v == most, best, "{voxel}");
            assert_eq!(hot.channel(c)[voxel], f32::from(u8::from(best)));
            let want = 0.25 * v + 0.75 * got;
            assert!((f64::from(mean.channel(c)[voxel]) - want).abs() < 1e-5);
        }
    }
}

#[test]
fn values_that_are_not_numbers_are_answered() {
    let mut image = scores(3, [4, 5]);
    image.as_mut_slice()[33] = f32::NAN; // voxel 13 of channel 1
    assert!(matches!(
        argmax(&image),
        Err(Error::NotFinite { channel: 1 })
    ));
    let mut soft = image.clone();
    activate(&mut soft, Activations::Softmax);
    let unknown: Vec<usize> = (0..60).filter(|&i| soft.as_slice()[i].is_nan()).collect();
    assert_eq!(unknown, [13, 33, 53]);
    let mut decided = image.clone();
    threshold(&mut decided, &[0.0]).unwrap();
    assert_eq!(decided.as_slice()[33], 0.0);
    for (activation, ends) in [
        (Activations::Sigmoid, [0.0, 1.0]),
        (Activations::Tanh, [-1.0, 1.0]),
        (Activations::Relu, [0.0, f32::INFINITY]),
    ] {
        let grid = Geometry::axis_aligned([1, 3], [1.0; 2]).unwrap();
        let voxels = vec![f32::NEG_INFINITY, f32::INFINITY, f32::NAN];
        let mut image = Image::new(grid, voxels).unwrap();
        activate(&mut image, activation);
        assert_eq!(image.as_slice()[..2], ends, "{activation:?}");
        assert!(image.as_slice()[2].is_nan());
    }
    let constant = Image::<f32, 2>::zeros(4, *image.geometry()).unwrap();
    assert!(
        argmax(&constant)
            .unwrap()
            .as_slice()
            .iter()
            .all(|&l| l == 0)
    );
}

#[test]
fn holes_keep_what_is_within_unless_told() {
    #[rustfmt::skip]
    let labels = [
        1, 1, 1, 1, 1, 0,
        1, 0, 2, 0, 1, 0,
        1, 1, 1, 1, 1, 0,
        0, 0, 1, 0, 1, 0,
    ];
    let mut filled = labels;
    (filled[7], filled[9]) = (1, 1);
    check(FillHoles::default(), [4, 6], &labels, &filled);
    filled[8] = 1;
    let anything = FillHoles {
        holes: Holes::Anything,
        ..FillHoles::default()
    };
    check(anything, [4, 6], &labels, &filled);
}

#[test]
fn of_equal_parts_the_first_is_kept_and_sizes_have_units() {
    let labels = [1, 0, 1, 0, 2, 2, 0, 2];
    check(
        KeepLargest::default(),
        [1, 8],
        &labels,
        &[1, 0, 0, 0, 2, 2, 0, 0],
    );
    let least = |least| RemoveSmall {
        least,
        ..RemoveSmall::default()
    };
    check(
        least(Size::Voxels(2)),
        [1, 8],
        &labels,
        &[0, 0, 0, 0, 2, 2, 0, 0],
    );
    // Pixels of 1 mm by 1 mm.
    check(
        least(Size::Measure(1.5)),
        [1, 8],
        &labels,
        &[0, 0, 0, 0, 2, 2, 0, 0],
    );
    check(least(Size::Measure(1.0)), [1, 8], &labels, &labels);
    // Classes do not grow into one another.
    let grow = Morphology {
        change: medaug::Change::Dilate,
        radius: Radius::Millimetres(1.0),
        classes: vec![],
        into: GrowInto::Background,
    };
    check(grow, [1, 6], &[0, 1, 0, 2, 0, 0], &[1, 1, 1, 2, 2, 0]);
}

#[test]
fn mistakes_are_found_when_a_pipeline_is_built_or_run() {
    let wrong: Vec<Step> = vec![
        KeepLargest {
            count: 0,
            ..KeepLargest::default()
        }
        .into(),
        RemoveSmall {
            least: Size::Measure(-1.0),
            ..RemoveSmall::default()
        }
        .into(),
        Morphology {
            change: medaug::Change::Erode,
            radius: Radius::Millimetres(f64::NAN),
            classes: vec![],
            into: GrowInto::Background,
        }
        .into(),
        MapLabels {
            pairs: vec![(1, 2), (1, 3)],
        }
        .into(),
        OneHot { classes: 300 }.into(),
        Threshold { at: vec![] }.into(),
        RegionsToLabels { paint: vec![] }.into(),
    ];
    for step in wrong {
        assert!(Compose::<2>::new(vec![step.clone()]).is_err(), "{step:?}");
    }
    let run = |operation: Operation| {
        operation
            .apply_to(labelled([1, 3], &[0, 1, 5]))
            .unwrap_err()
    };
    let said = run(OneHot { classes: 5 }.into()).to_string();
    assert!(said.contains("above the largest label"), "{said}");
    let said = run(Threshold { at: vec![0.5; 3] }.into()).to_string();
    assert!(
        said.contains("expected") || said.contains("needs 1 entries"),
        "{said}"
    );
    let said = run(RegionsToLabels {
        paint: vec![(4, 1)],
    }
    .into())
    .to_string();
    assert!(said.contains("channels of the image"), "{said}");
    let bare = Sample::new(scores(1, [2, 2]));
    let said = Operation::from(FillHoles::default())
        .apply_to(bare)
        .unwrap_err();
    assert_eq!(
        said.to_string(),
        "FillHoles needs labels, the sample has none"
    );
    assert!(matches!(
        mean_ensemble::<2>(&[], &[]),
        Err(Error::SampleCount { .. })
    ));
    let two = [scores(2, [3, 3]), scores(2, [3, 3])];
    assert!(mean_ensemble(&two, &[1.0, 2.0, 3.0]).is_err());
    assert!(mean_ensemble(&two, &[0.0, 0.0]).is_err());
    assert!(mean_ensemble(&two, &[1.0, -1.0]).is_err());
    let maps = [[2, 3], [3, 2]].map(|shape| {
        let grid = Geometry::<2>::axis_aligned(shape, [1.0; 2]).unwrap();
        LabelMap::<u8, 2>::background(grid).unwrap()
    });
    assert!(vote_labels(&maps).is_err());
    let sample = Sample::new(scores(300, [1, 1]));
    assert!(Operation::from(ArgMax {}).apply_to(sample).is_err());
}
