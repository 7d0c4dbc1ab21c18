//! Prepared convolutions against PyTorch's layers one after the other, and against our own.

use candle_core::{DType, Device, Tensor, Var};
use mednn::graph::Graph;
use mednn::layers::{BatchNorm, BatchNormConfig, Conv, ConvConfig};
use mednn::ops::conv::{ConvConfig as ConvGeometry, conv};
use mednn::ops::prepared_conv::{ChannelAffine, ConvTail, PreparedConv, Residual};
use mednn::ops::{Activation, activation, add};
use mednn::{Context, Error, Inputs, Model, Outputs, Params};

use crate::support::{Fixture, assert_close, assert_same_on_any_number_of_threads, pattern};

/// Layers with the parameters and statistics of a case, and their common form.
fn prepared<const D: usize>(
    fixture: &Fixture,
    case: &str,
    conv: &ConvConfig<D>,
    norm: &BatchNormConfig,
) -> PreparedConv<D> {
    let params = Params::new(5);
    let layer = Conv::new(conv, &params.root().child("conv")).unwrap();
    let norm = BatchNorm::new(conv.out_channels, norm, &params.root().child("norm")).unwrap();
    for param in params.parameters() {
        let stored = fixture.get(&format!("{case}.{}", param.name()));
        param.set(&stored.to_dtype(DType::F32).unwrap()).unwrap();
    }
    for buffer in params.buffers() {
        if let Some(stored) = fixture.find(&format!("{case}.{}", buffer.name())) {
            buffer.set(&stored.to_dtype(DType::F32).unwrap()).unwrap();
        }
    }
    layer.prepare(&norm.tail().unwrap()).unwrap()
}

fn input(fixture: &Fixture, name: &str) -> Tensor {
    fixture.get(name).to_dtype(DType::F32).unwrap()
}

#[track_caller]
fn compare(fixture: &Fixture, case: &str, run: impl Fn(&Tensor, Option<&Tensor>) -> Tensor) {
    let residual = fixture.find(&format!("{case}.x1"));
    let got = run(&input(fixture, &format!("{case}.x0")), residual.as_ref());
    assert_close(&got, &fixture.get(&format!("{case}.y")), 1e-5, case);
}

#[test]
fn layers_in_one_pass_are_pytorchs_layers_one_after_the_other() {
    let fixture = Fixture::load("prepared_conv");
    let geometry = ConvGeometry::same([3, 3]).with_stride([2, 2]);
    let resnet = prepared(
        &fixture,
        "resnet",
        &ConvConfig::same(5, 19, [3, 3])
            .with_geometry(geometry)
            .with_bias(false),
        &BatchNormConfig::default()
            .with_epsilon(1e-3)
            .with_activation(Activation::Relu),
    );
    compare(&fixture, "resnet", |x, r| {
        let residual = r.map(Residual::BeforeActivation);
        resnet.forward(x, residual).unwrap()
    });
    let geometry = ConvGeometry::default().with_padding([(1, 1), (1, 1), (0, 0)]);
    let yolo = prepared(
        &fixture,
        "yolo",
        &ConvConfig::same(3, 4, [2, 3, 1]).with_geometry(geometry),
        &BatchNormConfig::default().with_activation(Activation::Silu),
    );
    compare(&fixture, "yolo", |x, r| {
        let residual = r.map(Residual::AfterActivation);
        yolo.forward(x, residual).unwrap()
    });
    let geometry = ConvGeometry::same([5]).with_groups(6);
    let mut norm = BatchNormConfig::default().with_activation(Activation::HardSwish);
    norm.affine = false;
    let config = ConvConfig::same(6, 6, [5]).with_geometry(geometry);
    let mobile = prepared(&fixture, "mobile", &config, &norm);
    compare(&fixture, "mobile", |x, _| mobile.forward(x, None).unwrap());
    let project = prepared(
        &fixture,
        "project",
        &ConvConfig::same(7, 17, [1, 1]).with_bias(false),
        &BatchNormConfig::default(),
    );
    compare(&fixture, "project", |x, r| {
        let residual = r.map(Residual::BeforeActivation);
        project.forward(x, residual).unwrap()
    });
}

