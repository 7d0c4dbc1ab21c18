//! Metadata, bulk data, frames and pictures.

use medio::dicom::{Tag, Value};
use medio::dicomweb::{Fault, FrameEncoding, Rendering, Resource};

use crate::objects::{SERIES, STUDY};
use crate::server::{JSON, MULTIPART, Server, fault, parts, reply, settings, within};

fn instance() -> Resource {
    Resource::instance(STUDY, SERIES, &format!("{SERIES}.1")).unwrap()
}

const OCTETS: (&str, &str) = ("Content-Type", "application/octet-stream");

#[test]
fn bulk_data_of_metadata_is_fetched_from_where_it_lies() {
    within(|| {
        let server = Server::start(|seen, _| {
            let sent = if seen.target.ends_with("metadata") {
                let entry = |uri| format!(r#"{{"vr": "OW", "BulkDataURI": "{uri}"}}"#);
                let text = format!(
                    r#"[{{"0020000D": {{"vr": "UI", "Value": ["{STUDY}"]}},
                        "0020000E": {{"vr": "UI", "Value": ["{SERIES}"]}},
                        "00080018": {{"vr": "UI", "Value": ["{SERIES}.1"]}},
                        "00283010": {{"vr": "SQ", "Value": [{{"00283006": {}}}]}},
                        "7FE00010": {}}}]"#,
                    entry("../../../../../bulk/lut"),
                    entry("bulk/pixels?a=b")
                );
                reply(200, &[JSON], text.as_bytes())
            } else if seen.target.ends_with("lut") {
                reply(200, &[OCTETS], seen.target.as_bytes())
            } else {
                let body = parts("application/octet-stream", &[b"one", b"two"]);
                reply(200, &[MULTIPART], &body)
            };
            vec![crate::server::Step::Send(sent)]
        });
        let client = server.client(settings());
        let found = client.metadata(&instance()).unwrap().remove(0);
        let uri = |element: Option<&medio::dicom::Element>| match element.map(|e| e.value()) {
            Some(Value::Uri(uri)) => uri.to_string(),
            other => panic!("{other:?}"),
        };
        let lut = uri(found
            .item(Tag::VOI_LUT_SEQUENCE)
            .unwrap()
            .get(Tag::LUT_DATA));
        assert_eq!(
            lut,
            format!("{}/dicom-web/studies/bulk/lut", server.origin())
        );
        let bodies = client.bulk_data(&lut).unwrap();
        assert_eq!(bodies.len(), 1);
        assert_eq!(bodies[0].bytes, b"/dicom-web/studies/bulk/lut");
        let pixels = client.bulk_data(&uri(found.get(Tag::PIXEL_DATA))).unwrap();
        let bytes: Vec<&[u8]> = pixels.iter().map(|body| &body.bytes[..]).collect();
        assert_eq!(bytes, [b"one", b"two"]);
        let media_type = pixels[0].media_type.as_ref().unwrap();
        assert_eq!(media_type.essence(), "application/octet-stream");
        assert!(
            server
                .seen()
                .pop()
                .unwrap()
                .target
                .ends_with("/bulk/pixels?a=b")
        );
    });
}

#[test]
fn bulk_data_of_other_servers_is_not_fetched() {
    within(|| {
        let other = Server::script(vec![reply(200, &[OCTETS], b"x")]);
        let server = Server::script(vec![reply(200, &[OCTETS], b"x")]);
        let client = server.client(settings().bearer("secret"));
        for uri in [
            &other.url()[..],
            "file:///etc/passwd",
            "http://169.254.169.254/latest/meta-data?x=secret",
            "//127.0.0.1:1/x",
            &server.url().replace("http:", "https:"),
            "http://user:secret@127.0.0.1/",
        ] {
            let failed = fault(client.bulk_data(uri));
            assert!(matches!(failed, Fault::ForeignOrigin { .. }), "{failed:?}");
        }
        assert!(server.seen().is_empty() && other.seen().is_empty());
    });
}

