//! The fields, holes and channels of MONAI, TorchIO and Albumentations, given the drawn parameters.

use medaug::{
    BiasBasis, BiasField, BoxRule, Boxes, ChannelDropout, CoarseDropout, DropoutPart, FieldMode,
    GrayMethod, GridDropout, Hidden, Hole, HoleFill, Operation, RepeatChannel, Sample,
    SmoothFieldAdjustIntensity, Swap, ToGray,
};
use medcore::{BoundingBox, Geometry, Image};

use crate::support::Fixture;

#[track_caller]
fn check<const D: usize>(expected: &str, tolerance: f64, operation: impl Into<Operation>) {
    let fixture = Fixture::load("fields");
    let array = fixture.get(&format!("{D}d.image"));
    let grid = Geometry::<D>::axis_aligned(array.shape(), [1.5; D]).unwrap();
    let image = Image::new(grid, array.floats()).unwrap();
    let operation = operation.into();
    operation.check::<D>().unwrap();
    let changed = operation.apply_to(Sample::new(image)).unwrap();
    fixture.get(&format!("{D}d.{expected}")).assert_close(
        changed.image().as_slice(),
        tolerance,
        expected,
    );
}

fn check_all<const D: usize>() {
    let fixture = Fixture::load("fields");
    let get = |name: &str| fixture.get(&format!("{D}d.{name}"));
    for (name, basis) in [
        ("legendre", BiasBasis::Legendre),
        ("powers", BiasBasis::Powers),
    ] {
        let field = BiasField {
            order: 3,
            coefficients: get(&format!("{name}_coefficients")).values,
            basis,
        };
        check::<D>(name, 3e-6, field);
    }
    for name in ["smooth", "smooth_padded"] {
        let factors = get(&format!("{name}_factors"));
        let field = SmoothFieldAdjustIntensity {
            factors: factors.floats(),
            points: factors.shape,
            mode: FieldMode::Linear,
        };
        check::<D>(name, 3e-6, field.clone());
        if name == "smooth" {
            let blocks = SmoothFieldAdjustIntensity {
                mode: FieldMode::Area,
                ..field
            };
            check::<D>("smooth_area", 3e-6, blocks);
        }
    }
    let starts = get("hole_starts").values;
    let holes = starts.chunks(D).map(|start| Hole {
        start: start.iter().map(|&v| v as usize).collect(),
        shape: [2, 3, 4][..D].to_vec(),
    });
    let dropout = CoarseDropout {
        holes: holes.collect(),
        fill: HoleFill::Value(-5.0),
        ..CoarseDropout::default()
    };
    check::<D>("holes", 0.0, dropout.clone());
    let rest = CoarseDropout {
        part: DropoutPart::Rest,
        ..dropout
    };
    check::<D>("rest", 0.0, rest);
}

#[test]
fn slices_change_as_in_monai_and_torchio() {
    check_all::<2>();
}

#[test]
fn volumes_change_as_in_monai_and_torchio() {
    check_all::<3>();
    let swap = Swap {
        size: vec![2, 3, 4],
        pairs: vec![
            [vec![0, 1, 2], vec![3, 5, 7]],
            [vec![1, 0, 0], vec![2, 4, 6]],
            [vec![3, 5, 2], vec![0, 0, 7]],
        ],
    };
    check::<3>("swapped", 0.0, swap);
}

fn picture(operation: impl Into<Operation>) -> Image<f32, 2> {
    let picture = Fixture::load("fields").get("picture");
    let [channels, shape @ ..] = picture.shape::<3>();
    let grid = Geometry::<2>::axis_aligned(shape, [1.0; 2]).unwrap();
    let image = Image::with_channels(channels, grid, picture.floats()).unwrap();
    let operation = operation.into();
    operation.check::<2>().unwrap();
    let changed = operation.apply_to(Sample::new(image)).unwrap();
    changed.image().clone()
}

#[test]
fn pictures_lose_what_they_lose_in_albumentations() {
    let fixture = Fixture::load("fields");
    for (name, shift) in [("grid", vec![0]), ("grid_shifted", vec![3, 2])] {
        let grid = GridDropout {
            cells: vec![4, 5],
            ratio: 0.5,
            shift,
            fill: HoleFill::Value(0.25),
            ..GridDropout::default()
        };
        let got = picture(grid);
        fixture.get(name).assert_close(got.as_slice(), 0.0, name);
    }
    let dropout = ChannelDropout {
        channels: vec![0, 2],
        value: 0.5,
    };
    let got = picture(dropout);
    fixture
        .get("dropped")
        .assert_close(got.as_slice(), 0.0, "dropped");
}

#[test]
fn gray_is_that_of_albumentations() {
    let fixture = Fixture::load("fields");
    for (name, method) in [
        ("luma", GrayMethod::Luma),
        ("mean", GrayMethod::Mean),
        ("max", GrayMethod::Max),
    ] {
        let one = picture(ToGray {
            method,
            channels: Some(1),
        });
        assert_eq!(one.channels(), 1);
        fixture.get(name).assert_close(one.as_slice(), 1e-6, name);
        let three = picture(ToGray {
            method,
            channels: None,
        });
        assert_eq!(three.as_slice(), one.as_slice().repeat(3));
    }
    let six = picture(RepeatChannel { count: 2 });
    assert_eq!(six.channels(), 6);
    assert_eq!(six.channel(4), six.channel(1));
}

#[test]
fn boxes_behind_holes_are_trimmed_as_by_albumentations() {
    let fixture = Fixture::load("fields");
    // Albumentations tells x before y, from the outer face of the first pixel on.
    let bounds =
        |b: &[f64]| BoundingBox::new([b[1] - 0.5, b[0] - 0.5], [b[3] - 0.5, b[2] - 0.5]).unwrap();
    let boxes = |name| {
        let array = fixture.get(name);
        array.values.chunks(4).map(bounds).collect::<Vec<_>>()
    };
    let rule = BoxRule {
        visible: 0.2,
        extent: 0.0,
    };
    let whole = Boxes::new(boxes("boxes").into_iter().map(|b| (b, 0))).with_rule(rule);
    let picture = Image::zeros(1, Geometry::axis_aligned([20, 30], [1.0; 2]).unwrap());
    let sample = Sample::new(picture.unwrap()).with_boxes(whole);
    let holes = fixture.get("hiding");
    let holes = holes.values.chunks(4).map(|hole| {
        let [left, top, right, bottom] = std::array::from_fn(|i| hole[i] as usize);
        Hole {
            start: vec![top, left],
            shape: vec![bottom - top, right - left],
        }
    });
    let dropout = CoarseDropout {
        holes: holes.collect(),
        hidden: Hidden::Trimmed,
        ..CoarseDropout::default()
    };
    let done = Operation::from(dropout).apply_to(sample).unwrap();
    let seen = done.boxes().unwrap().items().iter().map(|item| item.bounds);
    let seen: Vec<_> = seen.collect();
    assert_eq!(seen, boxes("seen"));
    assert!(seen.len() == 3 && seen != boxes("boxes"), "{seen:?}");
}
