//! The list.

use super::{Entry, Fit};
use crate::attention_unet::AttentionUnetConfig;
use crate::basic_unet::BasicUNetConfig;
use crate::basic_unet_plus_plus::BasicUNetPlusPlusConfig;
use crate::config::Task;
use crate::convnext::ConvNeXtConfig;
use crate::deep_lab_v3::DeepLabV3Config;
use crate::deep_lab_v3_plus::DeepLabV3PlusConfig;
use crate::densenet::DenseNetConfig;
use crate::dyn_unet::DynUNetConfig;
use crate::efficientnet::EfficientNetConfig;
use crate::flexible_unet::FlexibleUNetConfig;
use crate::mesh_net::MeshNetConfig;
use crate::mobilenet_v3::MobileNetV3Config;
use crate::plain_conv_unet::PlainConvUNetConfig;
use crate::res_enc_unet::ResEncUNetConfig;
use crate::resnet::ResNetConfig;
use crate::retinanet::RetinaNetConfig;
use crate::seg_resnet::SegResNetConfig;
use crate::seg_resnet_ds::SegResNetDSConfig;
use crate::seg_resnet_vae::SegResNetVAEConfig;
use crate::segformer::SegFormerConfig;
use crate::senet::SENetConfig;
use crate::swin::SwinConfig;
use crate::swin_unetr::SwinUNETRConfig;
use crate::unet::UNetConfig;
use crate::unetr::UNETRConfig;
use crate::vgg::VggConfig;
use crate::vit::ViTConfig;
use crate::vnet::VNetConfig;
use crate::yolo::YoloConfig;

/// Entries that have a task and a library in common: a name, parameters, and how the settings come about.
macro_rules! entries {
    ($task:ident, $reference:literal, $images:expr, $channels:literal to $classes:literal;
        $($name:literal $parameters:literal $config:expr;)*) => {
        &[$(Entry {
            name: $name,
            reference: $reference,
            task: Task::$task,
            images: &$images,
            in_channels: $channels,
            out_channels: $classes,
            parameters: $parameters,
            config: |fit| { let config: fn(Fit) -> _ = $config; config(fit).into() },
        },)*]
    };
}

/// Classifiers of pictures whose names are those of the constructors of their settings.
macro_rules! of_pictures {
    ($reference:literal, $extent:literal, $config:ident: $($name:ident $parameters:literal)*) => {
        &[$(Entry {
            name: stringify!($name),
            reference: $reference,
            task: Task::Classification,
            images: &[(2, $extent)],
            in_channels: 3,
            out_channels: 1000,
            parameters: $parameters,
            config: |fit| $config::$name(fit.out_channels).with_in_channels(fit.in_channels).into(),
        },)*]
    };
}

