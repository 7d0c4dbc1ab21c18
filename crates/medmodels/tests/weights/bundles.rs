//! Folders of nnU-Net and bundles of MONAI: what they say, that their networks compute what the references do, and what is
//! refused.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use medmodels::bundles::monai::{Blend, Extent, Inferer, Step};
use medmodels::bundles::nnunet::{Checkpoint, NormalizationScheme};
use medmodels::bundles::{MonaiBundle, NnUnetFolder, Value};
use medmodels::swin::SwinConfig;
use medmodels::swin_unetr::{SwinMerging, SwinUNETRConfig};
use medmodels::{Error, ModelConfig, Nonlinearity, Normalization};
use mednn::candle_core::{DType, Device, Tensor};
use mednn::context::Context;
use mednn::model::{Inputs, Model};
use mednn::params::read_safetensors;

use super::builder::{checkpoint, text};

const HEART: &str = "nnUNetTrainer__nnUNetPlans__3d_fullres";
const BRATS: &str = "nnUNetTrainerNoDeepSupervision__nnUNetResEncUNetMPlans__3d_fullres";
const SLICES: &str = "nnUNetTrainer__nnUNetPlans__2d";

fn fixture(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights");
    tests.join("bundles").join(name)
}

fn reference() -> BTreeMap<String, Tensor> {
    read_safetensors(&fixture("../bundles.safetensors")).unwrap()
}

