//! Fleiss' kappa and Krippendorff's alpha: statsmodels, irrCAC, krippendorff, merging, coverage.

use medcore::random::Key;
use medmetrics::agreement::{
    Krippendorff, KrippendorffAlpha, Level, RatedUnits, RaterCounts, RatingTable,
};
use medmetrics::statistics::Bootstrap;
use medmetrics::{Accumulator, Error, Estimate};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{assert_coverage, draw, fixture, near, number, numbers, rows};

const LEVELS: [(&str, Level); 4] = [
    ("nominal", Level::Nominal),
    ("ordinal", Level::Ordinal),
    ("interval", Level::Interval),
    ("ratio", Level::Ratio),
];

fn counts(case: &Value) -> Vec<Vec<u32>> {
    let rows = rows(&case["counts"]).into_iter();
    rows.map(|row| row.iter().map(|&v| v as u32).collect())
        .collect()
}

fn rater_counts(subjects: &[Vec<u32>], raters: u32) -> RaterCounts {
    let mut counts = RaterCounts::new(subjects[0].len(), raters).unwrap();
    subjects.iter().try_for_each(|s| counts.push(s)).unwrap();
    counts
}

fn units(case: &Value) -> RatedUnits {
    let table: Vec<Vec<Option<f64>>> = case["ratings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|unit| unit.as_array().unwrap().iter().map(Value::as_f64).collect())
        .collect();
    RatedUnits::from_table(&table.concat(), table[0].len()).unwrap()
}

#[test]
fn fleiss_and_randolph_are_statsmodels_with_irr_cacs_errors() {
    for case in fixture("raters")["fleiss"].as_array().unwrap() {
        let raters = case["raters"].as_u64().unwrap() as u32;
        let got = rater_counts(&counts(case), raters).finish().unwrap();
        near(
            got.kappa.value.unwrap(),
            number(&case["fleiss"]),
            1e-12,
            "Fleiss",
        );
        near(
            got.randolph.value.unwrap(),
            number(&case["randolph"]),
            1e-12,
            "Randolph",
        );
        near(
            got.standard_error.unwrap(),
            number(&case["se"]),
            1e-12,
            "error",
        );
        near(
            got.null_standard_error.unwrap(),
            number(&case["null"]),
            1e-12,
            "null error",
        );
        let interval = got.kappa.interval.unwrap();
        let want = numbers(&case["interval"]);
        near(interval.low, want[0], 1e-10, "low");
        near(interval.high.min(1.0), want[1], 1e-10, "high");
        let randolph = got.randolph.interval.unwrap();
        let reach = interval.high - interval.low;
        let scale = number(&case["randolph_se"]) / number(&case["se"]);
        near(
            randolph.high - randolph.low,
            reach * scale,
            1e-10,
            "Randolph's interval",
        );
    }
}

#[test]
fn two_raters_of_fleiss_are_scotts_pi() {
    let pairs = [[0u32, 0], [0, 1], [1, 1], [2, 2], [2, 1], [0, 0], [2, 0]];
    let mut table = RatingTable::new(3).unwrap();
    let mut counts = RaterCounts::new(3, 2).unwrap();
    for [a, b] in pairs {
        table.push([a, b]).unwrap();
        let mut subject = [0; 3];
        subject[a as usize] += 1;
        subject[b as usize] += 1;
        counts.push(&subject).unwrap();
    }
    let scott = table.finish().unwrap().scott.estimate.value.unwrap();
    near(
        counts.finish().unwrap().kappa.value.unwrap(),
        scott,
        1e-14,
        "pi",
    );
}

#[test]
fn unequal_raters_are_refused_by_the_subject() {
    let mut counts = RaterCounts::new(2, 3).unwrap();
    counts.push(&[1, 2]).unwrap();
    let before = counts.clone();
    let error = counts.push(&[1, 1]).unwrap_err();
    assert!(
        matches!(
            error,
            Error::InvalidValue {
                index: 1,
                value: 2.0,
                ..
            }
        ),
        "{error}"
    );
    assert!(matches!(counts.push(&[3]), Err(Error::Length { .. })));
    assert!(counts.merge(&RaterCounts::new(2, 4).unwrap()).is_err());
    assert_eq!(counts, before);
    assert!(RaterCounts::new(1, 3).is_err());
    assert!(RaterCounts::new(3, 1).is_err());
    let wrong = serde_json::to_string(&before)
        .unwrap()
        .replace("\"subjects\":1", "\"subjects\":0");
    assert!(serde_json::from_str::<RaterCounts>(&wrong).is_err());
}

#[test]
fn one_category_defines_no_fleiss_kappa() {
    let one = rater_counts(&vec![vec![3, 0]; 5], 3).finish().unwrap();
    assert_eq!((one.kappa.value, one.standard_error), (None, None));
    assert_eq!(one.randolph.value, Some(1.0));
    let none = RaterCounts::new(2, 3).unwrap().finish().unwrap();
    assert_eq!((none.kappa.value, none.randolph.value), (None, None));
    let single = rater_counts(&[vec![2, 1]], 3).finish().unwrap();
    assert!(single.kappa.value.is_some() && single.kappa.interval.is_none());
}

#[test]
fn alpha_is_krippendorffs_on_every_level() {
    for case in fixture("raters")["alpha"].as_array().unwrap() {
        let units = units(case);
        for (name, level) in LEVELS {
            let alpha = Krippendorff::new(level).of(&units).unwrap();
            near(alpha.value.unwrap(), number(&case[name]), 1e-12, name);
            assert_eq!(alpha.n + alpha.undefined, units.len() as u64);
        }
    }
}

#[test]
fn alpha_of_equal_or_lonely_ratings_is_undefined() {
    for ratings in [vec![], vec![vec![1.0], vec![2.0]], vec![vec![0.0, -0.0]; 4]] {
        let mut units = RatedUnits::default();
        ratings
            .iter()
            .try_for_each(|unit| units.push(unit))
            .unwrap();
        for (_, level) in LEVELS {
            let bootstrapped = Krippendorff::new(level).with_bootstrap(Bootstrap::default());
            for settings in [Krippendorff::new(level), bootstrapped] {
                assert_eq!(settings.of(&units).unwrap().value, None);
            }
        }
    }
}

#[test]
fn ratings_that_are_no_numbers_are_refused_by_their_place() {
    let mut units = RatedUnits::default();
    let error = units.push(&[1.0, f64::NAN]).unwrap_err();
    assert!(matches!(error, Error::InvalidValue { index: 1, .. }));
    assert!(units.is_empty());
    let table = [Some(1.0), None, Some(2.0), Some(f64::INFINITY)];
    assert!(matches!(
        RatedUnits::from_table(&table, 2),
        Err(Error::InvalidValue { index: 3, .. })
    ));
    assert!(RatedUnits::from_table(&table, 3).is_err());
    assert!(RatedUnits::from_table(&table, 0).is_err());
    units.push(&[1.0, -2.0]).unwrap();
    assert!(Krippendorff::new(Level::Ratio).of(&units).is_err());
    assert!(
        Krippendorff::new(Level::Interval)
            .of(&units)
            .unwrap()
            .value
            .is_some()
    );
    units.push(&[1e300, -1e300]).unwrap();
    assert_eq!(
        Krippendorff::new(Level::Interval).of(&units).unwrap().value,
        None,
        "overflow"
    );
}

/// Far from zero the squares of values have no digits left for their differences.
#[test]
fn alpha_does_not_depend_on_the_origin() {
    let case = &fixture("raters")["alpha"][3];
    let settings = Krippendorff::new(Level::Interval);
    let mut far = RatedUnits::default();
    for unit in case["ratings"].as_array().unwrap() {
        let ratings: Vec<f64> = unit
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_f64)
            .map(|rating| (rating * 1024.0).round() / 1024.0 + 1e9)
            .collect();
        far.push(&ratings).unwrap();
    }
    near(
        settings.of(&far).unwrap().value.unwrap(),
        number(&case["interval"]),
        1e-3,
        "shifted",
    );
}

