//! The program of `docs/guides/bundle.md`.

use std::path::Path;

use medaug::{Compose, Intensity, Normalise, Resize, ResizeTo};
use medcore::{Geometry, Image};
use medinfer::{
    Bundle, BundleWriter, ClassLabel, Classifier, ClassifierConfig, Code, DataDigest,
    FeatureReference, InputSpec, MetricRecord, OperatingPoint, OutlierRule, OutlierScore,
    Provenance, Version,
};
use medmetrics::calibration::TemperatureScaling;
use medmetrics::classification::Selection;
use medmodels::resnet::ResNetConfig;
use mednn::params::Params;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Everything about the model but its weights.
fn description() -> Result<ClassifierConfig<2>> {
    let network = ResNetConfig::resnet18(2)
        .with_in_channels(1)
        .with_features([4, 4, 8, 8]);
    let labels = [
        ClassLabel::new("normal"),
        ClassLabel::new("pneumonia")
            .with_code(Code::snomed("233604007", "Pneumonia"))
            .with_colour([214, 39, 40]),
    ];
    let preparation = Compose::new(vec![
        Normalise::from(Intensity::MinMax).into(),
        Resize::new(ResizeTo::Shape(vec![64, 64])).into(),
    ])?;
    Ok(ClassifierConfig::new(network.into(), labels)
        .with_preparation(preparation)
        .with_shape([64, 64]))
}

/// What was learned about the model on validation images.
fn settled(config: ClassifierConfig<2>) -> Result<ClassifierConfig<2>> {
    let screening = OperatingPoint::new("screening", "pneumonia", 0.12)
        .with_selection(Selection::Sensitivity { least: 0.95 })
        .with_chosen_on("sha256:5d41...");
    Ok(config
        .with_calibration(TemperatureScaling::new(1.7)?)
        .with_operating_points([screening])
        .with_outlier_rules([
            OutlierRule::from(OutlierScore::energy()),
            OutlierRule::from(OutlierScore::Mahalanobis).with_threshold(60.0),
        ]))
}

/// Class means and covariance of the features of training images.
fn reference(
    classifier: &Classifier<'_, 2>,
    images: &[Image<f32, 2>],
    classes: &[usize],
) -> Result<FeatureReference> {
    let prepared: Vec<_> = images
        .iter()
        .map(|image| classifier.prepare(image))
        .collect::<std::result::Result<_, _>>()?;
    let features = classifier.features(&prepared.iter().collect::<Vec<_>>(), "avgpool")?;
    let rows: Vec<&[f32]> = features.iter().map(Vec::as_slice).collect();
    Ok(FeatureReference::fit("avgpool", &rows, classes, 0.1)?)
}

/// Writes the folder.
fn write(
    classifier: &Classifier<'_, 2>,
    example: &Image<f32, 2>,
    scores: &[f64],
    place: &Path,
) -> Result<()> {
    BundleWriter::new(classifier, "pneumonia", Version::new(1, 2, 0))
        .with_intended_use(
            "Second reader of chest radiographs of children; no diagnosis by itself.",
        )
        .with_input(InputSpec {
            modality: vec!["CR".to_owned(), "DX".to_owned()],
            view: Some("chest, postero-anterior".to_owned()),
            intensity: Some("presentation values, MONOCHROME2".to_owned()),
            ..InputSpec::default()
        })
        .with_metrics([MetricRecord::new("auc", 0.974)
            .with_interval(0.961, 0.985)
            .with_test_set(624, "sha256:9f86...")])
        .with_provenance(Provenance {
            seed: Some(7),
            data: vec![DataDigest::new("training", "sha256:2c26...").with_cases(4708)],
            ..Provenance::default()
        })
        .with_drift("score", scores)
        .with_golden(example, 1e-3)
        .with_card("## Limits\n\nTrained in one hospital; not tried on adults.")
        .write(place)?;
    Ok(())
}

/// Loads it and looks at one image.
fn predict(place: &Path, image: &Image<f32, 2>) -> Result<String> {
    let bundle = Bundle::load(place)?;
    let classifier = bundle.classifier::<2>()?;
    let found = classifier.classify(image)?;
    if found.is_outlier() {
        return Ok("not an image of the kind this model knows".to_owned());
    }
    let label = &classifier.config().labels[found.top()].name;
    let recalled = found.is_positive("screening", "pneumonia") == Some(true);
    Ok(format!(
        "{label}, {:.3}, screening: {recalled}",
        found.probabilities[found.top()]
    ))
}

fn image(number: usize) -> Image<f32, 2> {
    let grid = Geometry::axis_aligned([48, 40], [0.4, 0.4]).unwrap();
    let voxels: Vec<f32> = (0..grid.len())
        .map(|i| (i * (7919 + 2 * number) % 251) as f32)
        .collect();
    Image::new(grid, voxels).unwrap()
}

#[test]
fn the_guide_runs() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("pneumonia-1.2.0");
    let config = settled(description().unwrap()).unwrap();
    let network = medmodels::create(&config.model, &Params::new(1)).unwrap();
    let classifier = Classifier::new(config, network).unwrap();
    let images: Vec<_> = (0..20).map(image).collect();
    let classes: Vec<usize> = (0..20).map(|i| i % 2).collect();
    let reference = reference(&classifier, &images, &classes).unwrap();
    let classifier = classifier.with_reference(reference);
    let scores: Vec<f64> = (0..50).map(|i| f64::from(i) / 50.0).collect();
    write(&classifier, &images[0], &scores, &place).unwrap();
    let said = predict(&place, &images[1]).unwrap();
    assert!(said.contains("screening: "), "{said}");
    let card = place.join("README.md");
    let text = std::fs::read_to_string(&card).unwrap();
    std::fs::write(&card, text.replace("0.9740", "0.9940")).unwrap();
    let refused = predict(&place, &images[1]).unwrap_err().to_string();
    assert!(
        refused.contains("README.md") && refused.contains("altered"),
        "{refused}"
    );
}
