//! Other grids, equal to MONAI's, PyTorch's, torchvision's and scikit-image's.

use medaug::*;
use medcore::resample::{Interpolation, Outside};
use medcore::{Geometry, Point, Vector};

use crate::support::Fixture;

fn apply<const D: usize>(sample: &Sample<D>, operation: impl Into<Operation>) -> Sample<D> {
    let operation = operation.into();
    operation.check::<D>().unwrap();
    operation.apply_to(sample.clone()).unwrap()
}

#[track_caller]
fn assert_close<const D: usize>(got: &Sample<D>, name: &str) {
    let wanted = Fixture::load("resize").get(&format!("{D}d.{name}"));
    assert_eq!(got.shape(), wanted.shape::<D>(), "{name}");
    wanted.assert_close(got.image().as_slice(), 2e-6, name);
}

fn sample<const D: usize>() -> Sample<D> {
    let image = Fixture::load("resize").get(&format!("{D}d.image"));
    let grid = Geometry::axis_aligned(image.shape(), [1.0; D]).unwrap();
    Sample::new(image.image(grid))
}

fn check<const D: usize>(shape: [usize; D]) {
    let to = || ResizeTo::Shape(shape.to_vec());
    let sample = sample::<D>();
    for (name, interpolation) in [
        ("nearest-exact", Interpolation::Nearest),
        ("linear", Interpolation::Linear),
        ("cubic", Interpolation::CubicBSpline),
    ] {
        let resize = Resize {
            interpolation,
            ..Resize::new(to())
        };
        assert_close(&apply(&sample, resize), name);
    }
    assert_close(&apply(&sample, ResizeArea::new(to())), "area");
    let fewer = || ResizeTo::Shape(if D == 2 { vec![4, 3] } else { vec![2, 7, 3] });
    for (name, filter) in [
        ("torchvision", AntiAliasing::Triangle),
        ("monai", AntiAliasing::MonaiGaussian),
        ("skimage", AntiAliasing::Gaussian),
    ] {
        if D == 3 && filter == AntiAliasing::Triangle {
            continue;
        }
        let resize = ResizeAntialiased {
            filter,
            ..ResizeAntialiased::new(fewer())
        };
        assert_close(&apply(&sample, resize), name);
    }
    let longest = Resize::new(ResizeTo::Longest(15));
    assert_close(&apply(&sample, longest), "longest");
    for factor in [1.3, 0.65] {
        let free = Zoom {
            keep_size: false,
            ..Zoom::new([factor])
        };
        let free = apply(&sample, free);
        assert_close(&free, &format!("zoom.{factor}.false"));
        let kept = apply(&sample, Zoom::new([factor]));
        if factor > 1.0 {
            assert_close(&kept, &format!("zoom.{factor}.true"));
            continue;
        }
        // The border repeats the outermost voxels of the stretched image there, and of the image itself here.
        let border = CropOrPad {
            outside: Outside::Edge,
            ..CropOrPad::new(sample.shape())
        };
        assert_close(&apply(&free, border), &format!("zoom.{factor}.true"));
        assert_eq!(kept.shape(), sample.shape());
    }
}

#[test]
fn a_resized_slice_is_that_of_the_references() {
    check([5, 13]);
}

#[test]
fn a_resized_volume_is_that_of_the_references() {
    check([8, 4, 10]);
}

#[test]
fn a_resized_part_read_on_its_own_is_torchvisions() {
    let part = apply(&sample::<2>(), Crop::new([1, 2], [5, 6]));
    let resized = apply(&part, Resize::new(ResizeTo::Shape(vec![9, 8])));
    assert_close(&resized, "crop");
}

#[test]
fn a_spacing_is_monais() {
    let image = Fixture::load("resize").get("3d.image");
    let grid = Geometry::axis_aligned([5, 7, 6], [4.0, 0.8, 0.8]).unwrap();
    let spacing = Spacing {
        rule: GridRule::Monai,
        ..Spacing::new([2.5, 1.1, 0.7])
    };
    let spaced = apply(&Sample::new(image.image(grid)), spacing);
    assert_close(&spaced, "spacing");
    assert_eq!(spaced.geometry().spacing(), [2.5, 1.1, 0.7]);
}

#[test]
fn the_grid_of_another_scan_is_read_as_by_monai() {
    let image = Fixture::load("resize").get("3d.image");
    let steps = [[0.3, -0.9, 4.8], [0.03, 0.7, 0.15], [0.8, -0.02, -0.05]];
    let grid = Geometry::new(
        [5, 7, 6],
        Point::new(-12.0, 30.5, 800.25),
        steps.map(|[x, y, z]| Vector::new(x, y, z)),
    );
    let steps = [[0.1, -0.5, 2.9], [0.1, 1.0, 0.2], [0.9, -0.05, 0.1]];
    let other = Geometry::new(
        [6, 4, 5],
        Point::new(-11.7, 30.0, 801.0),
        steps.map(|[x, y, z]| Vector::new(x, y, z)),
    );
    let sampling = Sampling {
        outside: Outside::Edge,
        ..Sampling::default()
    };
    let resample = ResampleTo::new(&other.unwrap(), sampling);
    let resampled = apply(&Sample::new(image.image(grid.unwrap())), resample);
    assert_close(&resampled, "resampled");
}
