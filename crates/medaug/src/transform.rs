//! The one interface of everything that changes a sample, and chains of it.

use std::fmt::Debug;

use medcore::random::Key;

use crate::error::Result;
use crate::sample::Sample;

/// Changes a sample; everything it draws comes from the key, so the same key gives the same bytes.
pub trait Transform<const D: usize>: Debug + Send + Sync {
    /// The name under which its random numbers are drawn and its errors are reported.
    fn name(&self) -> &'static str;

    /// Checks the parameters once, when a pipeline is built.
    ///
    /// # Errors
    /// Names the first parameter that breaks its rule.
    fn check(&self) -> Result<()>;

    /// Whether it only works on samples with labels.
    fn needs_labels(&self) -> bool {
        false
    }

    /// Changes `sample` as `key` says.
    ///
    /// # Errors
    /// Refuses a sample that lacks what it needs, and passes on what the image operations refuse.
    fn apply(&self, sample: Sample<D>, key: Key) -> Result<Sample<D>>;
}

/// Transforms one after the other; step `i` draws under `key.fork(name, i)`.
///
/// ```
/// use medaug::{Compose, Draw, RandomBrightness, Sample, Transform};
/// use medcore::{Geometry, Image, random::Key};
///
/// let brighter = RandomBrightness { probability: 1.0, factor: Draw::Fixed(2.0), ..Default::default() };
/// let pipeline = Compose::<2>::new(vec![Box::new(brighter.clone()), Box::new(brighter)])?;
/// let grid = Geometry::axis_aligned([1, 2], [1.0, 1.0])?;
/// let sample = Sample::new(Image::new(grid, vec![1.0, 3.0])?);
/// assert_eq!(pipeline.apply(sample, Key::new(0))?.image().as_slice(), [4.0, 12.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Compose<const D: usize> {
    steps: Vec<Box<dyn Transform<D>>>,
}

impl<const D: usize> Compose<D> {
    /// A chain of steps whose parameters have been checked.
    ///
    /// # Errors
    /// Passes on the first refusal of a step's [`Transform::check`].
    pub fn new(steps: Vec<Box<dyn Transform<D>>>) -> Result<Self> {
        steps.iter().try_for_each(|step| step.check())?;
        Ok(Self { steps })
    }

    /// Number of steps.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether the chain changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl<const D: usize> Transform<D> for Compose<D> {
    fn name(&self) -> &'static str {
        "Compose"
    }

    fn check(&self) -> Result<()> {
        self.steps.iter().try_for_each(|step| step.check())
    }

    fn needs_labels(&self) -> bool {
        self.steps.iter().any(|step| step.needs_labels())
    }

    fn apply(&self, sample: Sample<D>, key: Key) -> Result<Sample<D>> {
        self.steps
            .iter()
            .enumerate()
            .try_fold(sample, |sample, (position, step)| {
                step.apply(sample, key.fork(step.name(), position as u64))
            })
    }
}