/// The twin of `hashed` in `tests/parity/reference.py`.
fn hashed(name: &str, shape: &[usize]) -> Tensor {
    let state = name.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    let value = |i: u64| {
        let mut z = state.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        ((z >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
    };
    let values: Vec<f32> = (1..=shape.iter().product::<usize>() as u64)
        .map(value)
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// That a network makes of the hashed image what the reference did.
fn check_logits(network: &dyn Model, name: &str) {
    let reference = reference();
    let shape = reference[&format!("{name}/shape")]
        .to_vec1::<i64>()
        .unwrap();
    let shape: Vec<usize> = shape.iter().map(|&n| n as usize).collect();
    let image = Inputs::from(hashed("image", &shape));
    let logits = network.forward(&image, &Context::evaluate()).unwrap();
    let expected = &reference[&format!("{name}/logits.0")];
    let values = |tensor: &Tensor| {
        let flat = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
        flat.to_vec1::<f64>().unwrap()
    };
    let (found, expected) = (values(&logits.logits), values(expected));
    assert_eq!(found.len(), expected.len(), "{name}");
    let largest = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let apart = { found.iter().zip(&expected) }.map(|(a, b)| (a - b).abs());
    let apart = apart.fold(0.0, f64::max) / largest;
    assert!(apart < 1e-5, "{name}: {apart:e}");
}

#[test]
fn a_folder_of_nnunet_is_understood() {
    let folder = NnUnetFolder::open(fixture(HEART)).unwrap();
    assert_eq!(folder.trainer(), "nnUNetTrainer");
    assert_eq!(folder.configuration(), "3d_fullres");
    assert_eq!(folder.mirror_axes(), [0, 1, 2]);
    assert_eq!(folder.channels(), ["CT"]);
    assert_eq!(folder.file_ending(), Some(".nii.gz"));
    assert_eq!(folder.labels().name_of(2), Some("aorta"));
    let numbers: Vec<_> = folder.folds().iter().map(|fold| fold.number).collect();
    assert_eq!(numbers, [Some(0), Some(1), None]);
    let plan = folder.plan();
    assert_eq!(plan.spacing, [3.0, 0.8, 0.8]);
    assert_eq!(plan.patch_size, [8, 16, 16]);
    assert_eq!(plan.reader.as_deref(), Some("SimpleITKIO"));
    assert_eq!(plan.previous_stage, None);
    assert_eq!(
        (plan.resampling.order, plan.logit_resampling.order),
        (Some(3), Some(1))
    );
    let [NormalizationScheme::Ct(known)] = plan.normalization[..] else {
        panic!("{:?}", plan.normalization);
    };
    let limits = (known.percentile_00_5, known.percentile_99_5);
    assert_eq!(
        (limits, known.mean, known.std),
        ((-41.0, 176.0), 99.48, 37.14)
    );
    assert!(
        plan.others.contains(&"label_manager".to_owned()),
        "{:?}",
        plan.others
    );
    let ModelConfig::PlainConvUNet(config) = folder.model() else {
        panic!("{:?}", folder.model());
    };
    assert!(config.deep_supervision && config.bias);
    assert_eq!(config.divisor(), [2, 4, 4]);
}

#[test]
fn every_fold_computes_what_nnunet_does() {
    for name in [HEART, BRATS, SLICES] {
        let kind = if name == SLICES {
            Checkpoint::Best
        } else {
            Checkpoint::Final
        };
        let folder = NnUnetFolder::open_with(fixture(name), kind).unwrap();
        for fold in folder.folds() {
            let number = fold
                .number
                .map_or("all".to_owned(), |number| number.to_string());
            let loaded = folder.load(fold).unwrap();
            // Nothing is missing: the logits of lower resolutions are there whether they were trained or not.
            assert_eq!(
                loaded.report.loaded.len(),
                loaded.network.params().names().len()
            );
            check_logits(&*loaded.network, &format!("{name}/{number}"));
        }
    }
}

#[test]
fn regions_are_in_the_order_of_the_file() {
    let folder = NnUnetFolder::open(fixture(BRATS)).unwrap();
    let names: Vec<&str> = folder
        .labels()
        .entries()
        .iter()
        .map(|e| e.name.as_str())
        .collect();
    assert_eq!(names, ["whole tumour", "core", "enhancing"]);
    assert_eq!(folder.labels().regions_class_order(), Some(&[1, 2, 3][..]));
    assert_eq!(folder.labels().ignore(), Some(4));
    assert_eq!(folder.channels(), ["T1", "T2"]);
    assert_eq!(folder.mirror_axes(), [0; 0]);
    assert_eq!(folder.plan().transpose_forward, [2, 0, 1]);
    assert_eq!(folder.plan().transpose_backward, [1, 2, 0]);
    assert_eq!(
        folder.plan().normalization,
        [NormalizationScheme::ZScore { masked: true }; 2]
    );
    let ModelConfig::ResidualEncoderUNet(config) = folder.model() else {
        panic!("{:?}", folder.model());
    };
    assert_eq!(
        (config.out_channels, config.dropout, config.deep_supervision),
        (3, 0.1, false)
    );
}

#[test]
fn a_bundle_of_monai_is_understood() {
    let bundle = MonaiBundle::open(fixture("spleen_ct_segmentation")).unwrap();
    let metadata = bundle.metadata();
    assert_eq!(metadata.task.as_deref(), Some("spleen"));
    assert_eq!(metadata.monai_version.as_deref(), Some("1.4.0"));
    let (name, image) = &metadata.inputs[0];
    assert_eq!(
        (name.as_str(), image.channels, image.patches),
        ("image", Some(1), Some(true))
    );
    assert_eq!(image.spatial_shape[0], Extent::Free("16*n".to_owned()));
    assert_eq!(image.spatial_shape[2], Extent::Fixed(96));
    assert_eq!(
        metadata.outputs[0].1.channel_def[1],
        (1, "spleen".to_owned())
    );
    assert!(
        bundle
            .licence()
            .unwrap()
            .is_some_and(|path| path.ends_with("LICENSE"))
    );
    assert_eq!(
        bundle.inferer().unwrap(),
        Some(Inferer::SlidingWindow {
            roi: vec![Some(96); 3],
            overlap: 0.5,
            blend: Blend::Constant,
            sigma: 0.125,
            padding: "constant".to_owned(),
            padding_value: 0.0,
        })
    );
    let steps: Vec<_> = bundle.preprocessing().unwrap();
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names[..2], ["LoadImaged", "EnsureChannelFirstd"]);
    assert_eq!(
        steps[0].arguments,
        [("keys".to_owned(), Value::Text("image".to_owned()))]
    );
    assert_eq!(steps[2].step, Some(Step::Orientation("RAS".to_owned())));
    let spacing = Step::Spacing {
        spacing: vec![1.5, 1.5, 2.0],
        modes: vec!["bilinear".to_owned()],
    };
    assert_eq!(steps[3].step, Some(spacing));
    let window = Step::ScaleRange {
        from: [-57.0, 164.0],
        to: Some([0.0, 1.0]),
        clip: true,
    };
    assert_eq!(steps[4].step, Some(window));
    assert_eq!(bundle.postprocessing().unwrap().len(), 3);
    // What is Python stays text.
    let device = bundle.part("device").unwrap().unwrap();
    assert!(matches!(&device, Value::Expression(text) if text.starts_with("$torch.device")));
}

#[test]
fn a_configuration_may_be_yaml() {
    let copy = changed(
        "spleen_ct_segmentation",
        "configs/inference.json",
        str::to_owned,
    );
    let configs = copy.path().join("configs");
    fs::remove_file(configs.join("inference.json")).unwrap();
    let missing = MonaiBundle::open(copy.path()).unwrap_err().to_string();
    assert!(missing.contains("inference.json"), "{missing}");
    let text = "# The same network.\naxes: 3\nnetwork_def:\n  _target_: monai.networks.nets.UNet\n  \
                spatial_dims: '@axes'\n  in_channels: 1\n  out_channels: $1 + 1\n  channels: [4, 6, 8]\n  \
                strides: '%strides.json#two'\n  num_res_units: 2\n  norm: batch\n";
    fs::write(configs.join("inference.yaml"), text).unwrap();
    let bundle = MonaiBundle::open(copy.path()).unwrap();
    check_logits(&*bundle.load().unwrap().network, "spleen_ct_segmentation");
    fs::write(
        configs.join("inference.yaml"),
        text.replace("'@axes'", "*axes"),
    )
    .unwrap();
    let refused = MonaiBundle::open(copy.path()).unwrap_err().to_string();
    assert!(
        refused.contains("YAML") && refused.contains("inference.yaml"),
        "{refused}"
    );
}

#[test]
fn bundles_compute_what_monai_does() {
    for name in [
        "spleen_ct_segmentation",
        "brats_mri_segmentation",
        "spleen_deepedit",
    ] {
        let bundle = MonaiBundle::open(fixture(name)).unwrap();
        check_logits(&*bundle.load().unwrap().network, name);
    }
}

#[test]
fn networks_of_the_model_zoo_are_built_from_their_arguments() {
    let swin = MonaiBundle::open(fixture("swin_unetr_btcv_segmentation")).unwrap();
    let ModelConfig::SwinUNETR(config) = swin.model().unwrap() else {
        panic!();
    };
    // The bundle is for a version that merged patches in another way.
    assert_eq!(config.merging, SwinMerging::LegacyMerging);
    assert_eq!((config.filters, config.out_channels), (48, 14));
    let lungs = MonaiBundle::open(fixture("lung_nodule_ct_detection")).unwrap();
    let ModelConfig::RetinaNet(config) = lungs.model().unwrap() else {
        panic!();
    };
    assert_eq!(config.backbone.stem_stride, [2, 2, 1]);
    assert_eq!(config.layers, [1, 2]);
    assert_eq!(config.anchors[2][1], [32.0, 24.0, 20.0]);
    let missing = lungs.load().unwrap_err().to_string();
    assert!(missing.contains("model.pt"), "{missing}");
}

/// A copy of a fixture in which one file has another text.
fn changed(name: &str, file: &str, change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        fs::create_dir_all(copy.path().join(&relative)).unwrap();
        for entry in fs::read_dir(fixture(name).join(&relative)).unwrap() {
            let entry = entry.unwrap();
            let inside = relative.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                folders.push(inside);
            } else {
                fs::copy(entry.path(), copy.path().join(inside)).unwrap();
            }
        }
    }
    let path = copy.path().join(file);
    let text = change(&fs::read_to_string(&path).unwrap());
    fs::write(path, text).unwrap();
    copy
}

