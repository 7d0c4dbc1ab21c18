//! Steps on a device leave what the same steps on the CPU leave.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use mednn::Params;
use mednn::optim::{AdamW, AdamWConfig, Decay, Ema, EmaConfig, Optimizer, Sgd, SgdConfig};
use mednn::params::Init;

use crate::support::{assert_close, devices, numbers};

/// The parameters and their averages after some steps of an optimizer from known values.
fn trained<O: Optimizer>(device: &Device, new: impl Fn(&Params) -> O) -> [Tensor; 2] {
    let params = Params::on_device(7, device);
    let weight = params
        .root()
        .parameter("weight", &[1037], Init::Constant(1.0))
        .unwrap();
    let there = |salt| {
        numbers(&[1037], salt)
            .to_dtype(DType::F32)
            .unwrap()
            .to_device(device)
            .unwrap()
    };
    let here = |tensor: Tensor| tensor.copy().unwrap().to_device(&Device::Cpu).unwrap();
    weight.var().set(&there(1)).unwrap();
    let mut optimizer = new(&params);
    let mut average = Ema::new(&params, EmaConfig::new(0.9)).unwrap();
    for step in 0..4 {
        let mut gradients = GradStore::default();
        gradients.insert(weight.var().as_tensor(), there(10 + step));
        optimizer.step(&gradients, 0.1).unwrap();
        average.update().unwrap();
    }
    let value = here(weight.value());
    let averages = average.swap_in().unwrap();
    let averaged = here(weight.value());
    drop(averages);
    assert_close(
        &here(weight.value()),
        &value,
        0.0,
        "values that were swapped out and in",
    );
    [value, averaged]
}

fn check<O: Optimizer>(name: &str, new: impl Fn(&Params) -> O) {
    let expected = trained(&Device::Cpu, &new);
    for device in devices() {
        for (got, expected) in trained(device, &new).iter().zip(&expected) {
            assert_close(
                got,
                expected,
                1e-6,
                &format!("{name} on {:?}", device.location()),
            );
        }
    }
}

#[test]
fn gradient_descent() {
    let momentum = SgdConfig {
        momentum: 0.9,
        dampening: 0.2,
        weight_decay: 0.01,
        ..SgdConfig::default()
    };
    let nesterov = SgdConfig {
        momentum: 0.9,
        nesterov: true,
        ..SgdConfig::default()
    };
    for config in [SgdConfig::default(), momentum, nesterov] {
        check(&format!("{config:?}"), |params| {
            Sgd::new(params, config).unwrap()
        });
    }
}

#[test]
fn adam() {
    let default = AdamWConfig::default();
    let amsgrad = AdamWConfig {
        amsgrad: true,
        ..default
    };
    let coupled = AdamWConfig {
        decay: Decay::Gradient,
        ..default
    };
    for config in [default, amsgrad, coupled] {
        check(&format!("{config:?}"), |params| {
            AdamW::new(params, config).unwrap()
        });
    }
}
