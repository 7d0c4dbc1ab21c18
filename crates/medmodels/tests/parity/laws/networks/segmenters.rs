//! Small segmenters.

use medmodels::attention_unet::AttentionUnetConfig;
use medmodels::basic_unet::BasicUNetConfig;
use medmodels::basic_unet_plus_plus::BasicUNetPlusPlusConfig;
use medmodels::deep_lab_v3::DeepLabV3Config;
use medmodels::deep_lab_v3_plus::DeepLabV3PlusConfig;
use medmodels::densenet::DenseNetConfig;
use medmodels::dyn_unet::DynUNetConfig;
use medmodels::flexible_unet::FlexibleUNetConfig;
use medmodels::mesh_net::MeshNetConfig;
use medmodels::plain_conv_unet::PlainConvUNetConfig;
use medmodels::res_enc_unet::ResEncUNetConfig;
use medmodels::resnet::ResNetConfig;
use medmodels::seg_resnet::SegResNetConfig;
use medmodels::seg_resnet_ds::SegResNetDSConfig;
use medmodels::seg_resnet_vae::SegResNetVAEConfig;
use medmodels::segformer::SegFormerConfig;
use medmodels::swin_unetr::{SwinMerging, SwinUNETRConfig};
use medmodels::unet::UNetConfig;
use medmodels::unetr::UNETRConfig;
use medmodels::vnet::VNetConfig;
use medmodels::{ModelConfig, Nonlinearity, Normalization, Upsampling};

pub(super) fn segmenters() -> Vec<(ModelConfig, Vec<usize>)> {
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
    ]
}
