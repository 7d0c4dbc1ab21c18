//! Selection by index, scattered sums, the largest elements and one-hot codes against PyTorch.

use candle_core::{DType, Device, Tensor};
use mednn::Error;
use mednn::ops::{Order, gather, index_select, one_hot, scatter_add, select_each, top_k};

use crate::suite::{Op, check};
use crate::support::pattern;

fn cyclic(shape: &[usize], below: u32) -> Tensor {
    let count = shape.iter().product::<usize>() as u32;
    let indices: Vec<u32> = (0..count).map(|i| (i * 7 + i / 5) % below).collect();
    Tensor::from_vec(indices, shape, &Device::Cpu).unwrap()
}

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "index_select",
        fixture: "index",
        cases: &[
            ("select_middle", |x| index_select(&x[0], 1, &x[1])),
            ("select_rows", |x| index_select(&x[0], 0, &x[1])),
            ("select_last", |x| index_select(&x[0], 2, &x[1])),
        ],
        large: || vec![pattern(&[3, 41, 1030], 1), cyclic(&[97], 41)],
    },
    Op {
        name: "select_each",
        fixture: "index",
        cases: &[
            ("each_middle", |x| {
                select_each(&x[0], &[4, 0, 2, 2, 1, 3, 0, 4])
            }),
            ("each_of_rows", |x| select_each(&x[0], &[1, 0, 2])),
        ],
        large: || vec![pattern(&[2, 41, 1030], 1)],
    },
    Op {
        name: "gather",
        fixture: "index",
        cases: &[
            ("gather_middle", |x| gather(&x[0], 1, &x[1])),
            ("gather_last", |x| gather(&x[0], 3, &x[1])),
            ("gather_vector", |x| gather(&x[0], 0, &x[1])),
        ],
        large: || vec![pattern(&[3, 5, 1030], 1), cyclic(&[3, 9, 1030], 5)],
    },
    Op {
        name: "scatter_add",
        fixture: "index",
        cases: &[
            ("scatter_middle", |x| scatter_add(&x[0], 1, &x[2], &x[1])),
            ("scatter_first", |x| scatter_add(&x[0], 0, &x[2], &x[1])),
        ],
        large: || {
            vec![
                pattern(&[3, 5, 1030], 1),
                pattern(&[3, 9, 1030], 2),
                cyclic(&[3, 9, 1030], 5),
            ]
        },
    },
    Op {
        name: "top_k",
        fixture: "index",
        cases: &[
            ("top_last", |x| {
                Ok(top_k(&x[0], 2, 3, Order::Largest)?.values)
            }),
            ("top_middle", |x| {
                Ok(top_k(&x[0], 1, 2, Order::Smallest)?.values)
            }),
            (
                "top_all",
                |x| Ok(top_k(&x[0], 0, 6, Order::Largest)?.values),
            ),
        ],
        large: || vec![pattern(&[2, 700, 7], 1)],
    },
];

#[test]
fn selections_and_scattered_sums_pass_the_suite() {
    check(OPS);
}

#[test]
fn of_equal_elements_the_lowest_index_comes_first_and_nan_is_the_largest() {
    let x = Tensor::new(&[1.0_f32, 3.0, f32::NAN, 3.0, -0.0, 0.0], &Device::Cpu).unwrap();
    let of = |k, order| {
        top_k(&x, 0, k, order)
            .unwrap()
            .indices
            .to_vec1::<u32>()
            .unwrap()
    };
    assert_eq!(of(4, Order::Largest), [2, 1, 3, 0]);
    assert_eq!(of(3, Order::Smallest), [4, 5, 0]);
    assert_eq!(of(6, Order::Smallest), [4, 5, 0, 1, 3, 2]);
}

#[test]
fn one_hot_codes_stand_at_the_axis_asked_for() {
    let labels = Tensor::new(&[[0_u8, 2], [1, 1]], &Device::Cpu).unwrap();
    let channels = one_hot(&labels, 3, 1, DType::F32).unwrap();
    assert_eq!(
        channels.to_vec3::<f32>().unwrap(),
        [
            [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]],
            [[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]]
        ]
    );
    let last = one_hot(&labels, 3, 2, DType::F64).unwrap();
    let turned = channels
        .to_dtype(DType::F64)
        .unwrap()
        .transpose(1, 2)
        .unwrap();
    assert_eq!(
        last.to_vec3::<f64>().unwrap(),
        turned.to_vec3::<f64>().unwrap()
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = pattern(&[2, 3], 1);
    let index = |values: &[i64]| Tensor::new(values, &Device::Cpu).unwrap();
    assert!(matches!(
        index_select(&x, 2, &index(&[0])),
        Err(Error::Rank { .. })
    ));
    assert!(matches!(
        index_select(&x, 1, &index(&[3])),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        index_select(&x, 1, &index(&[-1])),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        index_select(&x, 1, &index(&[])),
        Err(Error::Axis { .. })
    ));
    assert!(matches!(index_select(&x, 1, &x), Err(Error::Rank { .. })));
    // An index outside, other than as many for each item, none, and no axis of items.
    for indices in [&[0, 3][..], &[0, 1, 2], &[]] {
        assert!(matches!(
            select_each(&x, indices),
            Err(Error::Setting { .. })
        ));
    }
    let flat = pattern(&[3], 1);
    assert!(matches!(select_each(&flat, &[0]), Err(Error::Rank { .. })));
    assert!(matches!(
        select_each(&index(&[0, 1]).reshape((1, 2)).unwrap(), &[0]),
        Err(Error::ElementType { .. })
    ));
    assert!(matches!(gather(&x, 1, &x), Err(Error::ElementType { .. })));
    let wrong = index(&[0, 1, 2]).reshape((3, 1)).unwrap();
    assert!(matches!(gather(&x, 1, &wrong), Err(Error::Shape { .. })));
    let fits = index(&[0, 1]).reshape((2, 1)).unwrap();
    assert!(matches!(
        scatter_add(&x, 1, &fits, &x),
        Err(Error::Shape { .. })
    ));
    let single = pattern(&[2, 1], 1).to_dtype(DType::F32).unwrap();
    assert!(matches!(
        scatter_add(&x, 1, &fits, &single),
        Err(Error::ElementType { .. })
    ));
    for k in [0, 4] {
        assert!(matches!(
            top_k(&x, 1, k, Order::Largest),
            Err(Error::Setting { .. })
        ));
    }
    let labels = index(&[0, 5]);
    assert!(matches!(
        one_hot(&labels, 5, 1, DType::F32),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        one_hot(&labels, 6, 2, DType::F32),
        Err(Error::Rank { .. })
    ));
    assert!(matches!(
        one_hot(&labels, 6, 1, DType::U8),
        Err(Error::ElementType { .. })
    ));
}
