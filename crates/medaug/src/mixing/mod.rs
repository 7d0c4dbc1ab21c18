//! One sample made of several: blends, pasted blocks, mosaics and pasted lesions.
//!
//! They stand before a [`Compose`](crate::Compose), because they need several samples where a step has one.

mod alike;
mod beta;
mod copy_paste;
mod cut_mix;
mod grid_mosaic;
mod mix_up;
mod mosaic;
mod pipeline;
mod place;
mod random_copy_paste;
mod tiles;

use std::fmt::Debug;

use medcore::random::Key;
use serde::{Deserialize, Serialize};

pub(crate) use beta::shares;
pub use copy_paste::CopyPaste;
pub use cut_mix::{CutMix, CutRule, RandomCutMix};
pub use grid_mosaic::{GridMosaic, RandomGridMosaic};
pub use mix_up::{MixUp, RandomMixUp};
pub use mosaic::{Mosaic, RandomMosaic};
pub use pipeline::MixPipeline;
pub use place::{Border, Fit, Ground};
pub use random_copy_paste::RandomCopyPaste;
pub(crate) use tiles::Montage;

use self::alike::check_count;
use crate::error::{Error, Result};
use crate::sample::Sample;

/// Decides how several samples become one; everything it draws comes from the key.
///
/// ```
/// use medaug::{Mix, RandomMixUp, Sample};
/// use medcore::{Geometry, Image, random::Key};
///
/// let grid = Geometry::axis_aligned([1, 2], [1.0; 2])?;
/// let sample = |value: f32| Image::new(grid, vec![value; 2]).map(Sample::new);
/// let mix = RandomMixUp { probability: 1.0, alpha: 32.0 };
/// assert_eq!(Mix::<2>::others(&mix, Key::new(1)), 1);
/// let mixed = mix.apply(vec![sample(0.0)?, sample(1.0)?], Key::new(1))?;
/// assert!((0.2..0.8).contains(&mixed.image().as_slice()[0]));
/// # Ok::<(), medaug::Error>(())
/// ```
pub trait Mix<const D: usize>: Debug + Send + Sync {
    /// The name under which its random numbers are drawn and its errors are reported.
    fn name(&self) -> &'static str;

    /// Checks the parameters once, when a pipeline is built.
    ///
    /// # Errors
    /// Names the first parameter that breaks its rule.
    fn check(&self) -> Result<()>;

    /// How many samples it takes beside the first under `key`; none if chance leaves the first alone, so that no file is
    /// read in vain.
    fn others(&self, key: Key) -> usize;

    /// What is done under `key` to the first sample and all the others it takes; nothing if they leave it alone.
    ///
    /// # Errors
    /// Refuses samples that lack what it needs.
    fn mixture(&self, samples: &[Sample<D>], key: Key) -> Result<Option<Mixture>>;

    /// What is done to the samples under `key`; nothing if chance, or the samples, leave the first alone.
    ///
    /// # Errors
    /// Refuses another number of samples than one and [`Mix::others`], and passes on what [`Mix::mixture`] refuses.
    fn draw(&self, samples: &[Sample<D>], key: Key) -> Result<Option<Mixture>> {
        let others = self.others(key);
        check_count(self.name(), samples, 1 + others)?;
        if others == 0 {
            return Ok(None);
        }
        self.mixture(samples, key)
    }

    /// Draws and does it at once.
    ///
    /// # Errors
    /// As [`Mix::draw`], and passes on what the operation refuses.
    fn apply(&self, samples: Vec<Sample<D>>, key: Key) -> Result<Sample<D>> {
        let drawn = self.draw(&samples, key)?;
        match drawn {
            Some(mixture) => mixture.apply(samples),
            None => samples.into_iter().next().ok_or(Error::SampleCount {
                transform: self.name(),
                expected: 1,
                got: 0,
            }),
        }
    }
}

macro_rules! mixtures {
    ($($mixture:ident, $random:ident;)*) => {
        /// One way of making one sample of several, with all its numbers, by name.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Mixture {
            $(#[doc = concat!("See [`", stringify!($mixture), "`].")] $mixture($mixture),)*
        }

        /// One way of drawing how several samples become one, by name.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum MixStep {
            $(#[doc = concat!("See [`", stringify!($random), "`].")] $random($random),)*
        }

        $(
            impl From<$mixture> for Mixture {
                fn from(mixture: $mixture) -> Self {
                    Self::$mixture(mixture)
                }
            }
            impl From<$random> for MixStep {
                fn from(mix: $random) -> Self {
                    Self::$random(mix)
                }
            }
        )*

        impl Mixture {
            /// Makes one sample of several, of which the first is the one that is changed.
            ///
            /// # Errors
            /// Refuses another number of samples than it needs, and samples that do not go together.
            pub fn apply<const D: usize>(&self, samples: Vec<Sample<D>>) -> Result<Sample<D>> {
                match self {
                    $(Self::$mixture(mixture) => mixture.apply(samples),)*
                }
            }
        }

        impl<const D: usize> Mix<D> for MixStep {
            fn name(&self) -> &'static str {
                match self {
                    $(Self::$random(_) => stringify!($random),)*
                }
            }

            fn check(&self) -> Result<()> {
                match self {
                    $(Self::$random(mix) => Mix::<D>::check(mix),)*
                }
            }

            fn others(&self, key: Key) -> usize {
                match self {
                    $(Self::$random(mix) => Mix::<D>::others(mix, key),)*
                }
            }

            fn mixture(&self, samples: &[Sample<D>], key: Key) -> Result<Option<Mixture>> {
                match self {
                    $(Self::$random(mix) => mix.mixture(samples, key),)*
                }
            }
        }
    };
}

mixtures! {
    CopyPaste, RandomCopyPaste;
    CutMix, RandomCutMix;
    GridMosaic, RandomGridMosaic;
    Mosaic, RandomMosaic;
    MixUp, RandomMixUp;
}
