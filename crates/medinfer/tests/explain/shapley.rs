//! Shapley values of games against the shap package, and the axioms they are known by.

use std::collections::HashMap;
use std::path::Path;

use medinfer::Result;
use medinfer::explain::{Game, KernelShap, Shares, exact};
use mednn::candle_core::{Device, Tensor, safetensors};

pub(crate) fn fixture() -> HashMap<String, Tensor> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain/shapley.safetensors");
    safetensors::load(path, &Device::Cpu).unwrap()
}

/// The function of `shapley.py` over its background.
#[derive(Debug)]
struct Rows {
    case: Vec<f64>,
    background: Vec<Vec<f64>>,
}

impl Game for Rows {
    fn players(&self) -> usize {
        self.case.len()
    }

    fn worth(&self, present: &[bool]) -> Result<f64> {
        let score = |row: &Vec<f64>| {
            let x: Vec<f64> = (0..row.len())
                .map(|i| if present[i] { self.case[i] } else { row[i] })
                .collect();
            let &[a, b, c, d, e, f] = &x[..] else {
                panic!("six columns")
            };
            a * b + c * c * d - e.abs() + 0.5 * f * a * c + e
        };
        Ok(self.background.iter().map(score).sum::<f64>() / self.background.len() as f64)
    }
}

#[test]
fn values_are_those_of_the_shap_package() {
    let found = fixture();
    let game = Rows {
        case: found["case"].to_vec1().unwrap(),
        background: found["background"].to_vec2().unwrap(),
    };
    let want: Vec<f64> = found["values"].to_vec1().unwrap();
    let nobody: Vec<f64> = found["nobody"].to_vec1().unwrap();
    for shares in [
        exact(&game).unwrap(),
        KernelShap::new(1).shares(&game).unwrap(),
    ] {
        assert!((shares.nobody - nobody[0]).abs() < 1e-12);
        for (got, want) in shares.values.iter().zip(&want) {
            assert!((got - want).abs() < 1e-9, "{got} {want}");
        }
        assert_complete(&shares, 1e-12);
    }
}

#[track_caller]
pub(crate) fn assert_complete(shares: &Shares, tolerance: f64) {
    let sum: f64 = shares.values.iter().sum();
    assert!(
        (sum - (shares.all - shares.nobody)).abs() <= tolerance,
        "{shares:?}"
    );
}

/// Worths of single players and of neighbours that are both present.
#[derive(Debug)]
struct Chain(usize);

impl Game for Chain {
    fn players(&self) -> usize {
        self.0
    }

    fn worth(&self, present: &[bool]) -> Result<f64> {
        let single = |(i, present): (usize, &bool)| if *present { i as f64 * 0.25 } else { 0.0 };
        let both = present.windows(2).filter(|pair| pair[0] && pair[1]).count();
        Ok(present.iter().enumerate().map(single).sum::<f64>() + both as f64 - 3.0)
    }
}

impl Chain {
    fn truth(&self, player: usize) -> f64 {
        let neighbours = if player == 0 || player == self.0 - 1 {
            1.0
        } else {
            2.0
        };
        player as f64 * 0.25 + neighbours / 2.0
    }
}

#[test]
fn many_players_are_estimated() {
    for players in [2, 3, 12] {
        let game = Chain(players);
        let shares = exact(&game).unwrap();
        for (player, value) in shares.values.iter().enumerate() {
            assert!((value - game.truth(player)).abs() < 1e-9);
        }
    }
    let game = Chain(24);
    let error = |shares: &Shares| {
        let off = shares.values.iter().enumerate();
        off.map(|(player, value)| (value - game.truth(player)).abs())
            .fold(0.0, f64::max)
    };
    let (few, many) = (KernelShap::new(3).with_coalitions(400), KernelShap::new(3));
    let (few, many) = (few.shares(&game).unwrap(), many.shares(&game).unwrap());
    assert_complete(&few, 1e-9);
    assert_complete(&many, 1e-9);
    assert!(
        error(&many) < 0.25 && error(&few) < 0.6,
        "{} {}",
        error(&many),
        error(&few)
    );
    assert_eq!(many, KernelShap::new(3).shares(&game).unwrap());
    assert_ne!(
        many.values,
        KernelShap::new(4).shares(&game).unwrap().values
    );
    assert!(exact(&Chain(13)).unwrap_err().to_string().contains("13"));
    assert!(exact(&Chain(0)).is_err() && KernelShap::new(0).shares(&Chain(0)).is_err());
    assert!(KernelShap::new(0).with_coalitions(2).shares(&game).is_err());
}

#[derive(Debug)]
struct Broken;

impl Game for Broken {
    fn players(&self) -> usize {
        2
    }

    fn worth(&self, present: &[bool]) -> Result<f64> {
        Ok(if present[1] { f64::NAN } else { 0.0 })
    }
}

#[test]
fn worths_must_be_numbers() {
    let error = exact(&Broken).unwrap_err().to_string();
    assert!(error.contains("finite worth"), "{error}");
    assert!(KernelShap::new(0).shares(&Broken).is_err());
}
