//! Listings of classes, of BIDS and of hashes.

use std::fs;
use std::path::Path;

use medio::Error;
use medio::datasets::{BidsDataset, ClassificationDataset, Manifest};

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn put_all(folder: &Path, names: &[&str]) {
    names.iter().for_each(|name| put(folder, name, ""));
}

#[test]
fn classes_are_the_folders_with_and_without_splits() {
    let folder = tempfile::tempdir().unwrap();
    let flat = folder.path().join("flat");
    put_all(
        &flat,
        &[
            "b/2.PNG",
            "b/deep/1.nii.gz",
            "a/x.jpg",
            "a/notes.txt",
            "README.md",
            ".cache/c/d.png",
        ],
    );
    let dataset = ClassificationDataset::open(&flat).unwrap();
    assert_eq!(
        (dataset.name.as_str(), dataset.classes.as_slice()),
        ("flat", ["a", "b"].map(String::from).as_slice())
    );
    let all = &dataset.splits[0];
    assert_eq!((all.name.as_str(), all.counts(2)), ("all", vec![1, 2]));
    assert_eq!(all.images[2].path, flat.join("b/deep/1.nii.gz"));

    let split = folder.path().join("split");
    put_all(
        &split,
        &[
            "train/b/1.png",
            "valid/a/1.png",
            "test/a/1.png",
            "test/b/2.png",
        ],
    );
    let dataset = ClassificationDataset::open(&split).unwrap();
    let names: Vec<_> = dataset
        .splits
        .iter()
        .map(|split| split.name.as_str())
        .collect();
    assert_eq!(names, ["train", "val", "test"]);
    // A class that only one split has is a class of all.
    assert_eq!(dataset.split("train").unwrap().counts(2), [0, 1]);
    assert_eq!(dataset.split("train").unwrap().images[0].class, 1);
    assert!(dataset.split("all").is_none());
}

#[test]
fn folders_without_classes_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert!(matches!(
        ClassificationDataset::open(folder),
        Err(Error::UnknownLayout { .. })
    ));
    assert!(matches!(
        ClassificationDataset::open(folder.join("no")),
        Err(Error::Io { .. })
    ));
    put_all(folder, &["a/1.png", "loose.png"]);
    let refused = ClassificationDataset::open(folder).unwrap_err();
    assert!(refused.to_string().contains("loose.png"), "{refused}");
    fs::remove_file(folder.join("loose.png")).unwrap();
    put_all(folder, &["val/a/1.png", "validation/a/1.png"]);
    let refused = ClassificationDataset::open(folder).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("second folder of the split val"),
        "{refused}"
    );
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_is_an_error_and_not_a_circle() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a/1.png", "x");
    std::os::unix::fs::symlink(folder.path().join("a/1.png"), folder.path().join("a/2.png"))
        .unwrap();
    assert_eq!(Manifest::of_folder(folder.path()).unwrap().files().len(), 2);
    std::os::unix::fs::symlink(folder.path(), folder.path().join("a/up")).unwrap();
    assert!(matches!(
        Manifest::of_folder(folder.path()),
        Err(Error::InvalidDescription { .. })
    ));
    assert!(ClassificationDataset::open(folder.path()).is_err());
}

