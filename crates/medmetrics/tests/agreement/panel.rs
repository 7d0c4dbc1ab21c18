//! A panel of readers beside a model.

use medcore::random::Key;
use medmetrics::agreement::{
    Concordance, Kappa, KappaWeights, PairedMeasurements, Panel, PanelAgreement, PanelMeasure,
    RatingTable,
};
use medmetrics::statistics::Bootstrap;
use medmetrics::{Accumulator, Error};

use crate::support::near;

/// The model's value and the readers'.
type Case = (f64, Vec<f64>);

fn quick(readers: usize, measure: PanelMeasure) -> Panel {
    let bootstrap = Bootstrap {
        replicates: 400,
        ..Bootstrap::default()
    };
    Panel::new(readers, measure)
        .unwrap()
        .with_bootstrap(bootstrap)
}

fn kappa() -> PanelMeasure {
    PanelMeasure::Kappa {
        kappa: Kappa::cohen(KappaWeights::Quadratic),
        categories: 4,
    }
}

/// The model's errors have this standard deviation, the readers' 1.
fn measured(error: f64) -> Vec<Case> {
    let mut random = Key::new(18).stream("panel");
    (0..60)
        .map(|_| {
            let truth = 20.0 + 4.0 * random.normal();
            (
                truth + error * random.normal(),
                (0..3).map(|_| truth + random.normal()).collect(),
            )
        })
        .collect()
}

fn rated(error: f64) -> Vec<Case> {
    let rating = |v: f64| ((v - 14.0) / 4.0).round().clamp(0.0, 3.0);
    let cases = measured(error).into_iter();
    cases
        .map(|(model, readers)| (rating(model), readers.into_iter().map(rating).collect()))
        .collect()
}

fn finish(mut panel: Panel, cases: &[Case]) -> PanelAgreement {
    cases
        .iter()
        .try_for_each(|(model, readers)| panel.push((*model, readers)))
        .unwrap();
    panel.finish().unwrap()
}

#[test]
fn agreement_of_each_pair_is_that_of_the_measure() {
    let cases = measured(1.0);
    let found = finish(
        quick(3, PanelMeasure::Concordance(Concordance::default())),
        &cases,
    );
    let of = |f: &dyn Fn(&Case) -> [f64; 2]| {
        let (x, y): (Vec<f64>, Vec<f64>) = cases.iter().map(|case| f(case).into()).unzip();
        let pairs = PairedMeasurements::new(&x, &y).unwrap();
        Concordance::default().of(&pairs).unwrap().estimate
    };
    let mut mean = 0.0;
    for (reader, estimate) in found.with_readers.iter().enumerate() {
        let want = of(&|(model, readers)| [*model, readers[reader]]);
        near(
            estimate.value.unwrap(),
            want.value.unwrap(),
            1e-12,
            "with a reader",
        );
        near(
            estimate.interval.unwrap().low,
            want.interval.unwrap().low,
            1e-9,
            "low",
        );
        mean += want.value.unwrap() / 3.0;
    }
    let among: Vec<_> = found
        .among_readers
        .iter()
        .map(|(a, b, _)| (*a, *b))
        .collect();
    assert_eq!(among, [(0, 1), (0, 2), (1, 2)]);
    let mut panel = 0.0;
    for (one, other, estimate) in &found.among_readers {
        let want = of(&|(_, readers)| [readers[*one], readers[*other]]);
        near(
            estimate.value.unwrap(),
            want.value.unwrap(),
            1e-12,
            "among readers",
        );
        panel += want.value.unwrap() / 3.0;
    }
    near(found.model.value.unwrap(), mean, 1e-12, "mean of the model");
    near(
        found.panel.value.unwrap(),
        panel,
        1e-12,
        "mean of the readers",
    );
    near(
        found.difference.value.unwrap(),
        mean - panel,
        1e-12,
        "difference",
    );
    near(
        found.williams_index.value.unwrap(),
        mean / panel,
        1e-12,
        "index",
    );
}

