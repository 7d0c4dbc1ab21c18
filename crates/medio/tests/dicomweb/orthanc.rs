//! Against Orthanc, which the test starts and stops: `MED_ORTHANC` names the program and
//! `MED_ORTHANC_DICOMWEB` its DICOMweb plugin (`.ci/orthanc` unpacks both).

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use medio::dicom::{self, Dataset, Tag, WriteOptions};
use medio::dicomweb::{
    Client, Fault, FrameEncoding, Proxy, Query, Rendering, Resource, Retry, Settings, Store,
};
use tempfile::TempDir;

use crate::connections::large;
use crate::objects::{self, SERIES, SLICES, STUDY, behind_meta, encoded};
use crate::server::fault;
use crate::written::Written;

struct Orthanc {
    process: Child,
    url: String,
    _folder: TempDir,
}

impl Drop for Orthanc {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program on this machine, unless the environment names none.
fn program(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}

impl Orthanc {
    fn start() -> Option<Self> {
        let (program, plugin) = (program("MED_ORTHANC")?, program("MED_ORTHANC_DICOMWEB")?);
        // In memory where there is such a place: its database waits for the disk at every instance.
        let memory = Path::new("/dev/shm");
        let folder = match memory.is_dir() {
            true => tempfile::tempdir_in(memory),
            false => tempfile::tempdir(),
        };
        let folder = folder.unwrap();
        // A port that is free, and that no other test is given: those come from the upper half.
        let first = 20_000 + u16::try_from(std::process::id() % 10_000).unwrap();
        let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
        let port = (first..first + 1000).find(free).unwrap();
        let settings = serde_json::json!({
            "StorageDirectory": folder.path(),
            "IndexDirectory": folder.path(),
            "Plugins": [plugin],
            "HttpPort": port,
            "Name": "medio",
            "DefaultEncoding": "Utf8",
            "RemoteAccessAllowed": false,
            "AuthenticationEnabled": true,
            "RegisteredUsers": { "reader": "secret" },
            "DicomServerEnabled": false,
            "OverwriteInstances": true,
            "DicomWeb": {
                "Enable": true,
                "Root": "/dicom-web/",
                "PublicRoot": "/dicom-web/",
                "StudiesMetadata": "Full",
                "SeriesMetadata": "Full",
            },
        });
        let path = folder.path().join("orthanc.json");
        std::fs::write(&path, settings.to_string()).unwrap();
        let process = Command::new(program)
            .arg(path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Self {
            process,
            url: format!("http://127.0.0.1:{port}/dicom-web"),
            _folder: folder,
        };
        let patient = client(&started.url, settings_of("secret").retry(Retry::none()));
        let begun = Instant::now();
        while let Some(Err(error)) = patient.search(&Query::studies()).next() {
            let waited = begun.elapsed();
            assert!(waited < Duration::from_secs(30), "Orthanc: {error}");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(started)
    }
}

fn settings_of(password: &str) -> Settings {
    Settings::new().basic("reader", password).proxy(Proxy::None)
}

fn client(url: &str, settings: Settings) -> Client {
    Client::with_settings(url, settings).unwrap()
}

/// Instances that have to come back as they went, to the byte.
fn comes_back(client: &Client, sent: Vec<u8>) {
    let original = dicom::decode(sent.clone(), &Default::default()).unwrap();
    let dataset = original.dataset();
    let resource = Resource::of(dataset).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let got = client.download(&resource, folder.path()).unwrap();
    let bytes = std::fs::read(&got.files[0]).unwrap();
    assert!(behind_meta(&bytes) == behind_meta(&sent), "{resource}");
    let file = dicom::open(&got.files[0]).unwrap();
    assert_eq!(file.transfer_syntax_uid(), original.transfer_syntax_uid());
    // In memory, and as metadata.
    let again = client.instance(&resource).unwrap();
    assert_eq!(again.dataset(), dataset);
    let metadata = client.metadata(&resource).unwrap().remove(0);
    listed(&metadata, dataset, &resource);
}

/// Metadata holds every attribute of a dataset, down to its last item, with its value; pixels by reference.
fn listed(metadata: &Dataset, dataset: &Dataset, resource: &Resource) {
    let pixels = [Tag::PIXEL_DATA, Tag::FLOAT_PIXEL_DATA];
    for element in dataset.elements() {
        let tag = element.tag();
        if pixels.contains(&tag) || tag == Tag::SPECIFIC_CHARACTER_SET {
            continue;
        }
        let got = metadata.get(tag);
        assert!(got.is_some(), "{resource}: {tag} is not in the metadata");
        let items = (metadata.items(tag), dataset.items(tag));
        assert_eq!(items.0.len(), items.1.len(), "{resource}: {tag}");
        for (got, sent) in items.0.iter().zip(items.1) {
            listed(got, sent, resource);
        }
        match dataset.floats(tag) {
            Ok(sent) if !sent.is_empty() => {
                assert_eq!(metadata.floats(tag).unwrap(), sent, "{resource}: {tag}");
            }
            _ => assert_eq!(metadata.text(tag), dataset.text(tag), "{resource}: {tag}"),
        }
    }
}

#[test]
fn what_goes_to_orthanc_comes_back() {
    let Some(orthanc) = Orthanc::start() else {
        println!("MED_ORTHANC and MED_ORTHANC_DICOMWEB are not set: Orthanc is passed over");
        return;
    };
    let url = &orthanc.url[..];
    let client = client(url, settings_of("secret"));
    assert_eq!(client.search(&Query::studies()).count(), 0);

    let all = objects::all();
    let add = |store: Store, (dataset, options): &(Dataset, WriteOptions)| {
        store.dataset(dataset.clone(), options.clone())
    };
    let report = client.store(&all.iter().fold(Store::new(), add)).unwrap();
    assert!(report.all_stored(), "{report:?}");
    assert_eq!(report.stored.len(), all.len());
    for (dataset, options) in &all {
        comes_back(&client, encoded(dataset, options));
    }
    searches(&client);
    whole_series(url);
    bulk_and_frames(&client);
    refusals(&client, url);
    let written = Written::new();
    written.goes_through(|connections| {
        self::client(url, settings_of("secret").connections(connections))
    });
    for file in written.files() {
        comes_back(&client, std::fs::read(file).unwrap());
    }
    crate::guide::test::run(url);
}

fn searches(client: &Client) {
    let count = |query: Query| client.search(&query).map(Result::unwrap).count();
    assert_eq!(count(Query::studies().patient_id("P-7")), 1);
    assert_eq!(count(Query::studies().patient_name("Phantom*")), 1);
    assert_eq!(count(Query::studies().patient_id("P-8")), 0);
    assert_eq!(count(Query::studies().modality("OT")), 1);
    assert_eq!(count(Query::series().study_uid(STUDY)), 2);
    assert_eq!(count(Query::series().modality("CT")), 1);
    let series = Resource::series(STUDY, SERIES).unwrap();
    let instances = Query::instances().within(&series);
    assert_eq!(count(instances.clone()), SLICES as usize);
    assert_eq!(count(instances.clone().page(4)), SLICES as usize);
    assert_eq!(count(instances.clone().limit(4)), 4);
    assert_eq!(count(instances.offset(4)), SLICES as usize - 4);
    let day = |day| {
        Some(dicom::Date {
            year: 2026,
            month: 11,
            day,
        })
    };
    assert_eq!(count(Query::studies().study_dates(day(22), None)), 1);
    assert_eq!(count(Query::studies().study_dates(day(1), day(21))), 0);
    let query = Query::series()
        .modality("CT")
        .include(Tag::SERIES_DESCRIPTION);
    let found = client.search(&query).next().unwrap().unwrap();
    assert_eq!(found.string(Tag::SERIES_DESCRIPTION).unwrap(), "ball");
    assert_eq!(Resource::of(&found).unwrap(), series);
    let name = found.person_name(Tag::PATIENT_NAME).unwrap();
    assert_eq!(name.given(), "Müller");
}

/// In one answer, and over several connections.
fn whole_series(url: &str) {
    for connections in [1, 4] {
        let client = client(url, settings_of("secret").connections(connections));
        let folder = tempfile::tempdir().unwrap();
        let series = Resource::series(STUDY, SERIES).unwrap();
        let got = client.download(&series, folder.path()).unwrap();
        assert_eq!(got.files.len(), SLICES as usize);
        let scan = dicom::scan(folder.path()).unwrap();
        let volume = scan.only().unwrap().volume::<f32>().unwrap();
        assert_eq!(volume.image.shape(), [SLICES as usize, 24, 24]);
        assert_eq!(volume.image.geometry().spacing(), [2.0, 0.5, 0.5]);
        let folder = tempfile::tempdir().unwrap();
        let study = Resource::study(STUDY).unwrap();
        let got = client.download(&study, folder.path()).unwrap();
        assert_eq!(got.files.len(), objects::all().len());
    }
}

fn bulk_and_frames(client: &Client) {
    let slice = objects::slice(2);
    let instance = Resource::of(&slice).unwrap();
    let metadata = client.metadata(&instance).unwrap().remove(0);
    let Some(dicom::Value::Uri(uri)) = metadata.get(Tag::PIXEL_DATA).map(|e| e.value()) else {
        panic!("no reference to the pixels")
    };
    let sent = slice.bytes(Tag::PIXEL_DATA).unwrap();
    let bulk = client.bulk_data(uri).unwrap();
    assert!(bulk.len() == 1 && bulk[0].bytes == sent);
    for encoding in [FrameEncoding::Stored, FrameEncoding::Native] {
        let frames = client.frames(&instance, &[1], encoding).unwrap();
        assert!(frames.len() == 1 && frames[0].bytes == sent, "{encoding:?}");
    }
    let (compressed, _) = objects::compressed();
    let resource = Resource::of(&compressed).unwrap();
    let frames = client.frames(&resource, &[1], FrameEncoding::Stored);
    let fragment = match compressed.get(Tag::PIXEL_DATA).unwrap().value() {
        dicom::Value::Fragments(fragments) => fragments[1].to_vec(),
        other => panic!("{other:?}"),
    };
    let frame = &frames.unwrap()[0];
    assert!(frame.bytes == fragment, "{:?}", frame.media_type);
    let picture = client.rendered(&instance, &Rendering::png()).unwrap();
    assert!(picture.bytes.starts_with(b"\x89PNG"));
}

fn refusals(known: &Client, url: &str) {
    let nothing = Resource::series(STUDY, "1.2.3").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let failed = fault(known.download(&nothing, folder.path()));
    assert!(
        matches!(failed, Fault::Http { status: 404, .. }),
        "{failed:?}"
    );
    let failed = fault(known.metadata(&nothing));
    assert!(
        matches!(failed, Fault::Http { status: 404, .. }),
        "{failed:?}"
    );
    let stranger = client(url, settings_of("wrong"));
    let found = stranger.search(&Query::studies()).next().unwrap();
    assert!(matches!(fault(found), Fault::Http { status: 401, .. }));
    let failed = fault(stranger.store(&large()));
    assert!(
        matches!(failed, Fault::Http { status: 401, .. }),
        "{failed:?}"
    );
    // Instances of another study than the one they are stored into.
    let other = Store::new()
        .dataset(objects::slice(1), WriteOptions::new())
        .into_study("1.2.3")
        .unwrap();
    let report = known.store(&other).unwrap();
    let uid = objects::uid(&objects::slice(1));
    assert_eq!(report.failed[0].instance_uid, Some(uid));
    assert_eq!(report.failed[0].reason.name(), "processing failure");
}
