use mednn::ops::conv::{ConvConfig, conv};
use mednn::ops::conv_transpose::{ConvTransposeConfig, conv_transpose};

use crate::support::{Case, arithmetic, numbers};

fn check<const D: usize>(
    shape: &[usize],
    out_channels: usize,
    kernel: [usize; D],
    config: &ConvConfig<D>,
) {
    let weight = [&[out_channels, shape[1] / config.groups], &kernel[..]].concat();
    let inputs = [
        numbers(shape, 1),
        numbers(&weight, 2),
        numbers(&[out_channels], 3),
    ];
    let name = format!("conv {shape:?} to {out_channels} by {kernel:?} {config:?}");
    Case::new(&name, &inputs).check(|x| conv(&x[0], &x[1], Some(&x[2]), config));
    Case::new(format!("{name} without bias"), &inputs[..2])
        .check(|x| conv(&x[0], &x[1], None, config));
}

#[test]
fn strides_padding_and_dilation_in_one_to_three_dimensions() {
    let _exact = arithmetic(false);
    check(&[2, 3, 29], 5, [4], &ConvConfig::same([4]));
    check(&[1, 2, 9, 11], 3, [3, 3], &ConvConfig::same([3, 3]));
    check(&[2, 5, 12, 7], 4, [1, 1], &ConvConfig::default());
    check(
        &[2, 3, 13, 10],
        7,
        [3, 2],
        &ConvConfig::same([3, 2]).with_stride([2, 3]),
    );
    let dilated = ConvConfig::default()
        .with_dilation([2, 3])
        .with_padding([(2, 1), (3, 0)]);
    check(&[1, 2, 10, 12], 3, [3, 3], &dilated);
    check(&[2, 2, 5, 6, 7], 3, [3, 3, 3], &ConvConfig::same([3, 3, 3]));
    check(
        &[1, 3, 6, 5, 7],
        2,
        [2, 3, 1],
        &ConvConfig::same([2, 3, 1]).with_stride([2, 1, 2]),
    );
}

#[test]
fn more_channels_than_a_tile_has_rows() {
    let _exact = arithmetic(false);
    check(&[1, 20, 6, 9], 150, [3, 3], &ConvConfig::same([3, 3]));
    check(&[2, 140, 3, 5], 40, [1, 1], &ConvConfig::default());
}

#[test]
fn more_terms_than_one_block_sums() {
    let _exact = arithmetic(false);
    check(&[2, 3, 40, 37], 4, [3, 3], &ConvConfig::same([3, 3]));
}

#[test]
fn groups_and_channels_apart() {
    let _exact = arithmetic(false);
    check(
        &[2, 6, 7, 8],
        9,
        [3, 3],
        &ConvConfig::same([3, 3]).with_groups(3),
    );
    check(
        &[1, 5, 9, 8],
        5,
        [3, 3],
        &ConvConfig::same([3, 3]).with_groups(5).with_stride([2, 1]),
    );
    let strided = ConvConfig::same([3, 5])
        .with_groups(4)
        .with_stride([2, 3])
        .with_dilation([1, 2]);
    check(&[2, 4, 30, 31], 8, [3, 5], &strided);
    check(
        &[2, 4, 4, 5, 6],
        8,
        [3, 3, 3],
        &ConvConfig::same([3, 3, 3]).with_groups(4),
    );
}

#[test]
fn transposed_convolutions() {
    let _exact = arithmetic(false);
    let upsample = ConvTransposeConfig::upsample([2, 2]);
    let inputs = [
        numbers(&[2, 5, 4, 7], 4),
        numbers(&[5, 3, 2, 2], 5),
        numbers(&[3], 6),
    ];
    Case::new("conv_transpose2d", &inputs)
        .check(|x| conv_transpose(&x[0], &x[1], Some(&x[2]), &upsample));
    let config = ConvTransposeConfig::upsample([2, 3, 2])
        .with_padding([(1, 1), (1, 0), (0, 1)])
        .with_output_padding([1, 2, 0])
        .with_groups(2);
    let inputs = [numbers(&[1, 4, 3, 4, 2], 7), numbers(&[4, 3, 3, 3, 3], 8)];
    Case::new("conv_transpose3d", &inputs).check(|x| conv_transpose(&x[0], &x[1], None, &config));
    let apart = ConvTransposeConfig::upsample([2, 3]).with_groups(4);
    let inputs = [
        numbers(&[2, 4, 5, 3], 9),
        numbers(&[4, 1, 2, 3], 10),
        numbers(&[4], 11),
    ];
    Case::new("conv_transpose2d of channels apart", &inputs)
        .check(|x| conv_transpose(&x[0], &x[1], Some(&x[2]), &apart));
}

#[test]
fn tensor_cores_in_tf32() {
    let _tf32 = arithmetic(true);
    // Both forms of the tile, cut off on all sides; factors have 10 bits behind the point, sums those of f32.
    for channels in [[3, 20], [40, 70]] {
        let inputs = [
            numbers(&[2, channels[0], 9, 17], 1),
            numbers(&[channels[1], channels[0], 3, 3], 2),
        ];
        let config = ConvConfig::same([3, 3]);
        let case = Case {
            tolerance: 1e-3,
            ..Case::new(format!("tf32 {channels:?}"), &inputs)
        };
        case.check(|x| conv(&x[0], &x[1], None, &config));
    }
}
