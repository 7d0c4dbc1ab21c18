//! ICC, concordance and deviation: pingouin, torchmetrics, Lin's formulas, merging, coverage.

use medcore::random::Key;
use medmetrics::agreement::{
    AnalysisOfVariance, Concordance, ConcordanceConvention, Deviation, IccForm, PairedMeasurements,
    RatingMatrix, SemRule,
};
use medmetrics::{Accumulator, Confidence, Error, Estimate};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::{assert_coverage, fixture, near, number, numbers, rows};

fn matrix(rows: &[Vec<f64>]) -> RatingMatrix {
    RatingMatrix::from_rows(rows[0].len(), rows.iter().map(Vec::as_slice)).unwrap()
}

fn pairs(case: &Value) -> PairedMeasurements {
    PairedMeasurements::new(&numbers(&case["first"]), &numbers(&case["second"])).unwrap()
}

#[track_caller]
fn near_estimate(got: &Estimate, want: &Value, tolerance: f64) {
    let interval = got.interval.unwrap();
    let got = [got.value.unwrap(), interval.low, interval.high];
    for (got, want) in got.iter().zip(numbers(want)) {
        near(*got, want, tolerance, "an estimate with its interval");
    }
}

#[test]
fn all_forms_of_icc_are_pingouins() {
    for case in fixture("reliability")["icc"].as_array().unwrap() {
        let anova = matrix(&rows(&case["ratings"])).finish().unwrap();
        for form in IccForm::ALL {
            let want = &case["icc"][form.mcgraw_wong()];
            let icc = anova.icc(form, Confidence::default());
            assert_eq!(icc.convention, form.to_string());
            near_estimate(&icc, want, 1e-6);
            let [.., f, between, within, p] = numbers(want)[..] else {
                panic!("an F test")
            };
            let test = anova.f_test(form).unwrap();
            near(test.statistic / f, 1.0, 1e-7, "F");
            assert_eq!((test.between, test.within), (between, within));
            near(test.p_value, p, 1e-7, "p");
        }
        let ninety = anova.icc(IccForm::ConsistencySingle, Confidence::new(0.9).unwrap());
        let want = numbers(&case["consistency_90"]);
        near(ninety.interval.unwrap().low, want[0], 1e-7, "90 % low");
        near(ninety.interval.unwrap().high, want[1], 1e-7, "90 % high");
    }
}

#[test]
fn errors_of_measurement_are_their_formulas() {
    for case in fixture("reliability")["icc"].as_array().unwrap() {
        let anova = matrix(&rows(&case["ratings"])).finish().unwrap();
        for (rule, name) in [
            (SemRule::Agreement, "sem_agreement"),
            (SemRule::Consistency, "sem_consistency"),
            (SemRule::OfIcc(IccForm::AgreementSingle), "sem_total"),
        ] {
            let sem = anova.standard_error_of_measurement(rule).unwrap();
            near(sem, number(&case[name]), 1e-8, name);
            let change = anova.minimal_detectable_change(rule).unwrap();
            near(change / sem, 2.771_807_648_699_343_6, 1e-12, "MDC95");
        }
        let coefficient = anova.repeatability_coefficient(Confidence::default());
        near_estimate(&coefficient, &case["repeatability"], 1e-9);
        let variation = anova.within_subject_variation().value.unwrap();
        near(variation, number(&case["wcv"]), 1e-9, "wCV");
    }
}

#[test]
fn ratings_without_differences_define_no_icc() {
    let same = matrix(&vec![vec![3.0, 3.0]; 4]).finish().unwrap();
    for form in IccForm::ALL {
        let icc = same.icc(form, Confidence::default());
        assert_eq!((icc.value, icc.interval), (None, None));
        assert_eq!(same.f_test(form), None);
    }
    assert_eq!(
        same.standard_error_of_measurement(SemRule::OfIcc(IccForm::OneWaySingle)),
        None
    );
    let perfect = matrix(&[vec![1.0, 1.0], vec![5.0, 5.0], vec![0.0, 0.0]])
        .finish()
        .unwrap();
    for form in [IccForm::OneWaySingle, IccForm::ConsistencyAverage] {
        let icc = perfect.icc(form, Confidence::default());
        assert_eq!(icc.value, Some(1.0));
        assert_eq!(icc.interval.map(|i| (i.low, i.high)), Some((1.0, 1.0)));
    }
    assert_eq!(
        perfect
            .icc(IccForm::AgreementSingle, Confidence::default())
            .value,
        Some(1.0)
    );
    assert_eq!(
        perfect.within_subject_variation().value,
        None,
        "a mean of 0"
    );
}

