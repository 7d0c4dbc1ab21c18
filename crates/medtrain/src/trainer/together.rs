//! A trainer among others that learn together: what one rank says to the rest, and what they agree on.
//!
//! Every rank passes the same places in the same order, also when something went wrong at one of them: it says so there, and all
//! end. Alone, nothing is said.

use mednn::BatchItems;
use mednn::candle_core::{Device, Tensor};

use super::Trainer;
use super::step::Gathered;
use crate::dist::{all_reduce_gradients, average_buffers, broadcast_network};
use crate::error::{Error, Result};
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

    /// The same network everywhere, and as many batches.
    pub(super) fn meet(&self, batches: u32) -> Result<()> {
        if self.is_alone() {
            return Ok(());
        }
        let all = self.collective.all_gather_bytes(&batches.to_le_bytes())?;
        if let Some(rank) = all.iter().position(|own| *own != batches.to_le_bytes()) {
            let reason = format!(
                "rank {rank} has another number of batches in an epoch than the {batches} here"
            );
            return Err(Error::Collective { reason });
        }
        self.agree(broadcast_network(self.collective, self.model))
    }

    /// Where the items of a batch stand in the batch of all ranks.
    pub(super) fn items(&self, batch: &Batch) -> Result<Option<BatchItems>> {
        if self.is_alone() {
            return Ok(None);
        }
        let own = samples(batch);
        let all = self.collective.all_gather_bytes(&own.to_le_bytes())?;
        let before = &all[..self.collective.rank().min(all.len())];
        let first = before.iter().map(|count| number(count)).sum();
        Ok(Some(BatchItems::new(first, own)))
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
