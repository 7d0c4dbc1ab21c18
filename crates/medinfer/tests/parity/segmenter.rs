//! A segmentation as a folder.

use medaug::{Intensity, Preprocess};
use medcore::{Geometry, Image, LabelTable};
use medinfer::{
    CONFIG_FILE, Error, LabelRule, Segmenter, SegmenterConfig, Silent, SlidingWindow, WEIGHTS_FILE,
};
use medmodels::ModelConfig;
use medmodels::basic_unet::BasicUNetConfig;
use mednn::params::Params;

fn config() -> SegmenterConfig {
    let model = BasicUNetConfig::new_3d(1, 3).with_features([2, 2, 2, 2, 2, 2]);
    let preprocess = Preprocess {
        spacing: Some([2.0, 2.0, 2.0]),
        intensity: vec![Intensity::Window {
            low: 0.0,
            high: 10.0,
        }],
        ..Preprocess::monai()
    };
    SegmenterConfig::new(
        model.into(),
        preprocess,
        SlidingWindow::nnunet([32, 32, 32]),
    )
    .with_mirror_axes([2])
    .with_labels(LabelTable::new([("liver", vec![1]), ("spleen", vec![2])]).unwrap())
    .unwrap()
}

fn segmenter(seed: u64) -> Segmenter<'static> {
    let config = config();
    let network = medmodels::create(&config.model, &Params::new(seed)).unwrap();
    Segmenter::new(config, network).unwrap()
}

fn scan() -> Image<i16, 3> {
    let grid = Geometry::axis_aligned([12, 40, 30], [5.0, 1.2, 1.1]).unwrap();
    let voxels: Vec<i16> = (0..grid.len()).map(|i| (i * 7919 % 11) as i16).collect();
    Image::new(grid, voxels).unwrap()
}

#[test]
fn a_saved_segmenter_gives_the_same_labels_when_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new").join("model");
    // The first untrained network that sees two classes at all.
    let first = (1..20)
        .map(segmenter)
        .find(|s| {
            s.segment(&scan())
                .unwrap()
                .counts()
                .iter()
                .filter(|&&n| n > 0)
                .count()
                > 1
        })
        .unwrap();
    first.save(&path).unwrap();
    let labels = first.segment(&scan()).unwrap();
    assert_eq!(labels.geometry(), scan().geometry());
    let loaded = Segmenter::load(&path).unwrap();
    assert_eq!(loaded.config(), first.config());
    assert_eq!(loaded.config().labels.name_of(1), Some("liver"));
    assert_eq!(loaded.segment(&scan()).unwrap(), labels);
    assert_eq!(loaded.segment_owned(scan(), &Silent).unwrap(), labels);
    assert_ne!(segmenter(99).segment(&scan()).unwrap(), labels);
    let before = std::fs::read(path.join(WEIGHTS_FILE)).unwrap();
    loaded.save(&path).unwrap();
    assert_eq!(std::fs::read(path.join(WEIGHTS_FILE)).unwrap(), before);
}

#[test]
fn a_folder_that_cannot_be_used_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(matches!(Segmenter::load(path), Err(Error::Io { .. })));
    segmenter(1).save(path).unwrap();
    let json = std::fs::read_to_string(path.join(CONFIG_FILE)).unwrap();
    let with = |from: &str, to: &str| {
        assert!(json.contains(from), "{from} in {json}");
        std::fs::write(path.join(CONFIG_FILE), json.replacen(from, to, 1)).unwrap();
        Segmenter::load(path).unwrap_err()
    };
    let error = with("\"roi\"", "\"region\"");
    assert!(matches!(error, Error::Config { .. }) && error.to_string().contains("region"));
    assert!(matches!(
        with("\"version\": 1", "\"version\": 2"),
        Error::Setting { .. }
    ));
    assert!(matches!(with("BasicUNet", "VNet"), Error::Config { .. }));
    let error = with("\"out_channels\": 3", "\"out_channels\": 4");
    assert!(error.to_string().contains("final_conv"), "{error}");
    let error = with("\"overlap\": 0.5", "\"overlap\": 1.5");
    assert!(error.to_string().contains("overlap"), "{error}");
    std::fs::write(path.join(CONFIG_FILE), &json[..json.len() / 2]).unwrap();
    assert!(matches!(Segmenter::load(path), Err(Error::Config { .. })));
    std::fs::write(path.join(CONFIG_FILE), &json).unwrap();
    assert!(Segmenter::load(path).is_ok());
    let weights = std::fs::read(path.join(WEIGHTS_FILE)).unwrap();
    std::fs::write(path.join(WEIGHTS_FILE), &weights[..weights.len() - 8]).unwrap();
    assert!(matches!(Segmenter::load(path), Err(Error::Network(_))));
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let refused = |config: SegmenterConfig| {
        let network = medmodels::create(&config.model, &Params::new(1)).unwrap();
        Segmenter::new(config, network).unwrap_err().to_string()
    };
    assert!(refused(config().with_mirror_axes([3])).contains("mirror_axes"));
    let rule = LabelRule::Regions(vec![1, 2]);
    assert!(refused(config().with_rule(rule)).contains("2 classes"));
    let mut flat = config();
    flat.model = ModelConfig::from(BasicUNetConfig::new_2d(1, 3));
    assert!(refused(flat).contains("window.roi"));
    let grid = *scan().geometry();
    let two = Image::<i16, 3>::zeros(2, grid).unwrap();
    let error = segmenter(1).segment(&two).unwrap_err();
    assert!(matches!(
        error,
        Error::Channels {
            expected: 1,
            got: 2
        }
    ));
}
