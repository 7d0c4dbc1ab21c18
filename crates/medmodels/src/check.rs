//! Rules that the settings of several networks have in common.

use mednn::ops::Activation;

use crate::blocks::Nonlinearity;
use crate::error::{Error, Result};

/// That a network has two or three spatial axes, and as many as it is asked for with.
pub(crate) fn check_asked(name: &'static str, configured: usize, asked: usize) -> Result<()> {
    if configured == asked {
        return Ok(());
    }
    Err(Error::SpatialDims {
        architecture: name,
        configured,
        asked,
    })
}

/// That a network has two or three spatial axes.
pub(crate) fn check_axes(name: &'static str, spatial_dims: usize) -> Result<()> {
    if matches!(spatial_dims, 2 | 3) {
        return Ok(());
    }
    Err(Error::setting(name, "spatial_dims", "2 or 3", spatial_dims))
}

/// That a network has one to three spatial axes.
pub(crate) fn check_one_to_three_axes(name: &'static str, spatial_dims: usize) -> Result<()> {
    if matches!(spatial_dims, 1..=3) {
        return Ok(());
    }
    Err(Error::setting(
        name,
        "spatial_dims",
        "1, 2 or 3",
        spatial_dims,
    ))
}

/// That numbers are positive; each with the name of its setting.
pub(crate) fn check_positive(name: &'static str, settings: &[(&'static str, usize)]) -> Result<()> {
    match settings.iter().find(|(_, value)| *value == 0) {
        Some((setting, value)) => Err(Error::setting(name, setting, "at least 1", value)),
        None => Ok(()),
    }
}

/// That all numbers of lists are positive; each list with the name of its setting.
pub(crate) fn check_all_positive(
    name: &'static str,
    settings: &[(&'static str, &[usize])],
) -> Result<()> {
    match settings.iter().find(|(_, values)| values.contains(&0)) {
        Some((setting, values)) => {
            let value = format!("{values:?}");
            Err(Error::setting(name, setting, "at least 1", value))
        }
        None => Ok(()),
    }
}

/// Windows of attention have a bias, or the row of one, for each pair of their tokens.
const MOST_TOKENS: usize = 4096;

/// That a window is one whose pairs of tokens fit a machine.
pub(crate) fn check_window(name: &'static str, window: &[usize]) -> Result<()> {
    let tokens = { window.iter() }.try_fold(1_usize, |tokens, extent| tokens.checked_mul(*extent));
    match tokens {
        Some(1..=MOST_TOKENS) => Ok(()),
        _ => {
            let rule = format!("of 1 to {MOST_TOKENS} tokens");
            Err(Error::setting(name, "window", rule, format!("{window:?}")))
        }
    }
}

/// Features of a token beyond this are no network.
const MOST_FEATURES: usize = 1 << 20;

/// That features which double at each stage, and the layers inside of a block, are numbers of a network.
pub(crate) fn check_doubled(
    name: &'static str,
    (setting, features): (&'static str, usize),
    doublings: usize,
    mlp_ratio: usize,
) -> Result<()> {
    let last = u32::try_from(doublings)
        .ok()
        .and_then(|n| 2_usize.checked_pow(n));
    let last = last.and_then(|factor| features.checked_mul(factor));
    match last.and_then(|last| last.checked_mul(mlp_ratio)) {
        Some(..=MOST_FEATURES) => Ok(()),
        _ => {
            let rule =
                format!("such that layers of the last stage have at most {MOST_FEATURES} features");
            let value = format!("{features}, with an mlp_ratio of {mlp_ratio}");
            Err(Error::setting(name, setting, rule, value))
        }
    }
}

/// That a probability of dropout is one.
pub(crate) fn check_dropout(name: &'static str, dropout: f64) -> Result<()> {
    check_probability(name, "dropout", dropout)
}

/// That something is dropped with a probability that leaves some of it.
pub(crate) fn check_probability(
    name: &'static str,
    setting: &'static str,
    probability: f64,
) -> Result<()> {
    if (0.0..1.0).contains(&probability) {
        return Ok(());
    }
    let rule = "at least 0 and below 1";
    Err(Error::setting(name, setting, rule, probability))
}

/// That a factor of features or blocks leaves a network that fits a machine.
pub(crate) fn check_factor(name: &'static str, setting: &'static str, factor: f64) -> Result<()> {
    if factor > 0.0 && factor <= 16.0 {
        return Ok(());
    }
    let rule = "above 0, at most 16";
    Err(Error::setting(name, setting, rule, factor))
}

/// That a batch normalisation has usable numbers.
pub(crate) fn check_norm(name: &'static str, epsilon: f64, momentum: f64) -> Result<()> {
    if !(epsilon > 0.0 && epsilon.is_finite()) {
        return Err(Error::setting(name, "epsilon", "above 0", epsilon));
    }
    if !(momentum > 0.0 && momentum <= 1.0) {
        let rule = "above 0, at most 1";
        return Err(Error::setting(name, "momentum", rule, momentum));
    }
    Ok(())
}

/// The operator of an activation without parameters, for networks that use it in many places.
pub(crate) fn fixed_activation(name: &'static str, activation: Nonlinearity) -> Result<Activation> {
    activation.operator().ok_or_else(|| {
        let value = format!("{activation:?}");
        Error::setting(name, "activation", "without parameters", value)
    })
}

/// That a kernel has one odd extent an axis.
pub(crate) fn check_kernel(
    name: &'static str,
    setting: &'static str,
    kernel: &[usize],
    axes: usize,
) -> Result<()> {
    if kernel.len() == axes && kernel.iter().all(|k| k % 2 == 1) {
        return Ok(());
    }
    let value = format!("{kernel:?}");
    Err(Error::setting(
        name,
        setting,
        "one odd extent an axis",
        value,
    ))
}

/// That there are two levels or more, and a stride for each but one.
pub(crate) fn check_pyramid(
    name: &'static str,
    channels: &[usize],
    strides: &[Vec<usize>],
    axes: usize,
) -> Result<()> {
    if channels.len() < 2 || channels.contains(&0) {
        let value = format!("{channels:?}");
        return Err(Error::setting(
            name,
            "channels",
            "at least two positive numbers",
            value,
        ));
    }
    let fits = |stride: &Vec<usize>| stride.len() == axes && !stride.contains(&0);
    if strides.len() + 1 != channels.len() || !strides.iter().all(fits) {
        let rule = format!(
            "given {} times, one positive number an axis",
            channels.len() - 1
        );
        return Err(Error::setting(
            name,
            "strides",
            rule,
            format!("{strides:?}"),
        ));
    }
    Ok(())
}

/// That there are two to sixteen levels, with a step up for each but one.
pub(crate) fn check_levels(name: &'static str, down: &[usize], up: &[usize]) -> Result<()> {
    if !(2..=16).contains(&down.len()) {
        let value = format!("{down:?}");
        return Err(Error::setting(
            name,
            "blocks_down",
            "given for 2 to 16 levels",
            value,
        ));
    }
    if up.len() + 1 != down.len() {
        let rule = format!("given for {} levels", down.len() - 1);
        return Err(Error::setting(name, "blocks_up", rule, format!("{up:?}")));
    }
    Ok(())
}

/// What strides divide each axis by.
pub(crate) fn product_of_strides(strides: &[Vec<usize>], axes: usize) -> Vec<usize> {
    (0..axes)
        .map(|axis| {
            strides
                .iter()
                .filter_map(|stride| stride.get(axis))
                .product()
        })
        .collect()
}
