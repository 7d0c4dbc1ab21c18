//! Grad-CAM and Grad-CAM++ as MONAI, pytorch-grad-cam and the papers have them.

use medinfer::explain::{
    Explain, GradCam, GradCamPlusPlus, Layer, Method, PlaceWeight, Sign, Target,
};
use medmodels::resnet::{ResNetConfig, ResNetPool};
use mednn::candle_core::{Device, Tensor};
use mednn::{Inputs, Params};

use crate::given::{Given, assert_close};

fn layer(name: &str) -> Layer {
    Layer::Named(name.to_owned())
}

fn check(given: &Given, class: usize) {
    let target = Target::Class(class);
    for name in ["layer2", "layer4"] {
        let grad_cam = GradCam::default().with_layer(layer(name));
        let plus_plus = GradCamPlusPlus::default().with_layer(layer(name));
        let methods: [(&str, Box<dyn Explain>); 4] = [
            ("grad_cam", Box::new(grad_cam.clone())),
            ("signed", Box::new(grad_cam.with_sign(Sign::Both))),
            ("plus_plus.paper", Box::new(plus_plus.clone())),
            (
                "plus_plus.monai",
                Box::new(plus_plus.with_weight(PlaceWeight::Monai)),
            ),
        ];
        for (method, explain) in methods {
            for (inputs, tolerance) in [(&given.inputs, 1e-3), (&given.double(), 1e-6)] {
                let maps = explain.explain(&*given.network, inputs, &target).unwrap();
                let logits = given.expected("logits");
                for (item, map) in maps.iter().enumerate() {
                    let logit = f64::from(logits[item * 3 + class]);
                    assert!((map.score() - logit).abs() < 1e-4 * logit.abs().max(1.0));
                    assert_eq!((map.class(), map.channels()), (class, 1));
                }
                given.assert_maps(&maps, &format!("{method}.{name}"), tolerance);
            }
        }
    }
}

#[test]
fn class_maps_of_images_are_those_of_the_references() {
    check(&Given::resnet_2d(), 2);
}

#[test]
fn class_maps_of_volumes_are_those_of_the_references() {
    check(&Given::resnet_3d(), 2);
}

#[test]
fn tokens_of_a_transformer_make_a_map() {
    let given = Given::vit();
    for layer in [Layer::Last, layer("blocks.2.norm1")] {
        let method = GradCam::default().with_layer(layer);
        let maps = method
            .explain(&*given.network, &given.double(), &Target::Class(1))
            .unwrap();
        given.assert_maps(&maps, "grad_cam", 1e-6);
    }
}

#[test]
fn the_last_layer_is_found() {
    for given in [Given::resnet_2d(), Given::resnet_3d()] {
        let explain = |method: GradCam| {
            let maps = method.with_sign(Sign::Both);
            maps.explain(&*given.network, &given.inputs, &Target::Predicted)
                .unwrap()
        };
        assert_eq!(
            explain(GradCam::default()),
            explain(GradCam::default().with_layer(layer("layer4")))
        );
    }
}

#[test]
fn the_last_layer_is_found_in_front_of_scores_of_places() {
    for axes in 1..=3 {
        let config = ResNetConfig::resnet10(2)
            .with_features([4, 4, 6, 8])
            .with_in_channels(1)
            .with_spatial_dims(axes)
            .with_pool(ResNetPool::TopPlaces { share: 0.2 });
        let network = medmodels::create(&config.into(), &Params::new(3)).unwrap();
        let image = Tensor::rand(
            0.0_f32,
            1.0,
            [&[1, 1], &vec![65; axes][..]].concat(),
            &Device::Cpu,
        );
        let inputs = Inputs::new(image.unwrap());
        let explain = |method: GradCam| {
            let maps = method.with_sign(Sign::Both);
            maps.explain(&*network, &inputs, &Target::Class(1)).unwrap()
        };
        assert_eq!(
            explain(GradCam::default()),
            explain(GradCam::default().with_layer(layer("layer4")))
        );
    }
}

#[test]
fn an_item_of_a_batch_is_explained_as_alone() {
    let given = Given::resnet_2d();
    let method = GradCam::default().with_sign(Sign::Both);
    let together = method
        .explain(&*given.network, &given.inputs, &Target::Each(vec![2, 0]))
        .unwrap();
    for (item, class) in [(0, 2), (1, 0)] {
        let image = given.inputs.image().unwrap().narrow(0, item, 1).unwrap();
        let alone = method
            .explain(&*given.network, &Inputs::new(image), &Target::Class(class))
            .unwrap();
        assert_eq!(together[item].class(), class);
        assert_close(together[item].values(), alone[0].values(), 1e-5, "item");
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let given = Given::resnet_3d();
    let explain = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let target = Target::Predicted;
            GradCamPlusPlus::default()
                .explain(&*given.network, &given.inputs, &target)
                .unwrap()
        })
    };
    let one = explain(1);
    assert_eq!(one[0].method(), Method::GradCamPlusPlus);
    assert_eq!(one, explain(3));
}

#[test]
fn what_cannot_be_explained_is_refused_with_its_reason() {
    let given = Given::resnet_2d();
    let explain = |method: GradCam, target| {
        let error = method
            .explain(&*given.network, &given.inputs, &target)
            .unwrap_err();
        error.to_string()
    };
    let error = explain(
        GradCam::default().with_layer(layer("layer9")),
        Target::Predicted,
    );
    assert!(
        error.contains("layer9") && error.contains("layer4.0.bn2"),
        "{error}"
    );
    let error = explain(
        GradCam::default().with_layer(layer("fc")),
        Target::Predicted,
    );
    assert!(error.contains("places"), "{error}");
    let error = explain(GradCam::default(), Target::Class(3));
    assert!(error.contains("class 3 of 3"), "{error}");
    let error = explain(GradCam::default(), Target::Each(vec![1]));
    assert!(error.contains("1 classes for 2 items"), "{error}");
    let nan = (given.inputs.image().unwrap() * f64::NAN).unwrap();
    let error = GradCam::default()
        .explain(&*given.network, &nan.into(), &Target::Predicted)
        .unwrap_err();
    assert!(error.to_string().contains("NaN"), "{error}");
}
