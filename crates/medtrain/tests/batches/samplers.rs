//! How often each case is drawn, and what its class weighs.

use std::collections::BTreeSet;

use medcore::random::Key;
use medtrain::Error;
use medtrain::sampler::{ClassWeighting, Replacement, Sampler, Sampling, class_weights};
use medtrain::split::CaseRecord;

fn records(classes: &[u32]) -> Vec<CaseRecord> {
    let record = |(n, class): (usize, &u32)| {
        CaseRecord::new(format!("{n}"), format!("patient {}", n / 3)).with_class(*class)
    };
    classes.iter().enumerate().map(record).collect()
}

fn weighted(weights: &[f64], draws: usize, replacement: Replacement) -> medtrain::Result<Sampler> {
    let sampling = Sampling::Weighted {
        weights: weights.to_vec(),
        draws,
        replacement,
    };
    Sampler::new(&sampling, &records(&vec![0; weights.len()]))
}

#[test]
fn a_permutation_has_everyone_once() {
    let sampler = Sampler::new(&Sampling::Permutation, &records(&[0; 50])).unwrap();
    let places = sampler.epoch(Key::new(1).epoch(1));
    assert_ne!(places, (0..50).collect::<Vec<_>>());
    assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), 50);
}

#[test]
fn draws_are_in_proportion_to_the_weights() {
    let weights = [0.0, 3.0, 0.5, 0.0, 1.5, 0.0];
    let sampler = weighted(&weights, 100_000, Replacement::With).unwrap();
    let mut counts = [0_u32; 6];
    for place in sampler.epoch(Key::new(2)) {
        counts[place] += 1;
    }
    for (count, weight) in counts.into_iter().zip(weights) {
        let want = 100_000.0 * weight / 5.0;
        assert!(
            (f64::from(count) - want).abs() <= 4.0 * want.sqrt(),
            "{counts:?}"
        );
    }
}

#[test]
fn weights_whose_sum_is_infinite_are_refused() {
    let refused = weighted(&[1e308, 1e308, 1.0], 10, Replacement::With).unwrap_err();
    assert!(
        matches!(&refused, Error::InvalidSetting { value, .. } if value == "inf"),
        "{refused}"
    );
    let one = weighted(&[1e308, 0.0], 10, Replacement::With).unwrap();
    assert_eq!(one.epoch(Key::new(1)), [0; 10]);
    // No sum is taken of these.
    assert!(weighted(&[1e308, 1e308, 1.0], 3, Replacement::Without).is_ok());
}

#[test]
fn without_replacement_nobody_comes_twice_and_the_heavy_come_first() {
    let weights = [0.0, 3.0, 0.5, 0.0, 1.5, 0.0];
    let sampler = weighted(&weights, 3, Replacement::Without).unwrap();
    let mut first = [0_u32; 6];
    for epoch in 0..20_000 {
        let places = sampler.epoch(Key::new(2).epoch(epoch));
        assert_eq!(
            places.iter().collect::<BTreeSet<_>>(),
            BTreeSet::from([&1, &2, &4])
        );
        first[places[0]] += 1;
    }
    for (count, weight) in first.into_iter().zip(weights) {
        let want = 20_000.0 * weight / 5.0;
        assert!(
            (f64::from(count) - want).abs() <= 4.0 * want.sqrt(),
            "{first:?}"
        );
    }
}

#[test]
fn classes_take_turns_and_so_do_their_cases() {
    let classes: Vec<u32> = (0..100).map(|n| if n < 3 { 2 } else { n % 2 }).collect();
    let sampler = Sampler::new(&Sampling::Classes, &records(&classes)).unwrap();
    let places = sampler.epoch(Key::new(5));
    assert_eq!(places.len(), 100);
    let mut cases = [0_u32; 100];
    let mut drawn = [0_u32; 3];
    for &place in &places {
        cases[place] += 1;
        drawn[classes[place] as usize] += 1;
    }
    let spread = |counts: &[u32]| counts.iter().max().unwrap() - counts.iter().min().unwrap();
    assert!(spread(&drawn) <= 1, "{drawn:?}");
    assert!(spread(&cases[..3]) <= 1, "{cases:?}");
    // Any batch is balanced, not the epoch alone.
    for batch in places.chunks_exact(3) {
        assert_eq!(
            batch
                .iter()
                .map(|p| classes[*p])
                .collect::<BTreeSet<_>>()
                .len(),
            3
        );
    }
}

