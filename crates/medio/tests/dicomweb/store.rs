//! Instances to a server, and what it says of them.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use medio::dicom::{Dataset, WriteOptions};
use medio::dicomweb::{Fault, MediaType, MultipartReader, Store};

use crate::objects::{self, STUDY, encoded, slice};
use crate::server::{JSON, Seen, Server, Step, fault, json, reply, settings, within};

/// The instances of a request, as files.
fn sent(seen: &Seen) -> Vec<Vec<u8>> {
    let media_type: MediaType = seen.header("content-type").unwrap().parse().unwrap();
    assert_eq!(media_type.essence(), "multipart/related");
    assert_eq!(media_type.parameter("type"), Some("application/dicom"));
    let mut parts = MultipartReader::of(&seen.body[..], &media_type).unwrap();
    let mut files = Vec::new();
    while let Some(mut part) = parts.next_part().unwrap() {
        assert_eq!(part.field("content-type"), Some("application/dicom"));
        let mut file = Vec::new();
        part.read_to_end(&mut file).unwrap();
        files.push(file);
    }
    files
}

fn send(objects: &[Dataset]) -> Store {
    objects.iter().fold(Store::new(), |store, object| {
        store.dataset(object.clone(), WriteOptions::new())
    })
}

/// A report that names these instances as stored.
fn stored(uids: &[String]) -> String {
    let item = |uid| format!(r#"{{"00081155": {{"vr": "UI", "Value": ["{uid}"]}}}}"#);
    let items: Vec<String> = uids.iter().map(item).collect();
    format!(
        r#"{{"00081199": {{"vr": "SQ", "Value": [{}]}}}}"#,
        items.join(",")
    )
}

fn refused(uid: &str, reason: u16) -> String {
    format!(
        r#"{{"00081198": {{"vr": "SQ", "Value": [{{"00081155": {{"vr": "UI", "Value": ["{uid}"]}},
            "00081197": {{"vr": "US", "Value": [{reason}]}}}}]}}}}"#
    )
}

#[test]
fn files_and_datasets_arrive_as_they_are() {
    within(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.dcm");
        let (object, options) = objects::compressed();
        let file = encoded(&object, &options);
        std::fs::write(&path, &file).unwrap();
        let uids = [objects::uid(&object), objects::uid(&slice(1))];
        let server = Server::script(vec![json(&stored(&uids))]);
        let send = Store::new()
            .files([&path])
            .dataset(slice(1), WriteOptions::new())
            .into_study(STUDY)
            .unwrap();
        let report = server.client(settings()).store(&send).unwrap();
        assert!(report.all_stored());
        assert_eq!(report.stored.len(), 2);
        let seen = &server.seen()[0];
        assert_eq!(seen.method, "POST");
        assert_eq!(seen.target, format!("/dicom-web/studies/{STUDY}"));
        assert_eq!(sent(seen), [file, encoded(&slice(1), &WriteOptions::new())]);
    });
}

#[test]
fn a_conflict_says_which_instances_were_refused() {
    within(|| {
        let objects = [slice(1), slice(2)];
        let uids: Vec<String> = objects.iter().map(objects::uid).collect();
        for (status, headers) in [
            (200, &[JSON][..]),
            (202, &[JSON]),
            (409, &[JSON]),
            (409, &[]),
        ] {
            let answer = reply(status, headers, refused(&uids[1], 0xa700).as_bytes());
            let server = Server::script(vec![answer]);
            let report = server.client(settings()).store(&send(&objects)).unwrap();
            assert!(!report.all_stored());
            assert_eq!(report.failed[0].instance_uid.as_deref(), Some(&uids[1][..]));
            assert_eq!(
                report.failed[0].reason.to_string(),
                "out of resources (A700)"
            );
            assert_eq!(report.unmentioned, uids[..1]);
            assert_eq!(server.seen().len(), 1);
        }
    });
}

