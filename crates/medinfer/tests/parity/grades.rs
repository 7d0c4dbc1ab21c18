//! Grades: labels with an order, of a logit each or of one fewer.

use medinfer::{
    Classifier, ClassifierConfig, Error, LabelKind, OperatingPoint, OutlierRule, OutlierScore,
};
use medmetrics::calibration::TemperatureScaling;

use super::classifier::{classifier, config, image, labels, resnet};

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// Four grades of three logits.
fn between(kind: LabelKind) -> ClassifierConfig<2> {
    let mut config = config(3).with_kind(kind);
    config.labels = labels(4);
    config
}

#[test]
fn every_level_is_calibrated_and_the_grade_follows() {
    let warm = TemperatureScaling::new(2.0).unwrap();
    let config = between(LabelKind::ConditionalGrades).with_calibration(warm);
    let found = classifier(config).classify(&image(0)).unwrap();
    assert_eq!((found.logits.len(), found.probabilities.len()), (3, 4));
    let grade = found.grade.clone().unwrap();
    let mut reached = 1.0;
    for (level, &logit) in found.logits.iter().enumerate() {
        reached *= sigmoid(f64::from(logit) / 2.0);
        assert!((grade.at_least[level + 1] - reached).abs() < 1e-12);
    }
    assert!((found.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    let expected: f64 = grade.at_least[1..].iter().sum();
    assert!((grade.expected - expected).abs() < 1e-12);
    let above = grade.at_least[1..].iter().filter(|&&p| p > 0.5).count();
    assert_eq!(grade.median, above);
    let plain = classifier(super::classifier::config(3));
    assert_eq!(plain.classify(&image(0)).unwrap().grade, None);
}

#[test]
fn a_threshold_on_a_grade_is_one_on_this_or_a_higher_one() {
    let config = config(3).with_kind(LabelKind::Grades);
    let plain = classifier(config.clone()).classify(&image(0)).unwrap();
    let referable = plain.probabilities[1] + plain.probabilities[2];
    let config = config.with_operating_points([
        OperatingPoint::new("below", "label 1", referable - 1e-9),
        OperatingPoint::new("above", "label 1", referable + 1e-9),
    ]);
    let found = classifier(config).classify(&image(0)).unwrap();
    assert_eq!(found.is_positive("below", "label 1"), Some(true));
    assert_eq!(found.is_positive("above", "label 1"), Some(false));
}

#[test]
fn networks_that_differ_make_the_grade_uncertain() {
    let config = between(LabelKind::CumulativeGrades);
    let other = medmodels::create(&config.model, &mednn::params::Params::new(9)).unwrap();
    let both = classifier(config).with_ensemble(vec![other]);
    let uncertainty = both.classify(&image(0)).unwrap().uncertainty.unwrap();
    assert_eq!((uncertainty.answers, uncertainty.mean.len()), (2, 4));
    let entropy: f64 = { uncertainty.mean.iter() }
        .filter(|&&p| p > 0.0)
        .map(|p| -p * p.ln())
        .sum();
    assert!((uncertainty.entropy - entropy).abs() < 1e-12);
}

#[test]
fn what_grades_cannot_have_is_refused() {
    let lowest = OperatingPoint::new("any", "label 0", 0.5);
    let softmax = OutlierRule::from(OutlierScore::MaximumSoftmax);
    for (what, config) in [
        ("as many", config(3).with_kind(LabelKind::CumulativeGrades)),
        (
            "two more",
            ClassifierConfig::new(resnet(2), labels(4)).with_kind(LabelKind::ConditionalGrades),
        ),
        ("one fewer for a softmax", between(LabelKind::Grades)),
        (
            "the lowest",
            between(LabelKind::CumulativeGrades).with_operating_points([lowest.clone()]),
        ),
        (
            "the lowest of a softmax",
            config(3)
                .with_kind(LabelKind::Grades)
                .with_operating_points([lowest.clone()]),
        ),
        (
            "a softmax of levels",
            between(LabelKind::CumulativeGrades).with_outlier_rules([softmax]),
        ),
    ] {
        assert!(
            matches!(config.check(), Err(Error::Setting { .. })),
            "{what}"
        );
    }
    // Two grades of one logit.
    let mut two = config(1).with_kind(LabelKind::CumulativeGrades);
    two.labels = labels(2);
    let network = medmodels::create(&two.model, &mednn::params::Params::new(3)).unwrap();
    let found = Classifier::new(two, network)
        .unwrap()
        .classify(&image(0))
        .unwrap();
    assert!((found.probabilities[1] - sigmoid(f64::from(found.logits[0]))).abs() < 1e-12);
    assert!(config(3).with_operating_points([lowest]).check().is_ok());
}
