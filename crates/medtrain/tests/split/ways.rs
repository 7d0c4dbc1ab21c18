//! The ways to divide a cohort.

use std::collections::{BTreeMap, BTreeSet};

use medcore::random::Key;
use medtrain::split::{
    Balance, CaseRecord, HeldOut, Lists, PartName, PatientKey, Scarce, Shares, Split, Unlisted,
};
use medtrain::{Cohort, Error};

/// Patients with one to seven images each, of three classes of which the last is rare.
fn cohort(patients: u32) -> Cohort<usize> {
    let mut records = vec![];
    for patient in 0..patients {
        let mut random = Key::new(11).sample(patient).stream("patient");
        let ill = random.below(12);
        for image in 0..=random.below(7) {
            let class = match ill {
                0 => 2,
                1..5 => u32::from(random.chance(0.7)),
                _ => 0,
            };
            let record = CaseRecord::new(format!("{patient}-{image}"), format!("{patient}"));
            records.push(
                record
                    .with_class(class)
                    .with_site(format!("{}", patient % 3)),
            );
        }
    }
    Cohort::of_records(records).unwrap()
}

fn patients(split: &Split<usize>) -> BTreeMap<PatientKey, BTreeSet<PartName>> {
    let mut parts: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (part, record) in split.records() {
        parts
            .entry(record.patient.clone())
            .or_default()
            .insert(part);
    }
    parts
}

#[test]
fn everyone_is_in_one_part_and_the_same_key_gives_the_same_parts() {
    for count in 3..40 {
        for balance in [Balance::Cases, Balance::Classes] {
            let shares = Shares::new(0.1, 0.2).balanced(balance);
            let split = cohort(count).hold_out(&shares, Key::new(3)).unwrap();
            assert_eq!(split, cohort(count).hold_out(&shares, Key::new(3)).unwrap());
            let parts = patients(&split);
            assert_eq!(parts.len(), count as usize);
            assert!(parts.values().all(|parts| parts.len() == 1));
            assert_eq!(split.records().count(), cohort(count).len());
            assert!(!split.validation.is_empty() && !split.test.is_empty());
        }
    }
    let shares = Shares::new(0.1, 0.2);
    let other = cohort(30).hold_out(&shares, Key::new(4)).unwrap();
    assert_ne!(other, cohort(30).hold_out(&shares, Key::new(3)).unwrap());
}

#[test]
fn parts_are_small_pictures_of_the_whole() {
    let whole = cohort(300);
    let of_class = |class| whole.records().filter(|r| r.class == Some(class)).count() as f64;
    let totals = [0, 1, 2].map(of_class);
    for seed in 0..5 {
        let shares = Shares::new(0.15, 0.25).balanced(Balance::Classes);
        let split = whole.clone().hold_out(&shares, Key::new(seed)).unwrap();
        let parts = patients(&split);
        for (part, share) in PartName::ALL.into_iter().zip([0.6, 0.15, 0.25]) {
            let here: Vec<&CaseRecord> = split
                .records()
                .filter(|(p, _)| *p == part)
                .map(|(_, r)| r)
                .collect();
            for class in 0..3_u32 {
                let count = here.iter().filter(|r| r.class == Some(class)).count() as f64;
                let off = (count - share * totals[class as usize]).abs();
                assert!(
                    off <= 1.5,
                    "seed {seed}, {part}, class {class}: {off} cases off"
                );
            }
            let own = parts.values().filter(|p| p.contains(&part)).count() as f64;
            assert!(
                (own - share * 300.0).abs() <= 2.0,
                "seed {seed}, {part}: {own} patients"
            );
        }
    }
}

#[test]
fn patients_with_many_images_are_held_out_as_often_as_others() {
    // Ten patients with five images, thirty with one.
    let records = || {
        let many = (0..10).flat_map(|n| (0..5).map(move |i| (n, i)));
        let all = many.chain((10..40).map(|n| (n, 0)));
        all.map(|(n, i)| CaseRecord::new(format!("{n}-{i}"), format!("{n}")))
    };
    let held_out = (0..200).filter(|&seed| {
        let shares = Shares::new(0.0, 0.4);
        let split = Cohort::of_records(records()).unwrap();
        let split = split.hold_out(&shares, Key::new(seed)).unwrap();
        split
            .test
            .records()
            .any(|record| record.patient.as_str() == "0")
    });
    let held_out = held_out.count();
    assert!((50..=110).contains(&held_out), "{held_out} of 200");
}

#[test]
fn every_patient_is_held_out_in_one_fold() {
    for (balance, held_out) in [
        (Balance::Cases, HeldOut::Validation),
        (Balance::Classes, HeldOut::Test),
    ] {
        let cohort = cohort(53);
        let folds = cohort.folds(5, balance, held_out, Key::new(2)).unwrap();
        let mut seen = BTreeSet::new();
        for split in &folds {
            let part = match held_out {
                HeldOut::Validation => PartName::Validation,
                HeldOut::Test => PartName::Test,
            };
            let parts = patients(split);
            assert!(parts.values().all(|parts| parts.len() == 1));
            let out = parts.into_iter().filter(|(_, parts)| parts.contains(&part));
            for (patient, _) in out {
                assert!(seen.insert(patient), "held out twice");
            }
            assert_eq!(split.records().count(), cohort.len());
        }
        assert_eq!(seen.len(), 53);
    }
}

