//! Plots of results hold the results' numbers, and results without numbers are still pictures.

use std::collections::BTreeMap;

use medmetrics::agreement::{BlandAltman, DifferenceScale, PairedMeasurements};
use medmetrics::calibration::{Binning, CalibrationTable};
use medmetrics::classification::{
    ConfusionMatrix, DecisionCurve, DecisionIntervals, Ranking, Selection,
};
use medmetrics::detection::{
    Annotation, Coco, CocoSelection, Detection, DetectionImage, DetectionImages, DetectionProtocol,
    Froc, FrocResult, LesionDetection,
};
use medmetrics::drift::{DriftThresholds, FieldValues, MetadataReference, ReferenceSettings};
use medmetrics::plot::{
    BlandAltmanPlot, ConfusionPlot, Curve, CurvePoint, DecisionPlot, DriftPlot, FrocPlot, Plot,
    PrecisionRecallPlot, ReliabilityPlot, RocPlot, Trend, Verdict,
};
use medmetrics::statistics::Bootstrap;
use medmetrics::{Error, IntervalMethod};

/// Numbers that look drawn at random, the same everywhere: from 0 to below 1.
fn noise(i: usize) -> f64 {
    (i * 7919 % 10_007 * 104_729 % 10_009) as f64 / 10_009.0
}

fn cases(n: usize) -> (Vec<bool>, Vec<f64>) {
    let truth: Vec<bool> = (0..n).map(|i| noise(3 * i) < 0.3).collect();
    let score = |(i, &sick): (usize, &bool)| {
        0.3 * f64::from(u8::from(sick)) + 0.7 * noise(3 * i + 1) + 1e-9 * i as f64
    };
    let scores = truth.iter().enumerate().map(score).collect();
    (truth, scores)
}

/// The area under straight lines between points.
fn area(points: &[(f64, f64)]) -> f64 {
    let strip = |p: &[(f64, f64)]| 0.5 * (p[1].0 - p[0].0) * (p[0].1 + p[1].1);
    points.windows(2).map(strip).sum()
}

#[test]
fn curves_of_many_scores_stay_small_and_keep_their_area() {
    let (truth, scores) = cases(60_000);
    let ranking = Ranking::of(&truth, &scores).unwrap();
    let plot = RocPlot::of_rankings([("model", &ranking)]).unwrap();
    let points = &plot.curves[0].points;
    assert!(points.len() < 4500, "{}", points.len());
    assert_eq!(
        (points[0], points[points.len() - 1]),
        ((0.0, 0.0), (1.0, 1.0))
    );
    let auc = ranking.auc().value.unwrap();
    assert!((area(points) - auc).abs() < 5e-4);
    let summary = plot.curves[0].summary.as_ref().unwrap();
    assert_eq!(summary.value, Some(auc));
    assert_eq!(
        summary.interval.unwrap().method,
        IntervalMethod::LogitDeLong
    );
    assert!(plot.to_svg().unwrap().len() < 120_000);

    let plot = PrecisionRecallPlot::of_rankings([("model", &ranking)]);
    let points = &plot.curves[0].points;
    assert!(points.len() < 6000, "{}", points.len());
    // Steps: the precision of a point holds from the recall before it.
    let steps: f64 = points.windows(2).map(|p| (p[1].0 - p[0].0) * p[1].1).sum();
    let average = plot.curves[0].summary.as_ref().unwrap().value.unwrap();
    assert!((steps - average).abs() < 1e-3, "{steps} {average}");
    assert_eq!(
        plot.axes.prevalence,
        Some(ranking.positives() as f64 / 60_000.0)
    );
    plot.to_svg().unwrap();
}

#[test]
fn small_curves_are_drawn_point_by_point() {
    let truth = [true, false, true, false, true];
    let ranking = Ranking::of(&truth, &[0.9, 0.6, 0.6, 0.4, 0.1]).unwrap();
    let third = 1.0 / 3.0;
    assert_eq!(
        Curve::of_roc("model", &ranking.roc()).points,
        [
            (0.0, 0.0),
            (0.0, third),
            (0.5, 2.0 * third),
            (1.0, 2.0 * third),
            (1.0, 1.0)
        ]
    );
    let curve = Curve::of_precision_recall("model", &ranking.precision_recall());
    assert_eq!(
        curve.points,
        [
            (0.0, 1.0),
            (third, 1.0),
            (2.0 * third, 2.0 * third),
            (2.0 * third, 0.5),
            (1.0, 0.6)
        ]
    );
}

