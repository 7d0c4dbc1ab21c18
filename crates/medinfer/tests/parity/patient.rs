//! Images with patient data, and these alone: what follows from what, and what is refused.

use medaug::{Compose, Flip, Intensity, Normalise, Resize, ResizeTo};
use medcore::{Geometry, Image};
use medinfer::explain::{MaskedNetwork, Player, exact};
use medinfer::{
    AnswerConfig, Error, Examination, FeatureReference, FusedClassifier, FusedConfig, LabelKind,
    MonteCarlo, OperatingPoint, OutlierRule, OutlierScore, RecordClassifier, RecordConfig,
};
use medmetrics::calibration::TemperatureScaling;
use medmodels::fusion::table::{CategoricalColumn, NumericColumn, Record, TableConfig};
use medmodels::fusion::{
    self, ConcatenationConfig, CrossAttentionConfig, FusionConfig, FusionKind, TABLE,
    TableMlpConfig, TableNetworkConfig,
};
use medmodels::resnet::ResNetConfig;
use mednn::candle_core::{Device, Tensor};
use mednn::context::Context;
use mednn::convert::stack_images;
use mednn::model::Inputs;
use mednn::params::Params;

use super::classifier::{image, labels};

pub(crate) fn table() -> TableConfig {
    let hba1c = NumericColumn::new("hba1c", 7.4, 1.6).with_unit("%");
    TableConfig::new()
        .with(
            NumericColumn::new("age", 58.0, 12.0)
                .with_unit("years")
                .with_range(0.0, 120.0),
        )
        .with(hba1c.with_range(3.0, 20.0).optional())
        .with(CategoricalColumn::new("sex", ["f", "m"]))
}

fn backbone(axes: usize) -> ResNetConfig {
    let config = ResNetConfig::resnet10(1)
        .with_in_channels(1)
        .with_features([2, 2, 4, 4]);
    match axes {
        2 => config,
        axes => config.monai(axes),
    }
}

fn model(axes: usize, kind: impl Into<FusionKind>, outputs: usize) -> FusionConfig {
    FusionConfig::new(backbone(axes), table(), kind, outputs)
}

pub(crate) fn config(outputs: usize) -> FusedConfig<2> {
    let resize = Resize::new(ResizeTo::Shape(vec![32, 24]));
    let steps = vec![Normalise::from(Intensity::MinMax).into(), resize.into()];
    let answer = AnswerConfig::new(labels(outputs)).with_kind(LabelKind::Grades);
    FusedConfig::new(model(2, ConcatenationConfig::new(), outputs), answer)
        .with_preparation(Compose::new(steps).unwrap())
        .with_shape([32, 24])
}

pub(crate) fn fused(config: FusedConfig<2>) -> FusedClassifier<'static, 2> {
    let network = fusion::create(&config.model, &Params::new(3)).unwrap();
    FusedClassifier::new(config, network).unwrap()
}

pub(crate) fn record_config() -> RecordConfig {
    let model = TableNetworkConfig::new(table(), 2).with_mlp(TableMlpConfig::new(&[6]));
    let answer = AnswerConfig::new(labels(3)).with_kind(LabelKind::ConditionalGrades);
    RecordConfig::new(model, answer)
}

pub(crate) fn of_records(config: RecordConfig) -> RecordClassifier<'static> {
    let network = fusion::create_table(&config.model, &Params::new(5)).unwrap();
    RecordClassifier::new(config, network).unwrap()
}

pub(crate) fn patient(number: usize) -> Record {
    let record = Record::new()
        .with("age", 40.0 + 7.0 * number as f64)
        .with("sex", ["f", "m"][number % 2]);
    match number % 3 {
        0 => record,
        other => record.with("hba1c", 6.0 + other as f64),
    }
}

