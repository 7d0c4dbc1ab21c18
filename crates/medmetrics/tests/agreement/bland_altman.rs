//! Limits of agreement: SciPy, statsmodels, the papers' formulas, merging, coverage.

use medcore::random::Key;
use medmetrics::agreement::{
    BlandAltman, DifferenceScale, LimitsInterval, Line, PairedMeasurements, RepeatedBlandAltman,
    RepeatedMeasurements, Spread, TrueValue,
};
use medmetrics::{Accumulator, Confidence, Error, Estimate};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{assert_coverage, fixture, near, number, numbers, rows};

const INTERVALS: [(&str, LimitsInterval); 4] = [
    ("exact", LimitsInterval::Exact),
    ("mover", LimitsInterval::Mover),
    ("bland_altman1999", LimitsInterval::BlandAltman1999),
    ("bland_altman1986", LimitsInterval::BlandAltman1986),
];

fn pairs(case: &Value) -> PairedMeasurements {
    PairedMeasurements::new(&numbers(&case["first"]), &numbers(&case["second"])).unwrap()
}

#[track_caller]
fn near_all(estimate: &Estimate, want: &[f64], tolerance: f64) {
    let interval = estimate.interval.unwrap();
    let got = [estimate.value.unwrap(), interval.low, interval.high];
    for (got, want) in got.iter().zip(want) {
        near(*got, *want, tolerance, &estimate.convention);
    }
}

fn scales(case: &Value) -> impl Iterator<Item = (BlandAltman, &Value)> {
    case["scales"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, want)| {
            let scale = serde_json::from_value(Value::from(name.as_str())).unwrap();
            (
                BlandAltman {
                    scale,
                    ..BlandAltman::default()
                },
                want,
            )
        })
}

#[test]
fn limits_and_their_intervals_are_the_formulas_on_every_scale() {
    for case in fixture("bland_altman")["cases"].as_array().unwrap() {
        for (settings, want) in scales(case) {
            let (bias, sd) = (numbers(&want["bias"]), number(&want["sd"]));
            for (name, interval) in INTERVALS {
                let limits = BlandAltman {
                    interval,
                    ..settings
                }
                .of(&pairs(case))
                .unwrap();
                near_all(&limits.bias, &bias, 1e-10);
                near(limits.sd, sd, 1e-10, "sd");
                let ends = numbers(&want["factors"][name]);
                let z = 1.959_963_984_540_054;
                let at = |factor: f64| bias[0] + factor * sd;
                near_all(&limits.upper, &[at(z), at(ends[0]), at(ends[1])], 1e-9);
                near_all(&limits.lower, &[at(-z), at(-ends[1]), at(-ends[0])], 1e-9);
            }
        }
    }
}

#[test]
fn factors_are_those_published() {
    let fixture = fixture("bland_altman");
    for (n, want) in fixture["published"].as_object().unwrap() {
        for (name, interval) in INTERVALS {
            let factors = interval.factors(
                n.parse().unwrap(),
                1.959_963_984_540_054,
                Confidence::default(),
            );
            for (got, want) in factors.iter().zip(numbers(&want[name])) {
                near(*got, want, 1e-9, name);
            }
        }
    }
    for (n, interval, low, high) in [
        (10, LimitsInterval::Exact, 1.163, 3.801),
        (20, LimitsInterval::Exact, 1.356, 3.014),
        (50, LimitsInterval::Exact, 1.551, 2.535),
        (100, LimitsInterval::Exact, 1.659, 2.342),
        (500, LimitsInterval::Exact, 1.818, 2.118),
        (20, LimitsInterval::Mover, 1.297, 2.977),
        (20, LimitsInterval::BlandAltman1999, 1.146, 2.774),
        (20, LimitsInterval::BlandAltman1986, 1.149, 2.771),
    ] {
        let got = interval.factors(n, 1.959_963_984_540_054, Confidence::default());
        near(got[0], low, 6e-4, "low");
        near(got[1], high, 6e-4, "high");
    }
}

#[track_caller]
fn near_line(line: &Line, want: &[f64]) {
    near_all(&line.intercept, &want[..3], 1e-8);
    near_all(&line.slope, &want[3..6], 1e-8);
    near(line.p_value.unwrap(), want[6], 1e-8, "p");
    near(line.residual_sd, want[7], 1e-8, "residual");
}

