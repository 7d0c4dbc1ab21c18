//! AUCs with their covariance against the matrix of all pairs (delong.py), coverage, and laws.

use medcore::random::Key;
use medmetrics::statistics::distribution::normal_quantile;
use medmetrics::statistics::{AucDifference, AucScale, Clusters, CorrelatedAucs, DeLong};
use medmetrics::{Confidence, Error, IntervalMethod};
use proptest::prelude::*;
use serde::Deserialize;

use crate::assert_near;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
    coverage: Vec<Coverage>,
}

#[derive(Deserialize)]
struct Case {
    scores: Vec<Vec<f64>>,
    labels: Vec<bool>,
    patients: Vec<u32>,
    aucs: Vec<f64>,
    covariance: Vec<Vec<f64>>,
    clustered: Vec<Vec<f64>>,
    plain: [f64; 2],
    logit: [f64; 2],
    chi_squared: f64,
    p: f64,
}

#[derive(Deserialize)]
struct Coverage {
    positives: usize,
    negatives: usize,
    truth: f64,
    samples: f64,
    plain: f64,
    logit: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("delong.json")).unwrap()
}

fn curves(case: &Case) -> Vec<DeLong> {
    let curve = |scores: &Vec<f64>| DeLong::new(scores, &case.labels).unwrap();
    case.scores.iter().map(curve).collect()
}

#[track_caller]
fn assert_matrix_near(got: &[Vec<f64>], want: &[Vec<f64>]) {
    for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
        assert!((got - want).abs() <= 1e-12, "{got} is not {want}");
    }
}

#[test]
fn covariances_are_those_of_all_pairs() {
    let confidence = Confidence::default();
    for case in fixture().cases {
        let curves = curves(&case);
        let independent = CorrelatedAucs::new(&curves).unwrap();
        let patients = Clusters::new(&case.patients);
        let clustered = CorrelatedAucs::clustered(&curves, &patients).unwrap();
        for (got, &want) in independent.aucs.iter().zip(&case.aucs) {
            assert_near(*got, want, 1e-15);
        }
        assert_matrix_near(&independent.covariance, &case.covariance);
        assert_matrix_near(&clustered.covariance, &case.clustered);
        for (scale, want) in [(AucScale::Plain, case.plain), (AucScale::Logit, case.logit)] {
            let estimate = curves[0].estimate(scale, confidence);
            let interval = estimate.interval.unwrap();
            assert_near(interval.low, want[0], 1e-10);
            assert_near(interval.high, want[1], 1e-10);
            let same = independent.estimate(0, scale, confidence).unwrap();
            assert_eq!(same.interval, estimate.interval);
        }
        let equality = independent.equality();
        assert_near(equality.statistic.unwrap(), case.chi_squared, 1e-8);
        assert_near(equality.p.unwrap(), case.p, 1e-8);
    }
}

#[test]
fn paired_differences_come_from_the_covariance() {
    for case in fixture().cases {
        let aucs = CorrelatedAucs::new(&curves(&case)).unwrap();
        let s = &case.covariance;
        let error = (s[0][0] + s[1][1] - 2.0 * s[0][1]).sqrt();
        let got = aucs.difference(1, 0, Confidence::default()).unwrap();
        assert_near(got.standard_error, error, 1e-9);
        let difference = case.aucs[1] - case.aucs[0];
        assert_near(got.test.statistic.unwrap(), difference / error, 1e-9);
        let interval = got.difference.interval.unwrap();
        assert_near(
            interval.high - difference,
            -normal_quantile(0.025) * error,
            1e-9,
        );
        if case.aucs.len() == 2 {
            // One contrast: chi-squared is the square of z.
            assert_near(case.p, got.test.p.unwrap(), 1e-8);
        }
    }
}