#[test]
fn each_site_is_the_test_once() {
    let cohort = cohort(20);
    let splits = cohort.leave_one_site_out().unwrap();
    assert_eq!(splits.len(), 3);
    for (site, split) in splits {
        assert!(
            split
                .test
                .records()
                .all(|r| r.site.as_deref() == Some(site.as_str()))
        );
        assert!(
            split
                .training
                .members()
                .records()
                .all(|r| r.site.as_deref() != Some(site.as_str()))
        );
        assert_eq!(split.records().count(), cohort.len());
    }
}

#[test]
fn official_lists_are_followed_and_their_mistakes_named() {
    let names = |cases: &[&str]| {
        cases
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let cohort = || Cohort::of_patients(["a", "b", "c"].map(|n| (n.to_owned(), n))).unwrap();
    let lists = Lists {
        training: names(&["c"]),
        test: names(&["a"]),
        ..Lists::default()
    };
    let split = cohort().by_lists(&lists, Unlisted::LeaveOut).unwrap();
    assert_eq!(split.training.members().cases().collect::<Vec<_>>(), [&"c"]);
    let refused = cohort().by_lists(&lists, Unlisted::Refuse).unwrap_err();
    assert!(matches!(refused, Error::UnlistedCase { case } if case == "b"));
    let mut unknown = lists.clone();
    unknown.validation = names(&["x"]);
    let refused = cohort().by_lists(&unknown, Unlisted::LeaveOut).unwrap_err();
    assert!(matches!(refused, Error::UnknownCase { case } if case == "x"));
    let mut twice = lists;
    twice.validation = names(&["a"]);
    let refused = cohort().by_lists(&twice, Unlisted::LeaveOut).unwrap_err();
    assert!(matches!(refused, Error::SameName { case } if case == "a"));
}

#[test]
fn a_tiny_validation_part_is_rebuilt_and_the_test_stays() {
    let names: Vec<String> = (0..40).map(|n| format!("{n}")).collect();
    let cohort = Cohort::of_patients(names.iter().cloned().zip(0..)).unwrap();
    let lists = Lists {
        training: names[..30].to_vec(),
        validation: names[30..31].to_vec(),
        test: names[31..].to_vec(),
    };
    let split = cohort.by_lists(&lists, Unlisted::Refuse).unwrap();
    let test = split.test.clone();
    let split = split
        .with_validation(&Shares::new(0.2, 0.0), Key::new(5))
        .unwrap();
    assert_eq!([split.training.len(), split.validation.len()], [25, 6]);
    assert_eq!(split.test, test);
    let refused = split.with_validation(&Shares::new(0.2, 0.1), Key::new(5));
    assert!(matches!(refused, Err(Error::InvalidShare { .. })));
}

#[test]
fn too_few_patients_are_refused_or_overfitted_by_name() {
    let of = |count: u32| Cohort::of_patients((0..count).map(|n| (format!("{n}"), n))).unwrap();
    let shares = Shares::new(0.1, 0.25);
    for count in [1, 2] {
        let refused = of(count).hold_out(&shares, Key::new(1)).unwrap_err();
        assert!(
            matches!(refused, Error::TooFewPatients { needed: 3, .. }),
            "{refused}"
        );
    }
    let shares = shares.when_scarce(Scarce::Overfit);
    let mut one = of(1).hold_out(&shares, Key::new(1)).unwrap();
    assert!(one.overfits(PartName::Test) && one.overfits(PartName::Validation));
    assert_eq!(one.test.open("overfit").cases().collect::<Vec<_>>(), [&0]);
    let two = of(2).hold_out(&shares, Key::new(1)).unwrap();
    assert!(!two.overfits(PartName::Test) && two.overfits(PartName::Validation));
    assert_eq!(two.training.members(), two.validation.members());
    let three = of(3).hold_out(&shares, Key::new(1)).unwrap();
    assert!(PartName::ALL.iter().all(|part| !three.overfits(*part)));
}

#[test]
fn shares_and_folds_that_are_none_are_refused() {
    for (validation, test) in [
        (f64::NAN, 0.1),
        (-0.1, 0.1),
        (0.1, 1.5),
        (0.5, 0.5),
        (0.0, 1.0),
    ] {
        let refused = cohort(9).hold_out(&Shares::new(validation, test), Key::new(1));
        assert!(
            matches!(refused, Err(Error::InvalidShare { .. })),
            "{validation}, {test}"
        );
    }
    let folds = |count| cohort(9).folds(count, Balance::Cases, HeldOut::Test, Key::new(1));
    assert!(matches!(folds(1), Err(Error::TooFewFolds { .. })));
    assert!(matches!(folds(10), Err(Error::TooFewPatients { .. })));
    let plain = Cohort::of_patients((0..9).map(|n| (format!("{n}"), n))).unwrap();
    let refused = plain.folds(3, Balance::Classes, HeldOut::Test, Key::new(1));
    assert!(matches!(refused, Err(Error::Unnamed { what: "class", .. })));
    assert!(matches!(
        plain.leave_one_site_out(),
        Err(Error::Unnamed { what: "site", .. })
    ));
}
