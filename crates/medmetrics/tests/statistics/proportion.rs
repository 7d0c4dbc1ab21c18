//! Proportions against statsmodels and SciPy (proportion.py), their coverage, and laws.

use medmetrics::statistics::distribution::normal_quantile;
use medmetrics::statistics::{
    DifferenceInterval, PairedCounts, PairedDifferenceInterval, Proportion, ProportionInterval,
};
use medmetrics::{Confidence, Estimate};
use proptest::prelude::*;
use serde::Deserialize;

use crate::assert_near;

#[derive(Deserialize)]
struct Fixture {
    single: Vec<Single>,
    coverage: Vec<Coverage>,
    independent: Vec<Independent>,
    difference_coverage: Vec<DifferenceCoverage>,
    paired: Vec<Paired>,
}

#[derive(Deserialize)]
struct DifferenceCoverage {
    method: DifferenceInterval,
    trials: [u64; 2],
    truth: [f64; 2],
    coverage: f64,
}

#[derive(Deserialize)]
struct Single {
    method: ProportionInterval,
    successes: u64,
    trials: u64,
    level: Confidence,
    interval: [f64; 2],
}

#[derive(Deserialize)]
struct Coverage {
    method: ProportionInterval,
    trials: u64,
    truth: f64,
    coverage: f64,
}

#[derive(Deserialize)]
struct Independent {
    method: DifferenceInterval,
    counts: [u64; 4],
    interval: [f64; 2],
}

#[derive(Deserialize)]
struct Paired {
    counts: [u64; 4],
    tango: [f64; 2],
    newcombe: [f64; 2],
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("proportion.json")).unwrap()
}

fn of(successes: u64, trials: u64) -> Proportion {
    Proportion::new(successes, trials).unwrap()
}

fn ends(estimate: &Estimate) -> [f64; 2] {
    let interval = estimate.interval.unwrap();
    [interval.low, interval.high]
}

fn counts([both, first_only, second_only, neither]: [u64; 4]) -> PairedCounts {
    PairedCounts {
        both,
        first_only,
        second_only,
        neither,
    }
}

#[test]
fn intervals_are_those_of_statsmodels() {
    for case in fixture().single {
        let share = of(case.successes, case.trials);
        let interval = case.method.interval(share, case.level).unwrap();
        assert_near(interval.low, case.interval[0], 1e-9);
        assert_near(interval.high, case.interval[1], 1e-9);
    }
}

/// Summed over all outcomes, so that no simulation is needed.
#[test]
fn coverage_is_that_of_statsmodels() {
    for case in fixture().coverage {
        let mut covered = 0.0;
        for (successes, probability) in binomial(case.trials, case.truth).into_iter().enumerate() {
            let share = of(successes as u64, case.trials);
            let interval = case.method.interval(share, Confidence::default()).unwrap();
            covered += probability * f64::from(u8::from(interval.contains(case.truth)));
        }
        assert_near(covered, case.coverage, 1e-9);
    }
}

/// The probability of each number of successes.
fn binomial(trials: u64, truth: f64) -> Vec<f64> {
    let mut logarithm = trials as f64 * libm::log(1.0 - truth);
    (0..=trials)
        .map(|successes| {
            let probability = libm::exp(logarithm);
            let ratio = (trials - successes) as f64 / (successes + 1) as f64;
            logarithm += libm::log(ratio * truth / (1.0 - truth));
            probability
        })
        .collect()
}

/// How often the interval of a difference holds the truth, summed over all outcomes.
fn coverage_of_difference(method: DifferenceInterval, trials: [u64; 2], truth: [f64; 2]) -> f64 {
    let [first, second] = [0, 1].map(|group| binomial(trials[group], truth[group]));
    let mut covered = 0.0;
    for (x1, p1) in first.iter().enumerate() {
        for (x2, p2) in second.iter().enumerate() {
            let groups = [of(x1 as u64, trials[0]), of(x2 as u64, trials[1])];
            let estimate = method.estimate(groups[0], groups[1], Confidence::default(), "d");
            let inside = estimate.interval.unwrap().contains(truth[0] - truth[1]);
            covered += p1 * p2 * f64::from(u8::from(inside));
        }
    }
    covered
}

