//! The program of `docs/guides/gpu.md`; at the end it runs on the processor, as everywhere.

use std::path::Path;

use anyhow::Result;
use medcore::{Image, LabelMap};
use medinfer::Segmenter;
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
