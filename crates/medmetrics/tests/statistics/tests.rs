//! Tests of hypotheses against SciPy and statsmodels (tests.py), their level, and laws.

use std::collections::HashMap;

use medcore::random::Key;
use medmetrics::statistics::{
    Alternative, DeLong, Equivalence, MannWhitneyTest, McNemar, MultipleTests, NullDistribution,
    PairedCounts, PermutationTest, SignedRankTest, TestResult, ZeroRule,
};
use medmetrics::{Confidence, Error};
use proptest::prelude::*;
use serde::Deserialize;

use crate::assert_near;

#[derive(Deserialize)]
struct Fixture {
    tables: Vec<Table>,
    signed: Vec<Signed>,
    groups: Vec<Groups>,
    permutations: Vec<Permutation>,
    p_values: Vec<f64>,
    adjusted: HashMap<String, Vec<f64>>,
    tost: Tost,
}

#[derive(Deserialize)]
struct Table {
    first_only: u64,
    second_only: u64,
    exact: [f64; 2],
    mid_p: [f64; 2],
    asymptotic: [f64; 2],
    corrected: [f64; 2],
}

#[derive(Deserialize)]
struct Signed {
    differences: Vec<f64>,
    alternative: Alternative,
    zeros: ZeroRule,
    distribution: NullDistribution,
    statistic: f64,
    p: f64,
}

#[derive(Deserialize)]
struct Groups {
    first: Vec<f64>,
    second: Vec<f64>,
    alternative: Alternative,
    distribution: NullDistribution,
    statistic: f64,
    p: f64,
}

#[derive(Deserialize)]
struct Permutation {
    paired: bool,
    first: Vec<f64>,
    second: Vec<f64>,
    alternative: Alternative,
    statistic: f64,
    p: f64,
}

#[derive(Deserialize)]
struct Tost {
    first: Vec<f64>,
    second: Vec<f64>,
    low: f64,
    high: f64,
    paired: [f64; 5],
    welch: [f64; 5],
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("tests.json")).unwrap()
}

#[track_caller]
fn assert_result(got: &TestResult, statistic: f64, p: f64) {
    assert_near(got.statistic.unwrap(), statistic, 1e-9);
    assert_near(got.p.unwrap(), p, 1e-9);
}

#[test]
fn mcnemar_is_statsmodels() {
    for table in fixture().tables {
        let counts = PairedCounts {
            both: 59,
            first_only: table.first_only,
            second_only: table.second_only,
            neither: 80,
        };
        for (method, [statistic, p]) in [
            (McNemar::Exact, table.exact),
            (McNemar::MidP, table.mid_p),
            (McNemar::Asymptotic, table.asymptotic),
            (McNemar::Corrected, table.corrected),
        ] {
            assert_result(&counts.mcnemar(method), statistic, p);
        }
    }
}

/// Equal counts speak for nothing; of the mid-p half the middle is taken away.
#[test]
fn mcnemar_without_a_difference_finds_none() {
    let counts = |n| PairedCounts {
        first_only: n,
        second_only: n,
        ..PairedCounts::default()
    };
    for method in [McNemar::Exact, McNemar::Asymptotic, McNemar::Corrected] {
        assert_eq!(counts(0).mcnemar(method).p, Some(1.0));
        assert_eq!(counts(7).mcnemar(method).p, Some(1.0));
    }
    assert_eq!(counts(0).mcnemar(McNemar::MidP).p, Some(1.0));
    assert_near(counts(1).mcnemar(McNemar::MidP).p.unwrap(), 0.75, 1e-12);
}

#[test]
fn signed_ranks_are_scipys() {
    for case in fixture().signed {
        let test = SignedRankTest {
            zeros: case.zeros,
            alternative: case.alternative,
            distribution: case.distribution,
        };
        assert_result(
            &test.test(&case.differences).unwrap(),
            case.statistic,
            case.p,
        );
    }
}

#[test]
fn mann_and_whitney_are_scipys() {
    for case in fixture().groups {
        let test = MannWhitneyTest {
            alternative: case.alternative,
            distribution: case.distribution,
        };
        let result = test.test(&case.first, &case.second).unwrap();
        assert_result(&result, case.statistic, case.p);
    }
}

#[test]
fn exact_permutations_are_scipys() {
    for case in fixture().permutations {
        let test = PermutationTest {
            alternative: case.alternative,
            ..PermutationTest::default()
        };
        let result = if case.paired {
            test.paired_means(&case.first, &case.second)
        } else {
            test.unpaired_means(&case.first, &case.second)
        };
        assert_result(&result.unwrap(), case.statistic, case.p);
    }
}

