//! Everything a run needs to go on as if it had never stopped, in one file that is whole or absent.
//!
//! A checkpoint is a safetensors file: parameters and buffers under `network/`, the optimizer's state
//! under `optimizer/`, averages of the weights and their count under `ema/` in runs that keep them, and
//! one metadata key with the position in the run and a SHA-256 of all tensors.
//! It is written beside its final name, flushed and renamed ([`medcore::atomic`]); the one before is
//! kept as `previous`, and a damaged `last` falls back to it. `best` holds the network alone, as it was
//! scored: nothing goes on from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use mednn::Params;
use mednn::candle_core::{DType, Tensor};
use mednn::optim::Ema;
use mednn::params::{read_metadata, read_safetensors, write_safetensors};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

const NETWORK: &str = "network/";
const OPTIMIZER: &str = "optimizer/";
const EMA: &str = "ema/";
const METADATA: &str = "checkpoint";

/// Where a run stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Position {
    /// Epochs completed.
    pub epoch: u32,
    /// Best validation score so far, as the bits of an `f64` so that it survives to the last digit.
    pub best_score_bits: Option<u64>,
    /// The epoch that reached it, counted from zero.
    pub best_epoch: Option<u32>,
    /// The configuration of the run, as its owner describes it.
    pub configuration: serde_json::Value,
}

impl Position {
    /// The start of a run.
    #[must_use]
    pub fn start(configuration: serde_json::Value) -> Self {
        Self {
            epoch: 0,
            best_score_bits: None,
            best_epoch: None,
            configuration,
        }
    }

    /// Best validation score so far.
    #[must_use]
    pub fn best_score(&self) -> Option<f64> {
        self.best_score_bits.map(f64::from_bits)
    }
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    position: Position,
    sha256: String,
}

/// The folder that holds a run's checkpoints.
#[derive(Debug, Clone)]
pub struct CheckpointFolder {
    folder: PathBuf,
}

/// A checkpoint read back.
#[derive(Debug)]
pub struct Restored {
    /// Where the run stood.
    pub position: Position,
    /// The optimizer's state, by name.
    pub optimizer: BTreeMap<String, Tensor>,
    /// The state of the averages of the weights, by name; empty in a run without them.
    pub ema: BTreeMap<String, Tensor>,
    /// The file it came from.
    pub path: PathBuf,
    /// Why a newer file was passed over, if one was.
    pub passed_over: Option<String>,
}

