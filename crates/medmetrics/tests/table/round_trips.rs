//! CSV is read by the `csv` crate, JSON by serde, Markdown by its definition.

use medmetrics::table::{Cell, Column, Kind, Table};
use medmetrics::{Confidence, Error, Estimate, Interval, IntervalMethod};
use proptest::prelude::*;

fn interval(low: f64, high: f64) -> Interval {
    Interval {
        low,
        high,
        confidence: Confidence::new(0.9).unwrap(),
        method: IntervalMethod::BootstrapBca,
    }
}

fn all_kinds() -> Table {
    let mut table = Table::new(vec![
        Column::text("name, unit"),
        Column::count("n"),
        Column::number("HD mm", 1),
        Column::estimate("AUC", 3),
    ]);
    let auc = Estimate::new(0.1 + 0.2, 40, "auc:trapezoid").with_undefined(2);
    let infinite = Estimate::new(f64::INFINITY, 3, "mean/hd");
    for row in [
        vec![
            "a|b \\ \"c\", d\r\ne".into(),
            7_u64.into(),
            f64::NEG_INFINITY.into(),
            auc.with_interval(interval(0.25, 1.0 / 3.0)).into(),
        ],
        vec!["inf".into(), u64::MAX.into(), 3.0.into(), infinite.into()],
        vec![Cell::Empty, Cell::Empty, Cell::Empty, Cell::Empty],
        vec![
            "".into(),
            0_u64.into(),
            (-0.0).into(),
            Estimate::undefined(9, "auc").into(),
        ],
    ] {
        table.push(row).unwrap();
    }
    table
}

fn read(csv: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::ReaderBuilder::new().from_reader(csv.as_bytes());
    let names = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    let fields = |row: csv::StringRecord| row.iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| fields(row.unwrap())).collect();
    (names, rows)
}

#[test]
fn csv_is_read_back() {
    let (names, rows) = read(&all_kinds().to_csv());
    let expected = [
        "name, unit",
        "n",
        "HD mm",
        "AUC",
        "AUC_low",
        "AUC_high",
        "AUC_level",
        "AUC_method",
        "AUC_n",
        "AUC_undefined",
        "AUC_convention",
    ];
    assert_eq!(names, expected);
    assert_eq!(rows.len(), 4);
    assert_eq!(rows[0][0], "a|b \\ \"c\", d\r\ne");
    assert_eq!(rows[0][2].parse(), Ok(f64::NEG_INFINITY));
    let bits = |field: &str| field.parse::<f64>().unwrap().to_bits();
    assert_eq!(bits(&rows[0][3]), (0.1_f64 + 0.2).to_bits());
    assert_eq!(bits(&rows[0][5]), (1.0_f64 / 3.0).to_bits());
    assert_eq!(
        rows[0][6..],
        ["0.9", "bootstrap BCa", "40", "2", "auc:trapezoid"]
    );
    assert_eq!(rows[1][1], u64::MAX.to_string());
    assert_eq!(rows[1][3..], ["inf", "", "", "", "", "3", "0", "mean/hd"]);
    assert!(rows[2].iter().all(String::is_empty));
    assert_eq!(bits(&rows[3][2]), (-0.0_f64).to_bits());
    assert_eq!(rows[3][3..], ["", "", "", "", "", "9", "0", "auc"]);
}

#[test]
fn json_is_read_back_with_its_kinds() {
    let table = all_kinds();
    let json = serde_json::to_string(&table).unwrap();
    let back: Table = serde_json::from_str(&json).unwrap();
    assert_eq!(back, table);
    assert_eq!(back.rows()[1][2], Cell::Number(3.0));
    assert_eq!(back.rows()[1][0], Cell::Text("inf".to_owned()));
    // A number without a point is a number in a column of numbers.
    let whole = json.replace("3.0", "3");
    assert_eq!(serde_json::from_str::<Table>(&whole).unwrap(), table);
    let short = r#"{"columns":[{"name":"a","kind":"count","digits":0}],"rows":[[]]}"#;
    assert!(serde_json::from_str::<Table>(short).is_err());
    let wrong = r#"{"columns":[{"name":"a","kind":"count","digits":0}],"rows":[["b"]]}"#;
    assert!(serde_json::from_str::<Table>(wrong).is_err());
}

