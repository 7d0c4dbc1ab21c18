//! Writer and reader against each other.

use medio::medcore::{Geometry, GeometryTolerance, Image, LabelMap, Lps, Point, Vector};
use medio::nifti::{
    self, AnyImage, Datatype, Fault, Info, ReadOptions, Voxel, Warning, WriteOptions,
};
use medio::{Error, Result};
use proptest::prelude::*;

/// Odd sizes, anisotropic, oblique, left-handed in storage order.
fn oblique() -> Geometry<3> {
    let (s, c) = 0.35_f64.sin_cos();
    Geometry::new(
        [5, 7, 9],
        Point::<Lps>::new(-101.5, 33.25, 900.125),
        [
            Vector::new(0.0, -2.5 * s, 2.5 * c),
            Vector::new(0.0, 0.75 * c, 0.75 * s),
            Vector::new(0.625, 0.0, 0.0),
        ],
    )
    .unwrap()
}

fn ramp<T: Voxel>(channels: usize, make: impl Fn(usize) -> T) -> Image<T, 3> {
    let grid = oblique();
    let voxels: Vec<T> = (0..channels * grid.len()).map(make).collect();
    Image::with_channels(channels, grid, voxels).unwrap()
}

fn close(a: &Geometry<3>, b: &Geometry<3>) {
    let tight = GeometryTolerance {
        spacing_relative: 1e-6,
        direction: 1e-6,
        origin_voxels: 1e-4,
    };
    a.check_same_as(b, &tight).unwrap();
}

fn survives<T: Voxel>(make: impl Fn(usize) -> T + Copy) {
    let folder = tempfile::tempdir().unwrap();
    for (name, channels) in [
        ("a.nii", 1),
        ("a.nii.gz", 2),
        ("b.nii", 3),
        ("c.nii.gz", 1),
        ("p.hdr", 2),
        ("q.img", 1),
        ("r.hdr.gz", 1),
        ("s.img.gz", 2),
    ] {
        let path = folder.path().join(name);
        let image = ramp(channels, make);
        nifti::write_image(&path, &image, &WriteOptions::new()).unwrap();
        for map in [false, true] {
            let options = ReadOptions::new().map(map);
            let back = nifti::read_image_with::<T, 3>(&path, &options).unwrap();
            assert!(back.report.is_clean(), "{:?}", back.report);
            assert_eq!(back.value.as_slice(), image.as_slice(), "{name} map {map}");
            assert_eq!(back.value.channels(), channels);
            close(back.value.geometry(), image.geometry());
        }
        let Info {
            datatype,
            channels: c,
            ..
        } = nifti::read_header(&path).unwrap();
        assert_eq!((datatype, c), (T::DATATYPE, channels));
    }
}

#[test]
fn every_number_type_comes_back_to_the_bit() {
    survives::<u8>(|i| (i % 256) as u8);
    survives::<i8>(|i| (i % 256) as u8 as i8);
    survives::<u16>(|i| (i * 211) as u16);
    survives::<i16>(|i| (i * 211) as i16);
    survives::<u32>(|i| (i as u32).wrapping_mul(2_654_435_761));
    survives::<i32>(|i| (i as u32).wrapping_mul(2_654_435_761) as i32);
    survives::<u64>(|i| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    survives::<i64>(|i| (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) as i64);
    survives::<f32>(|i| (i as f32).sqrt() - 7.0);
    survives::<f64>(|i| (i as f64).sqrt() - 7.0);
}

#[test]
fn the_first_voxel_stays_where_it_was_and_the_last_one_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nii.gz");
    let image = ramp(1, |i| i as i16);
    nifti::write_image(&path, &image, &WriteOptions::new()).unwrap();
    let back = nifti::read_image::<i16, 3>(&path).unwrap();
    for index in [[0.0; 3], [4.0, 6.0, 8.0]] {
        let (a, b) = (image.geometry(), back.geometry());
        assert!(a.index_to_world(index).distance(b.index_to_world(index)) < 1e-4);
    }
}

