//! What other programs describe and ours cannot: refused by name, not left out.

use std::fs;
use std::path::Path;

use medaug::Intensity;
use medinfer::SegmenterConfig;
use medmodels::bundles::{MonaiBundle, NnUnetFolder};

const HEART: &str = "nnUNetTrainer__nnUNetPlans__3d_fullres";
const SPLEEN: &str = "spleen_ct_segmentation";

/// A copy of a folder whose file says something else in one place.
fn changed(name: &str, file: &str, change: impl Fn(&mut serde_json::Value)) -> tempfile::TempDir {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../medmodels/tests/weights/bundles");
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&root.join(name), copy.path());
    let path = copy.path().join(file);
    let mut value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    change(&mut value);
    fs::write(&path, serde_json::to_vec(&value).unwrap()).unwrap();
    copy
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn of_monai(change: impl Fn(&mut serde_json::Value)) -> medinfer::Result<SegmenterConfig> {
    let folder = changed(SPLEEN, "configs/inference.json", change);
    SegmenterConfig::of_monai(&MonaiBundle::open(folder.path()).unwrap())
}

/// The spleen's bundle with other steps behind its network.
fn after(transforms: &serde_json::Value) -> medinfer::Result<SegmenterConfig> {
    of_monai(|file| file["postprocessing"]["transforms"] = transforms.clone())
}

fn of_nnunet(change: impl Fn(&mut serde_json::Value)) -> medinfer::Result<SegmenterConfig> {
    let folder = changed(HEART, "plans.json", |plans| {
        change(&mut plans["configurations"]["3d_fullres"]);
    });
    SegmenterConfig::of_nnunet(&NnUnetFolder::open(folder.path()).unwrap())
}

#[track_caller]
fn refused(config: medinfer::Result<SegmenterConfig>, words: &[&str]) {
    let error = config.unwrap_err().to_string();
    for word in words {
        assert!(error.contains(word), "{word} is not in {error}");
    }
}

#[test]
fn postprocessing_that_changes_no_label_is_passed_over() {
    let json = serde_json::json!([
        {"_target_": "ActivationsD", "keys": "pred", "softmax": true},
        {"_target_": "InvertDict", "keys": "pred", "transform": "@preprocessing", "nearest_interp": false},
        {"_target_": "AsDiscreted", "keys": ["pred"], "argmax": [true], "to_onehot": null},
        {"_target_": "EnsureTyped", "keys": "pred"},
        {"_target_": "FillHolesd", "keys": "pred", "_disabled_": true},
        {"_target_": "SaveImaged", "keys": "pred", "output_dir": "out"}
    ]);
    after(&json).unwrap();
}

#[test]
fn postprocessing_that_changes_labels_is_refused_by_name() {
    let argmax = serde_json::json!({"_target_": "AsDiscreted", "keys": "pred", "argmax": true});
    for name in [
        "KeepLargestConnectedComponentd",
        "FillHolesd",
        "LabelFilterd",
        "MapLabelValued",
        "AsDiscreted",
        "Activationsd",
    ] {
        let further = serde_json::json!({"_target_": name, "keys": "pred"});
        refused(
            after(&serde_json::json!([argmax, further])),
            &["postprocessing", name],
        );
    }
    for (name, key, value) in [
        ("AsDiscreted", "argmax", serde_json::json!([true, false])),
        ("AsDiscreted", "threshold", serde_json::json!(0.5)),
        ("AsDiscreted", "to_onehot", serde_json::json!(2)),
        ("Activationsd", "other", serde_json::json!("$torch.tanh")),
        ("Invertd", "post_func", serde_json::json!("$torch.abs")),
    ] {
        let mut step = serde_json::json!({"_target_": name, "keys": "pred"});
        step[key] = value;
        let steps = serde_json::json!([step, argmax]);
        refused(after(&steps), &["postprocessing", name, key]);
    }
    let softmax =
        serde_json::json!([{"_target_": "Activationsd", "keys": "pred", "softmax": true}]);
    refused(after(&softmax), &["AsDiscreted that takes the argmax"]);
}

#[test]
fn all_names_of_a_plain_transform_are_known() {
    for name in ["EnsureType", "EnsureTyped", "EnsureTypeD", "EnsureTypeDict"] {
        of_monai(|file| file["preprocessing"]["transforms"][5]["_target_"] = name.into()).unwrap();
    }
}

#[test]
fn padding_that_is_not_constant_is_refused_for_every_way_to_write_a_window() {
    for size in [serde_json::json!([96, 96, 96]), serde_json::json!(96)] {
        let config = of_monai(|file| {
            file["inferer"]["roi_size"] = size.clone();
            file["inferer"]["padding_mode"] = "reflect".into();
        });
        refused(config, &["inferer", "reflect"]);
        let config = of_monai(|file| file["inferer"]["roi_size"] = size.clone()).unwrap();
        assert_eq!(config.window.roi, [96, 96, 96]);
    }
}

#[test]
fn classes_beyond_a_label_are_refused() {
    for number in ["256", "4294967297"] {
        let folder = changed(SPLEEN, "configs/metadata.json", |file| {
            let outputs = &mut file["network_data_format"]["outputs"];
            outputs["pred"]["channel_def"][number] = "other".into();
        });
        let config = SegmenterConfig::of_monai(&MonaiBundle::open(folder.path()).unwrap());
        refused(config, &["255", number]);
    }
}

#[test]
fn a_mean_within_a_mask_is_that_of_the_body() {
    let scheme = |masked: bool| {
        move |plan: &mut serde_json::Value| {
            plan["normalization_schemes"] = serde_json::json!(["ZScoreNormalization"]);
            plan["use_mask_for_norm"] = serde_json::json!([masked]);
        }
    };
    let intensity = |masked| of_nnunet(scheme(masked)).unwrap().preprocess.intensity;
    assert_eq!(intensity(false), [Intensity::ZScore { masked: false }]);
    assert_eq!(intensity(true), [Intensity::BodyZScore]);
}

#[test]
fn what_follows_a_network_of_lower_resolution_is_refused() {
    let folder = changed(HEART, "plans.json", |plans| {
        let configurations = &mut plans["configurations"];
        configurations["3d_lowres"] = configurations["3d_fullres"].clone();
        configurations["3d_fullres"]["previous_stage"] = "3d_lowres".into();
    });
    let folder = NnUnetFolder::open(folder.path()).unwrap();
    refused(
        SegmenterConfig::of_nnunet(&folder),
        &["previous_stage", "3d_lowres"],
    );
}

#[test]
fn images_resampled_as_labels_are_refused() {
    for key in [
        "resampling_fn_data_kwargs",
        "resampling_fn_probabilities_kwargs",
    ] {
        of_nnunet(|plan| plan[key]["is_seg"] = false.into()).unwrap();
        refused(
            of_nnunet(|plan| plan[key]["is_seg"] = true.into()),
            &["resampling", "is_seg"],
        );
    }
}
