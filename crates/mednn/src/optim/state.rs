//! What an optimizer keeps for each parameter, saved as `<slot>/<parameter>`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use candle_core::{DType, Device, Tensor};

use crate::error::{Error, Result};
use crate::params::{Param, Params};

const STEP: &str = "step";

/// One kind of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// A tensor of the parameter's shape (a momentum, say).
    Elementwise(&'static str),
    /// One number for a parameter.
    Scalar(&'static str),
}

impl Slot {
    fn name(self) -> &'static str {
        match self {
            Self::Elementwise(name) | Self::Scalar(name) => name,
        }
    }

    fn dims(self, param: &Param) -> Vec<usize> {
        match self {
            Self::Elementwise(_) => param.var().dims().to_vec(),
            Self::Scalar(_) => Vec::new(),
        }
    }
}

/// The state of one parameter.
#[derive(Debug)]
pub struct State {
    /// One for each slot, in memory nothing else holds.
    pub tensors: Vec<Tensor>,
    /// Updates the parameter has had: bias correction counts from its own first gradient.
    pub steps: u32,
}

/// The states of the parameters that have been updated so far.
#[derive(Debug)]
pub(super) struct States {
    slots: Vec<Slot>,
    of: BTreeMap<String, State>,
}

impl States {
    pub(super) fn new(slots: Vec<Slot>) -> Self {
        Self {
            slots,
            of: BTreeMap::new(),
        }
    }

    /// The state of a parameter, zeros the first time.
    pub(super) fn of(&mut self, param: &Param) -> Result<&mut State> {
        match self.of.entry(param.name().to_owned()) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let zeros =
                    |slot: &Slot| Tensor::zeros(slot.dims(param), DType::F32, param.var().device());
                let tensors = self.slots.iter().map(zeros);
                let tensors = tensors.collect::<candle_core::Result<_>>()?;
                Ok(entry.insert(State { tensors, steps: 0 }))
            }
        }
    }

    /// Copies of all: later steps change the originals in place.
    pub(super) fn save(&self) -> Result<BTreeMap<String, Tensor>> {
        let mut saved = BTreeMap::new();
        if self.slots.is_empty() {
            return Ok(saved);
        }
        for (name, state) in &self.of {
            for (slot, tensor) in self.slots.iter().zip(&state.tensors) {
                saved.insert(format!("{}/{name}", slot.name()), tensor.copy()?);
            }
            let step = Tensor::new(&[state.steps], &Device::Cpu)?;
            saved.insert(format!("{STEP}/{name}"), step);
        }
        Ok(saved)
    }

    /// Reads what [`States::save`] wrote, checking names, shapes and completeness.
    pub(super) fn load(&self, params: &Params, saved: &BTreeMap<String, Tensor>) -> Result<Self> {
        let mut saved = Saved::new(saved);
        let mut of = BTreeMap::new();
        for param in params.parameters() {
            let mut tensors = Vec::with_capacity(self.slots.len());
            for slot in &self.slots {
                let name = format!("{}/{}", slot.name(), param.name());
                let shape = slot.dims(&param);
                tensors.extend(saved.take(&name, (&shape, DType::F32), param.var().device())?);
            }
            let steps = match self.slots.is_empty() {
                true => None,
                false => saved.take_count(&format!("{STEP}/{}", param.name()))?,
            };
            match steps {
                None if tensors.is_empty() => {}
                Some(steps) if tensors.len() == self.slots.len() => {
                    of.insert(param.name().to_owned(), State { tensors, steps });
                }
                _ => {
                    let reason = format!("the state of {:?} is incomplete", param.name());
                    return Err(Error::OptimizerState { reason });
                }
            }
        }
        saved.finish()?;
        Ok(Self {
            slots: self.slots.clone(),
            of,
        })
    }
}

/// A saved state from which entries are taken one by one, until none may be left.
pub(super) struct Saved<'a>(BTreeMap<&'a str, &'a Tensor>);

impl<'a> Saved<'a> {
    pub(super) fn new(saved: &'a BTreeMap<String, Tensor>) -> Self {
        Self(saved.iter().map(|(name, t)| (name.as_str(), t)).collect())
    }

    /// A copy of an entry on a device, if there is one.
    pub(super) fn take(
        &mut self,
        name: &str,
        (dims, dtype): (&[usize], DType),
        device: &Device,
    ) -> Result<Option<Tensor>> {
        let Some(tensor) = self.0.remove(name) else {
            return Ok(None);
        };
        if tensor.dims() != dims || tensor.dtype() != dtype {
            return Err(Error::OptimizerState {
                reason: format!(
                    "{name} is {:?} {:?}, should be {dtype:?} {dims:?}",
                    tensor.dtype(),
                    tensor.dims()
                ),
            });
        }
        Ok(Some(tensor.detach().to_device(device)?.copy()?))
    }

    /// A count, if there is one.
    pub(super) fn take_count(&mut self, name: &str) -> Result<Option<u32>> {
        let tensor = self.take(name, (&[1], DType::U32), &Device::Cpu)?;
        let values = tensor.map(|tensor| tensor.to_vec1::<u32>()).transpose()?;
        Ok(values.and_then(|values| values.first().copied()))
    }

    /// Refuses entries that have not been taken.
    pub(super) fn finish(self) -> Result<()> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(Error::OptimizerState {
                reason: format!("{name:?} belongs to another optimizer or another network"),
            }),
        }
    }
}
