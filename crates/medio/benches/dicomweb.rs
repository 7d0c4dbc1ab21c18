//! Downloads of a CT series of 300 slices of 512x512: to disk, and from there into one volume.
//!
//! From a server of its own on loopback that holds everything in memory, and after `--url` from another one, into
//! which the series is stored first. Wall milliseconds, and CPU milliseconds of this process, which is both sides on
//! loopback; `tools/bench/dicomweb.py` starts Orthanc, runs this against it, and then a Python client.
//!
//! ```sh
//! cargo bench -p medio --features dicomweb --bench dicomweb [-- --url URL --user USER --password PASSWORD]
//! ```
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on ends")]
#![allow(clippy::print_stdout, reason = "it tells what it measured")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use medio::dicom::{self, Creation, ImageKind, ImageSeries, PatientStudy, Tag};
use medio::dicomweb::{Client, Proxy, Query, Resource, Settings, Store};
use medio::medcore::{Geometry, Image};

const SHAPE: [usize; 3] = [300, 512, 512];
const ROUNDS: usize = 7;

/// The files of the series, which are written once.
fn series(folder: &Path) -> Vec<PathBuf> {
    let name = |number: usize| folder.join(format!("{number:05}.dcm"));
    let paths: Vec<PathBuf> = (1..=SHAPE[0]).map(name).collect();
    if paths.iter().all(|path| path.exists()) {
        return paths;
    }
    let grid = Geometry::axis_aligned(SHAPE, [1.0, 0.7, 0.7]).unwrap();
    let mut state = 1_u32;
    let noise = (0..grid.len()).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 28) as f32 - 1000.0
    });
    let image = Image::new(grid, noise.collect::<Vec<_>>()).unwrap();
    let uid = dicom::Uids::random().unwrap().next_uid();
    let header = PatientStudy::new("P-300", "Phantom^Three Hundred", uid).to_header();
    let header = header.unwrap();
    let series = ImageSeries::new(ImageKind::Ct, &header);
    let written = series.write(folder, &image, &Creation::now().unwrap());
    written.unwrap().paths
}

/// An instance of the server on loopback: its UID and its file.
type Kept = (String, Vec<u8>);

const JSON: &str = "application/dicom+json";
const PARTS: &str = "multipart/related; type=\"application/dicom\"; boundary=b";

/// Answers on one connection until it ends.
fn serve(stream: TcpStream, kept: &[Kept]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut out = stream;
    while let Some(first) = lines.next() {
        let first = first?;
        while lines
            .next()
            .transpose()?
            .is_some_and(|line| !line.is_empty())
        {}
        let target = first.split(' ').nth(1).unwrap_or("");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let head = |media_type: &str, length: usize| {
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n"
            )
        };
        if path.ends_with("/instances") {
            let item =
                |(uid, _): &Kept| format!(r#"{{"00080018":{{"vr":"UI","Value":["{uid}"]}}}}"#);
            let list: Vec<String> = match query.contains("offset") {
                true => Vec::new(),
                false => kept.iter().map(item).collect(),
            };
            let list = format!("[{}]", list.join(","));
            out.write_all(head(JSON, list.len()).as_bytes())?;
            out.write_all(list.as_bytes())?;
            continue;
        }
        let last = path.rsplit('/').next().unwrap_or("");
        let one = kept
            .iter()
            .filter(|(uid, _)| uid == last)
            .collect::<Vec<_>>();
        let files = if one.is_empty() {
            kept.iter().collect()
        } else {
            one
        };
        let before = b"\r\n--b\r\nContent-Type: application/dicom\r\n\r\n";
        let after = b"\r\n--b--\r\n";
        let length: usize = files
            .iter()
            .map(|(_, file)| before.len() + file.len())
            .sum();
        out.write_all(head(PARTS, length + after.len()).as_bytes())?;
        for (_, file) in files {
            out.write_all(before)?;
            out.write_all(file)?;
        }
        out.write_all(after)?;
    }
    Ok(())
}

