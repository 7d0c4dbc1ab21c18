//! The `nifti` crate reads what this crate writes.

use ::nifti::{IntoNdArray, NiftiObject, ReaderOptions};
use medio::medcore::{Geometry, Image, Point, Vector};
use medio::nifti::{self, WriteOptions};

#[test]
fn another_reader_finds_the_same_voxels_and_map_in_our_files() {
    let folder = tempfile::tempdir().unwrap();
    let (s, c) = 0.25_f64.sin_cos();
    let steps = [
        Vector::new(0.0, -2.5 * s, 2.5 * c),
        Vector::new(0.0, 0.75 * c, 0.75 * s),
        Vector::new(-0.5, 0.0, 0.0),
    ];
    let grid = Geometry::new([3, 4, 5], Point::new(10.0, -20.0, 30.0), steps).unwrap();
    let voxels: Vec<i16> = (0..120).map(|i| i * 37 - 2000).collect();
    let image = Image::with_channels(2, grid, voxels).unwrap();
    for name in ["a.nii", "a.nii.gz"] {
        let path = folder.path().join(name);
        nifti::write_image(&path, &image, &WriteOptions::new()).unwrap();
        let other = ReaderOptions::new().read_file(&path).unwrap();
        let header = other.header().clone();
        let array = other.into_volume().into_ndarray::<i16>().unwrap();
        assert_eq!(array.shape(), [5, 4, 3, 2]);
        for ((c, d, h, w), &value) in image.view().indexed_iter() {
            assert_eq!(array[[w, h, d, c]], value, "{name} {c} {d} {h} {w}");
        }
        // RAS: the rows of x and y have the other sign.
        assert_eq!(header.srow_x, [0.5, 0.0, 0.0, -10.0]);
        let close = |a: f32, b: f64| (f64::from(a) - b).abs() < 1e-6;
        assert!(close(header.srow_y[1], -0.75 * c) && close(header.srow_z[2], 2.5 * c));
        let quaternion = [header.quatern_b, header.quatern_c, header.quatern_d];
        assert!(quaternion.iter().any(|v| v.abs() > 0.01), "{quaternion:?}");
        assert_eq!((header.qform_code, header.sform_code), (1, 1));
    }
}
