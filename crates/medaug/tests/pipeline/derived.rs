//! What is derived from a sample: odd shapes, things that are missing, what chance draws.

use medaug::{
    Boxes, BoxesToLabels, Compose, CoordinateChannels, DistanceTransform, Error,
    ExtremePointsChannel, GenerateHeatmap, HeatmapCentre, LabelledPoint, LabelsToBoxes, Layer, On,
    Operation, Points, RandomExtremePointsChannel, RandomMorphology, RandomRemovePart, Sample,
    SobelGradients, Step, Target,
};
use medcore::random::Key;
use medcore::{BoundingBox, Geometry, Image, LabelMap};

use crate::support::{blobs, oblique, sample};

fn line(values: &[f32]) -> Sample<2> {
    let grid = Geometry::axis_aligned([1, values.len()], [1.0, 2.0]).unwrap();
    Sample::new(Image::new(grid, values.to_vec()).unwrap())
}

#[test]
fn one_voxel_along_an_axis_lies_at_its_beginning() {
    let done = Operation::from(CoordinateChannels::default())
        .apply_to(line(&[7.0, 8.0, 9.0]))
        .unwrap();
    let wanted = [7.0, 8.0, 9.0, -0.5, -0.5, -0.5, -0.5, 0.0, 0.5];
    assert_eq!(done.image().as_slice(), wanted);
}

#[test]
fn an_image_that_is_all_object_has_no_depth() {
    let depth = Operation::from(DistanceTransform::default());
    assert!(matches!(
        depth.apply_to(line(&[1.0, 2.0])),
        Err(Error::InvalidParameter { .. })
    ));
    // What is not a number lies outside.
    let done = depth.apply_to(line(&[1.0, 1.0, f32::NAN, -1.0])).unwrap();
    assert_eq!(done.image().as_slice(), [4.0, 2.0, 0.0, 0.0]);
}

#[test]
fn gradients_of_a_ramp_are_its_slope_and_nothing_across() {
    let grid = Geometry::axis_aligned([5, 6], [1.0; 2]).unwrap();
    let ramp = (0..30).map(|i| 3.0 * (i % 6) as f32).collect::<Vec<_>>();
    let done = Operation::from(SobelGradients::default())
        .apply_to(Sample::new(Image::new(grid, ramp).unwrap()))
        .unwrap();
    let image = done.image();
    assert!(image.channel(0).iter().all(|&v| v == 0.0));
    for (i, &v) in image.channel(1).iter().enumerate() {
        let border = i % 6 == 0 || i % 6 == 5;
        assert_eq!(v, if border { 0.0 } else { 3.0 }, "{i}");
    }
    let refused = Compose::<2>::new(vec![
        SobelGradients {
            size: 4,
            ..SobelGradients::default()
        }
        .into(),
    ]);
    assert!(matches!(refused, Err(Error::InvalidParameter { .. })));
}

#[test]
fn a_landmark_outside_or_unknown_has_no_peak_and_one_between_voxels_keeps_its_place() {
    let mut points = vec![
        LabelledPoint::new([1.0, 2.25], 0),
        LabelledPoint::new([9.0, 2.0], 1),
        LabelledPoint::new([1.0, 1.0], 2),
    ];
    points[2].known = false;
    let grid = Geometry::axis_aligned([3, 6], [1.0; 2]).unwrap();
    let sample = Sample::new(Image::zeros(1, grid).unwrap()).with_points(Points::new(points));
    let heatmap = GenerateHeatmap {
        sigma_voxels: vec![1.0],
        centre: HeatmapCentre::Place,
        layer: "peaks".to_owned(),
    };
    let done = Operation::from(heatmap).apply_to(sample).unwrap();
    let Layer::Image(map) = &done.layers()["peaks"] else {
        panic!("an image");
    };
    assert!(map.channel(1).iter().all(|&v| v == 0.0));
    assert!(map.channel(2).iter().all(|&v| v == 0.0));
    // The logarithm of a Gaussian is a parabola, whose top lies at the landmark.
    let at = |column: usize| map.channel(0)[6 + column].ln();
    let [left, middle, right] = [1, 2, 3].map(at);
    let top = 2.0 + 0.5 * (left - right) / (left - 2.0 * middle + right);
    assert!((top - 2.25).abs() < 1e-4, "{top}");
    let missing = Compose::<2>::new(vec![GenerateHeatmap::default().into()])
        .unwrap()
        .apply(line(&[0.0]), Key::new(1));
    assert!(matches!(missing, Err(Error::MissingPoints { .. })));
}

