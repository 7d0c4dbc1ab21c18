//! Every planted leak is a typed error that names both cases, their parts and what they share.

use std::sync::Arc;

use medaug::{Compose, Sample};
use medcore::random::Key;
use medcore::{Geometry, Image};
use medtrain::split::{
    Balance, CaseRecord, HeldOut, Lists, Member, Overlap, PartName, PixelHash, Resemblance, Shared,
    Shares, Split, Unlisted,
};
use medtrain::{CaseCache, Cohort, Error, LoadedCases};

/// A picture that no other number has.
fn picture(number: u32) -> Image<f32, 2> {
    let grid = Geometry::axis_aligned([40, 37], [0.5, 0.25]).unwrap();
    let mut random = Key::new(4).sample(number).stream("picture");
    let voxels: Vec<f32> = (0..grid.len()).map(|_| random.normal() as f32).collect();
    Image::new(grid, voxels).unwrap()
}

/// Six cases of six patients; the first four are learnt from by the lists below.
fn records() -> Vec<CaseRecord> {
    let record = |n: u32| {
        CaseRecord::new(format!("case {n}"), format!("patient {n}"))
            .with_study(format!("1.2.{n}"))
            .with_series(format!("1.2.{n}.1"))
            .with_instance(format!("1.2.{n}.1.1"))
            .with_pixels(PixelHash::of(&picture(n)))
            .with_resemblance(Resemblance::of(&picture(n)))
    };
    (0..6).map(record).collect()
}

fn listed(records: Vec<CaseRecord>) -> medtrain::Result<Split<usize>> {
    let names = |cases: std::ops::Range<u32>| cases.map(|n| format!("case {n}")).collect();
    let lists = Lists {
        training: names(0..4),
        validation: names(4..5),
        test: names(5..6),
    };
    Cohort::of_records(records)?.by_lists(&lists, Unlisted::Refuse)
}

fn leak(result: medtrain::Result<Split<usize>>) -> Overlap {
    match result {
        Err(Error::Leak { overlap }) => *overlap,
        other => panic!("no leak: {other:?}"),
    }
}

#[test]
fn what_shares_nothing_is_divided() {
    let split = listed(records()).unwrap();
    assert_eq!(
        [
            split.training.len(),
            split.validation.len(),
            split.test.len()
        ],
        [4, 1, 1]
    );
    assert!(split.overlaps().is_empty());
    split.require_unique().unwrap();
}

#[test]
fn every_planted_leak_is_caught_by_name() {
    type Plant = fn(&mut CaseRecord, &CaseRecord);
    let plants: [(Plant, Shared); 5] = [
        (
            |case, of| case.patient = of.patient.clone(),
            Shared::Patient("patient 1".into()),
        ),
        (
            // A sibling series: another series of the same study, under another key of the patient.
            |case, of| case.studies = of.studies.clone(),
            Shared::Study("1.2.1".to_owned()),
        ),
        (
            |case, of| case.series = of.series.clone(),
            Shared::Series("1.2.1.1".to_owned()),
        ),
        (
            |case, of| case.instances = of.instances.clone(),
            Shared::Instance("1.2.1.1.1".to_owned()),
        ),
        (
            |case, of| case.pixels = of.pixels,
            Shared::Pixels(PixelHash::of(&picture(1))),
        ),
    ];
    for (plant, shared) in plants {
        for (number, part) in [(4, PartName::Validation), (5, PartName::Test)] {
            let mut records = records();
            let of = records[1].clone();
            plant(&mut records[number], &of);
            let found = leak(listed(records));
            assert_eq!(found.shared, shared);
            assert_eq!(
                (found.first.part, found.second.part),
                (PartName::Training, part)
            );
            assert_eq!(
                (found.first.case, found.second.case),
                ("case 1".to_owned(), format!("case {number}"))
            );
        }
    }
}

#[test]
fn what_fills_a_uid_does_not_hide_a_leak() {
    type Read = fn(&mut CaseRecord) -> &mut Vec<String>;
    let kinds: [(Read, &str); 3] = [
        (|record| &mut record.studies, "1.2.1"),
        (|record| &mut record.series, "1.2.1.1"),
        (|record| &mut record.instances, "1.2.1.1.1"),
    ];
    for (uids, uid) in kinds {
        for filled in [format!("{uid}\0"), format!(" {uid} ")] {
            // As a field, and as read from a file.
            let mut records = records();
            *uids(&mut records[5]) = vec![filled.clone()];
            let text = serde_json::to_string(&records[5]).unwrap();
            records[5] = serde_json::from_str(&text).unwrap();
            let found = leak(listed(records));
            assert_eq!(found.shared.to_string().split(' ').next_back(), Some(uid));
            assert_eq!(found.second.case, "case 5");
        }
        let mut records = records();
        *uids(&mut records[5]) = vec![" \0".to_owned()];
        let refused = Cohort::of_records(records).unwrap_err();
        assert!(matches!(refused, Error::Unnamed { .. }), "{refused}");
    }
}

