//! Tones, sharpening, finer detail: constant and odd images, bad parameters, what chance draws.

use medaug::{
    AntiAliasing, BoxRule, Boxes, CoarseDropout, Compose, ContrastRange, Hidden, Hole, HoleFill,
    Invert, LabelledPoint, LaplacianSharpen, Laterality, Operation, Points, Posterize,
    RandomLaplacianSharpen, RandomPosterize, RandomTranspose, ResizeAntialiased, ResizeTo, Sample,
    Solarize, Step, Transform, Transpose, UnsharpMask, preset,
};
use medcore::random::Key;
use medcore::{BoundingBox, Geometry, Image};

use crate::support::sample;

fn flat(value: f32) -> Sample<2> {
    let grid = Geometry::axis_aligned([7, 9], [1.0; 2]).unwrap();
    Sample::new(Image::new(grid, vec![value; 63]).unwrap())
}

#[test]
fn constant_images_have_nothing_to_sharpen() {
    let laplacian = LaplacianSharpen {
        strength: 0.7,
        range: ContrastRange::Free,
    };
    let unsharp = UnsharpMask {
        amount: 2.0,
        sigma_voxels: 1.0,
        size: 5,
        threshold: Some(0.01),
    };
    let operations: [Operation; 2] = [laplacian.into(), unsharp.into()];
    for operation in operations {
        let done = operation.apply_to(flat(0.25)).unwrap();
        assert!(done.image().as_slice().iter().all(|&v| v == 0.25));
    }
    let to = || ResizeTo::Shape(vec![3, 2]);
    for filter in [AntiAliasing::Triangle, AntiAliasing::Gaussian] {
        let resize = ResizeAntialiased {
            filter,
            ..ResizeAntialiased::new(to())
        };
        let done = Operation::from(resize).apply_to(flat(0.25)).unwrap();
        assert!(
            done.image()
                .as_slice()
                .iter()
                .all(|&v| (v - 0.25).abs() < 1e-6)
        );
    }
}

#[test]
fn what_is_not_a_number_spreads_to_its_neighbours_and_stays_in_tones() {
    let grid = Geometry::axis_aligned([1, 5], [1.0; 2]).unwrap();
    let odd = vec![0.2, 0.2, f32::NAN, 0.2, 0.2];
    let sample = Sample::new(Image::new(grid, odd).unwrap());
    let unknown = |operation: Operation| -> Vec<bool> {
        let done = operation.apply_to(sample.clone()).unwrap();
        done.image().as_slice().iter().map(|v| v.is_nan()).collect()
    };
    let laplacian = LaplacianSharpen {
        strength: 0.7,
        range: ContrastRange::Free,
    };
    assert_eq!(unknown(laplacian.into()), [false, true, true, true, false]);
    let tones: [Operation; 3] = [
        Invert::default().into(),
        Posterize::default().into(),
        Solarize::default().into(),
    ];
    for tone in tones {
        assert_eq!(unknown(tone), [false, false, true, false, false]);
    }
}

#[test]
fn a_pattern_finer_than_the_new_voxels_is_gone() {
    let grid = Geometry::axis_aligned([8, 64], [1.0; 2]).unwrap();
    let stripes = (0..512).map(|i| (i % 2) as f32).collect::<Vec<_>>();
    let sample = Sample::new(Image::new(grid, stripes).unwrap());
    for filter in [AntiAliasing::Triangle, AntiAliasing::Gaussian] {
        let resize = ResizeAntialiased {
            filter,
            ..ResizeAntialiased::new(ResizeTo::Shape(vec![8, 13]))
        };
        let done = Operation::from(resize).apply_to(sample.clone()).unwrap();
        let middle = &done.image().as_slice()[2..11];
        assert!(
            middle.iter().all(|v| (v - 0.5).abs() < 0.06),
            "{filter:?}: {middle:?}"
        );
    }
}

