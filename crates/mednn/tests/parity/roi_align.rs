//! ROI align against torchvision.

use candle_core::{DType, Device, Tensor, Var};
use mednn::ops::{RoiAlignConfig, roi_align};
use mednn::{Error, Result};

use crate::suite::{self, Op};
use crate::support::pattern;

const ITEMS: [usize; 3] = [0, 1, 1];
const PLANE: [[f32; 4]; 3] = [
    [1.3, 0.4, 8.2, 5.9],
    [-3.0, 2.1, 4.7, 9.5],
    [2.2, 3.1, 2.9, 3.3],
];
const VOLUME: [[f32; 6]; 3] = [
    [0.3, 1.2, 0.4, 3.7, 5.1, 4.6],
    [-2.5, 2.0, 1.1, 2.6, 6.9, 8.8],
    [1.1, 1.2, 1.3, 1.6, 1.5, 1.9],
];

fn plane(t: &[Tensor], config: RoiAlignConfig<2>) -> Result<Tensor> {
    let boxes = Tensor::new(&PLANE, &Device::Cpu)?.to_dtype(t[0].dtype())?;
    roi_align(&t[0], &boxes, &ITEMS, &config)
}

fn volume(t: &[Tensor], config: RoiAlignConfig<3>) -> Result<Tensor> {
    let boxes = Tensor::new(&VOLUME, &Device::Cpu)?.to_dtype(t[0].dtype())?;
    roi_align(&t[0], &boxes, &ITEMS, &config)
}

pub(crate) const OPS: &[Op] = &[
    Op {
        name: "roi_align 2D",
        fixture: "roi_align",
        cases: &[
            ("plane", |t| plane(t, RoiAlignConfig::new([3, 2]))),
            ("plane_samples", |t| {
                let config = RoiAlignConfig::new([2, 3]).with_scale([0.75; 2]);
                plane(t, config.with_samples(Some(2)))
            }),
            ("plane_corner", |t| {
                let config = RoiAlignConfig::new([3, 2]).with_scale([0.75; 2]);
                plane(t, config.with_aligned(false))
            }),
            ("plane_corner_samples", |t| {
                let config = RoiAlignConfig::new([2, 3]).with_samples(Some(3));
                plane(t, config.with_aligned(false))
            }),
        ],
        large: || vec![pattern(&[2, 37, 40, 53], 6)],
    },
    Op {
        name: "roi_align 3D",
        fixture: "roi_align",
        cases: &[
            ("volume", |t| volume(t, RoiAlignConfig::new([2, 3, 2]))),
            ("volume_samples", |t| {
                volume(t, RoiAlignConfig::new([2, 2, 3]).with_samples(Some(2)))
            }),
            ("volume_corner", |t| {
                volume(t, RoiAlignConfig::new([2, 3, 2]).with_aligned(false))
            }),
        ],
        large: || vec![pattern(&[2, 17, 10, 20, 33], 6)],
    },
];

#[test]
fn roi_align_passes_the_suite() {
    suite::check(OPS);
}

#[test]
fn no_boxes_give_no_bins_and_no_gradient() {
    let x = Var::from_tensor(&pattern(&[1, 2, 3, 4], 1)).unwrap();
    let boxes = Tensor::zeros((0, 4), DType::F64, &Device::Cpu).unwrap();
    let y = roi_align(&x, &boxes, &[], &RoiAlignConfig::new([2, 2])).unwrap();
    assert_eq!(y.dims(), [0, 2, 2, 2]);
}

#[test]
fn a_box_far_larger_than_the_image_costs_no_more_than_it() {
    let x = pattern(&[1, 1, 3, 4], 1);
    for huge in [1e6, 1e11] {
        let boxes = Tensor::new(&[[-huge, -huge, huge, huge]], &Device::Cpu).unwrap();
        let y = roi_align(&x, &boxes, &[0], &RoiAlignConfig::new([2, 2])).unwrap();
        assert_eq!(y.dims(), [1, 1, 2, 2]);
    }
}

#[test]
fn boxes_and_settings_that_make_no_sense_are_refused() {
    let x = pattern(&[1, 1, 3, 4], 1);
    let config = RoiAlignConfig::new([2, 2]);
    let boxes = pattern(&[1, 4], 1);
    let refused = |boxes: &Tensor, items: &[usize], config: &RoiAlignConfig<2>| {
        roi_align(&x, boxes, items, config).unwrap_err()
    };
    assert!(matches!(
        refused(&boxes, &[1], &config),
        Error::Setting { .. }
    ));
    assert!(matches!(
        refused(&boxes, &[0, 0], &config),
        Error::Shape { .. }
    ));
    assert!(matches!(
        refused(&pattern(&[1, 6], 1), &[0], &config),
        Error::Shape { .. }
    ));
    for bad in [f64::NAN, f64::INFINITY, 1e300] {
        let boxes = Tensor::new(&[[0.0, 0.0, bad, 1.0]], &Device::Cpu).unwrap();
        assert!(matches!(
            refused(&boxes, &[0], &config),
            Error::Setting { .. }
        ));
    }
    for config in [
        RoiAlignConfig::new([0, 1]),
        RoiAlignConfig::new([usize::MAX, 2]),
        config.with_samples(Some(0)),
        config.with_samples(Some(usize::MAX)),
        config.with_scale([0.0, 1.0]),
        config.with_scale([f64::NAN, 1.0]),
    ] {
        assert!(matches!(
            refused(&boxes, &[0], &config),
            Error::Setting { .. }
        ));
    }
    let single = boxes.to_dtype(DType::F32).unwrap();
    assert!(matches!(
        refused(&single, &[0], &config),
        Error::ElementType { .. }
    ));
    let other = roi_align(&x, &boxes, &[0], &RoiAlignConfig::new([2, 2, 2]));
    assert!(matches!(other, Err(Error::Rank { .. })));
}
