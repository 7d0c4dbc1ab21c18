//! What works along the axes of space: pooling, resizing, padding, sampling.

use mednn::candle_core::{Device, Tensor};
use mednn::ops::{self, Interpolation, Size};

use super::Case;

pub(super) fn pools() -> Vec<Case> {
    let mut cases = Vec::new();
    for ceil in [false, true] {
        for pads in [false, true] {
            let padding = usize::from(pads);
            cases.push(Case::of_many(
                format!("pool 2D, ceil {ceil}, padding {pads}"),
                &[&[2, 3, 8, 11]],
                move |x, _| {
                    let config = ops::PoolConfig::new([3, 2])
                        .with_stride([2, 3])
                        .with_padding([padding; 2])
                        .with_ceil_mode(ceil);
                    let uncounted = config.with_count_include_pad(false);
                    let (largest, places) = ops::max_pool_with_indices(&x[0], &config)?;
                    Ok(vec![
                        ops::max_pool(&x[0], &config)?,
                        ops::avg_pool(&x[0], &config)?,
                        ops::avg_pool(&x[0], &uncounted)?,
                        largest,
                        places,
                    ])
                },
            ));
        }
    }
    cases.push(Case::of_many("pool 1D", &[&[2, 3, 10]], |x, _| {
        let config = ops::PoolConfig::new([4])
            .with_stride([3])
            .with_padding([2])
            .with_ceil_mode(true);
        Ok(vec![
            ops::max_pool(&x[0], &config)?,
            ops::avg_pool(&x[0], &config)?,
        ])
    }));
    // One window along each axis, longer than it.
    cases.push(Case::of_many(
        "pool, short axes",
        &[&[2, 3, 2, 3]],
        |x, _| {
            let config = ops::PoolConfig::new([3, 5])
                .with_stride([2, 3])
                .with_ceil_mode(true);
            let (largest, places) = ops::max_pool_with_indices(&x[0], &config)?;
            Ok(vec![largest, places, ops::avg_pool(&x[0], &config)?])
        },
    ));
    cases.push(Case::of_many("pool 3D", &[&[2, 3, 5, 6, 7]], |x, _| {
        let config = ops::PoolConfig::new([2, 3, 2])
            .with_padding([1, 1, 0])
            .with_ceil_mode(true);
        let (largest, places) = ops::max_pool_with_indices(&x[0], &config)?;
        Ok(vec![largest, places, ops::avg_pool(&x[0], &config)?])
    }));
    // One bin, bins of equal size, bins of different sizes.
    for (size, name) in [
        ([1, 1, 1], "global"),
        ([2, 3, 1], "even"),
        ([3, 4, 2], "uneven"),
    ] {
        cases.push(Case::of_many(
            format!("adaptive pool, {name}"),
            &[&[2, 3, 4, 6, 5]],
            move |x, _| {
                let (largest, places) = ops::adaptive_max_pool_with_indices(&x[0], size)?;
                Ok(vec![
                    ops::adaptive_avg_pool(&x[0], size)?,
                    ops::adaptive_max_pool(&x[0], size)?,
                    largest,
                    places,
                ])
            },
        ));
    }
    cases.push(Case::new("adaptive pool 1D", &[&[2, 3, 7]], |x| {
        ops::adaptive_avg_pool(&x[0], [3])
    }));
    cases.push(Case::new("max_unpool", &[&[2, 3, 8, 7]], |x| {
        let config = ops::PoolConfig::new([2, 2]);
        let (largest, places) = ops::max_pool_with_indices(&x[0], &config)?;
        ops::max_unpool(&ops::scale(&largest, 2.0)?, &places, [8, 7])
    }));
    cases
}

pub(super) fn resizes() -> Vec<Case> {
    let kinds = [
        Interpolation::Nearest,
        Interpolation::NearestExact,
        Interpolation::Linear {
            align_corners: false,
        },
        Interpolation::Linear {
            align_corners: true,
        },
        Interpolation::Cubic {
            align_corners: false,
        },
        Interpolation::Cubic {
            align_corners: true,
        },
        Interpolation::Area,
        Interpolation::AntialiasedLinear,
        Interpolation::AntialiasedCubic,
    ];
    let mut cases = Vec::new();
    for (i, kind) in kinds.into_iter().enumerate() {
        cases.push(Case::of_many(
            format!("resize 1D, {i}"),
            &[&[2, 3, 7]],
            move |x, _| {
                let sizes = [
                    Size::Voxels([10]),
                    Size::Voxels([14]),
                    Size::Voxels([3]),
                    Size::Factor([1.7]),
                ];
                sizes
                    .into_iter()
                    .map(|size| ops::resize(&x[0], size, kind))
                    .collect()
            },
        ));
        cases.push(Case::of_many(
            format!("resize 2D, {i}"),
            &[&[2, 3, 6, 7]],
            move |x, _| {
                let sizes = [
                    Size::Voxels([12, 21]),
                    Size::Voxels([5, 11]),
                    Size::Voxels([1, 20]),
                    Size::Voxels([6, 7]),
                    Size::Factor([2.0, 0.5]),
                    Size::Factor([1.3, 2.4]),
                ];
                sizes
                    .into_iter()
                    .map(|size| ops::resize(&x[0], size, kind))
                    .collect()
            },
        ));
        cases.push(Case::of_many(
            format!("resize 3D, {i}"),
            &[&[2, 2, 3, 6, 5]],
            move |x, _| {
                let sizes = [
                    Size::Voxels([6, 12, 10]),
                    Size::Voxels([2, 9, 7]),
                    Size::Factor([1.0, 2.0, 1.5]),
                ];
                sizes
                    .into_iter()
                    .map(|size| ops::resize(&x[0], size, kind))
                    .collect()
            },
        ));
    }
    let modes = [
        ops::PadMode::Constant(0.5),
        ops::PadMode::Reflect,
        ops::PadMode::Replicate,
        ops::PadMode::Circular,
    ];
    for (i, mode) in modes.into_iter().enumerate() {
        cases.push(Case::new(format!("pad 1D, {i}"), &[&[2, 3, 6]], move |x| {
            ops::pad(&x[0], [(2, 1)], mode)
        }));
        cases.push(Case::new(
            format!("pad 3D, {i}"),
            &[&[2, 3, 4, 5, 6]],
            move |x| ops::pad(&x[0], [(2, 1), (0, 3), (1, 0)], mode),
        ));
    }
    cases
}

