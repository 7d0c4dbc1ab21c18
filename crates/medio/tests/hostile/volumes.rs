//! MetaImage and NRRD files that are wrong in the ways in which their readers are known to fail.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use medio::{AnyImage, Format, ReadOptions};

use super::allocator::peak_of;
use super::builder::{bomb, gzip};

/// What must come of a file.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Reject,
    /// A volume of 8 x 8 x 8 zeros.
    Accept,
    /// An error, or a volume no longer than the file.
    Either,
}
use Verdict::{Accept, Either, Reject};

struct Case {
    name: String,
    /// The name's ending on disk.
    ending: &'static str,
    bytes: Vec<u8>,
    verdict: Verdict,
}

pub(super) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(9));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A MetaImage of 8 x 8 x 8 bytes with some entries other than usual; none leaves one out.
pub(super) fn mha(changes: &[(&str, Option<&str>)], data: &[u8]) -> Vec<u8> {
    let mut entries = vec![
        ("ObjectType", "Image"),
        ("NDims", "3"),
        ("BinaryData", "True"),
        ("BinaryDataByteOrderMSB", "False"),
        ("CompressedData", "False"),
        ("TransformMatrix", "1 0 0 0 1 0 0 0 1"),
        ("Offset", "0 0 0"),
        ("CenterOfRotation", "0 0 0"),
        ("ElementSpacing", "1 1 1"),
        ("DimSize", "8 8 8"),
        ("ElementType", "MET_UCHAR"),
    ];
    let mut last = Some("LOCAL");
    for &(key, value) in changes {
        let known = entries.iter().position(|(k, _)| *k == key);
        match (key, known, value) {
            ("ElementDataFile", _, value) => last = value,
            (_, Some(at), Some(value)) => entries[at].1 = value,
            (_, Some(at), None) => drop(entries.remove(at)),
            (_, None, Some(value)) => entries.push((key, value)),
            (_, None, None) => {}
        }
    }
    entries.extend(last.map(|value| ("ElementDataFile", value)));
    let lines: Vec<String> = entries
        .iter()
        .map(|(k, v)| format!("{k} = {v}\n"))
        .collect();
    [lines.concat().as_bytes(), data].concat()
}

/// An NRRD file of 8 x 8 x 8 bytes with some fields other than usual; none leaves one out.
pub(super) fn nrrd(changes: &[(&str, Option<&str>)], data: &[u8]) -> Vec<u8> {
    let mut fields = vec![
        ("type", "uint8"),
        ("dimension", "3"),
        ("space", "left-posterior-superior"),
        ("sizes", "8 8 8"),
        ("space directions", "(1,0,0) (0,1,0) (0,0,1)"),
        ("kinds", "domain domain domain"),
        ("endian", "little"),
        ("encoding", "raw"),
        ("space origin", "(0,0,0)"),
    ];
    for &(key, value) in changes {
        let known = fields.iter().position(|(k, _)| *k == key);
        match (known, value) {
            (Some(at), Some(value)) => fields[at].1 = value,
            (Some(at), None) => drop(fields.remove(at)),
            (None, Some(value)) => fields.push((key, value)),
            (None, None) => {}
        }
    }
    let lines: Vec<String> = fields.iter().map(|(k, v)| format!("{k}: {v}\n")).collect();
    [b"NRRD0004\n", lines.concat().as_bytes(), b"\n", data].concat()
}

const ZEROS: [u8; 512] = [0; 512];

