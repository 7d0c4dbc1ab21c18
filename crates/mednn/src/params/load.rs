//! Weights from and to safetensors files.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use medcore::atomic::Pending;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use super::Params;
use crate::error::{Error, Result};

/// Which differences between a file of weights and a network are accepted; by default none.
///
/// ```
/// use mednn::params::LoadPolicy;
///
/// // A classifier on the encoder of another network: its head is new, the old decoder is left out.
/// let policy = LoadPolicy::strict()
///     .with_rename("module.", "")
///     .with_missing_allowed("head.")
///     .with_unexpected_allowed("decoder.");
/// # let _ = policy;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadPolicy {
    renames: Vec<(String, String)>,
    missing: Vec<String>,
    unexpected: Vec<String>,
    misshapen: Vec<String>,
}

impl LoadPolicy {
    /// Every name and shape must match.
    #[must_use]
    pub fn strict() -> Self {
        Self::default()
    }

    /// Replaces the prefix `from` of names in the file by `to`; the first rename that applies to a name counts.
    #[must_use]
    pub fn with_rename(mut self, from: impl Into<String>, to: impl Into<String>) -> Self {
        self.renames.push((from.into(), to.into()));
        self
    }

    /// Lets entries of the network whose name starts with `prefix` keep their values when the file lacks them.
    #[must_use]
    pub fn with_missing_allowed(mut self, prefix: impl Into<String>) -> Self {
        self.missing.push(prefix.into());
        self
    }

    /// Passes over entries of the file whose name, after renaming, starts with `prefix` and that the network lacks.
    #[must_use]
    pub fn with_unexpected_allowed(mut self, prefix: impl Into<String>) -> Self {
        self.unexpected.push(prefix.into());
        self
    }

    /// Lets entries of the network whose name starts with `prefix` keep their values when the file has another shape.
    #[must_use]
    pub fn with_misshapen_allowed(mut self, prefix: impl Into<String>) -> Self {
        self.misshapen.push(prefix.into());
        self
    }

    fn rename(&self, name: &str) -> String {
        for (from, to) in &self.renames {
            if let Some(rest) = name.strip_prefix(from.as_str()) {
                return format!("{to}{rest}");
            }
        }
        name.to_owned()
    }

    fn accepts(&self, report: &LoadReport) -> bool {
        let allowed =
            |name: &str, prefixes: &[String]| prefixes.iter().any(|p| name.starts_with(p.as_str()));
        report
            .missing
            .iter()
            .all(|name| allowed(name, &self.missing))
            && report
                .unexpected
                .iter()
                .all(|name| allowed(name, &self.unexpected))
            && report
                .misshapen
                .iter()
                .all(|m| allowed(&m.name, &self.misshapen))
    }
}

/// What of a file of weights went into a network; all lists in the order of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoadReport {
    /// Entries of the network that took their values from the file.
    pub loaded: Vec<String>,
    /// Entries of the network that the file lacks.
    pub missing: Vec<String>,
    /// Entries of the file, after renaming, that the network lacks.
    pub unexpected: Vec<String>,
    /// Entries that have another shape or an incompatible type in the file.
    pub misshapen: Vec<Misshapen>,
}

/// An entry that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Misshapen {
    /// The name in the network.
    pub name: String,
    /// The shape in the network.
    pub expected: Vec<usize>,
    /// The shape in the file.
    pub got: Vec<usize>,
}

impl std::fmt::Display for LoadReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        fn some(names: &[String]) -> String {
            let shown = names.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
            if names.len() > 4 {
                format!("{shown}, ...")
            } else {
                shown
            }
        }
        write!(f, "{} loaded", self.loaded.len())?;
        for (names, what) in [(&self.missing, "missing"), (&self.unexpected, "unexpected")] {
            if !names.is_empty() {
                write!(f, "; {} {what} ({})", names.len(), some(names))?;
            }
        }
        for m in self.misshapen.iter().take(4) {
            write!(
                f,
                "; {} has shape {:?}, should have {:?}",
                m.name, m.got, m.expected
            )?;
        }
        if self.misshapen.len() > 4 {
            write!(f, "; {} more of another shape", self.misshapen.len() - 4)?;
        }
        Ok(())
    }
}

