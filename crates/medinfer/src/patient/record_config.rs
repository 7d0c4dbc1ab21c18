//! The description of a classifier of patient data without an image.

use medmodels::fusion::TableNetworkConfig;
use serde::{Deserialize, Serialize};

use crate::classify::{AnswerConfig, VERSION, check_version};
use crate::error::Result;

/// Everything about a classification of patient data without an image but the weights; its network's settings hold the table,
/// as those of [`FusedConfig`](crate::FusedConfig) do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RecordConfig {
    /// Version of this description, 1.
    pub version: u32,
    /// The network, with the table it reads.
    pub model: TableNetworkConfig,
    /// What is made of the network's outputs.
    pub answer: AnswerConfig,
}

impl RecordConfig {
    /// A network and what is made of its outputs.
    #[must_use]
    pub fn new(model: TableNetworkConfig, answer: AnswerConfig) -> Self {
        Self {
            version: VERSION,
            model,
            answer,
        }
    }

    /// Sets what is made of the network's outputs, as after validation, which teaches calibration and thresholds.
    #[must_use]
    pub fn with_answer(self, answer: AnswerConfig) -> Self {
        Self { answer, ..self }
    }

    /// Says whether the parts fit each other.
    ///
    /// # Errors
    /// Names the first setting that does not.
    pub fn check(&self) -> Result<()> {
        check_version(self.version)?;
        self.model.check()?;
        self.answer.rules().check(self.model.out_channels)
    }
}
