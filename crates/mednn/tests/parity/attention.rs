//! Attention against PyTorch.

use candle_core::{DType, Device, Tensor, Var};
use medcore::random::Key;
use mednn::ops::{AttentionConfig, attention, cross_attention, self_attention, softmax};
use mednn::{Error, Result};

use crate::suite::{Op, check};
use crate::support::{assert_close, check_gradient, pattern};

/// The whole numbers of a fixture as a mask.
fn seen(mask: &Tensor) -> Result<AttentionConfig> {
    Ok(AttentionConfig::default().with_mask(mask.to_dtype(DType::U8)?))
}

fn plain(x: &[Tensor], config: &AttentionConfig) -> Result<Tensor> {
    attention(&x[0], &x[1], &x[2], x.get(3), config)
}

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "attention",
        fixture: "attention",
        cases: &[
            ("plain", |x| plain(x, &AttentionConfig::default())),
            ("library", |x| plain(x, &AttentionConfig::default())),
            ("scaled", |x| {
                plain(x, &AttentionConfig::default().with_scale(0.3))
            }),
            ("causal", |x| {
                plain(x, &AttentionConfig::default().with_causal(true))
            }),
            ("padding", |x| {
                attention(&x[0], &x[1], &x[2], None, &seen(&x[3])?)
            }),
        ],
        large: || {
            vec![
                pattern(&[2, 3, 300, 8], 1),
                pattern(&[2, 3, 417, 8], 2),
                pattern(&[2, 3, 417, 5], 3),
            ]
        },
    },
    Op {
        name: "attention with bias",
        fixture: "attention",
        cases: &[
            ("bias", |x| plain(x, &AttentionConfig::default())),
            ("windows", |x| {
                attention(&x[0], &x[1], &x[2], Some(&x[3]), &seen(&x[4])?)
            }),
        ],
        large: || {
            let tokens = |seed| pattern(&[19, 2, 33, 4], seed);
            vec![tokens(1), tokens(2), tokens(3), pattern(&[2, 33, 33], 4)]
        },
    },
    Op {
        name: "self_attention",
        fixture: "attention",
        cases: &[
            ("self", |x| {
                self_attention(&x[0], 2, None, &AttentionConfig::default())
            }),
            ("self_bias", |x| {
                self_attention(&x[0], 2, Some(&x[1]), &AttentionConfig::default())
            }),
            ("self_causal", |x| {
                self_attention(
                    &x[0],
                    1,
                    None,
                    &AttentionConfig::default().with_causal(true),
                )
            }),
        ],
        large: || vec![pattern(&[2, 300, 30], 1)],
    },
    Op {
        name: "cross_attention",
        fixture: "attention",
        cases: &[
            ("cross", |x| {
                cross_attention(&x[0], &x[1], 2, None, &AttentionConfig::default())
            }),
            ("cross_bias", |x| {
                cross_attention(&x[0], &x[1], 2, Some(&x[2]), &AttentionConfig::default())
            }),
        ],
        large: || vec![pattern(&[2, 300, 10], 1), pattern(&[2, 201, 20], 2)],
    },
];

#[test]
fn attention_passes_the_suite() {
    check(OPS);
}

#[test]
fn many_blocks_of_queries_equal_the_whole_matrix_of_scores() {
    let (q, k) = (pattern(&[1, 2, 150, 3], 1), pattern(&[1, 2, 2100, 3], 2));
    let v = pattern(&[1, 2, 2100, 4], 3);
    for causal in [false, true] {
        let config = AttentionConfig::default()
            .with_scale(2.0)
            .with_causal(causal);
        let inputs = [&q, &k, &v].map(|t| Var::from_tensor(t).unwrap());
        let [q, k, v] = inputs.each_ref().map(|var| var.as_tensor());
        let got = attention(q, k, v, None, &config).unwrap();
        let mut scores = (q.matmul(&k.t().unwrap()).unwrap() * 2.0).unwrap();
        if causal {
            let ahead: Vec<f64> = (0..150 * 2100)
                .map(|i| {
                    if i % 2100 > i / 2100 {
                        f64::NEG_INFINITY
                    } else {
                        0.0
                    }
                })
                .collect();
            let ahead = Tensor::from_vec(ahead, (150, 2100), &Device::Cpu).unwrap();
            scores = scores.broadcast_add(&ahead).unwrap();
        }
        let expected = softmax(&scores, 3).unwrap().matmul(v).unwrap();
        assert_close(&got, &expected, 1e-12, "values");
        let gradients = |y: &Tensor| y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        let (got, expected) = (gradients(&got), gradients(&expected));
        for input in &inputs {
            let (got, expected) = (got.get(input).unwrap(), expected.get(input).unwrap());
            assert_close(got, expected, 1e-11, "gradient");
        }
    }
}

#[test]
fn a_query_that_sees_no_key_gives_zeros_and_no_gradient() {
    let tokens = Var::from_tensor(&pattern(&[1, 2, 3, 4], 1)).unwrap();
    let mask = Tensor::zeros((1, 3, 3), DType::U8, &Device::Cpu).unwrap();
    let config = AttentionConfig::default().with_mask(mask);
    let y = attention(&tokens, &tokens, &tokens, None, &config).unwrap();
    let gradients = (&y + 1.0)
        .unwrap()
        .sqr()
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    for tensor in [&y, gradients.get(&tokens).unwrap()] {
        let values = tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert!(values.iter().all(|&v| v == 0.0));
    }
}