impl Params {
    /// Takes values from a safetensors file; floating point values of any width become f32.
    ///
    /// # Errors
    /// When the file cannot be read or is malformed, and when names or shapes differ in a way the policy does not allow.
    /// Nothing is changed then.
    pub fn load_safetensors(
        &self,
        path: impl AsRef<Path>,
        policy: &LoadPolicy,
    ) -> Result<LoadReport> {
        let path = path.as_ref();
        self.load_tensors(path, read_safetensors(path)?, policy)
    }

    /// As [`Params::load_safetensors`], from tensors by name; `origin` stands in messages.
    ///
    /// # Errors
    /// When names or shapes differ in a way the policy does not allow. Nothing is changed then.
    pub fn load_tensors(
        &self,
        origin: &Path,
        values: BTreeMap<String, Tensor>,
        policy: &LoadPolicy,
    ) -> Result<LoadReport> {
        let path = origin;
        let mut report = LoadReport::default();
        let mut fitting = Vec::new();
        let mut renamed = BTreeMap::new();
        for (name, value) in values {
            let name = policy.rename(&name);
            if renamed.insert(name.clone(), value).is_some() {
                return Err(Error::InvalidFile {
                    path: path.to_owned(),
                    reason: format!("two entries are named {name:?} after renaming"),
                });
            }
        }
        for (name, entry) in self.entries() {
            let own = entry.tensor();
            let Some(value) = renamed.remove(&name) else {
                report.missing.push(name);
                continue;
            };
            // PyTorch writes scalars as [], some converters as [1].
            let same_shape = value.dims() == own.dims() || (own.rank() == 0 && value.dims() == [1]);
            if !same_shape || value.dtype().is_float() != own.dtype().is_float() {
                report.misshapen.push(Misshapen {
                    name,
                    expected: own.dims().to_vec(),
                    got: value.dims().to_vec(),
                });
                continue;
            }
            fitting.push((entry, value.reshape(own.dims())?.to_dtype(own.dtype())?));
            report.loaded.push(name);
        }
        report.unexpected = renamed.into_keys().collect();
        if !policy.accepts(&report) {
            return Err(Error::Weights {
                path: path.to_owned(),
                report: Box::new(report),
            });
        }
        for (entry, value) in fitting {
            entry.set(&value)?;
        }
        Ok(report)
    }

    /// Writes all parameters and buffers to a safetensors file, whole or not at all.
    ///
    /// Equal values give equal bytes.
    ///
    /// # Errors
    /// When the file cannot be written; what stood there before is still there then.
    pub fn save_safetensors(&self, path: impl AsRef<Path>) -> Result<()> {
        Ok(self.pending_safetensors(path)?.commit()?)
    }

    /// As [`Params::save_safetensors`], up to the moment when the file takes its name: for weights that must appear
    /// together with another file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn pending_safetensors(&self, path: impl AsRef<Path>) -> Result<Pending> {
        let entries = self.entries().into_iter();
        let values = entries.map(|(name, entry)| (name, entry.tensor()));
        let (path, values) = (path.as_ref(), values.collect());
        let bytes = safetensors_bytes(path, &values, None)?;
        Ok(Pending::fill(path, |out| out.write_all(&bytes))?)
    }
}

