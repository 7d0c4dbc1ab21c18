//! Every kind of classifier has a last layer that can be explained: what its head pools.

use std::collections::BTreeSet;

use medinfer::explain::{Explain, GradCam, InputGradient, Layer, Sign, Target};
use medmodels::convnext::ConvNeXtConfig;
use medmodels::densenet::DenseNetConfig;
use medmodels::efficientnet::EfficientNetConfig;
use medmodels::fusion::table::{NumericColumn, TableConfig};
use medmodels::fusion::{
    ConcatenationConfig, CrossAttentionConfig, FilmConfig, FusionConfig, FusionKind, GatedConfig,
    ImageConfig, TABLE,
};
use medmodels::mobilenet_v3::MobileNetV3Config;
use medmodels::resnet::ResNetConfig;
use medmodels::senet::SENetConfig;
use medmodels::swin::{SwinConfig, SwinConvention, SwinVersion};
use medmodels::vgg::VggConfig;
use medmodels::vit::ViTConfig;
use medmodels::{ModelConfig, Task};
use mednn::candle_core::{Device, Tensor};
use mednn::{Context, Inputs, Model, Params};

use crate::given::images;

/// A network small enough for a test, the name of what its head pools, and the places of that along each
/// axis.
struct Case {
    config: ModelConfig,
    shape: Vec<usize>,
    name: &'static str,
    places: Vec<usize>,
}

fn case<const D: usize>(
    config: impl Into<ModelConfig>,
    shape: [usize; D],
    name: &'static str,
    places: [usize; D],
) -> Case {
    Case {
        config: config.into(),
        shape: shape.to_vec(),
        name,
        places: places.to_vec(),
    }
}

fn resnets() -> Vec<Case> {
    let resnet = || ResNetConfig::resnet10(2).with_features([4, 4, 8, 8]);
    let volume = resnet().monai(3);
    vec![
        case(resnet(), [65, 96], "layer4", [3, 3]),
        case(
            ResNetConfig::resnet50(2).with_blocks([1; 4]),
            [64, 96],
            "layer4",
            [2, 3],
        ),
        case(volume, [33, 32, 64], "layer4", [3, 2, 4]),
    ]
}

fn densenets() -> Vec<Case> {
    let densenet = || DenseNetConfig::densenet121(2).with_blocks(&[2, 2, 2, 2]);
    let volume = densenet().monai(3);
    vec![
        case(densenet(), [64, 96], "features", [2, 3]),
        case(volume, [33, 64, 64], "features", [1, 2, 2]),
    ]
}

fn efficientnets() -> Vec<Case> {
    let efficientnet = || EfficientNetConfig::b0(2).with_factors(0.25, 0.25);
    vec![
        case(efficientnet(), [64, 96], "features.8", [2, 3]),
        case(efficientnet().timm(), [64, 96], "bn2", [2, 3]),
        case(efficientnet().monai(2), [64, 96], "_swish", [2, 3]),
        case(efficientnet().monai(3), [33, 64, 64], "_swish", [1, 2, 2]),
        case(EfficientNetConfig::lite0(2), [64, 96], "bn2", [2, 3]),
    ]
}

fn convolutions() -> Vec<Case> {
    let senet = || SENetConfig::se_resnet50(2).with_blocks([1; 4]);
    let convnext = || {
        let config = ConvNeXtConfig::tiny(2).with_blocks([1; 4]);
        config.with_features([8, 12, 16, 24])
    };
    let vgg = |config: VggConfig| config.with_features([4, 4, 8, 8, 8]).with_hidden(8);
    vec![
        case(MobileNetV3Config::small(2), [64, 96], "features.12", [2, 3]),
        case(MobileNetV3Config::large(2), [64, 96], "features.16", [2, 3]),
        case(
            MobileNetV3Config::small(2).with_dilated(true),
            [64, 96],
            "features.12",
            [4, 6],
        ),
        case(senet(), [64, 96], "layer4", [2, 3]),
        case(
            senet().with_spatial_dims(3),
            [33, 64, 64],
            "layer4",
            [1, 2, 2],
        ),
        case(vgg(VggConfig::vgg11(2)), [64, 96], "features.20", [2, 3]),
        case(vgg(VggConfig::vgg13_bn(2)), [64, 96], "features.34", [2, 3]),
        case(convnext(), [64, 96], "features.7", [2, 3]),
        case(convnext().timm(), [64, 96], "stages.3", [2, 3]),
    ]
}