/// Cells between bars that have no backslash before them.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut letters) = (Vec::new(), String::new(), line.chars());
    assert_eq!(letters.next(), Some('|'));
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => cell.extend(letters.next()),
            '|' => cells.push(std::mem::take(&mut cell)),
            other => cell.push(other),
        }
    }
    assert!(cell.is_empty(), "{line} ends with a bar");
    let inner = |cell: String| {
        cell.strip_prefix(' ')
            .unwrap()
            .strip_suffix(' ')
            .unwrap()
            .to_owned()
    };
    cells.into_iter().map(inner).collect()
}

#[test]
fn markdown_has_one_cell_an_estimate() {
    let markdown = all_kinds().to_markdown();
    let lines: Vec<_> = markdown.lines().map(cells).collect();
    assert_eq!(lines[0], ["name, unit", "n", "HD mm", "AUC"]);
    assert_eq!(lines[1], ["---", "--:", "--:", "--:"]);
    assert_eq!(
        lines[2],
        ["a|b \\ \"c\", d e", "7", "-inf", "0.300 (0.250 to 0.333)"]
    );
    assert_eq!(lines[3], ["inf", "18446744073709551615", "3.0", "inf"]);
    assert_eq!(lines[4], ["-", "-", "-", "-"]);
    assert_eq!(lines[5], ["", "0", "-0.0", "-"]);
}

#[test]
fn cells_that_do_not_fit_are_refused_and_leave_the_table_as_it_was() {
    let mut table = all_kinds();
    let before = table.clone();
    let refused = |table: &mut Table, row: Vec<Cell>| match table.push(row).unwrap_err() {
        Error::InvalidCell { column, row, .. } => (column, row),
        other => panic!("{other}"),
    };
    let (name, n) = (|| Cell::from("x"), || Cell::from(1_u64));
    let row = vec![name(), n(), f64::NAN.into(), Cell::Empty];
    assert_eq!(refused(&mut table, row), ("HD mm".to_owned(), 4));
    let row = vec![name(), name(), Cell::Empty, Cell::Empty];
    assert_eq!(refused(&mut table, row).0, "n");
    let nan = Estimate::new(1.0, 1, "x").with_interval(interval(f64::NAN, 1.0));
    let row = vec![name(), n(), Cell::Empty, nan.into()];
    assert_eq!(refused(&mut table, row).0, "AUC");
    assert!(matches!(
        table.push(vec![]),
        Err(Error::Length {
            got: 0,
            expected: 4,
            ..
        })
    ));
    assert_eq!(table, before);
}

#[test]
fn lists_of_estimates_keep_their_order() {
    let names = ["z", "a", "m"];
    let estimates = names.map(|name| (name, Estimate::new(0.5, 2, "x").with_undefined(1)));
    let table = Table::of_estimates(estimates, 1).unwrap();
    let csv = read(&table.to_csv()).1;
    assert_eq!(
        csv.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(),
        names
    );
    assert_eq!(table.columns()[1].kind, Kind::Estimate);
}

proptest! {
    #[test]
    fn any_text_and_any_number_come_back(
        text in "\\PC*|[ ,\"\r\n|\\\\]*",
        number in proptest::num::f64::ANY,
    ) {
        let number = if number.is_nan() { 0.5 } else { number };
        let mut table = Table::new(vec![Column::text(text.clone()), Column::number("x", 2)]);
        table.push(vec![text.as_str().into(), number.into()]).unwrap();
        let (names, rows) = read(&table.to_csv());
        prop_assert_eq!(&names[0], &text);
        prop_assert_eq!(&rows[0][0], &text);
        prop_assert_eq!(rows[0][1].parse::<f64>().unwrap().to_bits(), number.to_bits());
        let json = serde_json::to_string(&table).unwrap();
        let back: Table = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&back, &table);
        let shown = text.replace("\r\n", " ").replace(['\r', '\n'], " ");
        let markdown = table.to_markdown();
        prop_assert_eq!(markdown.split('\n').count(), 4);
        prop_assert_eq!(&cells(markdown.split('\n').nth(2).unwrap())[0], &shown);
    }
}

#[test]
fn any_number_of_decimals_can_be_asked_for() {
    let mut column = Column::number("x", 2);
    column.digits = usize::MAX;
    let mut table = Table::new(vec![column]);
    table.push(vec![0.5.into()]).unwrap();
    assert!(table.to_markdown().contains("| 0.5000"));
}
