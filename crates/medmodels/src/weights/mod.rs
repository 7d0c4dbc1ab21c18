//! Files of weights: safetensors, and PyTorch's checkpoints without PyTorch.
//!
//! A checkpoint (`.pth`, `.pt`) is a pickle, a program for a machine of Python's. The machine here knows its operations,
//! builds values and calls nothing; what is not known to build weights is an error with its name, and nothing is passed
//! over in silence. Archives (PyTorch 1.6 and later, TorchScript too), the format before them, all protocols from 2 to 5,
//! tensors of any stride, whole pickled modules.
//!
//! ```no_run
//! use medmodels::weights;
//!
//! let found = weights::read("checkpoint_final.pth")?;
//! println!("{} tensors under {:?}", found.tensors.len(), found.entry);
//! # Ok::<(), medmodels::Error>(())
//! ```

mod archive;
mod beside;
mod checkpoint;
mod fault;
pub mod names;
mod pickle;
mod state;
mod torch;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use medcore::Budget;
use mednn::candle_core::{DType, Device, Tensor};
use mednn::params::{LoadPolicy, LoadReport, Params, read_safetensors};

use crate::error::{Error, Result};
pub(crate) use beside::beside;
use checkpoint::{Checkpoint, WeightTensor};
pub use fault::Fault;
pub use torch::ElementType;

/// What a reader of weights may use up, and which of a checkpoint's entries it takes.
///
/// ```
/// use medmodels::weights::ReadOptions;
///
/// // The raw weights where averaged ones stand beside them.
/// let options = ReadOptions::new().entry("model");
/// ```
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    budget: Option<Arc<Budget>>,
    entry: Option<String>,
}

impl ReadOptions {
    /// A fresh default [`Budget`], and the entry in which weights stand by custom.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Claims memory from this budget.
    #[must_use]
    pub fn budget(mut self, budget: Arc<Budget>) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Takes the weights under these keys, joined by dots, for instance `ema` or `states.generator`.
    #[must_use]
    pub fn entry(mut self, keys: impl Into<String>) -> Self {
        self.entry = Some(keys.into());
        self
    }
}

/// The weights of a file.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Weights {
    /// The file.
    pub path: PathBuf,
    /// The keys under which they stood; empty for a file of nothing else.
    pub entry: String,
    /// By the names in the file. Truth values are `u8`, and integers of 8 bits with a sign `i64`.
    pub tensors: BTreeMap<String, Tensor>,
    /// What stands among them and is no tensor, by name.
    pub others: Vec<String>,
}

/// Reads the weights of a file; its contents say which format it is.
///
/// Of a training program's checkpoint those under `ema`, `state_dict`, `network_weights` (nnU-Net), `model` and the like
/// are taken, in this order; of a pickled module those that its `state_dict` would give.
///
/// # Errors
/// [`Error::Checkpoint`] says what in the file is wrong and where; [`Error::Network`] for a safetensors file.
pub fn read(path: impl AsRef<Path>) -> Result<Weights> {
    read_with(path, &ReadOptions::new())
}

/// As [`read`], with options.
///
/// # Errors
/// As [`read`].
pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Weights> {
    let path = path.as_ref();
    let fail = |fault| Error::Checkpoint {
        path: path.to_owned(),
        fault: Box::new(fault),
    };
    match open(path, options).map_err(fail)? {
        Some(checkpoint) => from_checkpoint(path, checkpoint, options).map_err(fail),
        None => Ok(Weights {
            path: path.to_owned(),
            entry: String::new(),
            tensors: read_safetensors(path)?,
            others: Vec::new(),
        }),
    }
}

/// Opens a checkpoint; none for a safetensors file.
fn open(path: &Path, options: &ReadOptions) -> std::result::Result<Option<Checkpoint>, Fault> {
    let mut head = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut head)?;
    let budget = options.budget.clone().unwrap_or_default();
    // The length of a header, and its opening brace.
    let safetensors = head.get(8) == Some(&b'{');
    match head.as_slice() {
        bytes if bytes.starts_with(&checkpoint::ARCHIVE) => {
            Checkpoint::open_archive(path, budget).map(Some)
        }
        bytes if checkpoint::is_legacy(bytes) => Checkpoint::open_legacy(path, budget).map(Some),
        _ if safetensors => Ok(None),
        bytes => Err(Fault::Unknown {
            start: bytes
                .iter()
                .take(16)
                .copied()
                .collect::<Vec<u8>>()
                .escape_ascii()
                .to_string(),
        }),
    }
}

fn from_checkpoint(
    path: &Path,
    mut checkpoint: Checkpoint,
    options: &ReadOptions,
) -> std::result::Result<Weights, Fault> {
    let state = checkpoint.state(options.entry.as_deref())?;
    let mut tensors = BTreeMap::new();
    for (name, layout) in state.tensors {
        let tensor = tensor(&checkpoint.read(&layout)?).map_err(|problem| Fault::Structure {
            place: name.clone(),
            problem,
        })?;
        tensors.insert(name, tensor);
    }
    Ok(Weights {
        path: path.to_owned(),
        entry: state.entry,
        tensors,
        others: state.others,
    })
}

/// The same numbers as a tensor.
fn tensor(weights: &WeightTensor) -> std::result::Result<Tensor, String> {
    let dtype = match weights.element {
        ElementType::Bool | ElementType::U8 => DType::U8,
        ElementType::I8 => {
            let wide: Vec<i64> = { weights.bytes.iter() }
                .map(|byte| i64::from(i8::from_ne_bytes([*byte])))
                .collect();
            let tensor = Tensor::from_vec(wide, weights.shape.as_slice(), &Device::Cpu);
            return tensor.map_err(|e| e.to_string());
        }
        ElementType::I16 => DType::I16,
        ElementType::I32 => DType::I32,
        ElementType::I64 => DType::I64,
        ElementType::F16 => DType::F16,
        ElementType::Bf16 => DType::BF16,
        ElementType::F32 => DType::F32,
        ElementType::F64 => DType::F64,
    };
    Tensor::from_raw_buffer(&weights.bytes, dtype, &weights.shape, &Device::Cpu)
        .map_err(|e| e.to_string())
}

impl Weights {
    /// Puts the weights into a network; floating point values of any width become `f32`.
    ///
    /// # Errors
    /// When names or shapes differ in a way the policy does not allow. Nothing is changed then.
    pub fn load_into(&self, params: &Params, policy: &LoadPolicy) -> Result<LoadReport> {
        Ok(params.load_tensors(&self.path, self.tensors.clone(), policy)?)
    }
}
