//! Which cases are in which batch of which process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use crate::dist::share_of;
use crate::error::{Error, Result};
use crate::sampler::Sampler;

/// The part of every batch that one process of several makes.
///
/// The batches that all processes make in one step, one after the other in the order of ranks, are the batch that one process
/// would make of `world` times the size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    rank: u32,
    world: u32,
}

impl Shard {
    /// All of every batch.
    pub const SOLO: Self = Self { rank: 0, world: 1 };

    /// The part of process `rank`, counted from zero, of `world`.
    ///
    /// # Errors
    /// Refuses a rank that is not below the number of processes.
    pub fn new(rank: u32, world: u32) -> Result<Self> {
        if rank < world {
            return Ok(Self { rank, world });
        }
        Err(Error::InvalidSetting {
            setting: "the rank",
            rule: "below the number of processes",
            value: format!("{rank} of {world}"),
        })
    }

    /// The process, from zero.
    #[must_use]
    pub fn rank(self) -> u32 {
        self.rank
    }

    /// How many processes there are.
    #[must_use]
    pub fn world(self) -> u32 {
        self.world
    }
}

/// Refuses sources that are used as one and make the parts of different processes.
pub(super) fn one_part(own: Shard, other: Shard) -> Result<()> {
    let setting = "the part of every batch that a source beside another makes";
    let rule = "that of the other";
    let value = format!(
        "{} of {} beside {} of {}",
        other.rank, other.world, own.rank, own.world
    );
    Error::require(own == other, setting, rule, value)
}

/// What is done with the cases at the end of an epoch that make no whole batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remainder {
    /// They are left out; the order is another in every epoch, and so are they. Every batch has the same size, which batch
    /// norm and sums over processes need.
    #[default]
    LeaveOut,
    /// They are a smaller batch, for one process alone.
    Keep,
}

/// One sample of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    /// The case, by its place in the set.
    pub(super) place: usize,
    /// How often it was in this epoch before.
    pub(super) before: u64,
}

/// The order of an epoch, cut into batches.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) sampler: Sampler,
    pub(super) batch_size: usize,
    pub(super) shard: Shard,
    pub(super) remainder: Remainder,
    pub(super) key: Key,
    /// The last epoch that was asked for.
    last: Mutex<Option<(u32, Arc<Vec<Slot>>)>>,
}

impl Order {
    pub(super) fn new(sampler: Sampler, batch_size: usize, key: Key) -> Result<Self> {
        if batch_size == 0 {
            return Err(Error::Nothing { what: "batch size" });
        }
        Ok(Self {
            sampler,
            batch_size,
            shard: Shard::SOLO,
            remainder: Remainder::default(),
            key,
            last: Mutex::new(None),
        })
    }

    /// The same with other settings, checked together.
    pub(super) fn checked(self) -> Result<Self> {
        let world = self.shard.world as usize;
        let draws = self.sampler.draws();
        let refused = |setting, rule, found| {
            Err(Error::InvalidSetting {
                setting,
                rule,
                value: found,
            })
        };
        if self.remainder == Remainder::Keep && world > 1 {
            let found = format!("Keep with {world} processes");
            return refused("the remainder", "left out by several processes", found);
        }
        if self.remainder == Remainder::LeaveOut && draws < world.saturating_mul(self.batch_size) {
            let found = format!("{} in {world} processes, of {draws}", self.batch_size);
            return refused(
                "the batch size",
                "small enough for one whole batch in an epoch",
                found,
            );
        }
        Ok(self)
    }

    pub(super) fn steps(&self) -> u32 {
        let whole = self.batch_size.saturating_mul(self.shard.world as usize);
        let steps = match self.remainder {
            Remainder::LeaveOut => self.sampler.draws() / whole,
            Remainder::Keep => self.sampler.draws().div_ceil(whole),
        };
        u32::try_from(steps).unwrap_or(u32::MAX)
    }

    /// The samples of this process's part of a batch.
    pub(super) fn batch(&self, epoch: u32, step: u32) -> Vec<Slot> {
        let world = self.shard.world as usize;
        let whole = self.batch_size.saturating_mul(world);
        let slots = self.epoch(epoch);
        let first = slots.len().min((step as usize).saturating_mul(whole));
        let batch = &slots[first..slots.len().min(first.saturating_add(whole))];
        batch[share_of(batch.len(), self.shard.rank as usize, world)].to_vec()
    }

    fn epoch(&self, epoch: u32) -> Arc<Vec<Slot>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, slots)) = last.as_ref().filter(|(known, _)| *known == epoch) {
            return Arc::clone(slots);
        }
        let mut seen: HashMap<usize, u64> = HashMap::new();
        let places = self.sampler.epoch(self.key.epoch(epoch)).into_iter();
        let slots = places.map(|place| {
            let times = seen.entry(place).or_insert(0);
            *times += 1;
            Slot {
                place,
                before: *times - 1,
            }
        });
        let slots = Arc::new(slots.collect());
        *last = Some((epoch, Arc::clone(&slots)));
        slots
    }
}