/// That each replacement is refused with words that say what and where.
fn check_refused(
    name: &str,
    file: &str,
    cases: &[(&str, &str, &[&str])],
    open: impl Fn(&Path) -> Result<(), Error>,
) {
    for (from, to, words) in cases {
        let copy = changed(name, file, |text| {
            assert!(text.contains(from), "{file} has no {from}");
            text.replace(from, to)
        });
        let error = match open(copy.path()) {
            Ok(()) => panic!("{from} -> {to} is taken"),
            Err(error) => error.to_string(),
        };
        let name = Path::new(file).file_name().unwrap().to_string_lossy();
        for word in words.iter().chain([&&*name]) {
            assert!(
                error.contains(word),
                "{from} -> {to}: {error} has no {word}"
            );
        }
    }
}

#[test]
fn plans_that_are_not_understood_name_key_and_value() {
    let open = |path: &Path| NnUnetFolder::open(path).map(|_| ());
    check_refused(
        HEART,
        "plans.json",
        &[
            (
                "PlainConvUNet",
                "SwinUNETR",
                &["network_class_name", "unet.SwinUNETR"],
            ),
            (
                "\"n_stages\": 3",
                "\"n_stages\": 4",
                &["features_per_stage", "4 times"],
            ),
            (
                "\"n_stages\": 3",
                "\"n_stages\": 1000000000",
                &["n_stages", "1000000000"],
            ),
            (
                "\"n_stages\": 3",
                "\"n_stages\": 1e300",
                &["n_stages", "1e300"],
            ),
            ("\"n_stages\": 3", "\"n_stages\": -3", &["n_stages", "-3"]),
            (
                "\"n_stages\": 3",
                "\"n_stages\": \"3\"",
                &["n_stages", "\"3\""],
            ),
            (
                "\"conv_bias\": true",
                "\"conv_bias\": 1",
                &["conv_bias", "true or false"],
            ),
            ("conv.Conv3d", "conv.Conv2d", &["conv_op", "Conv2d"]),
            (
                "\"eps\": 1e-05",
                "\"eps\": 1e-3",
                &["norm_op_kwargs.eps", "0.001"],
            ),
            ("\"affine\"", "\"affin\"", &["norm_op_kwargs.affin"]),
            ("torch.nn.LeakyReLU", "torch.nn.Tanh", &["nonlin", "Tanh"]),
            (
                "\"n_conv_per_stage\"",
                "\"n_conv\"",
                &["arch_kwargs.n_conv"],
            ),
            ("\"spacing\"", "\"spacings\"", &["spacings"]),
            ("6.0,", "NaN,", &["JSON"]),
            (
                "\"batch_dice\": false",
                "\"batch_dice\": false, \"batch_dice\": true",
                &["twice"],
            ),
            (
                "\"transpose_forward\": [\n  0",
                "\"transpose_forward\": [\n  1",
                &["transpose_forward"],
            ),
            (
                "\"std\": 37.14",
                "\"std\": -1",
                &["per_channel.0.std", "-1"],
            ),
            (
                "\"std\": 37.14",
                "\"std\": 0",
                &["normalization_schemes.0", "std above 0"],
            ),
            (
                "\"percentile_99_5\": 176.0",
                "\"percentile_99_5\": -41.0",
                &["normalization_schemes.0", "percentiles apart"],
            ),
            (
                "\"3d_fullres\": {",
                "\"3d_halfres\": {",
                &["configurations.3d_fullres"],
            ),
        ],
        open,
    );
    // The second of them is the one that is read.
    let third = |from: &str, to: &str| {
        let copy = changed(HEART, "plans.json", |text| text.replace(from, to));
        NnUnetFolder::open(copy.path()).unwrap_err().to_string()
    };
    let error = third("CTNormalization", "MyNormalization");
    assert!(
        error.contains("normalization_schemes.0") && error.contains("MyNormalization"),
        "{error}"
    );
    let error = third("\"spacing\": [\n    3.0", "\"spacing\": [\n    0");
    assert!(
        error.contains("spacing.0") && error.contains("above 0"),
        "{error}"
    );
    let error = third("\"batch_size\": 2", "\"inherits_from\": \"3d_fullres\"");
    assert!(error.contains("inherit"), "{error}");
}