#[test]
fn coverage_of_differences_is_that_of_statsmodels() {
    for case in fixture().difference_coverage {
        let covered = coverage_of_difference(case.method, case.trials, case.truth);
        assert_near(covered, case.coverage, 1e-9);
        let score = DifferenceInterval::MiettinenNurminen;
        let covered = coverage_of_difference(score, case.trials, case.truth);
        assert!((0.93..0.996).contains(&covered), "{covered}");
    }
}

/// Thirty pairs, the discordant ones with given probabilities.
#[test]
fn coverage_of_tango_is_close_to_its_confidence() {
    for [p1, p2] in [[0.1, 0.1], [0.2, 0.1], [0.3, 0.05]] {
        let mut covered = 0.0;
        for (discordant, outer) in binomial(30, p1 + p2).into_iter().enumerate() {
            let first = binomial(discordant as u64, p1 / (p1 + p2));
            for (first_only, inner) in first.into_iter().enumerate() {
                let cells = [0, first_only, discordant - first_only, 30 - discordant];
                let counts = counts(cells.map(|count| count as u64));
                let tango = PairedDifferenceInterval::Tango;
                let interval = counts
                    .difference(tango, Confidence::default(), "d")
                    .interval;
                let inside = interval.unwrap().contains(p1 - p2);
                covered += outer * inner * f64::from(u8::from(inside));
            }
        }
        assert!((0.93..0.97).contains(&covered), "{covered}");
    }
}

#[test]
fn differences_are_those_of_statsmodels() {
    for case in fixture().independent {
        let [x1, n1, x2, n2] = case.counts;
        let confidence = Confidence::default();
        let got = ends(
            &case
                .method
                .estimate(of(x1, n1), of(x2, n2), confidence, "d"),
        );
        // The score interval comes from a search over the likelihood.
        let tolerance = match case.method {
            DifferenceInterval::MiettinenNurminen => 1e-6,
            _ => 1e-10,
        };
        assert_near(got[0], case.interval[0].max(-1.0), tolerance);
        assert_near(got[1], case.interval[1].min(1.0), tolerance);
    }
}

/// R. Newcombe, Statistics in Medicine 17, 1998, table II, contrast (a): 56 of 70 against 48 of 80.
#[test]
fn differences_are_the_published_ones() {
    for (method, low, high) in [
        (DifferenceInterval::Wald, 0.0575, 0.3425),
        (DifferenceInterval::MiettinenNurminen, 0.0528, 0.3382),
        (DifferenceInterval::Newcombe, 0.0524, 0.3339),
    ] {
        let got = ends(&method.estimate(of(56, 70), of(48, 80), Confidence::default(), "d"));
        assert!(
            (got[0] - low).abs() < 5.1e-5 && (got[1] - high).abs() < 5.1e-5,
            "{got:?}"
        );
    }
}

#[test]
fn paired_differences_are_those_of_the_likelihood_and_of_the_formula() {
    for case in fixture().paired {
        for (method, want) in [
            (PairedDifferenceInterval::Tango, case.tango),
            (PairedDifferenceInterval::Newcombe, case.newcombe),
        ] {
            let got = ends(&counts(case.counts).difference(method, Confidence::default(), "d"));
            assert_near(got[0], want[0], 1e-6);
            assert_near(got[1], want[1], 1e-6);
        }
    }
}

/// Zero of twelve against all of nine: one end is the end of the scale.
#[test]
fn empty_cells_have_intervals() {
    let confidence = Confidence::default();
    for method in [
        DifferenceInterval::AgrestiCaffo,
        DifferenceInterval::Newcombe,
        DifferenceInterval::MiettinenNurminen,
    ] {
        let [low, high] = ends(&method.estimate(of(0, 12), of(9, 9), confidence, "d"));
        assert!(
            (-1.0..-0.95).contains(&low) && (-0.8..-0.4).contains(&high),
            "{low} {high}"
        );
        let [low, high] = ends(&method.estimate(of(0, 12), of(0, 9), confidence, "d"));
        assert!(
            (-0.5..-0.2).contains(&low) && (0.1..0.5).contains(&high),
            "{low} {high}"
        );
    }
    for method in [
        PairedDifferenceInterval::Tango,
        PairedDifferenceInterval::Newcombe,
    ] {
        let [low, high] = ends(&counts([0, 0, 0, 10]).difference(method, confidence, "d"));
        assert!((low + high).abs() < 1e-12 && high > 0.2, "{low} {high}");
        let [low, high] = ends(&counts([0, 10, 0, 0]).difference(method, confidence, "d"));
        assert!(low > 0.3 && (high - 1.0).abs() < 1e-12, "{low} {high}");
    }
}

