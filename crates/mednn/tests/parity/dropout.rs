//! Dropout: the factors against PyTorch, the choice of what to drop by its own rules.

use candle_core::{DType, Device, Tensor, Var};
use medcore::random::Key;
use mednn::layers::{DropPath, Dropout, DropoutUnit, PatchDropout};
use mednn::ops::scale_rows;
use mednn::{BatchItems, Context, Error, Params};

use crate::suite::{Op, check};
use crate::support::pattern;

pub(crate) const OPS: &[Op] = &[Op {
    name: "scale_rows (dropout)",
    fixture: "dropout",
    cases: &[
        ("channels", |x| {
            scale_rows(&x[0], vec![0.0, 1.25, 1.25, 1.25, 0.0, 1.25])
        }),
        ("elements", |x| {
            scale_rows(&x[0], vec![0.0, 2.0, 1.5, 0.0, -1.0, 0.5])
        }),
        ("items", |x| scale_rows(&x[0], vec![0.0, 2.0, 2.0])),
    ],
    large: || vec![pattern(&[2, 3, 101, 203], 1)],
}];

#[test]
fn the_factors_of_dropout_pass_the_suite() {
    check(OPS);
}

#[test]
fn drop_path_drops_whole_items_by_the_key_and_the_name_of_the_layer() {
    let root = Params::new(3).root();
    let x = Tensor::ones((64, 3, 5), DType::F32, &Device::Cpu).unwrap();
    let of = |name: &str, seed: u64| -> Vec<Vec<f32>> {
        let path = DropPath::new(0.5, &root.child(name)).unwrap();
        let y = path.forward(&x, &Context::train(Key::new(seed))).unwrap();
        y.reshape((64, 15)).unwrap().to_vec2().unwrap()
    };
    let items = of("block.0", 7);
    assert!(items.iter().all(|item| item.iter().all(|&v| v == item[0])));
    let dropped = items.iter().filter(|item| item[0] == 0.0).count();
    assert!((16..=48).contains(&dropped), "{dropped} of 64");
    assert!(items.iter().all(|item| item[0] == 0.0 || item[0] == 2.0));
    assert_eq!(items, of("block.0", 7));
    assert!(items != of("block.1", 7) && items != of("block.0", 8));
}

#[test]
fn what_was_dropped_gets_no_gradient() {
    let root = Params::new(3).root();
    for unit in [
        DropoutUnit::Element,
        DropoutUnit::Channel,
        DropoutUnit::Item,
    ] {
        let layer = Dropout::new(0.4, unit, &root.child("drop")).unwrap();
        let x =
            Var::from_tensor(&Tensor::ones((4, 5, 3), DType::F64, &Device::Cpu).unwrap()).unwrap();
        let y = layer.forward(&x, &Context::train(Key::new(1))).unwrap();
        let gradients = y.sum_all().unwrap().backward().unwrap();
        let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(values(&y), values(gradients.get(&x).unwrap()), "{unit:?}");
    }
}

#[test]
fn rates_grow_evenly_and_stay_below_one() {
    assert_eq!(DropPath::rates(0.4, 3), [0.0, 0.2, 0.4]);
    assert_eq!(DropPath::rates(0.4, 1), [0.0]);
    assert!(DropPath::rates(0.4, 0).is_empty());
    let root = Params::new(3).root();
    assert!(matches!(
        DropPath::new(1.0, &root),
        Err(Error::Setting { .. })
    ));
}

/// Tokens that say of which item and at which place they are.
fn numbered(batch: u32, count: u32) -> Tensor {
    let values: Vec<f32> = (0..batch * count)
        .map(|i| (1000 * (i / count) + i % count) as f32)
        .collect();
    let shape = (batch as usize, count as usize, 1);
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn rows(tokens: &Tensor) -> Vec<Vec<f32>> {
    tokens.squeeze(2).unwrap().to_vec2().unwrap()
}

#[test]
fn patches_are_left_out_by_the_key_and_tokens_in_front_of_them_stay() {
    let root = Params::new(3).root();
    let x = numbered(400, 22);
    let of = |name: &str, seed: u64| {
        let layer = PatchDropout::new(0.4, 2, &root.child(name)).unwrap();
        rows(&layer.forward(&x, &Context::train(Key::new(seed))).unwrap())
    };
    let items = of("patch_drop", 7);
    let mut times = [0; 20];
    let mut first = [0; 20];
    for (i, item) in items.iter().enumerate() {
        let base = 1000.0 * i as f32;
        // Both in front, then 12 of 20.
        assert_eq!((item.len(), item[0], item[1]), (14, base, base + 1.0));
        let mut patches: Vec<usize> = item[2..].iter().map(|v| (v - base) as usize - 2).collect();
        first[patches[0]] += 1;
        patches.sort_unstable();
        patches.dedup();
        assert_eq!(patches.len(), 12);
        patches.iter().for_each(|&place| times[place] += 1);
    }
    // In the mean 240 times with a standard deviation below 10, and 20 times the first with one below 5.
    assert!(times.iter().all(|n| (190..=290).contains(n)), "{times:?}");
    assert!(first.iter().all(|n| (1..=45).contains(n)), "{first:?}");
    assert_eq!(items, of("patch_drop", 7));
    assert!(items != of("patch_drop", 8) && items != of("other", 7));
}

#[test]
fn what_is_left_of_an_image_does_not_depend_on_its_batch() {
    let layer = PatchDropout::new(0.5, 1, &Params::new(3).root().child("drop")).unwrap();
    let train = Context::train(Key::new(5));
    let whole = rows(&layer.forward(&numbered(6, 9), &train).unwrap());
    let part = numbered(6, 9).narrow(0, 4, 2).unwrap();
    let context = train.with_items(BatchItems::new(4, 2));
    assert_eq!(rows(&layer.forward(&part, &context).unwrap()), whole[4..]);
}

#[test]
fn no_patch_is_left_out_of_evaluation_and_one_is_left_at_least() {
    let root = Params::new(3).root();
    let x = numbered(2, 5);
    let layer = PatchDropout::new(0.9, 1, &root.child("drop")).unwrap();
    let evaluated = layer.forward(&x, &Context::evaluate()).unwrap();
    assert_eq!(rows(&evaluated), rows(&x));
    let train = Context::train(Key::new(5));
    assert_eq!(layer.forward(&x, &train).unwrap().dims(), [2, 2, 1]);
    // What was left out gets no gradient, what is left all of it.
    let x = Var::from_tensor(&numbered(2, 5)).unwrap();
    let y = layer.forward(&x, &train).unwrap();
    let gradients = y.sum_all().unwrap().backward().unwrap();
    let arrived = rows(gradients.get(&x).unwrap());
    let both = |item: &Vec<f32>| item[0] == 1.0 && item.iter().sum::<f32>() == 2.0;
    assert!(arrived.iter().all(both), "{arrived:?}");
    for share in [-0.1, 1.0, f64::NAN] {
        let refused = PatchDropout::new(share, 0, &root);
        assert!(matches!(refused, Err(Error::Setting { .. })));
    }
    let alone = layer.forward(&numbered(2, 1), &train);
    assert!(matches!(alone, Err(Error::Setting { .. })));
}
