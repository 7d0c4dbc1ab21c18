//! Folders in the shape of Hugging Face's hub: `hub.py` reads `hub.md` with the hub's own library.

use std::fs;
use std::path::{Path, PathBuf};

use medaug::{Compose, Intensity, Normalise};
use medcore::{Geometry, Image};
use medinfer::{
    Bundle, BundleWriter, ClassLabel, Classifier, ClassifierConfig, InputSpec, LabelKind,
    MetricRecord, TaskConfig, Version,
};
use medmodels::resnet::ResNetConfig;
use mednn::params::{LoadPolicy, Params, read_metadata};
use serde_json::{Value, json};

fn image(number: usize) -> Image<f32, 2> {
    let grid = Geometry::axis_aligned([32, 40], [1.0, 1.0]).unwrap();
    let values = (0..grid.len()).map(|i| ((i + number) * 37 % 101) as f32 / 101.0);
    Image::new(grid, values.collect::<Vec<_>>()).unwrap()
}

fn classifier() -> Classifier<'static, 2> {
    let model = ResNetConfig::resnet18(2).with_in_channels(1);
    let labels = [
        ClassLabel::new("nodule \"small\""),
        ClassLabel::new("pneumonia"),
    ];
    let preparation = Compose::new(vec![Normalise::from(Intensity::MinMax).into()]);
    let config = ClassifierConfig::<2>::new(model.with_features([4, 4, 4, 4]).into(), labels)
        .with_preparation(preparation.unwrap())
        .with_kind(LabelKind::Independent)
        .with_shape([32, 40]);
    let network = medmodels::create(&config.model, &Params::new(3)).unwrap();
    Classifier::new(config, network).unwrap()
}

pub(crate) fn bundle(folder: &Path) -> PathBuf {
    let place = folder.join("chest-1.2.0");
    BundleWriter::new(&classifier(), "chest", Version::new(1, 2, 0))
        .with_intended_use("Tests.")
        .with_input(InputSpec {
            modality: vec!["CR".to_owned(), "DX".to_owned()],
            ..InputSpec::default()
        })
        .with_metrics([
            MetricRecord::new("auc", 0.97)
                .of("pneumonia")
                .with_interval(0.95, 0.98)
                .with_test_set(200, "sha256:ab12"),
            MetricRecord::new("brier: \"all\"", 0.125),
        ])
        .with_golden(&image(1), 1e-3)
        .write(&place)
        .unwrap();
    place
}

#[test]
fn the_model_is_built_again_from_weights_and_settings() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = Bundle::load(bundle(folder.path())).unwrap();
    let hub = folder.path().join("hub/chest");
    bundle.write_hub_folder(&hub, "apache-2.0").unwrap();
    let names = fs::read_dir(&hub)
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["README.md", "config.json", "model.safetensors"]);
    let text = fs::read(hub.join("config.json")).unwrap();
    let mut settings: Value = serde_json::from_slice(&text).unwrap();
    let task: TaskConfig = serde_json::from_value(settings["task"].take()).unwrap();
    assert_eq!(
        settings,
        json!({
            "architectures": ["ResNet"],
            "model_type": "medinfer",
            "name": "chest",
            "version": "1.2.0",
            "num_channels": 1,
            "num_labels": 2,
            "image_size": [32, 40],
            "problem_type": "multi_label_classification",
            "id2label": {"0": "nodule \"small\"", "1": "pneumonia"},
            "label2id": {"nodule \"small\"": 0, "pneumonia": 1},
            "task": null,
        })
    );
    let TaskConfig::Classification2d(config) = task else {
        panic!("{task:?}")
    };
    let params = Params::new(0);
    let network = medmodels::create(&config.model, &params).unwrap();
    let weights = hub.join("model.safetensors");
    params
        .load_safetensors(&weights, &LoadPolicy::strict())
        .unwrap();
    assert_eq!(read_metadata(&weights).unwrap()["format"], "pt");
    let again = Classifier::new(config, network).unwrap();
    assert_eq!(
        again.classify(&image(2)).unwrap(),
        bundle
            .classifier::<2>()
            .unwrap()
            .classify(&image(2))
            .unwrap()
    );
}

#[test]
fn the_card_has_what_the_hub_indexes_in_front() {
    let folder = tempfile::tempdir().unwrap();
    let place = bundle(folder.path());
    let hub = folder.path().join("hub");
    let bundle = Bundle::load(&place).unwrap();
    bundle.write_hub_folder(&hub, "apache-2.0").unwrap();
    let card = fs::read_to_string(hub.join("README.md")).unwrap();
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/hub.md");
    assert_eq!(card, fs::read_to_string(expected).unwrap());
    assert!(card.ends_with(&fs::read_to_string(place.join("README.md")).unwrap()));
}

#[test]
fn what_does_not_fit_a_folder_of_the_hub_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = bundle(folder.path());
    let loaded = Bundle::load(&place).unwrap();
    let hub = folder.path().join("hub");
    for license in ["", "mine: all\nlibrary_name: x"] {
        let error = loaded.write_hub_folder(&hub, license).unwrap_err();
        assert!(error.to_string().contains("license"), "{error}");
    }
    assert!(!hub.exists());
    loaded.write_hub_folder(&hub, "mit").unwrap();
    let error = loaded.write_hub_folder(&hub, "mit").unwrap_err();
    assert!(error.to_string().contains("there already"), "{error}");
    // Weights that were exchanged after the bundle was loaded are not passed on.
    let weights = place.join("model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&weights, bytes).unwrap();
    let error = loaded
        .write_hub_folder(folder.path().join("other"), "mit")
        .unwrap_err();
    assert!(error.to_string().contains("altered"), "{error}");
    assert!(!folder.path().join("other").exists());
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 2, "the bundle and one folder of the hub");
}

/// A bundle of two networks.
pub(crate) fn ensemble(folder: &Path) -> PathBuf {
    let one = classifier();
    let other = medmodels::create(&one.config().model, &Params::new(4)).unwrap();
    let both = one.with_ensemble(vec![other]);
    let place = folder.join("both");
    BundleWriter::new(&both, "both", Version::new(1, 0, 0))
        .with_golden(&image(1), 1e-3)
        .write(&place)
        .unwrap();
    place
}

#[test]
fn an_ensemble_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let loaded = Bundle::load(ensemble(folder.path())).unwrap();
    let error = loaded
        .write_hub_folder(folder.path().join("hub"), "mit")
        .unwrap_err();
    assert!(error.to_string().contains("networks"), "{error}");
}
