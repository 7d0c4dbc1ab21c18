//! What an MLflow server is told of a run.

mod real;
mod stub;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use medtrain::log::mlflow::{
    Batch, Metric, Mlflow, MlflowFault, MlflowLogger, MlflowSettings, Retry, replay,
};
use medtrain::provenance::Time;
use medtrain::{DataDigest, Environment, Error, StopFlag, TrainConfig};
use serde_json::{Value, json};

use crate::support::{batches, config, train, train_until};
use stub::{Answer, Heard, Stub};

fn patience() -> Retry {
    let short = Duration::from_millis(5);
    Retry::default()
        .with_attempts(2)
        .with_waits(short, Duration::from_secs(1))
}

fn client(uri: &str) -> Mlflow {
    Mlflow::new(MlflowSettings::new(uri).with_retry(patience())).unwrap()
}

/// A configuration with all that can be told.
fn told(folder: &Path, resume: bool) -> TrainConfig {
    let mut config = config(folder, resume);
    config.data = vec![DataDigest::new("training", "0123456789abcdef".repeat(4)).with_cases(3)];
    config.environment = Some(Environment::capture().with_program("app", "1.2"));
    config
}

/// All entities of one kind, by name, in the order they came.
fn entities(heard: &[Heard], kind: &str) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for request in heard
        .iter()
        .filter(|request| request.path.ends_with("runs/log-batch"))
    {
        for entity in request.json()[kind].as_array().into_iter().flatten() {
            let name = entity["key"].as_str().unwrap().to_owned();
            found.entry(name).or_default().push(entity.clone());
        }
    }
    found
}

