//! A classifier: what follows from logits, and what does not depend on what.

use medaug::{Compose, Flip, Intensity, Normalise, RandomGamma, Resize, ResizeTo, Step};
use medcore::{Geometry, Image};
use medinfer::{
    ClassLabel, Classifier, ClassifierConfig, Error, FeatureReference, LabelKind, MonteCarlo,
    OperatingPoint, OutlierRule, OutlierScore,
};
use medmetrics::calibration::TemperatureScaling;
use medmodels::ModelConfig;
use medmodels::efficientnet::EfficientNetConfig;
use medmodels::resnet::ResNetConfig;
use mednn::params::Params;

pub(crate) fn resnet(classes: usize) -> ModelConfig {
    let config = ResNetConfig::resnet18(classes).with_in_channels(1);
    config
        .with_features([2, 2, 4, 4])
        .with_blocks([1; 4])
        .into()
}

fn mirror() -> Step {
    Flip {
        axes: vec![1],
        swap: None,
    }
    .into()
}

pub(crate) fn labels(count: usize) -> Vec<ClassLabel> {
    (0..count)
        .map(|i| ClassLabel::new(format!("label {i}")))
        .collect()
}

pub(crate) fn config(classes: usize) -> ClassifierConfig<2> {
    let resize = Resize::new(ResizeTo::Shape(vec![32, 24]));
    let steps = vec![Normalise::from(Intensity::MinMax).into(), resize.into()];
    ClassifierConfig::new(resnet(classes), labels(classes))
        .with_preparation(Compose::new(steps).unwrap())
        .with_shape([32, 24])
}

pub(crate) fn classifier(config: ClassifierConfig<2>) -> Classifier<'static, 2> {
    let network = medmodels::create(&config.model, &Params::new(3)).unwrap();
    Classifier::new(config, network).unwrap()
}

pub(crate) fn image(number: usize) -> Image<f32, 2> {
    let grid = Geometry::axis_aligned([40, 30], [0.2, 0.3]).unwrap();
    let voxels: Vec<f32> = (0..grid.len())
        .map(|i| ((i * (7919 + 2 * number)) % 251) as f32 + number as f32 * 3.0)
        .collect();
    Image::new(grid, voxels).unwrap()
}

#[test]
fn probabilities_are_those_of_the_scaled_logits() {
    let warm = TemperatureScaling::new(2.0).unwrap();
    let found = classifier(config(3).with_calibration(warm))
        .classify(&image(0))
        .unwrap();
    let scaled: Vec<f64> = found
        .logits
        .iter()
        .map(|&z| (f64::from(z) / 2.0).exp())
        .collect();
    let sum: f64 = scaled.iter().sum();
    for (p, e) in found.probabilities.iter().zip(&scaled) {
        assert!((p - e / sum).abs() < 1e-12);
    }
    let independent = config(3)
        .with_kind(LabelKind::Independent)
        .with_calibration(warm);
    let found = classifier(independent).classify(&image(0)).unwrap();
    for (p, &z) in found.probabilities.iter().zip(&found.logits) {
        assert!((p - 1.0 / (1.0 + (-f64::from(z) / 2.0).exp())).abs() < 1e-12);
    }
}

#[test]
fn every_operating_point_decides_by_its_own_threshold() {
    let plain = classifier(config(2)).classify(&image(0)).unwrap();
    let p = plain.probabilities[1];
    let points = [
        OperatingPoint::new("at", "label 1", p),
        OperatingPoint::new("above", "label 1", p + 1e-9),
        OperatingPoint::new("at", "label 0", 1.0),
    ];
    let found = classifier(config(2).with_operating_points(points))
        .classify(&image(0))
        .unwrap();
    assert_eq!(found.is_positive("at", "label 1"), Some(true));
    assert_eq!(found.is_positive("above", "label 1"), Some(false));
    assert_eq!(found.is_positive("at", "label 0"), Some(false));
    assert_eq!(found.is_positive("above", "label 0"), None);
    assert_eq!(found.top(), usize::from(p > 0.5));
}

