//! Intervals of AUCs: DeLong's and the bootstrap's.

use medcore::random::Key;
use medmetrics::classification::{AveragePrecisionRule, Ranking, Resampling, Scores};
use medmetrics::statistics::{AucScale, Bootstrap, BootstrapMethod, DeLong, Units};
use medmetrics::{Accumulator, Confidence};

/// Scores in steps of a tenth, so that most are tied.
fn sample(n: usize, seed: u64) -> (Vec<bool>, Vec<f64>) {
    let mut random = Key::new(seed).stream("scores");
    let truth: Vec<bool> = (0..n).map(|_| random.chance(0.3)).collect();
    let score = |&positive: &bool| {
        let shift = if positive { 0.8 } else { 0.0 };
        (10.0 * (random.normal() + shift)).round() / 10.0
    };
    let scores = truth.iter().map(score).collect();
    (truth, scores)
}

#[test]
fn delong_of_a_ranking_is_that_of_its_cases() {
    let (truth, scores) = sample(300, 1);
    let confidence = Confidence::default();
    let got = Ranking::of(&truth, &scores)
        .unwrap()
        .auc_delong(AucScale::Logit, confidence)
        .unwrap();
    let want = DeLong::new(&scores, &truth)
        .unwrap()
        .estimate(AucScale::Logit, confidence);
    assert_eq!((got.value, &got.convention), (want.value, &want.convention));
    let (got, want) = (got.interval.unwrap(), want.interval.unwrap());
    assert!((got.low - want.low).abs() < 1e-14 && (got.high - want.high).abs() < 1e-14);
    let alone = Ranking::of(&[true; 3], &[0.1, 0.2, 0.3]).unwrap();
    assert_eq!(
        alone.auc_delong(AucScale::Logit, confidence).unwrap().value,
        None
    );
}

/// Each replicate is the AUC of the drawn cases themselves, written out.
#[test]
fn replicates_are_areas_of_the_drawn_cases() {
    let (truth, scores) = sample(40, 2);
    let ranking = Ranking::of(&truth, &scores).unwrap();
    let mut cases: Vec<(f64, bool)> = scores.iter().copied().zip(truth.iter().copied()).collect();
    // The units of the bootstrap are the cases in ascending order, negatives first among equals.
    cases.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let drawn = |times: &[u32]| {
        let mut drawn = Scores::new();
        for (&case, &n) in cases.iter().zip(times) {
            (0..n).for_each(|_| drawn.push(case).unwrap());
        }
        drawn.into_ranking()
    };
    let step = AveragePrecisionRule::Step;
    for method in [BootstrapMethod::Percentile, BootstrapMethod::Bca] {
        let bootstrap = Bootstrap {
            replicates: 400,
            method,
            ..Bootstrap::default()
        };
        for resampling in [Resampling::Cases, Resampling::WithinClasses] {
            let classes: Vec<bool> = cases.iter().map(|case| case.1).collect();
            let units = match resampling {
                Resampling::WithinClasses => Units::stratified(&classes),
                _ => Units::from(cases.len()),
            };
            let got = ranking.auc_bootstrap(&bootstrap, resampling).unwrap();
            let area = |times: &[u32]| drawn(times).auc().value;
            let want = bootstrap.estimate(units.clone(), "auc:mann-whitney/ties-half", area);
            assert_eq!(got, want.unwrap());
            let got = ranking
                .average_precision_bootstrap(&bootstrap, resampling)
                .unwrap();
            let area = |times: &[u32]| drawn(times).average_precision(step).value;
            let want = bootstrap.estimate(units, "average-precision:step", area);
            assert_eq!(got, want.unwrap());
        }
    }
}

#[test]
fn neither_threads_nor_the_order_of_cases_change_an_interval() {
    let (truth, scores) = sample(200, 3);
    let bootstrap = Bootstrap {
        replicates: 500,
        ..Bootstrap::default()
    };
    let of = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            Ranking::of(&truth, &scores)
                .unwrap()
                .auc_bootstrap(&bootstrap, Resampling::Cases)
                .unwrap()
        })
    };
    assert_eq!(of(1), of(2));
    assert_eq!(of(1), of(4));
    let mut order: Vec<usize> = (0..truth.len()).collect();
    Key::new(4).stream("order").shuffle(&mut order);
    let mut shuffled = Scores::new();
    order
        .iter()
        .for_each(|&i| shuffled.push((scores[i], truth[i])).unwrap());
    assert_eq!(
        shuffled
            .finish()
            .unwrap()
            .auc_bootstrap(&bootstrap, Resampling::Cases)
            .unwrap(),
        of(1)
    );
}

/// 5000 normal scores, one in five positive: DeLong's and the bootstrap's interval have nearly the same ends.
#[test]
fn the_bootstrap_agrees_with_delong_for_many_cases() {
    let mut random = Key::new(5).stream("scores");
    let truth: Vec<bool> = (0..5000).map(|_| random.chance(0.2)).collect();
    let scores: Vec<f64> = truth
        .iter()
        .map(|&p| random.normal() + if p { 1.2 } else { 0.0 })
        .collect();
    let ranking = Ranking::of(&truth, &scores).unwrap();
    let bootstrap = Bootstrap {
        method: BootstrapMethod::Percentile,
        ..Bootstrap::default()
    };
    let drawn = ranking
        .auc_bootstrap(&bootstrap, Resampling::Cases)
        .unwrap()
        .interval
        .unwrap();
    let delong = ranking
        .auc_delong(AucScale::Logit, Confidence::default())
        .unwrap()
        .interval
        .unwrap();
    let width = delong.high - delong.low;
    assert!(
        (drawn.low - delong.low).abs() < 0.1 * width,
        "{drawn} {delong}"
    );
    assert!(
        (drawn.high - delong.high).abs() < 0.1 * width,
        "{drawn} {delong}"
    );
}

/// Enough scores that digits are counted instead of scores compared.
#[test]
fn areas_of_many_scores_are_counted_exactly() {
    let (truth, coarse) = sample(40_000, 6);
    let mut random = Key::new(7).stream("fine");
    let fine: Vec<f64> = coarse
        .iter()
        .map(|&score| libm::exp(score + random.normal()))
        .collect();
    for scores in [coarse, fine] {
        let delong = DeLong::new(&scores, &truth).unwrap();
        let ranking = Ranking::of(&truth, &scores).unwrap();
        assert_eq!(ranking.auc().value, delong.auc());
        assert!(
            ranking
                .steps()
                .is_sorted_by(|a, b| a.threshold > b.threshold)
        );
        let single: Vec<f32> = scores.iter().map(|&score| score as f32).collect();
        let rounded: Vec<f64> = single.iter().map(|&score| f64::from(score)).collect();
        let ranking = Ranking::of(&truth, &single).unwrap();
        assert_eq!(
            ranking.auc().value,
            DeLong::new(&rounded, &truth).unwrap().auc()
        );
    }
}