#[test]
fn a_two_dimensional_image_keeps_its_place_in_the_body() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slice.nii");
    let steps = [Vector::new(0.0, 0.3, -0.4), Vector::new(0.9, 0.0, 0.0)];
    let grid = Geometry::<2>::new([3, 4], Point::new(1.0, 2.0, 3.0), steps).unwrap();
    let image = Image::with_channels(2, grid, (0..24_u8).collect::<Vec<_>>()).unwrap();
    nifti::write_image(&path, &image, &WriteOptions::new()).unwrap();
    let back = nifti::read_image::<u8, 2>(&path).unwrap();
    assert_eq!(back.as_slice(), image.as_slice());
    let tolerance = GeometryTolerance::default();
    back.geometry().check_same_as(&grid, &tolerance).unwrap();
    assert_eq!(
        nifti::read_image::<u8, 3>(&path).unwrap().shape(),
        [1, 3, 4]
    );

    let volume = folder.path().join("volume.nii");
    nifti::write_image(&volume, &ramp(1, |i| i as u8), &WriteOptions::new()).unwrap();
    assert!(matches!(
        nifti::read_image::<u8, 2>(&volume),
        Err(Error::File {
            fault: Fault::Shape { .. },
            ..
        })
    ));
}

#[test]
fn a_line_of_voxels_in_any_direction_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    for step in [
        [1.0, 0.0, 0.0],
        [0.0, 2.0, 0.0],
        [0.0, 0.0, 3.0],
        [1.0, -2.0, 2.0],
    ] {
        let path = folder.path().join("line.nii");
        let [x, y, z] = step;
        let grid =
            Geometry::<1>::new([6], Point::new(1.0, 2.0, 3.0), [Vector::new(x, y, z)]).unwrap();
        let image = Image::new(grid, vec![1_u8, 2, 3, 4, 5, 6]).unwrap();
        nifti::write_image(&path, &image, &WriteOptions::new()).unwrap();
        let back = nifti::read_image::<u8, 1>(&path).unwrap();
        assert_eq!(back, image);
    }
}

#[test]
fn a_prediction_written_like_its_scan_has_the_same_bytes_of_geometry() {
    let folder = tempfile::tempdir().unwrap();
    let (scan, out) = (
        folder.path().join("scan.nii"),
        folder.path().join("out.nii.gz"),
    );
    nifti::write_image(
        &scan,
        &ramp(2, |i| i as f32),
        &WriteOptions::new().description("scan"),
    )
    .unwrap();
    // Values that recomputation from a grid would not give: a qform of its own code, awkward floats.
    let mut bytes = std::fs::read(&scan).unwrap();
    bytes[252..254].copy_from_slice(&2_i16.to_le_bytes());
    bytes[254..256].copy_from_slice(&4_i16.to_le_bytes());
    let x = f32::from_le_bytes(bytes[280..284].try_into().unwrap());
    bytes[280..284].copy_from_slice(&f32::from_bits(x.to_bits() + 1).to_le_bytes());
    std::fs::write(&scan, &bytes).unwrap();

    let loaded = nifti::read_image_with::<f32, 3>(&scan, &ReadOptions::new()).unwrap();
    let grid = *loaded.value.geometry();
    let labels = LabelMap::<u8, 3>::background(grid).unwrap();
    let like = WriteOptions::new().like(&loaded.header);
    nifti::write_labels(&out, &labels, &like).unwrap();
    let written = nifti::read_header(&out).unwrap();
    assert_eq!(written.geometry, grid);
    let (a, b) = (&loaded.header, &written.header);
    assert_eq!(
        (a.srow, a.quatern, a.qoffset),
        (b.srow, b.quatern, b.qoffset)
    );
    assert_eq!((a.qform_code, a.sform_code, &a.descrip), (2, 4, &b.descrip));
    assert_eq!(a.pixdim[..4], b.pixdim[..4]);

    let elsewhere = grid.pad([0, 0, 1], [0; 3]).unwrap();
    let labels = LabelMap::<u8, 3>::background(elsewhere).unwrap();
    let refused = nifti::write_labels(&out, &labels, &like);
    assert!(
        matches!(refused, Err(Error::NotWritable { .. })),
        "{refused:?}"
    );
}

