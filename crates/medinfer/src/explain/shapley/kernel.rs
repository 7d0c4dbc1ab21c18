//! KernelSHAP: the additive function that fits the worths of coalitions best.

use std::collections::BTreeMap;

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::{Game, Shares, worth};
use crate::cholesky::{backward, cholesky, forward};
use crate::error::{Error, Result};

/// Shapley values by weighted least squares over coalitions, with both ends held: nobody's worth and
/// everybody's.
///
/// Coalitions with few or nearly all players weigh most and are taken whole, size by size, as far as the
/// number of coalitions allows; the rest are drawn, each together with its complement. With as many as there
/// are, `2^players - 2`, the values are those of [`exact`](super::exact()).
///
/// ```
/// use medinfer::explain::{Game, KernelShap};
///
/// #[derive(Debug)]
/// struct Sum;
///
/// impl Game for Sum {
///     fn players(&self) -> usize {
///         20
///     }
///     fn worth(&self, present: &[bool]) -> Result<f64, medinfer::Error> {
///         Ok((1..).zip(present).map(|(value, &present)| if present { f64::from(value) } else { 0.0 }).sum())
///     }
/// }
///
/// let shares = KernelShap::new(7).with_coalitions(500).shares(&Sum)?;
/// assert!((shares.values[19] - 20.0).abs() < 1e-9);
/// # Ok::<(), medinfer::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KernelShap {
    /// Coalitions at most, besides nobody and everybody; `2 * players + 2048` when not set.
    pub coalitions: Option<usize>,
    /// The seed of coalitions that are drawn.
    pub seed: u64,
}

impl KernelShap {
    /// So many coalitions as the reference library takes.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            coalitions: None,
            seed,
        }
    }

    /// Takes so many coalitions at most.
    #[must_use]
    pub fn with_coalitions(self, coalitions: usize) -> Self {
        Self {
            coalitions: Some(coalitions),
            ..self
        }
    }

    /// The Shapley values.
    ///
    /// # Errors
    /// Refuses no players, fewer coalitions than values need to be told apart, and worths that are not
    /// finite.
    pub fn shares(&self, game: &dyn Game) -> Result<Shares> {
        let players = game.players();
        let few = |value: String| {
            Err(Error::Setting {
                setting: "players and coalitions",
                rule: "at least one player, and enough coalitions to tell players apart",
                value,
            })
        };
        if players == 0 {
            return few("no players".to_owned());
        }
        let nobody = worth(game, &vec![false; players])?;
        let all = worth(game, &vec![true; players])?;
        let gain = all - nobody;
        if players == 1 {
            return Ok(Shares {
                values: vec![gain],
                nobody,
                all,
            });
        }
        // The last value follows from the sum: it is put into the others' equations.
        let unknown = players - 1;
        let mut matrix = vec![0.0; unknown * unknown];
        let mut right = vec![0.0; unknown];
        let chosen = self.choose(players);
        for (present, weight) in &chosen {
            let last = f64::from(u8::from(present[unknown]));
            let value = worth(game, present)? - nobody - last * gain;
            let row: Vec<f64> = present[..unknown]
                .iter()
                .map(|&present| f64::from(u8::from(present)) - last)
                .collect();
            for (i, a) in row.iter().enumerate() {
                right[i] += weight * a * value;
                for (j, b) in row.iter().enumerate() {
                    matrix[i * unknown + j] += weight * a * b;
                }
            }
        }
        let Ok(factor) = cholesky(matrix, unknown) else {
            return few(format!("{} coalitions of {players} players", chosen.len()));
        };
        let mut values = right;
        forward(&factor, &mut values);
        backward(&factor, &mut values);
        values.push(gain - values.iter().sum::<f64>());
        Ok(Shares {
            values,
            nobody,
            all,
        })
    }

    /// Coalitions and their weights.
    fn choose(&self, players: usize) -> BTreeMap<Vec<bool>, f64> {
        let mut left = self.coalitions.unwrap_or(2 * players + 2048);
        let mut chosen = BTreeMap::new();
        // Both sizes of a pair, `size` and `players - size`, at once; weights are those of all coalitions of
        // the sizes.
        let pair = |size: usize| if 2 * size == players { 1.0 } else { 2.0 };
        let weight =
            |size: usize| pair(size) * (players - 1) as f64 / (size * (players - size)) as f64;
        let sizes = 1..=players / 2;
        let mut drawn_from = sizes.end() + 1;
        for size in sizes.clone() {
            let rest: f64 = (size..=*sizes.end()).map(weight).sum();
            let count = pair(size) * binomial(players, size);
            if count > left as f64 * weight(size) / rest * (1.0 + 1e-8) {
                drawn_from = size;
                break;
            }
            let each = weight(size) / count;
            for_each_of_size(players, size, |present| {
                let others = present.iter().map(|present| !present).collect();
                chosen.insert(present.to_vec(), each);
                chosen.insert(others, each);
            });
            left = left.saturating_sub(count as usize);
        }
        let sizes: Vec<usize> = (drawn_from..=*sizes.end()).collect();
        let rest: f64 = sizes.iter().map(|&size| weight(size)).sum();
        let pairs = left / 2;
        if sizes.is_empty() || pairs == 0 {
            return chosen;
        }
        let mut random = Key::new(self.seed).stream("kernel_shap");
        let mut order: Vec<usize> = (0..players).collect();
        for _ in 0..pairs {
            let mut place = random.uniform() * rest;
            let mut size = sizes[sizes.len() - 1];
            for &candidate in &sizes {
                place -= weight(candidate);
                if place < 0.0 {
                    size = candidate;
                    break;
                }
            }
            random.shuffle(&mut order);
            let mut present = vec![false; players];
            order[..size]
                .iter()
                .for_each(|&player| present[player] = true);
            let others: Vec<bool> = present.iter().map(|present| !present).collect();
            let share = rest / (2 * pairs) as f64;
            *chosen.entry(present).or_insert(0.0) += share;
            *chosen.entry(others).or_insert(0.0) += share;
        }
        chosen
    }
}

fn binomial(n: usize, k: usize) -> f64 {
    (0..k)
        .map(|i| (n - i) as f64 / (i + 1) as f64)
        .product::<f64>()
        .round()
}

/// Shows every coalition of so many players once.
fn for_each_of_size(players: usize, size: usize, mut show: impl FnMut(&[bool])) {
    let mut members: Vec<usize> = (0..size).collect();
    loop {
        let mut present = vec![false; players];
        members.iter().for_each(|&player| present[player] = true);
        show(&present);
        // The last member that can move moves, those behind it follow it closely.
        let Some(moving) = (0..size).rev().find(|&i| members[i] < players - size + i) else {
            return;
        };
        members[moving] += 1;
        for i in moving + 1..size {
            members[i] = members[i - 1] + 1;
        }
    }
}