fn metaimage_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: String, verdict, bytes: Vec<u8>| {
        let ending = ".mha";
        cases.push(Case {
            name,
            ending,
            bytes,
            verdict,
        });
    };
    let plain = mha(&[], &ZEROS);
    let packed = zlib(&ZEROS);
    let size = packed.len().to_string();
    let compressed = |size: &str, data: &[u8]| {
        let entries = [
            ("CompressedData", Some("True")),
            ("CompressedDataSize", Some(size)),
        ];
        mha(&entries, data)
    };
    add("control".into(), Accept, plain.clone());
    add("control zlib".into(), Accept, compressed(&size, &packed));
    add("empty".into(), Reject, Vec::new());
    add("cut header".into(), Reject, plain[..60].to_vec());
    add(
        "cut data".into(),
        Reject,
        plain[..plain.len() - 100].to_vec(),
    );
    let one = |key: &str, value: &str| mha(&[(key, Some(value))], &ZEROS);
    add("no data file".into(), Reject, one("ElementDataFile", ""));
    add(
        "no line of a data file".into(),
        Reject,
        mha(&[("ElementDataFile", None)], &ZEROS),
    );
    for sizes in [
        "0 8 8",
        "-1 8 8",
        "100000 100000 100000",
        "8 8",
        "8 8 8 8",
        "4294967295 4294967295 8",
        "9223372036854775807 1 1",
        "a b c",
        "",
        "2147483648 2 1",
        "2000 2000 2000",
        "18446744073709551616 1 1",
        "8.5 8 8",
    ] {
        add(format!("DimSize {sizes}"), Reject, one("DimSize", sizes));
    }
    for rank in [
        "0",
        "-1",
        "10",
        "11",
        "100",
        "2147483647",
        "99999999999",
        "x",
    ] {
        add(format!("NDims {rank}"), Reject, one("NDims", rank));
    }
    let (hundred, ones) = (vec!["2"; 100].join(" "), vec!["1"; 100].join(" "));
    let many = [
        ("NDims", Some("100")),
        ("DimSize", Some(hundred.as_str())),
        ("ElementSpacing", Some(ones.as_str())),
    ];
    add("100 dimensions".into(), Reject, mha(&many, &ZEROS));
    for file in [
        "/etc/passwd",
        "../../../../etc/passwd",
        "LIST",
        "LIST 2\nx.raw",
        "LIST -1",
        "LIST x",
        "f%d.raw 1 100000000 1",
        "%s%n.raw 1 2 1",
        "/dev/zero",
        "LOCAL extra",
        ".",
        "f%d.raw 1 8 0",
        "f%999999999d.raw 1 8 1",
        "f%d.raw -9223372036854775808 9223372036854775807 1",
    ] {
        add(format!("file {file}"), Reject, one("ElementDataFile", file));
    }
    for channels in ["0", "-1", "2147483647", "65536"] {
        add(
            format!("channels {channels}"),
            Reject,
            one("ElementNumberOfChannels", channels),
        );
    }
    for kind in [
        "MET_FOO",
        "",
        "MET_DOUBLE",
        "MET_LONG_LONG_ARRAY",
        "MET_STRING",
        "MET_NONE",
    ] {
        add(format!("type {kind}"), Reject, one("ElementType", kind));
    }
    add(
        "size of 9 GB".into(),
        Reject,
        compressed("9000000000", &packed),
    );
    add("negative size".into(), Reject, compressed("-5", &packed));
    add("no zlib".into(), Reject, compressed("100", &[0xff; 100]));
    let mut huge = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::new(9));
    for _ in 0..256 {
        huge.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let huge = huge.finish().unwrap();
    let bomb = compressed(&huge.len().to_string(), &huge);
    add("bomb behind small sizes".into(), Reject, bomb);
    let short = zlib(&ZEROS[..100]);
    add(
        "short output".into(),
        Reject,
        compressed(&short.len().to_string(), &short),
    );
    let mut wrong = packed.clone();
    *wrong.last_mut().unwrap() ^= 1;
    add("wrong checksum".into(), Reject, compressed(&size, &wrong));
    let comment = "A".repeat(10_000_000);
    let long = mha(
        &[
            ("Comment", Some(comment.as_str())),
            ("ElementDataFile", None),
        ],
        &[],
    );
    add(
        "line of 10 MB".into(),
        Reject,
        [long, b"ElementDataFile = LOCAL\n".to_vec(), ZEROS.to_vec()].concat(),
    );
    let keys: String = (0..100_000).map(|i| format!("K{i} = v\n")).collect();
    let keys = [b"ObjectType = Image\n", keys.as_bytes(), &plain[19..]].concat();
    add("100000 unknown keys".into(), Accept, keys);
    for spacing in [
        "0 0 0",
        "nan nan nan",
        "-1 1 1",
        "1",
        "inf 1 1",
        "1e300 1 1",
        "1e-300 1 1",
    ] {
        add(
            format!("spacing {spacing}"),
            Reject,
            one("ElementSpacing", spacing),
        );
    }
    for matrix in [
        "0 0 0 0 0 0 0 0 0",
        "nan 0 0 0 1 0 0 0 1",
        "1 0 0 1 0 0 0 0 1",
        "1 0",
        "1e400 0 0 0 1 0 0 0 1",
    ] {
        add(
            format!("matrix {matrix}"),
            Reject,
            one("TransformMatrix", matrix),
        );
    }
    for origin in ["nan 0 0", "0 0", "1e400 0 0"] {
        add(format!("origin {origin}"), Reject, one("Offset", origin));
    }
    add("HeaderSize -1".into(), Accept, one("HeaderSize", "-1"));
    for size in ["-2", "99999999999", "nan", "5", "18446744073709551615"] {
        add(
            format!("HeaderSize {size}"),
            Reject,
            one("HeaderSize", size),
        );
    }
    let text = |data: &[u8]| mha(&[("BinaryData", Some("False"))], data);
    add("short text".into(), Reject, text(b"1 2 3"));
    let token = ["9".repeat(5000), " 1".repeat(511)].concat();
    add(
        "number of 5000 digits".into(),
        Reject,
        text(token.as_bytes()),
    );
    add(
        "text of zeros".into(),
        Accept,
        text("0 ".repeat(512).as_bytes()),
    );
    add(
        "no header, only lines".into(),
        Reject,
        b"a = b\n".repeat(1000),
    );
    add("ObjectType Tube".into(), Reject, one("ObjectType", "Tube"));
    add(
        "other byte order word".into(),
        Reject,
        one("BinaryDataByteOrderMSB", "Maybe"),
    );
    cases
}