#[test]
fn each_patient_comes_once_by_any_of_their_cases() {
    let sampler = Sampler::new(&Sampling::Patients, &records(&[0; 12])).unwrap();
    let mut seen = BTreeSet::new();
    for epoch in 0..30 {
        let places = sampler.epoch(Key::new(3).epoch(epoch));
        let patients: BTreeSet<usize> = places.iter().map(|place| place / 3).collect();
        assert_eq!((places.len(), patients.len()), (4, 4));
        seen.extend(places);
    }
    assert_eq!(seen.len(), 12);
}

#[test]
fn weights_that_are_none_are_refused() {
    for weights in [
        &[1.0, -1.0][..],
        &[1.0, f64::NAN],
        &[f64::INFINITY, 1.0],
        &[0.0, 0.0],
    ] {
        let refused = weighted(weights, 2, Replacement::With);
        assert!(
            matches!(refused, Err(Error::InvalidSetting { .. })),
            "{weights:?}"
        );
    }
    assert!(weighted(&[1.0, 0.0], 2, Replacement::Without).is_err());
    assert!(matches!(
        weighted(&[1.0], 0, Replacement::With),
        Err(Error::Nothing { what: "draws" })
    ));
    let few = Sampling::Weighted {
        weights: vec![1.0],
        draws: 1,
        replacement: Replacement::With,
    };
    assert!(Sampler::new(&few, &records(&[0, 1])).is_err());
    let nameless = [CaseRecord::new("a", "p")];
    assert!(matches!(
        Sampler::new(&Sampling::Classes, &nameless),
        Err(Error::Unnamed { .. })
    ));
    let nobody: [CaseRecord; 0] = [];
    assert!(Sampler::new(&Sampling::Permutation, &nobody).is_err());
}

#[test]
fn class_weights_are_those_of_their_sources() {
    let near = |found: Vec<f64>, want: &[f64]| {
        assert_eq!(found.len(), want.len());
        for (a, b) in found.iter().zip(want) {
            assert!((a - b).abs() <= 1e-12 * b, "{found:?} for {want:?}");
        }
    };
    let counts = [900.0, 90.0, 10.0];
    // sklearn.utils.class_weight.compute_class_weight("balanced", ...) of scikit-learn 1.9.1.
    let balanced = class_weights(&counts, ClassWeighting::Balanced).unwrap();
    near(
        balanced,
        &[0.37037037037037035, 3.7037037037037037, 33.333333333333336],
    );
    let inverse = class_weights(&counts, ClassWeighting::InverseFrequency).unwrap();
    near(
        inverse,
        &[1.0 / 900.0, 1.0 / 90.0, 0.1].map(|w| 3.0 * w / (101.0 / 900.0)),
    );
    // The authors' lines: (1 - beta) / (1 - power(beta, counts)), divided by their sum, times the number of classes.
    let beta = 0.99_f64;
    let raw = counts.map(|n: f64| (1.0 - beta) / (1.0 - beta.powf(n)));
    let sum: f64 = raw.iter().sum();
    let effective = |beta| class_weights(&counts, ClassWeighting::EffectiveNumber { beta });
    near(effective(beta).unwrap(), &raw.map(|w| 3.0 * w / sum));
    near(effective(0.0).unwrap(), &[1.0; 3]);
    // Towards 1 it is the inverse frequency.
    let limit = effective(1.0 - 1e-12).unwrap();
    assert!((limit[2] / limit[0] - 90.0).abs() < 1e-6, "{limit:?}");
    for counts in [&[][..], &[1.0, 0.0], &[f64::NAN]] {
        assert!(class_weights(counts, ClassWeighting::Balanced).is_err());
    }
    assert!(effective(1.0).is_err() && effective(f64::NAN).is_err());
}
