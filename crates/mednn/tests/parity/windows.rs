//! Windows, shift masks and relative positions against timm (2D) and MONAI (3D).

use candle_core::{DType, Device, Tensor};
use mednn::Error;
use mednn::ops::windows::{
    WindowConfig, relative_position_bias, relative_position_coordinates, relative_position_index,
    shift_mask, window_partition, window_reverse,
};

use crate::suite::{Op, check};
use crate::support::{Fixture, assert_close, pattern};

fn moved<const D: usize>(window: [usize; D], shift: [usize; D]) -> WindowConfig<D> {
    WindowConfig::new(window).with_shift(shift)
}

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "window_partition",
        fixture: "windows",
        cases: &[
            ("padded2d", |x| {
                window_partition(&x[0], &moved([4, 3], [1, 2]))
            }),
            ("plain2d", |x| {
                window_partition(&x[0], &WindowConfig::new([2, 3]))
            }),
            ("shifted2d", |x| {
                window_partition(&x[0], &moved([4, 3], [2, 1]))
            }),
            ("shifted3d", |x| {
                window_partition(&x[0], &moved([2, 3, 2], [1, 1, 0]))
            }),
            ("padded3d", |x| {
                window_partition(&x[0], &moved([2, 3, 4], [1, 2, 3]))
            }),
        ],
        large: || vec![pattern(&[2, 61, 53, 7], 1)],
    },
    Op {
        name: "window_reverse",
        fixture: "windows",
        cases: &[
            ("back2d", |x| {
                window_reverse(&x[0], [5, 7], &moved([4, 3], [1, 2]))
            }),
            ("back3d", |x| {
                window_reverse(&x[0], [4, 3, 3], &moved([2, 3, 2], [1, 1, 0]))
            }),
        ],
        large: || vec![pattern(&[6 * 500, 12, 2], 1)],
    },
    Op {
        name: "relative_position_bias",
        fixture: "windows",
        cases: &[
            ("bias2d", |x| relative_position_bias(&x[0], [3, 4])),
            ("bias3d", |x| relative_position_bias(&x[0], [2, 3, 2])),
        ],
        large: || vec![pattern(&[35, 300], 1)],
    },
];

#[test]
fn windows_pass_the_suite() {
    check(OPS);
}

fn numbers(tensor: &Tensor) -> Vec<u32> {
    tensor
        .to_dtype(DType::U32)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap()
}

#[test]
fn masks_and_relative_positions_equal_timms_and_monais() {
    let fixture = Fixture::load("windows");
    let cpu = Device::Cpu;
    let index = relative_position_index([3, 4], &cpu).unwrap();
    assert_eq!(numbers(&index), numbers(&fixture.get("index2d")));
    let index = relative_position_index([2, 3, 2], &cpu).unwrap();
    assert_eq!(numbers(&index), numbers(&fixture.get("index3d")));
    let mask = shift_mask([8, 9], &moved([4, 3], [2, 1]), &cpu).unwrap();
    assert_eq!(mask.dims(), fixture.get("mask2d").dims());
    assert_eq!(numbers(&mask), numbers(&fixture.get("mask2d")));
    let mask = shift_mask([4, 6, 4], &moved([2, 3, 4], [1, 1, 0]), &cpu).unwrap();
    assert_eq!(mask.dims(), fixture.get("mask3d").dims());
    assert_eq!(numbers(&mask), numbers(&fixture.get("mask3d")));
}

#[test]
fn relative_positions_are_spaced_as_timms() {
    let fixture = Fixture::load("windows");
    for (name, window, unit) in [
        ("coordinates2d", [3, 4], [3, 4]),
        ("coordinates_long", [8, 16], [8, 16]),
        ("coordinates_unit", [5, 4], [3, 7]),
    ] {
        let places = relative_position_coordinates(window, unit, &Device::Cpu).unwrap();
        assert_close(&places, &fixture.get(name), 1e-6, name);
    }
    let volume = relative_position_coordinates([2, 2, 3], [2, 2, 3], &Device::Cpu).unwrap();
    assert_eq!(volume.dims(), [45, 3]);
    for (window, unit) in [([3, 1], [3, 2]), ([3, 2], [1, 2]), ([3, 2], [3, 0])] {
        let refused = relative_position_coordinates(window, unit, &Device::Cpu);
        assert!(matches!(refused, Err(Error::Setting { .. })));
    }
}

#[test]
fn reversing_gives_back_the_grid() {
    let grid = pattern(&[2, 5, 7, 4, 3], 1);
    let config = WindowConfig::new([3, 4, 4])
        .with_half_shift()
        .fitted([5, 7, 4]);
    assert_eq!(config.shift, [1, 2, 0]);
    let windows = window_partition(&grid, &config).unwrap();
    let back = window_reverse(&windows, [5, 7, 4], &config).unwrap();
    assert_eq!(
        back.flatten_all().unwrap().to_vec1::<f64>().unwrap(),
        grid.flatten_all().unwrap().to_vec1::<f64>().unwrap()
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let grid = pattern(&[2, 4, 6, 3], 1);
    let run = |config| window_partition::<2>(&grid, &config);
    assert!(matches!(
        run(WindowConfig::new([0, 2])),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        run(moved([2, 2], [0, 2])),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        run(WindowConfig::new([usize::MAX, 2])),
        Err(Error::Setting { .. })
    ));
    let refused = window_partition(&grid, &WindowConfig::new([2, 2, 2]));
    assert!(matches!(refused, Err(Error::Rank { .. })));
    let whole = grid.to_dtype(DType::U32).unwrap();
    let refused = window_partition(&whole, &WindowConfig::new([2, 2]));
    assert!(matches!(refused, Err(Error::ElementType { .. })));
    let windows = pattern(&[7, 4, 3], 1);
    let refused = window_reverse(&windows, [4, 4], &WindowConfig::new([2, 2]));
    assert!(matches!(refused, Err(Error::Shape { .. })));
    let refused = window_reverse(&windows, [0, 4], &WindowConfig::new([2, 2]));
    assert!(matches!(refused, Err(Error::Setting { .. })));
    let refused = relative_position_bias(&pattern(&[8, 2], 1), [2, 2]);
    assert!(matches!(refused, Err(Error::Shape { .. })));
    let refused = relative_position_bias(&pattern(&[8, 2], 1), [0, 2]);
    assert!(matches!(refused, Err(Error::Setting { .. })));
    let refused = shift_mask([9000, 9000], &WindowConfig::new([9000, 9000]), &Device::Cpu);
    assert!(matches!(refused, Err(Error::Setting { .. })));
}
