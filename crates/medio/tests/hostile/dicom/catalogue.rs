//! The cases: what is wrong, and whether a reader may still make something of it.

use std::time::{Duration, Instant};

use medio::dicom::{self, DicomFile, Fault, ReadOptions, Tag, Warning};

use super::super::allocator::peak_of;
use super::builder::*;

#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Reject,
    /// The image of the builder, or one that is as large.
    Accept,
    Either,
}
use Verdict::{Accept, Either, Reject};

fn us(group: u16, number: u16, value: u16) -> Vec<u8> {
    element(group, number, "US", &value.to_le_bytes())
}

/// Sequences in items in sequences, closed or not.
fn nested(depth: usize, closed: bool) -> Vec<u8> {
    let start = [
        with_length(0x40, 0xa730, "SQ", &[], u32::MAX),
        item_of_length(&[], u32::MAX),
    ];
    let mut out = start.concat().repeat(depth);
    if closed {
        out.extend([ITEM_END, SEQUENCE_END].concat().repeat(depth));
    }
    out
}

/// The same with lengths.
fn nested_with_lengths(depth: usize) -> Vec<u8> {
    let (mut parts, mut total) = (Vec::new(), 0_u32);
    for _ in 0..depth {
        let start = with_length(0x40, 0xa730, "SQ", &[], total + 8);
        parts.push([start, item_of_length(&[], total)].concat());
        total += 20;
    }
    parts.reverse();
    parts.concat()
}