pub(super) fn samplings() -> Vec<Case> {
    use ops::{GridInterpolation, GridPadding, GridSampleConfig};
    let mut cases = Vec::new();
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
            for align in [false, true] {
                let config = GridSampleConfig::new()
                    .with_interpolation(interpolation)
                    .with_padding(padding)
                    .with_align_corners(align);
                let name =
                    |axes| format!("grid_sample {axes}D, {interpolation:?}, {padding:?}, {align}");
                cases.push(Case::new(name(1), &[&[2, 3, 7], &[2, 9, 1]], move |x| {
                    ops::grid_sample::<1>(&x[0], &ops::scale(&x[1], 1.6)?, &config)
                }));
                cases.push(Case::new(
                    name(2),
                    &[&[2, 3, 7, 6], &[2, 5, 9, 2]],
                    move |x| ops::grid_sample::<2>(&x[0], &ops::scale(&x[1], 1.6)?, &config),
                ));
                if interpolation != GridInterpolation::Cubic {
                    cases.push(Case::new(
                        name(3),
                        &[&[2, 3, 4, 6, 5], &[2, 3, 5, 4, 3]],
                        move |x| ops::grid_sample::<3>(&x[0], &ops::scale(&x[1], 1.6)?, &config),
                    ));
                }
            }
        }
    }
    for align in [false, true] {
        cases.push(Case::of_many(
            format!("affine_grid, {align}"),
            &[&[2, 1, 2], &[2, 2, 3], &[2, 3, 4]],
            move |x, _| {
                Ok(vec![
                    ops::affine_grid(&x[0], [6], align)?,
                    ops::affine_grid(&x[1], [3, 5], align)?,
                    ops::affine_grid(&x[2], [3, 1, 4], align)?,
                ])
            },
        ));
    }
    for aligned in [false, true] {
        for samples in [None, Some(2)] {
            let corners = Tensor::new(
                &[
                    [1.0_f32, 0.5, 6.0, 4.5],
                    [-2.0, 1.0, 3.0, 8.0],
                    [2.0, 2.0, 2.3, 2.4],
                ],
                &Device::Cpu,
            );
            cases.push(
                Case::of_many(
                    format!("roi_align, aligned {aligned}, samples {samples:?}"),
                    &[&[2, 3, 7, 6], &[3, 4]],
                    move |x, _| {
                        let config = ops::RoiAlignConfig::new([2, 3])
                            .with_aligned(aligned)
                            .with_samples(samples);
                        let scaled = config.with_scale([0.5, 0.75]);
                        Ok(vec![
                            ops::roi_align(&x[0], &x[1], &[0, 1, 0], &config)?,
                            ops::roi_align(&x[0], &x[1], &[1, 1, 0], &scaled)?,
                        ])
                    },
                )
                .with_input(1, corners.unwrap())
                .of_one_size(),
            );
        }
    }
    for aligned in [false, true] {
        let corners = [
            [1.0_f32, 0.5, 0.0, 5.0, 4.5, 3.0],
            [-2.5, 1.0, 2.0, 3.0, 9.0, 2.1],
            [2.0, 2.0, 1.0, 2.3, 2.4, 9.0],
        ];
        let case = Case::of_many(
            format!("roi_align 3D, aligned {aligned}"),
            &[&[2, 3, 5, 6, 4], &[3, 6]],
            move |x, _| {
                let config = ops::RoiAlignConfig::new([2, 3, 1])
                    .with_aligned(aligned)
                    .with_samples(Some(2))
                    .with_scale([0.75, 1.0, 0.5]);
                Ok(vec![ops::roi_align(&x[0], &x[1], &[1, 0, 1], &config)?])
            },
        );
        let corners = Tensor::new(&corners, &Device::Cpu).unwrap();
        cases.push(case.with_input(1, corners).of_one_size());
    }
    cases
}
