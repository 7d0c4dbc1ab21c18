//! How a random parameter is drawn, and whether the channels of an image share it.

use medcore::random::{Key, Random};
use serde::{Deserialize, Serialize};

use crate::error::{Result, check, check_probability, check_size};

/// The distribution of one parameter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Draw {
    /// Always this value.
    Fixed(f64),
    /// Uniform in `[low, high)`.
    Uniform {
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
    },
    /// One over a number that is uniform in `[low, high)`, for a zoom given as an enlargement.
    Inverse {
        /// Smallest divisor.
        low: f64,
        /// Largest divisor.
        high: f64,
    },
    /// A factor that is as often below 1 as above: uniform in `[low, 1)` or in `[1, high)`, nnU-Net's
    /// `BGContrast`. A range on one side of 1 is uniform.
    Balanced {
        /// Smallest factor.
        low: f64,
        /// Largest factor.
        high: f64,
    },
}

impl Draw {
    /// Uniform in `[-extent, extent)`.
    #[must_use]
    pub fn symmetric(extent: f64) -> Self {
        Self::Uniform {
            low: -extent,
            high: extent,
        }
    }

    /// One value.
    pub fn draw(&self, random: &mut Random) -> f64 {
        match *self {
            Self::Fixed(value) => value,
            Self::Uniform { low, high } => random.uniform_in(low, high),
            Self::Inverse { low, high } => 1.0 / random.uniform_in(low, high),
            Self::Balanced { low, high } => {
                let below = random.chance(0.5);
                if low >= 1.0 || high <= 1.0 {
                    random.uniform_in(low, high)
                } else if below {
                    random.uniform_in(low, 1.0)
                } else {
                    random.uniform_in(1.0, high)
                }
            }
        }
    }

    /// Smallest and largest value.
    #[must_use]
    pub fn bounds(&self) -> (f64, f64) {
        match *self {
            Self::Fixed(value) => (value, value),
            Self::Uniform { low, high } | Self::Balanced { low, high } => (low, high),
            Self::Inverse { low, high } => (1.0 / high, 1.0 / low),
        }
    }

    /// Refuses disordered bounds and bounds outside `accepted`.
    pub(crate) fn check(
        &self,
        transform: &'static str,
        parameter: &'static str,
        rule: &'static str,
        accepted: impl Fn(f64) -> bool,
    ) -> Result<()> {
        let (low, high) = self.bounds();
        for bound in [low, high] {
            check(transform, parameter, bound, rule, |v| {
                v.is_finite() && accepted(v)
            })?;
            check_size(transform, parameter, bound)?;
        }
        check(
            transform,
            parameter,
            high,
            "at least its lower bound",
            |v| v >= low,
        )
    }
}

/// Whether the channels of an image are changed alike.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Channels {
    /// One draw for all channels.
    #[default]
    Together,
    /// Each channel is changed with this probability, by its own draw.
    Each {
        /// Probability of a channel.
        probability: f64,
    },
}

impl Channels {
    /// Draws a parameter for each of `count` channels; `None` leaves a channel as it is.
    ///
    /// Each channel has a stream of its own, so that what one draws does not move the next.
    pub(crate) fn draw<T: Clone>(
        self,
        count: usize,
        key: Key,
        mut parameter: impl FnMut(&mut Random) -> T,
    ) -> Vec<Option<T>> {
        match self {
            Self::Together => {
                let value = parameter(&mut key.stream("parameter"));
                vec![Some(value); count]
            }
            Self::Each { probability } => (0..count)
                .map(|channel| {
                    let mut random = key.fork("channel", channel as u64).stream("parameter");
                    random.chance(probability).then(|| parameter(&mut random))
                })
                .collect(),
        }
    }

    pub(crate) fn check(self, transform: &'static str) -> Result<()> {
        match self {
            Self::Together => Ok(()),
            Self::Each { probability } => check_probability(transform, probability),
        }
    }
}

/// Whether what has this probability is done under `key`.
pub(crate) fn happens(key: Key, probability: f64) -> bool {
    key.stream("apply").chance(probability)
}

/// Refuses disordered bounds of a number of things, and more than `most`.
pub(crate) fn check_count(
    transform: &'static str,
    [low, high]: [usize; 2],
    most: usize,
) -> Result<()> {
    let rule = "at least its lower bound";
    check(transform, "count", high as f64, rule, |_| low <= high)?;
    let rule = "no more than there may be";
    check(transform, "count", high as f64, rule, |_| high <= most)
}

/// A whole number within these bounds, each as likely.
pub(crate) fn draw_count([low, high]: [usize; 2], random: &mut Random) -> usize {
    low + random.below(high.saturating_sub(low) + 1)
}

/// One of several by weight; `None` if all weights are zero.
pub(crate) fn weighted<T>(
    items: impl Iterator<Item = (T, f64)> + Clone,
    random: &mut Random,
) -> Option<T> {
    let total: f64 = items.clone().map(|(_, weight)| weight).sum();
    let mut rest = random.uniform() * total;
    let mut last = None;
    for (item, weight) in items.filter(|(_, weight)| *weight > 0.0) {
        last = Some(item);
        if rest < weight {
            break;
        }
        rest -= weight;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balanced_factor_is_below_one_half_of_the_time() {
        let mut random = Key::new(4).stream("factor");
        let factor = Draw::Balanced {
            low: 0.7,
            high: 1.5,
        };
        let draws: Vec<f64> = (0..20_000).map(|_| factor.draw(&mut random)).collect();
        let below = draws.iter().filter(|&&v| v < 1.0).count();
        assert!((9_700..10_300).contains(&below), "{below}");
        assert!(draws.iter().all(|v| (0.7..1.5).contains(v)));
    }

    #[test]
    fn a_balanced_factor_on_one_side_of_one_stays_there() {
        let mut random = Key::new(4).stream("factor");
        for (low, high) in [(0.5, 0.8), (1.2, 1.9)] {
            let factor = Draw::Balanced { low, high };
            for _ in 0..500 {
                let value = factor.draw(&mut random);
                assert!((low..high).contains(&value), "{value}");
            }
        }
    }

    #[test]
    fn channels_are_left_alone_as_often_as_they_should() {
        let each = Channels::Each { probability: 0.25 };
        let drawn = each.draw(8_000, Key::new(1), |random| random.uniform());
        let changed = drawn.iter().flatten().count();
        assert!((1_850..2_150).contains(&changed), "{changed}");
        let together = Channels::Together.draw(5, Key::new(1), |random| random.uniform());
        assert!(together.iter().all(|v| v.is_some() && *v == together[0]));
    }
}
