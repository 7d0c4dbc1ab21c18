//! What holds for every network.

use medcore::random::Key;
use medmodels::basic_unet::BasicUNetConfig;
use medmodels::{ModelConfig, Task, create};
use mednn::candle_core::{DType, Tensor};
use mednn::context::Context;
use mednn::graph::Graph;
use mednn::model::Inputs;
use mednn::model::Model as _;
use mednn::params::{LoadPolicy, Params};
use mednn::plan::Planned;
use mednn::tape::Pass;

use crate::reference::{fill, tensor, values};

mod networks;
mod refusals;

pub(crate) use networks::{backbones, networks};

pub(crate) fn bits(tensor: &Tensor) -> Vec<u32> {
    let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    values.into_iter().map(f32::to_bits).collect()
}

#[test]
fn a_saved_network_gives_the_same_output_when_loaded() {
    let folder = tempfile::tempdir().unwrap();
    for (i, (config, shape)) in networks().into_iter().enumerate() {
        let path = folder.path().join(format!("{i}.safetensors"));
        let network = create(&config, &Params::new(5)).unwrap();
        // torchvision's vision transformer begins with logits of zero.
        fill(&*network);
        network.params().save_safetensors(&path).unwrap();
        let other = create(&config, &Params::new(6)).unwrap();
        let output = |network: &dyn mednn::model::Model| {
            let inputs = Inputs::from(tensor("image", &shape));
            bits(
                &network
                    .forward(&inputs, &Context::evaluate())
                    .unwrap()
                    .logits,
            )
        };
        assert_ne!(output(&*network), output(&*other));
        let policy = LoadPolicy::strict();
        other.params().load_safetensors(&path, &policy).unwrap();
        assert_eq!(output(&*network), output(&*other));
    }
}

#[test]
fn weights_for_other_channels_and_classes_are_adapted_at_both_ends_and_nowhere_else() {
    for (config, _) in networks() {
        let network = create(&config, &Params::new(5)).unwrap();
        let mut json = serde_json::to_value(&config).unwrap();
        if json.to_string().contains("perceptron") {
            // A linear map of all values of a patch has no axis of channels.
            continue;
        }
        let classes = config.out_channels() + 1;
        // A network made of another has the settings of that one.
        let holders = ["encoder", "segmenter", "backbone"].into_iter();
        let holder = |key: &str| holders.clone().find(|holder| json[*holder][key].is_u64());
        let [of_image, of_classes] = [holder("in_channels"), holder("out_channels")];
        match of_classes.filter(|_| !json["out_channels"].is_u64()) {
            Some(holder) => json[holder]["out_channels"] = classes.into(),
            None => json["out_channels"] = classes.into(),
        }
        // A block that gives as many channels as it is given has no shortcut: other names.
        let same_names = |channels: usize| {
            let mut json = json.clone();
            match of_image {
                Some(holder) => json[holder]["in_channels"] = channels.into(),
                None => json["in_channels"] = channels.into(),
            }
            let other: ModelConfig = serde_json::from_value(json).unwrap();
            let fitted = create(&other, &Params::new(6)).ok()?;
            let same = fitted.params().names() == network.params().names();
            same.then_some((channels, other, fitted))
        };
        let more = [2 * config.in_channels(), 3 * config.in_channels()];
        let (channels, other, fitted) = more.into_iter().find_map(same_names).unwrap();
        let origin = std::path::Path::new("memory");
        let weights = network.params().snapshot().unwrap();
        let refused =
            { fitted.params() }.load_tensors(origin, weights.clone(), &other.load_policy());
        assert!(refused.is_err(), "{config:?}");
        let report = { fitted.params() }.load_tensors(origin, weights, &other.transfer_policy());
        let report = report.unwrap();
        assert!(
            !report.adapted.is_empty() && !report.misshapen.is_empty(),
            "{config:?}"
        );
        assert!(
            report.missing.is_empty() && report.unexpected.is_empty(),
            "{config:?}"
        );
        let kept = report.loaded.len() + report.misshapen.len();
        assert_eq!(kept, fitted.params().names().len());
        // As many of the file's values are new as the two ends have.
        for stem in &report.adapted {
            assert_eq!(
                (stem.got[1], stem.expected[1]),
                (config.in_channels(), channels),
                "{}",
                stem.name
            );
        }
    }
}

