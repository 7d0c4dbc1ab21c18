//! Instances to disk: complete, checked, and nothing else.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use medio::dicom::{Tag, WriteOptions};
use medio::dicomweb::{Fault, Resource};

use crate::honest;
use crate::objects::{self, SERIES, STUDY, encoded, slice};
use crate::server::{MULTIPART, Server, Step, fault, head, once, parts, reply, settings, within};

fn series() -> Resource {
    Resource::series(STUDY, SERIES).unwrap()
}

fn files(numbers: std::ops::RangeInclusive<u32>) -> Vec<Vec<u8>> {
    numbers
        .map(|n| encoded(&slice(n), &WriteOptions::new()))
        .collect()
}

fn answer(files: &[Vec<u8>]) -> Vec<u8> {
    let contents: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    parts("application/dicom", &contents)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[track_caller]
fn same(folder: &Path, files: &[Vec<u8>]) {
    let got: Vec<Vec<u8>> = names(folder)
        .iter()
        .map(|name| std::fs::read(folder.join(name)).unwrap())
        .collect();
    assert!(got == files, "{:?}", names(folder));
}

#[test]
fn a_series_comes_in_one_answer() {
    within(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder");
        let sent = files(1..=3);
        let server = Server::script(vec![reply(200, &[MULTIPART], &answer(&sent))]);
        let got = server
            .client(settings())
            .download(&series(), &path)
            .unwrap();
        same(&path, &sent);
        assert_eq!(got.files.len(), 3);
        assert!(got.files[0].ends_with(format!("{SERIES}.1.dcm")));
        assert_eq!(got.bytes, sent.iter().map(|f| f.len() as u64).sum::<u64>());
        let seen = &server.seen()[0];
        assert_eq!(
            seen.target,
            format!("/dicom-web/studies/{STUDY}/series/{SERIES}")
        );
        assert_eq!(
            seen.header("accept"),
            Some("multipart/related; type=\"application/dicom\"; transfer-syntax=*")
        );
        assert_eq!(seen.header("accept-encoding"), Some("identity"));
    });
}

#[test]
fn an_instance_may_come_without_parts() {
    within(|| {
        let file = files(1..=1);
        let single = ("Content-Type", "application/dicom; transfer-syntax=1.2");
        let server = Server::script(vec![reply(200, &[single], &file[0])]);
        let client = server.client(settings());
        let uid = format!("{SERIES}.1");
        let instance = Resource::instance(STUDY, SERIES, &uid).unwrap();
        let folder = tempfile::tempdir().unwrap();
        client.download(&instance, folder.path()).unwrap();
        same(folder.path(), &file);
        let read = client.instance(&instance).unwrap();
        assert_eq!(read.dataset().string(Tag::SOP_INSTANCE_UID).unwrap(), uid);
        assert_eq!(read.stored::<u16>().unwrap().as_slice()[0], 1025);
    });
}

#[test]
fn an_answer_that_breaks_comes_again_from_its_beginning() {
    within(|| {
        let sent = files(1..=3);
        let body = answer(&sent);
        let whole = reply(200, &[MULTIPART], &body);
        let open = [head(200, &[MULTIPART]), body.clone()].concat();
        for kept in [300, 2000, whole.len() - 3] {
            for answer in [&whole, &open] {
                let folder = tempfile::tempdir().unwrap();
                let kept = kept.min(answer.len() - 5);
                let server = Server::script(vec![answer[..kept].to_vec(), whole.clone()]);
                let client = server.client(settings());
                let got = client.download(&series(), folder.path()).unwrap();
                same(folder.path(), &sent);
                assert_eq!((got.files.len(), server.seen().len()), (3, 2));
            }
        }
        // Given up: what was complete stays, what was not is gone.
        let folder = tempfile::tempdir().unwrap();
        let server = Server::script(vec![whole[..whole.len() - 500].to_vec()]);
        let failed = fault(server.client(once()).download(&series(), folder.path()));
        assert!(matches!(
            failed,
            Fault::Broken { .. } | Fault::Truncated { .. }
        ));
        same(folder.path(), &sent[..2]);
    });
}

#[test]
fn what_was_not_asked_for_gets_no_name() {
    within(|| {
        let mut other_series = slice(1);
        let evil = "../../../evil";
        other_series
            .set_text(Tag::SERIES_INSTANCE_UID, "1.2.3")
            .unwrap();
        let mut climbing = slice(1);
        climbing.set_text(Tag::SOP_INSTANCE_UID, evil).unwrap();
        let encode = |dataset| encoded(dataset, &WriteOptions::new());
        let plain = files(1..=1).remove(0);
        for (file, part) in [
            (encode(&other_series), "SeriesInstanceUID"),
            (encode(&climbing), "a UID must be"),
            (
                b"not DICOM at all, but long enough to look at".repeat(9),
                "DICOM",
            ),
            (plain[..plain.len() - 500].to_vec(), ""),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let inner = folder.path().join("a/b/c");
            let body = answer(&[file]);
            let server = Server::script(vec![reply(200, &[MULTIPART], &body)]);
            let result = server.client(settings()).download(&series(), &inner);
            if part.is_empty() {
                // A file cut off inside its pixels is the server's file: its reader says so.
                result.unwrap();
                continue;
            }
            let message = result.unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
            assert!(names(&inner).is_empty());
            assert_eq!(names(folder.path()), ["a"]);
            assert_eq!(server.seen().len(), 1);
        }
    });
}