fn statuses(heard: &[Heard]) -> Vec<String> {
    let updates = heard
        .iter()
        .filter(|request| request.path.ends_with("runs/update"));
    updates
        .map(|request| request.json()["status"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_run_is_told_from_its_start_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let stub = Stub::new(stub::server);
    let client = client(&stub.uri);
    let experiment = client.experiment("chest & lung").unwrap();
    let mut logger = MlflowLogger::new(client, experiment)
        .with_steps_every(8)
        .with_title("a title")
        .with_file(run.join("checkpoints"), "checkpoints");
    let (_, summary) = train(told(&run, false), &batches(None), Some(&mut logger));
    let summary = summary.unwrap();
    assert_eq!(logger.problem(), None);
    assert_eq!(logger.run().unwrap().id(), "e4dfda34");

    let heard = stub.heard();
    assert!(
        heard[0]
            .path
            .ends_with("get-by-name?experiment_name=chest%20%26%20lung")
    );
    assert_eq!(heard[1].json(), json!({"name": "chest & lung"}));
    let created = heard
        .iter()
        .find(|h| h.path.ends_with("runs/create"))
        .unwrap()
        .json();
    assert_eq!(
        (&created["run_name"], &created["experiment_id"]),
        (&json!("a title"), &json!("7"))
    );
    let record = medtrain::log::RunRecord::read(&run).unwrap();
    assert_eq!(
        created["tags"],
        json!([{"key": "medtrain.run", "value": record.id}])
    );

    let params = entities(&heard, "params");
    assert_eq!(params["configuration.network.channels"][0]["value"], "4");
    assert_eq!(params["learning_rate"][0]["value"], "0.01");
    let tags = entities(&heard, "tags");
    assert_eq!(tags["mlflow.source.name"][0]["value"], "app 1.2");
    assert_eq!(
        tags["medtrain.best.epoch"][0]["value"],
        summary.best.unwrap().0.to_string()
    );
    let metrics = entities(&heard, "metrics");
    let points = |name: &str| -> Vec<(i64, f64)> {
        let points = metrics[name].iter();
        points
            .map(|m| (m["step"].as_i64().unwrap(), m["value"].as_f64().unwrap()))
            .collect()
    };
    let losses: Vec<_> = (1..)
        .zip(summary.history.iter().map(|e| e.train_loss))
        .collect();
    assert_eq!(points("train/loss"), losses);
    assert_eq!(points("score").len(), 2);
    assert_eq!(
        points("step/loss").iter().map(|p| p.0).collect::<Vec<_>>(),
        [8, 16]
    );

    let inputs = heard
        .iter()
        .find(|h| h.path.ends_with("runs/log-inputs"))
        .unwrap()
        .json();
    let dataset = &inputs["datasets"][0]["dataset"];
    assert_eq!(dataset["digest"], "0123456789abcdef0123456789abcdef");
    assert_eq!(inputs["datasets"][0]["tags"][0]["value"], "training");

    let sent: BTreeMap<&str, &[u8]> = { heard.iter().filter(|h| h.method == "PUT") }
        .map(|h| {
            (
                h.path.rsplit_once("/artifacts/").unwrap().1,
                h.body.as_slice(),
            )
        })
        .collect();
    let files = [
        "run.json",
        "log.jsonl",
        "log.csv",
        "checkpoints/last.safetensors",
    ];
    for name in files {
        assert!(sent[name] == fs::read(run.join(name)).unwrap(), "{name}");
    }
    assert_eq!(statuses(&heard), ["RUNNING", "FINISHED"]);
    assert!(
        heard.last().unwrap().json()["end_time"].as_u64() >= Some(record.sessions[0].started.0)
    );
}

#[test]
fn a_run_that_is_stopped_or_fails_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let stub = Stub::new(stub::server);
    let client = client(&stub.uri);
    let experiment = client.experiment("x").unwrap();
    let logger = || MlflowLogger::new(client.clone(), experiment.clone());
    let stop = StopFlag::new();
    stop.request();
    let stopped = told(&folder.path().join("stopped"), false);
    train_until(stopped, &batches(None), Some(&mut logger()), stop)
        .1
        .unwrap();
    assert_eq!(statuses(&stub.heard()), ["RUNNING", "KILLED"]);
    let mut fails = told(&folder.path().join("fails"), false);
    fails.sanity = medtrain::Sanity::Skip;
    train(fails, &batches(Some(1)), Some(&mut logger()))
        .1
        .unwrap_err();
    let heard = stub.heard();
    assert_eq!(statuses(&heard)[2..], ["RUNNING", "FAILED"]);
    let error = &entities(&heard, "tags")["medtrain.error"][0]["value"];
    assert!(error.as_str().unwrap().contains("case-1"), "{error}");
}

#[test]
fn a_server_that_is_away_ends_no_run_and_is_told_later() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    // Away from the start of the run until its last epoch.
    let stub = Stub::new(|request, number| match number {
        2..8 => Answer::Nothing,
        _ => stub::server(request, number),
    });
    let client = client(&stub.uri);
    let experiment = client.experiment("x").unwrap();
    let mut logger = MlflowLogger::new(client.clone(), experiment.clone());
    let (_, summary) = train(told(&run, false), &batches(None), Some(&mut logger));
    let history = summary.unwrap().history;
    assert_eq!(logger.problem(), None);
    let steps = |heard: &[Heard]| entities(heard, "metrics")["train/loss"].len();
    assert_eq!((steps(&stub.heard()), history.len()), (4, 4));

    // Away for the whole run: told from its files.
    let run = folder.path().join("other");
    let gone = { std::net::TcpListener::bind("127.0.0.1:0").unwrap() }
        .local_addr()
        .unwrap();
    let nowhere = self::client(&format!("http://{gone}"));
    let mut logger = MlflowLogger::new(nowhere, experiment.clone());
    train(told(&run, false), &batches(None), Some(&mut logger))
        .1
        .unwrap();
    assert!(
        logger.problem().unwrap().contains("no connection"),
        "{:?}",
        logger.problem()
    );
    let stub = Stub::new(stub::server);
    let told = replay(&self::client(&stub.uri), &experiment, &run).unwrap();
    assert_eq!(told.id(), "e4dfda34");
    let heard = stub.heard();
    let record = medtrain::log::RunRecord::read(&run).unwrap();
    let started = record.sessions[0].started.0;
    let losses = &entities(&heard, "metrics")["train/loss"];
    let times: Vec<u64> = losses
        .iter()
        .map(|m| m["timestamp"].as_u64().unwrap())
        .collect();
    assert!(
        times.len() == 4 && times[0] >= started && times.is_sorted(),
        "{times:?}"
    );
    assert!(times[3] <= record.end().unwrap().at.0 + 4);
    assert_eq!(statuses(&heard), ["RUNNING", "FINISHED"]);
    let files = heard.iter().filter(|h| h.method == "PUT").count();
    assert_eq!(files, 3);
}

