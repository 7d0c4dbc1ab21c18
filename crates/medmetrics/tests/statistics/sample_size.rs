//! Sample sizes against statsmodels (sample_size.py), published numbers and simulation.

use medcore::random::Key;
use medmetrics::Confidence;
use medmetrics::statistics::distribution::normal_quantile;
use medmetrics::statistics::sample_size::{
    AucStudy, AucVariance, PairedProportions, TestDesign, TwoProportions, cases_at_prevalence,
    cases_for_kappa, cases_for_limits_of_agreement, cases_for_proportion,
};
use medmetrics::statistics::{DeLong, McNemar, PairedCounts};
use serde::Deserialize;

use crate::assert_near;

#[derive(Deserialize)]
struct Fixture {
    proportions: Vec<OneProportion>,
    two: Vec<Two>,
}

#[derive(Deserialize)]
struct OneProportion {
    expected: f64,
    half_width: f64,
    level: Confidence,
    cases: u64,
}

#[derive(Deserialize)]
struct Two {
    first: f64,
    second: f64,
    ratio: f64,
    level: f64,
    target: f64,
    cases: u64,
    powers: Vec<(u64, f64)>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("sample_size.json")).unwrap()
}

#[test]
fn proportions_need_what_statsmodels_says() {
    for case in fixture().proportions {
        let got = cases_for_proportion(case.expected, case.half_width, case.level).unwrap();
        assert_eq!(got, case.cases);
    }
    for case in fixture().two {
        let study = TwoProportions {
            first: case.first,
            second: case.second,
            ratio: case.ratio,
        };
        for (cases, power) in case.powers {
            assert_near(study.power(cases, case.level).unwrap(), power, 1e-9);
        }
        let design = TestDesign {
            level: case.level,
            power: case.target,
        };
        assert_eq!(study.first_group(design).unwrap(), case.cases);
    }
}

/// Discordant cases are drawn; McNemar's test finds the difference as often as promised.
#[test]
fn mcnemar_has_the_power_planned() {
    let study = PairedProportions {
        first_only: 0.15,
        second_only: 0.06,
    };
    let cases = study.cases(TestDesign::default()).unwrap();
    assert!(study.power(cases, 0.05).unwrap() >= 0.8);
    assert!(study.power(cases - 1, 0.05).unwrap() < 0.8);
    let mut found = 0;
    for sample in 0..4000 {
        let mut random = Key::new(2).sample(sample).stream("pairs");
        let mut counts = PairedCounts::default();
        for _ in 0..cases {
            let draw = random.uniform();
            counts.first_only += u64::from(draw < 0.15);
            counts.second_only += u64::from((0.15..0.21).contains(&draw));
        }
        found += u32::from(counts.mcnemar(McNemar::Asymptotic).p.unwrap() < 0.05);
    }
    let power = f64::from(found) / 4000.0;
    assert!((power - 0.8).abs() < 0.03, "{power}");
}

/// Hanley and McNeil's own example: 51 abnormal and 58 normal images, an area of 0.893, and an error of 0.032
/// from the ranks.
#[test]
fn errors_of_aucs_are_the_published_ones_and_those_of_normal_scores() {
    let variance = AucVariance::HanleyMcNeil
        .variance(0.893, [51.0, 58.0])
        .unwrap();
    assert!(
        (variance.sqrt() - 0.032).abs() < 1e-3,
        "{}",
        variance.sqrt()
    );
    for (auc, [positives, negatives]) in [(0.75, [40, 80]), (0.85, [50, 50])] {
        let shift = std::f64::consts::SQRT_2 * normal_quantile(auc);
        let labels: Vec<bool> = (0..positives + negatives).map(|i| i < positives).collect();
        let aucs: Vec<f64> = (0..4000)
            .map(|sample| {
                let mut random = Key::new(8).sample(sample).stream("scores");
                let scores: Vec<f64> = labels
                    .iter()
                    .map(|&positive| shift * f64::from(u8::from(positive)) + random.normal())
                    .collect();
                DeLong::new(&scores, &labels).unwrap().auc().unwrap()
            })
            .collect();
        let mean = aucs.iter().sum::<f64>() / 4000.0;
        let drawn = aucs.iter().map(|a| (a - mean) * (a - mean)).sum::<f64>() / 4000.0;
        for model in [AucVariance::Obuchowski, AucVariance::HanleyMcNeil] {
            let cases = [positives as f64, negatives as f64];
            let ratio = model.variance(auc, cases).unwrap() / drawn;
            // Obuchowski's is meant for graded readings, and larger than that of ranks.
            assert!((0.85..1.45).contains(&ratio), "{model:?} {auc} {ratio}");
        }
    }
}

