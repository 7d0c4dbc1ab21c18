//! A small server that works: it keeps instances in memory, lists and gives them.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Mutex;
use std::time::Duration;

use medio::dicom::{self, Dataset, Element, ReadOptions, Tag, Value};
use medio::dicomweb::{MediaType, MultipartReader};

use crate::objects;
use crate::server::{JSON, MULTIPART, Seen, Server, Step, parts, reply};

/// An instance as it came, and its attributes as they are listed.
struct Kept {
    file: Vec<u8>,
    listed: Dataset,
}

/// Instances by their UIDs.
type Shelf = BTreeMap<String, Kept>;

impl Kept {
    fn new(file: Vec<u8>) -> (String, Self) {
        let read = dicom::decode(file.clone(), &ReadOptions::new().lenient()).unwrap();
        let mut listed = read.into_dataset();
        let uid = |tag| listed.string(tag).unwrap();
        let uri = format!(
            "/dicom-web/studies/{}/series/{}/instances/{}/bulk",
            uid(Tag::STUDY_INSTANCE_UID),
            uid(Tag::SERIES_INSTANCE_UID),
            uid(Tag::SOP_INSTANCE_UID)
        );
        for tag in [Tag::PIXEL_DATA, Tag::FLOAT_PIXEL_DATA] {
            if let Some(vr) = listed.get(tag).map(Element::vr) {
                listed.insert(Element::new(tag, vr, Value::Uri(uri.as_str().into())));
            }
        }
        (objects::uid(&listed), Self { file, listed })
    }
}

/// Serves these files; so many requests for each resource fail in passing before one is answered.
pub(crate) fn serve(files: Vec<Vec<u8>>, failures: usize) -> Server {
    let shelf: Shelf = files.into_iter().map(Kept::new).collect();
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

/// Serves files under these UIDs, whatever is in them: the first at once, the others after a while.
pub(crate) fn serve_listed(files: Vec<Vec<u8>>, uids: Vec<String>) -> Server {
    let shelf: BTreeMap<String, Vec<u8>> = uids.iter().cloned().zip(files).collect();
    let list: Vec<String> = { uids.iter() }
        .map(|uid| format!(r#"{{"00080018": {{"vr": "UI", "Value": ["{uid}"]}}}}"#))
        .collect();
    let list = format!("[{}]", list.join(","));
    Server::start(move |seen, _| {
        let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
        let uid = path.rsplit('/').next().unwrap();
        let sent = match shelf.get(uid) {
            Some(file) => {
                let sent = reply(200, &[MULTIPART], &parts("application/dicom", &[file]));
                let wait = Duration::from_millis(if uid == uids[0] { 0 } else { 100 });
                return vec![Step::Wait(wait), Step::Send(sent)];
            }
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
    let found: Vec<&Kept> = { shelf.values() }
        .filter(|kept| {
            let mut wanted = wanted.iter();
            wanted.all(|(tag, value)| kept.listed.string(*tag).as_ref() == Some(value))
        })
        .collect();
    if found.is_empty() {
        return reply(404, &[], b"nothing of that");
    }
    match rest {
        [] => {
            let files: Vec<&[u8]> = found.iter().map(|kept| &kept.file[..]).collect();
            reply(200, &[MULTIPART], &parts("application/dicom", &files))
        }
        ["metadata"] => list(found.into_iter().map(|kept| &kept.listed)),
        ["bulk"] => {
            let file = dicom::decode(found[0].file.clone(), &ReadOptions::new()).unwrap();
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
                .map(|kept| (kept.listed.string(*tag).unwrap(), kept.listed.clone()))
                .collect();
            for (_, lower) in below {
                for dataset in one_each.values_mut() {
                    dataset.remove(*lower);
                    dataset.remove(Tag::PIXEL_DATA);
                }
            }
            list(one_each.values().skip(offset).take(limit))
        }
        other => panic!("{other:?}"),
    }
}

/// Datasets in JSON.
fn list<'a>(datasets: impl Iterator<Item = &'a Dataset>) -> Vec<u8> {
    let json: Vec<String> = datasets
        .map(|dataset| dataset.to_json().unwrap().to_string())
        .collect();
    reply(200, &[JSON], format!("[{}]", json.join(",")).as_bytes())
}

fn store(seen: &Seen, shelf: &mut Shelf) -> Vec<u8> {
    let media_type: MediaType = seen.header("content-type").unwrap().parse().unwrap();
    let mut parts = MultipartReader::of(&seen.body[..], &media_type).unwrap();
    let mut items = Vec::new();
    while let Some(mut part) = parts.next_part().unwrap() {
        let mut file = Vec::new();
        part.read_to_end(&mut file).unwrap();
        let (uid, kept) = Kept::new(file);
        let mut item = Dataset::new();
        objects::text(&mut item, &[("ReferencedSOPInstanceUID", &uid)]);
        items.push(item);
        shelf.insert(uid, kept);
    }
    let mut report = Dataset::new();
    report.set_items("ReferencedSOPSequence".parse().unwrap(), items);
    reply(
        200,
        &[JSON],
        report.to_json().unwrap().to_string().as_bytes(),
    )
}
