//! Layer and root mean square normalisation against PyTorch.

use candle_core::{DType, Device, Tensor};
use mednn::layers::{LayerNorm, LayerNormAxes, LayerNormConfig, RmsNorm};
use mednn::ops::{layer_norm, layer_norm_channels, rms_norm};
use mednn::{Context, Error, Params};

use crate::suite::{Op, check};
use crate::support::{assert_close, pattern};

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "layer_norm",
        fixture: "layer_norm",
        cases: &[
            ("rows", |x| {
                layer_norm(&x[0], &[19], Some(&x[1]), Some(&x[2]), 1e-5)
            }),
            ("plain", |x| layer_norm(&x[0], &[7], None, None, 1e-6)),
            ("two_axes", |x| {
                layer_norm(&x[0], &[3, 5], Some(&x[1]), None, 1e-5)
            }),
            ("shift_only", |x| {
                layer_norm(&x[0], &[6], None, Some(&x[1]), 1e-5)
            }),
            ("long", |x| {
                layer_norm(&x[0], &[531], Some(&x[1]), Some(&x[2]), 1e-5)
            }),
            ("far_from_zero", |x| {
                layer_norm(&x[0], &[33], None, None, 1e-5)
            }),
        ],
        large: || {
            vec![
                pattern(&[3, 1501, 19], 1),
                pattern(&[19], 2),
                pattern(&[19], 3),
            ]
        },
    },
    Op {
        name: "rms_norm",
        fixture: "layer_norm",
        cases: &[
            ("rms", |x| rms_norm(&x[0], &[19], Some(&x[1]), 1e-6)),
            ("rms_plain", |x| rms_norm(&x[0], &[3, 5], None, 1e-6)),
        ],
        large: || vec![pattern(&[2, 1501, 19], 1), pattern(&[19], 2)],
    },
    Op {
        name: "layer_norm_channels",
        fixture: "layer_norm",
        cases: &[
            ("channels2d", |x| {
                layer_norm_channels(&x[0], Some(&x[1]), Some(&x[2]), 1e-6)
            }),
            ("channels1d", |x| {
                layer_norm_channels(&x[0], Some(&x[1]), Some(&x[2]), 1e-6)
            }),
            ("channels3d", |x| {
                layer_norm_channels(&x[0], Some(&x[1]), Some(&x[2]), 1e-6)
            }),
            ("channels_plain", |x| {
                layer_norm_channels(&x[0], None, None, 1e-6)
            }),
        ],
        large: || {
            vec![
                pattern(&[2, 5, 41, 53], 1),
                pattern(&[5], 2),
                pattern(&[5], 3),
            ]
        },
    },
];

#[test]
fn normalisations_pass_the_suite() {
    check(OPS);
}

#[test]
fn rows_longer_than_a_block_and_channels_beyond_it_agree() {
    let x = pattern(&[2, 4500, 3], 1);
    let turned = x.transpose(1, 2).unwrap().contiguous().unwrap();
    let rows = layer_norm(&turned, &[4500], None, None, 1e-5).unwrap();
    let channels = layer_norm_channels(&x, None, None, 1e-5).unwrap();
    assert_close(
        &rows.transpose(1, 2).unwrap(),
        &channels,
        1e-12,
        "rows against channels",
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = pattern(&[2, 3, 4], 1);
    let three = pattern(&[3], 2);
    assert!(matches!(
        layer_norm(&x, &[3], None, None, 1e-5),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(
        layer_norm(&x, &[], None, None, 1e-5),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        layer_norm(&x, &[1, 2, 3, 4], None, None, 1e-5),
        Err(Error::Rank { .. })
    ));
    assert!(matches!(
        layer_norm(&x, &[4], Some(&three), None, 1e-5),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(
        rms_norm(&x, &[4], Some(&three), 1e-5),
        Err(Error::Shape { .. })
    ));
    let single = three.to_dtype(DType::F32).unwrap();
    let refused = layer_norm_channels(&x, Some(&single), None, 1e-5);
    assert!(matches!(refused, Err(Error::ElementType { .. })));
    let whole = Tensor::zeros((2, 3), DType::U32, &Device::Cpu).unwrap();
    assert!(matches!(
        rms_norm(&whole, &[3], None, 1e-5),
        Err(Error::ElementType { .. })
    ));
    let none = Tensor::zeros((2, 0), DType::F32, &Device::Cpu).unwrap();
    assert!(matches!(
        layer_norm(&none, &[0], None, None, 1e-5),
        Err(Error::Axis { .. })
    ));
    assert!(matches!(
        layer_norm_channels(&three, None, None, 1e-5),
        Err(Error::Rank { .. })
    ));
}

#[test]
fn layers_have_pytorchs_names_and_start_as_plain_normalisations() {
    let params = Params::new(3);
    let root = params.root();
    let config = LayerNormConfig::default().with_epsilon(1e-6);
    let norm = LayerNorm::new(&[6], &config, &root.child("norm")).unwrap();
    let without_shift = config
        .with_affine(true, false)
        .with_axes(LayerNormAxes::Channels);
    let channels = LayerNorm::new(&[5], &without_shift, &root.child("stem")).unwrap();
    let rms = RmsNorm::new(&[6], &config, &root.child("rms")).unwrap();
    assert_eq!(
        params.names(),
        ["norm.bias", "norm.weight", "rms.weight", "stem.weight"]
    );
    let x = pattern(&[2, 5, 6], 1).to_dtype(DType::F32).unwrap();
    let context = Context::evaluate();
    let plain = layer_norm(&x, &[6], None, None, 1e-6).unwrap();
    assert_close(&norm.forward(&x, &context).unwrap(), &plain, 0.0, "norm");
    let plain = layer_norm_channels(&x, None, None, 1e-6).unwrap();
    assert_close(
        &channels.forward(&x, &context).unwrap(),
        &plain,
        0.0,
        "stem",
    );
    let plain = rms_norm(&x, &[6], None, 1e-6).unwrap();
    assert_close(&rms.forward(&x, &context).unwrap(), &plain, 0.0, "rms");
    let refused = LayerNorm::new(&[5, 6], &without_shift, &root.child("other"));
    assert!(matches!(refused, Err(Error::Setting { .. })));
}