#[test]
fn the_bootstrap_of_alpha_is_the_same_for_any_number_of_threads_and_order() {
    let case = &fixture("raters")["alpha"][1];
    let settings = Krippendorff::new(Level::Ordinal).with_bootstrap(Bootstrap {
        replicates: 300,
        ..Bootstrap::default()
    });
    let units = units(case);
    let whole = settings.of(&units).unwrap();
    let interval = whole.interval.unwrap();
    assert!(interval.low < whole.value.unwrap() && whole.value.unwrap() < interval.high);
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        assert_eq!(pool.install(|| settings.of(&units)).unwrap(), whole);
    }
    let mut ratings: Vec<Vec<f64>> =
        serde_json::from_str(&serde_json::to_string(&units).unwrap()).unwrap();
    Key::new(2).stream("order").shuffle(&mut ratings);
    let mut parts = [
        KrippendorffAlpha::new(settings),
        KrippendorffAlpha::new(settings),
    ];
    for (i, unit) in ratings.iter().enumerate() {
        parts[i % 2].push(unit).unwrap();
    }
    let [mut one, other] = parts;
    one.merge(&other).unwrap();
    assert_eq!(one.finish().unwrap(), whole);
    assert!(
        one.merge(&KrippendorffAlpha::new(Krippendorff::default()))
            .is_err()
    );
}

