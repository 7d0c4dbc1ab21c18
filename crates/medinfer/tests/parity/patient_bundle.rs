//! Bundles that read patient data: the schema is stored, a case is tried, and what was changed is refused.

use std::fs;
use std::path::{Path, PathBuf};

use medinfer::{
    Bundle, BundleWriter, Error, Examination, FeatureReference, Manifest, OperatingPoint,
    OutlierRule, OutlierScore, TaskConfig, Version,
};
use medmodels::fusion;
use medmodels::fusion::table::{Column, NumericColumn, TableConfig};
use mednn::params::{Params, read_safetensors};

use super::bundle::forge;
use super::classifier::image;
use super::patient::{config, fused, fused_3d, of_records, patient, record_config, table, volume};

pub(crate) fn grader(folder: &Path) -> (PathBuf, Manifest) {
    let point = OperatingPoint::new("referable", "label 2", 0.3);
    let rule = OutlierRule::from(OutlierScore::Mahalanobis);
    let config = config(3);
    let answer = config.answer.clone().with_operating_points([point]);
    let config = config.with_answer(answer.with_outlier_rules([rule]));
    let other = fusion::create(&config.model, &Params::new(8)).unwrap();
    let plain = fused(config);
    let images: Vec<_> = (0..6).map(|i| plain.prepare(&image(i)).unwrap()).collect();
    let images: Vec<_> = images.iter().collect();
    let records: Vec<_> = (0..6).map(patient).collect();
    let features = plain.features(&images, &records, "fusion").unwrap();
    let rows: Vec<&[f32]> = features.iter().map(Vec::as_slice).collect();
    let reference = FeatureReference::fit("fusion", &rows, &[0, 1, 2, 0, 1, 2], 0.3).unwrap();
    let grader = plain.with_reference(reference).with_ensemble(vec![other]);
    let place = folder.join("grader");
    let cases = [0, 1].map(|i| Examination::new(image(i), patient(i)));
    let manifest = BundleWriter::new(&grader, "grader", Version::new(1, 0, 0))
        .with_golden(&cases[0], 1e-3)
        .with_golden(&cases[1], 1e-3)
        .write(&place)
        .unwrap();
    let loaded = Bundle::load(&place).unwrap();
    let again = loaded.fused_classifier::<2>().unwrap();
    assert_eq!(
        again.classify(&image(3), &patient(3)).unwrap(),
        grader.classify(&image(3), &patient(3)).unwrap()
    );
    (place, manifest)
}

#[test]
fn a_bundle_of_image_and_record_gives_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let (place, manifest) = grader(folder.path());
    assert_eq!(manifest.task.name(), "fused_classification_2d");
    assert_eq!(manifest.task.architecture(), "Fusion");
    assert_eq!(manifest.task.table(), Some(&table()));
    let bundle = Bundle::load(&place).unwrap();
    let error = bundle.record_classifier().unwrap_err().to_string();
    assert!(error.contains("fused_classification_2d"), "{error}");
    assert!(bundle.fused_classifier::<3>().is_err());
    assert!(bundle.classifier::<2>().is_err());
    let card = fs::read_to_string(place.join("README.md")).unwrap();
    for said in [
        "| hba1c | 3 to 20 % | told to the network | 7.4000, 1.6000 |",
        "| age | 0 to 120 years | refused | 58.0000, 12.0000 |",
        "| sex | f, m | refused |  |",
        "| name | label or a higher one | probability from |",
    ] {
        assert!(card.contains(said), "{said} in {card}");
    }
    let kept = read_safetensors(&place.join("golden/1.safetensors")).unwrap();
    let record = kept["record"].to_vec1::<u8>().unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(
        record,
        serde_json::json!({"age": 47.0, "hba1c": 7.0, "sex": "m"})
    );
}

