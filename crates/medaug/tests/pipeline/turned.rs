//! Boxes that do not stand along the axes, and small pictures laid over an image.

use medaug::{
    BoxRule, Boxes, Compose, Crop, Flip, Mosaic, Operation, OverlayElement, OverlayElements,
    PlacedElement, RandomOverlayElements, RandomSmoothDeform, Sample, SmoothDeform, Step,
    TurnedBox,
};
use medcore::random::Key;
use medcore::{Geometry, Image, LabelMap};

fn grid() -> Geometry<2> {
    Geometry::axis_aligned([41, 61], [1.0; 2]).unwrap()
}

fn needle() -> TurnedBox<2> {
    TurnedBox::from_size([20.0, 30.0], [30.0, 4.0], 35.0).unwrap()
}

fn with_needle() -> Sample<2> {
    let image = Image::zeros(1, grid()).unwrap();
    Sample::new(image).with_boxes(Boxes::turned([(needle(), 4)]))
}

fn cropped(start: [isize; 2], shape: [usize; 2], visible: f64) -> Sample<2> {
    let crop = Crop {
        start: start.to_vec(),
        shape: shape.to_vec(),
        outside: None,
        outside_label: 0,
    };
    let mut sample = with_needle();
    let extent = 1.0;
    let rule = BoxRule { visible, extent };
    let boxes = sample.boxes().unwrap().clone().with_rule(rule);
    sample = sample.with_boxes(boxes);
    Operation::from(crop).apply_to(sample).unwrap()
}

#[test]
fn a_turned_box_stays_while_enough_of_itself_is_seen() {
    // The lower half of the needle; its bounds hold it and are cut, it goes on outside.
    let half = cropped([20, 0], [21, 61], 0.4);
    let item = half.boxes().unwrap().items()[0];
    let turned = item.turned.unwrap();
    assert!((turned.centre()[0] - 0.0).abs() < 1e-9 && (turned.centre()[1] - 30.0).abs() < 1e-9);
    assert!((item.bounds.min()[0] - -0.5).abs() < 1e-9);
    let edges = turned.half_edges();
    let (got, wanted) = (edges.as_flattened(), needle().half_edges());
    let wanted = wanted.as_flattened();
    assert!(got.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 1e-9));
    assert!(
        cropped([20, 0], [21, 61], 0.6)
            .boxes()
            .unwrap()
            .items()
            .is_empty()
    );
    // A corner of the bounds, a tenth of them, which shows nothing of the needle.
    let bounds = needle().bounds().unwrap();
    let corner = [
        bounds.min()[0].ceil() as isize,
        bounds.max()[1].floor() as isize - 8,
    ];
    let beside = cropped(corner, [9, 9], 0.05);
    assert!(beside.boxes().unwrap().items().is_empty());
}

#[test]
fn mirrored_twice_a_turned_box_is_where_it_was_and_once_it_leans_the_other_way() {
    let flip = Operation::from(Flip {
        axes: vec![1],
        swap: None,
    });
    let once = flip.apply_to(with_needle()).unwrap();
    let turned = once.boxes().unwrap().items()[0].turned.unwrap();
    let (size, degrees) = turned.fitted([1.0; 2]).size_and_degrees();
    assert!((size[0] - 30.0).abs() + (size[1] - 4.0).abs() + (degrees + 35.0).abs() < 1e-9);
    let twice = flip.apply_to(once).unwrap();
    let back = twice.boxes().unwrap().items()[0].turned.unwrap();
    let (got, wanted) = (back.corners(), needle().corners());
    let far = got.as_flattened().iter().zip(wanted.as_flattened());
    assert!(far.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) < 1e-9);
}

#[test]
fn turned_boxes_come_into_a_mosaic() {
    let mosaic = Mosaic {
        shape: vec![41, 61],
        centre: vec![41, 61],
        fill: 0.0,
    };
    let made = medaug::Mixture::from(mosaic)
        .apply(vec![with_needle(); 4])
        .unwrap();
    let items = made.boxes().unwrap().items();
    assert!(items.len() > 1, "{items:?}");
    for item in items {
        let around = item.turned.unwrap().bounds().unwrap();
        for a in 0..2 {
            assert!(item.bounds.min()[a] >= around.min()[a] - 1e-9);
            assert!(item.bounds.max()[a] <= around.max()[a] + 1e-9);
        }
    }
}

