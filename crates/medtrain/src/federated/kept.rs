//! What stays at a site.

use mednn::params::NamePattern;
use serde::Serialize;

use super::{Network, check_alike};
use crate::error::Result;

/// Values that a site keeps for itself when it takes up the common network.
#[derive(Debug, Clone, Serialize)]
pub struct Kept {
    patterns: Vec<NamePattern>,
}

impl Kept {
    /// Keeps what has a name of one of these patterns.
    #[must_use]
    pub fn matching(patterns: impl IntoIterator<Item = NamePattern>) -> Self {
        Self {
            patterns: patterns.into_iter().collect(),
        }
    }

    /// Keeps batch norms, weights and running statistics, so that each site's scanners have their own
    /// (FedBN, Li et al. 2021, <https://arxiv.org/abs/2102.07623>): whatever stands beside a `running_mean` in `network`.
    #[must_use]
    pub fn normalization(network: &Network) -> Self {
        let norms = network
            .keys()
            .filter_map(|name| name.strip_suffix("running_mean"));
        Self::matching(norms.flat_map(|norm| {
            [
                "weight",
                "bias",
                "running_mean",
                "running_var",
                "num_batches_tracked",
            ]
            .map(|value| NamePattern::new(format!("{norm}{value}")))
        }))
    }

    /// Whether a value of this name stays.
    pub(crate) fn keeps(&self, name: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(name))
    }

    /// The common network with what `own` keeps.
    ///
    /// # Errors
    /// Refuses networks that differ in names, shapes or element types.
    pub fn take_up(&self, common: &Network, own: &Network) -> Result<Network> {
        check_alike(common, own)?;
        let value = |(name, value): (&String, _)| {
            (
                name.clone(),
                if self.keeps(name) {
                    own[name].clone()
                } else {
                    Clone::clone(value)
                },
            )
        };
        Ok(common.iter().map(value).collect())
    }
}
