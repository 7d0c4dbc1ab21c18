//! Servers that fail: statuses, silence, broken connections, lies.

use std::time::{Duration, Instant};

use medio::dicomweb::{Client, Fault, Query, Resource, Retry, TlsRoots};

use crate::objects::{SERIES, STUDY};
use crate::server::{JSON, Server, Step, fault, head, json, once, reply, settings, within};

const NONE: &str = "[]";

fn search(client: &Client) -> medio::Result<usize> {
    let found: medio::Result<Vec<_>> = client.search(&Query::studies()).collect();
    found.map(|found| found.len())
}

#[test]
fn a_client_is_sent_between_threads_and_shared() {
    fn shared<T: Send + Sync + Clone>() {}
    shared::<Client>();
}

#[test]
fn a_server_error_is_not_tried_again_and_shows_its_beginning() {
    let long = "x".repeat(10_000);
    let body = format!("out of\r\n\tcheese \x07{long}");
    let server = Server::script(vec![reply(500, &[], body.as_bytes())]);
    let result = search(&server.client(settings()));
    let message = result.as_ref().unwrap_err().to_string();
    assert!(
        message.contains("/dicom-web/studies: status 500 Internal Server Error: out of cheese"),
        "{message}"
    );
    assert!(message.len() < 700 && !message.contains('\x07'));
    assert!(!message.contains("limit="), "a query may name a patient");
    assert!(matches!(fault(result), Fault::Http { status: 500, .. }));
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_busy_server_is_asked_again_when_it_says() {
    within(|| {
        for status in [429, 503] {
            let busy = reply(status, &[("Retry-After", "1")], b"");
            let server = Server::script(vec![busy.clone(), busy, json(NONE)]);
            let begun = Instant::now();
            search(&server.client(settings())).unwrap();
            assert!(begun.elapsed() >= Duration::from_secs(2), "{status}");
            assert_eq!(server.seen().len(), 3);
        }
        for status in [408, 502, 504] {
            let server = Server::script(vec![reply(status, &[], b""), json(NONE)]);
            search(&server.client(settings())).unwrap();
            assert_eq!(server.seen().len(), 2);
        }
    });
}

#[test]
fn a_server_that_stays_busy_is_given_up() {
    within(|| {
        let server = Server::script(vec![reply(503, &[], b"")]);
        let failed = fault(search(&server.client(settings())));
        assert!(matches!(failed, Fault::Http { status: 503, .. }));
        assert_eq!(server.seen().len(), 3);
        // An hour is longer than the longest wait.
        let server = Server::script(vec![reply(503, &[("Retry-After", "3600")], b"")]);
        let hour = Some(Duration::from_secs(3600));
        match fault(search(&server.client(settings()))) {
            Fault::Http { retry_after, .. } => assert_eq!(retry_after, hour),
            other => panic!("{other}"),
        }
        assert_eq!(server.seen().len(), 1);
    });
}

#[test]
fn a_connection_that_breaks_is_made_again() {
    within(|| {
        let whole = json(&format!("[{}]", " ".repeat(5000)));
        for kept in [0, 5, 40, 100, whole.len() - 1] {
            let broken = whole[..kept].to_vec();
            let server = Server::script(vec![broken.clone(), json(NONE)]);
            search(&server.client(settings())).unwrap();
            assert_eq!(server.seen().len(), 2, "{kept}");
            let server = Server::script(vec![broken]);
            let failed = fault(search(&server.client(once())));
            assert!(
                matches!(failed, Fault::Broken { .. } | Fault::Truncated { .. }),
                "{kept}: {failed:?}"
            );
        }
    });
}

#[test]
fn a_body_without_a_length_that_breaks_is_noticed() {
    within(|| {
        let open = [head(200, &[JSON]), b"[{\"0020".to_vec()].concat();
        let chunked = head(200, &[JSON, ("Transfer-Encoding", "chunked")]);
        let chunked = [chunked, b"5\r\n[{}".to_vec()].concat();
        for broken in [open, chunked] {
            let server = Server::script(vec![broken, json(NONE)]);
            search(&server.client(settings())).unwrap();
            assert_eq!(server.seen().len(), 2);
        }
    });
}

#[test]
fn a_length_that_lies_does_not_go_unnoticed() {
    within(|| {
        let body = "[{\"0020000D\": {\"vr\": \"UI\", \"Value\": [\"1.2\"]}}]";
        let length = |length: usize| {
            let length = length.to_string();
            let head = head(200, &[JSON, ("Content-Length", &length)]);
            [head, body.as_bytes().to_vec()].concat()
        };
        for lie in [body.len() + 1, body.len() - 1] {
            let server = Server::script(vec![length(lie)]);
            let failed = fault(search(&server.client(once())));
            assert!(
                matches!(failed, Fault::Broken { .. } | Fault::Truncated { .. }),
                "{failed:?}"
            );
        }
    });
}

#[test]
fn a_silent_server_is_not_waited_for() {
    within(|| {
        for sent in [Vec::new(), head(200, &[JSON])] {
            let server = Server::start(move |_, _| {
                vec![Step::Send(sent.clone()), Step::Wait(Duration::from_secs(4))]
            });
            let settings = once().read_timeout(Duration::from_millis(300));
            // Had it been waited for, the connection would have broken.
            let failed = fault(search(&server.client(settings)));
            assert!(
                matches!(failed, Fault::Timeout { phase: "read" }),
                "{failed:?}"
            );
        }
    });
}

#[test]
fn a_server_that_dribbles_is_not_waited_for_either() {
    within(|| {
        let server = Server::start(|_, _| {
            let mut steps = vec![Step::Send(head(200, &[JSON]))];
            for _ in 0..100 {
                steps.push(Step::Send(b" ".to_vec()));
                steps.push(Step::Wait(Duration::from_millis(50)));
            }
            steps
        });
        let settings = settings().request_timeout(Duration::from_millis(800));
        // Had it been waited for, the answer would have ended early.
        let failed = fault(search(&server.client(settings)));
        assert!(
            matches!(
                failed,
                Fault::Timeout {
                    phase: "whole request"
                }
            ),
            "{failed:?}"
        );
        assert!(server.seen().len() <= 1);
    });
}

#[test]
fn the_time_of_a_request_includes_its_retries() {
    within(|| {
        let server = Server::script(vec![reply(503, &[], b"")]);
        let retry = Retry::new(1000).base(Duration::from_millis(100)).seed(2);
        let settings = settings()
            .retry(retry)
            .request_timeout(Duration::from_secs(3));
        let failed = fault(search(&server.client(settings)));
        assert!(matches!(
            failed,
            Fault::Timeout {
                phase: "whole request"
            }
        ));
        assert!(server.seen().len() > 1);
    });
}

#[test]
fn an_answer_larger_than_allowed_is_cut_off() {
    within(|| {
        let settings = || settings().max_memory(1 << 20);
        let too_large = |server: &Server| {
            let failed = fault(search(&server.client(settings())));
            assert!(matches!(failed, Fault::TooLarge { .. }), "{failed:?}");
            assert_eq!(server.seen().len(), 1);
        };
        // By its own account.
        let announced = head(200, &[JSON, ("Content-Length", "10000000000")]);
        too_large(&Server::script(vec![announced]));
        // Without end.
        let endless = |head: Vec<u8>, bytes: &'static [u8]| {
            Server::start(move |_, _| {
                vec![Step::Send(head.clone()), Step::Forever(bytes.repeat(1000))]
            })
        };
        too_large(&endless(head(200, &[JSON]), b"          "));
        let chunked = head(200, &[JSON, ("Transfer-Encoding", "chunked")]);
        too_large(&endless(chunked, b"a\r\n          \r\n"));
        // Out of very little.
        let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        for _ in 0..64 {
            std::io::Write::write_all(&mut bomb, &[b' '; 1 << 16]).unwrap();
        }
        let bomb = bomb.finish().unwrap();
        assert!(bomb.len() < 10_000);
        let bomb = reply(200, &[JSON, ("Content-Encoding", "gzip")], &bomb);
        too_large(&Server::script(vec![bomb]));
    });
}

