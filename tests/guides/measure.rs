//! The program of `docs/guides/measure.md`; at the end it runs on small label maps, scores and marks.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use medio::nifti;
use medmetrics::agreement::{
    BlandAltman, IccForm, Kappa, KappaWeights, PairedMeasurements, RatingMatrix, RatingTable,
};
use medmetrics::calibration::{Binning, CalibrationTable};
use medmetrics::classification::{DecisionCurve, DecisionIntervals, Ranking, Selection};
use medmetrics::detection::{Coco, DetectionImages, DetectionProtocol, Froc, LesionDetection};
use medmetrics::drift::{
    DriftReport, DriftThresholds, FieldValues, MetadataReference, ReferenceSettings,
};
use medmetrics::guidance::{Fingerprint, Linter, Problem, Property};
use medmetrics::plot::{
    BlandAltmanPlot, CurvePoint, DecisionPlot, DistributionPlot, DriftPlot, FrocPlot, Plot,
    ReliabilityPlot, RocPlot, Trend,
};
use medmetrics::statistics::{
    AucDifference, Bootstrap, Clusters, CorrelatedAucs, DeLong, McNemar, PairedCounts, TestResult,
};
use medmetrics::{Accumulator, Confidence, Estimate, Evaluation, Measure, Report};

/// Metrics for small tumours whose outline is used to plan a treatment.
fn advice() -> Result<String> {
    let tumours = Fingerprint::new(Problem::SemanticSegmentation)
        .with(Property::SmallStructures)
        .with(Property::BoundaryOfInterest)
        .with(Property::EmptyReferences);
    for recommendation in tumours.recommend() {
        println!("{}: {}", recommendation.metric, recommendation.why[0].text);
    }
    Ok(tumours.recommendation_table()?.to_markdown())
}

/// Measures every label map of `truth` against the one of the same name in `prediction`.
fn compare(truth: &Path, prediction: &Path, evaluation: Evaluation) -> Result<Report> {
    let mut report = Report::new(evaluation);
    let mut names: Vec<_> = std::fs::read_dir(truth)?
        .map(|entry| Ok(entry?.file_name()))
        .collect::<Result<_>>()?;
    names.sort();
    for name in names {
        let reference = nifti::read_labels::<u8, 3>(truth.join(&name))?;
        let found = nifti::read_labels::<u8, 3>(prediction.join(&name))?;
        let case = name.to_string_lossy();
        let measured = report.evaluation.case(case, &reference, &found)?;
        report.push(measured)?;
    }
    Ok(report)
}

/// Tables and plots, for people and for programs.
fn write(report: &Report, out: &Path) -> Result<()> {
    let means = report.table_with_intervals(&Bootstrap::default())?;
    std::fs::write(out.join("report.md"), means.to_markdown())?;
    std::fs::write(out.join("report.csv"), means.to_csv())?;
    std::fs::write(out.join("cases.csv"), report.case_table()?.to_csv())?;
    std::fs::write(out.join("report.json"), serde_json::to_vec(report)?)?;
    for (measure, file) in [
        (Measure::Dice, "dice.svg"),
        (Measure::HausdorffPercentile, "hd95.svg"),
    ] {
        DistributionPlot::of_report(report, measure).write_svg(out.join(file))?;
    }
    Ok(())
}

/// What to look at before the numbers are believed.
fn doubts(report: &Report) -> Vec<String> {
    let lints = Linter::default().report(report);
    let findings = report.findings(5);
    lints
        .iter()
        .map(ToString::to_string)
        .chain(findings.iter().map(ToString::to_string))
        .collect()
}

/// Curves of a classifier's probabilities, the numbers of one threshold, and whether they mean what they say.
fn classify(truth: &[bool], scores: &[f64], out: &Path) -> Result<()> {
    let ranking = Ranking::of(truth, scores)?;
    let intervals = DecisionIntervals::default();
    let mut shown = Vec::new();
    // The best specificity that still finds nine of ten.
    let least = Selection::Sensitivity { least: 0.9 };
    if let Some(point) = ranking.operating_point(&least)? {
        let numbers = intervals.table(&point.counts)?;
        std::fs::write(out.join("threshold.md"), numbers.to_markdown())?;
        shown.extend(CurvePoint::on_roc(&point, &intervals));
    }
    RocPlot::of_rankings([("model", &ranking)])?
        .with_operating_points(shown)
        .write_svg(out.join("roc.svg"))?;
    let thresholds: Vec<f64> = (0..60).map(|i| f64::from(i) / 100.0).collect();
    let benefit = DecisionCurve::of(&ranking, &thresholds, None)?;
    DecisionPlot::of_curves([("model", &benefit)])?.write_svg(out.join("decision.svg"))?;
    let bins = CalibrationTable::of(Binning::equal_width(10), scores, truth)?;
    ReliabilityPlot::of_tables([("model", &bins)])?.write_svg(out.join("reliability.svg"))?;
    Ok(())
}

