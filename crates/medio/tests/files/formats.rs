//! Every format through the one door: what is written comes back, in its place, whatever its orientation.

use medio::medcore::{Geometry, GeometryTolerance, Image, LabelMap, Lps, Point, Vector};
use medio::{AnyImage, Compression, Error, Format, ReadOptions, Warning, WriteOptions};

/// Formats that keep a grid in space.
const PLACED: [&str; 8] = [
    "a.nii", "a.nii.gz", "a.mha", "a.mhd", "a.nrrd", "a.nhdr", "a.mgh", "a.mgz",
];

/// The 48 ways in which index axes can lie along the world's: three axes in any order, each either way.
fn orientations() -> Vec<[Vector<Lps>; 3]> {
    let mut all = Vec::new();
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        for signs in 0..8 {
            let spacing = [2.5, 0.75, 0.5];
            all.push([0, 1, 2].map(|axis| {
                let mut step = [0.0; 3];
                let sign = if signs & (1 << axis) == 0 { 1.0 } else { -1.0 };
                step[order[axis]] = sign * spacing[axis];
                Vector::new(step[0], step[1], step[2])
            }));
        }
    }
    all
}

/// No two voxels alike, no axis like another.
fn phantom(steps: [Vector<Lps>; 3]) -> Image<i16, 3> {
    let grid = Geometry::new([3, 4, 5], Point::new(10.5, -20.25, 31.0), steps).unwrap();
    Image::new(grid, (0..60).map(|i| i * 411 - 12_000).collect::<Vec<_>>()).unwrap()
}

/// Single precision, in which NIfTI-1 and MGH place voxels.
const TIGHT: GeometryTolerance = GeometryTolerance {
    spacing_relative: 1e-6,
    direction: 1e-6,
    origin_voxels: 1e-5,
};

#[test]
fn an_asymmetric_phantom_comes_back_from_every_format_in_all_48_orientations() {
    let folder = tempfile::tempdir().unwrap();
    let all = orientations();
    assert_eq!(all.len(), 48);
    for name in PLACED {
        let path = folder.path().join(name);
        for steps in &all {
            let image = phantom(*steps);
            medio::write(&path, &image).unwrap();
            let loaded = medio::read_any(&path, &ReadOptions::new()).unwrap();
            assert!(loaded.report.is_clean(), "{name}: {:?}", loaded.report);
            let AnyImage::I16(back) = loaded.value else {
                panic!("{name} became another type");
            };
            back.geometry()
                .check_same_as(image.geometry(), &TIGHT)
                .unwrap();
            assert_eq!(back.as_slice(), image.as_slice(), "{name}");
            let info = medio::read_header(&path).unwrap();
            assert_eq!(&info.geometry, back.geometry(), "{name}");
            assert_eq!(Some(info.header.format()), Format::of_name(name));
        }
    }
}

#[test]
fn channels_planes_labels_and_every_number_type_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (s, c) = 0.3_f64.sin_cos();
    let steps = [
        Vector::new(0.0, 3.0 * s, -3.0 * c),
        Vector::new(0.0, 0.9 * c, 0.9 * s),
        Vector::new(-0.8, 0.1, 0.0),
    ];
    let place = Point::new(-5.0, 6.5, 7.25);
    let volume = Geometry::new([2, 3, 4], place, steps).unwrap();
    let plane = Geometry::new([3, 4], place, [steps[1], steps[2]]).unwrap();
    let tilted = Geometry::new([3, 4], place, [steps[0], steps[2]]).unwrap();
    let flat = Geometry::<2>::axis_aligned([3, 4], [0.5, 0.25]).unwrap();
    for name in PLACED {
        let path = folder.path().join(name);
        for compression in [Compression::None, Compression::Level(6)] {
            let options = WriteOptions::new().compression(compression);
            let three = Image::with_channels(3, volume, (0..72_u16).collect::<Vec<_>>()).unwrap();
            medio::write_with(&path, &three, &options).unwrap();
            let back = medio::read::<u16, 3>(&path).unwrap();
            assert_eq!(back.channels(), 3, "{name}");
            assert_eq!(back.as_slice(), three.as_slice(), "{name}");
            back.geometry().check_same_as(&volume, &TIGHT).unwrap();
            for grid in [plane, tilted, flat] {
                let labels = LabelMap::new(grid, (0..12_u8).collect::<Vec<_>>()).unwrap();
                medio::write_labels_with(&path, &labels, &options).unwrap();
                let back = medio::read_labels::<u8, 2>(&path).unwrap();
                assert_eq!(back.as_slice(), labels.as_slice(), "{name}");
                back.geometry().check_same_as(&grid, &TIGHT).unwrap();
            }
        }
        macro_rules! types {
            ($($t:ident)*) => { $({
                let voxels: Vec<$t> = (0..24).map(|i| ($t::MAX / 24 as $t) * i as $t).collect();
                let image = Image::new(volume, voxels).unwrap();
                match medio::write(&path, &image) {
                    Ok(()) => assert_eq!(medio::read::<$t, 3>(&path).unwrap().as_slice(), image.as_slice(), "{name}"),
                    Err(refused) => assert!(name.starts_with("a.mg"), "{name}: {refused}"),
                }
            })* };
        }
        types!(u8 i8 u16 i16 u32 i32 u64 i64 f32 f64);
    }
}

#[test]
fn an_mgh_file_without_placement_lies_as_freesurfer_puts_it() {
    // nibabel 5.4 transposes these cosines; the format's own description has y to inferior, z to anterior.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.mgh");
    medio::write(&path, &phantom(orientations()[0])).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[28..30].fill(0);
    let loaded = medio::decode(&bytes, &ReadOptions::new()).unwrap();
    assert!(matches!(
        loaded.report.warnings[..],
        [Warning::Assumed {
            key: "goodRASFlag",
            ..
        }]
    ));
    let [z, y, x] = loaded
        .value
        .geometry()
        .steps()
        .map(|step| step.to_ras().components());
    assert_eq!(
        [x, y, z],
        [[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]]
    );
    let middle = loaded.value.geometry().index_to_world([1.5, 2.0, 2.5]);
    assert_eq!(middle, Point::new(0.0, 0.0, 0.0));
}

#[test]
fn known_formats_that_are_not_read_and_unknown_ones_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.nii");
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        medio::read::<f32, 3>(&path).unwrap_err()
    };
    let dicom = [[0; 128].as_slice(), b"DICM....."].concat();
    for (bytes, format) in [
        (b"CDF\x01....".as_slice(), Format::Minc),
        (b"\x89HDF\r\n\x1a\n...", Format::Hdf5),
        (&dicom, Format::Dicom),
    ] {
        let error = read(bytes);
        assert!(
            matches!(&error, Error::UnsupportedFormat { format: found, .. } if *found == format),
            "{error}"
        );
    }
    let error = read(b"no image at all");
    assert!(error.to_string().contains("no image at a"), "{error}");
    assert!(matches!(read(b""), Error::UnknownFormat { .. }));
    let missing = medio::read::<f32, 3>(folder.path().join("none.mha")).unwrap_err();
    assert!(
        matches!(
            missing,
            Error::Io {
                operation: "open",
                ..
            }
        ),
        "{missing}"
    );
    assert!(medio::read::<f32, 3>(folder.path()).is_err());
    let image = phantom(orientations()[0]);
    let refused = medio::write(folder.path().join("a.nrrd.gz"), &image);
    assert!(matches!(refused, Err(Error::UnknownExtension { .. })));
}
