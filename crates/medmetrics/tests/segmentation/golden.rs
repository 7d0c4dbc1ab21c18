//! Numbers that several libraries agreed on, on shapes that can be drawn again here.

use medcore::{Geometry, LabelMap};
use medmetrics::{
    Convention, EmptyCase, EmptyPolicy, Evaluation, Measured, Structure, StructureMetrics,
};

use crate::fixture;

type Mask = LabelMap<u8, 3>;

const SHAPE: [usize; 3] = [24, 96, 96];
const SPACING: [f64; 3] = [3.0, 0.8, 0.8];

fn drawn(inside: impl Fn([f64; 3]) -> bool) -> Mask {
    let [depth, height, width] = SHAPE;
    let mut labels = Vec::new();
    for d in 0..depth {
        for h in 0..height {
            labels.extend((0..width).map(|w| u8::from(inside([d as f64, h as f64, w as f64]))));
        }
    }
    LabelMap::new(Geometry::axis_aligned(SHAPE, SPACING).unwrap(), labels).unwrap()
}

/// Centre in voxels, radii in millimetres.
fn in_ellipsoid(at: [f64; 3], centre: [f64; 3], radii: [f64; 3]) -> bool {
    (0..3)
        .map(|a| ((at[a] - centre[a]) * SPACING[a] / radii[a]).powi(2))
        .sum::<f64>()
        <= 1.0
}

fn reference() -> Mask {
    drawn(|at| in_ellipsoid(at, [12.0, 48.0, 48.0], [24.0, 22.0, 18.0]))
}

fn measure(prediction: &Mask, convention: Convention) -> StructureMetrics {
    let evaluation = Evaluation::of_organs(["organ"]).with_convention(convention);
    evaluation
        .case("case", &reference(), prediction)
        .unwrap()
        .structures
        .remove(0)
}

#[track_caller]
fn assert_near(got: Measured, want: f64, digits: i32) {
    let got = got.value.unwrap();
    assert!(
        (got - want).abs() <= 0.51 * 10f64.powi(-digits),
        "{got}, should be {want}"
    );
}

/// One false-positive blob of 3 % of the volume: HD95 between 0.8 and 16 mm, depending on who is asked.
#[test]
fn a_far_blob_gives_every_library_its_own_number() {
    let prediction = drawn(|at| {
        in_ellipsoid(at, [12.0, 49.0, 48.0], [24.0, 22.0, 18.0])
            || in_ellipsoid(at, [12.0, 80.0, 80.0], [9.0, 6.0, 6.0])
    });
    let monai = measure(&prediction, Convention::Monai);
    assert_eq!(
        (monai.overlap.reference(), monai.overlap.prediction()),
        (20691, 21370)
    );
    assert_near(monai.hausdorff, 22.127, 3);
    assert_near(monai.hausdorff_percentile, 15.658, 3);
    assert_near(monai.surface_dice, 0.9592, 4);
    assert_near(monai.average_distance, 0.8780, 4);
    let deepmind = measure(&prediction, Convention::DeepMind);
    assert_near(deepmind.hausdorff, 22.127, 3);
    assert_near(deepmind.hausdorff_percentile, 16.061, 3);
    assert_near(deepmind.surface_dice, 0.9512, 4);
    assert_near(deepmind.average_distance, 0.8706, 4);
    let medpy = measure(&prediction, Convention::MedPy);
    assert_near(medpy.hausdorff_percentile, 0.800, 3);
    assert_near(medpy.average_distance, 0.8780, 4);
    let panoptica = measure(&prediction, Convention::Panoptica);
    assert_near(panoptica.hausdorff_percentile, 0.800, 3);
    assert_near(panoptica.surface_dice, 0.9608, 4);
    assert_near(panoptica.average_distance, 0.8514, 4);
}