fn rle_header(offsets: &[u32]) -> Vec<u8> {
    let mut numbers = vec![offsets.len() as u32];
    numbers.extend(offsets);
    numbers.resize(16, 0);
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

fn image(change: impl FnOnce(&mut Image)) -> Image {
    Image::with(change)
}

fn cases() -> Vec<(String, Verdict, Vec<u8>)> {
    let mut cases: Vec<(String, Verdict, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, verdict, bytes| cases.push((name.to_owned(), verdict, bytes));
    let with_pixels = |data: Vec<u8>| image(|i| i.pixel_data = Some(data)).dataset();
    let explicit = |data: Vec<u8>| file(&with_pixels(data), EXPLICIT);
    let middle = |data: Vec<u8>| image(|i| i.middle = data).file();
    let rle = |fragments: &[Vec<u8>]| image(|_| {}).compressed(RLE, fragments);
    let base = image(|_| {}).file();

    add("control explicit", Accept, base.clone());
    let bare = image(|_| {}).dataset();
    add("control implicit", Accept, file(&implicit(&bare), IMPLICIT));
    add("control deflated", Accept, file(&deflate(&bare), DEFLATED));
    add("control rle", Accept, rle(&[rle_frame(None, None)]));
    add("control without preamble", Accept, bare.clone());

    add("empty", Reject, Vec::new());
    add("preamble only", Reject, vec![0; 128]);
    add("mark only", Reject, base[..132].to_vec());
    let ends = [
        129, 131, 133, 140, 150, 160, 200, 240, 280, 300, 340, 400, 450, 500, 560, 600,
    ];
    let from_behind = [8193, 4096, 1].map(|n| base.len() - n);
    for n in ends.into_iter().chain(from_behind) {
        add(&format!("cut at {n}"), Reject, base[..n].to_vec());
    }
    for length in [u32::MAX, 0, 10] {
        let meta = meta(Some(EXPLICIT), Some(length));
        add(
            &format!("meta length {length}"),
            Accept,
            with_meta(&bare, &meta, &[]),
        );
    }
    add(
        "no transfer syntax",
        Reject,
        with_meta(&bare, &meta(None, None), &[]),
    );
    add(
        "unknown transfer syntax",
        Reject,
        file(&bare, "1.2.3.4.5.6.7"),
    );
    add(
        "transfer syntax is a path",
        Reject,
        file(&bare, "../../etc"),
    );
    add("deflated but not", Reject, file(&bare, DEFLATED));
    add(
        "deflated and cut",
        Reject,
        file(&deflate(&bare)[..200], DEFLATED),
    );
    add("little endian called big", Reject, file(&bare, BIG_ENDIAN));

    for (rows, columns, frames) in [
        (65535, 65535, Some(i32::MAX)),
        (65535, 65535, None),
        (0, 64, None),
        (0, 0, None),
    ] {
        let bytes = image(|i| {
            (i.rows, i.columns) = (Some(rows), Some(columns));
            i.frames = frames.map(|n| n.to_string());
            i.pixel_data = Some(element(0x7fe0, 0x10, "OW", &[0; 16]));
        });
        add(
            &format!("{rows} x {columns} x {frames:?}"),
            Reject,
            bytes.file(),
        );
    }
    add("no rows", Reject, image(|i| i.rows = None).file());
    let rows = |e: Vec<u8>| image(|i| (i.rows, i.behind) = (None, e)).file();
    add(
        "rows as UL",
        Reject,
        rows(element(0x28, 0x10, "UL", &[0xff; 4])),
    );
    add(
        "rows as text",
        Reject,
        rows(element(0x28, 0x10, "LO", b"lots")),
    );
    for allocated in [0, 1, 7, 13, 33, 64, 255, 65535] {
        let bytes = image(|i| i.bits[0] = allocated).file();
        add(&format!("bits allocated {allocated}"), Reject, bytes);
    }
    for stored in [0, 17, 255] {
        let bytes = image(|i| i.bits[1] = stored).file();
        add(&format!("bits stored {stored}"), Reject, bytes);
    }
    add("high bit 200", Reject, image(|i| i.bits[2] = 200).file());
    add(
        "representation 9",
        Reject,
        image(|i| i.signed = Some(9)).file(),
    );
    let empty = element(0x28, 0x103, "US", b"");
    let bytes = image(|i| (i.signed, i.behind) = (None, empty)).file();
    add("representation empty", Reject, bytes);
    for samples in [0, 3, 65535] {
        let bytes = image(|i| i.samples = samples).file();
        add(&format!("{samples} samples"), Reject, bytes);
    }

    for length in [0xffff_fffe, 0x7fff_fffe] {
        let data = with_length(0x7fe0, 0x10, "OW", &[0; 16], length);
        add(&format!("pixel data of {length:x}"), Reject, explicit(data));
    }
    let private = |vr, length| middle(with_length(0x21, 0x1001, vr, b"xxxxxxxx", length));
    add("OB of fffffff0", Reject, private("OB", 0xffff_fff0));
    add("UN without end", Reject, private("UN", u32::MAX));
    let profile = with_length(0x28, 0x2000, "OB", b"xx", 1 << 30);
    add("profile of a GiB", Reject, middle(profile));
    add(
        "name of 64 KiB",
        Reject,
        middle(with_length(0x10, 0x20, "LO", b"x", 0xffff)),
    );

    for depth in [300, 1000, 5000, 100_000] {
        add(
            &format!("nested {depth}"),
            Reject,
            explicit(nested(depth, true)),
        );
        add(
            &format!("nested {depth}, open"),
            Reject,
            explicit(nested(depth, false)),
        );
    }
    for depth in [300, 5000] {
        let bytes = explicit(nested_with_lengths(depth));
        add(&format!("nested {depth} with lengths"), Reject, bytes);
    }
    let shallow = nested(64, true);
    add("nested 64", Accept, middle(shallow));
    add("stray item ends", Accept, middle(ITEM_END.repeat(3)));
    add(
        "200000 stray item ends",
        Accept,
        middle(ITEM_END.repeat(200_000)),
    );
    add("stray sequence end", Accept, middle(SEQUENCE_END.to_vec()));
    add("item outside", Reject, middle(item(b"abcd")));
    let odd = with_length(0x40, 0xa730, "SQ", &[0; 7], 7);
    add("sequence of 7 bytes", Reject, middle(odd));
    let long = with_length(0x40, 0xa730, "SQ", &item(&[]), 0x7fff_ffff);
    add("sequence beyond the file", Reject, middle(long));

    let frame = || rle_frame(None, None);
    let raw = |data: Vec<u8>| file(&with_pixels(data), RLE);
    let no_items = [encapsulated_start(), SEQUENCE_END.to_vec()].concat();
    add("no fragments", Reject, raw(no_items));
    let whole = encapsulated(&[frame()], &[]);
    add("no end", Reject, raw(whole[..whole.len() - 8].to_vec()));
    for (name, table) in [
        ("beyond", 0xffff_fff0_u32.to_le_bytes().to_vec()),
        ("of 3 bytes", vec![1, 2, 3]),
    ] {
        let data = encapsulated(&[frame()], &table);
        add(&format!("offset table {name}"), Reject, raw(data));
    }
    let table: Vec<u8> = [0_u32, 5000, 10]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    let three = image(|i| {
        i.frames = Some("3".to_owned());
        i.pixel_data = Some(encapsulated(&[frame(), frame(), frame()], &table));
    });
    add("offsets fall", Reject, file(&three.dataset(), RLE));
    for length in [u32::MAX, 0x7fff_fff0] {
        let data = [
            encapsulated_start(),
            item(&[]),
            item_of_length(b"abcd", length),
        ];
        add(
            &format!("fragment of {length:x}"),
            Reject,
            raw(data.concat()),
        );
    }
    add("ten empty fragments", Reject, rle(&vec![Vec::new(); 10]));
    add(
        "200000 empty fragments",
        Reject,
        rle(&vec![Vec::new(); 200_000]),
    );
    let billion = image(|i| i.frames = Some("1000000000".to_owned()));
    add(
        "a billion frames",
        Reject,
        billion.compressed(RLE, &[frame()]),
    );
    let tables: Vec<u8> = [1, 2]
        .iter()
        .flat_map(|n| element(0x7fe0, *n, "OV", &(1_u64 << 63).to_le_bytes()))
        .collect();
    let extended = image(|i| i.behind = tables);
    add(
        "extended offset 2^63",
        Reject,
        extended.compressed(RLE, &[frame()]),
    );

    add("255 segments", Reject, rle(&[rle_frame(Some(255), None)]));
    add(
        "segment beyond",
        Reject,
        rle(&[rle_frame(None, Some([64, 0xffff_fff0]))]),
    );
    add(
        "segments fall",
        Reject,
        rle(&[rle_frame(None, Some([5000, 64]))]),
    );
    add("short rle header", Reject, rle(&[vec![2; 24]]));
    let cut = [rle_header(&[64, 66]), b"\x7f\x01\x7f\x01".to_vec()].concat();
    add("rle runs cut", Reject, rle(&[cut]));
    let tiny = [rle_header(&[64, 66]), b"\x81\x01\x81\x01".to_vec()].concat();
    let giant = image(|i| (i.rows, i.columns) = (Some(65535), Some(65535)));
    add(
        "giant rle in four bytes",
        Reject,
        giant.clone().compressed(RLE, &[tiny]),
    );

    let narrow = || Image::default().narrow();
    let garbage: Vec<u8> = (0..300_u32).map(|i| ((i * i * 37) >> 3) as u8).collect();
    let garbage = [b"\xff\xd8\xff\xe0".to_vec(), garbage].concat();
    let sof = |code: u8, tail: &[u8]| {
        let head = [
            0xff, 0xd8, 0xff, code, 0, 11, 8, 255, 255, 255, 255, 1, 1, 0x11, 0,
        ];
        [&head[..], tail, &[0; 64]].concat()
    };
    let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
    let near = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0];
    let mut siz = vec![0xff, 0x4f, 0xff, 0x51, 0, 0x29, 0, 0];
    let extent = [i32::MAX, i32::MAX, 0, 0, i32::MAX, i32::MAX, 0, 0];
    siz.extend(extent.iter().flat_map(|n| n.to_be_bytes()));
    siz.extend([0, 1, 7, 1, 1]);
    siz.extend([0; 64]);
    for (name, syntax, stream) in [
        ("jpeg garbage", JPEG, garbage.clone()),
        ("jpeg 65535 squared", JPEG, sof(0xc0, &scan)),
        (
            "lossless jpeg 65535 squared",
            JPEG_LOSSLESS,
            sof(0xc3, &scan),
        ),
        ("jpeg-ls garbage", JPEG_LS, garbage.clone()),
        ("jpeg-ls 65535 squared", JPEG_LS, sof(0xf7, &near)),
        ("jpeg 2000 garbage", JPEG_2000, garbage),
        ("jpeg 2000 2^31 squared", JPEG_2000, siz),
    ] {
        let small = narrow().compressed(syntax, std::slice::from_ref(&stream));
        add(name, Reject, small);
        let mut large = giant.clone().narrow();
        large.frames = Some("1".to_owned());
        add(
            &format!("{name}, as declared"),
            Reject,
            large.compressed(syntax, &[stream]),
        );
    }

    for (slope, verdict) in [
        ("NaN", Reject),
        ("inf", Reject),
        ("0", Reject),
        ("1e400", Reject),
        ("", Accept),
        ("1\\2\\3", Reject),
        ("abc", Reject),
        ("-1", Accept),
        ("1,5", Reject),
        (&"9".repeat(200), Accept),
    ] {
        let bytes = image(|i| i.slope = slope.to_owned()).file();
        add(&format!("slope {slope:.8}"), verdict, bytes);
    }
    for (spacing, verdict) in [
        ("0\\0", Reject),
        ("-1\\1", Reject),
        ("NaN\\1", Reject),
        ("1", Reject),
        ("", Accept),
        ("1e-300\\1e300", Either),
        ("a\\b", Reject),
    ] {
        let bytes = image(|i| i.spacing = spacing.to_owned()).file();
        add(&format!("spacing {spacing}"), verdict, bytes);
    }
    for orientation in [
        "0\\0\\0\\0\\0\\0",
        "1\\0\\0\\1\\0\\0",
        "NaN\\0\\0\\0\\1\\0",
        "1\\0\\0",
        "1\\0\\0\\0\\1\\0\\7",
        "2\\0\\0\\0\\3\\0",
    ] {
        let bytes = image(|i| i.orientation = orientation.to_owned()).file();
        add(&format!("orientation {orientation}"), Reject, bytes);
    }
    for (frames, verdict) in [
        ("-1", Reject),
        ("0", Accept),
        ("99999999999999999999", Reject),
        ("1.5", Reject),
        ("abc", Reject),
        ("1\\2", Reject),
        ("", Accept),
    ] {
        let bytes = image(|i| i.frames = Some(frames.to_owned())).file();
        add(&format!("frames {frames}"), verdict, bytes);
    }
    for set in [
        "ISO 2022 IR 999",
        &"\\".repeat(1000),
        "UTF-8\0../",
        "ISO 2022 IR 6\\ISO 2022 IR 87\\GB18030",
    ] {
        let bytes = image(|i| {
            i.character_set = set.to_owned();
            i.name = [b"\x1b$B".to_vec(), vec![0xff; 40]].concat();
        });
        add(&format!("character set {set:.20}"), Accept, bytes.file());
    }

    for vr in ["ZZ", "\0\0", "us", "\u{7f}\u{1}"] {
        let bytes = middle(with_length(0x21, 0x10, vr, b"abcd", 4));
        add(&format!("representation {vr:?}"), Reject, bytes);
    }
    let up = image(|i| i.instance = "../../../../evil").file();
    add("instance is a path", Accept, up);
    for (name, preamble) in [
        ("MZ", &b"MZ\x90\0"[..]),
        ("ELF", b"\x7fELF\x02\x01\x01"),
        ("TIFF", b"II*\0\x08\0\0\0"),
        ("PNG", b"\x89PNG\r\n\x1a\n"),
    ] {
        let bytes = with_meta(&bare, &meta(Some(EXPLICIT), None), preamble);
        add(&format!("preamble {name}"), Accept, bytes);
    }
    add(
        "two other rows before",
        Reject,
        middle(us(0x28, 0x10, 1).repeat(2)),
    );
    let early = [
        element(0x7fe0, 0x10, "OW", &[0, 0]),
        element(8, 5, "CS", b"X"),
    ];
    add("pixel data twice", Reject, middle(early.concat()));
    for descriptor in [[0_u16, 0, 16], [65535, 65535, 255], [1, 0, 0], [300, 0, 16]] {
        let value: Vec<u8> = descriptor.iter().flat_map(|n| n.to_le_bytes()).collect();
        let tables: Vec<u8> = (0..3)
            .flat_map(|i| element(0x28, 0x1101 + i, "US", &value))
            .chain((0..3).flat_map(|i| element(0x28, 0x1201 + i, "OW", &[0; 512])))
            .collect();
        let mut palette = narrow();
        (palette.photometric, palette.behind) = ("PALETTE COLOR", tables);
        palette.pixel_data = Some(element(0x7fe0, 0x10, "OW", &pixels()[..4096]));
        add(&format!("palette {descriptor:?}"), Reject, palette.file());
    }
    add(
        "odd length",
        Accept,
        middle(with_length(0x21, 0x10, "LO", b"abc", 3)),
    );
    let group2 = element(2, 0x10, "UI", IMPLICIT.as_bytes());
    add("group 2 in the dataset", Accept, middle(group2));
    let many = |n: u32| -> Vec<u8> {
        { 0..n }
            .flat_map(|i| {
                us(
                    0x21 + 2 * (i >> 15) as u16,
                    0x1000 + (i & 0x7fff) as u16,
                    i as u16,
                )
            })
            .collect()
    };
    add("100000 elements", Accept, middle(many(100_000)));
    let values = [
        element(0x21, 0x1002, "UT", &b"1\\".repeat(500_000)),
        element(0x20, 0x1041, "DS", &b"1\\".repeat(30_000)),
    ];
    add("a million values", Accept, middle(values.concat()));
    for (group, number, vr, value) in [
        (0x28, 0x106, "US", &b"abc"[..]),
        (0x18, 0x605a, "FL", b"abcde"),
        (0x28, 9, "AT", b"ab"),
    ] {
        let odd = with_length(group, number, vr, value, value.len() as u32);
        add(
            &format!("{vr} of {} bytes", value.len()),
            Accept,
            middle(odd),
        );
    }
    let float = element(0x7fe0, 8, "OF", &[0; 64]);
    add("float pixels of 16 bits", Reject, explicit(float.clone()));
    let both = [float, element(0x7fe0, 0x10, "OW", &pixels())].concat();
    add("two kinds of pixels", Reject, explicit(both));
    cases
}

/// Everything that a reader of pixels does with a file.
fn read(bytes: &[u8]) -> Result<(DicomFile, Vec<f64>), String> {
    let file = dicom::decode(bytes, &ReadOptions::new()).map_err(|e| e.to_string())?;
    let say = |e: medio::Error| e.to_string();
    let values = file.frame::<f64>(0).map_err(say)?.into_vec();
    file.voi(0).map_err(say)?;
    file.overlays().map_err(say)?;
    // Text is read whatever is in it.
    let _ = file.dataset().person_name(Tag::PATIENT_NAME);
    let strings = |e: &dicom::Element| e.strings(file.dataset().character_set()).len();
    file.dataset().elements().iter().map(strings).for_each(drop);
    // The door that all formats share reads what this one does, or a volume's place is wrong.
    match medio::decode(bytes, &ReadOptions::new()) {
        Ok(_) | Err(medio::Error::Series { .. }) => Ok((file, values)),
        Err(error) => Err(format!("at the door: {error}")),
    }
}

#[test]
fn every_case_ends_as_it_must_within_its_limits() {
    let mut wrong = Vec::new();
    for (name, verdict, bytes) in cases() {
        let start = Instant::now();
        let (result, peak) = peak_of(|| read(&bytes));
        let took = start.elapsed();
        let size = bytes.len() as u64;
        let bound = match &result {
            Err(_) => 16 * size + (16 << 20),
            Ok((_, values)) => 16 * size + 8 * values.len() as u64 + (16 << 20),
        };
        if peak > bound {
            wrong.push(format!("{name}: {peak} bytes, {bound} are allowed"));
        }
        // Twice the limit: other tests run at the same time.
        let limit = Duration::from_secs_f64(1.0 + 0.4 * size as f64 / f64::from(1 << 20));
        if took > limit {
            wrong.push(format!("{name}: {took:?}, {limit:?} are allowed"));
        }
        match (verdict, result) {
            (Reject, Ok(_)) => wrong.push(format!("{name} was accepted")),
            (Accept, Err(error)) => wrong.push(format!("{name} was refused: {error}")),
            (Accept, Ok((_, values))) => {
                if values.len() != 64 * 64 {
                    wrong.push(format!("{name}: {} pixels", values.len()));
                }
                if name.starts_with("control") && values[..2] != [1792.0 - 1024.0, 5390.0 - 1024.0]
                {
                    wrong.push(format!("{name}: {:?}", &values[..2]));
                }
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nesting_uses_no_stack() {
    let run = || {
        for bytes in [
            nested(100_000, true),
            nested(100_000, false),
            nested(64, true),
        ] {
            let dataset = Image::with(|i| i.middle = bytes).dataset();
            let file = dicom::decode(file(&dataset, EXPLICIT), &ReadOptions::new());
            drop(file);
        }
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10);
    thread.spawn(run).unwrap().join().unwrap();
}

#[test]
fn a_deflated_bomb_costs_what_its_frame_costs() {
    let mut head = Image::with(|i| i.pixel_data = Some(Vec::new())).dataset();
    head.extend(with_length(0x7fe0, 0x10, "OW", &[], 1 << 30));
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::new(9));
    std::io::Write::write_all(&mut encoder, &head).unwrap();
    let zeros = vec![0; 16 << 20];
    for _ in 0..64 {
        std::io::Write::write_all(&mut encoder, &zeros).unwrap();
    }
    let bytes = file(&encoder.finish().unwrap(), DEFLATED);
    let start = Instant::now();
    let (result, peak) = peak_of(|| read(&bytes));
    let (opened, values) = result.unwrap();
    assert!(values.iter().all(|v| *v == -1024.0) && values.len() == 4096);
    assert!(matches!(
        opened.report().warnings[..],
        [medio::Warning::Dicom(Warning::ExcessPixelData { bytes })] if bytes == (1 << 30) - 8192
    ));
    assert!(
        peak < 4 << 20 && start.elapsed() < Duration::from_secs(2),
        "{peak}"
    );
}

#[test]
fn an_error_says_where_and_what() {
    let cut = Image::default().file();
    let fault = dicom::decode(&cut[..cut.len() - 1], &ReadOptions::new()).unwrap_err();
    let Fault::Truncated {
        what,
        needed,
        available,
        ..
    } = &fault
    else {
        panic!("{fault}");
    };
    assert_eq!(
        (what.as_str(), *needed, *available),
        ("PixelData (7FE0,0010)", 8192, 8191)
    );
    let deep = Image::with(|i| i.middle = nested(65, true)).file();
    let fault = dicom::decode(deep, &ReadOptions::new())
        .unwrap_err()
        .to_string();
    assert_eq!(
        fault,
        "dataset: nested items needs 65 levels, the budget has 64"
    );
}

#[test]
fn lenience_reads_what_strictness_refuses_and_says_so() {
    let lenient = ReadOptions::new().lenient();
    let bare = Image::default().dataset();
    let untold = with_meta(&bare, &meta(None, None), &[]);
    let file = dicom::decode(untold, &lenient).unwrap();
    let guessed = Warning::TransferSyntaxGuessed { uid: EXPLICIT };
    assert_eq!(file.report().warnings, [guessed.into()]);
    assert_eq!(file.stored::<u16>().unwrap().as_slice()[0], 1792);

    let whole = Image::default().file();
    let file = dicom::decode(&whole[..whole.len() - 8192 - 30], &lenient).unwrap();
    let report = &file.report().warnings[..];
    let cut = |w: &medio::Warning| matches!(w, medio::Warning::Dicom(Warning::Truncated { .. }));
    assert!(report.len() == 1 && cut(&report[0]), "{report:?}");
    assert!(file.dataset().get(Tag::PIXEL_DATA).is_none());

    // Of pixels that are cut the rest is kept, and so are the items of a sequence that is.
    let file = dicom::decode(&whole[..whole.len() - 192], &lenient).unwrap();
    let stored = file.stored::<u16>().unwrap();
    assert_eq!(stored.as_slice()[..2], [1792, 5390]);
    assert_eq!(stored.as_slice()[4000..], [0; 96]);
    let inner = element(0x20, 0x13, "IS", b"7 ");
    let items = [item(&inner), item(&inner)].concat();
    let sequence = with_length(0x40, 0xa730, "SQ", &items, items.len() as u32);
    let bytes = Image::with(|i| i.pixel_data = Some(sequence)).file();
    let file = dicom::decode(&bytes[..bytes.len() - 1], &lenient).unwrap();
    let items = file.dataset().items(Tag::new(0x40, 0xa730));
    assert_eq!(
        [
            items.len(),
            items[0].elements().len(),
            items[1].elements().len()
        ],
        [2, 1, 0]
    );

    let short =
        Image::with(|i| i.pixel_data = Some(element(0x7fe0, 0x10, "OW", &pixels()[..8000])));
    assert!(
        dicom::decode(short.file(), &ReadOptions::new())
            .unwrap()
            .stored::<u16>()
            .is_err()
    );
    let file = dicom::decode(short.file(), &lenient).unwrap();
    assert_eq!(
        file.report().warnings,
        [Warning::PixelsFilled { bytes: 192 }.into()]
    );
    let stored = file.stored::<u16>().unwrap();
    assert_eq!(stored.as_slice()[4000..], [0; 96]);
}
