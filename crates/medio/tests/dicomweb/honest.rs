//! A small server that works: it keeps instances in memory, lists and gives them.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Mutex;

use medio::dicom::{self, Dataset, Element, ReadOptions, Tag, Value};
use medio::dicomweb::{MediaType, MultipartReader};

use crate::objects;
use crate::server::{JSON, MULTIPART, Seen, Server, Step, parts, reply};

/// Instances by their UIDs.
type Shelf = BTreeMap<String, Vec<u8>>;

fn dataset(file: &[u8]) -> Dataset {
    let file = dicom::decode(file.to_vec(), &ReadOptions::new().lenient()).unwrap();
    file.into_dataset()
}

/// Serves these files; so many requests for each resource fail in passing before one is answered.
pub(crate) fn serve(files: Vec<Vec<u8>>, failures: usize) -> Server {
    let files = files.into_iter();
    let shelf: Shelf = files.map(|f| (objects::uid(&dataset(&f)), f)).collect();
    let state = Mutex::new((shelf, BTreeMap::<String, usize>::new()));
    Server::start(move |seen, _| {
        let (shelf, asked) = &mut *state.lock().unwrap();
        let times = asked.entry(seen.target.clone()).or_default();
        *times += 1;
        let sent = match *times % (failures + 1) {
            0 => answer(seen, shelf),
            _ => reply(503, &[], b""),
        };
        vec![Step::Send(sent)]
    })
}

/// Serves files under these UIDs, whatever is in them.
pub(crate) fn serve_listed(files: Vec<Vec<u8>>, uids: Vec<String>) -> Server {
    let shelf: Shelf = uids.iter().cloned().zip(files).collect();
    let list: Vec<String> = { uids.iter() }
        .map(|uid| format!(r#"{{"00080018": {{"vr": "UI", "Value": ["{uid}"]}}}}"#))
        .collect();
    let list = format!("[{}]", list.join(","));
    Server::start(move |seen, _| {
        let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
        let uid = path.rsplit('/').next().unwrap();
        let sent = match shelf.get(uid) {
            Some(file) => reply(200, &[MULTIPART], &parts("application/dicom", &[file])),
            None if query.contains("offset") => reply(200, &[JSON], b"[]"),
            None => reply(200, &[JSON], list.as_bytes()),
        };
        vec![Step::Send(sent)]
    })
}

fn answer(seen: &Seen, shelf: &mut Shelf) -> Vec<u8> {
    if seen.method == "POST" {
        return store(seen, shelf);
    }
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let path = path.strip_prefix("/dicom-web/").unwrap();
    let segments: Vec<&str> = path.split('/').collect();
    // What the path names: pairs of a level and a UID, then what is wanted of them.
    let mut wanted: BTreeMap<Tag, String> = BTreeMap::new();
    let levels = [
        ("studies", Tag::STUDY_INSTANCE_UID),
        ("series", Tag::SERIES_INSTANCE_UID),
        ("instances", Tag::SOP_INSTANCE_UID),
    ];
    let mut rest = &segments[..];
    while let [level, uid, after @ ..] = rest {
        let Some((_, tag)) = levels.iter().find(|(name, _)| name == level) else {
            break;
        };
        wanted.insert(*tag, (*uid).to_owned());
        rest = after;
    }
    let mut limit = usize::MAX;
    let mut offset = 0;
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match key {
            "limit" => limit = value.parse().unwrap(),
            "offset" => offset = value.parse().unwrap(),
            "includefield" => {}
            key => drop(wanted.insert(key.parse().unwrap(), value.to_owned())),
        }
    }
    let found: Vec<(&Vec<u8>, Dataset)> = { shelf.values() }
        .map(|file| (file, dataset(file)))
        .filter(|(_, d)| {
            let mut wanted = wanted.iter();
            wanted.all(|(tag, value)| d.string(*tag).as_ref() == Some(value))
        })
        .collect();
    if found.is_empty() {
        return reply(404, &[], b"nothing of that");
    }
    match rest {
        [] => {
            let files: Vec<&[u8]> = found.iter().map(|(file, _)| &file[..]).collect();
            reply(200, &[MULTIPART], &parts("application/dicom", &files))
        }
        ["metadata"] => list(found.into_iter().map(|(_, dataset)| dataset)),
        ["bulk"] => {
            let file = dicom::decode(found[0].0.clone(), &ReadOptions::new()).unwrap();
            let pixels = file.dataset().get(Tag::PIXEL_DATA).unwrap();
            let Value::Bytes(bytes) = file.load(pixels).unwrap() else {
                return reply(500, &[], b"not native");
            };
            reply(200, &[("Content-Type", "application/octet-stream")], &bytes)
        }
        [level] => {
            let (_, tag) = levels.iter().find(|(name, _)| name == level).unwrap();
            let below = levels.iter().rev().take_while(|(_, lower)| lower != tag);
            let mut one_each: BTreeMap<String, Dataset> = { found.into_iter() }
                .map(|(_, dataset)| (dataset.string(*tag).unwrap(), dataset))
                .collect();
            for (_, lower) in below {
                for dataset in one_each.values_mut() {
                    dataset.remove(*lower);
                    dataset.remove(Tag::PIXEL_DATA);
                }
            }
            list(one_each.into_values().skip(offset).take(limit))
        }
        other => panic!("{other:?}"),
    }
}

/// Datasets in JSON; pixel data as a reference.
fn list(datasets: impl Iterator<Item = Dataset>) -> Vec<u8> {
    let json = datasets.map(|mut dataset| {
        if let Some(pixels) = dataset.get(Tag::PIXEL_DATA) {
            let uid = |tag| dataset.string(tag).unwrap();
            let uri = format!(
                "/dicom-web/studies/{}/series/{}/instances/{}/bulk",
                uid(Tag::STUDY_INSTANCE_UID),
                uid(Tag::SERIES_INSTANCE_UID),
                uid(Tag::SOP_INSTANCE_UID)
            );
            let vr = pixels.vr();
            dataset.insert(Element::new(Tag::PIXEL_DATA, vr, Value::Uri(uri.into())));
        }
        dataset.to_json().unwrap().to_string()
    });
    let json: Vec<String> = json.collect();
    reply(200, &[JSON], format!("[{}]", json.join(",")).as_bytes())
}

fn store(seen: &Seen, shelf: &mut Shelf) -> Vec<u8> {
    let media_type: MediaType = seen.header("content-type").unwrap().parse().unwrap();
    let mut parts = MultipartReader::of(&seen.body[..], &media_type).unwrap();
    let mut items = Vec::new();
    while let Some(mut part) = parts.next_part().unwrap() {
        let mut file = Vec::new();
        part.read_to_end(&mut file).unwrap();
        let uid = objects::uid(&dataset(&file));
        let mut item = Dataset::new();
        objects::text(&mut item, &[("ReferencedSOPInstanceUID", &uid)]);
        items.push(item);
        shelf.insert(uid, file);
    }
    let mut report = Dataset::new();
    report.set_items("ReferencedSOPSequence".parse().unwrap(), items);
    reply(
        200,
        &[JSON],
        report.to_json().unwrap().to_string().as_bytes(),
    )
}