#[test]
fn bits_and_orders_are_drawn_evenly_and_mirrors_only_where_they_may_be() {
    let posterize = RandomPosterize {
        probability: 1.0,
        bits: [2, 4],
        ..RandomPosterize::default()
    };
    let mut lazy = flat(0.3).into_lazy();
    let mut seen = [0; 3];
    for seed in 0..300 {
        let drawn = Transform::<2>::draw(&posterize, &mut lazy, Key::new(seed)).unwrap();
        let text = serde_json::to_string(&drawn).unwrap();
        for (bits, seen) in (2..).zip(&mut seen) {
            *seen += usize::from(text.contains(&format!("\"bits\":{bits}")));
        }
    }
    assert_eq!(seen.iter().sum::<usize>(), 300);
    assert!(seen.iter().all(|&n| n > 70), "{seen:?}");

    let mut lazy = sample([5, 6, 7]).into_lazy();
    for (laterality, count) in [(Laterality::Ignore, 6), (Laterality::Keep, 3)] {
        let transpose = RandomTranspose {
            probability: 1.0,
            laterality,
            ..RandomTranspose::default()
        };
        let mut orders = std::collections::BTreeMap::<Vec<usize>, usize>::new();
        for seed in 0..600 {
            let drawn = Transform::<3>::draw(&transpose, &mut lazy, Key::new(seed)).unwrap();
            let [Operation::Transpose(Transpose { order, .. })] = &drawn[..] else {
                panic!("one order");
            };
            *orders.entry(order.clone()).or_default() += 1;
        }
        assert_eq!(orders.len(), count);
        assert!(orders.values().all(|&n| n * count > 400), "{orders:?}");
    }
}

#[test]
fn the_fifth_augmentation_exchanges_equal_axes_and_sharpens() {
    let names = |patch: [usize; 3]| -> String {
        let space = medaug::Space::Voxels;
        let pipeline = preset::nnunet_da5(patch, space, Laterality::Ignore).unwrap();
        serde_json::to_string(&pipeline).unwrap()
    };
    let cube = names([16, 16, 16]);
    assert!(cube.contains("RandomTranspose") && cube.contains("RandomLaplacianSharpen"));
    assert!(cube.contains(r#""axes":[0,1,2],"laterality""#), "{cube}");
    assert!(names([8, 16, 16]).contains(r#""axes":[1,2],"laterality""#));
    assert!(!names([8, 12, 16]).contains("RandomTranspose"));
}

#[test]
fn what_a_hole_hides_is_forgotten_only_when_told() {
    let bounds = BoundingBox::new([0.5, 0.5], [4.5, 4.5]).unwrap();
    let rule = BoxRule {
        visible: 0.4,
        extent: 1.0,
    };
    let points = vec![
        LabelledPoint::new([1.0, 1.0], 0),
        LabelledPoint::new([4.0, 4.0], 1),
    ];
    let before = flat(1.0)
        .with_boxes(Boxes::new([(bounds, 3)]).with_rule(rule))
        .with_points(Points::new(points));
    let dropout = |hidden, rows| {
        let hole = Hole {
            start: vec![0, 0],
            shape: vec![rows, 9],
        };
        let dropout = CoarseDropout {
            holes: vec![hole],
            fill: HoleFill::Value(0.0),
            hidden,
            ..CoarseDropout::default()
        };
        Operation::from(dropout).apply_to(before.clone()).unwrap()
    };
    let kept = dropout(Hidden::Stay, 3);
    assert_eq!(
        (kept.boxes(), kept.points()),
        (before.boxes(), before.points())
    );
    let trimmed = dropout(Hidden::Trimmed, 3);
    let left = &trimmed.boxes().unwrap().items()[0];
    assert_eq!(
        (left.bounds.min(), left.bounds.max()),
        ([2.5, 0.5], [4.5, 4.5])
    );
    let known: Vec<bool> = trimmed
        .points()
        .unwrap()
        .items
        .iter()
        .map(|p| p.known)
        .collect();
    assert_eq!(known, [false, true]);
    // A quarter is less than the rule asks for.
    assert!(
        dropout(Hidden::Trimmed, 4)
            .boxes()
            .unwrap()
            .items()
            .is_empty()
    );
}

#[test]
fn bad_parameters_are_refused_when_a_pipeline_is_built() {
    let bad: Vec<Step> = vec![
        LaplacianSharpen {
            strength: -1.0,
            range: ContrastRange::Free,
        }
        .into(),
        RandomLaplacianSharpen {
            probability: 1.5,
            ..RandomLaplacianSharpen::default()
        }
        .into(),
        UnsharpMask {
            amount: 1.0,
            sigma_voxels: 1.0,
            size: 3,
            threshold: Some(-0.1),
        }
        .into(),
        Invert { range: [1.0, 0.0] }.into(),
        Posterize {
            bits: 40,
            ..Posterize::default()
        }
        .into(),
        RandomPosterize {
            bits: [5, 4],
            ..RandomPosterize::default()
        }
        .into(),
        Solarize {
            threshold: f32::NAN,
            ..Solarize::default()
        }
        .into(),
        RandomTranspose {
            axes: vec![2],
            ..RandomTranspose::default()
        }
        .into(),
        ResizeAntialiased::new(ResizeTo::Shape(vec![0])).into(),
    ];
    for step in bad {
        assert!(
            Compose::<2>::new(vec![step.clone()]).is_err(),
            "{}",
            step.name()
        );
    }
}
