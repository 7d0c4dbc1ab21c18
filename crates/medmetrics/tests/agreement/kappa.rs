//! Kappa and its like: scikit-learn, statsmodels, torchmetrics and irrCAC, merging, coverage.

use medcore::random::Key;
use medmetrics::agreement::{Categories, Chance, Kappa, KappaWeights, RatingTable};
use medmetrics::{Accumulator, Error};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{assert_coverage, draw, fixture, near, number, numbers, rows};

fn weights(name: &str) -> KappaWeights {
    serde_json::from_value(Value::from(name)).unwrap()
}

fn table(case: &Value) -> RatingTable {
    let ratings =
        |name: &str| -> Vec<u8> { numbers(&case[name]).iter().map(|&v| v as u8).collect() };
    let categories = case["categories"].as_u64().unwrap() as usize;
    RatingTable::of(categories, &ratings("first"), &ratings("second")).unwrap()
}

#[test]
fn coefficients_errors_and_intervals_are_the_libraries() {
    for case in fixture("kappa")["cases"].as_array().unwrap() {
        let table = table(case);
        for (name, want) in case["weights"].as_object().unwrap() {
            let kappa = Kappa::cohen(weights(name)).of(&table).unwrap();
            let value = kappa.estimate.value.unwrap();
            near(value, number(&want["sklearn"]), 1e-12, "scikit-learn");
            near(
                value,
                number(&want["torchmetrics"]),
                1e-5,
                "torchmetrics, in f32",
            );
            near(value, number(&want["kappa"]), 1e-12, "statsmodels");
            let interval = kappa.estimate.interval.unwrap();
            near(interval.low, number(&want["low"]), 1e-10, "low");
            near(interval.high, number(&want["high"]), 1e-10, "high");
            let variance = kappa.standard_error.unwrap().powi(2);
            near(variance / number(&want["var"]), 1.0, 1e-10, "variance");
            let null = kappa.null_standard_error.unwrap().powi(2);
            near(null / number(&want["var0"]), 1.0, 1e-10, "null variance");
            near(kappa.p_value().unwrap(), number(&want["p"]), 1e-10, "p");
            if let Some(maximum) = want["max"].as_f64() {
                near(kappa.maximum.unwrap(), maximum, 1e-12, "maximum");
            }
            for (name, chance) in [
                ("cohen", Chance::Cohen),
                ("scott", Chance::Scott),
                ("brennan_prediger", Chance::BrennanPrediger),
                ("gwet", Chance::Gwet),
            ] {
                let settings = Kappa {
                    chance,
                    ..Kappa::cohen(kappa_weights(&kappa.estimate.convention))
                };
                let got = settings.of(&table).unwrap();
                let [value, error] = numbers(&want[name])[..] else {
                    panic!("value and error")
                };
                near(got.estimate.value.unwrap(), value, 1e-10, name);
                near(got.standard_error.unwrap(), error, 1e-10, name);
            }
        }
    }
}

fn kappa_weights(convention: &str) -> KappaWeights {
    weights(convention.split('/').nth(1).unwrap())
}

#[test]
fn a_category_nobody_used_keeps_its_rank_unless_scikit_learn_is_asked() {
    let trap = &fixture("kappa")["trap"];
    let ratings =
        |name: &str| -> Vec<i64> { numbers(&trap[name]).iter().map(|&v| v as i64).collect() };
    let table = RatingTable::of(4, &ratings("first"), &ratings("second")).unwrap();
    let mut kappa = Kappa::cohen(KappaWeights::Quadratic);
    let declared = kappa.of(&table).unwrap().estimate;
    assert_eq!(declared.convention, "kappa:cohen/quadratic/declared");
    near(
        declared.value.unwrap(),
        number(&trap["declared"]),
        1e-14,
        "declared",
    );
    kappa.categories = Categories::ScikitLearn;
    let inferred = kappa.of(&table).unwrap().estimate;
    assert_eq!(inferred.convention, "kappa:cohen/quadratic/scikit-learn");
    near(
        inferred.value.unwrap(),
        number(&trap["inferred"]),
        1e-14,
        "inferred",
    );
    let custom = KappaWeights::Quadratic.disagreements(4).unwrap();
    kappa.weights = KappaWeights::Custom(custom);
    near(
        kappa.of(&table).unwrap().estimate.value.unwrap(),
        declared.value.unwrap(),
        1e-14,
        "custom weights belong to categories, not to ranks",
    );
}

#[test]
fn ten_million_ratings_give_the_published_number() {
    let golden = &fixture("kappa")["ten_million"];
    let table: RatingTable = serde_json::from_value(golden["counts"].clone()).unwrap();
    let kappa = Kappa::cohen(KappaWeights::Quadratic).of(&table).unwrap();
    let value = kappa.estimate.value.unwrap();
    near(value, number(&golden["sklearn"]), 1e-14, "scikit-learn");
    near(value, 0.866997835311375, 1e-14, "research");
}

