//! Optimizers against PyTorch, MONAI and timm, step for step, and their state through a file.

mod accumulate;
mod clip;
mod ema;

use std::collections::BTreeMap;

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor};
use mednn::optim::{
    AdamW, AdamWConfig, Decay, Group, Lamb, LambConfig, Novograd, NovogradConfig, Optimizer,
    RmsProp, RmsPropConfig, Sgd, SgdConfig,
};
use mednn::params::{Init, read_safetensors, write_safetensors};
use mednn::{Error, Params};

use super::support::{Fixture, assert_close, assert_same_on_any_number_of_threads, pattern};

const STEPS: u64 = 50;
const STORED: [u64; 4] = [1, 2, 10, 50];
const PARAMETERS: [(&str, &[usize]); 6] = [
    ("encoder.weight", &[3, 5]),
    ("encoder.bias", &[5]),
    ("scale", &[]),
    ("head.weight", &[2, 3, 2, 2]),
    ("late", &[4, 1]),
    ("frozen", &[6]),
];
/// The step in which `late` gets its first gradient.
const LATE: u64 = 6;

fn start(shape: &[usize], seed: u64) -> Tensor {
    pattern(shape, seed).to_dtype(DType::F32).unwrap()
}

fn network_of(shapes: &[(&str, &[usize])]) -> Params {
    let params = Params::new(0);
    for (i, (name, shape)) in shapes.iter().enumerate() {
        let init = Init::Constant(0.0);
        let param = params.root().parameter(name, shape, init).unwrap();
        param.set(&start(shape, i as u64)).unwrap();
    }
    params.set_trainable(false, |name| name == "frozen");
    params
}

fn network() -> Params {
    network_of(&PARAMETERS)
}

fn gradients(params: &Params, shapes: &[(&str, &[usize])], step: u64) -> GradStore {
    let mut gradients = GradStore::default();
    for (i, (name, shape)) in shapes.iter().enumerate() {
        if *name == "frozen" || (*name == "late" && step < LATE) {
            continue;
        }
        let size = if step == 2 { 8.0 } else { 1.0 };
        let gradient = start(shape, 1000 + 10 * step + i as u64);
        let gradient = (gradient.affine(size, 0.25)).unwrap();
        let param = params.parameter(name).unwrap();
        gradients.insert(param.var().as_tensor(), gradient);
    }
    gradients
}

/// One step of the run the fixture tells of.
fn run(params: &Params, optimizer: &mut dyn Optimizer, rate: f64, step: u64) {
    let rate = rate * (1 + step % 4) as f64 / 4.0;
    let gradients = gradients(params, &PARAMETERS, step);
    optimizer.step(&gradients, rate).unwrap();
}

/// All parameters in a row, in the order of the fixture.
fn flat(params: &Params) -> Tensor {
    let parts: Vec<Tensor> = PARAMETERS
        .iter()
        .map(|(name, _)| params.tensor(name).unwrap().flatten_all().unwrap())
        .collect();
    Tensor::cat(&parts, 0).unwrap()
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    values.into_iter().map(f32::to_bits).collect()
}

fn groups() -> [Group; 2] {
    [
        Group::without_decay(),
        Group::matching(|name| name.starts_with("head."))
            .with_learning_rate_scale(0.5)
            .with_weight_decay(0.2),
    ]
}

type Make = Box<dyn Fn(&Params) -> Box<dyn Optimizer> + Sync>;

/// The name of a case in the fixture, its base learning rate and its optimizer.
struct Case {
    name: &'static str,
    rate: f64,
    make: Make,
}

macro_rules! case {
    ($name:literal, $rate:literal, $kind:ident, $config:expr) => {
        Case {
            name: $name,
            rate: $rate,
            make: Box::new(|params| {
                Box::new($kind::new(params, $config).unwrap().with_groups(groups()))
            }),
        }
    };
}

