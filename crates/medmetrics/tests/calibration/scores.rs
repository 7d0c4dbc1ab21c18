//! Brier's score, log loss, recalibration and tests equal scikit-learn's and statsmodels'.

use medcore::random::Key;
use medmetrics::calibration::{
    Binning, BrierScale, BrierTable, ClassLayout, ClassProbabilities, LogLoss, LogLossRule,
    MulticlassBrier, Recalibration, ScoredBy, hosmer_lemeshow, spiegelhalter,
};
use medmetrics::{Accumulator, Confidence, Error, Estimate};
use proptest::prelude::*;
use serde_json::Value;

use crate::fixture::read;
use crate::{assert_near, assert_within, numbers, truths};

fn fixture() -> (Value, Vec<f64>, Vec<bool>) {
    let fixture: Value = read("calibration/scores.json");
    let (p, y) = (numbers(&fixture["p"]), truths(&fixture["y"]));
    (fixture, p, y)
}

fn brier(binning: Binning, p: &[f64], y: &[bool]) -> BrierTable {
    let mut table = BrierTable::new(binning).unwrap();
    table.extend(p, y).unwrap();
    table
}

#[test]
fn brier_and_log_loss_are_scikit_learns() {
    let (want, p, y) = fixture();
    let near = |estimate: &Estimate, key: &str| {
        assert_within(
            estimate.value.unwrap(),
            want[key].as_f64().unwrap(),
            1e-12,
            key,
        );
    };
    let score = brier(Binning::equal_width(10), &p, &y).finish().unwrap();
    near(&score.score, "brier");
    near(&score.skill, "skill");
    let parts = score.decomposition.unwrap();
    let got = [
        parts.reliability,
        parts.resolution,
        parts.uncertainty,
        parts.within_bin_variance,
        parts.within_bin_covariance,
    ];
    for (got, want) in got.iter().zip(numbers(&want["parts"])) {
        assert_within(*got, want, 1e-10, "part");
    }
    let mut loss = LogLoss::new(LogLossRule::Exact);
    loss.extend(&p, &y).unwrap();
    near(&loss.finish().unwrap(), "log_loss");
    let (q, t) = ([0.0, 0.2, 1.0, 0.7], [true, false, true, true]);
    for (rule, value) in [
        (LogLossRule::Exact, f64::INFINITY),
        (LogLossRule::ScikitLearn, want["clipped"].as_f64().unwrap()),
    ] {
        let mut loss = LogLoss::new(rule);
        loss.extend(&q, &t).unwrap();
        let got = loss.finish().unwrap().value.unwrap();
        assert!(got == value || (got - value).abs() < 1e-12, "{got} {value}");
    }
}

#[test]
fn several_classes_are_scikit_learns() {
    let (want, ..) = fixture();
    let (rows, labels) = (numbers(&want["rows"]), numbers(&want["labels"]));
    let labels: Vec<u32> = labels.iter().map(|&l| l as u32).collect();
    let probabilities = ClassProbabilities::new(&rows, 3, ClassLayout::Rows).unwrap();
    let (mut brier, mut loss) = (MulticlassBrier::new(3).unwrap(), LogLoss::default());
    brier.extend(&probabilities, &labels).unwrap();
    loss.extend_classes(&probabilities, &labels).unwrap();
    let got = [
        brier.score(BrierScale::Sum),
        brier.score(BrierScale::Half),
        brier.skill(),
        loss.finish().unwrap(),
    ];
    for (got, want) in got.iter().zip(numbers(&want["multiclass"])) {
        assert_within(got.value.unwrap(), want, 1e-12, &got.convention);
    }
    // One by one, in two parts, the other way round.
    let (mut first, mut second) = (
        MulticlassBrier::new(3).unwrap(),
        MulticlassBrier::new(3).unwrap(),
    );
    for (i, (row, &label)) in rows.chunks(3).zip(&labels).enumerate().rev() {
        let part = if i % 3 == 0 { &mut first } else { &mut second };
        part.push((row, label)).unwrap();
    }
    first.merge(&second).unwrap();
    assert_eq!(first, brier);
    assert!(first.push((&[0.5, 0.5], 0)).is_err());
    assert!(first.push((&[0.5, 0.3, 0.2], 3)).is_err());
    assert_eq!(first, brier, "a refusal changes nothing");
}

