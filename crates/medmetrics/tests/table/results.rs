//! Tables of results hold the results' numbers.

use std::collections::BTreeMap;

use medmetrics::Accumulator;
use medmetrics::agreement::{BlandAltman, Concordance, PairedMeasurements, Panel, PanelMeasure};
use medmetrics::calibration::{Binning, CalibrationTable};
use medmetrics::classification::{BinaryCounts, ConfusionMatrix, DecisionIntervals};
use medmetrics::detection::{
    Annotation, AveragePrecision, Coco, Detection, DetectionImage, DetectionImages,
    DetectionProtocol, Froc, HitCriterion, LesionDetection,
};
use medmetrics::drift::{DriftThresholds, FieldValues, MetadataReference, ReferenceSettings};
use medmetrics::table::{Cell, Table};

/// The lines of a table in Markdown, without its head.
fn lines(table: &Table) -> Vec<String> {
    let markdown = table.to_markdown();
    markdown.lines().skip(2).map(str::to_owned).collect()
}

#[test]
fn decisions() {
    let matrix = ConfusionMatrix::of(&[0, 0, 2, 2, 2], &[0, 2, 2, 2, 0], 3).unwrap();
    let intervals = DecisionIntervals::default();
    let table = matrix
        .table(["cyst", "never", "tumour"], &intervals)
        .unwrap();
    let rows = lines(&table);
    assert!(
        rows[0].starts_with("| cyst | 2 | 0.500 (0.095 to 0.905) | 0.667 ("),
        "{rows:?}"
    );
    assert!(rows[1].starts_with("| never | 0 | - | 1.000 ("), "{rows:?}");
    assert!(matrix.table(["cyst"], &intervals).is_err());

    let counts = BinaryCounts {
        true_positive: 45,
        false_negative: 5,
        false_positive: 0,
        true_negative: 100,
    };
    let rows = lines(&intervals.table(&counts).unwrap());
    assert_eq!(
        rows[0],
        "| sensitivity | 0.900 (0.786 to 0.957) | 50 | 0 | sensitivity |"
    );
    assert!(
        rows[7].starts_with("| positive likelihood ratio | inf |"),
        "{rows:?}"
    );
}

fn images() -> DetectionImages<2> {
    let place = |x: f64| ([10.0, x], [20.0, 20.0]);
    let annotation = |class, x| Annotation::from_origin(class, place(x).0, place(x).1).unwrap();
    let detection =
        |class, x, score| Detection::from_origin(class, place(x).0, place(x).1, score).unwrap();
    let mut images = DetectionImages::new();
    let truth = vec![
        annotation(1, 0.0),
        annotation(1, 50.0),
        annotation(7, 100.0),
    ];
    let found = vec![
        detection(1, 0.0, 0.9),
        detection(7, 100.0, 0.8),
        detection(7, 0.0, 0.3),
    ];
    images.push(DetectionImage::new(1, truth, found)).unwrap();
    images
}

#[test]
fn average_precisions_by_class_and_threshold() {
    let images = images();
    let names = BTreeMap::from([(1, "cell".to_owned())]);
    let one = AveragePrecision::voc().evaluate(&images).unwrap();
    assert_eq!(one.table().unwrap().rows().len(), 1);
    let result = AveragePrecision::ultralytics_new()
        .evaluate(&images)
        .unwrap();
    let rows = lines(&result.table().unwrap());
    assert_eq!(rows.len(), 11);
    let at_half = result.mean(Some(0.5));
    let start = format!("| AP50 | {:.3} | {} |", at_half.value.unwrap(), at_half.n);
    assert!(rows[1].starts_with(&start), "{rows:?}");
    let table = result.class_table(&names).unwrap();
    assert_eq!(
        (table.rows().len(), table.columns().len()),
        (result.classes().len(), 13)
    );
    let first = &result.classes()[0];
    let mean = result.of_class(first.class, None).value.unwrap();
    let start = format!(
        "| cell | {} | {mean:.3} | {:.3} |",
        first.annotations, first.values[0]
    );
    assert!(
        lines(&table)[0].starts_with(&start),
        "{start}, {:?}",
        lines(&table)
    );
    assert!(table.to_csv().starts_with("class,n,AP,"));
}

