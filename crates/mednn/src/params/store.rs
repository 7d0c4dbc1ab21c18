//! The store and the handles layers keep.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use candle_core::{DType, Device, Tensor, Var};
use medcore::random::Key;

use super::{Buffer, Init, ParamPath};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::graph;

/// All parameters and buffers of a network; clones share them.
#[derive(Debug, Clone)]
pub struct Params {
    seed: u64,
    values: Values,
    most: u64,
    count: Arc<AtomicU64>,
    device: Device,
    entries: Arc<RwLock<BTreeMap<String, Entry>>>,
}

/// What new parameters hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Drawn,
    Zero,
}

/// 32 GiB of parameters: more than any network for images, less than a setting out of range would ask for.
const MOST_PARAMETERS: u64 = 1 << 33;

#[derive(Debug, Clone)]
pub(super) enum Entry {
    Parameter(Param),
    Buffer(Buffer),
}

impl Entry {
    pub(super) fn tensor(&self) -> Tensor {
        match self {
            Self::Parameter(param) => param.value(),
            Self::Buffer(buffer) => buffer.tensor(),
        }
    }

    /// Copies values in; shape and type have been checked.
    pub(super) fn set(&self, value: &Tensor) -> Result<()> {
        match self {
            Self::Parameter(param) => param.set(value),
            Self::Buffer(buffer) => buffer.set(value),
        }
    }
}

