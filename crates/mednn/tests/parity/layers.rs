//! Layers: parameters, names and what they do when training and evaluating.

use candle_core::{DType, Device, Tensor};
use medcore::random::Key;
use mednn::layers::{
    Conv, ConvConfig, ConvPadding, ConvTranspose, ConvTransposeConfig, Dropout, DropoutUnit,
    GroupNorm, InstanceNorm, NormConfig,
};
use mednn::ops::conv::{ConvConfig as ConvGeometry, conv};
use mednn::ops::prepared_conv::ConvTail;
use mednn::ops::{self, Activation, PadMode};
use mednn::{Context, Error, Params};

use crate::support::pattern;

fn input(shape: &[usize]) -> Tensor {
    pattern(shape, 1).to_dtype(DType::F32).unwrap()
}

#[test]
fn every_parameter_of_a_block_gets_a_gradient() {
    let params = Params::new(3);
    let root = params.root();
    let leaky = NormConfig::default().with_activation(Activation::LeakyRelu { slope: 0.01 });
    let conv = Conv::<3>::new(
        &ConvConfig::same(2, 4, [3, 1, 3]).with_stride([1, 2, 1]),
        &root.child("conv"),
    )
    .unwrap();
    let norm = InstanceNorm::new(4, &leaky, &root.child("norm")).unwrap();
    let up = ConvTranspose::<3>::new(
        &ConvTransposeConfig::upsampling(4, 2, [1, 2, 1]),
        &root.child("up"),
    )
    .unwrap();
    let group = GroupNorm::new(2, 2, &NormConfig::default(), &root.child("group")).unwrap();
    assert_eq!(
        params.names(),
        [
            "conv.bias",
            "conv.weight",
            "group.bias",
            "group.weight",
            "norm.bias",
            "norm.weight",
            "up.bias",
            "up.weight"
        ]
    );
    let x = input(&[2, 2, 3, 6, 5]);
    let forward = |context: &Context| {
        let h = norm
            .forward(&conv.forward(&x, context).unwrap(), context)
            .unwrap();
        assert_eq!(h.dims(), [2, 4, 3, 3, 5]);
        group
            .forward(&up.forward(&h, context).unwrap(), context)
            .unwrap()
    };
    let y = forward(&Context::train(Key::new(1)));
    assert_eq!(y.dims(), x.dims());
    let gradients = y.powf(3.0).unwrap().sum_all().unwrap().backward().unwrap();
    for param in params.parameters() {
        let gradient = gradients
            .get(param.var())
            .unwrap_or_else(|| panic!("{} has no gradient", param.name()));
        let largest = gradient
            .abs()
            .unwrap()
            .max_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap();
        // A shift in front of a normalisation by groups of one channel would have none; these have.
        assert!(
            largest > 0.0 && largest.is_finite(),
            "{}: {largest}",
            param.name()
        );
    }
    assert!(gradients.get(&x).is_none());
    assert!(!forward(&Context::evaluate()).track_op());
}

#[test]
fn two_dimensional_convolutions_have_their_weights_shape() {
    let params = Params::new(3);
    let config = ConvConfig::<2>::same(4, 6, [3, 3])
        .with_bias(false)
        .with_nnunet_init();
    let conv = Conv::new(&config, &params.root().child("conv")).unwrap();
    assert_eq!(conv.weight().value().dims(), [6, 4, 3, 3]);
    assert!(conv.bias().is_none());
    let y = conv
        .forward(&input(&[1, 4, 5, 7]), &Context::evaluate())
        .unwrap();
    assert_eq!(y.dims(), [1, 6, 5, 7]);
    assert!(
        conv.forward(&input(&[1, 3, 5, 7]), &Context::evaluate())
            .is_err()
    );
}

