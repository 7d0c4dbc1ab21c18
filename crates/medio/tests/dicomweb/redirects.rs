//! Redirections: followed, but not with what belongs to one server alone.

use medio::dicom::WriteOptions;
use medio::dicomweb::{Fault, Query, Store};

use crate::objects::slice;
use crate::server::{Server, fault, json, reply, settings, within};

fn redirect(status: u16, to: &str) -> Vec<u8> {
    reply(status, &[("Location", to)], b"")
}

#[test]
fn credentials_stay_with_their_server() {
    within(|| {
        let other = Server::script(vec![json("[]")]);
        for status in [301, 302, 303, 307, 308] {
            let server = Server::script(vec![redirect(status, &other.url())]);
            let settings = settings().bearer("secret").header("X-Key", "secret");
            let found = server.client(settings).search(&Query::studies()).count();
            assert_eq!(found, 0);
            assert_eq!(
                server.seen()[0].header("authorization"),
                Some("Bearer secret")
            );
            let seen = other.seen().pop().unwrap();
            assert_eq!(seen.header("authorization"), None);
            assert_eq!(seen.header("x-key"), None);
            assert_eq!(seen.header("accept"), Some("application/dicom+json"));
        }
        assert_eq!(other.seen().len(), 5);
    });
}

#[test]
fn on_the_same_server_credentials_go_along() {
    within(|| {
        let server = Server::script(vec![redirect(302, "../elsewhere?a=b"), json("[]")]);
        let settings = settings().bearer("secret");
        assert_eq!(server.client(settings).search(&Query::studies()).count(), 0);
        let seen = server.seen().pop().unwrap();
        assert_eq!(seen.target, "/elsewhere?a=b");
        assert_eq!(seen.header("authorization"), Some("Bearer secret"));
    });
}

#[test]
fn circles_and_nonsense_are_not_followed() {
    within(|| {
        for (to, requests) in [
            ("studies", 6),
            ("file:///etc/passwd", 1),
            ("http://user:secret@127.0.0.1/", 1),
            ("http://a b/", 1),
        ] {
            let server = Server::script(vec![redirect(302, to)]);
            let found = server.client(settings()).search(&Query::studies()).next();
            let failed = fault(found.unwrap());
            assert!(matches!(failed, Fault::Redirect { .. }), "{to}: {failed:?}");
            assert_eq!(server.seen().len(), requests, "{to}");
        }
    });
}

#[test]
fn instances_are_sent_on_to_the_same_server_only() {
    within(|| {
        let other = Server::script(vec![json("{}")]);
        let send = Store::new().dataset(slice(1), WriteOptions::new());
        for (status, to) in [
            (302, "/elsewhere".to_owned()),
            (307, other.url()),
            (308, other.url()),
        ] {
            let server = Server::script(vec![redirect(status, &to)]);
            let failed = fault(server.client(settings()).store(&send));
            assert!(matches!(failed, Fault::Redirect { .. }), "{failed:?}");
        }
        assert!(other.seen().is_empty());
        let server = Server::script(vec![redirect(307, "/elsewhere"), json("{}")]);
        let report = server.client(settings()).store(&send).unwrap();
        assert_eq!(report.unmentioned.len(), 1);
        let seen = server.seen();
        assert_eq!(seen[1].target, "/elsewhere");
        assert!(!seen[0].body.is_empty() && seen[0].body == seen[1].body);
    });
}