#[test]
fn wrong_ratings_are_refused_by_their_place() {
    assert!(matches!(
        RatingMatrix::new(1),
        Err(Error::TooFew {
            least: 2,
            got: 1,
            ..
        })
    ));
    let mut ratings = RatingMatrix::new(3).unwrap();
    let before = ratings.clone();
    assert!(matches!(
        ratings.push(&[1.0, 2.0]),
        Err(Error::Length {
            got: 2,
            expected: 3,
            ..
        })
    ));
    let error = ratings.push(&[1.0, 2.0, f64::NAN]).unwrap_err();
    assert!(matches!(error, Error::InvalidValue { index: 2, .. }));
    assert_eq!(ratings, before);
    assert!(matches!(
        ratings.finish(),
        Err(Error::TooFew { of: "targets", .. })
    ));
    assert!(ratings.merge(&RatingMatrix::new(2).unwrap()).is_err());
    let broken = r#"{"raters":2,"targets":[[1,2],[3]]}"#;
    assert!(serde_json::from_str::<RatingMatrix>(broken).is_err());
    let error = PairedMeasurements::new(&[1.0, 2.0], &[1.0, f64::INFINITY]).unwrap_err();
    assert!(matches!(
        error,
        Error::InvalidValue {
            what: "the second method",
            index: 1,
            ..
        }
    ));
    assert!(PairedMeasurements::new(&[1.0], &[]).is_err());
    assert!(PairedMeasurements::default().finish().is_err());
    let one = PairedMeasurements::new(&[1.0], &[2.0]).unwrap();
    assert!(Concordance::default().of(&one).is_err());
    assert!(
        Deviation::default()
            .total_deviation_index(&one, 0.9)
            .is_err()
    );
    let two = PairedMeasurements::new(&[1.0, 2.0], &[2.0, 2.0]).unwrap();
    assert!(
        Deviation::default()
            .total_deviation_index(&two, 1.0)
            .is_err()
    );
    assert!(
        Deviation::default()
            .coverage_probability(&two, 0.0)
            .is_err()
    );
}

#[test]
fn concordance_is_lins_and_torchmetrics() {
    for case in fixture("reliability")["pairs"].as_array().unwrap() {
        let pairs = pairs(case);
        let lin = Concordance::default().of(&pairs).unwrap();
        near_estimate(&lin.estimate, &case["lin"], 1e-10);
        near(
            lin.correlation.unwrap(),
            number(&case["pearson"]),
            1e-12,
            "Pearson",
        );
        let product = lin.correlation.unwrap() * lin.accuracy.unwrap();
        near(
            lin.estimate.value.unwrap(),
            product,
            1e-12,
            "precision times accuracy",
        );
        let settings = Concordance {
            convention: ConcordanceConvention::Torchmetrics,
            ..Concordance::default()
        };
        let rival = settings.of(&pairs).unwrap().estimate;
        assert_eq!(rival.convention, "ccc:torchmetrics");
        near(
            rival.value.unwrap(),
            number(&case["torchmetrics"]),
            1e-10,
            "torchmetrics",
        );
    }
}

#[test]
fn conventions_of_concordance_differ_as_published() {
    let x = [1.0, 2.0, 3.0, 4.0, 5.0];
    let pairs = PairedMeasurements::new(&x, &[1.1, 2.2, 2.8, 4.5, 5.4]).unwrap();
    for (convention, want) in [
        (ConcordanceConvention::Lin, 0.977578),
        (ConcordanceConvention::Torchmetrics, 0.979335),
    ] {
        let settings = Concordance {
            convention,
            ..Concordance::default()
        };
        near(
            settings.of(&pairs).unwrap().estimate.value.unwrap(),
            want,
            5e-7,
            "published",
        );
    }
}

