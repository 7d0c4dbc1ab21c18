//! Bins and calibration errors equal those of scikit-learn, torchmetrics, MONAI and netcal.

use medcore::random::Key;
use medmetrics::calibration::{
    BinEdges, BinRule, Binning, CalibrationError, CalibrationTable, ClassLayout,
    ClassProbabilities, MulticlassCalibration, bootstrap_error,
};
use medmetrics::statistics::{Bootstrap, BootstrapMethod, ProportionInterval};
use medmetrics::{Confidence, Error};
use serde_json::Value;

use crate::fixture::read;
use crate::{assert_near, assert_within, numbers, truths};

fn fixture() -> Value {
    read("calibration/tables.json")
}

fn scored(fixture: &Value) -> (Vec<f32>, Vec<bool>) {
    let p = numbers(&fixture["p"]).iter().map(|&p| p as f32).collect();
    (p, truths(&fixture["y"]))
}

fn table(binning: Binning) -> CalibrationTable {
    let (p, y) = scored(&fixture());
    CalibrationTable::of(binning, &p, &y).unwrap()
}

fn value(table: &CalibrationTable, error: CalibrationError) -> f64 {
    table.error(error).value.unwrap()
}

#[test]
fn every_convention_is_its_librarys() {
    let fixture = fixture();
    for (bins, want) in fixture["bins"].as_object().unwrap() {
        let binning = Binning::equal_width(bins.parse().unwrap());
        let of = |rule| table(binning.clone().with_rule(rule));
        let near = |rule, error, library: &str, name: &str| {
            let want = want[library][name].as_f64().unwrap();
            assert_near(
                value(&of(rule), error),
                want,
                &format!("{library} {name} {bins}"),
            );
        };
        use CalibrationError as E;
        near(BinRule::TorchMetrics, E::Expected, "torchmetrics", "l1");
        near(BinRule::TorchMetrics, E::Maximum, "torchmetrics", "max");
        near(
            BinRule::TorchMetrics,
            E::RootMeanSquare,
            "torchmetrics",
            "l2",
        );
        near(
            BinRule::TorchMetrics,
            E::DebiasedRootMeanSquare,
            "torchmetrics",
            "debiased",
        );
        near(BinRule::Monai, E::Expected, "monai", "expected");
        near(BinRule::Monai, E::Average, "monai", "average");
        near(BinRule::Monai, E::Maximum, "monai", "maximum");
        let expected = |rule| value(&of(rule), E::Expected);
        let number = |name: &str| want[name].as_f64().unwrap();
        assert_near(expected(BinRule::LeftClosed), number("netcal"), "netcal");
        assert_near(
            expected(BinRule::MetricsReloaded),
            number("metrics_reloaded"),
            "MR",
        );
        assert_eq!(of(BinRule::MetricsReloaded).left_out(), 2, "both zeros");
        let (p, _) = scored(&fixture);
        let curves = [
            ("sklearn", binning.clone().with_rule(BinRule::ScikitLearn)),
            (
                "quantile",
                Binning::equal_mass(&p, bins.parse().unwrap()).unwrap(),
            ),
        ];
        for (name, binning) in curves {
            let bins = table(binning).bins().unwrap();
            let observed: Vec<f64> = bins.iter().filter_map(|b| b.observed).collect();
            let mean: Vec<f64> = bins.iter().filter_map(|b| b.mean_probability).collect();
            for (got, key) in [(observed, "observed"), (mean, "mean")] {
                let want = numbers(&want[name][key]);
                assert_eq!(got.len(), want.len());
                got.iter()
                    .zip(want)
                    .for_each(|(&g, w)| assert_within(g, w, 1e-12, key));
            }
        }
    }
}

