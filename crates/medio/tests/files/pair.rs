//! Two files for one image: written together, or not at all.

use std::fs;
use std::path::Path;

use medio::Error;
use medio::medcore::{Geometry, Image, LabelMap, Point, Vector};
use medio::nifti::{self, ReadOptions, Version, WriteOptions};

/// Odd sizes, anisotropic, sheared: only an sform can hold it.
fn sheared(width: usize) -> Geometry<3> {
    let steps = [
        Vector::new(0.1, -0.5, 3.25),
        Vector::new(0.0, 0.75, 0.2),
        Vector::new(-0.625, 0.0, 0.0),
    ];
    Geometry::new([3, 5, width], Point::new(-101.5, 33.25, 900.125), steps).unwrap()
}

fn image(first: i16) -> Image<i16, 3> {
    let grid = sheared(7);
    let voxels: Vec<i16> = (0..grid.len() as i16).map(|i| first + i).collect();
    Image::new(grid, voxels).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn either_name_writes_both_files_and_no_other() {
    for (name, files) in [
        ("scan.hdr", ["scan.hdr", "scan.img"]),
        ("scan.img", ["scan.hdr", "scan.img"]),
        ("scan.1.hdr.gz", ["scan.1.hdr.gz", "scan.1.img.gz"]),
        ("SCAN.IMG", ["SCAN.HDR", "SCAN.IMG"]),
        ("SCAN.HDR.GZ", ["SCAN.HDR.GZ", "SCAN.IMG.GZ"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        nifti::write_image(folder.path().join(name), &image(0), &WriteOptions::new()).unwrap();
        assert_eq!(names(folder.path()).len(), 2, "{:?}", names(folder.path()));
        for found in names(folder.path()) {
            assert!(files.contains(&found.as_str()), "{name} made {found}");
            let back = nifti::read_image::<i16, 3>(folder.path().join(found)).unwrap();
            assert_eq!(back.as_slice(), image(0).as_slice());
        }
    }
}

#[test]
fn the_header_of_a_pair_has_no_room_behind_it_and_its_voxels_start_at_the_first_byte() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.hdr");
    let long = sheared(40_000);
    for (grid, size, magic, at) in [
        (sheared(7), 348, &b"ni1\0"[..], 344),
        (long, 540, &b"ni2\0\r\n\x1a\n"[..], 4),
    ] {
        let labels = LabelMap::<u8, 3>::background(grid).unwrap();
        nifti::write_labels(&path, &labels, &WriteOptions::new()).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len(), size);
        assert_eq!(&bytes[at..at + magic.len()], magic);
        let voxels = fs::metadata(folder.path().join("p.img")).unwrap();
        assert_eq!(voxels.len(), grid.len() as u64);
        let info = nifti::read_header(&path).unwrap();
        assert!(info.report.is_clean(), "{:?}", info.report);
        assert_eq!(
            (info.header.vox_offset, info.header.single_file),
            (0.0, false)
        );
        assert_eq!(info.header.version == Version::Two, size == 540);
    }
}

#[test]
fn a_prediction_like_its_scan_keeps_the_maps_to_the_bit_from_one_file_to_two_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let chain = ["scan.nii.gz", "a.hdr", "b.nii", "c.img.gz"].map(|n| folder.path().join(n));
    nifti::write_image(
        &chain[0],
        &image(0),
        &WriteOptions::new().description("scan"),
    )
    .unwrap();
    let scan = nifti::read_image_with::<i16, 3>(&chain[0], &ReadOptions::new()).unwrap();
    let mut like = scan.header.clone();
    let mut labels = LabelMap::<u8, 3>::background(*scan.value.geometry()).unwrap();
    labels.as_mut_slice()[11] = 3;
    for path in &chain[1..] {
        nifti::write_labels(path, &labels, &WriteOptions::new().like(&like)).unwrap();
        let back = nifti::read_labels_with::<u8, 3>(path, &ReadOptions::new()).unwrap();
        assert_eq!(back.value, labels, "{}", path.display());
        assert_eq!(back.header.srow, scan.header.srow);
        assert_eq!(back.header.pixdim[..4], scan.header.pixdim[..4]);
        assert_eq!(back.header.descrip, "scan");
        like = back.header;
    }
    let elsewhere = LabelMap::<u8, 3>::background(sheared(8)).unwrap();
    let refused = nifti::write_labels(&chain[1], &elsewhere, &WriteOptions::new().like(&like));
    assert!(
        matches!(refused, Err(Error::NotWritable { .. })),
        "{refused:?}"
    );
    assert_eq!(nifti::read_labels::<u8, 3>(&chain[1]).unwrap(), labels);
}

