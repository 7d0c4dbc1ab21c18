//! What holds for every network, here with a table.

use std::path::Path;

use medcore::random::Key;
use medmodels::backbone::BackboneConfig;
use medmodels::densenet::DenseNetConfig;
use medmodels::fusion::table::{Record, TableConfig, TableEncoder};
use medmodels::fusion::{
    ABSENT_TOKENS, ConcatenationConfig, FilmConfig, Fusion, FusionConfig, FusionKind, GatedConfig,
    ImageConfig, TABLE, TOKENS, TableMlpConfig, create,
};
use medmodels::resnet::ResNetConfig;
use medmodels::vit::ViTConfig;
use medmodels::{Architecture, ModelConfig};
use mednn::candle_core::{DType, Device, Tensor};
use mednn::context::Context;
use mednn::graph::Graph;
use mednn::model::{Inputs, Model};
use mednn::params::{LoadPolicy, Params};
use mednn::plan::Planned;
use mednn::tape::Pass;

use super::{attention, columns, mlp, vision};
use crate::laws::{backbones, bits};
use crate::reference::{fill, tensor, values};

/// All ways of joining, small.
pub(super) fn kinds() -> [FusionKind; 4] {
    [
        ConcatenationConfig::new()
            .with_mlp(mlp())
            .with_features(8)
            .into(),
        GatedConfig::new().with_mlp(mlp()).with_features(8).into(),
        FilmConfig::new().with_mlp(mlp()).into(),
        attention().into(),
    ]
}

/// All ways of joining on the networks most used, and the shapes of their images.
fn joined() -> Vec<(FusionConfig, Vec<usize>)> {
    let dense = DenseNetConfig::densenet121(1)
        .with_init_features(8)
        .with_growth_rate(4)
        .with_blocks(&[2, 1, 2]);
    let volumes = ResNetConfig::resnet18(1)
        .medical_net()
        .with_blocks([1; 4])
        .with_features([4, 4, 6, 6]);
    let patches = ViTConfig::vit_tiny_patch16_224(1)
        .with_image_size(&[12, 8])
        .with_patch_size(&[4, 4])
        .with_features(12, 3)
        .with_depth(2);
    let monai = ViTConfig::monai(1, 1, &[4, 6, 6], &[2, 3, 2])
        .with_features(12, 3)
        .with_depth(2);
    let [concatenation, gated, film, attention_alone] = kinds();
    let dropped = TableMlpConfig::new(&[6]).with_dropout(0.3);
    let texts = attention().with_tokens(5).with_dropout(0.2);
    let of = |image: ImageConfig, kind: FusionKind| FusionConfig::new(image, columns(), kind, 3);
    vec![
        (
            of(vision().into(), concatenation.clone()),
            vec![2, 3, 33, 40],
        ),
        (of(dense.clone().into(), gated), vec![2, 3, 35, 37]),
        (
            FusionConfig::new(
                volumes.clone(),
                columns(),
                FilmConfig::new().with_mlp(dropped),
                3,
            )
            .with_dropout(0.3),
            vec![2, 1, 33, 20, 18],
        ),
        (of(patches.clone().into(), film), vec![2, 3, 12, 8]),
        (of(patches.into(), texts.into()), vec![2, 3, 12, 8]),
        (of(volumes.into(), attention_alone), vec![2, 1, 18, 35, 20]),
        (of(monai.into(), concatenation), vec![2, 1, 4, 6, 6]),
    ]
}

/// Those, and every other network, joined in all ways in turn.
pub(crate) fn networks() -> Vec<(FusionConfig, Vec<usize>)> {
    let mut networks = joined();
    let of = |image: ImageConfig, kind: FusionKind| FusionConfig::new(image, columns(), kind, 3);
    let is_here = |image: &BackboneConfig| {
        matches!(
            image,
            BackboneConfig::ResNet(_) | BackboneConfig::DenseNet(_)
        )
    };
    let others = { backbones().into_iter() }.filter(|(image, _)| !is_here(image));
    let others = others.zip(kinds().into_iter().cycle());
    networks.extend(others.map(|((image, shape), kind)| (of(image.into(), kind), shape)));
    networks
}

