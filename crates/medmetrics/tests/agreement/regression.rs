//! Deming's and Passing-Bablok's lines: the papers' formulas by brute force, coverage.

use medcore::random::Key;
use medmetrics::Error;
use medmetrics::Estimate;
use medmetrics::agreement::{Deming, MethodLine, PairedMeasurements, PassingBablok};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{assert_coverage, fixture, near, numbers};

fn pairs(case: &Value) -> PairedMeasurements {
    PairedMeasurements::new(&numbers(&case["first"]), &numbers(&case["second"])).unwrap()
}

#[track_caller]
fn near_line(line: &MethodLine, want: &Value) {
    for (estimate, want) in [&line.slope, &line.intercept]
        .iter()
        .zip(want.as_array().unwrap())
    {
        let interval = estimate.interval.unwrap();
        let got = [estimate.value.unwrap(), interval.low, interval.high];
        for (got, want) in got.iter().zip(numbers(want)) {
            near(*got, want, 1e-9, &estimate.convention);
        }
    }
}

#[test]
fn lines_are_the_papers() {
    for case in fixture("regression")["cases"].as_array().unwrap() {
        let pairs = pairs(case);
        for (ratio, want) in case["deming"].as_object().unwrap() {
            let settings = Deming {
                variance_ratio: ratio.parse().unwrap(),
                ..Deming::default()
            };
            near_line(&settings.of(&pairs).unwrap(), want);
        }
        near_line(
            &PassingBablok::default().of(&pairs).unwrap(),
            &case["passing_bablok"],
        );
    }
}

#[test]
fn exact_lines_are_found_and_upright_ones_undefined() {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let on_line = PairedMeasurements::new(&x, &x.map(|v| 0.5 * v + 2.0)).unwrap();
    for line in [
        Deming::default().of(&on_line).unwrap(),
        PassingBablok::default().of(&on_line).unwrap(),
    ] {
        near(line.slope.value.unwrap(), 0.5, 1e-12, "slope");
        near(line.intercept.value.unwrap(), 2.0, 1e-12, "intercept");
    }
    let upright = PairedMeasurements::new(&[3.0; 6], &x).unwrap();
    for line in [
        Deming::default().of(&upright).unwrap(),
        PassingBablok::default().of(&upright).unwrap(),
    ] {
        let none = |e: &Estimate| e.value.is_none() && e.interval.is_none();
        assert!(none(&line.slope) && none(&line.intercept));
    }
    let falling = PairedMeasurements::new(&x, &x.map(|v| 5.0 - 2.0 * v)).unwrap();
    near(
        Deming::default().of(&falling).unwrap().slope.value.unwrap(),
        -2.0,
        1e-12,
        "slope",
    );
    let passing = PassingBablok::default().of(&falling).unwrap();
    assert_eq!((passing.slope.value, passing.intercept.value), (None, None));
    let one_place = PairedMeasurements::new(&[3.0; 4], &[2.0; 4]).unwrap();
    assert_eq!(
        PassingBablok::default().of(&one_place).unwrap().slope.value,
        None
    );
}

#[test]
fn too_few_pairs_and_wrong_ratios_are_refused() {
    let two = PairedMeasurements::new(&[1.0, 2.0], &[1.0, 2.0]).unwrap();
    assert!(matches!(
        Deming::default().of(&two),
        Err(Error::TooFew { least: 3, .. })
    ));
    assert!(matches!(
        PassingBablok::default().of(&two),
        Err(Error::TooFew { least: 3, .. })
    ));
    let three = PairedMeasurements::new(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.5]).unwrap();
    for variance_ratio in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(
            Deming {
                variance_ratio,
                ..Deming::default()
            }
            .of(&three)
            .is_err()
        );
    }
    assert_eq!(
        PassingBablok::default().of(&three).unwrap().slope.interval,
        None
    );
}

proptest! {
    #[test]
    fn exchanging_the_methods_inverts_the_line_and_order_does_not_matter(
        values in prop::collection::vec((0.0..9.0f64, -1.0..1.0f64), 8..25),
        ratio in 0.2..5.0f64,
        seed in any::<u64>(),
    ) {
        let pairs: Vec<[f64; 2]> = values.into_iter().map(|(x, e)| [x, 1.5 * x + e]).collect();
        let of = |pairs: &[[f64; 2]], turned: bool| {
            let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter()
                .map(|&[x, y]| if turned { (y, x) } else { (x, y) }).unzip();
            PairedMeasurements::new(&x, &y).unwrap()
        };
        let mut shuffled = pairs.clone();
        Key::new(seed).stream("order").shuffle(&mut shuffled);
        let deming = |variance_ratio| Deming { variance_ratio, ..Deming::default() };
        let line = deming(ratio).of(&of(&pairs, false)).unwrap();
        prop_assert_eq!(&line, &deming(ratio).of(&of(&shuffled, false)).unwrap());
        let turned = deming(1.0 / ratio).of(&of(&pairs, true)).unwrap();
        if let (Some(slope), Some(other)) = (line.slope.value, turned.slope.value) {
            prop_assert!((slope * other - 1.0).abs() < 1e-9);
        }
        let passing = PassingBablok::default();
        prop_assert_eq!(
            passing.of(&of(&pairs, false)).unwrap(),
            passing.of(&of(&shuffled, false)).unwrap()
        );
    }
}

#[test]
fn intervals_of_slopes_cover_as_often_as_the_formulas() {
    for case in fixture("regression")["coverage"].as_array().unwrap() {
        for name in ["deming", "passing_bablok"] {
            let mut random = Key::new(17).stream(name);
            assert_coverage(&case[name], || {
                let n = case["n"].as_u64().unwrap();
                let (x, y): (Vec<f64>, Vec<f64>) = (0..n)
                    .map(|_| {
                        let truth = random.uniform_in(0.0, 20.0);
                        (truth + random.normal(), truth + random.normal())
                    })
                    .unzip();
                let pairs = PairedMeasurements::new(&x, &y).unwrap();
                let line = match name {
                    "deming" => Deming::default().of(&pairs),
                    _ => PassingBablok::default().of(&pairs),
                };
                line.unwrap()
                    .slope
                    .interval
                    .is_some_and(|interval| interval.contains(1.0))
            });
        }
    }
}
