//! Patches come from where they should, as often as they should.

use medaug::{
    BatchSlot, Case, ClassLocations, Error, PatchChoice, PatchPipeline, PatchSampler, Placement,
    Sample,
};
use medcore::random::Key;
use medcore::{Geometry, Image, LabelMap};

use crate::support::{oblique, sample};

const SHAPE: [usize; 3] = [23, 71, 64];
const PATCH: [usize; 3] = [7, 16, 21];

fn sampler(choice: PatchChoice) -> PatchSampler<3> {
    PatchSampler {
        patch: PATCH,
        choice,
    }
}

fn places(choice: PatchChoice, slot: BatchSlot, count: u32) -> Vec<Placement<3>> {
    let case = Case::new(sample(SHAPE), None, Key::new(5));
    let sampler = sampler(choice);
    sampler.check().unwrap();
    (0..count)
        .map(|i| {
            let key = Key::new(1).sample(i);
            sampler.place(SHAPE, case.locations(), slot, key).unwrap()
        })
        .collect()
}

fn class_counts(places: &[Placement<3>]) -> [usize; 10] {
    let mut counts = [0; 10];
    for place in places {
        if let Some(class) = place.class {
            counts[usize::from(class)] += 1;
        }
    }
    counts
}

/// Class of the voxel that the patch is placed around.
fn centre_class(place: &Placement<3>) -> Option<u8> {
    let labels = sample(SHAPE).labels().unwrap().clone();
    let centre: [isize; 3] = std::array::from_fn(|a| place.start[a] + PATCH[a] as isize / 2);
    let index = (centre[0] * 71 + centre[1]) * 64 + centre[2];
    labels.as_slice().get(index as usize).copied()
}

#[test]
fn the_last_part_of_a_batch_is_forced_as_in_nnunet() {
    // round(n * 0.67), halves to even: 1, 1, 2, 3, 3, 8 free ones.
    for (size, free) in [(1, 1), (2, 1), (3, 2), (4, 3), (5, 3), (12, 8)] {
        for index in 0..size {
            let choice = PatchChoice::ForcedForeground { fraction: 0.33 };
            let place = places(choice, BatchSlot { index, size }, 1)[0];
            assert_eq!(place.class.is_some(), index >= free, "{index} of {size}");
        }
    }
}

#[test]
fn forced_patches_show_every_class_equally_often_however_small_it_is() {
    let choice = PatchChoice::ForcedForeground { fraction: 0.33 };
    let places = places(choice, BatchSlot { index: 1, size: 2 }, 4_000);
    let counts = class_counts(&places);
    for class in [1, 2, 3, 9] {
        assert!((900..1_100).contains(&counts[class]), "{counts:?}");
    }
    for place in &places[..200] {
        let labels = sample(SHAPE).labels().unwrap().clone();
        let class = place.class.unwrap();
        let mut seen = false;
        for d in 0..PATCH[0] as isize {
            for h in 0..PATCH[1] as isize {
                for w in 0..PATCH[2] as isize {
                    let at = [place.start[0] + d, place.start[1] + h, place.start[2] + w];
                    let inside = (0..3).all(|a| at[a] >= 0 && at[a] < SHAPE[a] as isize);
                    let index = (at[0] * 71 + at[1]) * 64 + at[2];
                    seen |= inside && labels.as_slice()[index as usize] == class;
                }
            }
        }
        assert!(seen, "{place:?} does not show its class");
    }
}

#[test]
fn foreground_is_shown_with_the_probability_asked_for() {
    let slot = BatchSlot { index: 0, size: 1 };
    let places = places(PatchChoice::Foreground { probability: 0.3 }, slot, 4_000);
    let forced = places.iter().filter(|p| p.class.is_some()).count();
    assert!((1_100..1_300).contains(&forced), "{forced}");
}

#[test]
fn positive_and_negative_patches_keep_their_ratio_and_stay_inside() {
    let choice = PatchChoice::PositiveNegative {
        positive: 3.0,
        negative: 1.0,
    };
    let places = places(choice, BatchSlot { index: 0, size: 1 }, 4_000);
    let counts = class_counts(&places);
    assert!((900..1_100).contains(&counts[0]), "{counts:?}");
    // Foreground voxels are equally likely, so classes follow their volumes.
    let volumes = sample(SHAPE).labels().unwrap().counts();
    let (foreground, chosen) = (
        volumes[1..].iter().sum::<u64>() as f64,
        counts[1..].iter().sum::<usize>() as f64,
    );
    for class in [1, 2, 3, 9] {
        let expected = volumes[class] as f64 / foreground;
        let got = counts[class] as f64 / chosen;
        assert!((got - expected).abs() < 0.03, "{class}: {got} {expected}");
    }
    for place in &places {
        let inside = |a: usize| {
            place.start[a] >= 0 && place.start[a] + PATCH[a] as isize <= SHAPE[a] as isize
        };
        assert!((0..3).all(inside), "{place:?}");
    }
}

#[test]
fn class_ratios_choose_among_the_classes_present() {
    let ratios = vec![0.0, 1.0, 2.0, 0.0, 50.0];
    let slot = BatchSlot { index: 0, size: 1 };
    let places = places(PatchChoice::ClassRatios { ratios }, slot, 3_000);
    let counts = class_counts(&places);
    assert_eq!(counts[1] + counts[2], 3_000, "{counts:?}");
    assert!((900..1_100).contains(&counts[1]), "{counts:?}");
    let uncut: Vec<_> = places
        .iter()
        .filter(|p| {
            (0..3).all(|a| p.start[a] > 0 && p.start[a] + (PATCH[a] as isize) < SHAPE[a] as isize)
        })
        .take(50)
        .collect();
    assert!(uncut.len() > 20);
    assert!(uncut.iter().all(|p| centre_class(p) == p.class));
}

