//! A small server behind TLS.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What a path gives.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A file with its length.
    File(Vec<u8>),
    /// A file that ends with the connection.
    Unannounced(Vec<u8>),
    /// Less than was announced.
    Cut { announced: usize, body: Vec<u8> },
    /// Another address.
    Redirect(String),
    /// No file.
    Status(u16),
}

impl Answer {
    pub(crate) fn file(bytes: &[u8]) -> Self {
        Self::File(bytes.to_vec())
    }

    fn bytes(&self) -> Vec<u8> {
        let (head, body) = match self {
            Self::File(body) => (
                format!("200 OK\r\ncontent-length: {}", body.len()),
                &body[..],
            ),
            Self::Unannounced(body) => ("200 OK".to_owned(), &body[..]),
            Self::Cut { announced, body } => {
                (format!("200 OK\r\ncontent-length: {announced}"), &body[..])
            }
            Self::Redirect(to) => (
                format!("302 Found\r\nlocation: {to}\r\ncontent-length: 0"),
                &[][..],
            ),
            Self::Status(status) => (format!("{status} No\r\ncontent-length: 0"), &[][..]),
        };
        let mut bytes = format!("HTTP/1.1 {head}\r\nconnection: close\r\n\r\n").into_bytes();
        bytes.extend(body);
        bytes
    }
}

/// A server that lives as long as the test program.
pub(crate) struct Server {
    port: u16,
    /// The certificate of who signed the server's, in PEM.
    pub(crate) root: Vec<u8>,
    answers: Arc<Mutex<BTreeMap<String, Answer>>>,
    requests: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        { &mut params.distinguished_name }.push(DnType::CommonName, "a test");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self {
            port: listener.local_addr().unwrap().port(),
            root: authority.pem().into_bytes(),
            answers: Arc::default(),
            requests: Arc::default(),
        };
        let (answers, requests) = (Arc::clone(&server.answers), Arc::clone(&server.requests));
        let config = Arc::new(config);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                stream
                    .set_read_timeout(Some(Duration::from_secs(20)))
                    .unwrap();
                let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(connection, stream);
                let (answers, requests) = (Arc::clone(&answers), Arc::clone(&requests));
                thread::spawn(move || {
                    let Some(path) = path_of(&mut stream) else {
                        return;
                    };
                    requests.fetch_add(1, Ordering::SeqCst);
                    let answer = answers.lock().unwrap().get(&path).cloned();
                    let answer = answer.unwrap_or(Answer::Status(404));
                    // Who asked may have heard enough.
                    let _ = stream.write_all(&answer.bytes());
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                });
            }
        });
        server
    }

    /// Sets what a path gives; its address.
    pub(crate) fn publish(&self, path: &str, answer: Answer) -> String {
        let mut answers = self.answers.lock().unwrap();
        answers.insert(path.to_owned(), answer);
        format!("https://127.0.0.1:{}{path}", self.port)
    }

    /// How often it was asked.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// The path of a request.
fn path_of(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).ok()?;
    Some(head.split(' ').nth(1)?.to_owned())
}
