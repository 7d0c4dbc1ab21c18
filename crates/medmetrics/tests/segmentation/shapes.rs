//! Overlap scores, boundaries, centre lines, components, lesions and instances against their references.

use medcore::components::Connectivity;
use medcore::skeleton::{Thinning, skeleton};
use medmetrics::segmentation::{
    BoundaryBand, ClassWeighting, ComponentCells, Extras, GeneralisedDiceConvention,
    GeneralisedDiceRule, InstanceMatches, InstanceMatching, LesionRule, PanopticQuality,
    Skeletoniser,
};
use medmetrics::{Accumulator, EmptyPolicy, Evaluation, JointHistogram, Measure, StructureMetrics};
use serde_json::Value;

use crate::fixture::{assert_near, label_map, load, mask, mask_map, shape};

/// The references compute some of these in f32.
const TOLERANCE: f64 = 1e-6;

fn rows(name: &str) -> Vec<Value> {
    load("shapes.json")[name].as_array().unwrap().clone()
}

fn measured<const D: usize>(row: &Value, extras: Extras) -> StructureMetrics {
    let evaluation = Evaluation::of_organs(["shape"]).with_extras(extras);
    let (reference, prediction) = (
        mask_map::<D>(row, "reference"),
        mask_map::<D>(row, "prediction"),
    );
    evaluation
        .case("case", &reference, &prediction)
        .unwrap()
        .structures
        .remove(0)
}

#[test]
fn generalised_dice_is_monais_and_torchmetrics() {
    use GeneralisedDiceConvention::{Monai, Torchmetrics};
    for row in rows("generalised") {
        let (reference, prediction) = (
            label_map::<3>(&row, "reference"),
            label_map(&row, "prediction"),
        );
        let table = JointHistogram::between(&reference, &prediction, 5).unwrap();
        let classes: Vec<_> = (1..5).map(|label| table.overlap(&[label])).collect();
        for (name, weighting) in [
            ("square", ClassWeighting::Square),
            ("simple", ClassWeighting::Simple),
            ("uniform", ClassWeighting::Uniform),
        ] {
            for (library, convention) in [("monai", Monai), ("torchmetrics", Torchmetrics)] {
                let found = GeneralisedDiceRule {
                    weighting,
                    convention,
                }
                .of(&classes);
                assert_near(found.value, &row[format!("{library}_{name}")], TOLERANCE);
            }
        }
    }
}

#[test]
fn scores_of_counts_are_scikit_learns() {
    let row = &load("shapes.json")["scores"];
    let (reference, prediction) = (mask_map::<3>(row, "reference"), mask_map(row, "prediction"));
    let overlap = JointHistogram::between(&reference, &prediction, 2)
        .unwrap()
        .overlap(&[1]);
    let policy = EmptyPolicy::WORST;
    for (beta, want) in row["f_beta"].as_object().unwrap() {
        let beta = beta.parse().unwrap();
        assert_near(
            overlap.f_beta(beta, &policy).unwrap().value.unwrap(),
            want,
            1e-12,
        );
    }
    assert_near(overlap.specificity().unwrap(), &row["specificity"], 1e-12);
    assert_near(overlap.sensitivity().unwrap(), &row["sensitivity"], 1e-12);
    let tversky = |alpha, beta| overlap.tversky(alpha, beta, &policy).unwrap();
    assert_eq!(tversky(1.0, 1.0), overlap.iou(&policy));
    assert_eq!(tversky(0.0, 1.0).value, overlap.recall());
    assert_eq!(tversky(1.0, 0.0).value, overlap.precision());
    assert!(
        overlap.f_beta(-1.0, &policy).is_err() && overlap.tversky(f64::NAN, 1.0, &policy).is_err()
    );
}

fn boundaries<const D: usize>(row: &Value) {
    let check = |name: &str, band| {
        let extras = Extras {
            boundary: Some(band),
            ..Extras::default()
        };
        let found = measured::<D>(row, extras);
        assert_near(
            Measure::BoundaryIou.of(&found).value.unwrap(),
            &row[name],
            1e-12,
        );
    };
    for share in [0.02, 0.05] {
        check(&format!("coco_{share}"), BoundaryBand::Coco(share));
    }
    check("metrics_reloaded_1", BoundaryBand::MetricsReloaded(1.0));
    check("metrics_reloaded_2.5", BoundaryBand::MetricsReloaded(2.5));
    check("mm_1.0", BoundaryBand::Millimetres(1.0));
    check("mm_2.4", BoundaryBand::Millimetres(2.4));
}

#[test]
fn boundary_iou_is_cocos_metrics_reloadeds_and_the_definitions() {
    let rows = rows("boundary");
    boundaries::<2>(&rows[0]);
    boundaries::<3>(&rows[1]);
}