#[test]
fn data_sets_that_are_not_understood_name_key_and_value() {
    let channels: Vec<String> = (0..257).map(|i| format!("\"{i}\": \"CT\"")).collect();
    let channels = channels.join(", ");
    let open = |path: &Path| NnUnetFolder::open(path).map(|_| ());
    check_refused(
        HEART,
        "dataset.json",
        &[
            ("\"0\": \"CT\"", "\"1\": \"CT\"", &["channel_names.1"]),
            ("\"0\": \"CT\"", "", &["channel_names", "one channel"]),
            ("\"0\": \"CT\"", "\"+0\": \"CT\"", &["channel_names.+0"]),
            ("\"0\": \"CT\"", &channels, &["channel_names", "256"]),
            (
                "\"aorta\": 2",
                "\"aorta\": 2, \"ignore\": []",
                &["labels.ignore", "one value"],
            ),
            (
                "\"aorta\": 2",
                "\"aorta\": 2, \"ignore\": [3, 4]",
                &["labels.ignore", "one value"],
            ),
            ("\"aorta\": 2", "\"aorta\": 3", &["labels", "gap"]),
            ("\"aorta\": 2", "\"aorta\": \"2\"", &["labels.aorta"]),
            ("\"aorta\": 2", "\"aorta\": 2.5", &["labels.aorta", "2.5"]),
            (
                "\"aorta\": 2",
                "\"aorta\": [1, 2]",
                &["regions_class_order", "given"],
            ),
            ("\"labels\"", "\"label\"", &["labels", "given"]),
            ("{", "[", &["JSON"]),
        ],
        open,
    );
}

