//! The program of the last section of `docs/guides/segment-your-own-scans.md`.

use medaug::{Affine, Compose, Gamma, Intensity, Preprocess, Rotate90};
use medcore::{Geometry, Image};
use medinfer::{Segmenter, SegmenterConfig, Silent, SlidingWindow};
use medmodels::basic_unet::BasicUNetConfig;
use mednn::params::Params;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The same network, which also looks at the scan turned by a quarter, and tilted with another contrast.
fn careful(config: SegmenterConfig, tilt_degrees: f64) -> Result<SegmenterConfig> {
    let tilt = Affine {
        rotation_degrees: vec![tilt_degrees, 0.0, 0.0],
        ..Affine::default()
    };
    let contrast = Gamma {
        exponent: 0.8,
        inverted: false,
        retain_statistics: true,
    };
    Ok(config.with_views([
        Compose::new(vec![Rotate90::default().into()])?,
        Compose::new(vec![tilt.into(), contrast.into()])?,
    ]))
}

/// How much the volume of each label varies between the views, and how far they disagree on any voxel.
fn doubts(segmenter: &Segmenter<'_>, scan: &Image<i16, 3>) -> Result<(Vec<Option<f64>>, f32)> {
    let prepared = segmenter.prepare(scan)?;
    let apart = segmenter.uncertainty_prepared(&prepared, &Silent)?;
    let labels = 0..apart.mean.channels();
    let volumes = labels.map(|label| apart.volume_variation(label)).collect();
    let nats = apart.mutual_information.as_slice().iter();
    Ok((volumes, nats.fold(0.0, |most, &here| here.max(most))))
}

#[test]
fn the_guide_runs() {
    let model = BasicUNetConfig::new_3d(1, 3).with_features([2, 2, 2, 2, 2, 2]);
    let preprocess = Preprocess {
        intensity: vec![Intensity::MinMax],
        ..Preprocess::monai()
    };
    let window = SlidingWindow::nnunet([16, 32, 32]);
    let config = SegmenterConfig::new(model.into(), preprocess, window);
    let config = careful(config, 5.0).unwrap();
    let network = medmodels::create(&config.model, &Params::new(2)).unwrap();
    let segmenter = Segmenter::new(config, network).unwrap();
    let grid = Geometry::axis_aligned([10, 27, 30], [3.0, 1.2, 1.2]).unwrap();
    let voxels: Vec<i16> = (0..grid.len()).map(|i| (i * 7919 % 101) as i16).collect();
    let scan = Image::new(grid, voxels).unwrap();
    let labels = segmenter.segment(&scan).unwrap();
    assert_eq!(labels.geometry(), scan.geometry());
    let (volumes, nats) = doubts(&segmenter, &scan).unwrap();
    assert_eq!(volumes.len(), 3);
    assert!(volumes.iter().any(Option::is_some));
    assert!(nats > 0.0 && nats < std::f32::consts::LN_2 * 2.0, "{nats}");
}
