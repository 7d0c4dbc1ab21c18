//! Calibrators equal scikit-learn's, where that goes on to the end of its iterations.

use medmetrics::Error;
use medmetrics::calibration::{
    Calibrator, CalibratorInput, ClassLayout, ClassLogits, IsotonicRegression, MatrixPenalty,
    MatrixScaling, PlattScaling, PlattTargets, TemperatureScaling, VectorScaling,
};
use proptest::prelude::*;
use serde_json::Value;

use crate::{assert_near, assert_within, fixture, numbers, truths};

struct Fixture {
    want: Value,
    scores: Vec<f64>,
    y: Vec<bool>,
    logits: Vec<f64>,
    labels: Vec<u8>,
}

impl Fixture {
    fn read() -> Self {
        let want: Value = fixture::read("calibration/calibrators.json");
        Self {
            scores: numbers(&want["scores"]),
            y: truths(&want["y"]),
            logits: numbers(&want["logits"]),
            labels: numbers(&want["labels"]).iter().map(|&l| l as u8).collect(),
            want,
        }
    }

    fn logits(&self) -> ClassLogits<'_, f64> {
        ClassLogits::new(&self.logits, 3, ClassLayout::Rows).unwrap()
    }

    /// Applied to the new scores, after a way through JSON, the calibrator gives these.
    fn check(&self, calibrator: impl Into<Calibrator>, scores: &str, want: &str) {
        let text = serde_json::to_string(&calibrator.into()).unwrap();
        let calibrator: Calibrator = serde_json::from_str(&text).unwrap();
        let classes = calibrator.classes().unwrap();
        let scores = numbers(&self.want[scores]);
        let got = calibrator
            .apply(&scores, classes, ClassLayout::Rows)
            .unwrap();
        all_near(&got, &numbers(&self.want[want]), want);
        // As channels of `f32`.
        let samples = scores.len() / classes;
        let turn = |i: usize| i % samples * classes + i / samples;
        let channels: Vec<f32> = (0..scores.len()).map(|i| scores[turn(i)] as f32).collect();
        let single = calibrator
            .apply(&channels, classes, ClassLayout::Channels)
            .unwrap();
        for (i, p) in single.iter().enumerate() {
            assert!((f64::from(*p) - got[turn(i)]).abs() < 1e-5);
        }
    }
}

fn all_near(got: &[f64], want: &[f64], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    got.iter()
        .zip(want)
        .for_each(|(&g, &w)| assert_near(g, w, what));
}

#[test]
fn platts_curve_is_scikit_learns() {
    let data = Fixture::read();
    for (targets, key) in [
        (PlattTargets::Smoothed, "platt"),
        (PlattTargets::Plain, "plain"),
    ] {
        let platt = PlattScaling::fit(&data.scores, &data.y, targets).unwrap();
        all_near(
            &[platt.slope(), platt.intercept()],
            &numbers(&data.want[key]),
            key,
        );
    }
    let platt = PlattScaling::fit(&data.scores, &data.y, PlattTargets::default()).unwrap();
    data.check(platt, "new_scores", "platt_new");
    // The unit of the scores does not matter.
    let large: Vec<f64> = data.scores.iter().map(|s| s * 1e8).collect();
    let same = PlattScaling::fit(&large, &data.y, PlattTargets::default()).unwrap();
    assert_near(same.slope() * 1e8, platt.slope(), "slope");
}

#[test]
fn isotonic_regression_is_scikit_learns() {
    let data = Fixture::read();
    let curve = IsotonicRegression::fit(&data.scores, &data.y).unwrap();
    let want = &data.want["isotonic"];
    assert_eq!(curve.corners().0, numbers(&want[0]));
    all_near(curve.corners().1, &numbers(&want[1]), "corners");
    data.check(curve, "new_scores", "isotonic_new");
}