#[test]
fn fewer_positives_are_not_enough() {
    for variance in [AucVariance::Obuchowski, AucVariance::HanleyMcNeil] {
        let study = AucStudy {
            auc: 0.85,
            ratio: 3.0,
            variance,
        };
        let half = |n: u64| {
            let cases = [n as f64, 3.0 * n as f64];
            1.959_963_984_540_054 * variance.variance(0.85, cases).unwrap().sqrt()
        };
        let n = study
            .positives_for_interval(0.04, Confidence::default())
            .unwrap();
        assert!(half(n) <= 0.04 && half(n - 1) > 0.04);
        let against = |other| {
            study
                .positives_against(other, TestDesign::default())
                .unwrap()
        };
        assert!(
            against(0.8) > 3 * against(0.75),
            "half the distance, four times the cases"
        );
        assert!(
            study
                .positives_against(0.85, TestDesign::default())
                .is_err()
        );
    }
}

/// Two readers see the truth of a case alike with probability kappa and guess apart otherwise.
#[test]
fn a_kappa_varies_as_planned() {
    let (kappa, prevalence) = (0.6, 0.3);
    let cases = cases_for_kappa(kappa, prevalence, 0.1, Confidence::default()).unwrap();
    let (mut sum, mut squares) = (0.0, 0.0);
    for sample in 0..3000 {
        let mut random = Key::new(3).sample(sample).stream("readers");
        let mut counts = [0.0; 3];
        for _ in 0..cases {
            let truth = random.chance(prevalence);
            let answers = if random.chance(kappa) {
                [truth; 2]
            } else {
                [truth, random.chance(prevalence)]
            };
            counts[answers.iter().filter(|&&answer| answer).count()] += 1.0;
        }
        let n = cases as f64;
        let p = (counts[2] + 0.5 * counts[1]) / n;
        let value = 1.0 - counts[1] / n / (2.0 * p * (1.0 - p));
        sum += value;
        squares += value * value;
    }
    let error = (squares / 3000.0 - (sum / 3000.0).powi(2)).sqrt();
    let half_width = 1.959_963_984_540_054 * error;
    assert!((half_width - 0.1).abs() < 0.006, "{half_width}");
}

/// 20 cases: limits between 1.146 and 2.774 standard deviations.
#[test]
fn limits_of_agreement_need_what_bland_and_altman_say() {
    let half = (2.774 - 1.146) / 2.0;
    let confidence = Confidence::default();
    assert_eq!(
        cases_for_limits_of_agreement(half + 5e-4, confidence).unwrap(),
        20
    );
    assert_eq!(
        cases_for_limits_of_agreement(half - 5e-4, confidence).unwrap(),
        21
    );
}

#[test]
fn what_no_study_can_be_is_refused() {
    let confidence = Confidence::default();
    let message = cases_for_proportion(1.0, 0.1, confidence)
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "the expected proportion must be between 0 and 1, got 1"
    );
    assert!(cases_for_proportion(0.5, 0.0, confidence).is_err());
    assert!(cases_at_prevalence(10, 0.0).is_err());
    assert!(cases_for_limits_of_agreement(f64::NAN, confidence).is_err());
    assert!(
        cases_for_limits_of_agreement(1e-12, confidence).is_err(),
        "out of reach"
    );
    let same = TwoProportions {
        first: 0.5,
        second: 0.5,
        ratio: 1.0,
    };
    assert!(same.first_group(TestDesign::default()).is_err());
    let never = TestDesign {
        power: 1.0,
        ..TestDesign::default()
    };
    let differ = TwoProportions {
        second: 0.6,
        ..same
    };
    assert!(differ.first_group(never).is_err());
    let too_likely = PairedProportions {
        first_only: 0.9,
        second_only: 0.8,
    };
    // Both together exceed 1.
    assert!(too_likely.power(10, 0.05).is_err());
}