#[test]
fn the_message_says_who_where_and_why() {
    let mut records = records();
    records[5].studies = vec!["1.2.4".to_owned()];
    let message = listed(records).unwrap_err().to_string();
    assert_eq!(
        message,
        "case case 4 of patient patient 4 in validation and case case 5 of patient patient 5 in test \
         share study 1.2.4"
    );
}

#[test]
fn folds_and_sites_are_checked_too() {
    let mut records = records();
    records[3].pixels = records[0].pixels;
    let cohort = Cohort::of_records(records).unwrap();
    let folds = cohort.folds(6, Balance::Cases, HeldOut::Test, Key::new(1));
    assert!(matches!(folds, Err(Error::Leak { .. })));
    // As one patient they stay together.
    let joined = cohort.joined();
    assert_eq!(joined.patients().len(), 5);
    joined
        .folds(5, Balance::Cases, HeldOut::Test, Key::new(1))
        .unwrap();

    let records = ["a", "a", "b"].map(|site| site.to_owned());
    let records = records.into_iter().enumerate().map(|(n, site)| {
        // The second and the third case are of one patient, who was at both sites.
        CaseRecord::new(format!("{n}"), format!("{}", n.min(1))).with_site(site)
    });
    let refused = Cohort::of_records(records).unwrap().leave_one_site_out();
    assert!(
        matches!(&refused, Err(Error::Leak { overlap }) if overlap.shared == Shared::Patient("1".into())),
        "{refused:?}"
    );
}

#[test]
fn duplicates_within_a_part_are_found_and_refused_on_demand() {
    let mut records = records();
    records[2].pixels = records[0].pixels;
    let split = listed(records).unwrap();
    let found = split.overlaps();
    assert_eq!(found.len(), 1);
    assert!(!found[0].is_leak());
    assert_eq!(
        (found[0].first.case.as_str(), found[0].second.case.as_str()),
        ("case 0", "case 2")
    );
    assert!(matches!(split.require_unique(), Err(Error::Leak { .. })));
}

#[test]
fn duplicates_are_found_by_reading_all_cases() {
    // The sixth file is the second one under another name.
    let cases = [0, 1, 2, 3, 4, 1].map(|n| Sample::new(picture(n)));
    let named = |prefix: &str| {
        let cases = cases.iter().cloned().enumerate();
        LoadedCases::new(cases.map(|(n, sample)| (format!("{prefix} {n}"), sample)))
    };
    let plain = (0..6).map(|n| CaseRecord::new(format!("case {n}"), format!("patient {n}")));
    let cohort = Cohort::of_records(plain).unwrap();
    let read = cohort.clone().with_pixels(&named("case")).unwrap();
    let found = leak(listed(read.records().cloned().collect()));
    assert_eq!(found.shared, Shared::Pixels(PixelHash::of(&picture(1))));
    assert_eq!(
        (found.first.case.as_str(), found.second.case.as_str()),
        ("case 1", "case 5")
    );
    assert!(read.records().all(|record| record.resemblance.is_some()));
    let refused = cohort.clone().with_pixels(&named("other")).unwrap_err();
    assert!(matches!(refused, Error::OtherCase { .. }), "{refused}");
    let none = LoadedCases::<2>::new([]);
    assert!(matches!(
        cohort.with_pixels(&none),
        Err(Error::NoSuchCase { .. })
    ));
}

#[test]
fn voxels_have_one_hash_whatever_the_container() {
    let image = picture(3);
    let hash = PixelHash::of(&image);
    // A format with slices, other spacing, or a signed zero.
    let [height, width] = image.shape();
    let stack = Geometry::axis_aligned([1, height, width], [3.0, 1.0, 1.0]).unwrap();
    let stack = Image::new(stack, image.as_slice().to_vec()).unwrap();
    assert_eq!(PixelHash::of(&stack), hash);
    let grid = Geometry::axis_aligned([1, 2], [1.0; 2]).unwrap();
    let zeros = [[0.0_f32, 1.0], [-0.0, 1.0]].map(|v| Image::new(grid, v.to_vec()).unwrap());
    assert_eq!(PixelHash::of(&zeros[0]), PixelHash::of(&zeros[1]));
    // Another shape, another voxel, channels instead of slices.
    let turned = Geometry::axis_aligned([width, height], [1.0; 2]).unwrap();
    let turned = Image::new(turned, image.as_slice().to_vec()).unwrap();
    assert_ne!(PixelHash::of(&turned), hash);
    let changed = image.map(|v| {
        if v == image.as_slice()[7] {
            v + 1e-3
        } else {
            v
        }
    });
    assert_ne!(PixelHash::of(&changed), hash);
    let two = |channels: usize, shape: [usize; 3]| {
        let grid = Geometry::axis_aligned(shape, [1.0; 3]).unwrap();
        Image::with_channels(channels, grid, vec![1.0; 12]).unwrap()
    };
    assert_ne!(
        PixelHash::of(&two(2, [1, 2, 3])),
        PixelHash::of(&two(1, [2, 2, 3]))
    );
    // Through text and back.
    let text = serde_json::to_string(&hash).unwrap();
    assert_eq!(serde_json::from_str::<PixelHash>(&text).unwrap(), hash);
    assert!(serde_json::from_str::<PixelHash>(&text.to_uppercase()).is_err());
}

