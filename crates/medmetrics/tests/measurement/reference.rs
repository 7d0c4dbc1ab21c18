//! Every pixel model against SciPy's brute force, meshes as pyradiomics makes them, and scikit-image.

use std::path::Path;

use medcore::{Geometry, LabelMap};
use medmetrics::measurement::{
    Feret, PixelModel, Recist, RecistConfig, SizeConfig, SlicePlane, SolidFeret, StructureSize,
    scikit_image_diameter,
};
use serde_json::Value;

const MODELS: [PixelModel; 3] = [
    PixelModel::Corners,
    PixelModel::Centres,
    PixelModel::Contour,
];

fn cases(kind: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/measurement/sizes.json");
    let fixture: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    fixture[kind].as_array().unwrap().clone()
}

fn map<const D: usize>(case: &Value) -> LabelMap<u8, D> {
    let number = |key: &str, a: usize| case[key][a].as_f64().unwrap();
    let shape: [usize; D] = std::array::from_fn(|a| number("shape", a) as usize);
    let grid =
        Geometry::axis_aligned(shape, std::array::from_fn(|a| number("spacing", a))).unwrap();
    let mut labels = vec![0u8; grid.len()];
    for at in case["voxels"].as_array().unwrap() {
        labels[at.as_u64().unwrap() as usize] = 4;
    }
    LabelMap::new(grid, labels).unwrap()
}

fn close(got: f64, want: &Value, what: &str) {
    let want = want.as_f64().unwrap();
    assert!(
        (got - want).abs() <= 1e-9 * want.max(1.0),
        "{what}: {got}, should be {want}"
    );
}

#[test]
fn planes_agree_with_brute_force_and_scikit_image() {
    for case in cases("planes") {
        let map = map::<2>(&case);
        for model in MODELS {
            let (want, what) = (
                &case[model.to_string()],
                format!("{} {model}", case["name"]),
            );
            let feret = Feret::new(&map, 4, model).unwrap().unwrap();
            close(feret.maximum.mm, &want["maximum"], &what);
            close(feret.minimum.mm, &want["minimum"], &what);
            // Mirrored pairs of a round mask differ in the last bit.
            if case["name"] != "disc" {
                close(feret.orthogonal_mm, &want["orthogonal"], &what);
            }
        }
        let estimate = scikit_image_diameter(&map, 4).unwrap();
        close(
            estimate.value.unwrap(),
            &case["scikit_image"],
            "scikit-image",
        );
        assert_eq!(estimate.n, case["voxels"].as_array().unwrap().len() as u64);
    }
}

#[test]
fn published_numbers_of_squares_and_discs_come_out() {
    let golden = [
        ("square", [30.8058, 27.7253, 30.6544]),
        ("unit square", [14.142, 12.728, 13.454]),
        ("pixel", [1.414, 0.0, 1.0]),
        ("bar", [10.05, 9.0, 10.0]),
        ("disc", [21.4009, 20.0, 21.4709]),
    ];
    let cases = cases("planes");
    for (name, [corners, centres, scikit_image]) in golden {
        let map = map::<2>(cases.iter().find(|case| case["name"] == name).unwrap());
        let maximum = |model| Feret::new(&map, 4, model).unwrap().unwrap().maximum.mm;
        let theirs = scikit_image_diameter(&map, 4).unwrap().value.unwrap();
        for (got, want) in [
            (maximum(PixelModel::Corners), corners),
            (maximum(PixelModel::Centres), centres),
            (theirs, scikit_image),
        ] {
            assert!((got - want).abs() < 5e-4, "{name}: {got}, not {want}");
        }
    }
}

#[test]
fn volumes_agree_with_brute_force_and_meshes() {
    for case in cases("volumes") {
        let map = map::<3>(&case);
        for model in MODELS {
            let (want, what) = (
                &case[model.to_string()],
                format!("{} {model}", case["name"]),
            );
            let feret = SolidFeret::new(&map, 4, model).unwrap().unwrap();
            close(feret.maximum.mm, &want["maximum"], &what);
            close(feret.minimum.mm, &want["minimum"], &what);
            for axis in 0..3 {
                let config = RecistConfig {
                    plane: SlicePlane::Storage(axis),
                    pixels: model,
                    ..RecistConfig::default()
                };
                let slices = Recist::long_axes(&map, 4, &config).unwrap();
                let wanted = want["by_slice"][axis].as_array().unwrap();
                assert_eq!(slices.len(), wanted.len());
                for ((slice, diameter), want) in slices.iter().zip(wanted) {
                    assert_eq!(*slice as u64, want[0].as_u64().unwrap());
                    close(diameter.mm, &want[1], &what);
                }
                let longest = slices.iter().map(|s| s.1.mm).fold(0.0, f64::max);
                let axes = Recist::new(&map, 4, &config).unwrap().unwrap();
                assert_eq!(axes.long_axis.mm, longest);
            }
        }
        let sizes = StructureSize::of_map(&map, &SizeConfig::default()).unwrap();
        close(1000.0 * sizes[0].volume_ml, &case["volume_mm3"], "volume");
        let diameter = sizes[0].equivalent_diameter_mm;
        close(diameter, &case["equivalent_diameter"], "equivalent sphere");
    }
}