#[test]
fn an_image_does_not_depend_on_its_neighbours() {
    let rule = OutlierRule::from(OutlierScore::energy());
    let config = config(2)
        .with_outlier_rules([rule])
        .with_views([Compose::new(vec![mirror()]).unwrap()]);
    let classifier = classifier(config);
    let images: Vec<_> = (0..3)
        .map(|i| classifier.prepare(&image(i)).unwrap())
        .collect();
    let together = classifier
        .classify_prepared(&images.iter().collect::<Vec<_>>())
        .unwrap();
    for (number, found) in together.iter().enumerate() {
        let alone = classifier.classify(&image(number)).unwrap();
        for (a, b) in found.logits.iter().zip(&alone.logits) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }
    assert_eq!(classifier.classify_prepared(&[]).unwrap(), []);
}

#[test]
fn views_and_networks_are_averaged_and_their_differences_told() {
    let flip = Compose::new(vec![mirror()]).unwrap();
    let plain = classifier(config(2));
    let other = |seed| medmodels::create(&config(2).model, &Params::new(seed)).unwrap();
    let prepared = plain.prepare(&image(0)).unwrap();
    let flipped = medaug::Sample::new(prepared.clone());
    let flipped = flip
        .apply(flipped, medcore::random::Key::new(0))
        .unwrap()
        .into_parts()
        .0;
    let logits = |classifier: &Classifier<'_, 2>, image: &Image<f32, 2>| {
        classifier
            .classify_prepared(&[image])
            .unwrap()
            .remove(0)
            .logits
    };
    let second = Classifier::new(config(2), other(9)).unwrap();
    let mut sums = vec![0.0f64; 2];
    for classifier in [&plain, &second] {
        for image in [&prepared, &flipped] {
            let one = logits(classifier, image);
            sums.iter_mut()
                .zip(one)
                .for_each(|(sum, z)| *sum += f64::from(z) / 4.0);
        }
    }
    let both = classifier(config(2).with_views([flip])).with_ensemble(vec![other(9)]);
    let found = both.classify(&image(0)).unwrap();
    for (got, expected) in found.logits.iter().zip(sums) {
        assert!(
            (f64::from(*got) - expected).abs() < 1e-6,
            "{got} {expected}"
        );
    }
    let uncertainty = found.uncertainty.unwrap();
    assert_eq!(uncertainty.answers, 4);
    assert!(uncertainty.mutual_information > 0.0 && uncertainty.variance[0] > 0.0);
    assert_eq!(plain.classify(&image(0)).unwrap().uncertainty, None);
}

#[test]
fn passes_with_dropout_differ_and_can_be_had_again() {
    // With dropout in front of its head and batch norm everywhere, which must keep to its running statistics.
    let mut model = EfficientNetConfig::b0(2);
    model.in_channels = 1;
    let passes = |passes, seed| {
        let config = ClassifierConfig::<2>::new(model.clone().into(), labels(2))
            .with_monte_carlo(MonteCarlo { passes, seed });
        let classifier = classifier(config);
        let statistics = classifier.networks()[0].params().snapshot().unwrap();
        let found = classifier.classify(&image(0)).unwrap();
        for (name, before) in statistics {
            let after = classifier.networks()[0].params().tensor(&name).unwrap();
            let values = |t: &mednn::candle_core::Tensor| {
                let flat = t.flatten_all().unwrap();
                flat.to_dtype(mednn::candle_core::DType::F32)
                    .unwrap()
                    .to_vec1::<f32>()
                    .unwrap()
            };
            assert_eq!(values(&before), values(&after), "{name}");
        }
        found
    };
    let first = passes(8, 1);
    let uncertainty = first.uncertainty.clone().unwrap();
    assert_eq!(uncertainty.answers, 8);
    assert!(uncertainty.variance[0] > 0.0);
    assert_eq!(first, passes(8, 1));
    assert_ne!(first.uncertainty, passes(8, 2).uncertainty);
    // Dropout keeps the mean, more or less.
    let apart = (uncertainty.mean[0] - first.probabilities[0]).abs();
    assert!(
        apart < 6.0 * uncertainty.variance[0].sqrt() + 1e-3,
        "{apart}"
    );
}