#[test]
fn a_picture_windowed_and_scaled_anew_resembles_itself() {
    // Smooth, as anatomy is: a few waves.
    let waves = |number: u32, shape: [usize; 2], gain: f32| {
        let grid = Geometry::axis_aligned(shape, [1.0; 2]).unwrap();
        let mut random = Key::new(number.into()).stream("waves");
        let waves: Vec<[f64; 3]> = (0..6)
            .map(|_| [0; 3].map(|_| random.uniform_in(-12.0, 12.0)))
            .collect();
        let voxels = (0..grid.len()).map(|i| {
            let (y, x) = (i / shape[1], i % shape[1]);
            let [y, x] = [y as f64 / shape[0] as f64, x as f64 / shape[1] as f64];
            let value: f64 = waves
                .iter()
                .map(|[a, b, c]| (a * y + b * x + c).sin())
                .sum();
            gain * value as f32 + 3.0
        });
        Image::new(grid, voxels.collect::<Vec<_>>()).unwrap()
    };
    let first = Resemblance::of(&waves(1, [200, 170], 1.0));
    let again = Resemblance::of(&waves(1, [143, 131], 40.0));
    let other = Resemblance::of(&waves(2, [200, 170], 1.0));
    assert!(first.distance(&again) <= 12, "{}", first.distance(&again));
    assert!(first.distance(&other) >= 60, "{}", first.distance(&other));

    let mut records = records();
    records[0].resemblance = Some(first);
    records[5].resemblance = Some(again);
    let split = listed(records).unwrap();
    let found = split.resembling(12);
    assert_eq!(found.len(), 1);
    assert!(found[0].is_leak() && matches!(found[0].shared, Shared::Appearance { .. }));
    assert_eq!(
        (found[0].first.case.as_str(), found[0].second.case.as_str()),
        ("case 0", "case 5")
    );
}

#[test]
fn tiny_pictures_resemble_themselves() {
    let grid = Geometry::axis_aligned([1, 1, 3], [1.0; 3]).unwrap();
    let tiny = Resemblance::of(&Image::new(grid, vec![1.0, 2.0, f32::NAN]).unwrap());
    assert_eq!(tiny.distance(&tiny), 0);
}

#[test]
fn a_cache_of_other_cases_is_refused() {
    let cases = |names: &[&str]| {
        let cases = names
            .iter()
            .map(|name| ((*name).to_owned(), Sample::new(picture(0))));
        let reader = LoadedCases::new(cases);
        Arc::new(CaseCache::new(Box::new(reader), Compose::default(), 1))
    };
    let split = || {
        let records = ["a", "b"].map(|name| CaseRecord::new(name, name));
        let cohort = Cohort::of_records(records).unwrap();
        cohort
            .hold_out(&Shares::new(0.0, 0.5), Key::new(1))
            .unwrap()
    };
    split().in_cache(&cases(&["a", "b"])).unwrap();
    let refused = split().in_cache(&cases(&["b", "a"])).unwrap_err();
    assert!(matches!(refused, Error::OtherCase { .. }), "{refused}");
    let refused = split().in_cache(&cases(&[])).unwrap_err();
    assert!(matches!(refused, Error::NoSuchCase { .. }), "{refused}");
}

#[test]
fn cases_without_names_and_with_the_same_are_refused() {
    let refused = |records: Vec<CaseRecord>| Cohort::of_records(records).unwrap_err();
    let twice = vec![CaseRecord::new("a", "p"), CaseRecord::new("a", "q")];
    assert!(matches!(refused(twice), Error::SameName { case } if case == "a"));
    let nobody = vec![CaseRecord::new("a", " \0")];
    assert!(matches!(
        refused(nobody),
        Error::Unnamed {
            what: "patient key",
            ..
        }
    ));
    let no_uid = vec![CaseRecord::new("a", "p").with_study("")];
    assert!(matches!(
        refused(no_uid),
        Error::Unnamed {
            what: "study instance UID",
            ..
        }
    ));
    assert!(matches!(refused(vec![]), Error::Nothing { .. }));
    assert!(Cohort::<u8>::new(Vec::<Member<u8>>::new()).is_err());
}