/// The inputs of a network for another number of items.
pub(crate) fn inputs(config: &FusionConfig, shape: &[usize], batch: usize) -> Inputs {
    let shape = [&[batch], &shape[1..]].concat();
    let rows = tensor("table", &[batch, config.table.width()]);
    let inputs = Inputs::new(tensor("image", &shape)).with(TABLE, rows);
    let Some(width) = config.fusion.token_width() else {
        return inputs;
    };
    let absent = |i: usize| f32::from(i % 3 == 1);
    let absent: Vec<f32> = (0..batch * 2).map(absent).collect();
    let absent = Tensor::from_vec(absent, (batch, 2), &Device::Cpu).unwrap();
    inputs
        .with(TOKENS, tensor("tokens", &[batch, 2, width]))
        .with(ABSENT_TOKENS, absent)
}

#[test]
fn a_saved_network_gives_the_same_output_when_loaded() {
    let folder = tempfile::tempdir().unwrap();
    for (i, (config, shape)) in networks().into_iter().enumerate() {
        let path = folder.path().join(format!("{i}.safetensors"));
        let network = create(&config, &Params::new(5)).unwrap();
        network.params().save_safetensors(&path).unwrap();
        let other = create(&config, &Params::new(6)).unwrap();
        let inputs = inputs(&config, &shape, shape[0]);
        let output = |network: &dyn Model| {
            bits(
                &network
                    .forward(&inputs, &Context::evaluate())
                    .unwrap()
                    .logits,
            )
        };
        assert_ne!(output(&*network), output(&*other));
        { other.params() }
            .load_safetensors(&path, &LoadPolicy::strict())
            .unwrap();
        assert_eq!(output(&*network), output(&*other));
    }
}

#[test]
fn every_parameter_gets_a_gradient_and_checkpoints_change_no_bit_of_it() {
    for (config, shape) in networks() {
        let step = |context: Context| {
            let network = create(&config, &Params::new(5)).unwrap();
            fill(&*network);
            let inputs = inputs(&config, &shape, shape[0]);
            let pass = Pass::run(&*network, &inputs, &context).unwrap();
            let loss = pass.outputs().logits.sqr().unwrap().mean_all().unwrap();
            let gradients = pass.backward(loss).unwrap();
            let mut all = Vec::new();
            for parameter in network.params().parameters() {
                let gradient = gradients.get(parameter.var().as_tensor());
                let gradient = gradient.unwrap_or_else(|| panic!("{} has none", parameter.name()));
                all.push((parameter.name().to_owned(), bits(gradient)));
            }
            for name in network.params().names() {
                let value = network.params().tensor(&name).unwrap();
                if value.dtype() == DType::F32 {
                    all.push((name, bits(&value)));
                }
            }
            all
        };
        let plain = step(Context::train(Key::new(3)));
        // One that is zero everywhere would not be trained.
        let reached = |(_, gradient): &&(String, Vec<u32>)| gradient.iter().any(|b| b << 1 != 0);
        let dead: Vec<&String> = { plain.iter().filter(|entry| !reached(entry)) }
            .map(|(name, _)| name)
            .filter(|name| !name.contains("norm_cross_attn"))
            .collect();
        assert!(dead.is_empty(), "{dead:?}");
        let checkpointed = Context::train(Key::new(3)).with_gradient_checkpointing();
        assert!(plain == step(checkpointed), "{config:?}");
    }
}