#[test]
fn masks_of_floats_are_added() {
    let (q, k, v) = (
        pattern(&[4, 2, 3, 4], 1),
        pattern(&[4, 2, 3, 4], 2),
        pattern(&[4, 2, 3, 4], 3),
    );
    let numbers = pattern(&[1, 3, 3], 4);
    let masked = AttentionConfig::default().with_mask(numbers.clone());
    let got = attention(&q, &k, &v, None, &masked).unwrap();
    let bias = numbers
        .broadcast_as((2, 3, 3))
        .unwrap()
        .contiguous()
        .unwrap();
    let expected = attention(&q, &k, &v, Some(&bias), &AttentionConfig::default()).unwrap();
    assert_close(&got, &expected, 1e-14, "mask against bias");
}

#[test]
fn what_does_not_fit_is_refused() {
    let config = AttentionConfig::default();
    let (q, k) = (pattern(&[2, 3, 5, 4], 1), pattern(&[2, 3, 7, 4], 2));
    let run = |q: &Tensor, k: &Tensor, v: &Tensor| attention(q, k, v, None, &config);
    assert!(matches!(run(&q, &k, &q), Err(Error::Shape { .. })));
    assert!(matches!(
        run(&q, &pattern(&[2, 3, 7, 5], 1), &k),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(
        run(&q, &k, &pattern(&[7, 4], 1)),
        Err(Error::Rank { .. })
    ));
    let single = k.to_dtype(DType::F32).unwrap();
    assert!(matches!(
        run(&q, &k, &single),
        Err(Error::ElementType { .. })
    ));
    let none = Tensor::zeros((2, 3, 0, 4), DType::F64, &Device::Cpu).unwrap();
    assert!(matches!(run(&q, &none, &none), Err(Error::Axis { .. })));
    let bias = pattern(&[3, 7, 5], 1);
    assert!(matches!(
        attention(&q, &k, &k, Some(&bias), &config),
        Err(Error::Shape { .. })
    ));
    let masked = |mask: &Tensor| {
        let config = AttentionConfig::default().with_mask(mask.clone());
        attention(&q, &k, &k, None, &config)
    };
    assert!(matches!(
        masked(&pattern(&[3, 5, 7], 1)),
        Err(Error::Axis { .. })
    ));
    assert!(matches!(
        masked(&pattern(&[2, 2, 7], 1)),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(
        masked(&pattern(&[5, 7], 1)),
        Err(Error::Rank { .. })
    ));
    let whole = Tensor::zeros((1, 5, 7), DType::U32, &Device::Cpu).unwrap();
    assert!(matches!(masked(&whole), Err(Error::ElementType { .. })));
    let tokens = pattern(&[2, 5, 12], 1);
    for heads in [0, 5, usize::MAX] {
        let refused = self_attention(&tokens, heads, None, &config);
        assert!(matches!(refused, Err(Error::Axis { .. })));
    }
    let refused = cross_attention(&tokens, &tokens, 2, None, &config);
    assert!(matches!(refused, Err(Error::Shape { .. })));
}

/// The weights themselves: the values are the rows of a unit matrix.
fn weights(keys: usize, config: &AttentionConfig) -> Vec<f64> {
    let tokens = |seed| pattern(&[2, 3, keys, 4], seed);
    let unit = Tensor::eye(keys, DType::F64, &Device::Cpu).unwrap();
    let unit = unit.broadcast_as((2, 3, keys, keys)).unwrap();
    let found = attention(&tokens(1), &tokens(2), &unit, None, config).unwrap();
    found.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn dropped_weights_are_zero_and_the_others_grow() {
    let whole = weights(90, &AttentionConfig::default());
    let dropping = |seed| AttentionConfig::default().with_dropped(0.25, Key::new(seed));
    let some = weights(90, &dropping(1));
    let mut dropped = 0;
    for (whole, &some) in whole.iter().zip(&some) {
        dropped += usize::from(some == 0.0);
        assert!(some == 0.0 || (some - whole / 0.75).abs() < 1e-12);
    }
    // Four standard deviations.
    let count = whole.len() as f64;
    let deviation = (0.25 * 0.75 / count).sqrt();
    assert!((dropped as f64 / count - 0.25).abs() < 4.0 * deviation);
    // Every query keeps its weight in the mean, no two rows drop alike, and the key decides.
    let mean = some.iter().sum::<f64>() / (2.0 * 3.0 * 90.0);
    assert!((mean - 1.0).abs() < 0.05, "{mean}");
    let zeros: Vec<Vec<bool>> = { some.chunks(90) }
        .map(|row| row.iter().map(|&w| w == 0.0).collect())
        .collect();
    assert!((1..zeros.len()).all(|row| !zeros[..row].contains(&zeros[row])));
    assert_eq!(some, weights(90, &dropping(1)));
    assert!(some != weights(90, &dropping(2)));
    assert_eq!(
        whole,
        weights(
            90,
            &AttentionConfig::default().with_dropped(0.0, Key::new(1))
        )
    );
}

#[test]
fn gradients_go_through_the_weights_that_are_left() {
    let config = || AttentionConfig::default().with_dropped(0.4, Key::new(3));
    let packed = [pattern(&[2, 5, 12], 1), pattern(&[2, 5, 5], 2)];
    let run = |x: &[Tensor]| self_attention(&x[0], 2, Some(&x[1]), &config()).unwrap();
    check_gradient(&packed, run, 1e-6);
    let apart = [
        pattern(&[1, 2, 4, 3], 1),
        pattern(&[1, 2, 6, 3], 2),
        pattern(&[1, 2, 6, 2], 3),
    ];
    let run = |x: &[Tensor]| {
        let config = config().with_causal(true);
        attention(&x[0], &x[1], &x[2], None, &config).unwrap()
    };
    check_gradient(&apart, run, 1e-6);
    let refused = AttentionConfig::default().with_dropped(1.0, Key::new(3));
    let refused = self_attention(&packed[0], 2, None, &refused);
    assert!(matches!(refused, Err(Error::Setting { .. })));
}