#[test]
fn detections() {
    let result = Coco::default().evaluate(&images()).unwrap();
    let table = result.table().unwrap();
    assert_eq!(table.rows().len(), 12);
    for (row, number) in table.rows().iter().zip(result.summary()) {
        assert_eq!(row[0], Cell::Text(number.name));
        assert_eq!(row[1], Cell::from(number.estimate));
    }
    let names = BTreeMap::from([(7, "mitosis".to_owned())]);
    let rows = lines(&result.class_table(&names).unwrap());
    assert_eq!(
        rows,
        [
            "| 1 | 2 | 0.505 | 0.505 | 0.505 | 0.500 |",
            "| mitosis | 1 | 1.000 | 1.000 | 1.000 | 1.000 |"
        ]
    );

    let froc = Froc::nndetection().evaluate(&images()).unwrap();
    let rows = lines(&froc.table().unwrap());
    assert_eq!(rows.len(), 8);
    assert!(
        rows[0].starts_with("| 0.125 | 0.667 | 1 | froc-sensitivity:"),
        "{rows:?}"
    );
    assert!(
        rows[7].starts_with("| mean | 0.667 | 1 | froc-cpm:"),
        "{rows:?}"
    );

    let at_half = LesionDetection::new(HitCriterion::Iou(0.5), 0.5);
    let rows = lines(&at_half.evaluate(&images()).unwrap().table().unwrap());
    assert!(rows[0].starts_with("| lesions found | 0.667 ("), "{rows:?}");
    assert!(
        rows[2].starts_with("| false positives per scan | 0.000 | 1 |"),
        "{rows:?}"
    );
}

#[test]
fn agreement() {
    let pairs = PairedMeasurements::new(&[512.0, 430.0, 520.0], &[525.0, 415.0, 508.0]).unwrap();
    let estimate = BlandAltman::default().of(&pairs).unwrap();
    let table = estimate.table(1).unwrap();
    let kept: Vec<&Cell> = table.rows().iter().map(|row| &row[1]).collect();
    let [bias, lower, upper] = [estimate.bias, estimate.lower, estimate.upper].map(Cell::from);
    assert_eq!(kept, [&bias, &lower, &upper]);

    let mut panel = Panel::new(2, PanelMeasure::Concordance(Concordance::default())).unwrap();
    for (model, readers) in [
        (10.2, [10.0, 11.0]),
        (25.1, [24.0, 25.5]),
        (7.0, [7.5, 6.8]),
        (31.0, [30.0, 33.0]),
    ] {
        panel.push((model, &readers)).unwrap();
    }
    let agreement = panel.finish().unwrap();
    let rows = lines(&agreement.table().unwrap());
    let names: Vec<&str> = rows
        .iter()
        .map(|row| row.split(" | ").next().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "| model with reader 1",
            "| model with reader 2",
            "| reader 1 with reader 2",
            "| mean of the model",
            "| mean of the readers",
            "| difference of the means",
            "| Williams' index",
        ]
    );
}

#[test]
fn bins_and_drift() {
    let scores = [0.9, 0.8, 0.7, 0.1];
    let table = CalibrationTable::of(
        Binning::equal_width(4),
        &scores,
        &[true, true, false, false],
    )
    .unwrap();
    let rows = lines(&table.table().unwrap());
    assert_eq!(rows[1], "| 0.250 | 0.500 | 0 | - | - |");
    assert_eq!(
        rows[3],
        "| 0.750 | 1.000 | 2 | 0.850 | 1.000 (0.342 to 1.000) |"
    );

    let fields = |kvp: f64, name: &str| {
        let values = FieldValues::numbers((0..100).map(|i| kvp + f64::from(i % 9)));
        BTreeMap::from([
            ("kVp".to_owned(), values.clone()),
            (name.to_owned(), values),
        ])
    };
    let reference =
        MetadataReference::of(&fields(100.0, "age"), &ReferenceSettings::default()).unwrap();
    let now = fields(120.0, "weight");
    let report = reference
        .compare(&now, &DriftThresholds::default())
        .unwrap();
    let rows = lines(&report.table().unwrap());
    assert_eq!(rows[0], "| age | - | - | - | only in the reference |");
    assert_eq!(rows[2], "| weight | - | - | - | only in the current data |");
    // The p value is small, not 0.
    assert!(
        rows[1].contains(" | < 0.0001 | shares changed: "),
        "{rows:?}"
    );
}
