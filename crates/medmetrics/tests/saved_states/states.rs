use std::collections::BTreeMap;

use medmetrics::agreement::{
    Kappa, Krippendorff, KrippendorffAlpha, Level, PairedMeasurements, Panel, PanelMeasure,
    RatedUnits, RaterCounts, RatingMatrix, RatingTable, RepeatedBlandAltman, RepeatedMeasurements,
    VoteTable,
};
use medmetrics::calibration::{
    self, Binning, BrierTable, CalibrationTable, Calibrator, ClassLayout, LogLossRule,
    MulticlassBrier, MulticlassCalibration,
};
use medmetrics::classification::{
    ClassScores, ConfusionMatrix, CostMatrix, LabelScores, MultiLabelCounts, Scores, Stratified,
    TopK, TopTies,
};
use medmetrics::drift::{
    Cusum, DriftThresholds, Ewma, FieldValues, IntensityBins, IntensityHistogram,
    IntensityReference, MetadataReference, PageHinkley, Reference,
};
use medmetrics::statistics::{Bootstrap, ExactSum};
use medmetrics::{Accumulator, Confidence, Estimate, Interval, IntervalMethod};

use crate::mutation::{attack, attack_any};

#[test]
fn exact_sums() {
    let sum: ExactSum = [0.1, -1e200, 3.0].into_iter().collect();
    let [refused, all] = attack_any(&sum, |sum| {
        sum.add(1.5);
        sum.add(-1e-310);
        sum.merge(&sum.clone());
        sum.value();
    });
    assert!(refused > all / 2, "{refused} of {all}");
}

#[test]
fn agreement() {
    let table = RatingTable::of(3, &[0u8, 1, 2, 2], &[0u8, 1, 1, 2]).unwrap();
    attack(&table, |table| {
        let _ = table.push([1, 0]);
    });
    let mut votes = VoteTable::new(2).unwrap();
    for case in [[true, true], [false, false], [true, false]] {
        votes.push(&case).unwrap();
    }
    attack(&votes, |votes| {
        let _ = votes.push(&[true, false]);
    });
    let mut counts = RaterCounts::new(2, 3).unwrap();
    for subject in [[3, 0], [1, 2], [0, 3]] {
        counts.push(&subject).unwrap();
    }
    attack(&counts, |counts| {
        let _ = counts.push(&[2, 1]);
    });
    let rows = [[1.0, 2.0], [3.0, 2.5], [4.0, 4.5]];
    let matrix = RatingMatrix::from_rows(2, rows.iter().map(|row| &row[..])).unwrap();
    attack(&matrix, |matrix| {
        let _ = matrix.push(&[1.0, 1.0]);
    });
    let pairs = PairedMeasurements::new(&[1.0, 2.0, 4.0], &[1.5, 2.0, 3.0]).unwrap();
    attack(&pairs, |pairs| {
        let _ = pairs.push([1.0, 2.0]);
    });
    let mut repeated = RepeatedMeasurements::new(RepeatedBlandAltman::default());
    for i in 0..4 {
        let x = f64::from(i);
        repeated.push([&[x, x + 0.5], &[x - 0.1, x + 0.3]]).unwrap();
    }
    attack(&repeated, |repeated| {
        let _ = repeated.push([&[1.0], &[2.0]]);
    });
    let few = Bootstrap {
        replicates: 100,
        ..Bootstrap::default()
    };
    for level in [
        Level::Nominal,
        Level::Ordinal,
        Level::Interval,
        Level::Ratio,
    ] {
        let mut alpha = KrippendorffAlpha::new(Krippendorff::new(level));
        for unit in [&[1.0, 1.0][..], &[2.0, 3.0], &[3.0]] {
            alpha.push(unit).unwrap();
        }
        attack(&alpha, |alpha| {
            let _ = alpha.push(&[1.0, 2.0]);
        });
    }
    attack_any(
        &RatedUnits::from_table(&[Some(1.0), None], 2).unwrap(),
        |units| {
            let _ = units.push(&[1.0]);
            let _ = Krippendorff::default().with_bootstrap(few).of(units);
        },
    );
    let kappa = PanelMeasure::Kappa {
        kappa: Kappa::default(),
        categories: 3,
    };
    let mut panel = Panel::new(2, kappa).unwrap().with_bootstrap(few);
    for (model, readers) in [(0.0, [0.0, 1.0]), (1.0, [1.0, 1.0]), (2.0, [2.0, 1.0])] {
        panel.push((model, &readers)).unwrap();
    }
    let huge = serde_json::to_value(&panel).unwrap();
    for readers in [0u64, 1, 1 << 40, u64::MAX] {
        let mut broken = huge.clone();
        broken["readers"] = readers.into();
        assert!(serde_json::from_value::<Panel>(broken).is_err());
    }
    let mut empty = huge;
    empty["cases"] = serde_json::json!([[]]);
    assert!(serde_json::from_value::<Panel>(empty).is_err());
}