#[test]
fn labels_must_be_whole_numbers_in_range_and_the_first_other_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("label.nii.gz");
    let write = |voxel: usize, value: f32| {
        let mut image = ramp(1, |i| (i % 3) as f32);
        image.as_mut_slice()[voxel] = value;
        nifti::write_image(&path, &image, &WriteOptions::new()).unwrap();
        nifti::read_labels::<u8, 3>(&path)
    };
    assert_eq!(write(0, 255.0).unwrap().as_slice()[0], 255);
    for bad in [0.5, 256.0, -1.0, f32::NAN, f32::INFINITY] {
        let Err(Error::File {
            fault:
                Fault::Value {
                    value,
                    voxel,
                    target,
                    ..
                },
            ..
        }) = write(9 * 7 * 2 + 9 + 4, bad)
        else {
            panic!("{bad} was accepted");
        };
        assert!(value == f64::from(bad) || bad.is_nan());
        assert_eq!((voxel, target), ([2, 1, 4], "u8"));
    }
    nifti::write_image(&path, &ramp(2, |_| 0_u8), &WriteOptions::new()).unwrap();
    assert!(matches!(
        nifti::read_labels::<u8, 3>(&path),
        Err(Error::File {
            fault: Fault::Shape { channels: 2, .. },
            ..
        })
    ));
}

#[test]
fn a_wrong_name_is_refused_and_an_old_file_survives() {
    let folder = tempfile::tempdir().unwrap();
    let image = ramp(1, |i| i as u8);
    for name in [
        "scan.nrrd",
        "scan.gz",
        "scan",
        "scan.nii.zip",
        "hdr",
        ".img",
    ] {
        let refused = nifti::write_image(folder.path().join(name), &image, &WriteOptions::new());
        assert!(
            matches!(refused, Err(Error::UnknownExtension { .. })),
            "{name}"
        );
    }
    let dotted = folder.path().join("scan.1.nii");
    nifti::write_image(&dotted, &image, &WriteOptions::new()).unwrap();
    assert!(dotted.is_file());
    let missing = folder.path().join("no/such/scan.nii");
    assert!(matches!(
        nifti::write_image(missing, &image, &WriteOptions::new()),
        Err(Error::Write { .. })
    ));
}

#[test]
fn equal_images_give_equal_files() -> Result<()> {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (
        folder.path().join("a.nii.gz"),
        folder.path().join("b.nii.gz"),
    );
    nifti::write_image(&a, &ramp(1, |i| i as u16), &WriteOptions::new())?;
    nifti::write_image(&b, &ramp(1, |i| i as u16), &WriteOptions::new())?;
    assert_eq!(std::fs::read(a).unwrap(), std::fs::read(b).unwrap());
    Ok(())
}

#[test]
fn a_pair_of_header_and_image_is_read_from_either_name() {
    let folder = tempfile::tempdir().unwrap();
    let image = ramp(1, |i| i as i16);
    let single = folder.path().join("single.nii");
    nifti::write_image(&single, &image, &WriteOptions::new()).unwrap();
    let mut bytes = std::fs::read(&single).unwrap();
    bytes[108..112].copy_from_slice(&0_f32.to_le_bytes());
    bytes[344..348].copy_from_slice(b"ni1\0");
    let (hdr, img) = (folder.path().join("p.hdr"), folder.path().join("p.img"));
    std::fs::write(&hdr, &bytes[..348]).unwrap();
    assert!(matches!(
        nifti::read_image::<i16, 3>(&hdr),
        Err(Error::Io { .. })
    ));
    std::fs::write(&img, &bytes[352..]).unwrap();
    for name in [&hdr, &img] {
        assert_eq!(
            nifti::read_image::<i16, 3>(name).unwrap().as_slice(),
            image.as_slice()
        );
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    std::io::Write::write_all(&mut encoder, &bytes[352..]).unwrap();
    std::fs::write(folder.path().join("p.img.gz"), encoder.finish().unwrap()).unwrap();
    std::fs::remove_file(&img).unwrap();
    let back = nifti::read_image_with::<f32, 3>(&hdr, &ReadOptions::new()).unwrap();
    assert_eq!(back.value.as_slice()[100], 100.0);
    assert!(back.report.is_clean(), "{:?}", back.report);
}

#[test]
fn scaled_integers_are_read_as_floats_of_sufficient_width() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nii");
    let scaled = |slope: f32, inter: f32| {
        nifti::write_image(&path, &ramp(1, |i| i as i16 - 100), &WriteOptions::new()).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[112..116].copy_from_slice(&slope.to_le_bytes());
        bytes[116..120].copy_from_slice(&inter.to_le_bytes());
        std::fs::write(&path, bytes).unwrap();
        nifti::read(&path, &ReadOptions::new()).unwrap()
    };
    let AnyImage::F32(image) = scaled(0.5, -3.0).value else {
        panic!("not f32");
    };
    assert_eq!(image.as_slice()[..2], [-53.0, -52.5]);
    assert_eq!(scaled(1e38, 0.0).value.datatype(), Datatype::F64);
    assert_eq!(scaled(1.0, 0.0).value.datatype(), Datatype::I16);
    let ignored = scaled(0.0, 5.0);
    assert_eq!(ignored.value.datatype(), Datatype::I16);
    assert_eq!(
        ignored.report.warnings,
        [Warning::InterceptIgnored {
            slope: 0.0,
            inter: 5.0
        }]
    );
    // A slope and intercept that give whole numbers may be read as integers, with the right ones.
    scaled(1.0, 1024.0);
    assert_eq!(
        nifti::read_image::<u16, 3>(&path).unwrap().as_slice()[0],
        924
    );
}