/// NumPy's to the bit; PyTorch's own edges differ in their last bit with the width of vector registers.
#[test]
fn edges_are_the_librarys() {
    for (bins, want) in fixture()["linspace"].as_object().unwrap() {
        let edges = |rule| {
            let binning = Binning::equal_width(bins.parse().unwrap());
            let edges = binning.with_rule(rule).edges().unwrap();
            edges[1..bins.parse::<usize>().unwrap()].to_vec()
        };
        for (rule, name) in [
            (BinRule::TorchMetrics, "torch"),
            (BinRule::Monai, "monai"),
            (BinRule::ScikitLearn, "numpy"),
        ] {
            let want = numbers(&want[name]);
            let far = if name == "numpy" { 0.0 } else { 6e-8 };
            for (got, want) in edges(rule).iter().zip(&want[1..]) {
                assert!(
                    (got - want).abs() <= far,
                    "{name} {bins}: {got} is not {want}"
                );
            }
        }
    }
}

/// Published numbers of the research notes: eleven scores, some of them on edges.
#[test]
fn metrics_reloaded_drops_zeros() {
    let small = &fixture()["small"];
    let (p, y) = (numbers(&small["p"]), truths(&small["y"]));
    let ece = |rule| {
        let binning = Binning::equal_width(10).with_rule(rule);
        CalibrationTable::of(binning, &p, &y)
            .unwrap()
            .expected_error()
    };
    assert_within(
        ece(BinRule::LeftClosed).value.unwrap(),
        2.85 / 11.0,
        1e-12,
        "ours",
    );
    assert_within(
        ece(BinRule::RightClosed).value.unwrap(),
        2.85 / 11.0,
        1e-12,
        "ours",
    );
    let theirs = ece(BinRule::MetricsReloaded);
    assert_within(
        theirs.value.unwrap(),
        small["metrics_reloaded"].as_f64().unwrap(),
        1e-12,
        "MR",
    );
    assert_eq!((theirs.n, theirs.undefined), (10, 1));
}

#[test]
fn one_lies_in_the_last_bin_and_edges_go_to_their_side() {
    let counts = |rule| -> Vec<u64> {
        let binning = Binning::equal_width(4).with_rule(rule);
        let table = CalibrationTable::of(binning, &[0.0, 0.25, 0.5, 1.0], &[true; 4]).unwrap();
        table.bins().unwrap().iter().map(|bin| bin.count).collect()
    };
    assert_eq!(counts(BinRule::LeftClosed), [1, 1, 1, 1]);
    assert_eq!(counts(BinRule::RightClosed), [2, 1, 0, 1]);
    assert_eq!(counts(BinRule::ScikitLearn), [2, 1, 0, 1]);
    assert_eq!(counts(BinRule::TorchMetrics), [1, 1, 1, 0, 1]);
    assert_eq!(counts(BinRule::MetricsReloaded), [1, 1, 0, 1]);
}

/// torchmetrics gives 0.4934 for ten million of these and 0 for forty: its sums are `float32`.
#[test]
fn ten_million_equal_scores_lose_nothing() {
    let mut table = CalibrationTable::new(Binning::default()).unwrap();
    let (p, y): (Vec<f32>, Vec<bool>) = (0..100_000).map(|i| (0.95, i % 2 == 0)).unzip();
    (0..100).for_each(|_| table.extend(&p, &y).unwrap());
    let exact = f64::from(0.95_f32) - 0.5;
    assert_within(table.expected_error().value.unwrap(), exact, 1e-15, "ECE");
    assert_eq!(table.count(), 10_000_000);
}

#[test]
fn classes_and_the_top_label_are_torchmetrics() {
    let fixture = fixture();
    let want = &fixture["multiclass"];
    let rows: Vec<f32> = numbers(&want["rows"]).iter().map(|&p| p as f32).collect();
    let labels: Vec<u8> = numbers(&want["labels"]).iter().map(|&l| l as u8).collect();
    let binning = Binning::equal_width(15).with_rule(BinRule::TorchMetrics);
    let mut by_rows = MulticlassCalibration::new(4, binning).unwrap();
    let mut by_channels = by_rows.clone();
    let probabilities = ClassProbabilities::new(&rows, 4, ClassLayout::Rows).unwrap();
    by_rows.extend(&probabilities, &labels).unwrap();
    let columns: Vec<f32> = (0..600).map(|i| rows[i % 150 * 4 + i / 150]).collect();
    let columns = ClassProbabilities::new(&columns, 4, ClassLayout::Channels).unwrap();
    by_channels.extend(&columns, &labels).unwrap();
    assert_eq!(by_rows, by_channels);
    assert_near(
        by_rows.top_label_error().value.unwrap(),
        want["top"].as_f64().unwrap(),
        "top",
    );
    let classes = numbers(&want["classes"]);
    let mean = classes.iter().sum::<f64>() / 4.0;
    assert_near(
        by_rows.class_wise_error().value.unwrap(),
        mean,
        "class-wise",
    );
    for (table, want) in by_rows.classes().iter().zip(classes) {
        assert_near(table.expected_error().value.unwrap(), want, "class");
    }
    assert!(matches!(
        by_rows.extend(&probabilities, &[4_u8; 150]),
        Err(Error::UnknownLabel { label: 4, .. })
    ));
    assert_eq!(by_rows, by_channels, "a refusal changes nothing");
}