fn cases() -> Vec<Case> {
    vec![
        case!("sgd", 0.1, Sgd, SgdConfig::default()),
        case!(
            "sgd_momentum",
            0.1,
            Sgd,
            SgdConfig {
                momentum: 0.9,
                dampening: 0.3,
                weight_decay: 0.02,
                nesterov: false,
            }
        ),
        case!(
            "sgd_nesterov",
            0.01,
            Sgd,
            SgdConfig {
                momentum: 0.99,
                nesterov: true,
                weight_decay: 3e-5,
                ..SgdConfig::default()
            }
        ),
        case!("adamw", 0.05, AdamW, AdamWConfig::default()),
        case!(
            "adam",
            0.05,
            AdamW,
            AdamWConfig {
                beta1: 0.8,
                beta2: 0.95,
                eps: 1e-6,
                weight_decay: 0.05,
                decay: Decay::Gradient,
                ..AdamWConfig::adam()
            }
        ),
        case!(
            "adamw_amsgrad",
            0.05,
            AdamW,
            AdamWConfig {
                beta2: 0.9,
                amsgrad: true,
                ..AdamWConfig::default()
            }
        ),
        case!("rmsprop", 0.01, RmsProp, RmsPropConfig::default()),
        case!(
            "rmsprop_centered",
            0.01,
            RmsProp,
            RmsPropConfig {
                centered: true,
                alpha: 0.9,
                weight_decay: 0.01,
                ..RmsPropConfig::default()
            }
        ),
        case!(
            "rmsprop_momentum",
            0.01,
            RmsProp,
            RmsPropConfig {
                momentum: 0.8,
                eps: 1e-3,
                ..RmsPropConfig::default()
            }
        ),
        case!(
            "rmsprop_both",
            0.01,
            RmsProp,
            RmsPropConfig {
                momentum: 0.8,
                centered: true,
                eps: 1e-4,
                ..RmsPropConfig::default()
            }
        ),
        case!("novograd", 0.02, Novograd, NovogradConfig::default()),
        case!(
            "novograd_averaging",
            0.05,
            Novograd,
            NovogradConfig {
                beta1: 0.95,
                beta2: 0.5,
                weight_decay: 0.01,
                gradient_averaging: true,
                amsgrad: true,
                ..NovogradConfig::default()
            }
        ),
        case!("lamb", 0.02, Lamb, LambConfig::default()),
        case!(
            "lamb_decoupled",
            0.02,
            Lamb,
            LambConfig {
                weight_decay: 0.05,
                decoupled_decay: true,
                always_adapt: true,
                trust_clip: true,
                ..LambConfig::default()
            }
        ),
        case!(
            "lamb_plain",
            0.02,
            Lamb,
            LambConfig {
                beta1: 0.8,
                beta2: 0.9,
                weight_decay: 0.05,
                bias_correction: false,
                gradient_averaging: false,
                ..LambConfig::default()
            }
        ),
    ]
}

#[test]
fn fifty_steps_equal_the_reference() {
    let fixture = Fixture::load("optim");
    for Case { name, rate, make } in cases() {
        let params = network();
        let mut optimizer = make(&params);
        for step in 1..=STEPS {
            run(&params, &mut *optimizer, rate, step);
            if STORED.contains(&step) {
                let reference = fixture.get(&format!("{name}/{step}"));
                let what = format!("{name} step {step}");
                assert_close(&flat(&params), &reference, 1e-6, &what);
            }
        }
        let frozen = params.tensor("frozen").unwrap();
        assert_eq!(bits(&frozen), bits(&start(&[6], 5)), "{name}");
    }
}

/// A state as it comes back from a file.
fn through_a_file(state: &BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.safetensors");
    write_safetensors(&path, state, None).unwrap();
    read_safetensors(&path).unwrap()
}

