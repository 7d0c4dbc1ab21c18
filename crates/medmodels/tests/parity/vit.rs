//! Vision transformers of timm, torchvision and MONAI, from `vit.py`.

use std::collections::BTreeMap;

use medmodels::Architecture;
use medmodels::ModelConfig;
use medmodels::vit::{
    PatchEmbedding, PositionResampling, Positions, PrefixPositions, ViT, ViTConfig,
};
use mednn::context::Context;
use mednn::model::{Inputs, Model};
use mednn::params::Params;

use crate::reference::{check_against, check_buffers, check_names, tensor, values};

fn small(config: ViTConfig, image_size: &[usize]) -> ViTConfig {
    config
        .with_image_size(image_size)
        .with_features(12, 3)
        .with_depth(5)
}

fn check<const D: usize>(stem: &str, config: &ViTConfig) {
    let network = ViT::<D>::new(config, &Params::new(1)).unwrap();
    check_against(stem, &network);
    check_names(stem, &network);
    check_buffers(stem, &network);
}

#[test]
pub(crate) fn positions_are_resampled_as_timm_does() {
    let config = small(ViTConfig::vit_base_patch16_224(5), &[20, 12]).with_patch_size(&[4, 4]);
    check::<2>("vit_timm", &config);
}

#[test]
pub(crate) fn both_heads_of_deit_are_those_of_timm() {
    let config = small(ViTConfig::vit_base_patch16_224(5), &[12, 20]).with_patch_size(&[4, 4]);
    check::<2>("vit_distilled", &config.distilled());
}

#[test]
pub(crate) fn registers_and_layer_scale_are_those_of_timm() {
    let config = small(ViTConfig::vit_base_patch14_dinov2(5), &[20, 20])
        .with_patch_size(&[4, 4])
        .with_registers(3)
        .with_in_channels(1);
    check::<2>("vit_registers", &config);
}

#[test]
pub(crate) fn positions_are_resampled_as_dinov2_does() {
    let config = small(ViTConfig::vit_base_patch14_dinov2(5), &[20, 20])
        .with_patch_size(&[4, 4])
        .with_position_resampling(PositionResampling::DinoV2);
    check::<2>("vit_dinov2_hub", &config);
}

#[test]
pub(crate) fn gates_between_linear_layers_are_those_of_timm() {
    check::<2>("vit_giant", &giant());
}