#[test]
fn bulk_data_is_not_redirected_to_other_servers() {
    within(|| {
        let other = Server::script(vec![reply(200, &[OCTETS], b"x")]);
        let elsewhere = reply(302, &[("Location", &other.url())], b"");
        let server = Server::script(vec![elsewhere]);
        let failed = fault(server.client(settings()).bulk_data("x"));
        assert!(matches!(failed, Fault::Redirect { .. }), "{failed:?}");
        assert!(other.seen().is_empty());
        let here = reply(302, &[("Location", "/there")], b"");
        let server = Server::script(vec![here, reply(200, &[OCTETS], b"x")]);
        let found = server.client(settings()).bulk_data("x").unwrap();
        assert_eq!(found[0].bytes, b"x");
    });
}

#[test]
fn bulk_data_in_memory_is_bounded() {
    within(|| {
        let settings = || settings().max_memory(100_000);
        let tiny: Vec<&[u8]> = vec![b""; 4000];
        let many = reply(200, &[MULTIPART], &parts("a/b", &tiny));
        let long = reply(200, &[OCTETS], &vec![0; 100_001]);
        for answer in [many, long] {
            let server = Server::script(vec![answer]);
            let failed = fault(server.client(settings()).bulk_data("x"));
            assert!(matches!(failed, Fault::TooLarge { .. }), "{failed:?}");
        }
    });
}

#[test]
fn frames_are_counted_and_come_in_order() {
    within(|| {
        // As many parts as numbers in the URL, each its number.
        let server = Server::start(|seen, _| {
            let list = seen.target.rsplit('/').next().unwrap();
            let numbers: Vec<&[u8]> = list.split(',').map(str::as_bytes).collect();
            let body = parts(
                "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90",
                &numbers,
            );
            vec![crate::server::Step::Send(reply(200, &[MULTIPART], &body))]
        });
        let client = server.client(settings());
        let numbers: Vec<u32> = (1..=250).rev().collect();
        let frames = client.frames(&instance(), &numbers, FrameEncoding::Stored);
        for (frame, number) in frames.unwrap().iter().zip(&numbers) {
            assert_eq!(frame.bytes, number.to_string().as_bytes());
            let media_type = frame.media_type.as_ref().unwrap();
            let syntax = media_type.parameter("transfer-syntax");
            assert_eq!(syntax, Some("1.2.840.10008.1.2.4.90"));
        }
        assert_eq!(server.seen().len(), 3);
        let short = Server::script(vec![reply(200, &[MULTIPART], &parts("a/b", &[b"1"]))]);
        let client = short.client(settings());
        let failed = fault(client.frames(&instance(), &[1, 2], FrameEncoding::Native));
        assert!(matches!(failed, Fault::Answer { .. }));
        let accept = short.seen()[0].header("accept").unwrap().to_owned();
        assert!(
            accept.ends_with("transfer-syntax=1.2.840.10008.1.2.1"),
            "{accept}"
        );
        let series = Resource::series(STUDY, SERIES).unwrap();
        for (resource, number) in [(instance(), 0), (series, 1)] {
            let failed = fault(client.frames(&resource, &[number], FrameEncoding::Stored));
            assert!(matches!(failed, Fault::InvalidSetting { .. }));
        }
    });
}

#[test]
fn pictures_are_what_was_asked_for() {
    within(|| {
        let png = ("Content-Type", "image/png");
        let server = Server::script(vec![reply(200, &[png], b"\x89PNG")]);
        let client = server.client(settings());
        let rendering = Rendering::png().frame(2).window(40.0, 400.0);
        let picture = client.rendered(&instance(), &rendering).unwrap();
        assert_eq!(picture.bytes, b"\x89PNG");
        client.thumbnail(&instance(), &Rendering::png()).unwrap();
        let seen = server.seen();
        assert!(
            seen[0]
                .target
                .ends_with("/frames/2/rendered?window=40,400,linear")
        );
        assert!(
            seen[1]
                .target
                .ends_with(&format!("/instances/{SERIES}.1/thumbnail"))
        );
        let failed = fault(client.rendered(&instance(), &Rendering::jpeg()));
        assert!(matches!(failed, Fault::UnexpectedMediaType { .. }));
        let failed = fault(client.rendered(&instance(), &Rendering::png().frame(0)));
        assert!(matches!(failed, Fault::InvalidSetting { .. }));
    });
}
