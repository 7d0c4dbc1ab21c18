//! Laws of counts: merging, exchange of sides, refusals.

use medmetrics::classification::{
    BinaryCounts, BinaryMeasure, ConfusionMatrix, MatthewsRule, MultiLabelCounts, Threshold,
};
use medmetrics::{Accumulator, Error};
use proptest::prelude::*;

proptest! {
    #[test]
    fn any_partition_in_any_order_gives_the_same_matrix(
        items in prop::collection::vec((0u32..4, 0u32..4), 0..60),
        cut in 0usize..60,
    ) {
        let of = |items: &[(u32, u32)]| {
            let mut matrix = ConfusionMatrix::new(4).unwrap().with_ignored_label(3);
            items.iter().for_each(|&item| matrix.push(item).unwrap());
            matrix
        };
        let (left, right) = items.split_at(cut.min(items.len()));
        let mut merged = of(right);
        merged.merge(&of(left)).unwrap();
        prop_assert_eq!(&merged, &of(&items));
        let json = serde_json::to_string(&merged).unwrap();
        prop_assert_eq!(&serde_json::from_str::<ConfusionMatrix>(&json).unwrap(), &merged);
    }

    #[test]
    fn several_labels_merge_in_any_order(
        items in prop::collection::vec(any::<([bool; 3], [bool; 3])>(), 0..40),
        cut in 0usize..40,
    ) {
        let of = |items: &[([bool; 3], [bool; 3])]| {
            let mut counts = MultiLabelCounts::new(3).unwrap();
            items.iter().for_each(|(truth, decisions)| counts.push((truth, decisions)).unwrap());
            counts
        };
        let (left, right) = items.split_at(cut.min(items.len()));
        let mut merged = of(right);
        merged.merge(&of(left)).unwrap();
        prop_assert_eq!(&merged, &of(&items));
        let json = serde_json::to_string(&merged).unwrap();
        prop_assert_eq!(&serde_json::from_str::<MultiLabelCounts>(&json).unwrap(), &merged);
    }

    #[test]
    fn exchanging_truth_and_decision_keeps_symmetric_measures(
        tp in 0u64..50, fp in 0u64..50, fn_ in 0u64..50, tn in 0u64..50,
    ) {
        let counts = BinaryCounts {
            true_positive: tp,
            false_positive: fp,
            false_negative: fn_,
            true_negative: tn,
        };
        let swapped = BinaryCounts { false_positive: fn_, false_negative: fp, ..counts };
        use BinaryMeasure as M;
        for measure in [M::FBeta(1.0), M::Jaccard, M::Matthews, M::Accuracy] {
            let (value, other) = (counts.measure(measure), swapped.measure(measure));
            prop_assert_eq!(value.is_some(), other.is_some());
            let (value, other) = (value.unwrap_or(0.0), other.unwrap_or(0.0));
            prop_assert!((value - other).abs() < 1e-14);
            prop_assert!((-1.0 - 1e-12..=1.0 + 1e-12).contains(&value));
        }
        let of = |measure| counts.measure(measure);
        if let (Some(j), Some(f1)) = (of(BinaryMeasure::Jaccard), of(BinaryMeasure::FBeta(1.0))) {
            prop_assert!((j - f1 / (2.0 - f1)).abs() < 1e-14);
        }
        prop_assert_eq!(of(M::PositivePredictiveValue), swapped.measure(M::Sensitivity));
    }

    #[test]
    fn renaming_classes_keeps_what_has_no_class(items in prop::collection::vec((0u32..3, 0u32..3), 1..60)) {
        let of = |rename: [u32; 3]| {
            let truth: Vec<u32> = items.iter().map(|i| rename[i.0 as usize]).collect();
            let decisions: Vec<u32> = items.iter().map(|i| rename[i.1 as usize]).collect();
            ConfusionMatrix::of(&truth, &decisions, 3).unwrap()
        };
        let (plain, renamed) = (of([0, 1, 2]), of([2, 0, 1]));
        prop_assert_eq!(plain.accuracy(), renamed.accuracy());
        let [a, b] = [plain, renamed].map(|m| m.matthews(MatthewsRule::Exact).value);
        prop_assert_eq!(a.is_some(), b.is_some());
        prop_assert!((a.unwrap_or(0.0) - b.unwrap_or(0.0)).abs() < 1e-14);
    }
}

#[test]
fn a_label_that_was_not_declared_is_refused_and_changes_nothing() {
    let mut matrix = ConfusionMatrix::of(&[0, 1], &[0, 0], 2).unwrap();
    let before = matrix.clone();
    let refused = matrix.extend(&[0, 0], &[1, 2]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "decision holds label 2, but only labels below 2 were declared"
    );
    assert_eq!(matrix, before);
    assert!(matches!(
        matrix.extend(&[0], &[]),
        Err(Error::Length { .. })
    ));
    assert!(matches!(
        ConfusionMatrix::new(1),
        Err(Error::InvalidParameter { .. })
    ));
    let other = ConfusionMatrix::new(3).unwrap();
    assert!(matches!(matrix.merge(&other), Err(Error::TableSize { .. })));
    let other = ConfusionMatrix::new(2).unwrap().with_ignored_label(9);
    assert!(matches!(
        matrix.merge(&other),
        Err(Error::Incompatible { .. })
    ));
}

#[test]
fn scores_become_decisions_at_a_threshold_or_by_the_highest() {
    let truth = [true, false, true];
    let scores = [0.5, 0.5, 0.4];
    let at = |threshold| BinaryCounts::thresholded(&truth, &scores, threshold).unwrap();
    assert_eq!(at(Threshold::AtLeast(0.5)).called_positive(), 2);
    assert_eq!(at(Threshold::Above(0.5)).called_positive(), 0);
    let refused = BinaryCounts::thresholded(&truth, &[0.1, f64::NAN, 0.2], Threshold::Above(0.5));
    assert_eq!(
        refused.unwrap_err().to_string(),
        "scores must be a number, entry 1 is NaN"
    );
    let matrix = ConfusionMatrix::of_highest(&[0, 1], &[0.2, 0.5, 0.3, 0.4, 0.4, 0.2], 3).unwrap();
    assert_eq!(
        (matrix.count(0, 1), matrix.count(1, 0)),
        (1, 1),
        "the first of equals"
    );
    assert!(ConfusionMatrix::of_highest(&[0], &[0.2, f64::NAN, 0.3], 3).is_err());
}

#[test]
fn classes_that_do_not_occur_are_counted_as_undefined() {
    use medmetrics::classification::AveragingRule;
    let matrix = ConfusionMatrix::of(&[0, 0, 1], &[0, 0, 1], 4).unwrap();
    let recall = matrix.average(BinaryMeasure::Sensitivity, &AveragingRule::default());
    assert_eq!(
        (recall.value, recall.n, recall.undefined),
        (Some(1.0), 2, 2)
    );
    let rival = matrix.average(
        BinaryMeasure::Sensitivity,
        &AveragingRule::SCIKIT_LEARN_LABELS,
    );
    assert_eq!(rival.value, Some(0.5));
    assert_eq!(rival.convention, "sensitivity:macro/0-for-0:0");
}
