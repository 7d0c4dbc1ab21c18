//! Steps made of steps: now and then, one of several, some of several.

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use crate::draw::{check_count, draw_count, happens, weighted};
use crate::error::{Error, Result, check, check_probability, check_weights};
use crate::sample::{Contents, LazySample};
use crate::step::{Operation, Step};

/// Several steps as one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub Vec<Step>);

/// Steps that are all done, in a drawn order (MONAI `RandomOrder`); each draws by its place in the list, whatever the order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RandomOrder(pub Vec<Step>);

/// Steps that are all done, or none of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sometimes {
    /// Probability of a sample.
    pub probability: f64,
    /// What is done then.
    pub steps: Vec<Step>,
}

/// One of several steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneOf {
    /// The steps; a [`Sequence`] stands for several.
    pub steps: Vec<Step>,
    /// How often each is chosen, in proportion; alike if there are none.
    #[serde(default)]
    pub weights: Vec<f64>,
}

/// Some of several steps, each at most once, in the order of the list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SomeOf {
    /// The steps; a [`Sequence`] stands for several.
    pub steps: Vec<Step>,
    /// Smallest and largest number of steps; each between is as likely.
    pub count: [usize; 2],
}

/// A step that decides which other steps are done.
pub(crate) trait Choice {
    /// The name under which its random numbers are drawn and its errors are reported.
    const NAME: &'static str;

    fn check<const D: usize>(&self) -> Result<()>;

    fn steps(&self) -> &[Step];

    /// What it needs beside an image.
    fn needs<const D: usize>(&self) -> Contents {
        needs_of::<D>(self.steps())
    }

    /// What a sample surely holds after it that held `before`.
    fn after<const D: usize>(&self, before: Contents) -> Contents {
        let after = after_all::<D>(self.steps(), before.clone());
        after.intersection(&before)
    }

    /// Whether what is done depends on the key.
    fn is_random<const D: usize>(&self) -> bool {
        true
    }

    fn run<const D: usize>(
        &self,
        sample: LazySample<D>,
        key: Key,
        done: &mut Vec<Operation>,
    ) -> Result<LazySample<D>>;
}

/// What all of these steps need, each by itself.
pub(crate) fn needs_of<const D: usize>(steps: &[Step]) -> Contents {
    steps.iter().fold(Contents::default(), |needs, step| {
        needs.union(&step.needs::<D>())
    })
}

/// What these steps need one after the other, beside what those before have made.
pub(crate) fn needs_in_order<const D: usize>(steps: &[Step]) -> Contents {
    /// Channels that a sample may be thought to have, to see whether a step changes their number.
    const SOME: Option<usize> = Some(7);
    let mut needs = Contents::default();
    let mut made = Contents::default().with_channels(SOME);
    for step in steps {
        let mut more = step.needs::<D>().without(&made);
        more.channels = more.channels.filter(|_| made.channels == SOME);
        needs = needs.union(&more);
        made = step.after::<D>(made);
    }
    needs
}

/// What a sample holds after all of these steps that held `before`.
pub(super) fn after_all<const D: usize>(steps: &[Step], before: Contents) -> Contents {
    steps
        .iter()
        .fold(before, |held, step| step.after::<D>(held))
}

/// Runs these of the steps of a list, each under its place in it.
pub(super) fn run_all<'a, const D: usize>(
    steps: impl Iterator<Item = (usize, &'a Step)>,
    sample: LazySample<D>,
    key: Key,
    done: &mut Vec<Operation>,
) -> Result<LazySample<D>> {
    let mut sample = sample;
    for (position, step) in steps {
        let key = key.fork(step.name(), position as u64);
        sample = step.run(sample, key, done)?;
    }
    Ok(sample)
}

fn check_steps<const D: usize>(name: &'static str, steps: &[Step]) -> Result<()> {
    check(name, "steps", steps.len() as f64, "at least one", |v| {
        v >= 1.0
    })?;
    steps.iter().try_for_each(Step::check::<D>)
}

impl Choice for Sequence {
    const NAME: &'static str = "Sequence";

    fn check<const D: usize>(&self) -> Result<()> {
        self.0.iter().try_for_each(Step::check::<D>)
    }

    fn steps(&self) -> &[Step] {
        &self.0
    }

