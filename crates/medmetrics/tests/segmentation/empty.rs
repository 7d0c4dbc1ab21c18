//! What libraries say of empty masks, cell by cell.

use medcore::{Geometry, LabelMap};
use medmetrics::{Convention, EmptyPolicy, Evaluation, Measured};
use serde_json::Value;

use crate::fixture::load;

/// A value of the fixture; an exception is no value.
fn wanted(cell: &Value) -> Option<f64> {
    match cell.as_str() {
        Some("inf") => Some(f64::INFINITY),
        Some(_) => None,
        None => cell.as_f64(),
    }
}

#[test]
fn every_library_has_its_say_on_empty_masks() {
    let grid = Geometry::axis_aligned([9, 11], [1.0; 2]).unwrap();
    let drawn = |inside: bool| {
        let labels = (0..99)
            .map(|i| u8::from(inside && (3..6).contains(&(i / 11)) && (2..7).contains(&(i % 11))));
        LabelMap::new(grid, labels.collect::<Vec<_>>()).unwrap()
    };
    let (none, some) = (drawn(false), drawn(true));
    let mut cells = 0;
    for (library, cases) in load("empty.json").as_object().unwrap() {
        let (convention, policy) = match library.as_str() {
            "monai_keep_empty" => (Convention::Monai, EmptyPolicy::MONAI_KEEP_EMPTY),
            name => {
                let convention: Convention = serde_json::from_value(name.into()).unwrap();
                (convention, convention.empty())
            }
        };
        let evaluation = Evaluation::of_organs(["box"])
            .with_convention(convention)
            .with_empty(policy);
        for (case, wants) in cases.as_object().unwrap() {
            let (reference, prediction) = match case.as_str() {
                "both" => (&none, &none),
                "prediction" => (&some, &none),
                _ => (&none, &some),
            };
            let found = evaluation.case(case, reference, prediction).unwrap();
            let found = &found.structures[0];
            for (measure, want) in wants.as_object().unwrap() {
                let got: Measured = match measure.as_str() {
                    "dice" => found.dice,
                    "iou" => found.iou,
                    "hd" => found.hausdorff,
                    "hd95" => found.hausdorff_percentile,
                    "average" => found.average_distance,
                    _ => found.surface_dice,
                };
                assert_eq!(
                    got.value,
                    wanted(want),
                    "{library}, {case} empty: {measure}"
                );
                let empty = serde_json::to_value(got.empty.unwrap()).unwrap();
                assert_eq!(empty, case.as_str(), "{library}: {measure}");
                cells += 1;
            }
        }
    }
    assert_eq!(cells, 3 * (6 + 6 + 6 + 3 + 5 + 5 + 6));
}

#[test]
fn ours_is_undefined_for_two_empty_masks_and_the_worst_for_one() {
    let grid = Geometry::axis_aligned([4, 5], [3.0, 1.0]).unwrap();
    let none = LabelMap::new(grid, vec![0u8; 20]).unwrap();
    let full = LabelMap::new(grid, vec![1u8; 20]).unwrap();
    let evaluation = Evaluation::of_organs(["a"]);
    let both = evaluation.case("x", &none, &none).unwrap();
    let one = evaluation.case("x", &full, &none).unwrap();
    let (both, one) = (&both.structures[0], &one.structures[0]);
    let diagonal = Some(97.0f64.sqrt());
    for (of_both, of_one, worst) in [
        (both.dice, one.dice, Some(0.0)),
        (both.iou, one.iou, Some(0.0)),
        (both.hausdorff, one.hausdorff, diagonal),
        (
            both.hausdorff_percentile,
            one.hausdorff_percentile,
            diagonal,
        ),
        (both.averages.assd, one.averages.assd, diagonal),
        (
            both.averages.from_prediction,
            one.averages.from_prediction,
            diagonal,
        ),
        (both.surface_dice, one.surface_dice, Some(0.0)),
    ] {
        assert_eq!((of_both.value, of_one.value), (None, worst));
    }
}
