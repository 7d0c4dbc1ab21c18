//! The linear map against PyTorch.

use candle_core::{DType, Device, Tensor};
use mednn::layers::{Linear, LinearConfig};
use mednn::ops::linear;
use mednn::params::Init;
use mednn::{Context, Error, Params};

use crate::suite::{Op, check};
use crate::support::pattern;

pub(crate) const OPS: &[Op] = &[Op {
    name: "linear",
    fixture: "linear",
    cases: &[
        ("tokens", |x| linear(&x[0], &x[1], Some(&x[2]))),
        ("rows", |x| linear(&x[0], &x[1], None)),
        ("vector", |x| linear(&x[0], &x[1], Some(&x[2]))),
        ("image", |x| linear(&x[0], &x[1], Some(&x[2]))),
        ("wide", |x| linear(&x[0], &x[1], Some(&x[2]))),
    ],
    large: || {
        vec![
            pattern(&[2, 301, 37], 1),
            pattern(&[555, 37], 2),
            pattern(&[555], 3),
        ]
    },
}];

#[test]
fn the_linear_map_passes_the_suite() {
    check(OPS);
}

#[test]
fn what_does_not_fit_is_refused() {
    let (x, w, b) = (pattern(&[2, 3], 1), pattern(&[4, 3], 2), pattern(&[4], 3));
    assert!(matches!(
        linear(&x, &w.t().unwrap(), None),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(linear(&x, &b, None), Err(Error::Rank { .. })));
    assert!(matches!(
        linear(&x, &w, Some(&pattern(&[3], 1))),
        Err(Error::Shape { .. })
    ));
    let single = b.to_dtype(DType::F32).unwrap();
    assert!(matches!(
        linear(&x, &w, Some(&single)),
        Err(Error::ElementType { .. })
    ));
    let none = Tensor::zeros((0, 3), DType::F64, &Device::Cpu).unwrap();
    assert!(matches!(linear(&none, &w, None), Err(Error::Axis { .. })));
    let scalar = Tensor::new(1.0, &Device::Cpu).unwrap();
    assert!(matches!(linear(&scalar, &w, None), Err(Error::Rank { .. })));
}

#[test]
fn the_layer_is_drawn_as_pytorchs() {
    let params = Params::new(3);
    let config = LinearConfig::new(100, 50);
    let layer = Linear::new(&config, &params.root().child("head")).unwrap();
    for param in [layer.weight(), layer.bias().unwrap()] {
        let values = param
            .value()
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        let largest = values.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        assert!(
            (0.08..=0.1).contains(&largest),
            "{}: {largest}",
            param.name()
        );
    }
    let config = config.with_bias(false).with_init(Init::ONES, None);
    let ones = Linear::new(&config, &params.root().child("ones")).unwrap();
    assert!(ones.bias().is_none());
    let x = pattern(&[2, 100], 1).to_dtype(DType::F32).unwrap();
    let y = ones.forward(&x, &Context::evaluate()).unwrap();
    assert_eq!(y.dims(), [2, 50]);
    assert!(
        layer
            .forward(&x.t().unwrap(), &Context::evaluate())
            .is_err()
    );
}
