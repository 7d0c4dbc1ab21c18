//! Moves of whole voxels, equal to MONAI's, Albumentations' and TorchIO's to the last bit.

use medaug::*;
use medcore::random::Key;
use medcore::resample::Outside;
use medcore::{Geometry, Image, Point, Vector};

use crate::support::Fixture;

/// What the operation makes of a tensor of the fixture.
#[track_caller]
fn assert_same<const D: usize>(sample: &Sample<D>, operation: impl Into<Operation>, name: &str) {
    let operation = operation.into();
    operation.check::<D>().unwrap();
    let moved = operation.apply_to(sample.clone()).unwrap();
    let wanted = Fixture::load("index").get(name);
    let shape = wanted.shape[wanted.shape.len() - D..].to_vec();
    assert_eq!(moved.shape().to_vec(), shape, "{name}");
    assert_eq!(moved.image().as_slice(), wanted.floats(), "{name}");
}

fn volume() -> Sample<3> {
    let steps = [
        Vector::new(0.3, -0.9, 4.8),
        Vector::new(0.03, 0.7, 0.15),
        Vector::new(0.8, -0.02, -0.05),
    ];
    let grid = Geometry::new([5, 7, 6], Point::new(0.0, 0.0, 0.0), steps).unwrap();
    Sample::new(Fixture::load("index").get("volume").image(grid))
}

#[test]
fn quarter_turns_are_monais() {
    for turns in [1, 2, 3] {
        let turn = Rotate90 {
            turns,
            axes: vec![0, 2],
        };
        assert_same(&volume(), turn, &format!("rotate90.{turns}"));
    }
}

#[test]
fn the_symmetries_of_a_square_are_those_of_albumentations() {
    let grid = Geometry::axis_aligned([5, 8], [1.0; 2]).unwrap();
    let plane = Sample::new(Fixture::load("index").get("plane").image(grid));
    let symmetry = |order: [usize; 2], flip: &[usize]| Transpose {
        flip: flip.to_vec(),
        ..Transpose::new(order)
    };
    for (name, order, flip) in [
        ("e", [0, 1], &[][..]),
        ("r90", [1, 0], &[0]),
        ("r180", [0, 1], &[0, 1]),
        ("r270", [1, 0], &[1]),
        ("v", [0, 1], &[0]),
        ("hvt", [1, 0], &[0, 1]),
        ("h", [0, 1], &[1]),
        ("t", [1, 0], &[]),
    ] {
        assert_same(&plane, symmetry(order, flip), &format!("d4.{name}"));
        if order == [0, 1] {
            let flip = Flip {
                axes: flip.to_vec(),
                swap: None,
            };
            assert_same(&plane, flip, &format!("d4.{name}"));
        }
    }
}

#[test]
fn orientations_of_an_oblique_volume_are_monais() {
    for code in ["PIR", "SLA"] {
        let orient = Orient {
            orientation: code.parse().unwrap(),
        };
        assert_same(&volume(), orient, &format!("orient.{code}"));
    }
}

#[test]
fn crops_are_monais() {
    let scale = CropShape::Share(vec![0.5, 0.9, 0.7]);
    assert_same(&volume(), CenterCrop::new([3, 4, 5]), "crop.center");
    assert_same(&volume(), CenterCrop::new(scale), "crop.scale");
    assert_same(&volume(), Crop::new([1, 2, 0], [3, 5, 3]), "crop.block");
}

#[test]
fn crops_and_borders_to_a_shape_are_monais_and_torchios() {
    for (name, shape) in [("a", [8, 4, 6]), ("b", [2, 12, 5]), ("c", [4, 8, 1])] {
        for (convention, centring) in [("monai", Centring::Monai), ("torchio", Centring::Torchio)] {
            let crop = CropOrPad {
                centring,
                outside: Outside::Value(-1.0),
                ..CropOrPad::new(shape)
            };
            assert_same(&volume(), crop, &format!("crop_or_pad.{convention}.{name}"));
        }
    }
}

#[test]
fn borders_are_monais() {
    let pad = |to, side, outside| Pad {
        side,
        outside,
        ..Pad::new(to)
    };
    let value = Outside::Value(-1.0);
    let shape = || PadTo::Shape(vec![8, 7, 9]);
    let even = PadSide::Symmetric;
    assert_same(&volume(), pad(shape(), even, value), "pad.shape");
    assert_same(
        &volume(),
        pad(shape(), PadSide::End, Outside::Edge),
        "pad.end",
    );
    let divisible = PadTo::Divisible(vec![4, 3, 4]);
    assert_same(
        &volume(),
        pad(divisible, even, Outside::Reflect),
        "pad.divisible",
    );
    let borders = PadTo::Borders {
        before: vec![1, 2, 0],
        after: vec![0, 3, 1],
    };
    assert_same(&volume(), pad(borders, even, value), "pad.borders");
}

#[test]
fn crops_to_the_foreground_are_monais() {
    let scan = Fixture::load("index").get("foreground.scan");
    let grid = Geometry::<3>::axis_aligned([9, 11, 10], [1.0; 3]).unwrap();
    let image = Image::with_channels(2, grid, scan.floats()).unwrap();
    let sample = Sample::new(image);
    let zeros = Some(Outside::Value(0.0));
    let crop = |margin: &[usize], divisible: &[usize], outside| CropForeground {
        margin: margin.to_vec(),
        divisible: divisible.to_vec(),
        outside,
        ..CropForeground::default()
    };
    for (name, crop) in [
        ("plain", crop(&[0], &[1], None)),
        ("margin", crop(&[1, 5, 0], &[1], zeros)),
        ("inside", crop(&[5], &[1], None)),
        ("divisible", crop(&[1], &[4, 3, 16], zeros)),
    ] {
        let drawn = crop.draw(&mut sample.clone().into_lazy(), Key::new(0));
        let [operation]: [Operation; 1] = drawn.unwrap().try_into().unwrap();
        assert_same(&sample, operation, &format!("foreground.{name}"));
    }
}
