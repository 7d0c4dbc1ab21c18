//! What holds for every network.

use medcore::random::Key;
use medmodels::attention_unet::AttentionUnetConfig;
use medmodels::basic_unet::BasicUNetConfig;
use medmodels::basic_unet_plus_plus::BasicUNetPlusPlusConfig;
use medmodels::convnext::ConvNeXtConfig;
use medmodels::deep_lab_v3::DeepLabV3Config;
use medmodels::deep_lab_v3_plus::DeepLabV3PlusConfig;
use medmodels::densenet::DenseNetConfig;
use medmodels::dyn_unet::DynUNetConfig;
use medmodels::efficientnet::{EfficientNetConfig, EfficientNetPadding};
use medmodels::flexible_unet::FlexibleUNetConfig;
use medmodels::mesh_net::MeshNetConfig;
use medmodels::mobilenet_v3::MobileNetV3Config;
use medmodels::plain_conv_unet::PlainConvUNetConfig;
use medmodels::res_enc_unet::ResEncUNetConfig;
use medmodels::resnet::ResNetConfig;
use medmodels::retinanet::RetinaNetConfig;
use medmodels::seg_resnet::SegResNetConfig;
use medmodels::seg_resnet_ds::SegResNetDSConfig;
use medmodels::seg_resnet_vae::SegResNetVAEConfig;
use medmodels::segformer::SegFormerConfig;
use medmodels::senet::SENetConfig;
use medmodels::swin::{SwinConfig, SwinConvention, SwinVersion};
use medmodels::swin_unetr::{SwinMerging, SwinUNETRConfig};
use medmodels::unet::UNetConfig;
use medmodels::unetr::UNETRConfig;
use medmodels::vgg::VggConfig;
use medmodels::vit::{PatchEmbedding, Positions, ViTConfig};
use medmodels::vnet::VNetConfig;
use medmodels::yolo::YoloConfig;
use medmodels::{AdnStep, ModelConfig, Nonlinearity, Normalization, Task, Upsampling, create};
use mednn::candle_core::{DType, Tensor};
use mednn::context::Context;
use mednn::graph::Graph;
use mednn::model::Inputs;
use mednn::model::Model as _;
use mednn::params::{LoadPolicy, Params};
use mednn::plan::Planned;
use mednn::tape::Pass;

use crate::reference::{fill, tensor, values};

