//! A server that answers as it is told, and remembers what it heard.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) fields: Vec<String>,
    pub(super) body: Vec<u8>,
}

impl Heard {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn field(&self, name: &str) -> Option<&str> {
        let mut pairs = self
            .fields
            .iter()
            .filter_map(|field| field.split_once(": "));
        let (_, value) = pairs.find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        Some(value)
    }
}

/// What is said to it.
pub(super) enum Answer {
    /// The connection is closed.
    Nothing,
    Of {
        status: u16,
        fields: String,
        body: String,
    },
}

impl Answer {
    pub(super) fn of(status: u16, body: &str) -> Self {
        Self::Of {
            status,
            fields: String::new(),
            body: body.to_owned(),
        }
    }

    pub(super) fn with_field(self, field: &str) -> Self {
        match self {
            Self::Of { status, body, .. } => Self::Of {
                status,
                fields: format!("{field}\r\n"),
                body,
            },
            Self::Nothing => Self::Nothing,
        }
    }
}

/// A run as MLflow 3.17.2 describes it.
pub(super) const RUN: &str = r#"{"info": {"run_uuid": "e4dfda34", "experiment_id": "7",
    "run_name": "t", "user_id": "", "status": "RUNNING", "start_time": 5,
    "artifact_uri": "mlflow-artifacts:/1/e4dfda34/artifacts", "lifecycle_stage": "active",
    "run_id": "e4dfda34"}, "data": {"tags": [{"key": "medtrain.run", "value": "q1"}]}, "inputs": {}}"#;

/// What MLflow 3.17.2 answers when there is no experiment and no run.
pub(super) fn server(request: &Heard, _: usize) -> Answer {
    let path = request.path.split('?').next().unwrap();
    match path.strip_prefix("/api/2.0/mlflow/") {
        Some("experiments/get-by-name") => Answer::of(
            404,
            r#"{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Could not find experiment with name 'x'",
                "sqlstate": "KAM00", "error_class": "RESOURCE_NOT_FOUND"}"#,
        ),
        Some("experiments/create") => Answer::of(200, "{\n  \"experiment_id\": \"7\"\n}"),
        Some("runs/create") => Answer::of(200, &format!("{{\"run\": {RUN}}}")),
        _ => Answer::of(200, "{}"),
    }
}

pub(super) struct Stub {
    pub(super) uri: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Stub {
    /// Answers by the request and its number.
    pub(super) fn new(answer: impl Fn(&Heard, usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = hear(&stream) else {
                    continue;
                };
                let number = list.lock().unwrap().len();
                let said = answer(&request, number);
                list.lock().unwrap().push(request);
                if let Answer::Of {
                    status,
                    fields,
                    body,
                } = said
                {
                    let length = body.len();
                    let head = format!(
                        "HTTP/1.1 {status} Some\r\n{fields}Content-Length: {length}\r\n\
                         Connection: close\r\n\r\n{body}"
                    );
                    let _ = stream.write_all(head.as_bytes());
                }
            }
        });
        Self { uri, heard }
    }

    /// What it heard so far.
    pub(super) fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }
}

/// One request; nothing of a connection that says none.
fn hear(stream: &TcpStream) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let fields: Vec<String> =
        std::iter::from_fn(|| line().filter(|line| !line.is_empty())).collect();
    let mut heard = Heard {
        method,
        path,
        fields,
        body: Vec::new(),
    };
    let length = heard
        .field("content-length")
        .map_or(0, |length| length.parse().unwrap());
    heard.body = vec![0; length];
    reader.read_exact(&mut heard.body).ok()?;
    Some(heard)
}