#[test]
fn a_planned_network_gives_the_same_but_for_rounding() {
    for (config, shape) in networks() {
        let network = create(&config, &Params::new(5)).unwrap();
        // Running statistics that say something.
        let inputs = Inputs::from(tensor("image", &shape));
        network
            .forward(&inputs, &Context::train(Key::new(3)))
            .unwrap();
        let planned = Planned::new(&*network);
        let mut other = shape.clone();
        other[0] += 1;
        for shape in [&shape, &other] {
            let inputs = Inputs::from(tensor("image", shape));
            let eager = network.forward(&inputs, &Context::evaluate()).unwrap();
            let fast = planned.forward(&inputs, &Context::evaluate()).unwrap();
            let again = planned.forward(&inputs, &Context::evaluate()).unwrap();
            assert_eq!(eager.scales().count(), fast.scales().count());
            for ((eager, fast), again) in eager.scales().zip(fast.scales()).zip(again.scales()) {
                assert_eq!(bits(fast), bits(again), "{config:?}");
                let largest = values(eager).iter().fold(0.0, |m: f64, v| m.max(v.abs()));
                for (a, b) in values(eager).iter().zip(values(fast)) {
                    assert!((a - b).abs() <= 2e-5 * largest, "{config:?}: {a} {b}");
                }
            }
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
                let inputs = Inputs::from(tensor("image", &shape));
                let context = Context::train(Key::new(3));
                let outputs = network.forward(&inputs, &context).unwrap();
                let loss = outputs.logits.sqr().unwrap().mean_all().unwrap();
                let gradients = loss.backward().unwrap();
                let mut all = vec![bits(&outputs.logits)];
                for parameter in network.params().parameters() {
                    if let Some(gradient) = gradients.get(parameter.var().as_tensor()) {
                        all.push(bits(gradient));
                    }
                }
                all
            })
        };
        let one = run(1);
        assert!(one.len() > 10);
        assert!(one == run(2) && one == run(3), "{config:?}");
    }
}

#[test]
fn every_parameter_gets_a_gradient_and_checkpoints_change_no_bit_of_it() {
    for (config, shape) in networks() {
        let step = |context: Context| {
            let network = create(&config, &Params::new(5)).unwrap();
            let inputs = Inputs::from(tensor("image", &shape));
            let pass = Pass::run(&*network, &inputs, &context).unwrap();
            let squares = |t: &Tensor| t.sqr().unwrap().mean_all().unwrap();
            let outputs = pass.outputs();
            let all = outputs.scales().chain(outputs.features.values());
            let mut losses = all.map(squares);
            let first = losses.next().unwrap();
            let loss = losses.fold(first, |sum, loss| (sum + loss).unwrap());
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
        // Some parameters give features alone.
        let context = Context::train(Key::new(3)).with_features(["vae.image", "vae.std"]);
        let plain = step(context.clone());
        let checkpointed = step(context.with_gradient_checkpointing());
        assert!(plain == checkpointed, "{config:?}");
    }
}

#[test]
fn the_graph_of_a_network_computes_the_same_bits() {
    for (config, shape) in networks() {
        let network = create(&config, &Params::new(5)).unwrap();
        let inputs = Inputs::from(tensor("image", &shape));
        for context in [Context::evaluate(), Context::train(Key::new(3)).untracked()] {
            let graph = Graph::record_with(&*network, &inputs, &context).unwrap();
            let eager = network.forward(&inputs, &context).unwrap();
            let replayed = graph.run(network.params(), &inputs).unwrap();
            for (eager, replayed) in eager.scales().zip(replayed.scales()) {
                assert!(bits(eager) == bits(replayed), "{config:?}\n{graph}");
            }
            assert_eq!(eager.auxiliary.len(), replayed.auxiliary.len());
            let weighted = graph
                .nodes()
                .iter()
                .filter(|n| n.op.name().starts_with("conv") || n.op.name() == "linear");
            assert!(weighted.clone().count() > 5 && weighted.clone().all(|n| n.layer.is_some()));
        }
        // With other weights the same graph gives what the network gives.
        let graph = Graph::record(&*network, &inputs).unwrap();
        let other = create(&config, &Params::new(6)).unwrap();
        let eager = other.forward(&inputs, &Context::evaluate()).unwrap();
        let replayed = graph.run(other.params(), &inputs).unwrap();
        assert!(bits(&eager.logits) == bits(&replayed.logits), "{config:?}");
    }
}

#[test]
fn evaluation_keeps_no_tape_and_no_lower_resolutions() {
    for (config, shape) in networks() {
        let network = create(&config, &Params::new(5)).unwrap();
        let inputs = Inputs::from(tensor("image", &shape));
        let outputs = network.forward(&inputs, &Context::evaluate()).unwrap();
        assert!(!outputs.logits.track_op());
        assert!(outputs.features.is_empty());
        let mut expected = shape.clone();
        match config.task() {
            // Each level says something of its own.
            Task::Detection => {
                assert!(outputs.auxiliary.len() >= 2);
                continue;
            }
            Task::Classification => expected.truncate(2),
            _ => {}
        }
        expected[1] = config.out_channels();
        assert!(outputs.auxiliary.is_empty());
        assert_eq!(outputs.logits.dims(), expected);
    }
}

#[test]
fn descriptions_survive_json() {
    for (config, _) in networks() {
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<ModelConfig>(&json).unwrap(), config);
    }
    let unknown = r#"{"architecture": "Unknown"}"#;
    assert!(serde_json::from_str::<ModelConfig>(unknown).is_err());
}