#[test]
fn proportional_bias_is_statsmodels_regression() {
    for case in fixture("bland_altman")["cases"].as_array().unwrap() {
        for (settings, want) in scales(case) {
            let found = settings.proportional_bias(&pairs(case)).unwrap().unwrap();
            near_line(&found.bias, &numbers(&want["line"]));
            near_line(&found.scatter, &numbers(&want["scatter"]));
            for (spread, name) in [(Spread::Constant, "constant"), (Spread::Linear, "linear")] {
                let limits = found.limits(0.95, spread).unwrap().unwrap();
                let mut want = numbers(&want[name]);
                if want[0] > want[1] {
                    want = vec![want[1]; 3];
                }
                for (got, want) in limits.at(25.0).iter().zip(want) {
                    near(*got, want, 1e-8, name);
                }
            }
        }
    }
}

#[test]
fn quantiles_and_their_order_statistics_are_scipys() {
    for case in fixture("bland_altman")["cases"].as_array().unwrap() {
        for (settings, want) in scales(case) {
            let got = settings.quantiles(&pairs(case)).unwrap();
            for (estimate, want) in got.iter().zip(want["quantiles"].as_array().unwrap()) {
                near(estimate.value.unwrap(), number(&want[0]), 1e-10, "quantile");
                match (want[1].as_f64(), want[2].as_f64()) {
                    (Some(low), Some(high)) => {
                        near_all(estimate, &[estimate.value.unwrap(), low, high], 1e-10);
                    }
                    _ => assert_eq!(estimate.interval, None, "too few differences"),
                }
            }
        }
    }
}

#[test]
fn ratios_go_back_from_logarithms() {
    let pairs = PairedMeasurements::new(&[2.0, 4.0, 8.0], &[1.0, 2.0, 4.0]).unwrap();
    let settings = BlandAltman {
        scale: DifferenceScale::LogRatio,
        ..BlandAltman::default()
    };
    let limits = settings.of(&pairs).unwrap();
    for ratio in limits.ratios().unwrap() {
        near_all(&ratio, &[2.0, 2.0, 2.0], 1e-14);
    }
    assert_eq!(
        limits.ratios().unwrap()[0].convention,
        "loa-lower:ratio/0.95/exact"
    );
    assert_eq!(BlandAltman::default().of(&pairs).unwrap().ratios(), None);
}

#[test]
fn what_a_scale_does_not_allow_is_refused_by_its_place() {
    let pairs = PairedMeasurements::new(&[2.0, 0.0, 3.0], &[1.0, -1.0, 2.0]).unwrap();
    for scale in [DifferenceScale::LogRatio, DifferenceScale::Percentage] {
        let error = BlandAltman {
            scale,
            ..BlandAltman::default()
        }
        .of(&pairs)
        .unwrap_err();
        assert!(
            matches!(error, Error::InvalidValue { index: 1, .. }),
            "{error}"
        );
    }
    assert!(BlandAltman::default().of(&pairs).is_ok());
    let two = PairedMeasurements::new(&[2.0, 0.0], &[1.0, 1.0]).unwrap();
    assert!(matches!(
        BlandAltman::default().of(&two),
        Err(Error::TooFew {
            least: 3,
            got: 2,
            ..
        })
    ));
    for share in [0.0, 1.0, f64::NAN] {
        let settings = BlandAltman {
            share,
            ..BlandAltman::default()
        };
        assert!(settings.of(&pairs).is_err() && settings.quantiles(&pairs).is_err());
    }
}

#[test]
fn means_that_are_all_the_same_have_no_line() {
    let pairs = PairedMeasurements::new(&[2.0, 3.0, 1.0], &[2.0, 1.0, 3.0]).unwrap();
    assert_eq!(
        BlandAltman::default().proportional_bias(&pairs).unwrap(),
        None
    );
    let line = PairedMeasurements::new(&[1.0, 2.0, 3.0], &[1.0, 1.0, 1.0]).unwrap();
    let found = BlandAltman::default()
        .proportional_bias(&line)
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.bias.slope.value, found.bias.p_value),
        (Some(2.0), None)
    );
}