const FAMILIES: &[&[Entry]] = &[
    of_pictures! {
        "torchvision", 224, ResNetConfig:
        resnet18 11_689_512
        resnet34 21_797_672
        resnet50 25_557_032
        resnet101 44_549_160
        resnet152 60_192_808
        wide_resnet50_2 68_883_240
        wide_resnet101_2 126_886_696
        resnext50_32x4d 25_028_904
        resnext101_32x8d 88_791_336
        resnext101_64x4d 83_455_272
    },
    of_pictures! {
        "torchvision", 224, DenseNetConfig:
        densenet121 7_978_856
        densenet161 28_681_000
        densenet169 14_149_480
        densenet201 20_013_928
    },
    of_pictures! {
        "torchvision", 224, VggConfig:
        vgg11 132_863_336
        vgg11_bn 132_868_840
        vgg13 133_047_848
        vgg13_bn 133_053_736
        vgg16 138_357_544
        vgg16_bn 138_365_992
        vgg19 143_667_240
        vgg19_bn 143_678_248
    },
    entries! {
        Classification, "MedicalNet", [(3, 96)], 1 to 2;
        "medicalnet_resnet10" 14_356_546 |fit| medical_net(ResNetConfig::resnet10, fit);
        "medicalnet_resnet18" 32_987_202 |fit| medical_net(ResNetConfig::resnet18, fit);
        "medicalnet_resnet34" 63_296_834 |fit| medical_net(ResNetConfig::resnet34, fit);
        "medicalnet_resnet50" 46_159_170 |fit| medical_net(ResNetConfig::resnet50, fit);
        "medicalnet_resnet101" 85_205_314 |fit| medical_net(ResNetConfig::resnet101, fit);
        "medicalnet_resnet152" 117_364_034 |fit| medical_net(ResNetConfig::resnet152, fit);
        "medicalnet_resnet200" 126_563_650 |fit| medical_net(ResNetConfig::resnet200, fit);
    },
    entries! {
        Classification, "MONAI", [(3, 96), (2, 224), (1, 1024)], 1 to 2;
        "monai_resnet10" 14_357_442 |fit| monai_resnet(ResNetConfig::resnet10, fit);
        "monai_resnet18" 33_161_922 |fit| monai_resnet(ResNetConfig::resnet18, fit);
        "monai_resnet34" 63_471_554 |fit| monai_resnet(ResNetConfig::resnet34, fit);
        "monai_resnet50" 46_163_010 |fit| monai_resnet(ResNetConfig::resnet50, fit);
        "monai_resnet101" 85_209_154 |fit| monai_resnet(ResNetConfig::resnet101, fit);
        "monai_resnet152" 117_367_874 |fit| monai_resnet(ResNetConfig::resnet152, fit);
        "monai_resnet200" 126_567_490 |fit| monai_resnet(ResNetConfig::resnet200, fit);
        "monai_densenet121" 11_244_674 |fit| monai_densenet(DenseNetConfig::densenet121, fit);
        "monai_densenet169" 18_546_050 |fit| monai_densenet(DenseNetConfig::densenet169, fit);
        "monai_densenet201" 25_334_658 |fit| monai_densenet(DenseNetConfig::densenet201, fit);
        "monai_densenet264" 40_251_266 |fit| monai_densenet(DenseNetConfig::densenet264, fit);
    },
    entries! {
        Classification, "torchvision", [(2, 224)], 3 to 1000;
        "efficientnet_b0" 5_288_548 |fit| EfficientNetConfig::b0(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "torchvision", [(2, 240)], 3 to 1000;
        "efficientnet_b1" 7_794_184 |fit| EfficientNetConfig::b1(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "torchvision", [(2, 288)], 3 to 1000;
        "efficientnet_b2" 9_109_994 |fit| EfficientNetConfig::b2(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "torchvision", [(2, 300)], 3 to 1000;
        "efficientnet_b3" 12_233_232 |fit| EfficientNetConfig::b3(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "torchvision", [(2, 380)], 3 to 1000;
        "efficientnet_b4" 19_341_616 |fit| EfficientNetConfig::b4(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "torchvision", [(2, 456)], 3 to 1000;
        "efficientnet_b5" 30_389_784 |fit| EfficientNetConfig::b5(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "torchvision", [(2, 528)], 3 to 1000;
        "efficientnet_b6" 43_040_704 |fit| EfficientNetConfig::b6(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "torchvision", [(2, 600)], 3 to 1000;
        "efficientnet_b7" 66_347_960 |fit| EfficientNetConfig::b7(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 224)], 3 to 1000;
        "timm_efficientnet_b0" 5_288_548 |fit| EfficientNetConfig::b0(fit.out_channels).timm().with_in_channels(fit.in_channels);
        "tf_efficientnet_b0" 5_288_548 |fit| EfficientNetConfig::b0(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 240)], 3 to 1000;
        "timm_efficientnet_b1" 7_794_184 |fit| EfficientNetConfig::b1(fit.out_channels).timm().with_in_channels(fit.in_channels);
        "tf_efficientnet_b1" 7_794_184 |fit| EfficientNetConfig::b1(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 260)], 3 to 1000;
        "timm_efficientnet_b2" 9_109_994 |fit| EfficientNetConfig::b2(fit.out_channels).timm().with_in_channels(fit.in_channels);
        "tf_efficientnet_b2" 9_109_994 |fit| EfficientNetConfig::b2(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 300)], 3 to 1000;
        "timm_efficientnet_b3" 12_233_232 |fit| EfficientNetConfig::b3(fit.out_channels).timm().with_in_channels(fit.in_channels);
        "tf_efficientnet_b3" 12_233_232 |fit| EfficientNetConfig::b3(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 380)], 3 to 1000;
        "timm_efficientnet_b4" 19_341_616 |fit| EfficientNetConfig::b4(fit.out_channels).timm().with_in_channels(fit.in_channels);
        "tf_efficientnet_b4" 19_341_616 |fit| EfficientNetConfig::b4(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 456)], 3 to 1000;
        "timm_efficientnet_b5" 30_389_784 |fit| EfficientNetConfig::b5(fit.out_channels).timm().with_in_channels(fit.in_channels);
        "tf_efficientnet_b5" 30_389_784 |fit| EfficientNetConfig::b5(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 528)], 3 to 1000;
        "timm_efficientnet_b6" 43_040_704 |fit| EfficientNetConfig::b6(fit.out_channels).timm().with_in_channels(fit.in_channels);
        "tf_efficientnet_b6" 43_040_704 |fit| EfficientNetConfig::b6(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 600)], 3 to 1000;
        "timm_efficientnet_b7" 66_347_960 |fit| EfficientNetConfig::b7(fit.out_channels).timm().with_in_channels(fit.in_channels);
        "tf_efficientnet_b7" 66_347_960 |fit| EfficientNetConfig::b7(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 224)], 3 to 1000;
        "tf_efficientnet_lite0" 4_652_008 |fit| EfficientNetConfig::lite0(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 240)], 3 to 1000;
        "tf_efficientnet_lite1" 5_416_680 |fit| EfficientNetConfig::lite1(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 260)], 3 to 1000;
        "tf_efficientnet_lite2" 6_092_072 |fit| EfficientNetConfig::lite2(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 280)], 3 to 1000;
        "tf_efficientnet_lite3" 8_197_096 |fit| EfficientNetConfig::lite3(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 300)], 3 to 1000;
        "tf_efficientnet_lite4" 13_006_568 |fit| EfficientNetConfig::lite4(fit.out_channels).timm_tensorflow().with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "torchvision", [(2, 224)], 3 to 1000;
        "mobilenet_v3_small" 2_542_856 |fit| MobileNetV3Config::small(fit.out_channels).with_in_channels(fit.in_channels);
        "mobilenet_v3_large" 5_483_032 |fit| MobileNetV3Config::large(fit.out_channels).with_in_channels(fit.in_channels);
        "convnext_tiny" 28_589_128 |fit| ConvNeXtConfig::tiny(fit.out_channels).with_in_channels(fit.in_channels);
        "convnext_small" 50_223_688 |fit| ConvNeXtConfig::small(fit.out_channels).with_in_channels(fit.in_channels);
        "convnext_base" 88_591_464 |fit| ConvNeXtConfig::base(fit.out_channels).with_in_channels(fit.in_channels);
        "convnext_large" 197_767_336 |fit| ConvNeXtConfig::large(fit.out_channels).with_in_channels(fit.in_channels);
        "swin_t" 28_288_354 |fit| SwinConfig::swin_t(fit.out_channels).with_in_channels(fit.in_channels);
        "swin_s" 49_606_258 |fit| SwinConfig::swin_s(fit.out_channels).with_in_channels(fit.in_channels);
        "swin_b" 87_768_224 |fit| SwinConfig::swin_b(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_b_16" 86_567_656 |fit| ViTConfig::vit_b_16(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_b_32" 88_224_232 |fit| ViTConfig::vit_b_32(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_l_16" 304_326_632 |fit| ViTConfig::vit_l_16(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_l_32" 306_535_400 |fit| ViTConfig::vit_l_32(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_h_14" 632_045_800 |fit| ViTConfig::vit_h_14(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 224)], 3 to 1000;
        "timm_convnext_tiny" 28_589_128 |fit| ConvNeXtConfig::tiny(fit.out_channels).timm().with_in_channels(fit.in_channels);
        "timm_convnext_small" 50_223_688 |fit| ConvNeXtConfig::small(fit.out_channels).timm().with_in_channels(fit.in_channels);
        "timm_convnext_base" 88_591_464 |fit| ConvNeXtConfig::base(fit.out_channels).timm().with_in_channels(fit.in_channels);
        "timm_convnext_large" 197_767_336 |fit| ConvNeXtConfig::large(fit.out_channels).timm().with_in_channels(fit.in_channels);
        "swin_tiny_patch4_window7_224" 28_288_354 |fit| SwinConfig::swin_tiny_patch4_window7_224(fit.out_channels).with_in_channels(fit.in_channels);
        "swin_small_patch4_window7_224" 49_606_258 |fit| SwinConfig::swin_small_patch4_window7_224(fit.out_channels).with_in_channels(fit.in_channels);
        "swin_base_patch4_window7_224" 87_768_224 |fit| SwinConfig::swin_base_patch4_window7_224(fit.out_channels).with_in_channels(fit.in_channels);
        "swin_large_patch4_window7_224" 196_532_476 |fit| SwinConfig::swin_large_patch4_window7_224(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_tiny_patch16_224" 5_717_416 |fit| ViTConfig::vit_tiny_patch16_224(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_small_patch16_224" 22_050_664 |fit| ViTConfig::vit_small_patch16_224(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_base_patch16_224" 86_567_656 |fit| ViTConfig::vit_base_patch16_224(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_large_patch16_224" 304_326_632 |fit| ViTConfig::vit_large_patch16_224(fit.out_channels).with_in_channels(fit.in_channels);
        "deit_tiny_patch16_224" 5_717_416 |fit| ViTConfig::vit_tiny_patch16_224(fit.out_channels).with_in_channels(fit.in_channels);
        "deit_small_patch16_224" 22_050_664 |fit| ViTConfig::vit_small_patch16_224(fit.out_channels).with_in_channels(fit.in_channels);
        "deit_base_patch16_224" 86_567_656 |fit| ViTConfig::vit_base_patch16_224(fit.out_channels).with_in_channels(fit.in_channels);
        "deit_tiny_distilled_patch16_224" 5_910_800 |fit| ViTConfig::deit_tiny_distilled_patch16_224(fit.out_channels).with_in_channels(fit.in_channels);
        "deit_small_distilled_patch16_224" 22_436_432 |fit| ViTConfig::deit_small_distilled_patch16_224(fit.out_channels).with_in_channels(fit.in_channels);
        "deit_base_distilled_patch16_224" 87_338_192 |fit| ViTConfig::deit_base_distilled_patch16_224(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "torchvision", [(2, 256)], 3 to 1000;
        "swin_v2_t" 28_351_570 |fit| SwinConfig::swin_v2_t(fit.out_channels).with_in_channels(fit.in_channels);
        "swin_v2_s" 49_737_442 |fit| SwinConfig::swin_v2_s(fit.out_channels).with_in_channels(fit.in_channels);
        "swin_v2_b" 87_930_848 |fit| SwinConfig::swin_v2_b(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 256)], 3 to 1000;
        "swinv2_tiny_window8_256" 28_347_154 |fit| SwinConfig::swinv2_tiny_window8_256(fit.out_channels).with_in_channels(fit.in_channels);
        "swinv2_tiny_window16_256" 28_347_154 |fit| SwinConfig::swinv2_tiny_window16_256(fit.out_channels).with_in_channels(fit.in_channels);
        "swinv2_small_window8_256" 49_728_418 |fit| SwinConfig::swinv2_small_window8_256(fit.out_channels).with_in_channels(fit.in_channels);
        "swinv2_small_window16_256" 49_728_418 |fit| SwinConfig::swinv2_small_window16_256(fit.out_channels).with_in_channels(fit.in_channels);
        "swinv2_base_window8_256" 87_918_816 |fit| SwinConfig::swinv2_base_window8_256(fit.out_channels).with_in_channels(fit.in_channels);
        "swinv2_base_window16_256" 87_918_816 |fit| SwinConfig::swinv2_base_window16_256(fit.out_channels).with_in_channels(fit.in_channels);
        "swinv2_base_window12to16_192to256" 87_918_816 |fit| SwinConfig::swinv2_base_window12to16_192to256(fit.out_channels).with_in_channels(fit.in_channels);
        "swinv2_large_window12to16_192to256" 196_739_932 |fit| SwinConfig::swinv2_large_window12to16_192to256(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 192)], 3 to 21841;
        "swinv2_base_window12_192" 109_280_841 |fit| SwinConfig::swinv2_base_window12_192(fit.out_channels).with_in_channels(fit.in_channels);
        "swinv2_large_window12_192" 228_772_549 |fit| SwinConfig::swinv2_large_window12_192(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 384)], 3 to 1000;
        "swin_base_patch4_window12_384" 87_903_584 |fit| SwinConfig::swin_base_patch4_window12_384(fit.out_channels).with_in_channels(fit.in_channels);
        "swin_large_patch4_window12_384" 196_735_516 |fit| SwinConfig::swin_large_patch4_window12_384(fit.out_channels).with_in_channels(fit.in_channels);
        "swinv2_base_window12to24_192to384" 87_918_816 |fit| SwinConfig::swinv2_base_window12to24_192to384(fit.out_channels).with_in_channels(fit.in_channels);
        "swinv2_large_window12to24_192to384" 196_739_932 |fit| SwinConfig::swinv2_large_window12to24_192to384(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "timm", [(2, 518)], 3 to 1000;
        "vit_small_patch14_dinov2" 22_441_192 |fit| ViTConfig::vit_small_patch14_dinov2(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_base_patch14_dinov2" 87_348_712 |fit| ViTConfig::vit_base_patch14_dinov2(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_large_patch14_dinov2" 305_392_616 |fit| ViTConfig::vit_large_patch14_dinov2(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_giant_patch14_dinov2" 1_138_016_232 |fit| ViTConfig::vit_giant_patch14_dinov2(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_small_patch14_reg4_dinov2" 22_442_344 |fit| ViTConfig::vit_small_patch14_reg4_dinov2(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_base_patch14_reg4_dinov2" 87_351_016 |fit| ViTConfig::vit_base_patch14_reg4_dinov2(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_large_patch14_reg4_dinov2" 305_395_688 |fit| ViTConfig::vit_large_patch14_reg4_dinov2(fit.out_channels).with_in_channels(fit.in_channels);
        "vit_giant_patch14_reg4_dinov2" 1_138_020_840 |fit| ViTConfig::vit_giant_patch14_reg4_dinov2(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Classification, "MONAI", [(3, 96), (2, 224), (1, 1024)], 1 to 2;
        "monai_efficientnet_b0" 4_690_942 |fit| EfficientNetConfig::b0(fit.out_channels).monai(fit.spatial_dims).with_in_channels(fit.in_channels);
        "monai_efficientnet_b1" 7_449_058 |fit| EfficientNetConfig::b1(fit.out_channels).monai(fit.spatial_dims).with_in_channels(fit.in_channels);
        "monai_efficientnet_b2" 8_717_764 |fit| EfficientNetConfig::b2(fit.out_channels).monai(fit.spatial_dims).with_in_channels(fit.in_channels);
        "monai_efficientnet_b3" 12_061_546 |fit| EfficientNetConfig::b3(fit.out_channels).monai(fit.spatial_dims).with_in_channels(fit.in_channels);
        "monai_efficientnet_b4" 19_616_346 |fit| EfficientNetConfig::b4(fit.out_channels).monai(fit.spatial_dims).with_in_channels(fit.in_channels);
        "monai_efficientnet_b5" 31_052_562 |fit| EfficientNetConfig::b5(fit.out_channels).monai(fit.spatial_dims).with_in_channels(fit.in_channels);
        "monai_efficientnet_b6" 44_396_138 |fit| EfficientNetConfig::b6(fit.out_channels).monai(fit.spatial_dims).with_in_channels(fit.in_channels);
        "monai_efficientnet_b7" 68_764_114 |fit| EfficientNetConfig::b7(fit.out_channels).monai(fit.spatial_dims).with_in_channels(fit.in_channels);
        "senet154" 170_210_930 |fit| SENetConfig::senet154(fit.out_channels).with_spatial_dims(fit.spatial_dims).with_in_channels(fit.in_channels);
        "se_resnet50" 48_690_162 |fit| SENetConfig::se_resnet50(fit.out_channels).with_spatial_dims(fit.spatial_dims).with_in_channels(fit.in_channels);
        "se_resnet101" 89_983_026 |fit| SENetConfig::se_resnet101(fit.out_channels).with_spatial_dims(fit.spatial_dims).with_in_channels(fit.in_channels);
        "se_resnet152" 123_993_074 |fit| SENetConfig::se_resnet152(fit.out_channels).with_spatial_dims(fit.spatial_dims).with_in_channels(fit.in_channels);
        "se_resnext50" 28_356_850 |fit| SENetConfig::se_resnext50(fit.out_channels).with_spatial_dims(fit.spatial_dims).with_in_channels(fit.in_channels);
        "se_resnext101" 52_259_122 |fit| SENetConfig::se_resnext101(fit.out_channels).with_spatial_dims(fit.spatial_dims).with_in_channels(fit.in_channels);
    },
    entries! {
        Segmentation, "MONAI", [(3, 96), (2, 256)], 1 to 2;
        "unet" 4_806_481 |fit| match fit.spatial_dims {
            2 => UNetConfig::new_2d(fit.in_channels, fit.out_channels, &UNET_CHANNELS),
            _ => UNetConfig::new_3d(fit.in_channels, fit.out_channels, &UNET_CHANNELS),
        }.with_res_units(2);
        "basic_unet" 5_749_410 |fit| match fit.spatial_dims {
            2 => BasicUNetConfig::new_2d(fit.in_channels, fit.out_channels),
            _ => BasicUNetConfig::new_3d(fit.in_channels, fit.out_channels),
        };
        "attention_unet" 5_909_130 |fit| match fit.spatial_dims {
            2 => AttentionUnetConfig::new_2d(fit.in_channels, fit.out_channels, &UNET_CHANNELS),
            _ => AttentionUnetConfig::new_3d(fit.in_channels, fit.out_channels, &UNET_CHANNELS),
        };
        "segresnet" 1_176_186 |fit| match fit.spatial_dims {
            2 => SegResNetConfig::new_2d(fit.in_channels, fit.out_channels),
            _ => SegResNetConfig::new_3d(fit.in_channels, fit.out_channels),
        };
        "segresnet_ds" 19_914_146 |fit| match fit.spatial_dims {
            2 => SegResNetDSConfig::new_2d(fit.in_channels, fit.out_channels),
            _ => SegResNetDSConfig::new_3d(fit.in_channels, fit.out_channels),
        };
        "segresnet_vae" 3_863_363 |fit| match fit.spatial_dims {
            2 => SegResNetVAEConfig::new(SegResNetConfig::new_2d(fit.in_channels, fit.out_channels), [256; 2]),
            _ => SegResNetVAEConfig::new(SegResNetConfig::new_3d(fit.in_channels, fit.out_channels), [96; 3]),
        };
        "dynunet" 31_189_410 |fit| match fit.spatial_dims {
            2 => DynUNetConfig::new_2d(fit.in_channels, fit.out_channels, 6),
            _ => DynUNetConfig::new_3d(fit.in_channels, fit.out_channels, 6),
        };
        "vnet" 45_597_898 |fit| match fit.spatial_dims {
            2 => VNetConfig::new_2d(fit.in_channels, fit.out_channels),
            _ => VNetConfig::new_3d(fit.in_channels, fit.out_channels),
        };
        "basic_unet_plus_plus" 6_979_976 |fit| match fit.spatial_dims {
            2 => BasicUNetPlusPlusConfig::new_2d(fit.in_channels, fit.out_channels),
            _ => BasicUNetPlusPlusConfig::new_3d(fit.in_channels, fit.out_channels),
        };
        "mesh_net" 72_494 |fit| match fit.spatial_dims {
            2 => MeshNetConfig::new_2d(fit.in_channels, fit.out_channels),
            _ => MeshNetConfig::new_3d(fit.in_channels, fit.out_channels),
        };
        "unetr" 92_783_842 |fit| match fit.spatial_dims {
            2 => UNETRConfig::new(fit.in_channels, fit.out_channels, &[256; 2]),
            _ => UNETRConfig::new(fit.in_channels, fit.out_channels, &[96; 3]),
        };
        "swin_unetr" 15_703_004 |fit| match fit.spatial_dims {
            2 => SwinUNETRConfig::new_2d(fit.in_channels, fit.out_channels),
            _ => SwinUNETRConfig::new_3d(fit.in_channels, fit.out_channels),
        };
        "flexible_unet_resnet18" 40_436_034 |fit| flexible(ResNetConfig::resnet18, fit);
        "flexible_unet_resnet50" 67_673_666 |fit| flexible(ResNetConfig::resnet50, fit);
        "flexible_unet_efficientnet_b0" 9_398_686 |fit| flexible_on_efficientnet(EfficientNetConfig::b0, fit);
        "flexible_unet_efficientnet_b1" 12_156_802 |fit| flexible_on_efficientnet(EfficientNetConfig::b1, fit);
        "flexible_unet_efficientnet_b2" 13_543_284 |fit| flexible_on_efficientnet(EfficientNetConfig::b2, fit);
        "flexible_unet_efficientnet_b3" 17_046_058 |fit| flexible_on_efficientnet(EfficientNetConfig::b3, fit);
        "flexible_unet_efficientnet_b4" 24_828_218 |fit| flexible_on_efficientnet(EfficientNetConfig::b4, fit);
        "flexible_unet_efficientnet_b5" 36_421_650 |fit| flexible_on_efficientnet(EfficientNetConfig::b5, fit);
        "flexible_unet_efficientnet_b6" 49_942_154 |fit| flexible_on_efficientnet(EfficientNetConfig::b6, fit);
        "flexible_unet_efficientnet_b7" 74_465_298 |fit| flexible_on_efficientnet(EfficientNetConfig::b7, fit);
    },
    entries! {
        Segmentation, "nnU-Net", [(3, 128), (2, 512)], 1 to 2;
        "nnunet_plain" 31_195_594 |fit| match fit.spatial_dims {
            2 => PlainConvUNetConfig::nnunet_2d(fit.in_channels, fit.out_channels, 8),
            _ => PlainConvUNetConfig::nnunet_3d(fit.in_channels, fit.out_channels, 6),
        };
        "nnunet_resenc" 102_349_770 |fit| match fit.spatial_dims {
            2 => ResEncUNetConfig::nnunet_2d(fit.in_channels, fit.out_channels, 8),
            _ => ResEncUNetConfig::nnunet_3d(fit.in_channels, fit.out_channels, 6),
        };
    },
    entries! {
        Segmentation, "transformers", [(2, 512)], 3 to 150;
        "segformer_mit_b0" 3_752_694 |fit| SegFormerConfig::mit_b0(fit.out_channels).with_in_channels(fit.in_channels);
        "segformer_mit_b1" 13_715_798 |fit| SegFormerConfig::mit_b1(fit.out_channels).with_in_channels(fit.in_channels);
        "segformer_mit_b2" 27_461_974 |fit| SegFormerConfig::mit_b2(fit.out_channels).with_in_channels(fit.in_channels);
        "segformer_mit_b3" 47_337_814 |fit| SegFormerConfig::mit_b3(fit.out_channels).with_in_channels(fit.in_channels);
        "segformer_mit_b4" 64_108_374 |fit| SegFormerConfig::mit_b4(fit.out_channels).with_in_channels(fit.in_channels);
        "segformer_mit_b5" 84_708_694 |fit| SegFormerConfig::mit_b5(fit.out_channels).with_in_channels(fit.in_channels);
    },
    entries! {
        Segmentation, "torchvision", [(2, 520)], 3 to 21;
        "deeplabv3_resnet50" 39_638_869 |fit| deep_lab_v3(ResNetConfig::resnet50, fit);
        "deeplabv3_resnet101" 58_630_997 |fit| deep_lab_v3(ResNetConfig::resnet101, fit);
    },
    entries! {
        Segmentation, "segmentation_models_pytorch", [(2, 512)], 3 to 1;
        "deeplabv3plus_resnet34" 22_437_457 |fit| DeepLabV3PlusConfig::resnet34(fit.in_channels, fit.out_channels);
        "deeplabv3plus_resnet50" 26_677_585 |fit| DeepLabV3PlusConfig::resnet50(fit.in_channels, fit.out_channels);
    },
    entries! {
        Detection, "ultralytics", [(2, 640)], 3 to 80;
        "yolov8n" 3_157_184 |fit| YoloConfig::v8n(fit.in_channels, fit.out_channels);
        "yolov8s" 11_166_544 |fit| YoloConfig::v8s(fit.in_channels, fit.out_channels);
        "yolov8m" 25_902_624 |fit| YoloConfig::v8m(fit.in_channels, fit.out_channels);
        "yolov8l" 43_691_504 |fit| YoloConfig::v8l(fit.in_channels, fit.out_channels);
        "yolov8x" 68_229_632 |fit| YoloConfig::v8x(fit.in_channels, fit.out_channels);
        "yolov5n" 1_872_157 |fit| YoloConfig::v5n(fit.in_channels, fit.out_channels);
        "yolov5s" 7_235_389 |fit| YoloConfig::v5s(fit.in_channels, fit.out_channels);
        "yolov5m" 21_190_557 |fit| YoloConfig::v5m(fit.in_channels, fit.out_channels);
        "yolov5l" 46_563_709 |fit| YoloConfig::v5l(fit.in_channels, fit.out_channels);
        "yolov5x" 86_749_405 |fit| YoloConfig::v5x(fit.in_channels, fit.out_channels);
        "yolov5nu" 2_654_800 |fit| YoloConfig::v5nu(fit.in_channels, fit.out_channels);
        "yolov5su" 9_153_136 |fit| YoloConfig::v5su(fit.in_channels, fit.out_channels);
        "yolov5mu" 25_111_440 |fit| YoloConfig::v5mu(fit.in_channels, fit.out_channels);
        "yolov5lu" 53_225_008 |fit| YoloConfig::v5lu(fit.in_channels, fit.out_channels);
        "yolov5xu" 97_276_432 |fit| YoloConfig::v5xu(fit.in_channels, fit.out_channels);
    },
    entries! {
        Detection, "MONAI", [(3, 128), (2, 512)], 1 to 2;
        "retinanet_resnet18" 27_893_064 |fit| retina_net(ResNetConfig::resnet18, fit);
        "retinanet_resnet50" 37_020_488 |fit| retina_net(ResNetConfig::resnet50, fit);
    },
    entries! {
        Detection, "ultralytics, in 3D", [(3, 96)], 1 to 2;
        "yolov8n_3d" 3_168_566 |fit| YoloConfig::v8n(fit.in_channels, fit.out_channels).in_3d();
        "yolov8s_3d" 9_175_238 |fit| YoloConfig::v8s(fit.in_channels, fit.out_channels).in_3d();
        "yolov8m_3d" 27_315_414 |fit| YoloConfig::v8m(fit.in_channels, fit.out_channels).in_3d();
    },
];

/// The features of MONAI's tutorials.
const UNET_CHANNELS: [usize; 5] = [16, 32, 64, 128, 256];

fn medical_net(config: fn(usize) -> ResNetConfig, fit: Fit) -> ResNetConfig {
    { config(fit.out_channels).medical_net() }.with_in_channels(fit.in_channels)
}

fn monai_resnet(config: fn(usize) -> ResNetConfig, fit: Fit) -> ResNetConfig {
    { config(fit.out_channels).monai(fit.spatial_dims) }.with_in_channels(fit.in_channels)
}

fn monai_densenet(config: fn(usize) -> DenseNetConfig, fit: Fit) -> DenseNetConfig {
    { config(fit.out_channels).monai(fit.spatial_dims) }.with_in_channels(fit.in_channels)
}

fn retina_net(config: fn(usize) -> ResNetConfig, fit: Fit) -> RetinaNetConfig {
    let backbone = config(1).with_spatial_dims(fit.spatial_dims);
    RetinaNetConfig::new(backbone.with_in_channels(fit.in_channels), fit.out_channels)
}

/// MONAI's `FlexibleUNet`, whose backbones name a first convolution that strides.
fn flexible(config: fn(usize) -> ResNetConfig, fit: Fit) -> FlexibleUNetConfig {
    let backbone = config(1).with_spatial_dims(fit.spatial_dims);
    FlexibleUNetConfig::new(backbone.with_in_channels(fit.in_channels), fit.out_channels)
}

/// The same on an EfficientNet.
fn flexible_on_efficientnet(
    config: fn(usize) -> EfficientNetConfig,
    fit: Fit,
) -> FlexibleUNetConfig {
    let backbone = config(1).monai(fit.spatial_dims);
    FlexibleUNetConfig::new(backbone.with_in_channels(fit.in_channels), fit.out_channels)
}

/// The last two stages dilate instead of striding.
fn deep_lab_v3(config: fn(usize) -> ResNetConfig, fit: Fit) -> DeepLabV3Config {
    let backbone = config(1).with_dilated([false, true, true], false);
    DeepLabV3Config::new(backbone.with_in_channels(fit.in_channels), fit.out_channels)
}

/// All networks, those of one family one after the other.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    FAMILIES.iter().copied().flatten()
}