impl Params {
    /// An empty store on the CPU whose parameters will be drawn with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::on_device(seed, &Device::Cpu)
    }

    /// An empty store on a device.
    #[must_use]
    pub fn on_device(seed: u64, device: &Device) -> Self {
        Self {
            seed,
            values: Values::Drawn,
            most: MOST_PARAMETERS,
            count: Arc::default(),
            device: device.clone(),
            entries: Arc::default(),
        }
    }

    /// The same store, whose new parameters are zero whatever a layer asks for: for a network that takes all its weights
    /// from a file. Drawing them first takes seconds for a large network, zeros take neither time nor memory.
    #[must_use]
    pub fn zeroed(self) -> Self {
        Self {
            values: Values::Zero,
            ..self
        }
    }

    /// The same store with another limit on the number of elements of all parameters, 2^33 unless set.
    ///
    /// A network larger than that is refused before its memory is asked for.
    #[must_use]
    pub fn with_most_parameters(self, most: u64) -> Self {
        Self { most, ..self }
    }

    /// The path with an empty prefix.
    #[must_use]
    pub fn root(&self) -> ParamPath {
        ParamPath::root(self)
    }

    /// The device parameters are created on.
    #[must_use]
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The seed parameters are drawn with.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// All trainable and frozen parameters, in the order of their names.
    #[must_use]
    pub fn parameters(&self) -> Vec<Param> {
        self.select(|entry| match entry {
            Entry::Parameter(param) => Some(param.clone()),
            Entry::Buffer(_) => None,
        })
    }

    /// All buffers, in the order of their names.
    #[must_use]
    pub fn buffers(&self) -> Vec<Buffer> {
        self.select(|entry| match entry {
            Entry::Parameter(_) => None,
            Entry::Buffer(buffer) => Some(buffer.clone()),
        })
    }

    /// The names of all parameters and buffers, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.read().keys().cloned().collect()
    }

    /// The parameter of this full name.
    ///
    /// # Errors
    /// When there is none.
    pub fn parameter(&self, name: &str) -> Result<Param> {
        match self.read().get(name) {
            Some(Entry::Parameter(param)) => Ok(param.clone()),
            _ => Err(Error::UnknownParameter {
                name: name.to_owned(),
            }),
        }
    }

    /// The present value of the parameter or buffer of this full name, sharing its memory.
    ///
    /// # Errors
    /// When there is none.
    pub fn tensor(&self, name: &str) -> Result<Tensor> {
        match self.read().get(name) {
            Some(entry) => Ok(entry.tensor()),
            None => Err(Error::UnknownParameter {
                name: name.to_owned(),
            }),
        }
    }

    /// The number of elements of all parameters; buffers do not count.
    #[must_use]
    pub fn count(&self) -> usize {
        self.parameters()
            .iter()
            .map(|param| param.value().elem_count())
            .sum()
    }

    /// Freezes or thaws the parameters whose full name satisfies `matches` and says how many those are.
    ///
    /// A frozen parameter enters the forward pass without being tracked, so it gets no gradient and costs no backward pass.
    pub fn set_trainable(&self, trainable: bool, matches: impl Fn(&str) -> bool) -> usize {
        let chosen: Vec<_> = self
            .parameters()
            .into_iter()
            .filter(|param| matches(param.name()))
            .collect();
        for param in &chosen {
            param.inner.trainable.store(trainable, Ordering::Relaxed);
        }
        chosen.len()
    }

    /// Fixes or releases the buffers whose full name satisfies `matches` and says how many those are.
    ///
    /// What a layer would do to a fixed buffer in training it leaves undone: [`BatchNorm`](crate::layers::BatchNorm) with fixed
    /// statistics normalises by them, as in evaluation, and no longer follows the batches.
    pub fn set_fixed(&self, fixed: bool, matches: impl Fn(&str) -> bool) -> usize {
        let buffers = self.buffers().into_iter();
        let chosen: Vec<_> = buffers.filter(|buffer| matches(buffer.name())).collect();
        for buffer in &chosen {
            buffer.fix(fixed);
        }
        chosen.len()
    }

    /// Copies of all values, independent of later training.
    ///
    /// # Errors
    /// When memory cannot be had.
    pub fn snapshot(&self) -> Result<BTreeMap<String, Tensor>> {
        let entries = self.read();
        entries
            .iter()
            .map(|(name, entry)| Ok((name.clone(), entry.tensor().copy()?)))
            .collect()
    }

    /// Copies all values of another store of the same structure.
    ///
    /// # Errors
    /// Refuses a store with other names, shapes or types; nothing is changed then.
    pub fn copy_from(&self, other: &Self) -> Result<()> {
        if Arc::ptr_eq(&self.entries, &other.entries) {
            return Ok(());
        }
        let values: BTreeMap<_, _> = other
            .read()
            .iter()
            .map(|(name, entry)| (name.clone(), entry.tensor()))
            .collect();
        self.restore(&values)
    }

    /// Copies all values in, as [`Params::snapshot`] gave them.
    ///
    /// # Errors
    /// Refuses values with other names, shapes or types; nothing is changed then.
    pub fn restore(&self, values: &BTreeMap<String, Tensor>) -> Result<()> {
        let entries = self.read();
        if let Some(name) = values.keys().find(|name| !entries.contains_key(*name)) {
            return Err(Error::UnknownParameter { name: name.clone() });
        }
        for (name, entry) in entries.iter() {
            let value = values
                .get(name)
                .ok_or_else(|| Error::UnknownParameter { name: name.clone() })?;
            let own = entry.tensor();
            if value.dims() != own.dims() || value.dtype() != own.dtype() {
                return Err(Error::Shape {
                    op: "params",
                    tensor: "a parameter or buffer",
                    expected: own.dims().to_vec(),
                    got: value.dims().to_vec(),
                });
            }
        }
        for (name, entry) in entries.iter() {
            entry.set(&values[name])?;
        }
        Ok(())
    }

    pub(super) fn create_parameter(
        &self,
        name: String,
        shape: &[usize],
        init: Init,
    ) -> Result<Param> {
        self.claim(&name, shape)?;
        let var = match self.values {
            Values::Zero => Var::zeros(shape, DType::F32, &self.device)?,
            Values::Drawn => {
                let values = init.draw(shape, &mut Key::new(self.seed).stream(&name));
                Var::from_vec(values, shape, &self.device)?
            }
        };
        let param = Param {
            inner: Arc::new(ParamInner {
                name: name.clone(),
                var,
                trainable: AtomicBool::new(true),
            }),
        };
        self.insert(name, Entry::Parameter(param.clone()))?;
        Ok(param)
    }

    /// Counts the elements of a new parameter.
    fn claim(&self, name: &str, shape: &[usize]) -> Result<()> {
        let elements = { shape.iter() }.try_fold(1u64, |n, &axis| n.checked_mul(axis as u64));
        let sum = |count: u64| count.checked_add(elements?).filter(|&sum| sum <= self.most);
        let claimed = self
            .count
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
        claimed.map(drop).map_err(|_| Error::TooManyParameters {
            name: name.to_owned(),
            shape: shape.to_vec(),
            most: self.most,
        })
    }

    pub(super) fn create_buffer(&self, name: String, value: Tensor) -> Result<Buffer> {
        let buffer = Buffer::new(name.clone(), value);
        self.insert(name, Entry::Buffer(buffer.clone()))?;
        Ok(buffer)
    }

    pub(super) fn entries(&self) -> BTreeMap<String, Entry> {
        self.read().clone()
    }

    fn insert(&self, name: String, entry: Entry) -> Result<()> {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.contains_key(&name) {
            return Err(Error::DuplicateParameter { name });
        }
        entries.insert(name, entry);
        Ok(())
    }

    fn select<T>(&self, f: impl Fn(&Entry) -> Option<T>) -> Vec<T> {
        self.read().values().filter_map(f).collect()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A trainable parameter: what a layer keeps of it.
#[derive(Debug, Clone)]
pub struct Param {
    inner: Arc<ParamInner>,
}

#[derive(Debug)]
struct ParamInner {
    name: String,
    var: Var,
    trainable: AtomicBool,
}

impl Param {
    /// The full name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// The tensor to compute with: on the tape when training, detached when evaluating or frozen.
    ///
    /// candle has no switch that turns the tape off, so a forward pass on tracked parameters would keep every intermediate
    /// result alive.
    #[must_use]
    pub fn tensor(&self, context: &Context) -> Tensor {
        let tensor = match context.is_tracked() && self.is_trainable() {
            true => self.inner.var.as_tensor().clone(),
            false => self.value(),
        };
        graph::keep_parameter(self.name(), &tensor);
        tensor
    }

    /// The present value, not on the tape, sharing the memory of the parameter.
    #[must_use]
    pub fn value(&self) -> Tensor {
        self.inner.var.as_detached_tensor()
    }

    /// The variable that gradients are stored under.
    #[must_use]
    pub fn var(&self) -> &Var {
        &self.inner.var
    }

    /// False when frozen by [`Params::set_trainable`].
    #[must_use]
    pub fn is_trainable(&self) -> bool {
        self.inner.trainable.load(Ordering::Relaxed)
    }

    /// Copies new values in, from any device.
    ///
    /// # Errors
    /// Refuses another shape or element type.
    pub fn set(&self, value: &Tensor) -> Result<()> {
        if value.dims() != self.inner.var.dims() {
            return Err(Error::Shape {
                op: "parameter",
                tensor: "the new value",
                expected: self.inner.var.dims().to_vec(),
                got: value.dims().to_vec(),
            });
        }
        let value = value.detach().to_device(self.inner.var.device())?;
        // `Var::set` refuses a source that shares its memory.
        self.inner.var.set(&value.copy()?)?;
        Ok(())
    }
}