#[test]
fn classification() {
    let matrix = ConfusionMatrix::of(&[0, 1, 2], &[0, 2, 2], 3).unwrap();
    attack(&matrix, |matrix| {
        let _ = matrix.push((1, 1));
        matrix.one_vs_rest();
        for rule in [
            Default::default(),
            medmetrics::classification::AveragingRule::SCIKIT_LEARN,
        ] {
            matrix.average(medmetrics::classification::BinaryMeasure::FBeta(1.0), &rule);
        }
        matrix.matthews(Default::default());
        matrix.accuracy();
        matrix.balanced_accuracy(medmetrics::classification::ChanceLevel::Removed);
    });
    let mut labels = MultiLabelCounts::new(2).unwrap();
    labels.push((&[true, false], &[true, true])).unwrap();
    let [refused, _] = attack(&labels, |labels| {
        let _ = labels.push((&[true, false], &[true, true]));
        labels.exact_match();
        labels.hamming_loss();
        let measure = medmetrics::classification::BinaryMeasure::FBeta(1.0);
        labels.average_over_cases(measure, Default::default());
        labels.average(measure, &Default::default());
    });
    assert!(refused > 0);
    let mut top = TopK::new(3, TopTies::Against).unwrap();
    top.push((1, &[0.2, 0.5, 0.3])).unwrap();
    attack(&top, |top| {
        let _ = top.push((2, &[0.2, 0.5, 0.3]));
        let _ = top.accuracy(2);
    });
    let costs = CostMatrix::new(3, vec![0.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 0.0]).unwrap();
    let costs = costs.with_priors(vec![0.2, 0.3, 0.5]).unwrap();
    attack_any(&costs, |costs| {
        let _ = costs.expected(&matrix);
        let _ = costs.normalised(&matrix);
    });
    let mut text = serde_json::to_value(&costs).unwrap();
    text["costs"].as_array_mut().unwrap().pop();
    assert!(serde_json::from_value::<CostMatrix>(text).is_err());
    let scores = Scores::of(&[true, false, true], &[0.5, 0.25, 0.25]).unwrap();
    attack(&scores, |scores| {
        let _ = scores.push((0.5, false));
    });
    let mut of_labels = LabelScores::<f32>::new(2).unwrap();
    of_labels.push((&[true, false], &[0.1, 0.2])).unwrap();
    attack(&of_labels, |scores| {
        let _ = scores.push((&[true, false], &[0.1, 0.2]));
    });
    let mut classes = ClassScores::<f32>::new(3).unwrap();
    classes.push((1, &[0.2, 0.5, 0.3])).unwrap();
    attack(&classes, |scores| {
        let _ = scores.push((2, &[0.2, 0.5, 0.3]));
    });
    let mut strata = Stratified::new(ConfusionMatrix::new(2).unwrap());
    strata.push(("A", (0, 1))).unwrap();
    attack(&strata, |strata| {
        let _ = strata.push(("B", (1, 1)));
        let _ = strata.push(("A", (1, 1)));
    });
    let ranking = scores.finish().unwrap();
    attack_any(&ranking.roc(), |roc| {
        roc.points();
        roc.operating_points().count();
        roc.without_intermediate();
    });
}

