//! Learning rates against `torch.optim.lr_scheduler`.

use std::collections::BTreeMap;
use std::path::Path;

use medtrain::mednn::candle_core::Tensor;
use medtrain::mednn::params::read_safetensors;
use medtrain::schedule::{Anneal, PlateauState, Progress};
use medtrain::{OneCycle, Plateau, Schedule};

const EPOCHS: u32 = 6;
const STEPS: u32 = 5;

fn fixture() -> BTreeMap<String, Tensor> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/schedules.safetensors");
    read_safetensors(&path).unwrap()
}

fn check(name: &str, found: &[f64], expected: &Tensor) {
    let expected = expected.to_vec1::<f64>().unwrap();
    assert_eq!(found.len(), expected.len(), "{name}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let distance = (found - expected).abs();
        assert!(
            distance < 1e-12,
            "{name} at {at}: {found}, PyTorch {expected}"
        );
    }
}

#[test]
fn schedules_are_pytorchs() {
    let fixture = fixture();
    let cosine = |floor| Schedule::Cosine { warmup: 0.0, floor };
    let linear = OneCycle {
        rise: 0.4,
        from: 0.1,
        to: 0.01,
        anneal: Anneal::Linear,
    };
    let milestones = Schedule::Milestones {
        epochs: vec![4, 1, 4],
        gamma: 0.5,
    };
    for (name, schedule) in [
        ("poly", Schedule::Poly { power: 0.9 }),
        ("cosine", cosine(0.01)),
        ("one_cycle", Schedule::OneCycle(OneCycle::default())),
        ("one_cycle_linear", Schedule::OneCycle(linear)),
        (
            "step",
            Schedule::Step {
                every: 2,
                gamma: 0.3,
            },
        ),
        ("milestones", milestones),
        ("exponential", Schedule::Exponential { gamma: 0.8 }),
        ("warmup_cosine", cosine(0.0).warmed_up(7)),
    ] {
        let at = |step| Progress {
            step,
            steps_per_epoch: STEPS,
            epochs: EPOCHS,
        };
        let steps = u64::from(EPOCHS * STEPS);
        let found: Vec<f64> = (0..steps).map(|step| schedule.factor(&at(step))).collect();
        check(name, &found, &fixture[name]);
    }
}

#[test]
fn a_plateau_cuts_the_rate_where_pytorch_does() {
    let fixture = fixture();
    let scores = fixture["scores"].to_vec1::<f64>().unwrap();
    let often = Plateau {
        factor: 0.5,
        patience: 1,
        minimum_change: 0.01,
        cooldown: 0,
        floor: 0.0,
    };
    let cooling = Plateau {
        factor: 0.3,
        patience: 0,
        minimum_change: 0.0,
        cooldown: 2,
        floor: 0.02,
    };
    for (name, plateau) in [("plateau", often), ("plateau_cooldown", cooling)] {
        let mut state = PlateauState::default();
        let rates = scores.iter().map(|&score| {
            state.observe(&plateau, score);
            state.factor.value()
        });
        check(name, &rates.collect::<Vec<_>>(), &fixture[name]);
    }
}
