//! batchgeneratorsv2's spatial transform in voxels, and SciPy's in millimetres.

use medaug::{Sample, Sampling, Space, SpatialParameters, extract};
use medcore::resample::{Interpolation, Outside};
use medcore::{Geometry, IndexMap};

use crate::support::Fixture;

fn check<const D: usize>(centre: [f64; D], change: &SpatialParameters<D>, unsettled_labels: usize) {
    let fixture = Fixture::load("spatial");
    let get = |name: &str| fixture.get(&format!("{D}d.{name}"));
    // The spacing must not matter in voxels.
    let spacing = std::array::from_fn(|a| 1.0 + a as f64);
    let grid = Geometry::axis_aligned(get("image").shape(), spacing).unwrap();
    let sample = Sample::with_labels(get("image").image(grid), get("labels").labels(grid)).unwrap();
    let shape = get("patch").shape();
    let map: IndexMap<D> = change.index_map(shape, &grid, centre, Space::Voxels);
    let patch = extract(&sample, shape, &map, &Sampling::default()).unwrap();
    // grid_sample works on coordinates in f32.
    get("patch").assert_close(patch.image().as_slice(), 1e-5, "patch");
    let labels = patch.labels().unwrap();
    get("patch_labels").assert_labels(labels.as_slice(), unsettled_labels, "patch labels");
}

#[test]
fn a_turned_slice_is_that_of_batchgeneratorsv2() {
    let change = SpatialParameters {
        rotation_degrees: vec![37.0],
        scale: [0.8, 1.3],
        flip: [false, true],
        ..SpatialParameters::identity()
    };
    check([8.5, 12.0], &change, 0);
}

#[test]
fn a_turned_volume_is_that_of_batchgeneratorsv2() {
    let change = SpatialParameters {
        rotation_degrees: vec![25.0, -40.0, 110.0],
        scale: [0.9; 3],
        flip: [true, false, true],
        ..SpatialParameters::identity()
    };
    // Scores there are rounded to half precision, so that near ties go to the nearest label.
    check([5.75, 8.0, 6.5], &change, 1);
}

#[test]
fn a_rotation_in_millimetres_is_scipys_with_the_spacing_taken_into_account() {
    let fixture = Fixture::load("spatial");
    let image = fixture.get("millimetres.image");
    let grid = Geometry::<3>::axis_aligned(image.shape(), [4.0, 1.0, 1.5]).unwrap();
    let sample = Sample::new(image.image(grid));
    let change = SpatialParameters {
        rotation_degrees: vec![20.0, 15.0, -30.0],
        ..SpatialParameters::identity()
    };
    let middle = grid.shape().map(|n| (n as f64 - 1.0) / 2.0);
    let map = change.index_map(grid.shape(), &grid, middle, Space::Millimetres);
    for (name, interpolation) in [
        ("linear", Interpolation::Linear),
        ("cubic", Interpolation::CubicBSpline),
    ] {
        let sampling = Sampling {
            interpolation,
            outside: Outside::Edge,
            ..Sampling::default()
        };
        let turned = extract(&sample, grid.shape(), &map, &sampling).unwrap();
        fixture.get(&format!("millimetres.{name}")).assert_close(
            turned.image().as_slice(),
            2e-6,
            name,
        );
    }
}
