//! What holds for every network.

use medcore::random::Key;
use medmodels::basic_unet::BasicUNetConfig;
use medmodels::densenet::DenseNetConfig;
use medmodels::plain_conv_unet::PlainConvUNetConfig;
use medmodels::resnet::ResNetConfig;
use medmodels::vgg::VggConfig;
use medmodels::yolo::YoloConfig;
use medmodels::{ModelConfig, Normalization, Task, create};
use mednn::candle_core::{DType, Tensor};
use mednn::context::Context;
use mednn::graph::Graph;
use mednn::model::Inputs;
use mednn::params::{LoadPolicy, Params};
use mednn::tape::Pass;

use crate::reference::tensor;

fn networks() -> Vec<(ModelConfig, Vec<usize>)> {
    let plain_2d = PlainConvUNetConfig::nnunet_2d(1, 3, 3);
    let plain_3d = PlainConvUNetConfig::nnunet_3d(1, 3, 3);
    let basic_2d = BasicUNetConfig::new_2d(1, 3).with_features([4; 6]);
    let basic_3d = BasicUNetConfig::new_3d(1, 3).with_features([4; 6]);
    vec![
        (basic_2d.clone().into(), vec![2, 1, 35, 48]),
        (
            basic_2d
                .with_dropout(0.3)
                .with_normalization(Normalization::Batch)
                .into(),
            vec![2, 1, 35, 48],
        ),
        (basic_3d.into(), vec![1, 1, 32, 33, 40]),
        (
            plain_2d.with_features(&[4, 6, 8]).unwrap().into(),
            vec![2, 1, 20, 24],
        ),
        (
            plain_3d.with_features(&[4, 6, 8]).unwrap().into(),
            vec![1, 1, 12, 16, 8],
        ),
        (
            YoloConfig::v8n(2, 3).with_factors(0.1, 0.0625).into(),
            vec![2, 2, 64, 32],
        ),
        (
            YoloConfig::v5n(1, 3).with_factors(0.1, 0.0625).into(),
            vec![1, 1, 32, 64],
        ),
        (
            ResNetConfig::resnet50(3)
                .with_groups(4, 32)
                .with_blocks([2, 1, 1, 1])
                .with_features([8, 8, 16, 16])
                .into(),
            vec![2, 3, 39, 35],
        ),
        (
            ResNetConfig::resnet18(3)
                .medical_net()
                .with_features([4, 6, 8, 8])
                .into(),
            vec![2, 1, 19, 35, 23],
        ),
        (
            DenseNetConfig::densenet121(3)
                .with_init_features(8)
                .with_growth_rate(4)
                .with_blocks(&[2, 3, 1])
                .into(),
            vec![2, 3, 37, 35],
        ),
        (
            DenseNetConfig::densenet121(3)
                .monai(3)
                .with_init_features(8)
                .with_growth_rate(4)
                .with_blocks(&[2, 2])
                .with_dropout(0.3)
                .into(),
            vec![2, 3, 19, 17, 18],
        ),
        (
            VggConfig::vgg13_bn(3)
                .with_features([4, 4, 6, 6, 4])
                .with_hidden(16)
                .into(),
            vec![2, 3, 33, 47],
        ),
        (
            VggConfig::vgg11(3)
                .with_features([4, 4, 6, 6, 4])
                .with_hidden(16)
                .into(),
            vec![1, 3, 35, 32],
        ),
    ]
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    values.into_iter().map(f32::to_bits).collect()
}

