//! Where numbers end: infinite and undefined ones, groups of very different sizes.

use medmetrics::Confidence;
use medmetrics::statistics::distribution as of;
use medmetrics::statistics::{
    Bootstrap, BootstrapMethod, MannWhitneyTest, MultiReader, Replicates, ValueWithError,
    noncentral_t,
};

#[test]
fn undefined_arguments_give_nan() {
    for bad in [f64::NAN, 0.0, -1.0, f64::INFINITY] {
        for value in [
            of::student_cdf(1.0, bad),
            of::student_quantile(0.3, bad),
            of::student_quantile(0.9, bad),
            of::chi_squared_cdf(1.0, bad),
            of::chi_squared_upper(1.0, bad),
            of::chi_squared_quantile(0.9, bad),
            of::beta_cdf(0.5, bad, 1.0),
            of::beta_cdf(0.5, 1.0, bad),
            of::beta_quantile(0.5, bad, 1.0),
            of::f_cdf(1.0, bad, 1.0),
            of::f_upper(1.0, 1.0, bad),
            of::f_quantile(0.1, bad, 1.0),
            noncentral_t::cdf(1.0, bad, 0.5),
        ] {
            assert!(value.is_nan(), "{bad}: {value}");
        }
    }
    let nan = f64::NAN;
    for value in [
        of::student_cdf(nan, 3.0),
        of::student_quantile(nan, 3.0),
        of::chi_squared_cdf(nan, 3.0),
        of::chi_squared_upper(nan, 3.0),
        of::chi_squared_quantile(nan, 3.0),
        of::beta_cdf(nan, 1.0, 1.0),
        of::beta_quantile(nan, 1.0, 1.0),
        of::f_cdf(nan, 1.0, 1.0),
        of::f_upper(nan, 1.0, 1.0),
        of::f_quantile(nan, 1.0, 1.0),
        noncentral_t::cdf(1.0, 1e-300, 0.5),
    ] {
        assert!(value.is_nan(), "{value}");
    }
    assert_eq!(of::chi_squared_cdf(f64::INFINITY, 2.0), 1.0);
    assert_eq!(of::chi_squared_upper(f64::INFINITY, 2.0), 0.0);
    assert_eq!(of::f_cdf(f64::INFINITY, 2.0, 3.0), 1.0);
    assert_eq!(of::f_upper(f64::INFINITY, 2.0, 3.0), 0.0);
}

/// A few positive cases against all negatives of a screening study, without ties.
#[test]
fn exact_ranks_of_a_few_against_very_many() {
    let many = |n: u32| (0..n).map(f64::from).collect::<Vec<_>>();
    let p = |first: &[f64], n| MannWhitneyTest::default().test(first, &many(n)).unwrap().p;
    // scipy.stats.mannwhitneyu(..., method="exact") 1.17
    let near = |got: Option<f64>, want: f64| {
        let got = got.unwrap();
        assert!((got / want - 1.0).abs() < 1e-9, "{got} is not {want}");
    };
    near(
        p(&[20.5, 31.5, 150.5, 40.5, 3.5], 300),
        0.007311692933974545,
    );
    near(
        p(
            &[250.5, 299.5, 310.5, 280.5, 270.5, 290.5, 210.5, 305.5],
            300,
        ),
        2.867642371821447e-06,
    );
    // The uniform distribution of one rank: 2 * 5 / 1 000 001.
    near(p(&[3.5], 1_000_000), 10.0 / 1_000_001.0);
    let eight: Vec<f64> = (0..8).map(|i| 190_000.5 + f64::from(i)).collect();
    // Of eight uniform numbers, the probability of a sum so close to 8, on both sides.
    let limit = 2.0 * 0.4f64.powi(8) / 40_320.0;
    assert!((p(&eight, 200_000).unwrap() / limit - 1.0).abs() < 0.01);
}

#[test]
fn infinite_replicates_leave_ends_that_are_numbers() {
    let confidence = Confidence::default();
    for infinite in [1, 20, 25, 26, 500] {
        let mut drawn: Vec<f64> = (0..1001).map(f64::from).collect();
        drawn[..infinite].fill(f64::NEG_INFINITY);
        drawn[1001 - infinite..].fill(f64::INFINITY);
        let replicates = Replicates {
            value: 500.0,
            drawn,
            left_out: vec![vec![1.0, 2.0, 4.0]],
        };
        for method in [
            BootstrapMethod::Percentile,
            BootstrapMethod::Basic,
            BootstrapMethod::Bca,
        ] {
            let interval = replicates.interval(method, confidence).unwrap();
            assert!(interval.low <= interval.high, "{infinite} {interval}");
        }
    }
}

#[test]
fn a_studentised_statistic_that_is_no_number_is_undefined() {
    let statistic = |_: &[u32]| {
        Some(ValueWithError {
            value: f64::NAN,
            error: 1.0,
        })
    };
    let estimate = Bootstrap::default().estimate_studentised(5, "nothing", statistic);
    let estimate = estimate.unwrap();
    assert_eq!((estimate.value, estimate.interval), (None, None));
    let blind = |times: &[u32]| {
        Some(ValueWithError {
            value: f64::from(times[0]),
            error: f64::NAN,
        })
    };
    let estimate = Bootstrap::default()
        .estimate_studentised(5, "no error", blind)
        .unwrap();
    assert_eq!((estimate.value, estimate.interval), (Some(1.0), None));
}

#[test]
fn readings_that_are_no_numbers_are_refused() {
    let covariance = vec![vec![0.1, 0.0], vec![0.0, 0.1]];
    assert!(MultiReader::new(vec![vec![0.8, 0.9]], covariance.clone(), 20).is_ok());
    assert!(MultiReader::new(vec![vec![0.8, f64::NAN]], covariance, 20).is_err());
    let infinite = vec![vec![f64::INFINITY, 0.0], vec![0.0, 0.1]];
    assert!(MultiReader::new(vec![vec![0.8, 0.9]], infinite, 20).is_err());
}
