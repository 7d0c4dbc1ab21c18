//! Reshaping, permutation and narrowing against PyTorch, and the way back through them.

use candle_core::{DType, Device, Tensor, Var};
use medcore::random::Key;
use mednn::ops::conv::{ConvConfig, conv};
use mednn::ops::{add, flatten_from, linear, multiply, narrow, permute, reshape};
use mednn::tape::{Tape, checkpoint};
use mednn::{Context, Error};

use crate::suite::{self, Op};
use crate::support::{assert_close, pattern};

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "reshape",
        fixture: "view",
        cases: &[("reshape", |t| {
            reshape(&t[0], &[6, 4, t[0].elem_count() / 24])
        })],
        large: || vec![pattern(&[2, 3, 4, 9000], 6)],
    },
    Op {
        name: "flatten_from",
        fixture: "view",
        cases: &[("flatten", |t| flatten_from(&t[0], 2))],
        large: || vec![pattern(&[2, 3, 4, 9000], 6)],
    },
    Op {
        name: "permute",
        fixture: "view",
        cases: &[
            ("permute_last3", |t| permute(&t[0], &[0, 2, 3, 4, 1])),
            ("permute_last1", |t| permute(&t[0], &[0, 2, 1])),
            ("permute_last2", |t| permute(&t[0], &[0, 2, 3, 1])),
            ("permute_first2", |t| permute(&t[0], &[0, 3, 1, 2])),
            ("permute_first3", |t| permute(&t[0], &[0, 4, 1, 2, 3])),
            ("permute_heads", |t| permute(&t[0], &[0, 2, 1, 3])),
            ("permute_reversed", |t| permute(&t[0], &[3, 2, 1, 0])),
            ("permute_short", |t| permute(&t[0], &[0, 2, 1, 3])),
            ("permute_squares", |t| permute(&t[0], &[0, 3, 2, 1])),
            ("permute_eight", |t| {
                permute(&t[0], &[7, 2, 5, 0, 3, 6, 1, 4])
            }),
        ],
        large: || vec![pattern(&[2, 33, 10, 12, 17], 6)],
    },
    Op {
        name: "narrow",
        fixture: "view",
        cases: &[
            ("narrow_channels", |t| narrow(&t[0], 1, 1, 3)),
            ("narrow_batch", |t| narrow(&t[0], 0, 1, 1)),
            ("narrow_last", |t| narrow(&t[0], 2, 0, 4)),
        ],
        large: || vec![pattern(&[2, 5, 10, 22, 70], 6)],
    },
];

#[test]
fn views_pass_the_suite() {
    suite::check(OPS);
}

/// `[2, 3, 4, 5]` to the same shape.
fn network(t: &[Tensor]) -> mednn::Result<Tensor> {
    let [x, kernel, weight, bias, gate] = t else {
        unreachable!()
    };
    let y = conv(x, kernel, None, &ConvConfig::same([3, 3]))?;
    let y = permute(&flatten_from(&y, 2)?, &[0, 2, 1])?;
    let y = linear(&y, weight, Some(bias))?;
    let y = reshape(&permute(&y, &[0, 2, 1])?, &[2, 3, 4, 5])?;
    multiply(&add(&y, x)?, gate)
}

fn variables() -> Vec<Var> {
    let shapes: [&[usize]; 5] = [&[2, 3, 4, 5], &[6, 3, 3, 3], &[3, 6], &[3], &[1, 3, 1, 1]];
    let variable =
        |(i, shape): (usize, &&[usize])| Var::from_tensor(&pattern(shape, i as u64)).unwrap();
    shapes.iter().enumerate().map(variable).collect()
}

#[test]
fn the_tape_leads_back_through_views_and_arithmetic() {
    let variables = variables();
    let inputs: Vec<Tensor> = variables.iter().map(|v| v.as_tensor().clone()).collect();
    let (y, tape) = Tape::record(|| network(&inputs));
    let y = y.unwrap();
    assert_eq!(tape.len(), 8);
    let sent = pattern(y.dims(), 9);
    let by_candle = (&y * &sent).unwrap().sum_all().unwrap().backward().unwrap();
    let by_tape = tape.backward(vec![(y, sent.clone())]).unwrap();
    // A checkpointed block refuses a tape on which an operator is missing.
    let context = Context::train(Key::new(7)).with_gradient_checkpointing();
    let borrowed: Vec<&Tensor> = inputs.iter().collect();
    let (y, tape) = Tape::record(|| checkpoint(&context, &borrowed, |t, _| network(t)));
    assert_eq!(tape.len(), 1);
    let by_block = tape.backward(vec![(y.unwrap(), sent)]).unwrap();
    for var in &variables {
        let [tape, block, candle] = [&by_tape, &by_block, &by_candle].map(|g| g.get(var).unwrap());
        assert_close(tape, candle, 0.0, "gradient");
        assert_close(block, candle, 0.0, "gradient of the block");
    }
}

#[test]
fn a_new_shape_copies_nothing() {
    let address = |t: &Tensor| {
        let (storage, _) = t.storage_and_layout();
        let candle_core::Storage::Cpu(storage) = &*storage else {
            panic!("on the CPU")
        };
        storage.as_slice::<f64>().unwrap().as_ptr()
    };
    let x = pattern(&[2, 1, 3, 4], 1);
    let views = [
        reshape(&x, &[6, 4]),
        flatten_from(&x, 1),
        permute(&x, &[0, 2, 3, 1]),
    ];
    for view in views {
        assert_eq!(address(&view.unwrap()), address(&x));
    }
    let labels = Tensor::new(&[[1_u32, 2, 3]], &Device::Cpu).unwrap();
    let column = reshape(&labels, &[3, 1]).unwrap();
    assert_eq!(column.to_vec2::<u32>().unwrap(), [[1], [2], [3]]);
}

#[test]
fn views_that_do_not_exist_are_refused() {
    let x = pattern(&[2, 3, 4], 1);
    let setting = [
        reshape(&x, &[2, 3, 5]),
        reshape(&x, &[usize::MAX, 2, 3]),
        reshape(&x, &[0, 24]),
        flatten_from(&x, 3),
        permute(&x, &[0, 1]),
        permute(&x, &[0, 1, 1]),
        permute(&x, &[0, 1, 3]),
        permute(&x, &[0, 1, 2, 2]),
        narrow(&x, 3, 0, 1),
        narrow(&x, 1, 0, 0),
        narrow(&x, 1, 3, 0),
        narrow(&x, 1, 2, 2),
        narrow(&x, 1, usize::MAX, 2),
    ];
    for refused in setting {
        assert!(matches!(refused, Err(Error::Setting { .. })));
    }
    let none = pattern(&[2, 0, 4], 1);
    for refused in [
        reshape(&none, &[0]),
        flatten_from(&none, 0),
        permute(&none, &[2, 1, 0]),
        narrow(&none, 0, 0, 1),
    ] {
        assert!(matches!(refused, Err(Error::Axis { axis: 1, .. })));
    }
    let whole = x.to_dtype(DType::U32).unwrap();
    for refused in [permute(&whole, &[2, 1, 0]), narrow(&whole, 0, 0, 1)] {
        assert!(matches!(refused, Err(Error::ElementType { .. })));
    }
}
