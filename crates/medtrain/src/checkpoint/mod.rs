//! Everything a run needs to go on as if it had never stopped, in files that are whole or absent.
//!
//! A checkpoint is a safetensors file: parameters and buffers under `network/`, the optimizer's state
//! under `optimizer/`, averages of the weights and their count under `ema/` in runs that keep them, and
//! one metadata key with the [`Position`] in the run and a SHA-256 of that and of all tensors. In a folder stand
//!
//! - `last` and `previous`, the ends of the last two epochs;
//! - `within` and `within_previous`, the last two places within the present epoch, gone when it ends;
//! - `best`, the network alone as it was scored best, and `epoch_0007` for each of the best so many epochs:
//!   nothing goes on from these.
//!
//! Every file is written beside its final name, flushed and renamed ([`medcore::atomic`]), and complete before an older
//! one is touched. A run goes on from the furthest one that is whole, and its `best` is never older than that one says: a
//! save that is interrupted leaves it as it should be or one epoch ahead, which the run comes to again.

mod file;
mod position;
mod scored;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mednn::Params;
use mednn::candle_core::Tensor;
use mednn::optim::Ema;

use crate::error::{Error, Result};
pub use crate::exact::Exact;
use file::{bad, read, read_position, write};
pub use position::{Kept, Position};

const NETWORK: &str = "network/";
const OPTIMIZER: &str = "optimizer/";
const EMA: &str = "ema/";
const SUFFIX: &str = ".safetensors";

/// The folder that holds a run's checkpoints.
#[derive(Debug, Clone)]
pub struct CheckpointFolder {
    folder: PathBuf,
}

/// What a checkpoint holds.
#[derive(Debug, Clone, Copy)]
pub struct State<'a> {
    /// The network.
    pub params: &'a Params,
    /// The optimizer's state, by name.
    pub optimizer: &'a BTreeMap<String, Tensor>,
    /// Averages of the weights, in a run that keeps them.
    pub ema: Option<&'a Ema>,
    /// Where the run stands.
    pub position: &'a Position,
}

/// Whose the checkpoints are that are in the folder already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// Those of the run that is saved.
    ThisRun,
    /// Those of an earlier one, which could be taken for the present one's.
    OtherRun,
}

/// A checkpoint read back.
#[derive(Debug)]
#[non_exhaustive]
pub struct Restored {
    /// Where the run stood.
    pub position: Position,
    /// Parameters and buffers, by name.
    pub network: BTreeMap<String, Tensor>,
    /// The optimizer's state, by name.
    pub optimizer: BTreeMap<String, Tensor>,
    /// The state of the averages of the weights, by name; empty in a run without them.
    pub ema: BTreeMap<String, Tensor>,
    /// The file it came from.
    pub path: PathBuf,
    /// Why a damaged checkpoint was passed over, if one was.
    pub passed_over: Option<String>,
}