#[test]
fn concordance_at_its_limits() {
    let of = |x: &[f64], y: &[f64]| {
        let pairs = PairedMeasurements::new(x, y).unwrap();
        Concordance::default().of(&pairs).unwrap()
    };
    assert_eq!(of(&[2.0, 2.0], &[2.0, 2.0]).estimate.value, None);
    let constant = of(&[2.0, 2.0, 2.0], &[3.0, 3.0, 3.0]);
    assert_eq!(
        (constant.estimate.value, constant.correlation),
        (Some(0.0), None)
    );
    let same = of(&[1.0, 2.0, 4.0], &[1.0, 2.0, 4.0]).estimate;
    assert_eq!((same.value, same.interval), (Some(1.0), None));
    assert_eq!(of(&[1.0, 2.0], &[2.0, 1.0]).estimate.value, Some(-1.0));
    let unrelated = of(&[-1.0, 1.0, -1.0, 1.0], &[-1.0, -1.0, 1.0, 1.0]).estimate;
    assert_eq!(unrelated.value, Some(0.0));
    assert!(
        unrelated.interval.unwrap().contains(0.0),
        "Lin's own formula divides by zero here"
    );
}

#[test]
fn deviation_is_normal_theory() {
    for case in fixture("reliability")["pairs"].as_array().unwrap() {
        let pairs = pairs(case);
        let deviation = Deviation::default();
        near_estimate(
            &deviation.total_deviation_index(&pairs, 0.9).unwrap(),
            &case["tdi"],
            1e-6,
        );
        let coverage = deviation.coverage_probability(&pairs, 1.5).unwrap();
        if number(&case["cp"][0]) < 1.0 - 1e-9 {
            near_estimate(&coverage, &case["cp"], 1e-6);
        } else {
            assert_eq!(coverage.interval, None);
        }
    }
    let constant = PairedMeasurements::new(&[1.0, 2.0], &[2.0, 3.0]).unwrap();
    assert_eq!(
        Deviation::default()
            .coverage_probability(&constant, 2.0)
            .unwrap()
            .value,
        None
    );
}

proptest! {
    #[test]
    fn any_partition_in_any_order_gives_the_same_bits(
        values in prop::collection::vec(prop::array::uniform3(-1e6..1e6f64), 3..40),
        cut in 0usize..40,
        seed in any::<u64>(),
    ) {
        let mut shuffled = values.clone();
        Key::new(seed).stream("order").shuffle(&mut shuffled);
        let cut = cut.min(values.len());
        let mut whole = RatingMatrix::new(3).unwrap();
        let mut parts = [whole.clone(), whole.clone()];
        let mut all_pairs = PairedMeasurements::default();
        let mut pair_parts = [PairedMeasurements::default(), PairedMeasurements::default()];
        values.iter().for_each(|row| {
            whole.push(row).unwrap();
            all_pairs.push([row[0], row[1]]).unwrap();
        });
        shuffled.iter().enumerate().for_each(|(i, row)| {
            parts[usize::from(i < cut)].push(row).unwrap();
            pair_parts[usize::from(i < cut)].push([row[0], row[1]]).unwrap();
        });
        let [mut one, other] = parts;
        one.merge(&other).unwrap();
        prop_assert_eq!(one.finish().unwrap(), whole.finish().unwrap());
        let [mut one, other] = pair_parts;
        one.merge(&other).unwrap();
        prop_assert_eq!(one.finish().unwrap(), all_pairs.finish().unwrap());
        let tdi = |p: &PairedMeasurements| Deviation::default().total_deviation_index(p, 0.8).unwrap();
        prop_assert_eq!(tdi(&one), tdi(&all_pairs));
    }

    #[test]
    fn concordance_is_symmetric_and_bounded_and_scales(
        values in prop::collection::vec((-9.0..9.0f64, -9.0..9.0f64), 2..30),
    ) {
        let (x, y): (Vec<f64>, Vec<f64>) = values.into_iter().unzip();
        let of = |x: &[f64], y: &[f64]| {
            let result = Concordance::default().of(&PairedMeasurements::new(x, y).unwrap()).unwrap();
            result.estimate.value.unwrap()
        };
        let value = of(&x, &y);
        prop_assert!(value.abs() <= 1.0 + 1e-12);
        prop_assert!((value - of(&y, &x)).abs() < 1e-12);
        let scaled = |v: &[f64]| v.iter().map(|v| 3.0 - 2.5 * v).collect::<Vec<_>>();
        prop_assert!((value - of(&scaled(&x), &scaled(&y))).abs() < 1e-9);
    }

    #[test]
    fn icc_ignores_units_and_consistency_ignores_raters_biases(
        rows in prop::collection::vec(prop::array::uniform3(0.0..9.0f64), 3..20),
        bias in -5.0..5.0f64,
    ) {
        let of = |rows: Vec<Vec<f64>>| matrix(&rows).finish().unwrap();
        let plain = of(rows.iter().map(|row| row.to_vec()).collect());
        let scaled = of(rows.iter().map(|row| row.map(|v| 7.0 * v - 3.0).to_vec()).collect());
        let biased = of(rows.iter().map(|row| vec![row[0] + bias, row[1], row[2]]).collect());
        for form in IccForm::ALL {
            let value = |a: &AnalysisOfVariance| a.icc(form, Confidence::default()).value;
            let (Some(a), Some(b)) = (value(&plain), value(&scaled)) else { continue };
            prop_assert!((a - b).abs() < 1e-7 * a.abs().max(1.0), "{} {} {}", form, a, b);
        }
        let value = |a: &AnalysisOfVariance| {
            a.icc(IccForm::ConsistencySingle, Confidence::default()).value.unwrap()
        };
        prop_assert!((value(&plain) - value(&biased)).abs() < 1e-9);
    }
}