/// COCO's numbers, FROC and one operating point of boxes in mm.
fn detect(scans: &DetectionImages<3>, out: &Path) -> Result<()> {
    let coco = Coco::nndetection().evaluate(scans)?;
    let names = BTreeMap::from([(1, "nodule".to_owned())]);
    std::fs::write(out.join("coco.md"), coco.table()?.to_markdown())?;
    std::fs::write(out.join("classes.csv"), coco.class_table(&names)?.to_csv())?;

    let froc = Froc::luna16().with_bootstrap(Bootstrap::default());
    let froc = froc.evaluate(scans)?;
    std::fs::write(out.join("froc.md"), froc.table()?.to_markdown())?;
    FrocPlot::of_results([("model", &froc)]).write_svg(out.join("froc.svg"))?;

    let at_half = LesionDetection::new(Froc::luna16().hit, 0.5).evaluate(scans)?;
    std::fs::write(out.join("lesions.md"), at_half.table()?.to_markdown())?;
    Ok(())
}

/// A model's volumes in ml beside a reader's.
fn agree(model: &[f64], reader: &[f64], out: &Path) -> Result<Estimate> {
    let pairs = PairedMeasurements::new(model, reader)?;
    let limits = BlandAltman::default();
    let growing = limits.proportional_bias(&pairs)?;
    BlandAltmanPlot::of_pairs(&limits, &pairs)?
        .with_trend(growing.and_then(|growing| Trend::of_line(&growing.bias)))
        .with_difference("model - reader")
        .with_unit("ml")
        .write_svg(out.join("bland_altman.svg"))?;
    std::fs::write(
        out.join("limits.md"),
        limits.of(&pairs)?.table(1)?.to_markdown(),
    )?;

    let mut ratings = RatingMatrix::new(2)?;
    for pair in pairs.iter() {
        ratings.push(&pair)?;
    }
    let parts = ratings.finish()?;
    Ok(parts.icc(IccForm::AgreementSingle, Confidence::default()))
}

/// Grades from 0 to 4 of two readers; a disagreement by two grades is four times as bad as one by one.
fn grades(first: &[u8], second: &[u8]) -> Result<Estimate> {
    let table = RatingTable::of(5, first, second)?;
    let kappa = Kappa::cohen(KappaWeights::Quadratic).of(&table)?;
    Ok(kappa.estimate)
}

/// Whether one model ranks the same cases better than another one.
fn ranks_better(truth: &[bool], new: &[f64], old: &[f64]) -> Result<AucDifference> {
    let curves = [DeLong::new(new, truth)?, DeLong::new(old, truth)?];
    Ok(CorrelatedAucs::new(&curves)?.difference(0, 1, Confidence::default())?)
}

/// Whether one model decides the same cases right more often: `new` and `old` say where each was right.
fn decides_better(new: &[bool], old: &[bool]) -> Result<TestResult> {
    Ok(PairedCounts::of(new, old)?.mcnemar(McNemar::default()))
}

/// How much higher one model's mean Dice is: patients are drawn, with the values of both models.
fn overlaps_better(new: &[f64], old: &[f64], patients: &Clusters) -> Result<Estimate> {
    let gains: Vec<f64> = new.iter().zip(old).map(|(new, old)| new - old).collect();
    let mean = |times: &[u32]| {
        let drawn: u32 = times.iter().sum();
        let sum: f64 = (times.iter().zip(&gains))
            .map(|(&n, gain)| f64::from(n) * gain)
            .sum();
        Some(sum / f64::from(drawn))
    };
    Ok(Bootstrap::default().estimate_clustered(patients, "gain in Dice", mean)?)
}

