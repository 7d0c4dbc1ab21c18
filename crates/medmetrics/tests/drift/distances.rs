//! Divergences, distances and tests equal SciPy's; evidently's numbers are there under its name.

use medmetrics::Error;
use medmetrics::drift::{
    Divergences, EmptyCells, Mmd, MmdEstimator, Reference, ReferenceSettings, SampleDistances,
    evidently_stability_index, evidently_wasserstein,
};
use medmetrics::statistics::TestResult;
use proptest::prelude::*;

use crate::{assert_within, fixture, numbers};

fn check_test(got: &TestResult, want: &serde_json::Value, what: &str) {
    let want = numbers(want);
    assert_within(got.statistic.unwrap(), want[0], 1e-10, what);
    assert_within(got.p.unwrap(), want[1], 1e-9, &format!("p of {what}"));
}

#[test]
fn distances_of_samples_are_scipys() {
    for want in fixture()["samples"].as_array().unwrap() {
        let (r, c) = (numbers(&want["r"]), numbers(&want["c"]));
        let got = SampleDistances::between(&r, &c).unwrap();
        check_test(&got.kolmogorov_smirnov, &want["ks"], "KS");
        check_test(&got.mann_whitney, &want["mann_whitney"], "U");
        let wasserstein = want["wasserstein"].as_f64().unwrap();
        let deviation = want["deviation"].as_f64().unwrap();
        assert_within(got.wasserstein, wasserstein, 1e-10, "W");
        assert_within(
            got.wasserstein_normed.unwrap(),
            wasserstein / deviation,
            1e-10,
            "W/s",
        );
        assert_within(
            evidently_wasserstein(&r, &c).unwrap(),
            wasserstein / deviation,
            1e-10,
            "W/s",
        );
        assert_within(
            got.energy,
            want["energy"].as_f64().unwrap(),
            1e-10,
            "energy",
        );
    }
}

#[test]
fn divergences_of_counts_are_scipys() {
    for want in fixture()["counts"].as_array().unwrap() {
        let counts = |key: &str| -> Vec<u64> {
            numbers(&want[key])
                .iter()
                .map(|&count| count as u64)
                .collect()
        };
        let got = Divergences::between(&counts("r"), &counts("c"), EmptyCells::HalfCase).unwrap();
        let near = |got: f64, key: &str| {
            if let Some(want) = want[key].as_f64() {
                assert_within(got, want, 1e-10, key);
            }
        };
        near(got.jensen_shannon, "js");
        near(got.total_variation, "tv");
        near(got.hellinger, "hellinger");
        near(got.stability_index, "psi");
        near(got.kullback_leibler, "kl");
        near(got.kullback_leibler_reversed, "kl_reversed");
        check_test(&got.chi_squared, &want["chi2"], "chi-squared");
    }
    let alone = |rule| Divergences::between(&[5, 0], &[5, 5], rule).unwrap();
    assert_eq!(alone(EmptyCells::Nothing).stability_index, f64::INFINITY);
    assert_eq!(
        alone(EmptyCells::Nothing).kullback_leibler_reversed,
        std::f64::consts::LN_2
    );
    let text = serde_json::to_string(&alone(EmptyCells::Nothing)).unwrap();
    let back: Divergences = serde_json::from_str(&text).unwrap();
    assert_eq!(back, alone(EmptyCells::Nothing), "infinity survives JSON");
    assert!(alone(EmptyCells::HalfCase).stability_index.is_finite());
    let both = Divergences::between(&[5, 0], &[7, 0], EmptyCells::HalfCase).unwrap();
    assert_eq!((both.stability_index, both.chi_squared.p), (0.0, Some(1.0)));
    assert!(Divergences::between(&[5, 0], &[0, 0], EmptyCells::HalfCase).is_err());
    assert!(Divergences::between(&[5, 0], &[1], EmptyCells::HalfCase).is_err());
}