fn nrrd_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: String, verdict, bytes: Vec<u8>| {
        let ending = ".nrrd";
        cases.push(Case {
            name,
            ending,
            bytes,
            verdict,
        });
    };
    let plain = nrrd(&[], &ZEROS);
    let with = |key: &str, value: &str, data: &[u8]| nrrd(&[(key, Some(value))], data);
    let one = |key: &str, value: &str| with(key, value, &ZEROS);
    let packed = gzip(&ZEROS);
    add("control".into(), Accept, plain.clone());
    add(
        "control gzip".into(),
        Accept,
        with("encoding", "gzip", &packed),
    );
    add(
        "control hex".into(),
        Accept,
        with("encoding", "hex", &[b'0'; 1024]),
    );
    add(
        "control ascii".into(),
        Accept,
        with("encoding", "ascii", "0\n".repeat(512).as_bytes()),
    );
    add("magic only".into(), Reject, b"NRRD0004\n".to_vec());
    add(
        "cut data".into(),
        Reject,
        plain[..plain.len() - 100].to_vec(),
    );
    add("no empty line".into(), Reject, plain[..120].to_vec());
    add(
        "version 9999".into(),
        Reject,
        [b"NRRD9999\n", &plain[9..]].concat(),
    );
    for rank in ["0", "17", "-1", "99999999999", "x", "2"] {
        add(format!("dimension {rank}"), Reject, one("dimension", rank));
    }
    for sizes in [
        "0 8 8",
        "-8 8 8",
        "100000 100000 100000",
        "8 8",
        "18446744073709551615 8 8",
        "4294967296 4294967296 4294967296",
        "a b c",
        "2000 2000 2000",
        "2305843009213693952 8 1",
    ] {
        add(format!("sizes {sizes}"), Reject, one("sizes", sizes));
    }
    for kind in ["block", "foo", "double", "", "uint64"] {
        add(format!("type {kind}"), Reject, one("type", kind));
    }
    for encoding in ["hex", "ascii", "bzip2", "foo", "gzip"] {
        add(
            format!("encoding {encoding} of raw"),
            Reject,
            one("encoding", encoding),
        );
    }
    add(
        "bomb behind small sizes".into(),
        Reject,
        with("encoding", "gzip", &bomb(&[], 16)),
    );
    add(
        "cut gzip".into(),
        Reject,
        with("encoding", "gzip", &packed[..10]),
    );
    add(
        "short gzip".into(),
        Reject,
        with("encoding", "gzip", &gzip(&ZEROS[..100])),
    );
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    for _ in 0..64 {
        bzip2.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bzip2 = bzip2.finish().unwrap();
    add(
        "bzip2 bomb".into(),
        Reject,
        with("encoding", "bzip2", &bzip2),
    );
    for file in [
        "/etc/passwd",
        "../../../../etc/passwd",
        "LIST\n/etc/passwd",
        "f%d.raw 1 100000000 1",
        "%n%n%s.raw 1 2 1 2",
        "LIST 4\na",
        "LIST 0\na",
        ".",
        "",
    ] {
        add(format!("file {file}"), Reject, one("data file", file));
    }
    for (key, value, verdict) in [
        ("line skip", "-1", Reject),
        ("line skip", "99999999", Reject),
        ("byte skip", "-1", Accept),
        ("byte skip", "999999999999", Reject),
        ("byte skip", "-999", Reject),
        ("byte skip", "18446744073709551615", Reject),
    ] {
        add(format!("{key} {value}"), verdict, one(key, value));
    }
    for directions in [
        "(nan,0,0) (0,1,0) (0,0,1)",
        "none none none",
        "(0,0,0) (0,0,0) (0,0,0)",
        "(1,0,0)",
        "(1,0) (0,1) (0,0)",
        "(1e400,0,0) (0,1,0) (0,0,1)",
        "((((((((",
        "(1,0,0) (1,0,0) (0,0,1)",
    ] {
        add(
            format!("directions {directions}"),
            Reject,
            one("space directions", directions),
        );
    }
    for space in ["nowhere", "right-anterior-superior-time"] {
        add(format!("space {space}"), Reject, one("space", space));
    }
    add("both spaces".into(), Reject, one("space dimension", "3"));
    add("origin of two".into(), Reject, one("space origin", "(0,0)"));
    let twice = [b"NRRD0004\ntype: uint8\ntype: int16\n", &plain[9..]].concat();
    add("fields twice".into(), Reject, twice);
    let keys: String = (0..100_000).map(|i| format!("k{i}:=v\n")).collect();
    let keys = [b"NRRD0004\n", keys.as_bytes(), &plain[9..]].concat();
    add("100000 key/value pairs".into(), Accept, keys);
    let long = [
        b"NRRD0004\n# ".to_vec(),
        vec![b'A'; 10_000_000],
        b"\n".to_vec(),
        plain[9..].to_vec(),
    ];
    add("line of 10 MB".into(), Reject, long.concat());
    let wide = nrrd(&[("type", Some("int16")), ("endian", None)], &[0; 1024]);
    add("no endian for int16".into(), Reject, wide);
    let many = ["(", &"1,".repeat(100_000), "1)"].concat();
    add(
        "vector of 100000".into(),
        Reject,
        one("space directions", &many),
    );
    add("many segments".into(), Either, {
        let keys: String = (0..20_000)
            .map(|i| format!("Segment{i}_Name:=s\n"))
            .collect();
        [b"NRRD0004\n", keys.as_bytes(), &plain[9..]].concat()
    });
    cases
}

