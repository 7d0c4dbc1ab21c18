//! A real server, where `MED_MLFLOW_URI` names one: what it was told is asked for by plain HTTP.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use super::*;
use medtrain::checkpoint::CheckpointFolder;

/// The body of the answer to GET.
fn fetch(uri: &str, path: &str) -> Vec<u8> {
    let host = uri.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let request = format!("GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(
        answer[..12].ends_with(b" 200"),
        "{path}: {}",
        String::from_utf8_lossy(&answer)
    );
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    answer.split_off(end + 4)
}

fn ask(uri: &str, path: &str) -> Value {
    serde_json::from_slice(&fetch(uri, &format!("/api/2.0/mlflow/{path}"))).unwrap()
}

/// Values of a list of keys and values.
fn values(list: &Value) -> BTreeMap<&str, &Value> {
    let pairs = list.as_array().unwrap().iter();
    pairs
        .map(|pair| (pair["key"].as_str().unwrap(), &pair["value"]))
        .collect()
}

#[test]
fn a_real_server_shows_run_settings_numbers_and_files() {
    let Ok(uri) = std::env::var("MED_MLFLOW_URI") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let client = Mlflow::new(MlflowSettings::new(&uri)).unwrap();
    let name = format!("medtrain & é {}", Time::now().0);
    let experiment = client.experiment(&name).unwrap();
    assert_eq!(client.experiment(&name).unwrap(), experiment);

    // Stopped, and resumed as the same run.
    let checkpoints = run.join("checkpoints");
    let logger = || {
        MlflowLogger::new(client.clone(), experiment.clone())
            .with_steps_every(2)
            .with_file(
                checkpoints.join("best.safetensors"),
                "model/best.safetensors",
            )
    };
    let (mut first, mut second) = (logger(), logger());
    let mut stopped = told(&run, false);
    stopped.validate_every = 1;
    let stop = StopFlag::new();
    stop.request();
    train_until(stopped.clone(), &batches(None), Some(&mut first), stop)
        .1
        .unwrap();
    let id = first.run().unwrap().id().to_owned();
    let shown = ask(&uri, &format!("runs/get?run_id={id}"));
    assert_eq!(shown["run"]["info"]["status"], "KILLED");
    stopped.resume = true;
    let history = train(stopped, &batches(None), Some(&mut second))
        .1
        .unwrap()
        .history;
    assert_eq!(
        (second.problem(), second.run().unwrap().id()),
        (None, id.as_str())
    );

    let shown = ask(&uri, &format!("runs/get?run_id={id}"));
    let (info, data) = (&shown["run"]["info"], &shown["run"]["data"]);
    assert_eq!(
        (&info["status"], &info["run_name"]),
        (&json!("FINISHED"), &json!("run"))
    );
    assert!(info["end_time"].as_u64() >= info["start_time"].as_u64());
    let params = values(&data["params"]);
    assert_eq!(params["configuration.network.channels"], "4");
    assert_eq!(
        params["data.training.sha256"],
        &json!("0123456789abcdef".repeat(4))
    );
    let tags = values(&data["tags"]);
    let record = medtrain::log::RunRecord::read(&run).unwrap();
    assert_eq!(tags["medtrain.run"], &json!(record.id));
    assert_eq!(tags["medtrain.sessions"], "2");
    let dataset = &shown["run"]["inputs"]["dataset_inputs"][0]["dataset"];
    assert_eq!(dataset["digest"], "0123456789abcdef0123456789abcdef");

    let losses = ask(
        &uri,
        &format!("metrics/get-history?run_id={id}&metric_key=train/loss"),
    );
    let losses: Vec<(i64, f64)> = { losses["metrics"].as_array().unwrap().iter() }
        .map(|m| (m["step"].as_i64().unwrap(), m["value"].as_f64().unwrap()))
        .collect();
    let expected: Vec<_> = (1..).zip(history.iter().map(|e| e.train_loss)).collect();
    assert_eq!(losses, expected);

    // A number that is none, more numbers than fit one request, and the same told twice.
    let metric = |name: &str, step: i64, value: f64| Metric {
        name: name.to_owned(),
        value,
        at: Time(1_700_000_000_000),
        step,
    };
    let odd = Batch {
        metrics: [
            vec![metric("odd (é)", 0, f64::NAN)],
            (0..1100).map(|i| metric("many", i, 0.5)).collect(),
        ]
        .concat(),
        ..Batch::default()
    };
    let told = second.run().unwrap();
    told.log(&odd).unwrap();
    told.log(&odd).unwrap();
    let history = |name: &str| {
        ask(
            &uri,
            &format!("metrics/get-history?run_id={id}&metric_key={name}"),
        )
    };
    assert_eq!(history("odd%20_%C3%A9_")["metrics"][0]["value"], "NaN");
    assert_eq!(history("many")["metrics"].as_array().unwrap().len(), 1100);

    let files = ask(&uri, &format!("artifacts/list?run_id={id}"));
    let files: Vec<&str> = { files["files"].as_array().unwrap().iter() }
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    assert_eq!(files, ["log.csv", "log.jsonl", "model", "run.json"]);
    let place = info["artifact_uri"]
        .as_str()
        .unwrap()
        .strip_prefix("mlflow-artifacts:")
        .unwrap();
    for (name, path) in [
        ("log.jsonl", run.join("log.jsonl")),
        ("run.json", run.join("run.json")),
        (
            "model/best.safetensors",
            CheckpointFolder::new(&checkpoints).unwrap().best(),
        ),
    ] {
        let kept = fetch(
            &uri,
            &format!("/api/2.0/mlflow-artifacts/artifacts{place}/{name}"),
        );
        assert!(kept == fs::read(path).unwrap(), "{name}");
    }

    // The registry.
    let model = format!("model {}", Time::now().0);
    let version = told.register(&model, "model").unwrap();
    assert_eq!(version.version, "1");
    let version = told.register(&model, "model").unwrap();
    client.set_alias(&version, "champion").unwrap();
    let path = format!(
        "registered-models/alias?name={}&alias=champion",
        model.replace(' ', "%20")
    );
    let champion = ask(&uri, &path);
    assert_eq!(champion["model_version"]["version"], "2");
    assert_eq!(champion["model_version"]["run_id"], json!(id));

    // The whole run again, from its files.
    assert_eq!(replay(&client, &experiment, &run).unwrap().id(), id);
    let elsewhere = client.experiment(&format!("{name}, replayed")).unwrap();
    let replayed = replay(&client, &elsewhere, &run).unwrap();
    assert_ne!(replayed.id(), id);
    let path = format!(
        "metrics/get-history?run_id={}&metric_key=score",
        replayed.id()
    );
    assert_eq!(ask(&uri, &path)["metrics"].as_array().unwrap().len(), 4);
    let shown = ask(&uri, &format!("runs/get?run_id={}", replayed.id()));
    assert_eq!(shown["run"]["info"]["status"], "FINISHED");
}