/// Parameters are f32, so the step is long enough for the loss to change visibly and short enough for few rectifiers to turn.
/// Normalisations over the few voxels that other networks leave bend the loss too much for it; their gradients are held
/// against their references.
#[test]
fn the_gradient_is_the_slope_of_the_loss() {
    for (config, shape) in joined() {
        let network = create(&config, &Params::new(5)).unwrap();
        fill(&*network);
        let inputs = inputs(&config, &shape, shape[0]);
        // Nothing is dropped by another choice in the second run: the key is the same.
        let context = Context::train(Key::new(3)).with_recompute();
        let weights = tensor("loss", &[shape[0], config.out_channels]);
        let loss = || {
            let logits = network.forward(&inputs, &context).unwrap().logits;
            (logits * &weights).unwrap().sum_all().unwrap()
        };
        let start = loss();
        let gradients = start.backward().unwrap();
        let parameters = network.params().parameters();
        // One side after the other, as a long gradient hides a short one.
        for side in ["image.", "table.", "tokens.", "fusion.", "head."] {
            let moved: Vec<_> = { parameters.iter() }
                .filter(|parameter| parameter.name().starts_with(side))
                .map(|parameter| {
                    let gradient = gradients.get(parameter.var().as_tensor()).unwrap();
                    (parameter, parameter.value().copy().unwrap(), gradient)
                })
                .collect();
            if moved.is_empty() {
                continue;
            }
            let square: f64 = { moved.iter() }
                .flat_map(|(_, _, gradient)| values(gradient))
                .map(|v| v * v)
                .sum();
            let length = 1e-3 / square.sqrt();
            let loss_at = |step: f64| {
                for (parameter, value, gradient) in &moved {
                    let by = gradient.affine(step, 0.0).unwrap();
                    parameter.set(&(value + by).unwrap()).unwrap();
                }
                values(&loss())[0]
            };
            let slope = (loss_at(length) - loss_at(-length)) / (2.0 * length);
            loss_at(0.0);
            assert!(
                (slope - square).abs() <= 0.03 * square,
                "{side} of {config:?}: {slope}, the gradient says {square}"
            );
        }
    }
}

#[test]
fn results_and_gradients_are_the_same_to_the_bit_on_any_number_of_threads() {
    for (config, shape) in networks() {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| {
                let network = create(&config, &Params::new(5)).unwrap();
                let inputs = inputs(&config, &shape, shape[0]);
                let outputs = network
                    .forward(&inputs, &Context::train(Key::new(3)))
                    .unwrap();
                let loss = outputs.logits.sqr().unwrap().mean_all().unwrap();
                let gradients = loss.backward().unwrap();
                let mut all = vec![bits(&outputs.logits)];
                for parameter in network.params().parameters() {
                    all.push(bits(gradients.get(parameter.var().as_tensor()).unwrap()));
                }
                all
            })
        };
        let one = run(1);
        assert!(one == run(2) && one == run(3), "{config:?}");
    }
}

#[test]
fn training_and_evaluation_differ_as_they_should() {
    for (config, shape) in networks() {
        let network = create(&config, &Params::new(5)).unwrap();
        fill(&*network);
        let inputs = inputs(&config, &shape, shape[0]);
        let evaluated = || network.forward(&inputs, &Context::evaluate()).unwrap();
        let outputs = evaluated();
        assert_eq!(outputs.logits.dims(), [shape[0], config.out_channels]);
        assert!(!outputs.logits.track_op() && outputs.features.is_empty());
        assert_eq!(bits(&outputs.logits), bits(&evaluated().logits));
        let trained = |key: u64| {
            let context = Context::train(Key::new(key)).with_recompute();
            bits(&network.forward(&inputs, &context).unwrap().logits)
        };
        let drops = serde_json::to_string(&config).unwrap();
        let drops = ["\"dropout\":0.2", "\"dropout\":0.3"]
            .iter()
            .any(|setting| drops.contains(setting));
        assert_eq!(trained(1) != trained(2), drops, "{config:?}");
        let normalises_the_batch =
            !network.params().buffers().is_empty() && { network.params().names() }
                .iter()
                .any(|name| name.ends_with("running_mean"));
        assert_eq!(
            trained(1) != bits(&outputs.logits),
            drops || normalises_the_batch
        );
    }
}

