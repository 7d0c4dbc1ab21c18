//! Intervals of decisions, predictive values and decision curves against statsmodels, formulas and dcurves
//! (`benefit.py`).

use medmetrics::classification::{
    AtPrevalence, BinaryCounts, BinaryMeasure, ConfusionMatrix, CostMatrix, DecisionCurve,
    DecisionIntervals, PredictiveInterval, Ranking, Scores, Stratified, post_test_probability,
};
use medmetrics::{Accumulator, Confidence, Error, Estimate, IntervalMethod};
use serde_json::Value;

use crate::reference::{assert_close, labels, list, number, numbers};

fn fixture() -> Value {
    serde_json::from_str(include_str!("benefit.json")).unwrap()
}

/// In the order of the fixture: positives found and missed, negatives called and cleared.
fn counts(
    [true_positive, false_negative, false_positive, true_negative]: [u64; 4],
) -> BinaryCounts {
    BinaryCounts {
        true_positive,
        false_positive,
        false_negative,
        true_negative,
    }
}

/// The measure of this name with its interval.
fn estimate(counts: &BinaryCounts, name: &str, prevalence: f64) -> Estimate {
    let intervals = DecisionIntervals::default();
    let measure = match name {
        "lr+" => BinaryMeasure::PositiveLikelihoodRatio,
        "lr-" => BinaryMeasure::NegativeLikelihoodRatio,
        "dor" => BinaryMeasure::DiagnosticOddsRatio,
        "sensitivity" => BinaryMeasure::Sensitivity,
        "informedness" => BinaryMeasure::Informedness,
        predictive => {
            let (value, kind) = predictive.split_once(':').unwrap();
            let kind: PredictiveInterval = serde_json::from_value(Value::from(kind)).unwrap();
            let at = AtPrevalence::new(prevalence).unwrap();
            let values = at
                .with_interval(kind, Confidence::default())
                .predictive_values(counts);
            return if value == "ppv" {
                values.positive
            } else {
                values.negative
            };
        }
    };
    intervals.estimate(counts, measure)
}

#[test]
fn values_and_intervals_are_those_of_statsmodels_and_the_formulas() {
    for table in list(&fixture(), "tables") {
        let list: Vec<u64> = list(table, "counts")
            .iter()
            .map(|v| v.as_u64().unwrap())
            .collect();
        let counts = counts(list.try_into().unwrap());
        for name in table["values"].as_object().unwrap().keys() {
            let want = numbers(&table["values"], name);
            let got = estimate(&counts, name, 0.03);
            let interval = got.interval.unwrap();
            for (got, want) in [got.value.unwrap(), interval.low, interval.high]
                .into_iter()
                .zip(want)
            {
                assert_close(
                    Some(got),
                    Some(want),
                    1e-9,
                    &format!("{name} of {counts:?}"),
                );
            }
        }
    }
}

fn binomial(n: u64, k: u64, p: f64) -> f64 {
    let log_factorial = |n: u64| libm::lgamma(n as f64 + 1.0);
    let choose = log_factorial(n) - log_factorial(k) - log_factorial(n - k);
    libm::exp(choose + k as f64 * libm::log(p) + (n - k) as f64 * libm::log(1.0 - p))
}

/// Coverage is summed over all outcomes instead of being simulated.
#[test]
fn intervals_hold_the_truth_as_often_as_the_reference_does() {
    for study in list(&fixture(), "covered") {
        let design = numbers(study, "study");
        let (positives, negatives) = (design[0] as u64, design[1] as u64);
        let prevalence = study["prevalence"].as_f64().unwrap();
        for (name, want) in study["coverage"].as_object().unwrap() {
            let truth = study["truths"][name.split(':').next().unwrap()]
                .as_f64()
                .unwrap();
            let (mut held, mut defined) = (0.0, 0.0);
            for tp in 0..=positives {
                for tn in 0..=negatives {
                    let weight =
                        binomial(positives, tp, design[2]) * binomial(negatives, tn, design[3]);
                    let counts = counts([tp, positives - tp, negatives - tn, tn]);
                    if let Some(interval) = estimate(&counts, name, prevalence).interval {
                        defined += weight;
                        held += if interval.contains(truth) {
                            weight
                        } else {
                            0.0
                        };
                    }
                }
            }
            assert_close(Some(held / defined), number(want), 1e-9, name);
            assert!(
                (0.925..0.975).contains(&(held / defined)),
                "{name}: as documented"
            );
        }
    }
}