fn bids(folder: &Path) {
    put(
        folder,
        "dataset_description.json",
        r#"{"Name": "heads", "BIDSVersion": "1.10.0", "License": "CC0"}"#,
    );
    put(
        folder,
        "participants.tsv",
        "participant_id\tage\tsex\nsub-02\t41\tF\nsub-01\tn/a\tM\n",
    );
    put(
        folder,
        "participants.json",
        r#"{"age": {"Units": "years"}}"#,
    );
    put(
        folder,
        "T1w.json",
        r#"{"a": "root", "b": "root", "c": "root"}"#,
    );
    put(folder, "task-rest_bold.json", r#"{"task": "rest"}"#);
    put(
        folder,
        "sub-01/sub-01_T1w.json",
        r#"{"b": "subject", "c": "subject"}"#,
    );
    put(
        folder,
        "sub-01/ses-a/anat/sub-01_ses-a_T1w.json",
        r#"{"c": [1]}"#,
    );
    put_all(
        folder,
        &[
            "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz",
            "sub-01/ses-a/func/sub-01_ses-a_task-rest_run-01_bold.nii.gz",
            "sub-01/ses-a/func/sub-01_ses-a_task-tap_bold.nii.gz",
            "sub-01/ses-a/sub-01_ses-a_scans.tsv",
            "sub-01/ses-a/anat/notes about it.txt",
            "sub-02/anat/sub-02_acq-fast_T1w.nii",
            "derivatives/x/sub-01/anat/sub-01_T1w.nii.gz",
            ".git/x",
        ],
    );
}

#[test]
fn a_bids_dataset_is_listed_by_the_parts_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    bids(folder.path());
    let dataset = BidsDataset::open(folder.path()).unwrap();
    assert_eq!(
        (dataset.name.as_str(), dataset.subjects()),
        ("heads", vec!["01", "02"])
    );
    let names: Vec<_> = dataset
        .files
        .iter()
        .map(|file| {
            (
                file.datatype.as_str(),
                file.suffix.as_str(),
                file.extension.as_str(),
            )
        })
        .collect();
    assert_eq!(
        names,
        [
            ("", "scans", ".tsv"),
            ("anat", "T1w", ".nii.gz"),
            ("func", "bold", ".nii.gz"),
            ("func", "bold", ".nii.gz"),
            ("anat", "T1w", ".nii"),
        ]
    );
    assert_eq!(dataset.files[1].session.as_deref(), Some("a"));
    assert_eq!(dataset.files[2].entity("run"), Some("01"));
    assert_eq!(dataset.files[4].entity("acq"), Some("fast"));
    assert_eq!(
        dataset.unrecognised,
        [folder.path().join("sub-01/ses-a/anat/notes about it.txt")]
    );
    let [second, first] = &dataset.participants[..] else {
        panic!("two")
    };
    assert_eq!(
        (second.id.as_str(), second.values["age"].as_str()),
        ("02", "41")
    );
    assert!(!first.values.contains_key("age"));
}

#[test]
fn nearer_side_files_have_the_last_word() {
    let folder = tempfile::tempdir().unwrap();
    bids(folder.path());
    let dataset = BidsDataset::open(folder.path()).unwrap();
    let known = dataset.metadata(&dataset.files[1]).unwrap();
    assert_eq!(
        serde_json::to_string(&known).unwrap(),
        r#"{"a":"root","b":"subject","c":[1]}"#
    );
    // What is said of rest is not said of tapping; what is said of one subject not of another.
    assert_eq!(dataset.metadata(&dataset.files[2]).unwrap().len(), 1);
    assert_eq!(dataset.metadata(&dataset.files[3]).unwrap().len(), 0);
    assert_eq!(dataset.metadata(&dataset.files[4]).unwrap()["b"], "root");
    // Two files of one folder that disagree.
    put(folder.path(), "sub-01_T1w.json", r#"{"c": 2}"#);
    let dataset = BidsDataset::open(folder.path()).unwrap();
    let refused = dataset.metadata(&dataset.files[1]).unwrap_err();
    assert!(
        matches!(&refused, Error::InvalidDescription { field, .. } if field == "c"),
        "{refused}"
    );
    put(folder.path(), "sub-01_T1w.json", &"[".repeat(100_000));
    let dataset = BidsDataset::open(folder.path()).unwrap();
    assert!(dataset.metadata(&dataset.files[1]).is_err());
}

#[test]
fn bids_datasets_that_contradict_themselves_are_refused_by_name() {
    let edits: [(&str, &str, &str); 8] = [
        (
            "dataset_description.json",
            r#"{"BIDSVersion": "1"}"#,
            "Name",
        ),
        (
            "dataset_description.json",
            r#"{"Name": "x"}"#,
            "BIDSVersion",
        ),
        ("dataset_description.json", "[]", "object"),
        ("participants.tsv", "id\tage\n", "participant_id"),
        (
            "participants.tsv",
            "participant_id\tage\nsub-01\n",
            "line 2",
        ),
        (
            "participants.tsv",
            "participant_id\nsub-01\nsub-01\n",
            "second time",
        ),
        ("sub-02/anat/sub-01_T1w.nii", "", "sub-02"),
        ("sub-02/anat/sub-02_run-1_run-2_T1w.nii", "", "run twice"),
    ];
    for (name, text, message) in edits {
        let folder = tempfile::tempdir().unwrap();
        bids(folder.path());
        put(folder.path(), name, text);
        let refused = BidsDataset::open(folder.path()).unwrap_err().to_string();
        assert!(
            refused.contains(message),
            "{refused} does not say {message}"
        );
    }
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        BidsDataset::open(empty.path()),
        Err(Error::UnknownLayout { .. })
    ));
}

