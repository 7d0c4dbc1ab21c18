//! Networks that are kept for their scores.

use std::path::PathBuf;

use mednn::optim::Ema;

use super::file::{read_position, write};
use super::{CheckpointFolder, NETWORK, Position, State, remove, under};
use crate::error::Result;

impl CheckpointFolder {
    /// What an interrupted [`Self::save_epoch`] left undone besides the checkpoint of `state`, to be called before a run goes
    /// on from it: the networks of its epoch are written if they are not there, those of other runs removed.
    ///
    /// # Errors
    /// When a file cannot be written or removed.
    pub fn finish_save(&self, state: &State<'_>) -> Result<()> {
        let position = state.position;
        if position.best_epoch.is_none() {
            remove(&self.best())?;
        }
        if position.step == 0 {
            let mut missing = self.scored(position);
            missing.retain(|path| !read_position(path).is_ok_and(|found| found == *position));
            self.write_scored(state, &missing)?;
        }
        self.remove_unkept(position)
    }

    /// The files that hold the network of the epoch that has just ended.
    pub(super) fn scored(&self, position: &Position) -> Vec<PathBuf> {
        let Some(epoch) = position.epoch.checked_sub(1) else {
            return Vec::new();
        };
        let is_kept = position.kept.iter().any(|kept| kept.epoch == epoch);
        let kept = is_kept.then(|| self.epoch(epoch));
        let best = (position.best_epoch == Some(epoch)).then(|| self.best());
        kept.into_iter().chain(best).collect()
    }

    pub(super) fn write_scored(&self, state: &State<'_>, paths: &[PathBuf]) -> Result<()> {
        if paths.is_empty() {
            return Ok(());
        }
        let network = state.params.snapshot()?;
        let scored = under(NETWORK, state.ema.map_or(&network, Ema::values)).collect();
        { paths.iter() }.try_for_each(|path| write(path, &scored, state.position))
    }
}
