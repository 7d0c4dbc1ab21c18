//! What may be drawn: the interface of everything that decides, by chance or not, what is done to a sample.

use std::fmt::Debug;

use medcore::random::{Key, Random};

use crate::draw::{Channels, happens};
use crate::error::{Result, check_probability};
use crate::operation::{ChannelOperation, PerChannel};
use crate::sample::{Contents, LazySample, Sample};
use crate::step::Operation;

/// Decides what is done to a sample; everything it draws comes from the key, so the same key gives the same
/// operations.
pub trait Transform<const D: usize>: Debug + Send + Sync {
    /// The name under which its random numbers are drawn and its errors are reported.
    fn name(&self) -> &'static str;

    /// Checks the parameters once, when a pipeline is built.
    ///
    /// # Errors
    /// Names the first parameter that breaks its rule.
    fn check(&self) -> Result<()>;

    /// What it needs beside an image.
    fn needs(&self) -> Contents {
        Contents::default()
    }

    /// What a sample holds after it that held `before`, for the steps behind it.
    fn after(&self, before: Contents) -> Contents {
        before
    }

    /// Whether the operations depend on the key; a step that only looks at the sample says no, and may be cached.
    fn is_random(&self) -> bool {
        true
    }

    /// The operations under `key`, in their order; none if chance leaves the sample alone.
    ///
    /// Looking only at the grid and the number of channels keeps moves waiting; asking for
    /// [`LazySample::sample`] has them read.
    ///
    /// # Errors
    /// Refuses a sample that lacks what it needs.
    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>>;

    /// Draws and does it at once.
    ///
    /// # Errors
    /// As [`Transform::draw`], and passes on what the operations refuse.
    fn apply(&self, sample: Sample<D>, key: Key) -> Result<Sample<D>> {
        let mut lazy = sample.into_lazy();
        let operations = self.draw(&mut lazy, key)?;
        operations
            .iter()
            .try_fold(lazy, |lazy, operation| operation.apply(lazy))?
            .finish()
    }
}

/// The random twin of a [`ChannelOperation`]: with a probability, one draw for all channels or one for each.
pub trait RandomChannels: Debug + Send + Sync {
    /// What it draws.
    type Operation: ChannelOperation + Clone;

    /// The name under which its random numbers are drawn and its errors are reported.
    const NAME: &'static str;

    /// Probability of a sample.
    fn probability(&self) -> f64;

    /// Whether the channels share one draw.
    fn channels(&self) -> Channels;

    /// Checks the parameters for images of `dimension` axes.
    ///
    /// # Errors
    /// Names the first parameter that breaks its rule.
    fn check_for(&self, dimension: usize) -> Result<()>;

    /// Draws one operation for images of `dimension` axes.
    fn draw(&self, dimension: usize, random: &mut Random) -> Self::Operation;
}

impl<T: RandomChannels, const D: usize> Transform<D> for T
where
    Operation: From<PerChannel<T::Operation>>,
{
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn check(&self) -> Result<()> {
        check_probability(T::NAME, self.probability())?;
        self.channels().check(T::NAME)?;
        self.check_for(D)
    }

    fn draw(&self, sample: &mut LazySample<D>, key: Key) -> Result<Vec<Operation>> {
        let draw = |random: &mut Random| RandomChannels::draw(self, D, random);
        perhaps(key, self.probability(), || {
            Ok(match self.channels() {
                Channels::Together => PerChannel::All(draw(&mut key.stream("parameter"))),
                each => PerChannel::Each(each.draw(sample.channels(), key, draw)),
            })
        })
    }
}

/// With a probability the operation that `draw` makes, else none.
pub(crate) fn perhaps<T: Into<Operation>>(
    key: Key,
    probability: f64,
    draw: impl FnOnce() -> Result<T>,
) -> Result<Vec<Operation>> {
    if happens(key, probability) {
        Ok(vec![draw()?.into()])
    } else {
        Ok(vec![])
    }
}

/// The items of [`RandomChannels`] that all twins with the fields `probability` and `channels` have alike.
macro_rules! random_twin {
    ($random:ident => $operation:ty) => {
        type Operation = $operation;

        const NAME: &'static str = stringify!($random);

        fn probability(&self) -> f64 {
            self.probability
        }

        fn channels(&self) -> $crate::draw::Channels {
            self.channels
        }
    };
}

pub(crate) use random_twin;
