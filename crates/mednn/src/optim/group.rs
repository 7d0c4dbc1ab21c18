//! Parameters that are to be treated differently.

use std::fmt;
use std::sync::Arc;

use super::check;
use crate::error::Result;
use crate::params::Param;

/// Settings for the parameters that a rule picks out.
///
/// A parameter may be in several groups: its learning rate is scaled by the factors of all of them, and the last that gives a
/// weight decay counts.
///
/// ```
/// use mednn::Params;
/// use mednn::optim::{AdamW, AdamWConfig, Group};
///
/// let params = Params::new(7);
/// // Fine-tuning: no decay on norms and biases, an encoder that moves slowly.
/// let encoder = Group::matching(|name| name.starts_with("encoder.")).with_learning_rate_scale(0.1);
/// let adam = AdamW::new(&params, AdamWConfig::default())?
///     .with_group(Group::without_decay())
///     .with_group(encoder);
/// # let _ = adam;
/// # Ok::<(), mednn::Error>(())
/// ```
pub struct Group {
    matches: Box<dyn Fn(&Param) -> bool + Send + Sync>,
    /// Factor on the learning rate; 0 keeps the parameters as they are.
    pub learning_rate_scale: f64,
    /// Weight decay in place of the optimizer's, if given.
    pub weight_decay: Option<f64>,
}

impl Group {
    /// A group of the parameters for whose full name `matches` is true, with the optimizer's own settings.
    pub fn matching(matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self::of(move |param| matches(param.name()))
    }

    /// A group of the parameters for which `matches` is true, with the optimizer's own settings.
    pub fn of(matches: impl Fn(&Param) -> bool + Send + Sync + 'static) -> Self {
        Self {
            matches: Box::new(matches),
            learning_rate_scale: 1.0,
            weight_decay: None,
        }
    }

    /// No weight decay on scalars and vectors (norms, biases) and on whatever is called `bias`: timm's
    /// `param_groups_weight_decay`.
    #[must_use]
    pub fn without_decay() -> Self {
        Self::of(|param| param.var().rank() <= 1 || param.name().ends_with(".bias"))
            .with_weight_decay(0.0)
    }

    /// Learning rates that shrink by the factor `decay` from each layer to the one before it: `decay^(layers - 1 - layer)`
    /// (ELECTRA, Clark et al. 2020; BEiT, Bao et al. 2022; timm's `param_groups_layer_decay`).
    ///
    /// `layer_of` numbers the layer of a full name, 0 at the input; what it does not know belongs to the last, at full rate.
    #[must_use]
    pub fn layer_wise(
        layers: usize,
        decay: f64,
        layer_of: impl Fn(&str) -> Option<usize> + Send + Sync + 'static,
    ) -> Vec<Self> {
        let layer_of = Arc::new(layer_of);
        (0..layers.saturating_sub(1))
            .map(|layer| {
                let layer_of = Arc::clone(&layer_of);
                let before_last = i32::try_from(layers - 1 - layer).unwrap_or(i32::MAX);
                Self::matching(move |name| layer_of(name) == Some(layer))
                    .with_learning_rate_scale(decay.powi(before_last))
            })
            .collect()
    }

    /// Sets the factor on the learning rate.
    #[must_use]
    pub fn with_learning_rate_scale(mut self, scale: f64) -> Self {
        self.learning_rate_scale = scale;
        self
    }

    /// Sets the weight decay.
    #[must_use]
    pub fn with_weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = Some(weight_decay);
        self
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("learning_rate_scale", &self.learning_rate_scale)
            .field("weight_decay", &self.weight_decay)
            .finish_non_exhaustive()
    }
}

/// Learning rate and weight decay of one parameter, given those of the optimizer.
pub(super) fn settings(
    op: &'static str,
    groups: &[Group],
    param: &Param,
    (mut learning_rate, mut weight_decay): (f64, f64),
) -> Result<(f64, f64)> {
    for group in groups.iter().filter(|group| (group.matches)(param)) {
        learning_rate *= group.learning_rate_scale;
        weight_decay = group.weight_decay.unwrap_or(weight_decay);
    }
    check::not_negative(op, "learning_rate", learning_rate)?;
    check::not_negative(op, "weight_decay", weight_decay)?;
    Ok((learning_rate, weight_decay))
}
