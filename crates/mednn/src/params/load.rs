//! Weights from files into networks.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Tensor};
use medcore::atomic::Pending;

use super::names::{NameMap, NamePattern};
use super::safetensors::{bytes_of, read_safetensors, safetensors_bytes};
use super::{Params, stem};
use crate::error::{Error, Result};

/// Which differences between a file of weights and a network are accepted; by default none.
///
/// ```
/// use mednn::params::{LoadPolicy, NameMap};
///
/// // A classifier on the encoder of another network: its head is new, the old decoder is left out.
/// let policy = LoadPolicy::strict()
///     .with_names(NameMap::new().with("module.**", "$1"))
///     .with_missing_allowed("head.**")
///     .with_unexpected_allowed("decoder.**");
/// # let _ = policy;
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadPolicy {
    names: NameMap,
    missing: Vec<NamePattern>,
    unexpected: Vec<NamePattern>,
    misshapen: Vec<NamePattern>,
    stems: Vec<NamePattern>,
    finite: bool,
}

impl LoadPolicy {
    /// Every name and shape must match.
    #[must_use]
    pub fn strict() -> Self {
        Self::default()
    }

    /// Renames what the file holds by these rules, behind those already there.
    #[must_use]
    pub fn with_names(mut self, names: NameMap) -> Self {
        self.names = self.names.then(names);
        self
    }

    /// Lets entries of the network of these names (a [`NamePattern`]) keep their values when the file lacks them.
    #[must_use]
    pub fn with_missing_allowed(mut self, names: impl Into<String>) -> Self {
        self.missing.push(NamePattern::new(names));
        self
    }

    /// Passes over entries of the file that, after renaming, have these names (a [`NamePattern`]) and that the network lacks.
    #[must_use]
    pub fn with_unexpected_allowed(mut self, names: impl Into<String>) -> Self {
        self.unexpected.push(NamePattern::new(names));
        self
    }

    /// Lets entries of the network of these names (a [`NamePattern`]) keep their values when the file has another shape.
    #[must_use]
    pub fn with_misshapen_allowed(mut self, names: impl Into<String>) -> Self {
        self.misshapen.push(NamePattern::new(names));
        self
    }

    /// Takes weights of these names (a [`NamePattern`]), `[out, in, ...]` of a first convolution, from a file that has them
    /// for another number of input channels.
    ///
    /// For one channel they are summed, so that the network answers to a grey image as it did to the same image in all
    /// channels. For `n` channels those of the file, `m`, are repeated in turn and multiplied by `m / n`, so that the sum over
    /// channels keeps its size. Both are timm's rules.
    #[must_use]
    pub fn with_stem(mut self, names: impl Into<String>) -> Self {
        self.stems.push(NamePattern::new(names));
        self
    }

    /// Refuses a file with values that are infinite or no numbers.
    #[must_use]
    pub fn with_finite_values(mut self) -> Self {
        self.finite = true;
        self
    }

    fn accepts(&self, report: &LoadReport) -> bool {
        let allowed =
            |name: &str, patterns: &[NamePattern]| patterns.iter().any(|p| p.matches(name));
        let misshapen = report.misshapen.iter().map(|m| &m.name);
        report
            .missing
            .iter()
            .all(|name| allowed(name, &self.missing))
            && { report.unexpected.iter() }.all(|name| allowed(name, &self.unexpected))
            && { misshapen }.all(|name| allowed(name, &self.misshapen))
            && report.not_finite.is_empty()
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
    /// Weights that were made to fit another number of input channels; they are among the loaded.
    pub adapted: Vec<Misshapen>,
    /// Names in the file of tensors that stand there under another name too.
    pub aliases: Vec<String>,
    /// Entries of the file with values that are infinite or no numbers, where that is refused.
    pub not_finite: Vec<String>,
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
        for (names, what) in [
            (&self.missing, "missing"),
            (&self.unexpected, "unexpected"),
            (&self.not_finite, "not finite"),
        ] {
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
        let mut report = LoadReport::default();
        if policy.finite {
            for (name, value) in &values {
                if !is_finite(value)? {
                    report.not_finite.push(name.clone());
                }
            }
        }
        let (mut renamed, aliases) = rename(origin, values, &policy.names)?;
        report.aliases = aliases;
        let mut fitting = Vec::new();
        for (name, entry) in self.entries() {
            let own = entry.tensor();
            let Some(value) = renamed.remove(&name) else {
                report.missing.push(name);
                continue;
            };
            // PyTorch writes scalars as [], some converters as [1].
            let same_shape = value.dims() == own.dims() || (own.rank() == 0 && value.dims() == [1]);
            let same_type = value.dtype().is_float() == own.dtype().is_float();
            let differs = || Misshapen {
                name: name.clone(),
                expected: own.dims().to_vec(),
                got: value.dims().to_vec(),
            };
            let value = if same_shape && same_type {
                value.reshape(own.dims())?.to_dtype(own.dtype())?
            } else if same_type
                && policy.stems.iter().any(|stem| stem.matches(&name))
                && stem::differs_in_channels_alone(&value, own.dims())
            {
                report.adapted.push(differs());
                stem::adapt(&value.to_dtype(own.dtype())?, own.dims()[1])?
            } else {
                report.misshapen.push(differs());
                continue;
            };
            fitting.push((entry, value));
            report.loaded.push(name);
        }
        report.unexpected = renamed.into_keys().collect();
        if !policy.accepts(&report) {
            return Err(Error::Weights {
                path: origin.to_owned(),
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

/// Values by the network's names, and the further names of tensors that have several.
fn rename(
    origin: &Path,
    values: BTreeMap<String, Tensor>,
    names: &NameMap,
) -> Result<(BTreeMap<String, Tensor>, Vec<String>)> {
    let mut renamed: BTreeMap<String, (String, Tensor)> = BTreeMap::new();
    let mut aliases = Vec::new();
    for (name, value) in values {
        let own = names.apply(&name);
        if let Some((first, other)) = renamed.get(&own) {
            if !is_same(&value, other)? {
                return Err(Error::InvalidFile {
                    path: origin.to_owned(),
                    reason: format!("{first:?} and {name:?} are both {own:?} and differ"),
                });
            }
            aliases.push(name);
        } else {
            renamed.insert(own, (name, value));
        }
    }
    let renamed = { renamed.into_iter() }.map(|(own, (_, value))| (own, value));
    Ok((renamed.collect(), aliases))
}

/// Whether two tensors are the same to the bit.
fn is_same(a: &Tensor, b: &Tensor) -> Result<bool> {
    Ok(a.dims() == b.dims() && a.dtype() == b.dtype() && bytes_of(a)? == bytes_of(b)?)
}

fn is_finite(value: &Tensor) -> Result<bool> {
    let finite = |values: Vec<f64>| values.iter().all(|v| v.is_finite());
    let wide = || value.flatten_all()?.to_dtype(DType::F64)?.to_vec1();
    Ok(!value.dtype().is_float() || wide().map(finite)?)
}
