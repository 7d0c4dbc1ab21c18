//! Records as rows, and what becomes of missing values.

use medmodels::fusion::table::{
    CategoricalColumn, Column, NumericColumn, Record, TableConfig, TableEncoder, TableError, Value,
};
use medmodels::fusion::{FusionConfig, TABLE, create};
use mednn::candle_core::{Device, Tensor, Var};
use mednn::context::Context;
use mednn::model::Inputs;
use mednn::params::Params;

use super::laws::kinds;
use super::{columns, rows, vision};
use crate::laws::bits;
use crate::reference::{fill, tensor, values};

fn encoder() -> TableEncoder {
    TableEncoder::new(columns()).unwrap()
}

fn patient() -> Record {
    Record::new()
        .with("age", 75.0)
        .with("hba1c", 9.0)
        .with("systolic", 120.0)
        .with("sex", "m")
        .with("smoking", "former")
}

#[test]
fn a_record_says_a_name_once() {
    let read = serde_json::from_str::<Record>;
    let record = Record::new().with("age", 61.0).with("sex", None::<f64>);
    assert_eq!(read(r#"{"age": 61, "sex": null}"#).unwrap(), record);
    let error = read(r#"{"age": 61, "sex": "f", "age": 16}"#).unwrap_err();
    assert!(
        error.to_string().contains(r#""age" is there twice"#),
        "{error}"
    );
    assert!(read("[61]").is_err());
}

#[test]
fn a_row_has_standardised_numbers_levels_and_what_is_missing() {
    let encoder = encoder();
    let row = encoder.row(&patient()).unwrap();
    assert_eq!(
        row,
        [1.5, 1.0, 0.0, -0.5, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0]
    );
    assert_eq!(row.len(), encoder.entries().len());
    assert_eq!(row.len(), encoder.config().width());
    let batch = encoder.rows(&[patient(), patient()], &Device::Cpu).unwrap();
    assert_eq!(batch.to_vec2::<f32>().unwrap(), [row.clone(), row]);
}

#[test]
fn a_missing_value_changes_nothing_but_its_own_entries() {
    let encoder = encoder();
    let entries = encoder.entries();
    for name in ["hba1c", "systolic", "smoking"] {
        // Of a number whose value is the mean the indicator alone is different.
        let mean = match name {
            "hba1c" => Value::Number(7.0),
            "systolic" => Value::Number(130.0),
            _ => Value::Text("never".to_owned()),
        };
        let full = encoder.row(&patient().with(name, mean)).unwrap();
        let missing = encoder.row(&patient().with(name, Value::Missing)).unwrap();
        let differ = |i: &usize| full[*i] != missing[*i];
        let different: Vec<&str> = (0..full.len())
            .filter(differ)
            .map(|i| entries[i].as_str())
            .collect();
        let indicator = format!("{name} missing");
        match name {
            "smoking" => assert_eq!(different, ["smoking: never", &indicator]),
            _ => assert_eq!(different, [&indicator]),
        }
        // A name that is not there is missing.
        let others = patient();
        let without: Record = { others.iter().filter(|(other, _)| *other != name) }
            .map(|(name, value)| (name, value.clone()))
            .collect();
        assert_eq!(encoder.row(&without).unwrap(), missing);
    }
}

#[test]
fn what_cannot_be_encoded_is_named_with_column_and_value() {
    let encoder = encoder();
    let refused = |record: Record| encoder.row(&record).unwrap_err();
    for (record, parts) in [
        (
            patient().with("weight", 80.0),
            ["\"weight\"", "80", "hba1c"],
        ),
        (patient().with("sex", "x"), ["\"sex\"", "\"x\"", "f, m"]),
        (patient().with("sex", 1.0), ["\"sex\"", "a level", "1"]),
        (
            patient().with("age", "old"),
            ["\"age\"", "a number", "\"old\""],
        ),
        (
            patient().with("age", f64::NAN),
            ["\"age\"", "finite", "NaN"],
        ),
        (
            patient().with("hba1c", f64::INFINITY),
            ["\"hba1c\"", "finite", "inf"],
        ),
        (
            patient().with("hba1c", 1e300),
            ["\"hba1c\"", "standardised", "inf"],
        ),
        (
            patient().with("age", None::<f64>),
            ["\"age\"", "not optional", "missing"],
        ),
        (
            patient().with("sex", None::<f64>),
            ["\"sex\"", "not optional", "missing"],
        ),
    ] {
        let error = refused(record).to_string();
        assert!(parts.iter().all(|part| error.contains(part)), "{error}");
    }
    let batch = [patient(), patient().with("sex", "x")];
    let error = encoder.rows(&batch, &Device::Cpu).unwrap_err().to_string();
    assert!(
        error.contains("record 1") && error.contains("sex"),
        "{error}"
    );
    assert!(encoder.rows(&[], &Device::Cpu).is_err());
}

#[test]
fn tables_out_of_range_are_named() {
    let refused = |config: TableConfig| TableEncoder::new(config).unwrap_err();
    assert_eq!(refused(TableConfig::new()), TableError::NoColumns);
    let numeric = |name: &str, mean, std| {
        let column = NumericColumn::new(name, mean, std);
        refused(TableConfig::new().with(column)).to_string()
    };
    assert!(numeric("", 0.0, 1.0).contains("name"));
    assert!(numeric("a.b", 0.0, 1.0).contains("dots"));
    assert!(numeric("a", f64::NAN, 1.0).contains("mean"));
    assert!(numeric("a", 0.0, 0.0).contains("std"));
    let levels = |levels: &[&str]| {
        let column = CategoricalColumn::new("a", levels.to_vec());
        refused(TableConfig::new().with(column)).to_string()
    };
    for faulty in [&[][..], &["x", "x"], &["x", ""]] {
        assert!(levels(faulty).contains("levels"));
    }
    let twice = columns().with(NumericColumn::new("sex", 0.0, 1.0));
    assert!(refused(twice).to_string().contains("one column only"));
    let network = FusionConfig::new(vision(), TableConfig::new(), super::attention(), 3);
    let error = create(&network, &Params::new(1)).map(drop).unwrap_err();
    assert!(matches!(
        error,
        medmodels::Error::Table(TableError::NoColumns)
    ));
}

#[test]
fn means_and_deviations_are_those_of_the_values_that_are_there() {
    let ages = [40.0, 50.0, 60.0, 70.0];
    let record = |(i, age): (usize, &f64)| {
        let measured = (i % 2 == 0).then_some(6.0 + i as f64);
        patient()
            .with("age", *age)
            .with("hba1c", measured)
            .with("systolic", age + 0.5)
    };
    let records: Vec<Record> = ages.iter().enumerate().map(record).collect();
    let fitted = columns().fitted(&records).unwrap();
    let json = serde_json::to_value(&fitted).unwrap();
    let of = |i: usize| {
        [&json["columns"][i]["mean"], &json["columns"][i]["std"]].map(|v| v.as_f64().unwrap())
    };
    assert_eq!(of(0), [55.0, 125_f64.sqrt()]);
    assert_eq!(of(1), [7.0, 1.0]);
    assert_eq!(serde_json::from_value::<TableConfig>(json).unwrap(), fitted);
    // Standardised by itself a column has mean 0 and deviation 1.
    let rows = TableEncoder::new(fitted)
        .unwrap()
        .rows(&records, &Device::Cpu)
        .unwrap();
    let ages: Vec<f32> = rows
        .to_vec2()
        .unwrap()
        .iter()
        .map(|row: &Vec<f32>| row[0])
        .collect();
    assert!(ages.iter().sum::<f32>().abs() < 1e-6);
    assert!((ages.iter().map(|v| v * v).sum::<f32>() - 4.0).abs() < 1e-5);
    let error = columns().fitted(&records[..1]).unwrap_err();
    assert!(matches!(error, TableError::NoSpread { column, present: 1 } if column == "age"));
    let error = columns().fitted(&[patient(), Record::new()]).unwrap_err();
    assert!(matches!(error, TableError::Record { index: 1, .. }));
    assert_eq!(columns().fitted(&[]).unwrap_err(), TableError::NoRecords);
}

#[test]
fn the_gradient_of_a_missing_number_is_zero_and_its_value_has_no_influence() {
    for kind in kinds() {
        let config = FusionConfig::new(vision(), columns(), kind, 3);
        let network = create(&config, &Params::new(1)).unwrap();
        fill(&*network);
        let run = |rows: &Tensor| {
            let rows = Var::from_tensor(rows).unwrap();
            let image = Inputs::new(tensor("image", &[2, 3, 33, 40]));
            let inputs = image.with(TABLE, rows.as_tensor().clone());
            let context = Context::evaluate();
            let logits = network.forward(&inputs, &context).unwrap().logits;
            let gradients = logits.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            (
                bits(&logits),
                values(gradients.get(rows.as_tensor()).unwrap()),
            )
        };
        let (expected, gradient) = run(&rows());
        let [hba1c, systolic, entries] = [1, 3, 11];
        // The first patient's blood pressure and the second one's HbA1c are missing.
        assert_eq!((gradient[systolic], gradient[entries + hba1c]), (0.0, 0.0));
        assert!(gradient[hba1c] != 0.0 && gradient[entries + systolic] != 0.0);
        assert!(gradient[systolic + 1] != 0.0 && gradient[entries + hba1c + 1] != 0.0);
        let mut other = rows().to_vec2::<f32>().unwrap();
        (other[0][systolic], other[1][hba1c]) = (1e3, -7.0);
        let other = Tensor::new(other.clone(), &Device::Cpu).unwrap();
        assert_eq!(run(&other).0, expected);
        let present = (rows() + 0.25).unwrap();
        assert_ne!(run(&present).0, expected);
    }
}

#[test]
fn a_number_outside_the_range_of_its_column_is_refused() {
    let hba1c = NumericColumn::new("hba1c", 7.0, 2.0).with_unit("%");
    let config = TableConfig::new().with(hba1c.with_range(3.0, 20.0).optional());
    let encoder = TableEncoder::new(config.clone()).unwrap();
    let row = |value: f64| encoder.row(&Record::new().with("hba1c", value));
    // Both ends belong to it, and what is missing is in no range.
    assert_eq!(row(3.0).unwrap(), [-2.0, 0.0]);
    assert_eq!(row(20.0).unwrap(), [6.5, 0.0]);
    assert_eq!(encoder.row(&Record::new()).unwrap(), [0.0, 1.0]);
    for value in [2.9, 53.0, -7.0] {
        let expected = TableError::OutOfRange {
            column: "hba1c".to_owned(),
            value,
            range: [3.0, 20.0],
            unit: Some("%".to_owned()),
        };
        assert_eq!(row(value).unwrap_err(), expected);
    }
    assert_eq!(
        row(53.0).unwrap_err().to_string(),
        "column \"hba1c\" needs 3 to 20 %, got 53"
    );
    // Training records are held to it too.
    let records = [7.0, 70.0].map(|value| Record::new().with("hba1c", value));
    let error = config.fitted(&records).unwrap_err().to_string();
    assert!(
        error.starts_with("record 1: ") && error.contains("got 70"),
        "{error}"
    );
}

#[test]
fn a_range_is_data_and_has_two_ends() {
    let of = |low, high| {
        let column = NumericColumn::new("age", 60.0, 10.0).with_range(low, high);
        TableConfig::new().with(column)
    };
    for (low, high) in [
        (1.0, 1.0),
        (2.0, 1.0),
        (f64::NAN, 1.0),
        (0.0, f64::INFINITY),
    ] {
        let error = of(low, high).check().unwrap_err();
        assert!(
            matches!(
                error,
                TableError::Setting {
                    setting: "range",
                    ..
                }
            ),
            "{error}"
        );
    }
    let json = serde_json::to_value(of(0.0, 120.0)).unwrap();
    assert_eq!(json["columns"][0]["range"], serde_json::json!([0.0, 120.0]));
    assert_eq!(
        serde_json::from_value::<TableConfig>(json).unwrap(),
        of(0.0, 120.0)
    );
    // Tables written before there were ranges are read as they were.
    let old = r#"{"columns": [{"kind": "numeric", "name": "age", "mean": 60.0, "std": 10.0}]}"#;
    let old: TableConfig = serde_json::from_str(old).unwrap();
    let Column::Numeric(column) = &old.columns[0] else {
        panic!("{old:?}")
    };
    assert_eq!(column.range, None);
    assert!(!serde_json::to_string(&old).unwrap().contains("range"));
}
