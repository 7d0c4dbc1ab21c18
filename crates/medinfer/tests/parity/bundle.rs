//! A bundle: whole and unchanged, or refused by name.

use std::fs;
use std::path::{Path, PathBuf};

use medaug::{Intensity, Preprocess};
use medcore::{Geometry, Image};
use medinfer::{
    Bundle, BundleWriter, ClassLabel, Classifier, Code, DataDigest, Error, FeatureReference,
    InputSpec, Manifest, MetricRecord, OperatingPoint, OutlierRule, OutlierScore, Provenance,
    Segmenter, SegmenterConfig, SlidingWindow, Version,
};
use medmetrics::calibration::TemperatureScaling;
use medmetrics::classification::Selection;
use medmodels::basic_unet::BasicUNetConfig;
use mednn::params::Params;

use super::classifier::{classifier, config, image};

fn model() -> Classifier<'static, 2> {
    let mut labels = vec![ClassLabel::new("normal"), ClassLabel::new("pneumonia")];
    labels[1] = labels[1]
        .clone()
        .with_code(Code::snomed("233604007", "Pneumonia"))
        .with_colour([200, 30, 30]);
    let screening = OperatingPoint::new("screening", "pneumonia", 0.12)
        .with_selection(Selection::Sensitivity { least: 0.95 });
    let mut config = config(2)
        .with_calibration(TemperatureScaling::new(1.7).unwrap())
        .with_operating_points([screening])
        .with_outlier_rules([OutlierRule::from(OutlierScore::Mahalanobis)]);
    config.labels = labels;
    let other = medmodels::create(&config.model, &Params::new(11)).unwrap();
    let plain = classifier(config);
    let images: Vec<_> = (0..6).map(|i| plain.prepare(&image(i)).unwrap()).collect();
    let features = plain
        .features(&images.iter().collect::<Vec<_>>(), "avgpool")
        .unwrap();
    let rows: Vec<&[f32]> = features.iter().map(Vec::as_slice).collect();
    let reference = FeatureReference::fit("avgpool", &rows, &[0, 1, 0, 1, 0, 1], 0.2).unwrap();
    plain.with_reference(reference).with_ensemble(vec![other])
}

pub(crate) fn write(folder: &Path) -> (PathBuf, Manifest) {
    let place = folder.join("pneumonia-1.2.0");
    let manifest = BundleWriter::new(&model(), "pneumonia", Version::new(1, 2, 0))
        .with_intended_use("Tests | of this crate.")
        .with_input(InputSpec {
            modality: vec!["CR".to_owned(), "DX".to_owned()],
            spacing_mm: vec![[0.1, 0.2]; 2],
            ..InputSpec::default()
        })
        .with_metrics([MetricRecord::new("auc", 0.97)
            .with_interval(0.95, 0.98)
            .with_test_set(200, "ab12")])
        .with_provenance(Provenance {
            seed: Some(7),
            data: vec![DataDigest::new("training", "cd34").with_cases(1000)],
            ..Provenance::default()
        })
        .with_golden(&image(1), 1e-3)
        .with_golden(&image(2), 1e-3)
        .with_drift("score", &(0..100).map(f64::from).collect::<Vec<_>>())
        .with_file("LICENSE", "none")
        .with_card("## Limits\n\nKnows nothing.")
        .write(&place)
        .unwrap();
    (place, manifest)
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// The file that loading blames.
fn blamed(place: &Path) -> PathBuf {
    match Bundle::load(place).unwrap_err() {
        Error::Bundle { path, .. } => path,
        other => panic!("{other}"),
    }
}

#[test]
fn a_loaded_bundle_answers_as_the_model_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let (place, manifest) = write(folder.path());
    let bundle = Bundle::load(&place).unwrap();
    assert_eq!(bundle.manifest(), &manifest);
    assert_eq!(Bundle::verify(&place).unwrap(), manifest);
    let loaded = bundle.classifier::<2>().unwrap();
    assert_eq!(
        loaded.classify(&image(4)).unwrap(),
        model().classify(&image(4)).unwrap()
    );
    assert!(bundle.classifier::<3>().is_err() && bundle.segmenter().is_err());
    let drift = bundle.drift("score").unwrap().unwrap();
    let later: Vec<f64> = (0..100).map(|v| f64::from(v) + 60.0).collect();
    assert!(drift.compare(&later).unwrap().divergences.stability_index > 0.25);
    assert!(bundle.drift("age").unwrap().is_none());
    let card = fs::read_to_string(place.join("README.md")).unwrap();
    for part in [
        "# pneumonia 1.2.0",
        "SCT 233604007",
        "| screening |",
        "| auc |",
        "Knows nothing.",
    ] {
        assert!(card.contains(part), "{part}: {card}");
    }
    // Nothing but the bundle is in its folder's folder.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn the_same_model_gives_the_same_bytes() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (a, b) = (write(a.path()).0, write(b.path()).0);
    let names = |place: &Path| {
        let found = files(place).into_iter();
        found
            .map(|f| f.strip_prefix(place).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&a), names(&b));
    for name in names(&a) {
        assert!(
            fs::read(a.join(&name)).unwrap() == fs::read(b.join(&name)).unwrap(),
            "{name:?}"
        );
    }
}