#[test]
fn temperatures_are_of_largest_likelihood() {
    let data = Fixture::read();
    let binary = TemperatureScaling::fit_binary(&data.scores, &data.y).unwrap();
    let several = TemperatureScaling::fit(&data.logits(), &data.labels).unwrap();
    for (got, key) in [(binary, "temperature_binary"), (several, "temperature")] {
        assert_near(got.temperature(), data.want[key].as_f64().unwrap(), key);
    }
    assert_eq!(Calibrator::from(binary).input(), CalibratorInput::Logits);
}

#[test]
fn vectors_and_matrices_are_of_largest_likelihood() {
    let data = Fixture::read();
    let vector = VectorScaling::fit(&data.logits(), &data.labels).unwrap();
    let got = [&vector.scales[..], &vector.biases[..2]].concat();
    all_near(&got, &numbers(&data.want["vector"]), "vector");
    data.check(Calibrator::Vector(vector), "new_logits", "vector_new");
    let matrix = |penalty| MatrixScaling::fit(&data.logits(), &data.labels, &penalty).unwrap();
    let weight = 1.0 / data.want["C"].as_f64().unwrap();
    let theirs = MatrixPenalty {
        diagonal: weight,
        off_diagonal: weight,
        bias: 0.0,
    };
    data.check(matrix(theirs), "new_logits", "matrix_new");
    let ours = matrix(MatrixPenalty::default());
    let got = [&ours.weights[..], &ours.biases[..]].concat();
    all_near(&got, &numbers(&data.want["odir"]), "odir");
    data.check(ours, "new_logits", "odir_new");
}

#[test]
fn classes_by_themselves_are_scikit_learns() {
    let data = Fixture::read();
    let classes = (0..3).map(|class| {
        let scores: Vec<f64> = data.logits.iter().skip(class).step_by(3).copied().collect();
        let y: Vec<bool> = data
            .labels
            .iter()
            .map(|&l| usize::from(l) == class)
            .collect();
        IsotonicRegression::fit(&scores, &y).unwrap().into()
    });
    let calibrator = Calibrator::OneVersusRest(classes.collect());
    data.check(calibrator, "new_logits", "one_versus_rest");
}

#[test]
fn what_has_no_best_fit_is_refused() {
    let (apart, y) = ([-2.0, -1.0, 1.0, 3.0], [false, false, true, true]);
    let no_fit = |error: Error| assert!(matches!(error, Error::NoFit { .. }), "{error}");
    no_fit(TemperatureScaling::fit_binary(&apart, &y).unwrap_err());
    no_fit(TemperatureScaling::fit_binary(&apart.map(|s| -s), &y).unwrap_err());
    no_fit(TemperatureScaling::fit_binary(&[1.0, 1.0, -1.0], &[false, false, false]).unwrap_err());
    no_fit(PlattScaling::fit(&apart, &y, PlattTargets::Plain).unwrap_err());
    no_fit(PlattScaling::fit(&[1.0; 4], &y, PlattTargets::Plain).unwrap_err());
    assert!(
        PlattScaling::fit(&apart, &y, PlattTargets::Smoothed)
            .unwrap()
            .slope()
            > 0.0
    );
    let rows = [3.0, 0.0, 1.0, 2.0, 2.0, 1.0, 0.0, 4.0];
    let logits = ClassLogits::new(&rows, 2, ClassLayout::Rows).unwrap();
    no_fit(VectorScaling::fit(&logits, &[0_u8, 1, 0, 1]).unwrap_err());
    no_fit(TemperatureScaling::fit(&logits, &[0_u8, 1, 0, 1]).unwrap_err());
    let separated = MatrixScaling::fit(
        &logits,
        &[0_u8, 1, 0, 1],
        &MatrixPenalty {
            diagonal: 1.0,
            ..MatrixPenalty::default()
        },
    );
    assert!(
        separated.is_ok(),
        "a penalty keeps factors finite: {separated:?}"
    );
    let absent = VectorScaling::fit(&logits, &[0_u8; 4]);
    assert!(matches!(absent, Err(Error::TooFew { .. })));
    let unknown = VectorScaling::fit(&logits, &[0_u8, 1, 2, 0]);
    assert!(matches!(unknown, Err(Error::UnknownLabel { label: 2, .. })));
    let nan = PlattScaling::fit(&[0.0, f64::NAN], &[true, false], PlattTargets::Smoothed);
    assert!(matches!(nan, Err(Error::InvalidValue { index: 1, .. })));
    assert!(IsotonicRegression::fit::<f64>(&[], &[]).is_err());
    assert!(TemperatureScaling::new(0.0).is_err());
}