#[test]
fn distance_from_training_images_grows_with_what_is_unlike() {
    let plain = classifier(config(2));
    let images: Vec<_> = (0..12).map(|i| plain.prepare(&image(i)).unwrap()).collect();
    let features = plain
        .features(&images.iter().collect::<Vec<_>>(), "avgpool")
        .unwrap();
    let rows: Vec<&[f32]> = features.iter().map(Vec::as_slice).collect();
    let classes: Vec<usize> = (0..12).map(|i| i % 2).collect();
    let reference = FeatureReference::fit("avgpool", &rows, &classes, 0.1).unwrap();
    let rule = OutlierRule::from(OutlierScore::Mahalanobis);
    let limit = rows
        .iter()
        .map(|row| reference.distance(row).unwrap())
        .fold(0.0, f64::max);
    let config = config(2).with_outlier_rules([rule.with_threshold(limit * 1.01)]);
    assert!(classifier(config.clone()).classify(&image(0)).is_err());
    let watching = classifier(config).with_reference(reference);
    assert!(!watching.classify(&image(3)).unwrap().is_outlier());
    let grid = *image(0).geometry();
    let ramp: Vec<f32> = (0..grid.len()).map(|i| (i / 30) as f32).collect();
    let found = watching.classify(&Image::new(grid, ramp).unwrap()).unwrap();
    assert!(found.is_outlier(), "{:?} {limit}", found.outliers);
    // A layer with places: the mean over them.
    let layer = plain.features(&[&images[0]], "layer4").unwrap();
    assert!((layer[0][1] - features[0][1]).abs() < 1e-5);
    assert!(plain.features(&[&images[0]], "none").is_err());
}

#[test]
fn what_does_not_fit_is_refused() {
    let random = Compose::new(vec![RandomGamma::default().into()]).unwrap();
    let points = |point| config(2).with_operating_points([point]);
    for (what, config) in [
        ("labels", ClassifierConfig::new(resnet(2), labels(3))),
        (
            "names",
            ClassifierConfig::new(resnet(2), vec![ClassLabel::new("a"), ClassLabel::new("a")]),
        ),
        ("one logit", config(1)),
        (
            "random preparation",
            config(2).with_preparation(random.clone()),
        ),
        ("random view", config(2).with_views([random])),
        (
            "threshold",
            points(OperatingPoint::new("a", "label 0", f64::NAN)),
        ),
        ("label", points(OperatingPoint::new("a", "another", 0.5))),
        (
            "passes",
            config(2).with_monte_carlo(MonteCarlo { passes: 0, seed: 1 }),
        ),
        (
            "softmax of independent labels",
            config(2)
                .with_kind(LabelKind::Independent)
                .with_outlier_rules([OutlierRule::from(OutlierScore::MaximumSoftmax)]),
        ),
    ] {
        assert!(
            matches!(config.check(), Err(Error::Setting { .. })),
            "{what}"
        );
    }
    assert!(config(1).with_kind(LabelKind::Independent).check().is_ok());
    let two = Image::<f32, 2>::zeros(2, *image(0).geometry()).unwrap();
    assert!(matches!(
        classifier(config(2)).classify(&two),
        Err(Error::Channels { .. })
    ));
    let loose = classifier(config(2).with_preparation(Compose::default()));
    assert!(matches!(
        loose.classify(&image(0)),
        Err(Error::Extent { .. })
    ));
    let nan = Image::new(*image(0).geometry(), vec![f32::NAN; 1200]).unwrap();
    assert!(classifier(config(2)).classify(&nan).is_err());
}
