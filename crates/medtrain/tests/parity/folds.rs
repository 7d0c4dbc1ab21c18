//! Folds by patient and class beside scikit-learn's `StratifiedGroupKFold`.

use medcore::random::Key;
use medtrain::Cohort;
use medtrain::split::{Balance, CaseRecord, HeldOut};

use crate::Fixture;

/// How far the sizes of the folds are apart: their deviation as a part of all cases.
fn unevenness(folds: &[usize], count: usize) -> f64 {
    imbalance(folds, &vec![0.0; folds.len()], count)
}

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
fn classes_are_spread_as_evenly_as_by_scikit_learn_and_cases_no_worse() {
    let fixture = Fixture::load("folds");
    for (name, folds) in [("few", 3), ("many", 5), ("large", 10), ("single", 5)] {
        let get = |what: &str| fixture.row(&format!("{name}.{what}"));
        let (groups, classes) = (get("group"), get("class"));
        let measured = |of: &[usize]| [imbalance(of, &classes, folds), unevenness(of, folds)];
        let reference = fixture.rows(&format!("{name}.folds"));
        let reference = reference.iter().map(|of_seed| {
            let of_seed: Vec<usize> = of_seed.iter().map(|fold| *fold as usize).collect();
            measured(&of_seed)
        });
        let least = |a: [f64; 2], b: [f64; 2]| [a[0].min(b[0]), a[1].min(b[1])];
        let best = reference.reduce(least).unwrap();
        let records = groups.iter().zip(&classes).enumerate();
        let records = records.map(|(case, (group, class))| {
            CaseRecord::new(format!("{case}"), format!("{group}")).with_class(*class as u32)
        });
        let cohort = Cohort::of_records(records).unwrap();
        for seed in 0..5 {
            let key = Key::new(seed);
            let splits = cohort.folds(folds, Balance::Classes, HeldOut::Test, key);
            let mut own = vec![0; classes.len()];
            for (fold, mut split) in splits.unwrap().into_iter().enumerate() {
                for case in split.test.open("the fold of each case").cases() {
                    own[*case] = fold;
                }
            }
            let found = measured(&own);
            println!("{name}, seed {seed}: {found:.5?}, scikit-learn at best {best:.5?}");
            assert!(found[0] <= 1.01 * best[0] + 1e-12, "{name}, seed {seed}");
            assert!(found[1] <= 1.01 * best[1] + 1e-12, "{name}, seed {seed}");
        }
    }
}
