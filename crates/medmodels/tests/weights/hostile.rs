//! Checkpoints that are wrong in every way: typed errors within their limits of time and memory.

use std::time::{Duration, Instant};

use medmodels::weights;

use super::allocator::peak_of;
use super::builder::{
    Described, Storage, checkpoint, global, number, one, record, records, state, text, tuple, zip,
};

fn cases() -> Vec<(&'static str, bool, Vec<u8>)> {
    let mut cases = Vec::new();
    let mut add = |name, accepted, bytes| cases.push((name, accepted, bytes));
    let control = one(&Described::default());
    let with = |change: fn(&mut Described)| {
        let mut tensor = Described::default();
        change(&mut tensor);
        one(&tensor)
    };
    let stored = |storage: Storage| {
        one(&Described {
            storage: storage.bytes(),
            ..Described::default()
        })
    };
    let pickle = |parts: &[&[u8]]| checkpoint([b"\x80\x02".as_slice(), &parts.concat()].concat());
    let weight = |value: Vec<u8>| checkpoint(state(&[("w", value)]));

    add("control", true, control.clone());
    add("empty", false, Vec::new());
    add("no archive", false, b"not a zip at all".repeat(10));
    add("an empty archive", false, zip(&[]));
    add(
        "an archive without pickle",
        false,
        zip(&[record("archive/version", "3")]),
    );
    add("cut off", false, control[..200].to_vec());
    let legacy = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.";
    add("a legacy file that ends", false, legacy.to_vec());

    // What other machines would execute.
    let shell = tuple(&[text("echo pwned > PWNED")]);
    add(
        "posix.system",
        false,
        pickle(&[&global("posix", "system"), &shell, b"R."]),
    );
    let sum = tuple(&[text("1+1")]);
    add(
        "builtins.eval",
        false,
        pickle(&[&global("builtins", "eval"), &sum, b"R."]),
    );
    let inst = b"\x80\x02(X\x03\0\0\0abciposix\nsystem\n.";
    add(
        "an instance of old style",
        false,
        checkpoint(inst.as_slice()),
    );
    add("an extension", false, pickle(&[b"\x82\x01."]));

    // Much out of little.
    let doubled = |i: u8| [b"(h".as_slice(), &[i], b"h", &[i], b"tq", &[i + 1]].concat();
    let bomb: Vec<u8> = (0..40).flat_map(doubled).collect();
    add("2 to the 40 lists", false, pickle(&[b"]q\0", &bomb, b"."]));
    add(
        "200 thousand tuples",
        false,
        pickle(&[b")", &[0x85].repeat(200_000), b"."]),
    );
    add(
        "2 million tuples",
        false,
        pickle(&[b")", &[0x85].repeat(2_000_000), b"."]),
    );
    add(
        "a chain of references",
        false,
        pickle(&[b"K\x01", &b"Q".repeat(200_000), b"."]),
    );
    add("4 GiB of text", false, pickle(&[b"X\xff\xff\xff\xffabc."]));
    add(
        "a text of 1 MiB",
        false,
        pickle(&[&text(&"a".repeat(1 << 20)), b"."]),
    );
    add(
        "a far place in the memo",
        false,
        pickle(&[b"Nr\xff\xff\xff\xff."]),
    );
    add("dictionaries in dictionaries", false, {
        let open = [b"}".to_vec(), text("a")].concat().repeat(1000);
        pickle(&[
            &open,
            &Described::default().bytes(),
            &b"s".repeat(1000),
            b".",
        ])
    });
    let mut compressed = records(state(&[("w", Described::default().bytes())]));
    compressed[0].method = 8;
    add("a compressed pickle", false, zip(&compressed));

    // Tensors that lie where nothing is.
    add("two arguments", false, with(|t| t.arguments = 2));
    add("no arguments", false, with(|t| t.arguments = 0));
    let short = [
        tuple(&[text("storage"), global("torch", "FloatStorage")]),
        b"Q".to_vec(),
    ];
    let short = Described {
        storage: short.concat(),
        ..Described::default()
    };
    add("a storage of two values", false, one(&short));
    let bare = |module, name| [global(module, name), b")R".to_vec()].concat();
    add(
        "a parameter of nothing",
        false,
        weight(bare("torch._utils", "_rebuild_parameter")),
    );
    add(
        "a subclass of nothing",
        false,
        weight(bare("torch._tensor", "_rebuild_from_type_v2")),
    );
    add("a negative offset", false, with(|t| t.offset = -4));
    add("a huge offset", false, with(|t| t.offset = 1 << 62));
    add(
        "beyond its storage",
        false,
        with(|t| (t.shape, t.strides) = (vec![100, 100], vec![100, 1])),
    );
    let most = i64::from(i32::MAX);
    add(
        "more than can be counted",
        false,
        with(|t| {
            let most = i64::from(i32::MAX);
            (t.shape, t.strides) = (vec![most; 3], vec![1; 3]);
        }),
    );
    add(
        "a thousand million",
        false,
        with(|t| (t.shape, t.strides) = (vec![1_000_000_000], vec![1])),
    );
    add(
        "one number a thousand million times",
        false,
        with(|t| {
            (t.shape, t.strides) = (vec![1_000_000_000], vec![0]);
        }),
    );
    add("a negative size", false, with(|t| t.shape = vec![-2, 2]));
    add("a stride too few", false, with(|t| t.strides = vec![1]));
    add(
        "a storage that says it is larger",
        false,
        stored(Storage {
            length: 1 << 40,
            ..Storage::default()
        }),
    );
    add(
        "a storage of a negative size",
        false,
        stored(Storage {
            length: -most,
            ..Storage::default()
        }),
    );
    add(
        "a way out",
        false,
        stored(Storage {
            key: "../../../../etc/passwd",
            ..Storage::default()
        }),
    );
    add(
        "a storage that is not there",
        false,
        stored(Storage {
            key: "77",
            ..Storage::default()
        }),
    );
    add(
        "complex numbers",
        false,
        stored(Storage {
            class: "ComplexDoubleStorage",
            ..Storage::default()
        }),
    );
    let mut damaged = records(state(&[("w", Described::default().bytes())]));
    damaged[2].data.truncate(3);
    add("a storage cut off", false, zip(&damaged));
    let mut flipped = control.clone();
    let at = flipped
        .windows(4)
        .position(|w| w == 2.0_f32.to_le_bytes())
        .unwrap();
    flipped[at] ^= 1;
    add("a wrong checksum", false, flipped);

    // Pickles that break their own rules.
    add(
        "a long number of 255 bytes",
        false,
        pickle(&[b"\x8a\xff", &[1; 255], b"."]),
    );
    add(
        "no weights but a number",
        false,
        pickle(&[b"\x8a\x28", &[0xff; 40], b"."]),
    );
    add("stop on nothing", false, pickle(&[b"."]));
    add("an unknown operation", false, pickle(&[b"\xfe."]));
    add("protocol 6", false, checkpoint(b"\x80\x06}.".as_slice()));
    add("no stop", false, pickle(&[b"}"]));
    add("a tuple without a mark", false, pickle(&[b"t."]));
    add("a key without a value", false, pickle(&[b"}(K\x01u."]));
    add("memory of nothing", false, pickle(&[b"h\x05."]));
    add("appended to nothing", false, pickle(&[b"NNa."]));
    add("taken from below a mark", false, pickle(&[b"N(0."]));
    add(
        "protocol 4 without weights",
        false,
        checkpoint(b"\x80\x04\x95\x0a\0\0\0\0\0\0\0}\x94\x8c\x01a\x94K\x01s.".as_slice()),
    );
    let int_key = [
        b"\x80\x02}(".to_vec(),
        number(1),
        Described::default().bytes(),
        b"u.".to_vec(),
    ];
    add(
        "a key that is a number",
        false,
        checkpoint(int_key.concat()),
    );

    // Archives that say two things.
    let weights = || records(state(&[("w", Described::default().bytes())]));
    let mut escape = weights();
    escape.push(record("../../../../evil", "x"));
    add("an entry outside", false, zip(&escape));
    let mut twice = weights();
    twice.push(record(
        "other/data.pkl",
        state(&[("w", Described::default().bytes())]),
    ));
    add("two pickles", false, zip(&twice));
    let mut same = weights();
    same.push(record("archive/data/0", vec![0; 16]));
    add("one name twice", false, zip(&same));
    let mut order = weights();
    order[1].data = b"middle".to_vec();
    add("an unknown order of bytes", false, zip(&order));
    add("a directory behind the file", false, {
        let mut bytes = control.clone();
        let end = bytes.len() - 6;
        bytes[end..end + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        bytes
    });
    add("not a number is a number", true, {
        let mut all = weights();
        all[2].data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
        zip(&all)
    });
    cases
}

#[test]
fn every_case_ends_as_it_must_within_its_limits() {
    check_cases("case.pth", cases());
    assert!(!std::path::Path::new("PWNED").exists());
}

/// Reads each case as a file of this name: whether it is accepted, and its bytes.
pub(super) fn check_cases(file: &str, cases: Vec<(&'static str, bool, Vec<u8>)>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    let mut wrong = Vec::new();
    for (name, accepted, bytes) in cases {
        std::fs::write(&path, &bytes).unwrap();
        let size = bytes.len() as u64;
        let start = Instant::now();
        let (result, peak) = peak_of(|| weights::read(&path));
        // Twice the limit of half a second and a fifth for each MiB: other tests run at the same time.
        let limit = Duration::from_secs_f64(1.0 + 0.4 * size as f64 / f64::from(1 << 20));
        if start.elapsed() > limit {
            wrong.push(format!("{name}: {:?}", start.elapsed()));
        }
        if peak > 16 * size + (16 << 20) {
            wrong.push(format!("{name}: {peak} bytes for a file of {size}"));
        }
        match result {
            Ok(_) if !accepted => wrong.push(format!("{name} was accepted")),
            Err(error) if accepted => wrong.push(format!("{name} was refused: {error}")),
            Err(error) if !error.to_string().contains(file) => {
                wrong.push(format!("{name} does not name its file: {error}"));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn damaged_checkpoints_end_in_an_error_or_in_weights() {
    let folder = tempfile::tempdir().unwrap();
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights/checkpoints");
    let path = folder.path().join("mutant.pth");
    let (mut read, mut refused) = (0, 0);
    let mut files: Vec<_> = { std::fs::read_dir(seeds).unwrap() }
        .map(|f| f.unwrap().path())
        .collect();
    files.sort();
    for (number, file) in files.iter().enumerate() {
        let seed = std::fs::read(file).unwrap();
        for mutant in 0..120_u32 {
            let key = medcore::random::Key::new(900 + number as u64).sample(mutant);
            let mut random = key.stream("checkpoint");
            let mut bytes = seed.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len());
                match random.below(4) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes[at] = random.below(256) as u8,
                    2 => bytes[at] ^= 1 << random.below(8),
                    _ => {
                        bytes.remove(at);
                    }
                }
            }
            std::fs::write(&path, &bytes).unwrap();
            let (result, peak) = peak_of(|| weights::read(&path));
            let size = bytes.len() as u64;
            assert!(
                peak <= 16 * size + (16 << 20),
                "{file:?}, mutant {mutant}: {peak} bytes"
            );
            *(if result.is_ok() {
                &mut read
            } else {
                &mut refused
            }) += 1;
        }
    }
    assert!(read > 20 && refused > 500, "{read} read, {refused} refused");
}
