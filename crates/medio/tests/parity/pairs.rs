//! Pairs of `.hdr` and `.img` as nibabel writes them: read as they are, and written the same.

use std::fs;
use std::path::Path;

use medio::medcore::{Geometry, GeometryTolerance, Image, LabelMap, Point, Vector};
use medio::nifti::{self, ReadOptions, Version, Voxel, WriteOptions};
use safetensors::SafeTensors;

fn grid() -> Geometry<3> {
    let (s, c) = 0.25_f64.sin_cos();
    let steps = [
        Vector::new(0.0, -2.5 * s, 2.5 * c),
        Vector::new(0.0, 0.75 * c, 0.75 * s),
        Vector::new(-0.5, 0.0, 0.0),
    ];
    Geometry::new([3, 4, 5], Point::new(10.0, -20.0, 30.0), steps).unwrap()
}

fn ramp<T: Voxel>(channels: usize, make: impl Fn(i16) -> T) -> Image<T, 3> {
    let count = (channels * grid().len()) as i16;
    Image::with_channels(channels, grid(), (0..count).map(make).collect::<Vec<_>>()).unwrap()
}

/// Puts nibabel's pair `name` into a folder as `p.hdr` and `p.img`, with the ending of its files.
fn unpack(name: &str, ending: &str, folder: &Path) -> [Vec<u8>; 2] {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/pairs.safetensors");
    let bytes = fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    ["hdr", "img"].map(|part| {
        let name = format!("{name}.{part}{ending}");
        let bytes = tensors.tensor(&name).unwrap().data().to_vec();
        fs::write(folder.join(format!("p.{part}{ending}")), &bytes).unwrap();
        bytes
    })
}

fn close(geometry: &Geometry<3>) {
    let tight = GeometryTolerance {
        spacing_relative: 1e-6,
        direction: 1e-6,
        origin_voxels: 1e-5,
    };
    geometry.check_same_as(&grid(), &tight).unwrap();
}

/// Equal bytes but for the floats of the two maps from `maps` on, which may differ in their last bit.
fn same_header(ours: &[u8], theirs: &[u8], maps: std::ops::Range<usize>, wide: bool) {
    assert_eq!(ours.len(), theirs.len());
    for at in (0..ours.len()).filter(|at| !maps.contains(at)) {
        assert_eq!(ours[at], theirs[at], "byte {at}");
    }
    let floats = |bytes: &[u8]| -> Vec<f64> {
        let maps = &bytes[maps.clone()];
        if wide {
            let (numbers, _) = maps.as_chunks::<8>();
            numbers.iter().map(|b| f64::from_le_bytes(*b)).collect()
        } else {
            let (numbers, _) = maps.as_chunks::<4>();
            numbers
                .iter()
                .map(|b| f32::from_le_bytes(*b).into())
                .collect()
        }
    };
    for (a, b) in floats(ours).into_iter().zip(floats(theirs)) {
        assert!((a - b).abs() < 3e-6, "{a} is not {b}");
    }
}

fn agrees<T: Voxel>(name: &str, image: &Image<T, 3>) {
    let folder = tempfile::tempdir().unwrap();
    let [hdr, img] = unpack(name, "", folder.path());
    for part in ["p.hdr", "p.img"] {
        let path = folder.path().join(part);
        let loaded = nifti::read_image_with::<T, 3>(&path, &ReadOptions::new()).unwrap();
        assert!(loaded.report.is_clean(), "{name}: {:?}", loaded.report);
        assert_eq!(loaded.value.as_slice(), image.as_slice(), "{name}");
        assert_eq!(loaded.value.channels(), image.channels());
        close(loaded.value.geometry());
    }
    let ours = folder.path().join("ours.img");
    nifti::write_image(&ours, image, &WriteOptions::new().description("a pair")).unwrap();
    same_header(
        &fs::read(folder.path().join("ours.hdr")).unwrap(),
        &hdr,
        256..328,
        false,
    );
    assert_eq!(fs::read(&ours).unwrap(), img, "{name}");
}

#[test]
fn pairs_are_read_and_written_byte_for_byte_as_nibabel_does() {
    agrees("i16", &ramp(1, |v| 37 * v - 1000));
    agrees("f32", &ramp(1, |v| f32::from(v) / 8.0));
    agrees("f32_channels", &ramp(2, |v| f32::from(v) / 8.0));
}

#[test]
fn a_label_map_is_written_as_a_pair_as_nibabel_does() {
    let folder = tempfile::tempdir().unwrap();
    let [hdr, img] = unpack("labels", "", folder.path());
    let voxels: Vec<u8> = (0..60).map(|v| v % 3).collect();
    let labels = LabelMap::new(grid(), voxels).unwrap();
    let theirs = nifti::read_labels::<u8, 3>(folder.path().join("p.img")).unwrap();
    assert_eq!(theirs.as_slice(), labels.as_slice());
    let ours = folder.path().join("ours.hdr");
    nifti::write_labels(&ours, &labels, &WriteOptions::new().description("a pair")).unwrap();
    same_header(&fs::read(&ours).unwrap(), &hdr, 256..328, false);
    assert_eq!(fs::read(folder.path().join("ours.img")).unwrap(), img);
}

#[test]
fn a_pair_like_nibabels_has_its_maps_to_the_bit_in_both_versions() {
    for (name, version, maps) in [
        ("i16", Version::One, 252..328),
        ("nifti2", Version::Two, 344..496),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let [hdr, img] = unpack(name, "", folder.path());
        let options = ReadOptions::new();
        let loaded =
            nifti::read_image_with::<i16, 3>(folder.path().join("p.hdr"), &options).unwrap();
        assert_eq!(
            (loaded.header.version, loaded.header.single_file),
            (version, false)
        );
        let like = WriteOptions::new().like(&loaded.header);
        let ours = folder.path().join("ours.hdr");
        nifti::write_image(&ours, &loaded.value, &like).unwrap();
        let ours = fs::read(ours).unwrap();
        same_header(&ours, &hdr, maps.clone(), version == Version::Two);
        assert_eq!(ours[maps.clone()], hdr[maps], "{name}");
        assert_eq!(fs::read(folder.path().join("ours.img")).unwrap(), img);
    }
}

#[test]
fn a_compressed_pair_of_nibabels_is_read_and_ours_holds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    unpack("zipped", ".gz", folder.path());
    let image = ramp(1, |v| 37 * v - 1000);
    nifti::write_image(folder.path().join("o.img.gz"), &image, &WriteOptions::new()).unwrap();
    for name in ["p.hdr.gz", "p.img.gz", "o.hdr.gz", "o.img.gz"] {
        let path = folder.path().join(name);
        assert_eq!(fs::read(&path).unwrap()[..2], [0x1f, 0x8b], "{name}");
        let loaded = nifti::read_image_with::<i16, 3>(&path, &ReadOptions::new()).unwrap();
        assert!(loaded.report.is_clean(), "{name}: {:?}", loaded.report);
        assert_eq!(loaded.value.as_slice(), image.as_slice(), "{name}");
        close(loaded.value.geometry());
    }
}
