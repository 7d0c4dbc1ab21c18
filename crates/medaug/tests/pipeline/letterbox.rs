//! Images in a letterbox, and boxes there and back.

use medaug::Letterbox;
use medcore::{BoundingBox, Geometry, Image};

fn image(shape: [usize; 2]) -> Image<f32, 2> {
    let grid = Geometry::axis_aligned(shape, [0.5, 0.25]).unwrap();
    let voxels = (0..shape[0] * shape[1]).map(|i| (i * 7 % 11) as f32);
    Image::new(grid, voxels.collect::<Vec<_>>()).unwrap()
}

#[test]
fn the_shapes_are_those_of_ultralytics() {
    // Height and width, what they are scaled to, and the voxels in front of them.
    for (shape, target, factor, before) in [
        ([480, 640], [640, 640], 1.0, [80, 0]),
        ([1080, 810], [640, 640], 640.0 / 1080.0, [0, 80]),
        ([100, 333], [640, 640], 640.0 / 333.0, [224, 0]),
        ([7, 3], [32, 32], 32.0 / 7.0, [0, 9]),
    ] {
        let fit = Letterbox::new(target).fit(shape).unwrap();
        assert_eq!((fit.shape(), fit.before()), (target, before), "{shape:?}");
        for (axis, got) in fit.factors().into_iter().enumerate() {
            assert!((got - factor).abs() < 0.5 / shape[axis] as f64 + 1e-12);
        }
        let tight = Letterbox::new(target).with_multiple(Some(32));
        let tight = tight.fit(shape).unwrap().shape();
        assert!(
            tight
                .iter()
                .zip(target)
                .all(|(n, most)| n % 32 == 0 && *n <= most)
        );
    }
}

#[test]
fn an_image_that_fits_is_placed_as_it_is() {
    let image = image([3, 6]);
    let fit = Letterbox::new([6, 6]).with_fill(-1.0).fit([3, 6]).unwrap();
    let placed = fit.apply(&image).unwrap();
    // Of three rows to fill the odd one comes behind.
    assert_eq!(placed.as_slice()[..6], [-1.0; 6]);
    assert_eq!(placed.as_slice()[6..24], *image.as_slice());
    assert_eq!(placed.as_slice()[24..], [-1.0; 12]);
}

#[test]
fn voxels_and_boxes_keep_their_place_in_the_world() {
    let image = image([5, 9]);
    let fit = Letterbox::new([16, 20]).fit([5, 9]).unwrap();
    let placed = fit.apply(&image).unwrap();
    let bounds = BoundingBox::new([0.25, 1.5], [3.0, 7.75]).unwrap();
    let there = fit.place(&bounds).unwrap();
    for (here, there) in [(bounds.min(), there.min()), (bounds.max(), there.max())] {
        let (a, b) = (
            image.geometry().index_to_world(here),
            placed.geometry().index_to_world(there),
        );
        assert!(a.distance(b) < 1e-9);
    }
    let back = fit.restore(&there).unwrap();
    for axis in 0..2 {
        assert!((back.min()[axis] - bounds.min()[axis]).abs() < 1e-12);
        assert!((back.max()[axis] - bounds.max()[axis]).abs() < 1e-12);
    }
}

#[test]
fn what_cannot_be_placed_is_refused() {
    let letterbox = Letterbox::new([8, 8]);
    assert!(Letterbox::new([8, 0]).fit([4, 4]).is_err());
    assert!(letterbox.fit([0, 4]).is_err());
    assert!(letterbox.with_multiple(Some(0)).fit([4, 4]).is_err());
    assert!(letterbox.with_fill(f32::NAN).fit([4, 4]).is_err());
    let fit = letterbox.fit([4, 4]).unwrap();
    assert!(fit.apply(&image([4, 5])).is_err());
}