#[test]
fn what_is_not_http_is_refused() {
    within(|| {
        for answer in [&b"HELLO\r\n\r\n"[..], b"HTTP/9.9 x\r\n\r\n", &[0; 4096]] {
            let server = Server::script(vec![answer.to_vec()]);
            let failed = fault(search(&server.client(settings())));
            assert!(matches!(failed, Fault::Protocol { .. }), "{failed:?}");
        }
        let endless = Server::start(|_, _| {
            vec![
                Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec()),
                Step::Forever(b"A: b\r\n".repeat(1000)),
            ]
        });
        let failed = fault(search(&endless.client(settings())));
        assert!(matches!(failed, Fault::Protocol { .. }), "{failed:?}");
    });
}

#[test]
fn where_nobody_listens_there_is_no_connection() {
    within(|| {
        let url = Server::script(vec![]).url();
        let client = Client::with_settings(&url, settings()).unwrap();
        let failed = fault(search(&client));
        assert!(matches!(failed, Fault::Connect { .. }), "{failed:?}");
    });
}

#[test]
fn a_server_without_tls_is_none_for_https() {
    within(|| {
        let server = Server::script(vec![json(NONE)]);
        let url = server.url().replace("http:", "https:");
        for roots in [TlsRoots::WebPki, TlsRoots::Platform] {
            let settings = once()
                .tls_roots(roots)
                .read_timeout(Duration::from_millis(500));
            let client = Client::with_settings(&url, settings).unwrap();
            let failed = fault(search(&client));
            assert!(
                matches!(
                    failed,
                    Fault::Connect { .. } | Fault::Timeout { .. } | Fault::Broken { .. }
                ),
                "{failed:?}"
            );
        }
    });
}

