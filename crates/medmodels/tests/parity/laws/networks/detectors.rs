//! Small detectors.

use medmodels::ModelConfig;
use medmodels::resnet::ResNetConfig;
use medmodels::retinanet::RetinaNetConfig;
use medmodels::yolo::YoloConfig;

pub(super) fn detectors() -> Vec<(ModelConfig, Vec<usize>)> {
    vec![
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
    ]
}

/// A detector on the first stage of a small network.
pub(crate) fn retina_net(axes: usize) -> RetinaNetConfig {
    let body = ResNetConfig::resnet18(1).monai(axes).with_in_channels(1);
    let body = body.with_features([4, 6, 8, 8]).with_blocks([1; 4]);
    RetinaNetConfig::new(body, 3)
        .with_layers(&[1])
        .with_features(8)
}
