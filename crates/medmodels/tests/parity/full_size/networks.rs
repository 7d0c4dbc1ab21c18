//! The 13 networks that are compared with their references at full size, and timed by `benches/networks.rs`.

use medmodels::ModelConfig;
use medmodels::basic_unet::BasicUNetConfig;
use medmodels::plain_conv_unet::PlainConvUNetConfig;
use medmodels::registry::{self, Request};
use medmodels::seg_resnet::SegResNetConfig;
use medmodels::swin_unetr::SwinUNETRConfig;

/// Name, settings and shape of the image of each network.
pub(crate) fn networks() -> Vec<(&'static str, ModelConfig, Vec<usize>)> {
    let named = |name| {
        registry::find(name)
            .and_then(|entry| entry.config(&Request::new()))
            .expect("a network of the registry")
    };
    let image = vec![1, 3, 224, 224];
    let volume = vec![1, 1, 96, 96, 96];
    let nnunet = PlainConvUNetConfig::nnunet_3d(1, 14, 5)
        .with_features(&[32, 64, 128, 256, 320])
        .expect("features of five stages");
    vec![
        ("resnet18", named("resnet18"), image.clone()),
        ("resnet50", named("resnet50"), image.clone()),
        ("densenet121", named("densenet121"), image.clone()),
        ("efficientnet_b0", named("efficientnet_b0"), image.clone()),
        (
            "vit_base_patch16_224",
            named("vit_base_patch16_224"),
            image.clone(),
        ),
        ("swin_tiny", named("swin_t"), image),
        (
            "basic_unet_2d",
            BasicUNetConfig::new_2d(1, 2).into(),
            vec![1, 1, 256, 256],
        ),
        (
            "basic_unet_3d",
            BasicUNetConfig::new_3d(1, 14).into(),
            volume.clone(),
        ),
        (
            "segresnet_3d",
            SegResNetConfig::new_3d(1, 14).with_filters(16).into(),
            volume.clone(),
        ),
        (
            "swin_unetr",
            SwinUNETRConfig::new_3d(1, 14).with_filters(24).into(),
            volume.clone(),
        ),
        ("nnunet_plain_3d", nnunet.into(), volume),
        ("yolov8n", named("yolov8n"), vec![1, 3, 640, 640]),
        ("yolov5mu", named("yolov5mu"), vec![1, 3, 640, 640]),
    ]
}
