//! The program of the last section of `docs/guides/bundle.md`.

use std::path::Path;

use medaug::{Compose, Intensity, Normalise, Resize, ResizeTo};
use medcore::{Geometry, Image};
use medinfer::{
    AnswerConfig, Bundle, BundleWriter, ClassLabel, Examination, FusedClassifier, FusedConfig,
    LabelKind, OperatingPoint, Version,
};
use medmodels::fusion::table::{CategoricalColumn, NumericColumn, Record, TableConfig};
use medmodels::fusion::{self, ConcatenationConfig, FusionConfig};
use medmodels::resnet::ResNetConfig;
use mednn::params::Params;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Everything about a grader of retinopathy but its weights.
fn description(training: &[Record]) -> Result<FusedConfig<2>> {
    let age = NumericColumn::new("age", 0.0, 1.0).with_unit("years");
    let hba1c = NumericColumn::new("hba1c", 0.0, 1.0).with_unit("%");
    let table = TableConfig::new()
        .with(age.with_range(0.0, 120.0))
        .with(hba1c.with_range(3.0, 20.0).optional())
        .with(CategoricalColumn::new("sex", ["f", "m"]).optional())
        .fitted(training)?;
    let backbone = ResNetConfig::resnet18(1).with_features([4, 4, 8, 8]);
    let grades = ["none", "mild", "moderate", "severe", "proliferative"].map(ClassLabel::new);
    let outputs = grades.len() - 1;
    let network = FusionConfig::new(backbone, table, ConcatenationConfig::new(), outputs);
    let answer = AnswerConfig::new(grades)
        .with_kind(LabelKind::ConditionalGrades)
        .with_operating_points([OperatingPoint::new("referable", "moderate", 0.3)]);
    let preparation = Compose::new(vec![
        Normalise::from(Intensity::MinMax).into(),
        Resize::new(ResizeTo::Shape(vec![64, 64])).into(),
    ])?;
    Ok(FusedConfig::new(network, answer).with_preparation(preparation))
}

/// Writes the folder, with a photograph and a record to be tried on.
fn write(grader: &FusedClassifier<'_, 2>, example: &Examination<2>, place: &Path) -> Result<()> {
    BundleWriter::new(grader, "retinopathy", Version::new(0, 1, 0))
        .with_intended_use("Second reader of fundus photographs of adults with diabetes.")
        .with_golden(example, 1e-3)
        .write(place)?;
    Ok(())
}

/// Loads it and looks at one eye of one patient.
fn predict(place: &Path, fundus: &Image<u8, 2>, patient: &str) -> Result<String> {
    let bundle = Bundle::load(place)?;
    let record: Record = serde_json::from_str(patient)?;
    let found = bundle.fused_classifier::<2>()?.classify(fundus, &record)?;
    let grade = found.grade.clone().ok_or("labels without an order")?;
    let referred = found.is_positive("referable", "moderate") == Some(true);
    Ok(format!(
        "grade {}, at least moderate {:.3}, referred: {referred}",
        grade.median, grade.at_least[2]
    ))
}

fn fundus(number: usize) -> Image<u8, 2> {
    let grid = Geometry::axis_aligned([48, 40], [0.02, 0.02]).unwrap();
    let bytes = (0..3 * grid.len()).map(|i| (i * (7919 + 2 * number) % 251) as u8);
    Image::with_channels(3, grid, bytes.collect::<Vec<_>>()).unwrap()
}

#[test]
fn the_guide_runs() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("retinopathy-0.1.0");
    let of_age = |age: f64| Record::new().with("age", age).with("hba1c", age / 8.0);
    let training: Vec<_> = [42.0, 55.0, 61.0, 70.0].map(of_age).into();
    let config = description(&training).unwrap();
    let network = fusion::create(&config.model, &Params::new(1)).unwrap();
    let grader = FusedClassifier::new(config, network).unwrap();
    let example = Examination::new(fundus(1).map(f32::from), training[0].clone());
    write(&grader, &example, &place).unwrap();
    let said = predict(
        &place,
        &fundus(2),
        r#"{"age": 61, "sex": "f", "hba1c": null}"#,
    )
    .unwrap();
    assert!(
        said.starts_with("grade ") && said.contains("referred: "),
        "{said}"
    );
    let in_another_unit = predict(&place, &fundus(2), r#"{"age": 61, "hba1c": 57}"#);
    let error = in_another_unit.unwrap_err().to_string();
    assert!(error.contains("3 to 20 %, got 57"), "{error}");
}
