//! Laws of rankings: brute force, symmetry, merging, refusals.

use medmetrics::classification::{
    Average, AveragePrecisionRule, ClassScores, DecisionCosts, LabelScores, PartialRange, Ranking,
    RankingConvention, Scores, Selection, TopK, TopTies,
};
use medmetrics::{Accumulator, Error};
use proptest::prelude::*;

fn cases() -> impl Strategy<Value = Vec<(f64, bool)>> {
    let score = prop_oneof![
        (-8i32..8).prop_map(|v| f64::from(v) / 4.0),
        any::<f64>().prop_filter("a number", |v| !v.is_nan()),
        Just(-0.0),
    ];
    prop::collection::vec((score, any::<bool>()), 0..60)
}

fn scores(cases: &[(f64, bool)]) -> Scores<f64> {
    let mut scores = Scores::new();
    cases.iter().for_each(|&case| scores.push(case).unwrap());
    scores
}

proptest! {
    #[test]
    fn the_area_is_the_share_of_pairs_in_order(cases in cases()) {
        let side = |of: bool| cases.iter().filter(move |case| case.1 == of).map(|case| case.0);
        let (mut wins, mut pairs) = (0u128, 0u128);
        for p in side(true) {
            for n in side(false) {
                wins += if p > n { 2 } else { u128::from(p == n) };
                pairs += 1;
            }
        }
        let ranking = scores(&cases).into_ranking();
        prop_assert_eq!(ranking.doubled_wins(), wins);
        let area = ranking.auc();
        prop_assert_eq!(area.value, (pairs > 0).then(|| wins as f64 / (2 * pairs) as f64));
        prop_assert_eq!(area.n, cases.len() as u64);
        if let Some(points) = ranking.roc().points() {
            let trapezoids = points.windows(2).map(|w| (w[1][0] - w[0][0]) * 0.5 * (w[0][1] + w[1][1]));
            prop_assert!((trapezoids.sum::<f64>() - area.value.unwrap()).abs() < 1e-12);
            let whole = PartialRange::Sensitivity { low: 0.0, high: 1.0 };
            let partial = ranking.partial_auc(whole).unwrap().area.value.unwrap();
            prop_assert!((partial - area.value.unwrap()).abs() < 1e-12);
            let parts = [(0.0, 0.3), (0.3, 1.0)].map(|(low, high)| {
                let range = PartialRange::FalsePositiveRate { low, high };
                ranking.partial_auc(range).unwrap().area.value.unwrap()
            });
            prop_assert!((parts[0] + parts[1] - area.value.unwrap()).abs() < 1e-12);
        }
    }

    #[test]
    fn any_partition_in_any_order_gives_the_same_ranking(cases in cases(), cut in 0usize..60) {
        let (left, right) = cases.split_at(cut.min(cases.len()));
        let mut merged = scores(right);
        merged.merge(&scores(left)).unwrap();
        let json = serde_json::to_string(&merged).unwrap();
        let read: Scores<f64> = serde_json::from_str(&json).unwrap();
        let whole = scores(&cases).finish().unwrap();
        prop_assert_eq!(&merged.finish().unwrap(), &whole);
        prop_assert_eq!(&read.finish().unwrap(), &whole);
        let (truth, values): (Vec<bool>, Vec<f64>) = cases.iter().map(|case| (case.1, case.0)).unzip();
        prop_assert_eq!(&Ranking::of(&truth, &values).unwrap(), &whole);
        let roc = whole.roc();
        let json = serde_json::to_string(&roc).unwrap();
        prop_assert_eq!(&serde_json::from_str::<medmetrics::classification::Roc>(&json).unwrap(), &roc);
    }

    #[test]
    fn exchanging_the_classes_turns_the_area_round(cases in cases()) {
        let turned: Vec<(f64, bool)> = cases.iter().map(|&(score, positive)| (score, !positive)).collect();
        let [area, other] = [cases, turned].map(|cases| scores(&cases).into_ranking().auc().value);
        prop_assert_eq!(area.is_some(), other.is_some());
        if let (Some(area), Some(other)) = (area, other) {
            prop_assert!((area + other - 1.0).abs() < 1e-15);
            prop_assert!((0.0..=1.0).contains(&area));
        }
    }

    #[test]
    fn precision_of_each_positive_makes_the_average(cases in cases()) {
        let positives = cases.iter().filter(|case| case.1).count() as f64;
        let each = cases.iter().filter(|case| case.1).map(|case| {
            let called = cases.iter().filter(|other| other.0 >= case.0);
            let (hits, all) = called.fold((0, 0), |(h, a), other| (h + u32::from(other.1), a + 1));
            f64::from(hits) / f64::from(all)
        });
        let want = (positives > 0.0).then(|| each.sum::<f64>() / positives);
        let got = scores(&cases).into_ranking().average_precision(AveragePrecisionRule::Step).value;
        prop_assert_eq!(got.is_some(), want.is_some());
        prop_assert!((got.unwrap_or(0.0) - want.unwrap_or(0.0)).abs() < 1e-12);
    }

    #[test]
    fn no_threshold_betters_the_one_of_least_cost(cases in cases(), miss in 0.1f64..20.0) {
        let ranking = scores(&cases).into_ranking();
        let costs = DecisionCosts { false_negative: miss, ..DecisionCosts::default() };
        let best = ranking.operating_point(&Selection::Cost(costs)).unwrap();
        let least = best.and_then(|point| costs.expected(&point.counts));
        for point in ranking.roc().operating_points() {
            if let Some(cost) = costs.expected(&point.counts) {
                prop_assert!(cost >= least.unwrap());
            }
        }
    }

    #[test]
    fn rows_merge_in_any_order(
        rows in prop::collection::vec((0u32..3, 1u8..9, 1u8..9, 1u8..9), 0..40),
        cut in 0usize..40,
    ) {
        let row = |r: &(u32, u8, u8, u8)| {
            let sum = f64::from(r.1) + f64::from(r.2) + f64::from(r.3);
            [r.1, r.2, r.3].map(|v| f64::from(v) / sum)
        };
        let of = |rows: &[(u32, u8, u8, u8)]| {
            let mut classes = ClassScores::new(3).unwrap();
            let mut labels = LabelScores::new(3).unwrap();
            let mut top = TopK::new(3, TopTies::Against).unwrap();
            for r in rows {
                let truth: [bool; 3] = std::array::from_fn(|c| c == r.0 as usize);
                classes.push((r.0, &row(r))).unwrap();
                labels.push((&truth, &row(r))).unwrap();
                top.push((r.0, &row(r))).unwrap();
            }
            (classes, labels, top)
        };
        let (left, right) = rows.split_at(cut.min(rows.len()));
        let (whole, part, mut merged) = (of(&rows), of(left), of(right));
        merged.0.merge(&part.0).unwrap();
        merged.1.merge(&part.1).unwrap();
        merged.2.merge(&part.2).unwrap();
        let json = serde_json::to_string(&merged.0).unwrap();
        let read: ClassScores<f64> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&read.finish().unwrap(), &whole.0.finish().unwrap());
        prop_assert_eq!(&merged.0.finish().unwrap(), &whole.0.finish().unwrap());
        prop_assert_eq!(&merged.1.finish().unwrap(), &whole.1.finish().unwrap());
        prop_assert_eq!(&merged.2, &whole.2);
    }
}

