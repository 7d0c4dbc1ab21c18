//! Metadata and intensities against saved references, with reasons that a person can read.

use std::collections::BTreeMap;

use medcore::random::Key;
use medmetrics::Accumulator;
use medmetrics::drift::{
    DriftReason, DriftThresholds, FieldMeasures, FieldValues, IntensityBins, IntensityHistogram,
    IntensityReference, MetadataReference, ReferenceSettings,
};
use proptest::prelude::*;

type Fields = BTreeMap<String, FieldValues>;

/// A hundred scans: two scanners, three kernels, a kVp, a spacing in mm.
fn scans(seed: u64, change: impl FnOnce(&mut Fields)) -> Fields {
    let mut random = Key::new(seed).stream("scans");
    let mut pick = |words: &[&str]| -> FieldValues {
        FieldValues::categories((0..100).map(|_| words[random.below(words.len())]))
    };
    let mut fields = Fields::from([
        ("scanner".into(), pick(&["A", "B"])),
        ("kernel".into(), pick(&["B30f", "B50f", "B70f"])),
    ]);
    let numbers = |random: &mut medcore::random::Random, mean: f64, deviation: f64| {
        FieldValues::numbers(
            (0..100)
                .map(|_| mean + deviation * random.normal())
                .collect::<Vec<_>>(),
        )
    };
    fields.insert("kVp".into(), numbers(&mut random, 120.0, 8.0));
    fields.insert("spacing".into(), numbers(&mut random, 1.5, 0.3));
    change(&mut fields);
    fields
}

fn reference() -> MetadataReference {
    let reference =
        MetadataReference::of(&scans(1, |_| {}), &ReferenceSettings::default()).unwrap();
    serde_json::from_str(&serde_json::to_string(&reference).unwrap()).unwrap()
}

fn reasons(change: impl FnOnce(&mut Fields)) -> Vec<(String, String)> {
    let thresholds = DriftThresholds::default();
    let report = reference().compare(&scans(2, change), &thresholds).unwrap();
    let text = serde_json::to_string(&report).unwrap();
    let report: medmetrics::drift::DriftReport = serde_json::from_str(&text).unwrap();
    let sentences = report.drifted().flat_map(|field| {
        field
            .reasons
            .iter()
            .map(|reason| (field.field.clone(), reason.to_string()))
    });
    sentences.collect()
}

#[test]
fn what_is_the_same_does_not_drift() {
    assert_eq!(reasons(|_| {}), []);
    let false_alarms = (0..200).filter(|&seed| {
        let thresholds = DriftThresholds::default();
        let report = reference()
            .compare(&scans(100 + seed, |_| {}), &thresholds)
            .unwrap();
        report.drifted().next().is_some()
    });
    let count = false_alarms.count();
    assert!(
        count <= 12,
        "four fields at a significance of 0.01: {count} of 200"
    );
}

#[test]
fn changes_are_named_with_their_numbers() {
    let thicker = reasons(|fields| {
        fields.insert(
            "spacing".into(),
            FieldValues::numbers((0..60).map(|i| 4.0 + f64::from(i) / 100.0)),
        );
    });
    assert!(
        thicker.iter().all(|(field, _)| field == "spacing"),
        "{thicker:?}"
    );
    assert!(
        thicker
            .iter()
            .any(|(_, reason)| reason.starts_with("values moved by")),
        "{thicker:?}"
    );
    let new = reasons(|fields| {
        let words = (0..50).map(|i| if i < 5 { "Q" } else { ["A", "B"][i % 2] });
        fields.insert("scanner".into(), FieldValues::categories(words));
    });
    let sentence = "10.0 % of cases have what the reference does not know: Q";
    assert_eq!(new[0], ("scanner".to_owned(), sentence.to_owned()));
    assert_eq!(new.len(), 2, "the shares changed too: {new:?}");
    let one = reasons(|fields| {
        fields.insert("kernel".into(), FieldValues::categories(["B30f"; 60]));
    });
    assert!(
        one[0].1.starts_with("shares changed: stability index"),
        "{one:?}"
    );
    let missing = reasons(|fields| {
        let half = (0..100).map(|i| (i % 2 == 0).then_some(112.0 + f64::from(i) * 0.16));
        fields.insert("kVp".into(), FieldValues::Numbers(half.collect()));
    });
    assert_eq!(missing[0].1, "missing in 50.0 % of cases, before in 0.0 %");
    let renamed = reasons(|fields| {
        let values = fields.remove("kVp").unwrap();
        fields.insert("peak".into(), values);
        fields.insert("spacing".into(), FieldValues::categories(["thin"]));
    });
    assert_eq!(renamed[0], ("kVp".into(), "only in the reference".into()));
    assert_eq!(
        renamed[1],
        ("peak".into(), "only in the current data".into())
    );
    assert_eq!(
        renamed[2],
        (
            "spacing".into(),
            "numbers became words or words numbers".into()
        )
    );
}