pub(crate) fn volume() -> Examination<3> {
    let grid = Geometry::axis_aligned([9, 12, 10], [3.0, 1.0, 1.0]).unwrap();
    let voxels = (0..grid.len()).map(|i| (i * 37 % 101) as f32 / 101.0);
    let image = Image::new(grid, voxels.collect::<Vec<_>>()).unwrap();
    Examination::new(image, patient(1))
}

pub(crate) fn fused_3d() -> FusedClassifier<'static, 3> {
    let answer = AnswerConfig::new(labels(2));
    let config = FusedConfig::<3>::new(model(3, CrossAttentionConfig::new(), 2), answer);
    let network = fusion::create(&config.model, &Params::new(4)).unwrap();
    FusedClassifier::new(config, network).unwrap()
}

fn flip() -> Compose<2> {
    let mirror = Flip {
        axes: vec![1],
        swap: None,
    };
    Compose::new(vec![mirror.into()]).unwrap()
}

/// The logits of a network for one image and one row, put together by hand.
fn by_hand(classifier: &FusedClassifier<'_, 2>, image: &Image<f32, 2>, row: &[f32]) -> Vec<f32> {
    let image = stack_images(&[image], &Device::Cpu).unwrap();
    let row = Tensor::from_slice(row, (1, row.len()), &Device::Cpu).unwrap();
    let inputs = Inputs::new(image).with(TABLE, row);
    let network = &classifier.networks()[0];
    let outputs = network.forward(&inputs, &Context::evaluate()).unwrap();
    outputs.logits.to_vec2().unwrap().remove(0)
}

#[test]
fn image_and_record_reach_the_network_as_the_table_says() {
    let warm = TemperatureScaling::new(1.5).unwrap();
    let mut config = config(3).with_views([flip()]);
    config.answer = config.answer.with_calibration(warm);
    let classifier = fused(config);
    // 61 years, nobody measured HbA1c, a man.
    let record = Record::new().with("age", 61.0).with("sex", "m");
    let row = [0.25, 0.0, 1.0, 0.0, 1.0];
    let prepared = classifier.prepare(&image(0)).unwrap();
    let mirrored = flip().apply(
        medaug::Sample::new(prepared.clone()),
        medcore::random::Key::new(0),
    );
    let mirrored = mirrored.unwrap().into_parts().0;
    let (a, b) = (
        by_hand(&classifier, &prepared, &row),
        by_hand(&classifier, &mirrored, &row),
    );
    assert_ne!(a, b);
    let found = classifier.classify(&image(0), &record).unwrap();
    let mut scaled = Vec::new();
    for (got, (a, b)) in found.logits.iter().zip(a.iter().zip(&b)) {
        assert!((got - (a + b) / 2.0).abs() < 1e-6);
        scaled.push((f64::from(*got) / 1.5).exp());
    }
    let sum: f64 = scaled.iter().sum();
    for (p, e) in found.probabilities.iter().zip(&scaled) {
        assert!((p - e / sum).abs() < 1e-12);
    }
    assert_eq!(found.uncertainty.unwrap().answers, 2);
    assert!(found.grade.is_some());
}

#[test]
fn a_patient_does_not_depend_on_others_but_on_the_own_record() {
    let classifier = fused(config(3));
    let images: Vec<_> = (0..3)
        .map(|i| classifier.prepare(&image(i)).unwrap())
        .collect();
    let images: Vec<_> = images.iter().collect();
    let records: Vec<_> = (0..3).map(patient).collect();
    let together = classifier.classify_prepared(&images, &records).unwrap();
    for (number, found) in together.iter().enumerate() {
        let alone = classifier.classify(&image(number), &patient(number));
        for (a, b) in found.logits.iter().zip(&alone.unwrap().logits) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
        let other = classifier.classify(&image(number), &patient(number + 4));
        assert_ne!(other.unwrap().logits, found.logits);
    }
    assert_eq!(
        classifier.classify_prepared::<Record>(&[], &[]).unwrap(),
        []
    );
    let error = classifier.classify_prepared(&images, &records[1..]);
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("records") && error.contains("2 for 3"),
        "{error}"
    );
}