fn is_zeros(image: &AnyImage) -> bool {
    match image {
        AnyImage::U8(image) => {
            image.shape() == [8, 8, 8] && image.as_slice().iter().all(|&v| v == 0)
        }
        _ => false,
    }
}

fn bytes_of(image: &AnyImage) -> u64 {
    (image.geometry().len() * image.channels() * image.datatype().voxel_bytes()) as u64
}

/// Names what a case broke.
fn broken(folder: &Path, case: &Case) -> Vec<String> {
    const SLACK: u64 = 16 << 20;
    let mut wrong = Vec::new();
    let path = folder.join(format!("case{}", case.ending));
    std::fs::write(&path, &case.bytes).unwrap();
    let size = case.bytes.len() as u64;
    for from_memory in [false, true] {
        let start = Instant::now();
        let options = ReadOptions::new();
        let (result, peak) = peak_of(|| match from_memory {
            true => medio::decode(&case.bytes, &options),
            false => medio::read_any(&path, &options),
        });
        let took = start.elapsed();
        // Half a second, and a fifth of one for every MiB; ten times that for a busy machine.
        let limit = Duration::from_millis(5000 + 2000 * (size >> 20));
        let mut fail = |what: String| wrong.push(format!("{}: {what}", case.name));
        if took > limit {
            fail(format!("took {took:?}"));
        }
        let bound = match &result {
            Err(_) => 16 * size + SLACK,
            Ok(loaded) => bytes_of(&loaded.value) * 11 / 5 + size + SLACK,
        };
        if peak > bound {
            fail(format!("held {peak} bytes, {bound} are allowed"));
        }
        match (case.verdict, &result) {
            (Reject | Either, Err(_)) => {}
            (Reject, Ok(_)) => fail("was accepted".to_owned()),
            (Accept, Err(e)) => fail(format!("was refused: {e}")),
            (Accept, Ok(loaded)) if is_zeros(&loaded.value) => {}
            (Accept, Ok(loaded)) => fail(format!("gave {:?}", loaded.value.geometry())),
            (Either, Ok(loaded)) => {
                if bytes_of(&loaded.value) > size {
                    fail("gave more voxels than there are".to_owned());
                }
            }
        }
    }
    wrong
}