fn numbers(shape: &[usize], seed: u64) -> Tensor {
    pattern(shape, seed).to_dtype(DType::F32).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn without_a_tail_the_bits_are_those_of_the_plain_convolution_at_every_size() {
    let (weight, bias) = (numbers(&[70, 64, 3, 3], 1), numbers(&[70], 2));
    let config = ConvGeometry::same([3, 3]);
    let ready = PreparedConv::new(&weight, Some(&bias), &config, &ConvTail::new()).unwrap();
    // Direct sums, tiles of few products, and direct sums again.
    for (batch, height, width) in [(1, 5, 9), (2, 23, 31), (1, 7, 7)] {
        let image = numbers(&[batch, 64, height, width], 3);
        let plain = conv(&image, &weight, Some(&bias), &config).unwrap();
        assert_eq!(
            values(&ready.forward(&image, None).unwrap()),
            values(&plain)
        );
    }
}

#[test]
fn every_way_to_the_output_is_finished_once_on_any_number_of_threads() {
    let affine = |channels: usize| ChannelAffine {
        scale: (0..channels).map(|i| 0.5 + i as f64 / 9.0).collect(),
        shift: (0..channels).map(|i| 0.2 - i as f64 / 7.0).collect(),
    };
    // Tiles of few products, strips of pixels, strided rows, one channel to one, one packed image for several blocks, groups.
    let cases = [
        (64, 64, 1, [3, 3], 1, [2, 29, 27]),
        (20, 150, 1, [5, 3], 1, [1, 9, 7]),
        (12, 80, 2, [3, 3], 2, [2, 11, 12]),
        (3, 20, 1, [7, 7], 2, [2, 31, 29]),
        (20, 3, 1, [1, 1], 1, [2, 13, 11]),
        (12, 12, 12, [3, 3], 1, [2, 21, 40]),
    ];
    for (inputs, outputs, groups, kernel, stride, [batch, height, width]) in cases {
        let weight = numbers(&[outputs, inputs / groups, kernel[0], kernel[1]], 4);
        let config = ConvGeometry::same(kernel)
            .with_stride([stride; 2])
            .with_groups(groups);
        let act = Activation::LeakyRelu { slope: 0.1 };
        let affine = affine(outputs);
        let tail = ConvTail::new()
            .with_affine(affine.clone())
            .with_activation(act);
        let ready = PreparedConv::new(&weight, None, &config, &tail).unwrap();
        let image = numbers(&[batch, inputs, height, width], 5);
        let plain = conv(&image, &weight, None, &config).unwrap();
        let residual = numbers(plain.dims(), 6);
        let per_channel = |numbers: &[f64]| {
            let numbers: Vec<f32> = numbers.iter().map(|&v| v as f32).collect();
            Tensor::from_vec(numbers, (1, outputs, 1, 1), &Device::Cpu).unwrap()
        };
        let normed = plain.broadcast_mul(&per_channel(&affine.scale)).unwrap();
        let normed = normed.broadcast_add(&per_channel(&affine.shift)).unwrap();
        let before = activation(&add(&normed, &residual).unwrap(), act).unwrap();
        let after = add(&activation(&normed, act).unwrap(), &residual).unwrap();
        let run = |residual| ready.forward(&image, Some(residual)).unwrap();
        let got = [
            run(Residual::BeforeActivation(&residual)),
            run(Residual::AfterActivation(&residual)),
        ];
        assert_close(&got[0], &before, 1e-5, "residual before the activation");
        assert_close(&got[1], &after, 1e-5, "residual after the activation");
        assert_same_on_any_number_of_threads(|| vec![run(Residual::BeforeActivation(&residual))]);
    }
}

#[test]
fn volumes_are_finished_as_images_are() {
    let weight = numbers(&[64, 64, 3, 3, 3], 20);
    let config = ConvGeometry::same([3, 3, 3]);
    let tail = ConvTail::new().with_activation(Activation::Relu);
    let ready = PreparedConv::new(&weight, None, &config, &tail).unwrap();
    let image = numbers(&[1, 64, 5, 13, 14], 21);
    let plain = conv(&image, &weight, None, &config).unwrap();
    let residual = numbers(plain.dims(), 22);
    let expected = activation(&add(&plain, &residual).unwrap(), Activation::Relu).unwrap();
    let got = ready.forward(&image, Some(Residual::BeforeActivation(&residual)));
    assert_close(&got.unwrap(), &expected, 1e-6, "a volume");
}

#[test]
fn many_threads_may_be_the_first_to_use_it() {
    fn shared<T: Send + Sync>(_: &T) {}
    let weight = numbers(&[256, 256, 3, 3], 23);
    let config = ConvGeometry::same([3, 3]);
    let image = numbers(&[1, 256, 4, 4], 24);
    let expected = values(&conv(&image, &weight, None, &config).unwrap());
    for threads in [2, 16] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        for _ in 0..10 {
            let ready = PreparedConv::new(&weight, None, &config, &ConvTail::new()).unwrap();
            shared(&ready);
            pool.in_place_scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|_| {
                        let sums = ready.forward(&image, None).unwrap();
                        assert!(values(&sums) == expected);
                    });
                }
                let sums = ready.forward(&image, None).unwrap();
                assert!(values(&sums) == expected);
            });
        }
    }
}