#[test]
fn turned_boxes_are_written_down_and_read_and_strange_ones_refused() {
    let boxes = Boxes::turned([(needle(), 4)]);
    let text = serde_json::to_string(&boxes).unwrap();
    assert_eq!(serde_json::from_str::<Boxes<2>>(&text).unwrap(), boxes);
    assert!(serde_json::from_str::<Boxes<3>>(&text).is_err());
    // Boxes along the axes are written as they always were.
    let plain = serde_json::to_string(&Boxes::new([(needle().bounds().unwrap(), 0)])).unwrap();
    assert!(!plain.contains("turned"), "{plain}");
    for (size, middle) in [
        ([0.0, 4.0], 1.0),
        ([f64::NAN, 4.0], 1.0),
        ([f64::INFINITY, 4.0], 1.0),
        ([3.0, 4.0], f64::NAN),
    ] {
        assert!(TurnedBox::from_size([middle, 2.0], size, 10.0).is_err());
    }
    let flat = TurnedBox::new(
        [0.0; 3],
        [[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [0.0, 0.0, 1.0]],
    );
    let said = flat.unwrap_err().to_string();
    assert_eq!(said, "TurnedBox: volume must be finite and above 0, got 0");
}

#[test]
fn a_sheared_box_is_fitted_by_a_larger_one_in_volumes_too() {
    let sheared = TurnedBox::new(
        [5.0; 3],
        [[4.0, 1.0, 0.5], [0.0, 3.0, 1.0], [0.0, 0.0, 2.0]],
    )
    .unwrap();
    let spacing = [3.0, 1.0, 0.7];
    let fitted = sheared.fitted(spacing);
    assert!(fitted.volume() >= sheared.volume());
    let edges = fitted
        .half_edges()
        .map(|way| [way[0] * 3.0, way[1], way[2] * 0.7]);
    let dot = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        assert!(dot(edges[a], edges[b]).abs() < 1e-9);
    }
    // Every corner lies within it.
    for corner in sheared.corners() {
        let off: [f64; 3] = std::array::from_fn(|a| (corner[a] - 5.0) * spacing[a]);
        for edge in edges {
            assert!(dot(off, edge).abs() <= dot(edge, edge) * (1.0 + 1e-9));
        }
    }
    // A box with right angles is its own.
    assert!((fitted.fitted(spacing).volume() - fitted.volume()).abs() < 1e-9);
}

fn element() -> OverlayElement {
    OverlayElement {
        shape: vec![2, 3],
        values: vec![5.0, 6.0, 7.0, 8.0, 9.0, 10.0],
        opacity: vec![1.0, 1.0, 0.5, 1.0, 0.0, 0.25],
        label: Some(3),
        box_class: Some(2),
    }
}

fn laid(start: [isize; 2]) -> Sample<2> {
    let grid = Geometry::axis_aligned([3, 4], [1.0; 2]).unwrap();
    let image = Image::with_channels(2, grid, [vec![1.0; 12], vec![-1.0; 12]].concat()).unwrap();
    let labels = LabelMap::background(grid).unwrap();
    let sample = Sample::with_labels(image, labels).unwrap();
    let elements = vec![PlacedElement {
        element: element(),
        start: start.to_vec(),
    }];
    Operation::from(OverlayElements { elements })
        .apply_to(sample.with_boxes(Boxes::new([])))
        .unwrap()
}