#[test]
fn the_graph_and_the_plan_of_a_network_compute_the_same() {
    for (config, shape) in networks() {
        let network = create(&config, &Params::new(5)).unwrap();
        let given = inputs(&config, &shape, shape[0]);
        for context in [Context::evaluate(), Context::train(Key::new(3)).untracked()] {
            let graph = Graph::record_with(&*network, &given, &context).unwrap();
            let eager = network.forward(&given, &context).unwrap().logits;
            let replayed = graph.run(network.params(), &given).unwrap().logits;
            assert!(bits(&eager) == bits(&replayed), "{config:?}\n{graph}");
        }
        let planned = Planned::new(&*network);
        for batch in [shape[0], shape[0] + 1] {
            let given = inputs(&config, &shape, batch);
            let eager = network
                .forward(&given, &Context::evaluate())
                .unwrap()
                .logits;
            let fast = planned
                .forward(&given, &Context::evaluate())
                .unwrap()
                .logits;
            let largest = values(&eager).iter().fold(0.0, |m: f64, v| m.max(v.abs()));
            for (a, b) in values(&eager).iter().zip(values(&fast)) {
                assert!((a - b).abs() <= 2e-5 * largest, "{config:?}: {a} {b}");
            }
        }
    }
}

#[cfg(feature = "onnx")]
#[test]
fn every_network_is_written_as_onnx_for_any_batch() {
    use crate::onnx::{BATCHES, exported, hand_out};

    for (number, (config, shape)) in networks().into_iter().enumerate() {
        let network = create(&config, &Params::new(5)).unwrap();
        fill(&*network);
        let given = BATCHES.map(|batch| inputs(&config, &shape, batch));
        let export = medmodels::onnx::Export::new(&*network, &given[0]);
        let read = exported(&export.with_dynamic_batch(true));
        let names: Vec<&str> = read.inputs.iter().map(|port| port.name.as_str()).collect();
        match config.fusion.token_width() {
            None => assert_eq!(names, ["image", "table"]),
            Some(_) => assert_eq!(names, ["absent_tokens", "image", "table", "tokens"]),
        }
        assert!(read.inputs.iter().all(|port| port.dims[0] == "batch"));
        hand_out(&format!("fusion_{number}"), &*network, &given, true);
    }
}

#[test]
fn descriptions_survive_json_and_name_what_they_do_not_know() {
    for (config, _) in networks() {
        let json = serde_json::to_value(&config).unwrap();
        let read: FusionConfig = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(read, config);
        for place in [&[][..], &["image"], &["table"], &["fusion"]] {
            let mut other = json.clone();
            let inside = place.iter().fold(&mut other, |json, key| &mut json[*key]);
            inside["unheard_of"] = 1.into();
            let error = serde_json::from_value::<FusionConfig>(other).unwrap_err();
            assert!(error.to_string().contains("unheard_of"), "{error}");
        }
    }
}

#[test]
fn settings_out_of_range_are_named() {
    let refused = |config: FusionConfig| match create(&config, &Params::new(1)) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{config:?} was accepted"),
    };
    let of = |kind: FusionKind| FusionConfig::new(vision(), columns(), kind, 3);
    let [concatenation, ..] = kinds();
    let config = of(concatenation.clone());
    assert!(refused(config.clone().with_dropout(1.0)).contains("dropout"));
    let none = FusionConfig::new(vision(), columns(), concatenation.clone(), 0);
    assert!(refused(none).contains("out_channels"));
    let line = ResNetConfig::resnet18(1).monai(1);
    let line = FusionConfig::new(line, columns(), concatenation.clone(), 3);
    assert!(refused(line).contains("2 or 3"));
    let image = vision().with_features([4, 0, 4, 4]);
    let image = FusionConfig::new(image, columns(), concatenation, 3);
    assert!(refused(image).contains("features"));
    let mlp = |features: &[usize]| GatedConfig::new().with_mlp(TableMlpConfig::new(features));
    assert!(refused(of(mlp(&[]).into())).contains("at least one layer"));
    assert!(refused(of(mlp(&[4, 0]).into())).contains("mlp.features"));
    assert!(refused(of(GatedConfig::new().with_features(0).into())).contains("features"));
    assert!(refused(of(attention().with_features(8, 3).into())).contains("heads"));
    assert!(refused(of(attention().with_depth(0).into())).contains("depth"));
    assert!(refused(of(attention().with_tokens(0).into())).contains("token_width"));
    let wrong = Inputs::new(tensor("image", &[2, 1, 33, 40]))
        .with(TABLE, tensor("table", &[2, columns().width()]));
    let network = create(&config, &Params::new(1)).unwrap();
    let error = network.forward(&wrong, &Context::evaluate()).unwrap_err();
    assert!(error.to_string().contains("3 channels"), "{error}");
    assert!(Fusion::<3>::new(&config, &Params::new(1)).is_err());
}

