//! The example `evaluate` over phantoms: what agrees, what does not fit, and what is written.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails"
)]

#[path = "../../examples/evaluate/app.rs"]
mod app;

use std::fs;
use std::path::Path;

use app::{Cli, Outcome, UnitRule};
use clap::Parser;
use medcore::{Geometry, LabelMap};
use medphantom::{Cohort, CohortOptions, Phantom};
use serde_json::Value;

fn phantoms(count: u32) -> Vec<Phantom> {
    let cohort = Cohort::new(5, CohortOptions::coarse(12.0)).unwrap();
    (0..count).map(|i| cohort.scan(i).unwrap()).collect()
}

fn evaluate(folder: &Path, more: &[&str]) -> anyhow::Result<Outcome> {
    let path = |name: &str| folder.join(name).display().to_string();
    let mut line = vec![
        "evaluate".to_owned(),
        "--truth".to_owned(),
        path("truth"),
        "--prediction".to_owned(),
        path("prediction"),
        "--out".to_owned(),
        path("out"),
    ];
    line.extend(more.iter().map(|&word| word.to_owned()));
    app::run(&Cli::try_parse_from(line).unwrap())
}

fn evaluate_coco(
    truth: &Path,
    found: &Path,
    folder: &Path,
    more: &[&str],
) -> anyhow::Result<Outcome> {
    let out = folder.join("out");
    let files = [("--coco", truth), ("--detections", found), ("--out", &out)];
    let files = files.map(|(name, path)| [name.to_owned(), path.display().to_string()]);
    let line = ["evaluate".to_owned()].into_iter();
    let line = line.chain(files.into_iter().flatten());
    app::run(&Cli::try_parse_from(line.chain(more.iter().map(|&word| word.to_owned()))).unwrap())
}

fn report(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("out/report.json")).unwrap()).unwrap()
}

/// The same map with its labels a voxel further along the rows.
fn shifted(map: &LabelMap<u8, 3>) -> LabelMap<u8, 3> {
    let mut voxels = map.as_slice().to_vec();
    voxels.rotate_right(1);
    LabelMap::new(*map.geometry(), voxels).unwrap()
}

fn write(path: &Path, map: &LabelMap<u8, 3>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    medio::write_labels(path, map).unwrap();
}

#[test]
fn folders_of_several_formats_are_compared_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (i, phantom) in phantoms(4).iter().enumerate() {
        let truth = folder.join(format!("truth/p{}_{i}.nii.gz", i / 2));
        write(&truth, &phantom.labels);
        let same = i == 0;
        let prediction = if same {
            phantom.labels.clone()
        } else {
            shifted(&phantom.labels)
        };
        write(
            &folder.join(format!("prediction/p{}_{i}.mha", i / 2)),
            &prediction,
        );
        fs::create_dir_all(folder.join("images")).unwrap();
        let scan = folder.join(format!("images/p{}_{i}_0000.nrrd", i / 2));
        medio::write(scan, &phantom.image).unwrap();
    }
    let images = folder.join("images").display().to_string();
    let labels =
        "spine=1,liver=2,spleen=3,right kidney=4,left kidney=5,aorta=6,stomach=7,kidneys=4+5";
    let more = [
        "--labels",
        labels,
        "--unit-from",
        "before:_",
        "--images",
        &images,
        "--worst",
        "2",
    ];
    let outcome = evaluate(folder, &more).unwrap();
    assert!(outcome.problems.is_empty(), "{:?}", outcome.problems);
    assert!(outcome.text.contains("| liver |"), "{}", outcome.text);
    let json = report(folder);
    let structures = json["report"]["cases"][0]["structures"].as_array().unwrap();
    assert_eq!(structures.len(), 8);
    let liver = { json["means"].as_array().unwrap().iter() }
        .find(|mean| mean["structure"] == "liver" && mean["measure"] == "dice")
        .unwrap();
    assert_eq!(liver["estimate"]["convention"], "dice");
    let dice = liver["estimate"]["value"].as_f64().unwrap();
    assert!((0.5..1.0).contains(&dice), "{dice}");
    assert!(liver["estimate"]["interval"]["low"].as_f64().unwrap() <= dice);
    for file in [
        "report.md",
        "cases.csv",
        "dice.svg",
        "hausdorff.svg",
        "surface_dice.svg",
    ] {
        assert!(
            !fs::read(folder.join("out").join(file)).unwrap().is_empty(),
            "{file}"
        );
    }
    let pictures = json["files"]["pictures"].as_array().unwrap();
    assert_eq!(pictures.len(), 2);
    for picture in pictures {
        let picture = fs::read(folder.join("out").join(picture.as_str().unwrap())).unwrap();
        assert!(picture.starts_with(b"\x89PNG"));
    }
    let markdown = fs::read_to_string(folder.join("out/report.md")).unwrap();
    assert!(markdown.contains("4 cases, 8 structures") && !markdown.contains("Not evaluated"));
}