#[test]
fn it_is_no_part_of_a_graph() {
    struct Net(PreparedConv<2>, Params);
    impl Model for Net {
        fn forward(&self, inputs: &Inputs, _: &Context) -> mednn::Result<Outputs> {
            Ok(Outputs::new(self.0.forward(inputs.image()?, None)?))
        }
        fn params(&self) -> &Params {
            &self.1
        }
    }
    let (weight, config) = (numbers(&[2, 1, 1, 1], 25), ConvGeometry::default());
    let ready = PreparedConv::new(&weight, None, &config, &ConvTail::new()).unwrap();
    let network = Net(ready, Params::new(1));
    let refused = Graph::record(&network, &numbers(&[1, 1, 2, 2], 26).into());
    assert!(matches!(refused, Err(Error::NotRecorded { .. })));
}

#[test]
fn double_precision_views_and_numbers_that_are_none_come_through() {
    let weight = pattern(&[4, 3, 3], 7);
    let config = ConvGeometry::same([3]);
    let tail = ConvTail::new().with_activation(Activation::Relu);
    let ready = PreparedConv::new(&weight, None, &config, &tail).unwrap();
    let image = pattern(&[2, 9, 3], 8);
    let view = image.transpose(1, 2).unwrap();
    let plain = conv(&view, &weight, None, &config).unwrap().relu().unwrap();
    assert_close(&ready.forward(&view, None).unwrap(), &plain, 1e-14, "f64");
    let image = Tensor::full(f64::NAN, (1, 3, 4), &Device::Cpu).unwrap();
    let sums = ready.forward(&image, None).unwrap().flatten_all().unwrap();
    assert!(sums.to_vec1::<f64>().unwrap().iter().all(|v| v.is_nan()));
}

#[test]
fn what_does_not_fit_is_refused_with_the_rule() {
    let weight = numbers(&[4, 3, 3, 3], 9);
    let config = ConvGeometry::same([3, 3]);
    let ready = PreparedConv::new(&weight, None, &config, &ConvTail::new()).unwrap();
    let image = numbers(&[1, 3, 5, 5], 10);
    let refused = |x: &Tensor| ready.forward(x, None).unwrap_err();
    assert!(matches!(
        refused(&numbers(&[1, 4, 5, 5], 1)),
        Error::Shape { .. }
    ));
    assert!(matches!(
        refused(&numbers(&[3, 5, 5], 1)),
        Error::Rank { .. }
    ));
    assert!(matches!(
        refused(&numbers(&[1, 3, 0, 5], 1)),
        Error::Axis { .. }
    ));
    let double = image.to_dtype(DType::F64).unwrap();
    assert!(matches!(refused(&double), Error::ElementType { .. }));
    let tracked = Var::from_tensor(&image).unwrap();
    let error = refused(tracked.as_tensor()).to_string();
    assert!(error.contains("free of gradients"), "{error}");
    let small = numbers(&[1, 4, 5, 4], 11);
    let error = ready.forward(&image, Some(Residual::AfterActivation(&small)));
    assert!(matches!(
        error,
        Err(Error::Shape {
            tensor: "the residual",
            ..
        })
    ));
    let short = ChannelAffine {
        scale: vec![1.0; 4],
        shift: vec![0.0; 3],
    };
    let tail = ConvTail::new().with_affine(short);
    let error = PreparedConv::new(&weight, None, &config, &tail).unwrap_err();
    assert!(error.to_string().contains("the shift"), "{error}");
    let grouped = config.with_groups(0);
    assert!(PreparedConv::new(&weight, None, &grouped, &ConvTail::new()).is_err());
    let half = weight.to_dtype(DType::F16).unwrap();
    let error = PreparedConv::new(&half, None, &config, &ConvTail::new()).unwrap_err();
    assert!(error.to_string().contains("the weight must be"), "{error}");
    let bias = pattern(&[4], 12);
    let error = PreparedConv::new(&weight, Some(&bias), &config, &ConvTail::new()).unwrap_err();
    assert!(error.to_string().contains("f32, as the weights"), "{error}");
    let bias = numbers(&[3], 12);
    assert!(PreparedConv::new(&weight, Some(&bias), &config, &ConvTail::new()).is_err());
}

#[test]
fn the_weights_are_those_of_the_moment_it_was_prepared() {
    let params = Params::new(3);
    let layer = Conv::new(&ConvConfig::same(2, 3, [3, 3]), &params.root()).unwrap();
    let image = numbers(&[1, 2, 5, 6], 13);
    let before = layer.forward(&image, &Context::evaluate()).unwrap();
    let ready = layer.prepare(&ConvTail::new()).unwrap();
    for param in params.parameters() {
        param
            .set(&param.var().as_tensor().zeros_like().unwrap())
            .unwrap();
    }
    let got = ready.forward(&image, None).unwrap();
    assert_eq!(values(&got), values(&before));
}
