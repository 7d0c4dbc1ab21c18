//! Files for `written.py`, which opens them in nibabel and SimpleITK; made where `MED_PARITY_OUT` says.

use medio::medcore::{Geometry, Image, LabelMap, Point, Vector};
use medio::nifti::{self, ReadOptions, Voxel, WriteOptions};

/// Voxel `[c, d, h, w]` is `c * 60 + d * 20 + h * 5 + w` where the type can hold it.
fn ramp<T: Voxel>(make: impl Fn(u8) -> T) -> Image<T, 3> {
    let (s, c) = 0.25_f64.sin_cos();
    let steps = [
        Vector::new(0.0, -2.5 * s, 2.5 * c),
        Vector::new(0.0, 0.75 * c, 0.75 * s),
        Vector::new(-0.5, 0.0, 0.0),
    ];
    let grid = Geometry::new([3, 4, 5], Point::new(10.0, -20.0, 30.0), steps).unwrap();
    Image::with_channels(2, grid, (0..120).map(make).collect::<Vec<T>>()).unwrap()
}

#[test]
fn files_for_other_readers_are_written_and_read_back() {
    let scratch = tempfile::tempdir().unwrap();
    let chosen = std::env::var_os("MED_PARITY_OUT").map(std::path::PathBuf::from);
    let folder = chosen.as_deref().unwrap_or(scratch.path());
    let options = WriteOptions::new().description("written by medio");
    macro_rules! write {
        ($($t:ident),*) => { $(
            for ending in ["nii", "nii.gz"] {
                let path = folder.join(format!("{}.{ending}", stringify!($t)));
                let image = ramp(|v| $t::from(v as i8));
                nifti::write_image(&path, &image, &options).unwrap();
                assert_eq!(nifti::read_image::<$t, 3>(&path).unwrap().as_slice(), image.as_slice());
            }
        )* };
    }
    write!(i8, i16, i32, i64, f32, f64);
    macro_rules! write_unsigned {
        ($($t:ident),*) => { $(
            let path = folder.join(concat!(stringify!($t), ".nii.gz"));
            let image = ramp(|v| $t::from(v));
            nifti::write_image(&path, &image, &options).unwrap();
            assert_eq!(nifti::read_image::<$t, 3>(&path).unwrap().as_slice(), image.as_slice());
        )* };
    }
    write_unsigned!(u8, u16, u32, u64);
    // A prediction like its scan, with a label in one corner.
    let scan =
        nifti::read_image_with::<i16, 3>(folder.join("i16.nii"), &ReadOptions::new()).unwrap();
    let mut labels = LabelMap::<u8, 3>::background(*scan.value.geometry()).unwrap();
    labels.as_mut_slice()[59] = 7;
    let like = WriteOptions::new().like(&scan.header);
    nifti::write_labels(folder.join("label.nii.gz"), &labels, &like).unwrap();
    // Pairs: for other readers the header says where the voxels are.
    for name in ["pair.hdr", "zipped.img.gz"] {
        nifti::write_image(folder.join(name), &scan.value, &options).unwrap();
        let back = nifti::read_image::<i16, 3>(folder.join(name)).unwrap();
        assert_eq!(back.as_slice(), scan.value.as_slice());
    }
    nifti::write_labels(folder.join("label_pair.img"), &labels, &like).unwrap();
    // Long enough for many blocks, and a dimension that only NIfTI-2 can hold.
    let long = Geometry::axis_aligned([2, 40, 40_000], [1.0, 1.0, 1.0]).unwrap();
    let voxels: Vec<u16> = (0..long.len()).map(|i| (i / 7) as u16).collect();
    let image = Image::new(long, voxels).unwrap();
    let path = folder.join("long.nii.gz");
    nifti::write_image(&path, &image, &WriteOptions::new()).unwrap();
    assert_eq!(nifti::read_image::<u16, 3>(&path).unwrap(), image);
}