#[test]
fn two_pairs_of_one_name_are_never_mixed() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    nifti::write_image(at("p.hdr.gz"), &image(1000), &WriteOptions::new()).unwrap();
    nifti::write_image(at("p.hdr"), &image(0), &WriteOptions::new()).unwrap();
    for (name, first) in [
        ("p.hdr", 0),
        ("p.img", 0),
        ("p.hdr.gz", 1000),
        ("p.img.gz", 1000),
    ] {
        let back = nifti::read_image::<i16, 3>(at(name)).unwrap();
        assert_eq!(back.as_slice()[0], first, "{name}");
    }
    // A half that is alone takes what there is.
    fs::remove_file(at("p.img")).unwrap();
    let back = nifti::read_image::<i16, 3>(at("p.hdr")).unwrap();
    assert_eq!(back.as_slice()[0], 1000);
}

#[test]
fn a_pair_of_which_one_file_cannot_be_placed_leaves_the_old_one_readable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.hdr");
    nifti::write_image(&path, &image(0), &WriteOptions::new()).unwrap();
    let missing = folder.path().join("no/such/p.img");
    assert!(matches!(
        nifti::write_image(missing, &image(5), &WriteOptions::new()),
        Err(Error::Write { .. })
    ));
    let header = WriteOptions::new().like(&nifti::read_header(&path).unwrap().header);
    let other = LabelMap::<u8, 3>::background(sheared(9)).unwrap();
    nifti::write_labels(&path, &other, &header).unwrap_err();
    assert_eq!(
        nifti::read_image::<i16, 3>(&path).unwrap().as_slice(),
        image(0).as_slice()
    );
    assert_eq!(names(folder.path()), ["p.hdr", "p.img"]);
}

/// The child of the test below runs this test again with a limit on the size of any file it writes.
#[cfg(unix)]
const CHILD: &str = "MEDIO_TEST_FULL_DISK";

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_old_pair_and_no_other_file() {
    let large = |first: i16| {
        let grid = Geometry::axis_aligned([16, 32, 33], [3.0, 1.0, 1.0]).unwrap();
        let voxels: Vec<i16> = (0..grid.len()).map(|i| first + (i % 977) as i16).collect();
        Image::new(grid, voxels).unwrap()
    };
    if let Some(folder) = std::env::var_os(CHILD) {
        let path = Path::new(&folder).join("p.hdr");
        let error = nifti::write_image(&path, &large(7), &WriteOptions::new()).unwrap_err();
        assert!(matches!(error, Error::Write { .. }), "{error}");
        assert!(error.to_string().contains("p.img"), "{error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.hdr");
    nifti::write_image(&path, &large(0), &WriteOptions::new()).unwrap();
    // Blocks of 512 bytes: the header fits, the voxels do not. The signal is ignored, so that the write fails
    // as it does on a full disk.
    let script = "trap '' XFSZ; ulimit -f 20; exec \"$0\" --exact \"$1\"";
    let child = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg("pair::a_full_disk_leaves_the_old_pair_and_no_other_file")
        .env(CHILD, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "the child said: {said}"
    );
    assert_eq!(names(folder.path()), ["p.hdr", "p.img"]);
    assert_eq!(
        nifti::read_image::<i16, 3>(&path).unwrap().as_slice(),
        large(0).as_slice()
    );
}
