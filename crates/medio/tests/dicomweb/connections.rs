//! Connections that carry several requests, and uploads that are refused before they are sent.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use medio::dicom::WriteOptions;
use medio::dicomweb::{Client, Fault, Query, Resource, Store};

use crate::objects::{SERIES, STUDY, encoded, slice};
use crate::server::{MULTIPART, PATIENCE, fault, once, parts, receive, settings, within};

/// A server that does with each connection as its test says, and counts them.
struct Raw {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    closed: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Raw {
    fn start(serve: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, closed) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (made, gone) = (Arc::clone(&connections), Arc::clone(&closed));
        let halt = Arc::clone(&stop);
        let serve = Arc::new(serve);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if halt.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut stream) = stream else { continue };
                made.fetch_add(1, Ordering::Relaxed);
                let (serve, gone) = (Arc::clone(&serve), Arc::clone(&gone));
                thread::spawn(move || {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    serve(&mut stream);
                    drop(stream);
                    gone.fetch_add(1, Ordering::Release);
                });
            }
        });
        Self {
            address,
            connections,
            closed,
            stop,
            thread: Some(thread),
        }
    }

    fn client(&self, settings: medio::dicomweb::Settings) -> Client {
        let url = format!("http://{}/dicom-web", self.address);
        Client::with_settings(&url, settings).unwrap()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// An answer after which the connection stays.
fn staying(fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = "HTTP/1.1 200 OK\r\n".to_owned();
    for (name, value) in fields {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

fn with_length(fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let length = body.len().to_string();
    staying(&[fields, &[("Content-Length", &length)]].concat(), body)
}

fn in_chunks(fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut chunks = Vec::new();
    for chunk in body.chunks(1000) {
        chunks.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        chunks.extend_from_slice(chunk);
        chunks.extend(b"\r\n");
    }
    chunks.extend(b"0\r\n\r\n");
    staying(
        &[fields, &[("Transfer-Encoding", "chunked")]].concat(),
        &chunks,
    )
}

#[test]
fn one_connection_carries_many_requests() {
    within(|| {
        let file = encoded(&slice(1), &WriteOptions::new());
        let instance = Resource::of(&slice(1)).unwrap();
        for framed in [with_length, in_chunks] {
            // The last boundary, and what may stand behind it.
            let mut body = parts("application/dicom", &[&file]);
            body.extend(b"that was all\r\n");
            let server = Raw::start(move |stream| {
                while let Some(seen) = receive(stream) {
                    let answer = match seen.target.contains("frames") {
                        true => framed(&[MULTIPART], &parts("a/b", &[b"frame"])),
                        false => framed(&[MULTIPART], &body),
                    };
                    stream.write_all(&answer).unwrap();
                }
            });
            let client = server.client(settings());
            let folder = tempfile::tempdir().unwrap();
            for _ in 0..3 {
                client.instance(&instance).unwrap();
                client.download(&instance, folder.path()).unwrap();
                client.frames(&instance, &[1], Default::default()).unwrap();
            }
            assert_eq!(server.connections(), 1);
        }
    });
}

#[test]
fn a_connection_that_was_closed_meanwhile_is_not_used() {
    within(|| {
        let server = Raw::start(|stream| {
            receive(stream);
            let json = ("Content-Type", "application/dicom+json");
            stream.write_all(&with_length(&[json], b"[]")).unwrap();
        });
        let client = server.client(once());
        for done in 1..=3 {
            assert_eq!(
                client.search(&Query::studies()).map(Result::unwrap).count(),
                0
            );
            while server.closed.load(Ordering::Acquire) < done {
                thread::yield_now();
            }
        }
        assert_eq!(server.connections(), 3);
    });
}

#[test]
fn what_comes_before_the_answer_is_passed_over() {
    within(|| {
        let server = Raw::start(|stream| {
            receive(stream);
            let json = ("Content-Type", "application/dicom+json");
            let early =
                b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n";
            stream.write_all(early).unwrap();
            stream.write_all(&with_length(&[json], b"[]")).unwrap();
        });
        let client = server.client(once());
        assert_eq!(
            client.search(&Query::studies()).map(Result::unwrap).count(),
            0
        );
    });
}

/// A request's head, without its body.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

/// An upload that is larger than what the system would hold for a server that does not read it.
pub(crate) fn large() -> Store {
    (1..=24).fold(Store::new(), |store, number| {
        let mut large = slice(number);
        let pixels = vec![0; 1 << 20];
        large.insert(medio::dicom::Element::new(
            medio::dicom::Tag::PIXEL_DATA,
            medio::dicom::Vr::OW,
            medio::dicom::Value::Bytes(pixels.into()),
        ));
        store.dataset(large, WriteOptions::new())
    })
}

#[test]
fn an_upload_that_is_refused_at_its_beginning_says_why() {
    within(|| {
        for (status, reason) in [(413, "Payload Too Large"), (401, "Unauthorized")] {
            let server = Raw::start(move |stream| {
                assert!(head(stream).contains("expect: 100-continue"));
                let answer = format!(
                    "HTTP/1.1 {status} {reason}\r\nContent-Length: 7\r\nConnection: close\r\n\r\nno more"
                );
                stream.write_all(answer.as_bytes()).unwrap();
            });
            match fault(server.client(settings()).store(&large())) {
                Fault::Http {
                    status: got,
                    excerpt,
                    ..
                } => assert_eq!((got, &excerpt[..]), (status, "no more")),
                other => panic!("{other:?}"),
            }
            assert_eq!(server.connections(), 1);
        }
    });
}

#[test]
fn a_large_upload_goes_to_servers_that_answer_as_they_should_and_that_do_not() {
    within(|| {
        let answers = [
            // Go on.
            "HTTP/1.1 100 Continue\r\n\r\n",
            // No word: it goes on by itself.
            "",
            // What is this?
            "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ];
        for first in answers {
            let bodies = Arc::new(Mutex::new(Vec::new()));
            let kept = Arc::clone(&bodies);
            let server = Raw::start(move |stream| {
                let head = head(stream);
                if head.contains("expect") {
                    stream.write_all(first.as_bytes()).unwrap();
                    if first.contains("417") {
                        return;
                    }
                }
                let length = head
                    .lines()
                    .find_map(|l| l.strip_prefix("content-length: "));
                let mut body = vec![0; length.unwrap().parse().unwrap()];
                stream.read_exact(&mut body).unwrap();
                kept.lock().unwrap().push(body.len());
                let json = ("Content-Type", "application/dicom+json");
                stream.write_all(&with_length(&[json], b"{}")).unwrap();
            });
            let report = server.client(once()).store(&large()).unwrap();
            assert_eq!(report.unmentioned.len(), 24);
            let bodies = bodies.lock().unwrap();
            assert!(bodies.len() == 1 && bodies[0] > 24 << 20, "{bodies:?}");
        }
    });
}

#[test]
fn a_file_that_vanishes_is_no_broken_connection() {
    within(|| {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<_> = (1..=2)
            .map(|number| {
                let path = folder.path().join(format!("{number}.dcm"));
                let file = encoded(&slice(number), &WriteOptions::new());
                std::fs::write(&path, file).unwrap();
                path
            })
            .collect();
        let server = Raw::start(|stream| drop(receive(stream)));
        let second = paths[1].clone();
        let settings = settings().progress(move |_| {
            let _ = std::fs::remove_file(&second);
            std::ops::ControlFlow::Continue(())
        });
        match fault(server.client(settings).store(&Store::new().files(&paths))) {
            Fault::File { path, cause } => {
                assert_eq!(path, paths[1]);
                assert_eq!(cause.kind(), std::io::ErrorKind::NotFound);
            }
            other => panic!("{other:?}"),
        }
        assert!(server.connections() <= 1);
    });
}

#[test]
fn downloads_over_several_connections_are_bounded_together() {
    within(|| {
        let files: Vec<_> = (1..=40)
            .map(|number| encoded(&slice(number), &WriteOptions::new()))
            .collect();
        let size = files[0].len() as u64;
        let server = crate::honest::serve(files, 0);
        let client = |most| {
            let settings = settings().connections(4).max_download(most);
            Client::with_settings(&server.url(), settings).unwrap()
        };
        let series = Resource::series(STUDY, SERIES).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let all = client(41 * size).download(&series, folder.path()).unwrap();
        assert_eq!(all.files.len(), 40);
        let folder = tempfile::tempdir().unwrap();
        let failed = fault(client(10 * size).download(&series, folder.path()));
        match failed {
            Fault::TooLarge { what, limit } => assert_eq!((what, limit), ("a download", 10 * size)),
            other => panic!("{other:?}"),
        }
        // Each connection may have had one on its way.
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert!((10..=14).contains(&left), "{left}");
    });
}
