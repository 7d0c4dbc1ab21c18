//! A server on loopback that answers as its test says, byte by byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use medio::dicomweb::{Client, Fault, Proxy, Retry, Settings};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find_map(|(key, value)| (key == name).then_some(value.as_str()))
    }
}

/// How long either side waits for a byte, where that is not what is tested: no machine is so slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// What the server does next; at the end it closes the connection.
pub(crate) enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Sends the bytes until the client has had enough.
    Forever(Vec<u8>),
}

pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves until it is dropped; `answer` gets each request and how many came before it.
    pub(crate) fn start(
        answer: impl Fn(&Seen, usize) -> Vec<Step> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (answer, log, halt) = (Arc::new(answer), Arc::clone(&seen), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if halt.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    stream.set_write_timeout(Some(PATIENCE)).unwrap();
                    let Some(request) = receive(&mut stream) else {
                        return;
                    };
                    let number = {
                        let mut log = log.lock().unwrap();
                        log.push(request.clone());
                        log.len() - 1
                    };
                    for step in answer(&request, number) {
                        let sent = match step {
                            Step::Send(bytes) => stream.write_all(&bytes),
                            Step::Wait(time) => {
                                thread::sleep(time);
                                Ok(())
                            }
                            Step::Forever(bytes) => loop {
                                if let Err(error) = stream.write_all(&bytes) {
                                    break Err(error);
                                }
                            },
                        };
                        if sent.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self {
            address,
            seen,
            stop,
            thread: Some(thread),
        }
    }

    /// Answers every request with the next of these, the last one from then on.
    pub(crate) fn script(answers: Vec<Vec<u8>>) -> Self {
        Self::start(move |_, number| {
            let answer = answers.get(number).or(answers.last()).unwrap();
            vec![Step::Send(answer.clone())]
        })
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/dicom-web", self.origin())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn client(&self, settings: Settings) -> Client {
        Client::with_settings(&self.url(), settings).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The next request of a connection; none if there is no other.
pub(crate) fn receive(stream: &mut impl Read) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
        match stream.read(&mut chunk) {
            Ok(n) if n > 0 => bytes.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut seen = Seen {
        method,
        target,
        headers,
        body: bytes[end + 4..].to_vec(),
    };
    let length: usize = seen
        .header("content-length")
        .map_or(0, |v| v.parse().unwrap());
    while seen.body.len() < length {
        match stream.read(&mut chunk) {
            Ok(n) if n > 0 => seen.body.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    }
    Some(seen)
}

/// A whole answer with its length.
pub(crate) fn reply(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let length = body.len().to_string();
    let mut all = vec![("Content-Length", &length[..])];
    all.extend(headers);
    [head(status, &all), body.to_vec()].concat()
}

/// Status and header fields of an answer.
pub(crate) fn head(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} X\r\nConnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/dicom+json");

pub(crate) fn json(body: &str) -> Vec<u8> {
    reply(200, &[JSON], body.as_bytes())
}

pub(crate) const MULTIPART: (&str, &str) = (
    "Content-Type",
    "multipart/related; type=\"application/dicom\"; boundary=\"=b\"",
);

/// Parts of one media type behind the boundary `=b`.
pub(crate) fn parts(media_type: &str, contents: &[&[u8]]) -> Vec<u8> {
    let mut body = Vec::new();
    for content in contents {
        body.extend(format!("\r\n--=b\r\nContent-Type: {media_type}\r\n\r\n").into_bytes());
        body.extend_from_slice(content);
    }
    body.extend(b"\r\n--=b--\r\n");
    body
}

/// Settings for loopback: quick retries, and no proxy of the environment.
pub(crate) fn settings() -> Settings {
    let retry = Retry::new(2).base(Duration::from_millis(5)).seed(1);
    Settings::new()
        .proxy(Proxy::None)
        .retry(retry)
        .read_timeout(PATIENCE)
}

pub(crate) fn once() -> Settings {
    settings().retry(Retry::none())
}

/// The fault of a request that must fail.
#[track_caller]
pub(crate) fn fault<T: std::fmt::Debug>(result: medio::Result<T>) -> Fault {
    match result {
        Err(medio::Error::DicomWeb { fault, .. }) => *fault,
        other => panic!("expected a fault, got {other:?}"),
    }
}

/// Longer than any test takes, however busy the machine is.
const HANGING: Duration = Duration::from_secs(900);

/// Runs a test that must not hang.
#[track_caller]
pub(crate) fn within<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || sender.send(work()));
    match receiver.recv_timeout(HANGING) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("still at it after {HANGING:?}"),
        // The work panicked: with its own message.
        Err(_) => std::panic::resume_unwind(thread.join().err().unwrap()),
    }
}
