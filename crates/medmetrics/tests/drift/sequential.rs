//! Detectors alarm as often as the same rules in NumPy, and see what shifts.

use medcore::random::Key;
use medmetrics::drift::{Change, Cusum, Ewma, PageHinkley};

use crate::{fixture, numbers};

/// Mean number of normal numbers until an alarm, and its standard error.
fn run_length(shift: f64, mut alarms: impl FnMut(u32) -> Box<dyn FnMut(f64) -> bool>) -> [f64; 2] {
    let lengths: Vec<f64> = (0..1000)
        .map(|run| {
            let mut random = Key::new(3).sample(run).stream("run");
            let mut alarm = alarms(run);
            f64::from(
                (1..6000u32)
                    .find(|_| alarm(random.normal() + shift))
                    .unwrap_or(6000),
            )
        })
        .collect();
    let mean = lengths.iter().sum::<f64>() / 1000.0;
    let squares = lengths.iter().map(|l| (l - mean).powi(2)).sum::<f64>();
    [mean, (squares / 999.0 / 1000.0).sqrt()]
}

#[test]
fn run_lengths_are_those_of_numpy() {
    let want = &fixture()["run_lengths"];
    for (i, shift) in [0.0, 1.0].into_iter().enumerate() {
        let cusum = run_length(shift, |_| {
            let mut watch = Cusum::new(0.0, 1.0).unwrap();
            Box::new(move |z| watch.push(z).unwrap().is_some())
        });
        let ewma = run_length(shift, |_| {
            let mut watch = Ewma::new(0.0, 1.0).unwrap();
            Box::new(move |z| watch.push(z).unwrap().is_some())
        });
        for (name, [got, error]) in [("cusum", cusum), ("ewma", ewma)] {
            let want = numbers(&want[name])[i];
            assert!(
                (got - want).abs() < 4.0 * error * 1.25_f64.sqrt(),
                "{name} {shift}: {got}, {want}"
            );
        }
    }
}

#[test]
fn changes_have_a_direction_and_states_go_on_elsewhere() {
    let mut watch = PageHinkley::new(0.05, 1.0).unwrap();
    let mut random = Key::new(1).stream("page");
    for _ in 0..200 {
        assert_eq!(watch.push(0.8 + 0.05 * random.normal()).unwrap(), None);
    }
    let text = serde_json::to_string(&watch).unwrap();
    let mut elsewhere: PageHinkley = serde_json::from_str(&text).unwrap();
    let seen = (0..20).find_map(|_| elsewhere.push(0.5 + 0.05 * random.normal()).unwrap());
    assert_eq!(seen, Some(Change::Down));
    let seen = (0..20).find_map(|_| watch.push(1.1 + 0.05 * random.normal()).unwrap());
    assert_eq!(seen, Some(Change::Up));
    let before = watch.clone();
    assert!(watch.push(f64::NAN).is_err());
    assert_eq!(watch, before, "a refusal changes nothing");
    assert!(Cusum::new(0.0, 0.0).is_err() && Ewma::new(f64::NAN, 1.0).is_err());
    assert!(PageHinkley::new(-1.0, 1.0).is_err() && PageHinkley::new(0.0, 0.0).is_err());
    let mut ewma = Ewma::new(0.0, 1.0).unwrap();
    ewma.weight = 0.0;
    assert!(ewma.push(1.0).is_err());
    let mut cusum = Cusum::new(0.0, 1.0).unwrap();
    assert_eq!(cusum.push(-6.0).unwrap(), Some(Change::Down));
    assert_eq!(cusum.sums(), [0.0, 5.5]);
}