#[test]
fn separate_cases_add_their_variances() {
    let cases = fixture().cases;
    let [a, b] = [&cases[0], &cases[1]].map(|case| curves(case).remove(0));
    let got = AucDifference::unpaired(&a, &b, Confidence::default()).unwrap();
    let variance = cases[0].covariance[0][0] + cases[1].covariance[0][0];
    assert_near(got.standard_error, variance.sqrt(), 1e-10);
    assert_eq!(got.test.n, 100);
}

/// The bound of 95 % for ten perfect pairs is 0.05^(1/10); nothing of it depends on the other class.
#[test]
fn perfect_separation_has_a_bound_instead_of_a_variance() {
    let mut scores: Vec<f64> = (0..40).map(f64::from).collect();
    let labels: Vec<bool> = (0..40).map(|i| i >= 30).collect();
    let estimate = |scores: &[f64]| {
        DeLong::new(scores, &labels)
            .unwrap()
            .estimate(AucScale::Logit, Confidence::default())
    };
    let perfect = estimate(&scores);
    assert_eq!(perfect.value, Some(1.0));
    let interval = perfect.interval.unwrap();
    assert_eq!(
        (interval.high, interval.method),
        (1.0, IntervalMethod::ExactBound)
    );
    assert_near(interval.low, libm::pow(0.05, 0.1), 1e-12);
    scores.iter_mut().for_each(|score| *score = -*score);
    let interval = estimate(&scores).interval.unwrap();
    assert_near(interval.high, 1.0 - libm::pow(0.05, 0.1), 1e-12);
    let constant = estimate(&[3.0; 40]);
    assert_eq!((constant.value, constant.interval), (Some(0.5), None));
}

#[test]
fn what_has_no_auc_is_undefined_and_what_is_no_score_refused() {
    let confidence = Confidence::default();
    let one_class = DeLong::new(&[0.1, 0.2], &[true, true]).unwrap();
    assert_eq!(one_class.estimate(AucScale::Plain, confidence).value, None);
    assert!(matches!(
        CorrelatedAucs::new(&[one_class]),
        Err(Error::TooFew { .. })
    ));
    let one_positive = DeLong::new(&[0.1, 0.2, 0.15], &[true, false, false]).unwrap();
    let estimate = one_positive.estimate(AucScale::Plain, confidence);
    assert_eq!(estimate.value, Some(0.0));
    assert_eq!(one_positive.variance(), None);
    let message = DeLong::new(&[0.1, f64::NAN], &[true, false])
        .unwrap_err()
        .to_string();
    assert_eq!(message, "scores must be numbers, entry 1 is NaN");
    assert!(DeLong::new(&[0.1], &[true, false]).is_err());
    let zeros = DeLong::new(&[0.0, -0.0, f64::INFINITY], &[true, false, true]).unwrap();
    assert_eq!(zeros.auc(), Some(0.75), "both zeros are one score");
    let labels = [true, true, false, false];
    let a = DeLong::new(&[0.1, 0.2, 0.3, 0.4], &labels).unwrap();
    let b = DeLong::new(&[0.1, 0.2, 0.3, 0.4], &[true, false, true, false]).unwrap();
    let message = CorrelatedAucs::new(&[a, b]).unwrap_err().to_string();
    assert_eq!(
        message,
        "labels of a curve must be those of the first curve, entry 1 is 0"
    );
}

#[test]
fn a_curve_does_not_differ_from_itself() {
    for case in fixture().cases {
        let curve = curves(&case).remove(0);
        let aucs = CorrelatedAucs::new(&[curve.clone(), curve]).unwrap();
        let difference = aucs.difference(0, 1, Confidence::default()).unwrap();
        assert_eq!(difference.test.p, Some(1.0));
        assert_eq!(difference.test.statistic, None);
        assert_eq!(aucs.equality().p, None);
    }
}

