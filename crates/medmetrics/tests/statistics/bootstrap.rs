//! Bootstrap intervals against scipy.stats.bootstrap (bootstrap.py), their coverage, and laws.

use medcore::random::Key;
use medmetrics::statistics::{
    Bootstrap, BootstrapMethod, Clusters, Replicates, Units, ValueWithError,
};
use medmetrics::{Confidence, Error};
use serde::Deserialize;

use crate::assert_near;

#[derive(Deserialize)]
struct Fixture {
    cases: Cases,
    coverage: Coverage,
    samples: f64,
}

#[derive(Deserialize)]
struct Cases {
    mean: Case,
    difference: Case,
    correlation: Case,
}

#[derive(Deserialize)]
struct Case {
    data: Vec<Vec<f64>>,
    drawn: Vec<f64>,
    percentile: [f64; 2],
    basic: [f64; 2],
    bca: [f64; 2],
}

#[derive(Deserialize)]
struct Coverage {
    percentile: f64,
    basic: f64,
    bca: f64,
    studentised: f64,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("bootstrap.json")).unwrap()
}

fn weighted_mean(times: &[u32], values: &[f64]) -> Option<f64> {
    let count: u32 = times.iter().sum();
    let sum: f64 = times
        .iter()
        .zip(values)
        .map(|(&n, v)| f64::from(n) * v)
        .sum();
    (count > 0).then(|| sum / f64::from(count))
}

fn correlation(times: &[u32], x: &[f64], y: &[f64]) -> Option<f64> {
    let (mx, my) = (weighted_mean(times, x)?, weighted_mean(times, y)?);
    let product = |a: &[f64], ma: f64, b: &[f64], mb: f64| -> f64 {
        (0..times.len())
            .map(|i| f64::from(times[i]) * (a[i] - ma) * (b[i] - mb))
            .sum()
    };
    Some(product(x, mx, y, my) / (product(x, mx, x, mx) * product(y, my, y, my)).sqrt())
}

/// The same replicates become the same intervals, within one sample, two of them and pairs.
#[track_caller]
fn check(case: &Case, units: impl Into<Units>, statistic: impl Fn(&[u32]) -> Option<f64> + Sync) {
    let units = units.into();
    let replicates = Replicates {
        value: statistic(&vec![1; units.count()]).unwrap(),
        drawn: case.drawn.clone(),
        left_out: units.left_out(&statistic).unwrap(),
    };
    for (method, want) in [
        (BootstrapMethod::Percentile, case.percentile),
        (BootstrapMethod::Basic, case.basic),
        (BootstrapMethod::Bca, case.bca),
    ] {
        let confidence = Confidence::new(0.9).unwrap();
        let interval = replicates.interval(method, confidence).unwrap();
        assert_near(interval.low, want[0], 1e-9);
        assert_near(interval.high, want[1], 1e-9);
    }
}

#[test]
fn intervals_of_given_replicates_are_scipys() {
    let Cases {
        mean,
        difference,
        correlation: pairs,
    } = fixture().cases;
    check(&mean, mean.data[0].len(), |times| {
        weighted_mean(times, &mean.data[0])
    });
    let [x, y] = [&difference.data[0], &difference.data[1]];
    let group: Vec<bool> = (0..x.len() + y.len()).map(|i| i < x.len()).collect();
    check(&difference, Units::stratified(&group), |times| {
        Some(weighted_mean(&times[..x.len()], x)? - weighted_mean(&times[x.len()..], y)?)
    });
    let [x, y] = [&pairs.data[0], &pairs.data[1]];
    check(&pairs, x.len(), |times| correlation(times, x, y));
}

type Statistic<'a> = &'a (dyn Fn(&[u32]) -> Option<f64> + Sync);