/// The URL of a server on loopback with these files.
fn loopback(paths: &[PathBuf]) -> String {
    let kept: Vec<Kept> = paths
        .iter()
        .map(|path| {
            let file = dicom::open(path).unwrap();
            let uid = file.dataset().string(Tag::SOP_INSTANCE_UID).unwrap();
            (uid, std::fs::read(path).unwrap())
        })
        .collect();
    let kept = Arc::new(kept);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/dicom-web", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let kept = Arc::clone(&kept);
            // A client that has gone is no fault of the server.
            thread::spawn(move || serve(stream.unwrap(), &kept));
        }
    });
    url
}

/// CPU milliseconds of this process.
fn used() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split(' ').collect();
    let ticks = fields.get(12..14).unwrap_or(&[]).iter();
    ticks
        .filter_map(|text| text.parse::<f64>().ok())
        .sum::<f64>()
        * 10.0
}

/// Minimum and median of both clocks, and megabytes a second by the minimum.
fn measure(name: &str, bytes: u64, mut work: impl FnMut()) {
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (begun, before) = (Instant::now(), used());
        work();
        wall.push(begun.elapsed().as_secs_f64() * 1e3);
        cpu.push(used() - before);
    }
    wall.sort_by(f64::total_cmp);
    cpu.sort_by(f64::total_cmp);
    println!(
        "{name:40} min {:6.0}  median {:6.0}  cpu {:6.0}  {:5.0} MB/s",
        wall[0],
        wall[ROUNDS / 2],
        cpu[0],
        bytes as f64 / 1e3 / wall[0]
    );
}

fn downloads(server: &str, settings: &Settings, url: &str, series: &Resource, to: &Path) {
    for connections in [1, 2, 4] {
        let settings = settings.clone().connections(connections);
        let client = Client::with_settings(url, settings).unwrap();
        let fetch = || {
            let _ = std::fs::remove_dir_all(to);
            client.download(series, to).unwrap().bytes
        };
        let bytes = fetch();
        let name = |what: &str| format!("{server}, {connections} connections, {what}");
        measure(&name("to disk"), bytes, || {
            fetch();
        });
        measure(&name("and read"), bytes, || {
            fetch();
            let volume = dicom::scan(to).unwrap().only().unwrap().volume::<i16>();
            let sum: i64 = volume
                .unwrap()
                .image
                .as_slice()
                .iter()
                .map(|v| i64::from(*v))
                .sum();
            assert!(sum < 0);
        });
    }
    let _ = std::fs::remove_dir_all(to);
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench-files/dicomweb");
    let (from, to) = (root.join("ct"), root.join("got"));
    std::fs::create_dir_all(&from).unwrap();
    let paths = series(&from);
    let first = dicom::open(&paths[0]).unwrap();
    let uid = |tag| first.dataset().string(tag).unwrap();
    let (study, series) = (uid(Tag::STUDY_INSTANCE_UID), uid(Tag::SERIES_INSTANCE_UID));
    let series = Resource::series(&study, &series).unwrap();
    let settings = Settings::new().proxy(Proxy::None);
    let Some(url) = value("--url") else {
        return downloads("loopback", &settings, &loopback(&paths), &series, &to);
    };
    let (user, password) = (value("--user"), value("--password"));
    let settings = settings.basic(user.unwrap_or_default(), password.unwrap_or_default());
    let client = Client::with_settings(&url, settings.clone()).unwrap();
    if client
        .search(&Query::instances().within(&series).limit(1))
        .count()
        == 0
    {
        let begun = Instant::now();
        assert!(
            client
                .store(&Store::new().files(&paths))
                .unwrap()
                .all_stored()
        );
        println!("stored in {:.0} ms", begun.elapsed().as_secs_f64() * 1e3);
    }
    downloads("server", &settings, &url, &series, &to);
}
