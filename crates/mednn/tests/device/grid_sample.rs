use candle_core::{Device, Tensor};
use mednn::ops::{GridInterpolation, GridPadding, GridSampleConfig, affine_grid, grid_sample};

use crate::support::{Case, numbers};

fn configs() -> Vec<GridSampleConfig> {
    let mut configs = Vec::new();
    for interpolation in [
        GridInterpolation::Nearest,
        GridInterpolation::Linear,
        GridInterpolation::Cubic,
    ] {
        for padding in [
            GridPadding::Zeros,
            GridPadding::Border,
            GridPadding::Reflection,
        ] {
            for align_corners in [false, true] {
                let mut config = GridSampleConfig::default();
                config.interpolation = interpolation;
                config.padding = padding;
                config.align_corners = align_corners;
                configs.push(config);
            }
        }
    }
    configs
}

/// Places inside and outside that lie between voxels, where f32 and f64 agree on which these are.
fn places(shape: &[usize]) -> Tensor {
    let around = (numbers(shape, 7) * 0.613).unwrap();
    (around + 0.0137).unwrap()
}

fn check<const D: usize>(input: &[usize], grid: &[usize]) {
    let inputs = [numbers(input, 1), places(grid)];
    for config in configs() {
        let case = Case {
            // A place has as many digits as f32 leaves of a coordinate.
            tolerance: 1e-4,
            ..Case::new(
                format!("grid_sample {input:?} at {grid:?} {config:?}"),
                &inputs,
            )
        };
        case.check(|x| grid_sample::<D>(&x[0], &x[1], &config));
    }
}

#[test]
fn every_interpolation_and_padding() {
    check::<1>(&[2, 3, 17], &[2, 29, 1]);
    check::<2>(&[2, 5, 9, 23], &[2, 13, 27, 2]);
    check::<3>(&[1, 2, 6, 9, 11], &[1, 4, 10, 9, 3]);
}

#[test]
fn places_that_are_no_numbers_and_far_ones() {
    let mut values = places(&[1, 3, 4, 2])
        .flatten_all()
        .unwrap()
        .to_vec1::<f64>()
        .unwrap();
    values[3] = f64::NAN;
    values[8] = 1e30;
    values[13] = f64::NEG_INFINITY;
    let grid = Tensor::from_vec(values, (1, 3, 4, 2), &Device::Cpu).unwrap();
    let inputs = [numbers(&[1, 2, 5, 6], 1), grid];
    for config in configs() {
        let case = Case {
            tolerance: 1e-4,
            ..Case::new(format!("grid_sample {config:?}"), &inputs)
        };
        case.check(|x| grid_sample::<2>(&x[0], &x[1], &config));
    }
}

#[test]
fn grids_of_affine_maps() {
    for align_corners in [false, true] {
        let line = [numbers(&[3, 1, 2], 1)];
        Case::new("affine_grid 1D", &line).check(|x| affine_grid(&x[0], [300], align_corners));
        let plane = [numbers(&[2, 2, 3], 2)];
        Case::new("affine_grid 2D", &plane).check(|x| affine_grid(&x[0], [5, 70], align_corners));
        let volume = [numbers(&[2, 3, 4], 3)];
        Case::new("affine_grid 3D", &volume)
            .check(|x| affine_grid(&x[0], [4, 1, 7], align_corners));
    }
}