#[test]
fn cases_of_one_kind_and_perfect_scores_are_pictures_too() {
    let sick = Ranking::of(&[true, true], &[0.2, 0.4]).unwrap();
    let plot = RocPlot::of_rankings([("model", &sick)]).unwrap();
    assert!(
        plot.to_svg()
            .unwrap()
            .contains(">model, AUC undefined</text>")
    );
    let healthy = Ranking::of(&[false, false], &[0.2, 0.4]).unwrap();
    let plot = PrecisionRecallPlot::of_rankings([("a", &healthy), ("b", &sick)]);
    assert_eq!(
        plot.axes.prevalence, None,
        "two prevalences have no common line"
    );
    assert!(plot.to_svg().unwrap().contains(">a, AP undefined</text>"));
    let perfect = Ranking::of(&[true, false, true, false], &[0.9, 0.1, 0.8, 0.2]).unwrap();
    let plot = RocPlot::of_rankings([("model", &perfect)]).unwrap();
    assert!(plot.to_svg().unwrap().contains(">model, AUC 1.000"));
    let point = perfect.at(f64::INFINITY);
    let intervals = DecisionIntervals::default();
    let shown = CurvePoint::on_roc(&point, &intervals).unwrap();
    assert_eq!(shown.label, "nothing called positive");
    assert_eq!(CurvePoint::on_precision_recall(&point, &intervals), None);
    assert_eq!(CurvePoint::on_roc(&sick.at(0.3), &intervals), None);
}

#[test]
fn operating_points_lie_on_their_curves() {
    let (truth, scores) = cases(300);
    let ranking = Ranking::of(&truth, &scores).unwrap();
    let point = ranking
        .operating_point(&Selection::Youden)
        .unwrap()
        .unwrap();
    let intervals = DecisionIntervals::default();
    let roc = CurvePoint::on_roc(&point, &intervals).unwrap().on_curve(1);
    assert!(ranking.roc().points().unwrap().contains(&[roc.x, roc.y]));
    assert!(roc.x_interval.unwrap().contains(roc.x) && roc.y_interval.unwrap().contains(roc.y));
    assert_eq!(roc.curve, 1);
    assert_eq!(roc.label, format!("threshold {:.3}", point.threshold));
    let found = CurvePoint::on_precision_recall(&point, &intervals).unwrap();
    let curve = ranking.precision_recall();
    let recall = curve.recall().unwrap();
    let mut on = recall.iter().zip(curve.precision());
    assert!(on.any(|(&r, p)| (r, p) == (found.x, found.y)));
}

#[test]
fn decision_curves_share_a_prevalence() {
    let (truth, scores) = cases(300);
    let ranking = Ranking::of(&truth, &scores).unwrap();
    let own = DecisionCurve::of(&ranking, &[0.5, 0.1], None).unwrap();
    let plot = DecisionPlot::of_curves([("model", &own)]).unwrap();
    assert_eq!(
        plot.curves[0].points,
        [
            (0.1, own.points[1].net_benefit),
            (0.5, own.points[0].net_benefit)
        ]
    );
    assert_eq!(plot.prevalence, own.prevalence);
    plot.to_svg().unwrap();
    let other = DecisionCurve::of(&ranking, &[0.1], Some(0.01)).unwrap();
    let refused = DecisionPlot::of_curves([("a", &own), ("b", &other)]).unwrap_err();
    assert!(matches!(
        refused,
        Error::Incompatible {
            setting: "prevalence",
            ..
        }
    ));
    let refused = DecisionPlot::of_curves::<&str>([]).unwrap_err();
    assert!(matches!(refused, Error::TooFew { .. }));
}

#[test]
fn a_confusion_matrix_is_drawn_row_by_row_of_the_truth() {
    let matrix = ConfusionMatrix::of(&[0, 0, 1, 1, 1], &[1, 1, 1, 1, 0], 2).unwrap();
    let svg = ConfusionPlot::of_matrix(["cyst", "tumour"], &matrix)
        .to_svg()
        .unwrap();
    assert!(svg.contains("cyst predicted as tumour: 2, 100.0 %"));
    assert!(
        ConfusionPlot::of_matrix(["cyst"], &matrix)
            .to_svg()
            .is_err()
    );
}

