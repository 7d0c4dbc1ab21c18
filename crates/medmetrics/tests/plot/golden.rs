//! Each plot as it was looked at; `WRITE_GOLDEN=1 cargo test` writes them anew, to be looked at again.

use std::path::Path;

use medmetrics::plot::{
    Band, BandPoint, BlandAltmanPlot, ConfusionPlot, Curve, CurvePoint, DecisionPlot,
    DistributionPlot, DriftBar, DriftLine, DriftPlot, FrocPlot, Glyph, Group, Plot,
    PrecisionRecallPlot, ReliabilityBin, ReliabilityCurve, ReliabilityPlot, RocPlot, Trend,
};
use medmetrics::{Confidence, Estimate, Interval, IntervalMethod};

fn golden(name: &str, plot: &impl Plot) {
    let svg = plot.to_svg().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/plot/{name}.svg"));
    if std::env::var_os("WRITE_GOLDEN").is_some() {
        plot.write_svg(&path).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    assert!(svg == kept, "{name}.svg has other bytes");
}

fn interval(low: f64, high: f64) -> Interval {
    Interval {
        low,
        high,
        confidence: Confidence::default(),
        method: IntervalMethod::BootstrapBca,
    }
}

fn estimate(value: f64, low: f64, high: f64) -> Estimate {
    Estimate::new(value, 100, "golden").with_interval(interval(low, high))
}

/// Numbers that look drawn at random, the same everywhere: between -0.5 and 0.5.
fn noise(i: usize) -> f64 {
    ((i * 7919 + 104_729) % 1000) as f64 / 1000.0 - 0.5
}

/// A concave curve from (0, 0) to (1, 1); only square roots, so that every machine has the same digits.
fn concave(power: u32) -> Vec<(f64, f64)> {
    let y = |x: f64| (0..power).fold(x, |y, _| y.sqrt());
    (0..=40)
        .map(|i| f64::from(i) / 40.0)
        .map(|x| (x * x, y(x * x)))
        .collect()
}

fn band(points: &[(f64, f64)]) -> Band {
    let point = |&(x, y): &(f64, f64)| BandPoint {
        x,
        low: (y - 0.06).max(0.0),
        high: (y + 0.05).min(1.0),
    };
    Band {
        points: points.iter().map(point).collect(),
        confidence: Confidence::default(),
    }
}

#[test]
fn roc() {
    let first = concave(3);
    let curves = vec![
        Curve::new("3D network", first.clone())
            .with_band(band(&first))
            .with_summary(estimate(0.889, 0.861, 0.913)),
        Curve::new("radiomics", concave(1)).with_summary(estimate(0.667, 0.621, 0.709)),
    ];
    let mut best = CurvePoint::new("Youden 0.41", 0.1, 0.75);
    best.x_interval = Some(interval(0.06, 0.15));
    best.y_interval = Some(interval(0.67, 0.82));
    let mut other = CurvePoint::new("screening 0.12", 0.3, 0.548);
    other.curve = 1;
    golden(
        "roc",
        &RocPlot::new(curves).with_operating_points(vec![best, other]),
    );
}

#[test]
fn precision_recall() {
    let points = |drop: f64| {
        (0..=30).map(move |i| {
            let recall = f64::from(i) / 30.0;
            (
                recall,
                1.0 - drop * recall * recall + 0.03 * noise(i as usize) * recall,
            )
        })
    };
    let curves = vec![
        Curve::new("3D network", points(0.55).collect())
            .with_summary(estimate(0.842, 0.801, 0.878)),
        Curve::new("radiomics", points(0.8).collect()).with_summary(estimate(0.731, 0.68, 0.77)),
    ];
    let plot = PrecisionRecallPlot::new(curves)
        .with_prevalence(0.12)
        .with_iso_f1(vec![0.2, 0.4, 0.6, 0.8]);
    golden("precision_recall", &plot);
}

#[test]
fn froc() {
    let points = |top: f64| {
        (0..60).map(move |i| {
            let rate = f64::from(i * i) / 500.0;
            (rate, top * rate / (rate + 0.3) + 0.02)
        })
    };
    let first: Vec<_> = points(0.93).collect();
    let curves = vec![
        Curve::new("two stages", first.clone())
            .with_band(band(&first))
            .with_summary(estimate(0.712, 0.661, 0.758)),
        Curve::new("one stage", points(0.8).take(40).collect()),
    ];
    golden("froc", &FrocPlot::new(curves));
}

#[test]
fn reliability() {
    let bins = |bend: f64| {
        let bin = |i: u32| {
            let (low, high) = (f64::from(i) / 10.0, f64::from(i + 1) / 10.0);
            let mean = (low + high) / 2.0;
            let frequency = mean + bend * (mean - 0.5) * (1.0 - mean) * mean * 4.0;
            let n = 40 + u64::from((i + 3) * (i + 3) * 9 % 211);
            ReliabilityBin::new((low, high), n)
                .with_frequency(mean, frequency)
                .with_interval(interval(
                    (frequency - 0.07).max(0.0),
                    (frequency + 0.07).min(1.0),
                ))
        };
        let mut bins: Vec<_> = (0..10).map(bin).collect();
        bins[4] = ReliabilityBin::new((0.4, 0.5), 0);
        bins
    };
    let curves = vec![
        ReliabilityCurve::new("before", bins(-0.6)).with_summary("ECE", estimate(0.083, 0.07, 0.1)),
        ReliabilityCurve::new("after scaling", bins(0.1)),
    ];
    golden("reliability", &ReliabilityPlot::new(curves));
}

#[test]
fn bland_altman() {
    let points = (0..80).map(|i| {
        let mean = 8.0 + 0.5 * i as f64 + 2.0 * noise(i);
        (mean, 0.6 + 0.03 * (mean - 28.0) + 4.0 * noise(i * 13 + 5))
    });
    let limits = [estimate(-1.94, -2.43, -1.58), estimate(3.12, 2.74, 3.63)];
    let plot = BlandAltmanPlot::new(points.collect(), estimate(0.59, 0.30, 0.88), limits)
        .with_title("Long axis of lesions")
        .with_unit("mm")
        .with_difference("model - reader")
        .with_trend(Trend {
            intercept: -0.24,
            slope: estimate(0.03, 0.005, 0.055),
        });
    golden("bland_altman", &plot);
}

#[test]
fn confusion() {
    let counts = vec![512, 14, 3, 0, 22, 187, 30, 0, 1, 41, 96, 0, 0, 0, 0, 0];
    let classes = ["benign", "indeterminate", "malignant", "metastasis"];
    golden("confusion", &ConfusionPlot::new(classes, counts));
    let names = (0..14).map(|i| format!("long organ name {i}"));
    let counts = (0..14 * 14).map(|i| if i % 15 == 0 { 900 + i } else { i * 7 % 23 });
    let plot = ConfusionPlot::new(names, counts.collect()).with_title("Fourteen organs");
    golden("confusion_many", &plot);
}

#[test]
fn boxes_and_violins() {
    let values = |n: usize, middle: f64, spread: f64| {
        let value =
            |i| (middle + spread * (noise(i) + noise(i * 31 + 7)) * noise(i * 17 + 3)).min(1.0);
        (0..n).map(value).collect::<Vec<f64>>()
    };
    let groups = vec![
        Group::new("liver", values(60, 0.95, 0.1)),
        Group::new("spleen", values(60, 0.92, 0.2)).with_undefined(2),
        Group::new("left adrenal gland", values(40, 0.7, 0.7)).with_undefined(20),
        Group::new("pancreas", values(500, 0.78, 0.5)),
        Group::new("gallbladder", vec![0.8]),
        Group::new("absent", vec![]).with_undefined(60),
    ];
    let plot = DistributionPlot::new("Dice", groups).with_range((0.0, 1.0));
    golden("boxes", &plot);
    let title = "Dice of organs";
    golden("violins", &plot.with_glyph(Glyph::Violin).with_title(title));
}

#[test]
fn boxes_of_distances_some_of_which_are_infinite() {
    let distances = |n: usize, middle: f64, infinite: usize| {
        let finite = (0..n).map(move |i| middle * (1.2 + noise(i) + noise(i * 31 + 7)));
        finite
            .map(Some)
            .chain((0..infinite).map(|_| Some(f64::INFINITY)))
    };
    let groups = vec![
        Group::of_cases("liver", distances(40, 6.0, 0)),
        Group::of_cases("pancreas", distances(31, 9.0, 9)),
        Group::of_cases("gallbladder", distances(20, 4.0, 3).chain([None; 17])),
        Group::of_cases("cyst", distances(0, 0.0, 5)),
    ];
    golden("distances", &DistributionPlot::new("HD95 mm", groups));
}

#[test]
fn decision() {
    let benefit = |worth: f64| {
        (0..=60).map(move |i| {
            let t = f64::from(i) / 100.0;
            (
                t,
                0.22 * worth * (1.0 - t / 0.75) * (1.0 + 0.02 * noise(i as usize)),
            )
        })
    };
    let curves = vec![
        Curve::new("model", benefit(1.0).collect()),
        Curve::new("guideline", benefit(0.7).collect()),
    ];
    golden("decision", &DecisionPlot::new(curves, 0.22));
}

#[test]
fn drift() {
    let bars = vec![
        DriftBar::new("slice thickness", estimate(0.412, 0.351, 0.480)),
        DriftBar::new("kVp", estimate(0.172, 0.12, 0.231)),
        DriftBar::new("age", Estimate::new(0.034, 500, "psi")),
        DriftBar::new(
            "mean intensity in the lung",
            Estimate::new(0.012, 500, "psi"),
        ),
        DriftBar::new("contrast agent", Estimate::undefined(0, "psi")),
    ];
    let thresholds = vec![
        DriftLine::new("moderate", 0.1),
        DriftLine::new("large", 0.25),
    ];
    let plot = DriftPlot::new("population stability index", bars).with_thresholds(thresholds);
    golden("drift", &plot);
}
