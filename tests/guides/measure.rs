//! The program of `docs/guides/measure.md`; at the end it runs on small label maps.

use std::path::Path;

use anyhow::Result;
use medio::nifti;
use medmetrics::guidance::{Fingerprint, Linter, Problem, Property};
use medmetrics::plot::{DistributionPlot, Plot};
use medmetrics::statistics::Bootstrap;
use medmetrics::{Evaluation, Measure, Report};

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
