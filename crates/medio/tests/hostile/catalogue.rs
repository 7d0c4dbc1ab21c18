//! The cases: what is wrong, and whether a reader may still make something of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use medio::medcore::Budget;
use medio::nifti::{self, AnyImage, ReadOptions, Warning};

use super::allocator::peak_of;
use super::builder::{Nifti1, Nifti2, bomb, counting, gzip, nifti1, nifti2};

/// What must come of a file.
#[derive(Clone, Copy)]
enum Verdict {
    Reject,
    /// A volume of 8 x 8 x 8 that starts with these values.
    Accept([f64; 2]),
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

/// The first two `int16` of the counting data.
const LITTLE: Verdict = Accept([256.0, 770.0]);
const BIG: Verdict = Accept([1.0, 515.0]);

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, ending, verdict, bytes| {
        cases.push(Case {
            name: name.to_owned(),
            ending,
            bytes,
            verdict,
        });
    };
    let plain = nifti1().bytes();
    let zipped = gzip(&plain);

    add("control", ".nii", LITTLE, plain.clone());
    add("control gz", ".nii.gz", LITTLE, zipped.clone());
    add("control nifti-2", ".nii", LITTLE, nifti2().bytes());
    add(
        "control big endian",
        ".nii",
        BIG,
        Nifti1::with(|f| f.big_endian = true),
    );

    add("empty", ".nii", Reject, Vec::new());
    add("header only", ".nii", Reject, plain[..348].to_vec());
    for n in [4, 40, 100, 347, 351, 352, 353, 800, 1375] {
        add(&format!("cut at {n}"), ".nii", Reject, plain[..n].to_vec());
    }
    for size in [0, 349, 540, -1, i32::MAX] {
        add(
            &format!("sizeof_hdr {size}"),
            ".nii",
            Reject,
            Nifti1::with(|f| f.size = size),
        );
    }
    add(
        "magic XXX",
        ".nii",
        Reject,
        Nifti1::with(|f| f.magic = *b"XXX\0"),
    );
    add(
        "magic ni1 without pair",
        ".nii",
        Reject,
        Nifti1::with(|f| f.magic = *b"ni1\0"),
    );

    for rank in [0, 8, -1, 32767, -32768] {
        add(
            &format!("dim[0] {rank}"),
            ".nii",
            Reject,
            Nifti1::with(|f| f.dim[0] = rank),
        );
    }
    for width in [-1, 0, 32767] {
        add(
            &format!("dim[1] {width}"),
            ".nii",
            Reject,
            Nifti1::with(|f| f.dim[1] = width),
        );
    }
    let huge = Nifti1::with(|f| f.dim = [7, 32767, 32767, 32767, 32767, 32767, 32767, 32767]);
    add("all dims 32767", ".nii", Reject, huge);
    let large = Nifti1::with(|f| f.dim = [3, 2048, 2048, 2048, 1, 1, 1, 1]);
    add("2048 cubed in a kilobyte", ".nii", Reject, large);
    let negative = Nifti1::with(|f| f.dim = [4, -8, -8, 8, 1, 1, 1, 1]);
    add("negative pair", ".nii", Reject, negative);
    for rank in [200, -5, 8, 0, 1 << 40] {
        add(
            &format!("nifti-2 dim[0] {rank}"),
            ".nii",
            Reject,
            Nifti2::with(|f| f.dim[0] = rank),
        );
    }
    for (name, [x, y, z]) in [
        ("nifti-2 dims 2^126", [1_i64 << 62, 1 << 62, 4]),
        ("nifti-2 dims wrap to nothing", [1 << 61, 8, 1]),
        ("nifti-2 dim negative", [-8, 8, 8]),
    ] {
        add(
            name,
            ".nii",
            Reject,
            Nifti2::with(|f| f.dim = [3, x, y, z, 1, 1, 1, 1]),
        );
    }

    for offset in [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        -1.0,
        -352.0,
        0.0,
        348.0,
        351.0,
        352.5,
        1e30,
        1e9,
        3.4e38,
    ] {
        // Zero is the slip of old writers that mean the end of the header.
        let verdict = if offset == 0.0 { LITTLE } else { Reject };
        let bytes = Nifti1::with(|f| f.vox_offset = offset);
        add(&format!("vox_offset {offset}"), ".nii", verdict, bytes);
    }
    for offset in [-1, -544, 1 << 62, 0, 540] {
        let verdict = if offset == 0 { LITTLE } else { Reject };
        let bytes = Nifti2::with(|f| f.vox_offset = offset);
        add(
            &format!("nifti-2 vox_offset {offset}"),
            ".nii",
            verdict,
            bytes,
        );
    }

