//! Other batches from some epoch on.

use super::order::{Shard, one_part};
use crate::error::{Error, Result};
use crate::loader::Source;

/// One source up to an epoch, another from then on: augmentation that ends before the run does, so that the last weights are
/// made by images as they are in use (as YOLO detectors end mosaics ten epochs before the end), or cases that become harder.
///
/// ```
/// use medtrain::{Result, Source, Switched};
///
/// struct Plain(&'static str);
///
/// impl Source for Plain {
///     type Item = String;
///
///     fn steps_per_epoch(&self) -> u32 {
///         5
///     }
///
///     fn item(&self, epoch: u32, step: u32) -> Result<String> {
///         Ok(format!("{} {epoch} {step}", self.0))
///     }
/// }
///
/// let source = Switched::new(Plain("augmented"), Plain("as they are"), 90)?;
/// assert_eq!(source.item(89, 4)?, "augmented 89 4");
/// assert_eq!(source.item(90, 0)?, "as they are 90 0");
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Switched<A, B> {
    before: A,
    after: B,
    epoch: u32,
}

impl<A: Source, B: Source<Item = A::Item>> Switched<A, B> {
    /// `before` in the epochs before `epoch`, counted from zero, `after` from it on.
    ///
    /// # Errors
    /// Refuses sources with different numbers of batches in an epoch, and such that make the parts of different processes.
    pub fn new(before: A, after: B, epoch: u32) -> Result<Self> {
        let [own, other] = [before.steps_per_epoch(), after.steps_per_epoch()];
        let setting = "the batches in an epoch of a source that follows another";
        let rule = "as many as those of the other";
        Error::require(own == other, setting, rule, format!("{other} after {own}"))?;
        one_part(before.shard(), after.shard())?;
        Ok(Self {
            before,
            after,
            epoch,
        })
    }
}

impl<A: Source, B: Source<Item = A::Item>> Source for Switched<A, B> {
    type Item = A::Item;

    fn steps_per_epoch(&self) -> u32 {
        self.before.steps_per_epoch()
    }

    fn shard(&self) -> Shard {
        self.before.shard()
    }

    fn item(&self, epoch: u32, step: u32) -> Result<A::Item> {
        match epoch < self.epoch {
            true => self.before.item(epoch, step),
            false => self.after.item(epoch, step),
        }
    }
}