/// In two binormal classes; the reference's samples are other ones, so that both err.
#[test]
fn coverage_is_that_of_the_reference() {
    const SAMPLES: u32 = 4000;
    let confidence = Confidence::default();
    for setting in fixture().coverage {
        let shift = std::f64::consts::SQRT_2 * normal_quantile(setting.truth);
        let cases = setting.positives + setting.negatives;
        let labels: Vec<bool> = (0..cases).map(|i| i < setting.positives).collect();
        let mut covered = [0.0; 2];
        for sample in 0..SAMPLES {
            let mut random = Key::new(9).sample(sample).stream("coverage");
            let mut score =
                |&positive: &bool| f64::from(u8::from(positive)) * shift + random.normal();
            let scores: Vec<f64> = labels.iter().map(&mut score).collect();
            let curve = DeLong::new(&scores, &labels).unwrap();
            for (covered, scale) in covered.iter_mut().zip([AucScale::Plain, AucScale::Logit]) {
                let interval = curve.estimate(scale, confidence).interval.unwrap();
                *covered += f64::from(u8::from(interval.contains(setting.truth)));
            }
        }
        for (covered, want) in covered.into_iter().zip([setting.plain, setting.logit]) {
            let samples = f64::from(SAMPLES);
            let spread = (want * (1.0 - want) * (1.0 / samples + 1.0 / setting.samples)).sqrt();
            let got = covered / samples;
            assert!((got - want).abs() < 4.0 * spread, "{got}, reference {want}");
        }
    }
}

fn scored() -> impl Strategy<Value = Vec<(f64, bool)>> {
    prop::collection::vec(((0i8..12).prop_map(f64::from), any::<bool>()), 4..40)
}

fn auc(cases: &[(f64, bool)]) -> DeLong {
    let (scores, labels): (Vec<f64>, Vec<bool>) = cases.iter().copied().unzip();
    DeLong::new(&scores, &labels).unwrap()
}

proptest! {
    #[test]
    fn the_auc_is_mann_whitneys(cases in scored()) {
        let (mut ordered, mut pairs) = (0.0, 0.0);
        for a in cases.iter().filter(|case| case.1) {
            for b in cases.iter().filter(|case| !case.1) {
                pairs += 1.0;
                ordered += if a.0 > b.0 { 1.0 } else if a.0 == b.0 { 0.5 } else { 0.0 };
            }
        }
        prop_assert_eq!(auc(&cases).auc(), (pairs > 0.0).then(|| ordered / pairs));
    }

    /// Neither a monotone change of the scores nor the order of cases matters; turned scores mirror.
    #[test]
    fn only_the_order_of_scores_matters(cases in scored(), seed in any::<u64>()) {
        let here = auc(&cases);
        let mapped = |f: fn(f64) -> f64| {
            let mut mapped: Vec<_> = cases.iter().map(|&(score, label)| (f(score), label)).collect();
            Key::new(seed).stream("order").shuffle(&mut mapped);
            auc(&mapped)
        };
        let (warped, turned) = (mapped(|v| libm::exp(v) - 1e3), mapped(|v| -v));
        prop_assert_eq!(here.auc(), warped.auc());
        let sum = here.auc().zip(turned.auc()).map(|(a, b)| a + b);
        prop_assert!(sum.is_none_or(|sum| (sum - 1.0).abs() < 1e-15));
        for other in [warped, turned] {
            let pair = here.variance().zip(other.variance());
            prop_assert_eq!(here.variance().is_some(), other.variance().is_some());
            prop_assert!(pair.is_none_or(|(a, b)| (a - b).abs() < 1e-14));
        }
    }

    #[test]
    fn clusters_of_one_case_are_no_clusters(cases in scored()) {
        let curve = auc(&cases);
        prop_assume!(curve.positives() >= 2 && curve.negatives() >= 2);
        let alone = Clusters::new(&(0..cases.len()).collect::<Vec<_>>());
        let clustered = CorrelatedAucs::clustered(std::slice::from_ref(&curve), &alone).unwrap();
        prop_assert!((clustered.covariance[0][0] - curve.variance().unwrap()).abs() < 1e-14);
    }
}
