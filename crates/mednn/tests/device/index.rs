use candle_core::{DType, Device, Tensor};
use mednn::ops::windows::relative_position_bias;
use mednn::ops::{
    Order, PoolConfig, adaptive_max_pool, gather, index_select, max_pool_with_indices, max_unpool,
    one_hot, scatter_add, select_each, top_k,
};

use crate::support::{Case, assert_close, devices, numbers};

/// Numbers below another without pattern, many of them equal.
fn indices(shape: &[usize], below: usize) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<u32> = (0..count).map(|i| (i * 7919 / 5 % below) as u32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn near(indices: &Tensor, tensor: &Tensor) -> Tensor {
    indices.to_device(tensor.device()).unwrap()
}

#[test]
fn slices_by_indices() {
    let input = [numbers(&[3, 10, 7], 1)];
    for axis in 0..3 {
        for dtype in [DType::U32, DType::U8, DType::I64] {
            let chosen = indices(&[300], input[0].dims()[axis])
                .to_dtype(dtype)
                .unwrap();
            Case::new(format!("index_select {axis} {dtype:?}"), &input)
                .check(|x| index_select(&x[0], axis, &near(&chosen, &x[0])));
        }
    }
    let chosen: Vec<u32> = (0..60).map(|i| i * 7919 % 10).collect();
    Case::new("select_each", &input).check(|x| select_each(&x[0], &chosen));
    let table = [numbers(&[5 * 7, 3], 2)];
    Case::new("relative_position_bias", &table).check(|x| relative_position_bias(&x[0], [3, 4]));
}

#[test]
fn elements_by_indices() {
    for (shape, axis, rows) in [
        (&[2, 9, 35][..], 1, 40),
        (&[700], 0, 1000),
        (&[4, 50], 1, 270),
        (&[30, 6], 0, 11),
    ] {
        let mut of_indices = shape.to_vec();
        of_indices[axis] = rows;
        let chosen = indices(&of_indices, shape[axis]);
        let inputs = [numbers(shape, 1), numbers(&of_indices, 2)];
        let name = format!("{shape:?} {axis}");
        Case::new(format!("gather {name}"), &inputs[..1])
            .check(|x| gather(&x[0], axis, &near(&chosen, &x[0])));
        Case::new(format!("scatter_add {name}"), &inputs)
            .check(|x| scatter_add(&x[0], axis, &near(&chosen, &x[0]), &x[1]));
    }
}

#[test]
fn first_elements_in_order() {
    let mut values = numbers(&[3, 60, 5], 3)
        .flatten_all()
        .unwrap()
        .to_vec1::<f64>()
        .unwrap();
    values[10] = f64::NAN;
    values[700] = f64::NAN;
    let some = Tensor::from_vec(values, (3, 60, 5), &Device::Cpu).unwrap();
    let many = numbers(&[2, 2000], 4);
    for (input, axis, k) in [(some.clone(), 1, 7), (some, 2, 5), (many, 1, 33)] {
        for order in [Order::Largest, Order::Smallest] {
            let name = format!("top_k {:?} {axis} {k} {order:?}", input.dims());
            let inputs = [input.clone()];
            Case::new(&name, &inputs).check(|x| Ok(top_k(&x[0], axis, k, order)?.values));
            let on = |device: &Device| top_k(&input.to_device(device).unwrap(), axis, k, order);
            let expected = on(&Device::Cpu).unwrap().indices;
            for device in devices() {
                let got = on(device).unwrap().indices;
                assert_close(&got, &expected, 0.0, &name);
            }
        }
    }
}

#[test]
fn codes_of_labels() {
    let labels = indices(&[2, 5, 6], 4);
    let on = |device: &Device| one_hot(&labels.to_device(device).unwrap(), 4, 1, DType::F32);
    let expected = on(&Device::Cpu).unwrap();
    for device in devices() {
        assert_close(&on(device).unwrap(), &expected, 0.0, "one_hot");
    }
}

#[test]
fn maxima_and_where_they_were() {
    let image = [numbers(&[2, 3, 33, 21], 1)];
    let config = PoolConfig::new([3, 3])
        .with_stride([2, 1])
        .with_padding([1, 1]);
    Case::new("max_pool_with_indices", &image)
        .check(|x| Ok(max_pool_with_indices(&x[0], &config)?.0));
    // Windows overlap, so that some maxima go back to one place.
    Case::new("max_unpool", &image).check(|x| {
        let (y, indices) = max_pool_with_indices(&x[0], &config)?;
        max_unpool(&y, &indices, [33, 21])
    });
    let volume = [numbers(&[1, 2, 7, 5, 6], 2)];
    Case::new("adaptive_max_pool", &volume).check(|x| adaptive_max_pool(&x[0], [3, 5, 4]));
}
