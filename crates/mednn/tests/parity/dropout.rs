//! Dropout: the factors against PyTorch, the choice of what to drop by its own rules.

use candle_core::{DType, Device, Tensor, Var};
use medcore::random::Key;
use mednn::layers::{DropPath, Dropout, DropoutUnit};
use mednn::ops::scale_rows;
use mednn::{Context, Error, Params};

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