#[test]
fn drawn_permutations_come_near_the_exact_ones_on_any_number_of_threads() {
    for case in fixture().permutations {
        let test = PermutationTest {
            alternative: case.alternative,
            most_exact: 0,
            ..PermutationTest::default()
        };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                if case.paired {
                    test.paired_means(&case.first, &case.second).unwrap()
                } else {
                    test.unpaired_means(&case.first, &case.second).unwrap()
                }
            })
        };
        let result = on(1);
        let p = result.p.unwrap();
        let spread = 2.0 * (case.p * (1.0 - case.p) / 1e4).sqrt();
        assert!((p - case.p).abs() < 4.0 * spread + 1e-4, "{p} {}", case.p);
        assert!(p >= 1e-4);
        assert_eq!(result, on(2));
        assert_eq!(result, on(4));
    }
}

/// Tied statistics differ by rounding alone, which grows and shrinks with the unit.
#[test]
fn permutations_do_not_depend_on_the_unit() {
    let first = [0.1, 0.4, 0.3, 0.7, 0.2, 0.9, 0.6];
    let second = [0.3, 0.2, 0.5, 0.5, 0.4, 0.7, 0.7];
    let test = PermutationTest::default();
    let p = |unit: f64, shift: f64| {
        let [a, b] = [first, second].map(|list| list.map(|v| unit * v + shift));
        [test.paired_means(&a, &b), test.unpaired_means(&a, &b)].map(|r| r.unwrap().p.unwrap())
    };
    // Whole numbers have no rounding: what the tails are.
    let whole = p(10.0, 0.0);
    for (unit, shift) in [
        (1e6, 0.0),
        (1e-6, 0.0),
        (1e-18, 0.0),
        (1e290, 0.0),
        (1.0, 1000.0),
    ] {
        assert_eq!(p(unit, shift), whole, "{unit} {shift}");
    }
    // Differences far below 1e-14 are differences, the observed one the largest.
    let small: Vec<f64> = (1..=6).map(|i| 1e-20 * f64::from(i)).collect();
    let result = test.paired_means(&small, &[0.0; 6]).unwrap();
    assert_eq!(result.p, Some(2.0 / 64.0));
}

/// Swapping the scores of two models case by case asks DeLong's question without its normal distribution.
#[test]
fn a_permutation_of_scores_agrees_with_delong() {
    let mut random = Key::new(12).stream("scores");
    let labels: Vec<bool> = (0..120).map(|i| i % 3 == 0).collect();
    let scores: Vec<[f64; 2]> = labels
        .iter()
        .map(|&positive| {
            let shared = random.normal() + f64::from(u8::from(positive));
            [shared + random.normal(), shared + 1.4 * random.normal()]
        })
        .collect();
    let of = |side: usize, swaps: &[bool]| {
        let side = |(pair, &swap): (&[f64; 2], &bool)| pair[side ^ usize::from(swap)];
        let scores: Vec<f64> = scores.iter().zip(swaps).map(side).collect();
        DeLong::new(&scores, &labels).unwrap()
    };
    let gap = |swaps: &[bool]| of(0, swaps).auc().unwrap() - of(1, swaps).auc().unwrap();
    let permuted = PermutationTest::default()
        .paired(labels.len(), gap)
        .unwrap();
    let none = vec![false; labels.len()];
    let aucs = medmetrics::statistics::CorrelatedAucs::new(&[of(0, &none), of(1, &none)]).unwrap();
    let delong = aucs.difference(0, 1, Confidence::default()).unwrap();
    let (permuted, delong) = (permuted.p.unwrap(), delong.test.p.unwrap());
    assert!((permuted - delong).abs() < 0.03, "{permuted} {delong}");
}

#[test]
fn adjusted_p_values_are_statsmodels() {
    let fixture = fixture();
    for (name, want) in fixture.adjusted {
        let method: MultipleTests = serde_json::from_str(&format!("{name:?}")).unwrap();
        let got = method.adjust(&fixture.p_values).unwrap();
        got.iter()
            .zip(want)
            .for_each(|(&got, want)| assert_near(got, want, 1e-12));
    }
    let message = MultipleTests::Holm
        .adjust(&[0.2, 1.5])
        .unwrap_err()
        .to_string();
    assert_eq!(message, "p values must be between 0 and 1, entry 1 is 1.5");
    assert_eq!(MultipleTests::Holm.adjust(&[]).unwrap(), [0.0; 0]);
}