#[test]
fn decision_curves_are_those_of_dcurves() {
    let fixture = fixture();
    let truth: Vec<bool> = labels(&fixture, "truth")
        .iter()
        .map(|&label| label == 1)
        .collect();
    let ranking = Ranking::of(&truth, &numbers(&fixture, "scores")).unwrap();
    let thresholds = numbers(&fixture, "thresholds");
    for want in list(&fixture, "curves") {
        let curve = DecisionCurve::of(&ranking, &thresholds, want["prevalence"].as_f64()).unwrap();
        for (i, point) in curve.points.iter().enumerate() {
            let close =
                |got, name: &str| assert_close(Some(got), number(&want[name][i]), 1e-10, name);
            close(point.net_benefit, "net_benefit");
            close(point.treat_all, "treat_all");
            close(
                point.interventions_avoided.unwrap(),
                "interventions_avoided",
            );
            assert_eq!(
                point.standardised,
                Some(point.net_benefit / curve.prevalence)
            );
        }
    }
}

#[test]
fn decision_curves_refuse_what_is_no_probability() {
    let logits = Ranking::of(&[true, false], &[2.0, -1.0]).unwrap();
    let refused = DecisionCurve::of(&logits, &[0.5], None).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "each score must be a probability, got 2"
    );
    let ranking = Ranking::of(&[true, true], &[0.2, 0.7]).unwrap();
    assert!(matches!(
        DecisionCurve::of(&ranking, &[0.5, 1.0], None),
        Err(Error::InvalidValue { index: 1, .. })
    ));
    assert!(matches!(
        DecisionCurve::of(&ranking, &[0.5], Some(0.1)),
        Err(Error::TooFew { .. })
    ));
    let empty = Ranking::<f64>::of(&[], &[]).unwrap();
    assert!(matches!(
        DecisionCurve::of(&empty, &[0.5], None),
        Err(Error::TooFew { .. })
    ));
    let all = DecisionCurve::of(&ranking, &[0.0], None).unwrap().points[0];
    assert_eq!(
        (all.net_benefit, all.treat_all, all.interventions_avoided),
        (1.0, 1.0, None)
    );
}

#[test]
fn bayes_theorem_by_ratios_and_by_rates_agree() {
    let counts = counts([45, 5, 8, 92]);
    let values = AtPrevalence::new(0.1).unwrap().predictive_values(&counts);
    let [after_positive, after_negative] = counts.post_test_probabilities(0.1).unwrap();
    assert_close(after_positive, values.positive.value, 1e-14, "positive");
    assert_close(
        after_negative.map(|p| 1.0 - p),
        values.negative.value,
        1e-14,
        "negative",
    );
    assert!(AtPrevalence::new(0.0).is_err() && AtPrevalence::new(f64::NAN).is_err());
    assert!(
        post_test_probability(0.1, -1.0).is_err() && post_test_probability(0.1, f64::NAN).is_err()
    );
    let json = serde_json::to_string(&AtPrevalence::new(0.1).unwrap()).unwrap();
    assert_eq!(
        serde_json::from_str::<AtPrevalence>(&json).unwrap(),
        AtPrevalence::new(0.1).unwrap()
    );
    assert!(serde_json::from_str::<AtPrevalence>(&json.replace("0.1", "1.1")).is_err());
}