/// One value at 10 000 hides a shift by a standard deviation from evidently's index, not from ours.
#[test]
fn bins_of_the_reference_do_not_stretch() {
    let want = &fixture()["psi"];
    let (r, mut c) = (numbers(&want["r"]), numbers(&want["c"]));
    let near = |got: f64, key: &str| assert_within(got, want[key].as_f64().unwrap(), 1e-10, key);
    let reference = Reference::of(&r, &ReferenceSettings::default()).unwrap();
    let ours = |c: &[f64]| reference.compare(c).unwrap().divergences.stability_index;
    near(evidently_stability_index(&r, &c).unwrap(), "evidently");
    near(ours(&c), "deciles");
    c.push(1e4);
    let hidden = evidently_stability_index(&r, &c).unwrap();
    near(hidden, "evidently_outlier");
    near(ours(&c), "deciles_outlier");
    assert!(hidden < 0.1 && ours(&c) > 0.8);
    assert_eq!(evidently_stability_index(&[1.0], &[1.0, 1.0]).unwrap(), 0.0);
    let few = evidently_stability_index(&[1.0, 2.0, 2.0], &[1.0, 1.0, 2.0]).unwrap();
    assert_within(
        few,
        2.0 / 3.0 * std::f64::consts::LN_2,
        1e-12,
        "a cell for each value",
    );
}

/// Ten thousand normal numbers against ten thousand that are shifted by one: 1.028493 and, with one value at
/// 10 000 among them, 0.019342.
#[test]
fn evidentlys_published_numbers() {
    for want in fixture()["golden"].as_array().unwrap() {
        let counts = |key: &str| -> Vec<u64> {
            numbers(&want[key])
                .iter()
                .map(|&count| count as u64)
                .collect()
        };
        let got = Divergences::between(&counts("r"), &counts("c"), EmptyCells::Evidently).unwrap();
        assert_within(
            got.stability_index,
            want["psi"].as_f64().unwrap(),
            1e-10,
            "PSI",
        );
    }
}

#[test]
fn kernel_discrepancy_is_its_definition() {
    let want = &fixture()["kernel"];
    let rows = |key: &str| -> Vec<Vec<f64>> {
        want[key].as_array().unwrap().iter().map(numbers).collect()
    };
    let (x, y) = (rows("x"), rows("y"));
    let number = |key: &str| want[key].as_f64().unwrap();
    let test = Mmd {
        permutations: 9999,
        ..Mmd::default()
    };
    let unbiased = test.compare(&x, &y).unwrap();
    assert_within(
        unbiased.statistic.unwrap(),
        number("unbiased"),
        1e-10,
        "unbiased",
    );
    let p = number("p");
    let error = 4.0 * (p * (1.0 - p) * (1e-4 + 0.5e-4)).sqrt();
    assert!(
        (unbiased.p.unwrap() - p).abs() < error,
        "{:?} {p}",
        unbiased.p
    );
    let biased = Mmd {
        estimator: MmdEstimator::Biased,
        ..Mmd::default()
    };
    let biased = biased.compare(&x, &y).unwrap();
    assert_within(biased.statistic.unwrap(), number("biased"), 1e-10, "biased");
    assert_eq!(biased.convention, "mmd:rbf/median/biased/permutation");
    // The same bits with any number of threads.
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        assert_eq!(pool.install(|| test.compare(&x, &y).unwrap()), unbiased);
    }
    let alike = vec![vec![1.0]; 4];
    assert!(matches!(
        test.compare(&alike, &alike),
        Err(Error::InvalidParameter { .. })
    ));
    let given = Mmd {
        bandwidth: Some(1.0),
        ..Mmd::default()
    };
    assert_eq!(
        given.compare(&alike, &alike).unwrap().p,
        Some(1.0),
        "never 0"
    );
    assert!(test.compare(&alike[..1], &alike).is_err());
    assert!(
        test.compare(
            &[vec![1.0, f64::NAN], vec![0.0, 0.0]],
            &[vec![0.0, 0.0], vec![0.0, 0.0]]
        )
        .is_err()
    );
    assert!(
        test.compare(&[vec![1.0], vec![0.0]], &[vec![0.0, 0.0], vec![0.0, 0.0]])
            .is_err()
    );
}