    for (datatype, bitpix, verdict) in [
        (0, 0, Reject),
        (1, 1, Reject),
        (9999, 16, Reject),
        (-4, 16, Reject),
        (128, 24, Reject), // 1536 bytes of colour in 1024
        (1536, 128, Reject),
        (2048, 256, Reject),
        (2304, 32, Reject),
        (32, 64, Reject),
        (16, 16, Reject), // float32 needs 2048 bytes, whatever bitpix says
        (2, 64, Accept([0.0, 1.0])),
        (4, -16, LITTLE),
    ] {
        let bytes = Nifti1::with(|f| (f.datatype, f.bitpix) = (datatype, bitpix));
        add(
            &format!("datatype {datatype} bitpix {bitpix}"),
            ".nii",
            verdict,
            bytes,
        );
    }
    let large = f64::from(1e38_f32);
    let small = f64::from(1e-45_f32);
    for (slope, inter, verdict) in [
        (f32::NAN, 0.0, LITTLE),
        (f32::INFINITY, 0.0, Reject),
        (0.0, 5.0, LITTLE),
        (-0.0, 0.0, LITTLE),
        (1e38, 1e38, Accept([257.0, 771.0].map(|_| 0.0))),
        (1.0, f32::NAN, Reject),
        (1.0, f32::INFINITY, Reject),
        (f32::NAN, f32::NAN, LITTLE),
        (1e-45, 0.0, Accept([256.0 * small, 770.0 * small])),
    ] {
        let verdict = match slope {
            1e38 => Accept([256.0 * large + large, 770.0 * large + large]),
            _ => verdict,
        };
        let bytes = Nifti1::with(|f| f.scaling = [slope, inter]);
        add(
            &format!("slope {slope} inter {inter}"),
            ".nii",
            verdict,
            bytes,
        );
    }

    for [qfac, x, y, z] in [
        [0.0, 0.0, 0.0, 0.0],
        [1.0, f32::NAN, 1.0, 1.0],
        [1.0, -1.0, 1.0, 1.0],
        [1.0, f32::INFINITY, 1.0, 1.0],
        [5.0, 1.0, 1.0, 1.0],
        [f32::NAN, 1.0, 1.0, 1.0],
    ] {
        // The sform places these voxels; the report doubts the qform.
        let bytes = Nifti1::with(|f| f.pixdim = [qfac, x, y, z, 0.0, 0.0, 0.0, 0.0]);
        add(&format!("pixdim {qfac} {x} {y} {z}"), ".nii", LITTLE, bytes);
    }
    for quaternion in [
        [1.0, 1.0, 1.0, 0.0, 0.0, 0.0],
        [f32::NAN, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, f32::INFINITY, 0.0, 0.0],
        [0.8, 0.8, 0.0, 0.0, 0.0, 0.0],
        [1e38, 0.0, 0.0, 0.0, 0.0, 0.0],
    ] {
        let bytes = Nifti1::with(|f| (f.quaternion, f.codes) = (quaternion, [1, 0]));
        add(&format!("quaternion {quaternion:?}"), ".nii", Reject, bytes);
    }
    let diagonal = |v: f32| [[v, 0.0, 0.0, 0.0], [0.0, v, 0.0, 0.0], [0.0, 0.0, v, 0.0]];
    let mut singular = diagonal(1.0);
    singular[0] = [1.0, 1.0, 0.0, 0.0];
    singular[1] = [1.0, 1.0, 0.0, 0.0];
    let mut infinite = diagonal(1.0);
    infinite[0][0] = f32::INFINITY;
    for (name, sform) in [
        ("zero", [[0.0; 4]; 3]),
        ("NaN", [[f32::NAN; 4]; 3]),
        ("singular", singular),
        ("infinite", infinite),
        ("1e-30", diagonal(1e-30)),
    ] {
        add(
            &format!("sform {name}"),
            ".nii",
            Reject,
            Nifti1::with(|f| f.sform = sform),
        );
    }
    add(
        "no codes",
        ".nii",
        LITTLE,
        Nifti1::with(|f| f.codes = [0, 0]),
    );
    add(
        "codes 99 and -99",
        ".nii",
        LITTLE,
        Nifti1::with(|f| f.codes = [99, -99]),
    );