    fn needs<const D: usize>(&self) -> Contents {
        needs_in_order::<D>(&self.0)
    }

    fn after<const D: usize>(&self, before: Contents) -> Contents {
        after_all::<D>(&self.0, before)
    }

    fn is_random<const D: usize>(&self) -> bool {
        self.0.iter().any(Step::is_random::<D>)
    }

    fn run<const D: usize>(
        &self,
        sample: LazySample<D>,
        key: Key,
        done: &mut Vec<Operation>,
    ) -> Result<LazySample<D>> {
        run_all(self.0.iter().enumerate(), sample, key, done)
    }
}

impl Choice for Sometimes {
    const NAME: &'static str = "Sometimes";

    fn check<const D: usize>(&self) -> Result<()> {
        check_probability(Self::NAME, self.probability)?;
        check_steps::<D>(Self::NAME, &self.steps)
    }

    fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn needs<const D: usize>(&self) -> Contents {
        needs_in_order::<D>(&self.steps)
    }

    fn run<const D: usize>(
        &self,
        sample: LazySample<D>,
        key: Key,
        done: &mut Vec<Operation>,
    ) -> Result<LazySample<D>> {
        if !happens(key, self.probability) {
            return Ok(sample);
        }
        run_all(self.steps.iter().enumerate(), sample, key, done)
    }
}

impl Choice for OneOf {
    const NAME: &'static str = "OneOf";

    fn check<const D: usize>(&self) -> Result<()> {
        check_steps::<D>(Self::NAME, &self.steps)?;
        if self.weights.is_empty() {
            return Ok(());
        }
        if self.weights.len() != self.steps.len() {
            return Err(Error::EntryCount {
                transform: Self::NAME,
                parameter: "weights",
                expected: self.steps.len(),
                got: self.weights.len(),
            });
        }
        check_weights(Self::NAME, "weights", &self.weights)
    }

    fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn after<const D: usize>(&self, before: Contents) -> Contents {
        let each = self
            .steps
            .iter()
            .map(|step| step.after::<D>(before.clone()));
        let all = each.reduce(|all, one| all.intersection(&one));
        all.unwrap_or(before)
    }

    fn run<const D: usize>(
        &self,
        sample: LazySample<D>,
        key: Key,
        done: &mut Vec<Operation>,
    ) -> Result<LazySample<D>> {
        let mut random = key.stream("choice");
        let chosen = if self.weights.is_empty() {
            random.below(self.steps.len())
        } else {
            let weights = self.weights.iter().copied().enumerate();
            weighted(weights, &mut random).unwrap_or_default()
        };
        let chosen = self.steps.iter().enumerate().skip(chosen).take(1);
        run_all(chosen, sample, key, done)
    }
}

impl Choice for SomeOf {
    const NAME: &'static str = "SomeOf";

    fn check<const D: usize>(&self) -> Result<()> {
        check_steps::<D>(Self::NAME, &self.steps)?;
        check_count(Self::NAME, self.count, self.steps.len())
    }

    fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn run<const D: usize>(
        &self,
        sample: LazySample<D>,
        key: Key,
        done: &mut Vec<Operation>,
    ) -> Result<LazySample<D>> {
        let mut random = key.stream("choice");
        let count = draw_count(self.count, &mut random);
        let mut order: Vec<usize> = (0..self.steps.len()).collect();
        random.shuffle(&mut order);
        order.truncate(count);
        let chosen = self.steps.iter().enumerate();
        run_all(chosen.filter(|(i, _)| order.contains(i)), sample, key, done)
    }
}

impl Choice for RandomOrder {
    const NAME: &'static str = "RandomOrder";

    fn check<const D: usize>(&self) -> Result<()> {
        self.0.iter().try_for_each(Step::check::<D>)
    }

    fn steps(&self) -> &[Step] {
        &self.0
    }

    fn after<const D: usize>(&self, before: Contents) -> Contents {
        after_all::<D>(&self.0, before)
    }

    fn run<const D: usize>(
        &self,
        sample: LazySample<D>,
        key: Key,
        done: &mut Vec<Operation>,
    ) -> Result<LazySample<D>> {
        let mut order: Vec<(usize, &Step)> = self.0.iter().enumerate().collect();
        key.stream("choice").shuffle(&mut order);
        run_all(order.into_iter(), sample, key, done)
    }
}