/// Under one distribution for both, p is below 0.05 in at most one of twenty samples.
#[test]
fn tests_hold_their_level() {
    let mut low = [0; 3];
    for sample in 0..400 {
        let mut random = medcore::random::Key::new(8).sample(sample).stream("level");
        let draw: Vec<f64> = (0..60).map(|_| random.normal()).collect();
        let (r, c) = draw.split_at(35);
        let d = SampleDistances::between(r, c).unwrap();
        let mmd = Mmd {
            permutations: 99,
            ..Mmd::default()
        };
        let wrap = |v: &[f64]| v.iter().map(|&x| [x]).collect::<Vec<_>>();
        let m = mmd.compare(&wrap(r), &wrap(c)).unwrap();
        for (count, test) in low
            .iter_mut()
            .zip([d.kolmogorov_smirnov, d.mann_whitney, m])
        {
            *count += usize::from(test.p.unwrap() <= 0.05);
        }
    }
    let most = 0.05 + 3.0 * (0.05_f64 * 0.95 / 400.0).sqrt();
    assert!(
        low.iter()
            .all(|&count| f64::from(count as u32) / 400.0 <= most),
        "{low:?}"
    );
    assert!(
        low.iter().all(|&count| count >= 4),
        "not empty tests: {low:?}"
    );
}

#[test]
fn references_survive_a_file_and_refuse_what_is_broken() {
    let values: Vec<f64> = (0..50_000).map(|i| f64::from(i * 7919 % 50_000)).collect();
    let settings = ReferenceSettings {
        sample: 1000,
        ..ReferenceSettings::default()
    };
    let reference = Reference::of(&values, &settings).unwrap();
    assert_eq!((reference.n(), reference.mean()), (50_000, 24_999.5));
    assert_eq!(reference.counts(), [5000; 10]);
    let text = serde_json::to_string(&reference).unwrap();
    let back: Reference = serde_json::from_str(&text).unwrap();
    assert_eq!(back, reference);
    let same = back.compare(&values).unwrap();
    assert_eq!(same.divergences.stability_index, 0.0);
    assert!(same.distances.kolmogorov_smirnov.statistic.unwrap() <= 1.0 / 1000.0);
    let broken = text.replace("\"counts\":[5000,", "\"counts\":[");
    assert!(serde_json::from_str::<Reference>(&broken).is_err());
    let constant = Reference::of(&[3.0; 20], &ReferenceSettings::default()).unwrap();
    let moved = constant.compare(&[2.0; 20]).unwrap();
    assert_eq!(moved.distances.wasserstein_normed, None, "it does not vary");
    assert!(moved.divergences.stability_index > 1.0);
    for bad in [vec![], vec![1.0, f64::NAN]] {
        assert!(Reference::of(&bad, &ReferenceSettings::default()).is_err());
        assert!(reference.compare(&bad).is_err());
    }
    let no_bins = ReferenceSettings {
        bins: 1,
        ..ReferenceSettings::default()
    };
    assert!(Reference::of(&values, &no_bins).is_err());
}

/// Distribution functions by counting.
fn brute_force(r: &[f64], c: &[f64]) -> (f64, f64) {
    let mut all = [r, c].concat();
    all.sort_by(f64::total_cmp);
    let below = |values: &[f64], x: f64| {
        values.iter().filter(|&&v| v <= x).count() as f64 / values.len() as f64
    };
    let gap = |x: f64| (below(r, x) - below(c, x)).abs();
    let ks = all.iter().map(|&x| gap(x)).fold(0.0, f64::max);
    (ks, all.windows(2).map(|w| gap(w[0]) * (w[1] - w[0])).sum())
}