pub(crate) fn networks() -> Vec<(ModelConfig, Vec<usize>)> {
    let plain_2d = PlainConvUNetConfig::nnunet_2d(1, 3, 3);
    let plain_3d = PlainConvUNetConfig::nnunet_3d(1, 3, 3);
    let basic_2d = BasicUNetConfig::new_2d(1, 3).with_features([4; 6]);
    let unet_2d = UNetConfig::new_2d(1, 3, &[4, 6, 8, 8]);
    let unet_3d = UNetConfig::new_3d(1, 3, &[4, 6, 8]).with_res_units(2);
    let seg_2d = SegResNetConfig::new_2d(1, 3).with_blocks(&[1, 2, 1], &[1, 2]);
    let seg_3d = SegResNetConfig::new_3d(1, 3).with_blocks(&[1, 1], &[2]);
    let deep_2d = SegResNetDSConfig::new_2d(1, 3).with_filters(4);
    let deep_3d = SegResNetDSConfig::new_3d(1, 3).with_filters(4);
    let gated_2d = AttentionUnetConfig::new_2d(1, 3, &[4, 6, 8]);
    let gated_3d = AttentionUnetConfig::new_3d(1, 3, &[4, 6]);
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
        (seg_2d.with_dropout(0.3).into(), vec![2, 1, 12, 20]),
        (
            seg_3d.with_upsampling(Upsampling::Transposed).into(),
            vec![1, 1, 6, 10, 4],
        ),
        (
            deep_2d
                .with_blocks_down(&[1, 2, 1])
                .with_blocks_up(&[1, 2])
                .with_upsampling(Upsampling::Linear)
                .into(),
            vec![2, 1, 12, 20],
        ),
        (
            deep_3d
                .with_blocks_down(&[1, 1, 1])
                .with_heads(2)
                .with_spacing(&[3.0, 1.0, 1.0])
                .into(),
            vec![1, 1, 6, 12, 20],
        ),
        (
            BasicUNetPlusPlusConfig::new_2d(1, 3)
                .with_features([4; 6])
                .with_dropout(0.3)
                .with_deep_supervision(true)
                .into(),
            vec![2, 1, 35, 18],
        ),
        (
            FlexibleUNetConfig::new(
                ResNetConfig::resnet18(1)
                    .medical_net()
                    .with_blocks([1; 4])
                    .with_features([4, 4, 6, 6]),
                3,
            )
            .with_decoder_channels(&[6, 4, 4, 3, 2])
            .with_upsampling(Upsampling::Transposed)
            .into(),
            vec![2, 1, 32, 64, 32],
        ),
        (
            FlexibleUNetConfig::new(
                DenseNetConfig::densenet121(1)
                    .with_init_features(8)
                    .with_growth_rate(4)
                    .with_blocks(&[2, 1, 1]),
                3,
            )
            .with_decoder_channels(&[8, 6, 4, 4])
            .with_dropout(0.3)
            .into(),
            vec![2, 3, 48, 32],
        ),
        (
            MeshNetConfig::new_3d(1, 3)
                .with_features(4)
                .with_dropout(0.3)
                .into(),
            vec![1, 1, 5, 12, 7],
        ),
        (
            MeshNetConfig::new_2d(2, 3).with_features(4).into(),
            vec![2, 2, 17, 9],
        ),
        (
            VNetConfig::new_3d(1, 3).with_filters(2).into(),
            vec![2, 1, 16, 32, 16],
        ),
        (
            VNetConfig::new_2d(2, 3)
                .with_filters(4)
                .with_activation(Nonlinearity::ChannelPrelu { init: 0.25 })
                .into(),
            vec![2, 2, 32, 16],
        ),
        (
            DeepLabV3Config::new(
                ResNetConfig::resnet50(1)
                    .with_blocks([1; 4])
                    .with_features([4, 4, 6, 6])
                    .with_dilated([false, true, true], false),
                3,
            )
            .with_features(4)
            .with_auxiliary(true)
            .into(),
            vec![2, 3, 33, 41],
        ),
        (
            DeepLabV3PlusConfig::on_resnet(
                ResNetConfig::resnet18(1)
                    .with_spatial_dims(3)
                    .with_blocks([1; 4])
                    .with_features([4, 4, 6, 6]),
                1,
                3,
            )
            .with_features(4)
            .with_rates([1, 2, 4], true)
            .into(),
            vec![2, 1, 16, 32, 16],
        ),
        (
            SegResNetVAEConfig::new(
                SegResNetConfig::new_2d(1, 3).with_blocks(&[1, 1], &[1]),
                [12, 20],
            )
            .with_latent(5)
            .with_estimated_std()
            .into(),
            vec![2, 1, 12, 20],
        ),
        (
            DynUNetConfig::new_2d(1, 3, 3)
                .with_filters(&[4, 6, 8])
                .with_dropout(0.3)
                .into(),
            vec![2, 1, 12, 20],
        ),
        (
            DynUNetConfig::new_3d(1, 3, 4)
                .with_filters(&[4, 6, 8, 8])
                .with_strides(&[[1, 2, 2], [2, 2, 2], [1, 1, 1]])
                .with_residual(true)
                .with_heads(2)
                .into(),
            vec![1, 1, 6, 12, 8],
        ),
        (
            ResEncUNetConfig::nnunet_2d(1, 3, 3)
                .with_features(&[4, 6, 8])
                .unwrap()
                .with_dropout(0.3)
                .into(),
            vec![2, 1, 12, 20],
        ),
        (
            ResEncUNetConfig::nnunet_3d(1, 3, 3)
                .with_features(&[4, 6, 6])
                .and_then(|c| c.with_blocks(&[1, 2, 1], &[1, 1]))
                .unwrap()
                .into(),
            vec![1, 1, 8, 12, 8],
        ),
        (gated_2d.with_dropout(0.3).into(), vec![2, 1, 20, 12]),
        (
            gated_3d.with_strides(&[[1, 2, 2]]).into(),
            vec![1, 1, 3, 8, 12],
        ),
        (unet_2d.with_dropout(0.3).into(), vec![2, 1, 16, 24]),
        (
            unet_3d
                .with_strides(&[[1, 2, 2], [2, 2, 2]])
                .with_normalization(Normalization::Batch)
                .into(),
            vec![1, 1, 6, 16, 12],
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
            YoloConfig::v8n(1, 3)
                .with_factors(0.1, 0.0625)
                .in_3d()
                .with_flat_halvings(2)
                .into(),
            vec![1, 1, 8, 32, 48],
        ),
        (
            YoloConfig::v5n(1, 3)
                .with_factors(0.1, 0.0625)
                .in_3d()
                .with_anchors(&[vec![[4.0, 6.0, 6.0]], vec![[8.0; 3]], vec![[16.0; 3]]])
                .with_flat_halvings(1)
                .into(),
            vec![1, 1, 8, 32, 16],
        ),
        (
            retina_net(2)
                .with_anchor_shapes(&[[8.0, 12.0]], &[1.0, 2.0])
                .into(),
            vec![2, 1, 16, 32],
        ),
        (
            retina_net(3)
                .with_anchor_shapes(&[[4.0; 3], [3.0, 6.0, 6.0]], &[1.0, 2.0])
                .into(),
            vec![1, 1, 8, 16, 16],
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
            ResNetConfig::resnet50(3)
                .monai(1)
                .with_features([4, 6, 8, 8])
                .with_blocks([1; 4])
                .into(),
            vec![2, 3, 67],
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
            EfficientNetConfig::b0(3).with_factors(0.125, 0.3).into(),
            vec![2, 3, 67, 35],
        ),
        (
            EfficientNetConfig::b1(3)
                .monai(3)
                .with_in_channels(1)
                .with_factors(0.125, 0.3)
                .into(),
            vec![2, 1, 33, 35, 34],
        ),
        (
            EfficientNetConfig::lite0(3)
                .efficientnet_pytorch()
                .with_padding(EfficientNetPadding::Same)
                .with_factors(0.125, 0.3)
                .into(),
            vec![2, 3, 66, 67],
        ),
        (
            MobileNetV3Config::small(3).with_width(0.125).into(),
            vec![2, 3, 35, 67],
        ),
        (
            ConvNeXtConfig::tiny(3)
                .with_blocks([1, 2, 1, 1])
                .with_features([4, 6, 8, 8])
                .with_layer_scale(0.5)
                .into(),
            vec![2, 3, 41, 67],
        ),
        (
            ConvNeXtConfig::tiny(3)
                .timm()
                .with_in_channels(1)
                .with_blocks([1, 1, 2, 1])
                .with_features([4, 6, 8, 8])
                .with_dropout(0.2, 0.2)
                .into(),
            vec![1, 1, 33, 47],
        ),
        (
            SENetConfig::senet154(3)
                .with_blocks([1, 2, 1, 1])
                .with_features(8, [4, 4, 8, 8])
                .with_groups(2)
                .into(),
            vec![2, 3, 35, 37],
        ),
        (
            SENetConfig::se_resnext50(3)
                .with_spatial_dims(3)
                .with_in_channels(1)
                .with_blocks([1; 4])
                .with_features(4, [16, 16, 16, 32])
                .with_groups(2)
                .into(),
            vec![2, 1, 18, 19, 21],
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
        (
            UNETRConfig::new(1, 3, &[32, 48])
                .with_filters(2)
                .with_features(8, 12, 2)
                .with_dropout(0.2)
                .into(),
            vec![2, 1, 32, 48],
        ),
        (
            UNETRConfig::new(1, 3, &[32, 16, 16])
                .with_filters(2)
                .with_features(8, 12, 2)
                .with_blocks(false, false)
                .into(),
            vec![1, 1, 32, 16, 16],
        ),
        (
            SegFormerConfig::mit_b0(3)
                .with_features([4, 6, 8, 8], [1, 2, 2, 4])
                .with_depths([1, 2, 1, 1])
                .with_head_features(8)
                .with_dropout(0.2, 0.2, 0.3)
                .with_attention_dropout(0.2)
                .into(),
            vec![2, 3, 37, 44],
        ),
        (
            SegFormerConfig::mit_b0(3)
                .with_spatial_dims(3)
                .with_in_channels(1)
                .with_features([4; 4], [1, 2, 2, 4])
                .with_depths([1; 4])
                .with_head_features(4)
                .into(),
            vec![1, 1, 30, 33, 29],
        ),
        (
            SwinConfig::swin_t(3)
                .with_stages(8, &[2, 3], &[2, 4])
                .with_window([3, 4])
                .with_dropout(0.2, 0.3)
                .with_attention_dropout(0.2)
                .into(),
            vec![2, 3, 29, 38],
        ),
        (
            SwinConfig::swin_tiny_patch4_window7_224(3)
                .with_stages(8, &[2, 2], &[2, 4])
                .with_window([4, 4])
                .with_convention(SwinConvention::Timm {
                    image_size: [32, 64],
                })
                .into(),
            vec![2, 3, 32, 64],
        ),
        (
            SwinConfig::swin_v2_t(3)
                .with_stages(8, &[2, 3], &[2, 4])
                .with_window([3, 4])
                .with_dropout(0.2, 0.3)
                .with_attention_dropout(0.2)
                .into(),
            vec![2, 3, 29, 38],
        ),
        (
            SwinConfig::swinv2_tiny_window8_256(3)
                .with_stages(8, &[2, 2], &[2, 4])
                .with_window([4, 4])
                .with_convention(SwinConvention::Timm {
                    image_size: [32, 64],
                })
                .into(),
            vec![2, 3, 32, 64],
        ),
        (
            SwinUNETRConfig::new_2d(1, 3)
                .with_filters(4)
                .with_stages([2, 2, 1, 1], [2, 2, 4, 4])
                .with_window(&[5, 3])
                .with_dropout(0.2, 0.3)
                .with_attention_dropout(0.2)
                .into(),
            vec![2, 1, 64, 32],
        ),
        (
            SwinUNETRConfig::new_3d(1, 3)
                .with_filters(2)
                .with_stages([2, 1, 1, 1], [1, 2, 4, 4])
                .with_window(&[3; 3])
                .with_merging(SwinMerging::MergingV2)
                .with_convolutions(true)
                .into(),
            vec![1, 1, 64, 32, 32],
        ),
        (
            ViTConfig::vit_small_patch14_dinov2(3)
                .with_patch_size(&[4, 4])
                .with_image_size(&[20, 12])
                .with_features(12, 3)
                .with_depth(3)
                .with_registers(2)
                .distilled()
                .with_dropout(0.2, 0.3)
                .with_attention_dropout(0.2)
                .into(),
            vec![2, 3, 12, 16],
        ),
        (
            ViTConfig::vit_b_32(3)
                .with_image_size(&[64, 32])
                .with_features(12, 3)
                .with_depth(3)
                .into(),
            vec![2, 3, 64, 32],
        ),
        (
            ViTConfig::monai(1, 3, &[4, 6, 6], &[2, 3, 2])
                .with_features(12, 3)
                .with_depth(3)
                .with_patch_embedding(PatchEmbedding::Perceptron)
                .with_positions(Positions::SinCos)
                .into(),
            vec![2, 1, 4, 6, 6],
        ),
    ]
}