fn scans(n: usize) -> DetectionImages<3> {
    let mut scans = DetectionImages::new();
    for i in 0..n {
        let at = |j: usize| [0, 1, 2].map(|axis| 300.0 * noise(30 * i + 3 * j + axis));
        let nodules = (0..i % 3).map(|j| Annotation::from_origin(1, at(j), [8.0; 3]).unwrap());
        let found = (0..i % 3).filter(|j| noise(100 + 3 * i + j) < 0.8);
        let found = found.map(|j| (at(j).map(|x| x + 1.0), 0.3 + 0.7 * noise(i + j)));
        let wrong = (3..3 + i % 5).map(|j| (at(j), 0.8 * noise(7 * i + j)));
        let mark = |(place, score)| Detection::from_origin(1, place, [8.0; 3], score).unwrap();
        let marks = found.chain(wrong).map(mark).collect();
        scans
            .push(DetectionImage::new(i as i64, nodules.collect(), marks))
            .unwrap();
    }
    scans
}

#[test]
fn froc_shows_sensitivities_with_intervals_as_far_as_the_curve_goes() {
    let scans = scans(60);
    let plain = Froc::luna16().evaluate(&scans).unwrap();
    let drawn = Froc::luna16()
        .with_bootstrap(Bootstrap::default())
        .evaluate(&scans)
        .unwrap();
    let plot = FrocPlot::of_results([("plain", &plain), ("with intervals", &drawn)]);
    assert_eq!(plot.axes.range, (0.125, 8.0));
    // The curve ends at two false marks a scan; 4 and 8 are not on it.
    let last = plain.curve.points.last().unwrap().false_positives_per_scan;
    let rates: Vec<f64> = plot.operating_points.iter().map(|p| p.x).collect();
    let seen = [0.125, 0.25, 0.5, 1.0, 2.0]
        .into_iter()
        .filter(|rate| *rate <= last);
    assert_eq!(rates, seen.collect::<Vec<_>>());
    assert!(
        plot.operating_points
            .iter()
            .all(|p| p.curve == 1 && p.y_interval.is_some())
    );
    assert_eq!(plot.curves[0].summary.as_ref(), Some(&plain.score));
    plot.to_svg().unwrap();

    let at_half = LesionDetection::new(Froc::luna16().hit, 0.5)
        .evaluate(&scans)
        .unwrap();
    let point = CurvePoint::on_froc("0.5", &at_half).unwrap();
    let on = |p: &(f64, f64)| (p.0 - point.x).abs() < 1e-12 && (p.1 - point.y).abs() < 1e-12;
    let points = plain
        .curve
        .points
        .iter()
        .map(|p| (p.false_positives_per_scan, p.sensitivity));
    assert!(points.collect::<Vec<_>>().iter().any(on), "{point:?}");

    let nothing: FrocResult = Froc::luna16()
        .evaluate(&DetectionImages::<3>::new())
        .unwrap();
    assert!(
        FrocPlot::of_results([("model", &nothing)])
            .to_svg()
            .unwrap()
            .contains("undefined")
    );
}

#[test]
fn precisions_of_coco_are_a_curve_whose_mean_is_its_summary() {
    let result = Coco::nndetection().evaluate(&scans(60)).unwrap();
    let one = CocoSelection::default().of_class(1).at(0.1);
    let curve = Curve::of_coco("nodules", &result, &one).unwrap();
    assert_eq!(curve.points.len(), 101);
    let mean = curve.points.iter().map(|p| p.1).sum::<f64>() / 101.0;
    assert!((mean - curve.summary.as_ref().unwrap().value.unwrap()).abs() < 1e-12);
    PrecisionRecallPlot::new(vec![curve]).to_svg().unwrap();
    assert_eq!(
        Curve::of_coco("all", &result, &CocoSelection::default()),
        None
    );
    assert_eq!(Curve::of_coco("no", &result, &one.of_class(9)), None);
}

