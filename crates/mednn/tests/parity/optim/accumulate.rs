use mednn::optim::Accumulator;

use super::*;

const SHAPES: [(&str, &[usize]); 2] = [("weight", &[3, 4]), ("bias", &[4])];

/// Gradients of the mean over rows `from..to` of a batch of 12.
fn of_rows(params: &Params, from: usize, to: usize) -> GradStore {
    let rows = start(&[12, 3], 77).narrow(0, from, to - from).unwrap();
    let weight = params.parameter("weight").unwrap();
    let bias = params.parameter("bias").unwrap();
    let out = rows.matmul(weight.var().as_tensor()).unwrap();
    let out = out.broadcast_add(bias.var().as_tensor()).unwrap();
    out.sqr().unwrap().mean_all().unwrap().backward().unwrap()
}

fn adam(params: &Params) -> AdamW {
    AdamW::new(params, AdamWConfig::default()).unwrap()
}

#[test]
fn four_small_batches_equal_one_large() {
    let (large, small) = (network_of(&SHAPES), network_of(&SHAPES));
    let (mut one, mut other) = (adam(&large), adam(&small));
    let mut accumulator = Accumulator::new(&small);
    for _ in 0..5 {
        one.step(&of_rows(&large, 0, 12), 0.1).unwrap();
        for part in 0..4 {
            let gradients = of_rows(&small, 3 * part, 3 * part + 3);
            accumulator.add(&gradients, 0.25).unwrap();
        }
        assert_eq!(accumulator.count(), 4);
        other.step(&accumulator.take(), 0.1).unwrap();
        assert_eq!(accumulator.count(), 0);
    }
    for (name, _) in SHAPES {
        let (got, expected) = (small.tensor(name).unwrap(), large.tensor(name).unwrap());
        assert_close(&got, &expected, 1e-6, name);
    }
}

#[test]
fn a_saved_sum_goes_on_to_the_bit() {
    let params = network_of(&SHAPES);
    let key = params.parameter("weight").unwrap();
    let sum = |stop: Option<usize>| {
        let mut accumulator = Accumulator::new(&params);
        for part in 0..4 {
            let gradients = of_rows(&params, 3 * part, 3 * part + 3);
            accumulator.add(&gradients, 1.0 / 3.0).unwrap();
            if stop == Some(part) {
                let state = through_a_file(&accumulator.state_dict().unwrap());
                accumulator = Accumulator::new(&params);
                accumulator.load_state_dict(&state).unwrap();
            }
        }
        assert_eq!(accumulator.count(), 4);
        bits(accumulator.take().get(key.var().as_tensor()).unwrap())
    };
    assert_eq!(sum(None), sum(Some(1)));
}

#[test]
fn sums_do_not_depend_on_threads_and_leave_the_gradients_alone() {
    let shapes: [(&str, &[usize]); 1] = [("a", &[70_001])];
    let params = network_of(&shapes);
    let key = params.parameter("a").unwrap();
    assert_same_on_any_number_of_threads(|| {
        let mut accumulator = Accumulator::new(&params);
        let first = gradients(&params, &shapes, 1);
        let before = bits(first.get(key.var().as_tensor()).unwrap());
        for _ in 0..3 {
            accumulator.add(&first, 0.3).unwrap();
        }
        assert!(before == bits(first.get(key.var().as_tensor()).unwrap()));
        vec![
            accumulator
                .take()
                .get(key.var().as_tensor())
                .unwrap()
                .clone(),
        ]
    });
}

#[test]
fn what_does_not_fit_is_refused() {
    let params = network_of(&SHAPES);
    let mut accumulator = Accumulator::new(&params);
    let good = of_rows(&params, 0, 3);
    assert!(accumulator.add(&good, f64::NAN).is_err());
    let mut bad = of_rows(&params, 0, 3);
    let key = params.parameter("weight").unwrap();
    bad.insert(key.var().as_tensor(), start(&[3], 0));
    assert!(matches!(
        accumulator.add(&bad, 1.0),
        Err(Error::Shape { .. })
    ));
    assert_eq!(accumulator.count(), 0);
    assert!(accumulator.take().get(key.var().as_tensor()).is_none());
    let state = BTreeMap::from([("gradient_sum/weight".to_owned(), start(&[3, 4], 0))]);
    assert!(accumulator.load_state_dict(&state).is_err());
}
