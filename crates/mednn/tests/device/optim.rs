//! Steps on a device leave what the same steps on the CPU leave.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use mednn::Params;
use mednn::optim::{
    Accumulator, AdamW, AdamWConfig, Decay, Ema, EmaConfig, Lamb, LambConfig, Novograd,
    NovogradConfig, Optimizer, RmsProp, RmsPropConfig, Sgd, SgdConfig, clip_gradient_norm,
    clip_gradient_value,
};
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

#[test]
fn rmsprop() {
    let default = RmsPropConfig::default();
    for (centered, momentum) in [(false, 0.0), (false, 0.8), (true, 0.0), (true, 0.8)] {
        let config = RmsPropConfig {
            centered,
            momentum,
            weight_decay: 0.02,
            ..default
        };
        check(&format!("{config:?}"), |params| {
            RmsProp::new(params, config).unwrap()
        });
    }
}

#[test]
fn lamb() {
    let default = LambConfig::default();
    let plain = LambConfig {
        weight_decay: 0.0,
        gradient_averaging: false,
        ..default
    };
    let decoupled = LambConfig {
        decoupled_decay: true,
        bias_correction: false,
        trust_clip: true,
        ..default
    };
    for config in [default, plain, decoupled] {
        check(&format!("{config:?}"), |params| {
            Lamb::new(params, config).unwrap()
        });
    }
}

#[test]
fn novograd() {
    let default = NovogradConfig::default();
    let all = NovogradConfig {
        weight_decay: 0.01,
        gradient_averaging: true,
        amsgrad: true,
        ..default
    };
    for config in [default, all] {
        check(&format!("{config:?}"), |params| {
            Novograd::new(params, config).unwrap()
        });
    }
}

/// What becomes of two steps' gradients of two parameters, added up and then kept small; and the norm they had.
fn kept_small(device: &Device) -> (Vec<Tensor>, f64) {
    let params = Params::on_device(7, device);
    let new = |name: &str, len: usize| {
        let path = params.root();
        path.parameter(name, &[len], Init::Constant(1.0)).unwrap()
    };
    let weights = [new("a", 1037), new("b", 3)];
    let mut sums = Accumulator::new(&params);
    for step in 0..2 {
        let mut gradients = GradStore::default();
        for (salt, weight) in weights.iter().enumerate() {
            let gradient = numbers(weight.var().dims(), salt + 5 * step);
            let gradient = gradient.to_dtype(DType::F32).unwrap();
            let gradient = gradient.to_device(device).unwrap();
            gradients.insert(weight.var().as_tensor(), gradient);
        }
        sums.add(&gradients, 0.5).unwrap();
    }
    let mut gradients = sums.take();
    let norm = clip_gradient_norm(&mut gradients, &params, 7.0).unwrap();
    clip_gradient_value(&mut gradients, &params, 0.3).unwrap();
    let kept = weights.iter().map(|weight| {
        let gradient = gradients.get(weight.var().as_tensor()).unwrap();
        gradient.to_device(&Device::Cpu).unwrap()
    });
    (kept.collect(), norm)
}

#[test]
fn gradients_add_up_and_are_kept_small() {
    let (expected, norm) = kept_small(&Device::Cpu);
    for device in devices() {
        let (got, got_norm) = kept_small(device);
        assert!((got_norm - norm).abs() < 1e-5 * norm, "{got_norm} {norm}");
        for (got, expected) in got.iter().zip(&expected) {
            assert_close(got, expected, 1e-6, "a gradient");
        }
    }
}