#[test]
fn everything_that_does_not_fit_is_named_and_the_rest_is_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let phantom = &phantoms(1)[0];
    let labels = &phantom.labels;
    for case in ["good", "missing", "moved", "strange", "broken", "twice"] {
        write(&folder.join(format!("truth/{case}.nii.gz")), labels);
    }
    for case in ["good", "extra", "twice"] {
        write(&folder.join(format!("prediction/{case}.nii.gz")), labels);
    }
    write(&folder.join("prediction/twice.nrrd"), labels);
    let grid = labels.geometry();
    let spacing = grid.spacing().map(|mm| 1.1 * mm);
    let moved = Geometry::axis_aligned(grid.shape(), spacing).unwrap();
    let moved = labels.clone().with_geometry(moved).unwrap();
    write(&folder.join("prediction/moved.nii.gz"), &moved);
    let strange = labels.map(|label| if label == 2 { 77 } else { label });
    write(&folder.join("prediction/strange.nii.gz"), &strange);
    fs::write(folder.join("prediction/broken.nii.gz"), b"no image").unwrap();
    fs::write(folder.join("prediction/notes.txt"), b"not looked at").unwrap();
    let outcome = evaluate(folder, &[]).unwrap();
    for (case, what) in [
        ("missing", "no prediction"),
        ("extra", "no truth"),
        ("moved", "different grids"),
        ("strange", "unknown labels [77]"),
        ("broken", "prediction: "),
        ("twice", "is there 2 times"),
    ] {
        let start = format!("{case}: ");
        let named = { outcome.problems.iter() }
            .any(|problem| problem.starts_with(&start) && problem.contains(what));
        assert!(named, "{case} {what}: {:#?}", outcome.problems);
    }
    let json = report(folder);
    let cases = json["report"]["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 1);
    assert_eq!(cases[0]["case"], "good");
    assert_eq!(
        json["problems"].as_array().unwrap().len(),
        outcome.problems.len()
    );
}

#[test]
fn boxes_are_evaluated_as_coco_does() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let truth = r#"{"images": [{"id": 1, "width": 99, "height": 99, "file_name": "a.png"},
        {"id": 2, "width": 99, "height": 99, "file_name": "b.png"}],
        "categories": [{"id": 3, "name": "cell"}],
        "annotations": [
        {"id": 1, "image_id": 1, "category_id": 3, "bbox": [10, 10, 40, 40], "area": 1600, "iscrowd": 0},
        {"id": 2, "image_id": 2, "category_id": 3, "bbox": [10, 20, 40, 40], "area": 1600, "iscrowd": 0}]}"#;
    let found = r#"[{"image_id": 1, "category_id": 3, "bbox": [10, 10, 40, 40], "score": 0.9},
        {"image_id": 9, "category_id": 3, "bbox": [10, 10, 40, 40], "score": 0.8},
        {"image_id": 2, "category_id": 4, "bbox": [10, 10, 40, 40], "score": 0.7}]"#;
    let [truth_path, found_path] = ["truth.json", "found.json"].map(|name| folder.join(name));
    fs::write(&truth_path, truth).unwrap();
    fs::write(&found_path, found).unwrap();
    let outcome = evaluate_coco(&truth_path, &found_path, folder, &[]).unwrap();
    assert_eq!(
        outcome.problems,
        [
            "detections of unknown image 9",
            "detections of unknown category 4"
        ]
    );
    let json = report(folder);
    // Half of the objects, without a mistake: 51 of 101 recalls.
    let ap = json["summary"][0]["estimate"]["value"].as_f64().unwrap();
    assert!((ap - 51.0 / 101.0).abs() < 1e-12, "{ap}");
    assert!(folder.join("out/precision_recall.svg").is_file());
}

