//! Files for `exported.py`, which opens them in SimpleITK, nibabel, pynrrd, NumPy, Pillow and tifffile; made
//! where `MED_PARITY_OUT` says.

use medio::medcore::{Geometry, Image, LabelMap, LabelTable, Point, Vector};
use medio::{Compression, Voxel, WriteOptions, nrrd};

fn grid() -> Geometry<3> {
    let (s, c) = 0.25_f64.sin_cos();
    let steps = [
        Vector::new(0.0, -2.5 * s, 2.5 * c),
        Vector::new(0.0, 0.75 * c, 0.75 * s),
        Vector::new(-0.5, 0.0, 0.0),
    ];
    Geometry::new([3, 4, 5], Point::new(10.0, -20.0, 30.0), steps).unwrap()
}

/// Voxel `[c, d, h, w]` is `c * 60 + d * 20 + h * 5 + w`.
fn ramp<T: Voxel>(channels: u8, make: impl Fn(u8) -> T) -> Image<T, 3> {
    let voxels: Vec<T> = (0..60 * channels).map(make).collect();
    Image::with_channels(channels.into(), grid(), voxels).unwrap()
}

#[test]
fn volumes_for_other_readers_are_written_and_read_back() {
    let scratch = tempfile::tempdir().unwrap();
    let chosen = std::env::var_os("MED_PARITY_OUT").map(std::path::PathBuf::from);
    let folder = chosen.as_deref().unwrap_or(scratch.path());
    let packed = WriteOptions::new();
    let plain = WriteOptions::new().compression(Compression::None);
    macro_rules! write {
        ($($t:ident $endings:expr),* $(,)?) => { $(
            for ending in $endings {
                for (kind, options) in [("packed", &packed), ("plain", &plain)] {
                    for channels in [1, 3] {
                        let name = format!("{}_{kind}_{channels}.{ending}", stringify!($t));
                        let image = ramp(channels, $t::from);
                        medio::write_with(folder.join(&name), &image, options).unwrap();
                        let back = medio::read::<$t, 3>(folder.join(&name)).unwrap();
                        assert_eq!(back.as_slice(), image.as_slice(), "{name}");
                    }
                }
            }
        )* };
    }
    let all = ["mha", "mhd", "nrrd", "nhdr", "npy", "npz"];
    write!(u16 all, u32 all, i32 all, u64 all, i64 all, f64 all);
    let with_mgh = [
        "mha", "mhd", "nrrd", "nhdr", "mgh", "mgz", "npy", "npz", "tif",
    ];
    write!(u8 with_mgh, f32 with_mgh);
    write!(i16 ["mha", "mhd", "nrrd", "nhdr", "mgh", "mgz", "npy", "npz"]);
    let flat = Geometry::<2>::axis_aligned([4, 5], [0.75, 0.5]).unwrap();
    for ending in ["mha", "nrrd", "png", "tif"] {
        let path = folder.join(format!("plane.{ending}"));
        let plane = Image::new(flat, (0..20_u16).map(|v| v * 3000).collect::<Vec<_>>()).unwrap();
        medio::write(&path, &plane).unwrap();
        let back = medio::read::<u16, 2>(&path).unwrap();
        assert_eq!(back.as_slice(), plane.as_slice());
    }
    let mut labels = LabelMap::<u8, 3>::background(grid()).unwrap();
    labels.as_mut_slice()[21..24].fill(2);
    let table = LabelTable::new([("liver", vec![2]), ("spleen", vec![5])]).unwrap();
    let path = folder.join("organs.seg.nrrd");
    nrrd::write_segmentation(&path, &labels, &table, &WriteOptions::new()).unwrap();
    assert_eq!(medio::read_labels::<u8, 3>(&path).unwrap(), labels);
}
