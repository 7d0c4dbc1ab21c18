//! Voxels keep their place in the patient, labels their values, organs their side.

use medaug::{
    Error, Flip, Laterality, Operation, RandomFlip, RandomSpatial, Sample, Sampling, Space,
    SpatialParameters, Transform, extract, left_right_axis,
};
use medcore::random::Key;
use medcore::resample::{LabelInterpolation, Outside};
use medcore::{Geometry, Image, IndexMap, LabelMap};
use proptest::prelude::*;

use crate::support::{blobs, oblique, place_value, places, sample};

fn certain() -> RandomSpatial {
    RandomSpatial {
        rotation_probability: 1.0,
        scale_probability: 1.0,
        shear_probability: 1.0,
        translation_probability: 1.0,
        flip: RandomFlip {
            axes: vec![0, 1, 2],
            probability: 0.5,
            laterality: Laterality::Ignore,
        },
        ..RandomSpatial::default()
    }
}

/// Asserts that every voxel shows the place that the geometry says it has.
fn assert_places(patch: &Image<f32, 3>, inside: &Geometry<3>, tolerance: f32) -> usize {
    let [depth, height, width] = patch.shape();
    let mut seen = 0;
    for d in 0..depth {
        for h in 0..height {
            for w in 0..width {
                let place = patch
                    .geometry()
                    .index_to_world([d as f64, h as f64, w as f64]);
                let at = inside.world_to_index(place);
                let shape = inside.shape();
                if !(0..3).all(|a| at[a] >= 0.0 && at[a] <= shape[a] as f64 - 1.0) {
                    continue;
                }
                seen += 1;
                let got = patch.as_slice()[(d * height + h) * width + w];
                let error = (got - place_value(place)).abs();
                assert!(error <= tolerance, "{error} at {:?}", [d, h, w]);
            }
        }
    }
    seen
}

#[test]
fn every_voxel_of_a_turned_sample_still_shows_its_place_in_the_patient() {
    let grid = oblique([9, 33, 30]);
    for (seed, space) in [
        (1, Space::Millimetres),
        (2, Space::Voxels),
        (3, Space::Millimetres),
    ] {
        let transform = RandomSpatial { space, ..certain() };
        let turned = transform
            .apply(Sample::new(places(grid)), Key::new(seed))
            .unwrap();
        assert_ne!(turned.geometry(), &grid);
        let seen = assert_places(turned.image(), &grid, 2e-3);
        assert!(seen > grid.len() / 8, "{seen} voxels overlap");
    }
}

#[test]
fn a_patch_that_is_only_moved_and_mirrored_is_copied_exactly() {
    let grid = oblique([9, 33, 30]);
    let source = Sample::with_labels(places(grid), blobs(grid)).unwrap();
    let change = SpatialParameters {
        flip: [true, false, true],
        ..SpatialParameters::identity()
    };
    // Reaches outside on two sides.
    let (shape, centre) = ([6, 11, 13], [1.5, 29.0, 15.0]);
    for outside in [Outside::Value(-7.5), Outside::Edge, Outside::Reflect] {
        let sampling = Sampling {
            outside,
            outside_label: 77,
            ..Sampling::default()
        };
        let map = change.index_map(shape, &grid, centre, Space::Millimetres);
        let patch = extract(&source, shape, &map, &sampling).unwrap();
        for d in 0..6_isize {
            for h in 0..11_isize {
                for w in 0..13_isize {
                    let at = [4 - d, 24 + h, 21 - w];
                    let len = [9, 33, 30];
                    let inside = (0..3).all(|a| at[a] >= 0 && at[a] < len[a]);
                    let fold = |a: usize| match outside {
                        Outside::Edge => at[a].clamp(0, len[a] - 1),
                        _ if at[a] < 0 => -1 - at[a],
                        _ if at[a] >= len[a] => 2 * len[a] - 1 - at[a],
                        _ => at[a],
                    };
                    let from = ((fold(0) * 33 + fold(1)) * 30 + fold(2)) as usize;
                    let (value, label) = match outside {
                        Outside::Value(value) if !inside => (value, 77),
                        _ => (
                            source.image().as_slice()[from],
                            source.labels().unwrap().as_slice()[from],
                        ),
                    };
                    let to = ((d * 11 + h) * 13 + w) as usize;
                    assert_eq!(patch.image().as_slice()[to], value, "{outside:?} {at:?}");
                    assert_eq!(patch.labels().unwrap().as_slice()[to], label);
                }
            }
        }
    }
}

#[test]
fn labels_never_take_a_value_that_was_not_there() {
    for labels in [LabelInterpolation::Nearest, LabelInterpolation::Linear] {
        let transform = RandomSpatial {
            sampling: Sampling {
                labels,
                ..Sampling::default()
            },
            ..certain()
        };
        for seed in 0..6 {
            let turned = transform
                .apply(sample([11, 37, 41]), Key::new(seed))
                .unwrap();
            let found = turned.labels().unwrap().counts();
            let classes: Vec<usize> = (0..found.len()).filter(|&c| found[c] > 0).collect();
            assert!(
                classes.iter().all(|c| [0, 1, 2, 3, 9].contains(c)),
                "{classes:?}"
            );
            assert!(classes.len() >= 3, "{classes:?}");
        }
    }
}

#[test]
fn an_empty_label_map_stays_empty() {
    let grid = oblique([5, 7, 9]);
    let empty = Sample::with_labels(places(grid), LabelMap::background(grid).unwrap()).unwrap();
    let turned = certain().apply(empty, Key::new(2)).unwrap();
    assert!(turned.labels().unwrap().as_slice().iter().all(|&l| l == 0));
}

