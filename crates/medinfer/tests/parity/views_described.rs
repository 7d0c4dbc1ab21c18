//! Views as part of a description: what is refused, what is kept, and what a bundle tries.

use medaug::{
    Compose, Flip, Intensity, KeepLargest, Letterbox, Preprocess, RandomFlip, Rotate90,
    SelectChannels, Sequence, Step, Swap, Transpose,
};
use medcore::{Geometry, Image, LabelTable};
use medinfer::{
    Bundle, BundleWriter, Error, LabelRule, MeanOf, Predictor, Segmenter, SegmenterConfig, Silent,
    SlidingWindow, TestTimeAugmentation, Version,
};
use medmodels::basic_unet::BasicUNetConfig;
use mednn::params::Params;

use super::networks::{Function, image};
use super::views::view;

fn config() -> SegmenterConfig {
    let model = BasicUNetConfig::new_3d(1, 3).with_features([2, 2, 2, 2, 2, 2]);
    let preprocess = Preprocess {
        spacing: Some([3.0, 1.5, 1.5]),
        intensity: vec![Intensity::MinMax],
        ..Preprocess::monai()
    };
    let window = SlidingWindow::nnunet([16, 32, 32]);
    SegmenterConfig::new(model.into(), preprocess, window)
        .with_labels(LabelTable::new([("left", vec![1]), ("right", vec![2])]).unwrap())
        .unwrap()
}

fn mirrored() -> Compose<3> {
    let swap = Some(vec![(1, 2)]);
    let axes = vec![2];
    view([Flip { axes, swap }.into(), Rotate90::default().into()])
}

fn segmenter(config: SegmenterConfig, seed: u64) -> Segmenter<'static> {
    let network = medmodels::create(&config.model, &Params::new(seed)).unwrap();
    Segmenter::new(config, network).unwrap()
}

fn scan() -> Image<f32, 3> {
    let grid = Geometry::axis_aligned([9, 30, 26], [3.5, 1.2, 1.3]).unwrap();
    let voxels: Vec<f32> = (0..grid.len()).map(|i| (i * 7919 % 101) as f32).collect();
    Image::new(grid, voxels).unwrap()
}

#[test]
fn a_folder_and_a_bundle_hold_views() {
    let folder = tempfile::tempdir().unwrap();
    let described = config().with_views([mirrored()]);
    let described = described.with_mean_of(MeanOf::Logits);
    // An untrained network whose views make a difference.
    let first = (1..30)
        .map(|seed| {
            (
                segmenter(described.clone(), seed),
                segmenter(config(), seed),
            )
        })
        .find(|(a, b)| a.segment(&scan()).unwrap() != b.segment(&scan()).unwrap())
        .unwrap()
        .0;
    let labels = first.segment(&scan()).unwrap();
    assert_eq!(labels.geometry(), scan().geometry());
    first.save(folder.path().join("model")).unwrap();
    let loaded = Segmenter::load(folder.path().join("model")).unwrap();
    assert_eq!(loaded.config(), &described);
    assert_eq!(loaded.segment(&scan()).unwrap(), labels);
    let prepared = loaded.prepare(&scan()).unwrap();
    let apart = loaded.uncertainty_prepared(&prepared, &Silent).unwrap();
    assert_eq!((apart.answers, apart.mean.channels()), (2, 3));
    assert_eq!(apart.mean.geometry(), prepared.image.geometry());
    assert!(apart.variance.as_slice().iter().any(|&v| v > 0.0));

    let place = folder.path().join("bundle");
    let golden = scan();
    BundleWriter::new(&first, "sides", Version::new(0, 1, 0))
        .with_golden(&golden, 1e-3)
        .write(&place)
        .unwrap();
    let bundle = Bundle::load(&place).unwrap();
    assert_eq!(
        bundle.segmenter().unwrap().segment(&scan()).unwrap(),
        labels
    );
}

