//! The transforms of this crate as data: one line for each, read from and written to JSON or TOML.

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::intensity::{
    RandomBrightness, RandomContrast, RandomGamma, RandomGaussianBlur, RandomGaussianNoise,
    RandomLowResolution,
};
use crate::sample::Sample;
use crate::spatial::{RandomFlip, RandomSpatial};
use crate::transform::{Compose, Transform};

macro_rules! steps {
    ($($transform:ident),* $(,)?) => {
        /// One transform of a pipeline, by name.
        ///
        /// ```
        /// use medaug::Step;
        ///
        /// let step: Step = serde_json::from_str(r#"{"RandomGamma": {"probability": 0.3}}"#)?;
        /// assert!(matches!(step, Step::RandomGamma(gamma) if gamma.retain_statistics));
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Step {
            $(
                #[doc = concat!("See [`", stringify!($transform), "`].")]
                $transform($transform),
            )*
        }

        $(
            impl From<$transform> for Step {
                fn from(transform: $transform) -> Self {
                    Self::$transform(transform)
                }
            }
        )*

        impl Step {
            fn as_transform<const D: usize>(&self) -> &dyn Transform<D> {
                match self {
                    $(Self::$transform(transform) => transform,)*
                }
            }

            fn into_transform<const D: usize>(self) -> Box<dyn Transform<D>> {
                match self {
                    $(Self::$transform(transform) => Box::new(transform),)*
                }
            }
        }
    };
}

steps![
    RandomBrightness,
    RandomContrast,
    RandomFlip,
    RandomGamma,
    RandomGaussianBlur,
    RandomGaussianNoise,
    RandomLowResolution,
    RandomSpatial,
];

impl<const D: usize> Transform<D> for Step {
    fn name(&self) -> &'static str {
        self.as_transform::<D>().name()
    }

    fn check(&self) -> Result<()> {
        self.as_transform::<D>().check()
    }

    fn needs_labels(&self) -> bool {
        self.as_transform::<D>().needs_labels()
    }

    fn apply(&self, sample: Sample<D>, key: Key) -> Result<Sample<D>> {
        self.as_transform::<D>().apply(sample, key)
    }
}

impl<const D: usize> Compose<D> {
    /// A chain from its description.
    ///
    /// # Errors
    /// As [`Compose::new`].
    pub fn from_steps(steps: Vec<Step>) -> Result<Self> {
        Self::new(steps.into_iter().map(Step::into_transform).collect())
    }
}