#[test]
fn a_budget_too_small_for_the_voxels_is_an_error_before_they_are_read() {
    use medio::medcore::Budget;
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.nii", "a.nii.gz"] {
        let path = folder.path().join(name);
        nifti::write_image(&path, &ramp(1, |i| i as i16), &WriteOptions::new()).unwrap();
        let read = |bytes| {
            let budget = std::sync::Arc::new(Budget::new(bytes));
            nifti::read_image_with::<f64, 3>(&path, &ReadOptions::new().budget(budget))
        };
        let error = read(5 * 7 * 9 * 8 - 1).unwrap_err();
        assert!(
            matches!(
                &error,
                Error::File {
                    fault: Fault::Core { .. },
                    ..
                }
            ),
            "{error}"
        );
        assert!(read(5 * 7 * 9 * 8 + 2000).is_ok(), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_grid_and_any_voxels_come_back(
        shape in prop::array::uniform3(1_usize..6),
        spacing in prop::array::uniform3(0.05_f64..8.0),
        origin in prop::array::uniform3(-500.0_f64..500.0),
        turn in prop::array::uniform3(-3.1_f64..3.1),
        channels in 1_usize..4,
        seed in any::<u32>(),
        compressed in any::<bool>(),
    ) {
        let [a, b, c] = turn;
        let about = |v: [f64; 3], axis: usize, angle: f64| {
            let (s, c) = angle.sin_cos();
            let (p, q) = ((axis + 1) % 3, (axis + 2) % 3);
            let mut turned = v;
            turned[p] = c * v[p] - s * v[q];
            turned[q] = s * v[p] + c * v[q];
            turned
        };
        let steps = std::array::from_fn(|axis| {
            let mut step = [0.0; 3];
            step[2 - axis] = spacing[axis];
            let [x, y, z] = about(about(about(step, 0, a), 1, b), 2, c);
            Vector::new(x, y, z)
        });
        let [x, y, z] = origin;
        let grid = Geometry::new(shape, Point::new(x, y, z), steps).unwrap();
        let voxels: Vec<f32> = (0..channels * grid.len())
            .map(|i| f32::from_bits((seed ^ i as u32).wrapping_mul(2_654_435_761) & 0xbfff_ffff))
            .collect();
        let image = Image::with_channels(channels, grid, voxels).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(if compressed { "a.nii.gz" } else { "a.nii" });
        nifti::write_image(&path, &image, &WriteOptions::new()).unwrap();
        let back = nifti::read_image_with::<f32, 3>(&path, &ReadOptions::new()).unwrap();
        prop_assert!(back.report.is_clean(), "{:?}", back.report);
        prop_assert_eq!(back.value.channels(), channels);
        prop_assert!(back.value.as_slice().iter().zip(image.as_slice()).all(|(a, b)| a.to_bits() == b.to_bits()));
        let tolerance = GeometryTolerance { spacing_relative: 1e-5, direction: 1e-5, origin_voxels: 1e-2 };
        back.value.geometry().check_same_as(&grid, &tolerance).unwrap();
    }
}
