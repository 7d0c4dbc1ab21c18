use candle_core::Tensor;
use mednn::ops::{PoolConfig, avg_pool, max_pool};

use crate::support::{Case, numbers};

fn both<const D: usize>(shape: &[usize], config: &PoolConfig<D>) {
    let input = [numbers(shape, 1)];
    let name = format!("{shape:?} {config:?}");
    Case::new(format!("max_pool {name}"), &input).check(|x| max_pool(&x[0], config));
    for count_include_pad in [false, true] {
        let config = config.with_count_include_pad(count_include_pad);
        Case::new(format!("avg_pool {name}"), &input).check(|x| avg_pool(&x[0], &config));
    }
}

#[test]
fn windows_that_tile_overlap_leave_gaps_and_are_cut_off() {
    both(&[2, 3, 37], &PoolConfig::new([3]));
    both(&[2, 3, 9, 300], &PoolConfig::new([2, 2]));
    both(
        &[1, 2, 11, 13],
        &PoolConfig::new([3, 3])
            .with_stride([2, 2])
            .with_padding([1, 1]),
    );
    both(
        &[2, 2, 5, 6, 7],
        &PoolConfig::new([2, 3, 2])
            .with_stride([1, 2, 3])
            .with_ceil_mode(true),
    );
    both(
        &[1, 5, 7, 7, 7],
        &PoolConfig::new([3, 3, 3])
            .with_stride([2, 2, 2])
            .with_padding([1, 1, 1])
            .with_ceil_mode(true),
    );
}

#[test]
fn the_first_of_equal_values_and_nan_get_the_gradient() {
    let flat = [Tensor::ones(
        &[1, 2, 6, 6],
        candle_core::DType::F64,
        &candle_core::Device::Cpu,
    )
    .unwrap()];
    let config = PoolConfig::new([3, 3])
        .with_stride([1, 1])
        .with_padding([1, 1]);
    Case::new("equal values", &flat).check(|x| max_pool(&x[0], &config));
    let mut values: Vec<f64> = (0..36).map(|i| f64::from(i * 7 % 11)).collect();
    values[8] = f64::NAN;
    values[15] = f64::NAN;
    let some = [Tensor::from_vec(values, &[1, 1, 6, 6], &candle_core::Device::Cpu).unwrap()];
    Case::new("NaN", &some).check(|x| max_pool(&x[0], &config));
}