#[test]
fn one_category_or_no_rating_defines_no_kappa() {
    let one = RatingTable::of(3, &[1u8; 8], &[1u8; 8]).unwrap();
    let none = RatingTable::new(3).unwrap();
    for table in [&one, &none] {
        for chance in [Chance::Cohen, Chance::Scott] {
            for categories in [Categories::Declared, Categories::ScikitLearn] {
                let kappa = Kappa {
                    chance,
                    categories,
                    ..Kappa::default()
                };
                let estimate = kappa.of(table).unwrap().estimate;
                assert_eq!((estimate.value, estimate.interval), (None, None));
                assert_eq!(estimate.n, table.total());
            }
        }
    }
    // With one category everybody agrees, and AC1 says so.
    let gwet = one.finish().unwrap().gwet.estimate;
    assert_eq!(gwet.value, Some(1.0));
    let only = RatingTable::of(1, &[0u8; 3], &[0u8; 3]).unwrap();
    assert_eq!(only.finish().unwrap().gwet.estimate.value, None);
}

#[test]
fn wrong_input_is_refused_and_leaves_the_table_as_it_was() {
    for categories in [5, 40] {
        let mut table = RatingTable::of(categories, &[1u16, 2], &[1, 0]).unwrap();
        let before = table.clone();
        let first = vec![0i64; 9];
        let mut second = first.clone();
        for wrong in [categories as i64, -1, 255, 1 << 40, i64::MIN] {
            second[7] = wrong;
            if wrong >= 0 && wrong < categories as i64 {
                continue;
            }
            let error = table.add(&first, &second).unwrap_err();
            let Error::InvalidValue {
                what: "the second rater",
                index: 7,
                value,
                ..
            } = error
            else {
                panic!("{error}")
            };
            assert_eq!(value, wrong as f64);
            assert_eq!(table, before);
        }
        assert!(matches!(
            table.add(&first, &second[1..]),
            Err(Error::Length { .. })
        ));
        assert!(table.merge(&RatingTable::new(6).unwrap()).is_err());
        assert_eq!(table, before);
    }
    assert!(RatingTable::new(0).is_err());
    assert!(RatingTable::new(5000).is_err());
    let table = RatingTable::of(2, &[0u8, 1], &[0, 0]).unwrap();
    for custom in [
        vec![0.0; 3],
        vec![0.0, -1.0, 1.0, 0.0],
        vec![1.0, 1.0, 1.0, 0.0],
    ] {
        assert!(
            Kappa::cohen(KappaWeights::Custom(custom))
                .of(&table)
                .is_err()
        );
    }
    let nothing_matters = Kappa::cohen(KappaWeights::Custom(vec![0.0; 4]))
        .of(&table)
        .unwrap();
    assert_eq!(nothing_matters.estimate.value, None);
    assert!(serde_json::from_str::<RatingTable>("[[1, 2], [3]]").is_err());
}

#[test]
fn states_survive_being_written() {
    let table = RatingTable::of(3, &[0u32, 1, 2, 2], &[0, 1, 1, 2]).unwrap();
    let text = serde_json::to_string(&table).unwrap();
    assert_eq!(text, "[[1,0,0],[0,1,0],[0,1,1]]");
    assert_eq!(serde_json::from_str::<RatingTable>(&text).unwrap(), table);
    let results = table.finish().unwrap();
    let text = serde_json::to_string(&results).unwrap();
    assert_eq!(
        serde_json::from_str::<medmetrics::agreement::RatingAgreement>(&text).unwrap(),
        results
    );
}

#[test]
fn every_type_and_every_number_of_threads_counts_the_same() {
    let mut random = Key::new(3).stream("ratings");
    let mut ratings = || {
        (0..2_500_001)
            .map(|_| random.below(5) as u8)
            .collect::<Vec<u8>>()
    };
    let (first, second) = (ratings(), ratings());
    let one_by_one = {
        let mut counts = vec![vec![0u64; 5]; 5];
        first
            .iter()
            .zip(&second)
            .for_each(|(&a, &b)| counts[a as usize][b as usize] += 1);
        RatingTable::try_from(counts).unwrap()
    };
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let table = pool
            .install(|| RatingTable::of(5, &first, &second))
            .unwrap();
        assert_eq!(table, one_by_one);
    }
    macro_rules! as_type {
        ($number:ty) => {{
            let [a, b] = [&first, &second]
                .map(|r| r.iter().map(|&v| <$number>::from(v)).collect::<Vec<_>>());
            assert_eq!(RatingTable::of(5, &a, &b).unwrap(), one_by_one);
        }};
    }
    as_type!(u16);
    as_type!(u32);
    as_type!(i64);
}

