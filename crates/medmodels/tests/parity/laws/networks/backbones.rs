//! Small backbones, and segmenters on each of them.

use medmodels::ModelConfig;
use medmodels::backbone::BackboneConfig;
use medmodels::convnext::ConvNeXtConfig;
use medmodels::deep_lab_v3_plus::DeepLabV3PlusConfig;
use medmodels::densenet::DenseNetConfig;
use medmodels::efficientnet::EfficientNetConfig;
use medmodels::flexible_unet::FlexibleUNetConfig;
use medmodels::mobilenet_v3::MobileNetV3Config;
use medmodels::resnet::ResNetConfig;
use medmodels::senet::SENetConfig;
use medmodels::swin::{SwinConfig, SwinConvention};
use medmodels::vgg::VggConfig;

/// Backbones of every kind, whose last level has a 32nd of the resolution, and the shapes of images for them.
pub(crate) fn backbones() -> Vec<(BackboneConfig, Vec<usize>)> {
    let efficient =
        |config: EfficientNetConfig| config.with_factors(0.125, 0.3).with_dropout(0.0, 0.0);
    let convnext = ConvNeXtConfig::tiny(1)
        .with_blocks([1, 2, 1, 1])
        .with_features([4, 6, 8, 8])
        .with_layer_scale(0.5)
        .with_dropout(0.0, 0.0);
    let swin = |config: SwinConfig| {
        let config = config.with_stages(8, &[1, 2, 1, 1], &[1, 2, 2, 4]);
        config.with_window([2, 2]).with_dropout(0.0, 0.0)
    };
    vec![
        (
            ResNetConfig::resnet50(1)
                .with_blocks([1; 4])
                .with_features([4, 4, 6, 6])
                .into(),
            vec![2, 3, 64, 96],
        ),
        (
            DenseNetConfig::densenet121(1)
                .with_init_features(8)
                .with_growth_rate(4)
                .with_blocks(&[2, 1, 2, 1])
                .into(),
            vec![2, 3, 64, 96],
        ),
        (
            efficient(EfficientNetConfig::b0(1)).into(),
            vec![2, 3, 64, 96],
        ),
        (
            efficient(EfficientNetConfig::b0(1).timm_tensorflow()).into(),
            vec![2, 3, 64, 96],
        ),
        (
            efficient(EfficientNetConfig::b1(1).monai(3).with_in_channels(1)).into(),
            vec![2, 1, 32, 64, 64],
        ),
        (
            SENetConfig::senet154(1)
                .with_blocks([1, 2, 1, 1])
                .with_features(8, [4, 4, 8, 8])
                .with_groups(2)
                .with_reduction(4)
                .with_dropout(0.0)
                .into(),
            vec![2, 3, 64, 96],
        ),
        (
            SENetConfig::se_resnext50(1)
                .with_spatial_dims(3)
                .with_in_channels(1)
                .with_blocks([1; 4])
                .with_features(4, [16, 16, 16, 32])
                .with_groups(2)
                .with_reduction(4)
                .with_dropout(0.0)
                .into(),
            vec![2, 1, 32, 64, 64],
        ),
        (
            MobileNetV3Config::small(1)
                .with_width(0.125)
                .with_dropout(0.0)
                .into(),
            vec![2, 3, 64, 96],
        ),
        (
            MobileNetV3Config::large(1)
                .with_width(0.125)
                .with_dropout(0.0)
                .into(),
            vec![2, 3, 64, 96],
        ),
        (convnext.clone().into(), vec![2, 3, 64, 96]),
        (convnext.timm().into(), vec![2, 3, 64, 96]),
        (swin(SwinConfig::swin_t(1)).into(), vec![2, 3, 64, 96]),
        (
            swin(SwinConfig::swinv2_tiny_window8_256(1))
                .with_convention(SwinConvention::Timm {
                    image_size: [64, 128],
                })
                .into(),
            vec![2, 3, 64, 128],
        ),
        (
            VggConfig::vgg13_bn(1).with_features([4, 4, 6, 6, 4]).into(),
            vec![2, 3, 64, 96],
        ),
        (
            VggConfig::vgg11(1).with_features([4, 4, 6, 6, 4]).into(),
            vec![2, 3, 64, 96],
        ),
    ]
}

/// `FlexibleUNet` and `DeepLabV3Plus`, each on all of them.
pub(super) fn segmenters() -> Vec<(ModelConfig, Vec<usize>)> {
    let on = |(backbone, shape): (BackboneConfig, Vec<usize>)| {
        let unet = FlexibleUNetConfig::new(backbone.clone(), 3);
        let lab = DeepLabV3PlusConfig::new(backbone, 3);
        [
            (
                unet.with_decoder_channels(&[6, 4, 4, 3, 2]).into(),
                shape.clone(),
            ),
            (
                lab.with_features(4)
                    .with_rates([1, 2, 4], true)
                    .with_dropout(0.0)
                    .into(),
                shape,
            ),
        ]
    };
    backbones().into_iter().flat_map(on).collect()
}