#[test]
fn an_answer_without_a_report_is_an_error() {
    within(|| {
        let html = ("Content-Type", "text/html");
        for (answer, part) in [
            (reply(409, &[html], b"conflict"), "409 Conflict: conflict"),
            (
                reply(409, &[], b"con\n\tflict \x07"),
                "409 Conflict: con flict \u{fffd}",
            ),
            (reply(409, &[JSON], b""), "409 Conflict"),
            (reply(400, &[JSON], b"{}"), "400 Bad Request: {}"),
            (reply(500, &[], b""), "500"),
            (reply(200, &[html], b"thanks"), "text/html"),
            (reply(200, &[JSON], b"{\"x\": 1}"), "JSON"),
            (
                json(&stored(&["1.2.3".to_owned()])),
                "one of the instances that were sent",
            ),
        ] {
            let server = Server::script(vec![answer]);
            let result = server.client(settings()).store(&send(&[slice(1)]));
            let message = result.unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
            assert_eq!(server.seen().len(), 1);
        }
        let server = Server::script(vec![reply(200, &[], b"")]);
        let report = server.client(settings()).store(&send(&[slice(1)])).unwrap();
        assert_eq!(report.unmentioned, [objects::uid(&slice(1))]);
        assert!(
            server
                .client(settings())
                .store(&Store::new())
                .unwrap()
                .all_stored()
        );
    });
}

#[test]
fn requests_are_split_by_size_and_their_reports_joined() {
    within(|| {
        let objects: Vec<Dataset> = (1..=5).map(slice).collect();
        let size = encoded(&objects[0], &WriteOptions::new()).len() as u64;
        let server = Server::start(|seen, _| {
            let uids: Vec<String> = { sent(seen).into_iter() }
                .map(|file| {
                    let file = medio::dicom::decode(file, &Default::default()).unwrap();
                    objects::uid(file.dataset())
                })
                .collect();
            vec![Step::Send(json(&stored(&uids)))]
        });
        let told = Arc::new(AtomicU64::new(0));
        let last = Arc::clone(&told);
        let settings = settings().progress(move |progress| {
            assert_eq!(progress.expected, Some(5));
            last.store(progress.instances, Ordering::Relaxed);
            ControlFlow::Continue(())
        });
        let client = server.client(settings);
        for (bytes, requests) in [(2 * size + 10, 3), (1, 5), (100 * size, 1)] {
            let before = server.seen().len();
            let report = client.store(&send(&objects).request_bytes(bytes)).unwrap();
            assert!(report.all_stored() && report.stored.len() == 5);
            assert_eq!(server.seen().len() - before, requests);
            assert_eq!(told.load(Ordering::Relaxed), 5);
        }
    });
}

#[test]
fn a_request_that_failed_in_passing_is_sent_again_whole() {
    within(|| {
        let uids = [objects::uid(&slice(1))];
        let server = Server::script(vec![
            b"HTTP/1.1 20".to_vec(),
            reply(503, &[], b""),
            json(&stored(&uids)),
        ]);
        let report = server.client(settings()).store(&send(&[slice(1)])).unwrap();
        assert!(report.all_stored());
        let bodies: Vec<_> = server.seen().iter().map(sent).collect();
        assert_eq!(bodies.len(), 3);
        assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    });
}

#[test]
fn what_is_no_dicom_is_not_sent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.dcm");
    std::fs::write(&path, "not DICOM, and never was".repeat(20)).unwrap();
    let server = Server::script(vec![json("{}")]);
    let client = server.client(settings());
    assert!(client.store(&Store::new().file(&path)).is_err());
    assert!(
        client
            .store(&Store::new().file(folder.path().join("b")))
            .is_err()
    );
    let empty = Store::new().dataset(Dataset::new(), WriteOptions::new());
    assert!(client.store(&empty).is_err());
    assert!(server.seen().is_empty());
}

#[test]
fn storing_can_be_stopped() {
    within(|| {
        let server = Server::script(vec![json("{}")]);
        let settings = settings().progress(|_| ControlFlow::Break(()));
        let failed = fault(server.client(settings).store(&send(&[slice(1)])));
        assert!(matches!(failed, Fault::Stopped), "{failed:?}");
    });
}
