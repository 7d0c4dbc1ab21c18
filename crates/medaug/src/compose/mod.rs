//! Chains of transforms, choices between them, and the record of what was done.

mod choice;
mod record;

use medcore::random::Key;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use choice::Choice;
pub use choice::{OneOf, RandomOrder, Sequence, SomeOf, Sometimes};
pub use record::Record;

use crate::error::{Error, Result};
use crate::sample::{Contents, LazySample, Sample};
use crate::step::{Operation, Step};

/// Transforms one after the other; step `i` draws under `key.fork(name, i)`.
///
/// Moves that stand in a row are composed and read once. It is written to and read from JSON as its list of steps,
/// and what is read is checked.
///
/// ```
/// use medaug::{Compose, Draw, RandomBrightness, Sample};
/// use medcore::{Geometry, Image, random::Key};
///
/// let brighter = RandomBrightness { probability: 1.0, factor: Draw::Fixed(2.0), ..Default::default() };
/// let pipeline = Compose::<2>::new(vec![brighter.clone().into(), brighter.into()])?;
/// let grid = Geometry::axis_aligned([1, 2], [1.0, 1.0])?;
/// let sample = Sample::new(Image::new(grid, vec![1.0, 3.0])?);
/// let (brighter, record) = pipeline.record(sample.clone(), Key::new(0))?;
/// assert_eq!(brighter.image().as_slice(), [4.0, 12.0]);
/// assert_eq!(record.replay(sample)?, brighter);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Step>", into = "Vec<Step>")]
pub struct Compose<const D: usize> {
    steps: Vec<Step>,
}

impl<const D: usize> Compose<D> {
    /// A chain of steps whose parameters have been checked for samples of `D` axes.
    ///
    /// # Errors
    /// Passes on the first refusal of a step's [`Step::check`].
    pub fn new(steps: Vec<Step>) -> Result<Self> {
        steps.iter().try_for_each(Step::check::<D>)?;
        Ok(Self { steps })
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What samples must hold for every step, beside what the steps before it make.
    #[must_use]
    pub fn needs(&self) -> Contents {
        choice::needs_in_order::<D>(&self.steps)
    }

    /// Compares what the steps need with what samples hold, before the first one is read; what a step makes, those behind it
    /// have.
    ///
    /// # Errors
    /// Names the first step that lacks something, and what.
    pub fn check_contents(&self, contents: &Contents) -> Result<()> {
        let mut held = contents.clone();
        for step in &self.steps {
            held.check(step.name(), &step.needs::<D>())?;
            held = step.after::<D>(held);
        }
        Ok(())
    }

    /// The name of this description: the SHA-256 of its JSON, in hexadecimal digits.
    ///
    /// # Errors
    /// Refuses parameters that JSON cannot hold.
    pub fn hash(&self) -> Result<String> {
        let text = serde_json::to_vec(&(D, &self.steps)).map_err(|cause| Error::Description {
            reason: cause.to_string(),
        })?;
        Ok(Sha256::digest(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect())
    }

    /// Changes a sample as `key` says.
    ///
    /// # Errors
    /// Refuses a sample that lacks what a step needs, and passes on what the operations refuse.
    pub fn apply(&self, sample: Sample<D>, key: Key) -> Result<Sample<D>> {
        self.apply_lazily(sample.into_lazy(), key, &mut vec![])?
            .finish()
    }

    /// The steps before the first that depends on the key: what they make of a sample is always the same and can be kept.
    ///
    /// ```
    /// use medaug::{Brightness, Compose, Intensity, Normalise, RandomGamma};
    ///
    /// let steps = vec![Normalise::from(Intensity::MinMax).into(), RandomGamma::default().into(), Brightness { factor: 2.0 }.into()];
    /// let pipeline = Compose::<2>::new(steps)?;
    /// assert_eq!(pipeline.prefix().steps().len(), 1);
    /// # Ok::<(), medaug::Error>(())
    /// ```
    #[must_use]
    pub fn prefix(&self) -> Self {
        let same = self.steps.iter().take_while(|s| !s.is_random::<D>());
        Self {
            steps: same.cloned().collect(),
        }
    }

    /// The first step that depends on the key, where the [`prefix`](Compose::prefix) ends.
    #[must_use]
    pub fn first_random(&self) -> Option<&Step> {
        self.steps.iter().find(|step| step.is_random::<D>())
    }

    /// Does the [`prefix`](Compose::prefix), which needs no key, to a sample that is to be kept.
    ///
    /// Its last moves are read here, where [`Compose::apply`] would read them together with moves that are drawn; so a
    /// sample that is finished from here differs from one of `apply` by that interpolation, and not by whether it was kept.
    ///
    /// # Errors
    /// As [`Compose::apply`].
    pub fn apply_prefix(&self, sample: Sample<D>) -> Result<Sample<D>> {
        self.prefix().apply(sample, Key::new(0))
    }

    /// Goes on with what [`Compose::apply_prefix`] left, under the key of the whole chain.
    ///
    /// # Errors
    /// As [`Compose::apply`].
    pub fn apply_after_prefix(&self, sample: Sample<D>, key: Key) -> Result<Sample<D>> {
        let first = self.prefix().steps.len();
        let rest = self.steps.iter().enumerate().skip(first);
        choice::run_all(rest, sample.into_lazy(), key, &mut vec![])?.finish()
    }

    /// Changes a sample as `key` says, and writes down what was done.
    ///
    /// # Errors
    /// As [`Compose::apply`].
    pub fn record(&self, sample: Sample<D>, key: Key) -> Result<(Sample<D>, Record<D>)> {
        let source = *sample.geometry();
        let mut operations = vec![];
        let sample = self.apply_lazily(sample.into_lazy(), key, &mut operations)?;
        Ok((sample.finish()?, Record::new(source, operations)))
    }

    /// Goes on with a sample whose moves are waiting, and adds what is done to `done`.
    ///
    /// # Errors
    /// As [`Compose::apply`].
    pub fn apply_lazily(
        &self,
        sample: LazySample<D>,
        key: Key,
        done: &mut Vec<Operation>,
    ) -> Result<LazySample<D>> {
        choice::run_all(self.steps.iter().enumerate(), sample, key, done)
    }
}

impl<const D: usize> From<Compose<D>> for Vec<Step> {
    fn from(chain: Compose<D>) -> Self {
        chain.steps
    }
}

impl<const D: usize> TryFrom<Vec<Step>> for Compose<D> {
    type Error = Error;

    fn try_from(steps: Vec<Step>) -> Result<Self> {
        Self::new(steps)
    }
}