#[test]
fn several_statistics_of_one_draw_are_each_as_alone() {
    let [x, y] = [
        [1.0, 2.5, 0.3, 4.0, 2.2, 9.0],
        [2.0, 2.4, 1.0, 5.5, 1.9, 7.0],
    ];
    let mean = |times: &[u32]| weighted_mean(times, &x);
    let pairs = |times: &[u32]| correlation(times, &x, &y);
    // Undefined where the last unit was not drawn, as it is once among those left out.
    let last = |times: &[u32]| (times[5] > 0).then(|| f64::from(times[5]) * y[5]);
    let never = |_: &[u32]| None;
    let names = ["mean", "correlation", "last", "never"].map(str::to_owned);
    for method in [BootstrapMethod::Percentile, BootstrapMethod::Bca] {
        for units in [Units::from(6), Units::stratified(&[0, 0, 1, 1, 0, 1])] {
            let bootstrap = Bootstrap {
                method,
                ..Bootstrap::default()
            };
            let all = |times: &[u32]| [mean(times), pairs(times), last(times), never(times)];
            let together = bootstrap
                .estimates(units.clone(), names.clone(), all)
                .unwrap();
            let alone: [Statistic<'_>; 4] = [&mean, &pairs, &last, &never];
            for ((together, name), alone) in together.iter().zip(&names).zip(alone) {
                let alone = bootstrap.estimate(units.clone(), name, alone).unwrap();
                assert_eq!(together, &alone, "{name} {method:?}");
            }
            assert!(together[2].undefined > 0 && together[3].value.is_none());
            let interval = together[2].interval.is_some();
            assert_eq!(
                interval,
                method == BootstrapMethod::Percentile,
                "BCa leaves each out"
            );
            assert!(together[0].interval.is_some() && together[1].interval.is_some());
        }
    }
}

/// For a mean nothing needs drawing to know how wide: s / sqrt(n), without the correction of s.
#[test]
fn replicates_of_a_mean_have_its_standard_error() {
    let data = &fixture().cases.difference.data[1];
    let n = data.len() as f64;
    let mean = data.iter().sum::<f64>() / n;
    let spread = (data.iter().map(|v| (v - mean).powi(2)).sum::<f64>()).sqrt() / n;
    let bootstrap = Bootstrap {
        replicates: 20_000,
        ..Bootstrap::default()
    };
    let statistic = |times: &[u32]| weighted_mean(times, data);
    let drawn = bootstrap.replicates(data.len(), statistic).unwrap();
    let drawn: Vec<f64> = drawn.into_iter().flatten().collect();
    let centre = drawn.iter().sum::<f64>() / 20_000.0;
    let got = (drawn.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / 20_000.0).sqrt();
    assert!((centre - mean).abs() < 4.0 * spread / 20_000f64.sqrt());
    assert!(
        (got / spread - 1.0).abs() < 4.0 / 40_000f64.sqrt(),
        "{got} {spread}"
    );
}

/// The reference's samples are other ones, so that both err.
#[test]
fn coverage_is_scipys() {
    const SAMPLES: u32 = 2000;
    const UNITS: usize = 20;
    let fixture = fixture();
    let bootstrap = Bootstrap {
        replicates: 499,
        ..Bootstrap::default()
    };
    let mut covered = [0.0; 4];
    for sample in 0..SAMPLES {
        let mut random = Key::new(6).sample(sample).stream("coverage");
        let data: Vec<f64> = (0..UNITS)
            .map(|_| -libm::log(1.0 - random.uniform()))
            .collect();
        let bootstrap = Bootstrap {
            seed: u64::from(sample),
            ..bootstrap
        };
        let statistic = |times: &[u32]| weighted_mean(times, &data);
        let units = Units::from(UNITS);
        let drawn = bootstrap.replicates(units.clone(), statistic).unwrap();
        let replicates = Replicates {
            value: data.iter().sum::<f64>() / UNITS as f64,
            drawn: drawn.into_iter().flatten().collect(),
            left_out: units.left_out(statistic).unwrap(),
        };
        let studentised = bootstrap.estimate_studentised(UNITS, "mean", |times| {
            let value = weighted_mean(times, &data)?;
            let deviations = times.iter().zip(&data);
            let squares: f64 = deviations
                .map(|(&n, v)| f64::from(n) * (v - value).powi(2))
                .sum();
            let error = (squares / ((UNITS - 1) * UNITS) as f64).sqrt();
            Some(ValueWithError { value, error })
        });
        let intervals = [
            replicates.interval(BootstrapMethod::Percentile, bootstrap.confidence),
            replicates.interval(BootstrapMethod::Basic, bootstrap.confidence),
            replicates.interval(BootstrapMethod::Bca, bootstrap.confidence),
            studentised.unwrap().interval,
        ];
        for (covered, interval) in covered.iter_mut().zip(intervals) {
            *covered += f64::from(u8::from(interval.unwrap().contains(1.0)));
        }
    }
    let want = fixture.coverage;
    for (covered, want) in
        covered
            .into_iter()
            .zip([want.percentile, want.basic, want.bca, want.studentised])
    {
        let samples = f64::from(SAMPLES);
        let spread = (want * (1.0 - want) * (1.0 / samples + 1.0 / fixture.samples)).sqrt();
        let got = covered / samples;
        assert!((got - want).abs() < 4.0 * spread, "{got}, reference {want}");
    }
}

#[test]
fn threads_do_not_matter_and_seeds_do() {
    let data = &fixture().cases.mean.data[0];
    let strata: Vec<usize> = (0..data.len()).map(|i| i % 4).collect();
    let on = |threads: usize, seed: u64| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let bootstrap = Bootstrap {
            seed,
            ..Bootstrap::default()
        };
        pool.install(|| {
            let statistic = |times: &[u32]| weighted_mean(times, data);
            bootstrap
                .estimate(Units::stratified(&strata), "mean", statistic)
                .unwrap()
        })
    };
    assert_eq!(on(1, 0), on(2, 0));
    assert_eq!(on(1, 0), on(4, 0));
    assert_ne!(on(1, 0), on(1, 1));
}