proptest! {
    #[test]
    fn distances_are_symmetric_and_by_the_book(
        r in prop::collection::vec((-8i8..8).prop_map(f64::from), 1..30),
        c in prop::collection::vec((-8i8..8).prop_map(f64::from), 1..30),
        shift in -5.0..5.0f64,
    ) {
        let forth = SampleDistances::between(&r, &c).unwrap();
        let back = SampleDistances::between(&c, &r).unwrap();
        let (ks, wasserstein) = brute_force(&r, &c);
        prop_assert!((forth.kolmogorov_smirnov.statistic.unwrap() - ks).abs() < 1e-12);
        prop_assert!((forth.wasserstein - wasserstein).abs() < 1e-12);
        prop_assert!((back.wasserstein - wasserstein).abs() < 1e-12);
        prop_assert!((forth.energy - back.energy).abs() < 1e-12);
        let p = [&forth, &back].map(|d| [d.kolmogorov_smirnov.p.unwrap(), d.mann_whitney.p.unwrap_or(1.0)]);
        prop_assert!((p[0][0] - p[1][0]).abs() < 1e-9 && (p[0][1] - p[1][1]).abs() < 1e-9);
        prop_assert!(p[0].iter().all(|p| (0.0..=1.0).contains(p)));
        let u = forth.mann_whitney.statistic.unwrap() + back.mann_whitney.statistic.unwrap();
        prop_assert!((u - (r.len() * c.len()) as f64).abs() < 1e-9);
        let moved: Vec<f64> = r.iter().map(|v| v + shift).collect();
        let plain = SampleDistances::between(&r, &moved).unwrap();
        prop_assert!((plain.wasserstein - shift.abs()).abs() < 1e-9);
    }

    #[test]
    fn divergences_are_bounded_and_related(
        pairs in prop::collection::vec((0u64..40, 0u64..40), 2..12),
    ) {
        let (r, c): (Vec<u64>, Vec<u64>) = pairs.into_iter().unzip();
        prop_assume!(r.iter().sum::<u64>() > 0 && c.iter().sum::<u64>() > 0);
        let forth = Divergences::between(&r, &c, EmptyCells::HalfCase).unwrap();
        let back = Divergences::between(&c, &r, EmptyCells::HalfCase).unwrap();
        prop_assert!((forth.stability_index - back.stability_index).abs() < 1e-9);
        let sum = forth.kullback_leibler + forth.kullback_leibler_reversed;
        prop_assert!((forth.stability_index - sum).abs() < 1e-9);
        prop_assert!((0.0..=1.0 + 1e-12).contains(&forth.total_variation));
        prop_assert!(forth.hellinger * forth.hellinger <= forth.total_variation + 1e-12);
        prop_assert!(forth.total_variation <= std::f64::consts::SQRT_2 * forth.hellinger + 1e-12);
        prop_assert!(forth.jensen_shannon <= std::f64::consts::LN_2.sqrt() + 1e-12);
        prop_assert!((forth.jensen_shannon - back.jensen_shannon).abs() < 1e-9);
    }
}

#[test]
fn widths_and_counts_beyond_all_numbers() {
    let points: Vec<Vec<f64>> = (0..12).map(|i| vec![f64::from(i)]).collect();
    for bandwidth in [1e-200, 1e-5, 1e200] {
        let mmd = Mmd {
            bandwidth: Some(bandwidth),
            permutations: 20,
            ..Mmd::default()
        };
        let found = mmd.compare(&points[..6], &points[6..]).unwrap();
        assert!(found.statistic.is_some_and(f64::is_finite), "{found}");
    }
    let [huge, one] = [[u64::MAX, 1], [1, u64::MAX]];
    let found = Divergences::between(&huge, &one, EmptyCells::HalfCase).unwrap();
    assert!(found.total_variation > 0.99 && found.chi_squared.p == Some(0.0));
}

#[test]
fn distances_follow_the_unit_to_the_ends_of_all_numbers() {
    let (reference, current) = ([1.0, 2.0, 4.0, -1.5], [0.5, 3.0, -1.75]);
    let plain = SampleDistances::between(&reference, &current).unwrap();
    for unit in [2f64.powi(1020), 2f64.powi(600), 2f64.powi(-700)] {
        let [a, b] = [
            reference.map(|v| v * unit).to_vec(),
            current.map(|v| v * unit).to_vec(),
        ];
        let scaled = SampleDistances::between(&a, &b).unwrap();
        assert_eq!(scaled.wasserstein, plain.wasserstein * unit);
        assert_within(
            scaled.wasserstein_normed.unwrap(),
            plain.wasserstein_normed.unwrap(),
            1e-12,
            "normed",
        );
    }
    // The range of these values is beyond all numbers.
    let wide = [-1.7e308, 1.7e308];
    let same = SampleDistances::between(&wide, &wide).unwrap();
    assert_eq!((same.wasserstein, same.energy), (0.0, 0.0));
    assert_eq!(same.wasserstein_normed, Some(0.0));
}
