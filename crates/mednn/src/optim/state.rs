//! Tensors that an optimizer keeps for each parameter, saved as `<slot>/<parameter>`.

use std::collections::BTreeMap;

use candle_core::{DType, Tensor};

use crate::error::{Error, Result};
use crate::params::{Param, Params};

/// One kind of state (a momentum, say) for the parameters that have been updated so far.
#[derive(Debug, Clone)]
pub(super) struct Slot {
    name: &'static str,
    values: BTreeMap<String, Tensor>,
}

impl Slot {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            values: BTreeMap::new(),
        }
    }

    pub(super) fn get(&self, param: &Param) -> Option<Tensor> {
        self.values.get(param.name()).cloned()
    }

    /// The state of a parameter; zeros of its own memory the first time.
    pub(super) fn get_or_zeros(&mut self, param: &Param) -> Result<Tensor> {
        if let Some(value) = self.get(param) {
            return Ok(value);
        }
        let zeros = param.value().zeros_like()?;
        self.set(param, zeros.clone());
        Ok(zeros)
    }

    pub(super) fn set(&mut self, param: &Param, value: Tensor) {
        self.values.insert(param.name().to_owned(), value);
    }

    /// Adds copies to `state`: later steps change the originals in place.
    pub(super) fn save(&self, state: &mut BTreeMap<String, Tensor>) -> Result<()> {
        for (name, value) in &self.values {
            state.insert(format!("{}/{name}", self.name), value.copy()?);
        }
        Ok(())
    }

    /// Reads what [`Slot::save`] wrote, checking names and shapes against the parameters.
    pub(super) fn load(&self, params: &Params, state: &BTreeMap<String, Tensor>) -> Result<Self> {
        let mut loaded = Self::new(self.name);
        let prefix = format!("{}/", self.name);
        let mut expected: BTreeMap<String, Param> = params
            .parameters()
            .into_iter()
            .map(|p| (p.name().to_owned(), p))
            .collect();
        for (name, value) in state {
            let Some(name) = name.strip_prefix(&prefix) else {
                continue;
            };
            let refused = |reason: String| Error::OptimizerState { reason };
            let param = expected
                .remove(name)
                .ok_or_else(|| refused(format!("there is no parameter {name:?}")))?;
            if value.dims() != param.value().dims() || value.dtype() != DType::F32 {
                let (got, want) = (value.dims().to_vec(), param.value().dims().to_vec());
                return Err(refused(format!(
                    "{prefix}{name} is {:?} {got:?}, should be F32 {want:?}",
                    value.dtype()
                )));
            }
            loaded
                .values
                .insert(name.to_owned(), value.detach().copy()?);
        }
        Ok(loaded)
    }
}

/// Refuses entries of `state` that none of the slots and counters took.
pub(super) fn check_known(state: &BTreeMap<String, Tensor>, known: &[&str]) -> Result<()> {
    let unknown = state.keys().find(|name| {
        let slot = name.split_once('/').map_or(name.as_str(), |(slot, _)| slot);
        !known.contains(&slot)
    });
    match unknown {
        None => Ok(()),
        Some(name) => Err(Error::OptimizerState {
            reason: format!("{name:?} is not part of this optimizer's state ({known:?})"),
        }),
    }
}