#[test]
fn one_changed_byte_in_any_file_is_refused_by_the_name_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (place, _) = write(folder.path());
    let files = files(&place);
    assert_eq!(files.len(), 8);
    for file in &files {
        let bytes = fs::read(file).unwrap();
        // The ends, and places spread over the file; all of the description.
        let step = match file.ends_with("bundle.json") {
            true => 97,
            false => (bytes.len() / 5).max(1),
        };
        for at in (0..bytes.len()).step_by(step).chain([bytes.len() - 1]) {
            for bit in [0, 5] {
                let mut altered = bytes.clone();
                altered[at] ^= 1 << bit;
                fs::write(file, altered).unwrap();
                assert_eq!(blamed(&place), *file, "bit {bit} of byte {at}");
            }
        }
        fs::write(file, &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(blamed(&place), *file);
        fs::write(file, [&bytes[..], b"x"].concat()).unwrap();
        assert_eq!(blamed(&place), *file);
        fs::remove_file(file).unwrap();
        assert_eq!(blamed(&place), *file);
        fs::write(file, bytes).unwrap();
    }
    Bundle::load(&place).unwrap();
}

#[test]
fn what_does_not_belong_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (place, _) = write(folder.path());
    for name in ["extra", "golden/extra", ".hidden", "model.2.safetensors"] {
        let extra = place.join(name);
        fs::write(&extra, "x").unwrap();
        assert_eq!(blamed(&place), extra);
        fs::remove_file(extra).unwrap();
    }
    fs::create_dir(place.join("empty")).unwrap();
    assert_eq!(blamed(&place), place.join("empty"));
    fs::remove_dir(place.join("empty")).unwrap();
    #[cfg(unix)]
    {
        // A link, even to the very same bytes, and even of a folder.
        let (weights, outside) = (
            place.join("model.safetensors"),
            folder.path().join("outside"),
        );
        fs::rename(&weights, &outside).unwrap();
        std::os::unix::fs::symlink(&outside, &weights).unwrap();
        assert_eq!(blamed(&place), weights);
        fs::remove_file(&weights).unwrap();
        fs::rename(&outside, &weights).unwrap();
        fs::rename(place.join("golden"), &outside).unwrap();
        std::os::unix::fs::symlink(&outside, place.join("golden")).unwrap();
        assert_eq!(blamed(&place), place.join("golden"));
        fs::remove_file(place.join("golden")).unwrap();
        fs::rename(&outside, place.join("golden")).unwrap();
    }
    Bundle::load(&place).unwrap();
}

/// Changes the description as someone would who knows how its hash is made.
pub(crate) fn forge(place: &Path, change: impl FnOnce(&mut serde_json::Value)) {
    let path = place.join("bundle.json");
    let mut json: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    json.as_object_mut().unwrap().remove("sha256");
    change(&mut json);
    seal(place, &serde_json::to_string_pretty(&json).unwrap());
}

/// Writes a description, an object without its hash, with a hash that is right.
pub(crate) fn seal(place: &Path, description: &str) {
    use sha2::{Digest, Sha256};
    let rest = description.strip_prefix("{\n").unwrap();
    let text = |digits: &str| format!("{{\n  \"sha256\": \"{digits}\",\n{rest}\n");
    let digest = Sha256::digest(text(&"0".repeat(64)));
    let digits: String = { digest.iter() }
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(place.join("bundle.json"), text(&digits)).unwrap();
}

#[test]
fn a_forged_description_leads_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    fs::write(&outside, "x").unwrap();
    let entry = serde_json::json!({
        "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881",
        "size": 1
    });
    for name in [
        "../outside",
        outside.to_str().unwrap(),
        "golden/../../outside",
        "",
        "a//b",
        "bundle.json",
    ] {
        let (place, _) = write(folder.path());
        forge(&place, |json| json["files"][name] = entry.clone());
        assert!(
            matches!(Bundle::load(&place), Err(Error::Bundle { .. })),
            "{name:?}"
        );
        fs::remove_dir_all(place).unwrap();
    }
    type Change = fn(&mut serde_json::Value);
    let changes: [(&str, Change); 7] = [
        ("schema", |json| json["schema_version"] = 2.into()),
        ("unknown", |json| json["more"] = 1.into()),
        ("name", |json| json["name"] = "../x".into()),
        ("networks", |json| json["networks"] = 3.into()),
        ("no networks", |json| json["networks"] = 0.into()),
        ("golden", |json| json["golden"] = serde_json::json!([])),
        ("too large", |json| {
            json["files"]["model.safetensors"]["size"] = u64::MAX.into();
        }),
    ];
    for (what, change) in changes {
        let (place, _) = write(folder.path());
        forge(&place, change);
        assert!(Bundle::load(&place).is_err(), "{what}");
        fs::remove_dir_all(place).unwrap();
    }
}