fn transformers() -> Vec<Case> {
    let swin = || SwinConfig::swin_t(2).with_stages(12, &[1, 1, 2, 1], &[1, 2, 4, 8]);
    let timm = SwinConvention::Timm {
        image_size: [64, 128],
    };
    let small = |config: ViTConfig| {
        config
            .with_features(12, 2)
            .with_mlp_features(24)
            .with_depth(2)
    };
    let vit = small(ViTConfig::vit_b_32(2)).with_image_size(&[64, 96]);
    let tiny = small(ViTConfig::vit_tiny_patch16_224(2)).with_image_size(&[64, 96]);
    let volume = small(ViTConfig::monai(3, 2, &[16, 24, 16], &[8, 8, 8]));
    vec![
        case(swin(), [64, 96], "norm", [2, 3]),
        case(
            swin().with_version(SwinVersion::V2),
            [65, 96],
            "norm",
            [2, 3],
        ),
        case(
            swin().with_window([2, 2]).with_convention(timm),
            [64, 128],
            "norm",
            [2, 4],
        ),
        case(vit, [64, 96], "encoder.layers.encoder_layer_1.ln_1", [2, 3]),
        case(tiny, [64, 96], "blocks.1.norm1", [4, 6]),
        case(volume, [16, 24, 16], "blocks.1.norm1", [2, 3, 2]),
    ]
}

/// The map of the last layer is that of the layer of this name, with so many places, and says something.
#[track_caller]
fn check(network: &dyn Model, inputs: &Inputs, what: &str, name: &str, places: &[usize]) {
    let explain = |layer: Layer| {
        let method = GradCam::default().with_layer(layer).with_sign(Sign::Both);
        let maps = method.explain(network, inputs, &Target::Class(1));
        maps.unwrap_or_else(|error| panic!("{what}: {error}"))
    };
    let last = explain(Layer::Last);
    let named = explain(Layer::Named(name.to_owned()));
    let dims = inputs.image().unwrap().dims();
    assert_eq!(
        (last.len(), last[0].shape()),
        (dims[0], &dims[2..]),
        "{what}"
    );
    for (last, named) in last.iter().zip(&named) {
        assert_eq!(last.values(), named.values(), "{what}: {name}");
        let values = last.values().iter();
        let range = values.fold((f32::MAX, f32::MIN), |(low, high), v| {
            (low.min(*v), high.max(*v))
        });
        assert!(range.1 > range.0, "{what} is constant");
    }
    // A layer that is no feature of the network's own has its places from the map alone.
    let context = Context::evaluate().with_features([name]);
    let outputs = network.forward(inputs, &context).unwrap();
    if let Some(feature) = outputs.features.get(name) {
        let dims = feature.dims();
        let found = [&dims[2..], &dims[1..dims.len() - 1]];
        assert!(found.contains(&places), "{what}: {dims:?}");
    }
    let gradient = InputGradient::default();
    let gradient = gradient
        .explain(network, inputs, &Target::Class(1))
        .unwrap();
    assert!(gradient[0].values().iter().any(|v| *v != 0.0), "{what}");
}

