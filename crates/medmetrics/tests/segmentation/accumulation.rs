//! Parts merge in any order to the same bits; threads, labels and axes do not matter.

use std::collections::BTreeMap;

use medcore::random::{Key, Random};
use medcore::{Geometry, LabelMap};
use medmetrics::segmentation::{
    ComponentCells, Extras, InstanceMatches, InstanceMatching, InstanceRule, PanopticQuality,
};
use medmetrics::statistics::{Bootstrap, BootstrapMethod};
use medmetrics::{
    Accumulator, CaseMetrics, Convention, Error, Evaluation, Measure, Report, Structure,
};
use proptest::prelude::*;

const SHAPE: [usize; 3] = [5, 6, 9];

fn map(labels: Vec<u8>) -> LabelMap<u8, 3> {
    LabelMap::new(
        Geometry::axis_aligned(SHAPE, [2.0, 1.0, 1.5]).unwrap(),
        labels,
    )
    .unwrap()
}

/// Runs of labels below 4.
fn drawn(random: &mut Random) -> Vec<u8> {
    let mut labels = Vec::new();
    while labels.len() < 270 {
        let run = 1 + random.below(7);
        labels.extend(std::iter::repeat_n(random.below(4) as u8, run));
    }
    labels.truncate(270);
    labels
}

fn evaluation() -> Evaluation {
    Evaluation::of_organs(["a", "b", "c"]).with_extras(Extras::all())
}