#[test]
fn a_store_takes_one_network_of_a_kind() {
    let params = Params::new(1);
    let config = ModelConfig::from(BasicUNetConfig::new_2d(1, 2));
    create(&config, &params).unwrap();
    assert!(create(&config, &params).is_err());
}

#[test]
fn networks_can_be_shared_between_threads() {
    fn shareable<T: Send + Sync>() {}
    shareable::<medmodels::basic_unet::BasicUNet<3>>();
    shareable::<medmodels::plain_conv_unet::PlainConvUNet<2>>();
    shareable::<medmodels::seg_resnet::SegResNet<3>>();
    shareable::<medmodels::seg_resnet_ds::SegResNetDS<3>>();
    shareable::<medmodels::attention_unet::AttentionUnet<3>>();
    shareable::<medmodels::unet::UNet<3>>();
    shareable::<medmodels::basic_unet_plus_plus::BasicUNetPlusPlus<3>>();
    shareable::<medmodels::deep_lab_v3::DeepLabV3<2>>();
    shareable::<medmodels::deep_lab_v3_plus::DeepLabV3Plus<2>>();
    shareable::<medmodels::seg_resnet_vae::SegResNetVAE<3>>();
    shareable::<medmodels::flexible_unet::FlexibleUNet<3>>();
    shareable::<medmodels::mesh_net::MeshNet<3>>();
    shareable::<medmodels::vnet::VNet<3>>();
    shareable::<medmodels::dyn_unet::DynUNet<3>>();
    shareable::<medmodels::res_enc_unet::ResEncUNet<3>>();
    shareable::<medmodels::resnet::ResNet<2>>();
    shareable::<medmodels::densenet::DenseNet<2>>();
    shareable::<medmodels::efficientnet::EfficientNet<3>>();
    shareable::<medmodels::mobilenet_v3::MobileNetV3>();
    shareable::<medmodels::convnext::ConvNeXt>();
    shareable::<medmodels::senet::SENet<3>>();
    shareable::<medmodels::unetr::UNETR<3>>();
    shareable::<medmodels::segformer::SegFormer<2>>();
    shareable::<medmodels::swin::Swin>();
    shareable::<medmodels::swin_unetr::SwinUNETR<3>>();
    shareable::<medmodels::vgg::Vgg>();
    shareable::<medmodels::vit::ViT<3>>();
}