proptest! {
    #[test]
    fn any_partition_in_any_order_gives_the_same_table(
        pairs in prop::collection::vec((0u32..20, 0u32..20), 0..60),
        cut in 0usize..60,
    ) {
        let mut whole = RatingTable::new(20).unwrap();
        pairs.iter().try_for_each(|&(a, b)| whole.push([a, b])).unwrap();
        let cut = cut.min(pairs.len());
        let mut parts = [RatingTable::new(20).unwrap(), RatingTable::new(20).unwrap()];
        for (i, &(a, b)) in pairs.iter().enumerate().rev() {
            parts[usize::from(i < cut)].push([a, b]).unwrap();
        }
        let [mut late, early] = parts;
        late.merge(&early).unwrap();
        prop_assert_eq!(&late, &whole);
        prop_assert_eq!(late.finish().unwrap(), whole.finish().unwrap());
    }

    #[test]
    fn kappa_is_symmetric_bounded_and_blind_to_names(
        counts in prop::collection::vec(0u64..9, 16),
        quadratic in any::<bool>(),
    ) {
        let weights = if quadratic { KappaWeights::Quadratic } else { KappaWeights::Unweighted };
        let turned = |place: &dyn Fn(usize, usize) -> usize| {
            let rows = (0..4).map(|r| (0..4).map(|c| counts[place(r, c)]).collect());
            RatingTable::try_from(rows.collect::<Vec<Vec<u64>>>()).unwrap()
        };
        let kappa = Kappa::cohen(weights);
        let plain = kappa.of(&turned(&|r, c| 4 * r + c)).unwrap();
        let swapped = kappa.of(&turned(&|r, c| 4 * c + r)).unwrap();
        let reversed = kappa.of(&turned(&|r, c| 4 * (3 - r) + 3 - c)).unwrap();
        prop_assert_eq!(plain.estimate.value.is_some(), swapped.estimate.value.is_some());
        if let Some(value) = plain.estimate.value {
            prop_assert!(value <= 1.0);
            prop_assert!(value <= plain.maximum.unwrap() + 1e-12);
            prop_assert!((value - swapped.estimate.value.unwrap()).abs() < 1e-12);
            prop_assert!((value - reversed.estimate.value.unwrap()).abs() < 1e-12);
            prop_assert!((plain.standard_error.unwrap() - swapped.standard_error.unwrap()).abs() < 1e-9);
        }
    }
}

/// The largest weighted kappa by trying every table with the same margins.
#[test]
fn the_maximum_is_that_of_the_best_table_with_these_frequencies() {
    let (rows, columns) = ([3u64, 1, 2], [1u64, 3, 2]);
    for weights in [
        KappaWeights::Unweighted,
        KappaWeights::Linear,
        KappaWeights::Quadratic,
    ] {
        let kappa = Kappa::cohen(weights);
        let mut best = f64::NEG_INFINITY;
        let mut claimed = None;
        for free in 0..4u64.pow(4) {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| free / 4u64.pow(i) % 4);
            let counts = [
                [Some(a), Some(b), rows[0].checked_sub(a + b)],
                [Some(c), Some(d), rows[1].checked_sub(c + d)],
                [
                    columns[0].checked_sub(a + c),
                    columns[1].checked_sub(b + d),
                    (columns[2] + a + b + c + d).checked_sub(rows[0] + rows[1]),
                ],
            ];
            let Some(counts) = counts
                .into_iter()
                .map(|row| row.into_iter().collect())
                .collect::<Option<Vec<Vec<u64>>>>()
            else {
                continue;
            };
            let result = kappa.of(&RatingTable::try_from(counts).unwrap()).unwrap();
            best = best.max(result.estimate.value.unwrap());
            claimed = result.maximum;
        }
        near(claimed.unwrap(), best, 1e-12, "maximum");
    }
}

#[test]
fn intervals_cover_as_often_as_statsmodels() {
    for (index, case) in fixture("kappa")["coverage"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let shares = rows(&case["shares"]).concat();
        let categories = case["shares"].as_array().unwrap().len();
        let kappa = Kappa::cohen(weights(case["weights"].as_str().unwrap()));
        let truth = number(&case["true"]);
        let n = case["n"].as_u64().unwrap();
        let mut random = Key::new(11).sample(index as u32).stream("kappa");
        assert_coverage(case, || {
            let mut table = RatingTable::new(categories).unwrap();
            for _ in 0..n {
                let place = draw(&shares, &mut random);
                table
                    .push([(place / categories) as u32, (place % categories) as u32])
                    .unwrap();
            }
            let interval = kappa.of(&table).unwrap().estimate.interval;
            interval.is_some_and(|interval| interval.contains(truth))
        });
    }
}
