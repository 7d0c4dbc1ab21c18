use candle_core::{Device, Tensor};
use mednn::ops::{RoiAlignConfig, roi_align};

use crate::support::{Case, numbers};

fn boxes(values: &[f64], axes: usize) -> Tensor {
    Tensor::from_vec(
        values.to_vec(),
        (values.len() / (2 * axes), 2 * axes),
        &Device::Cpu,
    )
    .unwrap()
}

#[test]
fn regions_inside_overlapping_and_outside() {
    let image = [numbers(&[2, 3, 11, 17], 1)];
    let regions = boxes(
        &[
            1.0, 2.0, 7.5, 9.25, 0.0, 0.0, 11.0, 17.0, -5.0, 3.0, 2.0, 30.0, 40.0, 40.0, 50.0, 60.0,
        ],
        2,
    );
    for config in [
        RoiAlignConfig::new([3, 4]),
        RoiAlignConfig::new([2, 5])
            .with_samples(Some(2))
            .with_aligned(false),
        RoiAlignConfig::new([7, 1]).with_scale([0.5, 0.25]),
    ] {
        Case::new(format!("roi_align {config:?}"), &image).check(|x| {
            let regions = regions.to_dtype(x[0].dtype())?.to_device(x[0].device())?;
            roi_align(&x[0], &regions, &[1, 0, 1, 0], &config)
        });
    }
    let volume = [numbers(&[2, 2, 5, 6, 7], 2)];
    let regions = boxes(
        &[0.5, 1.0, 2.0, 4.0, 5.5, 6.0, 1.0, 0.0, 0.0, 3.0, 3.0, 3.0],
        3,
    );
    let config = RoiAlignConfig::new([2, 3, 2]);
    Case::new("roi_align 3D", &volume).check(|x| {
        let regions = regions.to_dtype(x[0].dtype())?.to_device(x[0].device())?;
        roi_align(&x[0], &regions, &[0, 1], &config)
    });
}