#[test]
fn a_record_alone_is_a_case_too() {
    let classifier = of_records(record_config());
    let all = classifier.classify_all(&[patient(0), patient(1)]).unwrap();
    assert_eq!(all[0].logits.len(), 2);
    assert_eq!(all[0].probabilities.len(), 3);
    for (number, found) in all.iter().enumerate() {
        let alone = classifier.classify(&patient(number)).unwrap();
        for (a, b) in found.probabilities.iter().zip(&alone.probabilities) {
            assert!((a - b).abs() < 1e-6);
        }
    }
    assert_ne!(all[0].logits, all[1].logits);
    assert_eq!(classifier.classify_all(&[]).unwrap(), []);
}

#[test]
fn a_logistic_regression_is_one() {
    let config = RecordConfig::new(
        TableNetworkConfig::new(table(), 2),
        AnswerConfig::new(labels(2)).with_kind(LabelKind::Independent),
    );
    let classifier = of_records(config);
    let params = classifier.networks()[0].params();
    let weight = params.tensor("head.weight").unwrap();
    let weight = weight.to_vec2::<f32>().unwrap();
    let bias = params
        .tensor("head.bias")
        .unwrap()
        .to_vec1::<f32>()
        .unwrap();
    let row = classifier.encoder().row(&patient(1)).unwrap();
    let found = classifier.classify(&patient(1)).unwrap();
    for ((got, weight), bias) in found.logits.iter().zip(&weight).zip(&bias) {
        let products = weight.iter().zip(&row).map(|(w, x)| w * x);
        let expected = products.sum::<f32>() + bias;
        assert!((got - expected).abs() < 1e-6, "{got} {expected}");
    }
}

#[test]
fn what_no_patient_has_is_refused_by_column_and_value() {
    let (fused, alone) = (fused(config(3)), of_records(record_config()));
    for (record, said) in [
        (
            patient(1).with("hba1c", 57.0),
            "\"hba1c\" needs 3 to 20 %, got 57",
        ),
        (patient(1).with("age", f64::NAN), "\"age\""),
        (
            patient(1).with("age", None::<f64>),
            "\"age\" is not optional",
        ),
        (patient(1).with("sex", "x"), "no level \"x\""),
        (patient(1).with("bmi", 31.0), "no column \"bmi\""),
    ] {
        for error in [
            fused.classify(&image(0), &record).unwrap_err(),
            alone.classify(&record).unwrap_err(),
        ] {
            assert!(matches!(error, Error::Architecture(_)), "{error}");
            assert!(error.to_string().contains(said), "{error}");
        }
    }
    let two = Image::<f32, 2>::zeros(2, *image(0).geometry()).unwrap();
    assert!(matches!(
        fused.classify(&two, &patient(0)),
        Err(Error::Channels { .. })
    ));
}

#[test]
fn descriptions_whose_parts_do_not_fit_are_refused() {
    let lowest = OperatingPoint::new("any", "label 0", 0.5);
    let answer = config(3).answer;
    let tokens = CrossAttentionConfig::new().with_tokens(16);
    let mut narrow = config(3);
    narrow.model.table =
        TableConfig::new().with(NumericColumn::new("age", 58.0, 12.0).with_range(120.0, 0.0));
    let mut old = config(3);
    old.version = 2;
    for (what, config) in [
        (
            "labels",
            config(3).with_answer(AnswerConfig::new(labels(2))),
        ),
        (
            "the lowest grade",
            config(3).with_answer(answer.clone().with_operating_points([lowest])),
        ),
        (
            "tokens",
            FusedConfig::new(model(2, tokens, 3), answer.clone()),
        ),
        (
            "axes",
            FusedConfig::new(model(3, ConcatenationConfig::new(), 3), answer.clone()),
        ),
        ("range", narrow),
        ("version", old),
        (
            "passes",
            config(3).with_answer(answer.with_monte_carlo(MonteCarlo { passes: 0, seed: 1 })),
        ),
    ] {
        assert!(config.check().is_err(), "{what}");
    }
    let few = record_config().with_answer(AnswerConfig::new(labels(3)));
    assert!(few.check().is_err());
}

