//! Deformations: TorchIO and SimpleITK, MONAI, Albumentations and OpenCV.

use std::sync::Arc;

use medaug::{
    Deformation, DisplacementLattice, ElasticDeformation, GridDistortion, LastCell, Lens,
    OpticalDistortion, Perspective, Reading, Sample, Sampling, SpatialOperation, Warp,
    smoothed_noise,
};
use medcore::resample::{Interpolation, Outside};
use medcore::{Geometry, IndexMap};

use crate::support::{Array, Fixture};

fn edge(interpolation: Interpolation) -> Sampling {
    Sampling {
        interpolation,
        outside: Outside::Edge,
        ..Sampling::default()
    }
}

/// Compares where each voxel looks with `[axis, voxels ...]`.
#[track_caller]
fn assert_looks<const D: usize>(warp: &Warp<D>, looks: &Array, tolerance: f64) {
    let shape = warp.shape();
    let len: usize = shape.iter().product();
    assert_eq!(looks.values.len(), D * len);
    for i in 0..len {
        let mut rest = i;
        let mut index = [0.0; D];
        for a in (0..D).rev() {
            index[a] = (rest % shape[a]) as f64;
            rest /= shape[a];
        }
        let got = warp.source_of(index);
        for a in 0..D {
            let want = looks.values[a * len + i];
            let error = (got[a] - want).abs();
            assert!(error < tolerance, "{index:?} axis {a}: {} {want}", got[a]);
        }
        let back = warp.place_of(got).expect("nothing folds");
        assert!(
            (0..D).all(|a| (back[a] - index[a]).abs() < 1e-5),
            "{index:?} {back:?}"
        );
    }
}

#[test]
fn splines_are_those_of_torchio_and_simpleitk_on_an_anisotropic_grid() {
    let fixture = Fixture::load("deform");
    let get = |name: &str| fixture.get(&format!("spline.{name}"));
    // Displacements are told along the axes of the grid, so that its directions do not matter.
    let grid = Geometry::<3>::axis_aligned(get("image").shape(), [4.0, 1.0, 1.5]).unwrap();
    let sample = Sample::new(get("image").image(grid));
    let displacements = get("displacements_mm");
    for (name, interpolation) in [
        ("linear", Interpolation::Linear),
        ("cubic", Interpolation::CubicBSpline),
    ] {
        let elastic = ElasticDeformation {
            control_points: displacements.shape[1..].to_vec(),
            displacements_mm: displacements.floats(),
            sampling: edge(interpolation),
            ..ElasticDeformation::default()
        };
        let warp = elastic.warp(&grid).unwrap();
        assert_looks(&warp, &get("looks"), 3e-6);
        let moved = warp.apply(&sample).unwrap();
        get(name).assert_close(moved.image().as_slice(), 5e-6, name);
    }
}

#[test]
fn smoothed_noise_is_monais() {
    let fixture = Fixture::load("deform");
    let get = |name: &str| fixture.get(&format!("noise.{name}"));
    let grid = Geometry::<3>::axis_aligned(get("image").shape(), [1.0; 3]).unwrap();
    let (shape, noise) = (grid.shape(), get("noise").floats());
    let mut field = vec![];
    for axis in noise.chunks_exact(grid.len()) {
        field.extend(
            smoothed_noise(axis, shape, [2.0; 3])
                .iter()
                .map(|v| v * 12.0),
        );
    }
    assert!(field.iter().fold(0.0_f32, |m, v| m.max(v.abs())) > 0.4);
    let lattice = DisplacementLattice::dense(shape, &field).unwrap();
    let deformation = Deformation::Lattice(Arc::new(lattice));
    let reading = Reading::from(edge(Interpolation::Linear));
    let warp = Warp::bent(shape, deformation, reading);
    let moved = warp.apply(&Sample::new(get("image").image(grid))).unwrap();
    get("out").assert_close(moved.image().as_slice(), 1e-5, "out");
}

#[test]
fn grids_are_monais_and_those_of_albumentations() {
    let fixture = Fixture::load("deform");
    let get = |name: &str| fixture.get(&format!("grid.{name}"));
    let grid = Geometry::<2>::axis_aligned(get("image").shape(), [1.0; 2]).unwrap();
    let steps = get("steps").values;
    let distortion = GridDistortion {
        steps: vec![steps[..4].to_vec(), steps[4..].to_vec()],
        last: LastCell::End,
        sampling: edge(Interpolation::Linear),
    };
    let sample = Sample::new(get("image").image(grid));
    let moved = distortion.warp(&grid).unwrap().apply(&sample).unwrap();
    get("monai").assert_close(moved.image().as_slice(), 1e-5, "monai");
    let warp = GridDistortion {
        last: LastCell::Step,
        ..distortion
    }
    .warp(&grid)
    .unwrap();
    for (i, want) in get("y").values.into_iter().enumerate() {
        assert!(
            (warp.source_of([i as f64, 0.0])[0] - want).abs() < 1e-5,
            "{i}"
        );
    }
    for (i, want) in get("x").values.into_iter().enumerate() {
        assert!(
            (warp.source_of([0.0, i as f64])[1] - want).abs() < 1e-5,
            "{i}"
        );
    }
}

#[test]
fn lenses_are_those_of_albumentations() {
    let fixture = Fixture::load("deform");
    let grid = Geometry::<2>::axis_aligned([13, 18], [1.0; 2]).unwrap();
    for (name, lens) in [("camera", Lens::Camera), ("fisheye", Lens::Fisheye)] {
        for distortion in [-0.25, 0.4] {
            let optical = OpticalDistortion {
                distortion,
                lens,
                ..OpticalDistortion::default()
            };
            // Their middle lies half a pixel farther on: for the camera in what is looked at, for the fisheye in both.
            let half = |sign: f64| IndexMap::translation([0.5 * sign; 2]);
            let (shape, exact) = (grid.shape(), Reading::EXACT);
            let before = Warp::new(shape, half(1.0), exact);
            let after = match lens {
                Lens::Camera => IndexMap::identity(),
                Lens::Fisheye => half(-1.0),
            };
            let ours = before.then(optical.warp(&grid).unwrap()).unwrap();
            let theirs = ours.then(Warp::new(shape, after, exact)).unwrap();
            let looks = fixture.get(&format!("{name}.{distortion}"));
            assert_looks(&theirs, &looks, 2e-5);
        }
    }
}

#[test]
fn perspectives_are_opencvs() {
    let looks = Fixture::load("deform").get("perspective.looks");
    let grid = Geometry::<2>::axis_aligned([21, 26], [1.0; 2]).unwrap();
    let at = |y: usize, x: usize| [0, 1].map(|a| looks.values[(a * 21 + y) * 26 + x]);
    let perspective = Perspective {
        corners: [at(0, 0), at(0, 25), at(20, 25), at(20, 0)],
        ..Perspective::default()
    };
    assert_looks(&perspective.warp(&grid).unwrap(), &looks, 2e-5);
}