#[test]
fn files_that_are_missing_cut_off_or_in_disagreement_are_named() {
    let refused = |path: &Path| NnUnetFolder::open(path).unwrap_err().to_string();
    let copy = || changed(HEART, "dataset.json", str::to_owned);
    for file in ["plans.json", "dataset.json"] {
        let copy = copy();
        fs::remove_file(copy.path().join(file)).unwrap();
        assert!(refused(copy.path()).contains(file));
        assert!(!NnUnetFolder::is_at(copy.path()));
    }
    let whole = fs::read_to_string(fixture(HEART).join("plans.json")).unwrap();
    for length in (0..whole.len() - 2).step_by(whole.len() / 40) {
        let copy = changed(HEART, "plans.json", |text| text[..length].to_owned());
        assert!(refused(copy.path()).contains("JSON"), "{length}");
    }
    let nested = changed(HEART, "plans.json", |_| "[".repeat(100_000));
    assert!(refused(nested.path()).contains("recursion"));
    let long = changed(HEART, "plans.json", |_| " ".repeat(9 << 20));
    assert!(refused(long.path()).contains("bytes long"));
    let none = refused(&fixture(SLICES));
    assert!(
        none.contains("checkpoint_final.pth") && none.contains("fold_0"),
        "{none}"
    );
    // Another configuration in one of the folds.
    let mixed = copy();
    let from = fixture(BRATS).join("fold_0/checkpoint_final.pth");
    fs::copy(from, mixed.path().join("fold_1/checkpoint_final.pth")).unwrap();
    assert!(refused(mixed.path()).contains("first fold"));
    // Weights that are not those of the plans.
    let other = changed(HEART, "plans.json", |text| {
        text.replace("\"conv_bias\": true", "\"conv_bias\": false")
    });
    let folder = NnUnetFolder::open(other.path()).unwrap();
    let error = folder.load(&folder.folds()[0]).unwrap_err().to_string();
    assert!(
        error.contains("unexpected") && error.contains("conv.bias"),
        "{error}"
    );
    let huge = changed(HEART, "plans.json", |text| {
        text.replace("     8\n", "     65536\n")
    });
    let folder = NnUnetFolder::open(huge.path()).unwrap();
    assert!(folder.load(&folder.folds()[0]).is_err());
}

#[cfg(unix)]
#[test]
fn links_that_lead_out_of_the_folder_are_refused() {
    let copy = changed(HEART, "dataset.json", str::to_owned);
    let plans = copy.path().join("plans.json");
    fs::remove_file(&plans).unwrap();
    std::os::unix::fs::symlink(fixture(HEART).join("plans.json"), &plans).unwrap();
    let error = NnUnetFolder::open(copy.path()).unwrap_err().to_string();
    assert!(
        error.contains("inside the folder") && error.contains("link"),
        "{error}"
    );
}

#[test]
fn a_second_stage_has_a_channel_for_each_label_of_the_first() {
    let copy = changed(HEART, "plans.json", |text| {
        // What the checkpoint calls 3d_fullres becomes the one behind another.
        let text = text.replace(
            "\"inherits_from\": \"3d_fullres\"",
            "\"inherits_from\": \"base\"",
        );
        let text = text.replace("\"3d_fullres\"", "\"base\"");
        text.replace("\"3d_cascade_fullres\": {", "\"3d_fullres\": {")
    });
    let folder = NnUnetFolder::open(copy.path()).unwrap();
    assert_eq!(folder.plan().previous_stage.as_deref(), Some("3d_lowres"));
    assert_eq!(folder.model().in_channels(), 3);
}