#[test]
fn weights_of_the_classifier_go_below_the_image() {
    for (config, _) in networks() {
        let json = serde_json::to_value(&config.image).unwrap();
        let mut json = json;
        json["architecture"] = json["network"].take();
        json.as_object_mut().unwrap().remove("network");
        // As files are: other classes, and from a program that wraps its networks.
        json["out_channels"] = 7.into();
        let classifier: ModelConfig = serde_json::from_value(json).unwrap();
        let pretrained = medmodels::create(&classifier, &Params::new(9)).unwrap();
        let pretrained = pretrained.params().snapshot().unwrap();
        let wrapped = { pretrained.iter() }
            .map(|(name, value)| (format!("module.{name}"), value.clone()))
            .collect();
        let network = create(&config, &Params::new(5)).unwrap();
        let before = network.params().snapshot().unwrap();
        let report = network
            .params()
            .load_tensors(Path::new("memory"), wrapped, &config.image_policy())
            .unwrap();
        assert!(report.misshapen.is_empty() && !report.unexpected.is_empty());
        for name in network.params().names() {
            let value = network.params().tensor(&name).unwrap();
            let expected = match name.strip_prefix("image.") {
                Some(inside) => &pretrained[inside],
                None => &before[&name],
            };
            assert_eq!(values(&value), values(expected), "{name}");
        }
        // Nothing of the image may be missing.
        let first = report.loaded[0].strip_prefix("image.").unwrap().to_owned();
        let mut lacking = pretrained.clone();
        lacking.remove(&first);
        let lacking =
            { network.params() }.load_tensors(Path::new("memory"), lacking, &config.image_policy());
        assert!(lacking.is_err(), "{first}");
    }
}

#[test]
fn weights_for_other_channels_and_classes_are_adapted_at_both_ends() {
    for (config, _) in networks() {
        let network = create(&config, &Params::new(5)).unwrap();
        let mut json = serde_json::to_value(&config).unwrap();
        json["out_channels"] = 4.into();
        json["image"]["in_channels"] = 2.into();
        let other: FusionConfig = serde_json::from_value(json).unwrap();
        let fitted = create(&other, &Params::new(6)).unwrap();
        let weights = network.params().snapshot().unwrap();
        let memory = Path::new("memory");
        let strict = fitted
            .params()
            .load_tensors(memory, weights.clone(), &other.load_policy());
        assert!(strict.is_err());
        let policy = other.transfer_policy();
        let report = fitted
            .params()
            .load_tensors(memory, weights, &policy)
            .unwrap();
        assert_eq!(report.adapted.len(), 1, "{config:?}");
        let new: Vec<&str> = report.misshapen.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(new, ["head.bias", "head.weight"]);
        assert!(report.missing.is_empty() && report.unexpected.is_empty());
    }
}

#[test]
fn columns_may_stand_in_another_order_when_they_attend() {
    // Parameters of a column have its name, so weights find it wherever it stands.
    let config = |table| FusionConfig::new(vision(), table, attention(), 3);
    let network = create(&config(columns()), &Params::new(5)).unwrap();
    fill(&*network);
    let turned = columns().columns.into_iter().rev();
    let turned = turned.fold(TableConfig::new(), TableConfig::with);
    let other = create(&config(turned.clone()), &Params::new(6)).unwrap();
    other.params().copy_from(network.params()).unwrap();
    let record = Record::new()
        .with("age", 71.0)
        .with("systolic", 150.0)
        .with("sex", "f");
    let logits = |network: &dyn Model, table: TableConfig| {
        let encoder = TableEncoder::new(table).unwrap();
        let rows = encoder
            .rows(std::slice::from_ref(&record), &Device::Cpu)
            .unwrap();
        let inputs = Inputs::new(tensor("image", &[1, 3, 33, 40])).with(TABLE, rows);
        values(
            &network
                .forward(&inputs, &Context::evaluate())
                .unwrap()
                .logits,
        )
    };
    let expected = logits(&*network, columns());
    for (a, b) in expected.iter().zip(logits(&*other, turned)) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}