#[test]
fn uniform_patches_reach_every_corner_and_never_leave() {
    let slot = BatchSlot { index: 0, size: 1 };
    let places = places(PatchChoice::Uniform, slot, 20_000);
    for a in 0..3 {
        let room = SHAPE[a] - PATCH[a];
        let starts = places.iter().map(|p| p.start[a]);
        assert_eq!(starts.clone().min(), Some(0));
        assert_eq!(starts.clone().max(), Some(room as isize));
        let mean = starts.sum::<isize>() as f64 / places.len() as f64;
        assert!((mean - room as f64 / 2.0).abs() < 0.02 * room as f64 + 0.1);
    }
}

#[test]
fn an_image_smaller_than_the_patch_lies_in_its_middle_and_is_padded() {
    let grid = oblique([3, 40, 8]);
    let image = Image::new(grid, vec![1.0_f32; grid.len()]).unwrap();
    let mut labels = vec![0_u8; grid.len()];
    labels[0] = 4;
    let sample = Sample::with_labels(image, LabelMap::new(grid, labels).unwrap()).unwrap();
    let case = Case::new(sample, None, Key::new(0));
    for choice in [
        PatchChoice::Uniform,
        PatchChoice::Foreground { probability: 1.0 },
        PatchChoice::PositiveNegative {
            positive: 1.0,
            negative: 0.0,
        },
    ] {
        let pipeline = PatchPipeline::new(sampler(choice.clone()), vec![]).unwrap();
        for sample in 0..20 {
            let slot = BatchSlot { index: 0, size: 1 };
            let patch = pipeline
                .draw(&case, slot, Key::new(3).sample(sample))
                .unwrap();
            assert_eq!(patch.shape(), PATCH);
            let ones = patch
                .image()
                .as_slice()
                .iter()
                .filter(|&&v| v == 1.0)
                .count();
            let zeros = patch
                .image()
                .as_slice()
                .iter()
                .filter(|&&v| v == 0.0)
                .count();
            assert_eq!(ones + zeros, 7 * 16 * 21, "{choice:?}");
            assert_eq!(ones, 3 * 16 * 8, "{choice:?}");
            if choice != PatchChoice::Uniform {
                assert!(
                    patch.labels().unwrap().as_slice().contains(&4),
                    "{choice:?}"
                );
            }
        }
    }
}

#[test]
fn a_case_without_foreground_is_sampled_uniformly() {
    let grid = oblique(SHAPE);
    let empty = LabelMap::<u8, 3>::background(grid).unwrap();
    let found = ClassLocations::collect(&empty, None, 100, Key::new(0));
    let slot = BatchSlot { index: 1, size: 2 };
    for choice in [
        PatchChoice::ForcedForeground { fraction: 1.0 },
        PatchChoice::PositiveNegative {
            positive: 1.0,
            negative: 0.0,
        },
        PatchChoice::ClassRatios {
            ratios: vec![0.0, 1.0],
        },
    ] {
        let place = sampler(choice)
            .place(SHAPE, Some(&found), slot, Key::new(2))
            .unwrap();
        assert_eq!(place.class, None);
    }
}

#[test]
fn missing_and_foreign_locations_are_refused() {
    let slot = BatchSlot { index: 0, size: 1 };
    let forced = sampler(PatchChoice::Foreground { probability: 1.0 });
    assert!(matches!(
        forced.place(SHAPE, None, slot, Key::new(0)),
        Err(Error::MissingLabels {
            transform: "PatchSampler"
        })
    ));
    let other = LabelMap::<u8, 3>::background(oblique([4, 5, 6])).unwrap();
    let other = ClassLocations::collect(&other, None, 10, Key::new(0));
    assert!(matches!(
        forced.place(SHAPE, Some(&other), slot, Key::new(0)),
        Err(Error::ForeignLocations { .. })
    ));
    assert!(Case::with_locations(sample(SHAPE), other).is_err());
    let nothing = PatchChoice::ClassRatios {
        ratios: vec![0.0, 0.0],
    };
    assert!(sampler(nothing).check().is_err());
}

#[test]
fn slices_are_sampled_as_volumes_are() {
    let grid = Geometry::<2>::axis_aligned([37, 41], [0.5, 0.7]).unwrap();
    let labels: Vec<u8> = (0..grid.len()).map(|i| u8::from(i % 41 == 40)).collect();
    let sample = Sample::with_labels(
        Image::zeros(3, grid).unwrap(),
        LabelMap::new(grid, labels).unwrap(),
    );
    let case = Case::new(sample.unwrap(), None, Key::new(0));
    let pipeline =
        medaug::preset::nnunet_default([16, 24], medaug::Space::Voxels, medaug::Laterality::Ignore)
            .unwrap();
    for sample in 0..30 {
        let key = Key::new(1).sample(sample);
        let slot = BatchSlot { index: 1, size: 2 };
        let patch = pipeline.draw(&case, slot, key).unwrap();
        assert_eq!((patch.shape(), patch.image().channels()), ([16, 24], 3));
    }
}
