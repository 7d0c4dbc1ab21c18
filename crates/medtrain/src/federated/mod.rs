//! Learning at several hospitals without moving their images: networks travel, data stays.
//!
//! Networks are named values, as [`Params::snapshot`](mednn::Params::snapshot) gives and
//! [`read_safetensors`](mednn::params::read_safetensors) reads them; what carries the files is the application's choice. A round is:
//! every site takes up the common network, trains, sends its own, and [`average`] makes
//! the next common one. [`Kept::normalization`] names what stays at a site (FedBN); [`clip_change`] and [`add_noise`] bound and
//! blur what a site's parameters tell of its patients.

mod average;
mod kept;
mod privacy;

pub use average::{Contribution, average};
pub use kept::Kept;
pub use privacy::{add_noise, clip_change};

use std::collections::BTreeMap;

use mednn::candle_core::Tensor;

use crate::error::{Error, Result};

/// Named values of a network.
pub type Network = BTreeMap<String, Tensor>;

/// Refuses networks that do not have the same names, shapes and element types.
fn check_alike(first: &Network, other: &Network) -> Result<()> {
    let refuse = |name: &str, reason: String| {
        Err(Error::Federated {
            name: name.to_owned(),
            reason,
        })
    };
    for (name, value) in first {
        let Some(others) = other.get(name) else {
            return refuse(name, "one network has it, another does not".to_owned());
        };
        if (value.dims(), value.dtype()) != (others.dims(), others.dtype()) {
            let kind = |t: &Tensor| format!("{:?} of {:?}", t.dims(), t.dtype());
            return refuse(
                name,
                format!(
                    "{} in one network, {} in another",
                    kind(value),
                    kind(others)
                ),
            );
        }
    }
    match other.keys().find(|name| !first.contains_key(*name)) {
        Some(name) => refuse(name, "one network has it, another does not".to_owned()),
        None => Ok(()),
    }
}

/// Refuses numbers that are not finite: one of them would make all others so.
fn check_finite(name: &str, values: &[f64]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(place) => Err(Error::Federated {
            name: name.to_owned(),
            reason: format!("must be finite, got {} at place {place}", values[place]),
        }),
    }
}