#[test]
fn boxes_painted_and_found_again_are_the_same() {
    let grid = oblique([9, 12, 10]);
    let bounds = |low: [f64; 3], high: [f64; 3]| BoundingBox::new(low, high).unwrap();
    let boxes = Boxes::new([
        (bounds([0.5, 1.5, -0.5], [3.5, 5.5, 4.5]), 0),
        (bounds([4.5, 7.5, 5.5], [8.5, 11.5, 9.5]), 4),
    ]);
    let sample = Sample::new(Image::zeros(1, grid).unwrap()).with_boxes(boxes.clone());
    let painted = Operation::from(BoxesToLabels::default())
        .apply_to(sample)
        .unwrap();
    let found = Operation::from(LabelsToBoxes::default())
        .apply_to(painted)
        .unwrap();
    assert_eq!(found.boxes(), Some(&boxes));
}

#[test]
fn extreme_points_touch_the_border_of_the_object() {
    let before = sample([8, 13, 17]);
    let pipeline = Compose::new(vec![RandomExtremePointsChannel::default().into()]).unwrap();
    let (after, record) = pipeline.record(before.clone(), Key::new(5)).unwrap();
    assert_eq!(after.image().channels(), before.image().channels() + 1);
    let Operation::ExtremePointsChannel(ExtremePointsChannel { points, .. }) =
        &record.operations()[0]
    else {
        panic!("points");
    };
    assert_eq!(points.len(), 6);
    let labels = before.labels().unwrap();
    for point in points {
        let at = (point[0] * 13 + point[1]) * 17 + point[2];
        assert!(labels.as_slice()[at] > 0);
    }
    let empty = Sample::with_labels(
        before.image().clone(),
        LabelMap::background(*before.geometry()).unwrap(),
    );
    assert!(matches!(
        pipeline.apply(empty.unwrap(), Key::new(5)),
        Err(Error::EmptyMask { .. })
    ));
}

/// A sample whose layer is the segmentation of a coarse network.
fn cascade() -> Sample<3> {
    let grid = oblique([14, 20, 22]);
    Sample::new(Image::zeros(1, grid).unwrap())
        .with_layer("coarse", Layer::Labels(blobs(grid)))
        .unwrap()
}

fn on_coarse(inner: impl Into<Step>) -> Compose<3> {
    let on = On {
        target: Target::Layer("coarse".to_owned()),
        inner: inner.into(),
    };
    Compose::new(vec![Step::On(Box::new(on))]).unwrap()
}

#[test]
fn a_coarse_segmentation_is_spoilt_as_often_as_told_and_the_same_way_again() {
    let morphology = on_coarse(RandomMorphology::default());
    let parts = on_coarse(RandomRemovePart::default());
    let before = cascade();
    for (pipeline, often) in [(morphology, 0.4), (parts, 0.2)] {
        let mut changed = 0;
        for seed in 0..200 {
            let after = pipeline.apply(before.clone(), Key::new(seed)).unwrap();
            changed += usize::from(after != before);
            if seed < 10 {
                let (done, record) = pipeline.record(before.clone(), Key::new(seed)).unwrap();
                assert!(done == after);
                assert!(record.replay(before.clone()).unwrap() == after);
            }
        }
        let share = changed as f64 / 200.0;
        assert!((share - often).abs() < 0.11, "{share} instead of {often}");
    }
}

#[test]
fn bad_parameters_are_refused_when_a_pipeline_is_built() {
    let refused = |step: Step| {
        assert!(
            Compose::<3>::new(vec![step.clone()]).is_err(),
            "{}",
            step.name()
        );
    };
    refused(
        RandomMorphology {
            changes: vec![],
            ..RandomMorphology::default()
        }
        .into(),
    );
    refused(
        RandomRemovePart {
            largest_share: 0.0,
            ..RandomRemovePart::default()
        }
        .into(),
    );
    refused(CoordinateChannels { axes: vec![3] }.into());
    refused(
        RandomExtremePointsChannel {
            sigma_voxels: vec![-1.0],
            ..RandomExtremePointsChannel::default()
        }
        .into(),
    );
    refused(
        GenerateHeatmap {
            sigma_voxels: vec![0.0],
            ..GenerateHeatmap::default()
        }
        .into(),
    );
}