    let extension = |size: i32, contents: &[u8]| {
        let code = 6_i32.to_le_bytes();
        [&size.to_le_bytes()[..], &code, contents].concat()
    };
    for size in [0, 7, 8, -16, 0x7fff_fff0, 1 << 30, 24] {
        let bytes = Nifti1::with(|f| {
            f.vox_offset = 384.0;
            f.behind = [&[1, 0, 0, 0][..], &extension(size, &[b'x'; 24])].concat();
        });
        add(&format!("extension of size {size}"), ".nii", LITTLE, bytes);
    }
    let flag = Nifti1::with(|f| f.behind = vec![1, 0, 0, 0]);
    add("extension flag without extension", ".nii", LITTLE, flag);
    let overlap = Nifti1::with(|f| {
        f.behind = [&[1, 0, 0, 0][..], &extension(512, &[b'y'; 504])].concat();
    });
    add("extension over the voxels", ".nii", Either, overlap);
    let chain = Nifti1::with(|f| {
        f.vox_offset = 352.0 + 1_600_000.0;
        f.behind = [vec![1, 0, 0, 0], extension(16, b"zzzzzzzz").repeat(100_000)].concat();
    });
    add("a hundred thousand extensions", ".nii", LITTLE, chain);

    add(
        "gz cut in the middle",
        ".nii.gz",
        Reject,
        zipped[..zipped.len() / 2].to_vec(),
    );
    let mut crc = zipped.clone();
    let at = crc.len() - 8;
    crc[at..at + 4].fill(0);
    add("gz with a wrong checksum", ".nii.gz", Reject, crc);
    let members = [gzip(&plain[..600]), gzip(&plain[600..])].concat();
    add("gz of two members", ".nii.gz", LITTLE, members);
    let garbage = [&zipped[..], &b"garbage".repeat(10)].concat();
    add("gz with garbage behind it", ".nii.gz", LITTLE, garbage);
    add("not gz, named gz", ".nii.gz", LITTLE, plain);
    add("gz, not named gz", ".nii", LITTLE, zipped);
    let tail = bomb(&nifti1().bytes(), 64);
    add(
        "gz with a gibibyte behind the voxels",
        ".nii.gz",
        Reject,
        tail,
    );
    let head = Nifti1::with(|f| {
        f.vox_offset = 352.0 + (1 << 30) as f32;
        f.behind = [&[1, 0, 0, 0][..], &extension(1 << 30, &[])].concat();
        f.data = Vec::new();
    });
    add(
        "gz with a gibibyte of extension",
        ".nii.gz",
        Reject,
        bomb(&head, 64),
    );
    let head = Nifti1::with(|f| {
        f.dim = [3, 1024, 1024, 512, 1, 1, 1, 1];
        f.data = Vec::new();
    });
    // A valid volume; the budget of this test is what refuses it.
    add(
        "gz of a gibibyte of voxels",
        ".nii.gz",
        Reject,
        bomb(&head, 64),
    );
    let head = Nifti1::with(|f| f.dim = [3, 32767, 32767, 32767, 1, 1, 1, 1]);
    add(
        "gz that declares 32767 cubed",
        ".nii.gz",
        Reject,
        gzip(&head),
    );

    let mut state = 20_261_121_u64;
    let mut draw = |n: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    for i in 0..40 {
        let mut bytes = if i % 2 == 1 {
            nifti1().bytes()
        } else {
            nifti2().bytes()
        };
        for _ in 0..[1, 3, 8][draw(3) as usize] {
            let value = [0, 255, 127, 128, draw(256)][draw(5) as usize];
            bytes[draw(352) as usize] = value as u8;
        }
        add(&format!("random bytes {i}"), ".nii", Either, bytes);
    }
    cases
}

