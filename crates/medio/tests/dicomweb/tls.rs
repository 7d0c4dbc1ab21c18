//! Servers behind TLS: certificates that are believed, and those that are not.

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use medio::dicomweb::{Client, Fault, Query, Settings, TlsRoots};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::server::{PATIENCE, fault, json, once, receive, within};

type Authority = CertifiedIssuer<'static, KeyPair>;

/// Who signs certificates.
fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// The port of a server with a certificate for this name; it answers every request with an empty list.
fn serve(authority: &Authority, name: &str) -> u16 {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    // Lives as long as the test program.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let config = Arc::clone(&config);
            thread::spawn(move || {
                let stream = stream.unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let connection = ServerConnection::new(config).unwrap();
                let mut stream = StreamOwned::new(connection, stream);
                if let Some(seen) = receive(&mut stream) {
                    assert_eq!(seen.header("authorization"), Some("Bearer token"));
                    stream.write_all(&json("[]")).unwrap();
                    stream.conn.send_close_notify();
                    let _ = stream.flush();
                }
            });
        }
    });
    port
}

fn search(port: u16, settings: Settings) -> medio::Result<usize> {
    let url = format!("https://127.0.0.1:{port}/dicom-web");
    let client = Client::with_settings(&url, settings.bearer("token"))?;
    let found: medio::Result<Vec<_>> = client.search(&Query::studies()).collect();
    found.map(|found| found.len())
}

#[test]
fn a_certificate_is_believed_if_it_leads_to_a_root_and_names_the_server() {
    within(|| {
        let (ours, other) = (authority("ours"), authority("another"));
        let trusting = |authority: &Authority| {
            let pem = authority.pem().into_bytes();
            once().tls_roots(TlsRoots::Pem(pem))
        };
        let port = serve(&ours, "127.0.0.1");
        assert_eq!(search(port, trusting(&ours)).unwrap(), 0);
        // One of several roots.
        let both = [other.pem(), ours.pem()].concat().into_bytes();
        assert_eq!(
            search(port, once().tls_roots(TlsRoots::Pem(both))).unwrap(),
            0
        );
        let refused = |port, settings: Settings| {
            let failed = fault(search(port, settings));
            match &failed {
                Fault::Connect { passing, .. } => assert!(!passing, "{failed}"),
                other => panic!("{other:?}"),
            }
            failed.to_string()
        };
        let said = refused(port, trusting(&other));
        assert!(said.contains("UnknownIssuer"), "{said}");
        refused(port, once().tls_roots(TlsRoots::WebPki));
        let elsewhere = serve(&ours, "pacs.example");
        let said = refused(elsewhere, trusting(&ours));
        assert!(said.contains("not valid for name"), "{said}");
    });
}