#[test]
fn dropout_keeps_the_mean_and_repeats_under_the_same_key() {
    let params = Params::new(3);
    let x = Tensor::ones((4, 16, 9, 31), DType::F32, &Device::Cpu).unwrap();
    let context = Context::train(Key::new(5));
    for (unit, tolerance) in [
        (DropoutUnit::Element, 0.02),
        (DropoutUnit::Channel, 0.3),
        (DropoutUnit::Item, 1.01),
    ] {
        let dropout = Dropout::new(0.25, unit, &params.root().child("drop")).unwrap();
        let y = dropout.forward(&x, &context).unwrap();
        let values = y.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(
            values
                .iter()
                .all(|&v| v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-6)
        );
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        assert!((mean - 1.0).abs() < tolerance, "{unit:?}: {mean}");
        let again = dropout
            .forward(&x, &context)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        assert_eq!(values, again);
        let unchanged = dropout.forward(&x, &Context::evaluate()).unwrap();
        assert_eq!(
            unchanged.flatten_all().unwrap().to_vec1::<f32>().unwrap(),
            [1.0; 4 * 16 * 9 * 31]
        );
    }
    let channel = Dropout::new(0.5, DropoutUnit::Channel, &params.root().child("drop")).unwrap();
    let rows = channel
        .forward(&x, &context)
        .unwrap()
        .reshape((64, 279))
        .unwrap()
        .to_vec2::<f32>()
        .unwrap();
    assert!(rows.iter().all(|row| row.iter().all(|v| *v == row[0])));
    assert!(rows.iter().any(|row| row[0] == 0.0) && rows.iter().any(|row| row[0] == 2.0));
}

#[test]
fn settings_out_of_range_are_refused() {
    let params = Params::new(3);
    let path = params.root();
    assert!(matches!(
        Dropout::new(1.0, DropoutUnit::Element, &path),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        GroupNorm::new(3, 4, &NormConfig::default(), &path),
        Err(Error::Setting { .. })
    ));
    InstanceNorm::new(4, &NormConfig::default(), &path).unwrap();
    let again = InstanceNorm::new(4, &NormConfig::default(), &path);
    assert!(matches!(again, Err(Error::DuplicateParameter { .. })));
}

#[test]
fn ceiling_padding_follows_the_extent_of_the_input() {
    let context = Context::evaluate();
    let config = ConvConfig::same(2, 3, [3, 5]).with_padding(ConvPadding::Ceiling);
    let halving = config.clone().with_stride([2, 2]);
    let layer = Conv::<2>::new(&halving, &Params::new(3).root()).unwrap();
    // Zeros by TensorFlow's rule, written out: before and after each axis.
    for (extent, zeros) in [
        ([7, 8], [(1, 1), (1, 2)]),
        ([8, 7], [(0, 1), (2, 2)]),
        ([1, 2], [(1, 1), (1, 2)]),
    ] {
        let x = input(&[2, 2, extent[0], extent[1]]);
        let padded = ops::pad(&x, zeros, PadMode::Constant(0.0)).unwrap();
        let bare = ConvGeometry::default().with_stride([2, 2]);
        let (weight, bias) = (layer.weight().value(), layer.bias().unwrap().value());
        let want = conv(&padded, &weight, Some(&bias), &bare).unwrap();
        let got = layer.forward(&x, &context).unwrap();
        assert_eq!(
            got.dims(),
            [2, 3, extent[0].div_ceil(2), extent[1].div_ceil(2)]
        );
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (got, want) in values(&got).iter().zip(values(&want)) {
            assert!((got - want).abs() <= 1e-6, "{extent:?}");
        }
    }
    assert!(layer.forward(&input(&[2, 2, 7]), &context).is_err());
    // Ahead of time only what does not depend on the input is known.
    let error = layer.prepare(&ConvTail::new()).unwrap_err().to_string();
    assert!(error.contains("padding"), "{error}");
    let plain = Conv::<2>::new(&config, &Params::new(3).root()).unwrap();
    assert!(plain.prepare(&ConvTail::new()).is_ok());
}
