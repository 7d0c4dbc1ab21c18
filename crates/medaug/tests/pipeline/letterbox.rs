//! Images in a letterbox, and boxes there and back.

use medaug::{Boxes, Letterbox, Operation, Record, Sample};
use medcore::{BoundingBox, Geometry, Image, LabelMap};

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
    let letterbox = || Letterbox::new([8, 8]);
    assert!(Letterbox::new([8, 0]).fit([4, 4]).is_err());
    assert!(letterbox().fit([0, 4]).is_err());
    assert!(letterbox().with_multiple(Some(0)).fit([4, 4]).is_err());
    assert!(letterbox().with_fill(f32::NAN).fit([4, 4]).is_err());
    let fit = letterbox().fit([4, 4]).unwrap();
    assert!(fit.apply(&image([4, 5])).is_err());
}

#[test]
fn a_step_of_a_pipeline_places_image_labels_and_boxes_as_the_fit_does() {
    let image = image([5, 9]);
    let labels = (0..45).map(|i| i % 3).collect::<Vec<u8>>();
    let labels = LabelMap::new(*image.geometry(), labels).unwrap();
    let bounds = BoundingBox::new([0.25, 1.5], [3.0, 7.75]).unwrap();
    let sample = Sample::with_labels(image.clone(), labels.clone()).unwrap();
    let sample = sample.with_boxes(Boxes::new([(bounds, 4)]));
    let letterbox = Letterbox::new([16, 20]).with_fill(-2.0);
    let fit = letterbox.fit([5, 9]).unwrap();
    let operation = Operation::from(letterbox);
    let placed = operation.apply_to(sample).unwrap();
    assert_eq!(
        placed.image().as_slice(),
        fit.apply(&image).unwrap().as_slice()
    );
    let (got, want) = (
        placed.boxes().unwrap().items()[0].bounds,
        fit.place(&bounds).unwrap(),
    );
    for (got, want) in [(got.min(), want.min()), (got.max(), want.max())] {
        assert!((0..2).all(|a| (got[a] - want[a]).abs() < 1e-9));
    }
    let record = Record::new(*image.geometry(), vec![operation]);
    let restored = record.restore_labels(placed.labels().unwrap()).unwrap();
    assert_eq!(restored.as_slice(), labels.as_slice());
}