#[test]
fn what_is_no_probability_is_refused_by_its_place() {
    for (bad, count) in [
        (f64::NAN, 9),
        (1.0 + 1e-15, 9000),
        (-1e-300, 9000),
        (f64::NAN, 9000),
    ] {
        let mut scores = vec![0.5; count];
        scores[count - 2] = bad;
        let mut table = CalibrationTable::new(Binning::default()).unwrap();
        match table.extend(&scores, &vec![true; count]).unwrap_err() {
            Error::InvalidValue { index, .. } => assert_eq!(index, count - 2),
            other => panic!("{other}"),
        }
        assert_eq!(table.count(), 0, "a refusal changes nothing");
        assert_eq!(table.expected_error().value, None, "of nothing");
    }
    let table = CalibrationTable::of(Binning::default(), &[0.5], &[]);
    assert!(matches!(table, Err(Error::Length { .. })));
    for edges in [vec![0.5, 0.5], vec![0.0], vec![f64::NAN]] {
        let binning = Binning {
            edges: BinEdges::At(edges),
            rule: BinRule::default(),
        };
        assert!(CalibrationTable::new(binning).is_err());
    }
    assert!(CalibrationTable::new(Binning::equal_width(0)).is_err());
}

/// `statsmodels` 0.14: `proportion_confint(3, 10, method="wilson")`.
#[test]
fn shares_of_bins_have_wilsons_interval() {
    let labels: Vec<bool> = (0..10).map(|i| i < 3).collect();
    let table = CalibrationTable::of(Binning::equal_width(1), &[0.4; 10], &labels).unwrap();
    let interval = table.bins().unwrap()[0]
        .interval(ProportionInterval::Wilson, Confidence::default())
        .unwrap();
    assert_within(interval.low, 0.10779126740630099, 1e-12, "low");
    assert_within(interval.high, 0.6032218525388546, 1e-12, "high");
}

/// Against the same simulation in NumPy; twice 500 samples differ by less than four standard errors.
#[test]
fn bootstrap_intervals_cover_what_numpys_cover() {
    for (shift, want) in fixture()["coverage"].as_object().unwrap() {
        let shift: f64 = shift.parse().unwrap();
        let bootstrap = Bootstrap {
            replicates: 300,
            method: BootstrapMethod::Percentile,
            ..Bootstrap::default()
        };
        let held = (0..500).filter(|&sample| {
            let mut random = Key::new(2).sample(sample).stream("scores");
            let units: Vec<CalibrationTable> = (0..100)
                .map(|_| {
                    let p = shift + (1.0 - shift) * random.uniform();
                    let y = random.chance(p - shift);
                    CalibrationTable::of(Binning::equal_width(5), &[p], &[y]).unwrap()
                })
                .collect();
            let ece = bootstrap_error(&units, CalibrationError::Expected, &bootstrap).unwrap();
            ece.interval.unwrap().contains(shift)
        });
        let (coverage, want) = (held.count() as f64 / 500.0, want.as_f64().unwrap());
        let error = 4.0 * (2.0 * want.max(0.01) * (1.0 - want.max(0.01)) / 500.0).sqrt();
        assert!(
            (coverage - want).abs() < error,
            "{shift}: {coverage}, NumPy {want}"
        );
    }
}
