//! Small classifiers.

use medmodels::ModelConfig;
use medmodels::convnext::ConvNeXtConfig;
use medmodels::densenet::DenseNetConfig;
use medmodels::efficientnet::{EfficientNetConfig, EfficientNetPadding};
use medmodels::mobilenet_v3::MobileNetV3Config;
use medmodels::resnet::ResNetConfig;
use medmodels::senet::SENetConfig;
use medmodels::swin::{SwinConfig, SwinConvention};
use medmodels::vgg::VggConfig;
use medmodels::vit::{PatchEmbedding, Positions, ViTConfig};

pub(super) fn classifiers() -> Vec<(ModelConfig, Vec<usize>)> {
    vec![
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
            SwinConfig::swinv2_base_window12to16_192to256(3)
                .with_stages(8, &[2, 2], &[2, 4])
                .with_window([4, 8])
                .with_pretrained_windows(&[[3, 6], [2, 4]])
                .with_convention(SwinConvention::Timm {
                    image_size: [32, 64],
                })
                .into(),
            vec![2, 3, 32, 64],
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
            ViTConfig::vit_giant_patch14_dinov2(3)
                .with_patch_size(&[4, 4])
                .with_image_size(&[20, 12])
                .with_features(12, 3)
                .with_mlp_features(7)
                .with_depth(3)
                .with_dropout(0.2, 0.3)
                .with_position_dropout(0.1)
                .with_patch_dropout(0.4)
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
