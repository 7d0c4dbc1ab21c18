//! What users of the phantom rely on: where organs are, how large, and that nothing but the seed decides.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use medcore::random::Key;
use medcore::{Geometry, LabelMap, Point, Vector};
use medphantom::{
    Abdomen, AbdomenOptions, Cohort, CohortOptions, Error, IntensityBaseline, Organ, Orientation,
    Phantom, ScanOptions, field_of_view,
};

fn patient(seed: u64) -> Abdomen {
    Abdomen::new(Key::new(seed), &AbdomenOptions::default()).unwrap()
}

fn coarse_scan(seed: u64) -> Phantom {
    let grid = field_of_view([34, 36, 50], [8.0, 8.0, 8.0]).unwrap();
    patient(seed).scan(&grid, &ScanOptions::default()).unwrap()
}

/// Centre of gravity in LPS and volume in ml of every organ.
fn places(labels: &LabelMap<u8, 3>) -> Vec<([f64; 3], f64)> {
    let geometry = labels.geometry();
    let [_, height, width] = labels.shape();
    let mut sums = vec![([0.0; 3], 0u64); Organ::CLASSES];
    for (at, &label) in labels.as_slice().iter().enumerate() {
        let index = [at / (height * width), at / width % height, at % width];
        let place = geometry
            .index_to_world(index.map(|i| i as f64))
            .coordinates();
        let (sum, count) = &mut sums[label as usize];
        *count += 1;
        for axis in 0..3 {
            sum[axis] += place[axis];
        }
    }
    sums.into_iter()
        .map(|(sum, count)| {
            (
                sum.map(|s| s / count.max(1) as f64),
                count as f64 * geometry.voxel_volume() / 1000.0,
            )
        })
        .collect()
}

fn dice(a: &[u8], b: &[u8], label: u8) -> f64 {
    let (mut both, mut sum) = (0u64, 0u64);
    for (&a, &b) in a.iter().zip(b) {
        both += u64::from(a == label && b == label);
        sum += u64::from(a == label) + u64::from(b == label);
    }
    2.0 * both as f64 / sum as f64
}

#[test]
fn organs_lie_where_anatomy_puts_them() {
    for seed in 0..10 {
        let places = places(&coarse_scan(seed).labels);
        let at = |organ: Organ| places[organ.label() as usize].0;
        let (x, y, z) = (
            |organ| at(organ)[0],
            |organ| at(organ)[1],
            |organ| at(organ)[2],
        );
        // x runs to the patient's left, y to the back, z to the head.
        assert!(x(Organ::Liver) < -25.0 && x(Organ::Spleen) > 60.0, "{seed}");
        assert!(
            x(Organ::RightKidney) < -40.0 && x(Organ::LeftKidney) > 40.0,
            "{seed}"
        );
        assert!(
            x(Organ::Stomach) > 10.0 && x(Organ::Spine).abs() < 25.0,
            "{seed}"
        );
        assert!(y(Organ::Spine) > y(Organ::Aorta) + 15.0, "{seed}");
        assert!(y(Organ::Stomach) < y(Organ::Spleen) - 20.0, "{seed}");
        assert!(z(Organ::RightKidney) < z(Organ::Liver) - 20.0, "{seed}");
        assert!(z(Organ::LeftKidney) < z(Organ::Spleen) - 20.0, "{seed}");
        assert!((x(Organ::Aorta) - x(Organ::Spine)).abs() < 25.0, "{seed}");
    }
}

#[test]
fn fifty_patients_have_plausible_and_different_organs() {
    let mut volumes = vec![Vec::new(); Organ::CLASSES];
    for seed in 100..150 {
        for (volumes, (_, ml)) in volumes.iter_mut().zip(places(&coarse_scan(seed).labels)) {
            volumes.push(ml);
        }
    }
    for (organ, low, high) in [
        (Organ::Spine, 250.0, 750.0),
        (Organ::Liver, 700.0, 2400.0),
        (Organ::Spleen, 60.0, 450.0),
        (Organ::RightKidney, 80.0, 300.0),
        (Organ::LeftKidney, 80.0, 300.0),
        (Organ::Aorta, 35.0, 180.0),
        (Organ::Stomach, 120.0, 650.0),
    ] {
        let volumes = &volumes[organ.label() as usize];
        let (least, most) = (
            volumes.iter().copied().fold(f64::INFINITY, f64::min),
            volumes.iter().copied().fold(0.0, f64::max),
        );
        assert!(
            low < least && most < high,
            "{organ}: {least:.0} to {most:.0} ml"
        );
        assert!(most > 1.3 * least, "{organ}: {least:.0} to {most:.0} ml");
    }
}

/// A grid with every difficulty: thick slices, oblique, sheared, feet last, rows from left to right.
fn oblique() -> Geometry<3> {
    Geometry::new(
        [58, 128, 104],
        Point::new(170.0, -150.0, 175.0),
        [
            Vector::new(-0.3, 0.7, -5.0),
            Vector::new(-0.25, 2.2, 0.2),
            Vector::new(-3.1, -0.3, 0.2),
        ],
    )
    .unwrap()
}

#[test]
fn a_patient_is_the_same_on_every_grid() {
    let patient = patient(4);
    let fine = patient
        .scan(
            &field_of_view([135, 150, 195], [2.0; 3]).unwrap(),
            &ScanOptions::default(),
        )
        .unwrap();
    let other = patient.scan(&oblique(), &ScanOptions::default()).unwrap();
    let (shape, geometry) = (fine.labels.shape(), oblique());
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for (at, &label) in other.labels.as_slice().iter().enumerate() {
        let index = [at / (128 * 104), at / 104 % 128, at % 104].map(|i| i as f64);
        let found = (fine.labels.geometry())
            .world_to_index(geometry.index_to_world(index))
            .map(|i| i.round() as isize);
        if (0..3).all(|a| (0..shape[a] as isize).contains(&found[a])) {
            let found = found.map(|i| i as usize);
            here.push(label);
            there.push(
                fine.labels.as_slice()[(found[0] * shape[1] + found[1]) * shape[2] + found[2]],
            );
        }
    }
    for organ in Organ::ALL {
        let agreement = dice(&here, &there, organ.label());
        assert!(agreement > 0.9, "{organ}: {agreement}");
    }
}

