//! Affine changes under the conventions of MONAI, TorchIO and Albumentations.

use medaug::*;
use medcore::resample::Outside;
use medcore::{Geometry, Point, Vector};

use crate::support::Fixture;

fn reflected() -> Sampling {
    Sampling {
        outside: Outside::Reflect,
        ..Sampling::default()
    }
}

/// The source on a grid whose spacing must not matter, and what the operation makes of it.
fn moved<const D: usize>(name: &str, operation: impl Into<Operation>) -> Sample<D> {
    let source = Fixture::load("affine").get(name);
    let grid = Geometry::axis_aligned(source.shape(), [0.75; D]).unwrap();
    let operation = operation.into();
    operation.check::<D>().unwrap();
    let sample = Sample::new(source.image(grid));
    operation.apply_to(sample).unwrap()
}

#[test]
fn monais_affine_is_the_same_in_two_and_three_axes() {
    let plane = MonaiAffine {
        rotate: vec![0.4],
        shear: vec![0.2, -0.3],
        translate: vec![1.5, -2.25],
        scale: vec![0.8, 1.3],
        sampling: reflected(),
    };
    let plane = moved::<2>("plane", plane);
    let wanted = Fixture::load("affine").get("monai.2d");
    wanted.assert_close(plane.image().as_slice(), 1e-5, "2d");
    let volume = MonaiAffine {
        rotate: vec![0.4, -0.2, 0.7],
        shear: vec![0.2, -0.3, 0.1, 0.05, -0.15, 0.25],
        translate: vec![1.5, -2.25, 0.5],
        scale: vec![0.8, 1.3, 1.1],
        sampling: reflected(),
    };
    let volume = moved::<3>("volume", volume);
    let wanted = Fixture::load("affine").get("monai.3d");
    wanted.assert_close(volume.image().as_slice(), 1e-5, "3d");
}

#[test]
fn albumentations_shifts_scales_and_turns_alike() {
    let change = ShiftScaleRotate {
        shift: vec![-2.0, 3.0],
        scale: vec![0.9, 1.2],
        degrees: 35.0,
        sampling: Sampling::default(),
    };
    let plane = moved::<2>("plane", change);
    let wanted = Fixture::load("affine").get("shift_scale_rotate");
    wanted.assert_close(plane.image().as_slice(), 1e-5, "shift_scale_rotate");
}

#[test]
fn torchios_affine_is_the_same_on_an_oblique_volume_wherever_it_shows_the_image() {
    let steps = [[0.3, -0.9, 4.8], [0.03, 0.7, 0.15], [0.8, -0.02, -0.05]];
    let source = Fixture::load("affine").get("volume");
    let grid = Geometry::<3>::new(
        source.shape(),
        Point::new(-12.0, 30.5, 800.25),
        steps.map(|[x, y, z]| Vector::new(x, y, z)),
    )
    .unwrap();
    let affine = TorchioAffine {
        scales: vec![0.9, 1.2, 1.1],
        degrees: vec![10.0, -20.0, 35.0],
        translation: vec![1.5, -0.75, 3.0],
        sampling: Sampling::default(),
    };
    let warp = SpatialOperation::<3>::warp(&affine, &grid).unwrap();
    let got = Operation::from(affine).apply_to(Sample::new(source.image(grid)));
    let got = got.unwrap();
    let wanted = Fixture::load("affine").get("torchio").values;
    let [depth, height, width] = grid.shape();
    let mut seen = 0;
    for (at, (&got, &wanted)) in got.image().as_slice().iter().zip(&wanted).enumerate() {
        let index = [at / (height * width), at / width % height, at % width];
        let place = warp.source_of(index.map(|v| v as f64));
        // ITK repeats the border for half a voxel, where this crate fades into what is outside.
        let shape = [depth, height, width];
        if (0..3).all(|a| (0.0..=shape[a] as f64 - 1.0).contains(&place[a])) {
            seen += 1;
            assert!(
                (f64::from(got) - wanted).abs() < 5e-5,
                "{got} is not {wanted} at {index:?}"
            );
        }
    }
    assert!(seen > grid.len() / 4, "{seen}");
}

#[test]
fn thick_slices_are_torchios() {
    let thick = Anisotropy {
        axis: 1,
        factor: 2.75,
    };
    let thick = moved::<3>("volume", thick);
    let wanted = Fixture::load("affine").get("anisotropy");
    wanted.assert_close(thick.image().as_slice(), 1e-5, "anisotropy");
}