#[test]
fn a_saved_network_gives_the_same_output_when_loaded() {
    let folder = tempfile::tempdir().unwrap();
    for (i, (config, shape)) in networks().into_iter().enumerate() {
        let path = folder.path().join(format!("{i}.safetensors"));
        let network = create(&config, &Params::new(5)).unwrap();
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
            let mut losses = pass.outputs().scales().map(squares);
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
        let plain = step(Context::train(Key::new(3)));
        let checkpointed = step(Context::train(Key::new(3)).with_gradient_checkpointing());
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
            let convolutions = graph.nodes().iter().filter(|n| n.op.name() == "conv");
            assert!(
                convolutions.clone().count() > 5 && convolutions.clone().all(|n| n.layer.is_some())
            );
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
                assert_eq!(outputs.auxiliary.len(), 2);
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
    let unknown = r#"{"architecture": "VNet"}"#;
    assert!(serde_json::from_str::<ModelConfig>(unknown).is_err());
}

#[test]
fn inputs_a_network_cannot_work_on_are_named() {
    let refused = |config: ModelConfig, shape: &[usize]| {
        let network = create(&config, &Params::new(5)).unwrap();
        let inputs = Inputs::from(tensor("image", shape));
        let error = network.forward(&inputs, &Context::evaluate()).unwrap_err();
        error.to_string()
    };
    let basic = BasicUNetConfig::new_3d(1, 2).with_features([2; 6]);
    let error = refused(basic.clone().into(), &[1, 1, 32, 15, 32]);
    assert!(
        error.contains("axis 3") && error.contains("at least 16"),
        "{error}"
    );
    let error = refused(basic.clone().into(), &[1, 1, 31, 16, 20]);
    assert!(
        error.contains("axis 2") && error.contains("32 long"),
        "{error}"
    );
    let error = refused(basic.clone().into(), &[1, 2, 32, 32, 32]);
    assert!(error.contains("1 channels"), "{error}");
    let error = refused(basic.into(), &[1, 1, 32, 32]);
    assert!(error.contains("must have 5 axes"), "{error}");
    let plain = PlainConvUNetConfig::nnunet_3d(1, 2, 3)
        .with_strides(&[[1, 1, 1], [1, 2, 2], [2, 2, 2]])
        .and_then(|c| c.with_features(&[2, 3, 4]))
        .unwrap();
    let error = refused(plain.into(), &[1, 1, 6, 8, 10]);
    assert!(
        error.contains("axis 4") && error.contains("multiple of 4"),
        "{error}"
    );
    // The shortest axis DenseNet can work on is named, and is long enough.
    let dense = DenseNetConfig::densenet121(2)
        .with_growth_rate(2)
        .with_blocks(&[1; 4]);
    let error = refused(dense.clone().into(), &[1, 3, 40, 28]);
    assert!(
        error.contains("axis 3") && error.contains("at least 29"),
        "{error}"
    );
    let network = create(&dense.into(), &Params::new(5)).unwrap();
    let smallest = Inputs::from(tensor("image", &[1, 3, 29, 29]));
    assert!(network.forward(&smallest, &Context::evaluate()).is_ok());
    let vgg = VggConfig::vgg11(2).with_features([2; 5]).with_hidden(2);
    let error = refused(vgg.into(), &[1, 3, 31, 40]);
    assert!(error.contains("at least 32"), "{error}");
}

#[test]
fn settings_out_of_range_are_named() {
    let refused = |config: ModelConfig| match create(&config, &Params::new(1)) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{config:?} was accepted"),
    };
    let basic = BasicUNetConfig::new_2d(1, 2);
    assert!(refused(basic.clone().with_features([8, 8, 8, 8, 1, 8]).into()).contains("features"));
    assert!(refused(basic.with_dropout(1.0).into()).contains("dropout"));
    assert!(refused(BasicUNetConfig::new_2d(0, 2).into()).contains("in_channels"));
    assert!(refused(PlainConvUNetConfig::nnunet_2d(1, 2, 1).into()).contains("stages"));
    let plain = PlainConvUNetConfig::nnunet_2d(1, 2, 2);
    assert!(plain.clone().with_features(&[4]).is_err());
    let even = plain.clone().with_kernels(&[[3, 3], [2, 3]]).unwrap();
    assert!(refused(even.into()).contains("kernel"));
    let first = plain.with_strides(&[[2, 2], [2, 2]]).unwrap();
    assert!(refused(first.into()).contains("first stage"));
    let residual = ResNetConfig::resnet18(2);
    assert!(refused(residual.clone().with_groups(32, 4).into()).contains("basic blocks"));
    assert!(refused(residual.clone().with_stem([6, 7], [2, 2]).into()).contains("stem_kernel"));
    assert!(refused(residual.with_stem([7; 3], [2; 3]).into()).contains("stem_kernel"));
    let shrinking = ResNetConfig::resnet18(2)
        .medical_net()
        .with_features([8, 8, 6, 8]);
    assert!(refused(shrinking.into()).contains("growing"));
    let empty = ResNetConfig::resnet50(2).with_groups(1, 1);
    assert!(refused(empty.with_features([32; 4]).into()).contains("width_per_group"));
    assert!(refused(DenseNetConfig::densenet121(2).with_blocks(&[]).into()).contains("blocks"));
    assert!(refused(DenseNetConfig::densenet121(2).monai(4).into()).contains("spatial_dims"));
    assert!(refused(VggConfig::vgg11(2).with_hidden(0).into()).contains("hidden"));
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
    shareable::<medmodels::resnet::ResNet<2>>();
    shareable::<medmodels::densenet::DenseNet<2>>();
    shareable::<medmodels::vgg::Vgg>();
}