#[test]
fn a_scan_does_not_depend_on_the_number_of_threads() {
    let scan = |threads| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
            .install(|| {
                let grid = field_of_view([37, 41, 53], [7.0, 7.0, 7.0]).unwrap();
                patient(8).scan(&grid, &ScanOptions::default()).unwrap()
            })
    };
    assert_eq!(scan(1), scan(3));
}

#[test]
fn noise_has_the_spread_asked_for_and_changes_with_the_acquisition() {
    let grid = field_of_view([20, 90, 120], [5.0, 1.5, 1.5]).unwrap();
    let scan = |noise_hu, acquisition| {
        let mut options = ScanOptions::default();
        (options.noise_hu, options.acquisition) = (noise_hu, acquisition);
        patient(6).scan(&grid, &options).unwrap()
    };
    let (clean, noisy, again) = (scan(0.0, 0), scan(20.0, 0), scan(20.0, 1));
    assert_eq!(noisy.labels, again.labels);
    let difference = |a: &Phantom, b: &Phantom| {
        // Gas is left out: its noise is cut off at -1024 HU.
        let pairs = a.image.as_slice().iter().zip(b.image.as_slice());
        let values: Vec<f64> = pairs
            .zip(clean.image.as_slice())
            .filter(|(_, clean)| **clean > -700)
            .map(|((&a, &b), _)| f64::from(a) - f64::from(b))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
        (mean, (square / values.len() as f64).sqrt())
    };
    let (mean, spread) = difference(&noisy, &clean);
    assert!(
        mean.abs() < 0.2 && (spread - 20.0).abs() < 0.4,
        "{mean} {spread}"
    );
    let (_, apart) = difference(&noisy, &again);
    assert!((apart - 20.0 * 2f64.sqrt()).abs() < 0.6, "{apart}");
}

#[test]
fn intensity_alone_does_not_find_the_organs() {
    for seed in [1, 2, 3] {
        let mut options = CohortOptions::default();
        options.slice_mm = (6.0, 7.0);
        options.pixel_mm = (5.0, 6.0);
        let cohort = Cohort::new(seed, options).unwrap();
        let cases: Vec<_> = (0..9).map(|i| cohort.scan(i).unwrap()).collect();
        let (train, test) = cases.split_at(6);
        let baseline =
            IntensityBaseline::fit(train.iter().map(|c| (&c.image, &c.labels)), &Organ::table())
                .unwrap();
        let scores: Vec<_> = (test.iter())
            .map(|case| {
                baseline
                    .mean_dice(&case.image, &case.labels)
                    .unwrap()
                    .unwrap()
            })
            .collect();
        let mean = scores.iter().sum::<f64>() / scores.len() as f64;
        // Far below a segmentation, yet better than nothing: the liver can be guessed.
        assert!((0.1..0.6).contains(&mean), "seed {seed}: {scores:?}");
    }
}

#[test]
fn a_cohort_keeps_its_promises_about_grids() {
    let mut options = CohortOptions::default();
    options.slice_mm = (8.0, 10.0);
    options.pixel_mm = (6.0, 7.0);
    options.orientation = Orientation::Random;
    options.shear_degrees = 12.0;
    let cohort = Cohort::new(11, options).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for i in 0..8 {
        let phantom = cohort.scan(i).unwrap();
        let geometry = phantom.labels.geometry();
        assert!(!geometry.is_orthogonal(1e-6));
        // Whatever the storage order, the patient lies in the world as patients do.
        let places = places(&phantom.labels);
        assert!(places[Organ::RightKidney.label() as usize].0[0] < -30.0);
        assert!(places[Organ::LeftKidney.label() as usize].0[0] > 30.0);
        assert!(places[1..].iter().all(|(_, ml)| *ml > 30.0), "{places:?}");
        seen.insert(geometry.direction().map(|axis| {
            (0..3)
                .max_by(|&a, &b| axis[a].abs().total_cmp(&axis[b].abs()))
                .unwrap()
        }));
    }
    assert!(seen.len() > 1, "all in the same storage order");
}

#[test]
fn options_outside_their_ranges_are_refused_by_name() {
    let mut options = AbdomenOptions::default();
    options.texture = f64::NAN;
    let error = Abdomen::new(Key::new(1), &options).unwrap_err();
    assert!(matches!(
        error,
        Error::InvalidOption {
            option: "texture",
            ..
        }
    ));
    let mut options = CohortOptions::default();
    options.slice_mm = (5.0, 2.0);
    assert!(
        Cohort::new(1, options)
            .unwrap_err()
            .to_string()
            .contains("slice_mm")
    );
    let none: [(&medcore::Image<i16, 3>, &LabelMap<u8, 3>); 0] = [];
    assert!(matches!(
        IntensityBaseline::fit(none, &Organ::table()),
        Err(Error::NoCases)
    ));
}

#[test]
fn labels_and_organs_name_each_other() {
    for (i, organ) in Organ::ALL.into_iter().enumerate() {
        assert_eq!(organ.label() as usize, i + 1);
        assert_eq!(Organ::from_label(organ.label()), Some(organ));
        assert_eq!(organ.mirrored().mirrored(), organ);
    }
    assert_eq!(Organ::from_label(0), None);
}