/// The giant of DINOv2, small.
fn giant() -> ViTConfig {
    small(ViTConfig::vit_giant_patch14_dinov2(5), &[20, 20])
        .with_patch_size(&[4, 4])
        .with_mlp_features(21)
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_torchvision() {
    let config = small(ViTConfig::vit_b_16(5), &[12, 12])
        .with_patch_size(&[4, 4])
        .with_mlp_features(20);
    check::<2>("vit_torchvision", &config);
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_monai() {
    let config = small(ViTConfig::monai(2, 5, &[12, 20], &[4, 5]), &[12, 20])
        .with_mlp_features(20)
        .with_patch_embedding(PatchEmbedding::Perceptron)
        .with_positions(Positions::SinCos);
    check::<2>("vit_monai_2d", &config);
    let size = [4, 6, 10];
    let config = small(ViTConfig::monai(1, 5, &size, &[2, 3, 5]), &size)
        .with_mlp_features(20)
        .with_qkv_bias(true)
        .with_tanh(false);
    check::<3>("vit_monai_3d", &config);
}

#[test]
fn full_networks_have_the_references_number_of_parameters() {
    for (config, parameters) in [
        (ViTConfig::vit_tiny_patch16_224(1000), 5_717_416),
        (ViTConfig::vit_small_patch16_224(1000), 22_050_664),
        (
            ViTConfig::vit_small_patch16_224(1000).distilled(),
            22_436_432,
        ),
        (ViTConfig::vit_small_patch14_dinov2(1000), 22_441_192),
        (
            ViTConfig::vit_small_patch14_dinov2(1000).with_registers(4),
            22_442_344,
        ),
        (ViTConfig::vit_b_16(1000), 86_567_656),
        (ViTConfig::monai(1, 2, &[96; 3], &[16; 3]), 88_343_042),
    ] {
        let params = Params::new(1);
        medmodels::create(&ModelConfig::from(config.clone()), &params).unwrap();
        assert_eq!(params.count(), parameters, "{config:?}");
    }
}

#[test]
fn the_gates_of_the_file_dinov2_published_load_under_its_names() {
    let own = giant()
        .with_registers(3)
        .with_prefix_positions(PrefixPositions::ClassToken);
    let (params, others) = (Params::new(1), Params::new(2));
    let network = ViT::<2>::new(&own, &params).unwrap();
    let other = ViT::<2>::new(&own, &others).unwrap();
    // As facebookresearch's `SwiGLUFFN` has it, with its token of masked patches and without a head.
    let mut file = BTreeMap::new();
    for (name, value) in params.snapshot().unwrap() {
        let renamed = name
            .replace("mlp.fc1.", "mlp.w12.")
            .replace("mlp.fc2.", "mlp.w3.");
        let renamed = renamed.replace("reg_token", "register_tokens");
        if !renamed.starts_with("head.") {
            file.insert(renamed, value);
        }
    }
    assert_eq!(file["blocks.4.mlp.w12.weight"].dims(), [42, 12]);
    assert_eq!(file["blocks.4.mlp.w3.bias"].dims(), [12]);
    file.insert("mask_token".to_owned(), tensor("mask", &[1, 12]));
    let path = std::path::Path::new("dinov2_vitg14_reg4");
    let strict = others.load_tensors(path, file.clone(), &own.load_policy());
    assert!(strict.is_err(), "a file without a head");
    let report = others.load_tensors(path, file, &own.transfer_policy());
    let report = report.unwrap();
    assert_eq!(report.missing, ["head.bias", "head.weight"]);
    assert_eq!(report.unexpected, ["mask_token"]);
    let image = Inputs::from(tensor("image", &[2, 3, 16, 24]));
    let tokens = |network: &ViT<2>| {
        let context = Context::evaluate().with_features(["norm"]);
        let outputs = network.forward(&image, &context).unwrap();
        values(&outputs.features["norm"])
    };
    assert_eq!(tokens(&network), tokens(&other));
}

#[test]
fn files_dinov2_published_give_what_timm_makes_of_them() {
    let timm = small(ViTConfig::vit_small_patch14_dinov2(2), &[28, 42]).with_registers(4);
    let own = timm
        .clone()
        .with_prefix_positions(PrefixPositions::ClassToken);
    let (params, others) = (Params::new(1), Params::new(2));
    let network = ViT::<2>::new(&own, &params).unwrap();
    let other = ViT::<2>::new(&timm, &others).unwrap();
    // timm adds the position of the class token to that token, and drops what stands for masked patches.
    let mut values = params.snapshot().unwrap();
    let registers = values.remove("reg_token").unwrap();
    values.insert("mask_token".into(), registers.clone());
    values.insert("register_tokens".into(), registers.clone());
    let path = std::path::Path::new("dinov2");
    let policy = own.load_policy();
    let report = params.load_tensors(path, values.clone(), &policy).unwrap();
    assert_eq!(report.unexpected, ["mask_token"]);
    let places = &values["pos_embed"];
    let of_class = places.narrow(1, 0, 1).unwrap();
    let class = (&values["cls_token"] + of_class).unwrap();
    let of_grid = places.narrow(1, 1, 6).unwrap();
    values.insert("cls_token".into(), class);
    values.insert("pos_embed".into(), of_grid);
    others.load_tensors(path, values, &policy).unwrap();
    let image = Inputs::from(tensor("image", &[1, 3, 42, 28]));
    let logits = |network: &ViT<2>| {
        let outputs = network.forward(&image, &Context::evaluate()).unwrap();
        outputs.logits.to_vec2::<f32>().unwrap()
    };
    assert_eq!(logits(&network), logits(&other));
}
