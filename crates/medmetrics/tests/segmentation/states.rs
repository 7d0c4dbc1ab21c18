//! What is read back from JSON, and settings that make no sense.

use medcore::{Calibration, Geometry, LabelMap};
use medmetrics::segmentation::{Extras, GeneralisedDiceRule, InstanceRule, LesionRule};
use medmetrics::statistics::Bootstrap;
use medmetrics::{
    Accumulator, EmptyCase, EmptyPolicy, Error, Evaluation, JointHistogram, Measure, Measured,
    Overlap, Report, Substitute, Substitutes, Summary,
};

fn read<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

#[test]
fn a_table_of_counts_that_is_no_square_is_refused() {
    let good: JointHistogram = read(r#"{"labels":2,"counts":[5,0,1,2]}"#).unwrap();
    assert_eq!(good.overlap(&[1]).true_positive, 2);
    for bad in [
        r#"{"labels":0,"counts":[]}"#,
        r#"{"labels":0,"counts":[3]}"#,
        r#"{"labels":2,"counts":[1,2,3]}"#,
        r#"{"labels":1025,"counts":[]}"#,
        r#"{"labels":18446744073709551615,"counts":[]}"#,
        r#"{"labels":2,"counts":[18446744073709551615,1,0,0]}"#,
    ] {
        assert!(read::<JointHistogram>(bad).is_err(), "{bad}");
    }
    let full = format!(r#"{{"labels":1,"counts":[{}]}}"#, 1_u64 << 62);
    let mut full: JointHistogram = read(&full).unwrap();
    let before = full.clone();
    assert!(full.merge(&before).is_err(), "they cannot be counted");
    assert_eq!(full, before);
}

#[test]
fn counts_of_any_size_have_a_dice() {
    let overlap = Overlap {
        true_positive: u64::MAX,
        false_positive: u64::MAX,
        false_negative: u64::MAX,
        true_negative: u64::MAX,
    };
    assert_eq!(overlap.dice(&EmptyPolicy::WORST).value, Some(0.5));
    assert_eq!(overlap.iou(&EmptyPolicy::WORST).value, Some(1.0 / 3.0));
    let rule = GeneralisedDiceRule::default();
    assert!(rule.of(&[overlap; 2]).value.is_finite());
}

#[test]
fn an_overlap_has_no_diagonal() {
    let diagonal = Substitutes {
        both: Substitute::Diagonal,
        prediction: Substitute::Diagonal,
        reference: Substitute::Diagonal,
    };
    let policy = EmptyPolicy {
        overlap: diagonal,
        ..EmptyPolicy::WORST
    };
    let nothing = Overlap::default().dice(&policy);
    assert_eq!(
        (nothing.value, nothing.empty),
        (None, Some(EmptyCase::Both))
    );
}

#[test]
fn an_infinite_mean_comes_back_from_json() {
    let values = [("a", 1.0), ("b", f64::INFINITY), ("c", f64::INFINITY)];
    let values = values.map(|(case, value)| (case, Measured::value(value)));
    let summary = Summary::of(values, false);
    assert_eq!(summary.mean, Some(f64::INFINITY));
    let json = serde_json::to_string(&summary).unwrap();
    assert_eq!(read::<Summary>(&json).unwrap(), summary);
}

#[test]
fn settings_that_json_cannot_hold_are_refused() {
    for evaluation in [
        Evaluation::of_organs(["a"]).with_tolerance_mm(f64::INFINITY),
        Evaluation::of_organs(["a"]).with_tolerance_mm(f64::NAN),
        Evaluation::of_organs(["a"]).with_more_tolerances_mm([1.0, f64::INFINITY]),
    ] {
        assert!(evaluation.check().is_err());
    }
    for rule in [f64::INFINITY, f64::NAN, -1.0] {
        let penalty = LesionRule {
            penalty_mm: rule,
            ..LesionRule::default()
        };
        let ignored = LesionRule {
            ignored_mm3: rule,
            ..LesionRule::default()
        };
        assert!(penalty.check().is_err() && ignored.check().is_err());
    }
}

/// A row of labels.
fn row<const N: usize>(labels: [u8; N]) -> LabelMap<u8, 2> {
    let grid = Geometry::axis_aligned([1, N], [1.0, 1.0]).unwrap();
    LabelMap::new(grid, labels.to_vec()).unwrap()
}

#[test]
fn lesions_that_grow_without_end_end_at_the_image() {
    let rule = |dilation_voxels| LesionRule {
        dilation_voxels,
        ignored_mm3: 0.0,
        ..LesionRule::default()
    };
    let (r, p) = (row([1, 0, 0, 0, 0, 1, 0]), row([0, 0, 1, 0, 0, 0, 1]));
    let scores = |steps| {
        let extras = Extras {
            lesions: Some(rule(steps)),
            ..Extras::default()
        };
        let evaluation = Evaluation::of_organs(["a"]).with_extras(extras);
        let case = evaluation.case("x", &r, &p).unwrap();
        case.structures[0].lesions.clone().unwrap()
    };
    assert_eq!(scores(usize::MAX).lesions, scores(7).lesions);
    assert_eq!(scores(7).lesions.len(), 1, "they have grown together");
}

#[test]
fn volumes_need_known_millimetres() {
    let grid = Geometry::<3>::axis_aligned([1, 1, 3], [1.0; 3]).unwrap();
    let map = LabelMap::new(grid, vec![0u8, 1, 1]).unwrap();
    let unknown = grid.with_calibration(Calibration::Unknown);
    let evaluation = Evaluation::of_organs(["a"]).without_surfaces();
    let known = evaluation.case("x", &map, &map).unwrap();
    assert_eq!(known.structures[0].reference_ml, Some(0.002));
    let map = map.with_geometry(unknown).unwrap();
    let case = evaluation.case("x", &map, &map).unwrap();
    assert_eq!(case.structures[0].reference_ml, None);
    assert_eq!(case.structures[0].volume_errors().relative(), Some(0.0));
}

#[test]
fn a_report_pools_instances_and_sums_up_generalised_dice() {
    let extras = Extras {
        instances: Some(InstanceRule::default()),
        generalised_dice: Some(GeneralisedDiceRule::default()),
        ..Extras::default()
    };
    let evaluation = Evaluation::of_organs(["lesion", "vessel"]).with_extras(extras);
    let reference = row([1, 1, 1, 1, 0, 1, 1, 0, 2]);
    let predictions = [
        ("a", "p", row([1, 1, 1, 0, 0, 0, 0, 0, 2])),
        ("b", "p", row([0, 0, 0, 0, 0, 1, 1, 0, 2])),
        ("c", "q", row([0, 0, 0, 0, 0, 0, 0, 0, 0])),
    ];
    let cases = predictions.map(|(name, unit, prediction)| {
        let case = evaluation.case(name, &reference, &prediction).unwrap();
        case.with_unit(unit)
    });
    let mut report = Report::new(evaluation.clone());
    cases
        .iter()
        .for_each(|case| report.push(case.clone()).unwrap());
    let quality = report.panoptic_quality("lesion").unwrap();
    assert_eq!(quality.panoptic.value, Some(1.75 / 4.0));
    let per_case = report.summary("lesion", Measure::PanopticQuality);
    assert_eq!(per_case.mean, Some((0.5 + 1.0 / 1.5 + 0.0) / 3.0));
    let bootstrap = Bootstrap::default();
    let dice = report.generalised_dice(&bootstrap).unwrap();
    assert_eq!((dice.n, dice.undefined), (3, 0));
    assert_eq!(dice.convention, "generalised-dice:square/monai");
    assert_eq!(dice.value, report.generalised_dice_summary().mean);
    assert!(dice.interval.is_some());
    let table = report.case_table().unwrap().to_csv();
    let head = table.lines().next().unwrap();
    assert!(
        head.contains("surface Dice 2 mm,panoptic quality,"),
        "{head}"
    );

    // Merged from parts in another order, the same bits.
    let mut parts = Report::new(evaluation.clone());
    for case in cases.iter().rev() {
        let mut part = Report::new(evaluation.clone());
        part.push(case.clone()).unwrap();
        Accumulator::merge(&mut parts, &part).unwrap();
    }
    assert_eq!(parts.panoptic_quality("lesion").unwrap(), quality);
    assert_eq!(parts.generalised_dice(&bootstrap).unwrap(), dice);

    assert!(matches!(
        report.panoptic_quality("liver"),
        Err(Error::InvalidStructure { .. })
    ));
    let plain = Report::new(Evaluation::of_organs(["lesion"]));
    assert!(plain.panoptic_quality("lesion").is_err());
    let nothing = plain.generalised_dice(&bootstrap).unwrap();
    assert_eq!((nothing.value, nothing.n), (None, 0));
}

#[test]
fn a_report_read_from_json_holds_what_could_have_been_pushed() {
    let evaluation = Evaluation::of_organs(["a", "b"]);
    let map = row([0, 1, 2, 1]);
    let mut report = Report::new(evaluation.clone());
    for name in ["one", "two"] {
        report
            .push(evaluation.case(name, &map, &map).unwrap())
            .unwrap();
    }
    let good = serde_json::to_value(&report).unwrap();
    let mut back: Report = serde_json::from_value(good.clone()).unwrap();
    assert_eq!(back, report);
    let repeated = back.push(report.cases[1].clone());
    assert!(matches!(repeated, Err(Error::DuplicateCase { .. })));
    for spoil in [
        |json: &mut serde_json::Value| json["cases"][1]["case"] = "one".into(),
        |json: &mut serde_json::Value| json["cases"][1]["structures"][0]["name"] = "c".into(),
        |json: &mut serde_json::Value| json["cases"][0]["structures"] = serde_json::json!([]),
    ] {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert!(serde_json::from_value::<Report>(bad).is_err());
    }
}

#[test]
fn a_refused_merge_of_reports_changes_nothing() {
    let evaluation = Evaluation::of_organs(["a", "b"]);
    let map = row([0, 1, 2, 1]);
    let case = |name: &str| evaluation.case(name, &map, &map).unwrap();
    let mut report = Report::new(evaluation.clone());
    report.push(case("one")).unwrap();
    let before = report.clone();
    let mut other = Report::new(evaluation.clone());
    other.push(case("two")).unwrap();
    // What nobody checked, because cases can be reached.
    other.cases.push(case("three"));
    other.cases[1].structures.truncate(1);
    assert!(matches!(
        report.merge(&other),
        Err(Error::InvalidStructure { .. })
    ));
    assert_eq!(report, before);
    other.cases[1] = case("two");
    assert!(matches!(
        report.merge(&other),
        Err(Error::DuplicateCase { .. })
    ));
    assert_eq!(report, before);
    other.cases[1] = case("three");
    report.merge(&other).unwrap();
    assert_eq!(report.cases.len(), 3);
    let repeated = report.push(case("three"));
    assert!(matches!(repeated, Err(Error::DuplicateCase { .. })));
}

/// A search through all cases for each new one would take minutes.
#[test]
fn a_report_takes_a_hundred_thousand_cases() {
    let evaluation = Evaluation::of_organs(["a"]);
    let map = row([0, 1]);
    let case = evaluation.case("", &map, &map).unwrap();
    let mut report = Report::new(evaluation);
    for i in 0..100_000 {
        let mut next = case.clone();
        next.case = format!("a rather long and common prefix of a case's identifier {i}");
        report.push(next).unwrap();
    }
    let repeated = report.cases[7].clone();
    assert!(matches!(
        report.push(repeated),
        Err(Error::DuplicateCase { .. })
    ));
}
