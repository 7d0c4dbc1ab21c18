//! A server and its experiments.

use std::fmt;
use std::sync::Arc;

use serde_json::{Value, json};

use super::run::Run;
use super::transport::{Repeat, Request, Transport, Upload, escape};
use super::{MlflowFault, MlflowSettings, Retry};
use crate::error::{Error, Result};
use crate::provenance::Time;

/// The tag that has the name of a run in its record.
pub(super) const RUN_TAG: &str = "medtrain.run";

const API: &str = "/api/2.0/mlflow/";

/// The client of a server. Clones share its connections.
///
/// ```no_run
/// use medtrain::log::mlflow::{Mlflow, MlflowLogger};
///
/// let server = Mlflow::from_environment()?.expect("MLFLOW_TRACKING_URI");
/// let experiment = server.experiment("chest radiographs")?;
/// let mut logger = MlflowLogger::new(server, experiment);
/// // `trainer.with_observer(&mut logger)`
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Clone)]
pub struct Mlflow {
    transport: Arc<Transport>,
    retry: Option<Retry>,
}

/// A name under which a server gathers runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Experiment {
    /// The server's name for it.
    pub id: String,
    /// Its name.
    pub name: String,
}

impl fmt::Debug for Mlflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mlflow")
            .field("uri", &self.transport.base())
            .finish_non_exhaustive()
    }
}

impl Mlflow {
    /// The client of a server, which is not asked for anything yet.
    ///
    /// # Errors
    /// When a setting is not what it must be.
    pub fn new(settings: MlflowSettings) -> Result<Self> {
        let transport = Transport::new(&settings).map_err(failed("setting up MLflow"))?;
        Ok(Self {
            transport: Arc::new(transport),
            retry: None,
        })
    }

    /// The client of the server that the environment names ([`MlflowSettings::from_environment`]), if it names one.
    ///
    /// # Errors
    /// When a variable is not what it must be.
    pub fn from_environment() -> Result<Option<Self>> {
        MlflowSettings::from_environment()?
            .map(Self::new)
            .transpose()
    }

    /// The same client with another patience.
    #[must_use]
    pub fn with_retry(&self, retry: Retry) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            retry: Some(retry),
        }
    }

    /// The experiment of a name, which is made if there is none.
    ///
    /// # Errors
    /// When the experiment was deleted, or the server refuses.
    pub fn experiment(&self, name: &str) -> Result<Experiment> {
        if let Some(found) = self.find_experiment(name)? {
            return Ok(found);
        }
        let wanted = json!({"name": name});
        match self.post("experiments/create", &wanted, Repeat::Unheard) {
            Ok(answer) => Ok(Experiment {
                id: text(&answer["experiment_id"], "experiment_id")?,
                name: name.to_owned(),
            }),
            // Another client was faster, or the answer to the first attempt was lost.
            Err(error) => self.find_experiment(name)?.ok_or(error),
        }
    }

    fn find_experiment(&self, name: &str) -> Result<Option<Experiment>> {
        let path = format!("experiments/get-by-name?experiment_name={}", escape(name));
        let answer = match self.get(&path) {
            Ok(answer) => answer,
            Err(Error::Mlflow { fault, .. }) if fault.is("RESOURCE_DOES_NOT_EXIST") => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let found = &answer["experiment"];
        if found["lifecycle_stage"] == "deleted" {
            let name = name.to_owned();
            return Err(failed("looking for an experiment")(MlflowFault::Deleted {
                name,
            }));
        }
        Ok(Some(Experiment {
            id: text(&found["experiment_id"], "experiment_id")?,
            name: name.to_owned(),
        }))
    }

    /// The run of an experiment with a name in its record, if the server has heard of it.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn find_run(&self, experiment: &Experiment, id: &str) -> Result<Option<Run>> {
        let wanted = json!({
            "experiment_ids": [experiment.id],
            "filter": format!("tags.`{RUN_TAG}` = '{}'", id.replace('\'', "")),
            "max_results": 1,
        });
        let answer = self.post("runs/search", &wanted, Repeat::Always)?;
        let found = answer["runs"].get(0);
        found
            .map(|run| Run::of(self.clone(), &run["info"]))
            .transpose()
    }

    /// The run of an experiment with a name in its record; it is begun, under a title, if the server has not heard of it.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn run(&self, experiment: &Experiment, id: &str, title: &str, begun: Time) -> Result<Run> {
        if let Some(run) = self.find_run(experiment, id)? {
            return Ok(run);
        }
        let wanted = json!({
            "experiment_id": experiment.id,
            "run_name": title,
            "start_time": begun.0,
            "tags": [{"key": RUN_TAG, "value": id}],
        });
        match self.post("runs/create", &wanted, Repeat::Unheard) {
            Ok(answer) => Run::of(self.clone(), &answer["run"]["info"]),
            // The answer may have been lost.
            Err(error) => match self.find_run(experiment, id) {
                Ok(Some(run)) => Ok(run),
                _ => Err(error),
            },
        }
    }

    pub(super) fn get(&self, path: &str) -> Result<Value> {
        self.send("GET", path, Upload::Nothing, Repeat::Always)
    }

    pub(super) fn post(&self, path: &str, value: &Value, repeat: Repeat) -> Result<Value> {
        self.send("POST", path, Upload::Json(value), repeat)
    }

    fn send(
        &self,
        method: &'static str,
        path: &str,
        upload: Upload<'_>,
        repeat: Repeat,
    ) -> Result<Value> {
        self.request(&Request {
            method,
            path: &format!("{API}{path}"),
            upload,
            repeat,
        })
    }

    pub(super) fn request(&self, request: &Request<'_>) -> Result<Value> {
        self.transport.send(request, self.retry)
    }
}

/// A text that an answer must have.
pub(super) fn text(value: &Value, name: &str) -> Result<String> {
    let problem = || MlflowFault::answer(format!("it has no {name}"));
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| failed("reading an answer")(problem()))
}

/// The error of what was being done.
pub(super) fn failed(doing: &str) -> impl FnOnce(MlflowFault) -> Error {
    let doing = doing.to_owned();
    move |fault| Error::Mlflow {
        doing,
        fault: Box::new(fault),
    }
}
