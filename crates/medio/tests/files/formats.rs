//! Every format through the one door: what is written comes back, in its place, whatever its orientation.

use medio::medcore::{
    Calibration, Geometry, GeometryTolerance, Image, LabelMap, LabelTable, Lps, Point, Vector,
};
use medio::{
    AnyImage, Compression, Entries, Error, Format, Header, ReadOptions, Warning, WriteOptions, nrrd,
};

/// Formats that keep a grid in space.
const PLACED: [&str; 9] = [
    "a.nii", "a.nii.gz", "a.mha", "a.mhd", "a.nrrd", "a.nhdr", "a.mgh", "a.mgz", "a.npz",
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
    for (bytes, format) in [
        (b"CDF\x01....".as_slice(), Format::Minc),
        (b"\x89HDF\r\n\x1a\n...", Format::Hdf5),
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

#[test]
fn formats_without_a_place_keep_voxels_and_take_a_grid_from_the_caller() {
    let folder = tempfile::tempdir().unwrap();
    let volume = phantom(orientations()[5]);
    for name in ["a.npy", "a.tif", "b.TIFF"] {
        let path = folder.path().join(name);
        medio::write(&path, &volume).unwrap();
        let bare = medio::read::<i16, 3>(&path).unwrap();
        assert_eq!(bare.as_slice(), volume.as_slice(), "{name}");
        assert_eq!(bare.geometry().calibration(), Calibration::Unknown);
        assert_eq!(bare.geometry().spacing(), [1.0; 3]);
        let on = ReadOptions::new().grid(*volume.geometry());
        assert_eq!(
            medio::read_with::<i16, 3>(&path, &on).unwrap().value,
            volume
        );
        let other = Geometry::axis_aligned([4, 3, 5], [1.0; 3]).unwrap();
        let on = ReadOptions::new().grid(other);
        assert!(medio::read_with::<i16, 3>(&path, &on).is_err(), "{name}");
    }
    let flat = Geometry::<2>::axis_aligned([3, 4], [1.0; 2]).unwrap();
    for channels in 1..=4 {
        let path = folder.path().join("a.png");
        let voxels: Vec<u16> = (0..12 * channels as u16).map(|i| i * 1365).collect();
        let picture = Image::with_channels(channels, flat, voxels).unwrap();
        for level in [
            Compression::None,
            Compression::Level(2),
            Compression::Level(9),
        ] {
            let options = WriteOptions::new().compression(level);
            medio::write_with(&path, &picture, &options).unwrap();
            let back = medio::read::<u16, 2>(&path).unwrap();
            assert_eq!(
                (back.channels(), back.as_slice()),
                (channels, picture.as_slice())
            );
        }
        let path = folder.path().join("a.tif");
        match medio::write(&path, &picture) {
            Ok(()) => {
                let back = medio::read::<u16, 2>(&path).unwrap();
                assert_eq!(back.as_slice(), picture.as_slice());
            }
            Err(refused) => assert_eq!(channels, 2, "{refused}"),
        }
    }
    macro_rules! types {
        ($($t:ident)*) => { $({
            let voxels: Vec<$t> = (0..24).map(|i| ($t::MAX / 24 as $t) * i as $t).collect();
            let grid = Geometry::axis_aligned([2, 3, 4], [1.0; 3]).unwrap();
            let image = Image::new(grid, voxels).unwrap();
            for name in ["t.tif", "t.npy"] {
                let path = folder.path().join(name);
                for compression in [Compression::None, Compression::Level(5)] {
                    let options = WriteOptions::new().compression(compression);
                    medio::write_with(&path, &image, &options).unwrap();
                    let back = medio::read::<$t, 3>(&path).unwrap();
                    assert_eq!(back.as_slice(), image.as_slice(), "{name}");
                }
            }
        })* };
    }
    types!(u8 i8 u16 i16 u32 i32 u64 i64 f32 f64);
    let signed = Image::new(flat, vec![1_i16; 12]).unwrap();
    assert!(medio::write(folder.path().join("a.png"), &signed).is_err());
    assert!(medio::write(folder.path().join("a.png"), &volume).is_err());
}

#[test]
fn a_folder_of_pictures_is_a_volume_in_the_order_of_its_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let flat = Geometry::<2>::axis_aligned([2, 3], [1.0; 2]).unwrap();
    for (name, value) in [("s10.png", 3_u8), ("s9.png", 2), ("s1.png", 1)] {
        let voxels: Vec<u8> = (0..18).map(|i| i + 20 * value).collect();
        let slice = Image::with_channels(3, flat, voxels).unwrap();
        medio::write(folder.path().join(name), &slice).unwrap();
    }
    std::fs::write(folder.path().join(".hidden"), "text").unwrap();
    let stack = |options| medio::picture::read_stack::<u8>(folder.path(), &options);
    let volume = stack(ReadOptions::new()).unwrap();
    assert_eq!((volume.channels(), volume.shape()), (3, [3, 2, 3]));
    for (channel, first) in [(0, 0), (1, 6), (2, 12)] {
        let slices = [20, 40, 60].into_iter();
        let want: Vec<u8> = slices.flat_map(|v| v + first..v + first + 6).collect();
        assert_eq!(volume.channel(channel), want);
    }
    let grid = Geometry::axis_aligned([3, 2, 3], [2.0, 0.5, 0.5]).unwrap();
    let placed = stack(ReadOptions::new().grid(grid)).unwrap();
    assert_eq!(placed.geometry(), &grid);
    let notes = folder.path().join("notes.txt");
    std::fs::write(&notes, "text").unwrap();
    assert!(matches!(
        stack(ReadOptions::new()),
        Err(Error::UnknownFormat { .. })
    ));
    std::fs::remove_file(notes).unwrap();
    let other = Geometry::<2>::axis_aligned([3, 3], [1.0; 2]).unwrap();
    let other = Image::with_channels(3, other, vec![0_u8; 27]).unwrap();
    medio::write(folder.path().join("s2.png"), &other).unwrap();
    let error = stack(ReadOptions::new()).unwrap_err();
    assert!(error.to_string().contains("s2.png"), "{error}");
}

#[test]
fn entries_descriptions_and_segment_names_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let image = phantom(orientations()[7]);
    let entries = Entries::from_iter([("Modality", "MET_MOD_CT"), ("Site", "a = b: c")]);
    let options = WriteOptions::new()
        .entries(entries)
        .description("two\nlines");
    let path = folder.path().join("a.mha");
    medio::write_with(&path, &image, &options).unwrap();
    let Header::MetaImage(header) = medio::read_header(&path).unwrap().header else {
        panic!("another format");
    };
    assert_eq!(header.entries.get("Site"), Some("a = b: c"));
    assert_eq!(header.entries.get("Comment"), Some("two lines"));
    let nrrd_path = folder.path().join("a.nrrd");
    let notes = Entries::from_iter([("key with \\", "two\nlines")]);
    let noted = WriteOptions::new().entries(notes.clone());
    medio::write_with(&nrrd_path, &image, &noted).unwrap();
    let Header::Nrrd(header) = medio::read_header(&nrrd_path).unwrap().header else {
        panic!("another format");
    };
    assert_eq!(header.key_values, notes);
    let reserved = WriteOptions::new().entries(Entries::from_iter([("NDims", "7")]));
    let refused = medio::write_with(&path, &image, &reserved);
    assert!(matches!(refused, Err(Error::NotWritable { .. })));
    for name in ["a.nii", "a.mgz", "a.npz", "a.tif"] {
        let refused = medio::write_with(folder.path().join(name), &image, &options);
        assert!(matches!(refused, Err(Error::NotWritable { .. })), "{name}");
    }

    let table = LabelTable::new([("liver", vec![2]), ("left kidney", vec![7])]).unwrap();
    let mut labels = LabelMap::<u8, 3>::background(*image.geometry()).unwrap();
    labels.as_mut_slice()[21..24].fill(2);
    labels.as_mut_slice()[59] = 7;
    let path = folder.path().join("a.seg.nrrd");
    nrrd::write_segmentation(&path, &labels, &table, &WriteOptions::new()).unwrap();
    let back = nrrd::read_segmentation::<u8>(&path, &ReadOptions::new()).unwrap();
    assert_eq!(back.layers, [labels]);
    assert_eq!(back.table().unwrap(), table);
    let extent = back.header.key_values.get("Segment0_Extent");
    assert_eq!(extent, Some("1 3 0 0 1 1"));
    let kidney = back.mask(&back.segments[1]).unwrap();
    assert_eq!(kidney.counts()[1], 1);
}

