//! The program of `docs/guides/gpu.md`; at the end it runs on the processor, as everywhere.

use std::path::Path;

use anyhow::Result;
use medcore::{Image, LabelMap};
use medinfer::{Bundle, Classification, Segmenter};
use medmodels::ModelConfig;
use mednn::candle_core::Device;
use mednn::{DeviceName, Model, Params};

/// Where everything below is computed: `cpu`, `cuda`, `cuda:1`.
fn choose(name: &str) -> Result<Device> {
    let name: DeviceName = name.parse()?;
    Ok(name.open()?)
}

/// A network with its weights there; a trainer brings batches, checkpoints and optimizer after it.
fn network(config: &ModelConfig, device: &Device) -> Result<Box<dyn Model>> {
    let params = Params::on_device(7, device);
    Ok(medmodels::create(config, &params)?)
}

/// The labels of a scan; windows go to the device and their scores come back.
fn label(folder: &Path, scan: &Image<i16, 3>, device: &Device) -> Result<LabelMap<u8, 3>> {
    let segmenter = Segmenter::load_on(folder, device)?;
    Ok(segmenter.segment(scan)?)
}

/// What a bundle says of a radiograph; it has proved itself on the device before.
fn classify(folder: &Path, image: &Image<f32, 2>, device: &Device) -> Result<Classification> {
    let bundle = Bundle::load_on(folder, device)?;
    Ok(bundle.classifier::<2>()?.classify(image)?)
}

#[test]
fn the_guide_on_the_processor() {
    use medaug::{Fingerprint, Modality};
    use medcore::random::Key;
    use medinfer::{SegmenterConfig, SlidingWindow};
    use medmodels::basic_unet::BasicUNetConfig;

    let phantom = medphantom::Cohort::new(3, medphantom::CohortOptions::coarse(12.0))
        .unwrap()
        .scan(0)
        .unwrap();
    let image = phantom.image;
    let fingerprint = Fingerprint::of([(&image, &phantom.labels)], None, None, Key::new(1));
    let preprocess = fingerprint
        .unwrap()
        .propose(&[Modality::of_channel("CT")])
        .unwrap();
    let device = choose("cpu").unwrap();
    let small = BasicUNetConfig::new_3d(1, 2).with_features([4, 4, 4, 8, 8, 4]);
    let window = SlidingWindow::nnunet([32; 3]);
    let config = SegmenterConfig::new(small.into(), preprocess, window);
    let model = network(&config.model, &device).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let segmenter = Segmenter::new(config, model).unwrap();
    segmenter.save(folder.path()).unwrap();
    let expected = segmenter.segment(&image).unwrap();
    assert_eq!(label(folder.path(), &image, &device).unwrap(), expected);

    assert!(choose("gpu").is_err());
}

#[test]
fn a_bundle_on_the_processor() {
    use medinfer::{BundleWriter, ClassLabel, Classifier, ClassifierConfig, Version};
    use medmodels::resnet::ResNetConfig;

    let device = choose("cpu").unwrap();
    let small = ResNetConfig::resnet10(2)
        .with_in_channels(1)
        .with_features([4; 4]);
    let config = ClassifierConfig::<2>::new(small.into(), ["well", "ill"].map(ClassLabel::new));
    let model = network(&config.model, &device).unwrap();
    let classifier = Classifier::new(config, model).unwrap();
    let grid = medcore::Geometry::axis_aligned([40, 30], [1.0, 1.0]).unwrap();
    let pixels: Vec<f32> = (0..1200).map(|i| (i % 97) as f32).collect();
    let image = Image::new(grid, pixels).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("bundle");
    BundleWriter::new(&classifier, "guide", Version::new(1, 0, 0))
        .with_golden(&image, 1e-3)
        .write(&place)
        .unwrap();
    let expected = classifier.classify(&image).unwrap();
    assert_eq!(classify(&place, &image, &device).unwrap(), expected);
}