fn lines<const D: usize>(row: &Value) {
    let shape = shape::<D>(row);
    let len = shape.iter().product();
    for (of, line) in [("reference", "line"), ("prediction", "other_line")] {
        let thin = skeleton(&mask(row, of, len), shape, Thinning::ScikitImage).unwrap();
        assert_eq!(thin, mask(row, line, len), "{shape:?}");
    }
    let extras = Extras {
        centreline: Some(Skeletoniser::ScikitImage),
        ..Extras::default()
    };
    let found = measured::<D>(row, extras);
    assert_near(
        found.centreline_dice.unwrap().value.unwrap(),
        &row["cldice"],
        1e-12,
    );
}

#[test]
fn skeletons_are_scikit_images_voxel_for_voxel_and_cldice_is_theirs() {
    let rows = rows("skeletons");
    assert_eq!(rows.len(), 8);
    for row in rows {
        match row["shape"].as_array().unwrap().len() {
            2 => lines::<2>(&row),
            _ => lines::<3>(&row),
        }
    }
}

fn components<const D: usize>(row: &Value) {
    let extras = Extras {
        components: Some(ComponentCells::Monai),
        ..Extras::default()
    };
    let found = measured::<D>(row, extras).components.unwrap();
    assert_eq!(found.cells.len() as u64, row["n"].as_u64().unwrap());
    assert!(found.cells.len() > 1);
    assert_near(found.mean().unwrap(), &row["monai"], TOLERANCE);
}

#[test]
fn dice_per_component_is_monais() {
    let rows = rows("components");
    components::<3>(&rows[0]);
    components::<2>(&rows[1]);
    components::<3>(&rows[2]);
}

#[test]
fn lesion_wise_scores_are_those_of_brats_and_metrics_reloaded() {
    for row in rows("lesions") {
        let scores = |rule| {
            let extras = Extras {
                lesions: Some(rule),
                ..Extras::default()
            };
            measured::<3>(&row, extras).lesions.unwrap()
        };
        for want in row["brats"].as_array().unwrap() {
            let found = scores(LesionRule {
                dilation_voxels: want["steps"].as_u64().unwrap() as usize,
                ignored_mm3: want["least"].as_f64().unwrap(),
                ..LesionRule::BRATS_2023
            });
            let counts = [
                found.true_positives(),
                found.false_negatives(),
                found.false_positives,
            ];
            assert_eq!(
                counts.map(|n| n as u64),
                ["tp", "fn", "fp"].map(|n| want[n].as_u64().unwrap())
            );
            if want["dice"].is_null() {
                assert_eq!((found.dice(), found.hausdorff_mm()), (None, None));
            } else {
                assert_near(found.dice().unwrap(), &want["dice"], 1e-12);
                assert_near(found.hausdorff_mm().unwrap(), &want["hd95"], TOLERANCE);
            }
        }
        let (found, want) = (
            scores(LesionRule::METRICS_RELOADED),
            &row["metrics_reloaded"],
        );
        let counts = [
            found.true_positives(),
            found.false_negatives(),
            found.false_positives,
        ];
        assert_eq!(
            counts.map(|n| n as u64),
            ["tp", "fn", "fp"].map(|n| want[n].as_u64().unwrap())
        );
        assert_eq!(found.rule.connectivity, Connectivity::Face);
    }
}

fn instances<const D: usize>(row: &Value) {
    let (reference, prediction) = (
        label_map::<D>(row, "reference"),
        label_map(row, "prediction"),
    );
    for threshold in [0.5, 0.3, 0.1] {
        let scores = |matching: InstanceMatching| {
            let matches = InstanceMatches::between(&reference, &prediction, &matching).unwrap();
            let mut quality = PanopticQuality::new(matching);
            quality.push(&matches).unwrap();
            quality.finish().unwrap()
        };
        let found = scores(InstanceMatching::monai(threshold));
        let want = &row[format!("monai_{threshold}")];
        let [pq, sq, rq] = found.monai();
        for (got, name) in [(pq, "pq"), (sq, "sq"), (rq, "rq")] {
            assert_near(got, &want[name], TOLERANCE);
        }
        for (got, name) in [
            (found.true_positives, "tp"),
            (found.false_positives, "fp"),
            (found.false_negatives, "fn"),
        ] {
            assert_near(got as f64, &want[name], 0.0);
        }
        for (name, matching) in [
            ("naive", InstanceMatching::panoptica_naive(threshold)),
            (
                "bipartite",
                InstanceMatching::panoptica_bipartite(threshold),
            ),
        ] {
            let found = scores(matching);
            let want = &row[format!("{name}_{threshold}")];
            for (got, name) in [
                (found.panoptic, "pq"),
                (found.segmentation, "sq"),
                (found.recognition, "rq"),
                (found.dice, "sq_dsc"),
                (found.masd_mm, "sq_assd"),
            ] {
                assert_near(got.value.unwrap(), &want[name], TOLERANCE);
            }
            assert_near(found.true_positives as f64, &want["tp"], 0.0);
        }
    }
}

#[test]
fn panoptic_quality_is_monais_and_panopticas() {
    let rows = rows("instances");
    instances::<3>(&rows[0]);
    instances::<2>(&rows[1]);
    instances::<3>(&rows[2]);
}