#[test]
fn thresholds_are_settings() {
    let off = DriftThresholds {
        stability_index: None,
        wasserstein_normed: None,
        unknown_categories: None,
        missing: None,
        ..DriftThresholds::default()
    };
    let other = scans(2, |fields| {
        fields.insert("scanner".into(), FieldValues::categories(["Q"; 30]));
        fields.insert("kVp".into(), FieldValues::numbers([80.0; 30]));
    });
    let report = reference().compare(&other, &off).unwrap();
    assert_eq!(report.drifted().count(), 0);
    assert!(report.fields.iter().all(|field| field.measures.is_some()));
    let variation = DriftThresholds {
        total_variation: Some(0.5),
        ..off
    };
    let report = reference().compare(&other, &variation).unwrap();
    let drifted: Vec<_> = report.drifted().collect();
    assert_eq!(drifted.len(), 2);
    assert!(matches!(
        drifted[0].reasons[..],
        [DriftReason::TotalVariation { .. }]
    ));
    assert!(matches!(
        drifted[1].measures,
        Some(FieldMeasures::Categories(_))
    ));
    let text = serde_json::to_string(&variation).unwrap();
    assert_eq!(
        serde_json::from_str::<DriftThresholds>(&text).unwrap(),
        variation
    );
    let constant = Fields::from([("kVp".to_owned(), FieldValues::numbers([120.0; 30]))]);
    let reference = MetadataReference::of(&constant, &ReferenceSettings::default()).unwrap();
    let moved = Fields::from([("kVp".to_owned(), FieldValues::numbers([140.0; 30]))]);
    let default = DriftThresholds::default();
    assert_eq!(
        reference
            .compare(&constant, &default)
            .unwrap()
            .drifted()
            .count(),
        0
    );
    assert_eq!(
        reference
            .compare(&moved, &default)
            .unwrap()
            .drifted()
            .count(),
        1,
        "it never varied"
    );
}

fn image(bins: IntensityBins, seed: u32, level: f64) -> IntensityHistogram {
    let mut random = Key::new(6).sample(seed).stream("image");
    let level = level + 8.0 * random.normal();
    let voxels: Vec<f32> = (0..3000)
        .map(|_| (level + 40.0 * random.normal()) as f32)
        .collect();
    let mut histogram = IntensityHistogram::new(bins).unwrap();
    histogram.push(&voxels).unwrap();
    histogram
}

#[test]
fn images_are_judged_by_the_differences_among_the_reference() {
    let bins = IntensityBins::default();
    let images: Vec<_> = (0..40).map(|i| image(bins, i, 50.0)).collect();
    let reference = IntensityReference::of(&images).unwrap();
    let text = serde_json::to_string(&reference).unwrap();
    let reference: IntensityReference = serde_json::from_str(&text).unwrap();
    let alarms = |level: f64| {
        let judged = (100..140).map(|i| reference.compare(&image(bins, i, level), 0.05).unwrap());
        judged.filter(|drift| !drift.reasons.is_empty()).count()
    };
    assert!(alarms(50.0) <= 7, "one in twenty: {}", alarms(50.0));
    assert_eq!(alarms(150.0), 40);
    let far = reference.compare(&image(bins, 7, 900.0), 0.05).unwrap();
    assert_eq!(far.rank, 1.0 / 41.0, "never 0");
    assert!(
        far.reasons[0]
            .to_string()
            .starts_with("intensities are unusual: distance 0.")
    );
    let other = IntensityBins { bins: 10, ..bins };
    assert!(reference.compare(&image(other, 1, 50.0), 0.05).is_err());
    let empty = IntensityHistogram::new(bins).unwrap();
    assert!(reference.compare(&empty, 0.05).is_err());
    assert!(IntensityReference::of(&images[..1]).is_err());
    assert!(
        IntensityHistogram::new(IntensityBins {
            low: 5.0,
            high: 5.0,
            bins: 3
        })
        .is_err()
    );
    let mut refused = images[0].clone();
    assert!(refused.push(&[0.0, f32::NAN]).is_err());
    assert_eq!(refused, images[0], "a refusal changes nothing");
}

#[test]
fn what_lies_outside_and_on_edges_is_counted() {
    let bins = IntensityBins {
        low: 0.0,
        high: 4.0,
        bins: 4,
    };
    let mut histogram = IntensityHistogram::new(bins).unwrap();
    histogram
        .push(&[
            -0.1,
            0.0,
            1.0,
            3.9,
            4.0,
            4.1,
            f32::INFINITY,
            f32::NEG_INFINITY,
        ])
        .unwrap();
    assert_eq!(histogram.counts(), [2, 1, 1, 0, 2, 2]);
}

proptest! {
    #[test]
    fn histograms_merge_in_any_order(
        voxels in prop::collection::vec(-2000.0..5000.0f32, 0..200),
        cut in 0usize..200,
    ) {
        let (left, right) = voxels.split_at(cut.min(voxels.len()));
        let of = |voxels: &[f32]| {
            let mut histogram = IntensityHistogram::new(IntensityBins::default()).unwrap();
            histogram.push(voxels).unwrap();
            histogram
        };
        let mut merged = of(right);
        merged.merge(&of(left)).unwrap();
        prop_assert_eq!(merged.voxels(), voxels.len() as u64);
        prop_assert_eq!(merged, of(&voxels));
    }
}