#[test]
fn nothing_of_nothing_is_undefined_and_too_much_refused() {
    let estimate = of(0, 0).estimate(ProportionInterval::Wilson, Confidence::default(), "none");
    assert_eq!(estimate.value, None);
    assert_eq!(estimate.interval, None);
    let tango = PairedDifferenceInterval::Tango;
    let difference = PairedCounts::default().difference(tango, Confidence::default(), "none");
    assert_eq!(difference.value, None);
    let message = Proportion::new(3, 2).unwrap_err().to_string();
    assert_eq!(
        message,
        "the number of successes must be at most the number of trials, got 3"
    );
    assert!(PairedCounts::of(&[true], &[]).is_err());
    let counted = PairedCounts::of(&[true, true, false], &[true, false, true]).unwrap();
    assert_eq!(counted, counts([1, 1, 1, 0]));
}

/// The ends of Tango's interval are where McNemar's statistic for that difference is refused: at 0, exactly
/// when (b - c)^2 / (b + c) exceeds the quantile.
#[test]
fn tango_holds_zero_exactly_when_mcnemar_does_not_refuse_it() {
    let z = normal_quantile(0.975);
    for first in 0..15 {
        for second in 0..15 {
            if first + second == 0 {
                continue;
            }
            let tango = PairedDifferenceInterval::Tango;
            let estimate =
                counts([9, first, second, 7]).difference(tango, Confidence::default(), "d");
            let gap = first as f64 - second as f64;
            let refused = gap * gap > z * z * (first + second) as f64;
            assert_eq!(
                !refused,
                estimate.interval.unwrap().contains(0.0),
                "{first} {second}"
            );
        }
    }
}

const METHODS: [ProportionInterval; 6] = [
    ProportionInterval::Wald,
    ProportionInterval::Wilson,
    ProportionInterval::WilsonCorrected,
    ProportionInterval::ClopperPearson,
    ProportionInterval::AgrestiCoull,
    ProportionInterval::Jeffreys,
];

proptest! {
    /// Failures are successes seen from the other side; ends stay on the scale and in order.
    #[test]
    fn intervals_mirror(trials in 1u64..400, share in 0.0..=1.0f64, level in 0.5..0.999f64) {
        let confidence = Confidence::new(level).unwrap();
        let successes = (share * trials as f64) as u64;
        for method in METHODS {
            let here = method.interval(of(successes, trials), confidence).unwrap();
            let there = method.interval(of(trials - successes, trials), confidence).unwrap();
            prop_assert!((here.low + there.high - 1.0).abs() < 1e-9);
            prop_assert!((here.high + there.low - 1.0).abs() < 1e-9);
            prop_assert!(0.0 <= here.low && here.low <= here.high && here.high <= 1.0);
        }
    }

    #[test]
    fn differences_mirror(cells in prop::array::uniform4(0u64..30)) {
        let [a, b, c, d] = cells;
        prop_assume!(a + b > 0 && c + d > 0);
        let confidence = Confidence::default();
        for method in [
            DifferenceInterval::Wald,
            DifferenceInterval::AgrestiCaffo,
            DifferenceInterval::Newcombe,
            DifferenceInterval::MiettinenNurminen,
        ] {
            let here = ends(&method.estimate(of(a, a + b), of(c, c + d), confidence, "d"));
            let there = ends(&method.estimate(of(c, c + d), of(a, a + b), confidence, "d"));
            prop_assert!((here[0] + there[1]).abs() < 1e-9 && (here[1] + there[0]).abs() < 1e-9);
        }
        for method in [
            PairedDifferenceInterval::Wald,
            PairedDifferenceInterval::Tango,
            PairedDifferenceInterval::Newcombe,
        ] {
            let here = ends(&counts(cells).difference(method, confidence, "d"));
            let there = ends(&counts([a, c, b, d]).difference(method, confidence, "d"));
            prop_assert!((here[0] + there[1]).abs() < 1e-9 && (here[1] + there[0]).abs() < 1e-9);
        }
    }
}
