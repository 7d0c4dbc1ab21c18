//! Tables of a report on label maps.

use medcore::{Geometry, LabelMap};
use medmetrics::plot::{DistributionPlot, Plot};
use medmetrics::statistics::Bootstrap;
use medmetrics::table::Cell;
use medmetrics::{EmptyPolicy, Evaluation, Measure, Report};

fn report() -> Report {
    let grid = Geometry::<3>::axis_aligned([1, 2, 4], [5.0, 1.0, 1.0]).unwrap();
    let map = |voxels: [u8; 8]| LabelMap::new(grid, voxels.to_vec()).unwrap();
    let infinite = EmptyPolicy {
        percentile: EmptyPolicy::MONAI.distance,
        ..EmptyPolicy::MONAI
    };
    let evaluation = Evaluation::of_organs(["li|ver", "spleen"]).with_empty(infinite);
    let mut report = Report::new(evaluation);
    let truth = map([0, 1, 1, 0, 0, 1, 1, 0]);
    for (name, prediction) in [("p1", [0, 1, 1, 1, 0, 1, 1, 1]), ("p2", [0; 8])] {
        let case = report
            .evaluation
            .case(name, &truth, &map(prediction))
            .unwrap();
        report.push(case).unwrap();
    }
    report
}

#[test]
fn a_report_has_one_row_a_structure() {
    let report = report();
    assert_eq!(
        report.to_markdown(),
        "| structure | n | Dice | IoU | HD95 mm | average mm | surface Dice 2 mm |\n\
         | --- | --: | --: | --: | --: | --: | --: |\n\
         | li\\|ver | 2 | 0.400 | 0.333 | inf | inf | 0.500 |\n\
         | spleen | 0 | - | - | - | - | - |\n"
    );
    let table = report.table();
    let Cell::Estimate(hd95) = &table.rows()[0][4] else {
        panic!("{table:?}");
    };
    assert_eq!(
        (hd95.value, hd95.n, hd95.undefined),
        (Some(f64::INFINITY), 2, 0)
    );
    let Cell::Estimate(dice) = &table.rows()[1][2] else {
        panic!("{table:?}");
    };
    assert_eq!((dice.value, dice.n, dice.undefined), (None, 0, 2));
    assert_eq!(table.to_csv().lines().count(), 3);
    assert!(
        table
            .to_csv()
            .contains(",inf,,,,,2,0,hd95:max-of-directed/linear/erode,")
    );
}

#[test]
fn every_result_of_every_case_has_a_row() {
    let table = report().case_table().unwrap();
    let csv = table.to_csv();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "case,structure,Dice,IoU,HD mm,HD95 mm,average mm,surface Dice 2 mm,reference ml,prediction ml,reason"
    );
    assert_eq!(lines[4], "p2,spleen,,,,,,,0,0,");
    assert!(
        lines[3].starts_with("p2,li|ver,0,0,inf,inf,inf,0,0.02,0,missed"),
        "{}",
        lines[3]
    );
    let json = serde_json::to_string(&table).unwrap();
    assert_eq!(
        serde_json::from_str::<medmetrics::table::Table>(&json).unwrap(),
        table
    );
}

#[test]
fn means_get_intervals_where_they_can_have_one() {
    let report = report();
    let means = report.means(&Bootstrap::default()).unwrap();
    let table = report.table_of_means(&means).unwrap();
    assert_eq!(
        report.table_with_intervals(&Bootstrap::default()).unwrap(),
        table
    );
    assert_eq!(means.len(), 2 * 5);
    let without = report.table_of_means(&means[1..]).unwrap();
    assert_eq!(without.rows()[0][2], Cell::Empty);
    assert_eq!(without.rows()[1], table.rows()[1]);
    assert_eq!(table.columns(), report.table().columns());
    let estimate = |row: usize, column: usize| match &table.rows()[row][column] {
        Cell::Estimate(estimate) => (**estimate).clone(),
        other => panic!("{other:?}"),
    };
    let dice = estimate(0, 2);
    let interval = dice.interval.unwrap();
    assert!(dice.value == Some(0.4) && interval.low >= 0.0 && interval.high <= 0.8);
    assert!(interval.low < 0.4 && interval.high > 0.4);
    assert_eq!((dice.n, dice.convention.as_str()), (2, "dice"));
    assert_eq!(estimate(0, 4).interval, None, "an infinite mean");
    assert_eq!(estimate(1, 2).interval, None, "nothing to draw from");
    // The mean is that of the table without intervals.
    let without = report.table();
    let Cell::Estimate(plain) = &without.rows()[0][2] else {
        panic!("{without:?}");
    };
    assert_eq!(plain.value, dice.value);
}

#[test]
fn a_report_becomes_a_plot_of_its_structures() {
    let report = report();
    let plot = DistributionPlot::of_report(&report, Measure::Dice);
    let svg = plot.to_svg().unwrap();
    assert!(svg.contains(">li|ver</text>") && svg.contains(">2 undefined</text>"));
    assert_eq!(
        (plot.groups[0].values.as_slice(), plot.range),
        (&[0.8, 0.0][..], Some((0.0, 1.0)))
    );
    // Half of the distances are infinite by the report's policy: they are counted, not drawn.
    let distances = DistributionPlot::of_report(&report, Measure::HausdorffPercentile);
    let group = &distances.groups[0];
    assert_eq!(
        (group.values.len(), group.infinite, group.undefined),
        (1, 1, 0)
    );
    let svg = distances.to_svg().unwrap();
    assert!(svg.contains(">n = 1</text>") && svg.contains(">1 infinite</text>"));
    assert!(svg.contains("n = 1, 1 infinite; spleen without values, 2 undefined.</desc>"));
}
