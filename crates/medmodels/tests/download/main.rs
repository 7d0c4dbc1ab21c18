//! Published files over HTTPS, from a server on this machine.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod server;

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use medmodels::pretrained::{DownloadFault, DownloadSettings, Manifest, Store, TlsRoots};
use medmodels::registry::Request;
use medmodels::{Error, create};
use mednn::params::Params;
use sha2::{Digest, Sha256};

use server::{Answer, Server};

/// A small network's weights as a file.
fn weights() -> (Vec<u8>, Params) {
    let request = Request::new().with_spatial_dims(2).with_out_channels(3);
    let config = medmodels::registry::find("segresnet").unwrap();
    let config = config.config(&request).unwrap();
    let params = Params::new(11);
    create(&config, &params).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lung.safetensors");
    params.save_safetensors(&path).unwrap();
    (std::fs::read(path).unwrap(), params)
}

fn manifest(source: &str, bytes: &[u8]) -> Manifest {
    let hash = Sha256::digest(bytes);
    let hash: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    let manifest = serde_json::json!({
        "tag": "segresnet.lung", "network": "segresnet", "file": "lung.safetensors",
        "source": source, "sha256": hash, "licence": "CC0-1.0",
        "in_channels": 1, "out_channels": 3,
    });
    serde_json::from_value(manifest).unwrap()
}

fn settings(server: &Server) -> DownloadSettings {
    DownloadSettings::new()
        .with_roots(TlsRoots::Pem(server.root.clone()))
        .with_timeouts(Duration::from_secs(20), Duration::from_secs(20))
}

/// Why a download failed; it left nothing behind.
fn fault(store: &Path, manifest: &Manifest, settings: &DownloadSettings) -> DownloadFault {
    let failed = Store::new(store).download(manifest, settings).unwrap_err();
    assert!(failed.to_string().contains(&manifest.source), "{failed}");
    let Error::Download { fault, .. } = failed else {
        panic!("{failed:?}");
    };
    let left = std::fs::read_dir(store).map_or(0, Iterator::count);
    assert_eq!(left, 0, "{fault:?}");
    *fault
}

#[test]
fn a_file_comes_once_and_goes_into_the_network() {
    let (bytes, params) = weights();
    let server = Server::start();
    let source = server.publish("/lung", Answer::file(&bytes));
    let moved = server.publish("/moved", Answer::Redirect(source));
    let manifest = manifest(&moved, &bytes);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("made").join("on the way"));
    let told = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&told);
    let settings = settings(&server).with_progress(move |progress| {
        notes.lock().unwrap().push(progress);
        ControlFlow::Continue(())
    });
    let request = Request::new().with_spatial_dims(2);
    store.download(&manifest, &settings).unwrap();
    let found = store.network(&manifest, &request, 5).unwrap();
    assert_eq!(found.report.loaded, params.names());
    assert_eq!(std::fs::read(store.path(&manifest)).unwrap(), bytes);
    {
        let told = told.lock().unwrap();
        assert!(told.len() > 1 && told.is_sorted_by_key(|progress| progress.bytes));
        let last = told.last().unwrap();
        assert_eq!(last.bytes, bytes.len() as u64);
        assert_eq!(last.expected, Some(last.bytes));
    }
    // It is there and whole, so nobody is asked again.
    assert_eq!(server.requests(), 2);
    store.download(&manifest, &settings).unwrap();
    assert_eq!(server.requests(), 2);
    // A damaged file is replaced.
    std::fs::write(store.path(&manifest), b"damaged").unwrap();
    store.download(&manifest, &settings).unwrap();
    assert_eq!(server.requests(), 4);
    assert_eq!(std::fs::read(store.path(&manifest)).unwrap(), bytes);
    let files = std::fs::read_dir(store.path(&manifest).parent().unwrap());
    assert_eq!(files.unwrap().count(), 1);
}

