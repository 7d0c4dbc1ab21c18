use mednn::optim::{Ema, EmaConfig, EmaWarmup};

use super::*;

/// A network with a buffer.
fn with_buffer() -> Params {
    let params = network_of(&[("weight", &[3, 5])]);
    params.root().counter("count").unwrap();
    params
}

fn train(params: &Params, step: u64) {
    let weight = params.parameter("weight").unwrap();
    weight.set(&start(&[3, 5], 5000 + step)).unwrap();
    let count = Tensor::new(step as i64, &Device::Cpu).unwrap();
    params.buffers()[0].set(&count).unwrap();
}

fn count(params: &Params) -> i64 {
    params.tensor("count").unwrap().to_scalar().unwrap()
}

fn configs() -> [(&'static str, EmaConfig); 3] {
    let power = EmaWarmup::Power {
        gamma: 2.0,
        power: 0.75,
    };
    [
        ("none", EmaConfig::new(0.9)),
        ("power", EmaConfig::new(0.95).with_warmup(power)),
        ("count", EmaConfig::new(0.8).with_warmup(EmaWarmup::Count)),
    ]
}

#[test]
fn fifty_averages_equal_the_reference() {
    let fixture = Fixture::load("optim");
    for (name, config) in configs() {
        let params = with_buffer();
        let mut ema = Ema::new(&params, config).unwrap();
        for step in 1..=STEPS {
            train(&params, step);
            ema.update().unwrap();
            if STORED.contains(&step) {
                let reference = fixture.get(&format!("ema_{name}/{step}"));
                assert_close(&ema.values()["weight"], &reference, 1e-6, name);
            }
        }
        assert_eq!(ema.values()["count"].to_scalar::<i64>().unwrap(), 50);
    }
}

#[test]
fn a_saved_average_goes_on_to_the_bit() {
    for (name, config) in configs() {
        let params = with_buffer();
        let mut whole = Ema::new(&params, config).unwrap();
        let mut stopped = Ema::new(&params, config).unwrap();
        for step in 1..=STEPS {
            train(&params, step);
            whole.update().unwrap();
            stopped.update().unwrap();
            if step == 25 {
                let state = through_a_file(&stopped.state_dict().unwrap());
                stopped = Ema::new(&params, config).unwrap();
                stopped.load_state_dict(&state).unwrap();
            }
        }
        let [a, b] = [&whole, &stopped].map(|ema| bits(&ema.values()["weight"]));
        assert!(a == b, "{name}");
    }
}

#[test]
fn swapping_in_and_out_gives_back_every_bit() {
    let params = with_buffer();
    let mut ema = Ema::new(&params, EmaConfig::new(0.9)).unwrap();
    train(&params, 1);
    ema.update().unwrap();
    let average = bits(&ema.values()["weight"]);
    train(&params, 2);
    let trained = bits(&params.tensor("weight").unwrap());
    {
        let _averages = ema.swap_in().unwrap();
        assert_eq!(bits(&params.tensor("weight").unwrap()), average);
        assert_eq!(count(&params), 1);
    }
    assert_eq!(bits(&params.tensor("weight").unwrap()), trained);
    assert_eq!(count(&params), 2);
    assert_eq!(bits(&ema.values()["weight"]), average);
}

#[test]
fn what_does_not_fit_is_refused() {
    let params = with_buffer();
    for decay in [-0.1, 1.1, f64::NAN] {
        assert!(Ema::new(&params, EmaConfig::new(decay)).is_err());
    }
    let power = EmaWarmup::Power {
        gamma: 0.0,
        power: 1.0,
    };
    assert!(Ema::new(&params, EmaConfig::new(0.9).with_warmup(power)).is_err());
    let mut ema = Ema::new(&params, EmaConfig::new(0.9)).unwrap();
    let mut state = ema.state_dict().unwrap();
    state.remove("average/weight");
    assert!(matches!(
        ema.load_state_dict(&state),
        Err(Error::OptimizerState { .. })
    ));
    // A parameter that came later has no average.
    let init = Init::Constant(0.0);
    params.root().parameter("new", &[2], init).unwrap();
    assert!(matches!(ema.update(), Err(Error::UnknownParameter { .. })));
    assert!(ema.swap_in().is_err());
}