#[test]
fn bins_keep_their_counts_and_intervals_and_empty_ones_have_no_point() {
    let (truth, scores) = cases(300);
    let table = CalibrationTable::of(Binning::equal_width(20), &scores, &truth).unwrap();
    let plot = ReliabilityPlot::of_tables([("model", &table)]).unwrap();
    let bins = &plot.curves[0].bins;
    assert_eq!(bins.iter().map(|bin| bin.n).sum::<u64>(), 300);
    for bin in bins {
        assert_eq!(bin.frequency.is_some(), bin.n > 0);
        assert!(
            bin.frequency
                .is_none_or(|f| bin.interval.unwrap().contains(f))
        );
    }
    plot.to_svg().unwrap();
    let empty = CalibrationTable::new(Binning::equal_width(5)).unwrap();
    let plot = ReliabilityPlot::of_tables([("model", &empty)]).unwrap();
    assert!(
        plot.to_svg()
            .unwrap()
            .contains(">model, ECE undefined</text>")
    );
}

#[test]
fn differences_are_drawn_over_means_on_their_own_scale() {
    let first: Vec<f64> = (0..30).map(|i| 10.0 + 90.0 * noise(2 * i)).collect();
    let second: Vec<f64> = (0..30)
        .map(|i| 0.9 * first[i] + 4.0 * noise(2 * i + 1))
        .collect();
    let pairs = PairedMeasurements::new(&first, &second).unwrap();
    let settings = BlandAltman::default();
    let plot = BlandAltmanPlot::of_pairs(&settings, &pairs)
        .unwrap()
        .with_unit("ml");
    let (mean, difference) = (0.5 * first[0] + 0.5 * second[0], first[0] - second[0]);
    assert_eq!(plot.points[0], (mean, difference));
    let growing = settings.proportional_bias(&pairs).unwrap().unwrap();
    let svg = plot
        .with_trend(Trend::of_line(&growing.bias))
        .to_svg()
        .unwrap();
    assert!(svg.contains(">difference (ml)</text>") && svg.contains(">trend, slope "));
    for (scale, said) in [
        (
            DifferenceScale::Percentage,
            [">mean of both (ml)<", ">difference (% of the mean)<"],
        ),
        (
            DifferenceScale::LogRatio,
            [
                ">geometric mean of both (ml)<",
                ">difference (logarithm of the ratio)<",
            ],
        ),
    ] {
        let settings = BlandAltman { scale, ..settings };
        let plot = BlandAltmanPlot::of_pairs(&settings, &pairs)
            .unwrap()
            .with_unit("ml");
        let svg = plot.to_svg().unwrap();
        assert!(said.iter().all(|words| svg.contains(words)), "{scale:?}");
    }
}

#[test]
fn bars_of_drift_have_the_colour_of_the_verdict() {
    let fields = |kvp: f64, scanner: &str, n: usize| {
        BTreeMap::from([
            (
                "age".to_owned(),
                FieldValues::numbers((0..200).map(|i| 40.0 + noise(i))),
            ),
            (
                "kVp".to_owned(),
                FieldValues::numbers((0..200).map(|i| kvp + noise(i))),
            ),
            // Few cases: a large index by chance.
            (
                "weight".to_owned(),
                FieldValues::numbers((0..n).map(|i| noise(i * i + n))),
            ),
            (scanner.to_owned(), FieldValues::categories(["a", "b"])),
        ])
    };
    let before = fields(100.0, "scanner", 200);
    let reference = MetadataReference::of(&before, &ReferenceSettings::default()).unwrap();
    let now = fields(101.0, "device", 5);
    let report = reference
        .compare(&now, &DriftThresholds::default())
        .unwrap();
    let plot = DriftPlot::of_report(&report);
    let bars: Vec<_> = plot
        .bars
        .iter()
        .map(|bar| (bar.label.as_str(), bar.verdict))
        .collect();
    assert_eq!(
        bars,
        [
            ("device", Verdict::Drifted),
            ("scanner", Verdict::Drifted),
            ("kVp", Verdict::Drifted),
            ("weight", Verdict::Unremarkable),
            ("age", Verdict::Unremarkable),
        ]
    );
    assert!(
        plot.bars[3].estimate.value.unwrap() > 0.25,
        "{:?}",
        plot.bars[3]
    );
    let svg = plot.to_svg().unwrap();
    assert!(svg.contains("5 features, drifted: device, scanner, kVp."));
    // What has no bar has no colour either.
    assert!(svg.contains(">undefined, drifted</text>"));
    assert!(svg.contains(">drifted</text>") && svg.contains(">no drift</text>"));
}