impl CheckpointFolder {
    /// Uses `folder`, making it if need be.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(io("create", &folder))?;
        Ok(Self { folder })
    }

    /// The end of the last epoch.
    #[must_use]
    pub fn last(&self) -> PathBuf {
        self.path("last")
    }

    /// The end of the epoch before it.
    #[must_use]
    pub fn previous(&self) -> PathBuf {
        self.path("previous")
    }

    /// The last place within an epoch that has not ended.
    #[must_use]
    pub fn within(&self) -> PathBuf {
        self.path("within")
    }

    /// The place before it.
    #[must_use]
    pub fn within_previous(&self) -> PathBuf {
        self.path("within_previous")
    }

    /// The network with the best validation score.
    #[must_use]
    pub fn best(&self) -> PathBuf {
        self.path("best")
    }

    /// The network after an epoch (counted from zero), where it is among those [kept](Position::kept) for their scores.
    #[must_use]
    pub fn epoch(&self, epoch: u32) -> PathBuf {
        self.path(&epoch_name(epoch))
    }

    /// Complete, and about to become `last` or `within`.
    fn next(&self) -> PathBuf {
        self.path("next")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{SUFFIX}"))
    }

    /// Writes the end of an epoch: `last` (the old one becomes `previous`), `best` if its epoch is the best, and its own file
    /// if it is among those kept; these two hold the network, or the averages of its weights where there are any.
    /// Checkpoints `found` from another run make way.
    ///
    /// # Errors
    /// When the disk is full or a file cannot be written: a checkpoint to go on from stays.
    pub fn save_epoch(&self, state: &State<'_>, found: Found) -> Result<()> {
        match found {
            // What the new position speaks of is there before it.
            Found::ThisRun => {
                self.write_scored(state, &self.scored(state.position))?;
                self.write_next(state)?;
            }
            // The other run's stay until there is something to go on from: see `finish_save`.
            Found::OtherRun => {
                self.write_next(state)?;
                self.clear_others()?;
                self.write_scored(state, &self.scored(state.position))?;
            }
        }
        rotate(&self.next(), &self.last(), &self.previous())?;
        remove(&self.within())?;
        remove(&self.within_previous())?;
        self.remove_unkept(state.position)
    }

    /// Writes a place within an epoch: `within`, the old one becomes `within_previous`.
    ///
    /// # Errors
    /// As [`Self::save_epoch`].
    pub fn save_within(&self, state: &State<'_>, found: Found) -> Result<()> {
        self.write_next(state)?;
        if found == Found::OtherRun {
            self.clear_others()?;
        }
        rotate(&self.next(), &self.within(), &self.within_previous())
    }

    fn write_next(&self, state: &State<'_>) -> Result<()> {
        let mut values: BTreeMap<_, _> = under(NETWORK, &state.params.snapshot()?).collect();
        values.extend(under(OPTIMIZER, state.optimizer));
        if let Some(ema) = state.ema {
            values.extend(under(EMA, &ema.state_dict()?));
        }
        write(&self.next(), &values, state.position)
    }

    /// Removes what another run left, `next` apart: until the last of it is gone, it is what would be loaded.
    fn clear_others(&self) -> Result<()> {
        for path in [
            self.previous(),
            self.within_previous(),
            self.within(),
            self.last(),
            self.best(),
        ] {
            remove(&path)?;
        }
        self.remove_epochs(|_| true)
    }

    /// Removes what writers that were killed did not finish.
    ///
    /// # Errors
    /// When a file cannot be removed.
    pub fn remove_unfinished(&self) -> Result<()> {
        let unfinished = format!("{SUFFIX}.tmp-");
        for name in self.names()? {
            if name.contains(&unfinished) {
                remove(&self.folder.join(name))?;
            }
        }
        Ok(())
    }

    fn remove_unkept(&self, position: &Position) -> Result<()> {
        self.remove_epochs(|epoch| !position.kept.iter().any(|kept| kept.epoch == epoch))
    }

    fn remove_epochs(&self, which: impl Fn(u32) -> bool) -> Result<()> {
        for name in self.names()? {
            let stem = name.strip_suffix(SUFFIX).unwrap_or_default();
            let epoch = stem.strip_prefix("epoch_").and_then(|n| n.parse().ok());
            if let Some(epoch) = epoch.filter(|&epoch| stem == epoch_name(epoch) && which(epoch)) {
                remove(&self.epoch(epoch))?;
            }
        }
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>> {
        let entries = std::fs::read_dir(&self.folder).and_then(Iterator::collect);
        let entries: Vec<std::fs::DirEntry> = entries.map_err(io("list", &self.folder))?;
        let names = entries.iter().map(std::fs::DirEntry::file_name);
        Ok(names.filter_map(|name| name.into_string().ok()).collect())
    }

    /// Reads the furthest checkpoint that is whole; `None` if there is none at all.
    ///
    /// # Errors
    /// When checkpoints exist but none is whole.
    pub fn load(&self) -> Result<Option<Restored>> {
        let mut passed_over = None;
        let mut candidates = Vec::new();
        // A crash between the two renames of a save leaves `next` without `last` or `within`.
        for path in [
            self.within(),
            self.last(),
            self.next(),
            self.within_previous(),
            self.previous(),
        ] {
            match read_position(&path) {
                Ok(position) => candidates.push((position.place(), path)),
                Err(_) if !path.exists() => {}
                Err(error) => passed_over = passed_over.or(Some((path, error))),
            }
        }
        candidates.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
        for (_, path) in candidates {
            match read(&path) {
                Ok((position, values)) => {
                    return Ok(Some(Restored {
                        position,
                        network: within(NETWORK, &values),
                        optimizer: within(OPTIMIZER, &values),
                        ema: within(EMA, &values),
                        path,
                        passed_over: passed_over.map(|(_, error)| error.to_string()),
                    }));
                }
                Err(error) => passed_over = passed_over.or(Some((path, error))),
            }
        }
        passed_over.map_or(Ok(None), |(path, error)| Err(bad(&path, &error)))
    }

    /// Puts the network of the furthest whole checkpoint into `params`; `None` if there is none at all.
    ///
    /// # Errors
    /// When checkpoints exist but none is whole, or when its tensors do not fit the network, which is then unchanged.
    pub fn restore(&self, params: &Params) -> Result<Option<Restored>> {
        let restored = self.load()?;
        if let Some(restored) = &restored {
            params.restore(&restored.network)?;
        }
        Ok(restored)
    }

    /// Puts the network of the best checkpoint into `params` and says where it stood.
    ///
    /// # Errors
    /// When there is none, or it is damaged or does not fit.
    pub fn restore_best(&self, params: &Params) -> Result<Position> {
        self.restore_scored(&self.best(), params)
    }

    /// Puts the network that was kept of an epoch (counted from zero) into `params` and says where it stood.
    ///
    /// # Errors
    /// As [`Self::restore_best`].
    pub fn restore_epoch(&self, epoch: u32, params: &Params) -> Result<Position> {
        self.restore_scored(&self.epoch(epoch), params)
    }

    fn restore_scored(&self, path: &Path, params: &Params) -> Result<Position> {
        let (position, values) = read(path)?;
        params.restore(&within(NETWORK, &values))?;
        Ok(position)
    }
}

fn epoch_name(epoch: u32) -> String {
    format!("epoch_{epoch:04}")
}

/// These values with a prefix to their names.
fn under(
    prefix: &str,
    values: &BTreeMap<String, Tensor>,
) -> impl Iterator<Item = (String, Tensor)> {
    let named = values.iter();
    named.map(move |(name, value)| (format!("{prefix}{name}"), value.clone()))
}

/// The values whose names have a prefix, without it.
fn within(prefix: &str, values: &BTreeMap<String, Tensor>) -> BTreeMap<String, Tensor> {
    let named = values.iter();
    named
        .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), value.clone())))
        .collect()
}

/// Makes `next` the newest of two, and the one that was the newest the one before.
fn rotate(next: &Path, newest: &Path, before: &Path) -> Result<()> {
    if newest.exists() {
        std::fs::rename(newest, before).map_err(io("rename to", before))?;
    }
    std::fs::rename(next, newest).map_err(io("rename to", newest))
}

/// Removes a file that may not be there.
fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

fn io(operation: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Io {
        operation,
        path,
        source,
    }
}