#[test]
fn boxes_and_masks_get_pycocotools_numbers() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/evaluate");
    let [truth, found] = ["truth.json", "results.json"].map(|name| files.join(name));
    let numbers: Value =
        serde_json::from_slice(&fs::read(files.join("numbers.json")).unwrap()).unwrap();
    for kind in ["bbox", "segm"] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let outcome = evaluate_coco(&truth, &found, folder, &["--iou-type", kind]).unwrap();
        assert!(outcome.problems.is_empty(), "{:?}", outcome.problems);
        let json = report(folder);
        assert_eq!(json["iou_type"], kind);
        let want = &numbers[kind];
        let summary = json["summary"].as_array().unwrap();
        assert_eq!(summary.len(), 12);
        for (number, want) in summary.iter().zip(want["summary"].as_array().unwrap()) {
            let (got, want) = (number["estimate"]["value"].as_f64(), want.as_f64().unwrap());
            // Means over the same numbers, summed in another order.
            let near = got.is_some_and(|got| (got - want).abs() < 1e-14);
            assert!(near, "{kind} {}: {got:?}, should be {want}", number["name"]);
        }
        let classes = json["classes"].as_array().unwrap();
        assert_eq!(classes.len(), 2, "a class without objects is not there");
        for class in classes {
            let name = class[0].as_str().unwrap();
            let (got, want) = (&class[1]["value"], &want["classes"][name]);
            let (got, want) = (got.as_f64().unwrap(), want.as_f64().unwrap());
            assert!(
                (got - want).abs() < 1e-14,
                "{kind} {name}: {got}, should be {want}"
            );
        }
    }
}

#[test]
fn masks_that_are_not_there_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let truth = r#"{"images": [{"id": 1, "width": 4, "height": 4, "file_name": "a.png"}],
        "categories": [{"id": 3, "name": "cell"}],
        "annotations": [
        {"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 2, 4], "area": 8, "iscrowd": 0,
        "segmentation": [[0, 0, 2, 0, 2, 4, 0, 4]]},
        {"id": 2, "image_id": 1, "category_id": 3, "bbox": [2, 0, 2, 4], "area": 8, "iscrowd": 0}]}"#;
    let mask = r#""segmentation": {"size": [4, 4], "counts": [0, 8, 8]}, "score": 0.9"#;
    let found = format!(
        r#"[{{"image_id": 1, "category_id": 3, {mask}}}, {{"image_id": 2, "category_id": 3, {mask}}},
        {{"image_id": 1, "category_id": 4, {mask}}}]"#
    );
    let boxed = r#"[{"image_id": 1, "category_id": 3, "bbox": [0, 0, 2, 4], "score": 0.9}]"#;
    let paths = ["truth.json", "found.json", "boxed.json"].map(|name| folder.join(name));
    for (path, text) in paths.iter().zip([truth, &found, boxed]) {
        fs::write(path, text).unwrap();
    }
    let [truth, found, boxed] = paths;
    let outcome = evaluate_coco(&truth, &found, folder, &["--iou-type", "segm"]).unwrap();
    assert_eq!(
        outcome.problems,
        [
            "detections of unknown image 2",
            "detections of unknown category 4",
            "a.png: an object without a mask"
        ]
    );
    let ap = &report(folder)["summary"][0]["estimate"]["value"];
    assert!((ap.as_f64().unwrap() - 1.0).abs() < 1e-14, "{ap}");
    let refused = evaluate_coco(&truth, &boxed, folder, &["--iou-type", "segm"]).unwrap_err();
    let refused = format!("{refused:#}");
    assert!(
        refused.ends_with("a result on a.png: an object without a mask"),
        "{refused}"
    );
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for line in [
        &["evaluate"][..],
        &["evaluate", "--truth", "a"],
        &[
            "evaluate",
            "--truth",
            "a",
            "--prediction",
            "b",
            "--convention",
            "mine",
        ],
        &[
            "evaluate",
            "--truth",
            "a",
            "--prediction",
            "b",
            "--unit-from",
            "first:x",
        ],
    ] {
        assert!(Cli::try_parse_from(line).is_err(), "{line:?}");
    }
    assert_eq!(
        "first:3".parse::<UnitRule>().unwrap().unit("patient"),
        "pat"
    );
    let folder = tempfile::tempdir().unwrap();
    assert!(
        evaluate(folder.path(), &[]).is_err(),
        "there are no folders"
    );
}