#[test]
fn icc_intervals_cover_as_often_as_pingouins() {
    for (index, case) in fixture("reliability")["coverage"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let form = match case["form"].as_str().unwrap() {
            "ICC(A,1)" => IccForm::AgreementSingle,
            _ => IccForm::ConsistencySingle,
        };
        let size = |name: &str| case[name].as_u64().unwrap() as usize;
        let mut random = Key::new(13).sample(index as u32).stream("icc");
        assert_coverage(case, || {
            let biases: Vec<f64> = (0..size("k"))
                .map(|_| number(&case["raters"]) * random.normal())
                .collect();
            let mut ratings = RatingMatrix::new(size("k")).unwrap();
            for _ in 0..size("n") {
                let truth = number(&case["between"]) * random.normal();
                let row: Vec<f64> = biases
                    .iter()
                    .map(|bias| truth + bias + number(&case["error"]) * random.normal())
                    .collect();
                ratings.push(&row).unwrap();
            }
            let icc = ratings.finish().unwrap().icc(form, Confidence::default());
            icc.interval
                .is_some_and(|interval| interval.contains(number(&case["true"])))
        });
    }
}

#[test]
fn intervals_of_pairs_cover_as_often_as_their_formulas() {
    for (index, case) in fixture("reliability")["paired_coverage"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let (rho, shift) = (number(&case["rho"]), number(&case["shift"]));
        for name in ["ccc", "tdi", "cp"] {
            let truth = number(&case[if name == "ccc" { "true" } else { name }]);
            let mut random = Key::new(14).sample(index as u32).stream(name);
            assert_coverage(&case[format!("of_{name}")], || {
                let mut pairs = PairedMeasurements::default();
                for _ in 0..case["n"].as_u64().unwrap() {
                    let x = random.normal();
                    let y = rho * x + (1.0 - rho * rho).sqrt() * random.normal() + shift;
                    pairs.push([x, y]).unwrap();
                }
                let estimate = match name {
                    "ccc" => Concordance::default().of(&pairs).unwrap().estimate,
                    "tdi" => Deviation::default()
                        .total_deviation_index(&pairs, 0.9)
                        .unwrap(),
                    _ => Deviation::default()
                        .coverage_probability(&pairs, number(&case["limit"]))
                        .unwrap(),
                };
                estimate
                    .interval
                    .is_some_and(|interval| interval.contains(truth))
            });
        }
    }
}

#[test]
fn ratings_whose_squares_overflow_have_no_variation() {
    let analysis = matrix(&[
        vec![1e200, 2e200],
        vec![3e200, -1e200],
        vec![0.5e200, 1e200],
    ]);
    let analysis = analysis.finish().unwrap();
    assert_eq!(analysis.within_subject_variation().value, None);
    for form in IccForm::ALL {
        assert_eq!(analysis.icc(form, Confidence::default()).value, None);
    }
}