#[test]
fn passes_with_dropout_and_folds_say_how_sure_it_is() {
    let monte_carlo = MonteCarlo { passes: 6, seed: 1 };
    let mut config = config(3);
    config.answer = config.answer.with_monte_carlo(monte_carlo);
    // Nothing is dropped, so all passes would be the same.
    assert!(
        fused(config.clone())
            .classify(&image(0), &patient(0))
            .is_err()
    );
    config.model = config.model.with_dropout(0.5);
    let once = fused(config.clone())
        .classify(&image(0), &patient(0))
        .unwrap();
    assert_eq!(
        once,
        fused(config).classify(&image(0), &patient(0)).unwrap()
    );
    let uncertainty = once.uncertainty.unwrap();
    assert_eq!(uncertainty.answers, 6);
    assert!(uncertainty.variance[0] > 0.0);
    let config = record_config();
    let other = fusion::create_table(&config.model, &Params::new(6)).unwrap();
    let folds = of_records(config).with_ensemble(vec![other]);
    let found = folds.classify(&patient(2)).unwrap();
    assert_eq!(found.uncertainty.unwrap().answers, 2);
}

#[test]
fn distances_are_of_what_the_head_gets() {
    let plain = fused(config(3));
    let images: Vec<_> = (0..9).map(|i| plain.prepare(&image(i)).unwrap()).collect();
    let images: Vec<_> = images.iter().collect();
    let records: Vec<_> = (0..9).map(patient).collect();
    let rows = plain.features(&images, &records, "fusion").unwrap();
    assert_eq!(rows[0].len(), 128);
    let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
    let classes: Vec<usize> = (0..9).map(|i| i % 3).collect();
    let reference = FeatureReference::fit("fusion", &rows, &classes, 0.3).unwrap();
    let expected = reference.distance(rows[4]).unwrap();
    let rule = OutlierRule::from(OutlierScore::Mahalanobis);
    let config = config(3);
    let answer = config.answer.clone().with_outlier_rules([rule]);
    let config = config.with_answer(answer);
    assert!(
        fused(config.clone())
            .classify(&image(4), &patient(4))
            .is_err()
    );
    let watching = fused(config).with_reference(reference);
    let found = watching.classify(&image(4), &patient(4)).unwrap();
    let got = found.outliers[0].value;
    assert!(
        (got - expected).abs() < 1e-3 * expected.max(1.0),
        "{got} {expected}"
    );
}

#[test]
fn image_and_columns_share_the_score() {
    let classifier = fused(config(3));
    let images: Vec<_> = (0..4)
        .map(|i| classifier.prepare(&image(i)).unwrap())
        .collect();
    let images: Vec<_> = images.iter().collect();
    let records: Vec<_> = (0..4).map(patient).collect();
    let case = classifier.inputs(&images[..1], &records[..1]).unwrap();
    let background = classifier.inputs(&images[1..], &records[1..]).unwrap();
    let mut players = vec![Player::whole("photograph", Inputs::IMAGE)];
    players.extend(Player::columns(&classifier.config().model.table));
    let network = &*classifier.networks()[0];
    let game = MaskedNetwork::new(network, &case, &background, players).unwrap();
    let shares = exact(&game).unwrap();
    assert_eq!(shares.values.len(), 4);
    let found = classifier.classify(&image(0), &patient(0)).unwrap();
    assert!((shares.all - f64::from(found.logits[0])).abs() < 1e-4);
    let sum: f64 = shares.values.iter().sum();
    assert!((sum - (shares.all - shares.nobody)).abs() < 1e-5);
}
