//! Headers whose voxels are in other files.

use std::path::Path;
use std::sync::Arc;

use medio::medcore::{Budget, Geometry, Image};
use medio::{AnyImage, Compression, Error, Fault, ReadOptions, WriteOptions};

const MHD: &str = "ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\nElementSpacing = 1 1 1\nOffset = 0 0 0\n\
    TransformMatrix = 1 0 0 0 1 0 0 0 1\nElementType = MET_UCHAR\nElementDataFile = ";
const NHDR: &str = "NRRD0004\ntype: uint8\ndimension: 3\nspace: LPS\nsizes: 4 3 2\nencoding: raw\n\
    space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\ndata file: ";

fn read(path: &Path, text: &str) -> medio::Result<Vec<u8>> {
    std::fs::write(path, text).unwrap();
    Ok(medio::read::<u8, 3>(path)?.into_vec())
}

#[test]
fn data_files_are_opened_below_the_headers_folder_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir_all(inner.join("deep")).unwrap();
    let voxels: Vec<u8> = (0..24).collect();
    for place in ["secret.raw", "inner/a.raw", "inner/deep/b c.raw"] {
        std::fs::write(folder.path().join(place), &voxels).unwrap();
    }
    for (name, head) in [("a.mhd", MHD), ("a.nhdr", NHDR)] {
        let path = inner.join(name);
        for inside in ["a.raw", "./a.raw", "deep/b c.raw"] {
            assert_eq!(
                read(&path, &format!("{head}{inside}\n")).unwrap(),
                voxels,
                "{inside}"
            );
        }
        let absolute = folder.path().join("secret.raw");
        for outside in [
            "../secret.raw",
            "deep/../../secret.raw",
            absolute.to_str().unwrap(),
        ] {
            let refused = read(&path, &format!("{head}{outside}\n"));
            assert!(
                matches!(
                    refused,
                    Err(Error::File {
                        fault: Fault::PathEscapes { .. },
                        ..
                    })
                ),
                "{outside}: {refused:?}"
            );
        }
        let missing = read(&path, &format!("{head}none.raw\n"))
            .unwrap_err()
            .to_string();
        assert!(
            missing.contains("none.raw") && missing.contains(name),
            "{missing}"
        );
        let bytes = std::fs::read(&path).unwrap();
        let from_memory = medio::decode(&bytes, &ReadOptions::new()).unwrap_err();
        assert!(matches!(
            from_memory,
            Error::File {
                fault: Fault::Unsupported { .. },
                ..
            }
        ));
    }
}

#[test]
fn slices_of_a_list_are_claimed_once_and_their_number_must_be_right() {
    let folder = tempfile::tempdir().unwrap();
    for slice in 0..3_u8 {
        let voxels: Vec<u8> = (0..12).map(|v| v + 12 * slice).collect();
        std::fs::write(folder.path().join(format!("s{slice}.raw")), voxels).unwrap();
    }
    let want: Vec<u8> = (0..24).collect();
    for (name, text) in [
        ("a.mhd", format!("{MHD}LIST\ns0.raw\ns1.raw\n")),
        ("b.mhd", format!("{MHD}s%d.raw 0 1 1\n")),
        ("a.nhdr", format!("{NHDR}LIST\ns0.raw\ns1.raw\n")),
        ("b.nhdr", format!("{NHDR}s%d.raw 0 1 1\n")),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, &text).unwrap();
        let budget = Arc::new(Budget::new(1000));
        let options = ReadOptions::new().budget(Arc::clone(&budget));
        let loaded = medio::read_any(&path, &options).unwrap();
        let AnyImage::U8(image) = loaded.value else {
            panic!("another type");
        };
        assert_eq!(image.as_slice(), want, "{name}");
        assert_eq!(budget.bytes_left(), 1000 - 24, "{name}");
        // A slice too many, one too few, and one too short.
        let many = text
            .replace("s1.raw\n", "s1.raw\ns2.raw\n")
            .replace("0 1 1", "0 2 1");
        assert!(read(&path, &many).is_err(), "{name}");
        let few = text.replace("s1.raw\n", "").replace("0 1 1", "0 0 1");
        assert!(read(&path, &few).is_err(), "{name}");
        let whole = std::fs::read(folder.path().join("s1.raw")).unwrap();
        std::fs::write(folder.path().join("s1.raw"), &whole[..11]).unwrap();
        assert!(read(&path, &text).is_err(), "{name}");
        std::fs::write(folder.path().join("s1.raw"), whole).unwrap();
    }
}

#[test]
fn a_raw_volume_can_be_mapped_and_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let grid = Geometry::axis_aligned([5, 6, 7], [1.0, 2.0, 3.0]).unwrap();
    let image = Image::new(grid, (0..210_i16).collect::<Vec<_>>()).unwrap();
    let plain = WriteOptions::new().compression(Compression::None);
    for name in ["a.mhd", "a.nhdr", "a.npy"] {
        let path = folder.path().join(name);
        medio::write_with(&path, &image, &plain).unwrap();
        let budget = Arc::new(Budget::new(0));
        let options = ReadOptions::new().map(true).budget(budget).grid(grid);
        let mapped = medio::read_with::<i16, 3>(&path, &options).unwrap();
        assert_eq!(mapped.value, image, "{name}: mapped voxels cost nothing");
    }
}