fn first_two(image: &AnyImage) -> ([usize; 3], [f64; 2], usize) {
    macro_rules! first {
        ($image:expr) => {{
            let v = $image.as_slice();
            (
                $image.shape(),
                [v[0] as f64, v[1 % v.len()] as f64],
                size_of_val(v),
            )
        }};
    }
    match image {
        AnyImage::U8(i) => first!(i),
        AnyImage::I8(i) => first!(i),
        AnyImage::U16(i) => first!(i),
        AnyImage::I16(i) => first!(i),
        AnyImage::U32(i) => first!(i),
        AnyImage::I32(i) => first!(i),
        AnyImage::U64(i) => first!(i),
        AnyImage::I64(i) => first!(i),
        AnyImage::F32(i) => first!(i),
        AnyImage::F64(i) => first!(i),
        _ => panic!("a new image type"),
    }
}

#[test]
fn each_of_the_157_hostile_files_is_refused_or_read_right_in_bounded_memory() {
    const SLACK: u64 = 16 << 20;
    let folder = tempfile::tempdir().unwrap();
    let cases = cases();
    assert_eq!(cases.len(), 157);
    let mut wrong = Vec::new();
    for (i, case) in cases.iter().enumerate() {
        let path = folder.path().join(format!("{i}{}", case.ending));
        std::fs::write(&path, &case.bytes).unwrap();
        let size = case.bytes.len() as u64;
        for extensions in [false, true] {
            let budget = Arc::new(Budget::new(256 << 20));
            let options = ReadOptions::new().budget(budget).extensions(extensions);
            let start = Instant::now();
            let (result, peak) = peak_of(|| nifti::read(&path, &options));
            let took = start.elapsed();
            // Half a second, and a fifth of one for every MiB; ten times that for a busy machine.
            let limit = Duration::from_millis(5000 + 2000 * (size >> 20));
            let mut fail = |what: String| wrong.push(format!("{}: {what}", case.name));
            if took > limit {
                fail(format!("took {took:?}"));
            }
            let bound = match &result {
                Err(_) => 16 * size + SLACK,
                Ok(loaded) => 3 * first_two(&loaded.value).2 as u64 + size + SLACK,
            };
            if peak > bound {
                fail(format!("held {peak} bytes, {bound} are allowed"));
            }
            match (case.verdict, &result) {
                (Reject, Err(_)) | (Either, Err(_)) => {}
                (Reject, Ok(_)) => fail("was accepted".to_owned()),
                (Accept(_), Err(e)) => fail(format!("was refused: {e}")),
                (Accept(want), Ok(loaded)) => {
                    let (shape, got, _) = first_two(&loaded.value);
                    let near = |(a, b): (f64, f64)| (a as f32) == (b as f32);
                    if shape != [8, 8, 8] || !got.into_iter().zip(want).all(near) {
                        fail(format!("gave {shape:?} {got:?}, not {want:?}"));
                    }
                }
                (Either, Ok(loaded)) => {
                    let header = &loaded.header;
                    let voxels: usize = first_two(&loaded.value).0.iter().product();
                    let needed = voxels * header.datatype.voxel_bytes();
                    if needed as u64 > size {
                        fail(format!("gave {needed} bytes of voxels from {size}"));
                    }
                }
            }
            if let Err(error) = &result {
                let text = error.to_string();
                assert!(
                    text.contains(&*path.to_string_lossy()),
                    "no path in {text:?}"
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_was_repaired_is_in_the_report() {
    let warnings = |bytes: &[u8]| {
        nifti::decode(bytes, &ReadOptions::new())
            .unwrap()
            .report
            .warnings
    };
    let offset = warnings(&Nifti1::with(|f| f.vox_offset = 0.0));
    assert_eq!(offset, [Warning::VoxOffsetRepaired { used: 352 }]);
    let bitpix = warnings(&Nifti1::with(|f| f.bitpix = -16));
    assert!(matches!(
        bitpix[..],
        [Warning::BitpixDisagrees { bitpix: -16, .. }]
    ));
    let qform = warnings(&Nifti1::with(|f| f.pixdim[1] = f32::NAN));
    assert!(
        matches!(qform[..], [Warning::QformInvalid { .. }]),
        "{qform:?}"
    );
    let apart = warnings(&Nifti1::with(|f| f.quaternion[3] = 5.0));
    assert_eq!(apart, [Warning::QformSformDisagree { max_mm: 5.0 }]);
    let tail = warnings(&Nifti1::with(|f| f.data.push(0)));
    assert_eq!(tail, [Warning::TrailingBytes { bytes: 1 }]);
    let garbage = [gzip(&nifti1().bytes()), b"junk".to_vec()].concat();
    assert_eq!(warnings(&garbage), [Warning::TrailingGarbage { bytes: 4 }]);
    let none = warnings(&Nifti1::with(|f| f.codes = [0, 0]));
    assert_eq!(none, [Warning::NoOrientation]);
    let odd = Nifti1::with(|f| (f.codes, f.pixdim[0]) = ([1, 0], 5.0));
    assert_eq!(
        warnings(&odd),
        [Warning::QfacRepaired {
            value: 5.0,
            used: 1.0
        }]
    );
    let negative = Nifti1::with(|f| (f.codes, f.pixdim[2]) = ([1, 0], -2.0));
    let repaired = Warning::PixdimRepaired {
        axis: 2,
        value: -2.0,
        used: 2.0,
    };
    assert_eq!(warnings(&negative), [repaired]);
}

#[test]
fn extensions_are_kept_up_to_the_first_malformed_one() {
    let read = |size: i32| {
        let bytes = Nifti1::with(|f| {
            f.vox_offset = 400.0;
            f.behind = vec![1, 0, 0, 0];
            f.behind.extend([32_i32, 6].map(i32::to_le_bytes).concat());
            f.behind.extend([b'a'; 24]);
            f.behind.extend([size, 44].map(i32::to_le_bytes).concat());
            f.behind.extend([b'b'; 8]);
        });
        for bytes in [gzip(&bytes), bytes.clone()] {
            let loaded = nifti::decode(&bytes, &ReadOptions::new().extensions(true)).unwrap();
            let AnyImage::I16(image) = &loaded.value else {
                panic!("another type");
            };
            assert_eq!(image.as_slice()[..2], [256, 770]);
            assert_eq!(loaded.extensions[0].code, 6);
            assert_eq!(loaded.extensions[0].data, [b'a'; 24]);
            if size == 16 {
                assert!(loaded.report.is_clean(), "{:?}", loaded.report);
                assert_eq!(loaded.extensions[1].data, [b'b'; 8]);
            } else {
                let warning = Warning::MalformedExtension { offset: 384 };
                assert_eq!(loaded.report.warnings, [warning]);
                assert_eq!(loaded.extensions.len(), 1);
            }
        }
    };
    read(16);
    read(17);
    read(1 << 30);
    read(-16);
}

#[test]
fn an_accepted_bomb_costs_what_its_voxels_cost() {
    let head = Nifti1::with(|f| {
        f.dim = [3, 512, 256, 128, 1, 1, 1, 1]; // 32 MiB
        f.data = Vec::new();
    });
    let file = bomb(&head, 2);
    assert!(file.len() < 64 << 10);
    let (loaded, peak) = peak_of(|| nifti::decode(&file, &ReadOptions::new()));
    let AnyImage::I16(image) = loaded.unwrap().value else {
        panic!("another type");
    };
    assert!(image.as_slice().iter().all(|&v| v == 0));
    assert!(peak < (32 << 20) + (2 << 20), "{peak}");
}

#[test]
fn colours_are_read_as_channels() {
    let bytes = Nifti1::with(|f| {
        (f.datatype, f.bitpix) = (128, 24);
        f.dim = [3, 2, 3, 4, 1, 1, 1, 1];
        f.data = counting()[..72].to_vec();
    });
    let AnyImage::U8(image) = nifti::decode(&bytes, &ReadOptions::new()).unwrap().value else {
        panic!("another type");
    };
    assert_eq!((image.channels(), image.shape()), (3, [4, 3, 2]));
    for channel in 0..3 {
        let want: Vec<u8> = (0..24).map(|i| 3 * i + channel as u8).collect();
        assert_eq!(image.channel(channel), want);
    }
}

#[test]
fn a_damaged_bomb_costs_little_more_than_its_own_size() {
    let head = Nifti1::with(|f| {
        f.dim = [3, 1024, 512, 128, 1, 1, 1, 1]; // 128 MiB
        f.data = Vec::new();
    });
    let mut file = bomb(&head, 8);
    // The right length in the trailer, a wrong checksum before it.
    let at = file.len() - 8;
    file[at] ^= 1;
    let (result, peak) = peak_of(|| nifti::decode(&file, &ReadOptions::new()));
    assert!(result.is_err());
    assert!(peak < 16 * file.len() as u64 + (16 << 20), "{peak}");
}