/// Reads every tensor of a safetensors file.
///
/// # Errors
/// When the file cannot be read, is malformed or holds an element type candle does not have.
pub fn read_safetensors(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let bytes = std::fs::read(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })?;
    let invalid = |reason: String| Error::InvalidFile {
        path: path.to_owned(),
        reason,
    };
    let file = SafeTensors::deserialize(&bytes).map_err(|e| invalid(e.to_string()))?;
    let mut values = BTreeMap::new();
    for (name, view) in file.tensors() {
        let dtype = match view.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::F64 => DType::F64,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            Dtype::I64 => DType::I64,
            Dtype::I32 => DType::I32,
            Dtype::U8 => DType::U8,
            Dtype::U32 => DType::U32,
            other => {
                return Err(invalid(format!(
                    "{name:?} has the unsupported element type {other:?}"
                )));
            }
        };
        let value = Tensor::from_raw_buffer(view.data(), dtype, view.shape(), &Device::Cpu)?;
        values.insert(name, value);
    }
    Ok(values)
}

/// The metadata keys of a safetensors file.
///
/// # Errors
/// When the file cannot be read or its header is malformed.
pub fn read_metadata(path: &Path) -> Result<HashMap<String, String>> {
    let bytes = std::fs::read(path).map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })?;
    let (_, metadata) = SafeTensors::read_metadata(&bytes).map_err(|e| Error::InvalidFile {
        path: path.to_owned(),
        reason: e.to_string(),
    })?;
    Ok(metadata.metadata().clone().unwrap_or_default())
}

/// Writes tensors and at most one metadata key (more would be written in an order that varies), whole or not at all.
///
/// # Errors
/// When the file cannot be written; what stood there before is still there then.
pub fn write_safetensors(
    path: &Path,
    values: &BTreeMap<String, Tensor>,
    metadata: Option<(&str, String)>,
) -> Result<()> {
    let bytes = safetensors_bytes(path, values, metadata)?;
    Ok(medcore::atomic::write_bytes(path, &bytes)?)
}

fn safetensors_bytes(
    path: &Path,
    values: &BTreeMap<String, Tensor>,
    metadata: Option<(&str, String)>,
) -> Result<Vec<u8>> {
    let mut raw = Vec::with_capacity(values.len());
    for (name, value) in values {
        raw.push((name, value.dims(), bytes_of(value)?));
    }
    let mut views = Vec::with_capacity(raw.len());
    for (name, shape, (dtype, bytes)) in &raw {
        let view =
            TensorView::new(*dtype, shape.to_vec(), bytes).map_err(|e| Error::InvalidFile {
                path: path.to_owned(),
                reason: e.to_string(),
            })?;
        views.push((name.as_str(), view));
    }
    let metadata = metadata.map(|(key, value)| HashMap::from([(key.to_owned(), value)]));
    safetensors::serialize(views, metadata).map_err(|e| Error::InvalidFile {
        path: path.to_owned(),
        reason: e.to_string(),
    })
}

fn bytes_of(value: &Tensor) -> Result<(Dtype, Vec<u8>)> {
    let flat = value.to_device(&Device::Cpu)?.flatten_all()?;
    Ok(match value.dtype() {
        DType::F32 => (
            Dtype::F32,
            flat.to_vec1::<f32>()?
                .into_iter()
                .flat_map(f32::to_le_bytes)
                .collect(),
        ),
        DType::F64 => (
            Dtype::F64,
            flat.to_vec1::<f64>()?
                .into_iter()
                .flat_map(f64::to_le_bytes)
                .collect(),
        ),
        DType::I64 => (
            Dtype::I64,
            flat.to_vec1::<i64>()?
                .into_iter()
                .flat_map(i64::to_le_bytes)
                .collect(),
        ),
        DType::U32 => (
            Dtype::U32,
            flat.to_vec1::<u32>()?
                .into_iter()
                .flat_map(u32::to_le_bytes)
                .collect(),
        ),
        DType::U8 => (Dtype::U8, flat.to_vec1::<u8>()?),
        got => {
            return Err(Error::ElementType {
                op: "safetensors",
                tensor: "a value",
                expected: "f32, f64, i64, u32 or u8",
                got,
            });
        }
    })
}
