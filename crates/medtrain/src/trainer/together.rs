//! A trainer among others that learn together: what one rank says to the rest, and what they agree on.
//!
//! Every rank passes the same places in the same order, also when something went wrong at one of them: it says so there, and all
//! end. Alone, nothing is said.

use mednn::BatchItems;
use mednn::candle_core::{Device, Tensor};

use super::Trainer;
use super::identity::difference;
use super::step::Gathered;
use crate::batches::Shard;
use crate::checkpoint::Position;
use crate::dist::{all_reduce_gradients, average_buffers, broadcast_network};
use crate::error::{Error, Result};
use crate::loader::Source;
use crate::log::Validation;
use crate::objective::Batch;
use crate::stop::Ending;

/// What a rank says when all is well, and when it ends.
const WELL: u8 = 0;
const FAILED: u8 = 1;

impl Trainer<'_> {
    /// True for the rank that writes logs and checkpoints, validates and tells observers.
    pub(super) fn is_first(&self) -> bool {
        self.collective.rank() == 0
    }

    fn is_alone(&self) -> bool {
        self.collective.world_size() == 1
    }

    /// A result that counts only if every rank has one.
    pub(super) fn agree<T>(&self, own: Result<T>) -> Result<T> {
        if self.is_alone() {
            return own;
        }
        let status = if own.is_ok() { WELL } else { FAILED };
        let all = self.collective.all_gather_bytes(&[status]);
        let own = own?;
        let failed = |status: &Vec<u8>| *status != [WELL];
        match all?.iter().position(failed) {
            Some(rank) => Err(Error::RankLeft { rank }),
            None => Ok(own),
        }
    }

    /// The same network everywhere, as many batches, and to each rank its own part of them.
    pub(super) fn meet<S: Source>(&self, source: &S) -> Result<()> {
        self.agree(self.check_part(source.shard()))?;
        if self.is_alone() {
            return Ok(());
        }
        let batches = source.steps_per_epoch();
        let all = self.collective.all_gather_bytes(&batches.to_le_bytes())?;
        if let Some(rank) = all.iter().position(|own| *own != batches.to_le_bytes()) {
            let reason = format!(
                "rank {rank} has another number of batches in an epoch than the {batches} here"
            );
            return Err(Error::Collective { reason });
        }
        self.agree(broadcast_network(self.collective, self.model))
    }

    /// Refuses a source that makes the part of another rank: what all learn would not be what one alone learns.
    fn check_part(&self, shard: Shard) -> Result<()> {
        let (rank, world) = (self.collective.rank(), self.collective.world_size());
        if (shard.rank() as usize, shard.world() as usize) == (rank, world) {
            return Ok(());
        }
        let reason = format!(
            "the source makes part {} of {} of every batch, this is rank {rank} of {world}: see `with_shard`",
            shard.rank(),
            shard.world()
        );
        Err(Error::Collective { reason })
    }

    /// The same place in the run and the same settings everywhere.
    pub(super) fn start_together(&self, position: &Position) -> Result<()> {
        if self.is_alone() {
            return Ok(());
        }
        let own = serde_json::json!({
            "checkpoint_every": self.config.checkpoint_every,
            "position": position,
        });
        let said = serde_json::to_vec(&own).map_err(unreadable)?;
        let all = self.collective.all_gather_bytes(&said)?;
        for (rank, other) in all.iter().enumerate() {
            let other = serde_json::from_slice(other).map_err(unreadable)?;
            if let Some((what, theirs, here)) = difference("", &other, &own) {
                let reason = format!(
                    "rank {rank} starts with {what} {theirs}, this one with {here}: all need the same settings and see the \
                     same folder"
                );
                return Err(Error::Collective { reason });
            }
        }
        Ok(())
    }

    /// A batch, if every rank has its own, and where its items stand in the batch of all ranks.
    pub(super) fn agree_batch(&self, own: Result<Batch>) -> Result<(Batch, Option<BatchItems>)> {
        if self.is_alone() {
            return Ok((own?, None));
        }
        let count = own.as_ref().ok().map(samples);
        let said = count.map_or_else(Vec::new, |count| count.to_le_bytes().to_vec());
        let all = self.collective.all_gather_bytes(&said);
        let batch = own?;
        let all = all?;
        if let Some(rank) = all.iter().position(Vec::is_empty) {
            return Err(Error::RankLeft { rank });
        }
        let before = &all[..self.collective.rank().min(all.len())];
        let first = before.iter().map(|count| number(count)).sum();
        let items = BatchItems::new(first, samples(&batch));
        Ok((batch, Some(items)))
    }

    /// Loss and gradients of the samples of all ranks.
    pub(super) fn share(&self, gathered: &mut Gathered) -> Result<()> {
        if self.is_alone() {
            return Ok(());
        }
        let weight = gathered.samples;
        let params = self.model.params();
        let total = all_reduce_gradients(self.collective, params, &mut gathered.gradients, weight)?;
        let own = Tensor::new(&[gathered.loss * weight], &Device::Cpu)?;
        let sum = self.collective.all_reduce_sum(&own)?.to_vec1::<f64>()?;
        gathered.loss = sum[0] / total;
        Ok(())
    }

    /// The wish of the first rank that has one.
    pub(super) fn agree_to_stop(&self, own: Option<Ending>) -> Result<Option<Ending>> {
        if self.is_alone() {
            return Ok(own);
        }
        let wish = serde_json::to_vec(&own).map_err(unreadable)?;
        let all = self.collective.all_gather_bytes(&wish)?;
        for wish in all {
            let wish: Option<Ending> = serde_json::from_slice(&wish).map_err(unreadable)?;
            if wish.is_some() {
                return Ok(wish);
            }
        }
        Ok(None)
    }

    /// Running statistics, which every rank took from its own items, made the same.
    pub(super) fn share_statistics(&self) -> Result<()> {
        if self.is_alone() {
            return Ok(());
        }
        average_buffers(self.collective, self.model)
    }

    /// What the first rank found in validation.
    pub(super) fn share_validation(
        &self,
        found: Result<Option<Validation>>,
    ) -> Result<Option<Validation>> {
        if self.is_alone() {
            return found;
        }
        let found = self.agree(found)?;
        let bytes = serde_json::to_vec(&found).map_err(unreadable)?;
        let all = self.collective.all_gather_bytes(&bytes)?;
        let first = all.first().map_or(&[][..], Vec::as_slice);
        serde_json::from_slice(first).map_err(unreadable)
    }
}

/// The samples of a batch.
fn samples(batch: &Batch) -> u32 {
    let mut inputs = batch.inputs.iter();
    let first = inputs
        .next()
        .and_then(|(_, tensor)| tensor.dims().first().copied());
    u32::try_from(first.unwrap_or(1)).unwrap_or(u32::MAX)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.try_into().map_or(0, u32::from_le_bytes)
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::Collective {
        reason: format!("what another rank said cannot be read: {error}"),
    }
}