#[test]
fn regressions_and_tests_are_statsmodels_and_scipys() {
    let (want, p, y) = fixture();
    let fit = Recalibration::of(&p, &y, Confidence::default()).unwrap();
    for (estimate, key) in [
        (&fit.slope, "slope"),
        (&fit.intercept, "intercept"),
        (&fit.in_the_large, "in_the_large"),
    ] {
        let want = numbers(&want[key]);
        let interval = estimate.interval.unwrap();
        let got = [estimate.value.unwrap(), interval.low, interval.high];
        got.iter()
            .zip(want)
            .for_each(|(&g, w)| assert_near(g, w, key));
    }
    let z = spiegelhalter(&p, &y).unwrap();
    let expected = numbers(&want["spiegelhalter"]);
    assert_within(z.statistic.unwrap(), expected[0], 1e-10, "z");
    assert_within(z.p.unwrap(), expected[1], 1e-10, "p");
    let expected = numbers(&want["hosmer_lemeshow"]);
    for (scored_by, tail) in [
        (ScoredBy::AnotherSample, expected[1]),
        (ScoredBy::ThisSample, expected[2]),
    ] {
        let test = hosmer_lemeshow(&p, &y, 10, scored_by).unwrap();
        assert_within(test.statistic.unwrap(), expected[0], 1e-10, "HL");
        assert_within(test.p.unwrap(), tail, 1e-10, "HL p");
    }
}

#[test]
fn what_has_no_answer_is_refused_or_undefined() {
    let recalibrate = |p: &[f64], y: &[bool]| Recalibration::of(p, y, Confidence::default());
    let separated = recalibrate(&[0.1, 0.2, 0.7, 0.8], &[false, false, true, true]);
    assert!(
        matches!(separated, Err(Error::NoFit { .. })),
        "{separated:?}"
    );
    let touching = recalibrate(&[0.1, 0.5, 0.5, 0.8], &[false, false, true, true]);
    assert!(matches!(touching, Err(Error::NoFit { .. })), "{touching:?}");
    let constant = recalibrate(&[0.5; 4], &[false, true, true, true]);
    assert!(matches!(constant, Err(Error::NoFit { .. })), "{constant:?}");
    let one_kind = recalibrate(&[0.1, 0.5], &[true, true]);
    assert!(
        matches!(one_kind, Err(Error::TooFew { .. })),
        "{one_kind:?}"
    );
    for bad in [0.0, 1.0, f64::NAN] {
        let refused = recalibrate(&[0.5, bad], &[true, false]);
        assert!(matches!(refused, Err(Error::InvalidValue { index: 1, .. })));
    }
    let z = spiegelhalter(&[0.5, 1.0, 0.0], &[true, true, false]).unwrap();
    assert_eq!((z.statistic, z.p), (None, Some(1.0)));
    assert!(hosmer_lemeshow(&[0.5; 30], &[true; 30], 10, ScoredBy::default()).is_err());
    let nothing = BrierTable::new(Binning::default())
        .unwrap()
        .finish()
        .unwrap();
    assert_eq!((nothing.score.value, nothing.decomposition), (None, None));
    let alike = brier(Binning::default(), &[0.5, 0.4], &[true, true])
        .finish()
        .unwrap();
    assert_eq!(alike.skill.value, None, "nothing to explain");
    assert_eq!(LogLoss::default().finish().unwrap().value, None);
}

