//! Scores against scikit-learn, torchmetrics and MONAI (`rankings.py`).

use medmetrics::Accumulator;
use medmetrics::calibration::{ClassLayout, ClassProbabilities, LogLoss, LogLossRule};
use medmetrics::classification::{
    Average, AveragePrecisionRule, BinaryMeasure, ClassScores, LabelScores, PartialRange, Ranking,
    RankingConvention, Selection, TopK, TopTies,
};
use serde_json::Value;

use crate::reference::{assert_close, labels, list, number, numbers};

fn fixture() -> Value {
    serde_json::from_str(include_str!("rankings.json")).unwrap()
}

fn ranking(case: &Value) -> Ranking<f64> {
    let truth: Vec<bool> = labels(case, "truth")
        .iter()
        .map(|&label| label == 1)
        .collect();
    Ranking::of(&truth, &numbers(case, "scores")).unwrap()
}

/// torchmetrics computes in single precision.
fn library(name: &str) -> (RankingConvention, f64) {
    match name {
        "scikit_learn" => (RankingConvention::ScikitLearn, 1e-12),
        "torchmetrics" => (RankingConvention::Torchmetrics, 1e-6),
        "monai" => (RankingConvention::Monai, 1e-12),
        other => panic!("no library {other}"),
    }
}

fn average(name: &str) -> Average {
    serde_json::from_value(Value::from(name)).unwrap()
}

#[track_caller]
fn assert_all_close(got: &[f64], want: &Value, name: &str) {
    let want = list(want, name);
    assert_eq!(got.len(), want.len(), "{name}");
    for (&got, want) in got.iter().zip(want) {
        match want.as_str() {
            Some(_) => assert_eq!(got, f64::INFINITY, "{name}"),
            None => assert_close(Some(got), number(want), 1e-14, name),
        }
    }
}

#[test]
fn areas_are_those_of_three_libraries_also_where_a_class_is_missing() {
    for case in list(&fixture(), "binary") {
        let ranking = ranking(case);
        for (name, want) in case["areas"]["auc"].as_object().unwrap() {
            let (convention, tolerance) = library(name);
            let got = ranking.auc_by(convention);
            assert_close(got.value, number(want), tolerance, &got.convention);
        }
        for (name, want) in case["areas"]["average_precision"].as_object().unwrap() {
            let (rule, convention, tolerance) = match name.as_str() {
                "trapezoid" => (
                    AveragePrecisionRule::Trapezoid,
                    RankingConvention::Exact,
                    1e-12,
                ),
                name => {
                    let (convention, tolerance) = library(name);
                    (AveragePrecisionRule::Step, convention, tolerance)
                }
            };
            let got = ranking.average_precision_by(rule, convention);
            assert_close(got.value, number(want), tolerance, &got.convention);
        }
    }
}

#[test]
fn curves_are_scikit_learns_point_for_point() {
    for case in list(&fixture(), "binary") {
        let ranking = ranking(case);
        let curve = ranking.precision_recall();
        let (mut precision, mut recall) = (curve.precision(), curve.recall());
        precision.reverse();
        precision.push(1.0);
        let want = &case["precision_recall"];
        assert_all_close(&precision, want, "precision");
        if let Some(recall) = &mut recall {
            recall.reverse();
            recall.push(0.0);
            assert_all_close(recall, want, "recall");
        }
        for (roc, name) in [
            (ranking.roc(), "roc"),
            (ranking.roc().without_intermediate(), "roc dropped"),
        ] {
            let Some(points) = roc.points() else {
                assert!(case.get(name).is_none());
                continue;
            };
            let column = |i: usize| points.iter().map(|point| point[i]).collect::<Vec<_>>();
            assert_all_close(&column(0), &case[name], "fpr");
            assert_all_close(&column(1), &case[name], "tpr");
            assert_all_close(roc.thresholds(), &case[name], "thresholds");
        }
    }
}