#[test]
fn overlapping_segments_lie_in_layers() {
    let text = "NRRD0004\ntype: uint8\ndimension: 4\nspace: LPS\nsizes: 2 3 1 1\n\
        space directions: none (1,0,0) (0,1,0) (0,0,1)\nkinds: list domain domain domain\n\
        encoding: raw\nspace origin: (0,0,0)\nSegment0_ID:=A\nSegment0_Name:=organ\n\
        Segment0_LabelValue:=1\nSegment0_Layer:=0\nSegment0_Color:=0.5 0.25 1\n\
        Segment1_Name:=lesion\nSegment1_LabelValue:=1\nSegment1_Layer:=1\n\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.seg.nrrd");
    let with = |text: &str| {
        std::fs::write(&path, [text.as_bytes(), &[1, 0, 1, 1, 0, 0]].concat()).unwrap();
        nrrd::read_segmentation::<u8>(&path, &ReadOptions::new())
    };
    let back = with(text).unwrap();
    let mask = |index: usize| back.mask(&back.segments[index]).unwrap().into_vec();
    assert_eq!((mask(0), mask(1)), (vec![1, 1, 0], vec![0, 1, 0]));
    assert_eq!(back.segments[0].color, Some([0.5, 0.25, 1.0]));
    assert!(back.table().is_err(), "both have value 1");
    let two = medio::read_labels::<u8, 3>(&path);
    assert!(two.is_err(), "two layers are no label map");
    assert!(with(&text.replace("Layer:=1", "Layer:=2")).is_err());
}