#[test]
fn a_manifest_tells_changed_missing_and_new_files() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    put(folder, "b/a.txt", "abc");
    put(folder, "empty", "");
    put(folder, "large", &"x".repeat(3_000_001));
    put(folder, ".hidden", "");
    let manifest = Manifest::of_folder(folder).unwrap();
    let paths: Vec<_> = manifest
        .files()
        .iter()
        .map(|record| record.path.as_str())
        .collect();
    assert_eq!(paths, ["b/a.txt", "empty", "large"]);
    // FIPS 180-4's own examples.
    assert_eq!(
        manifest.files()[0].sha256,
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    assert_eq!(
        manifest.files()[1].sha256,
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    let path = folder.join("manifest.json");
    manifest.write(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 5);
    let read = Manifest::read(&path).unwrap();
    assert_eq!(read, manifest);
    assert!(read.verify(folder).unwrap().is_clean());
    read.write(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text);

    put(folder, "b/a.txt", "abd");
    fs::remove_file(folder.join("empty")).unwrap();
    put(folder, "new", "");
    let found = read.verify(folder).unwrap();
    assert!(!found.is_clean());
    assert_eq!(
        (found.changed, found.missing, found.unexpected),
        (
            vec!["b/a.txt".to_owned()],
            vec!["empty".to_owned()],
            vec!["new".to_owned()],
        )
    );
    assert!(matches!(
        Manifest::of_files(folder, &["../x"]),
        Err(Error::PathEscapes { .. })
    ));
    let one = Manifest::of_files(folder, &["large", "large"]).unwrap();
    assert_eq!((one.files().len(), one.files()[0].bytes), (1, 3_000_001));
}

#[test]
fn files_that_are_no_manifests_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let entry =
        |path: &str, hash: &str| format!(r#"{{"path":"{path}","bytes":0,"sha256":"{hash}"}}"#);
    let with = |files: &str| format!(r#"{{"algorithm":"sha256","files":[{files}]}}"#);
    let good = with(&entry("a", hash));
    let path = folder.path().join("m.json");
    fs::write(&path, &good).unwrap();
    Manifest::read(&path).unwrap();
    let bad = [
        "[".repeat(100_000),
        good.replace("sha256\",\"files", "md5\",\"files"),
        good.replace("\"bytes\":0", "\"bytes\":-1"),
        good.replace("\"bytes\":0", "\"bytes\":0,\"more\":1"),
        with(&entry("a", &hash.to_uppercase())),
        with(&entry("a", &hash[1..])),
        with(&entry("../a", hash)),
        with(&entry("/a", hash)),
        with(&entry("a\\\\b", hash)),
        with(&entry("", hash)),
        with(&[entry("a", hash), entry("a", hash)].join(",")),
        good[..good.len() - 1].to_owned(),
    ];
    for text in bad {
        fs::write(&path, &text).unwrap();
        assert!(
            Manifest::read(&path).is_err(),
            "{}",
            &text[..text.len().min(200)]
        );
    }
}
