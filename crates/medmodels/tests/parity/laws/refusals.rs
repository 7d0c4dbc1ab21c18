//! What every network refuses, and what it says then.

use medmodels::attention_unet::AttentionUnetConfig;
use medmodels::basic_unet::BasicUNetConfig;
use medmodels::basic_unet_plus_plus::BasicUNetPlusPlusConfig;
use medmodels::convnext::ConvNeXtConfig;
use medmodels::deep_lab_v3::DeepLabV3Config;
use medmodels::deep_lab_v3_plus::DeepLabV3PlusConfig;
use medmodels::densenet::DenseNetConfig;
use medmodels::dyn_unet::DynUNetConfig;
use medmodels::efficientnet::EfficientNetConfig;
use medmodels::flexible_unet::FlexibleUNetConfig;
use medmodels::mesh_net::MeshNetConfig;
use medmodels::mobilenet_v3::MobileNetV3Config;
use medmodels::plain_conv_unet::PlainConvUNetConfig;
use medmodels::res_enc_unet::ResEncUNetConfig;
use medmodels::resnet::ResNetConfig;
use medmodels::seg_resnet::SegResNetConfig;
use medmodels::seg_resnet_ds::SegResNetDSConfig;
use medmodels::seg_resnet_vae::SegResNetVAEConfig;
use medmodels::segformer::SegFormerConfig;
use medmodels::senet::SENetConfig;
use medmodels::swin::{SwinConfig, SwinConvention, SwinVersion};
use medmodels::swin_unetr::SwinUNETRConfig;
use medmodels::unet::UNetConfig;
use medmodels::unetr::UNETRConfig;
use medmodels::vgg::VggConfig;
use medmodels::vit::{FeedForward, Positions, ViTConfig};
use medmodels::vnet::VNetConfig;
use medmodels::yolo::YoloConfig;
use medmodels::{AdnStep, ModelConfig, Nonlinearity, create};
use mednn::context::Context;
use mednn::model::Inputs;
use mednn::model::Model as _;
use mednn::params::Params;

use super::networks::retina_net;
use crate::reference::tensor;

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
    assert!(refused(on_resnet.with_decoder_channels(&[8, 4]).into()).contains("5 blocks"));
    let on_convnext = FlexibleUNetConfig::new(ConvNeXtConfig::tiny(1), 2);
    let on_convnext = on_convnext.with_decoder_channels(&[8, 4, 4, 4]);
    assert!(refused(on_convnext.into()).contains("5 blocks"));
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
    let before =
        |config: SwinConfig, windows: &[[usize; 2]]| config.with_pretrained_windows(windows);
    assert!(
        before(SwinConfig::swin_v2_t(2), &[[6, 5]; 4])
            .check()
            .is_ok()
    );
    for unknown in [
        before(SwinConfig::swin_t(2), &[[6, 6]; 4]),
        before(SwinConfig::swin_v2_t(2), &[[6, 6]; 3]),
        before(SwinConfig::swin_v2_t(2), &[[6, 6], [6, 1], [6, 6], [6, 6]]),
    ] {
        assert!(refused(unknown.into()).contains("pretrained_windows"));
    }
    let swin = SwinUNETRConfig::new_2d(1, 2);
    assert!(refused(swin.clone().with_window(&[7; 3]).into()).contains("window"));
    assert!(refused(swin.with_filters(10).into()).contains("heads"));
    let vit = ViTConfig::vit_tiny_patch16_224(2);
    assert!(refused(vit.clone().with_features(12, 5).into()).contains("heads"));
    assert!(refused(vit.clone().with_image_size(&[30, 32]).into()).contains("image_size"));
    assert!(refused(vit.clone().with_positions(Positions::SinCos).into()).contains("prefix"));
    assert!(refused(ViTConfig::vit_b_16(2).distilled().into()).contains("convention"));
    assert!(refused(vit.clone().with_dropout(0.0, 1.0).into()).contains("drop_path"));
    assert!(
        refused(vit.clone().with_position_dropout(f64::NAN).into()).contains("position_dropout")
    );
    assert!(refused(vit.clone().with_patch_dropout(1.0).into()).contains("patch_dropout"));
    let gated = ViTConfig::vit_b_16(2).with_feed_forward(FeedForward::SwiGlu);
    assert!(refused(gated.into()).contains("gates"));
    let wide = vit.with_feed_forward(FeedForward::SwiGlu);
    let wide = wide.with_mlp_features(usize::MAX / 2 + 1);
    assert!(create(&wide.into(), &Params::new(1)).is_err());
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