#[test]
fn a_saved_state_goes_on_to_the_bit() {
    for Case { name, rate, make } in cases() {
        for stop in [3, 25] {
            let params = network();
            let mut optimizer = make(&params);
            for step in 1..=stop {
                run(&params, &mut *optimizer, rate, step);
            }
            let state = through_a_file(&optimizer.state_dict().unwrap());
            let other = network();
            other.copy_from(&params).unwrap();
            let mut resumed = make(&other);
            resumed.load_state_dict(&state).unwrap();
            for step in stop + 1..=STEPS {
                run(&params, &mut *optimizer, rate, step);
                run(&other, &mut *resumed, rate, step);
            }
            assert!(bits(&flat(&params)) == bits(&flat(&other)), "{name} {stop}");
        }
    }
}

#[test]
fn steps_do_not_depend_on_the_number_of_threads() {
    const LARGE: [(&str, &[usize]); 2] = [("a", &[3, 29, 1009]), ("b", &[17])];
    for Case {
        name: _,
        rate,
        make,
    } in cases()
    {
        assert_same_on_any_number_of_threads(|| {
            let params = network_of(&LARGE);
            let mut optimizer = make(&params);
            for step in 1..=3 {
                let gradients = gradients(&params, &LARGE, step);
                optimizer.step(&gradients, rate).unwrap();
            }
            vec![params.tensor("a").unwrap(), params.tensor("b").unwrap()]
        });
    }
}

#[test]
fn scales_of_all_groups_multiply_and_layers_slow_down_towards_the_input() {
    let shapes: [(&str, &[usize]); 4] = [
        ("layer.0.bias", &[1]),
        ("layer.1.bias", &[1]),
        ("layer.2.bias", &[1]),
        ("head.bias", &[1]),
    ];
    let params = network_of(&shapes);
    let before = params.snapshot().unwrap();
    let layer = |name: &str| name.strip_prefix("layer.")?.split('.').next()?.parse().ok();
    let mut sgd = Sgd::new(&params, SgdConfig::default())
        .unwrap()
        .with_groups(Group::layer_wise(4, 0.5, layer))
        .with_group(Group::of(|p| p.name().contains(".1.")).with_learning_rate_scale(2.0));
    let mut ones = GradStore::default();
    for param in params.parameters() {
        ones.insert(param.var().as_tensor(), param.value().ones_like().unwrap());
    }
    sgd.step(&ones, 1.0).unwrap();
    for (name, step) in [
        ("layer.0.bias", 0.125),
        ("layer.1.bias", 0.5),
        ("layer.2.bias", 0.5),
        ("head.bias", 1.0),
    ] {
        let moved = (&before[name] - params.tensor(name).unwrap()).unwrap();
        let moved = moved.to_vec1::<f32>().unwrap()[0];
        assert!((moved - step).abs() < 1e-6, "{name}: {moved}");
    }
}

#[test]
fn a_state_that_does_not_fit_is_refused_whole() {
    let params = network();
    let mut adam = AdamW::new(&params, AdamWConfig::default()).unwrap();
    run(&params, &mut adam, 0.1, 1);
    let good = adam.state_dict().unwrap();
    let float = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let changes: [(&str, Option<Tensor>); 7] = [
        ("exp_avg/unknown", Some(float(&[5]))),
        ("momentum_buffer/scale", Some(float(&[]))),
        ("exp_avg/encoder.bias", Some(float(&[4]))),
        (
            "exp_avg/encoder.bias",
            Some(float(&[5]).to_dtype(DType::F64).unwrap()),
        ),
        ("exp_avg_sq/encoder.bias", None),
        ("step/encoder.bias", None),
        ("step/encoder.bias", Some(float(&[1]))),
    ];
    for (name, value) in changes {
        let mut state = good.clone();
        match value {
            Some(value) => state.insert(name.to_owned(), value),
            None => state.remove(name),
        };
        let refused = adam.load_state_dict(&state);
        assert!(
            matches!(refused, Err(Error::OptimizerState { .. })),
            "{name}"
        );
        let kept = adam.state_dict().unwrap();
        assert_eq!(
            bits(&kept["exp_avg/encoder.bias"]),
            bits(&good["exp_avg/encoder.bias"])
        );
    }
}

