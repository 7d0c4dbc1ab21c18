//! A run as the server knows it.

use serde_json::{Value, json};

use super::batch::Batch;
use super::client::{Mlflow, failed, text};
use super::transport::Repeat;
use crate::error::Result;
use crate::provenance::{DataDigest, Time};

/// Characters of a hash of data that MLflow takes: half of a SHA-256.
const DIGEST: usize = 32;

/// A run as the server knows it.
#[derive(Debug, Clone)]
pub struct Run {
    pub(super) client: Mlflow,
    /// The server's name for it.
    pub(super) id: String,
    /// Where its files are.
    pub(super) artifacts: String,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunStatus {
    /// It goes on, again.
    Running,
    /// It came to its end.
    Finished,
    /// It ended by an error.
    Failed,
    /// It was stopped before its end, and can be resumed.
    Killed,
}

impl RunStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Running => "RUNNING",
            Self::Finished => "FINISHED",
            Self::Failed => "FAILED",
            Self::Killed => "KILLED",
        }
    }
}

impl Run {
    pub(super) fn of(client: Mlflow, info: &Value) -> Result<Self> {
        Ok(Self {
            client,
            id: text(&info["run_id"], "run_id")?,
            artifacts: text(&info["artifact_uri"], "artifact_uri")?,
        })
    }

    /// The server's name for it.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Tells settings, numbers and tags, in as many requests as they need. Said twice, they count once.
    ///
    /// # Errors
    /// When a name or value is too long, or the server refuses: a setting that was told before cannot change.
    pub fn log(&self, batch: &Batch) -> Result<()> {
        let requests = batch.requests(&self.id).map_err(failed("telling a run"))?;
        for request in requests {
            self.client
                .post("runs/log-batch", &request, Repeat::Always)?;
        }
        Ok(())
    }

    /// Tells which data it uses, by the first half of their hashes; what they are used as is MLflow's context of them.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn log_data(&self, data: &[DataDigest]) -> Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        let dataset = |data: &DataDigest| {
            let digest: String = data.sha256.chars().take(DIGEST).collect();
            let source = json!({"sha256": data.sha256, "dvc": data.dvc});
            let profile = json!({"cases": data.cases});
            json!({
                "tags": [{"key": "mlflow.data.context", "value": data.name}],
                "dataset": {
                    "name": data.name,
                    "digest": digest,
                    "source_type": "manifest",
                    "source": source.to_string(),
                    "profile": profile.to_string(),
                },
            })
        };
        let datasets: Vec<Value> = data.iter().map(dataset).collect();
        let request = json!({"run_id": self.id, "datasets": datasets});
        self.client
            .post("runs/log-inputs", &request, Repeat::Always)?;
        Ok(())
    }

    /// Tells how it stands, and since when if it has ended.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn set_status(&self, status: RunStatus, at: Time) -> Result<()> {
        let mut request = json!({"run_id": self.id, "status": status.name()});
        if status != RunStatus::Running {
            request["end_time"] = at.0.into();
        }
        self.client.post("runs/update", &request, Repeat::Always)?;
        Ok(())
    }
}