#[test]
fn another_answer_than_where_it_was_written_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (place, _) = write(folder.path());
    // Other preparation, as another version of a library would do it: every hash is right.
    forge(&place, |json| {
        let steps = &mut json["task"]["classification_2d"]["preparation"];
        steps[0] = serde_json::json!({"Brightness": {"factor": 0.5}});
    });
    match Bundle::load(&place).unwrap_err() {
        Error::Golden {
            path,
            answer,
            difference,
            tolerance,
        } => {
            assert_eq!(
                (path, &answer[..]),
                (place.join("golden/0.safetensors"), "logits")
            );
            assert!(difference > tolerance);
        }
        other => panic!("{other}"),
    }
}

#[test]
fn a_bundle_is_never_written_over_and_never_written_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let (place, _) = write(folder.path());
    let model = model();
    let image = image(0);
    let writer = || BundleWriter::new(&model, "x", Version::new(1, 0, 0)).with_golden(&image, 1e-3);
    assert!(writer().write(&place).is_err());
    let (new, count) = (folder.path().join("new"), || {
        fs::read_dir(folder.path()).unwrap().count()
    });
    for refused in [
        BundleWriter::new(&model, "x", Version::new(1, 0, 0)),
        writer().with_golden(&image, f64::NAN),
        writer().with_file("../x", "x"),
        writer().with_file("model.safetensors", "x"),
        writer().with_file("bundle.json", "x"),
        BundleWriter::new(&model, "a/b", Version::new(1, 0, 0)).with_golden(&image, 1e-3),
    ] {
        assert!(refused.write(&new).is_err());
        assert_eq!(count(), 1);
    }
    writer().write(&new).unwrap();
}

#[test]
fn versions_follow_what_changed() {
    let folder = tempfile::tempdir().unwrap();
    let (_, old) = write(folder.path());
    let after = |change: &dyn Fn(&mut Manifest)| {
        let mut new = old.clone();
        change(&mut new);
        new.version_after(&old).unwrap().to_string()
    };
    let weights = |new: &mut Manifest| {
        new.files.get_mut("model.safetensors").unwrap().sha256 = "0".repeat(64);
    };
    assert_eq!(after(&|new| new.intended_use.clear()), "1.2.1");
    assert_eq!(after(&weights), "1.3.0");
    assert_eq!(after(&|new| new.networks = 1), "1.3.0");
    assert_eq!(after(&|new| new.input.modality.clear()), "2.0.0");
    let task =
        |new: &mut Manifest, change: &dyn Fn(&mut medinfer::ClassifierConfig<2>)| match &mut new
            .task
        {
            medinfer::TaskConfig::Classification2d(config) => change(config),
            other => panic!("{other:?}"),
        };
    let threshold =
        |new: &mut Manifest| task(new, &|config| config.operating_points[0].threshold = 0.2);
    let label = |new: &mut Manifest| task(new, &|config| config.labels[0].name.push('!'));
    assert_eq!(after(&threshold), "1.3.0");
    assert_eq!(after(&label), "2.0.0");
}

#[test]
fn a_segmenter_is_a_bundle_too() {
    let model = BasicUNetConfig::new_3d(1, 2).with_features([2, 2, 2, 2, 2, 2]);
    let preprocess = Preprocess {
        intensity: vec![Intensity::Window {
            low: 0.0,
            high: 10.0,
        }],
        ..Preprocess::monai()
    };
    let window = SlidingWindow::nnunet([32, 32, 32]);
    let config = SegmenterConfig::new(model.into(), preprocess, window);
    let network = |seed| medmodels::create(&config.model, &Params::new(seed)).unwrap();
    let segmenter = Segmenter::new(config.clone(), network(2))
        .unwrap()
        .with_ensemble(vec![network(3)]);
    let grid = Geometry::axis_aligned([12, 20, 18], [2.0, 1.2, 1.1]).unwrap();
    let voxels: Vec<f32> = (0..grid.len()).map(|i| (i * 7919 % 11) as f32).collect();
    let scan = Image::new(grid, voxels).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("organs");
    BundleWriter::new(&segmenter, "organs", Version::new(0, 1, 0))
        .with_golden(&scan, 0.001)
        .write(&place)
        .unwrap();
    let bundle = Bundle::load(&place).unwrap();
    let labels = bundle.segmenter().unwrap().segment(&scan).unwrap();
    assert_eq!(labels, segmenter.segment(&scan).unwrap());
    assert!(bundle.classifier::<3>().is_err());
}
