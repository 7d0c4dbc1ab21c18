//! Chest radiographs: what is promised of them, on cohorts drawn small.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use medcore::random::Key;
use medphantom::radiograph::{
    Chest, ChestCohort, ChestCohortOptions, ChestImage, ChestOptions, Scanner, View,
};

fn cohort(side: usize) -> ChestCohort {
    let mut options = ChestCohortOptions::default();
    options.side = side;
    ChestCohort::new(11, options).unwrap()
}

fn images(patients: u32) -> Vec<ChestImage> {
    let cohort = cohort(48);
    (0..patients)
        .flat_map(|patient| cohort.images(patient).unwrap())
        .collect()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

fn brightness(image: &ChestImage) -> f64 {
    mean(
        image
            .radiograph
            .image
            .as_slice()
            .iter()
            .map(|&v| f64::from(v)),
    )
}

fn chest(opacities: u32) -> Chest {
    let mut options = ChestOptions::default();
    options.opacities = opacities;
    Chest::new(Key::new(5), &options).unwrap()
}

#[test]
fn a_patient_looks_the_same_whenever_drawn() {
    assert_eq!(cohort(40).images(7).unwrap(), cohort(40).images(7).unwrap());
}

#[test]
fn the_ill_have_opacities_and_the_well_have_none() {
    let images = images(60);
    assert!(images.iter().any(|image| image.ill) && images.iter().any(|image| !image.ill));
    for image in &images {
        let pixels = image
            .radiograph
            .opacity
            .as_slice()
            .iter()
            .filter(|&&o| o == 1)
            .count();
        let place = format!("patient {} image {}", image.patient, image.number);
        assert_eq!(image.ill, pixels > 0, "{place}");
        // Up to a fifth of the film: a patch, not a white lung.
        assert!(pixels < 48 * 48 / 5, "{place}: {pixels}");
    }
}

#[test]
fn an_opacity_is_brighter_than_the_same_place_without_it() {
    let (view, side) = (View::default(), 96);
    for scanner in Scanner::ALL {
        let ill = chest(1).radiograph(side, &view, scanner).unwrap();
        let well = chest(0).radiograph(side, &view, scanner).unwrap();
        let inside = |image: &medcore::Image<u8, 2>| {
            let pairs = image.as_slice().iter().zip(ill.opacity.as_slice());
            let values: Vec<f64> = pairs
                .filter(|(_, o)| **o == 1)
                .map(|(v, _)| f64::from(*v))
                .collect();
            mean(values.into_iter())
        };
        let gain = inside(&ill.image) - inside(&well.image);
        assert!(gain > 12.0, "{scanner:?}: {gain}");
    }
}

#[test]
fn mean_brightness_does_not_tell_the_ill() {
    let images = images(300);
    let of = |ill: bool| -> Vec<f64> {
        images
            .iter()
            .filter(|i| i.ill == ill)
            .map(brightness)
            .collect()
    };
    let (ill, well) = (of(true), of(false));
    let wins: usize = ill
        .iter()
        .map(|a| well.iter().filter(|b| a > b).count())
        .sum();
    let auc = wins as f64 / (ill.len() * well.len()) as f64;
    assert!((0.3..0.7).contains(&auc), "{auc}");
}

#[test]
fn scanners_show_one_patient_differently() {
    let [digital, plate] =
        Scanner::ALL.map(|s| chest(0).radiograph(64, &View::default(), s).unwrap().image);
    let pairs = digital.as_slice().iter().zip(plate.as_slice());
    let difference = mean(pairs.map(|(a, b)| f64::from(a.abs_diff(*b))));
    assert!(difference > 8.0, "{difference}");
}

#[test]
fn options_out_of_range_are_refused_by_name() {
    let mut view = View::default();
    view.zoom = 2.0;
    let refused = chest(0).radiograph(64, &view, Scanner::Plate).unwrap_err();
    assert!(refused.to_string().contains("zoom"), "{refused}");
    assert!(
        chest(0)
            .radiograph(8, &View::default(), Scanner::Plate)
            .is_err()
    );
    let mut options = ChestCohortOptions::default();
    options.prevalence = f64::NAN;
    assert!(ChestCohort::new(1, options).is_err());
}
