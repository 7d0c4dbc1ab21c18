//! The server's registry of models.

use serde_json::json;

use super::client::{Mlflow, text};
use super::run::Run;
use super::transport::Repeat;
use crate::error::{Error, Result};

/// A version of a model in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelVersion {
    /// The name of the model.
    pub model: String,
    /// The number of the version, as text.
    pub version: String,
}

impl Run {
    /// Makes files of the run, `bundle` say, a new version of a model; the model is made if there is none.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn register(&self, model: &str, files: &str) -> Result<ModelVersion> {
        let wanted = json!({"name": model});
        match self
            .client
            .post("registered-models/create", &wanted, Repeat::Unheard)
        {
            Err(Error::Mlflow { fault, .. }) if fault.is("RESOURCE_ALREADY_EXISTS") => {}
            answer => {
                answer?;
            }
        }
        let wanted = json!({
            "name": model,
            "source": format!("{}/{files}", self.artifacts),
            "run_id": self.id,
        });
        let answer = self
            .client
            .post("model-versions/create", &wanted, Repeat::Unheard)?;
        let version = &answer["model_version"]["version"];
        Ok(ModelVersion {
            model: model.to_owned(),
            version: version
                .as_u64()
                .map_or_else(|| text(version, "version"), |n| Ok(n.to_string()))?,
        })
    }
}

impl Mlflow {
    /// Gives a version of a model another name, `champion` say, which its version of before loses.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn set_alias(&self, version: &ModelVersion, alias: &str) -> Result<()> {
        let wanted = json!({
            "name": version.model,
            "version": version.version,
            "alias": alias,
        });
        self.post("registered-models/alias", &wanted, Repeat::Always)?;
        Ok(())
    }
}
