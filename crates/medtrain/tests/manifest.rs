//! What the data were, and that it is noticed when they are not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::Path;

use medcore::random::Key;
use medcore::{Geometry, Image};
use medtrain::manifest::{Check, DataManifest, Difference};
use medtrain::split::{Balance, CaseRecord, PartName, PixelHash, Shared, Shares};
use medtrain::{Cohort, Error, Split};

const CASES: u32 = 8;

fn cohort(folder: &Path) -> Cohort<usize> {
    let records = (0..CASES).map(|n| {
        let below = format!("class {}/{n}.raw", n % 2);
        let file = folder.join(&below);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, vec![n as u8; 100 + n as usize]).unwrap();
        // By its whole path or by that below the folder.
        let record = CaseRecord::new(format!("{n}"), format!("{n}")).with_class(n % 2);
        match n % 2 {
            0 => record.with_file(file),
            _ => record.with_file(below),
        }
    });
    Cohort::of_records(records).unwrap()
}

fn split(folder: &Path) -> Split<usize> {
    let shares = Shares::new(0.25, 0.25).balanced(Balance::Classes);
    cohort(folder).hold_out(&shares, Key::new(3)).unwrap()
}

#[test]
fn a_part_of_a_manifest_has_a_hash_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = DataManifest::of_split(folder.path(), &split(folder.path())).unwrap();
    let parts = PartName::ALL.map(|part| manifest.part(part));
    let counts = parts.each_ref().map(|part| part.cases().len());
    assert_eq!(counts, [4, 2, 2]);
    for (part, name) in parts.iter().zip(PartName::ALL) {
        assert!(part.cases().iter().all(|case| case.part == Some(name)));
    }
    // Another file of the test part is another test part, and the same training.
    let test = &parts[2].cases()[0].files[0].path;
    fs::write(folder.path().join(test), "another").unwrap();
    let records = { manifest.cases().iter() }.map(|case| {
        let record =
            CaseRecord::new(&case.id, case.patient.clone()).with_class(case.class.unwrap());
        (case.part, record.with_file(&case.files[0].path))
    });
    let records: Vec<_> = records.collect();
    let records = records.iter().map(|(part, record)| (*part, record));
    let changed = DataManifest::of_records(folder.path(), records).unwrap();
    let hash = |manifest: &DataManifest, part| manifest.part(part).sha256().unwrap();
    for part in PartName::ALL {
        let is_same = hash(&manifest, part) == hash(&changed, part);
        assert_eq!(is_same, part != PartName::Test, "{part}");
    }
}

#[test]
fn a_manifest_says_what_the_data_were() {
    let folder = tempfile::tempdir().unwrap();
    let split = split(folder.path());
    let mut manifest = DataManifest::of_split(folder.path(), &split).unwrap();
    assert_eq!(manifest.cases().len(), 8);
    for case in manifest.cases() {
        let number: u32 = case.id.parse().unwrap();
        let part = split.records().find(|(_, record)| record.id == case.id);
        assert_eq!(case.part, part.map(|(part, _)| part));
        assert_eq!(case.class, Some(number % 2));
        assert_eq!(
            case.files[0].path,
            format!("class {}/{number}.raw", number % 2)
        );
        assert_eq!(case.files[0].bytes, u64::from(100 + number));
    }
    let grid = Geometry::axis_aligned([2, 3], [1.0; 2]).unwrap();
    let image = Image::with_channels(2, grid, vec![1.5_f32; 12]).unwrap();
    manifest.describe("5", &image).unwrap();
    let case = &manifest.cases()[5];
    assert_eq!(case.shape, Some(vec![2, 2, 3]));
    assert_eq!(case.pixels, Some(PixelHash::of(&image)));
    assert!(matches!(
        manifest.describe("x", &image),
        Err(Error::UnknownCase { .. })
    ));

    // Through a file and back, with the hash of the file itself.
    let path = folder.path().join("data.json");
    manifest.write(&path).unwrap();
    let read = DataManifest::read(&path).unwrap();
    assert_eq!(read, manifest);
    use sha2::Digest as _;
    let of_file: String = sha2::Sha256::digest(fs::read(&path).unwrap())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(manifest.sha256().unwrap(), of_file);
}

#[test]
fn the_hash_follows_files_and_parts_and_not_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let cohort = cohort(folder.path());
    let records: Vec<CaseRecord> = cohort.records().cloned().collect();
    let hash = |part: PartName, backwards: bool| {
        let mut records: Vec<_> = records.iter().map(|record| (Some(part), record)).collect();
        if backwards {
            records.reverse();
        }
        DataManifest::of_records(folder.path(), records)
            .unwrap()
            .sha256()
            .unwrap()
    };
    let before = hash(PartName::Training, false);
    assert_eq!(before, hash(PartName::Training, true));
    assert_ne!(before, hash(PartName::Test, false));
    fs::write(folder.path().join("class 0/0.raw"), vec![1; 100]).unwrap();
    assert_ne!(before, hash(PartName::Training, false));
    let twice = [(None, &records[0]), (None, &records[0])];
    let refused = DataManifest::of_records(folder.path(), twice);
    assert!(matches!(refused, Err(Error::SameName { .. })));
}

