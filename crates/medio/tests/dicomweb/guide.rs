//! The program of `docs/guides/dicomweb.md`, run against a server that works.

use std::path::{Path, PathBuf};
use std::time::Duration;

use medio::dicom::{
    Algorithm, Creation, Dataset, LabelGrid, LabelReport, MeasurementReport, Segmentation,
    SeriesVolume, Source, StructuredReport, Tag, Value,
};
use medio::dicomweb::{Client, Proxy, Query, Resource, Retry, Settings, Store};
use medio::medcore::{LabelMap, LabelTable};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn connect(url: &str) -> Result<Client> {
    let settings = Settings::new()
        .basic("reader", "secret") // or .bearer(token), or .tokens(|| fetch_a_token())
        .read_timeout(Duration::from_secs(30))
        .retry(Retry::new(5))
        .connections(4)
        .proxy(Proxy::None);
    Ok(Client::with_settings(url, settings)?)
}

/// The CT series of a patient, newest first.
fn series_of(client: &Client, patient: &str) -> Result<Vec<Resource>> {
    let query = Query::series()
        .patient_id(patient)
        .modality("CT")
        .include(Tag::STUDY_DATE);
    let mut found: Vec<Dataset> = client.search(&query).collect::<medio::Result<_>>()?;
    found.sort_by_key(|series| std::cmp::Reverse(series.string(Tag::STUDY_DATE)));
    let mut series = Vec::new();
    for dataset in &found {
        series.push(Resource::of(dataset)?);
    }
    Ok(series)
}

/// Downloads a series and reads it as one volume in Hounsfield units.
fn volume(client: &Client, series: &Resource, folder: &Path) -> Result<SeriesVolume<f32>> {
    let download = client.download(series, folder)?;
    println!("{} files, {} bytes", download.files.len(), download.bytes);
    Ok(medio::dicom::scan(folder)?.only()?.volume()?)
}

/// Labels a volume, and writes the labels as a segmentation and their volumes as a report.
fn results(volume: &SeriesVolume<f32>, folder: &Path) -> Result<[PathBuf; 2]> {
    // Your network stands here; this one finds what is denser than water.
    let dense = |value: &f32| u8::from(*value > 30.0);
    let labels: Vec<u8> = volume.image.as_slice().iter().map(dense).collect();
    let labels = LabelMap::new(*volume.image.geometry(), labels)?;

    let names = LabelTable::new([("liver", vec![1])])?;
    let source = Source::of(volume)?;
    let program = Algorithm::automatic("threshold", "1.0");
    let report = LabelReport::new(&source, &labels, &names, program)?;
    Ok(report.write(folder, &Creation::now()?.series_number(900))?)
}

/// Sends files, and says what the server did not take.
fn send(client: &Client, files: &[PathBuf]) -> Result<bool> {
    let answer = client.store(&Store::new().files(files))?;
    for failed in &answer.failed {
        println!("{:?}: {}", failed.instance_uid, failed.reason);
    }
    for (stored, reason) in answer.warnings() {
        println!("{}: {reason}", stored.instance_uid);
    }
    Ok(answer.all_stored())
}

/// The instances of one modality in the study of a series.
fn instances_of(client: &Client, series: &Resource, modality: &str) -> Result<Vec<Resource>> {
    let study = Resource::study(series.study_uid().as_str())?;
    let mut instances = Vec::new();
    for found in client.search(&Query::series().within(&study).modality(modality)) {
        let series = Resource::of(&found?)?;
        for found in client.search(&Query::instances().within(&series)) {
            instances.push(Resource::of(&found?)?);
        }
    }
    Ok(instances)
}

/// Reads the labels of a volume and what was measured of them, straight from the server.
fn read_back(
    client: &Client,
    series: &Resource,
    volume: &SeriesVolume<f32>,
) -> Result<(LabelMap<u8, 3>, MeasurementReport)> {
    let newest = |modality| -> Result<Resource> {
        let found = instances_of(client, series, modality)?.pop();
        found.ok_or_else(|| format!("no {modality} in the study").into())
    };
    let segmentation = Segmentation::of(client.instance(&newest("SEG")?)?)?;
    let labels = segmentation.label_map(&LabelGrid::of_volume(volume)?)?;
    let report = client.instance(&newest("SR")?)?;
    let report = MeasurementReport::of(StructuredReport::of(report.dataset())?)?;
    Ok((labels, report))
}

/// The bytes of an instance's pixels, without the rest of its file.
fn pixels(client: &Client, instance: &Resource) -> Result<Vec<u8>> {
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

pub(crate) mod test {
    use medio::dicom::{WriteOptions, codes};

    use super::*;
    use crate::objects::{SERIES, SLICES, STUDY, encoded, slice};
    use crate::{honest, server};

    /// Stores, finds, downloads, labels, stores and reads, wherever the server is.
    pub(crate) fn run(url: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let files: Vec<PathBuf> = (1..=SLICES)
            .map(|number| {
                let file = path.join(format!("{number}.dcm"));
                let bytes = encoded(&slice(number), &WriteOptions::new());
                std::fs::write(&file, bytes).unwrap();
                file
            })
            .collect();
        let client = connect(url).unwrap();
        assert!(send(&client, &files).unwrap());
        let found = series_of(&client, "P-7").unwrap();
        assert_eq!(found, [Resource::series(STUDY, SERIES).unwrap()]);
        let volume = volume(&client, &found[0], &path.join("series")).unwrap();
        assert_eq!(volume.image.shape(), [6, 24, 24]);

        let written = results(&volume, &path.join("results")).unwrap();
        assert!(send(&client, &written).unwrap());
        let (labels, report) = read_back(&client, &found[0], &volume).unwrap();
        let dense = volume.image.as_slice().iter().map(|v| u8::from(*v > 30.0));
        assert!(labels.as_slice().iter().copied().eq(dense));
        let voxels = labels.counts()[1];
        assert!(voxels > 400, "{voxels}");
        let (measured, unit) = report.groups[0].measurement(&codes::VOLUME).unwrap();
        assert_eq!(
            (measured, unit),
            (voxels as f64 * 0.5, &codes::CUBIC_MILLIMETRE)
        );

        let instance = Resource::instance(STUDY, SERIES, &format!("{SERIES}.2")).unwrap();
        let sent = slice(2);
        let sent = sent.bytes(Tag::PIXEL_DATA).unwrap();
        assert!(pixels(&client, &instance).unwrap() == sent);
    }

    #[test]
    fn the_guide_does_what_it_says() {
        server::within(|| run(&honest::serve(Vec::new(), 0).url()));
    }
}