fn cases(n: usize) -> Vec<CaseMetrics> {
    let mut random = Key::new(31).stream("cases");
    (0..n)
        .map(|i| {
            let (r, p) = (map(drawn(&mut random)), map(drawn(&mut random)));
            let case = evaluation().case(format!("scan-{i}"), &r, &p).unwrap();
            case.with_unit(format!("patient-{}", i % 5))
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_partition_merged_in_any_order_gives_the_same_report(
        part_of in prop::collection::vec(0usize..4, 12),
        order in Just([0usize, 1, 2, 3]).prop_shuffle(),
    ) {
        let cases = cases(12);
        let mut whole = Report::new(evaluation());
        for case in &cases {
            Accumulator::push(&mut whole, case.clone()).unwrap();
        }
        let mut merged = Report::new(evaluation());
        for part in order {
            let mut report = Report::new(evaluation());
            for (case, _) in cases.iter().zip(&part_of).filter(|&(_, of)| *of == part) {
                Accumulator::push(&mut report, case.clone()).unwrap();
            }
            merged.merge(&report).unwrap();
        }
        prop_assert_eq!(&merged.finish().unwrap(), &whole.finish().unwrap());
        let bootstrap = Bootstrap { replicates: 200, ..Bootstrap::default() };
        for measure in [Measure::Dice, Measure::Assd, Measure::BoundaryIou, Measure::LesionHausdorff] {
            let estimate = |report: &Report| report.estimate("b", measure, &bootstrap).unwrap();
            prop_assert_eq!(estimate(&merged), estimate(&whole), "even before they are sorted");
            prop_assert_eq!(
                merged.summary("b", measure).mean,
                whole.summary("b", measure).mean
            );
        }
        let twice = matches!(merged.merge(&whole), Err(Error::DuplicateCase { .. }));
        prop_assert!(twice);
        let other = Report::new(evaluation().with_convention(Convention::MedPy));
        let refused = matches!(merged.merge(&other), Err(Error::Incompatible { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn counts_of_instances_merge_in_any_order(order in Just([0usize, 1, 2, 3, 4]).prop_shuffle()) {
        let matching = InstanceMatching::panoptica_naive(0.2);
        let mut random = Key::new(4).stream("instances");
        let parts: Vec<PanopticQuality> = (0..5)
            .map(|_| {
                let (r, p) = (map(drawn(&mut random)), map(drawn(&mut random)));
                let mut quality = PanopticQuality::new(matching);
                quality.push(&InstanceMatches::between(&r, &p, &matching).unwrap()).unwrap();
                quality
            })
            .collect();
        let merged = |order: &[usize]| {
            let mut all = PanopticQuality::new(matching);
            order.iter().for_each(|&i| all.merge(&parts[i]).unwrap());
            all.finish().unwrap()
        };
        prop_assert_eq!(merged(&order), merged(&[0, 1, 2, 3, 4]));
        let mut other = PanopticQuality::new(InstanceMatching::monai(0.5));
        let refused = matches!(other.merge(&parts[0]), Err(Error::Incompatible { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn new_numbers_for_labels_and_turned_axes_change_nothing(seed in 0u64..1000) {
        let mut random = Key::new(seed).stream("labels");
        let (r, p) = (drawn(&mut random), drawn(&mut random));
        // Without matches by corners and ties, which look at the order of memory.
        let extras = Extras {
            lesions: None,
            components: None,
            instances: None,
            ..Extras::all()
        };
        let of = |labels: [u32; 3]| {
            let structure = |(name, label): (&str, u32)| Structure { name: name.into(), labels: vec![label] };
            let structures = ["a", "b", "c"].into_iter().zip(labels).map(structure).collect();
            Evaluation::new(structures).with_labels(8).with_extras(Extras { centreline: None, ..extras })
        };
        let plain = of([1, 2, 3]).case("x", &map(r.clone()), &map(p.clone())).unwrap();
        let renamed = |labels: &[u8]| map(labels.iter().map(|&l| [0, 7, 4, 5][l as usize]).collect());
        prop_assert_eq!(&of([7, 4, 5]).case("x", &renamed(&r), &renamed(&p)).unwrap(), &plain);
        let turned = |labels: &[u8]| {
            let grid = Geometry::axis_aligned([9, 5, 6], [1.5, 2.0, 1.0]).unwrap();
            let at = |i: usize| [i / 30, i / 6 % 5, i % 6];
            let voxels = (0..270).map(at).map(|[w, d, h]| labels[(d * 6 + h) * 9 + w]);
            LabelMap::new(grid, voxels.collect::<Vec<_>>()).unwrap()
        };
        let other = of([1, 2, 3]).case("x", &turned(&r), &turned(&p)).unwrap();
        for (one, two) in plain.structures.iter().zip(&other.structures) {
            for measure in [
                Measure::Dice,
                Measure::Hausdorff,
                Measure::HausdorffPercentile,
                Measure::Assd,
                Measure::Masd,
                Measure::SurfaceDice,
                Measure::BoundaryIou,
            ] {
                let (one, two) = (measure.of(one).value, measure.of(two).value);
                let same = match (one, two) {
                    (Some(one), Some(two)) => (one - two).abs() <= 1e-6 * one.abs().max(1.0),
                    (one, two) => one == two,
                };
                prop_assert!(same, "{measure:?}: {one:?}, turned {two:?}");
            }
        }
    }

    #[test]
    fn measures_stay_within_their_bounds(seed in 0u64..1000) {
        let mut random = Key::new(seed).stream("bounds");
        let case = evaluation().case("x", &map(drawn(&mut random)), &map(drawn(&mut random))).unwrap();
        for structure in &case.structures {
            for measure in [
                Measure::BoundaryIou,
                Measure::CentrelineDice,
                Measure::ComponentDice,
                Measure::LesionDice,
                Measure::LesionSensitivity,
                Measure::LesionF1,
                Measure::VolumetricSimilarity,
                Measure::Specificity,
            ] {
                if let Some(value) = measure.of(structure).value {
                    prop_assert!((0.0..=1.0).contains(&value), "{measure:?} is {value}");
                }
            }
            let instances = structure.instances.as_ref().unwrap();
            let parts = structure.components.as_ref().unwrap().cells.len();
            prop_assert_eq!(instances.matches.len() + instances.missed.len(), parts);
        }
    }
}

#[test]
fn all_measures_are_the_same_for_one_two_and_four_threads() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| cases(4))
    };
    let one = run(1);
    assert!(run(2) == one && run(4) == one);
    let mut report = Report::new(evaluation());
    one.into_iter().for_each(|case| report.push(case).unwrap());
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}

#[test]
fn perfect_predictions_are_perfect_by_every_measure() {
    let mut random = Key::new(2).stream("perfect");
    let labels = map(drawn(&mut random));
    let extras = Extras {
        components: Some(ComponentCells::Monai),
        instances: Some(InstanceRule::default()),
        ..Extras::all()
    };
    let case = evaluation()
        .with_extras(extras)
        .case("x", &labels, &labels)
        .unwrap();
    assert_eq!(case.generalised_dice.as_ref().unwrap().value, 1.0);
    for structure in &case.structures {
        for measure in [
            Measure::Dice,
            Measure::BoundaryIou,
            Measure::CentrelineDice,
            Measure::ComponentDice,
            Measure::Sensitivity,
            Measure::Precision,
            Measure::VolumetricSimilarity,
            Measure::SurfaceDice,
        ] {
            assert_eq!(measure.of(structure).value, Some(1.0), "{measure:?}");
        }
        for measure in [
            Measure::Hausdorff,
            Measure::Assd,
            Measure::Masd,
            Measure::VolumeError,
        ] {
            assert_eq!(measure.of(structure).value, Some(0.0), "{measure:?}");
        }
        let instances = structure.instances.as_ref().unwrap();
        assert!(instances.missed.is_empty() && instances.invented.is_empty());
        assert!(
            instances
                .matches
                .iter()
                .all(|m| m.iou == 1.0 && m.assd_mm == Some(0.0))
        );
    }
}

#[test]
fn structures_have_their_own_tolerances_and_conventions_their_names() {
    let mut random = Key::new(9).stream("tolerances");
    let (r, p) = (map(drawn(&mut random)), map(drawn(&mut random)));
    let plain = Evaluation::of_organs(["a", "b", "c"]);
    let own = plain
        .clone()
        .with_structure_tolerance_mm("b", 1.0)
        .with_more_tolerances_mm([0.0, 1.0, 2.0]);
    let found = own.case("x", &r, &p).unwrap();
    let one_mm = plain
        .clone()
        .with_tolerance_mm(1.0)
        .case("x", &r, &p)
        .unwrap();
    let two_mm = plain.case("x", &r, &p).unwrap();
    assert_eq!(
        found.structures[0].surface_dice,
        two_mm.structures[0].surface_dice
    );
    assert_eq!(
        found.structures[1].surface_dice,
        one_mm.structures[1].surface_dice
    );
    assert_eq!(
        (
            found.structures[0].tolerance_mm,
            found.structures[1].tolerance_mm
        ),
        (2.0, 1.0)
    );
    let more = &found.structures[2].more_surface_dice;
    assert_eq!(more[1].surface_dice, one_mm.structures[2].surface_dice);
    assert_eq!(more[2].surface_dice, two_mm.structures[2].surface_dice);
    assert!(more[0].surface_dice.value < more[2].surface_dice.value);
    let unknown = plain.clone().with_structure_tolerance_mm("liver", 1.0);
    assert!(matches!(
        unknown.check(),
        Err(Error::InvalidStructure { .. })
    ));
    let name = |measure: Measure, convention| {
        measure.convention(&own.clone().with_convention(convention), "b")
    };
    use Measure::{AverageDistance, HausdorffPercentile, SurfaceDice};
    assert_eq!(
        name(HausdorffPercentile, Convention::Monai),
        "hd95:max-of-directed/linear/erode"
    );
    assert_eq!(
        name(HausdorffPercentile, Convention::DeepMind),
        "hd95:max-of-directed/area/dual-grid"
    );
    assert_eq!(
        name(SurfaceDice, Convention::MonaiSubvoxels),
        "nsd:1mm/pooled/area/dual-grid"
    );
    assert_eq!(
        name(AverageDistance, Convention::MonaiDirected),
        "average-distance:from-prediction/erode"
    );
}

/// Six scans of three patients: an interval of patients is wider than one that takes scans for patients.
#[test]
fn scans_of_one_patient_are_drawn_together() {
    let evaluation = Evaluation::of_organs(["a"]).without_surfaces();
    let mut together = Report::new(evaluation.clone());
    let mut apart = Report::new(evaluation.clone());
    let mut values = BTreeMap::<usize, Vec<f64>>::new();
    for scan in 0..24 {
        let (patient, found) = (scan / 4, 20 + 30 * (scan / 4) + scan % 4);
        let reference = map(vec![1; 270]);
        let prediction = map((0..270).map(|i| u8::from(i < found)).collect());
        let case = evaluation
            .case(format!("scan-{scan}"), &reference, &prediction)
            .unwrap();
        values
            .entry(patient)
            .or_default()
            .push(case.structures[0].dice.value.unwrap());
        apart.push(case.clone()).unwrap();
        together
            .push(case.with_unit(format!("patient-{patient}")))
            .unwrap();
    }
    let bootstrap = Bootstrap {
        method: BootstrapMethod::Percentile,
        ..Bootstrap::default()
    };
    let estimate = |report: &Report| report.estimate("a", Measure::Dice, &bootstrap).unwrap();
    let (together, apart) = (estimate(&together), estimate(&apart));
    assert_eq!(together.value, apart.value);
    assert_eq!(
        (together.n, together.undefined, &together.convention[..]),
        (24, 0, "dice")
    );
    let width = |interval: medmetrics::Interval| interval.high - interval.low;
    let (wide, narrow) = (
        width(together.interval.unwrap()),
        width(apart.interval.unwrap()),
    );
    assert!(wide > 1.4 * narrow, "{wide} against {narrow}");
    // The standard error of the mean of patients' means, as the percentiles of many draws have it.
    let means: Vec<f64> = values
        .values()
        .map(|v| v.iter().sum::<f64>() / v.len() as f64)
        .collect();
    let mean = means.iter().sum::<f64>() / 6.0;
    let error = (means.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 36.0).sqrt();
    assert!(
        (wide / (2.0 * 1.96 * error) - 1.0).abs() < 0.1,
        "{wide} against {error}"
    );
}

#[test]
fn what_has_no_interval_says_so() {
    let evaluation =
        Evaluation::of_organs(["a", "never"]).with_empty(Convention::Torchmetrics.empty());
    let mut report = Report::new(evaluation.clone());
    let full = map(vec![1; 270]);
    report
        .push(evaluation.case("one", &full, &full).unwrap())
        .unwrap();
    let bootstrap = Bootstrap::default();
    let estimate =
        |report: &Report, name: &str, measure| report.estimate(name, measure, &bootstrap).unwrap();
    let single = estimate(&report, "a", Measure::Dice);
    assert_eq!(
        (single.value, single.interval, single.n),
        (Some(1.0), None, 1)
    );
    let nothing = estimate(&report, "never", Measure::Dice);
    assert_eq!((nothing.value, nothing.n, nothing.undefined), (None, 0, 1));
    let missed = evaluation.case("two", &full, &map(vec![0; 270])).unwrap();
    report.push(missed).unwrap();
    let infinite = estimate(&report, "a", Measure::Hausdorff);
    assert_eq!(
        (infinite.value, infinite.interval),
        (Some(f64::INFINITY), None)
    );
}