/// A detector on the first stage of a small network.
fn retina_net(axes: usize) -> RetinaNetConfig {
    let body = ResNetConfig::resnet18(1).monai(axes).with_in_channels(1);
    let body = body.with_features([4, 6, 8, 8]).with_blocks([1; 4]);
    RetinaNetConfig::new(body, 3)
        .with_layers(&[1])
        .with_features(8)
}

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
    let unet = UNetConfig::new_2d(1, 2, &[4, 8, 8]);
    let error = refused(unet.clone().into(), &[1, 1, 16, 18]);
    assert!(
        error.contains("axis 3") && error.contains("multiple of 4"),
        "{error}"
    );
    let error = refused(unet.into(), &[1, 1, 4, 4]);
    assert!(error.contains("8 long"), "{error}");
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
    let patches = ConvNeXtConfig::tiny(2)
        .with_blocks([1; 4])
        .with_features([2; 4]);
    let error = refused(patches.into(), &[1, 3, 33, 31]);
    assert!(
        error.contains("axis 3") && error.contains("at least 32"),
        "{error}"
    );
    // The shortest axes that SENet and EfficientNet can work on are long enough.
    let squeezed = SENetConfig::se_resnet50(2).with_features(2, [4; 4]);
    let error = refused(squeezed.clone().into(), &[1, 3, 2, 5]);
    assert!(error.contains("at least 3"), "{error}");
    let scaled = EfficientNetConfig::b0(2).with_factors(0.125, 0.3);
    for (config, extent) in [
        (ModelConfig::from(squeezed), 3),
        (scaled.clone().into(), 1),
        (scaled.timm_tensorflow().into(), 1),
    ] {
        let network = create(&config, &Params::new(5)).unwrap();
        let smallest = Inputs::from(tensor("image", &[1, 3, extent, extent]));
        assert!(network.forward(&smallest, &Context::evaluate()).is_ok());
    }
    let vit = ViTConfig::vit_tiny_patch16_224(2)
        .with_image_size(&[32, 32])
        .with_features(4, 1)
        .with_depth(1);
    let error = refused(vit.into(), &[1, 3, 48, 40]);
    assert!(
        error.contains("axis 3") && error.contains("multiple of 16"),
        "{error}"
    );
    let vit = ViTConfig::monai(1, 2, &[8, 4], &[4, 4]).with_features(4, 1);
    let error = refused(vit.into(), &[1, 1, 8, 8]);
    assert!(
        error.contains("axis 3") && error.contains("4 long"),
        "{error}"
    );
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
    let unet = UNetConfig::new_2d(1, 2, &[4, 8]);
    assert!(refused(UNetConfig::new_2d(1, 2, &[4]).into()).contains("channels"));
    assert!(refused(unet.clone().with_strides(&[[2, 0]]).into()).contains("strides"));
    assert!(refused(unet.clone().with_kernel([3, 4]).into()).contains("kernel"));
    let twice = [AdnStep::Dropout, AdnStep::Dropout];
    assert!(refused(unet.with_order(&twice).into()).contains("order"));
    let gated = AttentionUnetConfig::new_2d(1, 2, &[1, 8]);
    assert!(refused(gated.into()).contains("channels"));
    let seg = SegResNetConfig::new_2d(1, 2);
    assert!(refused(seg.clone().with_blocks(&[1, 1], &[1, 1]).into()).contains("blocks_up"));
    assert!(refused(seg.clone().with_filters(12).into()).contains("groups"));
    let prelu = Nonlinearity::Prelu { init: 0.25 };
    assert!(refused(seg.with_activation(prelu).into()).contains("activation"));
    let nested = BasicUNetPlusPlusConfig::new_2d(1, 2);
    assert!(refused(nested.with_features([8, 8, 8, 8, 1, 8]).into()).contains("features"));
    let on_resnet = FlexibleUNetConfig::new(ResNetConfig::resnet18(1), 2);
    assert!(refused(on_resnet.with_decoder_channels(&[8, 4]).into()).contains("5 levels"));
    let dilated = ResNetConfig::resnet18(1).with_dilated([false, false, true], false);
    assert!(refused(FlexibleUNetConfig::new(dilated, 2).into()).contains("encoder"));
    assert!(refused(MeshNetConfig::new_2d(1, 2).with_dilations(&[]).into()).contains("dilations"));
    assert!(refused(MeshNetConfig::new_2d(1, 2).with_dilations(&[0]).into()).contains("dilations"));
    assert!(refused(VNetConfig::new_2d(3, 2).into()).contains("divisor of the 16"));
    let dropped = VNetConfig::new_2d(1, 2).with_dropout(0.5, 1.0, 0.5);
    assert!(refused(dropped.into()).contains("dropout"));
    let lab = DeepLabV3PlusConfig::new(DenseNetConfig::densenet121(1).with_blocks(&[2]), 2);
    assert!(refused(lab.into()).contains("stride 4"));
    let lab = DeepLabV3Config::resnet50(2).with_rates([12, 0, 36]);
    assert!(refused(lab.into()).contains("rates"));
    let autoencoder = SegResNetVAEConfig::new(SegResNetConfig::new_2d(1, 2), [16, 24]);
    assert!(refused(autoencoder.into()).contains("image_size"));
    let dynamic = DynUNetConfig::new_2d(1, 2, 3);
    assert!(refused(DynUNetConfig::new_2d(1, 2, 2).into()).contains("three levels"));
    assert!(refused(dynamic.clone().with_kernels(&[[3, 3]; 2]).into()).contains("kernels"));
    assert!(refused(dynamic.clone().with_heads(2).into()).contains("at most 1"));
    let steep = dynamic.with_strides(&[[2, 2], [3, 2]]);
    assert!(steep.check().is_ok());
    assert!(refused(steep.with_residual(true).into()).contains("strides"));
    let deep = SegResNetDSConfig::new_2d(1, 2);
    assert!(refused(deep.clone().with_blocks_down(&[1]).into()).contains("blocks_down"));
    assert!(refused(deep.clone().with_heads(0).into()).contains("heads"));
    assert!(refused(deep.with_spacing(&[1.0, 0.0]).into()).contains("spacing"));
    let first = plain.with_strides(&[[2, 2], [2, 2]]).unwrap();
    assert!(refused(first.into()).contains("first stage"));
    assert!(refused(ResEncUNetConfig::nnunet_2d(1, 2, 1).into()).contains("stages"));
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
    let scaled = EfficientNetConfig::b0(2);
    assert!(refused(scaled.clone().with_factors(f64::NAN, 1.0).into()).contains("width"));
    assert!(refused(scaled.clone().with_dropout(0.2, 1.0).into()).contains("drop_path"));
    assert!(refused(scaled.clone().with_norm(0.0, 0.1).into()).contains("epsilon"));
    assert!(refused(scaled.monai(4).into()).contains("spatial_dims"));
    assert!(refused(MobileNetV3Config::large(2).with_width(0.0).into()).contains("width"));
    let patches = ConvNeXtConfig::tiny(2);
    assert!(refused(patches.clone().with_blocks([1, 0, 1, 1]).into()).contains("blocks"));
    assert!(refused(patches.with_layer_scale(f64::NAN).into()).contains("layer_scale"));
    let squeezed = SENetConfig::se_resnext50(2);
    assert!(refused(squeezed.clone().with_reduction(512).into()).contains("reduction"));
    let grouped = SENetConfig::senet154(2).with_groups(3);
    assert!(refused(grouped.into()).contains("groups"));
    assert!(refused(squeezed.with_features(64, [8; 4]).into()).contains("groups"));
    assert!(refused(UNETRConfig::new(1, 2, &[32, 40]).into()).contains("image_size"));
    let segformer = SegFormerConfig::mit_b0(2);
    assert!(refused(segformer.with_features([8; 4], [1, 3, 1, 1]).into()).contains("heads"));
    let swin = SwinConfig::swin_t(2);
    assert!(refused(swin.clone().with_stages(96, &[2, 2], &[3, 5]).into()).contains("heads"));
    let window5 = SwinConfig::swin_tiny_patch4_window7_224(2).with_window([5, 5]);
    assert!(refused(window5.into()).contains("divides into windows"));
    let single = SwinConfig::swin_v2_t(2).with_window([1, 8]);
    assert!(refused(single.into()).contains("at least 2 tokens"));
    // The last stage of so small an image is one token.
    let tiny = SwinConvention::Timm {
        image_size: [32, 256],
    };
    let tiny = SwinConfig::swinv2_tiny_window8_256(2).with_convention(tiny);
    assert!(refused(tiny.clone().into()).contains("at least 2 tokens"));
    assert!(tiny.with_version(SwinVersion::V1).check().is_ok());
    let swin = SwinUNETRConfig::new_2d(1, 2);
    assert!(refused(swin.clone().with_window(&[7; 3]).into()).contains("window"));
    assert!(refused(swin.with_filters(10).into()).contains("heads"));
    let vit = ViTConfig::vit_tiny_patch16_224(2);
    assert!(refused(vit.clone().with_features(12, 5).into()).contains("heads"));
    assert!(refused(vit.clone().with_image_size(&[30, 32]).into()).contains("image_size"));
    assert!(refused(vit.clone().with_positions(Positions::SinCos).into()).contains("prefix"));
    assert!(refused(ViTConfig::vit_b_16(2).distilled().into()).contains("convention"));
    assert!(refused(vit.with_dropout(0.0, 1.0).into()).contains("drop_path"));
    let shapes = [[8.0, 8.0]];
    let retina = retina_net(2).with_anchor_shapes(&shapes, &[1.0, 2.0]);
    assert!(retina.check().is_ok());
    assert!(refused(retina.clone().with_layers(&[2, 1]).into()).contains("in order"));
    assert!(refused(retina.clone().with_features(12).into()).contains("multiple of 8"));
    assert!(refused(retina.with_anchor_shapes(&shapes, &[1.0]).into()).contains("2 levels"));
    let yolo = YoloConfig::v8n(1, 2);
    assert!(refused(yolo.clone().with_levels(4, 3).into()).contains("finest"));
    assert!(refused(yolo.clone().with_levels(3, 6).into()).contains("coarsest"));
    assert!(refused(yolo.with_flat_halvings(1).into()).contains("flat_halvings"));
    let anchored = YoloConfig::v5n(1, 2);
    assert!(refused(anchored.clone().in_3d().into()).contains("anchors"));
    let levels = [vec![[8.0, 8.0]], vec![[8.0, 0.0]], vec![[8.0, 8.0]]];
    assert!(refused(anchored.with_anchors(&levels).into()).contains("positive"));
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
