//! Multi-head attention against PyTorch, and made into window attention against timm.

use candle_core::{DType, Device, Tensor, Var};
use medcore::random::Key;
use mednn::layers::{AttentionNames, MultiHeadAttention, MultiHeadAttentionConfig};
use mednn::ops::AttentionConfig;
use mednn::ops::windows::{WindowConfig, relative_position_bias, shift_mask};
use mednn::{Context, Error, Params};

use crate::support::{Fixture, assert_close, pattern};

/// A layer with the weights a fixture holds below a prefix.
fn loaded(names: AttentionNames, prefix: &str) -> (Fixture, Params, MultiHeadAttention) {
    let (fixture, params) = (Fixture::load("multi_head"), Params::new(3));
    let config = MultiHeadAttentionConfig::new(12, 3).with_names(names);
    let layer = MultiHeadAttention::new(&config, &params.root()).unwrap();
    for param in params.parameters() {
        param
            .set(&fixture.get(&format!("{prefix}.{}", param.name())))
            .unwrap();
    }
    (fixture, params, layer)
}

/// Runs a case and compares output and input gradients.
fn compare(fixture: &Fixture, name: &str, run: impl Fn(&[Tensor]) -> Tensor) {
    let get = |part: String| fixture.find(&format!("{name}.{part}"));
    let inputs: Vec<Var> = (0..)
        .map_while(|i| get(format!("x{i}")))
        .map(|x| Var::from_tensor(&x).unwrap())
        .collect();
    let tensors: Vec<Tensor> = inputs.iter().map(|v| v.as_tensor().clone()).collect();
    let y = run(&tensors);
    assert_close(&y, &fixture.get(&format!("{name}.y")), 1e-5, name);
    let sent = fixture.get(&format!("{name}.g"));
    let gradients = (y * sent).unwrap().sum_all().unwrap().backward().unwrap();
    for (i, input) in inputs.iter().enumerate() {
        let expected = fixture.get(&format!("{name}.dx{i}"));
        assert_close(gradients.get(input).unwrap(), &expected, 1e-5, name);
    }
}

#[test]
fn pytorchs_weights_give_pytorchs_attention() {
    let (fixture, _, layer) = loaded(AttentionNames::Torch, "torch");
    let (weighing, context) = (AttentionConfig::default(), Context::train(Key::new(1)));
    compare(&fixture, "self", |x| {
        layer.forward(&x[0], None, &weighing, &context).unwrap()
    });
    compare(&fixture, "cross", |x| {
        layer
            .forward_cross(&x[0], &x[1], &weighing, &context)
            .unwrap()
    });
}

#[test]
fn timms_weights_give_timms_window_attention() {
    let (fixture, _, layer) = loaded(AttentionNames::Timm, "timm");
    let windows = WindowConfig::new([2, 3]).with_shift([1, 1]);
    let mask = shift_mask([4, 6], &windows, &Device::Cpu).unwrap();
    let weighing = AttentionConfig::default().with_mask(mask);
    let table = fixture.var("timm.relative_position_bias_table");
    let context = Context::train(Key::new(1));
    let run = |x: &Tensor| {
        let bias = relative_position_bias(&table, [2, 3]).unwrap();
        layer.forward(x, Some(&bias), &weighing, &context).unwrap()
    };
    compare(&fixture, "window", |x| run(&x[0]));
    let y = run(&fixture.get("window.x0"));
    let gradients = (y * fixture.get("window.g"))
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    let expected = fixture.get("window.dtable");
    assert_close(
        gradients.get(&table).unwrap(),
        &expected,
        1e-5,
        "gradient of the table",
    );
}

#[test]
fn every_parameter_gets_a_gradient_and_heads_must_divide() {
    let params = Params::new(3);
    let config = MultiHeadAttentionConfig::new(8, 2);
    let layer = MultiHeadAttention::new(&config, &params.root()).unwrap();
    let x = pattern(&[2, 5, 8], 1).to_dtype(DType::F32).unwrap();
    let (weighing, context) = (AttentionConfig::default(), Context::train(Key::new(1)));
    let own = layer.forward(&x, None, &weighing, &context).unwrap();
    let y = layer.forward_cross(&own, &x, &weighing, &context).unwrap();
    let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
    for param in params.parameters() {
        assert!(
            gradients.get(param.var()).is_some(),
            "{} has no gradient",
            param.name()
        );
    }
    let without = config.with_bias(false).with_names(AttentionNames::Timm);
    let params = Params::new(3);
    MultiHeadAttention::new(&without, &params.root()).unwrap();
    assert_eq!(params.names(), ["proj.bias", "proj.weight", "qkv.weight"]);
    for heads in [0, 3] {
        let config = MultiHeadAttentionConfig::new(8, heads);
        let refused = MultiHeadAttention::new(&config, &params.root());
        assert!(matches!(refused, Err(Error::Setting { .. })));
    }
}