#[test]
fn partial_areas_are_scikit_learns_on_both_axes() {
    let mut compared = 0;
    for case in list(&fixture(), "binary") {
        let ranking = ranking(case);
        for want in case["partial"].as_array().into_iter().flatten() {
            let high = want["high"].as_f64().unwrap();
            let alarms = PartialRange::FalsePositiveRate { low: 0.0, high };
            let found = PartialRange::Sensitivity {
                low: 1.0 - high,
                high: 1.0,
            };
            for (range, name) in [(alarms, "fpr"), (found, "sensitivity")] {
                let got = ranking.partial_auc(range).unwrap().standardised;
                assert_close(got.value, number(&want[name]), 1e-10, &got.convention);
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 56);
}

#[test]
fn operating_points_are_the_best_of_scikit_learns_curves_and_torchmetrics() {
    for case in list(&fixture(), "binary") {
        let ranking = ranking(case);
        let best = |selection: Selection, measure: BinaryMeasure| {
            let point = ranking.operating_point(&selection).unwrap()?;
            assert_eq!(ranking.at(point.threshold), point, "{selection:?}");
            point.counts.measure(measure)
        };
        if let Some(youden) = case.get("youden") {
            let got = best(Selection::Youden, BinaryMeasure::Informedness);
            assert_close(got, number(youden), 1e-12, "Youden");
        }
        for (list_name, tolerance) in [("at least", 1e-12), ("torchmetrics at least", 1e-6)] {
            for want in case[list_name].as_array().into_iter().flatten() {
                let least = want["least"].as_f64().unwrap();
                for (name, selection, measure) in [
                    (
                        "specificity",
                        Selection::Sensitivity { least },
                        BinaryMeasure::Specificity,
                    ),
                    (
                        "sensitivity",
                        Selection::Specificity { least },
                        BinaryMeasure::Sensitivity,
                    ),
                    (
                        "recall",
                        Selection::Precision { least },
                        BinaryMeasure::Sensitivity,
                    ),
                    (
                        "precision",
                        Selection::Recall { least },
                        BinaryMeasure::PositivePredictiveValue,
                    ),
                ] {
                    let mut got = best(selection, measure);
                    if list_name != "at least" {
                        // torchmetrics says 0 where no point qualifies.
                        got = got.or(Some(0.0));
                    }
                    assert_close(
                        got,
                        number(&want[name]),
                        tolerance,
                        &format!("{name} {least}"),
                    );
                }
            }
        }
    }
}

#[test]
fn areas_of_several_classes_are_scikit_learns_and_torchmetrics() {
    for case in list(&fixture(), "several") {
        let truth = labels(case, "truth");
        let rows = list(case, "scores");
        let row = |i: usize| -> Vec<f64> {
            rows[i]
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_f64().unwrap())
                .collect()
        };
        let classes = row(0).len();
        let mut scores = ClassScores::new(classes).unwrap();
        let mut loss = LogLoss::new(LogLossRule::ScikitLearn);
        let mut top = TopK::new(classes, TopTies::HigherClass).unwrap();
        for (i, &label) in truth.iter().enumerate() {
            let row = row(i);
            scores.push((label, &row)).unwrap();
            let probabilities = ClassProbabilities::new(&row, classes, ClassLayout::Rows).unwrap();
            loss.extend_classes(&probabilities, &[label]).unwrap();
            top.push((label, &row)).unwrap();
        }
        assert_close(
            loss.finish().unwrap().value,
            number(&case["log loss"]),
            1e-12,
            "log loss",
        );
        for want in list(case, "top") {
            let got = top.accuracy(want["k"].as_u64().unwrap() as usize).unwrap();
            assert_close(got.value, number(&want["accuracy"]), 1e-12, &got.convention);
        }
        let areas = scores.finish().unwrap();
        for (name, want) in case["areas"].as_object().unwrap() {
            let parts: Vec<&str> = name.split('/').collect();
            let (convention, tolerance) = library(parts[2]);
            let got = match parts[0] {
                "ovr" => areas.one_vs_rest(average(parts[1]), convention),
                _ => areas.one_vs_one(average(parts[1]), convention),
            };
            assert_close(got.value, number(want), tolerance, name);
        }
        for (class, area) in areas.classes().into_iter().enumerate() {
            let apart = scores.one_vs_rest(class).into_ranking().auc().value;
            assert_close(area, apart, 1e-14, "one against the rest");
        }
    }
}

#[test]
fn areas_of_several_labels_are_those_of_three_libraries() {
    for case in list(&fixture(), "labels") {
        let (truth, rows) = (list(case, "truth"), list(case, "scores"));
        let mut scores = LabelScores::new(truth[0].as_array().unwrap().len()).unwrap();
        for (truth, row) in truth.iter().zip(rows) {
            let truth: Vec<bool> = truth.as_array().unwrap().iter().map(|v| v == 1).collect();
            let row: Vec<f64> = row
                .as_array()
                .unwrap()
                .iter()
                .map(|v| v.as_f64().unwrap())
                .collect();
            scores.push((&truth, &row)).unwrap();
        }
        let labels = scores.finish().unwrap();
        for (name, want) in case["areas"].as_object().unwrap() {
            let parts: Vec<&str> = name.split('/').collect();
            let (convention, tolerance) = library(parts[2]);
            let got = match parts[0] {
                "auc" => labels.auc(average(parts[1]), convention),
                _ => labels.average_precision(average(parts[1]), convention),
            };
            assert_close(got.value, number(want), tolerance, name);
        }
    }
}
