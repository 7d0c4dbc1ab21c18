//! Shapley values (Lundberg and Lee 2017, <https://arxiv.org/abs/1705.07874>): a score shared out among its
//! inputs.
//!
//! Columns of a table, groups of them, or an image as a whole are players ([`Player`]); what a coalition of
//! them is worth is the mean score when everybody else has the values of background cases
//! ([`MaskedNetwork`]). [`exact`] counts all coalitions of up to [`MOST_EXACT`] players, [`KernelShap`]
//! estimates from some of them for more.

use crate::error::{Error, Result};

mod kernel;
mod masked;
mod player;

pub use kernel::KernelShap;
pub use masked::MaskedNetwork;
pub use player::Player;

/// The most players whose coalitions [`exact`] counts one by one.
pub const MOST_EXACT: usize = 12;

/// A function of who takes part.
///
/// ```
/// use medinfer::explain::{Game, exact};
///
/// /// A glove is worth nothing without its other: the first player has a left one, the others have right ones.
/// #[derive(Debug)]
/// struct Gloves;
///
/// impl Game for Gloves {
///     fn players(&self) -> usize {
///         3
///     }
///     fn worth(&self, present: &[bool]) -> Result<f64, medinfer::Error> {
///         Ok(if present[0] && (present[1] || present[2]) { 1.0 } else { 0.0 })
///     }
/// }
///
/// let shares = exact(&Gloves)?;
/// assert!((shares.values[0] - 4.0 / 6.0).abs() < 1e-12);
/// assert!((shares.values[1] - 1.0 / 6.0).abs() < 1e-12);
/// # Ok::<(), medinfer::Error>(())
/// ```
pub trait Game: std::fmt::Debug {
    /// How many can take part.
    fn players(&self) -> usize;

    /// What those who are present are worth together, without the others.
    ///
    /// # Errors
    /// When it cannot be computed.
    fn worth(&self, present: &[bool]) -> Result<f64>;
}

/// What each player adds.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Shares {
    /// One value for each player, in the unit of the score; their sum is `all - nobody`.
    pub values: Vec<f64>,
    /// What nobody is worth: the mean score of the background.
    pub nobody: f64,
    /// What all are worth together: the score that is explained.
    pub all: f64,
}

/// The Shapley values of a game of up to [`MOST_EXACT`] players, from all coalitions.
///
/// # Errors
/// Refuses no players and too many, and worths that are not finite.
pub fn exact(game: &dyn Game) -> Result<Shares> {
    let players = game.players();
    if !(1..=MOST_EXACT).contains(&players) {
        return Err(Error::Setting {
            setting: "players",
            rule: "1 to 12 where all coalitions are counted (KernelShap takes more)",
            value: players.to_string(),
        });
    }
    let mut worths = Vec::with_capacity(1 << players);
    for coalition in 0..1_usize << players {
        let present: Vec<bool> = (0..players)
            .map(|player| coalition >> player & 1 == 1)
            .collect();
        worths.push(worth(game, &present)?);
    }
    // 1 / (players * C(players - 1, size)), the part of all orders in which just these come before.
    let mut parts = vec![1.0 / players as f64; players];
    for size in 1..players {
        parts[size] = parts[size - 1] * size as f64 / (players - size) as f64;
    }
    let value = |player: usize| {
        let without = (0..worths.len()).filter(|coalition| coalition >> player & 1 == 0);
        let added = without.map(|coalition| {
            let part = parts[coalition.count_ones() as usize];
            part * (worths[coalition | 1 << player] - worths[coalition])
        });
        added.sum()
    };
    Ok(Shares {
        values: (0..players).map(value).collect(),
        nobody: worths[0],
        all: worths[worths.len() - 1],
    })
}

/// What a coalition is worth, if that is a number.
fn worth(game: &dyn Game, present: &[bool]) -> Result<f64> {
    let worth = game.worth(present)?;
    if worth.is_finite() {
        return Ok(worth);
    }
    Err(Error::Explanation {
        rule: "every coalition has a finite worth",
        got: format!("{worth} for {present:?}"),
    })
}