fn repeated(case: &Value) -> RepeatedMeasurements {
    let truth = if case["varying"].as_bool().unwrap() {
        TrueValue::Varying
    } else {
        TrueValue::Constant
    };
    let mut measured = RepeatedMeasurements::new(RepeatedBlandAltman {
        truth,
        ..RepeatedBlandAltman::default()
    });
    for (first, second) in rows(&case["first"]).iter().zip(rows(&case["second"])) {
        measured.push([first, &second]).unwrap();
    }
    measured
}

#[test]
fn repeated_measurements_are_the_papers_formulas() {
    for case in fixture("bland_altman")["repeated"].as_array().unwrap() {
        let limits = repeated(case).finish().unwrap();
        near(limits.sd, number(&case["sd"]), 1e-10, "sd");
        near_all(&limits.bias, &numbers(&case["bias"]), 1e-10);
        near_all(&limits.upper, &numbers(&case["upper"]), 1e-9);
        near_all(&limits.lower, &numbers(&case["lower"]), 1e-9);
    }
}

#[test]
fn one_measurement_each_is_the_plain_comparison_with_mover() {
    let (first, second) = ([3.0, 4.5, 6.0, 9.0, 2.0], [2.5, 5.0, 5.0, 8.0, 2.5]);
    let plain = BlandAltman {
        interval: LimitsInterval::Mover,
        ..BlandAltman::default()
    };
    let plain = plain
        .of(&PairedMeasurements::new(&first, &second).unwrap())
        .unwrap();
    for truth in [TrueValue::Constant, TrueValue::Varying] {
        let settings = RepeatedBlandAltman {
            truth,
            ..RepeatedBlandAltman::default()
        };
        let mut measured = RepeatedMeasurements::new(settings);
        for (a, b) in first.iter().zip(&second) {
            measured.push([&[*a], &[*b]]).unwrap();
        }
        let got = measured.finish().unwrap();
        for (got, want) in [
            (&got.bias, &plain.bias),
            (&got.lower, &plain.lower),
            (&got.upper, &plain.upper),
        ] {
            let interval = want.interval.unwrap();
            near_all(
                got,
                &[want.value.unwrap(), interval.low, interval.high],
                1e-12,
            );
        }
    }
}

#[test]
fn wrong_repeats_are_refused() {
    let varying = RepeatedBlandAltman {
        truth: TrueValue::Varying,
        ..RepeatedBlandAltman::default()
    };
    let mut measured = RepeatedMeasurements::new(varying);
    assert!(matches!(
        measured.push([&[1.0, 2.0], &[1.0]]),
        Err(Error::Length { .. })
    ));
    assert!(matches!(
        measured.push([&[], &[]]),
        Err(Error::TooFew { .. })
    ));
    assert!(matches!(
        measured.push([&[1.0], &[f64::NAN]]),
        Err(Error::InvalidValue { index: 0, .. })
    ));
    assert!(measured.merge(&RepeatedMeasurements::default()).is_err());
    assert!(matches!(
        measured.finish(),
        Err(Error::TooFew { of: "subjects", .. })
    ));
}

