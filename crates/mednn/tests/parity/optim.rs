//! Optimizers against PyTorch, step for step, and their state through a save.

use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor};
use mednn::Params;
use mednn::optim::{
    AdamW, AdamWConfig, Decay, Group, Optimizer, Sgd, SgdConfig, clip_gradient_norm,
};
use mednn::params::Init;

use super::support::{Fixture, assert_close};

const RATES: [f64; 5] = [0.1, 0.05, 0.2, 0.01, 0.1];

fn network(fixture: &Fixture) -> Params {
    let params = Params::new(0);
    for name in ["a", "b"] {
        let start = fixture.get(&format!("start/{name}"));
        let param = params
            .root()
            .parameter(name, start.dims(), Init::Constant(0.0))
            .unwrap();
        param.set(&start).unwrap();
    }
    params
}

/// Gradients as `backward` gives them: those of the sum of parameter times wanted gradient.
fn gradients(fixture: &Fixture, params: &Params, step: usize) -> GradStore {
    let terms: Vec<Tensor> = params
        .parameters()
        .iter()
        .map(|p| {
            let wanted = fixture.get(&format!("gradient/{step}/{}", p.name()));
            (p.var().as_tensor() * wanted).unwrap().sum_all().unwrap()
        })
        .collect();
    (&terms[0] + &terms[1]).unwrap().backward().unwrap()
}

fn one_step(fixture: &Fixture, params: &Params, optimizer: &mut dyn Optimizer, step: usize) {
    let mut gradients = gradients(fixture, params, step);
    let norm = clip_gradient_norm(&mut gradients, params, 12.0).unwrap();
    let reference = fixture
        .get(&format!("norm/{step}"))
        .to_vec1::<f32>()
        .unwrap()[0];
    assert!(
        (norm / f64::from(reference) - 1.0).abs() < 1e-6,
        "step {step}: norm {norm} against {reference}"
    );
    optimizer.step(&gradients, RATES[step]).unwrap();
}

type Make = Box<dyn Fn(&Params) -> Box<dyn Optimizer>>;

fn cases() -> Vec<(&'static str, Make)> {
    let sgd =
        |config: SgdConfig| -> Make { Box::new(move |p| Box::new(Sgd::new(p, config).unwrap())) };
    let adam = |config: AdamWConfig| -> Make {
        Box::new(move |p| Box::new(AdamW::new(p, config).unwrap()))
    };
    vec![
        ("sgd", sgd(SgdConfig::default())),
        (
            "sgd_momentum",
            sgd(SgdConfig {
                momentum: 0.9,
                dampening: 0.3,
                weight_decay: 0.02,
                nesterov: false,
            }),
        ),
        (
            "sgd_nesterov",
            sgd(SgdConfig {
                momentum: 0.99,
                nesterov: true,
                weight_decay: 3e-5,
                ..Default::default()
            }),
        ),
        ("adamw", adam(AdamWConfig::default())),
        (
            "adam",
            adam(AdamWConfig {
                beta1: 0.8,
                beta2: 0.95,
                eps: 1e-6,
                weight_decay: 0.05,
                decay: Decay::Gradient,
            }),
        ),
    ]
}

#[test]
fn every_step_equals_pytorchs() {
    let fixture = Fixture::load("optim");
    for (case, make) in cases() {
        let params = network(&fixture);
        let mut optimizer = make(&params);
        for step in 0..RATES.len() {
            one_step(&fixture, &params, &mut *optimizer, step);
            for name in ["a", "b"] {
                let reference = fixture.get(&format!("{case}/{step}/{name}"));
                assert_close(
                    &params.tensor(name).unwrap(),
                    &reference,
                    2e-6,
                    &format!("{case} step {step} {name}"),
                );
            }
        }
    }
}

#[test]
fn a_saved_state_goes_on_to_the_bit() {
    let fixture = Fixture::load("optim");
    for (case, make) in cases() {
        let params = network(&fixture);
        let mut optimizer = make(&params);
        for step in 0..2 {
            one_step(&fixture, &params, &mut *optimizer, step);
        }
        let state = optimizer.state_dict().unwrap();
        let other = network(&fixture);
        other.copy_from(&params).unwrap();
        for step in 2..5 {
            one_step(&fixture, &params, &mut *optimizer, step);
        }
        let mut resumed = make(&other);
        resumed.load_state_dict(&state).unwrap();
        for step in 2..5 {
            one_step(&fixture, &other, &mut *resumed, step);
        }
        for name in ["a", "b"] {
            let bits = |p: &Params| -> Vec<u32> {
                let values = p
                    .tensor(name)
                    .unwrap()
                    .flatten_all()
                    .unwrap()
                    .to_vec1::<f32>()
                    .unwrap();
                values.into_iter().map(f32::to_bits).collect()
            };
            assert_eq!(bits(&params), bits(&other), "{case} {name}");
        }
    }
}

#[test]
fn groups_and_frozen_parameters_are_heeded() {
    let fixture = Fixture::load("optim");
    let params = network(&fixture);
    let frozen = Group::matching(|name| name == "a").with_learning_rate_scale(0.0);
    let mut sgd = Sgd::new(
        &params,
        SgdConfig {
            momentum: 0.9,
            ..Default::default()
        },
    )
    .unwrap()
    .with_group(frozen);
    one_step(&fixture, &params, &mut sgd, 0);
    assert_close(
        &params.tensor("a").unwrap(),
        &fixture.get("start/a"),
        0.0,
        "a with rate zero",
    );
    let b = params.tensor("b").unwrap();
    assert!(b.to_vec1::<f32>().unwrap() != fixture.get("start/b").to_vec1::<f32>().unwrap());
    params.set_trainable(false, |name| name == "b");
    one_step(&fixture, &params, &mut sgd, 1);
    assert_close(&params.tensor("b").unwrap(), &b, 0.0, "frozen b");
}

#[test]
fn a_state_of_other_parameters_is_refused() {
    let fixture = Fixture::load("optim");
    let params = network(&fixture);
    let mut sgd = Sgd::new(
        &params,
        SgdConfig {
            momentum: 0.9,
            ..Default::default()
        },
    )
    .unwrap();
    let tensor =
        |shape: &[usize]| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
    for (name, value) in [
        ("momentum_buffer/c", tensor(&[7])),
        ("momentum_buffer/b", tensor(&[8])),
        ("exp_avg/b", tensor(&[7])),
    ] {
        let state = [(name.to_owned(), value)].into();
        assert!(sgd.load_state_dict(&state).is_err(), "{name}");
    }
    assert!(
        SgdConfig {
            nesterov: true,
            ..Default::default()
        }
        .nesterov
    );
    assert!(
        Sgd::new(
            &params,
            SgdConfig {
                nesterov: true,
                ..Default::default()
            }
        )
        .is_err()
    );
    assert!(
        AdamW::new(
            &params,
            AdamWConfig {
                beta1: 1.0,
                ..Default::default()
            }
        )
        .is_err()
    );
}