#[test]
fn bundles_that_are_not_understood_name_key_and_value() {
    let open = |path: &Path| MonaiBundle::open(path)?.model().map(|_| ());
    check_refused(
        "spleen_ct_segmentation",
        "configs/inference.json",
        &[
            (
                "\"UNet\"",
                "\"monai.nets.DiNTS\"",
                &["network_def._target_", "DiNTS"],
            ),
            ("\"UNet\"", "7", &["network_def._target_", "7"]),
            (
                "\"num_res_units\"",
                "\"res_units\"",
                &["network_def.res_units"],
            ),
            (
                "\"num_res_units\": 2",
                "\"num_res_units\": 1e9",
                &["num_res_units"],
            ),
            (
                "\"$1 + 1\"",
                "\"$len(@labels)\"",
                &["out_channels", "@labels", "reference"],
            ),
            (
                "\"$1 + 1\"",
                "\"$__import__('os').getpid()\"",
                &["out_channels", "not executed"],
            ),
            ("\"$1 + 1\"", "\"@classes\"", &["out_channels", "@classes"]),
            ("\"$1 + 1\"", "-1", &["out_channels", "-1"]),
            (
                "\"@spatial_dims\"",
                "\"@network_def\"",
                &["references deep"],
            ),
            ("\"@spatial_dims\"", "4", &["spatial_dims", "4"]),
            (
                "%strides.json::two",
                "%strides.json::three",
                &["strides", "three"],
            ),
            ("\"batch\"", "\"layer\"", &["norm", "layer"]),
            // `None` is not the default here: no normalisation, no activation, no bias.
            ("\"batch\"", "null", &["network_def.norm", "nothing"]),
            (
                "\"norm\":",
                "\"act\": null, \"norm\":",
                &["network_def.act", "nothing"],
            ),
            (
                "\"norm\":",
                "\"bias\": null, \"norm\":",
                &["network_def.bias", "nothing"],
            ),
            (
                "\"num_res_units\": 2",
                "\"num_res_units\": null",
                &["network_def.num_res_units", "nothing"],
            ),
            (
                "\"batch\"",
                "[\"batch\", {\"affine\": null}]",
                &["norm.1.affine", "nothing"],
            ),
            (
                "\"num_res_units\": 2",
                "\"num_res_units\": 257",
                &["num_res_units", "256"],
            ),
            (
                "[\n   4",
                "[4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,\n   4",
                &["channels", "16 levels"],
            ),
            // Relative to where they stand.
            (
                "\"@spatial_dims\"",
                "\"@::axes\"",
                &["spatial_dims", "root"],
            ),
            ("\"@spatial_dims\"", "\"@##spatial_dims\"", &["root"]),
            ("\"@spatial_dims\"", "\"%#in_channels\"", &["root"]),
            ("\"@spatial_dims\"", "\"$@::spatial_dims\"", &["root"]),
            (
                "\"@spatial_dims\"",
                "\"@network_def##in_channels\"",
                &["root"],
            ),
            (
                "\"batch\"",
                "[\"instance\", {\"eps\": 0.1}]",
                &["norm.1.eps", "0.1"],
            ),
            (
                "\"_target_\": \"UNet\"",
                "\"_target_\": \"UNet\", \"_disabled_\": true",
                &["_disabled_"],
            ),
            ("[\n   4", "[\n   0", &["network_def", "channels"]),
        ],
        open,
    );
    for macro_ in ["%../outside.json::x", "%/etc/passwd.json::x"] {
        let file = "configs/inference.json";
        let copy = changed("spleen_ct_segmentation", file, |text| {
            text.replace("%strides.json::two", macro_)
        });
        let error = open(copy.path()).unwrap_err().to_string();
        assert!(error.contains("inside the folder"), "{macro_}: {error}");
    }
    check_refused(
        "spleen_ct_segmentation",
        "configs/metadata.json",
        &[
            ("\"1.4.0\"", "\"new\"", &["monai_version", "new"]),
            (
                "\"num_channels\": 1",
                "\"num_channels\": \"one\"",
                &["inputs.image.num_channels"],
            ),
            (
                "\"0\": \"image\"",
                "\"zero\": \"image\"",
                &["channel_def.zero"],
            ),
        ],
        open,
    );
    let inferer = |path: &Path| MonaiBundle::open(path)?.inferer().map(|_| ());
    check_refused(
        "spleen_ct_segmentation",
        "configs/inference.json",
        &[
            (
                "\"overlap\": 0.5",
                "\"overlap\": 1.5",
                &["inferer.overlap", "1.5"],
            ),
            ("\"sw_batch_size\"", "\"sw_batch\"", &["inferer.sw_batch"]),
        ],
        inferer,
    );
}

