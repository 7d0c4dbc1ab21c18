//! What must hold for any scores.

use medmetrics::Accumulator;
use medmetrics::calibration::{BinRule, Binning, CalibrationError, CalibrationTable};
use proptest::prelude::*;

const RULES: [BinRule; 6] = [
    BinRule::LeftClosed,
    BinRule::RightClosed,
    BinRule::ScikitLearn,
    BinRule::TorchMetrics,
    BinRule::Monai,
    BinRule::MetricsReloaded,
];

fn scores(most: usize) -> impl Strategy<Value = Vec<(f64, bool)>> {
    let score = prop_oneof![
        0.0..=1.0,
        (0..=20u32).prop_map(|i| f64::from(i) / 20.0),
        (0..=1024u32).prop_map(|i| (f64::from(i) / 1024.0).next_down().max(0.0)),
        (0..=1024u32).prop_map(|i| (f64::from(i) / 1024.0).next_up().min(1.0)),
    ];
    prop::collection::vec((score, any::<bool>()), 1..most)
}

fn table(binning: &Binning, items: &[(f64, bool)]) -> CalibrationTable {
    let (p, y): (Vec<f64>, Vec<bool>) = items.iter().copied().unzip();
    CalibrationTable::of(binning.clone(), &p, &y).unwrap()
}

proptest! {
    /// Many scores at once go another way than one by one; both find the same bins.
    #[test]
    fn bulk_and_single_scores_agree(items in scores(40), bins in 1usize..1500, rule in 0usize..6) {
        let binning = Binning::equal_width(bins).with_rule(RULES[rule]);
        let many: Vec<_> = items.iter().copied().cycle().take(items.len() * 200 + 3).collect();
        let bulk = table(&binning, &many);
        let mut single = CalibrationTable::new(binning).unwrap();
        for item in many {
            single.push(item).unwrap();
        }
        prop_assert_eq!(bulk, single);
    }

    #[test]
    fn parts_merge_in_any_order(items in scores(60), cut in 0usize..60, bins in 1usize..30) {
        let binning = Binning::equal_width(bins);
        let (left, right) = items.split_at(cut.min(items.len()));
        let mut merged = table(&binning, right);
        merged.merge(&table(&binning, left)).unwrap();
        let whole = table(&binning, &items);
        prop_assert_eq!(&merged, &whole);
        let text = serde_json::to_string(&merged).unwrap();
        prop_assert_eq!(serde_json::from_str::<CalibrationTable>(&text).unwrap(), whole);
    }

    #[test]
    fn errors_are_ordered_and_bounded(items in scores(80), bins in 1usize..30) {
        let table = table(&Binning::equal_width(bins), &items);
        let value = |error| table.error(error).value.unwrap();
        let expected = value(CalibrationError::Expected);
        let squared = value(CalibrationError::RootMeanSquare);
        let maximum = value(CalibrationError::Maximum);
        prop_assert!((0.0..=1.0).contains(&expected) && maximum <= 1.0);
        prop_assert!(expected <= squared + 1e-12 && squared <= maximum + 1e-12);
        prop_assert!(value(CalibrationError::DebiasedSquared) <= squared * squared + 1e-12);
        // Finer bins whose edges include the coarse ones find no smaller error.
        let pieces = super::laws::table(&Binning::equal_width(2 * bins), &items);
        prop_assert!(pieces.expected_error().value.unwrap() >= expected - 1e-12);
    }

    /// Turned round, `1 - p` for the other event, the error is the same; sides of edges turn too.
    #[test]
    fn the_other_event_has_the_same_error(items in scores(80), bins in 1usize..30) {
        let exact: Vec<(f64, bool)> = items.iter().map(|&(p, y)| (f64::from(p as f32), y)).collect();
        let turned: Vec<(f64, bool)> = exact.iter().map(|&(p, y)| (1.0 - p, !y)).collect();
        let on_edge = |p: f64| (p * bins as f64 - (p * bins as f64).round()).abs() < 1e-6;
        prop_assume!(!exact.iter().any(|&(p, _)| on_edge(p)));
        let binning = Binning::equal_width(bins);
        let [a, b] = [exact, turned].map(|items| table(&binning, &items).expected_error().value.unwrap());
        prop_assert!((a - b).abs() < 1e-12);
    }
}

#[test]
fn tables_of_other_bins_do_not_merge() {
    let mut table = CalibrationTable::new(Binning::equal_width(10)).unwrap();
    let other = CalibrationTable::new(Binning::equal_width(15)).unwrap();
    assert!(table.merge(&other).is_err());
    let text = serde_json::to_string(&other).unwrap().replace("15", "10");
    let broken: Result<CalibrationTable, _> = serde_json::from_str(&text);
    assert!(broken.is_err(), "cells of another binning");
}
