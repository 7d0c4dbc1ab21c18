//! Lists: pages, servers that page in their own way, and lists that are none.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use medio::dicom::Tag;
use medio::dicomweb::{Fault, Query};

use crate::server::{JSON, Seen, Server, Step, fault, head, json, once, reply, settings};

/// Studies of these numbers as a list.
fn studies(numbers: std::ops::Range<u64>) -> String {
    let study = |n| format!(r#"{{"0020000D": {{"vr": "UI", "Value": ["1.{n}"]}}}}"#);
    let list: Vec<String> = numbers.map(study).collect();
    format!("[{}]", list.join(","))
}

fn number(seen: &Seen, name: &str) -> Option<u64> {
    let (_, query) = seen.target.split_once('?')?;
    let values = query.split('&').filter_map(|pair| pair.split_once('='));
    values
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value.parse().unwrap())
        .next()
}

/// A server with so many studies that gives `most` at a time.
fn pages(total: u64, most: u64) -> Server {
    Server::start(move |seen, _| {
        let limit = number(seen, "limit").unwrap().min(most);
        let first = number(seen, "offset").unwrap_or(0).min(total);
        let last = (first + limit).min(total);
        vec![Step::Send(json(&studies(first..last)))]
    })
}

fn uids(server: &Server, query: &Query) -> Vec<String> {
    let client = server.client(settings());
    let found = client.search(query);
    found
        .map(|d| d.unwrap().string(Tag::STUDY_INSTANCE_UID).unwrap())
        .collect()
}

fn expected(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|n| format!("1.{n}")).collect()
}

#[test]
fn matches_come_page_by_page() {
    for (total, most) in [(0, 10), (3, 10), (10, 10), (23, 10), (23, 7), (23, 1)] {
        let server = pages(total, most);
        let query = Query::studies().page(10);
        assert_eq!(uids(&server, &query), expected(0..total), "{total} {most}");
    }
    let server = pages(23, 100);
    let query = Query::studies().page(10).offset(2).limit(15);
    assert_eq!(uids(&server, &query), expected(2..17));
    let targets: Vec<String> = server.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(
        targets,
        [
            "/dicom-web/studies?limit=10&offset=2",
            "/dicom-web/studies?limit=5&offset=12"
        ]
    );
}

#[test]
fn matches_are_asked_for_only_when_they_are_needed() {
    let server = pages(1000, 100);
    let client = server.client(settings());
    let mut found = client.search(&Query::studies().page(10));
    assert!(server.seen().is_empty());
    found.next().unwrap().unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn servers_that_do_not_page_are_understood_or_refused() {
    // All at once, whatever was asked for.
    let server = Server::script(vec![json(&studies(0..25))]);
    let query = Query::studies().page(10);
    assert_eq!(uids(&server, &query), expected(0..25));
    assert_eq!(uids(&server, &query.clone().limit(7)), expected(0..7));
    // The same short list again: there is no more.
    let server = Server::script(vec![json(&studies(0..5))]);
    assert_eq!(uids(&server, &query), expected(0..5));
    // The same full page again: the rest cannot be had.
    let server = Server::script(vec![json(&studies(0..10))]);
    let mut found = server.client(settings()).search(&query);
    assert_eq!(found.by_ref().take_while(Result::is_ok).count(), 10);
    let again = server.client(settings()).search(&query).last().unwrap();
    assert!(matches!(fault(again), Fault::Answer { .. }));
    assert!(found.next().is_none());
    // A study that moved to the next page while the first was read is given once.
    let server = Server::script(vec![
        json(&studies(0..10)),
        json(&studies(9..12)),
        json("[]"),
    ]);
    assert_eq!(uids(&server, &query), expected(0..12));
}

#[test]
fn a_list_without_end_is_cut_off() {
    let server = pages(u64::MAX, 100);
    let client = server.client(settings().max_memory(100_000));
    let mut found = client.search(&Query::studies().page(100));
    let count = found.by_ref().take_while(Result::is_ok).count();
    assert!((300..=400).contains(&count), "{count}");
    assert!(found.next().is_none());
    let last = client.search(&Query::studies().page(100)).last().unwrap();
    assert!(matches!(fault(last), Fault::TooLarge { .. }));
}

#[test]
fn none_is_said_in_three_ways() {
    for answer in [
        json("[]"),
        reply(204, &[], b""),
        reply(404, &[], b"nothing"),
    ] {
        let server = Server::script(vec![answer]);
        assert!(uids(&server, &Query::studies()).is_empty());
        assert_eq!(server.seen().len(), 1);
    }
}

#[test]
fn lists_may_be_compressed_or_in_chunks() {
    let text = studies(0..3);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut chunked = head(200, &[JSON, ("Transfer-Encoding", "chunked")]);
    for piece in text.as_bytes().chunks(7) {
        chunked.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        chunked.extend(piece);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    let none = json("[]");
    for answer in [
        reply(200, &[JSON, ("Content-Encoding", "gzip")], &gzip),
        chunked,
    ] {
        let server = Server::script(vec![answer, none.clone()]);
        assert_eq!(uids(&server, &Query::studies()), expected(0..3));
    }
}

#[test]
fn what_is_no_list_is_refused() {
    let query = Query::studies();
    for (answer, part) in [
        (json("{}"), "expected a list of datasets"),
        (json("[{\"0020000D\": 1}]"), "vr must be"),
        (json("[{}]"), "StudyInstanceUID"),
        (json("<html>"), "expected value"),
        (
            reply(200, &[("Content-Type", "text/html")], b"log in"),
            "text/html",
        ),
        (
            reply(200, &[("Content-Type", "text html")], b"log in"),
            "media type",
        ),
        (
            reply(200, &[JSON, ("Content-Encoding", "br")], b"[]"),
            "content encoding",
        ),
        (
            reply(
                200,
                &[JSON, ("Content-Encoding", "gzip")],
                b"[                ]",
            ),
            "gzip",
        ),
    ] {
        let server = Server::script(vec![answer]);
        let error = server.client(once()).search(&query).next().unwrap();
        let error = error.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