#[test]
fn an_archive_of_several_arrays_needs_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npz");
    let image = phantom(orientations()[3]);
    medio::write(&path, &image).unwrap();
    let named = |name: &str| medio::read_with::<f64, 3>(&path, &ReadOptions::new().array(name));
    let loaded = named("image").unwrap().value;
    assert_eq!(loaded.geometry(), image.geometry());
    assert_eq!(named("affine_lps").unwrap().value.shape(), [1, 4, 4]);
    let error = named("other").unwrap_err();
    assert!(error.to_string().contains("affine_lps"), "{error}");
}

#[test]
fn an_axis_without_a_spacing_is_channels_whatever_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nrrd");
    let voxels: Vec<u8> = (0..48).collect();
    for (sizes, spacings, second) in [
        ("2 4 3 2", "nan 0.5 0.75 2", 2),
        ("4 2 3 2", "0.5 nan 0.75 2", 1),
        ("4 3 2 2", "0.5 0.75 nan 2", 1),
        ("4 3 2 2", "0.5 0.75 2 nan", 1),
    ] {
        let text = format!(
            "NRRD0004\ntype: uint8\ndimension: 4\nsizes: {sizes}\nspacings: {spacings}\nencoding: raw\n\n"
        );
        std::fs::write(&path, [text.as_bytes(), &voxels].concat()).unwrap();
        let image = medio::read::<u8, 3>(&path).unwrap();
        assert_eq!((image.channels(), image.shape()), (2, [2, 3, 4]), "{sizes}");
        assert_eq!(image.geometry().spacing(), [2.0, 0.75, 0.5], "{spacings}");
        // The neighbour of the first voxel along the width.
        assert_eq!(image.as_slice()[1], second, "{spacings}");
        let far: u8 = match spacings.split_whitespace().position(|word| word == "nan") {
            Some(0) => 1,
            Some(1) => 4,
            Some(2) => 12,
            _ => 24,
        };
        assert_eq!(image.channel(1)[0], far, "{spacings}");
    }
}