#[test]
fn a_moved_ellipsoid_with_a_small_box_gives_the_published_numbers() {
    let prediction = drawn(|at| {
        let [d, h, w] = at;
        in_ellipsoid(at, [12.6, 50.0, 47.0], [23.0, 21.0, 20.0])
            || ((3.0..5.0).contains(&d) && (10.0..14.0).contains(&h) && (10.0..14.0).contains(&w))
    });
    let monai = measure(&prediction, Convention::Monai);
    assert_eq!(monai.overlap.prediction(), 21098);
    assert_near(monai.hausdorff, 30.0353, 4);
    assert_near(monai.hausdorff_percentile, 3.1048, 4);
    assert_near(monai.surface_dice, 0.7254, 4);
    assert_near(monai.average_distance, 1.3448, 4);
    let deepmind = measure(&prediction, Convention::DeepMind);
    assert_near(deepmind.hausdorff_percentile, 3.0000, 4);
    assert_near(deepmind.surface_dice, 0.8063, 4);
    assert_near(deepmind.average_distance, 1.1414, 4);
    let panoptica = measure(&prediction, Convention::Panoptica);
    assert_near(panoptica.hausdorff_percentile, 3.1048, 4);
    assert_near(panoptica.surface_dice, 0.7252, 4);
    assert_near(panoptica.average_distance, 1.3423, 4);
}

/// MONAI 1.6.1 on 16x16 masks: two overlapping boxes, and every combination of empty masks.
#[test]
fn boxes_and_empty_masks_give_monais_numbers() {
    let grid = Geometry::axis_aligned([16, 16], [1.0; 2]).unwrap();
    let rectangle = |rows: std::ops::Range<usize>, columns: std::ops::Range<usize>| {
        let inside = |i: usize| rows.contains(&(i / 16)) && columns.contains(&(i % 16));
        LabelMap::new(
            grid,
            (0..256).map(|i| u8::from(inside(i))).collect::<Vec<_>>(),
        )
        .unwrap()
    };
    let (a, b) = (rectangle(4..8, 4..8), rectangle(5..9, 4..10));
    let (empty, full) = (rectangle(0..0, 0..0), rectangle(0..16, 0..16));
    let evaluation = Evaluation::of_organs(["box"])
        .with_tolerance_mm(1.0)
        .with_empty(EmptyPolicy::MONAI);
    let measure = |evaluation: &Evaluation, prediction, reference| {
        evaluation
            .case("case", reference, prediction)
            .unwrap()
            .structures
            .remove(0)
    };
    let normal = measure(&evaluation, &a, &b);
    assert_near(normal.dice, 0.6, 5);
    assert_near(normal.iou, 0.42857, 5);
    assert_near(normal.hausdorff, 2.23607, 5);
    assert_near(normal.hausdorff_percentile, 2.05902, 5);
    assert_near(normal.average_distance, 0.88037, 5);
    assert_near(normal.surface_dice, 0.82143, 5);
    assert_eq!(normal.dice.empty, None);

    let whole = measure(&evaluation, &full, &full);
    assert_eq!(
        (
            whole.dice.value,
            whole.hausdorff.value,
            whole.surface_dice.value
        ),
        (Some(1.0), Some(0.0), Some(1.0))
    );

    let both = measure(&evaluation, &empty, &empty);
    for value in [
        both.dice,
        both.iou,
        both.hausdorff,
        both.hausdorff_percentile,
        both.surface_dice,
    ] {
        assert_eq!(value, Measured::undefined(EmptyCase::Both));
    }
    let no_prediction = measure(&evaluation, &empty, &a);
    let substituted = |value| Measured {
        value: Some(value),
        empty: Some(EmptyCase::Prediction),
    };
    assert_eq!(no_prediction.dice, substituted(0.0));
    assert_eq!(no_prediction.hausdorff, substituted(f64::INFINITY));
    assert_eq!(no_prediction.average_distance, substituted(f64::INFINITY));
    assert_eq!(no_prediction.surface_dice, substituted(0.0));
    let no_reference = measure(&evaluation, &a, &empty);
    assert_eq!(no_reference.dice, Measured::undefined(EmptyCase::Reference));
    assert_eq!(no_reference.hausdorff.value, Some(f64::INFINITY));
    let keep = evaluation.with_empty(EmptyPolicy::MONAI_KEEP_EMPTY);
    assert_eq!(measure(&keep, &empty, &empty).dice.value, Some(1.0));
    assert_eq!(measure(&keep, &a, &empty).dice.value, Some(0.0));
    // Ours: the worst distance the image can hold instead of infinity.
    let worst = keep.with_empty(EmptyPolicy::WORST);
    assert_near(measure(&worst, &empty, &a).hausdorff, 15.0 * 2f64.sqrt(), 9);
}