#[test]
fn nan_scores_are_refused_with_their_place() {
    let refused = Ranking::of(&[true, false, true], &[0.1, 0.2, f32::NAN]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "scores must be a number, entry 2 is NaN"
    );
    let mut scores = Scores::of(&[true], &[0.5]).unwrap();
    assert!(scores.push((f64::NAN, true)).is_err());
    assert!(scores.extend(&[true, true], &[0.1, f64::NAN]).is_err());
    assert_eq!(
        (scores.positives(), scores.negatives()),
        (1, 0),
        "nothing was taken in"
    );
    assert!(matches!(
        scores.extend(&[true], &[]),
        Err(Error::Length { .. })
    ));
    let written = format!("{{\"positives\":[{}],\"negatives\":[]}}", u64::MAX);
    assert!(
        serde_json::from_str::<Scores<f64>>(&written).is_err(),
        "a key that stands for NaN"
    );
    assert!(
        ClassScores::<f64>::new(2)
            .unwrap()
            .push((0, &[0.1, f64::NAN]))
            .is_err()
    );
}

#[test]
fn one_class_alone_defines_no_area() {
    let ranking = Ranking::of(&[true, true], &[0.1, 0.2]).unwrap();
    assert_eq!(ranking.auc().value, None);
    assert_eq!(ranking.operating_point(&Selection::Youden).unwrap(), None);
    assert_eq!(ranking.roc().points(), None);
    let range = PartialRange::FalsePositiveRate {
        low: 0.0,
        high: 0.1,
    };
    assert_eq!(ranking.partial_auc(range).unwrap().area.value, None);
    let empty = Ranking::<f32>::of(&[], &[]).unwrap();
    assert_eq!(
        empty.average_precision(AveragePrecisionRule::Step).value,
        None
    );
    let mut classes = ClassScores::new(3).unwrap();
    classes.push((0, &[0.5, 0.3, 0.2])).unwrap();
    classes.push((1, &[0.2, 0.6, 0.2])).unwrap();
    let areas = classes.finish().unwrap();
    let mean = areas.one_vs_rest(Average::Macro, RankingConvention::Exact);
    assert_eq!((mean.value, mean.n, mean.undefined), (Some(1.0), 2, 1));
    assert_eq!(
        areas
            .one_vs_rest(Average::Macro, RankingConvention::ScikitLearn)
            .value,
        None
    );
    assert_eq!(
        areas
            .one_vs_one(Average::Macro, RankingConvention::Exact)
            .value,
        Some(1.0)
    );
}

#[test]
fn shares_outside_their_range_are_refused() {
    let ranking = Ranking::of(&[true, false], &[0.1, 0.2]).unwrap();
    let too_much = Selection::Sensitivity { least: 1.5 };
    assert!(matches!(
        ranking.operating_point(&too_much),
        Err(Error::InvalidParameter { .. })
    ));
    for (low, high) in [(0.3, 0.3), (-0.1, 0.5), (0.5, 1.1), (f64::NAN, 1.0)] {
        assert!(
            ranking
                .partial_auc(PartialRange::Sensitivity { low, high })
                .is_err()
        );
    }
    assert!(TopK::new(2, TopTies::Against).unwrap().accuracy(0).is_err());
}

/// A score that is the same for all classes finds nothing; scikit-learn counts the last class as found.
#[test]
fn equal_scores_find_no_class() {
    for (ties, want) in [(TopTies::Against, 0.0), (TopTies::HigherClass, 0.5)] {
        let mut top = TopK::new(2, ties).unwrap();
        top.push((0, &[0.5, 0.5])).unwrap();
        top.push((1, &[0.5, 0.5])).unwrap();
        assert_eq!(top.accuracy(1).unwrap().value, Some(want));
    }
}