#[test]
fn answers_without_instances_or_of_another_type_are_refused() {
    within(|| {
        let file = files(1..=1).remove(0);
        let html = ("Content-Type", "text/html");
        let no_boundary = (
            "Content-Type",
            "multipart/related; type=\"application/dicom\"",
        );
        let twice = answer(&[file.clone(), file.clone()]);
        for (sent, part) in [
            (
                reply(200, &[MULTIPART], &answer(&[])),
                "at least one instance",
            ),
            (reply(200, &[MULTIPART], &twice), "twice"),
            (reply(200, &[html], b"log in"), "text/html"),
            (reply(200, &[], &file), "application/dicom"),
            (reply(200, &[no_boundary], &answer(&[])), "boundary"),
            (
                reply(200, &[MULTIPART], &parts("image/jpeg", &[&file])),
                "application/dicom",
            ),
            (
                reply(206, &[MULTIPART], &answer(std::slice::from_ref(&file))),
                "only a part: 1",
            ),
            (reply(404, &[], b"gone"), "404 Not Found: gone"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let server = Server::script(vec![sent]);
            let result = server.client(settings()).download(&series(), folder.path());
            let message = result.unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
            assert_eq!(server.seen().len(), 1);
        }
    });
}

#[test]
fn instances_and_answers_are_bounded() {
    within(|| {
        let start = [
            head(200, &[MULTIPART]),
            b"\r\n--=b\r\nContent-Type: application/dicom\r\n\r\n".to_vec(),
            files(1..=1).remove(0),
        ]
        .concat();
        let server = Server::start(move |_, _| {
            vec![Step::Send(start.clone()), Step::Forever(vec![0; 1 << 16])]
        });
        for (settings, what) in [
            (settings().max_instance(1 << 20), "an instance"),
            (settings().max_download(1 << 20), "a download"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let failed = fault(server.client(settings).download(&series(), folder.path()));
            match failed {
                Fault::TooLarge { what: got, limit } => assert_eq!((got, limit), (what, 1 << 20)),
                other => panic!("{other:?}"),
            }
            assert!(names(folder.path()).is_empty());
        }
        // Parts without end, each of nothing.
        let endless = Server::start(|_, _| {
            vec![
                Step::Send(head(200, &[MULTIPART])),
                Step::Forever(b"\r\n--=b\r\n\r\n".repeat(1000)),
            ]
        });
        let folder = tempfile::tempdir().unwrap();
        let result = endless
            .client(settings())
            .download(&series(), folder.path());
        assert!(matches!(fault(result), Fault::Dicom(_)));
    });
}

#[test]
fn several_connections_fetch_each_instance_and_retry_each() {
    within(|| {
        let objects: Vec<_> = (1..=40).map(slice).collect();
        let sent: Vec<Vec<u8>> = { objects.iter() }
            .map(|o| encoded(o, &WriteOptions::new()))
            .collect();
        // Every resource is given at the third attempt.
        let server = honest::serve(sent.clone(), 2);
        let told = Arc::new(AtomicU64::new(0));
        let most = Arc::clone(&told);
        let settings = settings().connections(4).progress(move |progress| {
            assert_eq!(progress.expected, Some(40));
            most.fetch_max(progress.instances, Ordering::Relaxed);
            ControlFlow::Continue(())
        });
        let client = server.client(settings);
        let folder = tempfile::tempdir().unwrap();
        let got = client.download(&series(), folder.path()).unwrap();
        assert_eq!(got.files.len(), 40);
        assert_eq!(told.load(Ordering::Relaxed), 40);
        for file in &got.files {
            let bytes = std::fs::read(file).unwrap();
            assert!(sent.contains(&bytes));
        }
        // A study's list names the series of each.
        let study = Resource::study(STUDY).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let got = client.download(&study, folder.path()).unwrap();
        assert_eq!(got.files.len(), 40);
    });
}

#[test]
fn the_first_error_of_several_connections_stops_all() {
    within(|| {
        let objects: Vec<_> = (1..=40).map(slice).collect();
        let mut sent: Vec<Vec<u8>> = { objects.iter() }
            .map(|o| encoded(o, &WriteOptions::new()))
            .collect();
        sent[0].truncate(100);
        let lists = objects.iter().map(objects::uid).collect();
        let server = honest::serve_listed(sent, lists);
        let folder = tempfile::tempdir().unwrap();
        let client = server.client(settings().connections(4));
        assert!(client.download(&series(), folder.path()).is_err());
        assert!(server.seen().len() < 40);
        let left = names(folder.path());
        assert!(left.iter().all(|name| name.ends_with(".dcm")), "{left:?}");
    });
}

#[test]
fn a_download_can_be_stopped() {
    within(|| {
        let server = Server::script(vec![reply(200, &[MULTIPART], &answer(&files(1..=6)))]);
        let settings = settings().progress(|progress| match progress.instances {
            2 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        let folder = tempfile::tempdir().unwrap();
        let failed = fault(server.client(settings).download(&series(), folder.path()));
        assert!(matches!(failed, Fault::Stopped), "{failed:?}");
        assert_eq!(names(folder.path()).len(), 2);
        assert_eq!(server.seen().len(), 1);
    });
}