#[test]
fn regions_and_unannotated_voxels_are_measured_as_masks() {
    let grid = Geometry::axis_aligned([2, 3, 4], [2.0, 1.0, 1.5]).unwrap();
    let map = |labels: [u8; 24]| LabelMap::new(grid, labels.to_vec()).unwrap();
    let reference = map([
        0, 1, 1, 2, 0, 1, 2, 2, 9, 9, 0, 0, 0, 1, 1, 2, 0, 0, 3, 3, 9, 0, 0, 0,
    ]);
    let prediction = map([
        0, 1, 2, 2, 0, 1, 1, 2, 1, 2, 0, 0, 1, 1, 1, 0, 0, 3, 3, 3, 2, 0, 0, 0,
    ]);
    let whole = Structure {
        name: "whole".into(),
        labels: vec![1, 2, 3],
    };
    let core = Structure {
        name: "core".into(),
        labels: vec![2],
    };
    let evaluation = Evaluation::new(vec![whole, core]).with_ignore(9);
    let case = evaluation.case("case", &reference, &prediction).unwrap();
    // The same by hand: unannotated voxels become background on both sides.
    let only = |map: &Mask, keep: &[u8]| {
        let kept = map.as_slice().iter().zip(reference.as_slice());
        let labels: Vec<u8> = kept
            .map(|(l, r)| u8::from(*r != 9 && keep.contains(l)))
            .collect();
        LabelMap::new(grid, labels).unwrap()
    };
    for (structure, keep) in case.structures.iter().zip([&[1u8, 2, 3][..], &[2]]) {
        let plain = Evaluation::of_organs(["x"])
            .case("case", &only(&reference, keep), &only(&prediction, keep))
            .unwrap()
            .structures
            .remove(0);
        assert_eq!(structure.dice, plain.dice);
        assert_eq!(structure.hausdorff, plain.hausdorff);
        assert_eq!(structure.average_distance, plain.average_distance);
        assert_eq!(structure.surface_dice, plain.surface_dice);
    }
}

/// torchmetrics 1.9 mixes up rows and columns of planes that are not square.
#[test]
fn torchmetrics_is_right_for_squares_alone() {
    let rows = fixture::load("wide_planes.json");
    let [mut wrong, mut refused] = [0; 2];
    for row in rows.as_array().unwrap() {
        let [theirs, truth] = match row["shape"].as_array().unwrap().len() {
            2 => hausdorff_of_torchmetrics_and_others::<2>(row),
            _ => hausdorff_of_torchmetrics_and_others::<3>(row),
        };
        let truth = truth.unwrap();
        let square = row["shape"][0] == row["shape"][1] && row["shape"][2].is_null();
        assert!(
            !square || (theirs.unwrap() - truth).abs() < 1e-5,
            "{theirs:?}, {truth}"
        );
        wrong += usize::from(theirs.is_some_and(|v| (v - truth).abs() > 1e-5));
        refused += usize::from(theirs.is_none());
    }
    assert!(wrong >= 5 && refused >= 3, "{wrong}, {refused}");
}

/// The value under torchmetrics' name and the right one, both as the fixture has them.
fn hausdorff_of_torchmetrics_and_others<const D: usize>(
    row: &serde_json::Value,
) -> [Option<f64>; 2] {
    let (reference, prediction) = (
        fixture::mask_map::<D>(row, "reference"),
        fixture::mask_map(row, "prediction"),
    );
    let of = |convention: Convention, key: &str| {
        let evaluation = Evaluation::of_organs(["a"]).with_convention(convention);
        let case = evaluation.case("case", &reference, &prediction).unwrap();
        let value = case.structures[0].hausdorff.value;
        match value {
            Some(value) => fixture::assert_near(value, &row[key], 1e-6),
            None => assert!(row[key].is_null(), "{row}"),
        }
        value
    };
    [
        of(Convention::Torchmetrics, "torchmetrics"),
        of(Convention::Monai, "truth"),
    ]
}