/// Wald's interval of the slope, n = 400: 95 % of 400 samples within Monte-Carlo error.
#[test]
fn walds_intervals_of_the_slope_cover_what_they_say() {
    let held = (0..400).filter(|&sample| {
        let mut random = Key::new(4).sample(sample).stream("slope");
        let (p, y): (Vec<f64>, Vec<bool>) = (0..400)
            .map(|_| {
                let z = 1.2 * random.normal();
                let chance = sigmoid(0.8 * z + 0.3);
                (sigmoid(z), random.chance(chance))
            })
            .unzip();
        let fit = Recalibration::of(&p, &y, Confidence::default()).unwrap();
        fit.slope.interval.unwrap().contains(0.8)
    });
    let coverage = held.count() as f64 / 400.0;
    assert!(
        (coverage - 0.95).abs() < 4.0 * (0.95_f64 * 0.05 / 400.0).sqrt(),
        "{coverage}"
    );
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

proptest! {
    /// The five parts add up to the score with any bins, the three with a bin for each probability.
    #[test]
    fn parts_add_up(
        items in prop::collection::vec(((0..=30u32).prop_map(|i| f64::from(i) / 30.0), any::<bool>()), 1..60),
        bins in 1usize..20,
        cut in 0usize..60,
    ) {
        let (p, y): (Vec<f64>, Vec<bool>) = items.iter().copied().unzip();
        let whole = brier(Binning::equal_width(bins), &p, &y);
        let score = whole.finish().unwrap();
        let plain = items.iter().map(|&(p, y)| (p - f64::from(u8::from(y))).powi(2)).sum::<f64>();
        let value = score.score.value.unwrap();
        prop_assert!((value - plain / items.len() as f64).abs() < 1e-14);
        prop_assert!((value - score.decomposition.unwrap().sum()).abs() < 1e-14);
        let exact = brier(Binning::distinct(&p).unwrap(), &p, &y).finish().unwrap();
        let parts = exact.decomposition.unwrap();
        prop_assert!(parts.within_bin_variance.abs() < 1e-14);
        prop_assert!((parts.reliability - parts.resolution + parts.uncertainty - value).abs() < 1e-14);
        let cut = cut.min(p.len());
        let mut merged = brier(Binning::equal_width(bins), &p[cut..], &y[cut..]);
        merged.merge(&brier(Binning::equal_width(bins), &p[..cut], &y[..cut])).unwrap();
        prop_assert_eq!(&merged, &whole);
        let text = serde_json::to_string(&merged).unwrap();
        prop_assert_eq!(serde_json::from_str::<BrierTable>(&text).unwrap(), whole);
        let mut losses = [LogLoss::default(), LogLoss::default(), LogLoss::default()];
        losses[0].extend(&p, &y).unwrap();
        losses[1].extend(&p[cut..], &y[cut..]).unwrap();
        losses[2].extend(&p[..cut], &y[..cut]).unwrap();
        let [all, mut second, first] = losses;
        second.merge(&first).unwrap();
        prop_assert_eq!(all.finish().unwrap(), second.finish().unwrap());
    }
}

#[test]
fn log_loss_counts_what_it_clipped_and_refuses_rows_that_are_no_distribution() {
    let rows = [0.0, 1.0, 0.25, 0.75];
    let probabilities = ClassProbabilities::new(&rows, 2, ClassLayout::Rows).unwrap();
    let of = |rule| {
        let mut loss = LogLoss::new(rule);
        loss.extend_classes(&probabilities, &[0u8, 1]).unwrap();
        (loss.clipped(), loss.finish().unwrap())
    };
    let (clipped, estimate) = of(LogLossRule::Clipped(0.1));
    assert_eq!(
        (clipped, estimate.convention.as_str()),
        (1, "log-loss:clip-1e-1")
    );
    let want = -0.5 * (0.1f64.ln() + 0.75f64.ln());
    assert!((estimate.value.unwrap() - want).abs() < 1e-15);
    assert_eq!(of(LogLossRule::Exact).0, 0);
    assert_eq!(of(LogLossRule::ScikitLearn).0, 1);
    let none = ClassProbabilities::new(&[0.1, 0.1], 2, ClassLayout::Rows).unwrap();
    let mut loss = LogLoss::default();
    assert!(loss.extend_classes(&none, &[0u8]).is_err());
    assert_eq!(loss, LogLoss::default());
    for clip in [0.0, 0.5, 0.7, -1.0, f64::NAN] {
        let mut loss = LogLoss::new(LogLossRule::Clipped(clip));
        assert!(loss.push(0.5).is_err());
    }
}
