//! The program of `docs/guides/dicomweb.md`, run against a server that works.

use std::path::Path;
use std::time::Duration;

use medio::dicom::{Dataset, Tag, Value, WriteOptions};
use medio::dicomweb::{Client, Proxy, Query, Resource, Retry, Settings, Store};

fn connect(url: &str) -> medio::Result<Client> {
    let settings = Settings::new()
        .basic("reader", "secret") // or .bearer(token), or .tokens(|| fetch_a_token())
        .read_timeout(Duration::from_secs(30))
        .retry(Retry::new(5))
        .connections(4)
        .proxy(Proxy::None);
    Client::with_settings(url, settings)
}

/// The CT series of a patient, newest first.
fn series_of(client: &Client, patient: &str) -> Result<Vec<Resource>, Box<dyn std::error::Error>> {
    let query = Query::series()
        .patient_id(patient)
        .modality("CT")
        .include(Tag::STUDY_DATE);
    let mut found: Vec<Dataset> = client.search(&query).collect::<Result<_, _>>()?;
    found.sort_by_key(|series| std::cmp::Reverse(series.string(Tag::STUDY_DATE)));
    let series: Result<_, _> = found.iter().map(Resource::of).collect();
    Ok(series?)
}

/// Downloads a series and reads it as one volume in Hounsfield units.
fn volume(
    client: &Client,
    series: &Resource,
    folder: &Path,
) -> medio::Result<medio::dicom::SeriesVolume<f32>> {
    let download = client.download(series, folder)?;
    println!("{} files, {} bytes", download.files.len(), download.bytes);
    medio::dicom::scan(folder)?.only()?.volume::<f32>()
}

/// The bytes of an instance's pixels, without the rest of its file.
fn pixels(client: &Client, instance: &Resource) -> medio::Result<Vec<u8>> {
    let metadata = client.metadata(instance)?;
    let element = metadata.first().and_then(|d| d.get(Tag::PIXEL_DATA));
    match element.map(|element| element.value()) {
        Some(Value::Uri(uri)) => {
            let parts = client.bulk_data(uri)?;
            Ok(parts.into_iter().flat_map(|part| part.bytes).collect())
        }
        _ => Ok(Vec::new()),
    }
}

/// Sends files and a report, and says what the server did not take.
fn send(client: &Client, files: &[&Path], report: Dataset) -> medio::Result<bool> {
    let store = Store::new()
        .files(files)
        .dataset(report, WriteOptions::new());
    let answer = client.store(&store)?;
    for failed in &answer.failed {
        println!("{:?}: {}", failed.instance_uid, failed.reason);
    }
    for (stored, reason) in answer.warnings() {
        println!("{}: {reason}", stored.instance_uid);
    }
    Ok(answer.all_stored())
}

pub(crate) mod test {
    use super::*;
    use crate::objects::{self, SERIES, STUDY, encoded, slice};
    use crate::{honest, server};

    /// Stores, finds, downloads and reads, wherever the server is.
    pub(crate) fn run(url: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let mut files = Vec::new();
        for number in 1..=objects::SLICES {
            let file = path.join(format!("{number}.dcm"));
            let bytes = encoded(&slice(number), &WriteOptions::new());
            std::fs::write(&file, bytes).unwrap();
            files.push(file);
        }
        let files: Vec<&Path> = files.iter().map(|file| file.as_path()).collect();
        let client = connect(url).unwrap();
        assert!(send(&client, &files, objects::report()).unwrap());
        let found = series_of(&client, "P-7").unwrap();
        assert_eq!(found, [Resource::series(STUDY, SERIES).unwrap()]);
        let volume = volume(&client, &found[0], &path.join("series")).unwrap();
        assert_eq!(volume.image.shape(), [6, 24, 24]);
        let instance = Resource::instance(STUDY, SERIES, &format!("{SERIES}.2")).unwrap();
        let sent = slice(2);
        let sent = sent.bytes(Tag::PIXEL_DATA).unwrap();
        assert!(pixels(&client, &instance).unwrap() == sent);
    }

    #[test]
    fn the_guide_does_what_it_says() {
        server::within(60, || run(&honest::serve(Vec::new(), 0).url()));
    }
}