#[test]
fn each_hostile_metaimage_and_nrrd_is_refused_or_read_right_in_bounded_memory_and_time() {
    let folder = tempfile::tempdir().unwrap();
    // Files that a header may not name stand where it would find them.
    std::fs::write(folder.path().join("f1.raw"), ZEROS).unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let (metaimage, nrrd) = (metaimage_cases(), nrrd_cases());
    assert_eq!((metaimage.len(), nrrd.len()), (88, 70));
    let all = metaimage.iter().chain(&nrrd);
    let wrong: Vec<String> = all.flat_map(|case| broken(&inner, case)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        Format::of_bytes(&metaimage[0].bytes),
        Some(Format::MetaImage)
    );
}

#[test]
fn a_compressed_volume_costs_what_its_voxels_cost() {
    let side = "256 256 512"; // 32 MiB of zeros
    let data = vec![0; 32 << 20];
    let entries = [("CompressedData", Some("True")), ("DimSize", Some(side))];
    let fields = |encoding| [("sizes", Some(side)), ("encoding", Some(encoding))];
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    bzip2.write_all(&data).unwrap();
    for file in [
        mha(&entries, &zlib(&data)),
        nrrd(&fields("gzip"), &gzip(&data)),
        nrrd(&fields("bzip2"), &bzip2.finish().unwrap()),
    ] {
        let (loaded, peak) = peak_of(|| medio::decode(&file, &ReadOptions::new()));
        assert_eq!(loaded.unwrap().value.geometry().len(), 32 << 20);
        assert!(peak < (32 << 20) + (8 << 20), "{peak}");
        // The same with its end cut off, or a bit of its checksum changed.
        let mut damaged = file.clone();
        let at = damaged.len() - 5;
        damaged[at] ^= 1;
        for damaged in [&damaged[..], &file[..file.len() - 3]] {
            let (result, peak) = peak_of(|| medio::decode(damaged, &ReadOptions::new()));
            assert!(result.is_err());
            assert!(peak < 16 * file.len() as u64 + (16 << 20), "{peak}");
        }
    }
}