#[test]
fn a_better_and_a_worse_model_are_told_from_a_reader() {
    for (measure, cases) in [
        (
            PanelMeasure::Concordance(Concordance::default()),
            measured as fn(f64) -> Vec<Case>,
        ),
        (kappa(), rated),
    ] {
        let of = |error: f64| finish(quick(3, measure.clone()), &cases(error));
        let alike = of(1.0).difference.interval.unwrap();
        assert!(alike.contains(0.0), "{alike}");
        let worse = of(4.0);
        assert!(worse.difference.interval.unwrap().high < 0.0);
        assert!(worse.williams_index.interval.unwrap().high < 1.0);
        let better = of(0.0);
        assert!(
            better.difference.interval.unwrap().low > 0.0,
            "{:?}",
            better.difference
        );
        assert!(better.williams_index.interval.unwrap().low > 1.0);
    }
}

#[test]
fn ratings_of_a_panel_are_kappas() {
    let cases = rated(1.0);
    let found = finish(quick(3, kappa()), &cases);
    let first: Vec<u8> = cases.iter().map(|(model, _)| *model as u8).collect();
    let second: Vec<u8> = cases.iter().map(|(_, readers)| readers[1] as u8).collect();
    let table = RatingTable::of(4, &first, &second).unwrap();
    let want = Kappa::cohen(KappaWeights::Quadratic)
        .of(&table)
        .unwrap()
        .estimate;
    assert_eq!(found.with_readers[1], want);
    assert_eq!(
        found.difference.convention,
        "panel-difference:kappa:cohen/quadratic/declared"
    );
}

#[test]
fn order_parts_and_threads_change_nothing() {
    let mut cases = measured(1.5);
    let measure = PanelMeasure::Concordance(Concordance::default());
    let whole = finish(quick(3, measure.clone()), &cases);
    Key::new(4).stream("order").shuffle(&mut cases);
    let mut parts = [quick(3, measure.clone()), quick(3, measure.clone())];
    for (i, (model, readers)) in cases.iter().enumerate() {
        parts[i % 2].push((*model, readers)).unwrap();
    }
    let [mut one, other] = parts;
    one.merge(&other).unwrap();
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        assert_eq!(pool.install(|| one.finish()).unwrap(), whole);
    }
    assert!(one.merge(&quick(2, measure)).is_err());
    let text = serde_json::to_string(&one).unwrap();
    assert_eq!(serde_json::from_str::<Panel>(&text).unwrap(), one);
}

#[test]
fn wrong_panels_are_refused() {
    assert!(matches!(
        Panel::new(1, kappa()),
        Err(Error::TooFew { of: "readers", .. })
    ));
    let custom = Kappa::cohen(KappaWeights::Custom(vec![0.0; 9]));
    assert!(
        Panel::new(
            2,
            PanelMeasure::Kappa {
                kappa: custom,
                categories: 4
            }
        )
        .is_err()
    );
    let mut panel = quick(2, kappa());
    let before = panel.clone();
    assert!(matches!(
        panel.push((1.0, &[1.0])),
        Err(Error::Length {
            got: 1,
            expected: 2,
            ..
        })
    ));
    assert!(matches!(
        panel.push((f64::NAN, &[1.0, 2.0])),
        Err(Error::InvalidValue { index: 0, .. })
    ));
    for wrong in [4.0, -1.0, 0.5] {
        assert!(matches!(
            panel.push((1.0, &[1.0, wrong])),
            Err(Error::InvalidValue { index: 1, .. })
        ));
    }
    assert_eq!(panel, before);
    assert!(panel.finish().is_err(), "no cases");
}

#[test]
fn readers_who_never_differ_leave_the_index_undefined() {
    let mut panel = quick(2, kappa());
    for _ in 0..5 {
        panel.push((2.0, &[2.0, 2.0])).unwrap();
    }
    let found = panel.finish().unwrap();
    assert_eq!(
        (found.difference.value, found.williams_index.value),
        (None, None)
    );
}