#[test]
fn a_description_without_views_is_one_of_before() {
    let json = serde_json::to_value(config()).unwrap();
    assert!(json.get("views").is_none() && json.get("mean_of").is_none());
    let read: SegmenterConfig = serde_json::from_value(json.clone()).unwrap();
    assert_eq!((read.views.len(), read.mean_of), (0, MeanOf::Probabilities));
    let several = serde_json::to_value(config().with_views([mirrored()])).unwrap();
    assert_eq!(several["views"][0][0]["Flip"]["axes"][0], 2);
    let mut wrong = several.clone();
    wrong["views"][0][0]["Flip"]["axis"] = 2.into();
    assert!(serde_json::from_value::<SegmenterConfig>(wrong).is_err());
    let mut wrong = json;
    wrong["view"] = several["views"].clone();
    assert!(serde_json::from_value::<SegmenterConfig>(wrong).is_err());
    // Without views both ways are one, to the bit.
    let segmenter = segmenter(config(), 3);
    let prepared = segmenter.prepare(&scan()).unwrap();
    let plain = segmenter.predictor().unwrap();
    let labels = plain.labels_of_scan(&prepared, &LabelRule::Argmax, &Silent);
    assert_eq!(segmenter.segment(&scan()).unwrap(), labels.unwrap());
}

#[test]
fn what_cannot_be_led_back_is_refused_by_name() {
    let refused = |steps: Vec<Step>| {
        let config = config().with_views([view(steps)]);
        config.check().unwrap_err().to_string()
    };
    let swap = Swap {
        size: vec![2],
        pairs: vec![],
    };
    for (name, step) in [
        ("RandomFlip", RandomFlip::default().into()),
        ("KeepLargest", KeepLargest::default().into()),
        ("Swap", Step::from(Sequence(vec![swap.into()]))),
    ] {
        let error = refused(vec![Rotate90::default().into(), step]);
        assert!(error.contains(name), "{error}");
    }
    let two = SelectChannels {
        channels: vec![0, 0],
    };
    assert!(refused(vec![two.into()]).contains("1 channels, the image has 2"));
    let stranger = Flip {
        axes: vec![2],
        swap: Some(vec![(1, 3)]),
    };
    assert!(refused(vec![stranger.into()]).contains("of 3"));
    let regions = config().with_rule(LabelRule::Regions(vec![1, 2, 3]));
    let error = regions.with_views([mirrored()]).check().unwrap_err();
    assert!(error.to_string().contains("regions"), "{error}");

    let network = Function::identity();
    let predictor = Predictor::new(&network, SlidingWindow::monai([8, 8])).unwrap();
    let boxed = Letterbox::new([8, 8]);
    let error = TestTimeAugmentation::new(predictor, [view::<2>([boxed.into()])]).unwrap_err();
    assert!(error.to_string().contains("Letterbox"), "{error}");
}

#[test]
fn turns_of_planes_of_unequal_spacing_are_refused() {
    let network = Function::identity();
    let grid = Geometry::axis_aligned([6, 6, 6], [3.0, 1.0, 1.0]).unwrap();
    let scan = image(2, [6, 6, 6]).with_geometry(grid).unwrap();
    let seen = |step: Step| {
        let predictor = Predictor::new(&network, SlidingWindow::monai([6; 3])).unwrap();
        let several = TestTimeAugmentation::new(predictor, [view([step])]).unwrap();
        several.mean(&scan, &LabelRule::Argmax, &Silent)
    };
    let across = Rotate90 {
        turns: 1,
        axes: vec![0, 1],
    };
    let error = seen(across.clone().into()).unwrap_err();
    assert!(matches!(error, Error::Setting { .. }) && error.to_string().contains("Rotate90"));
    let error = seen(Transpose::new([2, 1, 0]).into()).unwrap_err();
    assert!(error.to_string().contains("Transpose"), "{error}");
    // Half a turn leaves every axis where it was.
    seen(Rotate90 { turns: 2, ..across }.into()).unwrap();
    seen(Rotate90::default().into()).unwrap();
}
