//! Elements laid over pictures by Albumentations, and turned boxes beside those of OpenCV.

use medaug::{
    Boxes, Operation, OverlayElement, OverlayElements, PlacedElement, Reading, Sample, TurnedBox,
    Warp,
};
use medcore::{Geometry, Image, IndexMap};

use crate::support::Fixture;

#[test]
fn elements_lie_where_albumentations_lays_them() {
    let fixture = Fixture::load("overlay");
    let picture = fixture.get("picture");
    let [channels, shape @ ..] = picture.shape::<3>();
    let grid = Geometry::<2>::axis_aligned(shape, [1.0; 2]).unwrap();
    let image = Image::with_channels(channels, grid, picture.floats()).unwrap();
    let sample = Sample::with_labels(image, fixture.get("labels").labels(grid)).unwrap();
    let starts = fixture.get("starts").values;
    let elements = starts.chunks(2).enumerate().map(|(number, start)| {
        let element = fixture.get(&format!("element.{number}"));
        PlacedElement {
            element: OverlayElement {
                shape: element.shape[1..].to_vec(),
                values: element.floats(),
                opacity: fixture.get(&format!("mask.{number}")).floats(),
                label: (number == 1).then_some(7),
                box_class: None,
            },
            start: start.iter().map(|&v| v as isize).collect(),
        }
    });
    let laid = Operation::from(OverlayElements {
        elements: elements.collect(),
    });
    laid.check::<2>().unwrap();
    let done = laid.apply_to(sample).unwrap();
    let expected = fixture.get("laid");
    expected.assert_close(done.image().as_slice(), 0.0, "laid");
    let labels = done.labels().unwrap().as_slice();
    fixture
        .get("laid_labels")
        .assert_labels(labels, 0, "labels");
    assert!(labels.contains(&7));
}

#[test]
fn turned_boxes_move_exactly_and_fit_as_opencvs_smallest_rectangle() {
    let fixture = Fixture::load("overlay");
    let get = |name: &str| fixture.get(&format!("turned.{name}")).values;
    let [a, b, c, d] = get("matrix")[..] else {
        panic!("a matrix of two axes");
    };
    let map = IndexMap {
        matrix: [[a, b], [c, d]],
        offset: get("offset").try_into().unwrap(),
    };
    let grid = Geometry::<2>::axis_aligned([300, 320], [1.0; 2]).unwrap();
    let (boxes, corners) = (get("boxes"), get("corners"));
    let pairs = |values: &[f64]| -> [[f64; 2]; 4] {
        std::array::from_fn(|corner| [values[2 * corner], values[2 * corner + 1]])
    };
    for (i, made) in boxes.chunks(5).enumerate() {
        let turned = TurnedBox::from_size([made[0], made[1]], [made[2], made[3]], made[4]).unwrap();
        let wanted = pairs(&corners[8 * i..]);
        let same = |got: &[[f64; 2]], want: [[f64; 2]; 4]| {
            got.iter()
                .zip(want)
                .all(|(g, w)| (g[0] - w[0]).abs() + (g[1] - w[1]).abs() < 1e-9)
        };
        assert!(same(&turned.corners(), wanted), "{:?}", turned.corners());
        assert!(same(
            &TurnedBox::from_corners(wanted).unwrap().corners(),
            wanted
        ));
        let ([height, width], degrees) = turned.size_and_degrees();
        assert!((height - made[2]).abs() + (width - made[3]).abs() < 1e-9);
        assert!((degrees - made[4]).abs() < 1e-9, "{degrees} {}", made[4]);

        // The map reads places of the source; what is drawn there appears where it leads from. A shift keeps all within.
        let shift = IndexMap::translation([-60.0, -60.0]);
        let warp = Warp::new(grid.shape(), shift.then(&map), Reading::EXACT);
        let sample = Sample::new(Image::zeros(1, grid).unwrap());
        let sample = sample.with_boxes(Boxes::turned([(turned, 3)]));
        let done = warp.apply(&sample).unwrap();
        let item = done.boxes().unwrap().items()[0];
        let after = item.turned.unwrap();
        let moved = pairs(&get("moved")[8 * i..]).map(|at| at.map(|v| v + 60.0));
        assert!(
            same(&after.corners(), moved),
            "{:?} {moved:?}",
            after.corners()
        );
        for corner in moved {
            for (axis, at) in corner.into_iter().enumerate() {
                assert!(item.bounds.min()[axis] <= at + 1e-9);
                assert!(item.bounds.max()[axis] >= at - 1e-9);
            }
        }
        let fitted = after.fitted([1.0; 2]);
        let (mut size, _) = fitted.size_and_degrees();
        size.sort_by(f64::total_cmp);
        let want = &get("fitted")[4 * i..4 * i + 4];
        let [row, column] = fitted.centre().map(|v| v - 60.0);
        // OpenCV computes in single precision.
        for (got, want) in [row, column, size[0], size[1]].into_iter().zip(want) {
            assert!((got - want).abs() < 2e-3, "{got} {want}");
        }
    }
}
