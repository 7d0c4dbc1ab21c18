//! Runs told to an MLflow server (feature `mlflow`): settings, curves, data, files, and the network in its registry.
//!
//! [`MlflowLogger`] watches a run and tells the server of each epoch; [`replay`] tells it of a run that has ended, from the files in
//! its folder, for machines that reach no server while they compute. [`Mlflow`] is the client of both. A run is known to the
//! server by the tag `medtrain.run`, the name in its [record](crate::log::RunRecord), so that one that is resumed or told twice stays
//! one run.
//!
//! Spoken is MLflow's REST interface, version 2.0, over HTTP as a server of MLflow 3 understands it
//! (<https://mlflow.org/docs/latest/api_reference/rest-api.html>).

mod artifact;
mod batch;
mod client;
mod fault;
mod logger;
mod registry;
mod replay;
mod retry;
mod run;
mod settings;
mod story;
mod transport;

pub use batch::{Batch, Metric};
pub use client::{Experiment, Mlflow};
pub use fault::MlflowFault;
pub use logger::MlflowLogger;
pub use registry::ModelVersion;
pub use replay::replay;
pub use retry::Retry;
pub use run::{Run, RunStatus};
pub use settings::{MlflowSettings, TlsRoots};