fn check_all(cases: Vec<Case>) {
    for case in cases {
        let network = medmodels::create(&case.config, &Params::new(1)).unwrap();
        // torchvision's transformers begin with a head of zeros, in front of which no layer says anything.
        for parameter in network.params().parameters() {
            let value = parameter.value();
            if parameter.name().ends_with("head.weight") {
                parameter.set(&images(value.dims())).unwrap();
            }
        }
        let channels = case.config.in_channels();
        let dims: Vec<usize> = [1, channels].into_iter().chain(case.shape).collect();
        let what = format!("{} {}", case.config.architecture(), case.name);
        let inputs = Inputs::new(images(&dims));
        check(&*network, &inputs, &what, case.name, &case.places);
    }
}

#[test]
fn residual_networks_have_a_last_layer() {
    check_all(resnets());
}

#[test]
fn dense_networks_have_a_last_layer() {
    check_all(densenets());
}

#[test]
fn efficient_networks_have_a_last_layer() {
    check_all(efficientnets());
}

#[test]
fn other_convolutional_networks_have_a_last_layer() {
    check_all(convolutions());
}

#[test]
fn transformers_have_a_last_layer() {
    check_all(transformers());
}

#[test]
fn no_classifier_is_left_out() {
    let cases = [
        resnets(),
        densenets(),
        efficientnets(),
        convolutions(),
        transformers(),
    ];
    let covered: BTreeSet<&str> = { cases.iter().flatten() }
        .map(|case| case.config.architecture())
        .collect();
    let entries = medmodels::registry::entries();
    let classifiers = entries.filter(|entry| entry.task == Task::Classification);
    let known = classifiers.map(|entry| {
        let config = entry.config(&medmodels::registry::Request::new()).unwrap();
        config.architecture()
    });
    assert_eq!(covered, known.collect());
}

/// Networks of one image and a table: the layer is the image's, however both are joined.
#[test]
fn the_last_layer_of_a_fused_network_is_the_images() {
    let resnet = |axes: usize| -> ImageConfig {
        let config = ResNetConfig::resnet10(1).with_in_channels(1);
        let config = config.with_features([4, 4, 8, 8]);
        match axes {
            2 => config.into(),
            _ => config.monai(axes).into(),
        }
    };
    let vit = || {
        let config = ViTConfig::vit_tiny_patch16_224(1).with_in_channels(1);
        let config = config.with_image_size(&[64, 96]).with_features(12, 2);
        ImageConfig::from(config.with_mlp_features(24).with_depth(2))
    };
    let kinds = || {
        [
            FusionKind::from(ConcatenationConfig::new()),
            GatedConfig::new().into(),
            FilmConfig::new().into(),
            CrossAttentionConfig::new().into(),
        ]
    };
    for kind in kinds() {
        check_fused(resnet(2), kind, &[64, 96], "image.layer4", &[2, 3]);
    }
    for kind in kinds() {
        check_fused(resnet(3), kind, &[33, 32, 64], "image.layer4", &[3, 2, 4]);
    }
    for kind in kinds() {
        check_fused(vit(), kind, &[64, 96], "image.blocks.1.norm1", &[4, 6]);
    }
}

fn check_fused(
    image: ImageConfig,
    fusion: FusionKind,
    shape: &[usize],
    name: &str,
    places: &[usize],
) {
    let what = format!("{fusion:?}");
    let table = TableConfig::new()
        .with(NumericColumn::new("age", 60.0, 10.0))
        .with(NumericColumn::new("hba1c", 7.0, 2.0).optional());
    let config = FusionConfig::new(image, table, fusion, 2);
    let network = medmodels::fusion::create(&config, &Params::new(5)).unwrap();
    let dims: Vec<usize> = [2, 1].iter().chain(shape).copied().collect();
    let rows = Tensor::from_vec(
        vec![0.5_f32, 0.0, 1.0, -1.0, 0.25, 0.0],
        (2, 3),
        &Device::Cpu,
    );
    let inputs = Inputs::new(images(&dims)).with(TABLE, rows.unwrap());
    check(&*network, &inputs, &what, name, places);
}