#[test]
fn volumes_and_records_alone_are_bundles_too() {
    let folder = tempfile::tempdir().unwrap();
    let (model, case) = (fused_3d(), volume());
    let place = folder.path().join("volumes");
    BundleWriter::new(&model, "volumes", Version::new(0, 1, 0))
        .with_golden(&case, 1e-3)
        .write(&place)
        .unwrap();
    let bundle = Bundle::load(&place).unwrap();
    let found = bundle.fused_classifier::<3>().unwrap();
    assert_eq!(
        found.classify(&case.image, &case.patient).unwrap(),
        model.classify(&case.image, &case.patient).unwrap()
    );
    let (model, case) = (of_records(record_config()), patient(1));
    let place = folder.path().join("records");
    let manifest = BundleWriter::new(&model, "records", Version::new(0, 1, 0))
        .with_golden(&case, 1e-3)
        .write(&place)
        .unwrap();
    assert_eq!(manifest.task.name(), "record_classification");
    let bundle = Bundle::load(&place).unwrap();
    let found = bundle.record_classifier().unwrap();
    assert_eq!(
        found.classify(&patient(2)).unwrap(),
        model.classify(&patient(2)).unwrap()
    );
    let hub = folder.path().join("hub");
    bundle.write_hub_folder(&hub, "mit").unwrap();
    let card = fs::read_to_string(hub.join("README.md")).unwrap();
    assert!(
        card.contains("pipeline_tag: tabular-classification"),
        "{card}"
    );
    let text = fs::read(hub.join("config.json")).unwrap();
    let settings: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert!(settings.get("num_channels").is_none() && settings.get("problem_type").is_none());
    let task: TaskConfig = serde_json::from_value(settings["task"].clone()).unwrap();
    assert_eq!(task, manifest.task);
    let error = bundle.write_monai_folder(folder.path().join("monai"), "Nobody", "Free");
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("record_classification")
    );
}

#[test]
fn a_table_that_was_changed_gives_other_answers_and_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (place, _) = grader(folder.path());
    let column = |json: &mut serde_json::Value, setting: &str, value: serde_json::Value| {
        let model = &mut json["task"]["fused_classification_2d"]["model"];
        model["table"]["columns"][0][setting] = value;
    };
    // Another mean reads the same record as other numbers.
    forge(&place, |json| column(json, "mean", 38.0.into()));
    let error = Bundle::load(&place).unwrap_err();
    assert!(matches!(error, Error::Golden { .. }), "{error}");
    // The first golden patient is 40 years old.
    forge(&place, |json| column(json, "mean", 58.0.into()));
    Bundle::load(&place).unwrap();
    forge(&place, |json| {
        column(json, "range", serde_json::json!([50.0, 60.0]));
    });
    let error = Bundle::load(&place).unwrap_err().to_string();
    assert!(error.contains("50 to 60 years, got 40"), "{error}");
    forge(&place, |json| {
        column(json, "ranges", serde_json::json!([0.0, 120.0]));
    });
    assert!(Bundle::load(&place).is_err(), "a setting that is none");
}

#[test]
fn the_version_says_whether_records_must_be_written_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let (_, old) = grader(folder.path());
    let after = |change: &dyn Fn(&mut NumericColumn)| {
        let mut new = old.clone();
        let TaskConfig::Fused2d(config) = &mut new.task else {
            panic!("{:?}", new.task)
        };
        let table: &mut TableConfig = &mut config.model.table;
        let Column::Numeric(column) = &mut table.columns[1] else {
            panic!("{table:?}")
        };
        change(column);
        new.version_after(&old).unwrap().to_string()
    };
    assert_eq!(after(&|column| column.mean = 7.5), "1.1.0");
    assert_eq!(
        after(&|column| column.unit = Some("mmol/mol".to_owned())),
        "2.0.0"
    );
    assert_eq!(after(&|column| column.range = Some([20.0, 200.0])), "2.0.0");
    assert_eq!(after(&|column| column.optional = false), "2.0.0");
}
