//! Deformations and matched quantiles: batchgeneratorsv2, MONAI, SciPy, torchvision, SimpleITK.

use std::sync::Arc;

use medaug::{
    ControlGrid, Deformation, DisplacementLattice, Folding, MatchFrom, MatchPoints, MatchRule,
    Perspective, QuantileMatching, Reading, Sample, Sampling, SpatialOperation, ThinPlateSpline,
    Warp,
};
use medcore::{Geometry, IndexMap};

use crate::support::{Fixture, voxels_after};

fn elastic<const D: usize>(name: &str) {
    let fixture = Fixture::load("bends");
    let get = |part: &str| fixture.get(&format!("elastic.{name}.{part}"));
    let grid = Geometry::<D>::axis_aligned(get("image").shape(), [1.0; D]).unwrap();
    let mut offsets = get("offsets").floats();
    for axis in offsets.chunks_exact_mut(grid.len()) {
        let largest = axis.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        assert!((1.5..=2.5001).contains(&largest), "{largest}");
        let mean = axis.iter().map(|&v| f64::from(v)).sum::<f64>() / grid.len() as f64;
        axis.iter_mut().for_each(|v| *v -= mean as f32);
    }
    let lattice = DisplacementLattice::dense(grid.shape(), &offsets).unwrap();
    let deformation = Deformation::Lattice(Arc::new(lattice));
    let reading = Reading::from(Sampling::default());
    let warp = Warp::bent(grid.shape(), deformation, reading);
    let moved = warp.apply(&Sample::new(get("image").image(grid))).unwrap();
    get("out").assert_close(moved.image().as_slice(), 1e-5, name);
}

#[test]
fn elastic_fields_are_read_as_by_batchgeneratorsv2() {
    elastic::<2>("flat");
    elastic::<3>("deep");
}

#[test]
fn control_points_displace_as_much_as_monais() {
    let fixture = Fixture::load("bends");
    for name in ["odd", "fraction"] {
        let get = |part: &str| fixture.get(&format!("control.{name}.{part}"));
        let moved = get("moved");
        let shape = [moved.shape[1], moved.shape[2]];
        let spacing_voxels = get("spacing").values;
        let offsets = get("offsets");
        let points = ControlGrid::points(&spacing_voxels, shape).unwrap();
        assert_eq!(points, offsets.shape[1..]);
        let control = ControlGrid {
            spacing_voxels,
            displacements: offsets.floats(),
            folding: Folding::Refuse,
            sampling: Sampling::default(),
        };
        let grid = Geometry::axis_aligned(shape, [1.0; 2]).unwrap();
        let warp = control.warp(&grid).unwrap();
        for (i, &want) in moved.values.iter().enumerate() {
            let (axis, at) = (i / grid.len(), i % grid.len());
            let index = [(at / shape[1]) as f64, (at % shape[1]) as f64];
            let got = warp.source_of(index)[axis] - index[axis];
            assert!((got - want).abs() < 2e-5, "{name} {i}: {got} {want}");
        }
    }
}

#[test]
fn thin_plates_are_scipys() {
    let fixture = Fixture::load("bends");
    let pairs = |name: &str| {
        let values = fixture.get(&format!("plate.{name}")).values;
        let pairs = values.as_chunks::<2>().0.to_vec();
        assert_eq!(pairs.len(), 9);
        pairs
    };
    let plate = ThinPlateSpline {
        places: pairs("places"),
        displacements: pairs("displacements"),
        ..ThinPlateSpline::default()
    };
    let field = plate.field([13, 17]).unwrap();
    fixture
        .get("plate.field")
        .assert_close(&field, 1e-5, "field");
}

#[test]
fn perspectives_are_torchvisions() {
    let fixture = Fixture::load("bends");
    let get = |name: &str| fixture.get(&format!("perspective.{name}"));
    let grid = Geometry::<2>::axis_aligned(get("image").shape(), [1.0; 2]).unwrap();
    let corners = get("corners").values;
    let corner = |i: usize| [corners[2 * i + 1], corners[2 * i]];
    let perspective = Perspective {
        corners: [corner(0), corner(1), corner(2), corner(3)],
        ..Perspective::default()
    };
    // Its corners are middles of pixels, its places half a pixel farther on: on both sides of the map.
    let half = |sign: f64| {
        let map = IndexMap::translation([0.5 * sign; 2]);
        Warp::new(grid.shape(), map, Reading::EXACT)
    };
    let theirs = half(-1.0)
        .then(perspective.warp(&grid).unwrap())
        .unwrap()
        .then(half(1.0))
        .unwrap();
    let moved = theirs
        .apply(&Sample::new(get("image").image(grid)))
        .unwrap();
    get("out").assert_close(moved.image().as_slice(), 1e-5, "perspective");
}

#[test]
fn quantiles_are_matched_as_by_simpleitk() {
    let fixture = Fixture::load("bends");
    let get = |name: &str| fixture.get(&format!("match.{name}"));
    let grid = Geometry::<3>::axis_aligned(get("source").shape(), [1.0; 3]).unwrap();
    for (levels, points, from) in [
        (1024, 7, MatchFrom::Mean),
        (64, 3, MatchFrom::Lowest),
        (20, 1, MatchFrom::Mean),
    ] {
        let rule = MatchRule {
            levels,
            points,
            from,
        };
        let reference = MatchPoints::of(&get("reference").floats(), rule).unwrap();
        let got = voxels_after(get("source").image(grid), QuantileMatching { reference });
        let name = format!("{levels}.{points}");
        get(&name).assert_close(&got, 1e-5, &name);
    }
}