#[test]
fn copied_files_in_two_parts_are_a_leak_and_shared_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("a.raw", "a"),
        ("b.raw", "b"),
        ("copy.raw", "a"),
        ("a.mask", "nothing"),
        ("b.mask", "nothing"),
        ("all.raw", "all"),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let manifest = |a: &[&str], b: &[&str], parts: [Option<PartName>; 2]| {
        let record = |name: &str, files: &[&str]| {
            let record = CaseRecord::new(name, name);
            files
                .iter()
                .fold(record, |record, file| record.with_file(file))
        };
        let records = [record("a", a), record("b", b)];
        DataManifest::of_records(folder.path(), parts.into_iter().zip(&records)).map(|_| ())
    };
    let apart = [Some(PartName::Training), Some(PartName::Test)];
    let leaks = |a: &[&str], b: &[&str]| match manifest(a, b, apart) {
        Err(Error::Leak { overlap }) => {
            assert_eq!((&*overlap.first.case, &*overlap.second.case), ("a", "b"));
            assert!(overlap.is_leak() && matches!(overlap.shared, Shared::Files(_)));
            true
        }
        other => {
            other.unwrap();
            false
        }
    };
    assert!(leaks(&["a.raw"], &["copy.raw"]));
    assert!(leaks(&["a.raw", "a.mask"], &["b.mask", "copy.raw"]));
    // Masks of two patients without a finding; one file that holds several cases; no file.
    assert!(!leaks(&["a.raw", "a.mask"], &["b.raw", "b.mask"]));
    assert!(!leaks(&["all.raw"], &["all.raw"]));
    assert!(!leaks(&[], &[]));
    // Within a part they are duplicates, and without parts nothing is told apart.
    for parts in [
        [Some(PartName::Test); 2],
        [None; 2],
        [None, Some(PartName::Test)],
    ] {
        manifest(&["a.raw"], &["copy.raw"], parts).unwrap();
    }
}

#[test]
fn every_change_is_found_by_the_check_that_looks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = DataManifest::of_split(folder.path(), &split(folder.path())).unwrap();
    let sample = |files, seed| Check::Sample { files, seed };
    for check in [Check::Full, Check::Size, sample(3, 1), sample(99, 1)] {
        manifest.verify(folder.path(), check).unwrap();
    }
    // One byte: found by hashing that file.
    let changed = folder.path().join("class 1/5.raw");
    let mut bytes = fs::read(&changed).unwrap();
    bytes[50] ^= 1;
    fs::write(&changed, bytes).unwrap();
    let found = manifest.differences(folder.path(), Check::Full).unwrap();
    assert!(
        matches!(&found[..], [Difference::Contents { path, .. }] if path == "class 1/5.raw"),
        "{found:?}"
    );
    manifest.verify(folder.path(), Check::Size).unwrap();
    let by_sample =
        (0..200).filter(|&seed| manifest.verify(folder.path(), sample(2, seed)).is_err());
    let by_sample = by_sample.count();
    assert!(
        (25..=80).contains(&by_sample),
        "{by_sample} of 200 samples of a quarter"
    );
    // A length, a missing file: found by all.
    fs::write(&changed, [1]).unwrap();
    fs::remove_file(folder.path().join("class 0/2.raw")).unwrap();
    for check in [Check::Full, Check::Size, sample(1, 4)] {
        let found = manifest.differences(folder.path(), check).unwrap();
        let [missing, size] = &found[..] else {
            panic!("{found:?}")
        };
        assert!(matches!(missing, Difference::Missing { path } if path == "class 0/2.raw"));
        assert!(matches!(
            size,
            Difference::Size {
                expected: 105,
                found: 1,
                ..
            }
        ));
        let refused = manifest.verify(folder.path(), check).unwrap_err();
        assert!(
            matches!(&refused, Error::OtherData { others: 1, .. }),
            "{refused}"
        );
        assert!(
            refused.to_string().contains("class 0/2.raw is not there"),
            "{refused}"
        );
    }
}

#[test]
fn paths_that_leave_the_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("a"), "a").unwrap();
    let up = Path::new("..")
        .join(other.path().file_name().unwrap())
        .join("a");
    for path in [other.path().join("a"), up] {
        let record = CaseRecord::new("a", "a").with_file(path);
        let refused = DataManifest::of_records(folder.path(), [(None, &record)]);
        assert!(
            matches!(refused, Err(Error::OutsideFolder { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn what_is_no_manifest_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = DataManifest::of_split(folder.path(), &split(folder.path())).unwrap();
    let path = folder.path().join("data.json");
    manifest.write(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let line = text.lines().nth(1).unwrap();
    for (text, reason) in [
        (
            text.replace("\"version\":1", "\"version\":2"),
            "version is 2",
        ),
        (
            text.replace("class 0/2.raw", "../2.raw"),
            "leaves the folder",
        ),
        (text.replace("class 0/2.raw", "/2.raw"), "leaves the folder"),
        (
            text.replace("\n]", &format!(",\n{}\n]", line.trim_end_matches(','))),
            "twice",
        ),
        (text[..60].to_owned(), "EOF"),
        (text.replace("\"bytes\"", "\"octets\""), "octets"),
    ] {
        fs::write(&path, text).unwrap();
        let refused = DataManifest::read(&path).unwrap_err();
        assert!(matches!(refused, Error::BadManifest { .. }));
        assert!(refused.to_string().contains(reason), "{refused}");
    }
    assert!(matches!(
        DataManifest::read(&folder.path().join("none")),
        Err(Error::Io { .. })
    ));
}
