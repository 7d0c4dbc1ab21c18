//! Parameters that are to be treated differently.

use std::fmt;

/// Settings for the parameters whose name a rule picks out; the last group that matches a name counts.
pub struct Group {
    matches: Box<dyn Fn(&str) -> bool + Send + Sync>,
    /// Factor on the learning rate; 0 keeps the parameters as they are.
    pub learning_rate_scale: f64,
    /// Weight decay in place of the optimizer's, if given.
    pub weight_decay: Option<f64>,
}

impl Group {
    /// A group of the parameters for whose full name `matches` is true, with the optimizer's own settings.
    pub fn matching(matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self {
            matches: Box::new(matches),
            learning_rate_scale: 1.0,
            weight_decay: None,
        }
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

/// Learning rate and weight decay of one parameter.
pub(super) fn settings(
    groups: &[Group],
    name: &str,
    learning_rate: f64,
    weight_decay: f64,
) -> (f64, f64) {
    match groups.iter().rev().find(|group| (group.matches)(name)) {
        None => (learning_rate, weight_decay),
        Some(group) => (
            learning_rate * group.learning_rate_scale,
            group.weight_decay.unwrap_or(weight_decay),
        ),
    }
}