#[test]
fn a_step_that_is_refused_changes_nothing() {
    let params = network();
    let mut adam = AdamW::new(&params, AdamWConfig::default()).unwrap();
    let before = bits(&flat(&params));
    let mut bad = gradients(&params, &PARAMETERS, 1);
    let scale = params.parameter("scale").unwrap();
    bad.insert(scale.var().as_tensor(), start(&[2], 0));
    assert!(matches!(
        adam.step(&bad, 0.1),
        Err(Error::Shape { op: "adamw", .. })
    ));
    bad.insert(scale.var().as_tensor(), pattern(&[], 0));
    assert!(matches!(
        adam.step(&bad, 0.1),
        Err(Error::ElementType { .. })
    ));
    let good = gradients(&params, &PARAMETERS, 1);
    for rate in [-0.1, f64::NAN, f64::INFINITY] {
        let refused = adam.step(&good, rate);
        assert!(matches!(
            refused,
            Err(Error::Setting {
                setting: "learning_rate",
                ..
            })
        ));
    }
    let group = Group::without_decay().with_weight_decay(-1.0);
    let mut other = AdamW::new(&params, AdamWConfig::default())
        .unwrap()
        .with_group(group);
    assert!(matches!(
        other.step(&good, 0.1),
        Err(Error::Setting {
            setting: "weight_decay",
            ..
        })
    ));
    assert_eq!(bits(&flat(&params)), before);
    assert!(adam.state_dict().unwrap().is_empty());
}

#[test]
fn views_as_gradients_count_by_their_elements() {
    let shapes: [(&str, &[usize]); 1] = [("a", &[3, 5])];
    let (plain, viewed) = (network_of(&shapes), network_of(&shapes));
    let gradient = start(&[3, 5], 9);
    for (params, gradient) in [
        (&plain, gradient.clone()),
        (
            &viewed,
            gradient.t().unwrap().contiguous().unwrap().t().unwrap(),
        ),
    ] {
        let mut store = GradStore::default();
        store.insert(params.parameter("a").unwrap().var().as_tensor(), gradient);
        let mut lamb = Lamb::new(params, LambConfig::default()).unwrap();
        lamb.step(&store, 0.1).unwrap();
    }
    assert_eq!(
        bits(&plain.tensor("a").unwrap()),
        bits(&viewed.tensor("a").unwrap())
    );
}

#[test]
fn settings_out_of_range_are_refused() {
    let params = network();
    let refused = |result: Result<(), Error>, setting: &str| match result {
        Err(Error::Setting { setting: got, .. }) => assert_eq!(got, setting),
        other => panic!("{setting}: {other:?}"),
    };
    let sgd = |config| Sgd::new(&params, config).map(drop);
    refused(
        sgd(SgdConfig {
            nesterov: true,
            ..Default::default()
        }),
        "nesterov",
    );
    refused(
        sgd(SgdConfig {
            momentum: 1.0,
            ..Default::default()
        }),
        "momentum",
    );
    refused(
        sgd(SgdConfig {
            dampening: f64::NAN,
            ..Default::default()
        }),
        "dampening",
    );
    let adam = |config| AdamW::new(&params, config).map(drop);
    refused(
        adam(AdamWConfig {
            beta1: 1.0,
            ..Default::default()
        }),
        "beta1",
    );
    refused(
        adam(AdamWConfig {
            eps: -1.0,
            ..Default::default()
        }),
        "eps",
    );
    let rmsprop = |config| RmsProp::new(&params, config).map(drop);
    refused(
        rmsprop(RmsPropConfig {
            alpha: -0.1,
            ..Default::default()
        }),
        "alpha",
    );
    let novograd = |config| Novograd::new(&params, config).map(drop);
    refused(
        novograd(NovogradConfig {
            beta2: f64::NAN,
            ..Default::default()
        }),
        "beta2",
    );
    let lamb = |config| Lamb::new(&params, config).map(drop);
    refused(
        lamb(LambConfig {
            weight_decay: f64::INFINITY,
            ..Default::default()
        }),
        "weight_decay",
    );
}