impl CheckpointFolder {
    /// Uses `folder`, making it if need be.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        std::fs::create_dir_all(&folder).map_err(|source| Error::Io {
            operation: "create",
            path: folder.clone(),
            source,
        })?;
        Ok(Self { folder })
    }

    /// The newest checkpoint.
    #[must_use]
    pub fn last(&self) -> PathBuf {
        self.folder.join("last.safetensors")
    }

    /// The one before it.
    #[must_use]
    pub fn previous(&self) -> PathBuf {
        self.folder.join("previous.safetensors")
    }

    /// The one with the best validation score.
    #[must_use]
    pub fn best(&self) -> PathBuf {
        self.folder.join("best.safetensors")
    }

    /// Writes `last` (the old one becomes `previous`) and, if `is_best`, `best`: the network, or the averages of its weights
    /// where there are any.
    ///
    /// # Errors
    /// When the disk is full or a file cannot be written: the checkpoints already there stay as they are.
    pub fn save(
        &self,
        params: &Params,
        optimizer: &BTreeMap<String, Tensor>,
        ema: Option<&Ema>,
        position: &Position,
        is_best: bool,
    ) -> Result<()> {
        let network = params.snapshot()?;
        let mut values: BTreeMap<_, _> = under(NETWORK, &network).collect();
        values.extend(under(OPTIMIZER, optimizer));
        if let Some(ema) = ema {
            values.extend(under(EMA, &ema.state_dict()?));
        }
        // The new file is complete under its own name before any old one is touched.
        let next = self.folder.join("next.safetensors");
        write(&next, &values, position)?;
        if is_best {
            let scored = under(NETWORK, ema.map_or(&network, Ema::values));
            write(&self.best(), &scored.collect(), position)?;
        }
        if self.last().exists() {
            rename(&self.last(), &self.previous())?;
        }
        rename(&next, &self.last())
    }

    /// Puts the newest whole checkpoint into `params`; `None` if there is none.
    ///
    /// # Errors
    /// When checkpoints exist but none is whole, or when its tensors do not fit the network.
    pub fn restore(&self, params: &Params) -> Result<Option<Restored>> {
        let mut passed_over = None;
        // A crash between the two renames of `save` leaves `next` and `previous` without `last`.
        let candidates = [
            self.last(),
            self.folder.join("next.safetensors"),
            self.previous(),
        ];
        for path in candidates.iter().filter(|path| path.exists()) {
            match read(path) {
                Ok((position, values)) => {
                    params.restore(&within(NETWORK, &values))?;
                    return Ok(Some(Restored {
                        position,
                        optimizer: within(OPTIMIZER, &values),
                        ema: within(EMA, &values),
                        path: path.clone(),
                        passed_over,
                    }));
                }
                Err(error) => passed_over = passed_over.or(Some(error.to_string())),
            }
        }
        match passed_over {
            None => Ok(None),
            Some(reason) => Err(bad(&self.last(), &reason)),
        }
    }

    /// Puts the network of the best checkpoint into `params` and says where it stood.
    ///
    /// # Errors
    /// When there is none, or it is damaged or does not fit.
    pub fn restore_best(&self, params: &Params) -> Result<Position> {
        let (position, values) = read(&self.best())?;
        params.restore(&within(NETWORK, &values))?;
        Ok(position)
    }
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

fn bad(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    Error::BadCheckpoint {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

/// Writes a checkpoint with its hash.
fn write(path: &Path, values: &BTreeMap<String, Tensor>, position: &Position) -> Result<()> {
    let metadata = Metadata {
        position: position.clone(),
        sha256: digest(values)?,
    };
    let metadata = serde_json::to_string(&metadata).map_err(|e| bad(path, &e))?;
    Ok(write_safetensors(path, values, Some((METADATA, metadata)))?)
}

/// Reads a checkpoint and checks its hash.
fn read(path: &Path) -> Result<(Position, BTreeMap<String, Tensor>)> {
    let values = read_safetensors(path)?;
    let metadata = read_metadata(path)?;
    let text = metadata
        .get(METADATA)
        .ok_or_else(|| bad(path, &"it has no position"))?;
    let metadata: Metadata = serde_json::from_str(text).map_err(|e| bad(path, &e))?;
    if digest(&values)? != metadata.sha256 {
        return Err(bad(path, &"its contents do not match its hash"));
    }
    Ok((metadata.position, values))
}

/// SHA-256 over names, shapes and values in order of name.
fn digest(values: &BTreeMap<String, Tensor>) -> Result<String> {
    let mut hash = Sha256::new();
    for (name, value) in values {
        hash.update(name.as_bytes());
        for &length in value.dims() {
            hash.update((length as u64).to_le_bytes());
        }
        let flat = value.flatten_all()?;
        match value.dtype() {
            DType::F32 => flat
                .to_vec1::<f32>()?
                .iter()
                .for_each(|v| hash.update(v.to_le_bytes())),
            DType::F64 => flat
                .to_vec1::<f64>()?
                .iter()
                .for_each(|v| hash.update(v.to_le_bytes())),
            DType::I64 => flat
                .to_vec1::<i64>()?
                .iter()
                .for_each(|v| hash.update(v.to_le_bytes())),
            DType::U32 => flat
                .to_vec1::<u32>()?
                .iter()
                .for_each(|v| hash.update(v.to_le_bytes())),
            _ => hash.update(flat.to_dtype(DType::U8)?.to_vec1::<u8>()?),
        }
    }
    Ok(hash
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn rename(from: &Path, to: &Path) -> Result<()> {
    std::fs::rename(from, to).map_err(|source| Error::Io {
        operation: "rename to",
        path: to.to_owned(),
        source,
    })
}