/// Three equal lesions of each patient say no more than one: rows alone would make the interval sqrt(3)
/// times too narrow.
#[test]
fn clusters_are_drawn_whole() {
    let patients = &fixture().cases.difference.data[1];
    let rows: Vec<f64> = patients.iter().flat_map(|&v| [v; 3]).collect();
    let identifiers: Vec<usize> = (0..rows.len()).map(|row| row / 3).collect();
    let clusters = Clusters::new(&identifiers);
    let bootstrap = Bootstrap::default();
    let whole = bootstrap
        .estimate_clustered(&clusters, "mean", |times| weighted_mean(times, &rows))
        .unwrap();
    let alone = bootstrap
        .estimate(patients.len(), "mean", |times| {
            weighted_mean(times, patients)
        })
        .unwrap();
    let apart = bootstrap
        .estimate(rows.len(), "mean", |t| weighted_mean(t, &rows))
        .unwrap();
    let ends = |estimate: &medmetrics::Estimate| {
        let interval = estimate.interval.unwrap();
        [interval.low, interval.high]
    };
    let (whole, alone, apart) = (ends(&whole), ends(&alone), ends(&apart));
    assert_near(whole[0], alone[0], 1e-12);
    assert_near(whole[1], alone[1], 1e-12);
    let ratio = (whole[1] - whole[0]) / (apart[1] - apart[0]);
    assert!((ratio / 3f64.sqrt() - 1.0).abs() < 0.1, "{ratio}");
}

#[test]
fn what_has_no_interval_says_so() {
    let bootstrap = Bootstrap::default();
    let undefined = bootstrap.estimate(5, "nothing", |_| None).unwrap();
    assert_eq!((undefined.value, undefined.interval), (None, None));
    let nan = bootstrap.estimate(5, "NaN", |_| Some(f64::NAN)).unwrap();
    assert_eq!(nan.value, None);
    let constant = bootstrap.estimate(5, "constant", |_| Some(2.0)).unwrap();
    assert_eq!(
        (constant.value, constant.interval),
        (Some(2.0), None),
        "BCa has no skewness"
    );
    let sometimes = |times: &[u32]| (times[0] > 0).then(|| f64::from(times[0]));
    let percentile = Bootstrap {
        method: BootstrapMethod::Percentile,
        ..bootstrap
    };
    let estimate = percentile.estimate(5, "first", sometimes).unwrap();
    // A unit is never drawn with probability (4 / 5)^5 = 0.328.
    assert!(
        (550..760).contains(&estimate.undefined),
        "{}",
        estimate.undefined
    );
    assert!(estimate.interval.unwrap().low >= 1.0);
    assert!(matches!(
        bootstrap.estimate(1, "one", |_| None),
        Err(Error::TooFew { .. })
    ));
    let few = Bootstrap {
        replicates: 99,
        ..bootstrap
    };
    assert!(matches!(
        few.estimate(9, "few", |_| None),
        Err(Error::TooFew { .. })
    ));
    assert!(Clusters::new(&[1, 2]).row_weights(&[1]).is_err());
}
