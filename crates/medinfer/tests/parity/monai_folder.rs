//! Folders in the shape of MONAI's bundles: `monai_folder.py` reads `monai_folder.json` with MONAI's own parser.

use std::fs;
use std::path::Path;

use medaug::Preprocess;
use medcore::{Geometry, Image, LabelTable};
use medinfer::{
    Bundle, BundleWriter, InputSpec, LabelRule, Segmenter, SegmenterConfig, SlidingWindow, Version,
};
use medmodels::basic_unet::BasicUNetConfig;
use medmodels::bundles::MonaiBundle;
use medmodels::bundles::monai::Extent;
use mednn::params::{LoadPolicy, Params, read_metadata};
use serde_json::Value;

use super::hub::{bundle, ensemble};

fn metadata(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("configs/metadata.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_description_is_the_one_that_monai_reads() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = Bundle::load(bundle(folder.path())).unwrap();
    let place = folder.path().join("monai/chest");
    bundle
        .write_monai_folder(&place, "Nobody", "Nobody's")
        .unwrap();
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/monai_folder.json");
    let written = fs::read_to_string(place.join("configs/metadata.json")).unwrap();
    assert_eq!(written, fs::read_to_string(fixture).unwrap());
    // There is no configuration of a pipeline, so the description stands for it.
    let found = MonaiBundle::open_with(&place, "metadata.json").unwrap();
    let metadata = found.metadata();
    assert_eq!(metadata.name.as_deref(), Some("chest"));
    assert_eq!(metadata.version.as_deref(), Some("1.2.0"));
    assert_eq!(metadata.authors.as_deref(), Some("Nobody"));
    assert_eq!(metadata.copyright.as_deref(), Some("Nobody's"));
    assert_eq!(metadata.intended_use.as_deref(), Some("Tests."));
    let (name, image) = &metadata.inputs[0];
    assert_eq!((name.as_str(), image.channels), ("image", Some(1)));
    assert_eq!(image.spatial_shape, [Extent::Fixed(32), Extent::Fixed(40)]);
    assert_eq!(image.modality.as_deref(), Some("CR, DX"));
    let (name, scores) = &metadata.outputs[0];
    assert_eq!((name.as_str(), scores.channels), ("pred", Some(2)));
    assert_eq!(scores.channel_def[1], (1, "pneumonia".to_owned()));
}

#[test]
fn weights_and_card_are_those_of_the_bundle() {
    let folder = tempfile::tempdir().unwrap();
    let source = bundle(folder.path());
    let bundle = Bundle::load(&source).unwrap();
    let place = folder.path().join("monai");
    bundle.write_monai_folder(&place, "Nobody", "Free").unwrap();
    assert_eq!(
        fs::read(place.join("docs/README.md")).unwrap(),
        fs::read(source.join("README.md")).unwrap()
    );
    assert!(!place.join("LICENSE").exists());
    let weights = place.join("models/model.safetensors");
    assert_eq!(read_metadata(&weights).unwrap()["format"], "pt");
    let params = Params::new(9);
    let config = bundle.classifier::<2>().unwrap().config();
    medmodels::create(&config.model, &params).unwrap();
    params
        .load_safetensors(&weights, &LoadPolicy::strict())
        .unwrap();
    let written = bundle.classifier::<2>().unwrap().networks()[0].params();
    let name = "fc.weight";
    let values = |params: &Params| {
        let tensor = params.tensor(name).unwrap();
        tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    assert_eq!(values(&params), values(written));
}

/// A segmenter's bundle, of exclusive labels or of regions.
fn organs(folder: &Path, rule: LabelRule, table: LabelTable) -> Bundle {
    let model = BasicUNetConfig::new_3d(1, 3).with_features([2, 2, 2, 2, 2, 2]);
    let window = SlidingWindow::monai([32, 32, 32]);
    let mut config = SegmenterConfig::new(model.into(), Preprocess::monai(), window)
        .with_labels(table)
        .unwrap();
    config.rule = rule;
    let network = medmodels::create(&config.model, &Params::new(2)).unwrap();
    let segmenter = Segmenter::new(config, network).unwrap();
    let grid = Geometry::axis_aligned([8, 12, 10], [2.0, 1.0, 1.0]).unwrap();
    let voxels = (0..grid.len()).map(|i| (i * 37 % 101) as f32);
    let scan = Image::new(grid, voxels.collect::<Vec<_>>()).unwrap();
    let place = folder.join("organs");
    BundleWriter::new(&segmenter, "organs", Version::new(0, 1, 0))
        .with_input(InputSpec {
            intensity: Some("Hounsfield units".to_owned()),
            channels: vec!["portal venous CT".to_owned()],
            ..InputSpec::default()
        })
        .with_file("LICENSE", "Free.")
        .with_golden(&scan, 0.01)
        .write(&place)
        .unwrap();
    Bundle::load(&place).unwrap()
}

#[test]
fn a_segmentation_says_what_its_channels_are() {
    let folder = tempfile::tempdir().unwrap();
    let table = LabelTable::new([("liver", vec![1]), ("spleen", vec![2])]).unwrap();
    let bundle = organs(folder.path(), LabelRule::Argmax, table);
    let place = folder.path().join("monai");
    bundle.write_monai_folder(&place, "Nobody", "Free").unwrap();
    assert_eq!(fs::read_to_string(place.join("LICENSE")).unwrap(), "Free.");
    let format = &metadata(&place)["network_data_format"];
    let (image, pred) = (&format["inputs"]["image"], &format["outputs"]["pred"]);
    assert_eq!(image["format"], "hounsfield");
    assert_eq!(image["modality"], "n/a");
    assert_eq!(image["channel_def"]["0"], "portal venous CT");
    assert_eq!(image["is_patch_data"], true);
    assert_eq!(pred["format"], "labels");
    assert_eq!(pred["num_channels"], 3);
    assert_eq!(pred["spatial_shape"], serde_json::json!([32, 32, 32]));
    let names = ["background", "liver", "spleen"];
    for (channel, name) in names.iter().enumerate() {
        assert_eq!(pred["channel_def"][channel.to_string()], *name);
    }
    let found = MonaiBundle::open_with(&place, "metadata.json").unwrap();
    assert_eq!(found.metadata().outputs[0].1.channel_def.len(), 3);
}

#[test]
fn channels_of_regions_are_no_values_of_labels() {
    let folder = tempfile::tempdir().unwrap();
    let entries = [
        ("whole", vec![1, 2, 3]),
        ("core", vec![2, 3]),
        ("rim", vec![3]),
    ];
    let table = LabelTable::new(entries).unwrap();
    let table = table.with_regions_class_order(vec![1, 2, 3]).unwrap();
    let bundle = organs(folder.path(), LabelRule::Regions(vec![1, 2, 3]), table);
    let place = folder.path().join("monai");
    bundle.write_monai_folder(&place, "Nobody", "Free").unwrap();
    let metadata = metadata(&place);
    let pred = &metadata["network_data_format"]["outputs"]["pred"];
    assert_eq!(pred["format"], "classes");
    assert_eq!(pred["channel_def"]["2"], "output 2");
    let said = metadata["pred_classes"].as_str().unwrap();
    assert!(said.contains("sigmoid"), "{said}");
}

#[test]
fn what_does_not_fit_the_shape_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = bundle(folder.path());
    let loaded = Bundle::load(&source).unwrap();
    let place = folder.path().join("monai");
    for (authors, copyright, setting) in [("", "Free", "authors"), ("Nobody", " ", "copyright")] {
        let error = loaded.write_monai_folder(&place, authors, copyright);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(setting), "{error}");
    }
    let both = Bundle::load(ensemble(folder.path())).unwrap();
    let error = both.write_monai_folder(&place, "Nobody", "Free");
    assert!(error.unwrap_err().to_string().contains("networks"));
    // Weights that were exchanged after the bundle was loaded are not passed on.
    let weights = source.join("model.safetensors");
    let kept = fs::read(&weights).unwrap();
    let mut bytes = kept.clone();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&weights, bytes).unwrap();
    let error = loaded.write_monai_folder(&place, "Nobody", "Free");
    assert!(error.unwrap_err().to_string().contains("altered"));
    assert!(!place.exists());
    fs::write(&weights, kept).unwrap();
    loaded.write_monai_folder(&place, "Nobody", "Free").unwrap();
    let error = loaded.write_monai_folder(&place, "Nobody", "Free");
    assert!(error.unwrap_err().to_string().contains("there already"));
}