#[test]
fn elements_are_laid_over_image_labels_and_boxes_and_cut_at_the_border() {
    let whole = laid([1, 1]);
    let first = [1.0, 1.0, 1.0, 1.0, 1.0, 5.0, 6.0, 4.0, 1.0, 8.0, 1.0, 3.25];
    assert_eq!(whole.image().channel(0), first);
    assert_eq!(whole.image().channel(1)[5..8], [5.0, 6.0, 3.0]);
    let labels = [0, 0, 0, 0, 0, 3, 3, 3, 0, 3, 0, 0];
    assert_eq!(whole.labels().unwrap().as_slice(), labels);
    let item = whole.boxes().unwrap().items()[0];
    assert_eq!(
        (item.bounds.min(), item.bounds.max()),
        ([0.5, 0.5], [2.5, 3.5])
    );
    assert_eq!(item.class, 2);

    let cut = laid([-1, 2]);
    let seen = [1.0, 1.0, 8.0, 1.0];
    assert_eq!(cut.image().channel(0)[..4], seen);
    let outside = laid([isize::MAX, isize::MIN]);
    assert!(outside.boxes().unwrap().items().is_empty());
    assert_eq!(outside.image().channel(0), [1.0; 12]);
}

#[test]
fn bad_elements_and_displacements_are_refused_with_what_to_change() {
    let random = |element: OverlayElement| -> Step {
        RandomOverlayElements {
            elements: vec![element],
            ..RandomOverlayElements::default()
        }
        .into()
    };
    let text = |step: Step| Compose::<2>::new(vec![step]).unwrap_err().to_string();
    let said = [
        text(RandomOverlayElements::default().into()),
        text(random(OverlayElement {
            shape: vec![2],
            ..element()
        })),
        text(random(OverlayElement {
            values: vec![1.0; 5],
            ..element()
        })),
        text(random(OverlayElement {
            opacity: vec![1.5; 6],
            ..element()
        })),
        text(random(OverlayElement {
            shape: vec![0, 3],
            ..element()
        })),
        text(
            RandomSmoothDeform {
                points: vec![0],
                ..RandomSmoothDeform::default()
            }
            .into(),
        ),
        text(
            RandomSmoothDeform {
                padding: usize::MAX,
                ..RandomSmoothDeform::default()
            }
            .into(),
        ),
        text(
            SmoothDeform {
                points: vec![2],
                displacements: vec![0.0; 7],
                ..SmoothDeform::default()
            }
            .into(),
        ),
    ];
    let wanted = [
        "elements must be at least one",
        "shape needs 2 entries, got 1",
        "values needs 6 entries, got 5",
        "opacity must be within 0 and 1, got 1.5",
        "shape must be within 1 and 65535, got 0",
        "points must be within 1 and 64, got 0",
        "padding must be at most 64 points in all",
        "displacements needs 8 entries, got 7",
    ];
    for (said, wanted) in said.iter().zip(wanted) {
        assert!(said.contains(wanted), "{said}");
    }
    let large = OverlayElement {
        shape: vec![1, 200],
        values: vec![1.0; 200],
        ..OverlayElement::default()
    };
    let Step::RandomOverlayElements(mut drawn) = random(large) else {
        panic!("another step");
    };
    drawn.probability = 1.0;
    let pipeline = Compose::new(vec![drawn.into()]).unwrap();
    let refused = pipeline.apply(with_needle(), Key::new(1)).unwrap_err();
    assert!(
        refused.to_string().contains("no larger than the image"),
        "{refused}"
    );
}

#[test]
fn a_field_that_would_tear_the_image_is_weakened_or_refused() {
    let strong = RandomSmoothDeform {
        probability: 1.0,
        points: vec![6],
        displacement: vec![medaug::Draw::symmetric(0.5)],
        ..RandomSmoothDeform::default()
    };
    let pipeline = Compose::<2>::new(vec![strong.into()]).unwrap();
    let (_, record) = pipeline.record(with_needle(), Key::new(2)).unwrap();
    let [Operation::SmoothDeform(drawn)] = record.operations() else {
        panic!("{:?}", record.operations());
    };
    let refused = SmoothDeform {
        folding: medaug::Folding::Refuse,
        ..drawn.clone()
    };
    let refused = Operation::from(refused)
        .apply_to(with_needle())
        .unwrap_err();
    assert!(refused.to_string().contains("not folded"), "{refused}");
    // Then every place is led back.
    let warp = record.warp().unwrap();
    for at in [[3.0, 4.5], [20.0, 30.0], [39.5, 59.0]] {
        let back = warp.place_of(warp.source_of(at)).unwrap();
        assert!((back[0] - at[0]).abs() + (back[1] - at[1]).abs() < 1e-5);
    }
}