#[test]
fn calibration() {
    let mut table =
        CalibrationTable::of(Binning::equal_width(3), &[0.1, 0.9], &[false, true]).unwrap();
    table.push((0.5, true)).unwrap();
    let [refused, all] = attack(&table, |table| {
        let _ = table.push((1.0, false));
        table.expected_error();
        table.error(calibration::CalibrationError::DebiasedSquared);
        table.left_out();
    });
    assert!(refused > all / 3, "{refused} of {all}");
    let mut brier = BrierTable::new(Binning::equal_width(2)).unwrap();
    brier.push((0.3, true)).unwrap();
    attack(&brier, |brier| {
        let _ = brier.push((0.6, false));
    });
    let mut classes = MulticlassBrier::new(3).unwrap();
    classes.push((&[0.2, 0.3, 0.5], 1)).unwrap();
    attack(&classes, |classes| {
        let _ = classes.push((&[0.2, 0.3, 0.5], 2));
        classes.skill();
    });
    let mut multiclass = MulticlassCalibration::new(2, Binning::equal_width(2)).unwrap();
    multiclass.push((&[0.2, 0.8], 1)).unwrap();
    attack(&multiclass, |multiclass| {
        let _ = multiclass.push((&[0.4, 0.6], 0));
    });
    let mut loss = calibration::LogLoss::new(LogLossRule::Exact);
    loss.push(0.3).unwrap();
    attack(&loss, |loss| {
        let _ = loss.push(0.5);
    });
    let isotonic =
        calibration::IsotonicRegression::fit(&[0.1, 0.4, 0.7, 0.9], &[false, true, false, true]);
    let vector = calibration::VectorScaling {
        scales: vec![1.0, 2.0],
        biases: vec![0.0, 0.5],
    };
    let matrix = calibration::MatrixScaling {
        weights: vec![1.0, 0.0, 0.0, 1.0],
        biases: vec![0.0, 0.5],
    };
    for calibrator in [isotonic.unwrap().into(), vector.into(), matrix.into()] {
        let calibrator: Calibrator = calibrator;
        attack_any(&calibrator, |calibrator| {
            for classes in [1, 2] {
                let _ = calibrator.apply(&[0.1, 0.8, 0.5, 0.5], classes, ClassLayout::Rows);
            }
        });
    }
}

#[test]
fn drift() {
    let bins = IntensityBins {
        low: 0.0,
        high: 4.0,
        bins: 4,
    };
    let image = |voxels: &[f32]| {
        let mut image = IntensityHistogram::new(bins).unwrap();
        image.push(voxels).unwrap();
        image
    };
    let [refused, _] = attack(&image(&[0.0, 1.0, 5.0]), |image| {
        let _ = image.push(&[-1.0, 0.5, 3.9, 9.0]);
        image.voxels();
    });
    assert!(refused > 20, "{refused}");
    let images = [
        image(&[0.0, 1.0, 5.0]),
        image(&[0.0, 2.0]),
        image(&[3.0, 2.0]),
    ];
    let reference = IntensityReference::of(&images).unwrap();
    attack_any(&reference, |reference| {
        let _ = reference.compare(&images[1], 0.05);
    });
    let values: Vec<f64> = (0..30).map(f64::from).collect();
    let numbers = Reference::of(&values, &Default::default()).unwrap();
    attack_any(&numbers, |numbers| {
        let _ = numbers.compare(&[3.0, 4.5, 40.0]);
    });
    let mut falling = serde_json::to_value(&numbers).unwrap();
    falling["edges"].as_array_mut().unwrap().reverse();
    assert!(serde_json::from_value::<Reference>(falling).is_err());
    let fields = BTreeMap::from([
        ("age".to_owned(), FieldValues::numbers(values)),
        ("site".to_owned(), FieldValues::categories(["A", "B", "A"])),
    ]);
    let metadata = MetadataReference::of(&fields, &Default::default()).unwrap();
    attack_any(&metadata, |metadata| {
        let _ = metadata.compare(&fields, &DriftThresholds::default());
    });
    let watched = [0.5, 1e308, -1e308, 2.0];
    let [refused, _] = attack_any(&Cusum::new(0.0, 1.0).unwrap(), |cusum| {
        watched.iter().for_each(|&value| drop(cusum.push(value)));
    });
    assert!(refused > 5, "{refused}");
    attack_any(&Ewma::new(0.0, 1.0).unwrap(), |ewma| {
        watched.iter().for_each(|&value| drop(ewma.push(value)));
    });
    attack_any(&PageHinkley::new(0.1, 5.0).unwrap(), |detector| {
        watched.iter().for_each(|&value| drop(detector.push(value)));
    });
}

#[test]
fn intervals_without_an_end_survive_json() {
    let interval = Interval {
        low: f64::NEG_INFINITY,
        high: f64::INFINITY,
        confidence: Confidence::default(),
        method: IntervalMethod::BootstrapBasic,
    };
    let estimate = Estimate::new(1.0, 3, "hd").with_interval(interval);
    let text = serde_json::to_string(&estimate).unwrap();
    assert_eq!(serde_json::from_str::<Estimate>(&text).unwrap(), estimate);
}
