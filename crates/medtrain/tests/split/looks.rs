//! Every look at a test set leaves a line, and what was not looked at is said.

use std::sync::Arc;

use medaug::{Compose, Sample};
use medcore::random::Key;
use medcore::{Geometry, Image};
use medtrain::split::{CaseRecord, PartName, PixelHash, Shares};
use medtrain::{CaseCache, Cohort, LoadedCases};

fn picture(number: u32) -> Image<f32, 2> {
    let grid = Geometry::axis_aligned([2, 3], [1.0; 2]).unwrap();
    Image::new(grid, vec![number as f32; 6]).unwrap()
}

#[test]
fn a_look_at_a_clone_or_through_a_cache_leaves_a_line_in_all() {
    let records = (0..6).map(|n| CaseRecord::new(format!("{n}"), format!("{n}")));
    let shares = Shares::new(0.2, 0.4);
    let cohort = Cohort::of_records(records).unwrap();
    let mut split = cohort.clone().hold_out(&shares, Key::new(1)).unwrap();
    let cases = (0..6).map(|n| (format!("{n}"), Sample::new(picture(n))));
    let reader = Box::new(LoadedCases::new(cases));
    let cache = Arc::new(CaseCache::new(reader, Compose::default(), 1));

    split.clone().test.open("a clone");
    let mut cached = split.clone().in_cache(&cache).unwrap();
    cached.test.open("a cache");
    split.test.open("itself");
    let mut others = split.clone();
    let inner = Shares::new(0.3, 0.0);
    others = others.with_validation(&inner, Key::new(2)).unwrap();
    others.test.open("another validation");
    let lines = ["a clone", "a cache", "itself", "another validation"];
    assert_eq!(split.test.openings(), lines);
    assert_eq!(cached.test.openings(), lines);
    // Another division of the same cases knows nothing of these.
    let again = cohort.hold_out(&shares, Key::new(1)).unwrap();
    assert!(again.test.openings().is_empty());
    assert_ne!(again.test, split.test);
}

#[test]
fn cases_whose_voxels_were_not_compared_are_named() {
    let record = |n: u32| {
        let record = CaseRecord::new(format!("{n}"), format!("{n}"));
        match n {
            0..4 => record.with_pixels(PixelHash::of(&picture(n))),
            _ => record,
        }
    };
    let all = Cohort::of_records((0..4).map(record)).unwrap();
    let split = all.hold_out(&Shares::new(0.25, 0.25), Key::new(1)).unwrap();
    assert_eq!(split.unchecked().count(), 0);
    let some = Cohort::of_records((0..6).map(record)).unwrap();
    let split = some.hold_out(&Shares::new(0.3, 0.3), Key::new(1)).unwrap();
    let mut named: Vec<(&str, PartName)> = split.unchecked().map(|(p, r)| (&r.id[..], p)).collect();
    named.sort_unstable();
    let part = |id: &str| split.records().find(|(_, r)| r.id == id).unwrap().0;
    assert_eq!(named, [("4", part("4")), ("5", part("5"))]);
}