proptest! {
    #[test]
    fn any_partition_in_any_order_gives_the_same_bits(
        values in prop::collection::vec((0.1..1e4f64, 0.1..1e4f64), 6..30),
        cut in 0usize..30,
        seed in any::<u64>(),
    ) {
        let mut shuffled = values.clone();
        Key::new(seed).stream("order").shuffle(&mut shuffled);
        let cut = cut.min(values.len());
        let part = |values: &[(f64, f64)]| {
            let mut pairs = PairedMeasurements::default();
            let mut repeats = RepeatedMeasurements::default();
            for &(a, b) in values {
                pairs.push([a, b]).unwrap();
                repeats.push([&[a, b], &[b, a, a]]).unwrap();
            }
            (pairs, repeats)
        };
        let whole = part(&values);
        let (mut pairs, mut repeats) = part(&shuffled[cut..]);
        let early = part(&shuffled[..cut]);
        pairs.merge(&early.0).unwrap();
        repeats.merge(&early.1).unwrap();
        prop_assert_eq!(repeats.finish().unwrap(), whole.1.finish().unwrap());
        for scale in [DifferenceScale::Difference, DifferenceScale::Percentage, DifferenceScale::LogRatio] {
            let settings = BlandAltman { scale, interval: LimitsInterval::Mover, ..BlandAltman::default() };
            prop_assert_eq!(settings.of(&pairs).unwrap(), settings.of(&whole.0).unwrap());
            prop_assert_eq!(settings.quantiles(&pairs).unwrap(), settings.quantiles(&whole.0).unwrap());
            prop_assert_eq!(
                settings.proportional_bias(&pairs).unwrap(),
                settings.proportional_bias(&whole.0).unwrap()
            );
        }
    }

    #[test]
    fn exchanging_the_methods_mirrors_the_limits(
        values in prop::collection::vec((-9.0..9.0f64, -9.0..9.0f64), 3..20),
    ) {
        let (x, y): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
        let of = |x: &[f64], y: &[f64]| {
            BlandAltman::default().of(&PairedMeasurements::new(x, y).unwrap()).unwrap()
        };
        let (one, other) = (of(&x, &y), of(&y, &x));
        prop_assert_eq!(one.upper.value.unwrap(), -other.lower.value.unwrap());
        let [high, low] = [one.upper.interval.unwrap().high, other.lower.interval.unwrap().low];
        prop_assert_eq!(high, -low);
    }
}

/// The factors depend only on the number of pairs: they are found once, as `BlandAltman::of` finds them.
#[test]
fn intervals_of_limits_cover_as_often_as_the_formulas() {
    let z = 1.959_963_984_540_054;
    for case in fixture("bland_altman")["coverage"].as_array().unwrap() {
        let name = case["interval"].as_str().unwrap();
        let (_, interval) = INTERVALS.into_iter().find(|(n, _)| *n == name).unwrap();
        let n = case["n"].as_u64().unwrap() as usize;
        let [low, high] = interval.factors(n, z, Confidence::default());
        let mut random = Key::new(15).stream(name);
        assert_coverage(case, || {
            let d: Vec<f64> = (0..n).map(|_| random.normal()).collect();
            let mean = d.iter().sum::<f64>() / n as f64;
            let sd = (d.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / (n as f64 - 1.0)).sqrt();
            (mean + low * sd..=mean + high * sd).contains(&z)
        });
        if interval == LimitsInterval::Exact {
            near(
                number(&case["coverage"]),
                0.95,
                0.006,
                "exact limits cover as they say",
            );
        }
    }
}

#[test]
fn intervals_of_repeated_limits_cover_as_often_as_the_formulas() {
    for case in fixture("bland_altman")["repeated_coverage"]
        .as_array()
        .unwrap()
    {
        let varying = case["varying"].as_bool().unwrap();
        let truth = if varying {
            TrueValue::Varying
        } else {
            TrueValue::Constant
        };
        let m = case["m"].as_u64().unwrap();
        let mut random = Key::new(16).stream("repeated");
        assert_coverage(case, || {
            let mut measured = RepeatedMeasurements::new(RepeatedBlandAltman {
                truth,
                ..RepeatedBlandAltman::default()
            });
            for _ in 0..case["n"].as_u64().unwrap() {
                let apart = 0.4 + random.normal();
                let drift: Vec<f64> = (0..m)
                    .map(|_| if varying { random.normal() } else { 0.0 })
                    .collect();
                let mut of = |bias: f64, sd: f64| {
                    drift
                        .iter()
                        .map(|drift| bias + drift + sd * random.normal())
                        .collect::<Vec<f64>>()
                };
                let (first, second) = (of(apart, 0.5), of(0.0, 0.8));
                measured.push([&first, &second]).unwrap();
            }
            let upper = measured.finish().unwrap().upper.interval.unwrap();
            upper.contains(number(&case["true"]))
        });
    }
}

#[test]
fn differences_without_a_finite_spread_are_refused() {
    for size in [1.7e308, 1e200] {
        let pairs =
            PairedMeasurements::new(&[size, -size, size], &[-size, size, 0.5 * size]).unwrap();
        assert!(matches!(
            BlandAltman::default().of(&pairs),
            Err(Error::InvalidParameter { .. })
        ));
    }
}
