//! Layers that PyTorch and MONAI name, as ours.

use super::place::Place;
use crate::blocks::{Nonlinearity, Normalization};
use crate::error::Result;

/// That a normalisation has the one epsilon that ours has.
fn usual_epsilon(settings: Option<&Place<'_>>) -> Result<()> {
    if let Some(epsilon) = settings.map(|s| s.given("eps")).transpose()?.flatten()
        && (epsilon.number()? - 1e-5).abs() > 1e-12
    {
        return Err(epsilon.refuse("1e-5"));
    }
    Ok(())
}

fn flag(settings: Option<&Place<'_>>, key: &str, otherwise: bool) -> Result<bool> {
    match settings.map(|s| s.given(key)).transpose()?.flatten() {
        Some(place) => place.flag(),
        None => Ok(otherwise),
    }
}

fn number(settings: Option<&Place<'_>>, key: &str, otherwise: f64) -> Result<f64> {
    match settings.map(|s| s.given(key)).transpose()?.flatten() {
        Some(place) => place.number(),
        None => Ok(otherwise),
    }
}

/// What normalises features, by the kind of PyTorch's layer in small letters; `place` is where the kind stands.
pub(super) fn normalization(
    kind: &str,
    place: &Place<'_>,
    settings: Option<&Place<'_>>,
) -> Result<Normalization> {
    let only = |known: &[&str]| settings.map_or(Ok(()), |settings| settings.only(known));
    match kind {
        "instance" => {
            only(&["eps", "affine"])?;
            usual_epsilon(settings)?;
            Ok(match flag(settings, "affine", false)? {
                true => Normalization::Instance,
                false => Normalization::PlainInstance,
            })
        }
        "batch" => {
            only(&["eps", "momentum", "affine"])?;
            if !flag(settings, "affine", true)? {
                return Err(place.refuse("a batch normalisation with trained scale and shift"));
            }
            let epsilon = number(settings, "eps", 1e-5)?;
            let momentum = number(settings, "momentum", 0.1)?;
            Ok(match (epsilon, momentum) {
                (1e-5, 0.1) => Normalization::Batch,
                _ => Normalization::BatchWith { epsilon, momentum },
            })
        }
        "group" => {
            only(&["eps", "affine", "num_groups"])?;
            usual_epsilon(settings)?;
            let groups = match settings {
                Some(settings) => settings.need("num_groups")?.size()?,
                None => return Err(place.refuse("given with num_groups")),
            };
            match flag(settings, "affine", true)? {
                true => Ok(Normalization::Group { groups }),
                false => Err(place.refuse("a group normalisation with trained scale and shift")),
            }
        }
        _ => Err(place.refuse("a normalisation of instances, batches or groups")),
    }
}

/// What follows a normalisation, by the name of PyTorch's layer in small letters.
pub(super) fn activation(
    kind: &str,
    place: &Place<'_>,
    settings: Option<&Place<'_>>,
) -> Result<Nonlinearity> {
    let only = |known: &[&str]| settings.map_or(Ok(()), |settings| settings.only(known));
    match kind {
        "leakyrelu" => {
            only(&["inplace", "negative_slope"])?;
            let slope = number(settings, "negative_slope", 0.01)?;
            return Ok(Nonlinearity::LeakyRelu { slope });
        }
        "prelu" => {
            only(&["init", "num_parameters"])?;
            if number(settings, "num_parameters", 1.0)? != 1.0 {
                return Err(place.refuse("a PReLU with one parameter"));
            }
            let init = number(settings, "init", 0.25)?;
            return Ok(Nonlinearity::Prelu { init });
        }
        "elu" => {
            only(&["inplace", "alpha"])?;
            let alpha = number(settings, "alpha", 1.0)?;
            return Ok(Nonlinearity::Elu { alpha });
        }
        _ => only(&["inplace"])?,
    }
    match kind {
        "relu" => Ok(Nonlinearity::Relu),
        "gelu" => Ok(Nonlinearity::Gelu),
        "silu" | "swish" | "memswish" => Ok(Nonlinearity::Silu),
        "mish" => Ok(Nonlinearity::Mish),
        _ => Err(place.refuse("one of ReLU, LeakyReLU, PReLU, ELU, GELU, SiLU (Swish) and Mish")),
    }
}