#[test]
fn equivalence_is_statsmodels() {
    let Tost {
        first,
        second,
        low,
        high,
        paired,
        welch,
    } = fixture().tost;
    let test = Equivalence {
        low,
        high,
        confidence: Confidence::new(0.9).unwrap(),
    };
    for (result, [p, t_low, p_low, t_high, p_high]) in [
        (test.paired(&first).unwrap(), paired),
        (test.unpaired(&first, &second).unwrap(), welch),
    ] {
        assert_near(result.p.unwrap(), p, 1e-9);
        assert_result(&result.above_low, t_low, p_low);
        // Theirs is the deviation from the upper limit, below 0.
        assert_result(&result.below_high, -t_high, p_high);
        // The interval lies inside exactly when both tests find so at half of what it leaves out.
        let interval = result.difference.interval.unwrap();
        assert_eq!(low < interval.low && interval.high < high, p < 0.05);
    }
    let constant = test.paired(&[0.1; 4]).unwrap();
    assert_eq!((constant.p, constant.difference.interval), (None, None));
    assert!(Equivalence::within(0.0).is_err());
}

#[test]
fn what_cannot_be_tested_is_undefined_or_refused() {
    let zeros = SignedRankTest::default().test(&[0.0; 5]).unwrap();
    assert_eq!((zeros.statistic, zeros.p), (None, None));
    assert!(SignedRankTest::default().test(&[0.1, f64::NAN]).is_err());
    let ties = MannWhitneyTest::default()
        .test(&[1.0; 10], &[1.0; 12])
        .unwrap();
    assert_eq!((ties.statistic, ties.p), (Some(60.0), None));
    assert!(MannWhitneyTest::default().test(&[], &[1.0]).is_err());
    let permutation = PermutationTest::default();
    assert!(permutation.paired_means(&[], &[]).is_err());
    assert!(permutation.paired_means(&[1.0], &[]).is_err());
    assert!(permutation.unpaired_means(&[1.0], &[]).is_err());
    assert!(matches!(
        permutation.paired(3, |_| f64::NAN),
        Err(Error::InvalidValue { .. })
    ));
    let never = PermutationTest {
        most_exact: 0,
        draws: 0,
        ..permutation
    };
    assert!(matches!(
        never.paired(3, |_| 1.0),
        Err(Error::TooFew { .. })
    ));
}

/// Of true hypotheses, none is refused more often than stated; the mid-p comes near.
#[test]
fn mcnemar_keeps_its_level() {
    let (mut exact, mut mid_p, mut probability) = (0.0, 0.0, libm::pow(0.5, 30.0));
    for first_only in 0..=30 {
        let counts = PairedCounts {
            first_only,
            second_only: 30 - first_only,
            ..PairedCounts::default()
        };
        for (method, level) in [(McNemar::Exact, &mut exact), (McNemar::MidP, &mut mid_p)] {
            if counts.mcnemar(method).p.unwrap() <= 0.05 {
                *level += probability;
            }
        }
        probability *= (30 - first_only) as f64 / (first_only + 1) as f64;
    }
    assert!(
        exact <= 0.05 && exact <= mid_p && (0.04..0.055).contains(&mid_p),
        "{exact} {mid_p}"
    );
}

proptest! {
    #[test]
    fn turning_the_sides_turns_the_alternatives(
        a in prop::collection::vec(-20i8..20, 3..12),
        b in prop::collection::vec(-20i8..20, 3..12),
    ) {
        let [a, b] = [a, b].map(|v| v.into_iter().map(f64::from).collect::<Vec<f64>>());
        let on = |alternative| MannWhitneyTest { alternative, ..MannWhitneyTest::default() };
        let less = on(Alternative::Less).test(&a, &b).unwrap();
        let greater = on(Alternative::Greater).test(&b, &a).unwrap();
        let both = less.p.zip(greater.p);
        prop_assert!(both.is_none_or(|(less, greater)| (less - greater).abs() < 1e-12));
        let pairs = (a.len() * b.len()) as f64;
        prop_assert_eq!(less.statistic.unwrap() + greater.statistic.unwrap(), pairs);
        let on = |alternative| SignedRankTest { alternative, ..SignedRankTest::default() };
        let turned: Vec<f64> = a.iter().map(|v| -v).collect();
        let less = on(Alternative::Less).test(&a).unwrap();
        let greater = on(Alternative::Greater).test(&turned).unwrap();
        let both = less.p.zip(greater.p);
        prop_assert!(both.is_none_or(|(less, greater)| (less - greater).abs() < 1e-12));
    }

    #[test]
    fn adjusting_keeps_the_order_and_never_lowers(p in prop::collection::vec(0.0..=1.0f64, 1..20)) {
        for method in [MultipleTests::Holm, MultipleTests::BenjaminiHochberg] {
            let adjusted = method.adjust(&p).unwrap();
            let bonferroni = MultipleTests::Bonferroni.adjust(&p).unwrap();
            for i in 0..p.len() {
                prop_assert!(p[i] <= adjusted[i] && adjusted[i] <= bonferroni[i] + 1e-15);
                prop_assert!((0..p.len()).all(|j| p[i] > p[j] || adjusted[i] <= adjusted[j]));
            }
        }
    }
}