#[test]
fn transforms_that_are_given_something_else_are_listed_without_a_step() {
    let file = "configs/inference.json";
    let cases = [
        (2, "\"axcodes\"", "\"labels\": [\"LR\"], \"axcodes\""),
        (3, "\"pixdim\": [\n     1.5", "\"pixdim\": [\n     -1.5"),
        (3, "\"pixdim\"", "\"dtype\": \"$np.int16\", \"pixdim\""),
        (4, "\"a_min\": -57", "\"a_min\": \"low\""),
        (4, "\"a_min\"", "\"dtype\": \"int32\", \"a_min\""),
    ];
    for (changed_step, from, to) in cases {
        let copy = changed("spleen_ct_segmentation", file, |text| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let bundle = MonaiBundle::open(copy.path()).unwrap();
        for (i, transform) in bundle.preprocessing().unwrap().iter().enumerate() {
            let known = (2..5).contains(&i) && i != changed_step;
            assert_eq!(transform.step.is_some(), known, "{to}: {transform:?}");
        }
    }
    let crop = |arguments: &str| {
        let copy = changed("spleen_ct_segmentation", file, |_| {
            format!("{{\"preprocessing\": [{{\"_target_\": \"CropForegroundd\", {arguments}}}]}}")
        });
        let bundle = MonaiBundle::open(copy.path()).unwrap();
        bundle.preprocessing().unwrap().remove(0).step
    };
    let step = |margin| Some(Step::CropForeground { margin });
    assert_eq!(crop("\"allow_smaller\": true"), step(0));
    assert_eq!(crop("\"margin\": 2, \"mode\": \"constant\""), step(2));
    assert_eq!(crop("\"margin\": 2, \"allow_smaller\": true"), None);
    assert_eq!(crop("\"margin\": 2, \"mode\": \"edge\""), None);
    assert_eq!(crop("\"channel_indices\": 0"), None);
    assert_eq!(crop("\"margin\": \"wide\""), None);
}

/// A bundle whose configuration is this.
fn configured(config: &str) -> MonaiBundle {
    let file = "configs/inference.json";
    let copy = changed("spleen_ct_segmentation", file, |_| config.to_owned());
    MonaiBundle::open(copy.path()).unwrap()
}

fn model(arguments: &str) -> Result<ModelConfig, Error> {
    let file = "configs/inference.json";
    let copy = changed("spleen_ct_segmentation", file, |_| {
        format!("{{\"network_def\": {{\"_target_\": {arguments}}}}}")
    });
    MonaiBundle::open(copy.path())?.model()
}

#[test]
fn groups_count_where_monai_looks_at_them() {
    let normalization = |arguments: &str| match model(arguments) {
        Ok(ModelConfig::SegResNet(config)) => Ok(config.normalization),
        Ok(ModelConfig::SegResNetDS(config)) => Ok(config.normalization),
        other => Err(other.unwrap_err().to_string()),
    };
    let groups = |groups| Ok(Normalization::Group { groups });
    assert_eq!(normalization("\"SegResNet\""), groups(8));
    let old = "\"SegResNet\", \"norm_name\": \"GROUP\", \"num_groups\": 4";
    assert_eq!(normalization(old), groups(4));
    let error = normalization("\"SegResNet\", \"num_groups\": 4").unwrap_err();
    assert!(error.contains("num_groups"), "{error}");
    let vae = "\"SegResNetVAE\", \"input_image_size\": [32, 32, 32], \"num_groups\": 8";
    let error = normalization(vae).unwrap_err();
    assert!(error.contains("num_groups"), "{error}");
    // Scale and shift are trained there unless it is said.
    let instance = "\"SegResNetDS\", \"norm\": \"instance\"";
    assert_eq!(normalization(instance), Ok(Normalization::Instance));
    let plain = "\"SegResNetDS\", \"norm\": [\"instance\", {\"affine\": false}]";
    assert_eq!(normalization(plain), Ok(Normalization::PlainInstance));
}

#[test]
fn prelu_has_a_parameter_a_channel_by_one_name_alone() {
    let activation = |act: &str| match model(&format!("\"VNet\", \"act\": {act}")) {
        Ok(ModelConfig::VNet(config)) => config.activation,
        other => panic!("{other:?}"),
    };
    let init = 0.25;
    let each = Nonlinearity::ChannelPrelu { init };
    assert_eq!(activation("\"prelu\""), each);
    let one = Nonlinearity::Prelu { init };
    assert_eq!(activation("[\"prelu\", {}]"), one);
    assert_eq!(activation("\"PRELU\""), one);
}

#[test]
fn quoted_text_is_no_reference() {
    let bundle = configured("{\"a\": 3, \"b\": \"$'@a'\", \"c\": \"$[@a, '@a', '%a']\"}");
    let text = |text: &str| Value::Text(text.to_owned());
    assert_eq!(bundle.part("b").unwrap(), Some(text("@a")));
    let list = vec![Value::Integer(3), text("@a"), text("%a")];
    assert_eq!(bundle.part("c").unwrap(), Some(Value::List(list)));
}

#[test]
fn windows_and_features_of_transformers_are_those_of_a_machine() {
    let refused = |checked: Result<(), Error>| checked.unwrap_err().to_string();
    let swin = SwinConfig::swin_t(2);
    assert!(swin.clone().with_window([64; 2]).check().is_ok());
    for window in [[65, 64], [1 << 20; 2], [usize::MAX; 2]] {
        let error = refused(swin.clone().with_window(window).check());
        assert!(error.contains("window"), "{error}");
    }
    let large = swin.with_stages(usize::MAX - 1, &[1, 1], &[1, 1]);
    assert!(refused(large.check()).contains("features"));
    let error = refused(SwinUNETRConfig::new_3d(1, 2).with_window(&[17; 3]).check());
    assert!(error.contains("window"), "{error}");
    let error = refused(SwinUNETRConfig::new_3d(1, 2).with_filters(1 << 62).check());
    assert!(error.contains("filters"), "{error}");
}

#[test]
fn folders_of_folds_have_plain_numbers() {
    let copy = changed(HEART, "dataset.json", str::to_owned);
    let from = copy.path().join("fold_1/checkpoint_final.pth");
    for name in ["fold_+1", "fold_01"] {
        let fold = copy.path().join(name);
        fs::create_dir(&fold).unwrap();
        fs::copy(&from, fold.join("checkpoint_final.pth")).unwrap();
    }
    let folder = NnUnetFolder::open(copy.path()).unwrap();
    let numbers: Vec<_> = folder.folds().iter().map(|fold| fold.number).collect();
    assert_eq!(numbers, [Some(0), Some(1), None]);
}

#[test]
fn long_keys_lists_and_chains_are_refused_in_few_words() {
    let refused = |file: &str, from: &str, to: &str| {
        let copy = changed(HEART, file, |text| {
            assert!(text.contains(from), "{file} has no {from}");
            text.replace(from, to)
        });
        let error = NnUnetFolder::open(copy.path()).unwrap_err().to_string();
        assert!(error.len() < 800, "{}", error.len());
        error
    };
    let key = format!("\"{}\": \"2\"", "x".repeat(100_000));
    assert!(refused("dataset.json", "\"aorta\": 2", &key).contains("xxx..."));
    let list = format!("\"patch_size\": [{} ", "8, ".repeat(5000));
    let error = refused("plans.json", "\"patch_size\": [", &list);
    assert!(
        error.contains("patch_size") && error.contains("4096"),
        "{error}"
    );
    let mut chain = "\"configurations\": {".to_owned();
    for i in 0..20 {
        let next = i + 1;
        chain += &format!("\"c{i}\": {{\"inherits_from\": \"c{next}\"}}, ");
    }
    let copy = changed(HEART, "plans.json", |text| {
        let text = text.replace("\"configurations\": {", &chain);
        text.replace("\"batch_size\": 2", "\"inherits_from\": \"c0\"")
    });
    let error = NnUnetFolder::open(copy.path()).unwrap_err().to_string();
    assert!(error.contains("after 16 configurations"), "{error}");
}

#[test]
fn text_that_a_checkpoint_repeats_counts_each_time() {
    let name = "n".repeat(1000);
    let mut pickle = [
        b"\x80\x02}".as_slice(),
        &text("trainer_name"),
        b"](",
        &text(&name),
    ]
    .concat();
    pickle.extend(b"q\x63");
    pickle.extend(b"h\x63".repeat(100));
    pickle.extend(b"es.");
    let copy = changed(HEART, "dataset.json", str::to_owned);
    let path = copy.path().join("fold_0/checkpoint_final.pth");
    fs::write(path, checkpoint(pickle)).unwrap();
    let error = NnUnetFolder::open(copy.path()).unwrap_err().to_string();
    assert!(error.contains("bytes of text"), "{error}");
}

#[test]
fn references_that_multiply_are_refused() {
    let mut config = "{\"network_def\": {\"_target_\": \"UNet\", \"channels\": \"@a0\"}".to_owned();
    for level in 0..40 {
        let next = level + 1;
        config += &format!(", \"a{level}\": [\"@a{next}\", \"@a{next}\"]");
    }
    config += ", \"a40\": 1}";
    let file = "configs/inference.json";
    let copy = changed("spleen_ct_segmentation", file, |_| config.clone());
    let error = MonaiBundle::open(copy.path())
        .unwrap()
        .model()
        .unwrap_err()
        .to_string();
    assert!(error.contains("values"), "{error}");
}