#[test]
fn organs_change_sides_only_with_the_left_right_axis() {
    // Stored right to left, front to back, feet to head: the last axis is left-right.
    let grid = oblique([5, 12, 10]);
    assert_eq!(left_right_axis(&grid), Some(2));
    let source = sample([5, 12, 10]);
    let apply = |axis: usize, laterality: Laterality| {
        let transform = RandomFlip {
            axes: vec![axis],
            probability: 1.0,
            laterality,
        };
        let done = transform.apply(source.clone(), Key::new(0)).unwrap();
        done.labels().unwrap().counts()
    };
    let before = source.labels().unwrap().counts();
    let swap = || Laterality::Swap {
        pairs: vec![(1, 3)],
    };
    assert_ne!(before[1], before[3]);
    let swapped = apply(2, swap());
    assert_eq!((swapped[1], swapped[3]), (before[3], before[1]));
    assert_eq!(apply(1, swap()), before);
    assert_eq!(apply(2, Laterality::Ignore), before);
    let kept = RandomFlip {
        axes: vec![0, 1, 2],
        probability: 1.0,
        laterality: Laterality::Keep,
    };
    assert_eq!(kept.axes(&grid, Key::new(0)), [true, true, false]);
    // A fused flip obeys as a lone one does.
    let fused = RandomSpatial {
        flip: RandomFlip {
            axes: vec![2],
            probability: 1.0,
            laterality: swap(),
        },
        ..RandomSpatial::default()
    };
    let fused = fused.apply(source.clone(), Key::new(0)).unwrap();
    assert_eq!(fused.labels().unwrap().counts(), swapped);
}

#[test]
fn a_sagittal_slice_has_no_left_right_axis() {
    let steps = [
        medcore::Vector::new(0.0, 0.0, 2.0),
        medcore::Vector::new(0.1, 1.0, 0.0),
    ];
    let origin = medcore::Point::new(0.0, 0.0, 0.0);
    let slice = Geometry::<2>::new([4, 6], origin, steps).unwrap();
    assert_eq!(left_right_axis(&slice), None);
}

#[test]
fn transforms_for_other_dimensions_are_refused_when_they_are_built() {
    let flip = RandomFlip {
        axes: vec![2],
        ..RandomFlip::default()
    };
    assert!(Transform::<3>::check(&flip).is_ok());
    assert!(matches!(
        Transform::<2>::check(&flip),
        Err(Error::InvalidParameter {
            parameter: "axes",
            ..
        })
    ));
    let spatial = RandomSpatial {
        rotation_degrees: vec![medaug::Draw::Fixed(3.0); 3],
        ..RandomSpatial::default()
    };
    assert!(Transform::<3>::check(&spatial).is_ok());
    assert!(matches!(
        Transform::<2>::check(&spatial),
        Err(Error::EntryCount {
            expected: 1,
            got: 3,
            ..
        })
    ));
    let twice = RandomFlip {
        laterality: Laterality::Swap {
            pairs: vec![(1, 2), (2, 3)],
        },
        ..RandomFlip::default()
    };
    assert!(Transform::<3>::check(&twice).is_err());
}

#[test]
fn a_map_that_flattens_or_is_not_finite_is_refused() {
    let source = sample([3, 4, 5]);
    let mut flat = IndexMap::identity();
    flat.matrix[0][0] = 0.0;
    assert!(extract(&source, [3, 4, 5], &flat, &Sampling::default()).is_err());
    let nowhere = IndexMap::translation([f64::NAN, 0.0, 0.0]);
    assert!(extract(&source, [3, 4, 5], &nowhere, &Sampling::default()).is_err());
    let identity = IndexMap::identity();
    assert!(extract(&source, [3, 0, 5], &identity, &Sampling::default()).is_err());
}

proptest! {
    #[test]
    fn flipping_twice_gives_back_the_sample(
        shape in [1_usize..7, 1_usize..9, 1_usize..11],
        axes in [any::<bool>(), any::<bool>(), any::<bool>()],
    ) {
        let before = sample(shape);
        let flip = Operation::from(Flip {
            axes: (0..3).filter(|&axis| axes[axis]).collect(),
            swap: None,
        });
        let twice = flip.apply_to(flip.apply_to(before.clone()).unwrap()).unwrap();
        prop_assert_eq!(before.image().as_slice(), twice.image().as_slice());
        prop_assert_eq!(before.labels().unwrap().as_slice(), twice.labels().unwrap().as_slice());
        let distance = before.geometry().origin().distance(twice.geometry().origin());
        prop_assert!(distance < 1e-9);
    }

    #[test]
    fn a_turn_and_its_opposite_meet_at_the_start(
        angle in -80.0..80.0_f64, plane in 0_usize..3,
    ) {
        let grid = oblique([7, 21, 19]);
        let turn = |angle: f64| {
            let mut change = SpatialParameters::<3>::identity();
            change.rotation_degrees[plane] = angle;
            let middle = grid.shape().map(|n| (n as f64 - 1.0) / 2.0);
            change.index_map(grid.shape(), &grid, middle, Space::Millimetres)
        };
        let round = turn(angle).then(&turn(-angle));
        for index in [[0.0; 3], [6.0, 0.0, 18.0], [3.0, 20.0, 1.0]] {
            let at = round.apply(index);
            prop_assert!((0..3).all(|a| (at[a] - index[a]).abs() < 1e-9), "{:?}", at);
        }
    }
}
