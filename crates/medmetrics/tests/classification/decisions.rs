//! Confusion matrices against scikit-learn, torchmetrics and MONAI (`decisions.py`).

use medmetrics::Accumulator;
use medmetrics::classification::{
    AveragingRule, BinaryCounts, BinaryMeasure, ChanceLevel, ConfusionMatrix, MatthewsRule,
    MultiLabelCounts, ZeroDivision,
};
use serde_json::Value;

use crate::reference::{assert_close, labels, list, number};

fn fixture() -> Value {
    serde_json::from_str(include_str!("decisions.json")).unwrap()
}

fn measure(name: &str) -> BinaryMeasure {
    use BinaryMeasure as M;
    let all = [
        M::Sensitivity,
        M::Specificity,
        M::PositivePredictiveValue,
        M::NegativePredictiveValue,
        M::MissRate,
        M::FallOut,
        M::FalseDiscoveryRate,
        M::FalseOmissionRate,
        M::Accuracy,
        M::BalancedAccuracy,
        M::FBeta(0.5),
        M::FBeta(1.0),
        M::FBeta(2.0),
        M::Jaccard,
        M::Matthews,
        M::FowlkesMallows,
        M::Informedness,
        M::Markedness,
        M::PositiveLikelihoodRatio,
        M::NegativeLikelihoodRatio,
        M::PrevalenceThreshold,
    ];
    all.into_iter().find(|m| m.name() == name).unwrap()
}

fn counts(case: &Value) -> BinaryCounts {
    let list: Vec<u64> = list(case, "counts")
        .iter()
        .map(|v| v.as_u64().unwrap())
        .collect();
    BinaryCounts {
        true_positive: list[0],
        false_positive: list[1],
        true_negative: list[2],
        false_negative: list[3],
    }
}

fn matrix(counts: &BinaryCounts) -> ConfusionMatrix {
    let json = serde_json::json!({
        "classes": 2,
        "counts": [counts.true_negative, counts.false_positive, counts.false_negative, counts.true_positive],
        "ignored_label": null,
        "ignored": 0,
    });
    serde_json::from_value(json).unwrap()
}

#[test]
fn measures_of_four_counts_are_monais_and_scikit_learns() {
    for case in list(&fixture(), "binary") {
        let counts = counts(case);
        for (name, want) in case["values"].as_object().unwrap() {
            let mut got = counts.measure(measure(name));
            // MONAI calls x / 0 undefined as it does 0 / 0.
            if name == "prevalence-threshold" {
                got = got.filter(|v| v.is_finite());
            }
            assert_close(got, number(want), 1e-12, &format!("{name} of {counts:?}"));
        }
        for (rule, name) in [
            (MatthewsRule::ScikitLearn, "mcc:scikit-learn"),
            (MatthewsRule::Torchmetrics, "mcc:torchmetrics"),
        ] {
            let got = matrix(&counts).matthews(rule);
            assert_eq!(got.convention, name);
            let tolerance = if rule == MatthewsRule::Torchmetrics {
                1e-6
            } else {
                1e-12
            };
            let want = number(&case["rivals"][name]);
            assert_close(got.value, want, tolerance, &format!("{name} of {counts:?}"));
        }
    }
}

/// 80 of 100 positives found and 50 false alarms among 10^8: 0.7016; torchmetrics says 0.6847.
#[test]
fn rare_positives_do_not_cancel() {
    for case in list(&fixture(), "huge") {
        let counts = counts(case);
        let exact = counts.measure(BinaryMeasure::Matthews);
        assert_close(exact, Some(0.7016), 1e-4, "exact");
        let matrix = matrix(&counts);
        assert_close(
            matrix.matthews(MatthewsRule::Exact).value,
            exact,
            1e-14,
            "R_K",
        );
        let rival = matrix.matthews(MatthewsRule::Torchmetrics).value;
        assert_close(
            rival,
            number(&case["mcc:torchmetrics"]),
            1e-6,
            "torchmetrics",
        );
    }
}

#[test]
fn averages_over_classes_are_scikit_learns_and_torchmetrics() {
    for case in list(&fixture(), "several") {
        let classes = case["classes"].as_u64().unwrap() as usize;
        let matrix =
            ConfusionMatrix::of(&labels(case, "truth"), &labels(case, "decisions"), classes)
                .unwrap();
        let want: Vec<u64> = list(case, "matrix")
            .iter()
            .map(|v| v.as_u64().unwrap())
            .collect();
        assert_eq!(matrix.counts(), want);
        let whole = &case["whole"];
        for got in [
            matrix.accuracy(),
            matrix.balanced_accuracy(ChanceLevel::Kept),
            matrix.balanced_accuracy(ChanceLevel::Removed),
            matrix.matthews(MatthewsRule::ScikitLearn),
        ] {
            assert_close(
                got.value,
                number(&whole[&got.convention]),
                1e-12,
                &got.convention,
            );
        }
        let rival = matrix.matthews(MatthewsRule::Torchmetrics);
        assert_close(
            rival.value,
            number(&whole["mcc:torchmetrics"]),
            1e-6,
            "torchmetrics",
        );
        for average in list(case, "averages") {
            let rule: AveragingRule = serde_json::from_value(average["rule"].clone()).unwrap();
            let library = average["library"].as_str().unwrap();
            let tolerance = if library == "torchmetrics" {
                1e-6
            } else {
                1e-12
            };
            for (name, want) in average["values"].as_object().unwrap() {
                let got = matrix.average(measure(name), &rule);
                let what = format!("{name} {rule:?} of {library}, {classes} classes");
                assert_close(got.value, number(want), tolerance, &what);
            }
        }
    }
}

#[test]
fn averages_over_labels_and_cases_are_scikit_learns() {
    for case in list(&fixture(), "labels") {
        let rows = |name: &str| -> Vec<Vec<bool>> {
            let row = |row: &Value| row.as_array().unwrap().iter().map(|v| v == 1).collect();
            list(case, name).iter().map(row).collect()
        };
        let (truth, decisions) = (rows("truth"), rows("decisions"));
        let mut counts = MultiLabelCounts::new(truth[0].len()).unwrap();
        for (truth, decisions) in truth.iter().zip(&decisions) {
            counts.push((truth, decisions)).unwrap();
        }
        for got in [counts.exact_match(), counts.hamming_loss()] {
            assert_close(
                got.value,
                number(&case["whole"][&got.convention]),
                1e-12,
                "whole",
            );
        }
        for average in list(case, "averages") {
            let library = average["library"].as_str().unwrap();
            let tolerance = if library == "torchmetrics" {
                1e-6
            } else {
                1e-12
            };
            for (name, want) in average["values"].as_object().unwrap() {
                let got = match average["rule"]["average"] == "samples" {
                    true => {
                        let zero = average["rule"]["zero_division"].clone();
                        let zero: ZeroDivision = serde_json::from_value(zero).unwrap();
                        counts.average_over_cases(measure(name), zero)
                    }
                    false => {
                        let rule = serde_json::from_value(average["rule"].clone()).unwrap();
                        counts.average(measure(name), &rule)
                    }
                };
                let what = format!("{name} {} of {library}", average["rule"]);
                assert_close(got.value, number(want), tolerance, &what);
            }
        }
    }
}