#[test]
fn what_failed_in_passing_is_said_again_and_no_run_begun_twice() {
    let stub = Stub::new(|request, number| match number {
        0 => Answer::of(503, "").with_field("Retry-After: 0"),
        1 => Answer::of(
            500,
            r#"{"error_code": "INTERNAL_ERROR", "message": "database is locked"}"#,
        ),
        // The run is begun, but the answer is lost on the way.
        5 => Answer::Nothing,
        6 => Answer::of(200, &format!(r#"{{"runs": [{}]}}"#, stub::RUN)),
        _ => stub::server(request, number),
    });
    let client = client(&stub.uri);
    let experiment = client.experiment("x").unwrap();
    let run = client.run(&experiment, "id", "title", Time(5)).unwrap();
    assert_eq!(run.id(), "e4dfda34");
    let heard = stub.heard();
    let paths: Vec<&str> = heard
        .iter()
        .map(|h| h.path.rsplit('/').next().unwrap())
        .collect();
    let name = "get-by-name?experiment_name=x";
    assert_eq!(
        paths,
        [name, name, name, "create", "search", "create", "search"]
    );
}

#[test]
fn refusals_are_told_and_secrets_are_not() {
    let refused = |answer: fn(&Heard) -> Answer| {
        let stub = Stub::new(move |request, _| answer(request));
        let settings = MlflowSettings::new(&stub.uri).with_retry(patience());
        let client = Mlflow::new(settings.with_token("hunter2")).unwrap();
        let error = client.experiment("x").unwrap_err();
        let heard = stub.heard();
        assert_eq!(heard[0].field("authorization"), Some("Bearer hunter2"));
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        (error.to_string(), heard.len())
    };
    let (error, count) = refused(|request| {
        let message = format!("who is {}?", request.field("authorization").unwrap());
        Answer::of(401, &json!({"message": message}).to_string())
    });
    assert!(
        error.contains("status 401") && error.contains("(secret)"),
        "{error}"
    );
    assert_eq!(count, 1);
    let (error, count) =
        refused(|_| Answer::of(302, "").with_field("Location: https://sso.example/"));
    assert!(error.contains("leads to https://sso.example/"), "{error}");
    assert_eq!(count, 1);
    let (error, count) = refused(|_| Answer::of(502, "<html>  bad\n gateway</html>"));
    assert!(
        error.contains("status 502") && error.contains("<html> bad gateway"),
        "{error}"
    );
    assert_eq!(count, 3);
    assert!(
        refused(|_| Answer::of(200, "<html>"))
            .0
            .contains("not an answer of MLflow")
    );
    assert!(
        refused(|_| Answer::of(200, "{}"))
            .0
            .contains("no experiment_id")
    );
    let deleted = r#"{"experiment": {"experiment_id": "1", "lifecycle_stage": "deleted"}}"#;
    let stub = Stub::new(|_, _| Answer::of(200, deleted));
    let error = client(&stub.uri).experiment("x").unwrap_err();
    assert!(
        matches!(error, Error::Mlflow { fault, .. } if matches!(*fault, MlflowFault::Deleted { .. }))
    );

    for uri in [
        "http://me:hunter2@host",
        "sqlite:///hunter2.db",
        "hunter2",
        "http://",
        "http://a b",
    ] {
        let settings = MlflowSettings::new(uri);
        assert!(!format!("{settings:?}").contains("hunter2"));
        let error = Mlflow::new(settings).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let settings = MlflowSettings::new("http://host").with_password("me", "hunter2");
    assert!(
        !format!("{settings:?} {:?}", Mlflow::new(settings.clone()).unwrap()).contains("hunter2")
    );
    for wrong in [
        settings.clone().with_token("a\nb"),
        settings.with_password("a:b", "c"),
    ] {
        assert!(Mlflow::new(wrong).is_err());
    }
}

#[test]
fn files_that_the_server_does_not_keep_are_not_sent() {
    let elsewhere = stub::RUN.replace("mlflow-artifacts:/1/e4dfda34/artifacts", "s3://bucket/1");
    let stub = Stub::new(
        move |request, number| match request.path.rsplit('/').next() {
            Some("search") => Answer::of(200, &format!(r#"{{"runs": [{elsewhere}]}}"#)),
            _ => stub::server(request, number),
        },
    );
    let client = client(&stub.uri);
    let experiment = client.experiment("x").unwrap();
    let run = client.run(&experiment, "id", "title", Time(5)).unwrap();
    let error = run
        .upload(Path::new("Cargo.toml"), "a.toml")
        .unwrap_err()
        .to_string();
    assert!(error.contains("s3://bucket/1"), "{error}");
    let stub = Stub::new(stub::server);
    let client = self::client(&stub.uri);
    let run = client.run(&experiment, "id", "title", Time(5)).unwrap();
    for name in ["", "a//b", "../a", "/a"] {
        assert!(run.upload(Path::new("Cargo.toml"), name).is_err(), "{name}");
    }
    assert!(run.upload(Path::new("none"), "none").is_err());
    run.upload(Path::new("Cargo.toml"), "é b/c.toml").unwrap();
    let heard = stub.heard();
    let sent = heard.last().unwrap();
    let place = "/api/2.0/mlflow-artifacts/artifacts/1/e4dfda34/artifacts/%C3%A9%20b/c.toml";
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("PUT", place));
    assert_eq!(sent.body, fs::read("Cargo.toml").unwrap());
}