#[test]
fn broken_files_are_refused() {
    let read = |text: &str| serde_json::from_str::<Calibrator>(text);
    assert!(read(r#"{"temperature":{"temperature":-1.0}}"#).is_err());
    assert!(read(r#"{"isotonic":{"scores":[1.0,0.0],"probabilities":[0.0,1.0]}}"#).is_err());
    assert!(read(r#"{"isotonic":{"scores":[],"probabilities":[]}}"#).is_err());
    let short = read(r#"{"vector":{"scales":[1.0,1.0],"biases":[0.0]}}"#).unwrap();
    assert!(short.apply(&[0.0, 0.0], 2, ClassLayout::Rows).is_err());
    let vector = read(r#"{"vector":{"scales":[1.0,1.0],"biases":[0.0,0.0]}}"#).unwrap();
    assert!(
        vector.apply(&[0.0; 3], 3, ClassLayout::Rows).is_err(),
        "three classes"
    );
    assert!(
        vector
            .apply(&[0.0, f64::NAN], 2, ClassLayout::Rows)
            .is_err()
    );
    assert_eq!(
        vector.apply(&[0.0, 0.0], 2, ClassLayout::Rows).unwrap(),
        [0.5, 0.5]
    );
}

/// Least squares over all rising curves, by the minimax formula.
fn brute_force(groups: &[(f64, f64, f64)], at: usize) -> f64 {
    let mean = |i: usize, j: usize| {
        let (sum, count) = groups[i..=j]
            .iter()
            .fold((0.0, 0.0), |(s, c), group| (s + group.1, c + group.2));
        sum / count
    };
    (0..=at)
        .map(|i| {
            (at..groups.len())
                .map(|j| mean(i, j))
                .fold(f64::INFINITY, f64::min)
        })
        .fold(f64::NEG_INFINITY, f64::max)
}

proptest! {
    #[test]
    fn isotonic_curves_are_the_nearest_rising_ones(
        items in prop::collection::vec((0u8..12, any::<bool>()), 1..40),
    ) {
        let scores: Vec<f64> = items.iter().map(|i| f64::from(i.0)).collect();
        let labels: Vec<bool> = items.iter().map(|i| i.1).collect();
        let curve = Calibrator::from(IsotonicRegression::fit(&scores, &labels).unwrap());
        let mut groups: Vec<(f64, f64, f64)> = Vec::new();
        for score in 0..12 {
            let mine: Vec<bool> = items.iter().filter(|i| i.0 == score).map(|i| i.1).collect();
            if !mine.is_empty() {
                let positives = mine.iter().filter(|&&label| label).count() as f64;
                groups.push((f64::from(score), positives, mine.len() as f64));
            }
        }
        for (at, group) in groups.iter().enumerate() {
            let got = curve.apply(&[group.0], 1, ClassLayout::Rows).unwrap()[0];
            assert_within(got, brute_force(&groups, at), 1e-12, "curve");
        }
    }

    /// A temperature fitted to scores that were divided by a number is divided by it too.
    #[test]
    fn temperatures_follow_the_unit(unit in 0.05..20.0f64) {
        let data = Fixture::read();
        let scaled: Vec<f64> = data.logits.iter().map(|z| z / unit).collect();
        let logits = ClassLogits::new(&scaled, 3, ClassLayout::Rows).unwrap();
        let got = TemperatureScaling::fit(&logits, &data.labels).unwrap().temperature();
        let want = TemperatureScaling::fit(&data.logits(), &data.labels).unwrap().temperature();
        assert_within(got * unit, want, 1e-8, "temperature");
    }
}