proptest! {
    #[test]
    fn rater_counts_merge_in_any_order(
        subjects in prop::collection::vec((0u32..=6, 0u32..=6), 1..40),
        cut in 0usize..40,
    ) {
        let subjects: Vec<Vec<u32>> = subjects.iter()
            .map(|&(a, b)| vec![a, b.min(6 - a), 6 - a - b.min(6 - a)])
            .collect();
        let whole = rater_counts(&subjects, 6);
        let cut = cut.min(subjects.len());
        let mut late = RaterCounts::new(3, 6).unwrap();
        let mut early = late.clone();
        subjects[cut..].iter().rev().try_for_each(|s| late.push(s)).unwrap();
        subjects[..cut].iter().try_for_each(|s| early.push(s)).unwrap();
        late.merge(&early).unwrap();
        prop_assert_eq!(&late, &whole);
        let text = serde_json::to_string(&late).unwrap();
        prop_assert_eq!(serde_json::from_str::<RaterCounts>(&text).unwrap(), whole);
    }

    /// Alpha by its definition: every pair of ratings, with the distance written out.
    #[test]
    fn alpha_is_that_of_all_pairs(
        units in prop::collection::vec(prop::collection::vec(0u8..6, 0..5), 1..12),
    ) {
        let mut rated = RatedUnits::default();
        for unit in &units {
            rated.push(&unit.iter().map(|&v| f64::from(v)).collect::<Vec<_>>()).unwrap();
        }
        let pairable: Vec<&Vec<u8>> = units.iter().filter(|unit| unit.len() > 1).collect();
        let all: Vec<u8> = pairable.iter().flat_map(|unit| unit.iter().copied()).collect();
        let frequency = |v: u8| all.iter().filter(|&&w| w == v).count() as f64;
        for (_, level) in LEVELS {
            let distance = |a: u8, b: u8| {
                let (low, high) = (a.min(b), a.max(b));
                let apart = match level {
                    Level::Nominal => f64::from(a != b),
                    Level::Ordinal => (low..=high).map(frequency).sum::<f64>()
                        - (frequency(low) + frequency(high)) / 2.0,
                    Level::Interval => f64::from(high - low),
                    Level::Ratio if high == 0 => 0.0,
                    Level::Ratio => f64::from(high - low) / f64::from(high + low),
                };
                apart * apart
            };
            let within = |unit: &[u8]| {
                unit.iter().map(|&a| unit.iter().map(|&b| distance(a, b)).sum::<f64>()).sum::<f64>()
            };
            let observed: f64 = pairable.iter().map(|u| within(u) / (u.len() as f64 - 1.0)).sum();
            let expected = within(&all) / (all.len() as f64 - 1.0);
            let got = Krippendorff::new(level).of(&rated).unwrap().value;
            match got {
                None => prop_assert!(all.is_empty() || expected == 0.0),
                Some(alpha) => prop_assert!((alpha - (1.0 - observed / expected)).abs() < 1e-10),
            }
        }
    }
}

#[test]
fn fleiss_intervals_cover_as_often_as_irr_cacs() {
    for (index, case) in fixture("raters")["coverage"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let shares = numbers(&case["shares"]);
        let (n, raters) = (
            case["n"].as_u64().unwrap(),
            case["raters"].as_u64().unwrap() as u32,
        );
        let agree = number(&case["agree"]);
        let mut random = Key::new(12).sample(index as u32).stream("fleiss");
        assert_coverage(case, || {
            let mut counts = RaterCounts::new(shares.len(), raters).unwrap();
            for _ in 0..n {
                let truth = draw(&shares, &mut random);
                let mut subject = vec![0; shares.len()];
                for _ in 0..raters {
                    let agrees = random.chance(agree);
                    subject[if agrees {
                        truth
                    } else {
                        draw(&shares, &mut random)
                    }] += 1;
                }
                counts.push(&subject).unwrap();
            }
            let kappa: Estimate = counts.finish().unwrap().kappa;
            kappa
                .interval
                .is_some_and(|interval| interval.contains(agree * agree))
        });
    }
}