/// Whether this month's scans are still like those the model was made for.
fn watch(
    before: &BTreeMap<String, FieldValues>,
    now: &BTreeMap<String, FieldValues>,
    out: &Path,
) -> Result<DriftReport> {
    // Of numbers a sample and bins are kept, of words their counts: save it beside the model.
    let reference = MetadataReference::of(before, &ReferenceSettings::default())?;
    std::fs::write(out.join("reference.json"), serde_json::to_vec(&reference)?)?;
    let report = reference.compare(now, &DriftThresholds::default())?;
    std::fs::write(out.join("drift.md"), report.table()?.to_markdown())?;
    DriftPlot::of_report(&report).write_svg(out.join("drift.svg"))?;
    Ok(report)
}

#[test]
fn the_guide_measures_folders_of_label_maps() {
    use medcore::{Geometry, LabelMap};
    use medio::nifti::WriteOptions;

    let temporary = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let folder = temporary.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        folder
    };
    let (truth, prediction, out) = (folder("truth"), folder("prediction"), folder("out"));
    let geometry = Geometry::<3>::axis_aligned([6, 12, 12], [3.0, 1.0, 1.0]).unwrap();
    // A liver of 4 x 8 x 8 voxels, found up to `shift` columns further right; a spleen of 4 voxels.
    let map = |shift: usize, spleen: bool| {
        let label = |i: usize| {
            let (z, y, x) = (i / 144, i / 12 % 12, i % 12);
            match ((1..5).contains(&z), y, x.wrapping_sub(shift)) {
                (true, 1..9, 1..9) => 1_u8,
                (true, 11, 0) if spleen => 2,
                _ => 0,
            }
        };
        LabelMap::new(geometry, (0..geometry.len()).map(label).collect::<Vec<_>>()).unwrap()
    };
    let options = WriteOptions::new();
    for (i, spleen) in [true, true, false].into_iter().enumerate() {
        let name = format!("patient_{i}.nii.gz");
        nifti::write_labels(truth.join(&name), &map(0, spleen), &options).unwrap();
        nifti::write_labels(prediction.join(&name), &map(i, false), &options).unwrap();
    }

    assert!(advice().unwrap().contains("| surface Dice (NSD) |"));
    let evaluation = Evaluation::of_organs(["liver", "spleen"]).with_tolerance_mm(1.0);
    let report = compare(&truth, &prediction, evaluation).unwrap();
    assert_eq!(
        report.summary("liver", Measure::Dice).mean,
        Some((1.0 + 0.875 + 0.75) / 3.0)
    );
    assert_eq!(report.summary("spleen", Measure::Dice).n_undefined, 1);
    write(&report, &out).unwrap();
    let text = std::fs::read_to_string(out.join("report.md")).unwrap();
    assert!(text.contains("| liver | 3 | 0.875 ("), "{text}");
    assert_eq!(
        std::fs::read_to_string(out.join("cases.csv"))
            .unwrap()
            .lines()
            .count(),
        7
    );
    let json = std::fs::read(out.join("report.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Report>(&json).unwrap(), report);
    let doubts = doubts(&report);
    let said = |words: &str| doubts.iter().any(|doubt| doubt.contains(words));
    assert!(said("spleen has 4 voxels in the median case"), "{doubts:?}");
    assert!(
        said("spleen is absent from the reference of 1 of 3 cases"),
        "{doubts:?}"
    );
    assert!(
        said("a tolerance of 1 mm is below the voxel edge"),
        "{doubts:?}"
    );
    assert!(
        said("patient_0.nii.gz spleen: Dice 0.000, missed"),
        "{doubts:?}"
    );
}

/// Numbers that look drawn at random, the same everywhere: from 0 to below 1.
fn noise(i: usize) -> f64 {
    (i * 7919 % 10_007 * 104_729 % 10_009) as f64 / 10_009.0
}

#[test]
fn the_guide_measures_scores_detections_readers_and_drift() {
    use medmetrics::detection::{Annotation, Detection, DetectionImage};

    let temporary = tempfile::tempdir().unwrap();
    let out = temporary.path();
    let written = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();

    let truth: Vec<bool> = (0..400).map(|i| noise(3 * i) < 0.3).collect();
    let scores = |skill: f64| -> Vec<f64> {
        let sick = truth.iter().map(|&sick| f64::from(u8::from(sick)));
        let mixed = sick.enumerate();
        mixed
            .map(|(i, sick)| skill * sick + (1.0 - skill) * noise(3 * i + 1))
            .collect()
    };
    let (new, old) = (scores(0.4), scores(0.25));
    classify(&truth, &new, out).unwrap();
    assert!(written("threshold.md").contains("| sensitivity | 0.9"));
    assert!(written("roc.svg").contains(">model, AUC 0."));
    assert!(written("decision.svg").contains(">treat all</text>"));
    assert!(written("reliability.svg").contains(">model, ECE 0."));
    let gain = ranks_better(&truth, &new, &old).unwrap();
    assert!(gain.difference.interval.unwrap().low > 0.0 && gain.test.p.unwrap() < 0.01);
    let right = |scores: &[f64]| -> Vec<bool> {
        let both = scores.iter().zip(&truth);
        both.map(|(&score, &sick)| (score >= 0.5) == sick).collect()
    };
    assert!(
        decides_better(&right(&new), &right(&old))
            .unwrap()
            .p
            .unwrap()
            < 0.05
    );

    let mut scans = DetectionImages::new();
    for i in 0..40 {
        let at = |j: usize| [0, 1, 2].map(|axis| 200.0 * noise(30 * i + 3 * j + axis));
        let nodules: Vec<_> = (0..i % 3)
            .map(|j| Annotation::from_origin(1, at(j), [8.0; 3]).unwrap())
            .collect();
        let found = (0..i % 3).filter(|j| noise(100 + 3 * i + j) < 0.8);
        let found = found.map(|j| {
            Detection::from_origin(
                1,
                at(j).map(|x| x + 1.0),
                [8.0; 3],
                0.3 + 0.7 * noise(i + j),
            )
        });
        let wrong = (3..3 + i % 5)
            .map(|j| Detection::from_origin(1, at(j), [8.0; 3], 0.8 * noise(7 * i + j)));
        let marks: Vec<_> = found.chain(wrong).collect::<Result<_, _>>().unwrap();
        let image = DetectionImage::new(i as i64, nodules, marks);
        scans
            .push(image.of_patient(format!("patient-{}", i / 2)))
            .unwrap();
    }
    detect(&scans, out).unwrap();
    assert!(written("coco.md").contains("| AP10 | 0."));
    assert!(written("classes.csv").contains("\nnodule,39,"));
    assert!(written("froc.svg").contains(">model, score 0."));
    assert!(written("lesions.md").contains("| lesions found | 0."));

    let reader: Vec<f64> = (0..60).map(|i| 10.0 + 90.0 * noise(5 * i)).collect();
    let model: Vec<f64> = (reader.iter().enumerate())
        .map(|(i, ml)| 1.05 * ml + 8.0 * (noise(5 * i + 2) - 0.5))
        .collect();
    assert!(agree(&model, &reader, out).unwrap().value.unwrap() > 0.9);
    assert!(written("bland_altman.svg").contains(">model - reader (ml)</text>"));
    assert!(written("limits.md").contains("| upper limit of agreement |"));
    let first: Vec<u8> = (0..60).map(|i| (5.0 * noise(i)) as u8).collect();
    let second: Vec<u8> = first.iter().map(|grade| (grade + 1).min(4)).collect();
    assert!(grades(&first, &second).unwrap().value.unwrap() > 0.6);
    let patients = Clusters::new(&(0..60).map(|i| i / 2).collect::<Vec<_>>());
    let dice = |mean: f64| (0..60).map(|i| mean + 0.05 * noise(i)).collect::<Vec<_>>();
    let gain = overlaps_better(&dice(0.9), &dice(0.88), &patients).unwrap();
    assert!((gain.value.unwrap() - 0.02).abs() < 1e-12 && gain.n == 30);

    let month = |kvp: f64, other: &str| {
        let scanner = |i| if noise(i) < 0.8 { "A" } else { other };
        BTreeMap::from([
            (
                "age".to_owned(),
                FieldValues::numbers((0..200).map(|i| 40.0 + 40.0 * noise(i))),
            ),
            (
                "kVp".to_owned(),
                FieldValues::numbers((0..200).map(|i| kvp + 20.0 * noise(i))),
            ),
            (
                "scanner".to_owned(),
                FieldValues::categories((0..200).map(scanner)),
            ),
        ])
    };
    let report = watch(&month(100.0, "B"), &month(112.0, "C"), out).unwrap();
    let drifted: Vec<&str> = report.drifted().map(|field| field.field.as_str()).collect();
    assert_eq!(drifted, ["kVp", "scanner"]);
    assert!(written("drift.svg").contains(">drifted</text>"));
    assert!(written("drift.md").contains("what the reference does not know: C"));
}