#[test]
fn what_is_not_what_the_manifest_says_never_gets_its_name() {
    let (bytes, _) = weights();
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let settings = settings(&server);
    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    let at = |path: &str, answer| manifest(&server.publish(path, answer), &bytes);

    let fault_of = |manifest: &Manifest| fault(folder, manifest, &settings);
    let found = fault_of(&at("/other", Answer::file(&other)));
    assert!(
        matches!(&found, DownloadFault::OtherHash { found, .. } if found.len() == 64),
        "{found:?}"
    );
    let cut = Answer::Cut {
        announced: bytes.len(),
        body: bytes[..1000].to_vec(),
    };
    let found = fault_of(&at("/cut", cut));
    assert!(
        matches!(
            found,
            DownloadFault::Incomplete { .. } | DownloadFault::Transport(_)
        ),
        "{found:?}"
    );
    let found = fault_of(&at("/none", Answer::Status(404)));
    assert!(matches!(found, DownloadFault::Status(404)), "{found:?}");
    // An older file stays where the new one is none.
    let store = tempfile::tempdir().unwrap();
    let store = Store::new(store.path());
    let gone = at("/gone", Answer::Status(410));
    std::fs::create_dir_all(store.path(&gone).parent().unwrap()).unwrap();
    std::fs::write(store.path(&gone), b"older").unwrap();
    store.download(&gone, &settings).unwrap_err();
    assert_eq!(std::fs::read(store.path(&gone)).unwrap(), b"older");
}

#[test]
fn files_larger_than_allowed_are_refused_announced_or_not() {
    let (bytes, _) = weights();
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let limit = 100_000;
    assert!(bytes.len() > 2 * limit);
    let settings = settings(&server).with_max_bytes(limit as u64);
    let announced = manifest(&server.publish("/whole", Answer::file(&bytes)), &bytes);
    let found = fault(folder.path(), &announced, &settings);
    let whole = bytes.len() as u64;
    assert!(
        matches!(found, DownloadFault::TooLarge { bytes, .. } if bytes == whole),
        "{found:?}"
    );
    let streamed = Answer::Unannounced(bytes.clone());
    let streamed = manifest(&server.publish("/streamed", streamed), &bytes);
    let found = fault(folder.path(), &streamed, &settings);
    assert!(
        matches!(found, DownloadFault::TooLarge { bytes, .. } if bytes < whole),
        "{found:?}"
    );
    let enough = settings.with_max_bytes(whole);
    let path = Store::new(folder.path())
        .download(&streamed, &enough)
        .unwrap();
    assert_eq!(std::fs::read(path).unwrap(), bytes);
}

#[test]
fn nothing_but_https_is_spoken_and_only_known_roots_are_believed() {
    let (bytes, _) = weights();
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let of = |source: &str| manifest(source, &bytes);
    let source = server.publish("/lung", Answer::file(&bytes));
    for plain in ["http", "ftp", "file"] {
        let plain = of(&source.replacen("https", plain, 1));
        let found = fault(folder.path(), &plain, &settings(&server));
        assert!(matches!(found, DownloadFault::NotHttps), "{found:?}");
    }
    assert_eq!(server.requests(), 0);
    let away = source.replacen("https", "http", 1);
    let away = of(&server.publish("/away", Answer::Redirect(away)));
    let found = fault(folder.path(), &away, &settings(&server));
    assert!(matches!(found, DownloadFault::NotHttps), "{found:?}");
    let again = server.publish("/round", Answer::Status(404));
    server.publish("/round", Answer::Redirect(again.clone()));
    let found = fault(folder.path(), &of(&again), &settings(&server));
    assert!(matches!(found, DownloadFault::Redirects), "{found:?}");

    let another = settings(&Server::start());
    let found = fault(folder.path(), &of(&source), &another);
    assert!(matches!(found, DownloadFault::Transport(_)), "{found:?}");
    let none = another.with_roots(TlsRoots::Pem(b"no certificate".to_vec()));
    let found = fault(folder.path(), &of(&source), &none);
    assert!(matches!(found, DownloadFault::NoRoots), "{found:?}");
}

#[test]
fn who_is_told_of_the_progress_can_end_it() {
    let (bytes, _) = weights();
    let server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest(&server.publish("/lung", Answer::file(&bytes)), &bytes);
    let settings = settings(&server).with_progress(|progress| match progress.bytes {
        0..50_000 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    });
    let found = fault(folder.path(), &manifest, &settings);
    assert!(matches!(found, DownloadFault::Stopped), "{found:?}");
}