#[test]
fn empty_cells_leave_an_interval_undefined_or_corrected() {
    let perfect = counts([5, 0, 0, 7]);
    let at = AtPrevalence::new(0.2).unwrap();
    let plain = at.with_interval(PredictiveInterval::Logit, Confidence::default());
    assert_eq!(plain.predictive_values(&perfect).positive.interval, None);
    let corrected = at.predictive_values(&perfect).positive;
    assert_eq!(corrected.value, Some(1.0));
    let interval = corrected.interval.unwrap();
    assert_eq!(interval.method, IntervalMethod::LogitNormal);
    assert!(0.0 < interval.low && interval.low < interval.high && interval.high < 1.0);
    let intervals = DecisionIntervals::default();
    let ratio = intervals.estimate(&perfect, BinaryMeasure::PositiveLikelihoodRatio);
    assert_eq!((ratio.value, ratio.interval), (Some(f64::INFINITY), None));
    let nothing = counts([0; 4]);
    assert_eq!(at.predictive_values(&nothing).positive.value, None);
    assert_eq!(
        intervals
            .estimate(&nothing, BinaryMeasure::Accuracy)
            .interval,
        None
    );
    let balanced = intervals.estimate(&perfect, BinaryMeasure::BalancedAccuracy);
    let informed = intervals.estimate(&perfect, BinaryMeasure::Informedness);
    let (balanced, informed) = (balanced.interval.unwrap(), informed.interval.unwrap());
    assert_eq!(balanced.low, 0.5 * (1.0 + informed.low));
}

#[test]
fn costs_follow_the_population() {
    let matrix = ConfusionMatrix::of(&[0, 0, 0, 0, 1, 1], &[0, 0, 0, 1, 1, 0], 2).unwrap();
    let costs = CostMatrix::new(2, vec![0.0, 1.0, 8.0, 0.0]).unwrap();
    assert_close(
        costs.expected(&matrix).unwrap().value,
        Some((1.0 + 8.0) / 6.0),
        1e-15,
        "own",
    );
    let rare = costs.clone().with_priors(vec![9.0, 1.0]).unwrap();
    assert_close(
        rare.expected(&matrix).unwrap().value,
        Some(0.9 / 4.0 + 0.1 * 4.0),
        1e-15,
        "rare",
    );
    assert_close(
        rare.normalised(&matrix).unwrap().value,
        Some(0.625 / 0.8),
        1e-15,
        "rare",
    );
    let zero_one = CostMatrix::new(2, vec![0.0, 1.0, 1.0, 0.0]).unwrap();
    let accuracy = matrix.accuracy().value.unwrap();
    assert_close(
        zero_one.expected(&matrix).unwrap().value,
        Some(1.0 - accuracy),
        1e-15,
        "error rate",
    );
    let alone = ConfusionMatrix::of(&[0], &[0], 2).unwrap();
    assert_eq!(
        rare.expected(&alone).unwrap().value,
        None,
        "a class with a prior is missing"
    );
    assert!(CostMatrix::new(2, vec![0.0; 3]).is_err());
    assert!(CostMatrix::new(2, vec![0.0, f64::NAN, 0.0, 0.0]).is_err());
    assert!(costs.with_priors(vec![0.0, 0.0]).is_err());
}

#[test]
fn strata_merge_in_any_order_and_refused_items_leave_none_behind() {
    let items = [
        ("A", 0.9, true),
        ("B", 0.1, true),
        ("A", 0.2, false),
        ("B", 0.3, false),
    ];
    let of = |range: &[(&str, f64, bool)]| {
        let mut scores = Stratified::new(Scores::new());
        range
            .iter()
            .for_each(|&(site, score, positive)| scores.push((site, (score, positive))).unwrap());
        scores
    };
    let whole = of(&items).finish().unwrap();
    for cut in 0..=items.len() {
        let (left, right) = items.split_at(cut);
        let mut merged = of(right);
        merged.merge(&of(left)).unwrap();
        assert_eq!(merged.finish().unwrap(), whole);
    }
    let mut scores = of(&items);
    assert!(scores.push(("C", (f64::NAN, true))).is_err());
    assert_eq!(scores.strata().len(), 2);
}