#[test]
fn a_refused_token_is_replaced_once() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    let server = Server::start(|seen, _| {
        let good = seen.header("authorization") == Some("Bearer t1");
        vec![Step::Send(if good {
            json(NONE)
        } else {
            reply(401, &[], b"who?")
        })]
    });
    let made = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&made);
    let token = move || Ok(format!("t{}", counter.fetch_add(1, Ordering::Relaxed)));
    let client = server.client(settings().tokens(token));
    search(&client).unwrap();
    search(&client).unwrap();
    assert_eq!(made.load(Ordering::Relaxed), 2);
    assert_eq!(server.seen().len(), 3);

    // A server that refuses every token is asked twice.
    let server = Server::script(vec![reply(401, &[], b"no")]);
    let client = server.client(settings().tokens(|| Ok("t".to_owned())));
    let failed = fault(search(&client));
    assert!(matches!(failed, Fault::Http { status: 401, .. }));
    assert_eq!(server.seen().len(), 2);
    let client = server.client(settings().tokens(|| Err("no key".into())));
    assert!(matches!(fault(search(&client)), Fault::Token(_)));
    let client = server.client(settings().tokens(|| Ok("a\r\nb: c".to_owned())));
    let failed = fault(search(&client));
    assert!(matches!(failed, Fault::InvalidSetting { .. }));
}

#[test]
fn headers_and_credentials_go_with_every_request() {
    let server = Server::script(vec![json(NONE)]);
    let settings = settings().basic("reader", "secret").header("X-Key", "k");
    search(&server.client(settings)).unwrap();
    let seen = &server.seen()[0];
    assert_eq!(
        seen.header("authorization"),
        Some("Basic cmVhZGVyOnNlY3JldA==")
    );
    assert_eq!(seen.header("x-key"), Some("k"));
    assert_eq!(seen.header("accept"), Some("application/dicom+json"));
    assert_eq!(seen.header("accept-encoding"), Some("gzip"));
    assert!(seen.header("user-agent").unwrap().starts_with("medio/"));
}

#[test]
fn settings_that_cannot_be_are_refused() {
    let refused = |result: medio::Result<Client>| {
        let message = result.unwrap_err().to_string();
        assert!(!message.contains("secret"), "{message}");
    };
    refused(Client::new("pacs.example"));
    refused(Client::new("http://reader:secret@pacs.example/"));
    let url = "http://pacs.example/dicom-web";
    for settings in [
        settings().header("X Key", "secret"),
        settings().header("X-Key", "secret\r\nX: y"),
        settings().header("Content-Length", "1"),
        settings().basic("a:b", "secret"),
        settings().bearer("secret token"),
        settings().tls_roots(TlsRoots::Pem(b"secret".to_vec())),
    ] {
        refused(Client::with_settings(url, settings));
    }
}

#[test]
fn metadata_of_something_else_is_refused() {
    let other = r#"[{"0020000D": {"vr": "UI", "Value": ["1.2.3"]}}]"#;
    let server = Server::script(vec![json(other)]);
    let series = Resource::series(STUDY, SERIES).unwrap();
    let failed = fault(server.client(settings()).metadata(&series));
    assert!(matches!(failed, Fault::Mismatch { .. }), "{failed:?}");
}
