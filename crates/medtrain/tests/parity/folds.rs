//! Folds by patient and class beside scikit-learn's `StratifiedGroupKFold`.

use medcore::random::Key;
use medtrain::Cohort;
use medtrain::split::{Balance, CaseRecord, HeldOut};

use crate::Fixture;

/// scikit-learn's own measure: for each class the deviation over the folds of the part of its cases, averaged.
fn imbalance(folds: &[usize], classes: &[f64], count: usize) -> f64 {
    let last = classes.iter().copied().fold(0.0, f64::max) as usize;
    let deviation = |class: usize| {
        let mut cases = vec![0.0; count];
        for (fold, _) in folds
            .iter()
            .zip(classes)
            .filter(|(_, c)| **c as usize == class)
        {
            cases[*fold] += 1.0;
        }
        let all: f64 = cases.iter().sum();
        let mean = 1.0 / count as f64;
        let squares = cases.iter().map(|n| (n / all - mean).powi(2));
        (squares.sum::<f64>() * mean).sqrt()
    };
    (0..=last).map(deviation).sum::<f64>() / (last + 1) as f64
}

#[test]
fn folds_are_at_least_as_alike_as_those_of_scikit_learn() {
    let fixture = Fixture::load("folds");
    for (name, folds) in [("few", 3), ("many", 5), ("large", 10), ("single", 5)] {
        let get = |what: &str| fixture.row(&format!("{name}.{what}"));
        let (groups, classes) = (get("group"), get("class"));
        let reference = fixture.rows(&format!("{name}.folds"));
        let reference = reference.iter().map(|of_seed| {
            let of_seed: Vec<usize> = of_seed.iter().map(|fold| *fold as usize).collect();
            imbalance(&of_seed, &classes, folds)
        });
        let reference: Vec<f64> = reference.collect();
        let best = reference.iter().copied().fold(f64::INFINITY, f64::min);
        let records = groups
            .iter()
            .zip(&classes)
            .enumerate()
            .map(|(case, (group, class))| {
                CaseRecord::new(format!("{case}"), format!("{group}")).with_class(*class as u32)
            });
        let cohort = Cohort::of_records(records).unwrap();
        for seed in 0..5 {
            let key = Key::new(seed);
            let splits = cohort
                .folds(folds, Balance::Classes, HeldOut::Test, key)
                .unwrap();
            let mut own = vec![0; classes.len()];
            for (fold, mut split) in splits.into_iter().enumerate() {
                for case in split.test.open("the fold of each case").cases() {
                    own[*case] = fold;
                }
            }
            let found = imbalance(&own, &classes, folds);
            println!("{name}, seed {seed}: {found:.5}, scikit-learn {reference:.5?}");
            assert!(
                found <= best + 1e-12,
                "{name}, seed {seed}: {found} for {reference:?}"
            );
        }
    }
}
